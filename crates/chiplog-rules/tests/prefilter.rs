//! No line that a rule matches is missed by the search for literals, whatever envelopes it is in.

use std::path::Path;

use chiplog_parse::Detector;
use chiplog_rules::{Prefilter, RuleSet};

/// Each rule is tried on one in so many lines that are not of its own tests.
const OTHERS: usize = 64;

/// Every line of the parser's vectors, and of the tests of the built-in rules with its rule.
fn lines(set: &RuleSet) -> Vec<(String, Option<usize>)> {
    let mut lines = Vec::new();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chiplog-parse/tests/vectors");
    for entry in std::fs::read_dir(vectors).expect("the vectors of the parser") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for vector in std::fs::read_to_string(path).expect("text").lines() {
            let vector: serde_json::Value = serde_json::from_str(vector).expect("JSON");
            let several = vector["lines"].as_array().into_iter().flatten();
            let texts = vector["line"].as_str().into_iter().chain(several.filter_map(|line| line.as_str()));
            lines.extend(texts.map(|line| (line.to_owned(), None)));
        }
    }
    assert!(lines.len() > 500);
    for (index, rule) in set.rules().iter().enumerate() {
        let texts = rule.tests.iter().flat_map(|case| case.lines.lines());
        lines.extend(texts.map(|line| (line.to_owned(), Some(index))));
    }
    // The lines of a burst are alike but for their times.
    lines.sort();
    lines.dedup();
    lines
}

/// As docker's json-file driver writes it: Go's JSON encoder escapes `<`, `>` and `&`.
fn in_docker_json(line: &str) -> String {
    let text = serde_json::to_string(&format!("{line}\n")).expect("a string");
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    format!(r#"{{"log":{text},"stream":"stderr","time":"2024-03-05T06:07:08.120034Z"}}"#)
}

/// As the inside of a JSON string.
fn escaped(line: &str) -> String {
    let text = serde_json::to_string(line).expect("a string");
    text[1..text.len() - 1].to_owned()
}

/// As another program's message.
fn in_message(line: &str) -> String {
    format!(r#"time="2024-03-05T06:07:08Z" level=info msg="{}""#, escaped(line))
}

/// As `journalctl -o json` writes a message that it holds to be binary.
fn in_byte_array(line: &str) -> String {
    let bytes: Vec<String> = line.bytes().map(|byte| byte.to_string()).collect();
    format!(
        r#"{{"_HOSTNAME":"w-07","SYSLOG_IDENTIFIER":"x","__REALTIME_TIMESTAMP":"1709618828120034","MESSAGE":[{}]}}"#,
        bytes.join(",")
    )
}

#[test]
fn no_match_is_missed() {
    let set = RuleSet::builtin();
    let Prefilter::Sparse(searcher) = set.prefilter() else { panic!("a built-in rule needs every line") };
    let mut matcher = set.matcher();
    let mut detector = Detector::new();
    let mut matches = 0;
    for (number, (line, own)) in lines(&set).into_iter().enumerate() {
        let once = in_docker_json(&line);
        let twice = in_docker_json(&once);
        let cri = format!("2024-03-05T06:07:08.120034Z stderr F {line}");
        let (naked, quoted) = (escaped(&line), in_message(&line));
        let (naked_twice, quoted_twice) = (escaped(&naked), in_message(&quoted));
        let quotes = [naked, naked_twice, quoted, quoted_twice];
        let lines = [in_byte_array(&line), in_byte_array(&once), cri, line, once, twice];
        for line in lines.into_iter().chain(quotes) {
            let line = line.as_bytes();
            let record = detector.peel(line);
            let mut matched = false;
            matcher.match_record(&record, line, |_| matched = true);
            if matched {
                matches += 1;
                let found = searcher.find_iter(line).next();
                assert!(found.is_some(), "{}", line.escape_ascii());
            }
            // Nothing but the lack of a literal may keep a line from a rule: then the rule would
            // have matched, and the literal would not be one that it needs.
            let others = (number % OTHERS..set.rules().len()).step_by(OTHERS);
            for rule in own.into_iter().chain(others) {
                for reason in matcher.why_not(rule, &record, line) {
                    assert!(!reason.starts_with("the line holds none"), "{}", line.escape_ascii());
                }
            }
        }
    }
    assert!(matches > 300, "{matches}");
}

#[test]
fn offsets_rise_and_lie_in_the_lines_that_match() {
    let set = RuleSet::builtin();
    let Prefilter::Sparse(searcher) = set.prefilter() else { panic!("a built-in rule needs every line") };
    let mut matcher = set.matcher();
    let mut detector = Detector::new();
    let text: String = lines(&set)
        .into_iter()
        .filter(|(line, _)| !line.contains('\n'))
        .map(|(line, _)| line + "\n")
        .collect();
    let offsets: Vec<usize> = searcher.find_iter(text.as_bytes()).collect();
    assert!(offsets.is_sorted());
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let line = line.trim_end_matches('\n').as_bytes();
        let mut matched = false;
        matcher.match_record(&detector.peel(line), line, |_| matched = true);
        let elected = offsets.iter().any(|offset| (start..end).contains(offset));
        assert!(elected || !matched, "{}", line.escape_ascii());
        start = end;
    }
}
