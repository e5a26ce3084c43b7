//! Time of a source: the year and the zone of each of its hosts, and how far each has come.
//!
//! Everything here follows the lines of one source in order and depends on nothing else, so that
//! a stream and an archive of the same bytes agree. Times are *local*: nanoseconds since the epoch
//! as the wall clock of their host shows them, because most lines of a source do not say their zone
//! and all of one host share it. They become instants when they are reported.

use chiplog_parse::{Civil, Clock, Time, UnixNanos};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{YearSource, ZoneSource};

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

    /// No envelope says when this was, and the payload only what a wall clock showed.
    pub(crate) fn is_bare(&self) -> bool {
        matches!(self, Self { envelope: None, payload: Some(Time::Civil(_)) })
    }
}

/// What the lines of all hosts of a source tell together, for those that do not tell it themselves.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Common {
    /// Where a host is whose year a line has told, the last of them.
    dated: Option<i64>,
    zone: CommonZone,
    /// Lines so far with a date, and with a time since a boot of which nothing is known.
    dated_lines: u64,
    undated_lines: u64,
}

/// The zone of the hosts whose lines tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum CommonZone {
    #[default]
    Unknown,
    /// All of them have this one.
    Shared(i64),
    Differing,
}

/// Places the lines of one host of a source in time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HostClock {
    /// Knows the year; its zone is the local one.
    year: Clock,
    /// Consecutive lines that were placed far from the reference, near each other.
    strays: Strays,
    reference: Option<Reference>,
    utc_offset_nanos: Option<i64>,
    zone: ZoneSource,
    /// How far the wall clock of payloads without a year is ahead of envelopes that are instants: of
    /// UTC.
    payload_ahead_of_utc: Agreed,
    /// The same for envelopes that show the wall clock.
    payload_ahead_of_envelope: Agreed,
    boot_known: bool,
    year_source: YearSource,
    civil_was_seen: bool,
    /// Local times up to here are no instants.
    no_instant_until: i64,
}

/// An offset that lines show again and again.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Agreed {
    offset_nanos: Option<i64>,
    next_nanos: i64,
    count: u32,
}

impl Agreed {
    fn vote(&mut self, offset_nanos: i64) {
        self.count = if self.next_nanos == offset_nanos { self.count.saturating_add(1) } else { 1 };
        self.next_nanos = offset_nanos;
        if self.count >= AGREEING {
            self.offset_nanos = Some(offset_nanos);
        }
    }
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
    year: YearTrust,
}

/// Who says in which year the lines are. More overrules less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum YearTrust {
    /// The caller's guess.
    Guess,
    /// A line of another host of the source.
    Neighbours,
    /// A line of this host.
    Own,
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

impl HostClock {
    pub(crate) fn new(clock: Clock) -> Self {
        let utc_offset_nanos = clock.utc_offset_seconds().map(|seconds| i64::from(seconds) * SECOND);
        Self {
            year: clock.with_utc_offset_seconds(0),
            strays: Strays::default(),
            reference: None,
            utc_offset_nanos,
            zone: if utc_offset_nanos.is_some() { ZoneSource::Given } else { ZoneSource::Written },
            payload_ahead_of_utc: Agreed::default(),
            payload_ahead_of_envelope: Agreed::default(),
            boot_known: clock.peek(Time::SinceBoot { micros: 0 }).is_some(),
            year_source: YearSource::Written,
            civil_was_seen: false,
            no_instant_until: UNTIMED_UNTIL,
        }
    }

    /// The instant of a local time; `None` if it is relative to an unknown boot, or no time.
    /// Lines that are bare run by the clock of payloads.
    pub(crate) fn to_instant(&self, local: i64, is_bare: bool) -> Option<UnixNanos> {
        (local > self.no_instant_until).then(|| UnixNanos(local.saturating_sub(self.offset_nanos(is_bare))))
    }

