//! A source that may fail, and is tried again.

use std::io;
use std::time::{Duration, Instant};

use chiplog_source::{Delivery, Readiness, Source};
use serde_json::Value;

/// How long a source is left alone after its first failure; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

const LONGEST_WAIT: Duration = Duration::from_secs(60);

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
}

/// What became of a try.
#[derive(Debug)]
pub(super) enum Polled {
    More,
    Idle,
    /// It works again, after so many failures.
    Recovered(u32),
    /// It failed; only the first of a row of failures is `is_news`.
    Failed {
        error: io::Error,
        is_news: bool,
    },
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

    /// How long it is left alone because it has failed.
    pub(super) fn until_next_try(&self, now: Instant) -> Option<Duration> {
        self.failing.map(|failing| failing.next_try.saturating_duration_since(now))
    }

    /// Polls it, opening it before if need be. Not to be called before its next try.
    pub(super) fn poll(&mut self, sink: &mut dyn FnMut(Delivery<'_>)) -> Polled {
        let mut has_ended = false;
        let is_finite = self.is_finite;
        let mut watch = |delivery: Delivery<'_>| {
            has_ended |= is_finite && matches!(delivery, Delivery::Ended { .. });
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
            Ok(readiness) => match self.failing.take() {
                Some(Failing { tries, .. }) => Polled::Recovered(tries),
                None if readiness == Readiness::More => Polled::More,
                None => Polled::Idle,
            },
            Err(error) => {
                let tries = self.failing.map_or(0, |failing| failing.tries) + 1;
                self.failing = Some(Failing { tries, next_try: Instant::now() + wait_after(tries) });
                Polled::Failed { error, is_news: tries == 1 }
            }
        }
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

    use serde_json::json;

    use super::*;

    type Script = Arc<Mutex<VecDeque<io::Result<Readiness>>>>;

    /// Does what the script says.
    struct Scripted(Script);

    impl Source for Scripted {
        fn name(&self) -> &str {
            "scripted"
        }
        fn poll(&mut self, _: &mut dyn FnMut(Delivery<'_>)) -> io::Result<Readiness> {
            self.0.lock().unwrap().pop_front().unwrap()
        }
        fn cursor(&self) -> Value {
            json!(2)
        }
    }

    #[test]
    fn failures_are_news_once_and_waits_grow() {
        let torn = || io::Error::other("torn");
        let script: Script = Arc::new(Mutex::new(VecDeque::from([
            Err(torn()),
            Err(torn()),
            Ok(Readiness::More),
            Ok(Readiness::More),
            Err(torn()),
        ])));
        let mut refusals = 1;
        let open: Open = Box::new(move |cursor| {
            assert_eq!(cursor, Some(&json!(1)));
            refusals -= 1;
            if refusals == 0 { Err(io::Error::other("shut")) } else { Ok(Box::new(Scripted(script.clone()))) }
        });
        let mut source = Supervised::new("scripted", false, Some(json!(1)), open);
        let mut poll = |cursor, failing| {
            let polled = source.poll(&mut |_| {});
            assert_eq!((source.cursor(), source.is_failing()), (Some(json!(cursor)), failing));
            polled
        };
        assert!(matches!(poll(1, true), Polled::Failed { is_news: true, .. }));
        assert!(matches!(poll(2, true), Polled::Failed { is_news: false, .. }));
        assert!(matches!(poll(2, true), Polled::Failed { is_news: false, .. }));
        assert!(matches!(poll(2, false), Polled::Recovered(3)));
        assert!(matches!(poll(2, false), Polled::More));
        assert!(matches!(poll(2, true), Polled::Failed { is_news: true, .. }));
    }

    #[test]
    fn waits() {
        let seconds: Vec<u64> = (1..9).map(|tries| wait_after(tries).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait_after(u32::MAX), LONGEST_WAIT);
    }
}
