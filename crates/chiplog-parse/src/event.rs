//! One view over the typed events: a kind and named values.

use crate::Text;
use crate::events::etcd::{self, EtcdEvent};
use crate::events::kubelet::{self, KubeletEvent};
use crate::events::oom::{self, OomEvent};
use crate::events::suppress::{self, SuppressKind, Suppressed};
use crate::record::{Payload, Record};

/// A message whose meaning this crate knows, such as a slow request of etcd or a kill for lack
/// of memory. [`Event::kind`] names it, [`Event::value`] gives its parts.
///
/// ```
/// use chiplog_parse::{Detector, EventValue};
/// let mut detector = Detector::new();
/// let record = detector.peel(b"2018-10-22 03:58:55.515002 W | wal: sync duration of 1.9s, expected less than 1s");
/// let event = record.event().unwrap();
/// assert_eq!(event.kind(), "etcd.fdatasync_slow");
/// assert_eq!(event.value("duration"), Some(EventValue::Nanoseconds(1_900_000_000)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    inner: Inner<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Inner<'a> {
    Etcd(EtcdEvent<'a>),
    Oom(OomEvent<'a>),
    Kubelet(KubeletEvent<'a>),
    Suppress(Suppressed<'a>),
}

/// A part of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventValue<'a> {
    /// A duration in nanoseconds.
    Nanoseconds(i64),
    /// A size in bytes.
    Bytes(u64),
    /// A count or an identifier.
    Integer(u64),
    /// Text.
    Text(Text<'a>),
}

/// The unit of a part of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventUnit {
    /// [`EventValue::Nanoseconds`].
    Nanoseconds,
    /// [`EventValue::Bytes`].
    Bytes,
    /// [`EventValue::Integer`].
    Integer,
    /// [`EventValue::Text`].
    Text,
}

/// A kind of event and the parts it may have.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EventKind {
    /// The name: emitter, dot, event, as in `etcd.apply_slow`.
    pub name: &'static str,
    /// Name and unit of each part; a given event may lack some.
    pub values: &'static [(&'static str, EventUnit)],
}

