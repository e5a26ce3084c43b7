//! When to look at what again.

use std::collections::{BTreeSet, HashMap};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Keys with the time at which each is next worth a look. Thousands of open findings cost nothing
/// until their time comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    by_time: BTreeSet<(i64, usize)>,
    times: HashMap<usize, i64>,
}

impl Agenda {
    /// Puts a key down for a time, instead of the one that it had; `None` strikes it off.
    pub(crate) fn set(&mut self, key: usize, time: Option<i64>) {
        let before = match time {
            Some(time) => self.times.insert(key, time),
            None => self.times.remove(&key),
        };
        if before == time {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, key));
        }
        if let Some(time) = time {
            self.by_time.insert((time, key));
        }
    }

    /// The time that a key is down for.
    pub(crate) fn time_of(&self, key: usize) -> Option<i64> {
        self.times.get(&key).copied()
    }

    /// Gives keys other numbers; those without one are struck off.
    pub(crate) fn renumber(&mut self, new_keys: &[Option<usize>]) {
        let renumbered = self.by_time.iter().filter_map(|(time, key)| Some((*time, new_keys[*key]?)));
        self.by_time = renumbered.collect();
        self.times = self.by_time.iter().map(|(time, key)| (*key, *time)).collect();
    }

    /// All times and keys, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, usize)> {
        self.by_time.iter().copied()
    }

    /// Takes the earliest key off whose time is `until` or before.
    pub(crate) fn pop(&mut self, until: i64) -> Option<(i64, usize)> {
        let first = self.by_time.first().copied().filter(|(time, _)| *time <= until)?;
        self.set(first.1, None);
        Some(first)
    }
}

/// The times say it all.
impl Serialize for Agenda {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_time.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Agenda {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let by_time = BTreeSet::<(i64, usize)>::deserialize(deserializer)?;
        let times: HashMap<usize, i64> = by_time.iter().map(|(time, key)| (*key, *time)).collect();
        if times.len() < by_time.len() {
            return Err(D::Error::custom("a key has two times"));
        }
        Ok(Self { by_time, times })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_one_time() {
        let mut agenda = Agenda::default();
        agenda.set(7, Some(30));
        agenda.set(3, Some(20));
        agenda.set(7, Some(10));
        agenda.set(5, Some(10));
        agenda.set(4, Some(15));
        agenda.set(4, None);
        assert_eq!(agenda.pop(9), None);
        let popped: Vec<_> = std::iter::from_fn(|| agenda.pop(20)).collect();
        assert_eq!(popped, [(10, 5), (10, 7), (20, 3)]);
        assert!(agenda.times.is_empty() && agenda.by_time.is_empty());
    }
}
