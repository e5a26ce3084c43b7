//! The generator and its truth.

use crate::payload::{self, Program};
use crate::world::World;
use crate::{Envelope, Problem, Profile, Tally, envelope};

/// Writes a log, line by line, and remembers what it planted.
pub struct Generator {
    world: World,
    profile: Profile,
    truth: Truth,
    /// The time without jitter, in microseconds since 1970.
    clock_micros: u64,
    /// The line of the program, without what stands around it.
    payload: Vec<u8>,
}

/// What is in the lines written so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// Lines of every kind.
    pub lines: u64,
    /// Lines of no format.
    pub garbage_lines: u64,
    /// Lines that only mention a problem.
    pub decoys: u64,
    tallies: [Tally; Problem::ALL.len()],
    times: [Option<(u64, u64)>; Problem::ALL.len()],
}

impl Truth {
    /// What was planted of a problem.
    #[must_use]
    pub fn tally(&self, problem: Problem) -> Tally {
        self.tallies[problem.index()]
    }

    /// The earliest and the latest time in the lines of a problem, in microseconds since 1970, as
    /// exactly as the lines say it: lines of the kernel in journal text have whole seconds.
    #[must_use]
    pub fn times_unix_micros(&self, problem: Problem) -> Option<(u64, u64)> {
        self.times[problem.index()]
    }
}

impl Generator {
    /// A log that is given by `seed` and `profile`.
    #[must_use]
    pub fn new(seed: u64, profile: Profile) -> Generator {
        Generator {
            world: World::new(seed, &profile),
            profile,
            truth: Truth::default(),
            clock_micros: profile.start_unix_micros,
            payload: Vec::new(),
        }
    }

    /// What is in the lines written so far.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Appends whole lines until `out` has grown by at least `bytes`.
    ///
    /// The log does not depend on how it is cut: two calls give what one would.
    pub fn append(&mut self, out: &mut Vec<u8>, bytes: usize) {
        let end = out.len() + bytes;
        while out.len() < end {
            self.line(out);
        }
    }

    /// Appends one line, or the two lines of a kill.
    pub fn line(&mut self, out: &mut Vec<u8>) {
        self.tick();
        let shares = self.profile.shares;
        let mut roll = self.world.rng.below(1_000_000) as u32;
        let mut falls_in = |share: u32| {
            let inside = roll < share;
            roll = if inside { u32::MAX } else { roll - share };
            inside
        };
        if falls_in(shares.etcd_slow_apply) {
            let duration_nanos = self.slow_nanos();
            let program = payload::slow_apply(&mut self.world, duration_nanos, &mut self.payload);
            self.plant(Problem::EtcdSlowApply, Some(duration_nanos), program, out);
        } else if falls_in(shares.orphaned_pod_volumes) {
            let total = 1 + self.world.rng.below(200);
            let program = payload::orphaned(&mut self.world, total, &mut self.payload);
            self.plant(Problem::OrphanedPodVolumes, Some(total), program, out);
        } else if falls_in(shares.oom_kill) {
            let program = payload::oom_context(&mut self.world, &mut self.payload);
            self.finish(program, out);
            let program = payload::oom_kill(&mut self.world, &mut self.payload);
            self.plant(Problem::OomKill, None, program, out);
        } else if falls_in(shares.container_not_found) {
            let program = payload::container_not_found(&mut self.world, &mut self.payload);
            self.plant(Problem::ContainerNotFound, None, program, out);
        } else if falls_in(shares.probe_failed) {
            let program = payload::probe_failed(&mut self.world, &mut self.payload);
            self.plant(Problem::ProbeFailed, None, program, out);
        } else if falls_in(shares.decoys) {
            let program = payload::decoy(&mut self.world, &mut self.payload);
            self.truth.decoys += 1;
            self.finish(program, out);
        } else if falls_in(shares.garbage) {
            payload::garbage(&mut self.world, &mut self.payload);
            self.truth.garbage_lines += 1;
            self.truth.lines += 1;
            out.append(&mut self.payload);
            out.push(b'\n');
        } else {
            let on_node = self.profile.envelope == Envelope::JournalShort;
            let program = payload::healthy(&mut self.world, on_node, &mut self.payload);
            self.finish(program, out);
        }
    }

    fn tick(&mut self) {
        let rng = &mut self.world.rng;
        self.clock_micros += rng.below(2 * self.profile.step_micros + 1);
        let behind = rng.below(self.profile.jitter_micros + 1);
        self.world.now.set(self.clock_micros.saturating_sub(behind));
    }

    /// A duration as etcd would report it: above its threshold, to the nanosecond.
    fn slow_nanos(&mut self) -> u64 {
        const THRESHOLD_NANOS: u64 = 100_000_000;
        let above = self.profile.slow_median_nanos.saturating_sub(THRESHOLD_NANOS).max(1);
        let sigma = self.profile.slow_sigma_milli_octaves;
        (THRESHOLD_NANOS + self.world.rng.log_normal(above, sigma)).min(3_600_000_000_000)
    }

    fn plant(&mut self, problem: Problem, value: Option<u64>, program: Program, out: &mut Vec<u8>) {
        let mut time = self.world.now.unix_micros;
        if self.profile.envelope == Envelope::JournalShort && program == Program::Kernel {
            time -= time % 1_000_000;
        }
        let index = problem.index();
        self.truth.tallies[index].add(value);
        let (first, last) = self.truth.times[index].unwrap_or((time, time));
        self.truth.times[index] = Some((first.min(time), last.max(time)));
        self.finish(program, out);
    }

    /// Writes the payload in its envelope.
    fn finish(&mut self, program: Program, out: &mut Vec<u8>) {
        let now = &self.world.now;
        if program == Program::Kernel && self.profile.envelope != Envelope::JournalShort {
            let (seconds, micros) = now.since_boot();
            let prefix = format!("[{seconds:5}.{micros:06}] ");
            self.payload.splice(..0, prefix.bytes());
        }
        envelope::wrap(self.profile.envelope, now, program, &self.payload, out);
        self.payload.clear();
        self.truth.lines += 1;
    }
}
