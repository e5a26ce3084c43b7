//! What lines say was dropped, and what a source could not read.
//!
//! The missing lines were written before the line that tells of them, within the interval for which
//! the limit of the one who dropped them is set:
//!
//! | who | whose lines | from when on |
//! | --- | --- | --- |
//! | journald, a unit | the unit's | two intervals of 30 s before (systemd `RateLimitIntervalSec=`) |
//! | journald, the kernel's | the kernel's | a minute before |
//! | the kernel, a function | the kernel's; audit records alone for `kauditd_printk_skb` | two intervals of 5 s before (Linux `DEFAULT_RATELIMIT_INTERVAL`) |
//! | rsyslog | all; of imuxsock all but the kernel's, or those of the program that is named | the interval that the line names before, else 600 s (imjournal) or 5 s (imuxsock) |
//! | rsyslog that begins to drop | the same | from the line on, as long |
//! | a source | those that it names | since the last line before, until the next |
//!
//! The function of the kernel does not say which rule's lines it swallowed.

use std::sync::Arc;

use chiplog_parse::events::suppress::{self, SuppressKind, Suppressed};
use serde::{Deserialize, Serialize};

use super::{HitLine, KeyState, LineCounter, OnNotice, Timeline};
use crate::gaps::{Missing, Reach, Stretch, Writer};
use crate::sampling::Sampled;
use crate::scanner::text_at;
use crate::{Gap, Loss, Notice};

/// Gaps listed per source; further ones are counted.
const MAX_GAPS: usize = 1_000;

/// Of a source without end the newest are listed.
const MAX_NEWEST_GAPS: usize = 200;

/// The longest name in a gap.
const MAX_NAME_BYTES: usize = 256;

const SECOND: i64 = 1_000_000_000;

/// A gap as it is listed. Times are local: the zone may be learned later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ListedGap {
    pub(super) clock: usize,
    pub(super) since: Option<i64>,
    pub(super) time: Option<i64>,
    pub(super) gap: Gap,
}

/// Where a gap is told.
#[derive(Clone, Copy)]
struct Place {
    /// If lines name it.
    host: Option<usize>,
    /// The host by whose clock the times are.
    clock: usize,
    line: Option<u64>,
}

/// What is told of a gap.
struct Told {
    by: &'static str,
    of: Option<Arc<str>>,
    lines: Option<u64>,
    reach: Reach,
    /// How far before the line that tells it, and after it, lines may be missing.
    before_nanos: i64,
    after_nanos: i64,
}

impl Told {
    fn of(suppressed: &Suppressed<'_>) -> Option<Self> {
        let source = suppressed.source.map(text);
        let is_of = |name: &str| source.as_deref().is_some_and(|source| source.starts_with(name));
        let rsyslog = || {
            let is_unix_socket = is_of("imuxsock");
            let default = if is_unix_socket { 5 } else { 600 };
            let seconds = suppressed.interval_seconds.unwrap_or(default).min(86_400);
            let program = source.as_deref().and_then(|source| source.split_once("name: "));
            let reach = match program {
                Some((_, name)) => Reach::Of(Arc::from(name.trim_end_matches(']'))),
                None if is_unix_socket => Reach::Programs,
                None => Reach::All,
            };
            (reach, seconds as i64 * SECOND)
        };
        let (by, reach, before_nanos, after_nanos) = match suppressed.kind {
            SuppressKind::Journald => {
                let reach = source.clone().map_or(Reach::Programs, Reach::Of);
                ("journald", reach, 60 * SECOND, 0)
            }
            SuppressKind::JournaldKernel => ("journald", Reach::Kernel, 60 * SECOND, 0),
            SuppressKind::KernelRatelimit => {
                let is_audit = is_of("kauditd_printk_skb") || is_of("audit_printk_skb");
                let reach = if is_audit { Reach::Audit } else { Reach::Kernel };
                ("kernel", reach, 10 * SECOND, 0)
            }
            SuppressKind::RsyslogRate => {
                let (reach, interval_nanos) = rsyslog();
                ("rsyslog", reach, interval_nanos, 0)
            }
            SuppressKind::RsyslogBegin => {
                let (reach, interval_nanos) = rsyslog();
                ("rsyslog", reach, 0, interval_nanos)
            }
            // What is repeated stands for so many lines, and the kubelet's number is of pods.
            _ => return None,
        };
        Some(Self { by, of: source, lines: suppressed.count, reach, before_nanos, after_nanos })
    }
}

fn text(bytes: &[u8]) -> Arc<str> {
    Arc::from(&*String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_NAME_BYTES)]))
}

impl Timeline {
    /// Whether lines that a writer could have written are known to be missing in a stretch of a
    /// host's time.
    pub(super) fn has_gap(&self, host: usize, writer: &Writer, since: i64, until: i64) -> bool {
        let stretch = Stretch { host: self.named(host), clock: host, since, until, writer };
        self.gaps.touch(stretch, |host| self.placement.utc_offset_nanos(host))
    }

    /// Since when there was no hit of a key for sure: its last one, or a gap after it, in which
    /// there may have been one. `None` before the first hit.
    pub(super) fn quiet_since(&self, state: &KeyState) -> Option<i64> {
        let last = state.last_hit.as_ref()?;
        // In source order: a host may have gone back in time since.
        let gap = self.gaps.told_after(last.evidence.offset, self.named(state.host), &last.writer);
        Some(gap.map_or(last.time, |gap| last.time.max(gap)))
    }

