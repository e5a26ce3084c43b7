//! Well-known incidents of four systems in the wordings of old and new releases, in every
//! envelope, through every way in: the same rule must say what is wrong.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chiplog_parse::{Civil, UnixNanos};
use serde_json::Value;

use crate::{Files, run, run_with};

/// 2024-05-14T03:12:00Z.
pub(crate) const START_SECONDS: i64 = 1_715_656_320;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// One moment in the notations of the programs.
pub(crate) struct Now(pub(crate) UnixNanos);

impl Now {
    fn civil(&self) -> Civil {
        self.0.to_civil()
    }

    pub(crate) fn klog(&self) -> String {
        let Civil { month, day, .. } = self.civil();
        format!("{month:02}{day:02} {}", self.clock())
    }

    fn capnslog(&self) -> String {
        format!("{} {}", self.date(), self.clock())
    }

    pub(crate) fn rfc3339(&self) -> String {
        format!("{}T{}Z", self.date(), self.clock())
    }

    fn date(&self) -> String {
        let Civil { year, month, day, .. } = self.civil();
        format!("{:04}-{month:02}-{day:02}", year.expect("an instant has a year"))
    }

    /// To the microsecond.
    fn clock(&self) -> String {
        let Civil { hour, minute, second, nanosecond, .. } = self.civil();
        format!("{hour:02}:{minute:02}:{second:02}.{:06}", nanosecond / 1_000)
    }

    fn syslog(&self, decimals: bool) -> String {
        let Civil { month, day, .. } = self.civil();
        let clock = self.clock();
        let clock = if decimals { &*clock } else { clock.split('.').next().unwrap_or(&clock) };
        format!("{} {day:02} {clock}", MONTHS[usize::from(month) - 1])
    }
}

/// What one occurrence of an incident writes, and how often it occurs.
struct Incident {
    name: &'static str,
    rule: &'static str,
    program: &'static str,
    /// A text of the lines that are hits.
    telling: &'static str,
    times: u32,
    every_seconds: i64,
    lines: fn(&Now, u32) -> Vec<String>,
}

