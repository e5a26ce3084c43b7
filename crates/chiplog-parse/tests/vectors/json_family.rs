//! JSON formats and what docker, etcd and the journal write in or around them.

use chiplog_parse::events::etcd::{self, EtcdEvent};
use chiplog_parse::journal_json::Message;
use chiplog_parse::reassemble::{self, Reassembler};
use chiplog_parse::{Text, Value, capnslog, docker_json, journal_json, klog_json, logrus, prototext, zap};
use serde_json::{Value as Json, json};

use crate::forms::{self, Decoded, Decoder, Vector, decoded_text, optional_text};

pub(crate) fn decoder(format: &str) -> Option<Decoder> {
    Some(match format {
        "docker_json" => docker_json,
        "docker_stream" => docker_stream,
        "zap_json" => |vector| zap(zap::parse_json(&vector.line).ok()?),
        "zap_console" => |vector| zap(zap::parse_console(&vector.line).ok()?),
        "klog_json" => klog_json,
        "logrus" => |vector| logrus(&logrus::parse(&vector.line).ok()?),
        "logrus_tty" => |vector| logrus(&logrus::parse_terminal(&vector.line).ok()?),
        "logrus_json" => |vector| logrus(&logrus::parse_json(&vector.line).ok()?),
        "journal_json" => journal_json,
        "capnslog" => capnslog,
        "etcd" => etcd,
        "prototext" => prototext,
        _ => return None,
    })
}

/// The fields of a `json!` object.
fn object(value: Json) -> Option<Decoded> {
    match value {
        Json::Object(object) => Some(object),
        _ => None,
    }
}

/// A value of a JSON format: text, or the JSON that stands there.
fn json_value(value: Value<'_>) -> Json {
    match value {
        Value::Text(text) => decoded_text(text),
        Value::Raw(raw) => serde_json::from_slice(raw).expect("checked JSON"),
        other => panic!("no vector form for {other:?}"),
    }
}

fn key_values<'a>(fields: impl Iterator<Item = (Text<'a>, Value<'a>)>) -> Json {
    fields.map(|(key, value)| json!([decoded_text(key), json_value(value)])).collect()
}

fn docker_json(vector: &Vector) -> Option<Decoded> {
    let record = docker_json::parse(&vector.line).ok()?;
    object(json!({
        "log": decoded_text(record.log),
        "stream": record.stream.name(),
        "ts": forms::instant(record.time),
        "partial": record.partial,
        "attrs": record.attrs.map(|attrs| serde_json::from_slice::<Json>(attrs).expect("checked JSON")),
    }))
}

fn docker_stream(vector: &Vector) -> Option<Decoded> {
    let mut reassembler = Reassembler::with_limit(1 << 20);
    let mut messages = Vec::new();
    for line in &vector.lines {
        let record = docker_json::parse(line).ok()?;
        let content = record.content().decode();
        let message = reassembler.push(record.stream, record.time, &content, record.partial);
        messages.extend(message.as_ref().map(stream_message));
    }
    let incomplete: Vec<Json> = reassembler.finish().map(|message| stream_message(&message)).collect();
    messages.extend(incomplete);
    object(json!({ "messages": messages }))
}

fn stream_message(message: &reassemble::Message<'_>) -> Json {
    let mut decoded = Decoded::new();
    decoded.insert("stream".to_owned(), json!(message.stream.name()));
    decoded.insert("ts".to_owned(), forms::instant(message.time));
    forms::put_bytes(&mut decoded, "content", &message.content);
    decoded.insert("incomplete".to_owned(), json!(message.incomplete));
    Json::Object(decoded)
}

fn zap(entry: zap::Zap<'_>) -> Option<Decoded> {
    object(json!({
        "severity": entry.severity.name(),
        "ts": entry.time.to_string(),
        "logger": optional_text(entry.logger),
        "file": optional_text(entry.file),
        "src_line": entry.line,
        "msg": decoded_text(entry.message),
        "kv": key_values(entry.fields()),
        "stacktrace": optional_text(entry.stacktrace),
    }))
}

fn klog_json(vector: &Vector) -> Option<Decoded> {
    let record = klog_json::parse(&vector.line).ok()?;
    object(json!({
        "severity": record.severity.name(),
        "ts": forms::instant(record.time),
        "logger": optional_text(record.logger),
        "file": optional_text(record.file),
        "src_line": record.line,
        "msg": decoded_text(record.message),
        "v": record.verbosity,
        "err": record.error.map(json_value),
        "kv": key_values(record.fields()),
    }))
}

