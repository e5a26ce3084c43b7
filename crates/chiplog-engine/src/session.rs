//! Many live streams: what a daemon feeds and asks.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use chiplog_rules::RuleSet;

use crate::collect::Collection;
use crate::past::Past;
use crate::plan::RulePlan;
use crate::timeline::{Outcome, Timeline};
use crate::{Block, InputOptions, Loss, Notice, ScanOptions, ScanSummary, Scanner};

/// Templates of unknown lines that a summary joins, the most frequent of all streams.
const MAX_TEMPLATES: usize = 500;

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
            let timeline = Timeline::new(&self.rules, &self.plans, stream, self.options.range());
            let stream_at_start = Stream { timeline, outcome: OnceLock::new() };
            self.streams.insert(Arc::clone(&stream.name), stream_at_start);
        }
        let known = self.streams.get_mut(&stream.name).expect("it is there or was just put there");
        known.outcome = OnceLock::new();
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
    /// first and the worst of each rule. Streams that go on are told by name, after those that
    /// ended. Costs little for streams without a line since the last summary.
    #[must_use]
    pub fn summary(&self) -> ScanSummary {
        let mut collection = Collection::new(&self.plans);
        self.past.add_to(&mut collection);
        for stream in self.streams.values() {
            collection.add(stream.outcome.get_or_init(|| stream.timeline.outcome()).clone());
        }
        collection.finish(MAX_TEMPLATES)
    }
}
