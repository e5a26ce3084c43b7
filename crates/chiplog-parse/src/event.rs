//! One view over the typed events: a kind and named values.

use crate::Text;

/// A message whose meaning this crate knows, such as a slow request of etcd or a kill for lack
/// of memory. [`Event::kind`] names it, [`Event::value`] gives its parts.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    inner: Inner<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Inner<'a> {
    #[allow(dead_code)]
    None(&'a ()),
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

/// Every kind of event.
pub const EVENT_KINDS: &[EventKind] = &[
    EventKind {
        name: "etcd.apply_slow",
        values: &[
            ("duration", EventUnit::Nanoseconds),
            ("prefix", EventUnit::Text),
            ("request", EventUnit::Text),
        ],
    },
    EventKind {
        name: "etcd.apply_entries_slow",
        values: &[("duration", EventUnit::Nanoseconds), ("entries", EventUnit::Integer)],
    },
    EventKind {
        name: "etcd.fdatasync_slow",
        values: &[("duration", EventUnit::Nanoseconds), ("threshold", EventUnit::Nanoseconds)],
    },
    EventKind {
        name: "etcd.heartbeat_late",
        values: &[
            ("duration", EventUnit::Nanoseconds),
            ("interval", EventUnit::Nanoseconds),
            ("peer", EventUnit::Text),
        ],
    },
    EventKind {
        name: "oom.killed",
        values: &[
            ("pid", EventUnit::Integer),
            ("comm", EventUnit::Text),
            ("total_vm", EventUnit::Bytes),
            ("anon_rss", EventUnit::Bytes),
        ],
    },
    EventKind {
        name: "kubelet.orphaned_pod",
        values: &[("pod_uid", EventUnit::Text), ("reason", EventUnit::Text), ("count", EventUnit::Integer)],
    },
];

impl<'a> Event<'a> {
    /// The name of the kind, one of those in [`EVENT_KINDS`].
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.inner {
            Inner::None(()) => "",
        }
    }

    /// The part of that name; `None` if this event does not have it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<EventValue<'a>> {
        let _ = name;
        None
    }
}
