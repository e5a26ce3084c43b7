//! When a finding opens, told from the definitions of the measures by looking at every moment.

use std::collections::HashSet;
use std::fmt::Write;

use chiplog_parse::{Clock, UnixNanos};
use chiplog_rules::{Comparison, Expr, Limit, Measure, Rule, RuleSet};
use proptest::prelude::*;

use crate::support::{blocks_of, scan, sparse};

const SECOND: i64 = 1_000_000_000;

/// 21 May 2019, 10:00.
const START: i64 = 1_558_432_800 * SECOND;

#[derive(Clone, Debug)]
struct Event {
    /// Since the start of the log.
    time: i64,
    /// Of the rule that is judged, else of the one that it compares with.
    is_own: bool,
    who: u8,
    repeats: u8,
    text: u8,
}

/// The hits that a key has seen.
struct Naive<'r> {
    rule: &'r Rule,
    own: Vec<Event>,
    other: Vec<Event>,
}

impl Naive<'_> {
    fn measure(&self, comparison: &Comparison, now: i64) -> Option<(i128, i128)> {
        let span = self.rule.window.span_nanos;
        let length = comparison.over_nanos.unwrap_or(span);
        let inside = |events: &[Event]| -> Vec<Event> {
            events.iter().filter(|event| event.time > now - length).cloned().collect()
        };
        let occurrences =
            |events: &[Event]| -> i128 { inside(events).iter().map(|event| i128::from(event.repeats)).sum() };
        let limit = match comparison.limit {
            Limit::Value(limit) => i128::from(limit),
            Limit::Rate { count, per_nanos } => i128::from(count) * 1_000_000_000_000 / i128::from(per_nanos),
            _ => return None,
        };
        let last = |events: &[Event]| events.last().map(|event| event.time);
        let amount = match comparison.measure {
            Measure::Count => occurrences(&self.own),
            Measure::Rate => occurrences(&self.own) * 1_000_000_000_000 / i128::from(length),
            Measure::Distinct(_) => {
                inside(&self.own).iter().map(|event| event.text).collect::<HashSet<_>>().len() as i128
            }
            Measure::Lasting => {
                let latest = last(&self.own).filter(|last| now - last < span)?;
                let run = self.own.iter().rev().try_fold(latest, |first, event| {
                    if first - event.time <= span { Ok(event.time) } else { Err(first) }
                });
                i128::from(latest - run.unwrap_or_else(|first| first))
            }
            // Never is long ago.
            Measure::Since(_) => last(&self.other).map_or(i128::MAX, |last| i128::from(now - last)),
            Measure::Ratio(_) => {
                (occurrences(&self.own) * 1_000_000).checked_div(occurrences(&self.other))?
            }
            Measure::Absent => {
                return Some((i128::from(now - last(&self.own)?), i128::from(comparison.over_nanos?)));
            }
            _ => return None,
        };
        Some((amount, limit))
    }

    fn truth(&self, expr: &Expr, now: i64) -> Option<bool> {
        match expr {
            Expr::Not(part) => self.truth(part, now).map(|truth| !truth),
            Expr::Compare(comparison) => {
                let (amount, limit) = self.measure(comparison, now)?;
                Some(comparison.op.accepts(amount.cmp(&limit)))
            }
            // Kleene: false < unknown < true.
            Expr::Any(parts) | Expr::All(parts) => {
                let rank = |truth: Option<bool>| truth.map_or(1, |truth| if truth { 2 } else { 0 });
                let ranks = parts.iter().map(|part| rank(self.truth(part, now)));
                let rank = if matches!(expr, Expr::Any(_)) { ranks.max() } else { ranks.min() };
                [Some(false), None, Some(true)][rank?]
            }
        }
    }
}

/// When the first finding of a key opens, since the start of the log: every second is looked at, and
/// the moment after it.
fn opens_at(rule: &Rule, events: &[Event], end: i64) -> Option<i64> {
    let mut needs_no_hit = false;
    rule.open.for_each_comparison(&mut |comparison| needs_no_hit |= comparison.measure == Measure::Absent);
    let mut naive = Naive { rule, own: Vec::new(), other: Vec::new() };
    let mut since = None;
    let mut judge = |naive: &Naive<'_>, now: i64, is_hit: bool| {
        if naive.truth(&rule.open, now) != Some(true) {
            since = None;
        } else if since.is_none() && (is_hit || needs_no_hit) {
            since = Some(now);
        }
        since.map(|since| since + rule.hold_nanos.unwrap_or(0)).filter(|opens| *opens <= now)
    };
    let mut events = events.iter().peekable();
    for second in 0..=end / SECOND {
        let now = second * SECOND;
        // A line of a rule that the condition does not look at changes nothing between two hits of one
        // moment.
        let matters = |event: &Event| event.is_own || !rule.companions.is_empty();
        let mut is_quiet = true;
        while let Some(event) = events.next_if(|event| event.time == now) {
            (if event.is_own { &mut naive.own } else { &mut naive.other }).push(event.clone());
            if matters(event) {
                is_quiet = false;
                if let Some(opens) = judge(&naive, now, event.is_own) {
                    return Some(opens);
                }
            }
        }
        if is_quiet && let Some(opens) = judge(&naive, now, false) {
            return Some(opens);
        }
        if now < end
            && let Some(opens) = judge(&naive, now + 1, false)
        {
            return Some(opens);
        }
    }
    None
}

