//! What is matched, and with which values.

use chiplog_parse::{Detector, Record};
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

/// Rule, occurrences, and the text of each label of each hit.
fn occurrences(rules: &str, line: &str) -> Vec<(String, u64, Vec<String>)> {
    let set = RuleSet::load([("x", rules)]).unwrap_or_else(|errors| panic!("{errors}")).set;
    let mut detector = Detector::new();
    let record = detector.peel(line.as_bytes());
    let mut found = Vec::new();
    set.matcher().match_record(&record, line.as_bytes(), |hit| {
        let labels = hit.labels().map(|label| String::from_utf8_lossy(label).into_owned()).collect();
        found.push((set.rules()[hit.rule].id.clone(), hit.repeats, labels));
    });
    found
}

#[test]
fn a_hit_may_be_several_occurrences() {
    let rules = r#"
id = "x"
match = "some text"
take = { total = 'of (\S+) errors' }
repeats = "total"
"#;
    let count = |line: &str| occurrences(rules, line)[0].1;
    assert_eq!(count("some text: one of 17 errors"), 17);
    // What says nothing, or nonsense, is one.
    for line in [
        "some text",
        "some text: one of many errors",
        "some text: one of 0 errors",
        "some text: of -3 errors",
    ] {
        assert_eq!(count(line), 1, "{line}");
    }
    let repeated = "Mar  5 06:07:08 w-07 app: message repeated 3 times: [ some text: one of 17 errors]";
    assert_eq!(count(repeated), 51);
    let endless = format!("message repeated {} times: [ some text: one of {} errors]", u64::MAX, i64::MAX);
    assert_eq!(count(&format!("Mar  5 06:07:08 w-07 app: {endless}")), u64::MAX);
}

#[test]
fn what_a_syslog_daemon_repeats_is_read() {
    let rules = r#"
[[rule]]
id = "of-klog"
match = { msg = "bad", component = "kubelet", severity = "error", field = { err = "x" } }

[[rule]]
id = "of-repeats"
match = { event = "suppress.repeat" }
"#;
    let line = r#"Mar  5 06:07:08 w-07 kubelet[7]: message repeated 3 times: [ E0305 06:07:08.120034       7 a.go:1] "bad" err="x"]"#;
    assert_eq!(
        occurrences(rules, line),
        [
            ("of-klog".to_owned(), 3, vec!["w-07".to_owned()]),
            ("of-repeats".to_owned(), 1, vec!["w-07".to_owned()])
        ]
    );
}

#[test]
fn log_lines_that_a_line_quotes_are_matched() {
    let rules = r#"
id = "x"
match = { msg = "Probe failed", severity = "error", field = { output = { contains = 'say "hi"' } } }
take = { pod = { field = "pod", type = "text" } }
window = { by = ["host", "pod"] }
"#;
    let klog = r#"E0514 03:00:00.000001 2309 prober.go:1] "Probe failed" pod="ns/web" output="say \"hi\"""#;
    let escape = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"");
    let (once, twice) = (escape(klog), escape(&escape(klog)));
    let expected = |host: &str| vec![("x".to_owned(), 1, vec![host.to_owned(), "ns/web".to_owned()])];
    for line in [
        klog.to_owned(),
        once.clone(),
        twice.clone(),
        format!(r#"time="2024-05-14T03:00:00Z" level=info msg="{once}""#),
        format!(r#"{{"level":"info","ts":"2024-05-14T03:00:00.1Z","msg":"out","line":"{once}"}}"#),
        format!(r#"I0514 03:00:00.000001 2309 a.go:1] "out" line="{once}""#),
        format!(r#"{{"log":"{once}\n","stream":"stderr","time":"2024-05-14T03:00:00Z"}}"#),
        format!(r#"2024-05-14T03:00:00Z stderr F {twice}"#),
    ] {
        assert_eq!(occurrences(rules, &line), expected(""), "{line}");
    }
    let journal =
        format!(r#"May 14 03:00:00 w-07 app[1]: time="2024-05-14T03:00:00Z" level=info msg="{once}""#);
    assert_eq!(occurrences(rules, &journal), expected("w-07"));
    // Three levels are too many.
    assert_eq!(occurrences(rules, &escape(&twice)), []);
}

#[test]
fn different_texts_have_different_hashes() {
    let rules = r#"
id = "x"
match = "some text"
take = { pod = 'pod (\S+)', pid = 'pid (\S+)' }
open = "distinct(pod) >= 3"
once = { by = ["pid", "component"], within = "10s" }
"#;
    let set = RuleSet::load([("x", rules)]).unwrap().set;
    let hashes = |line: &str| {
        let record = Record::of_text(line.as_bytes());
        let mut found = None;
        set.matcher().match_record(&record, line.as_bytes(), |hit| {
            found = Some((hit.distinct.to_vec(), hit.once_key));
        });
        found.unwrap()
    };
    let (web, one) = hashes("some text pod web pid 1");
    assert_eq!((web.len(), web[0].is_some(), one.is_some()), (1, true, true));
    assert_eq!(hashes("some text pid 1 pod web pid 2"), (web.clone(), one));
    assert_ne!(hashes("some text pod db pid 1").0, web);
    assert_ne!(hashes("some text pod web pid 2").1, one);
    assert_eq!(hashes("some text").0, [None]);
}
