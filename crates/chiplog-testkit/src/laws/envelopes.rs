//! What container runtimes, syslog, the kernel and tools put around a line.

use chiplog_parse::reassemble::Reassembler;
use chiplog_parse::{Time, UnixNanos, cri, docker_json, kmsg, prefix, syslog};

use super::borrowed::{
    assert_all_inside, assert_ends, assert_inside, check_error, check_instant, check_text, check_time,
};

pub(super) fn check(data: &[u8]) {
    check_lines(data);
    check_rfc3339(data);
    check_fragments(data);
    let checked = [
        cri::parse(data).map(|line| check_cri(&line, data)),
        syslog::parse(data).map(|line| check_syslog(&line, data)),
        kmsg::parse(data).map(|line| check_kmsg(&line, data)),
        prefix::kubectl(data).map(|kubectl| {
            assert_ends(kubectl.rest, data);
            assert_all_inside([kubectl.pod, kubectl.container], data);
        }),
        prefix::timestamp(data).map(|timestamp| {
            assert_ends(timestamp.rest, data);
            check_instant(timestamp.time);
        }),
        prefix::compose(data).map(|compose| {
            assert_ends(compose.rest, data);
            assert_inside(compose.service, data);
        }),
    ];
    for error in checked.into_iter().filter_map(Result::err) {
        check_error(error, data);
    }
}

/// Lines are the pieces between line feeds, a carriage return before one not counted.
fn check_lines(data: &[u8]) {
    let mut rest = data;
    for line in chiplog_parse::lines(data) {
        assert_inside(line, data);
        assert!(!line.contains(&b'\n'));
        let after = rest.strip_prefix(line).expect("lines stand one after the other");
        rest = after.strip_prefix(b"\r\n").or_else(|| after.strip_prefix(b"\n")).unwrap_or(after);
        assert!(rest.len() < after.len() || after.is_empty());
    }
    assert!(rest.is_empty());
}

/// An instant is the same for chrono, which takes more.
fn check_rfc3339(data: &[u8]) {
    match UnixNanos::from_rfc3339(data) {
        Ok(instant) => {
            check_time(Time::Instant(instant));
            let text = std::str::from_utf8(data).expect("a time is ASCII");
            let theirs = chrono::DateTime::parse_from_rfc3339(text).expect("chrono reads it, too");
            assert_eq!(theirs.timestamp_nanos_opt(), Some(instant.0));
        }
        Err(error) => check_error(error, data),
    }
}

fn check_cri(line: &cri::Cri<'_>, data: &[u8]) {
    check_instant(line.time);
    let parts: Vec<&[u8]> = data.splitn(4, |byte| *byte == b' ').collect();
    assert_eq!(parts.get(1).copied(), Some(line.stream.name().as_bytes()));
    assert_eq!(parts.get(2).copied(), Some(line.tags));
    assert_eq!(parts.get(3).copied().unwrap_or_default(), line.content);
    assert_ends(line.content, data);
    let tags: Vec<&[u8]> = line.each_tag().collect();
    assert_eq!(tags.join(&b":"[..]), line.tags);
    assert_eq!(line.partial, tags.first() == Some(&&b"P"[..]));
}

fn check_syslog(line: &syslog::Syslog<'_>, data: &[u8]) {
    if let Some(time) = line.time {
        check_time(time);
    }
    assert!(line.priority.is_none_or(|priority| priority.facility < 24 && priority.severity < 8));
    let parts = [line.host, line.app, line.pid, line.message_id];
    assert_all_inside(parts.into_iter().flatten(), data);
    if let Some(message) = line.message {
        assert_ends(message, data);
        assert!(syslog::unescape(message).len() <= message.len());
    }
    assert_eq!(line.structured_data.is_some(), line.protocol == syslog::Protocol::WireRfc5424);
    let Some(structured) = line.structured_data else { return };
    assert_inside(structured.raw(), data);
    let mut again = Vec::new();
    for element in structured.elements() {
        again.extend_from_slice(&[b"[", element.id].concat());
        for (name, value) in element.params() {
            assert_inside(name, structured.raw());
            again.extend_from_slice(&[b" ", name, b"=\"", value, b"\""].concat());
            let mut plain = Vec::new();
            syslog::unescape_param_into(value, &mut plain);
            assert!(plain.len() <= value.len());
        }
        again.push(b']');
    }
    assert_eq!(again, structured.raw());
}

fn check_kmsg(line: &kmsg::Kmsg<'_>, data: &[u8]) {
    check_time(line.time);
    assert!(line.level.is_none_or(|level| level < 8));
    assert_all_inside(line.caller, data);
    check_text(line.message, data);
    for (key, value) in line.dictionary() {
        assert_inside(key, data);
        check_text(value, data);
    }
}

/// Joining fragments loses nothing that it does not count.
fn check_fragments(data: &[u8]) {
    for limit in [usize::MAX, 16] {
        let mut reassembler = Reassembler::with_limit(limit);
        let (mut given, mut taken) = (0, 0);
        let mut whole = [Vec::new(), Vec::new()];
        let mut joined = [Vec::new(), Vec::new()];
        let mut take = |message: &chiplog_parse::reassemble::Message<'_>| {
            joined[message.stream as usize].extend_from_slice(&message.content);
            taken += message.content.len() as u64 + message.truncated_bytes;
        };
        let mut buffer = Vec::new();
        for line in chiplog_parse::lines(data) {
            let (stream, time, partial) = if let Ok(line) = cri::parse(line) {
                buffer.clear();
                buffer.extend_from_slice(line.content);
                (line.stream, line.time, line.partial)
            } else if let Ok(record) = docker_json::parse(line) {
                buffer.clear();
                record.content().decode_into(&mut buffer);
                (record.stream, record.time, record.partial)
            } else {
                continue;
            };
            whole[stream as usize].extend_from_slice(&buffer);
            given += buffer.len() as u64;
            if let Some(message) = reassembler.push(stream, time, &buffer, partial) {
                take(&message);
            }
        }
        reassembler.finish().for_each(|message| take(&message));
        assert_eq!(reassembler.finish().count(), 0);
        assert_eq!(taken, given);
        if limit == usize::MAX {
            assert_eq!(joined, whole);
        }
    }
}
