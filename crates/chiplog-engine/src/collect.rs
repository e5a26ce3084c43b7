//! What sources came to, put together.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::aggregate::Aggregate;
use crate::plan::{RulePlan, Totals};
use crate::templates::{self, FinishedTemplates};
use crate::timeline::Outcome;
use crate::{Finding, RuleTotals, ScanSummary, Warning};

/// Outcomes of sources, added up in any order that is fixed.
pub(crate) struct Collection {
    plans: Arc<Vec<RulePlan>>,
    totals: Vec<Totals>,
    templates: Vec<(Arc<str>, Arc<FinishedTemplates>)>,
    pub(crate) summary: ScanSummary,
}

impl Collection {
    pub(crate) fn new(plans: &Arc<Vec<RulePlan>>) -> Self {
        let totals = plans.iter().map(|plan| Totals {
            values: vec![Aggregate::default(); plan.captures.len()],
            ..Totals::default()
        });
        Self {
            plans: Arc::clone(plans),
            totals: totals.collect(),
            templates: Vec::new(),
            summary: ScanSummary::default(),
        }
    }

    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.add_totals(&outcome.totals);
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

    pub(crate) fn add_totals(&mut self, totals: &BTreeMap<usize, Totals>) {
        for (rule, totals) in totals {
            if let Some(sum) = self.totals.get_mut(*rule) {
                sum.merge(totals);
            }
        }
    }

    pub(crate) fn add_findings(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.summary.findings.extend(findings);
    }

    /// The summary of what was added. Of templates that no rule knows, no more than `most_templates`
    /// are looked at.
    pub(crate) fn finish(self, most_templates: usize) -> ScanSummary {
        let Self { plans, totals, templates, mut summary } = self;
        summary.unknown = templates::join(&templates, most_templates);
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
        let rules = plans.iter().zip(&totals).map(|(plan, totals)| {
            let values = plan.captures.iter().zip(&totals.values);
            let values = values.map(|((name, unit), aggregate)| aggregate.summary(name, *unit)).collect();
            let Totals { hits, occurrences, late, .. } = *totals;
            (Arc::clone(&plan.id), RuleTotals { hits, occurrences, late, values })
        });
        summary.rules = rules.collect();
        summary
    }
}