    /// How far local times are ahead of UTC.
    pub(crate) fn offset_nanos(&self, is_bare: bool) -> i64 {
        let of_payload = self.payload_ahead_of_utc.offset_nanos.filter(|_| is_bare);
        of_payload.or(self.utc_offset_nanos).unwrap_or(0)
    }

    pub(crate) fn to_local(&self, instant: UnixNanos) -> i64 {
        instant.0.saturating_add(self.utc_offset_nanos.unwrap_or(0))
    }

    /// Whether bare lines can be placed beside those that give an instant.
    pub(crate) fn knows_bare_lines(&self) -> bool {
        self.utc_offset_nanos.is_some() || self.payload_ahead_of_utc.offset_nanos.is_some()
    }

    /// Where the years of its lines come from.
    pub(crate) fn year_source(&self) -> YearSource {
        self.year_source
    }

    /// Where the zone of its lines comes from.
    pub(crate) fn zone_source(&self) -> ZoneSource {
        match self.zone {
            ZoneSource::Given if !self.civil_was_seen => ZoneSource::Written,
            ZoneSource::Written if self.civil_was_seen => match self.payload_ahead_of_utc.offset_nanos {
                Some(_) => ZoneSource::Seen,
                None => ZoneSource::Assumed,
            },
            zone => zone,
        }
    }

    /// The offset from UTC of its wall clock, if it is known.
    pub(crate) fn utc_offset_seconds(&self) -> Option<i32> {
        seconds(self.utc_offset_nanos?)
    }

    /// The offset from UTC of the wall clock of payloads without a year, klog's, where it was seen
    /// against envelopes.
    pub(crate) fn payload_utc_offset_seconds(&self) -> Option<i32> {
        let of_envelope = self.utc_offset_nanos.unwrap_or(0);
        let ahead = self.payload_ahead_of_envelope.offset_nanos;
        seconds(self.payload_ahead_of_utc.offset_nanos.or_else(|| Some(ahead?.saturating_add(of_envelope)))?)
    }