fn logrus(record: &logrus::Logrus<'_>) -> Option<Decoded> {
    object(json!({
        "severity": record.severity.name(),
        "ts": record.time.map(forms::instant),
        "elapsed_s": record.elapsed_seconds,
        "msg": optional_text(record.message),
        "kv": key_values(record.fields()),
    }))
}

fn journal_json(vector: &Vector) -> Option<Decoded> {
    let entry = journal_json::parse(&vector.line).ok()?;
    let message = match entry.message {
        Message::Text(text) => decoded_text(text),
        Message::Repeated(texts) => texts.iter().map(decoded_text).collect(),
        _ => Json::Null,
    };
    object(json!({
        "ts": forms::instant(entry.time),
        "mono_us": entry.monotonic_micros,
        "host": optional_text(entry.hostname),
        "ident": optional_text(entry.identifier),
        "pid": entry.pid,
        "priority": entry.priority,
        "unit": optional_text(entry.unit),
        "transport": optional_text(entry.transport),
        "message": message,
        "partial": entry.partial,
    }))
}

fn capnslog(vector: &Vector) -> Option<Decoded> {
    let record = capnslog::parse(&vector.line).ok()?;
    let time = record.time;
    let mut decoded = object(json!({
        "severity": record.severity.name(),
        "year": time.year,
        "month": time.month,
        "day": time.day,
        "hour": time.hour,
        "minute": time.minute,
        "second": time.second,
        "micros": time.nanosecond / 1_000,
        "pkg": record.package.map(forms::text),
        "file": record.file.map(forms::text),
        "src_line": record.line,
    }))?;
    forms::put_bytes(&mut decoded, "message", record.message);
    Some(decoded)
}

/// A zap line, JSON or console, or the text of a capnslog line.
fn etcd(vector: &Vector) -> Option<Decoded> {
    let entry = zap::parse_json(&vector.line).or_else(|_| zap::parse_console(&vector.line));
    let event = match &entry {
        Ok(entry) => etcd::parse_zap(entry)?,
        Err(_) => etcd::parse_text(&vector.line)?,
    };
    let mut decoded = object(json!({
        "kind": event.kind_name(),
        "duration_ns": event.duration_nanos(),
        "threshold_ns": event.threshold_nanos(),
        "request": optional_text(event.request()),
        "prefix": null,
        "response": null,
        "error": null,
        "peer": null,
        "entries": null,
        "request_id": null,
        "revision": null,
        "bytes": null,
        "method": null,
        "remote": null,
        "trace_id": null,
        "name": null,
        "steps": null,
    }))?;
    let more = match event {
        EtcdEvent::ApplySlow { prefix, response, error, .. } => json!({
            "prefix": decoded_text(prefix),
            "response": optional_text(response),
            "error": optional_text(error),
        }),
        EtcdEvent::ApplyFailed { response, error, .. } => {
            json!({"response": decoded_text(response), "error": decoded_text(error)})
        }
        EtcdEvent::EntriesSlow { entries, .. } => json!({ "entries": entries }),
        EtcdEvent::HeartbeatLate { peer, .. } | EtcdEvent::ClockDrift { peer, .. } => {
            json!({"peer": optional_text(peer)})
        }
        EtcdEvent::ReadIndexSlow { request_id, .. } => json!({ "request_id": request_id }),
        EtcdEvent::RequestStats { method, remote, .. } => {
            json!({"method": optional_text(method), "remote": optional_text(remote)})
        }
        EtcdEvent::Trace { trace_id, name, steps, .. } => json!({
            "trace_id": trace_id,
            "name": decoded_text(name),
            "steps": steps.iter().map(|(text, nanos)| json!([decoded_text(text), nanos])).collect::<Json>(),
        }),
        EtcdEvent::SnapshotSlow { size_bytes, .. } => json!({ "bytes": size_bytes }),
        EtcdEvent::Compaction { revision, .. } => json!({ "revision": revision }),
        _ => json!({}),
    };
    decoded.extend(object(more)?);
    Some(decoded)
}

fn prototext(vector: &Vector) -> Option<Decoded> {
    let fields: Option<Vec<Json>> = prototext::fields(&vector.line)
        .map(|field| {
            let field = field.ok()?;
            let value = match field.value {
                prototext::Value::String(text) => decoded_text(text),
                prototext::Value::Token(raw) | prototext::Value::Message(raw) => forms::raw(raw),
                other => panic!("no vector form for {other:?}"),
            };
            Some(json!([forms::text(field.name), value]))
        })
        .collect();
    object(json!({ "fields": fields? }))
}
