//! Times as log lines give them: instants, wall-clock readings, time since boot.

use core::fmt;

/// Nanoseconds since 1970-01-01T00:00:00Z. Covers the years 1678 to 2261.
///
/// Its `Display` form is RFC 3339 in UTC with six fraction digits, nine when it holds more.
///
/// ```
/// use chiplog_parse::UnixNanos;
/// assert_eq!(UnixNanos(1_709_618_828_120_034_000).to_string(), "2024-03-05T06:07:08.120034Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UnixNanos(pub i64);

/// A reading of a wall clock: a date and time of day without a zone, perhaps without a year.
///
/// Not an instant. [`crate::Clock`] makes one of it, given what the line does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Civil {
    /// The year, if the line has it.
    pub year: Option<i16>,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31, possible in the month (29 February whenever the year is missing).
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60; 60 only where the emitter can print a leap second.
    pub second: u8,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
}

/// The time of a line, as far as the line itself tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Time {
    /// A point in time: date, time of day and zone were given.
    Instant(UnixNanos),
    /// A wall-clock reading; zone unknown, year perhaps.
    Civil(Civil),
    /// Microseconds since the machine booted (kernel messages, `journalctl -o short-monotonic`).
    SinceBoot {
        /// Microseconds since boot.
        micros: u64,
    },
}

/// Days in a month of the proleptic Gregorian calendar; February has 29 if the year is unknown.
pub(crate) const fn days_in_month(year: Option<i16>, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => match year {
            Some(year) if !is_leap_year(year as i64) => 28,
            _ => 29,
        },
        _ => 31,
    }
}

pub(crate) const fn is_leap_year(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days from 1970-01-01 to the given date (algorithm: Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `days_from_civil`).
pub(crate) const fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month as i64 + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day as i64 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`] (`civil_from_days` of the same source).
const fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u8;
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

impl UnixNanos {
    /// The wall clock in UTC at this instant.
    #[must_use]
    pub fn to_civil(self) -> Civil {
        let seconds = self.0.div_euclid(1_000_000_000);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let second_of_day = seconds.rem_euclid(86_400) as u32;
        Civil {
            year: Some(year as i16), // 1678 to 2261, by the range of the type
            month,
            day,
            hour: (second_of_day / 3_600) as u8,
            minute: (second_of_day / 60 % 60) as u8,
            second: (second_of_day % 60) as u8,
            nanosecond: self.0.rem_euclid(1_000_000_000) as u32,
        }
    }
}

impl Civil {
    /// A checked reading: `None` if there is no such day or time of day.
    #[must_use]
    #[inline]
    pub fn new(
        year: Option<i16>,
        (month, day): (u8, u8),
        (hour, minute, second): (u8, u8, u8),
        nanosecond: u32,
    ) -> Option<Self> {
        let valid = (1..=12).contains(&month)
            && day >= 1
            && day <= days_in_month(year, month)
            && hour < 24
            && minute < 60
            && second <= 60
            && nanosecond < 1_000_000_000;
        valid.then_some(Self { year, month, day, hour, minute, second, nanosecond })
    }

    /// The instant at which a clock with the given offset from UTC, in seconds, shows this
    /// reading in `year`. `None` if the year has no such day (29 February) or the instant is out
    /// of the range of [`UnixNanos`].
    #[must_use]
    #[inline]
    pub fn at(&self, year: i16, utc_offset_seconds: i32) -> Option<UnixNanos> {
        if self.day > days_in_month(Some(year), self.month) {
            return None;
        }
        let days = days_from_civil(i64::from(year), self.month, self.day);
        let second_of_day =
            i64::from(self.hour) * 3_600 + i64::from(self.minute) * 60 + i64::from(self.second);
        (days * 86_400 + second_of_day - i64::from(utc_offset_seconds))
            .checked_mul(1_000_000_000)?
            .checked_add(i64::from(self.nanosecond))
            .map(UnixNanos)
    }
}

impl fmt::Display for UnixNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", self.to_civil())
    }
}

/// `2024-03-05T06:07:08.120034`, or `--03-05T06:07:08.120034` without a year (ISO 8601:2000).
impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.year {
            Some(year) => write!(f, "{year:04}-")?,
            None => f.write_str("--")?,
        }
        let Self { month, day, hour, minute, second, nanosecond, .. } = self;
        write!(f, "{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if nanosecond % 1_000 == 0 {
            write!(f, ".{:06}", nanosecond / 1_000)
        } else {
            write!(f, ".{nanosecond:09}")
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(instant) => instant.fmt(f),
            Self::Civil(civil) => civil.fmt(f),
            Self::SinceBoot { micros } => {
                write!(f, "[{:5}.{:06}]", micros / 1_000_000, micros % 1_000_000)
            }
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "chrono")]
impl From<UnixNanos> for chrono::DateTime<chrono::Utc> {
    fn from(instant: UnixNanos) -> Self {
        Self::from_timestamp_nanos(instant.0)
    }
}

#[cfg(feature = "chrono")]
impl Civil {
    /// The same reading as chrono's type, in the given year; `None` if there is no such day.
    #[must_use]
    pub fn to_chrono(&self, year: i16) -> Option<chrono::NaiveDateTime> {
        chrono::NaiveDate::from_ymd_opt(year.into(), self.month.into(), self.day.into())?.and_hms_nano_opt(
            self.hour.into(),
            self.minute.into(),
            self.second.min(59).into(),
            self.nanosecond,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 3, 1), 11_017);
        for days in (-106_000..106_000).step_by(1) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn leap_day_only_in_leap_years() {
        let leap_day = Civil::new(None, (2, 29), (0, 0, 0), 0).unwrap();
        assert!(leap_day.at(2024, 0).is_some());
        assert!(leap_day.at(2023, 0).is_none());
        assert!(Civil::new(Some(2023), (2, 29), (0, 0, 0), 0).is_none());
        assert!(Civil::new(None, (2, 30), (0, 0, 0), 0).is_none());
    }
}
