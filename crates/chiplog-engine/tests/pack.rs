//! The tests that the built-in rules hold.

use chiplog_engine::run_case;
use chiplog_rules::RuleSet;

#[test]
fn every_built_in_rule_passes_its_tests() {
    let set = RuleSet::builtin();
    let mut failures = Vec::new();
    for (index, rule) in set.rules().iter().enumerate() {
        for case in &rule.tests {
            let outcome = run_case(&set, index, case);
            let lines = outcome.failures.iter();
            failures.extend(lines.map(|failure| {
                format!("{}:{}: {}: {}: {failure}", rule.file, case.line, rule.id, case.name)
            }));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
