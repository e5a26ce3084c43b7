//! A scan over any number of sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use chiplog_parse::{Clock, UnixNanos};
use chiplog_rules::RuleSet;

use crate::aggregate::Aggregate;
use crate::plan::{RulePlan, TimeRange, Totals};
use crate::templates::{self, FinishedTemplates};
use crate::timeline::{Outcome, Timeline};
use crate::{BlockSource, Notice, Origin, RuleTotals, ScanMode, ScanSummary, Scanner, Warning, pool};

/// How to scan.
#[derive(Clone, Copy, Debug)]
pub struct ScanOptions {
    /// Threads that scan blocks; 0 counts as 1. The result does not depend on it.
    pub workers: usize,
    /// Which lines are looked at. The findings do not depend on it.
    pub mode: ScanMode,
    /// Hits before this instant are left out.
    pub since: Option<UnixNanos>,
    /// Hits after this instant are left out.
    pub until: Option<UnixNanos>,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self { workers: 1, mode: ScanMode::Sparse, since: None, until: None }
    }
}

/// What is known of a source besides its bytes.
#[derive(Clone, Debug)]
pub struct InputOptions {
    /// Name in reports.
    pub name: Arc<str>,
    /// Year and zone for lines that lack them.
    pub clock: Clock,
    /// The source is read while it is written: closes are announced as soon as a line's time
    /// implies them, and blocks are scanned on the calling thread, one by one.
    pub is_live: bool,
    /// Where lines come from that do not say it.
    pub origin: Origin,
}

/// A scan in progress.
///
/// ```
/// use std::sync::Arc;
/// use chiplog_engine::{Block, InputOptions, Origin, Scan, ScanOptions};
/// use chiplog_parse::Clock;
/// use chiplog_rules::RuleSet;
///
/// let rules = RuleSet::builtin();
/// let mut scan = Scan::new(&rules, ScanOptions::default());
/// let line = b"2019-08-17 16:36:44.213626 W | wal: sync duration of 1.9s, expected less than 1s\n";
/// let blocks = [Ok::<_, std::io::Error>(Block { bytes: line.to_vec(), ..Block::default() })];
/// let (name, clock) = (Arc::from("etcd.log"), Clock::unknown());
/// let input = InputOptions { name, clock, is_live: false, origin: Origin::default() };
/// scan.input(&input, &mut blocks.into_iter(), &mut |_| {})?;
/// let summary = scan.finish();
/// assert_eq!(&*summary.findings[0].rule_id, "etcd-slow-fsync");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Scan {
    rules: RuleSet,
    plans: Arc<Vec<RulePlan>>,
    options: ScanOptions,
    totals: Vec<Totals>,
    templates: Vec<(Arc<str>, FinishedTemplates)>,
    summary: ScanSummary,
}

impl Scan {
    /// A scan with these rules.
    #[must_use]
    pub fn new(rules: &RuleSet, options: ScanOptions) -> Self {
        let plans: Arc<Vec<RulePlan>> = Arc::new(RulePlan::of_set(rules));
        let totals = plans.iter().map(|plan| Totals {
            values: vec![Aggregate::default(); plan.captures.len()],
            ..Totals::default()
        });
        let totals = totals.collect();
        Self {
            rules: rules.clone(),
            plans,
            options,
            totals,
            templates: Vec::new(),
            summary: ScanSummary::default(),
        }
    }

    /// Scans one source to its end. `on_notice` is called for each opening, worsening and
    /// closing and for each gap, in the order of the lines that caused them.
    ///
    /// # Errors
    ///
    /// The source's error. What was read before it has been analysed and is in the summary.
    pub fn input<S: BlockSource>(
        &mut self,
        input: &InputOptions,
        source: &mut S,
        on_notice: &mut dyn FnMut(Notice<'_>),
    ) -> Result<(), S::Error> {
        let range = TimeRange { since: self.options.since, until: self.options.until };
        let mut timeline = Timeline::new(&self.rules, &self.plans, input, range);
        let workers = if input.is_live { 1 } else { self.options.workers.max(1) };
        let make_worker = || {
            let mut scanner =
                Scanner::new(&self.rules, self.options.mode, input.is_live).with_origin(&input.origin);
            move |block: &crate::Block| scanner.scan(block)
        };
        let read = pool::run(source, workers, make_worker, |block, partial| {
            timeline.absorb(block, &partial, on_notice);
        });
        let outcome = timeline.finish(on_notice);
        self.add(outcome);
        read
    }

    fn add(&mut self, outcome: Outcome) {
        for (mine, theirs) in self.totals.iter_mut().zip(&outcome.totals) {
            mine.hits += theirs.hits;
            mine.occurrences += theirs.occurrences;
            mine.late += theirs.late;
            mine.values.iter_mut().zip(&theirs.values).for_each(|(sum, part)| sum.merge(part));
        }
        for (count, what) in [
            (outcome.findings_left_out, "findings"),
            (outcome.gaps_left_out, "gaps"),
            (outcome.steps_left_out, "jumps of a clock"),
        ] {
            if count > 0 {
                self.summary.warnings.push(Warning {
                    source: Some(Arc::clone(&outcome.input.name)),
                    message: format!("{count} {what} left out beyond the limit per input"),
                });
            }
        }
        self.templates.push((Arc::clone(&outcome.input.name), outcome.templates));
        self.summary.inputs.push(outcome.input);
        self.summary.findings.extend(outcome.findings);
        self.summary.sightings.extend(outcome.sightings);
        self.summary.gaps.extend(outcome.gaps);
        self.summary.clock_steps.extend(outcome.clock_steps);
    }

    /// Adds a warning to the report.
    pub fn warn(&mut self, warning: Warning) {
        self.summary.warnings.push(warning);
    }

    /// Marks the scan as cut short.
    pub fn set_interrupted(&mut self) {
        self.summary.interrupted = true;
    }

    /// Everything found so far.
    #[must_use]
    pub fn finish(self) -> ScanSummary {
        let Self { plans, totals, templates, mut summary, .. } = self;
        summary.unknown = templates::join(&templates);
        summary.findings.sort_by(|left, right| {
            left.first_time
                .cmp(&right.first_time)
                .then_with(|| left.rule_id.cmp(&right.rule_id))
                .then_with(|| left.group.cmp(&right.group))
                .then_with(|| left.source.cmp(&right.source))
        });
        summary.sightings.sort_by(|left, right| {
            left.first_time
                .cmp(&right.first_time)
                .then_with(|| left.rule_id.cmp(&right.rule_id))
                .then_with(|| left.group.cmp(&right.group))
                .then_with(|| left.source.cmp(&right.source))
        });
        summary.rules = plans
            .iter()
            .zip(&totals)
            .map(|(plan, totals)| {
                let values = plan.captures.iter().zip(&totals.values);
                let values = values.map(|((name, unit), aggregate)| aggregate.summary(name, *unit)).collect();
                let Totals { hits, occurrences, late, .. } = *totals;
                (Arc::clone(&plan.id), RuleTotals { hits, occurrences, late, values })
            })
            .collect::<BTreeMap<_, _>>();
        summary
    }
}