const fn kind(name: &'static str, values: &'static [(&'static str, EventUnit)]) -> EventKind {
    EventKind { name, values }
}

use EventUnit::{Bytes, Integer, Nanoseconds};

/// Every kind of event.
pub const EVENT_KINDS: &[EventKind] = &[
    kind(
        "etcd.apply_slow",
        &[
            ("duration", Nanoseconds),
            ("threshold", Nanoseconds),
            ("prefix", EventUnit::Text),
            ("request", EventUnit::Text),
            ("response", EventUnit::Text),
            ("error", EventUnit::Text),
        ],
    ),
    kind("etcd.entries_slow", &[("duration", Nanoseconds), ("entries", Integer)]),
    kind("etcd.large_range_advice", &[]),
    kind(
        "etcd.apply_failed",
        &[("duration", Nanoseconds), ("request", EventUnit::Text), ("error", EventUnit::Text)],
    ),
    kind(
        "etcd.heartbeat_late",
        &[("duration", Nanoseconds), ("threshold", Nanoseconds), ("peer", EventUnit::Text)],
    ),
    kind("etcd.overloaded", &[]),
    kind("etcd.fdatasync_slow", &[("duration", Nanoseconds), ("threshold", Nanoseconds)]),
    kind("etcd.readindex_slow", &[("retry_timeout", Nanoseconds)]),
    kind("etcd.readindex_timeout", &[("timeout", Nanoseconds)]),
    kind(
        "etcd.request_stats",
        &[("duration", Nanoseconds), ("request", EventUnit::Text), ("remote", EventUnit::Text)],
    ),
    kind("etcd.trace", &[("duration", Nanoseconds), ("name", EventUnit::Text)]),
    kind("etcd.snapshot_slow", &[("duration", Nanoseconds), ("size", Bytes)]),
    kind("etcd.clock_drift", &[("duration", Nanoseconds), ("peer", EventUnit::Text)]),
    kind("etcd.compaction", &[("duration", Nanoseconds), ("revision", Integer)]),
    kind("etcd.tick_missed", &[]),
    kind("oom.invoked", &[("comm", EventUnit::Text)]),
    kind("oom.kill", &[("pid", Integer), ("comm", EventUnit::Text), ("scope", EventUnit::Text)]),
    kind(
        "oom.killed",
        &[
            ("pid", Integer),
            ("comm", EventUnit::Text),
            ("scope", EventUnit::Text),
            ("total_vm", Bytes),
            ("anon_rss", Bytes),
        ],
    ),
    kind(
        "oom.summary",
        &[
            ("pid", Integer),
            ("comm", EventUnit::Text),
            ("constraint", EventUnit::Text),
            ("task_memcg", EventUnit::Text),
            ("oom_memcg", EventUnit::Text),
        ],
    ),
    kind("oom.reaped", &[("pid", Integer), ("comm", EventUnit::Text)]),
    kind("oom.reap_failed", &[("pid", Integer), ("comm", EventUnit::Text)]),
    kind("oom.task_in", &[("task_memcg", EventUnit::Text), ("oom_memcg", EventUnit::Text)]),
    kind("oom.usage", &[("usage", Bytes), ("limit", Bytes), ("failcnt", Integer)]),
    kind("oom.group_kill", &[("oom_memcg", EventUnit::Text)]),
    kind(
        "kubelet.orphaned_pod",
        &[("pod_uid", EventUnit::Text), ("reason", EventUnit::Text), ("count", Integer)],
    ),
    kind("kubelet.pleg_unhealthy", &[("duration", Nanoseconds), ("threshold", Nanoseconds)]),
    kind(
        "kubelet.client_throttle",
        &[("duration", Nanoseconds), ("verb", EventUnit::Text), ("url", EventUnit::Text)],
    ),
    kind("suppress.journald", &[("count", Integer), ("source", EventUnit::Text)]),
    kind("suppress.journald_kernel", &[("count", Integer), ("source", EventUnit::Text)]),
    kind("suppress.kernel_ratelimit", &[("count", Integer), ("source", EventUnit::Text)]),
    kind("suppress.rsyslog_rate", &[("count", Integer), ("source", EventUnit::Text)]),
    kind("suppress.rsyslog_begin", &[("source", EventUnit::Text)]),
    kind("suppress.repeat", &[("count", Integer), ("source", EventUnit::Text)]),
];

impl<'a> Event<'a> {
    /// The event of a record.
    pub(crate) fn of(record: &Record<'a>) -> Option<Self> {
        let inner = match record.payload() {
            Payload::Zap(entry) => Inner::Etcd(etcd::parse_zap(entry)?),
            Payload::Capnslog(entry) => Inner::Etcd(etcd::parse_text(entry.message)?),
            Payload::Klog(klog) => Inner::Kubelet(kubelet::parse(klog.body)?),
            Payload::KlogJson(_) => {
                let fields = record.fields().map(|(key, value)| (key.raw(), value));
                Inner::Kubelet(kubelet::parse_fields(record.message, fields)?)
            }
            Payload::Oom(event) => Inner::Oom(*event),
            Payload::Text(text) => Self::of_text(text)?,
            _ => return None,
        };
        Some(Self { inner })
    }

    /// The event of a bare message: a native journal entry, a klog body without its header, a
    /// message that an envelope's line break tore.
    fn of_text(text: &'a [u8]) -> Option<Inner<'a>> {
        let etcd = || etcd::parse_text(text).or_else(|| etcd::parse_fragment(text)).map(Inner::Etcd);
        let suppressed = || suppress::parse(text).map(Inner::Suppress);
        let kubelet = || kubelet::parse(text).map(Inner::Kubelet);
        etcd().or_else(suppressed).or_else(kubelet).or_else(|| oom::parse(text).map(Inner::Oom))
    }

    /// The name of the kind, one of those in [`EVENT_KINDS`].
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.inner {
            Inner::Etcd(event) => match event {
                EtcdEvent::ApplySlow { .. } => "etcd.apply_slow",
                EtcdEvent::EntriesSlow { .. } => "etcd.entries_slow",
                EtcdEvent::LargeRangeAdvice => "etcd.large_range_advice",
                EtcdEvent::ApplyFailed { .. } => "etcd.apply_failed",
                EtcdEvent::HeartbeatLate { .. } => "etcd.heartbeat_late",
                EtcdEvent::Overloaded => "etcd.overloaded",
                EtcdEvent::FdatasyncSlow { .. } => "etcd.fdatasync_slow",
                EtcdEvent::ReadIndexSlow { .. } => "etcd.readindex_slow",
                EtcdEvent::ReadIndexTimeout { .. } => "etcd.readindex_timeout",
                EtcdEvent::RequestStats { .. } => "etcd.request_stats",
                EtcdEvent::Trace { .. } => "etcd.trace",
                EtcdEvent::SnapshotSlow { .. } => "etcd.snapshot_slow",
                EtcdEvent::ClockDrift { .. } => "etcd.clock_drift",
                EtcdEvent::Compaction { .. } => "etcd.compaction",
                EtcdEvent::TickMissed => "etcd.tick_missed",
            },
            Inner::Oom(event) => match event {
                OomEvent::Invoked(_) => "oom.invoked",
                OomEvent::KillIntent { .. } => "oom.kill",
                OomEvent::Killed(_) => "oom.killed",
                OomEvent::Summary(_) => "oom.summary",
                OomEvent::Reaped { .. } => "oom.reaped",
                OomEvent::ReapFailed { .. } => "oom.reap_failed",
                OomEvent::TaskIn { .. } => "oom.task_in",
                OomEvent::MemcgUsage { .. } => "oom.usage",
                OomEvent::GroupKill { .. } => "oom.group_kill",
            },
            Inner::Kubelet(event) => match event {
                KubeletEvent::OrphanedPod { .. } => "kubelet.orphaned_pod",
                KubeletEvent::PlegUnhealthy { .. } => "kubelet.pleg_unhealthy",
                KubeletEvent::ClientThrottle { .. } => "kubelet.client_throttle",
            },
            Inner::Suppress(event) => match event.kind {
                SuppressKind::Journald => "suppress.journald",
                SuppressKind::JournaldKernel => "suppress.journald_kernel",
                SuppressKind::KernelRatelimit => "suppress.kernel_ratelimit",
                SuppressKind::RsyslogRate => "suppress.rsyslog_rate",
                SuppressKind::RsyslogBegin => "suppress.rsyslog_begin",
                // The kubelet's counter is an orphaned pod first; it does not come here.
                SuppressKind::Repeat | SuppressKind::KubeletTotal => "suppress.repeat",
            },
        }
    }

    /// The part of that name; `None` if this event does not have it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<EventValue<'a>> {
        match &self.inner {
            Inner::Etcd(event) => etcd_value(event, name),
            Inner::Oom(event) => oom_value(event, name),
            Inner::Kubelet(event) => kubelet_value(event, name),
            Inner::Suppress(event) => match name {
                "count" => event.count.map(EventValue::Integer),
                "source" => event.source.map(|source| EventValue::Text(Text::plain(source))),
                _ => None,
            },
        }
    }
}

fn etcd_value<'a>(event: &EtcdEvent<'a>, name: &str) -> Option<EventValue<'a>> {
    let text = |text: Option<Text<'a>>| text.map(EventValue::Text);
    match (name, event) {
        ("retry_timeout", EtcdEvent::ReadIndexSlow { retry_timeout_nanos: nanos, .. })
        | ("timeout", EtcdEvent::ReadIndexTimeout { timeout_nanos: nanos }) => {
            nanos.map(EventValue::Nanoseconds)
        }
        ("duration", EtcdEvent::HeartbeatLate { exceeded_nanos, .. }) => {
            Some(EventValue::Nanoseconds(*exceeded_nanos))
        }
        ("duration", EtcdEvent::ReadIndexSlow { .. } | EtcdEvent::ReadIndexTimeout { .. }) => None,
        ("duration", event) => event.duration_nanos().map(EventValue::Nanoseconds),
        ("threshold", event) => event.threshold_nanos().map(EventValue::Nanoseconds),
        ("prefix", EtcdEvent::ApplySlow { prefix, .. }) => Some(EventValue::Text(*prefix)),
        ("request", event) => text(event.request()),
        ("response", EtcdEvent::ApplySlow { response, .. }) => text(*response),
        ("error", EtcdEvent::ApplySlow { error, .. }) => text(*error),
        ("error", EtcdEvent::ApplyFailed { error, .. }) => Some(EventValue::Text(*error)),
        ("entries", EtcdEvent::EntriesSlow { entries, .. }) => Some(EventValue::Integer(*entries)),
        ("revision", EtcdEvent::Compaction { revision, .. }) => Some(EventValue::Integer(*revision)),
        ("size", EtcdEvent::SnapshotSlow { size_bytes, .. }) => size_bytes.map(EventValue::Bytes),
        ("name", EtcdEvent::Trace { name, .. }) => Some(EventValue::Text(*name)),
        ("remote", EtcdEvent::RequestStats { remote, .. }) => text(*remote),
        ("peer", EtcdEvent::HeartbeatLate { peer, .. } | EtcdEvent::ClockDrift { peer, .. }) => text(*peer),
        _ => None,
    }
}

