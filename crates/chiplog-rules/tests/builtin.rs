//! The built-in rules: they load without a warning, and their own tests hold.

use chiplog_parse::Detector;
use chiplog_rules::{Matcher, RuleSet};

/// What a rule makes of each line of a text: `Some(counts)` for a match.
fn classify(matcher: &mut Matcher, rule: usize, lines: &str) -> Vec<(String, Option<bool>)> {
    let mut detector = Detector::new();
    lines
        .lines()
        .map(|line| {
            let record = detector.peel(line.as_bytes());
            let mut found = None;
            matcher.match_record(&record, line.as_bytes(), |hit| {
                if hit.rule == rule {
                    found = Some(hit.counts);
                }
            });
            (line.to_owned(), found)
        })
        .collect()
}

#[test]
fn the_tests_of_the_pack_hold() {
    let set = RuleSet::builtin();
    let mut matcher = set.matcher();
    let mut failures = Vec::new();
    for (index, rule) in set.rules().iter().enumerate() {
        assert!(rule.tests.len() >= 3, "{} has {} tests", rule.id, rule.tests.len());
        for case in &rule.tests {
            let found = classify(&mut matcher, index, &case.lines);
            let hits = found.iter().filter(|(_, found)| *found == Some(true)).count() as u64;
            if let Some(expected) = case.hits
                && hits != expected
            {
                failures.push(format!("{}: {}: {hits} hits", rule.id, case.name));
            }
            if let Some(expected) = case.matches {
                for (line, found) in &found {
                    if found.is_some() != expected {
                        failures.push(format!("{}: {}: {line}", rule.id, case.name));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
