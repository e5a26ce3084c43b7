//! `rules` and `explain`.

use crate::{Files, run, run_with};

const DISK: &str = r#"
id = "disk.full"
severity = "error"
match = { contains = "no space left on device" }
because = "the disk of the node is full"
check = ["df -h on the node"]
danger = "do not delete files of running containers"
"#;

#[test]
fn try_answers_every_line_in_json() {
    let files = Files::new(&[("disk.toml", DISK)]);
    let disk = files.path("disk.toml");
    let arguments = ["rules".as_ref(), "try".as_ref(), "--json".as_ref(), disk.as_os_str(), "-".as_ref()];
    let ran = run_with(arguments, b"write: no space left on device\nfine\n\n");
    assert_eq!(
        ran.stdout,
        "{\"line\":1,\"rules\":[\"disk.full\"],\"best\":\"disk.full\"}\n\
         {\"line\":2,\"rules\":[],\"best\":null}\n\
         {\"line\":3,\"rules\":[],\"best\":null}\n"
    );
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
}

#[test]
fn why_tells_the_reason_for_one_line() {
    let files = Files::new(&[("disk.toml", DISK), ("a.log", "one\ntwo\n")]);
    let line = format!("{}:2", files.path("a.log").display());
    let disk = files.path("disk.toml");
    let ran = run(["rules".as_ref(), "try".as_ref(), "--why".as_ref(), disk.as_os_str(), line.as_ref()]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("line 2: "), "{}", ran.stdout);
    assert!(ran.stdout.contains("\n  disk.full: "), "{}", ran.stdout);

    let line = format!("{}:3", files.path("a.log").display());
    let ran = run(["rules".as_ref(), "try".as_ref(), disk.as_os_str(), line.as_ref()]);
    assert_eq!(ran.exit, 3);
    assert!(ran.stderr.ends_with("has no line 3: it has 2\n"), "{}", ran.stderr);

    assert_eq!(run(["rules", "try", "--why", "-"]).exit, 2);
}

#[test]
fn lint_points_at_what_is_wrong() {
    let files = Files::new(&[("bad.toml", "id = 'a.b'\nmatch = { contain = 'x' }\n"), ("good.toml", DISK)]);
    let ran = run(["rules".as_ref(), "lint".as_ref(), files.path("bad.toml").as_os_str()]);
    assert_eq!(ran.exit, 2);
    assert!(ran.stdout.contains("bad.toml:2: unknown key `contain` in match\n    | match"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("1 file, 1 error, 0 warnings\n"), "{}", ran.stdout);
    let ran = run(["rules".as_ref(), "lint".as_ref(), files.path("good.toml").as_os_str()]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "1 file, 1 rule, 0 errors, 0 warnings\n"));
}

