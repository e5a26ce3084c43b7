//! Findings for tests.

use std::sync::Arc;

use chiplog_engine::{Evidence, Finding, Half, Peak, State, Transition, Unit, UnknownTemplate, ValueSummary};
use chiplog_parse::{Severity, UnixNanos};

/// 2024-05-14T03:12:44.120Z.
pub(crate) const OPENED: UnixNanos = UnixNanos(1_715_656_364_120_000_000);

pub(crate) fn after(seconds: i64) -> Option<UnixNanos> {
    Some(UnixNanos(OPENED.0 + seconds * 1_000_000_000))
}

/// Slow requests of an etcd member; a stream reports that it opens.
pub(crate) fn slow_apply() -> Finding {
    let text = |text: &str| -> Arc<str> { Arc::from(text) };
    let mut finding = Finding::new(
        text("etcd-slow-apply"),
        text("etcd answers slowly"),
        Severity::Error,
        text("masters/etcd.log"),
    );
    finding.transition = Some(Transition::Open);
    finding.group = vec![(text("host"), text("cp-1"))];
    finding.component = Some(text("etcd"));
    finding.time = Some(OPENED);
    finding.first_time = after(-50);
    finding.last_time = Some(OPENED);
    finding.opened_time = Some(OPENED);
    finding.hits = 31;
    finding.occurrences = 31;
    finding.window_nanos = 60_000_000_000;
    finding.peak = Some(Peak {
        name: text("p99(took)"),
        unit: Unit::Nanoseconds,
        amount: 1_203_000_000,
        limit: 500_000_000,
    });
    finding.values = vec![ValueSummary {
        name: text("took"),
        unit: Unit::Nanoseconds,
        count: 31,
        sum: 9_117_026_891,
        min: Some(117_026_891),
        max: Some(1_203_000_000),
        p50: Some(200_000_000),
        p90: None,
        p99: Some(1_203_000_000),
    }];
    finding.evidence = vec![Evidence {
        line: 4_411,
        offset: 900_231,
        time: Some(OPENED),
        origin: Some(text("etcd[1893]")),
        body: b"apply request took too long \x1b[31m\xff".to_vec(),
        values: vec![(text("took"), Unit::Nanoseconds, 1_203_000_000)],
    }];
    finding
}

/// The same when it is over.
pub(crate) fn slow_apply_closed() -> Finding {
    let mut finding = slow_apply();
    finding.transition = None;
    finding.state = State::Closed;
    finding.hits = 212;
    finding.occurrences = 212;
    finding.last_time = after(120);
    finding.closed_time = after(246);
    finding.time = finding.closed_time;
    finding
}

/// An error that no rule knows, and that grows.
pub(crate) fn unknown() -> UnknownTemplate {
    UnknownTemplate {
        template: "Failed to sync pod <*> back-off".to_owned(),
        severity: Severity::Error,
        component: Some(Arc::from("kubelet")),
        code: Some(Arc::from("pod.go:12")),
        lines: 1_204,
        halves: [Half { looked_at: 10_000, lines: 4 }, Half { looked_at: 10_000, lines: 1_200 }],
        first_time: Some(OPENED),
        last_time: after(60),
        source: Arc::from("w-07.log"),
        example: Evidence {
            line: 7,
            offset: 900,
            time: Some(OPENED),
            origin: None,
            body: b"Failed to sync pod web-1: back-off".to_vec(),
            values: vec![],
        },
    }
}
