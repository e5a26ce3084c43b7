//! What the engine needs to know of a rule, made once for a scan.

use std::sync::Arc;

use chiplog_parse::UnixNanos;
use chiplog_rules::{Comparison, Label, Limit, Measure, Rule, RuleSet};
use serde::{Deserialize, Serialize};

use crate::Unit;
use crate::aggregate::Aggregate;
use crate::loans::Loan;
use crate::partial::{Partial, labels_of};
use crate::view::Changes;
use crate::window::WindowPlan;

/// What the timeline needs to know of a rule, made once.
pub(crate) struct RulePlan {
    /// The rule's place in its set.
    pub(crate) rule: usize,
    pub(crate) id: Arc<str>,
    pub(crate) title: Arc<str>,
    pub(crate) plan: WindowPlan,
    /// The comparisons of the open condition, in reading order: one of them is reported.
    pub(crate) open_comparisons: Vec<Comparison>,
    /// When the open condition may change without a hit.
    pub(crate) open_changes: Changes,
    /// The same of the close condition.
    pub(crate) close_changes: Changes,
    /// The longest time since a hit of another rule that the conditions ask for.
    pub(crate) longest_since_nanos: i64,
    /// How long the open condition must hold before a finding opens.
    pub(crate) hold_nanos: Option<i64>,
    /// Hits of one occurrence are this near to each other.
    pub(crate) once_nanos: Option<i64>,
    /// How many hashes of texts a hit has.
    pub(crate) texts: usize,
    /// For each companion, the labels of the window by which its hits are told apart, by place.
    pub(crate) companions: Vec<Vec<usize>>,
    /// Rules whose conditions look at the hits of this one.
    pub(crate) asked_by: Vec<Asker>,
    distinct_names: Vec<Arc<str>>,
    companion_ids: Vec<Arc<str>>,
    label_names: Vec<Arc<str>>,
    /// Its lines say that other lines were dropped.
    pub(crate) tells_of_gaps: bool,
    /// Another rule may borrow its values.
    pub(crate) lends: bool,
    pub(crate) borrows: Vec<Loan>,
    pub(crate) captures: Vec<(Arc<str>, Unit)>,
}

/// A rule whose conditions look at the hits of another.
pub(crate) struct Asker {
    pub(crate) rule: usize,
    /// Which of its companions the other is.
    pub(crate) companion: usize,
    /// The labels of the other by which the hits are told apart, by place.
    pub(crate) labels: Vec<usize>,
}

impl RulePlan {
    /// The plans of all rules of a set, in its order.
    pub(crate) fn of_set(rules: &RuleSet) -> Vec<Self> {
        let mut plans: Vec<Self> =
            rules.rules().iter().enumerate().map(|(index, rule)| Self::of(index, rule)).collect();
        for (index, rule) in rules.rules().iter().enumerate() {
            for borrow in &rule.borrows {
                let Some(lender) = rules.rules().iter().position(|rule| rule.id == borrow.rule_id) else {
                    continue;
                };
                let capture = borrow.capture.0;
                let name = Arc::clone(&plans[index].captures[capture].0);
                let Some(lender_capture) = plans[lender].captures.iter().position(|lent| lent.0 == name)
                else {
                    continue;
                };
                plans[lender].lends = true;
                plans[index].borrows.push(Loan { capture, lender, lender_capture });
            }
            for (number, companion) in rule.companions.iter().enumerate() {
                let labels = companion.shared_labels.iter().map(|(_, theirs)| *theirs).collect();
                if let Some(plan) = plans.get_mut(companion.rule) {
                    plan.asked_by.push(Asker { rule: index, companion: number, labels });
                }
            }
        }
        plans
    }

    /// Whether hits of the rule lend values or borrow some.
    pub(crate) fn takes_part_in_loans(&self) -> bool {
        self.lends || !self.borrows.is_empty()
    }

    fn of(index: usize, rule: &Rule) -> Self {
        let captures = rule.numeric_captures.iter().map(|capture| {
            let unit = match capture.unit {
                chiplog_rules::Unit::Duration => Unit::Nanoseconds,
                chiplog_rules::Unit::Bytes => Unit::Bytes,
                _ => Unit::Count,
            };
            (Arc::from(capture.name.as_str()), unit)
        });
        let companions = rule
            .companions
            .iter()
            .map(|companion| companion.shared_labels.iter().map(|(own, _)| *own).collect());
        let mut open_comparisons = Vec::new();
        rule.open.for_each_comparison(&mut |comparison| open_comparisons.push(comparison.clone()));
        let mut longest_since_nanos = 0;
        for expr in [&rule.open, &rule.close] {
            expr.for_each_comparison(&mut |comparison| {
                if let (Measure::Since(_), Limit::Value(limit)) = (comparison.measure, comparison.limit) {
                    longest_since_nanos = longest_since_nanos.max(limit);
                }
            });
        }
        Self {
            rule: index,
            open_comparisons,
            longest_since_nanos,
            id: Arc::from(rule.id.as_str()),
            title: Arc::from(rule.title.as_str()),
            plan: WindowPlan::of(rule),
            open_changes: Changes::of(&rule.open, rule.window.span_nanos),
            close_changes: Changes::of(&rule.close, rule.window.span_nanos),
            hold_nanos: rule.hold_nanos,
            once_nanos: rule.once.map(|once| once.within_nanos),
            texts: rule.distinct_captures.len(),
            companions: companions.collect(),
            asked_by: Vec::new(),
            distinct_names: rule.distinct_captures.iter().map(|name| Arc::from(name.as_str())).collect(),
            companion_ids: rule.companions.iter().map(|other| Arc::from(other.rule_id.as_str())).collect(),
            label_names: rule.window.by.iter().map(|label| Arc::from(Label::name(label))).collect(),
            tells_of_gaps: rule.events.iter().any(|kind| kind.starts_with("suppress.")),
            lends: false,
            borrows: Vec::new(),
            captures: captures.collect(),
        }
    }

