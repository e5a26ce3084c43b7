//! Hits that tell of one occurrence.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::plan::RulePlan;
use crate::timeline::MEMORY_NANOS;

/// Hits that are remembered. Beyond, one may count twice.
const MAX_REMEMBERED: usize = 65_536;

/// What hits are compared by: rule, host, and the hash of what makes an occurrence.
type OnceKey = (usize, usize, u64);

/// The last hits that counted, of rules that count an occurrence once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Occurrences {
    counted: HashMap<OnceKey, i64>,
    /// In source order, each with the time after which it does not matter.
    order: VecDeque<(OnceKey, i64, i64)>,
}

impl Occurrences {
    /// Whether a hit is a new occurrence, as every hit is of a rule that does not say how near two
    /// of one are. It then counts.
    pub(crate) fn is_new(&mut self, plan: &RulePlan, host: usize, hash: Option<u64>, time: i64) -> bool {
        match (plan.once_nanos, hash) {
            (Some(within_nanos), Some(hash)) => self.is_apart((plan.rule, host, hash), time, within_nanos),
            _ => true,
        }
    }

    fn of_order(order: VecDeque<(OnceKey, i64, i64)>) -> Self {
        Self { counted: order.iter().map(|(key, time, _)| (*key, *time)).collect(), order }
    }

    /// The same with rules renumbered; `None` leaves out.
    pub(crate) fn renumbered(&self, rule: impl Fn(usize) -> Option<usize>) -> Self {
        let order = self.order.iter().filter_map(|((old, host, hash), time, expires)| {
            Some(((rule(*old)?, *host, *hash), *time, *expires))
        });
        Self::of_order(order.collect())
    }

    /// Whether the last hit of a key that counted is not within `within_nanos`, before or after.
    fn is_apart(&mut self, key: OnceKey, time: i64, within_nanos: i64) -> bool {
        let last = self.counted.get(&key);
        if last.is_some_and(|last| last.abs_diff(time) <= within_nanos.unsigned_abs()) {
            return false;
        }
        self.counted.insert(key, time);
        let expires = time.saturating_add(within_nanos).saturating_add(MEMORY_NANOS);
        self.order.push_back((key, time, expires));
        if self.order.len() > MAX_REMEMBERED {
            self.forget_first();
        }
        // Two for one: what has expired goes, however much has come together.
        for _ in 0..2 {
            if self.order.front().is_some_and(|(_, _, expires)| *expires < time) {
                self.forget_first();
            }
        }
        true
    }

    fn forget_first(&mut self) {
        if let Some((key, time, _)) = self.order.pop_front()
            && self.counted.get(&key) == Some(&time)
        {
            self.counted.remove(&key);
        }
    }
}

/// The order says it all.
impl Serialize for Occurrences {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.order.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Occurrences {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        VecDeque::deserialize(deserializer).map(Self::of_order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_runs_from_the_last_hit_that_counted() {
        let mut occurrences = Occurrences::default();
        let mut is_new = |key, time| occurrences.is_apart((0, 0, key), time, 10);
        let times = [0, 9, 10, 11, 15, 21, 22, 12];
        assert_eq!(times.map(|time| is_new(7, time)), [true, false, false, true, false, false, true, false]);
        assert!(is_new(8, 12));
    }

    #[test]
    fn what_has_expired_is_forgotten() {
        let mut occurrences = Occurrences::default();
        assert!((0..1_000).all(|key| occurrences.is_apart((0, 0, key), 0, 10)));
        for hit in 0..500 {
            assert!(occurrences.is_apart((0, 0, 7), MEMORY_NANOS + 20 + 100 * hit, 10));
        }
        assert!(occurrences.counted.len() < 10 && occurrences.order.len() < 502);
    }

    #[test]
    fn memory_is_bounded() {
        let mut occurrences = Occurrences::default();
        let keys = 2 * MAX_REMEMBERED as u64;
        assert!((0..keys).all(|key| occurrences.is_apart((0, 0, key), 0, 10)));
        assert_eq!(occurrences.counted.len(), MAX_REMEMBERED);
        assert!(!occurrences.is_apart((0, 0, keys - 1), 0, 10));
        assert!(occurrences.is_apart((0, 0, 0), 0, 10));
    }
}
