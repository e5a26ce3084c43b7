//! Calendar times in digits: RFC 3339 and the layouts around it.
//!
//! ```text
//! instant  = civil [ "." 1*9DIGIT ] ( "Z" / offset )
//! civil    = 4DIGIT "-" 2DIGIT "-" 2DIGIT "T" 2DIGIT ":" 2DIGIT ":" 2DIGIT
//! offset   = ( "+" / "-" ) 2DIGIT ":" 2DIGIT
//! ```
//!
//! Written by hand: every line of a container log starts with one of these.

use crate::bytes::{digit, two_digits};
use crate::digits::{any_excess, digits_of, eight, excess, pairs, word_at};
use crate::{Civil, ParseError, UnixNanos};

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
pub(crate) const DATE_TIME_LENGTH: usize = 19;

/// An RFC 3339 time at the start of `bytes`, and its length.
#[inline]
pub(crate) fn instant(bytes: &[u8]) -> Option<(UnixNanos, usize)> {
    let (civil, rest) = civil(bytes, b'T')?;
    let (offset_seconds, zone_length) = offset(rest)?;
    // Five bytes are `+hhmm`, which RFC 3339 does not have.
    if zone_length == 5 {
        return None;
    }
    Some((civil.at(civil.year?, offset_seconds)?, bytes.len() - rest.len() + zone_length))
}

/// A time that is all of `text`, with another byte for the `T` if need be.
///
/// The zone is `Z`, `+hh:mm`, or `+hhmm` as ISO 8601 has it and zap prints it.
#[inline]
pub(crate) fn parse(text: &[u8], separator: u8) -> Option<UnixNanos> {
    let (civil, zone) = civil(text, separator)?;
    let (offset_seconds, zone_length) = offset(zone)?;
    if zone_length != zone.len() {
        return None;
    }
    civil.at(civil.year?, offset_seconds)
}

/// The part before the zone, fraction included, and the rest.
#[inline]
pub(crate) fn civil(bytes: &[u8], separator: u8) -> Option<(Civil, &[u8])> {
    let rest = bytes.get(DATE_TIME_LENGTH..)?;
    let (nanosecond, length) = fraction(rest, b'.')?;
    Some((date_time(bytes, separator, nanosecond)?, rest.get(length..)?))
}

/// `YYYY-MM-DD?hh:mm:ss` at the start of `bytes`, `?` being `separator`. The fraction is given, so
/// that the reading is built in one go.
#[inline]
pub(crate) fn date_time(bytes: &[u8], separator: u8, nanosecond: u32) -> Option<Civil> {
    let text: &[u8; DATE_TIME_LENGTH] = bytes.first_chunk()?;
    if text[10] != separator {
        return None;
    }
    let date = digits_of(word_at::<0, DATE_TIME_LENGTH>(text), *b"0000-00-");
    // The separator was checked.
    let middle = digits_of(word_at::<8, DATE_TIME_LENGTH>(text), *b"00\x0000:00") & !0xff_0000;
    let clock = digits_of(word_at::<11, DATE_TIME_LENGTH>(text), *b"00:00:00");
    if any_excess(excess(date, *b"0000-00-") | excess(middle, *b"00-00:00") | excess(clock, *b"00:00:00")) {
        return None;
    }
    let (date, day, clock) = (pairs(date), pairs(middle)[0], pairs(clock));
    if clock[6] > 59 {
        return None;
    }
    let year = i16::from(date[0]) * 100 + i16::from(date[2]);
    Civil::new(Some(year), (date[5], day), (clock[0], clock[3], clock[6]), nanosecond)
}

/// `hh:mm:ss` at the start of `bytes`; the second is at most 59.
#[inline]
pub(crate) fn time_of_day(bytes: &[u8]) -> Option<(u8, u8, u8)> {
    let text: &[u8; 8] = bytes.first_chunk()?;
    let clock = digits_of(u64::from_le_bytes(*text), *b"00:00:00");
    if any_excess(excess(clock, *b"00:00:00")) {
        return None;
    }
    let clock = pairs(clock);
    let (hour, minute, second) = (clock[0], clock[3], clock[6]);
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
    // Most fractions are longer than three digits: those before the first other byte at once.
    let (mut value, mut length) = match digits.first_chunk() {
        Some(word) => {
            let word = digits_of(u64::from_le_bytes(*word), [b'0'; 8]);
            match (excess(word, [b'0'; 8]) & 0x8080_8080_8080_8080).trailing_zeros() / 8 {
                0 => return None,
                length => (eight(word << (64 - 8 * length)) as u32, length as usize),
            }
        }
        None => (0, 0),
    };
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
    use proptest::prelude::*;

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
    fn fractions_of_every_length() {
        for length in 1..=9usize {
            let digits = &"987654321"[..length];
            let nanos = std::format!("{digits:0<9}").parse().unwrap();
            let text = std::format!(".{digits}Z56789012");
            assert_eq!(fraction(text.as_bytes(), b'.'), Some((nanos, length + 1)));
        }
        for text in [".", ".Z", ".0123456789", ".:1234567", ".1234567/", ".:"] {
            let found = fraction(text.as_bytes(), b'.');
            let digits = text[1..].bytes().take_while(u8::is_ascii_digit).count();
            assert_eq!(found.map(|(_, length)| length - 1), (1..=9).contains(&digits).then_some(digits));
        }
    }

    #[test]
    fn offsets_count_from_utc() {
        let time = UnixNanos::from_rfc3339(b"2024-03-05T02:37:08.5-03:30").unwrap();
        assert_eq!(time, UnixNanos(1_709_618_828_500_000_000));
    }

    /// The layout once more, digit by digit.
    fn naive(text: &[u8]) -> Option<Civil> {
        for (byte, wanted) in text.get(..19)?.iter().zip(b"0000-00-00T00:00:00") {
            if if *wanted == b'0' { !byte.is_ascii_digit() } else { byte != wanted } {
                return None;
            }
        }
        let two = |at| two_digits(text, at);
        let (digits, rest) = match &text[19..] {
            [b'.', rest @ ..] => rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_digit()).count()),
            rest => (&b"0"[..], rest),
        };
        if digits.is_empty() || digits.len() > 9 || !rest.is_empty() {
            return None;
        }
        let nanosecond =
            (0..9).fold(0, |all, at| all * 10 + digits.get(at).map_or(0, |digit| u32::from(digit - b'0')));
        let year = i16::from(two(0)?) * 100 + i16::from(two(2)?);
        let time = (two(11)?, two(14)?, two(17)?);
        Civil::new(Some(year), (two(5)?, two(8)?), time, nanosecond).filter(|civil| civil.second < 60)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn agrees_with_the_naive_reader(
            text in "20[0-9]{2}-(0[0-9]|1[0-2])-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?",
            change in prop::option::weighted(0.5, (any::<prop::sample::Index>(), any::<u8>())),
            cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        ) {
            let mut text = text.into_bytes();
            if let Some((index, byte)) = change {
                let index = index.index(text.len());
                text[index] = byte;
            }
            if let Some(cut) = cut {
                text.truncate(cut.index(text.len() + 1));
            }
            let read = civil(&text, b'T').filter(|(_, rest)| rest.is_empty()).map(|(civil, _)| civil);
            prop_assert_eq!(read, naive(&text));
        }
    }
}
