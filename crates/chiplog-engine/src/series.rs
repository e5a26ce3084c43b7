//! Rules over time: hits and values in fixed steps.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chiplog_parse::UnixNanos;
use chiplog_rules::RuleSet;

use crate::aggregate::Aggregate;
use crate::clocks::UNTIMED;
use crate::once::Occurrences;
use crate::partial::{EntryKind, Partial};
use crate::placement::Placement;
use crate::plan::{RulePlan, TimeRange};
use crate::{Block, BlockSource, InputOptions, ScanOptions, Scanner, SeriesRow, SeriesTable, pool};

/// How to make a series.
#[derive(Clone, Copy, Debug)]
pub struct SeriesOptions {
    /// Length of a step, in nanoseconds; at least 1 is taken.
    pub step_nanos: i64,
    /// Workers, and bounds on the time.
    pub scan: ScanOptions,
}

/// A series in progress.
///
/// Unlike findings it needs no order between hits: cells add up, whichever source they come from.
pub struct Series {
    rules: RuleSet,
    plans: Vec<RulePlan>,
    options: SeriesOptions,
    cells: HashMap<CellKey, Cell>,
    hits_without_time: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct CellKey {
    rule: u32,
    host: Arc<str>,
    labels: Box<[u8]>,
    /// Number of the step since the epoch.
    step: i64,
}

#[derive(Clone, Debug, Default)]
struct Cell {
    count: u64,
    values: Vec<Aggregate>,
}

impl Series {
    /// A series of these rules.
    #[must_use]
    pub fn new(rules: &RuleSet, options: SeriesOptions) -> Self {
        let options = SeriesOptions { step_nanos: options.step_nanos.max(1), ..options };
        let plans = RulePlan::of_set(rules);
        Self { rules: rules.clone(), plans, options, cells: HashMap::new(), hits_without_time: 0 }
    }

    /// Adds all hits of a source.
    ///
    /// # Errors
    ///
    /// The source's error. What was read before it is in the series.
    pub fn input<S: BlockSource>(&mut self, input: &InputOptions, source: &mut S) -> Result<(), S::Error> {
        let rules = self.rules.clone();
        let mode = self.options.scan.mode;
        let make_worker = || {
            let mut scanner = Scanner::new(&rules, mode, false).with_origin(&input.origin);
            move |block: &Block| scanner.scan(block)
        };
        let mut placement = Placement::new(input);
        let mut occurrences = Occurrences::default();
        // The step and cells of one source, merged at its end: neighbouring hits mostly fall into
        // the cell that the last one fell into.
        let mut cells: Vec<Cell> = Vec::new();
        let mut cell_ids: HashMap<(usize, i64), usize> = HashMap::new();
        let mut keys: Vec<(u32, usize, Box<[u8]>)> = Vec::new();
        let mut key_ids: HashMap<(u32, usize, Box<[u8]>), usize> = HashMap::new();
        let workers = self.options.scan.workers.max(1);
        let read = pool::run(source, workers, make_worker, |block, partial: Partial| {
            let mut hosts = placement.hosts_of(&partial);
            let mut block_keys: HashMap<(u32, usize), usize> = HashMap::new();
            let mut last: Option<(usize, i64, usize)> = None;
            for entry in &partial.entries {
                let host = placement.host_of_entry(&mut hosts, &partial, entry);
                let placed = placement.place(block, entry, host);
                let host = placed.host;
                if let (Some(time), true) = (placed.time, placed.is_news) {
                    placement.hosts[host].progress.advance(time);
                }
                let EntryKind::Hit { key, values, hashes, counts: true, .. } = entry.kind else { continue };
                let instant = placed.time.and_then(|time| placement.to_instant(host, time));
                let range = TimeRange { since: self.options.scan.since, until: self.options.scan.until };
                if !range.contains(instant) {
                    continue;
                }
                let plan = &self.plans[partial.keys.keys[key as usize].rule as usize];
                let time = placed.time.unwrap_or(UNTIMED);
                if !occurrences.is_new(plan, host, plan.hashes_of(&partial, hashes).1, time) {
                    continue;
                }
                let Some(instant) = instant else {
                    self.hits_without_time += 1;
                    continue;
                };
                let key = *block_keys.entry((key, host)).or_insert_with(|| {
                    let key = &partial.keys.keys[key as usize];
                    let key = (key.rule, host, key.labels.clone());
                    *key_ids.entry(key.clone()).or_insert_with(|| {
                        keys.push(key);
                        keys.len() - 1
                    })
                });
                let step = instant.0.div_euclid(self.options.step_nanos);
                let cell = match last {
                    Some((last_key, last_step, cell)) if (last_key, last_step) == (key, step) => cell,
                    _ => *cell_ids.entry((key, step)).or_insert_with(|| {
                        cells.push(Cell::default());
                        cells.len() - 1
                    }),
                };
                last = Some((key, step, cell));
                let cell = &mut cells[cell];
                cell.count += 1;
                let captures = self.plans[keys[key].0 as usize].captures.len();
                cell.values.resize_with(captures, Aggregate::default);
                let values = &partial.values[values as usize..values as usize + captures];
                for (aggregate, value) in cell.values.iter_mut().zip(values) {
                    value.iter().for_each(|value| aggregate.add(*value));
                }
            }
            placement.pass(block);
        });
        for ((key, step), cell) in cell_ids {
            let (rule, host, labels) = keys[key].clone();
            let host = Arc::clone(&placement.hosts[host].name);
            self.add(CellKey { rule, host, labels, step }, &cells[cell]);
        }
        read
    }

    fn add(&mut self, key: CellKey, cell: &Cell) {
        let mine = self.cells.entry(key).or_default();
        mine.count += cell.count;
        mine.values.resize_with(cell.values.len(), Aggregate::default);
        mine.values.iter_mut().zip(&cell.values).for_each(|(sum, part)| sum.merge(part));
    }

    /// The table, in order.
    #[must_use]
    pub fn finish(self) -> SeriesTable {
        let Self { plans, options, cells, hits_without_time, .. } = self;
        // Labels that differ only in bytes that are no text make rows that look alike.
        let cells: BTreeMap<CellKey, Cell> = cells.into_iter().collect();
        let mut rows: Vec<SeriesRow> = cells
            .into_iter()
            .map(|(key, cell)| {
                let plan = &plans[key.rule as usize];
                let values = plan.captures.iter().zip(&cell.values);
                SeriesRow {
                    rule_id: Arc::clone(&plan.id),
                    group: plan.group(&key.host, &key.labels),
                    start: UnixNanos(key.step.saturating_mul(options.step_nanos)),
                    count: cell.count,
                    values: values.map(|((name, unit), values)| values.summary(name, *unit)).collect(),
                }
            })
            .collect();
        rows.sort_by(|left, right| {
            (&left.rule_id, &left.group, left.start).cmp(&(&right.rule_id, &right.group, right.start))
        });
        SeriesTable { step_nanos: options.step_nanos, rows, hits_without_time }
    }
}
