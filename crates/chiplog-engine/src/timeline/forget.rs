//! Keys that have been idle for long are forgotten: names of pods come and go, and a stream may last
//! for months. Whether they are or not shows in nothing that is reported, unless a line is more than
//! a day behind its host.

use std::cmp::Ordering;

use super::{KeyState, Timeline};
use crate::companions::{Track, Tracks};

/// Lines that are further behind their host than this may find what they belong to forgotten.
pub(crate) const MEMORY_NANOS: i64 = 86_400_000_000_000;

/// New keys before idle ones are looked for, at least. Beyond, as many as were kept the last time,
/// so that the work for each new key is bounded.
pub(super) const SWEEP_AFTER: usize = 1_000;

impl Timeline {
    /// Forgets idle keys if enough new ones have come. Whether keys have other numbers now.
    pub(super) fn sweep_if_due(&mut self) -> bool {
        let is_due = self.wanted_keys >= self.sweep_after;
        if is_due {
            self.forget_idle();
            self.wanted_keys = 0;
            self.sweep_after = self.keys.len().max(SWEEP_AFTER);
        }
        is_due
    }

    fn forget_idle(&mut self) {
        let mut new_ids = vec![None; self.keys.len()];
        let mut kept = 0;
        for (key, state) in self.keys.iter().enumerate() {
            if self.is_idle(key, state) {
                if let Some(tally) = self.tallies.get_mut(&state.rule) {
                    tally.keys = tally.keys.saturating_sub(1);
                }
            } else {
                new_ids[key] = Some(kept);
                kept += 1;
            }
        }
        let mut keys = std::mem::take(&mut self.keys);
        let mut number = 0;
        keys.retain(|_| {
            number += 1;
            new_ids[number - 1].is_some()
        });
        self.keys = keys;
        self.key_ids.retain(|_, id| match new_ids[*id] {
            Some(new) => {
                *id = new;
                true
            }
            None => false,
        });
        for watch in &mut self.watches {
            watch.due.renumber(&new_ids);
            watch.unannounced.renumber(&new_ids);
            watch.ahead.retain_mut(|(key, _)| {
                let new = new_ids[*key];
                *key = new.unwrap_or(*key);
                new.is_some()
            });
        }
        self.forget_tracks(&new_ids);
    }

    /// Forgets the tracks that no key has to do with and whose last hit was long ago.
    fn forget_tracks(&mut self, new_keys: &[Option<usize>]) {
        let mut is_kept = vec![false; self.tracks.all.len()];
        for state in &self.keys {
            state.companions.iter().chain(&state.asked_by).for_each(|track| is_kept[*track] = true);
        }
        let mut tracks = Tracks::default();
        let mut new_ids = vec![0; is_kept.len()];
        for (id, track) in std::mem::take(&mut self.tracks.all).into_iter().enumerate() {
            let plan = &self.plans[track.key.asker];
            let matters = plan.longest_since_nanos.max(track.window.retention_nanos());
            let latest = track.window.latest();
            // A margin for keys that are judged behind their host.
            let matters = matters.saturating_add(MEMORY_NANOS);
            if is_kept[id] || !self.is_long_ago(track.key.host, latest, matters) {
                new_ids[id] = tracks.all.len();
                let followers = track.followers.iter().filter_map(|key| new_keys[*key]).collect();
                tracks.put_back(Track { followers, ..track });
            }
        }
        self.tracks = tracks;
        for state in &mut self.keys {
            let tracks = state.companions.iter_mut().chain(&mut state.asked_by);
            tracks.for_each(|track| *track = new_ids[*track]);
        }
    }

    fn is_idle(&self, key: usize, state: &KeyState) -> bool {
        let watch = &self.watches[state.host];
        !state.is_early
            && [&state.episode, &state.pending, &state.announced].into_iter().all(Option::is_none)
            && state.last_hit.is_none()
            && watch.due.time_of(key).is_none()
            && watch.unannounced.time_of(key).is_none()
            && watch.ahead.iter().all(|(held, _)| *held != key)
            && self.is_long_ago(state.host, state.window.latest(), state.window.retention_nanos())
    }

    /// Whether what a host did at a time matters no more, if it is looked at for so long.
    fn is_long_ago(&self, host: usize, time: i64, matters_nanos: i64) -> bool {
        let over = time.saturating_add(matters_nanos).saturating_add(MEMORY_NANOS);
        self.placement.hosts[host].progress.latest().is_some_and(|reached| over < reached)
    }

