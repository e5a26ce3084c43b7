//! What a rule author is told.

use chiplog_rules::RuleSet;
use proptest::prelude::*;

fn errors(text: &str) -> String {
    RuleSet::load([("rules/x.toml", text)]).expect_err("the file is wrong").to_string()
}

fn warnings(text: &str) -> String {
    let loaded = RuleSet::load([("rules/x.toml", text)]).expect("the file is right");
    loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn shows(text: &str, expected: &str) {
    let errors = errors(text);
    assert!(errors.contains(expected), "expected {expected:?} in:\n{errors}");
}

const PLEG: &str = r#"id = "kubelet.pleg-unhealthy"
severity = "error"
match = { format = "klog", component = "kubelet", contains = "PLEG is not healthy" }
take = { stale = 'last seen active (?P<stale>\S+) ago' }     # captured, read as a duration
window = { by = ["host"], span = "5m" }
open = "count >= 3 or max(stale) > 4m"
close = "count == 0 for 5m"
because = "the container runtime answers too slowly to list containers"
check = ["crictl ps answers within a second", "load and blocked tasks on the node"]
[[test]]
name = "opens on the third hit"
lines = '''
E0514 03:00:00.000001 2309 kubelet.go:1] "skipping pod synchronization" err="PLEG is not healthy: pleg was last seen active 3m1s ago"
'''
expect = [{ at = "03:02:10", state = "open" }, { at = "03:09:00", state = "close" }]
"#;

#[test]
fn the_example_of_the_manual_loads() {
    let loaded = RuleSet::load([("rules/pleg.toml", PLEG)]).unwrap();
    assert_eq!(loaded.warnings, []);
    let rule = loaded.set.get("kubelet.pleg-unhealthy").unwrap();
    assert_eq!(rule.open_text, "count >= 3 or max(stale) > 4m");
    assert_eq!((rule.tests.len(), rule.tests[0].line), (1, 10));
}

#[test]
fn a_regex_that_does_not_compile() {
    let text = PLEG.replace(r"(?P<stale>\S+) ago", r"(?P<stale>\S+ ago");
    let expected = r"error: rules/x.toml:4: regex does not compile: unclosed group
    | take = { stale = 'last seen active (?P<stale>\S+ ago' }     # captured, read as a duration
    |                                    ^ opened here";
    shows(&text, expected);
}

#[test]
fn all_errors_at_once_in_the_order_of_the_file() {
    let text = r#"
id = "Bad Id"
severity = "eror"
specifity = 3
match = { contain = "x y z", format = "klg" }
open = "count > 3m or maximum(x) > 1"
close = "count =< 3"
"#;
    let errors = errors(text);
    let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(
        lines,
        [
            "error: rules/x.toml:2: `Bad Id` is no id",
            "error: rules/x.toml:3: unknown severity `eror`",
            "error: rules/x.toml:4: unknown key `specifity` in rule",
            "error: rules/x.toml:5: unknown key `contain` in match",
            "error: rules/x.toml:5: unknown format `klg`",
            "error: rules/x.toml:6: `count` is compared with a duration",
            "error: rules/x.toml:6: unknown measure `maximum`",
            "error: rules/x.toml:7: expected a comparison: `>=` `>` `<=` `<` `==` or `!=`, found `=`",
        ]
    );
    for hint in [
        "did you mean `error`?",
        "did you mean `specificity`?",
        "did you mean `contains`?",
        "did you mean `klog`?",
    ] {
        assert!(errors.contains(hint), "{hint}");
    }
}

#[test]
fn conditions_that_make_no_sense() {
    let rule = |open: &str| {
        format!(
            "id = 'a'\nmatch = 'some text'\ntake = {{ took = 'took (\\S+)', size = {{ regex = 'size (\\S+)', type = 'bytes' }}, who = {{ regex = 'by (\\S+)', type = 'text' }} }}\nwindow = {{ by = ['who'] }}\nopen = \"{open}\"\n"
        )
        .replace("id = 'a'", "[[rule]]\nid = 'other-rule'\nmatch = 'other text'\n[[rule]]\nid = 'a'")
    };
    for (open, message, hint) in [
        ("max(took) > 4 and max(took) > 1s", "`took` is a plain number, compared with a duration", ""),
        (
            "max(took) > 1s and max(took) > 4",
            "`took` is a duration, and `4` has no unit",
            "write `4ms`, `4s` or `4m`",
        ),
        (
            "max(size) > 3m",
            "`size` is a size in bytes, compared with a duration",
            "write a size: `50MiB`, `1GiB`",
        ),
        ("max(tok) > 3m", "unknown capture `tok`", "did you mean `took`?"),
        ("max(who) > 3", "capture `who` is text, which has no `max`", "give it a type"),
        ("took > 3m", "unknown measure `took`", "`took` is a capture"),
        ("max(took) > 1s and max(took) > 5MiB", "`took` is a duration, compared with a size in bytes", ""),
        ("max(took) > 1s and max(took) > 20%", "`took` is a duration, compared with a share in percent", ""),
        ("distinct > 3", "`distinct` needs a capture", "write `distinct(capture)`"),
        ("distinct(wo) > 3", "unknown capture `wo`", "did you mean `who`?"),
        ("distinct(who) > 3s", "`distinct` is compared with a duration", "a whole number of texts"),
        ("distinct(who) < 3", "`open` holds without a single hit", ""),
        ("lasting >= 30", "`lasting` is a duration, and `30` has no unit", "write `30ms`, `30s` or `30m`"),
        ("lasting(took) >= 30s", "`lasting` is the time of a run of hits and takes no capture", ""),
        ("lastin >= 30s", "unknown measure `lastin`", "did you mean `lasting`?"),
        ("count >= 1 and since(bb) < 60s", "no rule `bb`", ""),
        ("count >= 1 and since(other-rul) < 60s", "no rule `other-rul`", "did you mean `other-rule`?"),
        ("count >= 1 and since(a) < 60s", "this is the rule itself", ""),
        ("count >= 1 and since(other-rule) < 60", "`since` is a duration, and `60` has no unit", ""),
        ("count >= 1 and since < 60s", "`since` needs a rule", "write `since(id-of-another-rule)`"),
        ("since(other-rule) < 60s", "`open` holds without a single hit", "require a hit"),
        ("not since(other-rule) < 60s", "`open` holds without a single hit", "require a hit"),
        ("not (count >= 1 and since(other-rule) < 60s)", "`open` holds without a single hit", ""),
        ("ratio(a) > 20%", "this is the rule itself", ""),
        ("ratio(other-rule) > 20s", "`ratio` is compared with a duration", "write a share: `20%` or `0.2`"),
        ("ratio(other-rule) < 20%", "`open` holds without a single hit", ""),
        ("count > 20%", "`count` is compared with a share in percent", ""),
        ("absent", "`absent` needs a time", "write `absent for 10m`"),
        ("absent > 10m", "`absent` is not compared with anything", "write `absent for 10m`"),
        ("absent(who) for 10m", "takes no capture", "write `absent` alone"),
        ("not absent for 10m", "`open` holds without a single hit", ""),
        ("rate > 3", "`rate` is compared with a plain number", "`10/s`"),
        ("count >= 2.5", "`count` is compared with a decimal number", ""),
        ("count < 3", "`open` holds without a single hit", "require a hit"),
        ("count == 0 for 10m", "`open` holds without a single hit", ""),
        ("not count >= 3", "`open` holds without a single hit", ""),
        ("count >= 0 or count >= 3", "`open` holds without a single hit", ""),
        ("(count >= 3", "expected `)`, found the end", "is open"),
        ("count >= 3 && max(took) > 1s", "found `&&`", "write `and`"),
        ("count >= 3 for", "expected a duration after `for`", ""),
        ("count >= three", "expected a number", ""),
        ("", "expected a measure", ""),
        ("p100(took) > 1s", "`p100` is not a quantile", "p99.9"),
        ("count(took) > 1", "`count` counts hits and takes no capture", ""),
    ] {
        let errors = errors(&rule(open));
        assert!(
            errors.contains(message) && errors.contains(hint),
            "{open}: expected {message:?}, {hint:?} in:\n{errors}"
        );
    }
}

#[test]
fn files_that_are_not_rules() {
    shows("id = 'a'\n", "the rule has no `match`");
    shows("match = 'some text'\n", "the rule has no `id`");
    shows("[[rules]]\nid = 'a'\n", "did you mean `rule`?");
    shows("[rule]\nid = 'a'\n", "write `[[rule]]`");
    shows(
        "[[rule]]\nid = 'a'\nmatch = 'some text'\n[[test]]\nname = 'x'\n",
        "unknown key `test` in a file with several rules",
    );
    shows("id = \n", "error: rules/x.toml:1:");
    shows("id = 'a'\nid = 'b'\nmatch = 'some text'\n", "error: rules/x.toml:2:");
    shows("id = 'a'\nmatch = { not_contains = 'some text' }\n", "no condition that a line must meet");
    shows("id = 'a'\nmatch = ''\n", "`match` is empty");
    shows("id = 'a'\nmatch = []\n", "empty list");
    shows("id = 'a'\nmatch = { regex = 'x*' }\n", "matches empty text");
    shows("id = 'a'\nmatch = { contains = 'some text', where = { comm = 'x' } }\n", "`where` needs `event`");
    shows("id = 'a'\nmatch = { event = 'oom.kiled' }\n", "did you mean `oom.kill");
    shows("id = 'a'\nmatch = { event = 'oom.killed', where = { cmm = 'x' } }\n", "did you mean `comm`?");
    shows("id = 'a'\nmatch = { contains = 'some text', counts = false }\n", "no match counts");
    shows("id = 'a'\nmatch = 'some text'\nwindow = { by = ['hst'] }\n", "did you mean `host`?");
    shows("id = 'a'\nmatch = 'some text'\nwindow = { span = '5' }\n", "not a duration");
    shows("id = 'a'\nmatch = 'some text'\ntake = { took = 'no group' }\n", "the regex has no group");
    shows("id = 'a'\nmatch = 'some text'\ncause = 'x'\nbecause = 'y'\n", "another name for");
    shows("id = 'a'\nmatch = { regex = '(some text \\w{100}){1000}' }\n", "the regex is too large");
    shows("id = 'a'\nmatch = 'some text'\n[[test]]\nname = 'x'\nlines = 'y'\n", "expects nothing");
    shows(
        "id = 'a'\nmatch = 'some text'\n[[test]]\nname = 'x'\nlines = 'y'\nexpect = [{ at = '25:00:00', state = 'opn' }]\n",
        "is not a time",
    );
}

#[test]
fn keys_that_make_no_sense() {
    let rule = |keys: &str| {
        format!(
            "id = 'a'\nmatch = 'some text'\ntake = {{ took = 'took (\\S+)', pid = {{ regex = 'pid (\\S+)', type = 'integer' }} }}\nopen = 'max(took) > 1s'\n{keys}\n"
        )
    };
    for (keys, message, hint) in [
        ("repeats = 'occurrences'", "5: unknown capture `occurrences`", "captures are named in `take`"),
        ("repeats = 'pd'", "5: unknown capture `pd`", "did you mean `pid`?"),
        ("repeats = 'took'", "5: `took` is a duration, and cannot say how often", "`type = \"integer\"`"),
        ("repeats = 3", "5: `repeats` must be a string, not an integer", ""),
        ("once = { by = ['pid'] }", "5: `once` needs `within`", "within = \"10s\""),
        ("once = { by = ['pdi'], within = '10s' }", "5: unknown label `pdi`", "did you mean `pid`?"),
        (
            "once = { by = ['took'], within = '10s' }",
            "5: `took` is a duration and cannot tell hits apart",
            "",
        ),
        ("once = { within = '10' }", "5: `within` is not a duration above zero", "write `30s`"),
        (
            "once = { with = '10s', within = '10s' }",
            "5: unknown key `with` in once",
            "did you mean `within`?",
        ),
        ("once = '10s'", "5: `once` must be a table", ""),
        ("for = '0s'", "5: `for` is not a duration above zero", ""),
        ("for = 5", "5: `for` must be a string", ""),
        ("floor = []", "5: `floor` must be a string, not a list", ""),
        ("noise = 'yes'", "5: `noise` must be true or false, not a string", ""),
        ("noise = true\nroot = true", "6: what is harmless is never the root of an incident", ""),
        ("close = 'absent for 10m'", "5: `absent` is for `open` alone", "write `count == 0 for 10m`"),
        ("close = 'since(b) > 1m'", "5: no rule `b`", ""),
        ("repeat = 'pid'", "5: unknown key `repeat` in rule", "did you mean `repeats`?"),
    ] {
        let errors = errors(&rule(keys));
        assert!(
            errors.contains(&format!("error: rules/x.toml:{message}")) && errors.contains(hint),
            "{keys}: expected {message:?}, {hint:?} in:\n{errors}"
        );
    }
    shows("id = 'a'\nmatch = { contains = 'some text', versions = '' }\n", "`versions` is empty");
    shows("id = 'a'\nmatch = { versions = 'kubelet 1.6 to 1.17' }\n", "no condition that a line must meet");
}

#[test]
fn tuning_that_makes_no_sense() {
    const RULES: &str = r#"
[[rule]]
id = "disk.full"
match = "no space left"

[[rule]]
id = "disk-slow"
match = "some text"
take = { took = 'took (\S+)' }
open = "max(took) > 1s"

[[rule]]
id = "disk-slow-often"
match = "other text"
open = "ratio(disk-slow) > 20%"
"#;
    for (tune, expected) in [
        (
            "disk-slw = { enabled = false }",
            "2: no rule `disk-slw` to tune\n    | disk-slw = { enabled = false }\n    | ^\n  hint: did you mean `disk-slow`?",
        ),
        (
            "disk.full = { enabled = false }",
            "2: no rule `disk` to tune\n    | disk.full = { enabled = false }\n    | ^\n  hint: quote an id that has a dot: `\"disk.full\" = { .. }`",
        ),
        ("disk-slow = { opn = 'count > 3' }", "2: unknown key `opn` in tune"),
        ("disk-slow = false", "2: `disk-slow` must be a table"),
        (
            "disk-slow = { open = 'max(took) > 5MiB' }",
            "2: `took` is a duration, compared with a size in bytes",
        ),
        ("disk-slow = { open = 'max(tok) > 5s' }", "2: unknown capture `tok`"),
        ("disk-slow = { open = 'count < 5' }", "2: `open` holds without a single hit"),
        ("disk-slow = { close = 'absent for 5m' }", "2: `absent` is for `open` alone"),
        ("disk-slow = { open = 'count >' }", "2: expected a number"),
        ("disk-slow = { severity = 'eror' }", "2: unknown severity `eror`"),
        ("disk-slow = { span = '-5m' }", "2: `span` is not a duration above zero"),
        ("disk-slow = { for = 5 }", "2: `for` must be a string"),
        ("disk-slow = { enabled = 'no' }", "2: `enabled` must be true or false"),
    ] {
        let text = format!("[tune]\n{tune}\n");
        let errors =
            RuleSet::load([("site.toml", text.as_str()), ("rules.toml", RULES)]).unwrap_err().to_string();
        assert!(errors.starts_with(&format!("error: site.toml:{expected}")), "{tune}:\n{errors}");
    }
    let off = "[tune]\ndisk-slow = { enabled = false }\n";
    let errors = RuleSet::load([("site.toml", off), ("rules.toml", RULES)]).unwrap_err().to_string();
    assert!(errors.starts_with("error: rules.toml:15: rule `disk-slow` is switched off"), "{errors}");
    let both = "[tune]\ndisk-slow = { enabled = false }\ndisk-slow-often = { enabled = false }\n";
    assert!(RuleSet::load([("site.toml", both), ("rules.toml", RULES)]).is_ok());
    let errors = RuleSet::load([("site.toml", off), ("more.toml", off), ("rules.toml", RULES)]).unwrap_err();
    let errors = errors.to_string();
    assert!(errors.contains("error: more.toml:2: rule `disk-slow` is tuned twice"), "{errors}");
    assert!(errors.contains("hint: the first is at site.toml:2"), "{errors}");
    shows("[tun]\n", "the rule has no `id`");
    shows("[tune]\n[tests]\n", "unknown key `tests` in a file without rules");
    shows("tune = 3\n", "`tune` must be a table");
}

#[test]
fn all_errors_of_all_files_at_once() {
    let files = [
        ("one.toml", "id = 'a'\nmatch = 'some text'\nopen = 'count >= 1 and since(c) < 1m'\n"),
        ("two.toml", "[tune]\nx = { open = 'cont > 1' }\n"),
        ("three.toml", "id = 'b'\nmatch = { regex = '(' }\nseverity = 'eror'\n"),
    ];
    let errors = RuleSet::load(files).unwrap_err().to_string();
    let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(
        lines,
        [
            "error: one.toml:3: no rule `c`",
            "error: two.toml:2: no rule `x` to tune",
            "error: three.toml:2: regex does not compile: unclosed group",
            "error: three.toml:3: unknown severity `eror`",
        ]
    );
}

#[test]
fn a_rule_that_is_there_twice() {
    let one = "\nid = 'a'\nmatch = 'some text'\n";
    let errors = RuleSet::load([("one.toml", one), ("two.toml", one)]).unwrap_err().to_string();
    assert!(errors.starts_with("error: two.toml:2: there is already a rule `a`"), "{errors}");
    assert!(errors.contains("the first is at one.toml:2"), "{errors}");
}

#[test]
fn what_only_looks_odd_is_a_warning() {
    let warned = warnings("id = 'a'\nmatch = { regex = '\\d+x' }\n");
    assert!(warned.starts_with("warning: rules/x.toml:2: no literal of 4 bytes or more"), "{warned}");
    let warned = warnings("id = 'a'\nmatch = 'some text'\ntake = { pod = 'pod (\\S+)' }\n");
    assert!(warned.starts_with("warning: rules/x.toml:3: capture `pod` is not used"), "{warned}");
    assert_eq!(
        warnings("id = 'a'\nmatch = 'some text'\ntake = { n = { regex = 'n (\\d+)', type = 'integer' } }\n"),
        ""
    );
    assert_eq!(warnings("# nothing but a comment\n"), "");
}

#[test]
fn the_hash_is_that_of_the_texts() {
    let (one, two) = ("id = 'a'\nmatch = 'some text'\n", "id = 'b'\nmatch = 'other text'\n");
    let hash = |files: &[(&str, &str)]| RuleSet::load(files.iter().copied()).unwrap().set.hash();
    assert_eq!(hash(&[("1", one), ("2", two)]), hash(&[("x", two), ("y", one)]));
    assert_ne!(hash(&[("1", one)]), hash(&[("1", two)]));
}

proptest! {
    #[test]
    fn any_text_is_refused_or_loaded(text in "\\PC{0,200}") {
        let _ = RuleSet::load([("x", &text)]).map_err(|errors| errors.to_string());
    }

    #[test]
    fn any_condition_is_refused_or_loaded(open in "(count|rate|max|p99|distinct|lasting|since|ratio|absent|x|20%|0.2|\\(|\\)|and|or|not|for|>=|<|==|3|5m|10/s|1GiB|took| ){0,24}") {
        let text = format!("id = 'a'\nmatch = 'some text'\ntake = {{ took = 'took (\\S+)' }}\nopen = '{open}'\n");
        let _ = RuleSet::load([("x", &text)]).map_err(|errors| errors.to_string());
    }

    /// A file that is right but for one place.
    #[test]
    fn any_change_of_a_rule_is_refused_or_loaded(at in 0..PLEG.len(), length in 0..12usize, with in "[\\[\\]{}='\"\\n\\\\(|*?a-z0-9é ]{0,8}") {
        let mut text = String::new();
        text.push_str(PLEG.get(..at).unwrap_or(""));
        text.push_str(&with);
        text.push_str(PLEG.get(at + length..).unwrap_or(""));
        if let Err(errors) = RuleSet::load([("x", &text)]) {
            prop_assert!(!errors.0.is_empty());
            for error in &errors.0 {
                prop_assert!(error.span.end <= text.len());
                prop_assert!(error.line >= 1 && error.column >= 1);
                let _ = error.to_string();
            }
        }
    }
}

#[test]
fn nesting_is_bounded() {
    for text in [
        format!(
            "id = 'a'\nmatch = 'some text'\nopen = '{}count{}'\n",
            "(".repeat(100_000),
            ")".repeat(100_000)
        ),
        format!("id = 'a'\nmatch = 'some text'\nopen = '{}count > 1'\n", "not ".repeat(100_000)),
        format!("id = 'a'\nmatch = {{ regex = '{}x{}' }}\n", "(".repeat(100_000), ")".repeat(100_000)),
        format!("id = {}{}\n", "[".repeat(100_000), "]".repeat(100_000)),
        format!("id = 'a'\nmatch = {}{}\n", "{ field = ".repeat(100_000), "}".repeat(100_000)),
    ] {
        let errors = RuleSet::load([("x", &text)]).unwrap_err();
        assert!(!errors.to_string().is_empty());
    }
}
