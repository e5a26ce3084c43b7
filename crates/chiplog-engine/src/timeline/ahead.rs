//! Hits of lines far ahead of their host: a clock that shows 2036 for a moment must not close what is
//! open and make the lines after it late. They wait until more lines agree, or the source ends.

use super::{HitLine, LineCounter, OnNotice, Timeline};
use crate::Block;
use crate::clocks::DISORDER_NANOS;

/// Hits of a host that wait. Further ones are late at once.
const MAX_HELD: usize = 256;

impl Timeline {
    /// Puts a hit aside whose line is far ahead of its host.
    pub(super) fn hold_back(&mut self, key: usize, hit: &HitLine<'_>, counter: &mut LineCounter<'_>) {
        let host = self.keys[key].host;
        if self.watches[host].ahead.len() >= MAX_HELD {
            self.add_late(key);
            return;
        }
        let stray = self.stray(key, hit, counter);
        self.watches[host].ahead.push((key, stray));
    }

    /// The host is where the lines far ahead are: their hits count.
    pub(super) fn accept_ahead(&mut self, host: usize, on_notice: OnNotice<'_>) {
        for (key, stray) in std::mem::take(&mut self.watches[host].ahead) {
            let hit = stray.line();
            let time = hit.sample.time;
            self.see(host, time);
            self.pass_time(host, time.saturating_sub(DISORDER_NANOS), on_notice);
            // Its line is kept.
            let no_block = Block::default();
            let mut counter = LineCounter::new(&no_block, 0);
            self.observe(key, &hit, &mut counter, on_notice);
            self.tell_askers(key, time, hit.sample.repeats, on_notice);
        }
    }

    /// The host is not where the lines far ahead are: their hits are in the totals and in no window.
    pub(super) fn refute_ahead(&mut self, host: usize) {
        for (key, _) in std::mem::take(&mut self.watches[host].ahead) {
            self.add_late(key);
        }
    }

    /// Ends a host: what nothing contradicts is so.
    pub(super) fn settle_ahead(&mut self, host: usize, on_notice: OnNotice<'_>) {
        self.placement.hosts[host].progress.settle();
        self.accept_ahead(host, on_notice);
    }
}
