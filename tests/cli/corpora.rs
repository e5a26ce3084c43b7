//! Real logs: counts must agree with those that other tools took.

use std::path::PathBuf;

use serde_json::Value;

use crate::{chiplog, run};

fn corpora() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpora")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What is known of a file, from `expected.json`.
struct Known {
    /// Below `corpora`.
    name: String,
    path: PathBuf,
    bytes: u64,
    counts: Value,
}

fn known() -> Vec<Known> {
    let text = std::fs::read_to_string(corpora().join("expected.json")).expect("the list of files");
    let files = json(&text);
    files
        .as_array()
        .expect("a list")
        .iter()
        .map(|file| Known {
            name: file["file"].as_str().expect("a name").to_owned(),
            path: corpora().join(file["file"].as_str().expect("a name")),
            bytes: file["bytes"].as_u64().expect("a number"),
            counts: file["counts"].clone(),
        })
        .collect()
}

/// The report of a scan and what can be asked of it.
struct Report(Value);

impl Report {
    fn hits(&self, rule: &str) -> u64 {
        self.0["rules"][rule]["hits"].as_u64().unwrap_or(0)
    }

    /// Lines of which the innermost format is one of these.
    fn lines_of(&self, formats: &[&str]) -> u64 {
        let chains = self.0["inputs"][0]["formats"].as_object().expect("formats by chain");
        let innermost = |chain: &str| chain.rsplit('>').next().is_some_and(|last| formats.contains(&last));
        chains.iter().filter(|(chain, _)| innermost(chain)).filter_map(|(_, count)| count.as_u64()).sum()
    }

    /// A statistic of the durations of a rule, in milliseconds, as the text of a decimal.
    fn milliseconds(&self, rule: &str, statistic: &str) -> Option<f64> {
        self.0["rules"][rule]["values"]["took"][statistic].as_f64().map(|seconds| seconds * 1e3)
    }
}

/// A count in `expected.json`, by what chiplog says it is. Sums, where one line of chiplog's
/// report covers several patterns.
#[test]
fn counts_agree_with_other_tools() {
    let mut checked = 0;
    for file in known() {
        let path = file.path.to_str().expect("UTF-8");
        let ran = run(["scan", "--format", "json", "--year", "2026", path]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{path}");
        let report = Report(json(&ran.stdout));
        let count = |name: &str| file.counts[name].as_u64();
        let sum = |names: &[&str]| -> Option<u64> {
            let counts: Vec<u64> = names.iter().filter_map(|name| count(name)).collect();
            (!counts.is_empty()).then(|| counts.iter().sum())
        };
        let is_etcd = file.name.starts_with("etcd/");
        let is_kubelet = file.name.starts_with("kubelet/");
        let only = |condition: bool, expected: Option<u64>| expected.filter(|_| condition);
        let input = &report.0["inputs"][0];
        let slow = if count("slow_apply").is_some() {
            count("slow_apply")
        } else {
            sum(&["slow_range", "slow_request"])
        };
        let has_klog = count("klog_I").is_some();
        for (what, expected, actual) in [
            ("bytes", Some(file.bytes), input["bytes"].as_u64().unwrap_or(0)),
            ("lines", count("lines"), input["lines"].as_u64().unwrap_or(0)),
            ("slow requests", only(is_etcd, slow), report.hits("etcd-slow-apply")),
            ("slow syncs", sum(&["wal_sync_slow", "slow_fdatasync"]), report.hits("etcd-slow-fsync")),
            ("late heartbeats", count("heartbeat_late"), report.hits("etcd-heartbeat-late")),
            ("overloads", count("overloaded"), report.hits("etcd-overloaded")),
            (
                "orphaned pods",
                sum(&["orphan_volume_paths", "orphan_dir_error"]),
                report.hits("kubelet-orphaned-pod-volumes"),
            ),
            (
                "failed probes",
                only(is_kubelet, sum(&["probe_failed", "probe_errored"])),
                report.hits("kubelet-liveness-failed") + report.hits("kubelet-readiness-failed"),
            ),
            ("relists", count("pleg_last_seen"), report.hits("kubelet-pleg-not-healthy")),
            ("health checks", count("healthcheck_warn"), report.hits("docker-healthcheck-error")),
            ("kills", count("memcg_oom_killed"), report.hits("kernel-oom-memcg")),
            (
                "klog lines",
                only(has_klog, sum(&["klog_I", "klog_W", "klog_E", "klog_F"])),
                report.lines_of(&["klog"]),
            ),
            ("klog JSON lines", count("json_lines"), report.lines_of(&["klog_json"])),
            ("capnslog lines", sum(&["sev_I", "sev_N", "sev_W", "sev_E"]), report.lines_of(&["capnslog"])),
            (
                "zap lines",
                only(is_etcd, sum(&["level_info", "level_warn", "level_error"])),
                report.lines_of(&["zap_json", "zap_console"]),
            ),
            ("logrus lines", sum(&["text_info", "text_warning", "text_error"]), report.lines_of(&["logrus"])),
        ] {
            if let Some(expected) = expected {
                assert_eq!(actual, expected, "{what} in {path}");
                checked += 1;
            }
        }
        for (name, statistic, digits) in [
            ("slow_max_ms", "max_seconds", 1e-6),
            ("slow_min_ms", "min_seconds", 1e-6),
            // The other tool rounded to the microsecond.
            ("slow_sum_ms", "sum_seconds", 1e-3),
        ] {
            if let Some(expected) = file.counts[name].as_f64() {
                let actual = report.milliseconds("etcd-slow-apply", statistic).unwrap_or(f64::NAN);
                assert!((actual - expected).abs() < digits, "{name} in {path}: {actual}, not {expected}");
                checked += 1;
            }
        }
    }
    // A typing error in a name above would check nothing.
    assert_eq!(checked, 48);
}

/// Severities, counted line by line.
#[test]
fn severities_agree_with_other_tools() {
    for file in known() {
        let path = file.path.to_str().expect("UTF-8");
        let ran = run(["count", "--by", "format,severity_text", "--format", "csv", path]);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        let counted = |row: &str| {
            let count = ran.stdout.lines().find_map(|line| line.strip_prefix(row)?.strip_prefix(','));
            count.map_or(0, |count| count.parse::<u64>().expect("a number"))
        };
        for (name, rows) in [
            ("klog_I", &["klog,I"][..]),
            ("klog_W", &["klog,W"]),
            ("klog_E", &["klog,E"]),
            ("klog_F", &["klog,F"]),
            ("sev_I", &["capnslog,I"]),
            ("sev_N", &["capnslog,N"]),
            ("sev_W", &["capnslog,W"]),
            ("sev_E", &["capnslog,E"]),
            ("level_info", &["zap_json,info", "zap_console,info"]),
            ("level_warn", &["zap_json,warn", "zap_console,warn"]),
            ("level_error", &["zap_json,error", "zap_console,error"]),
            ("text_info", &["logrus,info"]),
            ("text_warning", &["logrus,warning"]),
            ("text_error", &["logrus,error"]),
        ] {
            if let Some(expected) = file.counts[name].as_u64() {
                let actual: u64 = rows.iter().map(|row| counted(row)).sum();
                assert_eq!(actual, expected, "{name} in {path}\n{}", ran.stdout);
            }
        }
    }
}

/// Findings as a scan or the end of a stream has them, without the name of the source.
fn findings(report: &str) -> Vec<Value> {
    fn nameless(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.remove("source");
                members.values_mut().for_each(nameless);
            }
            Value::Array(items) => items.iter_mut().for_each(nameless),
            _ => {}
        }
    }
    let mut findings = json(report)["findings"].take();
    nameless(&mut findings);
    findings.as_array().expect("a list").clone()
}