    /// Whether a finding may open between two hits.
    pub(crate) fn opens_between_hits(&self) -> bool {
        self.hold_nanos.is_some() || self.needs_no_hit()
    }

    /// Whether the open condition can come true without a hit.
    pub(crate) fn needs_no_hit(&self) -> bool {
        self.open_changes.needs_no_hit()
    }

    /// The hashes of a hit: of the texts whose number is measured, and of what makes it the same
    /// occurrence as another.
    pub(crate) fn hashes_of<'p>(&self, partial: &'p Partial, first: u32) -> (&'p [Option<u64>], Option<u64>) {
        let hashes = partial.hashes.get(first as usize..).unwrap_or_default();
        let (texts, rest) = hashes.split_at_checked(self.texts).unwrap_or_default();
        (texts, rest.first().copied().flatten().filter(|_| self.once_nanos.is_some()))
    }

    /// The measure as rules write it, without its operator and limit.
    pub(crate) fn measure_name(&self, measure: Measure) -> Arc<str> {
        let capture = measure.capture().map_or("", |capture| &self.captures[capture.0].0);
        Arc::from(match measure {
            Measure::Count => "count".to_owned(),
            Measure::Rate => "rate".to_owned(),
            Measure::Max(_) => format!("max({capture})"),
            Measure::Min(_) => format!("min({capture})"),
            Measure::Sum(_) => format!("sum({capture})"),
            Measure::Last(_) => format!("last({capture})"),
            Measure::Quantile { permyriad, .. } => {
                let percent = format!("{}.{:02}", permyriad / 100, permyriad % 100);
                format!("p{}({capture})", percent.trim_end_matches('0').trim_end_matches('.'))
            }
            Measure::Distinct(text) => format!("distinct({})", self.distinct_names[text.0]),
            Measure::Lasting => "lasting".to_owned(),
            Measure::Since(other) => format!("since({})", self.companion_ids[other.0]),
            Measure::Ratio(other) => format!("ratio({})", self.companion_ids[other.0]),
            Measure::Absent => "absent".to_owned(),
            _ => String::new(),
        })
    }

    /// The labels of a key as text, those that are not empty, and the host in any case.
    pub(crate) fn group(&self, host: &str, labels: &[u8]) -> Vec<(Arc<str>, Arc<str>)> {
        let mut group: Vec<(Arc<str>, Arc<str>)> = self
            .label_names
            .iter()
            .zip(labels_of(labels))
            .filter(|(_, label)| !label.is_empty())
            .map(|(name, label)| (Arc::clone(name), Arc::from(&*String::from_utf8_lossy(label))))
            .collect();
        if !host.is_empty() && !group.iter().any(|(name, _)| &**name == "host") {
            group.insert(0, (Arc::from("host"), Arc::from(host)));
        }
        group
    }
}

/// All hits of one rule in one source.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) hits: u64,
    pub(crate) occurrences: u64,
    pub(crate) late: u64,
    pub(crate) values: Vec<Aggregate>,
}

impl Totals {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.hits = self.hits.saturating_add(other.hits);
        self.occurrences = self.occurrences.saturating_add(other.occurrences);
        self.late = self.late.saturating_add(other.late);
        if self.values.len() < other.values.len() {
            self.values.resize_with(other.values.len(), Aggregate::default);
        }
        self.values.iter_mut().zip(&other.values).for_each(|(sum, part)| sum.merge(part));
    }
}

/// Bounds on the times of hits that are taken into account: since and until, both inclusive.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TimeRange {
    pub(crate) since: Option<UnixNanos>,
    pub(crate) until: Option<UnixNanos>,
}

impl TimeRange {
    pub(crate) fn contains(&self, instant: Option<UnixNanos>) -> bool {
        let Some(instant) = instant else { return self.since.is_none() && self.until.is_none() };
        self.since.is_none_or(|since| instant >= since) && self.until.is_none_or(|until| instant <= until)
    }
}
