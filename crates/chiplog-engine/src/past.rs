//! What is over in a session: findings that have closed, streams that have ended. Bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::collect::Collection;
use crate::plan::Totals;
use crate::saved::{Damaged, Renumbered};
use crate::timeline::Outcome;
use crate::{Finding, Sighting, Warning};

/// Findings that are kept, the newest.
const MAX_FINDINGS: usize = 1_000;

/// Streams that ended of which more than totals is kept, the newest.
const MAX_ENDED: usize = 500;

/// Findings that have closed, and streams that have ended.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Past {
    /// The newest findings, in the order of closing.
    newest: VecDeque<Finding>,
    /// Findings so far: each has a number from 0.
    count: u64,
    landmarks: BTreeMap<Arc<str>, Landmarks>,
    /// Of all streams that ended.
    totals: BTreeMap<usize, Totals>,
    /// The newest, without findings and totals.
    ended: VecDeque<Outcome>,
    ended_left_out: u64,
}

/// Findings of a rule that are never dropped, each with its number.
#[derive(Clone, Serialize, Deserialize)]
struct Landmarks {
    first: (u64, Finding),
    worst: (u64, Finding),
}

impl Past {
    pub(crate) fn keep(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.keep_one(finding);
        }
    }

    fn keep_one(&mut self, finding: Finding) {
        let number = self.count;
        self.count = self.count.saturating_add(1);
        match self.landmarks.get_mut(&finding.rule_id) {
            Some(landmarks) if badness(&finding) > badness(&landmarks.worst.1) => {
                landmarks.worst = (number, finding.clone());
            }
            Some(_) => {}
            None => {
                let landmark = || (number, finding.clone());
                let landmarks = Landmarks { first: landmark(), worst: landmark() };
                self.landmarks.insert(Arc::clone(&finding.rule_id), landmarks);
            }
        }
        self.newest.push_back(finding);
        if self.newest.len() > MAX_FINDINGS {
            self.newest.pop_front();
        }
    }

    /// The same with rules renumbered.
    pub(crate) fn renumbered(mut self, renumbered: &Renumbered) -> Result<Self, Damaged> {
        let mut totals = BTreeMap::new();
        for (old, of_rule) in self.totals {
            if let Some(new) = renumbered.rule(old)? {
                totals.insert(new, of_rule);
            }
        }
        self.totals = totals;
        let is_sound = self.newest.len() as u64 <= self.count
            && self.newest.len() <= MAX_FINDINGS
            && self.ended.len() <= MAX_ENDED
            && self.ended.iter().all(|outcome| outcome.totals.is_empty());
        if is_sound { Ok(self) } else { Err(Damaged("what is over")) }
    }

    /// Keeps what a stream came to that has ended.
    pub(crate) fn end(&mut self, mut outcome: Outcome) {
        self.keep(std::mem::take(&mut outcome.findings));
        for (rule, totals) in std::mem::take(&mut outcome.totals) {
            self.totals.entry(rule).or_default().merge(&totals);
        }
        outcome.shrink();
        self.ended.push_back(outcome);
        if self.ended.len() > MAX_ENDED {
            self.ended.pop_front();
            self.ended_left_out = self.ended_left_out.saturating_add(1);
        }
    }

    /// Sightings of streams that ended.
    pub(crate) fn sightings(&self) -> impl Iterator<Item = &Sighting> {
        self.ended.iter().flat_map(|outcome| &outcome.sightings)
    }

    pub(crate) fn add_to(&self, collection: &mut Collection) {
        collection.add_totals(&self.totals);
        for outcome in &self.ended {
            collection.add(outcome.without_sightings());
        }
        let oldest = self.count - self.newest.len() as u64;
        let landmarks = self.landmarks.values();
        let landmarks = landmarks.flat_map(|of_rule| {
            let worst = Some(&of_rule.worst).filter(|worst| worst.0 != of_rule.first.0);
            std::iter::once(&of_rule.first).chain(worst)
        });
        let older: Vec<Finding> =
            landmarks.filter(|(number, _)| *number < oldest).map(|(_, finding)| finding.clone()).collect();
        let left_out = oldest.saturating_sub(older.len() as u64);
        if left_out > 0 {
            collection.summary.warnings.push(Warning {
                source: None,
                message: format!(
                    "{left_out} closed findings left out, beyond the newest {MAX_FINDINGS} and the first and worst of each rule"
                ),
            });
        }
        if self.ended_left_out > 0 {
            collection.summary.warnings.push(Warning {
                source: None,
                message: format!(
                    "{} ended streams left out, beyond the newest {MAX_ENDED}; their hits are in the totals",
                    self.ended_left_out
                ),
            });
        }
        collection.add_findings(older);
        collection.add_findings(self.newest.iter().cloned());
    }
}

/// How bad a finding was beside others of its rule: how far its measure passed the limit, in
/// thousandths, then its hits.
fn badness(finding: &Finding) -> (i128, u64) {
    let excess = finding
        .peak
        .as_ref()
        .map_or(0, |peak| i128::from(peak.amount).saturating_mul(1_000) / i128::from(peak.limit).max(1));
    (excess, finding.hits)
}
