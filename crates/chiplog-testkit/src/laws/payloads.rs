//! Text payloads other than klog.

use chiplog_parse::events::utiltrace;
use chiplog_parse::{Time, capnslog, logrus, zap};

use super::borrowed::{
    assert_all_inside, assert_ends, assert_inside, check_civil, check_error, check_fields, check_instant,
    check_text, check_texts, check_time,
};

pub(super) fn check(data: &[u8]) {
    let checked = [
        capnslog::parse(data).map(|entry| check_capnslog(&entry, data)),
        zap::parse_console(data).map(|entry| check_zap(&entry, data)),
        logrus::parse(data).map(|entry| check_logrus(&entry, data)),
        logrus::parse_terminal(data).map(|entry| check_logrus(&entry, data)),
        utiltrace::parse(data).map(|line| {
            check_texts(line.name, data);
        }),
    ];
    for error in checked.into_iter().filter_map(Result::err) {
        check_error(error, data);
    }
}

fn check_capnslog(entry: &capnslog::Capnslog<'_>, data: &[u8]) {
    assert_ends(entry.message, data);
    assert_all_inside([entry.package, entry.file].into_iter().flatten(), data);
    assert_eq!(entry.file.is_some(), entry.line.is_some());
    check_civil(entry.time);
    let time = entry.time;
    let mut again = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06} ",
        time.year.expect("capnslog prints the year"),
        time.month,
        time.day,
        time.hour,
        time.minute,
        time.second,
        time.nanosecond / 1_000
    )
    .into_bytes();
    if let (Some(file), Some(line)) = (entry.file, entry.line) {
        again.extend_from_slice(&[b"[", file, format!(":{line}] ").as_bytes()].concat());
    }
    let package_length = entry.package.map_or(0, |package| package.len() + 2);
    let level = data[data.len() - entry.message.len() - package_length - 4];
    again.extend_from_slice(&[level, b' ', b'|', b' ']);
    if let Some(package) = entry.package {
        again.extend_from_slice(&[package, b": "].concat());
    }
    again.extend_from_slice(entry.message);
    assert_eq!(capnslog::parse(&again).as_ref(), Ok(entry), "{}", again.escape_ascii());
}

pub(super) fn check_zap(entry: &zap::Zap<'_>, data: &[u8]) {
    check_time(entry.time);
    assert_inside(entry.severity_text, data);
    check_texts([entry.logger, entry.file, entry.stacktrace].into_iter().flatten(), data);
    check_text(entry.message, data);
    check_fields(entry.fields(), data);
    for (key, _) in entry.fields().take(4) {
        let found = entry.field(key.raw()).expect("the field is there");
        assert!(entry.fields().any(|(_, value)| value == found));
    }
}

pub(super) fn check_logrus(entry: &logrus::Logrus<'_>, data: &[u8]) {
    if let Some(time) = entry.time {
        check_instant(time);
        check_time(Time::Instant(time));
    }
    check_texts(entry.message, data);
    check_fields(entry.fields(), data);
}