const INCIDENTS: &[Incident] = &[
    Incident {
        name: "docker forgot a container: exec fails, docker 17",
        rule: "docker-container-not-found",
        program: "dockerd",
        telling: "containerd: container not found",
        times: 4,
        every_seconds: 10,
        lines: |now, number| {
            let (time, id) = (now.rfc3339(), 0x8f0f + number);
            let error = "rpc error: code = 2 desc = containerd: container not found";
            vec![format!(
                r#"time="{time}" level=error msg="Handler for POST /v1.24/exec/{id:x}/start returned error: {error}""#
            )]
        },
    },
    Incident {
        name: "docker forgot a container: health checks fail",
        rule: "docker-container-not-found",
        program: "dockerd",
        telling: "containerd: container not found",
        times: 4,
        every_seconds: 30,
        lines: |now, _| {
            let (time, id) = (now.rfc3339(), "eafbb848c1a1eafbb848c1a1");
            let error = "rpc error: code = 2 desc = containerd: container not found";
            vec![format!(
                r#"time="{time}" level=warning msg="Health check for container {id} error: {error}""#
            )]
        },
    },
    Incident {
        name: "orphaned pods, kubelet to 1.19",
        rule: "kubelet-orphaned-pod-volumes",
        program: "kubelet",
        telling: "Orphaned pod",
        times: 5,
        every_seconds: 2,
        lines: |now, number| {
            vec![format!(
                "E{}   41288 kubelet_volumes.go:154] Orphaned pod \"ce38f205-bc70-11e9-8a7b-aba258c30792\" found, \
                 but volume paths are still present on disk : There were a total of {} errors similar to this. \
                 Turn up verbosity to see them.",
                now.klog(),
                155 + number
            )]
        },
    },
    Incident {
        name: "orphaned pods, kubelet 1.20",
        rule: "kubelet-orphaned-pod-volumes",
        program: "kubelet",
        telling: "orphaned pod",
        times: 5,
        every_seconds: 2,
        lines: |now, _| {
            vec![format!(
                "E{}    2210 kubelet_volumes.go:154] orphaned pod \"421e0470-23b8-4c63-82f9-76a05210b909\" found, \
                 but volume paths are still present on disk : There were a total of 12 errors similar to this. \
                 Turn up verbosity to see them.",
                now.klog()
            )]
        },
    },
    Incident {
        name: "orphaned pods, kubelet from 1.21",
        rule: "kubelet-orphaned-pod-volumes",
        program: "kubelet",
        telling: "There were many similar errors",
        times: 5,
        every_seconds: 2,
        lines: |now, _| {
            vec![format!(
                r#"E{}    2210 kubelet_volumes.go:225] "There were many similar errors. Turn up verbosity to see them." err="orphaned pod \"421e0470-23b8-4c63-82f9-76a05210b909\" found, but failed to rmdir() volume at path /var/lib/kubelet/pods/421e0470-23b8-4c63-82f9-76a05210b909/volumes/kubernetes.io~csi/pvc-1: directory not empty" numErrs=30"#,
                now.klog()
            )]
        },
    },
    Incident {
        name: "orphaned pods, kubelet in JSON",
        rule: "kubelet-orphaned-pod-volumes",
        program: "kubelet",
        telling: "There were many similar errors",
        times: 5,
        every_seconds: 2,
        lines: |now, _| {
            let millis = now.0.0 / 1_000_000;
            vec![format!(
                r#"{{"ts":{millis}.251,"caller":"kubelet/kubelet_volumes.go:263","msg":"There were many similar errors. Turn up verbosity to see them.","err":"orphaned pod \"421e0470-23b8-4c63-82f9-76a05210b909\" found, but error occurred when trying to remove the volumes dir: not a directory","numErrs":30}}"#
            )]
        },
    },
    Incident {
        name: "slow requests, etcd to 3.4, a line broken in two",
        rule: "etcd-slow-apply",
        program: "etcd",
        telling: "took too long",
        times: 8,
        every_seconds: 5,
        lines: |now, number| {
            vec![
                format!(
                    r#"{} W | etcdserver: read-only range request "key:\"/registry/pods/\" range_end:\"/registry/pods0\" " with result "range_response_c"#,
                    now.capnslog()
                ),
                format!(r#"ount:12 size:{}" took too long (1.{number}17026891s) to execute"#, 4_096 + number),
            ]
        },
    },
    Incident {
        name: "slow requests, etcd to 3.4",
        rule: "etcd-slow-apply",
        program: "etcd",
        telling: "took too long",
        times: 35,
        every_seconds: 2,
        lines: |now, number| {
            vec![format!(
                r#"{} W | etcdserver: read-only range request "key:\"/registry/pods/\" range_end:\"/registry/pods0\" " with result "range_response_count:12 size:4096" took too long ({}.026891ms) to execute"#,
                now.capnslog(),
                117 + number
            )]
        },
    },
    Incident {
        name: "slow requests, etcd 3.5",
        rule: "etcd-slow-apply",
        program: "etcd",
        telling: "apply request took too long",
        times: 8,
        every_seconds: 5,
        lines: |now, _| {
            vec![format!(
                r#"{{"level":"warn","ts":"{}","caller":"etcdserver/util.go:170","msg":"apply request took too long","took":"1.310910984s","expected-duration":"100ms","prefix":"read-only range ","request":"key:\"/registry/leases/kube-system/kube-scheduler\" ","response":"range_response_count:1 size:481"}}"#,
                now.rfc3339()
            )]
        },
    },
    Incident {
        name: "slow requests, etcd 3.6 in the form for consoles",
        rule: "etcd-slow-apply",
        program: "etcd",
        telling: "apply request took too long",
        times: 8,
        every_seconds: 5,
        lines: |now, _| {
            vec![format!(
                "{}\twarn\ttxn/util.go:94\tapply request took too long\t{}",
                now.rfc3339(),
                r#"{"took": "1.204s", "expected-duration": "100ms", "prefix": "read-only range ", "request": "key:\"a\" ", "response": ""}"#
            )]
        },
    },
    Incident {
        name: "slow entries, etcd 2 and 3.0",
        rule: "etcd-apply-entries-slow",
        program: "etcd",
        telling: "apply entries took too long",
        times: 8,
        every_seconds: 5,
        lines: |now, _| {
            vec![
                format!(
                    "{} W | etcdserver: apply entries took too long [1.221337s for 2 entries]",
                    now.capnslog()
                ),
                format!("{} W | etcdserver: avoid queries with large range/delete range!", now.capnslog()),
            ]
        },
    },
    Incident {
        name: "slow sync, etcd to 3.4",
        rule: "etcd-slow-fsync",
        program: "etcd",
        telling: "sync duration of",
        times: 1,
        every_seconds: 1,
        lines: |now, _| {
            vec![format!("{} W | wal: sync duration of 1.902837465s, expected less than 1s", now.capnslog())]
        },
    },
    Incident {
        name: "slow sync, etcd 3.5",
        rule: "etcd-slow-fsync",
        program: "etcd",
        telling: "slow fdatasync",
        times: 1,
        every_seconds: 1,
        lines: |now, _| {
            vec![format!(
                r#"{{"level":"warn","ts":"{}","caller":"wal/wal.go:805","msg":"slow fdatasync","took":"1.902837465s","expected-duration":"1s"}}"#,
                now.rfc3339()
            )]
        },
    },
    Incident {
        name: "late heartbeats, etcd to 3.4",
        rule: "etcd-heartbeat-late",
        program: "etcd",
        telling: "failed to send out heartbeat on time",
        times: 6,
        every_seconds: 5,
        lines: |now, _| {
            vec![
                format!(
                    "{} W | etcdserver: failed to send out heartbeat on time (exceeded the 100ms timeout for \
                     288.915798ms, to 1df941d172cbedf)",
                    now.capnslog()
                ),
                format!("{} W | etcdserver: server is likely overloaded", now.capnslog()),
            ]
        },
    },
    Incident {
        name: "late heartbeats, etcd 3.5",
        rule: "etcd-heartbeat-late",
        program: "etcd",
        telling: "heartbeat on time took too long",
        times: 6,
        every_seconds: 5,
        lines: |now, _| {
            vec![format!(
                r#"{{"level":"warn","ts":"{}","caller":"etcdserver/raft.go:415","msg":"leader failed to send out heartbeat on time; took too long, leader is overloaded likely from slow disk","to":"11285261ef9d9bc1","heartbeat-interval":"100ms","expected-duration":"200ms","exceeded-duration":"288.1ms"}}"#,
                now.rfc3339()
            )]
        },
    },
    Incident {
        name: "flanneld killed, Linux to 5.0",
        rule: "flannel-oom",
        program: "kernel",
        telling: "Killed process ",
        times: 1,
        every_seconds: 1,
        lines: |_, _| {
            [
                "flanneld invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=984",
                "memory: usage 51200kB, limit 51200kB, failcnt 1029",
                "Memory cgroup out of memory: Kill process 7112 (flanneld) score 1912 or sacrifice child",
                "Killed process 7112 (flanneld) total-vm:412380kB, anon-rss:48012kB, file-rss:10240kB, shmem-rss:0kB",
            ]
            .map(ToOwned::to_owned)
            .to_vec()
        },
    },
    Incident {
        name: "flanneld killed, Linux from 5.1",
        rule: "flannel-oom",
        program: "kernel",
        telling: "Killed process ",
        times: 1,
        every_seconds: 1,
        lines: |_, _| {
            [
                "flanneld invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=-997",
                "memory: usage 51200kB, limit 51200kB, failcnt 1029",
                "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=3f1,mems_allowed=0,oom_memcg=/kubepods/burstable/pod4c39/0a38,task_memcg=/kubepods/burstable/pod4c39/0a38,task=flanneld,pid=20931,uid=0",
                "Memory cgroup out of memory: Killed process 20931 (flanneld) total-vm:412380kB, anon-rss:48012kB, file-rss:10240kB, shmem-rss:0kB, UID:0 pgtables:300kB oom_score_adj:-997",
            ]
            .map(ToOwned::to_owned)
            .to_vec()
        },
    },
];

/// What stands around a line.
#[derive(Clone, Copy, Debug)]
enum Envelope {
    Nothing,
    JournalShort,
    JournalShortPrecise,
    Cri,
    DockerJson,
    JournalJson,
}

const ENVELOPES: [Envelope; 6] = [
    Envelope::Nothing,
    Envelope::JournalShort,
    Envelope::JournalShortPrecise,
    Envelope::Cri,
    Envelope::DockerJson,
    Envelope::JournalJson,
];

impl Envelope {
    fn wrap(self, now: &Now, program: &str, line: &str) -> String {
        let is_kernel = program == "kernel";
        // Without a daemon that takes it away, the kernel's own clock stands before its lines.
        let own = if is_kernel { format!("[812345.678901] {line}") } else { line.to_owned() };
        let identifier = if is_kernel { "kernel".to_owned() } else { format!("{program}[1893]") };
        match self {
            Self::Nothing => own,
            Self::JournalShort => format!("{} cp-1 {identifier}: {line}", now.syslog(false)),
            Self::JournalShortPrecise => format!("{} cp-1 {identifier}: {line}", now.syslog(true)),
            Self::Cri => format!("{} stderr F {own}", now.rfc3339()),
            Self::DockerJson => {
                // Like encoding/json of Go.
                let log = Value::from(format!("{own}\n")).to_string();
                let log = log.replace('<', r"\u003c").replace('>', r"\u003e").replace('&', r"\u0026");
                format!(r#"{{"log":{log},"stream":"stderr","time":"{}"}}"#, now.rfc3339())
            }
            Self::JournalJson => format!(
                r#"{{"__REALTIME_TIMESTAMP":"{}","PRIORITY":"6","_HOSTNAME":"cp-1","SYSLOG_IDENTIFIER":"{program}","_TRANSPORT":"{}","MESSAGE":{}}}"#,
                now.0.0 / 1_000,
                if is_kernel { "kernel" } else { "stdout" },
                Value::from(line)
            ),
        }
    }
}

impl Incident {
    fn log(&self, envelope: Envelope) -> String {
        let mut log = String::new();
        for number in 0..self.times {
            let seconds = START_SECONDS + i64::from(number) * self.every_seconds;
            let now = Now(UnixNanos(seconds * 1_000_000_000 + 120_034_000));
            for line in (self.lines)(&now, number) {
                writeln!(log, "{}", envelope.wrap(&now, self.program, &line)).expect("memory takes it");
            }
        }
        log
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn rule_ids<'a>(findings: impl IntoIterator<Item = &'a Value>) -> BTreeSet<&'a str> {
    findings.into_iter().filter_map(|finding| finding["rule_id"].as_str()).collect()
}

fn each() -> impl Iterator<Item = (&'static Incident, Envelope)> {
    INCIDENTS.iter().flat_map(|incident| ENVELOPES.map(|envelope| (incident, envelope)))
}

fn assert_none_failed(failures: &[String]) {
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_stream_opens_the_right_finding() {
    let mut failures = vec![];
    for (incident, envelope) in each() {
        let log = incident.log(envelope);
        let ran = run_with(["--json", "--year", "2024"], log.as_bytes());
        let changes: Vec<Value> = ran.stdout.lines().map(json).collect();
        let opened = rule_ids(changes.iter().filter(|change| change["state"] == "open"));
        if ran.exit != 0 || !opened.contains(incident.rule) {
            failures.push(format!("{} in {envelope:?}: {opened:?}\n{log}{}", incident.name, ran.stderr));
        }
    }
    assert_none_failed(&failures);
}

#[test]
fn a_scan_finds_the_right_thing_in_each_file() {
    let names = |number: usize| format!("{number:03}.log");
    let logs: Vec<(String, String)> = each()
        .enumerate()
        .map(|(number, (incident, envelope))| (names(number), incident.log(envelope)))
        .collect();
    let files: Vec<(&str, &str)> = logs.iter().map(|(name, log)| (name.as_str(), log.as_str())).collect();
    let files = Files::new(&files);
    let arguments = ["scan", "--format", "json", "--year", "2024"];
    let ran = run(arguments.iter().map(AsRef::as_ref).chain([files.0.path().as_os_str()]));
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let report = json(&ran.stdout);
    let findings = report["findings"].as_array().expect("a list");
    let mut failures = vec![];
    for (number, (incident, envelope)) in each().enumerate() {
        let is_here = |finding: &&Value| {
            finding["source"].as_str().is_some_and(|source| source.ends_with(&names(number)))
        };
        let found = rule_ids(findings.iter().filter(is_here));
        if !found.contains(incident.rule) {
            failures.push(format!("{} in {envelope:?}: {found:?}", incident.name));
        }
    }
    assert_none_failed(&failures);
}

#[test]
fn of_the_rules_that_match_the_right_one_is_best() {
    let mut expected = vec![];
    let mut input = String::new();
    for (incident, envelope) in each() {
        let log = incident.log(envelope);
        expected.extend(log.lines().map(|line| line.contains(incident.telling).then_some(incident.rule)));
        input += &log;
    }
    let ran = run_with(["rules", "try", "--json", "-"], input.as_bytes());
    let answers: Vec<Value> = ran.stdout.lines().map(json).collect();
    assert_eq!((ran.exit, answers.len()), (0, expected.len()), "{}", ran.stderr);
    let wrong = answers.iter().zip(expected).zip(input.lines()).filter_map(|((answer, rule), line)| {
        rule.filter(|rule| answer["best"] != *rule).map(|rule| format!("{rule}, not {answer}: {line}"))
    });
    assert_none_failed(&wrong.collect::<Vec<_>>());
}
