//! A source that may fail, and is tried again.

use std::io;
use std::time::{Duration, Instant};

use chiplog_source::{Delivery, Readiness, Source};
use serde_json::Value;

/// How long a source is left alone after its first failure; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long a source that brings nothing must go without a failure to be taken for working again:
/// what waits for lines on a thread of its own, or in a child process, fails a little later.
const PROBATION: Duration = Duration::from_secs(10);

/// Makes a source that goes on from a cursor.
pub(super) type Open = Box<dyn FnMut(Option<&Value>) -> io::Result<Box<dyn Source>>>;

/// A source with its health.
pub(super) struct Supervised {
    name: String,
    open: Open,
    reading: Reading,
    failing: Option<Failing>,
    /// Nothing more will come of it.
    has_ended: bool,
    /// Whether the source is over when its stream is.
    is_finite: bool,
}

enum Reading {
    /// Not opened yet; it will go on from here.
    From(Option<Value>),
    Source(Box<dyn Source>),
}

#[derive(Clone, Copy, Debug)]
struct Failing {
    tries: u32,
    next_try: Instant,
    /// When the last try began that has not failed yet.
    since: Option<Instant>,
}

/// What became of a try.
#[derive(Debug)]
pub(super) enum Polled {
    /// It could be read; if it could not before, after so many failures.
    Read { is_idle: bool, recovered_after: Option<u32> },
    /// It failed; only the first of a row of failures is `is_news`.
    Failed { error: io::Error, is_news: bool },
}

impl Supervised {
    pub(super) fn new(name: &str, is_finite: bool, cursor: Option<Value>, open: Open) -> Self {
        let reading = Reading::From(cursor);
        Self { name: name.to_owned(), open, reading, failing: None, has_ended: false, is_finite }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Where it stands; `None` if it was never read.
    pub(super) fn cursor(&self) -> Option<Value> {
        match &self.reading {
            Reading::From(cursor) => cursor.clone(),
            Reading::Source(source) => Some(source.cursor()),
        }
    }

    /// Where the writer of a pipe should go on, if it can: a pipe cannot be asked for it.
    pub(super) fn resumed_by(&self) -> Option<String> {
        let cursor = self.cursor().filter(|_| self.is_finite)?;
        cursor["after"].as_str().map(str::to_owned)
    }

    /// How long it is left alone because it has failed.
    pub(super) fn until_next_try(&self, now: Instant) -> Option<Duration> {
        let wait = self.failing?.next_try.saturating_duration_since(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// Polls it, opening it before if need be. Not to be called before its next try.
    pub(super) fn poll(&mut self, now: Instant, sink: &mut dyn FnMut(Delivery<'_>)) -> Polled {
        let (mut has_ended, mut has_brought) = (false, false);
        let is_finite = self.is_finite;
        let mut watch = |delivery: Delivery<'_>| {
            has_ended |= is_finite && matches!(delivery, Delivery::Ended { .. });
            has_brought |= !matches!(delivery, Delivery::Warning(_));
            sink(delivery);
        };
        let polled = match &mut self.reading {
            Reading::Source(source) => source.poll(&mut watch),
            Reading::From(cursor) => (self.open)(cursor.as_ref()).and_then(|mut source| {
                let polled = source.poll(&mut watch);
                self.reading = Reading::Source(source);
                polled
            }),
        };
        self.has_ended |= has_ended;
        match polled {
            Ok(readiness) => {
                let tries = self.proven(now, has_brought);
                Polled::Read { is_idle: readiness == Readiness::Idle, recovered_after: tries }
            }
            Err(error) => {
                let tries = self.failing.map_or(0, |failing| failing.tries).saturating_add(1);
                self.failing = Some(Failing { tries, next_try: now + wait_after(tries), since: None });
                Polled::Failed { error, is_news: tries == 1 }
            }
        }
    }

    /// Takes note that it has not failed. If it is taken for working again by that, tells after how
    /// many failures.
    fn proven(&mut self, now: Instant, has_brought: bool) -> Option<u32> {
        let failing = self.failing.as_mut()?;
        let since = *failing.since.get_or_insert(now);
        let tries = failing.tries;
        (has_brought || now.duration_since(since) >= PROBATION).then(|| {
            self.failing = None;
            tries
        })
    }
}

fn wait_after(tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    (FIRST_WAIT * (1 << doublings)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use chiplog_source::{Block, Stream};
    use serde_json::json;

    use super::*;

    type Script = Arc<Mutex<VecDeque<Step>>>;

    enum Step {
        Fails,
        Waits,
        Brings,
    }

    /// Does what the script says.
    struct Scripted(Script);

    impl Source for Scripted {
        fn name(&self) -> &str {
            "scripted"
        }
        fn poll(&mut self, sink: &mut dyn FnMut(Delivery<'_>)) -> io::Result<Readiness> {
            match self.0.lock().unwrap().pop_front().unwrap() {
                Step::Fails => return Err(io::Error::other("torn")),
                Step::Waits => sink(Delivery::Warning("waiting".to_owned())),
                Step::Brings => {
                    let stream = Stream { name: Arc::from("s"), modified_unix_nanos: None };
                    sink(Delivery::Lines { stream: &stream, block: Block::default() });
                }
            }
            Ok(Readiness::More)
        }
        fn cursor(&self) -> Value {
            json!(2)
        }
    }

    #[test]
    fn failures_are_news_once_and_recovery_must_be_proven() {
        use Step::{Brings, Fails, Waits};
        let steps = [Fails, Waits, Fails, Brings, Waits, Fails, Waits, Waits];
        let script: Script = Arc::new(Mutex::new(steps.into()));
        let mut refusals = 1;
        let open: Open = Box::new(move |cursor| {
            assert_eq!(cursor, Some(&json!(1)));
            refusals -= 1;
            if refusals == 0 { Err(io::Error::other("shut")) } else { Ok(Box::new(Scripted(script.clone()))) }
        });
        let mut source = Supervised::new("scripted", false, Some(json!(1)), open);
        let mut now = Instant::now();
        let mut poll = |cursor: u8, wait_seconds: u64| {
            let polled = source.poll(now, &mut |_| {});
            assert_eq!(source.cursor(), Some(json!(cursor)));
            let wait = source.until_next_try(now).unwrap_or_default();
            assert_eq!(wait.as_secs(), wait_seconds);
            now += PROBATION;
            match polled {
                Polled::Read { recovered_after: None, .. } => "read".to_owned(),
                Polled::Read { recovered_after: Some(tries), .. } => format!("recovered after {tries}"),
                Polled::Failed { is_news: true, .. } => "failed".to_owned(),
                Polled::Failed { is_news: false, .. } => "failed again".to_owned(),
            }
        };
        // The first two: it cannot be opened, then it can and fails.
        assert_eq!(poll(1, 1), "failed");
        assert_eq!(poll(2, 2), "failed again");
        assert_eq!(poll(2, 0), "read");
        assert_eq!(poll(2, 4), "failed again");
        assert_eq!(poll(2, 0), "recovered after 3");
        assert_eq!(poll(2, 0), "read");
        assert_eq!(poll(2, 1), "failed");
        assert_eq!(poll(2, 0), "read");
        assert_eq!(poll(2, 0), "recovered after 1");
    }

    #[test]
    fn waits() {
        let seconds: Vec<u64> = (1..9).map(|tries| wait_after(tries).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait_after(u32::MAX), LONGEST_WAIT);
    }
}
