//! A sliding window over the hits of one key, as a ring of panes.
//!
//! A pane collects the hits of a short stretch of event time, so that a window costs the same
//! whatever the rate of hits. A pane is in a window of length L that ends at `now` while its last
//! hit is younger than L: exact while panes hold one hit, and never shorter than L.

use std::collections::VecDeque;

use chiplog_rules::{Comparison, Expr, Limit, Measure};
use serde::{Deserialize, Serialize};

use crate::aggregate::Aggregate;
use crate::runs::Runs;
use crate::texts::Texts;
use crate::{Histogram, Unit};

/// The shortest window of a rule is cut into this many panes.
const PANES_PER_WINDOW: i64 = 60;

/// How long panes are, and how long they are kept: all that a window needs to know of a rule.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WindowPlan {
    /// Length of the window that conditions look at by default.
    pub(crate) span_nanos: i64,
    pane_nanos: i64,
    /// The longest window that any condition looks at.
    retention_nanos: i64,
    captures: usize,
    /// Captures whose different texts are counted.
    texts: usize,
    /// A condition asks how long hits have been lasting.
    has_runs: bool,
}

impl WindowPlan {
    pub(crate) fn of(rule: &chiplog_rules::Rule) -> Self {
        let span_nanos = rule.window.span_nanos;
        let mut lengths = vec![span_nanos];
        collect_lengths(&rule.open, &mut lengths);
        collect_lengths(&rule.close, &mut lengths);
        let mut has_runs = false;
        for expr in [&rule.open, &rule.close] {
            expr.for_each_comparison(&mut |comparison| has_runs |= comparison.measure == Measure::Lasting);
        }
        let captures = (rule.numeric_captures.len(), rule.distinct_captures.len());
        Self::with_lengths(span_nanos, &lengths, captures, has_runs)
    }

    /// `lengths` are those that conditions look at; `captures` the numbers of captures of which
    /// values and of which texts are measured.
    fn with_lengths(span_nanos: i64, lengths: &[i64], captures: (usize, usize), has_runs: bool) -> Self {
        let shortest = lengths.iter().copied().min().unwrap_or(span_nanos);
        let retention_nanos = lengths.iter().copied().max().unwrap_or(span_nanos);
        // No more than a thousand panes a key, however far the lengths lie apart.
        let pane_nanos = (shortest / PANES_PER_WINDOW).max(retention_nanos / 1_000).max(1);
        Self { span_nanos, pane_nanos, retention_nanos, captures: captures.0, texts: captures.1, has_runs }
    }

    /// The same for hits of which nothing but the number is asked.
    pub(crate) fn of_counts(self) -> Self {
        Self { captures: 0, texts: 0, has_runs: false, ..self }
    }
}

/// The lengths of the windows that a condition looks at.
pub(crate) fn lengths_of(expr: &Expr, span_nanos: i64) -> Vec<i64> {
    let mut lengths = vec![span_nanos];
    collect_lengths(expr, &mut lengths);
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

fn collect_lengths(expr: &Expr, lengths: &mut Vec<i64>) {
    expr.for_each_comparison(&mut |comparison| {
        // The others look at no window.
        if !matches!(comparison.measure, Measure::Absent | Measure::Lasting | Measure::Since(_)) {
            lengths.extend(comparison.over_nanos);
        }
    });
}

/// A hit as a window takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample<'a> {
    pub(crate) time: i64,
    /// Occurrences that the line stands for.
    pub(crate) repeats: u32,
    /// One per numeric capture.
    pub(crate) values: &'a [Option<i64>],
    /// Hashes of the texts whose number is measured.
    pub(crate) texts: &'a [Option<u64>],
}

/// The hits of one pane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pane {
    /// Floor of the time by the length of a pane.
    index: i64,
    first_time: i64,
    last_time: i64,
    hits: u64,
    occurrences: u64,
    /// One per numeric capture.
    values: Vec<Aggregate>,
    /// The last value of each capture, in source order.
    last: Vec<Option<i64>>,
    /// How many different texts of each capture are in this pane and in no later one.
    #[serde(skip)]
    texts: Vec<u64>,
}

