//! Time of a source: its year, its zone, and how far each of its hosts has come.
//!
//! Everything here follows the lines of one source in order and depends on nothing else, so that
//! a stream and an archive of the same bytes agree. Times are *local*: nanoseconds since the epoch
//! as the source's wall clock shows them, because most lines of a source do not say their zone and
//! all of them share it. They become instants when they are reported.

use chiplog_parse::{Civil, Clock, Time, UnixNanos};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Lines of a source may be out of order by this much before anything is judged by the time that
/// has passed without a line.
pub(crate) const DISORDER_NANOS: i64 = 5 * SECOND;

/// The times that a line gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LineTimes {
    #[serde(serialize_with = "save_time", deserialize_with = "restore_time")]
    pub(crate) envelope: Option<Time>,
    #[serde(serialize_with = "save_time", deserialize_with = "restore_time")]
    pub(crate) payload: Option<Time>,
}

/// A time as it is saved.
#[derive(Serialize, Deserialize)]
enum SavedTime {
    Instant(UnixNanos),
    Civil { year: Option<i16>, date: (u8, u8), time: (u8, u8, u8), nanosecond: u32 },
    SinceBoot { micros: u64 },
}

fn save_time<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
    let saved = match *time {
        Some(Time::Instant(at)) => Some(SavedTime::Instant(at)),
        Some(Time::Civil(civil)) => Some(SavedTime::Civil {
            year: civil.year,
            date: (civil.month, civil.day),
            time: (civil.hour, civil.minute, civil.second),
            nanosecond: civil.nanosecond,
        }),
        Some(Time::SinceBoot { micros }) => Some(SavedTime::SinceBoot { micros }),
        _ => None,
    };
    saved.serialize(serializer)
}

fn restore_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    Ok(match Option::<SavedTime>::deserialize(deserializer)? {
        Some(SavedTime::Instant(at)) => Some(Time::Instant(at)),
        Some(SavedTime::Civil { year, date, time, nanosecond }) => {
            let civil = Civil::new(year, date, time, nanosecond);
            Some(Time::Civil(civil.ok_or_else(|| D::Error::custom("no such day or time of day"))?))
        }
        Some(SavedTime::SinceBoot { micros }) => Some(Time::SinceBoot { micros }),
        None => None,
    })
}

impl LineTimes {
    pub(crate) fn is_empty(&self) -> bool {
        self.envelope.is_none() && self.payload.is_none()
    }
}

/// Places the lines of a source in time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SourceClock {
    /// Knows the year; its zone is the local one.
    year: Clock,
    /// Consecutive lines that were placed far from the reference, near each other.
    strays: Strays,
    reference: Option<Reference>,
    utc_offset_nanos: Option<i64>,
    zone_is_given: bool,
    boot_known: bool,
    pub(crate) year_was_guessed: bool,
    pub(crate) civil_was_seen: bool,
    /// Lines so far with a date, and with a time since a boot of which nothing is known.
    dated_lines: u64,
    undated_lines: u64,
    /// Local times up to here are no instants.
    no_instant_until: i64,
}

/// Local times up to here may be times since boot: twenty years, in which no log was written that
/// is read today.
const SINCE_BOOT_UNTIL: i64 = 20 * 365 * DAY;

/// The local time of hits in a source without any time: they are one moment, which is no instant.
pub(crate) const UNTIMED: i64 = -9_000_000_000_000_000_000;

/// The end of the year 1699: what is earlier counts from [`UNTIMED`].
const UNTIMED_UNTIL: i64 = -8_520_336_000_000_000_000;

/// A local time near which the lines are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Reference {
    local: i64,
    /// A line with a year said so; otherwise it rests on the caller's guess.
    has_year: bool,
}

/// Moves to a new place need this many lines that agree.
const AGREEING: u32 = 3;

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Strays {
    count: u32,
    last: i64,
}

impl Strays {
    /// Whether this many strays in a row, each near the one before, have now been seen.
    fn agree(&mut self, at: i64, near: i64) -> bool {
        self.count = if self.count > 0 && at.abs_diff(self.last) <= near as u64 {
            self.count.saturating_add(1)
        } else {
            1
        };
        self.last = at;
        self.count >= AGREEING
    }
}

impl SourceClock {
    pub(crate) fn new(clock: Clock) -> Self {
        let utc_offset_nanos = clock.utc_offset_seconds().map(|seconds| i64::from(seconds) * SECOND);
        Self {
            year: clock.with_utc_offset_seconds(0),
            strays: Strays::default(),
            reference: None,
            utc_offset_nanos,
            zone_is_given: utc_offset_nanos.is_some(),
            boot_known: clock.peek(Time::SinceBoot { micros: 0 }).is_some(),
            year_was_guessed: false,
            civil_was_seen: false,
            dated_lines: 0,
            undated_lines: 0,
            no_instant_until: UNTIMED_UNTIL,
        }
    }

