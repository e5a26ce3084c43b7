//! Go building blocks, klog, and the events inside klog bodies.

use chiplog_parse::events::kubelet::{self, KubeletEvent};
use chiplog_parse::events::suppress::{self, Suppressed};
use chiplog_parse::events::utiltrace::{self, TraceKind};
use chiplog_parse::klog::{self, Klog};
use chiplog_parse::klog_stream::{Grouper, Role};
use chiplog_parse::{Clock, Time, UnixNanos, Value as Field, go};
use serde_json::{Value, json};

use crate::forms::{self, Decoded, Decoder, Vector};

pub(crate) fn decoder(format: &str) -> Option<Decoder> {
    Some(match format {
        "duration" => duration,
        "goquote" => goquote,
        "klog" => klog,
        "klog_body" => |vector| Some(body(&vector.line)),
        "klog_year" => klog_year,
        "klog_stream" => klog_stream,
        "k8s_event" => k8s_event,
        "suppress" => suppress,
        "utiltrace" => utiltrace,
        _ => return None,
    })
}

/// An object literal as decoded fields.
fn decoded(value: Value) -> Decoded {
    match value {
        Value::Object(fields) => fields,
        other => panic!("not an object: {other}"),
    }
}

fn duration(vector: &Vector) -> Option<Decoded> {
    let nanos = go::parse_duration(&vector.line).ok()?;
    Some(decoded(json!({"ns": nanos})))
}

fn goquote(vector: &Vector) -> Option<Decoded> {
    let (text, length) = go::quoted(&vector.line).ok()?;
    if length < vector.line.len() {
        return None;
    }
    Some(match forms::decoded_text(text) {
        Value::Object(bytes) => bytes,
        text => decoded(json!({"s": text})),
    })
}

fn klog(vector: &Vector) -> Option<Decoded> {
    let Klog { severity, time, pid, file, line, body: message, .. } = klog::parse(&vector.line).ok()?;
    let mut decoded = body(message);
    decoded.append(&mut self::decoded(json!({
        "severity": forms::severity(Some(severity)),
        "month": time.month,
        "day": time.day,
        "hour": time.hour,
        "minute": time.minute,
        "second": time.second,
        "micros": time.nanosecond / 1_000,
        "thread": pid,
        "file": forms::text(file),
        "src_line": line,
    })));
    forms::put_bytes(&mut decoded, "message", message);
    Some(decoded)
}

fn body(body: &[u8]) -> Decoded {
    let structured = klog::structured(body);
    let mut decoded = decoded(json!({"structured": structured.is_some(), "msg": null, "kv": null}));
    if let Some(structured) = structured {
        let pair = |(key, value): (&[u8], Field<'_>)| json!([forms::text(key), field(value)]);
        decoded["msg"] = forms::decoded_text(structured.msg);
        decoded["kv"] = structured.fields().map(pair).collect();
    }
    decoded
}

fn field(value: Field<'_>) -> Value {
    match value {
        Field::Text(text) => forms::decoded_text(text),
        Field::Raw(token) => forms::raw(token),
        other => panic!("no vector form for {other:?}"),
    }
}

fn klog_year(vector: &Vector) -> Option<Decoded> {
    let context = |key: &str| vector.ctx[key].as_str().unwrap_or_else(|| panic!("ctx has no {key}"));
    let instant = |text: &str| forms::rfc3339(text).expect("an RFC 3339 time");
    let now = i64::try_from(instant(context("now"))).expect("a time in the range of UnixNanos");
    // The offset of a time is what its reading in UTC has more than its instant.
    let zone = context("utc_offset");
    let at_epoch = instant(&format!("1970-01-01T00:00:00{zone}"));
    let offset_seconds = i32::try_from(-at_epoch / 1_000_000_000).expect("an offset in seconds");

    let klog = klog::parse(&vector.line).ok()?;
    let clock = Clock::near(UnixNanos(now)).with_utc_offset_seconds(offset_seconds);
    let resolved = clock.peek(Time::Civil(klog.time));
    Some(decoded(json!({"ts": resolved.map(|resolved| forms::instant(resolved.instant))})))
}

fn klog_stream(vector: &Vector) -> Option<Decoded> {
    let mut grouper = Grouper::new();
    let mut records: Vec<[usize; 2]> = Vec::new();
    for (index, line) in vector.lines.iter().enumerate() {
        match grouper.push(line) {
            Role::Starts => records.push([index, index]),
            Role::Continues => records.last_mut().expect("the first line starts a record")[1] = index,
        }
    }
    Some(decoded(json!({"records": records})))
}

fn k8s_event(vector: &Vector) -> Option<Decoded> {
    let mut decoded = decoded(json!({
        "kind": null, "pod_uid": null, "reason": null, "count": null, "duration_ns": null,
        "threshold_ns": null, "verb": null, "url": null,
    }));
    let event = match kubelet::parse(&vector.line)? {
        KubeletEvent::OrphanedPod { pod_uid, reason, count } => json!({
            "kind": "orphaned_pod",
            "pod_uid": forms::text(pod_uid),
            "reason": reason.name(),
            "count": count,
        }),
        KubeletEvent::PlegUnhealthy { last_active_nanos, threshold_nanos } => json!({
            "kind": "pleg_unhealthy",
            "duration_ns": last_active_nanos,
            "threshold_ns": threshold_nanos,
        }),
        KubeletEvent::ClientThrottle { duration_nanos, verb, url } => json!({
            "kind": "client_throttle",
            "duration_ns": duration_nanos,
            "verb": forms::text(verb),
            "url": forms::decoded_text(url),
        }),
        other => panic!("no vector form for {other:?}"),
    };
    decoded.append(&mut self::decoded(event));
    Some(decoded)
}

fn suppress(vector: &Vector) -> Option<Decoded> {
    let Suppressed { kind, count, source, .. } = suppress::parse(&vector.line)?;
    Some(decoded(json!({"kind": kind.name(), "count": count, "source": source.map(forms::text)})))
}

fn utiltrace(vector: &Vector) -> Option<Decoded> {
    let line = utiltrace::parse(&vector.line).ok()?;
    let kind = match line.kind {
        TraceKind::Head => "head",
        TraceKind::Step | TraceKind::Nested => "step",
        TraceKind::End => "end",
        other => panic!("no vector form for {other:?}"),
    };
    Some(decoded(json!({
        "kind": kind,
        "trace_id": line.trace_id,
        "name": forms::optional_text(line.name),
        "duration_ns": line.duration_nanos,
    })))
}
