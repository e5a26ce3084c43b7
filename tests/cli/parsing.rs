//! `parse` and `detect`, and what all commands do with inputs.

use crate::{Files, run, run_with};

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
