//! Hits of lines far ahead of their host: a clock that shows 2036 for a moment must not close what is
//! open and make the lines after it late. They wait until more lines agree, or the source ends.

use super::{HitLine, HitText, LineCounter, OnNotice, Shown, Timeline};
use crate::clocks::DISORDER_NANOS;
use crate::window::Sample;

/// Hits of a host that wait. Further ones are late at once.
const MAX_HELD: usize = 256;

/// The hits of a host that wait.
#[derive(Default)]
pub(super) struct Ahead {
    held: Vec<HeldHit>,
}

struct HeldHit {
    key: usize,
    repeats: u32,
    values: Vec<Option<i64>>,
    texts: Vec<Option<u64>>,
    message: u32,
    /// Its time is that of the hit.
    shown: Shown,
}

impl Timeline {
    /// Puts a hit aside whose line is far ahead of its host.
    pub(super) fn hold_back(&mut self, key: usize, hit: &HitLine<'_>, counter: &mut LineCounter<'_>) {
        let host = self.keys[key].host;
        if self.watches[host].ahead.held.len() >= MAX_HELD {
            self.totals[self.keys[key].rule].late += 1;
            return;
        }
        let shown = self.show(key, hit, counter);
        let Sample { repeats, values, texts, .. } = hit.sample;
        let (values, texts) = (values.to_vec(), texts.to_vec());
        let held = HeldHit { key, repeats, values, texts, message: hit.message, shown };
        self.watches[host].ahead.held.push(held);
    }

    /// The host is where the lines far ahead are: their hits count.
    pub(super) fn accept_ahead(&mut self, host: usize, on_notice: OnNotice<'_>) {
        let held = std::mem::take(&mut self.watches[host].ahead.held);
        for hit in held {
            let HeldHit { key, repeats, values, texts, message, shown } = &hit;
            let time = shown.time;
            self.see(host, time);
            self.pass_time(host, time.saturating_sub(DISORDER_NANOS), on_notice);
            let sample = Sample { time, repeats: *repeats, values, texts };
            let line = HitLine { text: HitText::Kept(shown), sample, is_timed: true, message: *message };
            let mut no_lines = LineCounter { bytes: &[], offset: 0, line: 0 };
            self.observe(*key, &line, &mut no_lines, on_notice);
            self.tell_askers(*key, time, *repeats, on_notice);
        }
    }

    /// The host is not where the lines far ahead are: their hits are in the totals and in no window.
    pub(super) fn refute_ahead(&mut self, host: usize) {
        for hit in std::mem::take(&mut self.watches[host].ahead.held) {
            self.totals[self.keys[hit.key].rule].late += 1;
        }
    }

    /// Ends a host: what nothing contradicts is so.
    pub(super) fn settle_ahead(&mut self, host: usize, on_notice: OnNotice<'_>) {
        self.placement.hosts[host].progress.settle();
        self.accept_ahead(host, on_notice);
    }
}
