//! What log lines leave out: the year and the zone.

use crate::{Civil, Time, UnixNanos};

/// Makes instants of wall-clock readings.
///
/// A klog or syslog line has no year, and a klog, capnslog or syslog line no zone. A clock holds
/// what the caller knows: a reference instant near the lines, and an offset from UTC. Of the
/// years that are possible it takes the one that puts the reading nearest to the reference
/// (`formats.md`, "Year": this handles December read in January, January read in December, and
/// 29 February), and then walks on: the reference follows the lines.
///
/// ```
/// use chiplog_parse::{Civil, Clock, Time};
/// let mut clock = Clock::from_year(2018);
/// let new_years_eve = Civil::new(None, (12, 31), (23, 59, 59), 0).unwrap();
/// let new_year = Civil::new(None, (1, 1), (0, 0, 1), 0).unwrap();
/// let first = clock.resolve(Time::Civil(new_years_eve)).unwrap();
/// let second = clock.resolve(Time::Civil(new_year)).unwrap();
/// assert_eq!(second.instant.to_string(), "2019-01-01T00:00:01.000000Z");
/// assert!(first.year_was_guessed && first.zone_was_assumed);
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Clock {
    reference: Reference,
    utc_offset_seconds: Option<i32>,
    boot: Option<UnixNanos>,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Reference {
    /// Nothing is known: a reading without a year has no instant.
    None,
    /// The first reading lies in this year.
    Year(i16),
    /// Readings lie near this instant.
    Near(UnixNanos),
    /// The first reading lies before this instant, or little after it.
    NotAfter(UnixNanos),
}

/// What a zone and a clock that is ahead may put a line after the time of its file.
const AHEAD_NANOS: i64 = 2 * 86_400 * 1_000_000_000;

/// An instant, and how much of it the line itself said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The instant.
    pub instant: UnixNanos,
    /// The line had no year; it was chosen by the clock.
    pub year_was_guessed: bool,
    /// Neither the line nor the caller gave an offset; UTC was taken.
    pub zone_was_assumed: bool,
}

impl Clock {
    /// A clock that knows nothing: readings without a year stay unresolved until
    /// a line with a full date gives a reference.
    #[must_use]
    pub const fn unknown() -> Self {
        Self { reference: Reference::None, utc_offset_seconds: None, boot: None }
    }

    /// The first line without a year was written in `year`; later lines roll over from there.
    #[must_use]
    pub const fn from_year(year: i16) -> Self {
        Self { reference: Reference::Year(year), ..Self::unknown() }
    }

    /// Lines were written near `reference`: a file's modification time, an envelope's time, or
    /// the present for a live stream.
    #[must_use]
    pub const fn near(reference: UnixNanos) -> Self {
        Self { reference: Reference::Near(reference), ..Self::unknown() }
    }

    /// The first line without a year was written before `latest`, give or take two days: a file's
    /// modification time, or that of its archive. Of the years that are possible it takes the last;
    /// later lines walk on from there.
    ///
    /// ```
    /// use chiplog_parse::{Civil, Clock, Time, UnixNanos};
    /// let copied = Civil::new(Some(2026), (11, 25), (9, 0, 0), 0).and_then(|at| at.at(2026, 0)).unwrap();
    /// let written = Civil::new(None, (2, 11), (18, 59, 2), 0).unwrap();
    /// let resolved = Clock::not_after(copied).resolve(Time::Civil(written)).unwrap();
    /// assert_eq!(resolved.instant.to_string(), "2026-02-11T18:59:02.000000Z");
    /// ```
    #[must_use]
    pub const fn not_after(latest: UnixNanos) -> Self {
        Self { reference: Reference::NotAfter(latest), ..Self::unknown() }
    }

    /// The same clock for emitters whose wall clock is this many seconds ahead of UTC.
    #[must_use]
    pub const fn with_utc_offset_seconds(mut self, seconds: i32) -> Self {
        self.utc_offset_seconds = Some(seconds);
        self
    }

    /// The same clock for a machine that booted at `boot`: resolves times since boot.
    #[must_use]
    pub const fn with_boot(mut self, boot: UnixNanos) -> Self {
        self.boot = Some(boot);
        self
    }

    /// The offset from UTC that readings without a zone are taken at, in seconds.
    #[must_use]
    pub const fn utc_offset_seconds(&self) -> Option<i32> {
        self.utc_offset_seconds
    }

    /// The instant of a time, and lets the reference follow it.
    ///
    /// `None` if the time cannot be placed: no reference for a missing year, no boot time for a
    /// time since boot, or no candidate year that has the day.
    pub fn resolve(&mut self, time: Time) -> Option<Resolved> {
        let resolved = self.peek(time)?;
        self.reference = Reference::Near(resolved.instant);
        Some(resolved)
    }

    /// The instant of a time; the reference stays where it is.
    #[must_use]
    pub fn peek(&self, time: Time) -> Option<Resolved> {
        match time {
            Time::Instant(instant) => {
                Some(Resolved { instant, year_was_guessed: false, zone_was_assumed: false })
            }
            Time::Civil(civil) => self.place(&civil),
            Time::SinceBoot { micros } => {
                let since_boot = i64::try_from(micros).ok()?.checked_mul(1_000)?;
                let instant = UnixNanos(self.boot?.0.checked_add(since_boot)?);
                Some(Resolved { instant, year_was_guessed: false, zone_was_assumed: false })
            }
        }
    }

    fn place(&self, civil: &Civil) -> Option<Resolved> {
        let offset = self.utc_offset_seconds.unwrap_or(0);
        let instant = match (civil.year, self.reference) {
            (Some(year), _) | (None, Reference::Year(year)) => civil.at(year, offset)?,
            (None, Reference::Near(reference)) => {
                let local = UnixNanos(reference.0.saturating_add(i64::from(offset) * 1_000_000_000));
                let year = local.to_civil().year?;
                [year - 1, year, year + 1]
                    .into_iter()
                    .filter_map(|candidate| civil.at(candidate, offset))
                    .min_by_key(|candidate| candidate.0.abs_diff(reference.0))?
            }
            (None, Reference::NotAfter(latest)) => {
                let latest = latest.0.saturating_add(AHEAD_NANOS);
                let year = UnixNanos(latest).to_civil().year?;
                // 29 February may be eight years back.
                (year - 8..=year + 1)
                    .rev()
                    .filter_map(|candidate| civil.at(candidate, offset))
                    .find(|candidate| candidate.0 <= latest)?
            }
            (None, Reference::None) => return None,
        };
        Some(Resolved {
            instant,
            year_was_guessed: civil.year.is_none(),
            zone_was_assumed: self.utc_offset_seconds.is_none(),
        })
    }
}

/// An offset from UTC as people and RFC 3339 write it: `Z`, `+08:00`, `-0430`. In seconds.
///
/// ```
/// assert_eq!(chiplog_parse::utc_offset_seconds(b"-04:30"), Some(-16_200));
/// assert_eq!(chiplog_parse::utc_offset_seconds(b"CET"), None);
/// ```
#[must_use]
pub fn utc_offset_seconds(text: &[u8]) -> Option<i32> {
    crate::rfc3339::offset(text).filter(|(_, length)| *length == text.len()).map(|(seconds, _)| seconds)
}
