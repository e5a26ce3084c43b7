//! What is matched, and with which values.

use chiplog_parse::Detector;
use chiplog_rules::{Expr, Label, Limit, Measure, Op, RuleSet, Unit};

/// `id numbers labels`, with `!` for a match that does not count.
fn hits(rules: &str, line: &str) -> Vec<String> {
    let set = RuleSet::load([("x.toml", rules)]).unwrap_or_else(|errors| panic!("{errors}")).set;
    let mut detector = Detector::new();
    let record = detector.peel(line.as_bytes());
    let mut hits = Vec::new();
    set.matcher().match_record(&record, line.as_bytes(), |hit| {
        let labels: Vec<String> =
            hit.labels().map(|label| String::from_utf8_lossy(label).into_owned()).collect();
        let mark = if hit.counts { "" } else { "!" };
        hits.push(format!("{mark}{} {:?} {labels:?}", set.rules()[hit.rule].id, hit.values));
    });
    hits
}

#[test]
fn the_most_specific_first_then_by_id() {
    let rules = r#"
[[rule]]
id = "c"
match = "took too long"
[[rule]]
id = "b"
specificity = 90
match = "too long"
[[rule]]
id = "a"
match = { contains = ["took", "long"] }
[[rule]]
id = "d"
match = { regex = 'k t.o l' }
"#;
    let hits = hits(rules, "it took too long");
    assert_eq!(hits, [r#"b [] [""]"#, r#"a [] [""]"#, r#"c [] [""]"#, r#"d [] [""]"#]);
}

#[test]
fn values_and_labels() {
    let rules = r#"
id = "slow"
match = { contains = "request", component = "kubelet" }
window = { by = ["host", "component", "verb", "code"] }
open = "max(took) > 1s and sum(size) > 1MiB and max(code) >= 500"
[take]
took = [{ field = "took" }, { regex = 'took=(\S+)' }]
size = 'size=(\S+)'
code = 'code=(\d+)'
verb = 'request (?P<other>\S+) (?P<verb>\S+)'
"#;
    let line = r#"May 20 06:45:36 w-07 kubenswrapper[2309]: I0520 06:45:36.000001    2309 x.go:1] "request to GET code=503" took="1.5s" size=2Mi"#;
    assert_eq!(
        hits(rules, line),
        [r#"slow [Some(1500000000), Some(2097152), Some(503)] ["w-07", "kubenswrapper", "GET", "503"]"#]
    );
    // What cannot be read is absent; the hit counts.
    let line = "May 20 06:45:36 w-07 kubelet[2309]: request took=soon";
    assert_eq!(hits(rules, line), [r#"slow [None, None, None] ["w-07", "kubelet", "", ""]"#]);
    let line = "May 20 06:45:36 w-07 dockerd[2309]: request took=2s";
    assert_eq!(hits(rules, line), [] as [String; 0]);
}

#[test]
fn every_condition_must_hold() {
    let rules = |matching: &str| format!("id = 'x'\nmatch = {matching}\n");
    let line = r#"{"log":"E0305 06:07:08.120034       1 a.go:1] \"Sync failed\" err=\"connection refused\" pod=\"default/web-0\"\n","stream":"stderr","time":"2024-03-05T06:07:08.12Z"}"#;
    for (matching, expected) in [
        ("{ msg = 'Sync failed' }", true),
        ("{ msg = 'Sync fail' }", false),
        ("{ contains = '\"Sync failed\" err' }", true),
        ("{ contains = 'Sync failed', not_contains = 'refused' }", false),
        ("{ contains = 'Sync failed', severity = 'error' }", true),
        ("{ contains = 'Sync failed', severity = 'critical' }", false),
        ("{ contains = 'Sync failed', format = 'klog' }", true),
        ("{ contains = 'Sync failed', format = ['docker_json', 'cri'] }", true),
        ("{ contains = 'Sync failed', format = ['cri'] }", false),
        ("{ contains = 'Sync failed', component = 'kubelet' }", true),
        ("{ field = { err = { contains = 'refused' } } }", true),
        ("{ field = { err = { prefix = 'connection' }, pod = 'default/web-0' } }", true),
        ("{ field = { err = { prefix = 'refused' } } }", false),
        ("{ field = { pod = { any = ['a/b', 'default/web-0'] } } }", true),
        ("{ field = { pod = { regex = 'web-\\d$' } } }", true),
        ("{ field = { node = { regex = 'web-\\d$' } } }", false),
        ("{ line_contains = '\"stream\":\"stderr\"' }", true),
        ("{ line_regex = '\"stream\":\"std(out|err)\"' }", true),
        ("{ contains = '\"stream\"' }", false),
        ("[{ msg = 'no such' }, 'refused']", true),
    ] {
        assert_eq!(!hits(&rules(matching), line).is_empty(), expected, "{matching}");
    }
}

#[test]
fn a_match_that_counts_is_preferred() {
    let rules = "id = 'x'\nmatch = [{ contains = 'some text', counts = false }, 'other text']\n";
    assert_eq!(hits(rules, "some text"), [r#"!x [] [""]"#]);
    assert_eq!(hits(rules, "some text, other text"), [r#"x [] [""]"#]);
}

#[test]
fn conditions_in_base_units() {
    let rules = r#"
id = "x"
match = "some text"
take = { took = 'took (\S+)' }
open = "(rate >= 0.5/m or p99.9(took) > 250ms) for 2m and count >= 3 for 1h"
"#;
    let set = RuleSet::load([("x", rules)]).unwrap().set;
    let rule = set.get("x").unwrap();
    assert_eq!(rule.numeric_captures[0].unit, Unit::Duration);
    assert_eq!(rule.window.by, [Label::Host]);
    let mut seen = Vec::new();
    rule.open.for_each_comparison(&mut |comparison| {
        seen.push((
            comparison.measure,
            comparison.op,
            comparison.limit,
            comparison.over_nanos,
            comparison.text.as_str(),
        ));
    });
    let minute = 60_000_000_000;
    let capture = rule.capture("took").unwrap();
    assert_eq!(
        seen,
        [
            (
                Measure::Rate,
                Op::AtLeast,
                Limit::Rate { count: 5, per_nanos: 10 * minute },
                Some(2 * minute),
                "rate >= 0.5/m for 2m"
            ),
            (
                Measure::Quantile { capture, permyriad: 9_990 },
                Op::MoreThan,
                Limit::Value(250_000_000),
                Some(2 * minute),
                "p99.9(took) > 250ms for 2m"
            ),
            (Measure::Count, Op::AtLeast, Limit::Value(3), Some(60 * minute), "count >= 3 for 1h"),
        ]
    );
    assert!(matches!(&rule.open, Expr::All(parts) if matches!(parts[0], Expr::Any(_))));
}

#[test]
fn reasons_for_no_match() {
    let rules = "id = 'x'\nmatch = { contains = 'some text', component = 'etcd' }\n";
    let set = RuleSet::load([("x", rules)]).unwrap().set;
    let line = b"May 20 06:45:36 w-07 kubelet[2309]: some text";
    let mut detector = Detector::new();
    let record = detector.peel(line);
    assert_eq!(set.matcher().why_not(0, &record, line), ["component \"kubelet\" is not etcd"]);
    let line = b"May 20 06:45:36 w-07 etcd[2309]: some text";
    let record = detector.peel(line);
    assert_eq!(set.matcher().why_not(0, &record, line), [] as [String; 0]);
}

#[test]
fn a_label_is_cut() {
    let rules = "id = 'x'\nmatch = 'some text'\ntake = { who = 'by (\\S+)' }\nwindow = { by = ['who'] }\n";
    let line = format!("some text by {}", "a".repeat(10_000));
    let found = hits(rules, &line);
    assert_eq!(found, [format!("x [] [\"{}\"]", "a".repeat(chiplog_rules::MAX_LABEL_LEN))]);
}

#[test]
fn a_set_is_shared_and_a_matcher_moves() {
    fn shared<T: Send + Sync>() {}
    fn moved<T: Send>() {}
    shared::<RuleSet>();
    moved::<chiplog_rules::Matcher>();
}
