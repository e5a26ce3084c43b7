//! Lines of each format, some of which rules match, and what to do with them while allocations are
//! counted.

use chiplog_engine::{Block, ScanMode, Scanner};
use chiplog_parse::Detector;
use chiplog_rules::RuleSet;

/// Lines of one format.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// A tilde stands where a line can be made longer.
    pub(crate) healthy: &'static [&'static str],
    pub(crate) matching: &'static [&'static str],
}

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "klog",
        healthy: &[
            r#"I0305 06:07:08.120034    1234 kubelet.go:2432] "SyncLoop ADD" source="api" pods=["kube-system/coredns-5d78c9869d-abcde","default/web-0~"]"#,
            "W0305 06:07:08.120034       1 reflector.go:302] watch closed~",
            r#"E0305 06:07:08.120034    1234 pod_workers.go:1298] "Error syncing pod, skipping" err="failed to \"StartContainer\" for \"app~\"" pod="ns/app-0""#,
        ],
        matching: &[
            r#"E0521 16:45:28.353927   58235 kubelet_volumes.go:140] Orphaned pod "3f1c9b0e-5c1d-11e9-8f2a-0242ac110002" found, but volume paths are still present on disk : There were a total of 3 errors similar to this. Turn up verbosity to see them."#,
            r#"E0305 06:07:08.120034    1234 kubelet.go:1870] "Skipping pod synchronization" err="PLEG is not healthy: pleg was last seen active 3m1.5s ago; threshold is 3m0s""#,
        ],
    },
    Case {
        name: "capnslog",
        healthy: &["2018-10-22 11:22:16.364641 I | mvcc: store.index: compact 4711~"],
        matching: &[
            r#"2018-10-22 03:58:55.515002 W | etcdserver: read-only range request "key:\"xxx\" range_end:\"xxx\" " with result "range_response_count:12 size:4711" took too long (117.026891ms) to execute"#,
            "2019-08-17 16:36:44.213626 W | wal: sync duration of 1.9s, expected less than 1s",
        ],
    },
    Case {
        name: "zap json",
        healthy: &[
            r#"{"level":"info","ts":"2023-05-04T00:31:44.495Z","caller":"mvcc/index.go:214","msg":"compact tree index~","revision":4711}"#,
        ],
        matching: &[
            r#"{"level":"warn","ts":"2023-05-04T00:31:44.495Z","caller":"etcdserver/util.go:170","msg":"apply request took too long","took":"1.310910984s","expected-duration":"100ms","prefix":"read-only range ","request":"key:\"/registry/leases/kube-system/kube-scheduler\" ","response":"range_response_count:1 size:481"}"#,
        ],
    },
    Case {
        name: "logrus",
        healthy: &[
            r#"time="2024-03-05T14:07:08.5+08:00" level=info msg="ignoring event~" container=3f module=libcontainerd namespace=moby"#,
            r#"time="2024-03-05T14:07:08Z" level=warning msg="cleanup warnings~ time=\"2024\" level=info" runtime=io.containerd.runc.v2"#,
        ],
        matching: &[
            r#"time="2024-03-05T14:07:08Z" level=error msg="Handler for POST /v1.24/exec/8f0f/start returned error: rpc error: code = 2 desc = containerd: container not found""#,
        ],
    },
    Case {
        name: "cri > klog",
        healthy: &[
            r#"2024-03-05T06:07:08.120111Z stderr F I0305 06:07:08.120034       1 controller.go:147] "Synced" key="ns/app~" attempts=3"#,
        ],
        matching: &[
            r#"2024-03-05T06:07:08.120111Z stderr F E0305 06:07:08.120034    1234 kubelet.go:1870] "Skipping pod synchronization" err="PLEG is not healthy: pleg was last seen active 3m1.5s ago; threshold is 3m0s""#,
        ],
    },
    Case {
        name: "docker json > klog",
        healthy: &[
            r#"{"log":"I0305 06:07:08.120034       1 controller.go:147] \"Synced\" key=\"ns/app~\" attempts=3\n","stream":"stderr","time":"2024-03-05T06:07:08.12Z"}"#,
            r#"{"log":"plain~\n","stream":"stdout","time":"2024-03-05T06:07:08.12Z"}"#,
        ],
        matching: &[
            r#"{"log":"E0305 06:07:08.120034    1234 kubelet.go:1870] \"Skipping pod synchronization\" err=\"PLEG is not healthy: pleg was last seen active 3m1.5s ago; threshold is 3m0s\"\n","stream":"stderr","time":"2024-03-05T06:07:08.12Z"}"#,
            r#"{"log":"2018-10-22 03:58:55.515002 W | etcdserver: read-only range request \"key:\\\"xxx\\\" \" with result \"range_response_count:12 size:4711\" took too long (117.026891ms) to execute\n","stream":"stderr","time":"2024-03-05T06:07:08.12Z"}"#,
        ],
    },
];

/// Allocations of peeling each line and matching it with the built-in rules, `rounds` times over,
/// once everything is warm; and how many hits there were in a round.
pub(crate) fn dense(lines: &[&str], rounds: u64) -> (u64, u64) {
    let rules = RuleSet::builtin();
    let mut detector = Detector::new();
    let mut matcher = rules.matcher();
    let mut hits = 0;
    let mut round = || {
        for line in lines {
            let record = detector.peel(line.as_bytes());
            matcher.match_record(&record, line.as_bytes(), |_| hits += 1);
        }
    };
    round();
    let counted = allocation_counter::measure(|| (0..rounds).for_each(|_| round()));
    (counted.count_total, hits / (rounds + 1))
}

/// A quarter of a mebibyte of lines, each made longer by so many bytes; and how many lines it is.
pub(crate) fn block_of(lines: &[&str], longer_bytes: usize) -> (Block, u64) {
    const BYTES: usize = 256 << 10;
    // Behind the head of a source, of which every line is looked at.
    const OFFSET: u64 = 17 << 20;
    let mut bytes = Vec::with_capacity(BYTES);
    let mut count = 0;
    for line in lines.iter().cycle() {
        let line = line.replace('~', &"x".repeat(longer_bytes));
        if bytes.len() + line.len() + 1 > BYTES {
            break;
        }
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        count += 1;
    }
    (Block { offset: OFFSET, bytes, ..Block::default() }, count)
}

/// Allocations of scanning a block with the built-in rules, once the scanner is warm.
pub(crate) fn block(block: &Block, mode: ScanMode) -> u64 {
    let mut scanner = Scanner::new(&RuleSet::builtin(), mode, false);
    drop(scanner.scan(block));
    allocation_counter::measure(|| drop(scanner.scan(block))).count_total
}