    /// The host of lines, if they name one.
    fn named(&self, host: usize) -> Option<usize> {
        (!self.placement.hosts[host].name.is_empty()).then_some(host & !1)
    }

    /// Writes down what the line at an offset says was dropped.
    pub(super) fn note_gap(
        &mut self,
        rule: usize,
        offset: usize,
        counter: &mut LineCounter<'_>,
        host: usize,
        time: Option<i64>,
        on_notice: OnNotice<'_>,
    ) {
        if !self.plans[rule].tells_of_gaps {
            return;
        }
        let in_source = counter.offset_in_source(offset);
        if self.last_gap_offset == Some(in_source) {
            return;
        }
        let record = self.reader.peel(text_at(&counter.block.bytes, offset));
        let message = record.message.decode();
        let Some(told) = suppress::parse(&message).as_ref().and_then(Told::of) else { return };
        self.last_gap_offset = Some(in_source);
        // Of a line without a time nobody knows when it was.
        let since = time.map_or(i64::MIN, |time| time.saturating_sub(told.before_nanos));
        let until = time.map_or(i64::MAX, |time| time.saturating_add(told.after_nanos));
        self.gaps.add(&Missing {
            host: self.named(host),
            clock: host,
            reach: told.reach,
            since,
            until: Some(until),
            told: time.map(|time| (in_source, time)),
        });
        let place = Place { host: self.named(host), clock: host, line: Some(counter.at(offset)) };
        self.list_gap(place, time.map(|_| since), time, (told.by, told.of, told.lines), on_notice);
    }

    /// Writes down that lines which say the same as that of a hit, at an offset, are missing around
    /// it.
    pub(super) fn note_sampled(
        &mut self,
        key: usize,
        offset: usize,
        hit: &HitLine<'_>,
        sampled: Sampled,
        counter: &mut LineCounter<'_>,
        on_notice: OnNotice<'_>,
    ) {
        let state = &mut self.keys[key];
        for episode in [&mut state.episode, &mut state.pending].into_iter().flatten() {
            episode.is_lower_bound = true;
        }
        let host = state.host;
        let time = hit.sample.time;
        self.gaps.add(&Missing {
            host: self.named(host),
            clock: host,
            reach: Reach::Message(hit.message),
            since: sampled.since,
            until: Some(sampled.until),
            told: Some((counter.offset_in_source(offset), time)),
        });
        if sampled.is_news {
            let record = self.reader.peel(text_at(&counter.block.bytes, offset));
            let of = Some(text(&record.message.decode()));
            let place = Place { host: self.named(host), clock: host, line: Some(counter.at(offset)) };
            self.list_gap(place, Some(sampled.since), Some(time), ("zap", of, None), on_notice);
        }
    }

    /// Lines are missing at the place that was reached: of any host, written between the line
    /// before and the next one.
    pub(crate) fn lose(&mut self, loss: &Loss, on_notice: OnNotice<'_>) {
        let hosts = self.placement.hosts.iter().enumerate();
        let reached = hosts.filter_map(|(host, state)| Some((state.progress.latest()?, host))).max();
        let (time, clock) = match reached {
            Some((time, host)) => (Some(time), host),
            None => (None, self.placement.host_id(b"")),
        };
        self.watches.resize_with(self.placement.hosts.len(), super::Watch::default);
        self.gaps.add(&Missing {
            host: None,
            clock,
            reach: Reach::All,
            since: time.unwrap_or(i64::MIN),
            until: None,
            told: time.map(|time| (self.end_offset, time)),
        });
        let place = Place { host: None, clock, line: None };
        let of = Some(Arc::from(loss.reason.name()));
        self.list_gap(place, time, time, ("source", of, loss.lines), on_notice);
    }

    fn list_gap(
        &mut self,
        place: Place,
        since: Option<i64>,
        time: Option<i64>,
        (by, of, lines): (&'static str, Option<Arc<str>>, Option<u64>),
        on_notice: OnNotice<'_>,
    ) {
        let most = if self.keeps_newest { MAX_NEWEST_GAPS } else { MAX_GAPS };
        let is_full = self.listed_gaps.len() >= most;
        self.gaps_left_out = self.gaps_left_out.saturating_add(u64::from(is_full));
        if is_full && !self.keeps_newest {
            return;
        }
        let Place { host, clock, line } = place;
        let instant = |local: Option<i64>| local.and_then(|local| self.placement.to_instant(clock, local));
        let gap = Gap {
            source: Arc::clone(&self.name),
            time: instant(time),
            since_time: instant(since),
            line,
            host: host.map(|host| Arc::clone(&self.placement.hosts[host].name)),
            by,
            of,
            lines,
        };
        on_notice(Notice::Gap(&gap));
        if is_full {
            self.listed_gaps.pop_front();
        }
        self.listed_gaps.push_back(ListedGap { clock, since, time, gap });
    }

    /// The gaps as they are listed, by what is now known of the zones.
    pub(super) fn final_gaps(&self) -> Vec<Gap> {
        let placement = &self.placement;
        let instant = |clock, local: Option<i64>| local.and_then(|local| placement.to_instant(clock, local));
        let listed = self.listed_gaps.iter();
        listed
            .map(|listed| Gap {
                time: instant(listed.clock, listed.time),
                since_time: instant(listed.clock, listed.since),
                ..listed.gap.clone()
            })
            .collect()
    }
}
