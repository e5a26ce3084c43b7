//! What is missing of a log, and which findings are lower bounds because of it.

use chiplog_engine::ScanSummary;
use chiplog_parse::Clock;
use chiplog_rules::RuleSet;

use crate::support::{rules, scan_whole, time_of};

/// Every wording that tells of missing lines, in the built-in rules.
fn builtin_and(more: &str) -> RuleSet {
    let builtin = RuleSet::builtin_files().iter().map(|(name, text)| (*name, *text));
    let files = builtin.chain([("test.toml", more)]);
    RuleSet::load(files).unwrap_or_else(|errors| panic!("{errors}")).set
}

const BOOM: &str = r#"
[[rule]]
id = "boom"
match = "boom"
window = { by = ["host"], span = "10s" }
close = "count == 0 for 10s"
"#;

fn summary(rules: &RuleSet, log: &str) -> ScanSummary {
    scan_whole(rules, log.as_bytes(), Clock::from_year(2024).with_utc_offset_seconds(0)).summary
}

/// Of each finding of a rule in order, its host and program and whether it is complete.
fn verdicts(summary: &ScanSummary, rule: &str) -> Vec<(String, bool)> {
    let findings = summary.findings.iter().filter(|finding| &*finding.rule_id == rule);
    let verdict = |finding: &chiplog_engine::Finding| {
        let host = finding.group.iter().find(|(name, _)| &**name == "host").map_or("-", |(_, host)| host);
        (format!("{host} {}", finding.component.as_deref().unwrap_or("-")), finding.complete)
    };
    findings.map(verdict).collect()
}

/// One wording: the line, who dropped, of what, how many, since when (seconds of 03:10 to 03:20),
/// and the programs of its host whose findings it touches.
struct Wording {
    line: &'static str,
    by: &'static str,
    of: Option<&'static str>,
    lines: Option<u64>,
    since: &'static str,
    touches: &'static [&'static str],
}

const ALL: [&str; 5] = ["dockerd", "etcd", "kernel", "kubenswrapper", "-"];

const WORDINGS: &[Wording] = &[
    Wording {
        line: "systemd-journald[412]: Suppressed 1204 messages from kubelet.service",
        by: "journald",
        of: Some("kubelet.service"),
        lines: Some(1_204),
        since: "03:19:00",
        touches: &["kubenswrapper", "-"],
    },
    Wording {
        line: "journal: Suppressed 87 messages from /system.slice/docker.service",
        by: "journald",
        of: Some("/system.slice/docker.service"),
        lines: Some(87),
        since: "03:19:00",
        touches: &["dockerd", "-"],
    },
    Wording {
        line: "systemd-journald[412]: Suppressed 7 messages from user@1000.service",
        by: "journald",
        of: Some("user@1000.service"),
        lines: Some(7),
        since: "03:19:00",
        touches: &["dockerd", "etcd", "kubenswrapper", "-"],
    },
    Wording {
        line: "systemd-journald[412]: Missed 312 kernel messages",
        by: "journald",
        of: Some("kernel"),
        lines: Some(312),
        since: "03:19:00",
        touches: &["kernel", "-"],
    },
    Wording {
        line: "kernel: net_ratelimit: 23 callbacks suppressed",
        by: "kernel",
        of: Some("net_ratelimit"),
        lines: Some(23),
        since: "03:19:50",
        touches: &["kernel", "-"],
    },
    Wording {
        line: "kernel: [12345.678901] kauditd_printk_skb: 62 callbacks suppressed",
        by: "kernel",
        of: Some("kauditd_printk_skb"),
        lines: Some(62),
        since: "03:19:50",
        touches: &[],
    },
    Wording {
        line: "kernel: printk: 23 messages suppressed.",
        by: "kernel",
        of: Some("printk"),
        lines: Some(23),
        since: "03:19:50",
        touches: &["kernel", "-"],
    },
    Wording {
        line: "rsyslogd: imjournal: 5120 messages lost due to rate-limiting (20000 allowed within 300 seconds)",
        by: "rsyslog",
        of: Some("imjournal"),
        lines: Some(5_120),
        since: "03:15:00",
        touches: &ALL,
    },
    Wording {
        line: "rsyslogd-2177: imjournal: 236 messages lost due to rate-limiting",
        by: "rsyslog",
        of: Some("imjournal"),
        lines: Some(236),
        since: "03:10:00",
        touches: &ALL,
    },
    Wording {
        line: "rsyslogd: imjournal from <w-07:kubelet>: begin to drop messages due to rate-limiting",
        by: "rsyslog",
        of: Some("imjournal"),
        lines: None,
        since: "03:20:00",
        touches: &ALL,
    },
    Wording {
        line: "rsyslogd-2177: imuxsock lost 56 messages from pid 2896 due to rate-limiting",
        by: "rsyslog",
        of: Some("imuxsock"),
        lines: Some(56),
        since: "03:19:55",
        touches: &["dockerd", "etcd", "kubenswrapper", "-"],
    },
    Wording {
        line: "rsyslogd-2177: imuxsock begins to drop messages from pid 2896 due to rate-limiting",
        by: "rsyslog",
        of: Some("imuxsock"),
        lines: None,
        since: "03:20:00",
        touches: &["dockerd", "etcd", "kubenswrapper", "-"],
    },
    Wording {
        line: "rsyslogd: imuxsock[pid: 57, name: /usr/bin/kubelet]: 24472 messages lost due to rate-limiting (200 allowed within 5 seconds)",
        by: "rsyslog",
        of: Some("imuxsock[pid: 57, name: /usr/bin/kubelet]"),
        lines: Some(24_472),
        since: "03:19:55",
        touches: &["kubenswrapper", "-"],
    },
];