#[test]
fn a_stream_ends_with_the_findings_of_a_scan() {
    for file in known() {
        let path = file.path.to_str().expect("UTF-8");
        let scan = run(["scan", "--format", "json", "--year", "2026", path]);
        let mut bytes = vec![];
        let packed = std::fs::File::open(&file.path).expect("the file");
        std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(packed), &mut bytes).expect("gzip");
        let stream = crate::run_with(["--format", "json", "--year", "2026"], &bytes);
        assert_eq!((scan.exit, stream.exit), (0, 0), "{}", stream.stderr);
        let (scan, stream) = (findings(&scan.stdout), findings(&stream.stdout));
        assert!(!scan.is_empty() || file.name.contains("containerd"), "{path}");
        assert_eq!(stream, scan, "{path}");
    }
}

#[test]
fn a_scan_is_the_same_for_any_number_of_threads() {
    let scan = |flags: &[&str]| {
        let output = chiplog()
            .args(["scan", "--format", "json", "--year", "2026"])
            .args(flags)
            .arg(corpora())
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(0));
        output.stdout
    };
    let one = scan(&["--jobs", "1"]);
    for flags in [&["--jobs", "2"][..], &["--jobs", "8"], &["--jobs", "3", "--dense"], &["--dense"]] {
        assert!(scan(flags) == one, "{flags:?} gives another report");
    }
}

#[test]
fn the_text_of_a_scan_fits_80_columns_and_says_what_is_worst_first() {
    let output = chiplog().args(["scan", "--all"]).arg(corpora()).output().expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let too_wide = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(too_wide, None);
    let table = text.split("\n\n").nth(1).expect("a table");
    let severities: Vec<usize> = table
        .lines()
        .filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit()))
        .filter_map(|line| {
            ["CRITICAL", "ERROR", "WARN"].iter().position(|word| line.contains(&format!(" {word} ")))
        })
        .collect();
    assert!(severities.len() > 20 && severities.is_sorted(), "{text}");
}

/// A stream names the cause of a finding when it opens, as far as it is known by then.
#[test]
fn a_stream_says_what_came_before() {
    let packed = std::fs::read(corpora().join("kubelet/kubelet-1.20-runtime-stopped.log.gz")).expect("a log");
    let mut log = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&packed[..]), &mut log).expect("gzip");
    let text = crate::run_with(["--min-severity", "critical"], &log).stdout;
    let cause = "             after   docker-daemon-hung, 9.84 s earlier: probably the cause\n";
    assert!(text.contains(cause), "{text}");

    let json = crate::run_with(["--min-severity", "critical", "--json"], &log).stdout;
    let changes = json.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let told: Vec<_> = changes
        .filter(|change| change["state"] == "open" && change["likely_cause"].is_object())
        .map(|change| (change["rule_id"].clone(), change["likely_cause"]["rule_id"].clone()))
        .collect();
    let hung = |rule: &str| (rule.into(), "docker-daemon-hung".into());
    assert_eq!(told, [hung("kubelet-runtime-down"), hung("kubelet-pleg-not-healthy")]);
}
