//! Tests that a rule file holds. This is their data; an engine runs them.

/// A test of a rule: lines, and what is expected of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The log lines, each with its line feed except perhaps the last.
    pub lines: String,
    /// The zone of times without one: a name or an offset, as the file has it.
    pub tz: Option<String>,
    /// The year of times without one.
    pub year: Option<i16>,
    /// The states that are expected, in order; `None` if the test is not about states. An empty
    /// list says that nothing opens.
    pub expect: Option<Vec<Expected>>,
    /// Whether every line matches (`true`) or none does (`false`). Matches that add no hit count.
    pub matches: Option<bool>,
    /// Whether the lines are also matched inside the envelopes and escapes that logs are found in.
    /// Only with [`Case::matches`].
    pub wrap: bool,
    /// Whether no rule that also matches a line may be more specific. Only where
    /// [`Case::matches`] is `true`.
    pub first: bool,
    /// How many lines are hits.
    pub hits: Option<u64>,
    /// The line of the rule file on which the test starts, from 1.
    pub line: usize,
}

/// A change of state that a test expects.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// When.
    pub at: At,
    /// [`Expected::at`] as written.
    pub at_text: String,
    /// To what.
    pub state: State,
    /// Of which rule, if not the one that holds the test.
    pub rule: Option<String>,
}

/// The state of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It starts.
    Open,
    /// It gets worse.
    Worse,
    /// It ends.
    Close,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Worse, Self::Close];

    /// The name, as tests write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Worse => "worse",
            Self::Close => "close",
        }
    }
}

/// A time in a test, as exact as the test needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum At {
    /// `HH:MM:SS`: on the day of the lines.
    TimeOfDay {
        /// Nanoseconds since midnight.
        nanos: i64,
    },
    /// `MM-DDTHH:MM:SS`: in the year of the lines.
    Day {
        /// 1 to 12.
        month: u8,
        /// 1 to 31.
        day: u8,
        /// Nanoseconds since midnight.
        nanos: i64,
    },
    /// RFC 3339 with a zone.
    Instant {
        /// Nanoseconds since the epoch.
        unix_nanos: i64,
    },
}

impl At {
    /// Reads one of the three forms; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !text.is_ascii() {
            return None;
        }
        if let Some((day, time)) = text.split_once(['T', ' ']).filter(|(day, _)| day.len() == 5) {
            let (month, day) = month_day(day)?;
            return Some(Self::Day { month, day, nanos: time_of_day(time)? });
        }
        if let Some((date, time)) = text.split_once(['T', ' ']) {
            let (year, rest) = date.split_at_checked(4)?;
            let year: i16 = digits(year, 4)?.try_into().ok()?;
            let (month, day) = month_day(rest.strip_prefix('-')?)?;
            let zone = time.find(['Z', '+', '-'])?;
            let (time, zone) = time.split_at(zone);
            let nanos = time_of_day(time)?;
            let offset_seconds = match zone.split_at_checked(1)? {
                ("Z", "") => 0,
                (sign, offset) => {
                    let (hours, minutes) = offset.split_once(':')?;
                    let seconds = i32::try_from(digits(hours, 2)?).ok()? * 3600
                        + i32::try_from(digits(minutes, 2)?).ok()? * 60;
                    if sign == "-" { -seconds } else { seconds }
                }
            };
            let midnight = chiplog_parse::Civil::new(Some(year), (month, day), (0, 0, 0), 0)?
                .at(year, offset_seconds)?;
            return Some(Self::Instant { unix_nanos: midnight.0.checked_add(nanos)? });
        }
        Some(Self::TimeOfDay { nanos: time_of_day(text)? })
    }
}

fn digits(text: &str, length: usize) -> Option<u32> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn month_day(text: &str) -> Option<(u8, u8)> {
    let (month, day) = text.split_once('-')?;
    let (month, day) = (u8::try_from(digits(month, 2)?).ok()?, u8::try_from(digits(day, 2)?).ok()?);
    // 29 February is a day of some years.
    chiplog_parse::Civil::new(Some(2000), (month, day), (0, 0, 0), 0).map(|_| (month, day))
}

fn time_of_day(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.splitn(3, ':');
    let mut part = |limit: u32| digits(parts.next()?, 2).filter(|value| *value < limit);
    let (hour, minute, second) = (part(24)?, part(60)?, part(60)?);
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    Some((i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)) * 1_000_000_000 + nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let nine = 9 * 3600 * 1_000_000_000;
        assert_eq!(At::parse("09:00:00"), Some(At::TimeOfDay { nanos: nine }));
        assert_eq!(At::parse("09:00:00.5"), Some(At::TimeOfDay { nanos: nine + 500_000_000 }));
        assert_eq!(At::parse("02-29T09:00:00"), Some(At::Day { month: 2, day: 29, nanos: nine }));
        assert_eq!(
            At::parse("1970-01-02T09:00:00+09:00"),
            Some(At::Instant { unix_nanos: 86_400 * 1_000_000_000 })
        );
        for wrong in [
            "",
            "9:00",
            "24:00:00",
            "13-01T00:00:00",
            "2024-03-05T06:07:08",
            "02-30T00:00:00",
            "09:00:00.",
            "ä9:00:00",
        ] {
            assert_eq!(At::parse(wrong), None, "{wrong}");
        }
    }
}
