//! What a generated log is like.

/// What stands around the lines of the programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// `journalctl -o short`: kubelet, etcd, dockerd, containerd, kernel, systemd and others mixed.
    JournalShort,
    /// The files of containerd and CRI-O, partial lines aside.
    Cri,
    /// The json-file log of docker.
    DockerJson,
    /// None: each line as its program writes it.
    None,
}

/// How many lines in a million are of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// [`Problem::EtcdSlowApply`](crate::Problem::EtcdSlowApply).
    pub etcd_slow_apply: u32,
    /// [`Problem::OrphanedPodVolumes`](crate::Problem::OrphanedPodVolumes).
    pub orphaned_pod_volumes: u32,
    /// [`Problem::OomKill`](crate::Problem::OomKill); a line of context comes before each.
    pub oom_kill: u32,
    /// [`Problem::ContainerNotFound`](crate::Problem::ContainerNotFound).
    pub container_not_found: u32,
    /// [`Problem::ProbeFailed`](crate::Problem::ProbeFailed).
    pub probe_failed: u32,
    /// Lines that merely mention a problem: a key of etcd that holds the words of a slow request.
    pub decoys: u32,
    /// Lines of no format: invalid UTF-8, NULs, half an object, one of 300 kB now and then.
    pub garbage: u32,
}

/// What a generated log is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What stands around the lines.
    pub envelope: Envelope,
    /// Time of the first line, in microseconds since 1970-01-01T00:00:00Z.
    pub start_unix_micros: u64,
    /// Zone of the node, in seconds east of UTC; klog and journal lines are in it, etcd is in UTC.
    pub zone_offset_seconds: u32,
    /// Mean time between lines, in microseconds.
    pub step_micros: u64,
    /// A line may be this much older than the one before it, in microseconds.
    pub jitter_micros: u64,
    /// What is planted.
    pub shares: Shares,
    /// Median of the durations of slow requests, in nanoseconds. None is below 100 ms.
    pub slow_median_nanos: u64,
    /// Their spread: one standard deviation is a factor of 2^(this / 1000).
    pub slow_sigma_milli_octaves: u32,
}

impl Profile {
    /// A node on which all is well, from 2019-05-21T08:45:28Z on, at UTC+8.
    #[must_use]
    pub fn healthy() -> Profile {
        Profile {
            envelope: Envelope::JournalShort,
            start_unix_micros: 1_558_428_328_353_927,
            zone_offset_seconds: 8 * 3600,
            step_micros: 17_000,
            jitter_micros: 0,
            shares: Shares::default(),
            slow_median_nanos: 180_000_000,
            slow_sigma_milli_octaves: 1600,
        }
    }

    /// A node with every problem there is, and a little garbage: one line in twenty is sick.
    #[must_use]
    pub fn sick() -> Profile {
        let shares = Shares {
            etcd_slow_apply: 20_000,
            orphaned_pod_volumes: 15_000,
            oom_kill: 1_000,
            container_not_found: 4_000,
            probe_failed: 10_000,
            decoys: 0,
            garbage: 200,
        };
        Profile { shares, ..Profile::healthy() }
    }

    /// The same with another envelope.
    #[must_use]
    pub fn in_envelope(self, envelope: Envelope) -> Profile {
        Profile { envelope, ..self }
    }

    /// The same, beginning five seconds before the year of the node ends.
    #[must_use]
    pub fn across_new_year(self) -> Profile {
        let new_year_unix_seconds = 1_577_836_800 - u64::from(self.zone_offset_seconds);
        Profile { start_unix_micros: (new_year_unix_seconds - 5) * 1_000_000, ..self }
    }
}
