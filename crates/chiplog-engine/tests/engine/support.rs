//! Logs in blocks, and scans of them.

use std::convert::Infallible;
use std::sync::Arc;

use chiplog_engine::{
    Block, Finding, InputOptions, Notice, Origin, Scan, ScanMode, ScanOptions, ScanSummary, Session,
    Transition,
};
use chiplog_parse::Clock;
use chiplog_rules::RuleSet;

/// Cuts a log into blocks of whole lines, each ended by the first line that reaches the next of
/// `sizes`, which repeat. Lines longer than `max_line` are cut.
pub(crate) fn blocks_of(log: &[u8], sizes: &[usize], max_line: usize) -> Vec<Block> {
    let mut sizes = sizes.iter().copied().cycle();
    let mut blocks = Vec::new();
    let mut block = Block::default();
    let mut limit = sizes.next().unwrap_or(usize::MAX);
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if text.len() > max_line {
            block.bytes.extend_from_slice(&text[..max_line]);
            block.cut_bytes = (line.len() - max_line) as u64;
        } else {
            block.bytes.extend_from_slice(line);
        }
        if block.bytes.len() >= limit || block.cut_bytes > 0 {
            let offset = block.end_offset();
            blocks.push(std::mem::take(&mut block));
            block.offset = offset;
            limit = sizes.next().unwrap_or(usize::MAX);
        }
    }
    if !block.bytes.is_empty() {
        blocks.push(block);
    }
    blocks
}

pub(crate) struct Scanned {
    pub(crate) summary: ScanSummary,
    pub(crate) transitions: Vec<Finding>,
}

impl Scanned {
    /// Everything that is reported at the end, as text.
    pub(crate) fn outcome(&self) -> String {
        format!("{:#?}", self.summary)
    }

    /// Transitions of a rule as `open 12:00:03`, in order.
    pub(crate) fn story(&self, rule: &str) -> Vec<String> {
        let of_rule = self.transitions.iter().filter(|finding| &*finding.rule_id == rule);
        of_rule.map(|finding| format!("{} {}", verb(finding), time_of(finding.time))).collect()
    }
}

fn verb(finding: &Finding) -> &'static str {
    match finding.transition {
        Some(Transition::Open) => "open",
        Some(Transition::Worse) => "worse",
        Some(Transition::Close) => "close",
        None => "end",
    }
}

pub(crate) fn time_of(time: Option<chiplog_parse::UnixNanos>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string().replace(".000000Z", "Z"))
}

pub(crate) fn input(clock: Clock, is_live: bool) -> InputOptions {
    InputOptions { name: Arc::from("log"), clock, is_live, origin: Origin::default() }
}

pub(crate) fn scan(
    rules: &RuleSet,
    blocks: &[Block],
    options: ScanOptions,
    clock: Clock,
    is_live: bool,
) -> Scanned {
    let mut scan = Scan::new(rules, options);
    let mut transitions = Vec::new();
    let mut source = blocks.iter().cloned().map(Ok::<_, Infallible>);
    let Ok(()) = scan.input(&input(clock, is_live), &mut source, &mut |notice| {
        if let Notice::Transition(finding) = notice {
            transitions.push(finding.clone());
        }
    });
    let scanned = Scanned { summary: scan.finish(), transitions };
    let bytes: usize = blocks.iter().map(|block| block.bytes.len()).sum();
    if blocks.len() <= MOST_CUTS && bytes <= MOST_BYTES && options.workers <= 1 {
        let expected = (scanned.outcome(), &scanned.transitions);
        let (outcome, transitions) = session(rules, blocks, options, clock, is_live);
        assert!((outcome, &transitions) == expected, "a session that is saved at each block differs");
    }
    scanned
}

/// Logs of no more blocks and bytes are also given to a session, which is saved and restored after
/// each.
const MOST_CUTS: usize = 24;
const MOST_BYTES: usize = 64 << 10;

/// The same as a session.
fn session(
    rules: &RuleSet,
    blocks: &[Block],
    options: ScanOptions,
    clock: Clock,
    is_live: bool,
) -> (String, Vec<Finding>) {
    let mut session = Session::new(rules, options);
    let mut transitions = Vec::new();
    let mut on_notice = |notice: Notice<'_>| {
        if let Notice::Transition(finding) = notice {
            transitions.push(finding.clone());
        }
    };
    for block in blocks {
        session.absorb(&input(clock, is_live), block, &mut on_notice);
        (session, _) = Session::restore(rules, options, &session.save()).unwrap();
    }
    session.end("log", &mut on_notice);
    let mut summary = session.summary();
    if blocks.is_empty() {
        // A stream begins with a block, an input is one without any.
        summary.inputs = scan(rules, &[Block::default()], options, clock, is_live).summary.inputs;
    }
    (format!("{summary:#?}"), transitions)
}

/// The scan of a log in one block.
pub(crate) fn scan_whole(rules: &RuleSet, log: &[u8], clock: Clock) -> Scanned {
    scan(rules, &blocks_of(log, &[], usize::MAX), ScanOptions::default(), clock, false)
}

pub(crate) fn dense(workers: usize) -> ScanOptions {
    ScanOptions { workers, mode: ScanMode::Dense, ..ScanOptions::default() }
}

pub(crate) fn sparse(workers: usize) -> ScanOptions {
    ScanOptions { workers, mode: ScanMode::Sparse, ..ScanOptions::default() }
}

pub(crate) fn rules(text: &str) -> RuleSet {
    RuleSet::load([("test.toml", text)]).unwrap_or_else(|errors| panic!("{errors}")).set
}