impl Pane {
    fn new(index: i64, time: i64, plan: WindowPlan) -> Self {
        Self {
            index,
            first_time: time,
            last_time: time,
            hits: 0,
            occurrences: 0,
            values: vec![Aggregate::default(); plan.captures],
            last: vec![None; plan.captures],
            texts: vec![0; plan.texts],
        }
    }

    fn add(&mut self, hit: &Sample<'_>) {
        self.first_time = self.first_time.min(hit.time);
        self.last_time = self.last_time.max(hit.time);
        self.hits = self.hits.saturating_add(1);
        self.occurrences = self.occurrences.saturating_add(u64::from(hit.repeats));
        for ((aggregate, last), value) in self.values.iter_mut().zip(&mut self.last).zip(hit.values) {
            if let Some(value) = value {
                aggregate.add(*value);
                *last = Some(*value);
            }
        }
    }
}

/// What the live panes add up to: kept current so that a hit need not visit every pane.
#[derive(Clone, Debug, Default)]
struct Running {
    hits: u64,
    occurrences: u64,
    sums: Vec<i128>,
    histograms: Vec<Histogram>,
}

impl Running {
    fn new(plan: WindowPlan) -> Self {
        Self {
            hits: 0,
            occurrences: 0,
            sums: vec![0; plan.captures],
            histograms: vec![Histogram::default(); plan.captures],
        }
    }

    fn add(&mut self, pane: &Pane) {
        self.hits = self.hits.saturating_add(pane.hits);
        self.occurrences = self.occurrences.saturating_add(pane.occurrences);
        for (index, aggregate) in pane.values.iter().enumerate() {
            self.sums[index] = self.sums[index].saturating_add(aggregate.sum());
            self.histograms[index].merge(aggregate.histogram());
        }
    }

    fn subtract(&mut self, pane: &Pane) {
        self.hits = self.hits.saturating_sub(pane.hits);
        self.occurrences = self.occurrences.saturating_sub(pane.occurrences);
        for (index, aggregate) in pane.values.iter().enumerate() {
            self.sums[index] = self.sums[index].saturating_sub(aggregate.sum());
            self.histograms[index].subtract(aggregate.histogram());
        }
    }
}

/// The hits of one key, as far back as any condition of its rule looks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Window {
    #[serde(skip)]
    plan: WindowPlan,
    /// By index. The first `expired` are older than the span and kept for longer conditions.
    panes: VecDeque<Pane>,
    #[serde(skip)]
    expired: usize,
    /// Time of the newest hit; the default window ends there.
    #[serde(skip)]
    latest: i64,
    #[serde(skip)]
    running: Running,
    /// One per capture of which texts are counted.
    texts: Vec<Texts>,
    runs: Runs,
}

/// What became of a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// It is in the window.
    InTime,
    /// It is older than anything that a condition looks at, and in no pane.
    Late,
}

/// What a window holds.
pub(crate) struct Contents {
    pub(crate) hits: u64,
    pub(crate) occurrences: u64,
    /// Time of the first hit.
    pub(crate) first: Option<i64>,
    /// One per numeric capture.
    pub(crate) values: Vec<Aggregate>,
}

impl Window {
    pub(crate) fn new(plan: WindowPlan) -> Self {
        Self {
            plan,
            panes: VecDeque::new(),
            expired: 0,
            latest: i64::MIN,
            running: Running::new(plan),
            texts: vec![Texts::default(); plan.texts],
            runs: Runs::default(),
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.plan);
    }

    /// The window as it was saved, of a rule with this plan. `None` if it cannot have been of one.
    pub(crate) fn restored(self, plan: WindowPlan) -> Option<Self> {
        let Self { mut panes, texts, runs, .. } = self;
        if texts.len() != plan.texts {
            return None;
        }
        let mut before = None;
        for pane in &mut panes {
            let is_in_order = before.is_none_or(|before| before < pane.index)
                && pane.first_time <= pane.last_time
                && [pane.first_time, pane.last_time]
                    .iter()
                    .all(|time| time.div_euclid(plan.pane_nanos) == pane.index);
            if !is_in_order || pane.values.len() != plan.captures || pane.last.len() != plan.captures {
                return None;
            }
            before = Some(pane.index);
            pane.texts = vec![0; plan.texts];
        }
        for (capture, texts) in texts.iter().enumerate() {
            for index in texts.panes() {
                let pane = panes.binary_search_by_key(&index, |pane| pane.index).ok()?;
                panes[pane].texts[capture] += 1;
            }
        }
        let latest = panes.back().map_or(i64::MIN, |pane| pane.last_time);
        let span_start = latest.saturating_sub(plan.span_nanos);
        let expired = panes.partition_point(|pane| pane.last_time <= span_start);
        let mut running = Running::new(plan);
        panes.range(expired..).for_each(|pane| running.add(pane));
        Some(Self { plan, panes, expired, latest, running, texts, runs })
    }

