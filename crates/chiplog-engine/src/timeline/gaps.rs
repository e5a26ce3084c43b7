//! What lines say was dropped, and what a source could not read.

use std::sync::Arc;

use chiplog_parse::EventValue;
use serde::{Deserialize, Serialize};

use super::{KeyState, LineCounter, OnNotice, Timeline};
use crate::scanner::text_at;
use crate::{Gap, Loss, Notice};

/// Gaps listed per source; further ones are counted.
const MAX_GAPS: usize = 1_000;

/// Of a source without end the newest are listed.
const MAX_NEWEST_GAPS: usize = 200;

/// The last line that tells of a gap.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct LastGap {
    /// Its local time; the end of time for one without: who knows when it was.
    at: Option<i64>,
    /// Offset and time of the last line that has a time.
    known: Option<(u64, i64)>,
}

impl Timeline {
    /// Whether lines of a host are known to be missing at `since` or later: a line that tells of
    /// it is written after the fact.
    pub(super) fn has_gap(&self, host: usize, since: i64) -> bool {
        self.last_gaps(host).into_iter().filter_map(|gap| gap.at).any(|time| time >= since)
    }

    fn last_gaps(&self, host: usize) -> [LastGap; 2] {
        [self.last_gap, self.watches[host & !1].last_gap]
    }

    /// Since when there was no hit of a key for sure: its last one, or a gap after it, in which
    /// there may have been one. `None` before the first hit.
    pub(super) fn quiet_since(&self, state: &KeyState) -> Option<i64> {
        let last = state.last_hit.as_ref()?;
        let gaps = self.last_gaps(state.host).into_iter().filter_map(|gap| gap.known);
        // In source order: a host may have gone back in time since.
        let after = gaps.filter(|(offset, _)| *offset > last.evidence.offset);
        Some(after.fold(last.time, |since, (_, gap)| since.max(gap)))
    }

    /// Writes down what a line says was dropped.
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
        let offset_in_source = counter.offset_in_source(offset);
        if self.last_gap_offset == Some(offset_in_source) {
            return;
        }
        let record = self.reader.peel(text_at(&counter.block.bytes, offset));
        let Some(event) = record.event() else { return };
        let by = match event.kind() {
            "suppress.journald" | "suppress.journald_kernel" => "journald",
            "suppress.kernel_ratelimit" => "kernel",
            "suppress.rsyslog_rate" | "suppress.rsyslog_begin" => "rsyslog",
            _ => return,
        };
        let of = match event.value("source") {
            Some(EventValue::Text(text)) => Some(Arc::from(text.to_string())),
            _ => None,
        };
        let lines = match event.value("count") {
            Some(EventValue::Integer(count)) => Some(count),
            _ => None,
        };
        self.last_gap_offset = Some(offset_in_source);
        let name = &self.placement.hosts[host].name;
        let last = if name.is_empty() { &mut self.last_gap } else { &mut self.watches[host & !1].last_gap };
        last.at = last.at.max(Some(time.unwrap_or(i64::MAX)));
        last.known = time.map(|time| (offset_in_source, time)).or(last.known);
        let host = (!name.is_empty()).then(|| Arc::clone(name));
        let source = Arc::clone(&self.name);
        self.keep_gap(time, Gap { source, time: None, host, by, of, lines }, on_notice);
    }

    fn keep_gap(&mut self, time: Option<i64>, gap: Gap, on_notice: OnNotice<'_>) {
        let most = if self.keeps_newest { MAX_NEWEST_GAPS } else { MAX_GAPS };
        let is_full = self.gaps.len() >= most;
        self.gaps_left_out = self.gaps_left_out.saturating_add(u64::from(is_full));
        if is_full && !self.keeps_newest {
            return;
        }
        let instant = time.and_then(|time| self.placement.clock.to_instant(time));
        let gap = Gap { time: instant, ..gap };
        on_notice(Notice::Gap(&gap));
        if is_full {
            self.gaps.pop_front();
        }
        self.gaps.push_back((time, gap));
    }

    /// Lines are missing at the place that was reached: of any host, written between the line
    /// before and the next one.
    pub(crate) fn lose(&mut self, loss: &Loss, on_notice: OnNotice<'_>) {
        let reached = self.placement.hosts.iter().filter_map(|host| host.progress.latest()).max();
        if let Some(time) = reached {
            self.note_loss(self.end_offset, time);
        }
        self.is_after_loss = true;
        let gap = Gap {
            source: Arc::clone(&self.name),
            time: None,
            host: None,
            by: "source",
            of: Some(Arc::from(loss.reason.name())),
            lines: loss.lines,
        };
        self.keep_gap(reached, gap, on_notice);
    }

    /// The first line after a loss that tells the time: the missing ones came before it.
    pub(super) fn end_loss(&mut self, offset: u64, time: i64) {
        self.is_after_loss = false;
        self.note_loss(offset, time);
    }

    fn note_loss(&mut self, offset: u64, time: i64) {
        self.last_gap.at = self.last_gap.at.max(Some(time));
        self.last_gap.known = Some((offset, time));
    }
}
