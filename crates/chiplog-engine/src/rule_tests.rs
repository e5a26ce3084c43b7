//! Embedded tests of rules: lines in, states out, on the lines' own time.

use std::convert::Infallible;
use std::sync::Arc;

use chiplog_parse::{Clock, UnixNanos, utc_offset_seconds};
use chiplog_rules::{At, Case, RuleSet, State as Wanted};

use crate::partial::EntryKind;
use crate::{Block, InputOptions, Notice, Scan, ScanMode, ScanOptions, Scanner, Transition};

/// The outcome of one embedded test.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaseOutcome {
    /// What did not come out as expected, one line each; empty if the test passed.
    pub failures: Vec<String>,
}

impl CaseOutcome {
    /// Whether the test passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs one test of the rule at `rule` in the set.
#[must_use]
pub fn run_case(rules: &RuleSet, rule: usize, case: &Case) -> CaseOutcome {
    let mut failures = Vec::new();
    check_lines(rules, rule, case, &mut failures);
    if case.expect.is_some() {
        check_states(rules, rule, case, &mut failures);
    }
    CaseOutcome { failures }
}

/// Checks which lines match, and how many count.
fn check_lines(rules: &RuleSet, rule: usize, case: &Case, failures: &mut Vec<String>) {
    let mut scanner = Scanner::new(rules, ScanMode::Dense, false);
    let mut hits = 0;
    for (number, line) in case.lines.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let block = Block { bytes: line.as_bytes().to_vec(), ..Block::default() };
        let partial = scanner.scan(&block);
        let mut matched = false;
        for entry in &partial.entries {
            if let EntryKind::Hit { key, counts, .. } = entry.kind
                && partial.keys.keys[key as usize].rule as usize == rule
            {
                matched = true;
                hits += u64::from(counts);
            }
        }
        match case.matches {
            Some(true) if !matched => failures.push(format!("line {} does not match", number + 1)),
            Some(false) if matched => failures.push(format!("line {} matches", number + 1)),
            _ => {}
        }
    }
    if let Some(wanted) = case.hits.filter(|wanted| *wanted != hits) {
        failures.push(format!("{hits} hits; expected {wanted}"));
    }
}

/// Checks the changes of state and their times.
fn check_states(rules: &RuleSet, rule: usize, case: &Case, failures: &mut Vec<String>) {
    let id = &rules.rules()[rule].id;
    let mut seen: Vec<(UnixNanos, Wanted, String, u64)> = Vec::new();
    let mut note = |notice: Notice<'_>| {
        let Notice::Transition(finding) = notice else { return };
        let state = match finding.transition {
            Some(Transition::Open) => Wanted::Open,
            Some(Transition::Worse) => Wanted::Worse,
            _ => Wanted::Close,
        };
        seen.push((finding.time.unwrap_or(UnixNanos(0)), state, finding.rule_id.to_string(), finding.hits));
    };
    // Tests are about their own lines: any year does where none is named.
    let mut clock = Clock::from_year(case.year.unwrap_or(2024));
    let mut offset_nanos = 0;
    if let Some(offset) = case.tz.as_deref().and_then(|tz| utc_offset_seconds(tz.as_bytes())) {
        clock = clock.with_utc_offset_seconds(offset);
        offset_nanos = i64::from(offset) * SECOND;
    }
    let input = InputOptions { name: Arc::from(case.name.as_str()), clock, is_live: false };
    let block = Block { bytes: case.lines.as_bytes().to_vec(), ..Block::default() };
    let mut scan = Scan::new(rules, ScanOptions::default());
    let mut blocks = [Ok::<_, Infallible>(block)].into_iter();
    let Ok(()) = scan.input(&input, &mut blocks, &mut note);
    let wanted = case.expect.as_deref().unwrap_or_default();
    let mut seen = seen.into_iter().filter(|(_, _, rule, _)| {
        rule == id || wanted.iter().any(|expected| expected.rule.as_deref() == Some(rule))
    });
    for expected in wanted {
        let rule = expected.rule.as_deref().unwrap_or(id);
        match seen.next() {
            Some((time, state, found, _))
                if state == expected.state && found == rule && is_at(time, &expected.at, offset_nanos) => {}
            Some((time, state, found, hits)) => failures.push(format!(
                "{time} {found} {}s with {hits} hits; expected {rule} to {} at {}",
                state.name(),
                expected.state.name(),
                expected.at_text
            )),
            None => failures.push(format!(
                "{rule} does not {} at {}; nothing more happens",
                expected.state.name(),
                expected.at_text
            )),
        }
    }
    failures.extend(seen.map(|(time, state, found, hits)| {
        format!("{time} {found} {}s with {hits} hits; expected nothing more", state.name())
    }));
}

const SECOND: i64 = 1_000_000_000;

/// Whether an instant is the one expected, to the second, on the clock of the test.
fn is_at(instant: UnixNanos, at: &At, offset_nanos: i64) -> bool {
    let local = UnixNanos(instant.0.saturating_add(offset_nanos));
    let civil = local.to_civil();
    let same_second = |wanted: i64, nanos: i64| wanted.div_euclid(SECOND) == nanos.div_euclid(SECOND);
    let time_of_day = local.0.rem_euclid(86_400 * SECOND);
    match *at {
        At::TimeOfDay { nanos } => same_second(nanos, time_of_day),
        At::Day { month, day, nanos } => {
            (civil.month, civil.day) == (month, day) && same_second(nanos, time_of_day)
        }
        At::Instant { unix_nanos } => same_second(unix_nanos, instant.0),
        _ => false,
    }
}