    /// An order of keys that does not depend on their numbers.
    pub(super) fn order(&self, left: usize, right: usize) -> Ordering {
        let of = |key: usize| {
            let state = &self.keys[key];
            (state.rule, state.host, &state.labels)
        };
        if left == right { Ordering::Equal } else { of(left).cmp(&of(right)) }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::sync::Arc;

    use chiplog_parse::{Clock, UnixNanos};
    use chiplog_rules::RuleSet;
    use proptest::prelude::*;

    use super::*;
    use crate::plan::{RulePlan, TimeRange};
    use crate::{Block, InputOptions, Notice, Origin, ScanMode, Scanner};

    const RULES: &str = r#"
[[rule]]
id = "each"
match = "boom"
take = { who = 'who=(\w+)' }
window = { by = ["who"], span = "10m" }
open = "count >= 2"
close = "count == 0 for 20m"

[[rule]]
id = "held"
match = "boom"
take = { who = 'who=(\w+)', took = 'took (\S+)' }
window = { by = ["who"], span = "30m" }
open = "max(took) > 2s"
for = "5m"
close = "not max(took) > 2s for 20m"

[[rule]]
id = "after"
match = "took 1"
take = { who = 'who=(\w+)' }
window = { by = ["who"], span = "1h" }
open = "since(each) > 10m and count >= 1 or ratio(each) > 60%"
close = "since(each) > 20m"

[[rule]]
id = "lasting"
match = "boom"
take = { who = 'who=(\w+)' }
window = { by = ["who"], span = "1h" }
open = "lasting > 90m"

[[rule]]
id = "gone"
match = "took 3"
take = { who = 'who=(\w+)' }
window = { by = ["who"] }
open = "absent for 2h"

[[rule]]
id = "once"
match = "boom"
take = { who = 'who=(\w+)', took = { regex = 'took (\w+)', type = "text" } }
once = { by = ["took"], within = "4m" }
window = { by = ["who"], span = "2h" }
open = "distinct(took) >= 2"
"#;

    /// What a log comes to if idle keys are looked for at each block, or never.
    fn outcome(rules: &RuleSet, log: &[u8], forgets: bool) -> (Vec<String>, String, usize) {
        let plans: Arc<Vec<RulePlan>> = Arc::new(RulePlan::of_set(rules));
        let clock = Clock::from_year(2019).with_utc_offset_seconds(0);
        let input = InputOptions { name: Arc::from("log"), clock, is_live: true, origin: Origin::default() };
        let mut timeline = Timeline::new(rules, &plans, &input, TimeRange::default());
        let mut scanner = Scanner::new(rules, ScanMode::Sparse, true);
        let mut notices = vec![];
        let mut on_notice = |notice: Notice<'_>| notices.push(format!("{notice:?}"));
        let mut offset = 0;
        for lines in log.split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>().chunks(20) {
            timeline.sweep_after = if forgets { 1 } else { usize::MAX };
            let block = Block { offset, bytes: lines.concat(), ..Block::default() };
            offset = block.end_offset();
            timeline.absorb(&block, &scanner.scan(&block), &mut on_notice);
        }
        let keys = timeline.keys.len();
        let mut outcome = timeline.finish(&mut on_notice);
        // As a summary has them.
        outcome
            .findings
            .sort_by_key(|finding| (finding.first_time, finding.rule_id.clone(), finding.group.clone()));
        outcome.sightings.sort_by_key(|seen| (seen.first_time, seen.rule_id.clone(), seen.group.clone()));
        let told = (outcome.findings, outcome.sightings, outcome.totals);
        (notices, format!("{told:#?}"), keys)
    }

    fn log(lines: &[(u16, i64, u16)]) -> Vec<u8> {
        let mut log = String::new();
        let mut seconds: i64 = 1_577_836_200;
        for (who, step, took) in lines {
            seconds += step;
            let at = UnixNanos(seconds * 1_000_000_000).to_string();
            let _ = writeln!(log, "{at} stderr F boom who=w{who} took {took}s");
        }
        log.into_bytes()
    }

    fn lines() -> impl Strategy<Value = Vec<(u16, i64, u16)>> {
        // Pods come and go: names are drawn from a window that moves on.
        let step = prop_oneof![8 => 0..120i64, 6 => 100..4_000i64, 1 => Just(100_000), 1 => -300..0i64];
        prop::collection::vec((0..60u16, step, 0..5u16), 400..700).prop_map(|mut lines| {
            lines.iter_mut().enumerate().for_each(|(index, line)| line.0 += index as u16 / 2);
            lines
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

        #[test]
        fn what_is_forgotten_shows_in_nothing(lines in lines()) {
            let rules = RuleSet::load([("test.toml", RULES)]).unwrap().set;
            let log = log(&lines);
            let (notices, told, all) = outcome(&rules, &log, false);
            let (forgetful_notices, forgetful_told, kept) = outcome(&rules, &log, true);
            prop_assert_eq!(forgetful_notices, notices);
            prop_assert_eq!(forgetful_told, told);
            prop_assert!(kept < all, "{} of {}", kept, all);
        }
    }

    #[test]
    fn keys_that_come_and_go_do_not_add_up() {
        let rules =
            "[[rule]]\nid = 'each'\nmatch = 'boom'\ntake = { who = 'who=(\\w+)' }\nwindow = { by = ['who'] }";
        let rules = RuleSet::load([("test.toml", rules)]).unwrap().set;
        let plans: Arc<Vec<RulePlan>> = Arc::new(RulePlan::of_set(&rules));
        let clock = Clock::unknown();
        let input = InputOptions { name: Arc::from("log"), clock, is_live: true, origin: Origin::default() };
        let mut timeline = Timeline::new(&rules, &plans, &input, TimeRange::default());
        let mut scanner = Scanner::new(&rules, ScanMode::Sparse, true);
        let mut offset = 0;
        // Two pods a minute, for three weeks: three times as many as may be told apart at once.
        for day in 0..21i64 {
            let lines: Vec<(u16, i64, u16)> = (0..2_880).map(|pod| (pod, 30, day as u16)).collect();
            let log = String::from_utf8(log(&lines)).unwrap().replace("who=w", &format!("who=d{day}w"));
            let shift = format!("2020-01-{:02}T", day + 1);
            let log = log
                .replace("2019-12-31T", &shift)
                .replace("2020-01-01T", &format!("2020-01-{:02}T", day + 2));
            let block = Block { offset, bytes: log.into_bytes(), ..Block::default() };
            offset = block.end_offset();
            timeline.absorb(&block, &scanner.scan(&block), &mut |_| {});
            timeline.take_closed();
            assert!(timeline.keys.len() < 10_000 && timeline.keys.iter().all(|key| !key.is_shared));
        }
        let outcome = timeline.outcome(0);
        assert_eq!(outcome.totals[&0].hits, 21 * 2_880);
    }
}
