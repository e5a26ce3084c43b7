//! Findings: scans, streams, series and counts over lines whose numbers are known.

use std::ffi::OsStr;
use std::path::Path;

use crate::{Files, Ran, assert_snapshot, run, run_with};

const RULE: &str = r#"
id = "etcd.slow"
title = "etcd answers slowly"
severity = "error"
match = { contains = "took too long" }
take = { took = 'took too long \((\S+)\)' }
window = { by = ["host"], span = "1m" }
open = "count >= 3 or max(took) > 10s"
close = "count == 0 for 2m"
because = "the disk under etcd is slow"
check = ["iostat -x 1"]
danger = "do not delete the WAL"
"#;

/// Three slow requests, quiet, one more on another host, and a line that no format takes.
const LOG: &str = "\
May 14 03:12:01.000000 cp-1 etcd[7]: request took too long (117.026891ms) to execute
May 14 03:12:02.000000 cp-1 etcd[7]: request took too long (1.2s) to execute
May 14 03:12:03.500000 cp-1 etcd[7]: request took too long (200ms) to execute \x1b[31m
not a log line
May 14 03:20:00.000000 cp-1 etcd[7]: all is well
May 14 03:20:01.000000 cp-2 etcd[9]: request took too long (150ms) to execute
";

struct Lab(Files);

impl Lab {
    fn new() -> Self {
        Self(Files::new(&[("rule.toml", RULE), ("etcd.log", LOG)]))
    }

    fn directory(&self) -> &Path {
        self.0.0.path()
    }

    /// Arguments, the rule alone, and a year.
    fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let rule = self.directory().join("rule.toml").display().to_string();
        let common = ["--no-builtin", "--rules", &rule, "--year", "2024"];
        arguments.iter().chain(&common).map(|argument| (*argument).to_owned()).collect()
    }

    fn log(&self) -> String {
        self.directory().join("etcd.log").display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(self.arguments(arguments))
    }

    fn stream(&self, arguments: &[&str], bytes: &[u8]) -> Ran {
        run_with(self.arguments(arguments), bytes)
    }

    /// Output without the name of this test's directory.
    fn neutral(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.directory().display()), "")
    }
}

#[test]
fn a_scan_says_what_was_read_and_what_is_wrong() {
    let lab = Lab::new();
    for arguments in
        [&["scan", "etcd.log"][..], &["scan", "--dense", "--jobs", "3", "etcd.log"], &["etcd.log"]]
    {
        // A name without the directory: what has room on a line depends on it.
        let ran = Ran::from(
            crate::chiplog()
                .current_dir(lab.directory())
                .args(lab.arguments(arguments))
                .output()
                .expect("the program runs"),
        );
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
        assert_snapshot("scan.txt", &ran.stdout);
    }
}

#[test]
fn a_scan_in_json_is_one_exact_object() {
    let lab = Lab::new();
    let ran = lab.run(&["scan", "--format", "json", &lab.log()]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    assert_snapshot("scan.json", &lab.neutral(&ran.stdout));
    assert!(ran.stdout.contains("\"sum_seconds\":1.517026891,"), "{}", ran.stdout);
    let ran = lab.run(&["scan", "--json", &lab.log()]);
    assert_snapshot("scan.jsonl", &lab.neutral(&ran.stdout));
}

#[test]
fn a_stream_reports_each_change() {
    let lab = Lab::new();
    let ran = lab.stream(&[], LOG.as_bytes());
    assert_eq!(ran.exit, 0);
    assert_snapshot("stream.txt", &ran.stdout);
    assert!(ran.stderr.contains(", 6 lines, 1 finding, 16.7 % unparsed"), "{}", ran.stderr);
    let ran = lab.stream(&["-q", "-"], LOG.as_bytes());
    assert_eq!((ran.stdout.lines().count(), ran.stderr.as_str()), (3, ""));
    let ran = lab.stream(&["--json"], LOG.as_bytes());
    assert_snapshot("stream.jsonl", &ran.stdout);
}

#[test]
fn colour_is_a_matter_of_flags_and_variables() {
    let lab = Lab::new();
    let coloured = |variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = crate::chiplog();
        command.args(lab.arguments(&["scan", &lab.log()])).args(flags).envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap().contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]));
    assert!(coloured(&[], &["--color", "always"]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "0")], &[]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));
}

