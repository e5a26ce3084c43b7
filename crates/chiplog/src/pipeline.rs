//! The one place that drives the engine.

use std::sync::Arc;

use chiplog_engine::{Block, CountTable, Finding, InputSummary, ScanSummary, SeriesTable};
use chiplog_parse::{Clock, Detector};
use chiplog_rules::RuleSet;

use crate::clock;
use crate::exit::Failure;
use crate::flags::{EngineFlags, TimeFlags};

/// Rules over inputs.
pub(crate) struct Pipeline {
    summary: ScanSummary,
}

impl Pipeline {
    pub(crate) fn new(rules: &RuleSet, flags: &EngineFlags) -> Self {
        let _ = (clock::range(flags.time), flags.speed.jobs, flags.speed.dense);
        let mut summary = ScanSummary::default();
        for rule in rules.rules() {
            summary.rules.insert(Arc::from(rule.id.as_str()), Default::default());
        }
        Self { summary }
    }

    pub(crate) fn input(
        &mut self,
        name: &str,
        _clock: Clock,
        _is_live: bool,
        blocks: &mut dyn Iterator<Item = std::io::Result<Block>>,
        _on_transition: &mut dyn FnMut(&Finding),
    ) {
        let mut input = InputSummary::default();
        input.name = Arc::from(name);
        let mut detector = Detector::new();
        for block in blocks.map_while(Result::ok) {
            input.bytes += block.bytes.len() as u64;
            for line in chiplog_parse::lines(&block.bytes) {
                input.lines += 1;
                let record = detector.peel(line);
                if record.is_recognised() {
                    *input.formats.entry(record.layers().to_vec()).or_default() += 1;
                } else {
                    input.unparsed += 1;
                }
            }
        }
        input.census_lines = input.lines;
        self.summary.inputs.push(input);
    }

    pub(crate) fn finish(self) -> ScanSummary {
        self.summary
    }
}

/// Rules over time.
pub(crate) struct Plotting(SeriesTable);

impl Plotting {
    pub(crate) fn new(_rules: &RuleSet, _flags: &EngineFlags, step_nanos: i64) -> Self {
        Self(SeriesTable { step_nanos, ..SeriesTable::default() })
    }

    pub(crate) fn input(
        &mut self,
        _name: &str,
        _clock: Clock,
        blocks: &mut dyn Iterator<Item = std::io::Result<Block>>,
    ) {
        blocks.for_each(drop);
    }

    pub(crate) fn finish(self) -> SeriesTable {
        self.0
    }
}

/// Records by field.
pub(crate) struct Counting(CountTable);

impl Counting {
    pub(crate) fn new(fields: &[String], time: TimeFlags) -> Result<Self, Failure> {
        let _ = clock::range(time);
        let fields = fields.iter().map(|field| Arc::from(field.as_str())).collect();
        Ok(Self(CountTable { fields, ..CountTable::default() }))
    }

    pub(crate) fn input(
        &mut self,
        _name: &str,
        _clock: Clock,
        blocks: &mut dyn Iterator<Item = std::io::Result<Block>>,
    ) {
        blocks.for_each(drop);
    }

    pub(crate) fn finish(self) -> CountTable {
        self.0
    }
}

/// The outcome of one test that a rule file holds.
pub(crate) struct TestOutcome {
    pub(crate) rule_id: String,
    pub(crate) name: String,
    /// What was expected and did not happen, or happened and was not expected.
    pub(crate) problems: Vec<String>,
}

pub(crate) fn run_rule_tests(_rules: &RuleSet) -> Vec<TestOutcome> {
    vec![]
}
