//! The formats that are one JSON object a line.

use chiplog_parse::json::{self, Value};
use chiplog_parse::{ParseError, Time, docker_json, journal_json, klog_json, logrus, zap};

use super::borrowed::{
    assert_inside, check_error, check_fields, check_instant, check_text, check_texts, check_time, check_value,
};
use super::payloads::{check_logrus, check_zap};

pub(super) fn check(data: &[u8]) {
    let is_object = json::members(data).all(|member| member.is_ok());
    let checked = [
        klog_json::parse(data).map(|entry| check_klog_json(&entry, data)),
        zap::parse_json(data).map(|entry| check_zap(&entry, data)),
        logrus::parse_json(data).map(|entry| check_logrus(&entry, data)),
        docker_json::parse(data).map(|record| check_docker(&record, data)),
    ];
    for outcome in checked {
        match outcome {
            Ok(()) => assert!(is_object),
            Err(error) => check_error(error, data),
        }
    }
    check_journal(journal_json::parse(data), data);
}

fn check_klog_json(entry: &klog_json::KlogJson<'_>, data: &[u8]) {
    check_instant(entry.time);
    check_texts([entry.logger, entry.file, Some(entry.message)].into_iter().flatten(), data);
    if let Some(error) = entry.error {
        check_value(error, data);
    }
    check_fields(entry.fields(), data);
}

fn check_docker(record: &docker_json::DockerJson<'_>, data: &[u8]) {
    check_instant(record.time);
    if let Some(attrs) = record.attrs {
        assert_inside(attrs, data);
        assert!(json::members(attrs).all(|member| member.is_ok()));
    }
    let log = check_text(record.log, data);
    let mut content = check_text(record.content(), data);
    assert_eq!(record.partial, !log.ends_with(b"\n"));
    if !record.partial {
        content.push(b'\n');
    }
    assert_eq!(content, log);
}

fn check_journal(parsed: Result<journal_json::JournalJson<'_>, ParseError>, data: &[u8]) {
    let entry = match parsed {
        Ok(entry) => entry,
        Err(error) => return check_error(error, data),
    };
    check_time(Time::Instant(entry.time));
    assert!(entry.priority.is_none_or(|priority| priority <= 7));
    check_texts([entry.hostname, entry.identifier, entry.unit, entry.transport].into_iter().flatten(), data);
    match entry.message {
        journal_json::Message::Repeated(texts) => check_texts(texts, data),
        message => check_texts(message.text(), data),
    }
    // A member that is a string is found by its name.
    let start = data.iter().position(|byte| *byte == b'{').unwrap_or(0);
    for member in json::members(&data[start..]).flatten().take(4) {
        if let Value::String(text) = member.value {
            let found = entry.field(member.key.raw()).expect("the field is there");
            let is_first = found.raw().as_ptr() <= text.raw().as_ptr();
            assert!(is_first, "not the first {:?}", member.key);
        }
    }
}