    pub(crate) fn latest(&self) -> i64 {
        self.latest
    }

    /// [`Window::latest`], if there was a hit.
    pub(crate) fn latest_hit(&self) -> Option<i64> {
        (!self.panes.is_empty()).then_some(self.latest)
    }

    pub(crate) fn retention_nanos(&self) -> i64 {
        self.plan.retention_nanos
    }

    /// Whether there were so many different texts that some are not counted.
    pub(crate) fn leaves_texts_out(&self) -> bool {
        self.texts.iter().any(Texts::leaves_some_out)
    }

    /// Adds a hit.
    pub(crate) fn insert(&mut self, hit: &Sample<'_>) -> Inserted {
        let time = hit.time;
        if !self.panes.is_empty() && time <= self.latest.saturating_sub(self.plan.retention_nanos) {
            return Inserted::Late;
        }
        self.latest = self.latest.max(time);
        let index = time.div_euclid(self.plan.pane_nanos);
        let after = self.panes.iter().rposition(|pane| pane.index <= index);
        let position = match after {
            Some(position) if self.panes[position].index == index => position,
            _ => {
                let position = after.map_or(0, |position| position + 1);
                self.panes.insert(position, Pane::new(index, time, self.plan));
                // At the border it counts as expired until it is judged below.
                if position <= self.expired {
                    self.expired += 1;
                }
                position
            }
        };
        self.panes[position].add(hit);
        self.add_texts(position, hit.texts);
        if self.plan.has_runs {
            self.runs.add(time, self.plan.span_nanos);
        }
        if position >= self.expired {
            self.running.hits = self.running.hits.saturating_add(1);
            self.running.occurrences = self.running.occurrences.saturating_add(u64::from(hit.repeats));
            for ((sum, histogram), value) in
                self.running.sums.iter_mut().zip(&mut self.running.histograms).zip(hit.values)
            {
                if let Some(value) = value {
                    *sum = sum.saturating_add(i128::from(*value));
                    histogram.add(*value);
                }
            }
        }
        self.settle();
        Inserted::InTime
    }

    fn add_texts(&mut self, position: usize, hashes: &[Option<u64>]) {
        let index = self.panes[position].index;
        for (capture, (texts, hash)) in self.texts.iter_mut().zip(hashes).enumerate() {
            let Some(hash) = hash else { continue };
            let moved = texts.add(*hash, index);
            if let Some(from) = moved.from
                && let Ok(from) = self.panes.binary_search_by_key(&from, |pane| pane.index)
            {
                self.panes[from].texts[capture] -= 1;
            }
            if moved.is_here {
                self.panes[position].texts[capture] += 1;
            }
        }
    }

    /// Moves the border between expired and live panes to where it belongs, and forgets panes
    /// that nothing looks at.
    fn settle(&mut self) {
        let span_start = self.latest.saturating_sub(self.plan.span_nanos);
        while self.expired > 0 && self.panes[self.expired - 1].last_time > span_start {
            self.expired -= 1;
            self.running.add(&self.panes[self.expired]);
        }
        while self.panes.get(self.expired).is_some_and(|pane| pane.last_time <= span_start) {
            self.running.subtract(&self.panes[self.expired]);
            self.expired += 1;
        }
        let retention_start = self.latest.saturating_sub(self.plan.retention_nanos);
        while self.panes.front().is_some_and(|pane| pane.last_time <= retention_start) {
            if let Some(pane) = self.panes.pop_front() {
                self.texts.iter_mut().for_each(|texts| texts.forget_until(pane.index));
            }
            self.expired -= 1;
        }
    }

