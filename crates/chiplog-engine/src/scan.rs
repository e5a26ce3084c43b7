//! A scan over any number of sources.

use std::sync::Arc;

use chiplog_parse::{Clock, UnixNanos};
use chiplog_rules::RuleSet;

use crate::collect::Collection;
use crate::plan::{RulePlan, TimeRange};
use crate::timeline::Timeline;
use crate::{BlockSource, Notice, Origin, ScanMode, ScanSummary, Scanner, Warning, pool};

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

impl ScanOptions {
    pub(crate) fn range(&self) -> TimeRange {
        TimeRange { since: self.since, until: self.until }
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
    collection: Collection,
}

impl Scan {
    /// A scan with these rules.
    #[must_use]
    pub fn new(rules: &RuleSet, options: ScanOptions) -> Self {
        let plans: Arc<Vec<RulePlan>> = Arc::new(RulePlan::of_set(rules));
        let collection = Collection::new(&plans);
        Self { rules: rules.clone(), plans, options, collection }
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
        let mut timeline = Timeline::new(&self.rules, &self.plans, input, self.options.range());
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
        self.collection.add(outcome);
        read
    }

    /// Adds a warning to the report.
    pub fn warn(&mut self, warning: Warning) {
        self.collection.summary.warnings.push(warning);
    }

    /// Marks the scan as cut short.
    pub fn set_interrupted(&mut self) {
        self.collection.summary.interrupted = true;
    }

    /// Everything found so far.
    #[must_use]
    pub fn finish(self) -> ScanSummary {
        self.collection.finish(usize::MAX)
    }
}
