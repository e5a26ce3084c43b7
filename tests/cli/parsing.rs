//! `parse` and `detect`, and what all commands do with inputs.

use crate::{Files, assert_snapshot, run, run_with};

#[test]
fn an_input_that_is_missing_is_said_once() {
    for command in ["scan", "parse", "detect", "series"] {
        let ran = run([command, "no-such.log"]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""), "{command}");
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.starts_with("error: no-such.log: "), "{}", ran.stderr);
    }
}

#[test]
fn bytes_that_are_not_text_survive_parse() {
    let ran = run_with(["parse", "-"], b"disk \xff\x1b[31m\n");
    assert!(ran.stdout.contains(r#""body":"disk "#), "{}", ran.stdout);
    assert!(ran.stdout.contains(r#""chiplog.base64":{"body":"ZGlzayD/G1szMW0="}"#), "{}", ran.stdout);
    assert!(!ran.stdout.contains('\u{1b}'));
}

#[test]
fn text_of_no_format_is_exit_3_and_detect_says_what_was_tried() {
    let files = Files::new(&[("notes.txt", "buy milk\nand bread\n")]);
    let notes = files.path("notes.txt");
    let ran = run(["scan".as_ref(), notes.as_os_str()]);
    assert_eq!(ran.exit, 3);
    assert!(ran.stderr.contains("no log lines recognised in"), "{}", ran.stderr);
    assert!(ran.stderr.contains("  hint: chiplog detect "), "{}", ran.stderr);
    let ran = run(["detect".as_ref(), notes.as_os_str()]);
    assert_eq!(ran.exit, 3);
    assert!(ran.stdout.contains("100.0 %            2  not recognised\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("line 1: buy milk\n"), "{}", ran.stdout);
}

#[test]
fn names_of_files_cannot_steer_the_terminal() {
    let ran = run(["scan", "\u{1b}]0;owned\u{7}.log"]);
    assert!(ran.stderr.starts_with(r"error: \x1b]0;owned\x07.log: "), "{}", ran.stderr);
}

const JOURNAL: &[u8] = br#"Mar 05 06:07:08.120034 cp-1 kubelet[42]: E0305 06:07:08.120000      42 kubelet.go:2471] "Error getting node" err="node \"w-07\" not found" n=1.50 n=2
Mar 05 06:07:09.000000 cp-1 kernel: hm

{"level":"warn","ts":"2024-03-05T06:07:10.117026Z","caller":"etcdserver/util.go:170","msg":"apply request took too long","took":"117.026891ms","prefix":"read-only range "}
"#;

#[test]
fn records_follow_the_names_of_opentelemetry() {
    let ran = run_with(["parse", "--year", "2024", "-"], JOURNAL);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    assert_snapshot("parse.jsonl", &ran.stdout);
    // Nothing depends on how the lines arrive.
    let files = Files::new(&[("journal", std::str::from_utf8(JOURNAL).unwrap())]);
    let path = files.path("journal");
    let from_file = run(["parse".as_ref(), "--year=2024".as_ref(), path.as_os_str()]);
    let attribute = format!(r#""log.file.path":"{}","#, path.display());
    assert_eq!(from_file.stdout.replace(&attribute, "").replace(&attribute.replace(',', ""), ""), ran.stdout);
}

#[test]
fn detect_counts_chains_of_formats() {
    let ran = run_with(["detect", "-"], JOURNAL);
    assert_eq!(
        ran.stdout,
        "stdin   3 lines\n   \
          33.3 %            1  journal_text>klog\n   \
          33.3 %            1  journal_text>text\n   \
          33.3 %            1  zap_json\n"
    );
    let ran = run_with(["detect", "--json", "-"], JOURNAL);
    assert_eq!(
        ran.stdout,
        "{\"schema\":\"chiplog.detect.v1\",\"name\":\"stdin\",\"lines\":3,\"formats\":{\"journal_text>klog\":1,\
         \"journal_text>text\":1,\"zap_json\":1},\"unknown\":[]}\n"
    );
}
