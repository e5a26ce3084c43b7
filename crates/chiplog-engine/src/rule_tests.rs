//! Embedded tests of rules: lines in, states out, on the lines' own time.

use std::convert::Infallible;
use std::sync::Arc;

use chiplog_parse::{Clock, Detector, Format, Record, UnixNanos, utc_offset_seconds};
use chiplog_rules::{At, Case, Matcher, RuleSet, State as Wanted};

use crate::clothes::Clothes;
use crate::{Block, InputOptions, Notice, Origin, Scan, ScanOptions, Transition};

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
///
/// The changes of state that a test expects are those of the rule as its file has it: they are not
/// checked when another file changed the rule by `[tune]`.
#[must_use]
pub fn run_case(rules: &RuleSet, rule: usize, case: &Case) -> CaseOutcome {
    let mut failures = Vec::new();
    Lines::new(rules, rule, case, &mut failures).check();
    if case.expect.is_some() && !rules.rules().get(rule).is_some_and(|rule| rule.is_tuned) {
        check_states(rules, rule, case, &mut failures);
    }
    CaseOutcome { failures }
}

/// Checks which lines match, and how many count.
struct Lines<'a> {
    rules: &'a RuleSet,
    rule: usize,
    case: &'a Case,
    matcher: Matcher,
    failures: &'a mut Vec<String>,
}

/// What the rules make of a line.
#[derive(Clone, Copy, Default)]
struct Found {
    /// Whether the rule matches, and if so, whether that is a hit.
    own: Option<bool>,
    /// A more specific rule of which the line is a hit.
    first: Option<usize>,
}

impl<'a> Lines<'a> {
    fn new(rules: &'a RuleSet, rule: usize, case: &'a Case, failures: &'a mut Vec<String>) -> Self {
        Self { rules, rule, case, matcher: rules.matcher(), failures }
    }

