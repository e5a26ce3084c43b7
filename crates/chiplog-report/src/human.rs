//! Numbers as people read them: three digits and a unit, or exact.

use std::fmt;

use chiplog_engine::{Quantity, Unit};

/// An integer with a comma between groups of three digits.
///
/// ```
/// assert_eq!(chiplog_report::Thousands(48_211).to_string(), "48,211");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Thousands(pub u64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut out = String::with_capacity(digits.len() + digits.len() / 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        f.pad(&out)
    }
}

/// A measured quantity to three digits: `1.20 s`, `117 ms`, `50.0 MiB`, `31.0/min`.
///
/// Durations from a minute on are whole seconds, from an hour on whole minutes, from a day on
/// whole hours (`4 m 06 s`). Counts are exact.
///
/// ```
/// use chiplog_engine::{Quantity, Unit};
/// use chiplog_report::Roughly;
/// let duration = |nanos| Roughly(Quantity { amount: nanos, unit: Unit::Nanoseconds }).to_string();
/// assert_eq!(duration(1_203_000_000), "1.20 s");
/// assert_eq!(duration(246_000_000_000), "4 m 06 s");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Roughly(pub Quantity);

const SECOND: u128 = 1_000_000_000;
const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;
const DAY: u128 = 24 * HOUR;

impl fmt::Display for Roughly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = self.0.amount.unsigned_abs();
        let sign = if self.0.amount < 0 { "-" } else { "" };
        let text = match self.0.unit {
            Unit::Count => thousands(amount),
            Unit::Bytes => three_digits(
                amount,
                &[(1, " B"), (1 << 10, " KiB"), (1 << 20, " MiB"), (1 << 30, " GiB"), (1 << 40, " TiB")],
            ),
            Unit::Nanoseconds => rough_duration(amount),
            Unit::PartsPerMillion => three_digits(amount, &[(10_000, " %")]),
            Unit::MicrosPerSecond => {
                // From a rate below one a second a person gets more per minute or hour.
                if amount >= 1_000_000 {
                    three_digits(amount, &[(1_000_000, "/s")])
                } else if amount * 60 >= 1_000_000 {
                    three_digits(amount * 60, &[(1_000_000, "/min")])
                } else {
                    three_digits(amount * 3_600, &[(1_000_000, "/h")])
                }
            }
        };
        f.pad(&format!("{sign}{text}"))
    }
}

fn thousands(amount: u128) -> String {
    match u64::try_from(amount) {
        Ok(amount) => Thousands(amount).to_string(),
        Err(_) => amount.to_string(),
    }
}

fn rough_duration(nanos: u128) -> String {
    // Rounded before the choice of unit, so that 59.9996 s is a minute and not 60.00 s.
    let seconds = (nanos + SECOND / 2) / SECOND;
    if nanos + SECOND / 200 < MINUTE {
        return three_digits(nanos, &[(1, " ns"), (1_000, " us"), (1_000_000, " ms"), (SECOND, " s")]);
    }
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    if seconds < 3_600 {
        format!("{minutes} m {:02} s", seconds % 60)
    } else if seconds < 86_400 {
        format!("{hours} h {:02} m", minutes % 60)
    } else {
        format!("{} d {:02} h", hours / 24, hours % 24)
    }
}

/// `amount` in the largest unit that is not larger than it, to three digits, rounded half up.
/// Units are (size, suffix) from small to large; numbers in the smallest unit of size 1 are whole.
fn three_digits(amount: u128, units: &[(u128, &str)]) -> String {
    let mut chosen = units.iter().rposition(|(size, _)| *size <= amount).unwrap_or(0);
    loop {
        let Some(&(size, suffix)) = units.get(chosen) else { return amount.to_string() };
        if size == 1 {
            return format!("{amount}{suffix}");
        }
        for decimals in [2u32, 1, 0] {
            let scale = 10u128.pow(decimals);
            let scaled = (amount.saturating_mul(scale) + size / 2) / size;
            let is_last = decimals == 0;
            if scaled < 1_000 {
                let (whole, fraction) = (scaled / scale, scaled % scale);
                return if is_last {
                    format!("{whole}{suffix}")
                } else {
                    format!("{whole}.{fraction:0width$}{suffix}", width = decimals as usize)
                };
            }
            // 1,000 or more even without decimals: 999.6 ms is a second, if there is a larger unit.
            let next_fits = units.get(chosen + 1).is_some_and(|(next, _)| scaled * size >= *next);
            if is_last && !next_fits {
                return format!("{}{suffix}", thousands(scaled));
            }
        }
        chosen += 1;
    }
}

/// A quantity that someone wrote, such as a limit: exact, in the unit that needs the fewest
/// digits (`500 ms`, `1.5 s`, `50 MiB`, `3`).
#[derive(Clone, Copy, Debug)]
pub struct Exactly(pub Quantity);

