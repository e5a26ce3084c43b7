//! Laws of the small types that every format shares: slices, texts, values, times, errors.

use chiplog_parse::{Civil, Clock, ParseError, Text, Time, UnixNanos, Value};

/// `part` borrows from `whole`. An empty slice may stand anywhere.
#[track_caller]
pub(super) fn assert_inside(part: &[u8], whole: &[u8]) {
    let (inner, outer) = (part.as_ptr_range(), whole.as_ptr_range());
    assert!(
        part.is_empty() || (outer.start <= inner.start && inner.end <= outer.end),
        "{:?} does not borrow from {:?}",
        part.escape_ascii().to_string(),
        whole.escape_ascii().to_string()
    );
}

#[track_caller]
pub(super) fn assert_all_inside<'a>(parts: impl IntoIterator<Item = &'a [u8]>, whole: &[u8]) {
    for part in parts {
        assert_inside(part, whole);
    }
}

/// `part` is the end of `whole`.
#[track_caller]
pub(super) fn assert_ends(part: &[u8], whole: &[u8]) {
    assert_inside(part, whole);
    assert!(whole.ends_with(part));
    assert!(part.is_empty() || part.as_ptr_range().end == whole.as_ptr_range().end);
}

/// A text borrows, its ways to be decoded agree, and decoding never makes it longer. Gives the
/// decoded text.
#[track_caller]
pub(super) fn check_text(text: Text<'_>, whole: &[u8]) -> Vec<u8> {
    assert_inside(text.raw(), whole);
    let decoded = text.decode();
    if let Some(plain) = text.as_plain() {
        assert_inside(plain, whole);
        assert_eq!(plain, &*decoded);
    }
    assert!(decoded.len() <= text.raw().len(), "{text:?} grew");
    let mut appended = b"before".to_vec();
    text.decode_into(&mut appended);
    assert_eq!(appended.strip_prefix(b"before"), Some(&*decoded));
    assert_eq!(text.to_string(), String::from_utf8_lossy(&decoded));
    decoded.into_owned()
}

#[track_caller]
pub(super) fn check_texts<'a>(texts: impl IntoIterator<Item = Text<'a>>, whole: &[u8]) {
    for text in texts {
        check_text(text, whole);
    }
}

#[track_caller]
pub(super) fn check_value(value: Value<'_>, whole: &[u8]) {
    if let Value::Raw(raw) = value {
        assert_inside(raw, whole);
    }
    check_text(value.text(), whole);
}

/// Keys and values borrow, and there are not more of them than bytes.
#[track_caller]
pub(super) fn check_fields<'a>(fields: impl Iterator<Item = (Text<'a>, Value<'a>)>, whole: &[u8]) {
    let mut count = 0;
    for (key, value) in fields {
        check_text(key, whole);
        check_value(value, whole);
        count += 1;
    }
    assert!(count <= whole.len());
}

/// A time is one that exists, prints, and is the same instant as its own civil form.
#[track_caller]
pub(super) fn check_time(time: Time) {
    assert!(!time.to_string().is_empty());
    match time {
        Time::Civil(civil) => check_civil(civil),
        Time::Instant(instant) => check_instant(instant),
        _ => {}
    }
    let clocks = [
        Clock::unknown(),
        Clock::from_year(2024),
        Clock::from_year(i16::MIN),
        Clock::near(UnixNanos(i64::MAX)),
        Clock::not_after(UnixNanos(i64::MAX)),
        Clock::not_after(UnixNanos(i64::MIN)).with_utc_offset_seconds(i32::MAX),
        Clock::near(UnixNanos(i64::MIN)).with_utc_offset_seconds(i32::MIN),
        Clock::near(UnixNanos(1_700_000_000_000_000_000)).with_boot(UnixNanos(i64::MAX)),
    ];
    for mut clock in clocks {
        let peeked = clock.peek(time);
        assert_eq!(clock.resolve(time), peeked);
        if let Some(resolved) = peeked {
            // The reference is now the time itself: the nearest reading is the same one.
            assert_eq!(clock.peek(time), Some(resolved));
        }
    }
}

#[track_caller]
pub(super) fn check_civil(civil: Civil) {
    let Civil { year, month, day, hour, minute, second, nanosecond } = civil;
    assert_eq!(Civil::new(year, (month, day), (hour, minute, second), nanosecond), Some(civil));
}

#[track_caller]
pub(super) fn check_instant(instant: UnixNanos) {
    let civil = instant.to_civil();
    check_civil(civil);
    // The second that the range of the type begins in is not wholly inside it.
    if instant.0 >= i64::MIN + 1_000_000_000 {
        assert_eq!(civil.year.and_then(|year| civil.at(year, 0)), Some(instant));
    }
}

/// An error points into the line.
#[track_caller]
pub(super) fn check_error(error: ParseError, whole: &[u8]) {
    assert!(error.offset() <= whole.len(), "{error} at {} of {}", error.offset(), whole.len());
    assert!(!error.expected().is_empty());
}
