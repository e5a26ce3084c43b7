//! The scan over JSON, against serde_json.

use std::fmt;

use chiplog_parse::json::{self, Value};
use chiplog_parse::{Escape, Text};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::borrowed::{assert_inside, check_error, check_text};

pub(super) fn check(data: &[u8]) {
    check_text(Text::new(data, Escape::Json), data);
    check_text(Text::new(data, Escape::JsonBytes), data);
    check_object(data, 0);
    check_array(data, 0);
    check_agreement(data);
}

/// How deep the laws follow values: each level is read once more by the level above.
const MAX_DEPTH: usize = 8;

fn check_object(data: &[u8], depth: usize) {
    let mut members = json::members(data);
    for member in members.by_ref() {
        match member {
            Ok(member) => {
                check_text(member.key, data);
                assert_eq!(member.key.escape(), Escape::Json);
                check_value(member.value, data, depth);
            }
            Err(error) => check_error(error, data),
        }
    }
    assert!(members.next().is_none());
}

fn check_array(data: &[u8], depth: usize) {
    let mut elements = json::elements(data);
    for element in elements.by_ref() {
        match element {
            Ok(value) => check_value(value, data, depth),
            Err(error) => check_error(error, data),
        }
    }
    assert!(elements.next().is_none());
}

fn check_value(value: Value<'_>, whole: &[u8], depth: usize) {
    match value {
        Value::String(text) => {
            check_text(text, whole);
            assert_eq!(text.escape(), Escape::Json);
        }
        Value::Number(raw) | Value::Literal(raw) => {
            assert_inside(raw, whole);
            assert!(!raw.is_empty());
        }
        // What was given as a value can be read without an error.
        Value::Object(raw) => {
            assert_inside(raw, whole);
            assert!(json::members(raw).all(|member| member.is_ok()));
            if depth < MAX_DEPTH {
                check_object(raw, depth + 1);
            }
        }
        Value::Array(raw) => {
            assert_inside(raw, whole);
            assert!(json::elements(raw).all(|element| element.is_ok()));
            if depth < MAX_DEPTH {
                check_array(raw, depth + 1);
            }
        }
    }
}

/// Keys and verbatim values of an object, in order and with duplicates.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

/// What serde_json takes for an object is one, with the same keys and values; and what holds
/// nothing that only this scan is lenient about is one for both or for neither.
fn check_agreement(data: &[u8]) {
    let ours: Result<Vec<_>, _> = json::members(data).collect();
    let theirs: Result<Pairs<'_>, _> = serde_json::from_slice(data);
    match (ours, theirs) {
        (Ok(ours), Ok(Pairs(theirs))) => {
            assert_eq!(ours.len(), theirs.len());
            for (ours, (key, value)) in ours.iter().zip(theirs) {
                assert_eq!(*ours.key.decode(), *key.as_bytes());
                check_same(ours.value, value.get().as_bytes());
            }
        }
        (Err(error), Ok(_)) => {
            assert!(depth(data) > json::MAX_DEPTH, "{error} at {}", error.offset());
        }
        (Ok(_), Err(error)) => {
            let is_plain =
                std::str::from_utf8(data).is_ok_and(|text| !text.contains(|c: char| c < ' ' || c == '\\'));
            assert!(!is_plain, "{error}");
        }
        (Err(_), Err(_)) => {}
    }
}

fn check_same(ours: Value<'_>, theirs: &[u8]) {
    match ours {
        Value::String(text) => {
            assert_eq!(Some(text.raw()), theirs.get(1..theirs.len() - 1));
            if let Ok(decoded) = serde_json::from_slice::<String>(theirs) {
                assert_eq!(*text.decode(), *decoded.as_bytes());
            }
        }
        Value::Number(raw) => {
            assert_eq!(raw, theirs);
            // Zero with a sign is a whole number for nobody else.
            let whole = serde_json::from_slice::<u64>(theirs).ok().filter(|_| raw != b"-0");
            assert_eq!(ours.as_u64(), whole);
        }
        Value::Literal(raw) | Value::Object(raw) | Value::Array(raw) => assert_eq!(raw, theirs),
    }
}

/// At least how deep the values of valid JSON nest.
fn depth(data: &[u8]) -> u32 {
    let (mut deepest, mut depth) = (0u32, 0u32);
    for byte in data {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
