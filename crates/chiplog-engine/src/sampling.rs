//! Loggers that write a part of equal messages.
//!
//! zap's sampler counts the messages of one level and text from the first on, for one second by
//! their own times. It writes the first hundred, then every hundredth (uber-go/zap
//! `zapcore/sampler.go`, 1.16; etcd `client/pkg/logutil/zap.go`, in etcd from 3.4 on unless it
//! writes to the journal itself). So the hundredth line of a second is the first behind which lines
//! are missing, and each further one stands for a hundred, if its logger samples: no line says
//! whether it does. Counts of such lines are marked as lower bounds, and not corrected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const TICK_NANOS: i64 = 1_000_000_000;

/// Lines of one message that are written in a tick before any is left out.
const FIRST: u32 = 100;

/// Messages of a source that are followed.
const MAX_MESSAGES: usize = 4_096;

/// A message that goes on to be sampled is told of again after this time.
const TELL_EVERY_NANOS: i64 = 60 * TICK_NANOS;

/// How many lines of each message fall into a second.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sampling {
    /// By host and hash of the message.
    ticks: BTreeMap<(usize, u32), Tick>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Tick {
    since: i64,
    lines: u32,
    told: Option<i64>,
}

/// Lines of a message are missing around a line of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sampled {
    /// The second in which they are.
    pub(crate) since: i64,
    pub(crate) until: i64,
    /// Nothing was told of it lately.
    pub(crate) is_news: bool,
}

impl Sampling {
    /// Takes a line of a message.
    pub(crate) fn add(&mut self, host: usize, message: u32, time: i64) -> Option<Sampled> {
        if self.ticks.len() >= MAX_MESSAGES && !self.ticks.contains_key(&(host, message)) {
            return None;
        }
        let tick = self.ticks.entry((host, message)).or_insert(Tick { since: time, lines: 0, told: None });
        if tick.since.abs_diff(time) >= TICK_NANOS as u64 {
            (tick.since, tick.lines) = (time, 0);
        }
        tick.lines = tick.lines.saturating_add(1);
        if tick.lines < FIRST {
            return None;
        }
        let is_news = tick.told.is_none_or(|told| told.abs_diff(time) >= TELL_EVERY_NANOS as u64);
        if is_news {
            tick.told = Some(time);
        }
        Some(Sampled { since: tick.since, until: tick.since.saturating_add(TICK_NANOS), is_news })
    }
}

/// zap's hash of a message (FNV-1a of 32 bits), never 0.
pub(crate) fn message_hash(level: u8, message: &[u8]) -> u32 {
    const PRIME: u32 = 16_777_619;
    let fold = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(PRIME);
    message.iter().fold(fold(2_166_136_261, &level), fold).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hundredth_line_of_a_second_is_the_first_that_may_stand_for_more() {
        let mut sampling = Sampling::default();
        let milli = 1_000_000;
        let mut told = Vec::new();
        for line in 0..250i64 {
            // 125 a second, from half a second past on.
            let sampled = sampling.add(0, 7, 500 * milli + line * 8 * milli);
            told.extend(sampled.map(|sampled| (line, sampled.since / milli, sampled.is_news)));
        }
        assert_eq!(told.len(), 2 * 26);
        assert_eq!(told[0], (99, 500, true));
        assert_eq!(told[26], (125 + 99, 1_500, false));
        assert!(sampling.add(0, 8, 0).is_none());
        assert!(sampling.add(2, 7, 0).is_none());
    }

    #[test]
    fn a_clock_that_goes_back_starts_anew() {
        let mut sampling = Sampling::default();
        assert!((0..99).all(|_| sampling.add(0, 7, 3_600 * TICK_NANOS).is_none()));
        assert!((0..99).all(|_| sampling.add(0, 7, 0).is_none()));
        assert!(sampling.add(0, 7, 1).is_some_and(|sampled| sampled.is_news));
    }

    #[test]
    fn memory_is_bounded() {
        let mut sampling = Sampling::default();
        (0..2 * MAX_MESSAGES as u32).for_each(|message| assert!(sampling.add(0, message, 0).is_none()));
        assert_eq!(sampling.ticks.len(), MAX_MESSAGES);
    }
}
