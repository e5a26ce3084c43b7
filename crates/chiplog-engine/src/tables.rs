//! Tables: rules over time, and records by field.

use std::sync::Arc;

use chiplog_parse::UnixNanos;

use crate::ValueSummary;

/// Hits of rules in fixed steps of event time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesTable {
    /// Length of a step; steps start at multiples of it since the epoch and are half-open.
    pub step_nanos: i64,
    /// Non-empty steps by rule id, then group, then start.
    pub rows: Vec<SeriesRow>,
    /// Hits whose line has no time that could be placed; they are in no row.
    pub hits_without_time: u64,
}

/// One rule and group in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesRow {
    /// Id of the rule.
    pub rule_id: Arc<str>,
    /// Labels the rule groups by, those that the lines have.
    pub group: Vec<(Arc<str>, Arc<str>)>,
    /// Start of the step.
    pub start: UnixNanos,
    /// Hits in the step.
    pub count: u64,
    /// One entry per numeric capture of the rule.
    pub values: Vec<ValueSummary>,
}

/// Records by combination of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountTable {
    /// Names of the fields, as asked for.
    pub fields: Vec<Arc<str>>,
    /// Largest count first, then by key.
    pub rows: Vec<CountRow>,
    /// Records counted, also those beyond the cap on rows.
    pub records: u64,
}

/// One combination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountRow {
    /// One entry per field; `None` where a record does not have it.
    pub key: Vec<Option<Arc<str>>>,
    /// How many records.
    pub count: u64,
}