#[test]
fn exit_codes_follow_the_flags() {
    let lab = Lab::new();
    let log = lab.log();
    for (arguments, exit) in [
        (&["scan", &log][..], 0),
        (&["scan", "--fail-on", "error", &log], 1),
        (&["scan", "--fail-on", "critical", &log], 0),
        (&["scan", "--strict", &log], 0),
        (&["scan", "--strict", &log, "no-such.log"], 4),
        (&["scan", &log, "no-such.log"], 0),
        (&["scan", "--fail-on", "error", "--strict", &log, "no-such.log"], 1),
        (&["scan", "no-such.log"], 3),
        (&["scan", "--rule", "etcd.slwo", &log], 2),
    ] {
        assert_eq!(lab.run(arguments).exit, exit, "{arguments:?}");
    }
    assert_eq!(lab.stream(&["--fail-on", "warn"], LOG.as_bytes()).exit, 1);
    assert_eq!(lab.stream(&[], b"").exit, 0);
}

#[test]
fn findings_can_be_left_out_by_severity_and_time() {
    let lab = Lab::new();
    let log = lab.log();
    let ran = lab.run(&["scan", "--min-severity", "critical", &log]);
    assert!(ran.stdout.contains("hidden   1 finding below --min-severity\n"), "{}", ran.stdout);
    let ran = lab.run(&["scan", "--json", "--since", "2024-05-14 03:12:02", &log]);
    assert_eq!(ran.stdout, "");
    let ran = lab.run(&["scan", "--json", "--until", "2024-05-14T03:12:03Z", &log]);
    assert_eq!(ran.stdout, "");
    let ran = lab.run(&["scan", "--json", "--tz", "+02:00", "--since", "2024-05-14T01:12:01Z", &log]);
    assert_eq!(ran.stdout.lines().count(), 1);
    assert!(ran.stdout.contains("\"first_time\":\"2024-05-14T01:12:01.000000Z\""), "{}", ran.stdout);
}

#[test]
fn series_and_counts_are_exact() {
    let lab = Lab::new();
    for format in ["csv", "tsv", "json", "table"] {
        let ran = lab.run(&["series", "--format", format, &lab.log()]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
        assert_snapshot(&format!("series.{format}"), &ran.stdout);
    }
    let log = lab.log();
    let ran = run(["count", "--by", "host.name,format", "--format", "csv", &log]);
    assert_eq!(ran.stdout, "host.name,format,count\ncp-1,text,4\n,text,1\ncp-2,text,1\n");
    let ran = run(["count", "--by", "host.name", "--top", "1", "--format", "csv", &log]);
    assert_eq!(ran.stdout, "host.name,count\ncp-1,4\n");
    assert_eq!(run(["count", "--by", "nope", &log]).exit, 2);
}

#[test]
fn a_file_that_breaks_off_is_read_as_far_as_it_goes() {
    let lab = Lab::new();
    let path = lab.directory().join("cut.log.gz");
    // A gzip member that holds the first three lines in a stored block, and then ends too early.
    let text: String = LOG.split_inclusive('\n').take(3).collect();
    let length = u16::try_from(text.len()).unwrap();
    let mut bytes = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\0".to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(text.as_bytes());
    std::fs::write(&path, bytes).unwrap();
    let path = path.display().to_string();
    let ran = lab.run(&["scan", "--json", "--strict", &path]);
    assert_eq!((ran.exit, ran.stdout.lines().count()), (4, 1), "{}", ran.stderr);
    assert!(ran.stderr.contains("gzip data is truncated; what came before was read\n"), "{}", ran.stderr);
    let ran = lab.run(&["scan", "--format=json", &path]);
    assert_eq!(ran.exit, 0);
    assert!(ran.stdout.contains("\"message\":\"gzip data is truncated"), "{}", ran.stdout);
}

#[test]
fn embedded_tests_pass_and_fail_by_name() {
    let with_test = |at: &str| {
        let lines = LOG.replace('\u{1b}', "");
        let expect = format!("[{{ at = '{at}', state = 'open' }}, {{ at = '03:14:03', state = 'close' }}]");
        format!(
            "{RULE}\n[[test]]\nname = 'opens on the third'\nyear = 2024\nlines = '''\n{lines}'''\nexpect = {expect}\n"
        )
    };
    let files = Files::new(&[("good.toml", &with_test("03:12:03")), ("bad.toml", &with_test("03:12:01"))]);
    let run_tests = |name| run([OsStr::new("rules"), OsStr::new("test"), files.path(name).as_os_str()]);
    let ran = run_tests("good.toml");
    assert_eq!(ran.stdout, "etcd.slow\n  ok    opens on the third\n1 rule, 1 test, 0 failed\n");
    assert_eq!(ran.exit, 0);
    let ran = run_tests("bad.toml");
    assert_eq!(ran.exit, 1);
    assert!(ran.stdout.contains("  FAIL  opens on the third\n        "), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("1 rule, 1 test, 1 failed\n"), "{}", ran.stdout);
}
