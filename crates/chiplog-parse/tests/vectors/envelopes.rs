//! Decoders of the envelopes and of kernel messages.

use chiplog_parse::events::oom::{self, OomEvent, Scope};
use chiplog_parse::journal_text::Mode;
use chiplog_parse::reassemble::{Message, Reassembler};
use chiplog_parse::{Time, cri, journal_entry, journal_export, journal_text, kmsg, syslog};
use serde_json::{Value, json};

use crate::forms::{Decoded, Decoder, Vector, decoded_text, instant, put_bytes, text, time};

pub(crate) fn decoder(format: &str) -> Option<Decoder> {
    Some(match format {
        "lines" => lines,
        "cri" => cri,
        "cri_stream" => cri_stream,
        "journal_text" => journal_text,
        "journal_stream" => journal_stream,
        "journal" => journal,
        "journal_export" => journal_export,
        "syslog" => syslog,
        "kmsg" => kmsg,
        "oom" => oom,
        _ => return None,
    })
}

fn decoded<const N: usize>(entries: [(&str, Value); N]) -> Decoded {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn optional(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, text)
}

fn lines(vector: &Vector) -> Option<Decoded> {
    let lines: Vec<Value> = chiplog_parse::lines(&vector.line).map(text).collect();
    Some(decoded([("lines", json!(lines))]))
}

fn cri(vector: &Vector) -> Option<Decoded> {
    let line = cri::parse(&vector.line).ok()?;
    let mut decoded = decoded([
        ("ts", instant(line.time)),
        ("stream", json!(line.stream.name())),
        ("partial", json!(line.partial)),
        ("tags", line.each_tag().map(text).collect()),
    ]);
    put_bytes(&mut decoded, "content", line.content);
    Some(decoded)
}

fn cri_stream(vector: &Vector) -> Option<Decoded> {
    fn value(message: &Message<'_>) -> Value {
        let mut value = decoded([
            ("stream", json!(message.stream.name())),
            ("ts", instant(message.time)),
            ("incomplete", json!(message.incomplete)),
        ]);
        put_bytes(&mut value, "content", &message.content);
        Value::Object(value)
    }
    let mut reassembler = Reassembler::with_limit(usize::MAX);
    let mut messages = Vec::new();
    for line in &vector.lines {
        let line = cri::parse(line).ok()?;
        messages
            .extend(reassembler.push(line.stream, line.time, line.content, line.partial).as_ref().map(value));
    }
    messages.extend(reassembler.finish().map(|message| value(&message)));
    Some(decoded([("messages", json!(messages))]))
}

fn mode(vector: &Vector) -> Option<Mode> {
    let name = vector.ctx["mode"].as_str();
    match name {
        Some(name) => Mode::ALL.into_iter().find(|mode| mode.name() == name),
        None => journal_text::detect(&vector.line),
    }
}

fn journal_text(vector: &Vector) -> Option<Decoded> {
    let mode = mode(vector)?;
    let entry = journal_text::parse(&vector.line, mode).ok()?;
    // Where the clock says the mode, detection must agree.
    let shown_as = if mode == Mode::WithUnit { Mode::ShortFull } else { mode };
    assert!(mode == Mode::Cat || journal_text::detect(&vector.line) == Some(shown_as), "{}", vector.name);
    let mut decoded = decoded([
        ("mode", json!(entry.mode.name())),
        ("time", entry.time.map_or(Value::Null, |at| time(at, entry.zone))),
        ("host", optional(entry.host)),
        ("ident", optional(entry.identifier)),
        ("pid", json!(entry.pid)),
    ]);
    put_bytes(&mut decoded, "message", entry.message);
    Some(decoded)
}

fn journal_stream(vector: &Vector) -> Option<Decoded> {
    let mode = mode(vector)?;
    let mut entries = journal_text::Entries::new(mode);
    let mut records: Vec<Vec<u8>> = vector.lines.iter().filter_map(|line| entries.push(line)).collect();
    records.extend(entries.finish());
    let messages: Option<Vec<Value>> =
        records.iter().map(|record| Some(text(journal_text::parse(record, mode).ok()?.message))).collect();
    Some(decoded([("messages", json!(messages?))]))
}

fn journal(vector: &Vector) -> Option<Decoded> {
    let entry = journal_entry::parse(&vector.line).ok()?;
    let decoded = decoded([
        ("ts", entry.time().map_or(Value::Null, instant)),
        ("host", optional(entry.host)),
        ("ident", optional(entry.identifier)),
        ("pid", json!(entry.pid)),
        ("priority", json!(entry.priority)),
        ("unit", optional(entry.unit)),
        ("message", decoded_text(entry.message)),
        ("partial", json!(entry.partial)),
    ]);
    Some(decoded)
}

fn journal_export(vector: &Vector) -> Option<Decoded> {
    let mut entries = journal_export::entries(&vector.line);
    let mut records: Vec<_> = entries.by_ref().map_while(Result::ok).collect();
    if !entries.rest().iter().all(|byte| *byte == b'\n') {
        records.push(journal_export::last_entry(entries.rest()).ok()?.0);
    }
    let records: Vec<Value> = records
        .iter()
        .map(|entry| entry.fields().map(|field| json!([text(field.name), text(field.value)])).collect())
        .collect();
    Some(decoded([("records", json!(records))]))
}

