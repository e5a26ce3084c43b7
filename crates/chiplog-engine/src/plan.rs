//! What the engine needs to know of a rule, made once for a scan.

use std::sync::Arc;

use chiplog_parse::UnixNanos;
use chiplog_rules::{Comparison, Expr, Measure, Op, Rule, RuleSet};

use crate::Unit;
use crate::aggregate::Aggregate;
use crate::loans::Loan;
use crate::partial::labels_of;
use crate::window::{Measured, Window, WindowPlan, lengths_of};

/// What the timeline needs to know of a rule, made once.
pub(crate) struct RulePlan {
    pub(crate) id: Arc<str>,
    pub(crate) title: Arc<str>,
    pub(crate) plan: WindowPlan,
    /// The lengths of the windows that the close condition looks at.
    pub(crate) close_lengths: Vec<i64>,
    label_names: Vec<Arc<str>>,
    /// Its lines say that other lines were dropped.
    pub(crate) tells_of_gaps: bool,
    /// Another rule may borrow its values.
    pub(crate) lends: bool,
    pub(crate) borrows: Vec<Loan>,
    pub(crate) captures: Vec<(Arc<str>, Unit)>,
}

impl RulePlan {
    /// The plans of all rules of a set, in its order.
    pub(crate) fn of_set(rules: &RuleSet) -> Vec<Self> {
        let mut plans: Vec<Self> = rules.rules().iter().map(Self::of).collect();
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
        }
        plans
    }

    /// Whether hits of the rule lend values or borrow some.
    pub(crate) fn takes_part_in_loans(&self) -> bool {
        self.lends || !self.borrows.is_empty()
    }

    fn of(rule: &Rule) -> Self {
        let captures = rule.numeric_captures.iter().map(|capture| {
            let unit = match capture.unit {
                chiplog_rules::Unit::Duration => Unit::Nanoseconds,
                chiplog_rules::Unit::Bytes => Unit::Bytes,
                _ => Unit::Count,
            };
            (Arc::from(capture.name.as_str()), unit)
        });
        Self {
            id: Arc::from(rule.id.as_str()),
            title: Arc::from(rule.title.as_str()),
            plan: WindowPlan::of(rule),
            close_lengths: lengths_of(&rule.close, rule.window.span_nanos),
            label_names: rule.window.by.iter().map(|label| Arc::from(label.name())).collect(),
            tells_of_gaps: rule.events.iter().any(|kind| kind.starts_with("suppress.")),
            lends: false,
            borrows: Vec::new(),
            captures: captures.collect(),
        }
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
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) hits: u64,
    pub(crate) late: u64,
    pub(crate) values: Vec<Aggregate>,
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

/// The first comparison of a condition, in reading order, that holds and asks for much.
pub(crate) fn reported<'e>(expr: &'e Expr, window: &Window, now: i64) -> Option<(&'e Comparison, Measured)> {
    match expr {
        Expr::Any(parts) | Expr::All(parts) => parts.iter().find_map(|part| reported(part, window, now)),
        Expr::Not(_) => None,
        Expr::Compare(comparison) => {
            let asks_for_much = matches!(comparison.op, Op::AtLeast | Op::MoreThan);
            let measured = window.measure(comparison, now)?;
            let holds = comparison.op.accepts(measured.amount.cmp(&measured.limit));
            (asks_for_much && holds).then_some((comparison, measured))
        }
    }
}

/// The measure as rules write it, without its operator and limit.
pub(crate) fn measure_name(measure: Measure, captures: &[(Arc<str>, Unit)]) -> Arc<str> {
    let capture = measure.capture().map_or("", |capture| &captures[capture.0].0);
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
        _ => String::new(),
    })
}
