//! Go's durations and quoted strings, and protobuf text.

use chiplog_parse::prototext::{self, Value};
use chiplog_parse::{Escape, Text, go};

use super::borrowed::{assert_inside, check_error, check_text};

pub(super) fn check(data: &[u8]) {
    check_duration(data);
    check_quoted(data);
    check_text(Text::new(data, Escape::Go), data);
    check_prototext(data, 0);
}

fn check_duration(data: &[u8]) {
    match go::duration(data) {
        Ok((nanos, length)) => {
            assert_eq!(go::parse_duration(&data[..length]), Ok(nanos));
            assert_eq!(go::parse_duration(print_duration(nanos).as_bytes()), Ok(nanos));
        }
        Err(error) => check_error(error, data),
    }
    match go::parse_duration(data) {
        Ok(nanos) => assert!(go::duration(data) == Ok((nanos, data.len())) || nanos == 0),
        Err(error) => check_error(error, data),
    }
}

fn print_duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let magnitude = nanos.unsigned_abs();
    let (seconds, fraction) = (magnitude / 1_000_000_000, magnitude % 1_000_000_000);
    format!("{sign}{}h{}m{}.{fraction:09}s", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

fn check_quoted(data: &[u8]) {
    match go::quoted(data) {
        Ok((text, length)) => {
            let decoded = check_text(text, data);
            assert_eq!([b"\"", text.raw(), b"\""].concat(), &data[..length]);
            assert!(!text.raw().contains(&b'\n'));
            let mut again = String::from("\"");
            for byte in &decoded {
                again.push_str(&format!("\\x{byte:02x}"));
            }
            again.push('"');
            let (same, length) = go::quoted(again.as_bytes()).expect("a quoted string");
            assert_eq!((same.decode().as_ref(), length), (&*decoded, again.len()));
        }
        Err(error) => check_error(error, data),
    }
}

/// How deep the laws follow messages: each level is read once more by the level above.
const MAX_DEPTH: usize = 8;

fn check_prototext(data: &[u8], depth: usize) {
    let mut fields = prototext::fields(data);
    while let Some(field) = fields.next() {
        match field {
            Ok(field) => {
                assert_inside(field.name, data);
                assert!(!field.name.is_empty());
                match field.value {
                    Value::String(text) => {
                        check_text(text, data);
                    }
                    Value::Token(token) => assert_inside(token, data),
                    Value::Message(inside) => {
                        assert_inside(inside, data);
                        if depth < MAX_DEPTH {
                            check_prototext(inside, depth + 1);
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
            Err(error) => {
                check_error(error, data);
                assert!(fields.next().is_none());
            }
        }
    }
}