fn syslog(vector: &Vector) -> Option<Decoded> {
    let line = syslog::parse(&vector.line).ok()?;
    let proto = match line.protocol {
        syslog::Protocol::FileTraditional => "file3164",
        syslog::Protocol::FileRfc3339 => "file3339",
        syslog::Protocol::WireRfc3164 => "rfc3164",
        syslog::Protocol::WireRfc5424 => "rfc5424",
        other => panic!("no vector form for {other:?}"),
    };
    let element = |element: syslog::Element<'_>| {
        let params: Vec<Value> = element
            .params()
            .map(|(name, value)| {
                let mut plain = Vec::new();
                syslog::unescape_param_into(value, &mut plain);
                json!([text(name), text(&plain)])
            })
            .collect();
        json!([text(element.id), params])
    };
    let pri = line.priority.map(|pri| json!({"facility": pri.facility, "severity": pri.severity}));
    let mut decoded = decoded([
        ("proto", json!(proto)),
        ("pri", json!(pri)),
        ("time", line.time.map_or(Value::Null, |at| time(at, None))),
        ("host", optional(line.host)),
        ("app", optional(line.app)),
        ("pid", optional(line.pid)),
        ("msgid", optional(line.message_id)),
        ("sd", line.structured_data.map_or(Value::Null, |data| data.elements().map(element).collect())),
        ("message", Value::Null),
    ]);
    if let Some(message) = line.message {
        put_bytes(&mut decoded, "message", message);
    }
    Some(decoded)
}

fn kmsg(vector: &Vector) -> Option<Decoded> {
    let line = kmsg::parse(&vector.line).ok()?;
    let form = match line.form {
        kmsg::Form::Dmesg => "dmesg",
        kmsg::Form::DmesgRaw => "dmesg_raw",
        kmsg::Form::DmesgCtime => "dmesg_ctime",
        kmsg::Form::DmesgIso => "dmesg_iso",
        kmsg::Form::DmesgDecode => "dmesg_decode",
        kmsg::Form::DmesgDelta => "dmesg_delta",
        kmsg::Form::DevKmsg => "devkmsg",
        other => panic!("no vector form for {other:?}"),
    };
    let (mono_us, time) = match line.time {
        Time::SinceBoot { micros } => (json!(micros), Value::Null),
        other => (Value::Null, time(other, None)),
    };
    Some(decoded([
        ("form", json!(form)),
        ("facility", json!(line.facility)),
        ("level", json!(line.level)),
        ("mono_us", mono_us),
        ("time", time),
        ("caller", optional(line.caller)),
        ("seq", json!(line.sequence)),
        ("message", decoded_text(line.message)),
    ]))
}

fn oom(vector: &Vector) -> Option<Decoded> {
    fn scope(scope: Scope) -> &'static str {
        match scope {
            Scope::Memcg => "memcg",
            Scope::Global => "global",
        }
    }
    let event = oom::parse(&vector.line)?;
    let mut decoded = match event {
        OomEvent::Invoked(invoked) => decoded([
            ("comm", text(invoked.comm)),
            ("gfp_mask", text(invoked.gfp_mask)),
            ("order", json!(invoked.order)),
            ("oom_score_adj", json!(invoked.oom_score_adj)),
        ]),
        OomEvent::KillIntent { scope: of, pid, comm, score } => decoded([
            ("scope", json!(scope(of))),
            ("pid", json!(pid)),
            ("comm", text(comm)),
            ("score", json!(score)),
        ]),
        OomEvent::Killed(killed) => decoded([
            ("scope", json!(killed.scope.map(scope))),
            ("pid", json!(killed.pid)),
            ("comm", text(killed.comm)),
            ("total_vm_kb", json!(killed.total_vm_kib)),
            ("anon_rss_kb", json!(killed.anon_rss_kib)),
            ("file_rss_kb", json!(killed.file_rss_kib)),
            ("shmem_rss_kb", json!(killed.shmem_rss_kib)),
            ("uid", json!(killed.uid)),
            ("pgtables_kb", json!(killed.pgtables_kib)),
            ("oom_score_adj", json!(killed.oom_score_adj)),
        ]),
        OomEvent::Summary(summary) => decoded([
            ("constraint", json!(summary.constraint.name())),
            ("oom_memcg", optional(summary.oom_memcg)),
            ("task_memcg", text(summary.task_memcg)),
            ("comm", text(summary.comm)),
            ("pid", json!(summary.pid)),
            ("uid", json!(summary.uid)),
        ]),
        OomEvent::Reaped { pid, comm, anon_rss_kib, file_rss_kib, shmem_rss_kib } => decoded([
            ("pid", json!(pid)),
            ("comm", text(comm)),
            ("anon_rss_kb", json!(anon_rss_kib)),
            ("file_rss_kb", json!(file_rss_kib)),
            ("shmem_rss_kb", json!(shmem_rss_kib)),
        ]),
        OomEvent::ReapFailed { pid, comm } => decoded([("pid", json!(pid)), ("comm", text(comm))]),
        OomEvent::TaskIn { task_memcg, oom_memcg } => {
            decoded([("task_memcg", text(task_memcg)), ("oom_memcg", text(oom_memcg))])
        }
        OomEvent::MemcgUsage { usage_kib, limit_kib, failure_count } => decoded([
            ("usage_kb", json!(usage_kib)),
            ("limit_kb", json!(limit_kib)),
            ("failcnt", json!(failure_count)),
        ]),
        OomEvent::GroupKill { oom_memcg } => decoded([("oom_memcg", text(oom_memcg))]),
        other => panic!("no vector form for {other:?}"),
    };
    decoded.insert("kind".to_owned(), json!(event.kind()));
    Some(decoded)
}
