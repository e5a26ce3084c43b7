//! How long hits have been coming without a break.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Earlier runs that are remembered: a late hit may close the break between two.
const MAX_RUNS: usize = 16;

/// Runs of hits: first and last time of each, in order. Two runs are further apart than the gap
/// that ends a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Runs(VecDeque<(i64, i64)>);

impl Runs {
    /// Adds a hit; a run ends where two hits are further apart than `gap`.
    pub(crate) fn add(&mut self, time: i64, gap: i64) {
        let start = self.0.partition_point(|(_, last)| last.saturating_add(gap) < time);
        let end = self.0.partition_point(|(first, _)| *first <= time.saturating_add(gap));
        let joined = self.0.drain(start..end.max(start));
        let run = joined.fold((time, time), |run, (first, last)| (run.0.min(first), run.1.max(last)));
        self.0.insert(start, run);
        if self.0.len() > MAX_RUNS {
            self.0.pop_front();
        }
    }

    /// The length of the run that is going on at `now`: its last hit is younger than `gap`.
    pub(crate) fn present(&self, gap: i64, now: i64) -> Option<i128> {
        let (first, last) = *self.0.back()?;
        (last > now.saturating_sub(gap)).then(|| i128::from(last) - i128::from(first))
    }
}