    /// The local time of a line.
    ///
    /// Times since an unknown boot are their own local times, unless more lines have a date:
    /// among those, such a line has no time.
    pub(crate) fn place(&mut self, times: LineTimes, common: &mut Common) -> Option<i64> {
        match times.envelope.or(times.payload) {
            Some(Time::SinceBoot { micros }) if !self.boot_known => {
                common.undated_lines = common.undated_lines.saturating_add(1);
                if common.dated_lines > common.undated_lines {
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
                let local = self.place_dated(times, common)?;
                common.dated_lines = common.dated_lines.saturating_add(1);
                Some(local)
            }
        }
    }

    /// The local time of a line that another line goes back to: nothing new is learned from it.
    pub(crate) fn place_again(&self, times: LineTimes, common: &Common) -> Option<i64> {
        self.clone().place(times, &mut common.clone())
    }

    /// The local time of a line with a date.
    ///
    /// The envelope's wall clock is the host's; a payload's wall clock may run in another zone
    /// (containers: UTC) and only adds its fraction of a second. An instant in the payload beside
    /// a wall clock in the envelope tells the host's zone, a wall clock in the payload beside an
    /// instant in the envelope that of the payload.
    fn place_dated(&mut self, times: LineTimes, common: &mut Common) -> Option<i64> {
        match (times.envelope, times.payload) {
            (Some(Time::Instant(at)), payload) => {
                if let Some(Time::Civil(payload @ Civil { year: None, .. })) = payload
                    && let Some(shown) = Clock::near(at).peek(Time::Civil(payload))
                    && let Some(offset) = quarter_hours_between(at.0, shown.instant.0)
                {
                    self.payload_ahead_of_utc.vote(offset);
                }
                let local = self.to_local(at);
                self.anchor(local, YearTrust::Own, common);
                Some(local)
            }
            (None, Some(Time::Instant(at))) => {
                let local = self.to_local(at);
                self.anchor(local, YearTrust::Own, common);
                Some(local)
            }
            (Some(Time::Civil(envelope)), Some(Time::Instant(at))) => {
                self.anchor(self.to_local(at), YearTrust::Own, common);
                let local = self.place_civil(&envelope, common)?;
                if matches!(self.zone, ZoneSource::Written | ZoneSource::Neighbours)
                    && let Some(offset) = quarter_hours_between(at.0, local)
                {
                    (self.utc_offset_nanos, self.zone) = (Some(offset), ZoneSource::Seen);
                    common.zone = match common.zone {
                        CommonZone::Unknown => CommonZone::Shared(offset),
                        CommonZone::Shared(shared) if shared == offset => common.zone,
                        _ => CommonZone::Differing,
                    };
                }
                Some(refine(local, at.0))
            }
            (Some(Time::Civil(envelope)), Some(Time::Civil(payload))) => {
                if let Some(dated) = payload.year.and_then(|year| payload.at(year, 0)) {
                    self.anchor(dated.0, YearTrust::Own, common);
                }
                let local = self.place_civil(&envelope, common)?;
                self.take_neighbours_zone(common);
                let near = Clock::near(UnixNanos(local)).peek(Time::Civil(payload));
                let Some(payload_local) = near.map(|near| near.instant.0) else { return Some(local) };
                if let (None, Some(ahead)) = (payload.year, quarter_hours_between(local, payload_local)) {
                    self.payload_ahead_of_envelope.vote(ahead);
                }
                Some(refine(local, payload_local))
            }
            (Some(Time::Civil(civil)), _) => {
                let local = self.place_civil(&civil, common)?;
                self.take_neighbours_zone(common);
                Some(local)
            }
            (None, Some(Time::Civil(civil))) => {
                let local = self.place_civil(&civil, common)?;
                let of_payload = self.payload_ahead_of_utc.offset_nanos.filter(|_| civil.year.is_none());
                let Some(ahead) = of_payload else { return Some(local) };
                // By the clock of payloads, which is known, onto that of the host.
                Some(local.saturating_sub(ahead).saturating_add(self.utc_offset_nanos.unwrap_or(0)))
            }
            (Some(time @ Time::SinceBoot { .. }), _) | (None, Some(time @ Time::SinceBoot { .. })) => {
                let resolved = self.year.peek(time)?;
                Some(self.to_local(resolved.instant))
            }
            _ => None,
        }
    }

    fn year_trust(&self) -> YearTrust {
        self.reference.map_or(YearTrust::Guess, |reference| reference.year)
    }

    /// Takes the zone of the other hosts, if they all have one and this one has told none.
    fn take_neighbours_zone(&mut self, common: &Common) {
        if let (ZoneSource::Written, CommonZone::Shared(offset)) = (self.zone, common.zone) {
            (self.utc_offset_nanos, self.zone) = (Some(offset), ZoneSource::Neighbours);
        }
    }

    fn place_civil(&mut self, civil: &Civil, common: &mut Common) -> Option<i64> {
        if let (None, YearTrust::Guess, Some(dated)) = (civil.year, self.year_trust(), common.dated) {
            self.anchor(dated, YearTrust::Neighbours, common);
        }
        let resolved = self.year.peek(Time::Civil(*civil))?;
        self.civil_was_seen = true;
        let local = resolved.instant.0;
        if resolved.year_was_guessed {
            let is_guess = self.year_trust() == YearTrust::Guess;
            let source = if is_guess { YearSource::Guessed } else { YearSource::Told };
            self.year_source = self.year_source.max(source);
        }
        let year = if resolved.year_was_guessed { YearTrust::Guess } else { YearTrust::Own };
        self.anchor(local, year, common);
        Some(local)
    }

    /// Takes note of where the host is. The reference for missing years walks with the lines,
    /// in small steps: one wrong date must not carry the lines after it into another year. A line
    /// with a year overrules a guess.
    fn anchor(&mut self, local: i64, year: YearTrust, common: &mut Common) {
        const STEP: i64 = 60 * DAY;
        let known = self.year_trust();
        let is_near = self.reference.is_none_or(|reference| local.abs_diff(reference.local) <= STEP as u64);
        if is_near || year > known || self.strays.agree(local, STEP) {
            let year = year.max(known);
            self.reference = Some(Reference { local, year });
            // Its own zone is UTC, so that this moves its reference there.
            self.year.resolve(Time::Instant(UnixNanos(local)));
            self.strays = Strays::default();
            if year == YearTrust::Own {
                common.dated = Some(local);
            }
        }
    }
}

fn seconds(nanos: i64) -> Option<i32> {
    i32::try_from(nanos / SECOND).ok()
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

/// What a line's time does to its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advance {
    /// It is where the host is, give or take some disorder.
    InOrder,
    /// It is far from there, and the first line that is, or one more.
    Stray { is_first: bool },
    /// So many lines agree that the host is now there. It was at this time before.
    Stepped { from: i64 },
}

impl Progress {
    /// A step back by more than this is a clock that was set, or another day's lines.
    pub(crate) const STEP_BACK: i64 = 60 * SECOND;

