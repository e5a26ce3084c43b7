//! Many live streams: what a daemon feeds and asks.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use chiplog_rules::RuleSet;

use crate::collect::Collection;
use crate::past::Past;
use crate::plan::RulePlan;
use crate::saved::{self, Renumbered, SavedHead, SavedRule};
use crate::timeline::{Outcome, Timeline};
use crate::{
    Block, Finding, InputOptions, Loss, Notice, RestoreError, RuleChanges, ScanOptions, ScanSummary, Scanner,
    Sighting, State, Transition,
};

/// Templates of unknown lines that a summary joins, the most frequent of all streams.
const MAX_TEMPLATES: usize = 500;

/// Of these, no more of one stream.
const MAX_TEMPLATES_OF_STREAM: usize = 50;

/// Sightings in a summary, the newest.
const MAX_SIGHTINGS: usize = 1_000;

/// A scan of many streams that goes on and on.
///
/// Each stream has windows and findings of its own, as each input of a [`crate::Scan`] has, and what
/// comes out depends on its lines alone: not on how blocks of streams took turns. Memory is bounded
/// however long a session lasts.
///
/// ```
/// use std::sync::Arc;
/// use chiplog_engine::{Block, InputOptions, Origin, ScanOptions, Session};
/// use chiplog_parse::Clock;
/// use chiplog_rules::RuleSet;
///
/// let mut session = Session::new(&RuleSet::builtin(), ScanOptions::default());
/// let line = b"2019-08-17 16:36:44.213626 W | wal: sync duration of 1.9s, expected less than 1s\n";
/// let block = Block { bytes: line.to_vec(), ..Block::default() };
/// let (name, clock) = (Arc::from("etcd.log"), Clock::unknown());
/// let stream = InputOptions { name, clock, is_live: true, origin: Origin::default() };
/// session.absorb(&stream, &block, &mut |_| {});
/// assert_eq!(&*session.summary().findings[0].rule_id, "etcd-slow-fsync");
/// ```
pub struct Session {
    rules: RuleSet,
    plans: Arc<Vec<RulePlan>>,
    options: ScanOptions,
    scanner: Scanner,
    streams: BTreeMap<Arc<str>, Stream>,
    past: Past,
}

/// A stream that goes on.
struct Stream {
    timeline: Timeline,
    /// What it came to, once someone has asked since its last line. Most streams are idle.
    outcome: OnceLock<Outcome>,
    /// The same as it is saved.
    saved: OnceLock<Box<[u8]>>,
}

impl Stream {
    fn new(timeline: Timeline) -> Self {
        Self { timeline, outcome: OnceLock::new(), saved: OnceLock::new() }
    }
}

impl Session {
    /// A session with these rules. Blocks are scanned on the calling thread:
    /// [`ScanOptions::workers`] does not matter.
    #[must_use]
    pub fn new(rules: &RuleSet, options: ScanOptions) -> Self {
        Self {
            rules: rules.clone(),
            plans: Arc::new(RulePlan::of_set(rules)),
            options,
            scanner: Scanner::new(rules, options.mode, true),
            streams: BTreeMap::new(),
            past: Past::default(),
        }
    }

