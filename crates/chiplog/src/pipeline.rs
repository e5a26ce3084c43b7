//! The one place that drives the engine.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use chiplog_engine::{
    BlockSource, CountField, CountTable, Elector, Incident, InputOptions, Notice, Origin, Scan, ScanMode,
    ScanOptions, ScanSummary, Series, SeriesOptions, SeriesTable, count_fields, diagnose, run_case,
};
use chiplog_parse::Clock;
use chiplog_rules::RuleSet;

use crate::clock;
use crate::exit::Failure;
use crate::flags::EngineFlags;
use crate::inputs::Log;

/// A source that ends where its input breaks off; whoever made it says so.
pub(crate) trait Source: BlockSource<Error = Infallible> {}
impl<S: BlockSource<Error = Infallible>> Source for S {}

fn workers(jobs: Option<NonZeroUsize>) -> usize {
    // Where the number of cores cannot be told, one thread is always there.
    jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from)
}

fn mode(flags: &EngineFlags) -> ScanMode {
    if flags.speed.dense { ScanMode::Dense } else { ScanMode::Sparse }
}

/// What tells sources which entries of a journal a run with these rules looks at.
pub(crate) fn elector(rules: &RuleSet, flags: &EngineFlags) -> Option<Elector> {
    Elector::new(rules, mode(flags))
}

fn scan_options(flags: &EngineFlags) -> ScanOptions {
    let (since, until) = clock::range(flags.time);
    ScanOptions { workers: workers(flags.speed.jobs), mode: mode(flags), since, until }
}

/// Rules over inputs.
pub(crate) struct Pipeline {
    scan: Scan,
    /// What a guess of the year rests on, of each input.
    year_rests_on: Vec<Option<&'static str>>,
}

impl Pipeline {
    pub(crate) fn new(rules: &RuleSet, flags: &EngineFlags) -> Self {
        Self { scan: Scan::new(rules, scan_options(flags)), year_rests_on: Vec::new() }
    }

    pub(crate) fn input(
        &mut self,
        log: &Log,
        clock: Clock,
        is_live: bool,
        source: &mut impl Source,
        on_notice: &mut dyn FnMut(Notice<'_>),
    ) {
        let (name, origin) = (Arc::clone(&log.name), log.origin.clone());
        let input = InputOptions { name, clock, is_live, origin };
        self.year_rests_on.push(match log.modified_unix_nanos {
            Some(_) => Some("the file's time"),
            None => log.is_live.then_some("the present"),
        });
        let Ok(()) = self.scan.input(&input, source, on_notice);
    }

    pub(crate) fn finish(self) -> ScanSummary {
        let mut summary = self.scan.finish();
        for (input, words) in summary.inputs.iter_mut().zip(self.year_rests_on) {
            input.year_rests_on = words.filter(|_| input.year_was_guessed).map(Arc::from);
        }
        summary
    }
}

/// Which findings belong together, and what probably started them.
pub(crate) fn incidents(rules: &RuleSet, summary: &ScanSummary) -> Vec<Incident> {
    diagnose(rules, summary)
}

/// Rules over time.
pub(crate) struct Plotting(Series);

impl Plotting {
    pub(crate) fn new(rules: &RuleSet, flags: &EngineFlags, step_nanos: i64) -> Self {
        Self(Series::new(rules, SeriesOptions { step_nanos, scan: scan_options(flags) }))
    }

    pub(crate) fn input(&mut self, log: &Log, clock: Clock, source: &mut impl Source) {
        let (name, origin) = (Arc::clone(&log.name), log.origin.clone());
        let input = InputOptions { name, clock, is_live: false, origin };
        let Ok(()) = self.0.input(&input, source);
    }

    pub(crate) fn finish(self) -> SeriesTable {
        self.0.finish()
    }
}

/// Fields to count by, as asked for and as the engine knows them.
pub(crate) type CountFields = Vec<(Arc<str>, CountField)>;

pub(crate) fn fields(names: &[String]) -> Result<CountFields, Failure> {
    names
        .iter()
        .map(|name| CountField::from_name(name).map(|field| (Arc::from(name.as_str()), field)))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::usage(error.to_string()))
}

/// Records by field, over all sources.
pub(crate) fn count<S: Source>(
    fields: &CountFields,
    jobs: Option<NonZeroUsize>,
    sources: &mut dyn Iterator<Item = (Origin, S)>,
) -> CountTable {
    let Ok(table) = count_fields(fields, workers(jobs), sources);
    table
}

/// The outcome of one test that a rule file holds.
pub(crate) struct TestOutcome {
    pub(crate) rule_id: String,
    pub(crate) name: String,
    /// What was expected and did not happen, or happened and was not expected.
    pub(crate) problems: Vec<String>,
}

/// Runs the tests of all rules, by rule id and in the order of the file.
pub(crate) fn run_rule_tests(rules: &RuleSet) -> Vec<TestOutcome> {
    let mut order: Vec<_> = rules.rules().iter().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
    let mut outcomes = vec![];
    for (index, rule) in order {
        for case in &rule.tests {
            let problems = run_case(rules, index, case).failures;
            outcomes.push(TestOutcome { rule_id: rule.id.clone(), name: case.name.clone(), problems });
        }
    }
    outcomes
}
