//! What the keys of a rule say, once it is loaded.

use chiplog_rules::{
    CompanionIndex, DistinctIndex, Label, Limit, Loaded, Measure, Op, Rule, RuleSet, RuleSeverity,
};

fn load(files: &[(&str, &str)]) -> RuleSet {
    let Loaded { set, warnings, .. } =
        RuleSet::load(files.iter().copied()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(warnings, []);
    set
}

fn rule(text: &str) -> Rule {
    load(&[("x.toml", text)]).rules()[0].clone()
}

/// Measure, operator, limit and time of each comparison of `open`.
fn opens(rule: &Rule) -> Vec<(Measure, Op, Limit, Option<i64>, &str)> {
    let mut found = Vec::new();
    rule.open.for_each_comparison(&mut |part| {
        found.push((part.measure, part.op, part.limit, part.over_nanos, part.text.as_str()));
    });
    found
}

const SECOND: i64 = 1_000_000_000;

#[test]
fn measures_beyond_counts() {
    let set = load(&[(
        "x.toml",
        r#"
[[rule]]
id = "effect"
match = "some text"
take = { pod = 'pod (\S+)', node = 'node (\S+)', took = 'took (\S+)' }
window = { by = ["host", "pod", "node"] }
open = """
distinct(node) >= 3 and lasting >= 30s and since(4-cause) <= 60s and ratio(4-cause) > 20%
and ratio(other.cause) > 0.25 and ratio(4-cause) <= 2 and distinct(took) > 1 and max(took) > 1s
or absent for 10m"""

[[rule]]
id = "4-cause"
match = "other text"
take = { pod = 'pod (\S+)' }
window = { by = ["pod", "host"] }

[[rule]]
id = "other.cause"
match = "third text"
"#,
    )]);
    let rule = set.get("effect").unwrap();
    let index = |id: &str| set.rules().iter().position(|rule| rule.id == id).unwrap();
    assert_eq!(
        opens(rule),
        [
            (Measure::Distinct(DistinctIndex(0)), Op::AtLeast, Limit::Value(3), None, "distinct(node) >= 3"),
            (Measure::Lasting, Op::AtLeast, Limit::Value(30 * SECOND), None, "lasting >= 30s"),
            (
                Measure::Since(CompanionIndex(0)),
                Op::AtMost,
                Limit::Value(60 * SECOND),
                None,
                "since(4-cause) <= 60s"
            ),
            (
                Measure::Ratio(CompanionIndex(0)),
                Op::MoreThan,
                Limit::Value(200_000),
                None,
                "ratio(4-cause) > 20%"
            ),
            (
                Measure::Ratio(CompanionIndex(1)),
                Op::MoreThan,
                Limit::Value(250_000),
                None,
                "ratio(other.cause) > 0.25"
            ),
            (
                Measure::Ratio(CompanionIndex(0)),
                Op::AtMost,
                Limit::Value(2_000_000),
                None,
                "ratio(4-cause) <= 2"
            ),
            (Measure::Distinct(DistinctIndex(1)), Op::MoreThan, Limit::Value(1), None, "distinct(took) > 1"),
            (
                Measure::Max(rule.capture("took").unwrap()),
                Op::MoreThan,
                Limit::Value(SECOND),
                None,
                "max(took) > 1s"
            ),
            (Measure::Absent, Op::AtLeast, Limit::Value(1), Some(600 * SECOND), "absent for 10m"),
        ]
    );
    assert_eq!(rule.distinct_captures, ["node", "took"]);
    // A capture whose texts are counted is text, unless it is measured as well.
    assert_eq!(rule.numeric_captures.len(), 1);
    let companions: Vec<_> = rule
        .companions
        .iter()
        .map(|companion| (companion.rule_id.as_str(), companion.rule, companion.shared_labels.as_slice()))
        .collect();
    assert_eq!(
        companions,
        [("4-cause", index("4-cause"), &[(1, 0)][..]), ("other.cause", index("other.cause"), &[][..])]
    );
    // What was absent is back with the first hit.
    assert_eq!(rule.close_text, "count >= 1 for 1m");
    assert!(!rule.open.holds_without_hits());
}

#[test]
fn keys_of_a_rule() {
    let rule = rule(
        r#"
id = "x"
component = "kubelet"
severity = "error"
specificity = 66
match = [
  { contains = "some text", versions = ["kubelet 1.6 to 1.17", "hyperkube"] },
  { contains = "other text", versions = "kubelet 1.6 to 1.17" },
]
take = { total = 'of (\d+)', pid = 'pid (\d+)' }
repeats = "total"
once = { by = ["pid", "component"], within = "10s" }
for = "2m"
floor = "what takes less than 100 ms is not written"
"#,
    );
    assert_eq!(rule.repeats, rule.capture("total"));
    assert!(rule.repeats.is_some());
    assert_eq!(rule.once.unwrap().within_nanos, 10 * SECOND);
    assert_eq!(rule.hold_nanos, Some(120 * SECOND));
    assert_eq!(rule.floor.as_deref(), Some("what takes less than 100 ms is not written"));
    assert_eq!(rule.versions, ["kubelet 1.6 to 1.17", "hyperkube"]);
    assert_eq!(rule.component.as_deref(), Some("kubelet"));
    assert_eq!((rule.is_noise, rule.may_be_root, rule.is_tuned), (false, true, false));
    assert_eq!(rule.window.by, [Label::Host]);
}

#[test]
fn what_may_be_a_root() {
    for (keys, expected) in [
        ("", true),
        ("specificity = 45", true),
        ("specificity = 44", false),
        ("specificity = 44\nroot = true", true),
        ("root = false", false),
        ("noise = true", false),
    ] {
        assert_eq!(rule(&format!("id = 'x'\nmatch = 'some text'\n{keys}\n")).may_be_root, expected, "{keys}");
    }
}

#[test]
fn an_effect_is_a_root_only_if_its_file_says_so() {
    let file = |keys: &str| {
        let text = format!(
            "[[rule]]\nid = 'x'\nmatch = 'some text'\n{keys}\n[[rule]]\nid = 'y'\nmatch = 'other text'\n\
             [[cause]]\nfrom = 'y'\nto = 'x'\n[[cause]]\nfrom = 'x'\nto = 'y'\nfeedback = true\n"
        );
        let set = RuleSet::load([("f.toml", text)]).unwrap().set;
        ["x", "y"].map(|id| set.get(id).unwrap().may_be_root)
    };
    assert_eq!(file(""), [false, true]);
    assert_eq!(file("root = true"), [true, true]);
}

#[test]
fn tuning_changes_a_rule_of_another_file() {
    let rules = r#"
[[rule]]
id = "slow"
specificity = 70
match = "some text"
take = { took = 'took (\S+)' }
open = "max(took) > 1s"
for = "1m"

[[rule]]
id = "noisy"
match = "other text"

[[rule]]
id = "gone"
match = "third text"
"#;
    let tune = r#"
[tune]
slow = { open = "p99(took) > 5s", close = "count == 0 for 1h", for = "3m", severity = "critical", span = "30m" }
noisy = { enabled = false }
gone = { open = "absent for 5m", enabled = true }
"#;
    for files in [[("site.toml", tune), ("rules.toml", rules)], [("rules.toml", rules), ("site.toml", tune)]]
    {
        let set = load(&files);
        let ids: Vec<&str> = set.rules().iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(ids, ["slow", "gone"]);
        let slow = set.get("slow").unwrap();
        assert_eq!(
            (slow.open_text.as_str(), slow.close_text.as_str()),
            ("p99(took) > 5s", "count == 0 for 1h")
        );
        assert_eq!(opens(slow)[0].2, Limit::Value(5 * SECOND));
        assert_eq!((slow.hold_nanos, slow.window.span_nanos), (Some(180 * SECOND), 1800 * SECOND));
        assert_eq!((slow.severity, slow.may_be_root, slow.is_tuned), (RuleSeverity::Critical, true, true));
        assert_eq!(set.get("gone").unwrap().close_text, "count >= 1 for 1m");
    }
    assert_ne!(load(&[("rules.toml", rules)]).hash(), load(&[("rules.toml", rules), ("t", tune)]).hash());
}

#[test]
fn a_file_may_hold_a_rule_and_changes_of_others() {
    let text = "id = 'a'\nmatch = 'some text'\n[tune]\nb = { severity = 'info' }\n";
    let set = load(&[("a.toml", text), ("b.toml", "id = 'b'\nmatch = 'other text'\n")]);
    assert_eq!(set.get("b").unwrap().severity, RuleSeverity::Info);
    assert!(!set.get("a").unwrap().is_tuned);
}

#[test]
fn what_a_rule_that_is_off_would_lend_is_missing() {
    let rules = r#"
[[rule]]
id = "lender"
match = "some text"
take = { limit = { regex = 'limit (\S+)', type = "bytes" } }

[[rule]]
id = "borrower"
match = "other text"
take = { limit = { lent_by = "lender", type = "bytes" } }
"#;
    assert_eq!(load(&[("x", rules)]).get("borrower").unwrap().borrows.len(), 1);
    let off = "[tune]\nlender = { enabled = false }\n";
    assert_eq!(load(&[("x", rules), ("y", off)]).get("borrower").unwrap().borrows.len(), 0);
}

#[test]
fn built_in_rules_are_about_the_program_that_their_file_is_named_after() {
    for rule in RuleSet::builtin().rules() {
        let name = rule.component.as_deref().unwrap();
        assert!(rule.file.ends_with(&format!("/{name}.toml")), "{}", rule.id);
    }
}
