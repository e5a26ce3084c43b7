//! Calendar times in digits: RFC 3339 and the layouts around it.
//!
//! ```text
//! instant  = civil [ "." 1*9DIGIT ] ( "Z" / offset )
//! civil    = 4DIGIT "-" 2DIGIT "-" 2DIGIT "T" 2DIGIT ":" 2DIGIT ":" 2DIGIT
//! offset   = ( "+" / "-" ) 2DIGIT ":" 2DIGIT
//! ```
//!
//! Written by hand: every line of a container log starts with one of these.

use crate::{Civil, ParseError, UnixNanos, bytes::digit, bytes::two_digits};

impl UnixNanos {
    /// The instant of a text that is an RFC 3339 time and nothing else: upper-case `T`, a dot and
    /// one to nine digits for the fraction if there is one, then `Z` or `±hh:mm`.
    ///
    /// This is what Go's `time.RFC3339Nano` prints. A second of 60 is refused, as in Go.
    ///
    /// ```
    /// use chiplog_parse::UnixNanos;
    /// let time = UnixNanos::from_rfc3339(b"2024-03-05T14:07:08.12+08:00").unwrap();
    /// assert_eq!(time.to_string(), "2024-03-05T06:07:08.120000Z");
    /// assert!(UnixNanos::from_rfc3339(b"2024-03-05 14:07:08Z").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// When the text is anything else, or the instant is out of the range of the type.
    pub fn from_rfc3339(text: &[u8]) -> Result<Self, ParseError> {
        match instant(text) {
            Some((time, length)) if length == text.len() => Ok(time),
            Some((_, length)) => Err(ParseError::new("the end of the time", length)),
            None => Err(ParseError::new("an RFC 3339 time", 0)),
        }
    }
}

/// Length of `YYYY-MM-DDThh:mm:ss`.
pub(crate) const CIVIL_LENGTH: usize = 19;

/// An RFC 3339 time at the start of `bytes`, and its length.
#[inline]
pub(crate) fn instant(bytes: &[u8]) -> Option<(UnixNanos, usize)> {
    let (civil, zone) = civil_and_zone(bytes, b'T')?;
    let (offset_seconds, zone_length) = offset(zone)?;
    // Five bytes are `+hhmm`, which RFC 3339 does not have.
    if zone_length == 5 {
        return None;
    }
    Some((civil.at(civil.year?, offset_seconds)?, bytes.len() - zone.len() + zone_length))
}

/// A time with a zone that is the whole text, as Go programs print it: `separator` between date
/// and time, and the zone may be the `+hhmm` of ISO 8601, which zap prints.
#[inline]
pub(crate) fn whole(text: &[u8], separator: u8) -> Option<UnixNanos> {
    let (civil, zone) = civil_and_zone(text, separator)?;
    let (offset_seconds, zone_length) = offset(zone)?;
    if zone_length == zone.len() { civil.at(civil.year?, offset_seconds) } else { None }
}

/// The part before the zone with its fraction, and the rest.
#[inline]
pub(crate) fn civil_and_zone(bytes: &[u8], separator: u8) -> Option<(Civil, &[u8])> {
    let mut civil = civil(bytes, separator)?;
    let (nanosecond, length) = fraction(bytes.get(CIVIL_LENGTH..)?, b'.')?;
    civil.nanosecond = nanosecond;
    Some((civil, bytes.get(CIVIL_LENGTH + length..)?))
}

/// `YYYY-MM-DD?hh:mm:ss` at the start of `bytes`, `?` being `separator`.
#[inline]
pub(crate) fn civil(bytes: &[u8], separator: u8) -> Option<Civil> {
    let text: &[u8; CIVIL_LENGTH] = bytes.first_chunk()?;
    if text[4] != b'-' || text[7] != b'-' || text[10] != separator {
        return None;
    }
    let year = i16::from(two_digits(text, 0)?) * 100 + i16::from(two_digits(text, 2)?);
    let date = (two_digits(text, 5)?, two_digits(text, 8)?);
    Civil::new(Some(year), date, time_of_day(&text[11..])?, 0)
}

/// `hh:mm:ss` at the start of `bytes`; the second is at most 59.
#[inline]
pub(crate) fn time_of_day(bytes: &[u8]) -> Option<(u8, u8, u8)> {
    let text: &[u8; 8] = bytes.first_chunk()?;
    if text[2] != b':' || text[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (two_digits(text, 0)?, two_digits(text, 3)?, two_digits(text, 6)?);
    (hour < 24 && minute < 60 && second < 60).then_some((hour, minute, second))
}

/// A decimal fraction of a second of one to nine digits as nanoseconds, and its length with the
/// separator. Zero and zero if `bytes` do not start with the separator.
#[inline]
pub(crate) fn fraction(bytes: &[u8], separator: u8) -> Option<(u32, usize)> {
    const SCALE: [u32; 10] =
        [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    let [first, digits @ ..] = bytes else { return Some((0, 0)) };
    if *first != separator {
        return Some((0, 0));
    }
    let mut value = 0u32;
    let mut length = 0;
    while let Some(digit) = digits.get(length).and_then(|&byte| digit(byte)) {
        if length == 9 {
            return None;
        }
        value = value * 10 + u32::from(digit);
        length += 1;
    }
    if length == 0 { None } else { Some((value * SCALE[length], length + 1)) }
}

/// An offset from UTC in seconds, and its length: 1 for `Z`, 6 for `+hh:mm`, 5 for `+hhmm`.
#[inline]
pub(crate) fn offset(bytes: &[u8]) -> Option<(i32, usize)> {
    let sign = match bytes.first()? {
        b'Z' => return Some((0, 1)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let minute_at = if bytes.get(3) == Some(&b':') { 4 } else { 3 };
    let (hours, minutes) = (two_digits(bytes, 1)?, two_digits(bytes, minute_at)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some((sign * (i32::from(hours) * 3_600 + i32::from(minutes) * 60), minute_at + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rfc_3339() {
        for good in [
            &b"2024-03-05T06:07:08Z"[..],
            b"2024-03-05T06:07:08.1Z",
            b"2024-03-05T06:07:08.123456789Z",
            b"2024-03-05T06:07:08-00:00",
            b"2024-02-29T23:59:59.0+23:59",
        ] {
            assert!(UnixNanos::from_rfc3339(good).is_ok(), "{}", good.escape_ascii());
        }
        for bad in [
            &b""[..],
            b"2024-03-05",
            b"2024-03-05T06:07:08",
            b"2024-03-05T06:07:08.Z",
            b"2024-03-05T06:07:08.1234567890Z",
            b"2024-03-05T06:07:08,1Z",
            b"2024-03-05t06:07:08z",
            b"2024-03-05T06:07:60Z",
            b"2024-03-05T24:00:00Z",
            b"2024-13-05T06:07:08Z",
            b"2024-00-05T06:07:08Z",
            b"2024-03-00T06:07:08Z",
            b"2023-02-29T06:07:08Z",
            b"2024-03-05T06:07:08+0800",
            b"2024-03-05T06:07:08+24:00",
            b"2024-03-05T06:07:08+08:60",
            b"2024-03-05T06:07:08+08",
            b"0001-01-01T00:00:00Z",
            b"2024-03-05T06:07:08Zx",
            b"+024-03-05T06:07:08Z",
        ] {
            assert!(UnixNanos::from_rfc3339(bad).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn offsets_count_from_utc() {
        let time = UnixNanos::from_rfc3339(b"2024-03-05T02:37:08.5-03:30").unwrap();
        assert_eq!(time, UnixNanos(1_709_618_828_500_000_000));
    }
}
