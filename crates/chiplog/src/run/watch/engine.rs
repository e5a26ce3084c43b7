//! The one place of the daemon that drives the engine.

use std::sync::Arc;

use chiplog_engine::{Block, InputOptions, Notice, ScanMode, ScanOptions, ScanSummary, Scanner};
use chiplog_rules::RuleSet;
use chiplog_source::{Loss, Stream};

use crate::clock;
use crate::flags::ClockFlags;

// STAND-IN until the engine has sessions.
pub(super) struct Engine {
    rules: RuleSet,
    scanner: Scanner,
    clock: ClockFlags,
    summary: ScanSummary,
}

pub(super) struct RuleChanges;

impl Engine {
    pub(super) fn new(rules: &RuleSet, clock: ClockFlags) -> Self {
        let _ = ScanOptions::default();
        let scanner = Scanner::new(rules, ScanMode::Sparse, true);
        Self { rules: rules.clone(), scanner, clock, summary: ScanSummary::default() }
    }
    pub(super) fn restore(
        rules: &RuleSet,
        clock: ClockFlags,
        _saved: &[u8],
    ) -> Result<(Self, RuleChanges), String> {
        Ok((Self::new(rules, clock), RuleChanges))
    }
    pub(super) fn absorb(&mut self, stream: &Stream, block: &Block, _on_notice: &mut dyn FnMut(Notice<'_>)) {
        let _ = InputOptions {
            name: Arc::clone(&stream.name),
            clock: clock::of_stream(self.clock, stream.modified_unix_nanos, true),
            is_live: true,
            origin: chiplog_engine::Origin::default(),
        };
        let _ = self.scanner.scan(block).hits();
    }
    pub(super) fn lose(&mut self, _stream: &Stream, _loss: &Loss, _on_notice: &mut dyn FnMut(Notice<'_>)) {}
    pub(super) fn end(&mut self, _stream: &Stream, _on_notice: &mut dyn FnMut(Notice<'_>)) {}
    pub(super) fn summary(&self) -> ScanSummary {
        self.summary.clone()
    }
    pub(super) fn replace_rules(&mut self, rules: &RuleSet) -> RuleChanges {
        self.rules = rules.clone();
        RuleChanges
    }
    pub(super) fn save(&self) -> Vec<u8> {
        vec![]
    }
}