    /// The panes of a window of this length that ends at `now`.
    fn panes_of(&self, length: i64, now: i64) -> std::collections::vec_deque::Iter<'_, Pane> {
        let start = now.saturating_sub(length);
        // Panes are in order of their last hits, too: those of the window are the last ones.
        let first = if self.is_default(length, now) {
            self.expired
        } else {
            self.panes.partition_point(|pane| pane.last_time <= start)
        };
        self.panes.range(first..)
    }

    /// Whether a window is the one whose sums are kept.
    fn is_default(&self, length: i64, now: i64) -> bool {
        length == self.plan.span_nanos && now == self.latest
    }

    /// Occurrences in a window of this length that ends at `now`.
    pub(crate) fn occurrences(&self, length: i64, now: i64) -> u64 {
        if self.is_default(length, now) {
            return self.running.occurrences;
        }
        self.panes_of(length, now).fold(0, |sum, pane| sum.saturating_add(pane.occurrences))
    }

    /// What the default window holds that ends with the newest hit.
    pub(crate) fn contents(&self) -> Contents {
        let mut values = vec![Aggregate::default(); self.plan.captures];
        for pane in self.panes.range(self.expired..) {
            values.iter_mut().zip(&pane.values).for_each(|(sum, part)| sum.merge(part));
        }
        Contents {
            hits: self.running.hits,
            occurrences: self.running.occurrences,
            first: self.panes.get(self.expired).map(|pane| pane.first_time),
            values,
        }
    }

    /// The length of the window that a comparison looks at.
    pub(crate) fn length_of(&self, comparison: &Comparison) -> i64 {
        comparison.over_nanos.unwrap_or(self.plan.span_nanos)
    }

    /// The measure of a comparison at `now`, beside its limit. `None` without any value, and for
    /// measures that need more than the hits of one window.
    pub(crate) fn measure(&self, comparison: &Comparison, now: i64) -> Option<Measured> {
        let length = self.length_of(comparison);
        let panes = || self.panes_of(length, now);
        let of_capture = |amount: Option<i64>| plain(i128::from(amount?), comparison.limit, Unit::Count);
        match comparison.measure {
            Measure::Count => plain(i128::from(self.occurrences(length, now)), comparison.limit, Unit::Count),
            Measure::Rate => {
                let Limit::Rate { count, per_nanos } = comparison.limit else { return None };
                Some(Measured {
                    amount: per_second(i128::from(self.occurrences(length, now)), length),
                    limit: per_second(i128::from(count), per_nanos),
                    unit: Unit::MicrosPerSecond,
                })
            }
            Measure::Max(capture) => {
                of_capture(panes().filter_map(|pane| pane.values[capture.0].max()).max())
            }
            Measure::Min(capture) => {
                of_capture(panes().filter_map(|pane| pane.values[capture.0].min()).min())
            }
            Measure::Last(capture) => of_capture(panes().rev().find_map(|pane| pane.last[capture.0])),
            Measure::Sum(capture) => {
                let sum = if self.is_default(length, now) {
                    self.running.sums[capture.0]
                } else {
                    panes().fold(0, |sum: i128, pane| sum.saturating_add(pane.values[capture.0].sum()))
                };
                plain(sum, comparison.limit, Unit::Count)
            }
            Measure::Quantile { capture, permyriad } => {
                let quantile = u32::from(permyriad);
                if self.is_default(length, now) {
                    of_capture(self.running.histograms[capture.0].quantile(quantile))
                } else {
                    let mut together = Histogram::default();
                    panes().for_each(|pane| together.merge(pane.values[capture.0].histogram()));
                    of_capture(together.quantile(quantile))
                }
            }
            Measure::Distinct(capture) => {
                let different: u64 = panes().map(|pane| pane.texts[capture.0]).sum();
                plain(i128::from(different), comparison.limit, Unit::Count)
            }
            Measure::Lasting => {
                let lasting = self.runs.present(self.plan.span_nanos, now)?;
                plain(lasting, comparison.limit, Unit::Nanoseconds)
            }
            _ => None,
        }
    }

    /// The first time after `after` at which a pane leaves a window of one of these lengths:
    /// until then and without a hit, no condition over them changes.
    pub(crate) fn next_departure(&self, lengths: &[i64], after: i64) -> Option<i64> {
        let leaves = |pane: &Pane, length: i64| pane.last_time.saturating_add(length);
        lengths
            .iter()
            .filter_map(|length| {
                let first = self.panes.partition_point(|pane| leaves(pane, *length) <= after);
                self.panes.get(first).map(|pane| leaves(pane, *length))
            })
            .min()
    }
}