    fn check(mut self) {
        let mut hits = 0;
        let mut detector = Detector::new();
        let lines = self.case.lines.lines().enumerate();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let record = detector.peel(line.as_bytes());
            let found = self.find(&record, line);
            hits += u64::from(found.own == Some(true));
            self.judge(number + 1, "", found);
            if self.case.wrap && self.case.matches.is_some() {
                self.check_clothes(number + 1, line, &record);
            }
        }
        if let Some(wanted) = self.case.hits.filter(|wanted| *wanted != hits) {
            self.failures.push(format!("{hits} hits; expected {wanted}"));
        }
    }

    fn check_clothes(&mut self, number: usize, line: &str, record: &Record<'_>) {
        let programs = self.programs(record);
        for clothes in Clothes::ALL.into_iter().filter(|clothes| clothes.fit(record)) {
            let programs = if clothes.names_program() { programs.as_slice() } else { &programs[..1] };
            let mut found = Found::default();
            for program in programs {
                let dressed = clothes.put_on(line, program);
                if dressed == line {
                    return;
                }
                let mut detector = Detector::new();
                found = self.find(&detector.peel(dressed.as_bytes()), &dressed);
                // A rule may name several programs, of which any may write the line.
                if found.own.is_some() || self.case.matches == Some(false) {
                    break;
                }
            }
            self.judge(number, clothes.name(), found);
        }
    }

    /// The programs that may write the line. Not empty.
    fn programs(&self, record: &Record<'_>) -> Vec<String> {
        if let Some(component) = record.component {
            return vec![String::from_utf8_lossy(component).into_owned()];
        }
        match self.rules.rules().get(self.rule) {
            Some(rule) if !rule.programs.is_empty() => rule.programs.clone(),
            _ if record.format() == Format::Oom => vec!["kernel".to_owned()],
            _ => vec!["app".to_owned()],
        }
    }

    fn find(&mut self, record: &Record<'_>, line: &str) -> Found {
        let mut found = Found::default();
        let own = self.rule;
        self.matcher.match_record(record, line.as_bytes(), |hit| {
            if hit.rule == own {
                found.own = Some(hit.counts);
            } else if hit.rule < own && hit.counts {
                found.first.get_or_insert(hit.rule);
            }
        });
        found
    }

    fn judge(&mut self, number: usize, clothes: &str, found: Found) {
        let space = if clothes.is_empty() { "" } else { " " };
        match (self.case.matches, found) {
            (Some(true), Found { own: None, .. }) => {
                self.failures.push(format!("line {number} does not match{space}{clothes}"));
            }
            // Evidence that adds no hit claims no line.
            (Some(true), Found { own: Some(true), first: Some(first) }) if self.case.first => {
                let rules = self.rules.rules();
                if let (Some(first), Some(own)) = (rules.get(first), rules.get(self.rule)) {
                    self.failures.push(format!(
                        "line {number}{space}{clothes} is one of {} first, whose specificity is {} against {}",
                        first.id, first.specificity, own.specificity
                    ));
                }
            }
            (Some(false), Found { own: Some(_), .. }) => {
                self.failures.push(format!("line {number} matches{space}{clothes}"));
            }
            _ => {}
        }
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
    let (name, origin) = (Arc::from(case.name.as_str()), Origin::default());
    let input = InputOptions { name, clock, is_live: false, origin };
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes wrong with the tests of the rule `x`.
    fn failures(files: &[(&str, &str)]) -> Vec<String> {
        let set = RuleSet::load(files.iter().copied()).unwrap_or_else(|errors| panic!("{errors}")).set;
        let (index, rule) = set.rules().iter().enumerate().find(|(_, rule)| rule.id == "x").unwrap();
        rule.tests.iter().flat_map(|case| run_case(&set, index, case).failures).collect()
    }

    #[test]
    fn lines_are_matched_in_all_clothes() {
        let rule = r#"
id = "x"
match = { line_contains = 'bad "thing"' }
[[test]]
name = "plain"
matches = true
lines = 'E0514 03:00:00.000001 2309 a.go:1] bad "thing"'
"#;
        let expected = [
            "line 1 does not match escaped once",
            "line 1 does not match escaped twice",
            "line 1 does not match in journalctl -o json",
            "line 1 does not match in docker json-file",
            "line 1 does not match in docker json-file within docker json-file",
        ];
        assert_eq!(failures(&[("x", rule)]), expected);
        let only_plain = rule.replace("matches = true", "matches = true\nwrap = false");
        assert_eq!(failures(&[("x", &only_plain)]), [] as [String; 0]);
        let matching = rule.replace("line_contains", "contains");
        assert_eq!(failures(&[("x", &matching)]), [] as [String; 0]);
        let wrong = matching.replace("matches = true", "matches = false");
        assert_eq!(failures(&[("x", &wrong)]).len(), 8);
        // A line that names its host is not looked for in a journal; but it may be in a container.
        let journal = rule.replace("E0514", "May 14 03:00:00 w-07 kubelet[2309]: E0514");
        assert_eq!(failures(&[("x", &journal)]), [&expected[..2], &expected[3..]].concat());
    }

    #[test]
    fn a_program_that_the_rule_names_writes_the_line() {
        let rule = r#"
id = "x"
match = [
  { contains = "some text", component = "kubelet" },
  { contains = "other text", component = ["etcd", "dockerd"] },
]
[[test]]
name = "both"
matches = true
lines = """
some text
other text
"""
"#;
        assert_eq!(failures(&[("x", rule)]), [] as [String; 0]);
    }

    #[test]
    fn no_other_rule_may_be_first() {
        let rule = r#"
id = "x"
match = [ "some text", { contains = "other text", counts = false } ]
[[test]]
name = "plain"
wrap = false
matches = true
lines = """
some text
other text
"""
"#;
        let other = "id = 'y'\nspecificity = 80\nmatch = ['some text', 'other text']\n";
        assert_eq!(
            failures(&[("x", rule), ("y", other)]),
            ["line 1 is one of y first, whose specificity is 80 against 50"]
        );
        let less = other.replace("80", "20");
        assert_eq!(failures(&[("x", rule), ("y", &less)]), [] as [String; 0]);
        let evidence = "id = 'y'\nspecificity = 80\nmatch = ['third text', { contains = 'some text', counts = false }]\n";
        assert_eq!(failures(&[("x", rule), ("y", evidence)]), [] as [String; 0]);
        let second = rule.replace("wrap = false", "wrap = false\nfirst = false");
        assert_eq!(failures(&[("x", &second), ("y", other)]), [] as [String; 0]);
    }

    #[test]
    fn states_of_a_tuned_rule_are_not_those_of_its_file() {
        let rule = r#"
id = "x"
match = "some text"
[[test]]
name = "opens"
lines = "E0514 03:00:00.000001 2309 a.go:1] some text"
expect = [{ at = "03:00:00", state = "open" }]
"#;
        assert_eq!(failures(&[("x", rule)]), [] as [String; 0]);
        let tune = "[tune]\nx = { open = 'count >= 2' }\n";
        assert_eq!(failures(&[("x", rule), ("site", tune)]), [] as [String; 0]);
        let other = rule.replace("03:00:00\"", "03:00:01\"");
        assert_eq!(failures(&[("x", &other)]).len(), 1);
    }
}
