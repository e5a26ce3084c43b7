//! Parsed lines as JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chiplog_engine::{Quantity, Unit};
use chiplog_parse::{EVENT_KINDS, Event, EventValue, Record, Severity, Time, Value};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::json::{Exact, entry, write_line};

/// Writes a record as one line of JSON, `chiplog.record.v1`, in the names of OpenTelemetry's log
/// data model. `path` is the file it came from, if it came from one.
///
/// | field | meaning |
/// |---|---|
/// | `timestamp` | the record's time, if it is an instant |
/// | `observed_timestamp` | the envelope's time, if it is an instant and not the same |
/// | `severity_text` | the source's own text: `E`, `warn` |
/// | `severity_number` | 1 to 24 |
/// | `body` | the message |
/// | `chiplog.msg` | the constant part of the message, where that is less than all of it |
/// | `event_name` | the kind of a message that is understood, such as `etcd.apply_slow` |
/// | `attributes` | `code.file.path`, `code.line.number`, `process.pid`, `log.iostream`, `log.file.path`, and the key/values of the payload under their own names |
/// | `resource` | `host.name`, `service.name` (the program), `systemd.unit`, `k8s.pod.name`, `k8s.container.name` |
/// | `scope` | `name`: the logger or package |
/// | `chiplog.layers` | formats of the line, outermost first |
/// | `chiplog.time` | the time as the line gives it, if it could not be made an instant |
/// | `chiplog.envelope_severity_number` | the envelope's severity, where it differs |
/// | `chiplog.partial` | true for a fragment of a longer line |
/// | `chiplog.event` | the parts of the event, with units: `duration_seconds` |
/// | `chiplog.base64` | see below |
///
/// Fields without a value are left out. A value that was JSON in the line stays as it was, digit
/// by digit; a key that occurs more than once has a list of its values. Bytes that are not UTF-8
/// are U+FFFD in the text, and then `chiplog.base64` maps the field (`body`, `attributes.KEY`) to
/// its bytes, so that nothing is lost.
///
/// # Errors
///
/// Those of the writer.
pub fn write_record_json(out: &mut dyn Write, record: &Record<'_>, path: Option<&str>) -> io::Result<()> {
    write_line(out, &RecordJson { record, path })
}

struct RecordJson<'a> {
    record: &'a Record<'a>,
    path: Option<&'a str>,
}

impl Serialize for RecordJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.record;
        let mut bytes = Bytes::default();
        let event = record.event();
        let envelope_severity =
            record.envelope_severity.filter(|severity| Some(*severity) != record.severity);
        let layers: Vec<&str> = record.layers().iter().map(|format| format.name()).collect();

        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", "chiplog.record.v1")?;
        entry(&mut map, "timestamp", instant(record.time))?;
        if record.envelope_time != record.time {
            entry(&mut map, "observed_timestamp", instant(record.envelope_time))?;
        }
        if !record.severity_text.is_empty() {
            map.serialize_entry("severity_text", &bytes.plain("severity_text", record.severity_text))?;
        }
        entry(&mut map, "severity_number", record.severity.map(Severity::number))?;
        map.serialize_entry("body", &bytes.text("body", "", record.message.decode()))?;
        let msg = Some(record.msg()).filter(|msg| *msg != record.message);
        entry(&mut map, "chiplog.msg", msg.map(|msg| bytes.text("chiplog.msg", "", msg.decode())))?;
        entry(&mut map, "event_name", event.map(|event| event.kind()))?;
        map.serialize_entry("attributes", &attributes(record, self.path, &mut bytes))?;
        map.serialize_entry("resource", &resource(record, &mut bytes))?;
        if let Some(logger) = record.logger {
            let name = bytes.text("scope.name", "", logger.decode());
            map.serialize_entry("scope", &BTreeMap::from([("name", name)]))?;
        }
        map.serialize_entry("chiplog.layers", &layers)?;
        let unplaced = record.time.filter(|time| !matches!(time, Time::Instant(_)));
        entry(&mut map, "chiplog.time", unplaced.map(|time| time.to_string()))?;
        entry(&mut map, "chiplog.envelope_severity_number", envelope_severity.map(Severity::number))?;
        entry(&mut map, "chiplog.partial", record.partial.then_some(true))?;
        let parts =
            event.map(|event| event_parts(&event, &mut bytes)).filter(|parts| !parts.entries.is_empty());
        entry(&mut map, "chiplog.event", parts)?;
        entry(&mut map, "chiplog.base64", (!bytes.0.is_empty()).then_some(bytes.0))?;
        map.end()
    }
}

