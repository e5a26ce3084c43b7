//! Values with a unit, as text: durations, sizes, counts.

use chiplog_parse::go;

const DAY_NANOS: i64 = 86_400 * 1_000_000_000;

/// A duration in nanoseconds: Go's forms (`1m0.5s`, `250ms`, `117.026891ms`), with whole days in
/// front if need be (`2d`, `1d12h`).
///
/// `None` for what is not a duration or does not fit.
pub(crate) fn parse_duration(text: &[u8]) -> Option<i64> {
    let Some(at) = memchr::memchr(b'd', text) else { return go::parse_duration(text).ok() };
    let (days, rest) = (text.get(..at)?, text.get(at + 1..)?);
    if !days.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let days = parse_integer(days)?.checked_mul(DAY_NANOS)?;
    let rest = match rest {
        [] => 0,
        [b'0'..=b'9' | b'.', ..] => go::parse_duration(rest).ok()?,
        _ => return None,
    };
    days.checked_add(rest)
}

/// A size in bytes: a plain number, or one with `B`, `kB`, `MB`.. or a Kubernetes suffix
/// (`50Mi`, `50MiB`, `1G`). `k`, `M`, `G`, `T`, `P` are powers of 1000, `Ki`.. of 1024. The
/// kernel's `kB` means 1024 bytes, and nobody else in these logs writes `kB`, so that is what it
/// means here; `KB` as well.
pub(crate) fn parse_bytes(text: &[u8]) -> Option<i64> {
    let (number, unit) = Decimal::split(text)?;
    let factor: i64 = match unit {
        b"" | b"B" => 1,
        b"k" | b"K" => 1_000,
        b"kB" | b"KB" | b"Ki" | b"KiB" => 1 << 10,
        b"M" | b"MB" => 1_000_000,
        b"Mi" | b"MiB" => 1 << 20,
        b"G" | b"GB" => 1_000_000_000,
        b"Gi" | b"GiB" => 1 << 30,
        b"T" | b"TB" => 1_000_000_000_000,
        b"Ti" | b"TiB" => 1 << 40,
        b"P" | b"PB" => 1_000_000_000_000_000,
        b"Pi" | b"PiB" => 1 << 50,
        _ => return None,
    };
    i64::try_from(number.times(factor)?).ok()
}

/// A whole number, perhaps signed.
pub(crate) fn parse_integer(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A decimal number: `digits / 10^scale`.
pub(crate) struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    /// The longest decimal number at the start of the text, and what follows. Fraction digits
    /// after the eighteenth are cut, as they are below any unit's resolution.
    pub(crate) fn split(text: &[u8]) -> Option<(Self, &[u8])> {
        let mut number = Self { digits: 0, scale: 0 };
        let (mut any, mut point) = (false, false);
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    if !point || number.scale < 18 {
                        number.digits =
                            number.digits.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                        number.scale += u32::from(point);
                    }
                }
                b'.' if !point => point = true,
                _ => break,
            }
            at += 1;
        }
        any.then(|| (number, text.get(at..).unwrap_or(&[])))
    }

    /// The number times a unit, cut to a whole number; `None` if it does not fit.
    pub(crate) fn times(&self, unit: i64) -> Option<i128> {
        Some(self.digits.checked_mul(i128::from(unit))? / 10_i128.checked_pow(self.scale)?)
    }

    /// Numerator and denominator, if both fit.
    pub(crate) fn ratio(&self) -> Option<(i64, i64)> {
        Some((i64::try_from(self.digits).ok()?, 10_i64.checked_pow(self.scale)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, nanos) in [
            ("117.026891ms", Some(117_026_891)),
            ("1m2.5s", Some(62_500_000_000)),
            ("26h13m50.400000128s", Some(94_430_400_000_128)),
            ("999.999µs", Some(999_999)),
            ("2d", Some(172_800_000_000_000)),
            ("1d12h", Some(129_600_000_000_000)),
            ("d", None),
            ("1.5d", None),
            ("1d-1h", None),
            ("999999999d", None),
            ("0", Some(0)),
            ("-5s", Some(-5_000_000_000)),
            ("2562047h47m16.854775807s", Some(i64::MAX)),
            ("2562047h47m16.854775808s", None),
            ("99999999999999999999999999999999999999999999h", None),
            ("5", None),
            ("", None),
            ("s", None),
            (".s", None),
            ("1x", None),
            ("1s1", None),
        ] {
            assert_eq!(parse_duration(text.as_bytes()), nanos, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("51200kB", Some(52_428_800)),
            ("50MiB", Some(52_428_800)),
            ("50Mi", Some(52_428_800)),
            ("1.5Gi", Some(1_610_612_736)),
            ("7", Some(7)),
            ("8388608Pi", None),
            ("Mi", None),
            ("5m", None),
        ] {
            assert_eq!(parse_bytes(text.as_bytes()), bytes, "{text}");
        }
    }
}