impl fmt::Display for Exactly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Quantity { amount, unit } = self.0;
        let magnitude = amount.unsigned_abs();
        let sign = if amount < 0 { "-" } else { "" };
        let text = match unit {
            Unit::Count => format!("{sign}{}", thousands(magnitude)),
            Unit::MicrosPerSecond => format!("{}/s", self.0),
            Unit::PartsPerMillion => {
                let percent = format!("{}.{:04}", magnitude / 10_000, magnitude % 10_000);
                format!("{sign}{} %", percent.trim_end_matches('0').trim_end_matches('.'))
            }
            Unit::Bytes => {
                let units = [(1u128 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
                match units.iter().find(|(size, _)| magnitude > 0 && magnitude.is_multiple_of(*size)) {
                    Some((size, name)) => format!("{sign}{} {name}", magnitude / size),
                    None => format!("{sign}{} B", thousands(magnitude)),
                }
            }
            Unit::Nanoseconds if magnitude >= MINUTE && magnitude.is_multiple_of(SECOND) => {
                format!("{sign}{}", whole_span(magnitude))
            }
            Unit::Nanoseconds
                if magnitude < SECOND && magnitude.is_multiple_of(1_000_000) && magnitude > 0 =>
            {
                format!("{sign}{} ms", magnitude / 1_000_000)
            }
            Unit::Nanoseconds => format!("{} s", self.0),
        };
        f.pad(&text)
    }
}

/// A span that someone wrote, in nanoseconds, in one unit: `60 s`, `5 m`, `24 h`, `3 d`.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub i64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = u128::from(self.0.unsigned_abs());
        if self.0 > 0 && magnitude.is_multiple_of(SECOND) {
            return f.pad(&whole_span(magnitude));
        }
        Exactly(Quantity { amount: self.0.into(), unit: Unit::Nanoseconds }).fmt(f)
    }
}

fn whole_span(nanos: u128) -> String {
    for (size, name) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "m")] {
        if nanos.is_multiple_of(size) && nanos / size >= 2 {
            return format!("{} {name}", nanos / size);
        }
    }
    format!("{} s", nanos / SECOND)
}

/// An offset from UTC, in seconds: `-04:00`, `+05:30`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offset(pub(crate) i32);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.unsigned_abs() / 60;
        let sign = if self.0 < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roughly(amount: i128, unit: Unit) -> String {
        Roughly(Quantity { amount, unit }).to_string()
    }

    #[test]
    fn rough_durations() {
        for (nanos, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_500, "1.50 us"),
            (117_026_891, "117 ms"),
            (999_600_000, "1.00 s"),
            (9_996_000_000, "10.0 s"),
            (59_996_000_000, "1 m 00 s"),
            (59_400_000_000, "59.4 s"),
            (246_000_000_000, "4 m 06 s"),
            (3_600_000_000_000, "1 h 00 m"),
            (97_200_000_000_000, "1 d 03 h"),
            (-1_203_000_000, "-1.20 s"),
        ] {
            assert_eq!(roughly(nanos, Unit::Nanoseconds), text, "{nanos} ns");
        }
        assert_eq!(roughly(i128::MIN, Unit::Nanoseconds).chars().next(), Some('-'));
    }

    #[test]
    fn rough_sizes_counts_and_rates() {
        assert_eq!(roughly(51_200, Unit::Bytes), "50.0 KiB");
        assert_eq!(roughly(512, Unit::Bytes), "512 B");
        assert_eq!(roughly(1_023 << 10, Unit::Bytes), "1,023 KiB");
        assert_eq!(roughly(1_204, Unit::Count), "1,204");
        assert_eq!(roughly(1_500_000, Unit::MicrosPerSecond), "1.50/s");
        assert_eq!(roughly(516_667, Unit::MicrosPerSecond), "31.0/min");
        assert_eq!(roughly(356_789, Unit::PartsPerMillion), "35.7 %");
    }

    #[test]
    fn exact_limits() {
        let exactly = |amount, unit| Exactly(Quantity { amount, unit }).to_string();
        assert_eq!(exactly(500_000_000, Unit::Nanoseconds), "500 ms");
        assert_eq!(exactly(1_500_000_000, Unit::Nanoseconds), "1.5 s");
        assert_eq!(exactly(240_000_000_000, Unit::Nanoseconds), "4 m");
        assert_eq!(exactly(0, Unit::Nanoseconds), "0 s");
        assert_eq!(exactly(52_428_800, Unit::Bytes), "50 MiB");
        assert_eq!(exactly(1_000, Unit::Bytes), "1,000 B");
        assert_eq!(exactly(200_000, Unit::PartsPerMillion), "20 %");
        assert_eq!(exactly(125_050, Unit::PartsPerMillion), "12.505 %");
    }

    #[test]
    fn spans_keep_one_unit() {
        for (seconds, text) in [
            (60, "60 s"),
            (90, "90 s"),
            (300, "5 m"),
            (3_600, "60 m"),
            (7_200, "2 h"),
            (86_400, "24 h"),
            (5_400, "90 m"),
        ] {
            assert_eq!(Span(seconds * 1_000_000_000).to_string(), text);
        }
        assert_eq!(Span(1_500_000_000).to_string(), "1.5 s");
    }
}
