//! What probably led to a finding of a live stream, told as soon as it is known.

use std::sync::Arc;

use chiplog_engine::{Finding, Incident, Root, ScanSummary, Seen, State};
use chiplog_report::LikelyCause;
use chiplog_rules::RuleSet;

use crate::pipeline;

/// Findings that are kept to be joined with later ones.
const KEPT: usize = 500;

/// Findings of one rule that are kept, the first of them among these: a storm of one kind must not
/// push out what caused it.
const KEPT_OF_RULE: usize = 20;

/// How long a finding that has closed may still be the cause of another, in nanoseconds.
const MEMORY_NANOS: i64 = 3_600_000_000_000;

/// The findings of the last hour, as they were told.
pub(crate) struct Known {
    rules: RuleSet,
    summary: ScanSummary,
}

impl Known {
    pub(crate) fn new(rules: &RuleSet) -> Self {
        Self { rules: rules.clone(), summary: ScanSummary::default() }
    }

    /// Takes note of a change, and says what probably led to the finding, if that is known by now.
    pub(crate) fn note(&mut self, finding: &Finding) -> Option<LikelyCause> {
        let findings = &mut self.summary.findings;
        let is_same = |known: &Finding| {
            known.rule_id == finding.rule_id
                && known.group == finding.group
                && known.source == finding.source
                && known.opened_time == finding.opened_time
        };
        let index = match findings.iter().position(is_same) {
            Some(index) => {
                findings[index] = finding.clone();
                index
            }
            None => {
                findings.push(finding.clone());
                findings.len() - 1
            }
        };
        let cause = likely(&pipeline::incidents(&self.rules, &self.summary), index);
        self.forget(finding);
        cause
    }

    /// Goes on after an earlier run that found this: the newest may still be causes.
    pub(crate) fn resume(&mut self, summary: &ScanSummary) {
        let excess = summary.findings.len().saturating_sub(KEPT);
        self.summary.findings.extend(summary.findings.iter().skip(excess).cloned());
    }

    /// Goes on with other rules. What was found by rules that are gone is still known.
    pub(crate) fn replace_rules(&mut self, rules: &RuleSet) {
        self.rules = rules.clone();
    }

    fn forget(&mut self, newest: &Finding) {
        let findings = &mut self.summary.findings;
        if let Some(now) = newest.time {
            findings.retain(|finding| {
                finding.state == State::Open
                    || finding.last_time.is_none_or(|last| now.0.saturating_sub(last.0) <= MEMORY_NANOS)
            });
        }
        let of_rule = |finding: &Finding| finding.rule_id == newest.rule_id;
        if findings.iter().filter(|finding| of_rule(finding)).count() > KEPT_OF_RULE {
            let second = findings.iter().enumerate().filter(|(_, finding)| of_rule(finding)).nth(1);
            if let Some((index, _)) = second {
                findings.remove(index);
            }
        }
        let excess = findings.len().saturating_sub(KEPT);
        findings.drain(..excess);
    }
}

/// What started the incident of a finding, if that is something else.
fn likely(incidents: &[Incident], finding: usize) -> Option<LikelyCause> {
    incidents.iter().find_map(|incident| {
        let members = &incident.members;
        let own = members.iter().position(|member| member.seen == Seen::Finding(finding))?;
        let (index, is_root) = match &incident.root {
            Root::Member(root) => (*root, true),
            Root::Unknown { earliest, .. } => (*earliest, false),
        };
        let (own, first) = (members.get(own)?, members.get(index)?);
        // That the same trouble was elsewhere before explains nothing.
        if own.rule_id == first.rule_id {
            return None;
        }
        Some(LikelyCause {
            rule_id: Arc::clone(&first.rule_id),
            host: first.host.clone().filter(|host| own.host.as_ref() != Some(host)),
            earlier_nanos: own
                .first_time
                .zip(first.first_time)
                .map(|(own, first)| own.0.saturating_sub(first.0)),
            is_root,
        })
    })
}
