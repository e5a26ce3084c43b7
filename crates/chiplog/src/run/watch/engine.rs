//! The one place of the daemon that drives the engine.

use std::collections::HashMap;
use std::sync::Arc;

use chiplog_engine::{
    Block, InputOptions, Notice, RestoreError, RuleChanges, ScanOptions, ScanSummary, Session,
};
use chiplog_rules::RuleSet;
use chiplog_source::{Loss, Stream, origin_of};

use crate::clock;
use crate::flags::ClockFlags;

/// A session of the engine, and what is known of its streams besides their lines.
pub(super) struct Engine {
    session: Session,
    clock: ClockFlags,
    streams: HashMap<Arc<str>, InputOptions>,
}

impl Engine {
    pub(super) fn new(rules: &RuleSet, clock: ClockFlags) -> Self {
        Self { session: Session::new(rules, ScanOptions::default()), clock, streams: HashMap::new() }
    }

    /// Goes on from what was saved, with rules that may have changed.
    pub(super) fn restore(
        rules: &RuleSet,
        clock: ClockFlags,
        saved: &[u8],
    ) -> Result<(Self, RuleChanges), RestoreError> {
        let (session, changes) = Session::restore(rules, ScanOptions::default(), saved)?;
        Ok((Self { session, clock, streams: HashMap::new() }, changes))
    }

    pub(super) fn absorb(&mut self, stream: &Stream, block: &Block, on_notice: &mut dyn FnMut(Notice<'_>)) {
        let options = known(&mut self.streams, self.clock, stream);
        self.session.absorb(options, block, on_notice);
    }

    pub(super) fn lose(&mut self, stream: &Stream, loss: &Loss, on_notice: &mut dyn FnMut(Notice<'_>)) {
        let options = known(&mut self.streams, self.clock, stream);
        self.session.lose(options, loss, on_notice);
    }

    pub(super) fn end(&mut self, stream: &Stream, on_notice: &mut dyn FnMut(Notice<'_>)) {
        self.session.end(&stream.name, on_notice);
        self.streams.remove(&stream.name);
    }

    pub(super) fn summary(&self) -> ScanSummary {
        self.session.summary()
    }

    /// Goes on with other rules: those that have not changed keep what they know.
    pub(super) fn replace_rules(&mut self, rules: &RuleSet) -> RuleChanges {
        self.session.replace_rules(rules)
    }

    pub(super) fn save(&self) -> Vec<u8> {
        self.session.save()
    }
}

/// The options of a stream, made when it is first seen.
fn known<'s>(
    streams: &'s mut HashMap<Arc<str>, InputOptions>,
    clock: ClockFlags,
    stream: &Stream,
) -> &'s InputOptions {
    streams.entry(Arc::clone(&stream.name)).or_insert_with(|| InputOptions {
        name: Arc::clone(&stream.name),
        clock: clock::of_stream(clock, stream.modified_unix_nanos, true),
        is_live: true,
        origin: origin_of(&stream.name),
    })
}