    /// Lines that agree on a step back are no further apart than this.
    pub(crate) const NEAR: i64 = 3_600 * SECOND;

    /// A step forward by more than this is no silence, unless lines agree on it.
    const FAR_AHEAD: i64 = 60 * DAY;

    pub(crate) fn latest(&self) -> Option<i64> {
        self.latest
    }

    /// Whether a time is so far ahead that lines must agree on it.
    pub(crate) fn is_ahead(&self, local: i64) -> bool {
        self.latest.is_some_and(|latest| local > latest.saturating_add(Self::FAR_AHEAD))
    }

    /// Takes a line's time into account. Small steps back are disorder; after a large one, and after
    /// one far ahead, the lines must agree before the host is taken to be there.
    pub(crate) fn advance(&mut self, local: i64) -> Advance {
        let near = match self.latest {
            Some(latest) if local < latest.saturating_sub(Self::STEP_BACK) => Self::NEAR,
            Some(_) if self.is_ahead(local) => Self::FAR_AHEAD,
            latest => {
                self.latest = Some(latest.map_or(local, |latest| latest.max(local)));
                self.strays = Strays::default();
                return Advance::InOrder;
            }
        };
        if !self.strays.agree(local, near) {
            return Advance::Stray { is_first: self.strays.count == 1 };
        }
        let from = self.latest.replace(local).unwrap_or(local);
        self.strays = Strays::default();
        Advance::Stepped { from }
    }