    /// The instant of a local time; `None` if it is relative to an unknown boot, or no time.
    pub(crate) fn to_instant(&self, local: i64) -> Option<UnixNanos> {
        (local > self.no_instant_until)
            .then(|| UnixNanos(local.saturating_sub(self.utc_offset_nanos.unwrap_or(0))))
    }

    pub(crate) fn to_local(&self, instant: UnixNanos) -> i64 {
        instant.0.saturating_add(self.utc_offset_nanos.unwrap_or(0))
    }

    pub(crate) fn zone_is_known(&self) -> bool {
        self.utc_offset_nanos.is_some()
    }

    pub(crate) fn zone_was_assumed(&self) -> bool {
        self.civil_was_seen && self.utc_offset_nanos.is_none()
    }

    /// The local time of a line.
    ///
    /// Times since an unknown boot are their own local times, unless more lines have a date:
    /// among those, such a line has no time.
    pub(crate) fn place(&mut self, times: LineTimes) -> Option<i64> {
        match times.envelope.or(times.payload) {
            Some(Time::SinceBoot { micros }) if !self.boot_known => {
                self.undated_lines = self.undated_lines.saturating_add(1);
                if self.dated_lines > self.undated_lines {
                    return None;
                }
                let local = i64::try_from(micros).ok()?.checked_mul(1_000)?;
                // Findings close some time after the last line.
                if local > SINCE_BOOT_UNTIL / 2 {
                    return None;
                }
                self.no_instant_until = SINCE_BOOT_UNTIL;
                Some(local)
            }
            _ => {
                let local = self.place_dated(times)?;
                self.dated_lines = self.dated_lines.saturating_add(1);
                Some(local)
            }
        }
    }

    /// The local time of a line that another line goes back to: nothing new is learned from it.
    pub(crate) fn place_again(&self, times: LineTimes) -> Option<i64> {
        self.clone().place(times)
    }

    /// The local time of a line with a date.
    ///
    /// The envelope's wall clock is the source's; a payload's wall clock may run in another zone
    /// (containers: UTC) and only adds its fraction of a second. An instant in the payload beside
    /// a wall clock in the envelope tells the source's zone.
    fn place_dated(&mut self, times: LineTimes) -> Option<i64> {
        match (times.envelope, times.payload) {
            (Some(Time::Instant(at)), _) | (None, Some(Time::Instant(at))) => {
                let local = self.to_local(at);
                self.anchor(local, true);
                Some(local)
            }
            (Some(Time::Civil(envelope)), Some(Time::Instant(at))) => {
                self.anchor(self.to_local(at), true);
                let local = self.place_civil(&envelope)?;
                if !self.zone_is_given && self.utc_offset_nanos.is_none() {
                    self.utc_offset_nanos = quarter_hours_between(at.0, local);
                }
                Some(refine(local, at.0))
            }
            (Some(Time::Civil(envelope)), Some(Time::Civil(payload))) => {
                if let Some(dated) = payload.year.and_then(|year| payload.at(year, 0)) {
                    self.anchor(dated.0, true);
                }
                let local = self.place_civil(&envelope)?;
                let near = Clock::near(UnixNanos(local)).peek(Time::Civil(payload));
                Some(near.map_or(local, |payload| refine(local, payload.instant.0)))
            }
            (Some(Time::Civil(civil)), _) | (None, Some(Time::Civil(civil))) => self.place_civil(&civil),
            (Some(time @ Time::SinceBoot { .. }), _) | (None, Some(time @ Time::SinceBoot { .. })) => {
                let resolved = self.year.peek(time)?;
                Some(self.to_local(resolved.instant))
            }
            _ => None,
        }
    }

    fn place_civil(&mut self, civil: &Civil) -> Option<i64> {
        let resolved = self.year.peek(Time::Civil(*civil))?;
        self.civil_was_seen = true;
        let local = resolved.instant.0;
        self.year_was_guessed |= resolved.year_was_guessed;
        self.anchor(local, !resolved.year_was_guessed);
        Some(local)
    }

    /// Takes note of where the source is. The reference for missing years walks with the lines,
    /// in small steps: one wrong date must not carry the lines after it into another year. A line
    /// with a year overrules a guess.
    fn anchor(&mut self, local: i64, has_year: bool) {
        const STEP: i64 = 60 * DAY;
        let (is_near, had_year) = match self.reference {
            None => (true, false),
            Some(reference) => {
                let is_near = local.abs_diff(reference.local) <= STEP as u64;
                (is_near || (has_year && !reference.has_year), reference.has_year)
            }
        };
        if is_near || self.strays.agree(local, STEP) {
            self.reference = Some(Reference { local, has_year: has_year || had_year });
            // Its own zone is UTC, so that this moves its reference there.
            self.year.resolve(Time::Instant(UnixNanos(local)));
            self.strays = Strays::default();
        }
    }
}

