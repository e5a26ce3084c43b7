//! klog lines, structured bodies, banners and records of several lines.

use chiplog_parse::klog::{self, Banner, Klog, Structured};
use chiplog_parse::klog_stream::{Grouper, Role};
use chiplog_parse::{Escape, Text, Value};

use super::borrowed::{assert_ends, assert_inside, check_civil, check_error, check_text, check_value};

pub(super) fn check(data: &[u8]) {
    match klog::parse(data) {
        Ok(line) => check_line(&line, data),
        Err(error) => check_error(error, data),
    }
    if let Some(body) = klog::structured(data) {
        check_body(&body, data);
    }
    check_text(Text::new(data, Escape::KlogBlock), data);
    check_banner(data);
    check_records(data);
}

fn check_line(line: &Klog<'_>, data: &[u8]) {
    assert_ends(line.body, data);
    assert_inside(line.file, data);
    check_civil(line.time);
    assert_eq!(line.time.year, None);
    let printed = print(line, data[0]);
    assert_eq!(klog::parse(&printed).as_ref(), Ok(line), "{}", printed.escape_ascii());
    if let Some(body) = line.structured() {
        check_body(&body, line.body);
    }
}

/// The line as klog would print it.
fn print(line: &Klog<'_>, letter: u8) -> Vec<u8> {
    let time = line.time;
    let header = format!(
        "{}{:02}{:02} {:02}:{:02}:{:02}.{:06} {:>7} ",
        char::from(letter),
        time.month,
        time.day,
        time.hour,
        time.minute,
        time.second,
        time.nanosecond / 1_000,
        line.pid
    );
    let number = format!(":{}] ", line.line);
    [header.as_bytes(), line.file, number.as_bytes(), line.body].concat()
}

/// Message and pairs, put together again, are the body.
fn check_body(body: &Structured<'_>, data: &[u8]) {
    check_text(body.msg, data);
    let mut again = [b"\"", body.msg.raw(), b"\""].concat();
    for (key, value) in body.fields() {
        assert_inside(key, data);
        check_value(value, data);
        again.push(b' ');
        again.extend_from_slice(key);
        again.push(b'=');
        let text = value.text();
        let (open, close): (&[u8], &[u8]) = match (value, text.escape()) {
            (Value::Raw(_), _) => (b"", b""),
            (_, Escape::Go) => (b"\"", b"\""),
            (_, Escape::KlogBlock) if text.raw().is_empty() => (b"<\n", b" >"),
            (_, Escape::KlogBlock) => (b"<\n", b"\n >"),
            (_, other) => panic!("{other:?} is no escape of klog"),
        };
        again.extend_from_slice(open);
        again.extend_from_slice(text.raw());
        again.extend_from_slice(close);
    }
    assert_eq!(again, data);
}

fn check_banner(data: &[u8]) {
    match klog::banner(data) {
        Some(Banner::CreatedAt(time)) => check_civil(time),
        Some(Banner::Machine(text) | Banner::Binary(text) | Banner::PreviousLog(text)) => {
            assert_ends(text, data);
        }
        _ => {}
    }
}

fn check_records(data: &[u8]) {
    let mut grouper = Grouper::new();
    for (index, line) in chiplog_parse::lines(data).enumerate() {
        let starts = grouper.push(line) == Role::Starts;
        assert!(starts || (index > 0 && klog::parse(line).is_err()));
    }
}