    /// Takes lines far ahead, which nothing contradicts at the end of the source, for what they say.
    pub(crate) fn settle(&mut self) {
        if self.strays.count > 0 && self.is_ahead(self.strays.last) {
            self.latest = Some(self.strays.last);
            self.strays = Strays::default();
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
        let mut clock = HostClock::new(Clock::from_year(2019));
        let at = Civil::new(Some(2019), (5, 21), (8, 45, 28), 500_000_000).unwrap().at(2019, 0).unwrap();
        let times = LineTimes { envelope: Some(civil(5, 21, 16, 45, 28)), payload: Some(Time::Instant(at)) };
        let local = clock.place(times, &mut Common::default()).unwrap();
        assert_eq!(clock.to_instant(local, false), Some(at));
        assert_eq!(clock.zone_source(), ZoneSource::Seen);
    }

    #[test]
    fn the_year_rolls_over_and_one_wrong_date_does_not_move_it() {
        let mut clock = HostClock::new(Clock::from_year(2018));
        let mut common = Common::default();
        let mut show = |time| {
            let local = clock.place(payload(time), &mut common).unwrap();
            clock.to_instant(local, true).unwrap().to_string()
        };
        assert!(show(civil(12, 31, 23, 59, 59)).starts_with("2018-12-31"));
        assert!(show(civil(6, 30, 0, 0, 0)).starts_with("2019-06-30"));
        assert!(show(civil(1, 1, 0, 0, 1)).starts_with("2019-01-01"));
    }

    #[test]
    fn a_line_with_a_year_overrules_the_guess() {
        let mut clock = HostClock::new(Clock::from_year(2026));
        let mut common = Common::default();
        let first = clock.place(payload(civil(10, 22, 11, 22, 16)), &mut common).unwrap();
        assert!(clock.to_instant(first, true).unwrap().to_string().starts_with("2026"));
        let dated = Civil::new(Some(2018), (10, 22), (11, 22, 16), 0).unwrap();
        assert_eq!(clock.year_source(), YearSource::Guessed);
        clock.place(payload(Time::Civil(dated)), &mut common);
        let second = clock.place(payload(civil(10, 22, 11, 22, 17)), &mut common).unwrap();
        assert!(clock.to_instant(second, true).unwrap().to_string().starts_with("2018-10-22T11:22:17"));
    }

    #[test]
    fn a_host_goes_back_only_when_lines_agree() {
        let mut progress = Progress::default();
        let hour = 3_600 * SECOND;
        for local in [100 * hour, 900 * hour, 101 * hour, 102 * hour] {
            progress.advance(local);
        }
        assert_eq!(progress.latest(), Some(900 * hour));
        assert_eq!(progress.advance(102 * hour), Advance::Stepped { from: 900 * hour });
        assert_eq!(progress.latest(), Some(102 * hour));
    }

    #[test]
    fn a_host_goes_far_ahead_only_when_lines_agree_or_end_there() {
        let mut progress = Progress::default();
        progress.advance(0);
        for local in [400 * DAY, SECOND, 400 * DAY, 401 * DAY, 2 * SECOND] {
            progress.advance(local);
            assert!(progress.latest() <= Some(2 * SECOND));
        }
        assert_eq!(progress.advance(400 * DAY), Advance::Stray { is_first: true });
        assert_eq!(progress.advance(401 * DAY), Advance::Stray { is_first: false });
        let mut ended = progress;
        ended.settle();
        assert_eq!(ended.latest(), Some(401 * DAY));
        assert_eq!(progress.advance(402 * DAY), Advance::Stepped { from: 2 * SECOND });
    }

    #[test]
    fn a_wall_clock_beside_an_instant_tells_the_zone_of_payloads() {
        let mut clock = HostClock::new(Clock::unknown());
        let mut common = Common::default();
        let at = Civil::new(Some(2019), (5, 21), (8, 45, 28), 0).unwrap().at(2019, 0).unwrap();
        for _ in 0..3 {
            assert!(!clock.knows_bare_lines());
            let beside = Some(civil(5, 21, 4, 45, 28));
            clock.place(LineTimes { envelope: Some(Time::Instant(at)), payload: beside }, &mut common);
        }
        assert_eq!(clock.payload_utc_offset_seconds(), Some(-4 * 3_600));
        let bare = clock.place(payload(civil(5, 21, 4, 45, 28)), &mut common).unwrap();
        assert_eq!(clock.to_instant(bare, false), Some(at));
        assert_eq!(clock.zone_source(), ZoneSource::Seen);
    }

    #[test]
    fn a_host_without_a_date_takes_the_year_of_its_neighbours() {
        let mut common = Common::default();
        let dated = Civil::new(Some(2018), (12, 31), (23, 59, 0), 0).unwrap();
        HostClock::new(Clock::unknown()).place(payload(Time::Civil(dated)), &mut common);
        let mut clock = HostClock::new(Clock::from_year(2026));
        let local = clock.place(payload(civil(1, 1, 0, 1, 0)), &mut common).unwrap();
        assert!(clock.to_instant(local, true).unwrap().to_string().starts_with("2019-01-01T00:01"));
        assert_eq!(clock.year_source(), YearSource::Told);
    }
}
