//! Scans with the built-in rules: one answer however the input is cut, and in both modes.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use chiplog_engine::{
    Block, Finding, InputOptions, Notice, Origin, Scan, ScanMode, ScanOptions, ScanSummary, diagnose,
};
use chiplog_parse::{Clock, UnixNanos};
use chiplog_rules::RuleSet;
use chiplog_source::{BlockReader, Limits};

use super::parameters;

fn builtin() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(RuleSet::builtin)
}

/// How an input is cut and read.
#[derive(Clone, Copy, Debug)]
struct Plan {
    block_bytes: usize,
    workers: usize,
    mode: ScanMode,
    is_live: bool,
}

/// What both scans share: the input and what is known of it.
struct Case<'a> {
    log: &'a [u8],
    line_bytes: usize,
    /// Where the input begins. Beyond the head of a source not every line is looked at.
    offset: u64,
    clock: Clock,
}

impl<'a> Case<'a> {
    fn new(flags: u8, log: &'a [u8]) -> Self {
        let offset = match flags & 3 {
            0 => 0,
            1 => 17 << 20,
            // A little before a place where the time is told.
            2 => (17 << 20) + (64 << 10) - 40,
            _ => (8 << 20) - 40,
        };
        let clock = match flags >> 2 & 3 {
            0 => Clock::unknown(),
            1 => Clock::from_year(2024),
            2 => Clock::near(UnixNanos(1_709_618_828_000_000_000)),
            _ => Clock::from_year(2019).with_utc_offset_seconds(19_800),
        };
        Self { log, line_bytes: if flags & 16 == 0 { 1 << 10 } else { 80 }, offset, clock }
    }

    fn blocks(&self, block_bytes: usize) -> Vec<Block> {
        let limits = Limits { block_bytes, line_bytes: self.line_bytes };
        let mut reader = BlockReader::new(self.log, limits);
        let mut blocks = Vec::new();
        while let Some(mut block) = reader.next_block().expect("bytes in memory can be read") {
            block.offset += self.offset;
            blocks.push(block);
        }
        blocks
    }

    fn scan(&self, rules: &RuleSet, plan: Plan) -> (ScanSummary, Vec<Finding>) {
        let options = ScanOptions { workers: plan.workers, mode: plan.mode, ..ScanOptions::default() };
        let mut scan = Scan::new(rules, options);
        let (name, clock, origin) = (Arc::from("input"), self.clock, Origin::default());
        let input = InputOptions { name, clock, is_live: plan.is_live, origin };
        let mut blocks = self.blocks(plan.block_bytes).into_iter().map(Ok::<_, Infallible>);
        let mut transitions = Vec::new();
        let Ok(()) = scan.input(&input, &mut blocks, &mut |notice| {
            if let Notice::Transition(finding) = notice {
                transitions.push(finding.clone());
            }
        });
        (scan.finish(), transitions)
    }
}

pub(super) fn check_splits(data: &[u8]) {
    let ([flags, small, other], log) = parameters(data);
    let case = Case::new(flags, log);
    let mode = if flags & 32 == 0 { ScanMode::Sparse } else { ScanMode::Dense };
    let whole = Plan { block_bytes: 1 << 20, workers: 1, mode, is_live: false };
    let (wanted, wanted_transitions) = case.scan(builtin(), whole);
    let cut = Plan { block_bytes: usize::from(small) + 1, ..whole };
    // Threads cost more than a short scan does.
    let parallel =
        (flags & 64 != 0).then_some(Plan { block_bytes: usize::from(other) * 4 + 1, workers: 3, ..whole });
    for plan in [Some(cut), parallel].into_iter().flatten() {
        let (summary, transitions) = case.scan(builtin(), plan);
        assert_eq!(format!("{summary:#?}"), format!("{wanted:#?}"), "{plan:?}");
        assert_eq!(transitions, wanted_transitions, "{plan:?}");
    }
    let live = Plan { block_bytes: usize::from(small) + 1, is_live: true, ..whole };
    let (summary, _) = case.scan(builtin(), live);
    assert_eq!(summary.findings, wanted.findings, "{live:?}");
    assert_eq!(summary.sightings, wanted.sightings, "{live:?}");
    assert_eq!(summary.rules, wanted.rules, "{live:?}");
    assert_eq!(diagnose(builtin(), &summary), diagnose(builtin(), &wanted), "{live:?}");
    let lines = chiplog_parse::lines(log).count() as u64;
    assert!(wanted.inputs.iter().all(|input| input.lines == lines && input.bytes == log.len() as u64));
}

pub(super) fn check_sparse_equals_dense(data: &[u8]) {
    let ([flags, small, _], log) = parameters(data);
    check_modes(builtin(), &Case::new(flags, log), usize::from(small) * 16 + 1);
}

/// Both modes find the same in `log` with any rules.
pub(super) fn check_rules(rules: &RuleSet, log: &[u8]) {
    check_modes(rules, &Case::new(1 | 4, log), 64);
}

fn check_modes(rules: &RuleSet, case: &Case<'_>, block_bytes: usize) {
    let sparse = Plan { block_bytes, workers: 1, mode: ScanMode::Sparse, is_live: false };
    let dense = Plan { mode: ScanMode::Dense, ..sparse };
    let (found, transitions) = case.scan(rules, sparse);
    let (wanted, wanted_transitions) = case.scan(rules, dense);
    assert_eq!(found.findings, wanted.findings);
    assert_eq!(found.sightings, wanted.sightings);
    assert_eq!(found.rules, wanted.rules);
    assert_eq!(found.gaps, wanted.gaps);
    assert_eq!(transitions, wanted_transitions);
}
