//! Typed events in messages.

use chiplog_parse::events::{etcd, kubelet, oom, suppress, utiltrace};
use chiplog_parse::{Detector, EVENT_KINDS, Event, EventUnit, EventValue, Record, klog, klog_json, zap};

use super::borrowed::{assert_all_inside, assert_inside, check_error, check_text, check_texts};

pub(super) fn check(data: &[u8]) {
    for event in [etcd::parse_text(data), etcd::parse_fragment(data)].into_iter().flatten() {
        check_etcd(&event, data);
    }
    if let Ok(entry) = zap::parse_json(data) {
        check_texts(etcd::parse_zap(&entry).and_then(|event| event.request()), data);
    }
    if let Some(suppressed) = suppress::parse(data) {
        assert_all_inside(suppressed.source.filter(|source| *source != b"kernel"), data);
    }
    match utiltrace::parse(data) {
        Ok(line) => check_texts(line.name, data),
        Err(error) => check_error(error, data),
    }
    if let Some(event) = oom::parse(data) {
        assert!(!event.kind().is_empty());
    }
    let _ = kubelet::parse(data);
    let _ = klog_json::parse(data).map(|entry| {
        kubelet::parse_fields(entry.message, entry.fields().map(|(key, value)| (key.raw(), value)))
    });
    let _ = klog::structured(data).map(|body| kubelet::parse_fields(body.msg, body.fields()));

    check_event(Record::of_text(data).event().as_ref(), Some(data));
    let mut detector = Detector::new();
    check_event(detector.peel(data).event().as_ref(), None);
}

fn check_etcd(event: &etcd::EtcdEvent<'_>, data: &[u8]) {
    assert!(!event.kind_name().is_empty());
    check_texts(event.request(), data);
    if let etcd::EtcdEvent::Trace { name, steps, .. } = event {
        check_text(*name, data);
        check_texts(steps.iter().map(|(text, _)| text), data);
    }
}

/// The kind of an event is a known one, and it has the parts of its kind, in their units.
pub(super) fn check_event(event: Option<&Event<'_>>, whole: Option<&[u8]>) {
    let Some(event) = event else { return };
    let kind = EVENT_KINDS.iter().find(|kind| kind.name == event.kind()).expect("a known kind");
    for (name, _) in EVENT_KINDS.iter().flat_map(|kind| kind.values) {
        let Some(value) = event.value(name) else { continue };
        let (_, unit) = kind
            .values
            .iter()
            .find(|(known, _)| known == name)
            .unwrap_or_else(|| panic!("{} is not a part of {}", name, kind.name));
        match (value, unit) {
            (EventValue::Nanoseconds(_), EventUnit::Nanoseconds)
            | (EventValue::Bytes(_), EventUnit::Bytes)
            | (EventValue::Integer(_), EventUnit::Integer) => {}
            (EventValue::Text(text), EventUnit::Text) => {
                let decoded = text.decode();
                // Names that this crate gives, such as that of a constraint, stand nowhere in a line.
                if let (Some(whole), true) = (whole, !is_given(kind.name, name)) {
                    assert_inside(text.raw(), whole);
                    assert!(decoded.len() <= text.raw().len());
                }
            }
            (value, unit) => panic!("{} {name}: {value:?} is not {unit:?}", kind.name),
        }
    }
    assert_eq!(event.value("no such part"), None);
}

fn is_given(kind: &str, name: &str) -> bool {
    matches!(name, "scope" | "constraint")
        || (kind, name) == ("kubelet.orphaned_pod", "reason")
        || (kind, name) == ("suppress.journald_kernel", "source")
}
