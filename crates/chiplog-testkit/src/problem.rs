//! What can be planted in a log, and what is counted of it.

/// A problem that the generator plants and the oracle finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    /// etcd says that a request took too long. The value is how long, in nanoseconds.
    EtcdSlowApply,
    /// The kubelet finds volumes of pods that are gone. The value is the total it names.
    OrphanedPodVolumes,
    /// The kernel kills a process of a container at its memory limit. No value.
    OomKill,
    /// dockerd cannot find a container that runs. No value.
    ContainerNotFound,
    /// A liveness or readiness probe fails. No value.
    ProbeFailed,
}

impl Problem {
    /// All of them, in order.
    pub const ALL: [Problem; 5] = [
        Problem::EtcdSlowApply,
        Problem::OrphanedPodVolumes,
        Problem::OomKill,
        Problem::ContainerNotFound,
        Problem::ProbeFailed,
    ];

    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

/// What the lines of one problem add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines.
    pub hits: u64,
    /// Sum of the values, in the unit of the [`Problem`].
    pub sum: u128,
    /// Smallest value; `None` without values.
    pub min: Option<u64>,
    /// Largest value; `None` without values.
    pub max: Option<u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, value: Option<u64>) {
        self.hits += 1;
        if let Some(value) = value {
            self.sum += u128::from(value);
            self.min = Some(self.min.map_or(value, |min| min.min(value)));
            self.max = Some(self.max.map_or(value, |max| max.max(value)));
        }
    }
}
