//! The forms in which vectors write inputs and expected values (`README.md`).

use chiplog_parse::{Severity, Text, Time, UnixNanos};
use serde_json::{Map, Value, json};

/// Decoded fields by key, in the forms of `README.md`.
pub(crate) type Decoded = Map<String, Value>;

/// A decoder of one format.
pub(crate) type Decoder = fn(&Vector) -> Option<Decoded>;

/// One vector.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) format: String,
    /// The input of formats that take one line or record.
    pub(crate) line: Vec<u8>,
    /// The input of the `*_stream` formats.
    pub(crate) lines: Vec<Vec<u8>>,
    pub(crate) ctx: Value,
    pub(crate) expect: Value,
}

impl Vector {
    pub(crate) fn from_json(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let field = |key: &str| value.get(key).cloned().unwrap_or(Value::Null);
        let name = field("name").as_str().ok_or("no name")?.to_owned();
        let format = field("format").as_str().ok_or("no format")?.to_owned();
        let line = match (field("line"), field("line_b64")) {
            (Value::String(line), _) => line.into_bytes(),
            (_, Value::String(base64)) => from_base64(&base64).ok_or("line_b64 is not base64")?,
            _ => Vec::new(),
        };
        let lines = match field("lines") {
            Value::Array(lines) => lines
                .into_iter()
                .map(|line| line.as_str().map(|line| line.as_bytes().to_vec()))
                .collect::<Option<_>>()
                .ok_or("lines must be strings")?,
            _ => Vec::new(),
        };
        if value.get("expect").is_none() {
            return Err("no expect".to_owned());
        }
        Ok(Self { name, format, line, lines, ctx: field("ctx"), expect: field("expect") })
    }
}

/// Equality of an expected and a found value; times are compared as instants.
pub(crate) fn equal(key: &str, wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::String(wanted), Value::String(found)) if key == "ts" => {
            wanted == found || rfc3339(wanted).is_some_and(|instant| Some(instant) == rfc3339(found))
        }
        (Value::Object(wanted), Value::Object(found)) if key == "time" => {
            wanted.len() == found.len()
                && wanted
                    .iter()
                    .all(|(key, value)| found.get(key).is_some_and(|other| equal(key, value, other)))
        }
        (Value::Array(wanted), Value::Array(found)) if key == "messages" || key == "incomplete" => {
            wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(wanted, found)| message_equal(wanted, found))
        }
        _ => wanted == found,
    }
}

/// Messages of a stream: every key that is expected must be there.
fn message_equal(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.iter().all(|(key, value)| found.get(key).is_some_and(|other| equal(key, value, other)))
        }
        _ => wanted == found,
    }
}

/// `"text"`, or `{"b64": ...}` for bytes that are not UTF-8.
pub(crate) fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({"b64": to_base64(bytes)}),
    }
}

/// As [`text`], decoded first.
pub(crate) fn decoded_text(value: Text<'_>) -> Value {
    text(&value.decode())
}

/// `null` or the form of [`decoded_text`].
pub(crate) fn optional_text(value: Option<Text<'_>>) -> Value {
    value.map_or(Value::Null, decoded_text)
}

/// `{"raw": ...}` or `{"raw_b64": ...}`: a token, verbatim.
pub(crate) fn raw(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!({"raw": text}),
        Err(_) => json!({"raw_b64": to_base64(bytes)}),
    }
}

/// Puts bytes under `key`, or under `key_b64` when they are not UTF-8.
pub(crate) fn put_bytes(decoded: &mut Decoded, key: &str, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => decoded.insert(key.to_owned(), json!(text)),
        Err(_) => decoded.insert(format!("{key}_b64"), json!(to_base64(bytes))),
    };
}

/// The name of a severity, or `null`.
pub(crate) fn severity(value: Option<Severity>) -> Value {
    value.map_or(Value::Null, |severity| json!(severity.name()))
}

/// An instant in the form of `ts`.
pub(crate) fn instant(value: UnixNanos) -> Value {
    json!(value.to_string())
}

/// A time in the form of `time`: `{"ts"}`, `{"parts"}` or `{"mono_us"}`. `zone` is the zone
/// text that stands beside a wall-clock reading, if any.
pub(crate) fn time(value: Time, zone: Option<&[u8]>) -> Value {
    match value {
        Time::Instant(at) => json!({"ts": at.to_string()}),
        Time::SinceBoot { micros } => json!({"mono_us": micros}),
        Time::Civil(civil) => {
            let mut parts = Map::new();
            if let Some(year) = civil.year {
                parts.insert("year".to_owned(), json!(year));
            }
            parts.insert("month".to_owned(), json!(civil.month));
            parts.insert("day".to_owned(), json!(civil.day));
            parts.insert("hour".to_owned(), json!(civil.hour));
            parts.insert("minute".to_owned(), json!(civil.minute));
            parts.insert("second".to_owned(), json!(civil.second));
            if civil.nanosecond != 0 {
                parts.insert("micros".to_owned(), json!(civil.nanosecond / 1_000));
            }
            let mut time = Map::new();
            time.insert("parts".to_owned(), Value::Object(parts));
            if let Some(zone) = zone {
                time.insert("tz".to_owned(), text(zone));
            }
            Value::Object(time)
        }
        other => panic!("no vector form for {other:?}"),
    }
}

/// RFC 3339 to nanoseconds since the epoch, by serde-free arithmetic of its own so that the
/// comparison does not rest on the code under test.
pub(crate) fn rfc3339(text: &str) -> Option<i128> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i128>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let rest = &text[19..];
    let digits =
        rest.strip_prefix('.').map_or(0, |rest| rest.chars().take_while(char::is_ascii_digit).count());
    let fraction = if digits == 0 { 0 } else { format!("{:0<9}", &rest[1..=digits]).parse().ok()? };
    let zone = if digits == 0 { rest } else { &rest[digits + 1..] };
    let offset = match zone.as_bytes() {
        b"Z" => 0,
        [sign, ..] => {
            let part = |range: std::ops::Range<usize>| zone.get(range)?.parse::<i128>().ok();
            (part(1..3)? * 3_600 + part(4..6)? * 60) * if *sign == b'-' { -1 } else { 1 }
        }
        [] => return None,
    };
    // Days by counting: slow and plain.
    let leap = |year: i128| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let mut days = (1970..year).map(|year| 365 + i128::from(leap(year))).sum::<i128>();
    let lengths = [31, 28 + i128::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    days += lengths[..(month - 1) as usize].iter().sum::<i128>() + day - 1;
    Some((days * 86_400 + hour * 3_600 + minute * 60 + second - offset) * 1_000_000_000 + fraction)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn to_base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0u32, |group, at| group << 8 | u32::from(*chunk.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let index = group >> (18 - 6 * at) & 63;
            out.push(if at <= chunk.len() { ALPHABET[index as usize] as char } else { '=' });
        }
    }
    out
}

pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut group, mut bits) = (0u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        group = group << 6 | ALPHABET.iter().position(|letter| *letter == byte)? as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((group >> bits & 255) as u8);
        }
    }
    Some(out)
}
