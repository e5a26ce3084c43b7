//! Rule files.

use chiplog_engine::run_case;
use chiplog_parse::Detector;
use chiplog_rules::{Diagnostic, RuleErrors, RuleSet};

use super::scan::check_rules;

pub(super) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match RuleSet::load([("rules.toml", &text)]) {
        Ok(loaded) => {
            check_diagnostics(&loaded.warnings, &text);
            check_set(&loaded.set, &text);
        }
        Err(RuleErrors(diagnostics)) => {
            assert!(!diagnostics.is_empty());
            check_diagnostics(&diagnostics, &text);
            assert!(!RuleErrors(diagnostics).to_string().is_empty());
        }
    }
}

/// A diagnostic points into the text, and shows no control character of it.
fn check_diagnostics(diagnostics: &[Diagnostic], text: &str) {
    for diagnostic in diagnostics {
        assert_eq!(&*diagnostic.file, "rules.toml");
        assert!(text.get(diagnostic.span.clone()).is_some(), "{diagnostic:?} is not in the text");
        let before = &text[..diagnostic.span.start];
        assert_eq!(diagnostic.line, before.matches('\n').count() + 1);
        assert!(diagnostic.column >= 1);
        assert!(!diagnostic.message.is_empty());
        let shown = diagnostic.to_string();
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    }
}

/// A set that was loaded matches any lines without a panic, and the same ones in both modes.
fn check_set(set: &RuleSet, text: &str) {
    let mut matcher = set.matcher();
    let mut detector = Detector::new();
    for line in chiplog_parse::lines(text.as_bytes()).take(16) {
        let record = detector.peel(line);
        let mut hits = Vec::new();
        matcher.match_record(&record, line, |hit| {
            let rule = &set.rules()[hit.rule];
            assert_eq!(hit.values.len(), rule.numeric_captures.len());
            assert_eq!(hit.distinct.len(), rule.distinct_captures.len());
            assert_eq!(hit.once_key.is_some(), rule.once.is_some());
            assert!(hit.repeats >= 1);
            assert!(hit.labels().all(|label| label.len() <= chiplog_rules::MAX_LABEL_LEN));
            hits.push(hit.rule);
        });
        assert!(hits.is_sorted() && hits.windows(2).all(|pair| pair[0] != pair[1]));
        for rule in 0..set.rules().len() {
            assert_eq!(matcher.why_not(rule, &record, line).is_empty(), hits.contains(&rule));
        }
    }
    for (index, rule) in set.rules().iter().enumerate() {
        assert_eq!(set.get(&rule.id).map(|found| &found.id), Some(&rule.id));
        for case in rule.tests.iter().take(4) {
            let _ = run_case(set, index, case);
        }
    }
    check_rules(set, text.as_bytes());
}