/// What text could not hold, in base64, by field.
#[derive(Default)]
struct Bytes(BTreeMap<String, String>);

impl Bytes {
    /// The text of `bytes`. If it is not UTF-8, the bytes are kept under `field` and `key`.
    fn text<'b>(&mut self, field: &str, key: &str, bytes: Cow<'b, [u8]>) -> Cow<'b, str> {
        let lossy = match bytes {
            Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => return Cow::Borrowed(text),
                Err(_) => (String::from_utf8_lossy(bytes).into_owned(), STANDARD.encode(bytes)),
            },
            Cow::Owned(bytes) => match String::from_utf8(bytes) {
                Ok(text) => return Cow::Owned(text),
                Err(error) => {
                    let bytes = error.as_bytes();
                    (String::from_utf8_lossy(bytes).into_owned(), STANDARD.encode(bytes))
                }
            },
        };
        let (text, encoded) = lossy;
        self.0.insert(format!("{field}{key}"), encoded);
        Cow::Owned(text)
    }

    fn plain<'b>(&mut self, field: &str, bytes: &'b [u8]) -> Cow<'b, str> {
        self.text(field, "", Cow::Borrowed(bytes))
    }
}

/// An attribute's value.
enum Scalar<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    /// JSON as it stood in the line.
    Json(&'a RawValue),
    Exact(Quantity),
    List(Vec<Scalar<'a>>),
}

impl Serialize for Scalar<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Json(json) => json.serialize(serializer),
            Self::Exact(quantity) => Exact(*quantity).serialize(serializer),
            Self::List(list) => serializer.collect_seq(list),
        }
    }
}

/// Attributes in order of appearance.
#[derive(Default)]
struct Attributes<'a> {
    entries: Vec<(Cow<'a, str>, Scalar<'a>)>,
    /// Where each key stands: a line may hold many thousands.
    positions: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Attributes<'a> {
    fn add(&mut self, key: impl Into<Cow<'a, str>>, value: Scalar<'a>) {
        let key = key.into();
        let position = *self.positions.entry(key.clone()).or_insert(self.entries.len());
        match self.entries.get_mut(position) {
            None => self.entries.push((key, value)),
            Some((_, Scalar::List(list))) => list.push(value),
            Some((_, first)) => {
                let earlier = std::mem::replace(first, Scalar::Number(0));
                *first = Scalar::List(vec![earlier, value]);
            }
        }
    }
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries.iter().map(|(key, value)| (key, value)))
    }
}

fn attributes<'a>(record: &Record<'a>, path: Option<&'a str>, bytes: &mut Bytes) -> Attributes<'a> {
    let mut attributes = Attributes::default();
    if let Some(file) = record.file {
        let file = bytes.plain("attributes.code.file.path", file);
        attributes.add("code.file.path", Scalar::Text(file));
    }
    if let Some(line) = record.line_number {
        attributes.add("code.line.number", Scalar::Number(line.into()));
    }
    if let Some(pid) = record.pid {
        attributes.add("process.pid", Scalar::Number(pid));
    }
    if let Some(stream) = record.stream {
        attributes.add("log.iostream", Scalar::Text(Cow::Borrowed(stream.name())));
    }
    if let Some(path) = path {
        attributes.add("log.file.path", Scalar::Text(Cow::Borrowed(path)));
    }
    for (key, value) in record.fields() {
        let key = match key.decode() {
            Cow::Borrowed(key) => String::from_utf8_lossy(key),
            Cow::Owned(key) => Cow::Owned(String::from_utf8_lossy(&key).into_owned()),
        };
        let json = match value {
            Value::Raw(raw) => raw_json(raw),
            _ => None,
        };
        let value = match json {
            Some(json) => Scalar::Json(json),
            None => Scalar::Text(bytes.text("attributes.", &key, value.text().decode())),
        };
        attributes.add(key, value);
    }
    attributes
}

