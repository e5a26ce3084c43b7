//! Clocks that jump.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{LineCounter, OnNotice, Timeline};
use crate::clocks::{Advance, DISORDER_NANOS};
use crate::{ClockStep, Notice};

/// Steps listed per source, the first, or the newest of a source without end; further ones are
/// counted.
const MAX_STEPS: usize = 100;

/// The first of the lines that are far from where their host is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Strayed {
    line: u64,
    offset: u64,
    time: i64,
    /// Where the host was.
    from: i64,
    /// Lines so far.
    lines: u64,
}

/// A step as it is listed. Times are local: the zone may be learned later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ListedStep {
    pub(super) clock: usize,
    from: i64,
    to: i64,
    step: ClockStep,
}

impl Timeline {
    /// Takes the time of a line into account, and what it implies.
    pub(super) fn advance(
        &mut self,
        host: usize,
        time: i64,
        offset: usize,
        counter: &mut LineCounter<'_>,
        on_notice: OnNotice<'_>,
    ) {
        let progress = &mut self.placement.hosts[host].progress;
        let (is_ahead, before) = (progress.is_ahead(time), progress.latest());
        let advance = progress.advance(time);
        let reached = progress.latest().unwrap_or(time);
        if !is_ahead && let Some(strayed) = self.watches[host].strayed.filter(Strayed::is_ahead) {
            // One line, or two, that nothing else agrees with.
            self.note_step(host, strayed, false, on_notice);
            self.watches[host].strayed = None;
            self.refute_ahead(host);
        }
        match advance {
            Advance::InOrder => self.watches[host].strayed = None,
            Advance::Stray { is_first } => {
                let lines =
                    if is_first { 0 } else { self.watches[host].strayed.map_or(0, |known| known.lines) };
                if is_first || self.watches[host].strayed.is_none() {
                    let (line, offset) = (counter.at(offset), counter.offset_in_source(offset));
                    let from = before.unwrap_or(time);
                    self.watches[host].strayed = Some(Strayed { line, offset, time, from, lines });
                }
                if let Some(strayed) = &mut self.watches[host].strayed {
                    strayed.lines = strayed.lines.saturating_add(1);
                }
            }
            Advance::Stepped { .. } => {
                if let Some(strayed) = self.watches[host].strayed.take() {
                    self.note_step(host, strayed, true, on_notice);
                    if is_ahead {
                        self.see(host, strayed.time);
                        self.accept_ahead(host, on_notice);
                    }
                }
            }
        }
        if !(is_ahead && matches!(advance, Advance::Stray { .. })) {
            self.see(host, time);
        }
        self.pass_time(host, reached.saturating_sub(DISORDER_NANOS), on_notice);
    }

    fn note_step(&mut self, host: usize, strayed: Strayed, is_lasting: bool, on_notice: OnNotice<'_>) {
        let is_full = self.steps.len() >= MAX_STEPS;
        self.steps_left_out = self.steps_left_out.saturating_add(u64::from(is_full));
        if is_full && !self.keeps_newest {
            return;
        }
        let instant = |local| self.placement.to_instant(host, local);
        let name = &self.placement.hosts[host].name;
        let Strayed { line, offset, time: to, from, lines } = strayed;
        let step = ClockStep {
            source: Arc::clone(&self.name),
            host: (!name.is_empty()).then(|| Arc::clone(name)),
            line,
            offset,
            from_time: instant(from),
            to_time: instant(to),
            lasts: is_lasting,
            stray_lines: if is_lasting { 0 } else { lines },
        };
        on_notice(Notice::ClockStep(&step));
        if is_full {
            self.steps.pop_front();
        }
        self.steps.push_back(ListedStep { clock: host, from, to, step });
    }

    /// The steps as they are listed, by what is now known of the zones.
    pub(super) fn final_steps(&self) -> Vec<ClockStep> {
        let instant = |clock, local| self.placement.to_instant(clock, local);
        let listed = self.steps.iter();
        listed
            .map(|listed| ClockStep {
                from_time: instant(listed.clock, listed.from),
                to_time: instant(listed.clock, listed.to),
                ..listed.step.clone()
            })
            .collect()
    }
}

impl Strayed {
    fn is_ahead(&self) -> bool {
        self.time > self.from
    }
}