#[test]
fn rules_that_do_not_load_stop_the_program_with_2() {
    let files = Files::new(&[("bad.toml", "id = 'a.b'\n")]);
    let bad = files.path("bad.toml");
    let ran = run(["scan".as_ref(), "--rules".as_ref(), bad.as_os_str(), "-".as_ref()]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    assert_eq!(run(["scan", "--rules", "no-such", "-"]).exit, 2);
    assert_eq!(run(["scan", "--no-builtin", "-"]).exit, 2);
}

#[test]
fn explain_tells_the_cause_the_checks_and_the_danger() {
    let files = Files::new(&[("disk.toml", DISK)]);
    let disk = files.path("disk.toml");
    let ran = run(["explain".as_ref(), "disk.full".as_ref(), "--rules".as_ref(), disk.as_os_str()]);
    assert_eq!(ran.exit, 0);
    for line in [
        "disk.full  (ERROR)\nopens    when",
        "opens    when count >= 1",
        "cause    the disk of the node is full",
        "check    df -h on the node",
        "DANGER   do not delete files of running containers",
    ] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    let ran = run(["explain".as_ref(), "disk.ful".as_ref(), "--rules".as_ref(), disk.as_os_str()]);
    assert_eq!(ran.exit, 2);
    assert_eq!(ran.stderr, "error: there is no rule disk.ful\n  hint: did you mean disk.full?\n");
}

#[test]
fn lists_are_sorted_and_also_json() {
    let files = Files::new(&[("disk.toml", DISK)]);
    let disk = files.path("disk.toml");
    let common =
        ["rules".as_ref(), "list".as_ref(), "--no-builtin".as_ref(), "--rules".as_ref(), disk.as_os_str()];
    assert_eq!(run(common).stdout, "disk.full  ERROR     disk.full\n");
    let json = run(common.into_iter().chain(["--json".as_ref()])).stdout;
    assert!(
        json.starts_with(r#"{"schema":"chiplog.rule.v1","rule_id":"disk.full","severity_text":"ERROR""#),
        "{json}"
    );
}

#[test]
fn rules_of_node_problem_detector_are_taken_over() {
    let config = r#"{"plugin": "kmsg", "logPath": "/dev/kmsg", "source": "kernel-monitor", "rules": [
        {"type": "temporary", "reason": "TaskHung", "pattern": "task \\S+:\\w+ blocked for more than \\w+ seconds\\."},
        {"type": "temporary", "reason": "NTPIsDown", "path": "./check_ntp.sh"}
    ]}"#;
    let files = Files::new(&[("kernel.json", config)]);
    let config = files.path("kernel.json");
    let ran = run(["rules".as_ref(), "import-npd".as_ref(), config.as_os_str()]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("NTPIsDown: runs ./check_ntp.sh"), "{}", ran.stderr);
    assert!(ran.stdout.contains("# Note: NTPIsDown"), "{}", ran.stdout);

    // What comes out is a rule file that works.
    let line = b"[ 364.1] INFO: task dockerd:712 blocked for more than 120 seconds.\n";
    let files = Files::new(&[("npd.toml", &ran.stdout)]);
    let rules = files.path("npd.toml");
    let tried = run_with(
        ["rules".as_ref(), "try".as_ref(), "--json".as_ref(), rules.as_os_str(), "-".as_ref()],
        line,
    );
    assert!(tried.stdout.contains(r#""best":"npd.task-hung""#), "{}", tried.stdout);

    let files = Files::new(&[("other.json", "{}")]);
    let ran = run(["rules".as_ref(), "import-npd".as_ref(), files.path("other.json").as_os_str()]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
}

#[test]
fn alerting_rules_are_written_for_chosen_rules() {
    let ran = run(["rules", "export", "--prometheus", "--rule", "etcd-slow-apply"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout.matches("      - alert: ").count(), 3, "{}", ran.stdout);
    assert!(ran.stdout.contains("- alert: EtcdSlowApply\n"), "{}", ran.stdout);
    assert_eq!(run(["rules", "export"]).exit, 2);
}

#[test]
fn bench_says_which_rules_are_asked_about_which_lines() {
    let log = "fine\nwrite: no space left on device\nno space left on device here\n";
    let other =
        "id = 'disk.slow'\nmatch = { contains = 'no space left', regex = 'space left on device\\d' }\n";
    let files = Files::new(&[("disk.toml", DISK), ("other.toml", other), ("a.log", log)]);
    let paths = ["disk.toml", "other.toml", "a.log"].map(|name| files.path(name));
    let mut arguments = vec!["rules".as_ref(), "bench".as_ref(), "--json".as_ref()];
    arguments.extend(paths.iter().map(|path| path.as_os_str()));
    let ran = run(&arguments);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&report["lines"], &report["elected_lines"]), (&3.into(), &2.into()));
    let cost = |id: &str| {
        let rules = report["rules"].as_array().unwrap();
        let cost = rules.iter().find(|cost| cost["rule_id"] == id).unwrap();
        [cost["asked_lines"].clone(), cost["matched_lines"].clone()]
    };
    assert_eq!(cost("disk.full"), [2, 2]);
    assert_eq!(cost("disk.slow"), [2, 0]);
    assert_eq!(run(["rules".as_ref(), "bench".as_ref(), paths[0].as_os_str()]).exit, 2);
}