/// A token that is JSON on one line, kept as it is.
fn raw_json(raw: &[u8]) -> Option<&RawValue> {
    let text = std::str::from_utf8(raw).ok().filter(|text| !text.contains(['\n', '\r']))?;
    serde_json::from_str(text).ok()
}

fn resource<'a>(record: &Record<'a>, bytes: &mut Bytes) -> BTreeMap<&'static str, Cow<'a, str>> {
    let mut resource = BTreeMap::new();
    if let Some(host) = record.host {
        resource.insert("host.name", bytes.plain("resource.host.name", host));
    }
    let rest = [
        ("service.name", "resource.service.name", record.component),
        ("k8s.pod.name", "resource.k8s.pod.name", record.pod),
        ("k8s.container.name", "resource.k8s.container.name", record.container),
        ("systemd.unit", "resource.systemd.unit", record.unit),
    ];
    for (name, field, value) in rest {
        if let Some(value) = value {
            resource.insert(name, bytes.plain(field, value));
        }
    }
    resource
}

fn event_parts<'a>(event: &Event<'a>, bytes: &mut Bytes) -> Attributes<'a> {
    let mut parts = Attributes::default();
    let kind = EVENT_KINDS.iter().find(|kind| kind.name == event.kind());
    for (name, _) in kind.map_or(&[][..], |kind| kind.values) {
        let (unit, value) = match event.value(name) {
            Some(EventValue::Nanoseconds(nanos)) => {
                let seconds = Quantity { amount: nanos.into(), unit: Unit::Nanoseconds };
                (Unit::Nanoseconds, Scalar::Exact(seconds))
            }
            Some(EventValue::Bytes(size)) => (Unit::Bytes, Scalar::Number(size)),
            Some(EventValue::Integer(number)) => (Unit::Count, Scalar::Number(number)),
            Some(EventValue::Text(value)) => {
                (Unit::Count, Scalar::Text(bytes.text("chiplog.event.", name, value.decode())))
            }
            Some(_) | None => continue,
        };
        parts.add(format!("{name}{}", unit.field_suffix()), value);
    }
    parts
}

fn instant(time: Option<Time>) -> Option<String> {
    match time {
        Some(Time::Instant(instant)) => Some(instant.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(record: &Record<'_>) -> String {
        let mut out = vec![];
        write_record_json(&mut out, record, None).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn bytes_that_are_not_text_are_kept() {
        assert_eq!(
            json(&Record::of_text(b"disk \xff\x01")),
            "{\"schema\":\"chiplog.record.v1\",\"body\":\"disk \u{fffd}\\u0001\",\"attributes\":{},\"resource\":{},\
             \"chiplog.layers\":[],\"chiplog.base64\":{\"body\":\"ZGlzayD/AQ==\"}}\n"
        );
    }

    #[test]
    fn repeated_keys_become_a_list() {
        let mut attributes = Attributes::default();
        for number in [1, 2, 3] {
            attributes.add("pod", Scalar::Number(number));
        }
        attributes.add("n", Scalar::Json(raw_json(b"1.500e3").unwrap()));
        assert_eq!(serde_json::to_string(&attributes).unwrap(), r#"{"pod":[1,2,3],"n":1.500e3}"#);
    }

    #[test]
    fn only_json_on_one_line_is_raw() {
        assert!(raw_json(b"{\"a\":1}").is_some());
        assert!(raw_json(b"map[a:1]").is_none());
        assert!(raw_json(b"[1,\n2]").is_none());
    }
}
