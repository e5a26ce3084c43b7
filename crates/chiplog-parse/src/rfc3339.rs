//! RFC 3339 times as Go programs print them.

use crate::bytes::{digit, two_digits};
use crate::{Civil, UnixNanos};

/// `YYYY-MM-DD{separator}hh:mm:ss[.d{1,9}]` and a zone, to the end of `text`.
///
/// The zone is `Z`, `+hh:mm`, or `+hhmm` as ISO 8601 has it and zap prints it.
#[inline]
pub(crate) fn parse(text: &[u8], separator: u8) -> Option<UnixNanos> {
    let (civil, zone) = civil(text, separator)?;
    civil.at(civil.year?, offset_seconds(zone)?)
}

/// The part before the zone, and the rest.
#[inline]
pub(crate) fn civil(text: &[u8], separator: u8) -> Option<(Civil, &[u8])> {
    let (fixed, rest) = text.split_at_checked(19)?;
    let punctuation = [fixed[4], fixed[7], fixed[10], fixed[13], fixed[16]];
    if punctuation != [b'-', b'-', separator, b':', b':'] {
        return None;
    }
    let year = i16::from(two_digits(fixed, 0)?) * 100 + i16::from(two_digits(fixed, 2)?);
    let date = (two_digits(fixed, 5)?, two_digits(fixed, 8)?);
    let time = (two_digits(fixed, 11)?, two_digits(fixed, 14)?, two_digits(fixed, 17)?);
    let (nanosecond, zone) = match rest {
        [b'.', fraction @ ..] => {
            let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (digits, zone) = fraction.split_at(count);
            (fraction_nanos(digits)?, zone)
        }
        _ => (0, rest),
    };
    if time.2 > 59 {
        return None; // Go has no leap seconds
    }
    Some((Civil::new(Some(year), date, time, nanosecond)?, zone))
}

/// One to nine digits behind the point, as nanoseconds.
#[inline]
pub(crate) fn fraction_nanos(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    const POWERS: [u32; 10] = [0, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    let value = digits.iter().try_fold(0, |value, byte| Some(value * 10 + u32::from(digit(*byte)?)))?;
    Some(value * POWERS[digits.len()])
}

#[inline]
fn offset_seconds(zone: &[u8]) -> Option<i32> {
    let (sign, hours, minutes) = match *zone {
        [b'Z'] => return Some(0),
        [sign, _, _, b':', _, _] => (sign, two_digits(zone, 1)?, two_digits(zone, 4)?),
        [sign, _, _, _, _] => (sign, two_digits(zone, 1)?, two_digits(zone, 3)?),
        _ => return None,
    };
    let seconds = i32::from(hours) * 3_600 + i32::from(minutes) * 60;
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_fractions() {
        for (text, wanted) in [
            ("2024-03-05T06:07:08Z", Some(1_709_618_828_000_000_000)),
            ("2024-03-05T14:07:08.5+0800", Some(1_709_618_828_500_000_000)),
            ("2024-03-05T01:37:08.000000001-04:30", Some(1_709_618_828_000_000_001)),
            ("2024-03-05T06:07:60Z", None),
            ("2024-03-05T06:07:08.Z", None),
            ("2024-03-05T06:07:08.0123456789Z", None),
            ("2024-03-05T06:07:08", None),
            ("2024-03-05T06:07:08+24:00", None),
            ("2023-02-29T06:07:08Z", None),
            ("2024-03-05 06:07:08Z", None),
            ("9999-03-05T06:07:08Z", None),
        ] {
            assert_eq!(parse(text.as_bytes(), b'T').map(|instant| instant.0), wanted, "{text}");
        }
    }
}