#[test]
fn each_wording_touches_the_findings_whose_lines_it_can_hide() {
    let rules = builtin_and(BOOM.replace(r#"["host"]"#, r#"["host", "component"]"#).as_str());
    for Wording { line, by, of, lines, since, touches } in WORDINGS {
        let at = |seconds: u32, host: &str, text: &str| {
            format!("May 14 03:{:02}:{:02} {host} {text}\n", seconds / 60, seconds % 60)
        };
        let mut log = String::new();
        for host in ["w-07", "w-08"] {
            for program in ["kubenswrapper[9]", "etcd[9]", "dockerd[9]", "kernel"] {
                log += &at(20 * 60 - 1, host, &format!("{program}: boom"));
            }
        }
        // One of a program that is not told.
        log += "boom\n";
        log += &at(20 * 60, "w-07", line);
        log += &at(30 * 60, "w-07", "app[1]: quiet");
        let summary = summary(&rules, &log);
        let [gap] = summary.gaps.as_slice() else { panic!("{line}: {:?}", summary.gaps) };
        assert_eq!((gap.by, gap.of.as_deref(), gap.lines), (*by, *of, *lines), "{line}");
        assert_eq!((gap.host.as_deref(), gap.line), (Some("w-07"), Some(10)), "{line}");
        assert_eq!(time_of(gap.time), "2024-05-14T03:20:00Z", "{line}");
        assert_eq!(time_of(gap.since_time), format!("2024-05-14T{since}Z"), "{line}");
        for (writer, complete) in verdicts(&summary, "boom") {
            let (host, program) = writer.split_once(' ').unwrap();
            let is_touched = match host {
                "w-07" => touches.contains(&program),
                "-" => !touches.is_empty(),
                _ => false,
            };
            assert_eq!(complete, !is_touched, "{line}: {writer}");
        }
    }
}

#[test]
fn what_is_repeated_is_no_gap_and_counts_as_often_as_it_happened() {
    let log = "May 14 03:00:00 w-07 app[7]: message repeated 3 times: [ boom]\n";
    let summary = summary(&builtin_and(BOOM), log);
    assert!(summary.gaps.is_empty());
    let finding = &summary.findings[0];
    assert_eq!((finding.hits, finding.occurrences, finding.complete), (1, 3, true));
    assert_eq!((summary.rules["boom"].hits, summary.rules["boom"].occurrences), (1, 3));
}

/// The kubelet's number is of pods in one pass, and the next pass tells it again.
#[test]
fn the_total_of_the_kubelet_is_a_level_and_no_sum() {
    let line = |second: u32| {
        format!(
            "E0514 03:00:{second:02}.000000    2309 kubelet_volumes.go:140] Orphaned pod \"ce38f205-bc70-fd83-5241-aba258c30792\" found, but volume paths are still present on disk : There were a total of 155 errors similar to this. Turn up verbosity to see them.\n"
        )
    };
    let log: String = (0..5).map(|pass| line(pass * 2)).collect();
    let summary = summary(&RuleSet::builtin(), &log);
    assert!(summary.gaps.is_empty());
    let totals = &summary.rules["kubelet-orphaned-pod-volumes"];
    assert_eq!((totals.hits, totals.occurrences), (5, 5));
    let pods = &totals.values[0];
    assert_eq!((&*pods.name, pods.count, pods.min, pods.max), ("pods", 5, Some(155), Some(155)));
    let finding = &summary.findings[0];
    assert_eq!((finding.hits, finding.occurrences, finding.complete), (5, 5, true));
    assert_eq!(finding.peak.as_ref().map(|peak| (&*peak.name, peak.amount)), Some(("count", 5)));
}

#[test]
fn a_gap_touches_its_time_and_no_other() {
    let boom = |time: &str| format!("May 14 {time} w-07 kubelet[9]: boom\n");
    let quiet = |time: &str| format!("May 14 {time} w-07 app[1]: quiet\n");
    let rules = builtin_and(BOOM);
    let gap = |time: &str, line: &str| format!("May 14 {time} w-07 {line}\n");
    let suppressed = "systemd-journald[412]: Suppressed 1204 messages from kubelet.service";
    let log = boom("03:00:00")
        + &quiet("03:05:00")
        + &gap("03:10:00", suppressed)
        // Its window reaches back into the gap.
        + &boom("03:10:09")
        + &quiet("03:15:00")
        + &boom("03:20:00")
        + &quiet("03:25:00")
        // Open while it is told.
        + &boom("03:30:00")
        + &gap("03:30:05", suppressed)
        + &quiet("03:35:00")
        // rsyslog drops from here on for five minutes.
        + &gap("03:40:00", "rsyslogd: imjournal: begin to drop messages due to rate-limiting")
        + &boom("03:44:00")
        + &boom("03:59:00");
    let complete: Vec<bool> =
        verdicts(&summary(&rules, &log), "boom").into_iter().map(|(_, complete)| complete).collect();
    assert_eq!(complete, [true, false, true, false, false, true]);
}

fn zap(nanos: u32, level: &str, message: &str) -> String {
    format!(
        "{{\"level\":\"{level}\",\"ts\":\"2024-05-14T03:00:{:02}.{:06}Z\",\"caller\":\"x.go:1\",\"msg\":\"{message}\",\"took\":\"1.5s\"}}\n",
        nanos / 1_000_000,
        nanos % 1_000_000
    )
}

#[test]
fn a_hundred_equal_lines_of_zap_in_a_second_are_sampled() {
    let rules = rules(BOOM);
    let burst = |lines: u32, message: &str| -> String {
        (0..lines).map(|line| zap(500_000 + line * 5_000, "warn", message)).collect()
    };
    let verdict = |log: &str| {
        let summary = summary(&rules, log);
        let gaps: Vec<_> = summary.gaps.iter().map(|gap| (gap.by, gap.of.clone(), gap.line)).collect();
        (summary.rules["boom"].hits, summary.findings[0].complete, gaps)
    };
    assert_eq!(verdict(&burst(99, "boom")), (99, true, vec![]));
    assert_eq!(verdict(&burst(100, "boom")), (100, false, vec![("zap", Some("boom".into()), Some(100))]));
    assert_eq!(verdict(&burst(150, "boom")).0, 150);
    // Not in one second.
    let slow: String = (0..150).map(|line| zap(line * 11_000, "warn", "boom")).collect();
    assert_eq!(verdict(&slow), (150, true, vec![]));
    // Not of one message or level.
    let two: String = (0..180u32)
        .map(|line| zap(line * 5_000, if line % 2 == 0 { "warn" } else { "error" }, "boom"))
        .collect();
    assert_eq!(verdict(&two), (180, true, vec![]));
    // klog does not sample.
    let klog: String = (0..150).map(|line| format!("E0514 03:00:00.{line:06}    9 x.go:1] boom\n")).collect();
    assert_eq!(verdict(&klog), (150, true, vec![]));
}

#[test]
fn sampled_lines_touch_the_findings_of_that_message_alone() {
    let rules = rules(&(BOOM.to_owned() + &BOOM.replace("boom", "bang")));
    let log =
        zap(0, "warn", "bang") + &(0..120).map(|line| zap(line * 5_000, "warn", "boom")).collect::<String>();
    let summary = summary(&rules, &log);
    assert!(verdicts(&summary, "boom").iter().all(|(_, complete)| !complete));
    assert!(verdicts(&summary, "bang").iter().all(|(_, complete)| *complete));
}

#[test]
fn an_absence_waits_again_after_a_gap_of_its_program_alone() {
    let rules = builtin_and("[[rule]]\nid = 'silent'\nmatch = 'boom'\nopen = 'absent for 10m'\n");
    let story = |unit: &str| {
        let log = format!(
            "May 14 03:00:00 w-07 kubelet[9]: boom\nMay 14 03:05:00 w-07 systemd-journald[4]: Suppressed 3 messages from {unit}\nMay 14 04:00:00 w-07 app[1]: quiet\n"
        );
        let clock = Clock::from_year(2024).with_utc_offset_seconds(0);
        scan_whole(&rules, log.as_bytes(), clock).story("silent")
    };
    assert_eq!(story("kubelet.service"), ["open 2024-05-14T03:15:00Z"]);
    assert_eq!(story("etcd.service"), ["open 2024-05-14T03:10:00Z"]);
}