/// The payload's reading, moved by whole quarters of an hour onto the envelope's clock.
fn refine(local: i64, payload: i64) -> i64 {
    match quarter_hours_between(payload, local) {
        Some(offset) => payload.saturating_add(offset),
        None => local,
    }
}

/// `later - earlier` rounded to quarters of an hour, if it is within three seconds of them and no
/// zone is further from UTC.
fn quarter_hours_between(earlier: i64, later: i64) -> Option<i64> {
    const QUARTER: i64 = 900 * SECOND;
    let difference =
        later.checked_sub(earlier).filter(|difference| difference.unsigned_abs() < DAY as u64)?;
    let rounded = (difference + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
    let is_close = difference.abs_diff(rounded) <= 3 * SECOND as u64;
    (is_close && rounded.abs() <= 15 * 3_600 * SECOND).then_some(rounded)
}

/// How far one host of a source has come.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    latest: Option<i64>,
    strays: Strays,
}

impl Progress {
    /// A step back by more than this is a clock that was set, or another day's lines.
    pub(crate) const STEP_BACK: i64 = 60 * SECOND;

    /// Lines that agree are no further apart than this.
    pub(crate) const NEAR: i64 = 3_600 * SECOND;

    pub(crate) fn latest(&self) -> Option<i64> {
        self.latest
    }

    /// Takes a line's time into account. Small steps back are disorder; after a large one, the
    /// lines must agree before the host is taken to be there.
    pub(crate) fn advance(&mut self, local: i64) {
        match self.latest {
            Some(latest) if local < latest.saturating_sub(Self::STEP_BACK) => {
                if self.strays.agree(local, Self::NEAR) {
                    self.latest = Some(local);
                    self.strays = Strays::default();
                }
            }
            latest => {
                self.latest = Some(latest.map_or(local, |latest| latest.max(local)));
                self.strays = Strays::default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn civil(month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Time {
        Time::Civil(Civil::new(None, (month, day), (hour, minute, second), 0).unwrap())
    }

    fn payload(time: Time) -> LineTimes {
        LineTimes { envelope: None, payload: Some(time) }
    }

    #[test]
    fn an_instant_beside_a_wall_clock_tells_the_zone() {
        let mut clock = SourceClock::new(Clock::from_year(2019));
        let at = Civil::new(Some(2019), (5, 21), (8, 45, 28), 500_000_000).unwrap().at(2019, 0).unwrap();
        let times = LineTimes { envelope: Some(civil(5, 21, 16, 45, 28)), payload: Some(Time::Instant(at)) };
        let local = clock.place(times).unwrap();
        assert_eq!(clock.to_instant(local), Some(at));
        assert!(!clock.zone_was_assumed());
    }

    #[test]
    fn the_year_rolls_over_and_one_wrong_date_does_not_move_it() {
        let mut clock = SourceClock::new(Clock::from_year(2018));
        let mut show = |time| {
            let local = clock.place(payload(time)).unwrap();
            clock.to_instant(local).unwrap().to_string()
        };
        assert!(show(civil(12, 31, 23, 59, 59)).starts_with("2018-12-31"));
        assert!(show(civil(6, 30, 0, 0, 0)).starts_with("2019-06-30"));
        assert!(show(civil(1, 1, 0, 0, 1)).starts_with("2019-01-01"));
    }

    #[test]
    fn a_line_with_a_year_overrules_the_guess() {
        let mut clock = SourceClock::new(Clock::from_year(2026));
        let first = clock.place(payload(civil(10, 22, 11, 22, 16))).unwrap();
        assert!(clock.to_instant(first).unwrap().to_string().starts_with("2026"));
        let dated = Civil::new(Some(2018), (10, 22), (11, 22, 16), 0).unwrap();
        clock.place(payload(Time::Civil(dated)));
        let second = clock.place(payload(civil(10, 22, 11, 22, 17))).unwrap();
        assert!(clock.to_instant(second).unwrap().to_string().starts_with("2018-10-22T11:22:17"));
    }

    #[test]
    fn a_host_goes_back_only_when_lines_agree() {
        let mut progress = Progress::default();
        let hour = 3_600 * SECOND;
        for local in [100 * hour, 900 * hour, 101 * hour, 102 * hour] {
            progress.advance(local);
        }
        assert_eq!(progress.latest(), Some(900 * hour));
        progress.advance(102 * hour);
        assert_eq!(progress.latest(), Some(102 * hour));
    }
}
