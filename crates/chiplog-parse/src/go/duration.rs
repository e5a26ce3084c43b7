//! Durations as Go prints and reads them.
//!
//! ```text
//! duration = [ "+" / "-" ] ( "0" / 1*term )
//! term     = number unit
//! number   = 1*DIGIT [ "." *DIGIT ] / "." 1*DIGIT
//! unit     = "ns" / "us" / U+00B5 "s" / U+03BC "s" / "ms" / "s" / "m" / "h"
//! ```
//!
//! This is the language of `time.ParseDuration`, wider than what `time.Duration.String` prints
//! (Go `time/format.go` and `time/time.go`, 1.24): terms come in any order, may repeat, and may
//! lack digits on one side of the point. There are no exponents and no days.

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while},
    combinator::{opt, value},
};

use crate::ParseError;
use crate::bytes::digit;

const EXPECTED: &str = "a Go duration (such as 1m30.5s) within 64 bits of nanoseconds";

/// The magnitude of the most negative duration, one more than that of the greatest.
const MAX_MAGNITUDE: u64 = 1 << 63;

/// The nanoseconds of a text that is a duration and nothing else.
///
/// The range is that of `i64`, including the minimum. Digits below a nanosecond are cut off, in
/// the binary floating point of Go's own parser, so that both give the same number.
///
/// ```
/// use chiplog_parse::go::parse_duration;
/// assert_eq!(parse_duration("1.5µs".as_bytes()), Ok(1_500));
/// assert_eq!(parse_duration(b"26h13m50.400000128s"), Ok(94_430_400_000_128));
/// assert!(parse_duration(b"1d").is_err());
/// ```
///
/// # Errors
///
/// If the text is no duration, has other text around it, or is out of range.
pub fn parse_duration(text: &[u8]) -> Result<i64, ParseError> {
    if matches!(text, b"0" | b"+0" | b"-0") {
        return Ok(0);
    }
    match duration(text)? {
        (nanos, length) if length == text.len() => Ok(nanos),
        (_, length) => Err(ParseError::new("the end of a Go duration", length)),
    }
}

/// The duration that `text` starts with, and its length in bytes.
///
/// As [`parse_duration`], but other text may follow, and a bare `0` is no duration.
///
/// ```
/// use chiplog_parse::go::duration;
/// assert_eq!(duration(b"3m0s ago"), Ok((180_000_000_000, 4)));
/// ```
///
/// # Errors
///
/// If `text` does not start with a duration or the duration is out of range.
pub fn duration(text: &[u8]) -> Result<(i64, usize), ParseError> {
    let (negative, mut rest) = match text {
        [sign @ (b'-' | b'+'), rest @ ..] => (*sign == b'-', rest),
        _ => (false, text),
    };
    let mut magnitude = 0u64;
    let mut terms = 0;
    while let Ok((after, term_nanos)) = term(rest) {
        magnitude = term_nanos
            .and_then(|nanos| magnitude.checked_add(nanos))
            .filter(|sum| *sum <= MAX_MAGNITUDE)
            .ok_or_else(|| ParseError::new(EXPECTED, text.len() - rest.len()))?;
        rest = after;
        terms += 1;
    }
    let length = text.len() - rest.len();
    let nanos = if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() };
    match nanos {
        Some(nanos) if terms > 0 => Ok((nanos, length)),
        _ => Err(ParseError::new(EXPECTED, length)),
    }
}

/// A number and its unit: nanoseconds, or `None` when they are out of range.
fn term(input: &[u8]) -> IResult<&[u8], Option<u64>> {
    let mut digits = take_while(|byte: u8| byte.is_ascii_digit());
    let (rest, whole) = digits.parse_complete(input)?;
    let (rest, point) = opt(tag(".")).parse_complete(rest)?;
    let (rest, fraction) = if point.is_some() { digits.parse_complete(rest)? } else { (rest, &rest[..0]) };
    if whole.is_empty() && fraction.is_empty() {
        return Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Digit)));
    }
    let (rest, unit_nanos) = unit(rest)?;
    Ok((rest, nanoseconds(whole, fraction, unit_nanos)))
}

/// The nanoseconds of a unit. `ms` stands before `m`, which it starts with.
fn unit(input: &[u8]) -> IResult<&[u8], u64> {
    alt((
        value(1, tag("ns")),
        value(1_000, alt((tag("us"), tag("µs"), tag("μs")))),
        value(1_000_000, tag("ms")),
        value(1_000_000_000, tag("s")),
        value(60 * 1_000_000_000, tag("m")),
        value(3_600 * 1_000_000_000, tag("h")),
    ))
    .parse_complete(input)
}