fn condition() -> impl Strategy<Value = String> {
    let op = prop::sample::select(vec![">=", ">", "<=", "<"]);
    let seconds = prop::sample::select(vec![20, 60, 61, 90, 120]);
    let comparison = prop_oneof![
        (op.clone(), 0..12u8).prop_map(|(op, limit)| format!("count {op} {limit}")),
        (op.clone(), 0..8u8).prop_map(|(op, limit)| format!("rate {op} {limit}/m")),
        (op.clone(), 0..5u8).prop_map(|(op, limit)| format!("distinct(text) {op} {limit}")),
        (op.clone(), 0..200u8).prop_map(|(op, limit)| format!("lasting {op} {limit}s")),
        (op.clone(), seconds.clone()).prop_map(|(op, limit)| format!("since(other) {op} {limit}s")),
        (op, 0..150u8).prop_map(|(op, limit)| format!("ratio(other) {op} {limit}%")),
    ];
    let over = prop::sample::select(vec!["", "", " for 90s", " for 150s"]);
    let comparison = (comparison, over).prop_map(|(comparison, over)| format!("{comparison}{over}"));
    let any = comparison.prop_recursive(2, 4, 2, |inner| {
        let parts = (inner.clone(), inner.clone());
        prop_oneof![
            parts.clone().prop_map(|(left, right)| format!("({left} or {right})")),
            parts.prop_map(|(left, right)| format!("({left} and {right})")),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    });
    prop_oneof![
        3 => any.clone().prop_map(|part| format!("count >= 1 and {part}")),
        1 => (seconds.clone(), any).prop_map(|(time, part)| format!("absent for {time}s and {part}")),
        1 => seconds.prop_map(|time| format!("absent for {time}s or count >= 9")),
    ]
}

fn rules() -> impl Strategy<Value = RuleSet> {
    let hold = prop::sample::select(vec!["", "for = '30s'", "for = '61s'"]);
    (condition(), hold).prop_filter_map("opens without a hit", |(open, hold)| {
        let file = format!(
            "[[rule]]\nid = 'own'\nmatch = 'own'\nrepeats = 'times'\nwindow = {{ by = ['host', 'who'], span = '1m' }}\n\
             take = {{ who = {{ regex = 'who=(\\w+)', type = 'text' }}, text = {{ regex = 'text=(\\w+)', type = 'text' }}, \
             times = {{ regex = 'times=(\\d+)', type = 'integer' }} }}\n\
             open = '{open}'\nclose = 'count < 0'\n{hold}\n\
             [[rule]]\nid = 'other'\nmatch = 'other'\nrepeats = 'times'\nwindow = {{ by = ['who'] }}\n\
             take = {{ who = {{ regex = 'who=(\\w+)', type = 'text' }}, times = {{ regex = 'times=(\\d+)', type = 'integer' }} }}\n"
        );
        RuleSet::load([("test.toml", file)]).ok().map(|loaded| loaded.set)
    })
}

fn events() -> impl Strategy<Value = (Vec<Event>, i64)> {
    let step = prop_oneof![4 => 0..8i64, 4 => 0..40i64, 1 => 50..130i64];
    let event = (step, any::<bool>(), 0..2u8, prop_oneof![3 => Just(1), 1 => 1..6u8], 0..5u8);
    (prop::collection::vec(event, 1..40), 0..300i64).prop_map(|(events, rest)| {
        let mut time = 0;
        let event = |(step, is_own, who, repeats, text)| {
            time += step * SECOND;
            Event { time, is_own, who, repeats, text }
        };
        let events: Vec<Event> = events.into_iter().map(event).collect();
        (events, time + rest * SECOND)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn findings_open_when_the_definitions_say_so(
        rules in rules(),
        (events, end) in events(),
        block_size in prop_oneof![Just(1), 1..2_000usize],
        is_live in any::<bool>(),
    ) {
        let mut log = String::new();
        let head = |time: i64| {
            let at = UnixNanos(START + time).to_civil();
            format!("May {} {:02}:{:02}:{:02} cp-1 app[7]:", at.day, at.hour, at.minute, at.second)
        };
        for Event { time, is_own, who, repeats, text } in &events {
            let name = if *is_own { "own" } else { "other" };
            writeln!(log, "{} {name} who=w{who} times={repeats} text=t{text}", head(*time)).unwrap();
        }
        writeln!(log, "{} quiet", head(end)).unwrap();
        let clock = Clock::from_year(2019).with_utc_offset_seconds(0);
        let scanned = scan(&rules, &blocks_of(log.as_bytes(), &[block_size], usize::MAX), sparse(1), clock, is_live);
        let rule = rules.get("own").unwrap();
        for who in 0..2u8 {
            let events: Vec<Event> = events.iter().filter(|event| event.who == who).cloned().collect();
            let name = format!("w{who}");
            let mut of_key = scanned.summary.findings.iter().filter(|finding| {
                &*finding.rule_id == "own" && finding.group.iter().any(|(_, label)| **label == *name)
            });
            let opened = of_key.next().map(|finding| finding.opened_time.unwrap().0 - START);
            prop_assert_eq!(opened, opens_at(rule, &events, end), "{}: {}\n{}", who, rule.open_text, log);
        }
    }
}