    /// Takes the next block of a stream. A stream begins with its first block: its clock and origin are those of
    /// the options given then. `on_notice` is called for each opening, worsening and closing and for
    /// each gap, in the order of the lines that caused them.
    pub fn absorb(&mut self, stream: &InputOptions, block: &Block, on_notice: &mut dyn FnMut(Notice<'_>)) {
        self.scanner.set_origin(&stream.origin);
        let mut partial = self.scanner.scan(block);
        if !stream.is_live {
            partial.last = None;
        }
        let timeline = self.timeline(stream);
        timeline.absorb(block, &partial, on_notice);
        let closed = timeline.take_closed();
        self.past.keep(closed);
    }

    /// Lines of a stream are missing at the place that it has reached, as its source knows: findings
    /// that they may belong to are lower bounds from now on, and rules that wait for an absence wait
    /// again.
    pub fn lose(&mut self, stream: &InputOptions, loss: &Loss, on_notice: &mut dyn FnMut(Notice<'_>)) {
        self.timeline(stream).lose(loss, on_notice);
    }

    /// The timeline of a stream, about to change.
    fn timeline(&mut self, stream: &InputOptions) -> &mut Timeline {
        if !self.streams.contains_key(&stream.name) {
            let timeline =
                Timeline::new(&self.rules, &self.plans, stream, self.options.range()).without_end();
            self.streams.insert(Arc::clone(&stream.name), Stream::new(timeline));
        }
        let known = self.streams.get_mut(&stream.name).expect("it is there or was just put there");
        known.outcome = OnceLock::new();
        known.saved = OnceLock::new();
        &mut known.timeline
    }

    /// Ends a stream, as the end of an input does in a scan: what can close by its last line does,
    /// and what it came to stays. Later blocks of this name begin a stream anew.
    pub fn end(&mut self, stream: &str, on_notice: &mut dyn FnMut(Notice<'_>)) {
        if let Some(stream) = self.streams.remove(stream) {
            self.past.end(stream.timeline.finish(on_notice));
        }
    }

    /// Everything found so far.
    ///
    /// Findings that are open are all there; of those that have closed the newest 1,000, and the
    /// first and the worst of each rule; of sightings the newest 1,000. Streams that go on are told by
    /// name, after those that ended. Costs little for streams without a line since the last summary.
    #[must_use]
    pub fn summary(&self) -> ScanSummary {
        let mut collection = Collection::new(&self.plans);
        self.past.add_to(&mut collection);
        for stream in self.streams.values() {
            let outcome = stream.outcome.get_or_init(|| stream.timeline.outcome(MAX_TEMPLATES_OF_STREAM));
            collection.add(outcome.without_sightings());
        }
        collection.summary.sightings = self.newest_sightings();
        collection.finish(MAX_TEMPLATES)
    }

    fn newest_sightings(&self) -> Vec<Sighting> {
        enum Place<'s> {
            Ended(&'s Sighting),
            Going(&'s Timeline, usize),
        }
        let ended = self.past.sightings().map(|sighting| (sighting.last_time, Place::Ended(sighting)));
        let timelines = self.streams.values().map(|stream| &stream.timeline);
        let going = timelines.flat_map(|timeline| {
            timeline.sighted().map(move |(last, key)| (last, Place::Going(timeline, key)))
        });
        let mut all: Vec<_> = ended.chain(going).collect();
        // Equal ones stay in the order of streams and keys, which is always the same.
        all.sort_by_key(|(last, _)| Reverse(*last));
        all.truncate(MAX_SIGHTINGS);
        let sighting = |(_, place)| match place {
            Place::Ended(sighting) => Some(sighting.clone()),
            Place::Going(timeline, key) => timeline.sighting(key),
        };
        all.into_iter().filter_map(sighting).collect()
    }

    /// All that the session holds, as bytes: the same for the same blocks. They begin with the number
    /// of their form, and [`Session::restore`] of another release may not know it. They hold lines of
    /// logs as they are, and no checksum.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let rules = SavedRule::of_set(&self.rules);
        let head = SavedHead { rules, past: Cow::Borrowed(&self.past) };
        let streams = self.streams.values();
        let streams = streams.map(|stream| {
            &**stream.saved.get_or_init(|| saved::to_bytes(&stream.timeline.to_saved()).into_boxed_slice())
        });
        saved::join(&head, streams)
    }

    /// The session that was saved, with rules that may have changed since: it goes on as if it had
    /// not been interrupted.
    ///
    /// # Errors
    ///
    /// Bytes of another form, or that were changed.
    pub fn restore(
        rules: &RuleSet,
        options: ScanOptions,
        saved: &[u8],
    ) -> Result<(Self, RuleChanges), RestoreError> {
        let (head, streams) = saved::split(saved)?;
        let (renumbered, mut changes) = Renumbered::new(&head.rules, rules)?;
        let mut session = Self::new(rules, options);
        session.past = head.past.into_owned().renumbered(&renumbered)?;
        for saved in streams {
            let saved = saved?;
            let name = Arc::clone(&saved.name);
            let range = options.range();
            let (timeline, told) = Timeline::restore(saved, rules, &session.plans, &renumbered, range)?;
            for mut finding in told {
                if finding.state == State::Open {
                    finding.state = State::Closed;
                    finding.rule_changed = true;
                    finding.closed_time = finding.time;
                    changes.closed.push(Finding { transition: Some(Transition::Close), ..finding.clone() });
                }
                session.past.keep([finding]);
            }
            if session.streams.insert(name, Stream::new(timeline)).is_some() {
                return Err(RestoreError::Damaged { what: "a stream that is there twice" });
            }
        }
        Ok((session, changes))
    }

    /// Goes on with other rules. What rules that are still the same know stays; what rules that
    /// changed knew is gone, and so are their totals.
    pub fn replace_rules(&mut self, rules: &RuleSet) -> RuleChanges {
        match Self::restore(rules, self.options, &self.save()) {
            Ok((session, changes)) => {
                *self = session;
                changes
            }
            Err(error) => {
                // What was saved just now can be restored; if not, beginning anew beats stopping.
                debug_assert!(false, "{error}");
                *self = Self::new(rules, self.options);
                let added = rules.rules().iter().map(|rule| Arc::from(rule.id.as_str())).collect();
                RuleChanges { added, ..RuleChanges::default() }
            }
        }
    }
}