/// Events per second, in millionths.
fn per_second(count: i128, nanos: i64) -> i128 {
    count * 1_000_000_000_000_000 / i128::from(nanos.max(1))
}

/// A measure and its limit, in one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) amount: i128,
    pub(crate) limit: i128,
    /// [`Unit::Count`] for values of captures, too: their unit is the capture's.
    pub(crate) unit: Unit,
}

/// An amount beside a limit in the same unit.
pub(crate) fn plain(amount: i128, limit: Limit, unit: Unit) -> Option<Measured> {
    match limit {
        Limit::Value(limit) => Some(Measured { amount, limit: i128::from(limit), unit }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::view::{Companions, Unknown, View};

    #[derive(Clone, Copy, Debug)]
    struct Hit {
        time: i64,
        repeats: u32,
        value: Option<i64>,
        text: Option<u64>,
    }

    impl Hit {
        fn into(self, window: &mut Window) -> Inserted {
            let Self { time, repeats, value, text } = self;
            window.insert(&Sample { time, repeats, values: &[value], texts: &[text] })
        }
    }

    /// Every hit in its pane; measures by their definitions.
    struct Naive {
        plan: WindowPlan,
        latest: i64,
        /// In the order of insertion.
        hits: Vec<Hit>,
        /// Those, too, that are older than any window.
        times: Vec<i64>,
    }

    impl Naive {
        fn insert(&mut self, hit: Hit) -> Inserted {
            let is_late = hit.time <= self.latest.saturating_sub(self.plan.retention_nanos);
            if !self.hits.is_empty() && is_late {
                return Inserted::Late;
            }
            self.latest = self.latest.max(hit.time);
            self.hits.push(hit);
            self.times.push(hit.time);
            // Panes that no window reaches are gone for good: a later hit does not revive them.
            let oldest = self.latest.saturating_sub(self.plan.retention_nanos);
            let kept: Vec<_> =
                self.hits.iter().copied().filter(|hit| self.pane_end(hit.time) > oldest).collect();
            self.hits = kept;
            Inserted::InTime
        }

        fn pane(&self, time: i64) -> i64 {
            time.div_euclid(self.plan.pane_nanos)
        }

        /// Time of the last hit in the pane of a hit.
        fn pane_end(&self, time: i64) -> i64 {
            let pane = self.pane(time);
            self.hits.iter().map(|hit| hit.time).filter(|time| self.pane(*time) == pane).max().unwrap()
        }

        fn inside(&self, now: i64, length: i64) -> Vec<Hit> {
            let start = now.saturating_sub(length);
            self.hits.iter().copied().filter(|hit| self.pane_end(hit.time) > start).collect()
        }

        /// From hit to hit backwards, until the next is too far away.
        fn lasting(&self, now: i64) -> Option<i128> {
            let mut times = self.times.clone();
            times.sort_unstable();
            let last = times.pop().filter(|last| now - last < self.plan.span_nanos)?;
            let mut first = last;
            while let Some(time) = times.pop().filter(|time| first - time <= self.plan.span_nanos) {
                first = time;
            }
            Some(i128::from(last - first))
        }

        fn measure(&self, comparison: &Comparison, now: i64) -> Option<Measured> {
            let length = comparison.over_nanos.unwrap_or(self.plan.span_nanos);
            let inside = self.inside(now, length);
            let mut values: Vec<i64> = inside.iter().filter_map(|hit| hit.value).collect();
            let occurrences = inside.iter().map(|hit| i128::from(hit.repeats)).sum::<i128>();
            let amount = match comparison.measure {
                Measure::Count => occurrences,
                Measure::Rate => occurrences * 1_000_000_000_000_000 / i128::from(length),
                Measure::Distinct(_) => {
                    inside.iter().filter_map(|hit| hit.text).collect::<std::collections::HashSet<_>>().len()
                        as i128
                }
                Measure::Lasting => self.lasting(now)?,
                Measure::Max(_) => i128::from(*values.iter().max()?),
                Measure::Min(_) => i128::from(*values.iter().min()?),
                Measure::Sum(_) => values.iter().copied().map(i128::from).sum(),
                Measure::Last(_) => {
                    let valued = inside.iter().filter(|hit| hit.value.is_some());
                    // Of one pane the last in source order: the latest of equals.
                    let last = valued.max_by_key(|hit| self.pane(hit.time))?;
                    i128::from(last.value?)
                }
                Measure::Quantile { permyriad, .. } => {
                    values.sort_unstable();
                    let rank = (values.len() * usize::from(permyriad)).div_ceil(10_000).max(1);
                    let mut one = Histogram::default();
                    one.add(*values.get(rank - 1)?);
                    i128::from(one.quantile(10_000)?)
                }
                _ => return None,
            };
            let (limit, unit) = match comparison.limit {
                Limit::Value(limit) if comparison.measure == Measure::Lasting => {
                    (i128::from(limit), Unit::Nanoseconds)
                }
                Limit::Value(limit) => (i128::from(limit), Unit::Count),
                Limit::Rate { count, per_nanos } => {
                    (i128::from(count) * 1_000_000_000_000_000 / i128::from(per_nanos), Unit::MicrosPerSecond)
                }
                _ => return None,
            };
            Some(Measured { amount, limit, unit })
        }

        fn truth(&self, expr: &Expr, now: i64) -> Option<bool> {
            match expr {
                Expr::Not(part) => self.truth(part, now).map(|truth| !truth),
                Expr::Compare(comparison) => {
                    let measured = self.measure(comparison, now)?;
                    Some(comparison.op.accepts(measured.amount.cmp(&measured.limit)))
                }
                // Kleene: false < unknown < true.
                Expr::Any(parts) | Expr::All(parts) => {
                    let rank = |truth: Option<bool>| truth.map_or(1, |truth| if truth { 2 } else { 0 });
                    let ranks = parts.iter().map(|part| rank(self.truth(part, now)));
                    let rank = if matches!(expr, Expr::Any(_)) { ranks.max() } else { ranks.min() };
                    [Some(false), None, Some(true)][rank?]
                }
            }
        }
    }

    const SECOND: i64 = 1_000_000_000;

    fn expr() -> impl Strategy<Value = Expr> {
        let measure = prop_oneof![
            Just("count".to_owned()),
            Just("max(v)".to_owned()),
            Just("min(v)".to_owned()),
            Just("sum(v)".to_owned()),
            Just("distinct(t)".to_owned()),
            Just("last(v)".to_owned()),
            (1..100u8).prop_map(|percent| format!("p{percent}(v)")),
        ];
        let op = prop::sample::select(vec![">=", ">", "<=", "<", "==", "!="]);
        let over = prop::sample::select(vec!["", " for 1s", " for 7s", " for 90s"]);
        let comparison = prop_oneof![
            6 => (measure, op.clone(), 0..30u8)
                .prop_map(|(measure, op, limit)| format!("{measure} {op} {limit}")),
            1 => (op.clone(), 0..90u8).prop_map(|(op, limit)| format!("rate {op} {limit}/m")),
            1 => (op, 0..90u8).prop_map(|(op, limit)| format!("lasting {op} {limit}s")),
        ];
        let comparison = (comparison, over).prop_map(|(comparison, over)| format!("{comparison}{over}"));
        let text = comparison.prop_recursive(3, 8, 3, |inner| {
            let parts = prop::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                parts.clone().prop_map(|parts| format!("({})", parts.join(" or "))),
                parts.prop_map(|parts| format!("({})", parts.join(" and "))),
                inner.prop_map(|part| format!("not ({part})")),
            ]
        });
        text.prop_map(|text| {
            let file = format!(
                "id = 'a'\nmatch = 'boom'\ntake = {{ v = 'v=(\\d+)', t = {{ regex = 't=(\\d+)', type = 'text' }} }}\n\
                 close = '{text}'\n"
            );
            let loaded = chiplog_rules::RuleSet::load([("a.toml", file)]);
            loaded.unwrap_or_else(|errors| panic!("{text}: {errors}")).set.rules()[0].close.clone()
        })
    }

    fn hits() -> impl Strategy<Value = Vec<Hit>> {
        let step = prop_oneof![
            6 => 0..2 * SECOND,
            2 => -3 * SECOND..0,
            1 => -100 * SECOND..100 * SECOND,
        ];
        let repeats = prop_oneof![3 => Just(1), 1 => 1..9u32];
        let value = prop::option::weighted(0.7, -2..40i64);
        let text = prop::option::weighted(0.7, 0..12u64);
        prop::collection::vec((step, repeats, value, text), 1..120).prop_map(|hits| {
            let mut time = 0;
            let hit = |(step, repeats, value, text)| {
                time += step;
                Hit { time, repeats, value, text }
            };
            hits.into_iter().map(hit).collect()
        })
    }

    fn plan_of(expr: &Expr, span_nanos: i64) -> WindowPlan {
        WindowPlan::with_lengths(span_nanos, &lengths_of(expr, span_nanos), (1, 1), true)
    }

    fn view(window: &Window) -> View<'_> {
        View { window, companions: Companions { tracks: &[], ids: &[] }, quiet_since: None }
    }

    fn truth(window: &Window, expr: &Expr, now: i64) -> Option<bool> {
        view(window).truth(expr, now, Unknown::Fails)
    }

    fn comparisons(expr: &Expr) -> Vec<&Comparison> {
        let mut all = Vec::new();
        expr.for_each_comparison(&mut |comparison| all.push(comparison));
        all
    }

    proptest! {
        #[test]
        fn a_window_measures_what_every_hit_adds_up_to(
            expr in expr(),
            span in prop_oneof![Just(SECOND), Just(10 * SECOND), Just(60 * SECOND)],
            hits in hits(),
            later in 0..100 * SECOND,
        ) {
            let plan = plan_of(&expr, span);
            let mut window = Window::new(plan);
            let mut naive = Naive { plan, latest: i64::MIN, hits: Vec::new(), times: Vec::new() };
            for hit in hits {
                prop_assert_eq!(hit.into(&mut window), naive.insert(hit));
                prop_assert_eq!(window.latest(), naive.latest);
                for now in [naive.latest, naive.latest + later] {
                    for comparison in comparisons(&expr) {
                        prop_assert_eq!(
                            window.measure(comparison, now), naive.measure(comparison, now), "{:?}", comparison
                        );
                    }
                    prop_assert_eq!(truth(&window, &expr, now), naive.truth(&expr, now));
                }
                let inside = naive.inside(naive.latest, span);
                let contents = window.contents();
                prop_assert_eq!(contents.hits, inside.len() as u64);
                prop_assert_eq!(contents.occurrences, inside.iter().map(|hit| u64::from(hit.repeats)).sum::<u64>());
                prop_assert_eq!(contents.first, inside.iter().map(|hit| hit.time).min());
                let sum = inside.iter().filter_map(|hit| hit.value).map(i128::from).sum();
                prop_assert_eq!(contents.values[0].sum(), sum);
            }
        }

        /// Between departures nothing changes, so it is enough to look then.
        #[test]
        fn conditions_change_only_at_departures(
            expr in expr(),
            hits in hits(),
            probes in prop::collection::vec(0..200 * SECOND, 20),
        ) {
            let plan = plan_of(&expr, 10 * SECOND);
            let lengths = lengths_of(&expr, plan.span_nanos);
            let mut window = Window::new(plan);
            for hit in hits {
                hit.into(&mut window);
            }
            for probe in probes {
                let now = window.latest() + probe;
                let until = window.next_departure(&lengths, now).unwrap_or(now + 1_000 * SECOND);
                prop_assert!(until > now);
                for same in [now + (until - now) / 2, until - 1] {
                    prop_assert_eq!(truth(&window, &expr, now), truth(&window, &expr, same));
                }
            }
        }
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let plan = WindowPlan { pane_nanos: 1, ..WindowPlan::with_lengths(1, &[1, i64::MAX], (1, 1), true) };
        for times in [[i64::MIN, 0, i64::MAX], [i64::MAX, i64::MIN, 0], [i64::MIN, i64::MIN, i64::MAX]] {
            let mut window = Window::new(plan);
            for time in times {
                Hit { time, repeats: u32::MAX, value: Some(time), text: Some(1) }.into(&mut window);
                window.contents();
                window.next_departure(&[1, i64::MAX], time);
            }
        }
    }
}
