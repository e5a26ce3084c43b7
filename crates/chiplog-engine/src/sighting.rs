//! Hits that opened no finding: too little to report, but evidence all the same.

use std::sync::Arc;

use chiplog_parse::UnixNanos;
use serde::{Deserialize, Serialize};

use crate::Evidence;

/// All hits of one rule and one group of labels in one source, where the rule's condition never
/// came true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sighting {
    /// Id of the rule.
    pub rule_id: Arc<str>,
    /// Name of the source that the lines came from.
    pub source: Arc<str>,
    /// Labels that the rule groups by, in its order, and the host: as in [`crate::Finding::group`].
    pub group: Vec<(Arc<str>, Arc<str>)>,
    /// Time of the first hit; `None` if it could not be placed.
    pub first_time: Option<UnixNanos>,
    /// Time of the last hit.
    pub last_time: Option<UnixNanos>,
    /// Hits.
    pub hits: u64,
    /// The first line.
    pub evidence: Evidence,
}

impl Sighting {
    /// A sighting of one hit without a time.
    #[must_use]
    pub fn new(rule_id: Arc<str>, source: Arc<str>, evidence: Evidence) -> Self {
        Self { rule_id, source, group: vec![], first_time: None, last_time: None, hits: 1, evidence }
    }
}