fn nanoseconds(whole: &[u8], fraction: &[u8], unit_nanos: u64) -> Option<u64> {
    let whole = whole.iter().try_fold(0u64, |number, byte| {
        number.checked_mul(10)?.checked_add(u64::from(digit(*byte)?)).filter(|next| *next <= MAX_MAGNITUDE)
    })?;
    let nanos = whole.checked_mul(unit_nanos)?;
    // Fraction digits beyond 63 bits do not count.
    let (mut numerator, mut scale) = (0u64, 1f64);
    for value in fraction.iter().filter_map(|byte| digit(*byte)) {
        let next = match numerator.checked_mul(10) {
            Some(tenfold) if numerator <= (MAX_MAGNITUDE - 1) / 10 => tenfold + u64::from(value),
            _ => break,
        };
        if next > MAX_MAGNITUDE {
            break;
        }
        numerator = next;
        scale *= 10.0;
    }
    let fraction_nanos = (numerator as f64 * (unit_nanos as f64 / scale)) as u64;
    nanos.checked_add(fraction_nanos).filter(|sum| *sum <= MAX_MAGNITUDE)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::{format, string::String, vec::Vec};

    #[test]
    fn both_ends_of_the_range() {
        assert_eq!(parse_duration(b"2562047h47m16.854775807s"), Ok(i64::MAX));
        assert_eq!(parse_duration(b"-2562047h47m16.854775808s"), Ok(i64::MIN));
        assert!(parse_duration(b"2562047h47m16.854775808s").is_err());
        assert!(parse_duration(b"-2562047h47m16.854775809s").is_err());
        assert_eq!(parse_duration(b"-9223372036854775808ns"), Ok(i64::MIN));
        assert!(parse_duration(b"99999999999999999999999h").is_err());
        // As in Go, where 18 nines are the nearest 64-bit float to one.
        assert_eq!(parse_duration(b"0.99999999999999999999999999999999999s"), Ok(1_000_000_000));
    }

    #[test]
    fn zero_needs_a_unit_unless_alone() {
        assert_eq!(parse_duration(b"-0"), Ok(0));
        assert!(parse_duration(b"00").is_err());
        assert!(duration(b"0 s").is_err());
    }

    #[test]
    fn a_prefix_ends_where_the_terms_end() {
        assert_eq!(duration(b"1h2m3s]"), Ok((3_723_000_000_000, 6)));
        assert_eq!(duration(b"5ms, 1s"), Ok((5_000_000, 3)));
        assert_eq!(duration(b"1s2").map(|(_, length)| length), Ok(2));
        assert_eq!(parse_duration(b"1s2").map_err(|error| error.offset()), Err(2));
    }

    /// What `time.Duration.String` prints, for the law below.
    fn print(nanos: i64) -> String {
        let magnitude = nanos.unsigned_abs();
        let fixed = |unit: u64, digits: usize, value: u64| {
            let fraction = format!("{:0digits$}", value % unit);
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() {
                format!("{}", value / unit)
            } else {
                format!("{}.{fraction}", value / unit)
            }
        };
        let text = match magnitude {
            0 => "0s".into(),
            1..1_000 => format!("{magnitude}ns"),
            1_000..1_000_000 => format!("{}µs", fixed(1_000, 3, magnitude)),
            1_000_000..1_000_000_000 => format!("{}ms", fixed(1_000_000, 6, magnitude)),
            _ => {
                let minutes = magnitude / 60_000_000_000;
                let seconds = fixed(1_000_000_000, 9, magnitude % 60_000_000_000);
                match (minutes / 60, minutes % 60) {
                    (0, 0) => format!("{seconds}s"),
                    (0, minutes) => format!("{minutes}m{seconds}s"),
                    (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
                }
            }
        };
        if nanos < 0 { format!("-{text}") } else { text }
    }

    proptest! {
        #[test]
        fn reads_back_what_go_prints(nanos in prop_oneof![any::<i64>(), -5_000_000_000i64..5_000_000_000]) {
            prop_assert_eq!(parse_duration(print(nanos).as_bytes()), Ok(nanos));
        }

        #[test]
        fn never_panics(text in "[-+0-9.hmsnuµμ e]{0,24}", bytes in any::<Vec<u8>>()) {
            let _ = parse_duration(text.as_bytes());
            let _ = duration(&bytes);
        }
    }
}