fn oom_value<'a>(event: &OomEvent<'a>, name: &str) -> Option<EventValue<'a>> {
    let text = |text: &'a [u8]| Some(EventValue::Text(Text::plain(text)));
    let pid = |pid: u32| Some(EventValue::Integer(u64::from(pid)));
    let kib = |kib: u64| kib.checked_mul(1_024).map(EventValue::Bytes);
    match (name, event) {
        ("comm", OomEvent::Invoked(invoked)) => text(invoked.comm),
        ("pid", OomEvent::Killed(killed)) => pid(killed.pid),
        ("comm", OomEvent::Killed(killed)) => text(killed.comm),
        ("scope", OomEvent::Killed(killed)) => text(killed.scope?.name().as_bytes()),
        ("scope", OomEvent::KillIntent { scope, .. }) => text(scope.name().as_bytes()),
        ("total_vm", OomEvent::Killed(killed)) => kib(killed.total_vm_kib),
        ("anon_rss", OomEvent::Killed(killed)) => kib(killed.anon_rss_kib?),
        ("pid", OomEvent::Summary(summary)) => pid(summary.pid),
        ("comm", OomEvent::Summary(summary)) => text(summary.comm),
        ("constraint", OomEvent::Summary(summary)) => text(summary.constraint.name().as_bytes()),
        ("task_memcg", OomEvent::Summary(summary)) => text(summary.task_memcg),
        ("oom_memcg", OomEvent::Summary(summary)) => text(summary.oom_memcg?),
        (
            "pid",
            OomEvent::KillIntent { pid: victim, .. }
            | OomEvent::Reaped { pid: victim, .. }
            | OomEvent::ReapFailed { pid: victim, .. },
        ) => pid(*victim),
        (
            "comm",
            OomEvent::KillIntent { comm, .. }
            | OomEvent::Reaped { comm, .. }
            | OomEvent::ReapFailed { comm, .. },
        ) => text(comm),
        ("task_memcg", OomEvent::TaskIn { task_memcg, .. }) => text(task_memcg),
        ("oom_memcg", OomEvent::TaskIn { oom_memcg, .. } | OomEvent::GroupKill { oom_memcg }) => {
            text(oom_memcg)
        }
        ("usage", OomEvent::MemcgUsage { usage_kib, .. }) => kib(*usage_kib),
        ("limit", OomEvent::MemcgUsage { limit_kib, .. }) => kib(*limit_kib),
        ("failcnt", OomEvent::MemcgUsage { failure_count, .. }) => Some(EventValue::Integer(*failure_count)),
        _ => None,
    }
}

fn kubelet_value<'a>(event: &KubeletEvent<'a>, name: &str) -> Option<EventValue<'a>> {
    let text = |text: &'a [u8]| Some(EventValue::Text(Text::plain(text)));
    match (name, event) {
        ("pod_uid", KubeletEvent::OrphanedPod { pod_uid, .. }) => text(pod_uid),
        ("reason", KubeletEvent::OrphanedPod { reason, .. }) => text(reason.name().as_bytes()),
        ("count", KubeletEvent::OrphanedPod { count, .. }) => count.map(EventValue::Integer),
        ("duration", KubeletEvent::PlegUnhealthy { last_active_nanos: nanos, .. })
        | ("threshold", KubeletEvent::PlegUnhealthy { threshold_nanos: nanos, .. }) => {
            nanos.map(EventValue::Nanoseconds)
        }
        ("duration", KubeletEvent::ClientThrottle { duration_nanos, .. }) => {
            Some(EventValue::Nanoseconds(*duration_nanos))
        }
        ("verb", KubeletEvent::ClientThrottle { verb, .. }) => text(verb),
        ("url", KubeletEvent::ClientThrottle { url, .. }) => Some(EventValue::Text(*url)),
        _ => None,
    }
}
