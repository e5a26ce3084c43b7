//! Findings: what is wrong, where, since when, how badly.

use std::sync::Arc;

use chiplog_parse::{Severity, UnixNanos};
use serde::{Deserialize, Serialize};

use crate::{ClockStep, Gap, Unit};

/// Whether a finding's condition holds at the end of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    /// The open condition came true and the close condition has not since.
    Open,
    /// The close condition came true.
    Closed,
}

/// A change of a finding, as a stream reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Transition {
    /// The open condition came true.
    Open,
    /// An open finding's measure grew well past what was last reported.
    Worse,
    /// The close condition came true.
    Close,
}

/// What a scan tells while it goes on, in the order of the lines that caused it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Notice<'n> {
    /// A finding opened, grew worse or closed.
    Transition(&'n Finding),
    /// A line says that other lines are missing.
    Gap(&'n Gap),
    /// The clock of a host has jumped.
    ClockStep(&'n ClockStep),
}

/// One stretch of trouble: one rule, one group of labels, from opening to closing.
///
/// The same type reports a change in a stream (with [`Finding::transition`]) and the outcome at
/// the end of the input (without).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// Id of the rule.
    pub rule_id: Arc<str>,
    /// One line: what the rule calls the problem.
    pub title: Arc<str>,
    /// Severity that the rule gives it.
    pub severity: Severity,
    /// The change that is reported; `None` in a final report.
    pub transition: Option<Transition>,
    /// Whether the condition held at that time.
    pub state: State,
    /// Name of the source that the lines came from.
    pub source: Arc<str>,
    /// Labels that the rule groups by, in its order, as text: `("host", "cp-1")`. A label that
    /// the lines do not have is left out.
    pub group: Vec<(Arc<str>, Arc<str>)>,
    /// Program that wrote the first line, if known.
    pub component: Option<Arc<str>>,
    /// Time of the change, or of the last one in a final report. `None` when no line had a time
    /// that could be placed.
    pub time: Option<UnixNanos>,
    /// Time of the first hit that counts towards this stretch.
    pub first_time: Option<UnixNanos>,
    /// Time of the last hit so far.
    pub last_time: Option<UnixNanos>,
    /// When the condition came true.
    pub opened_time: Option<UnixNanos>,
    /// When the close condition came true.
    pub closed_time: Option<UnixNanos>,
    /// Hits so far in this stretch: lines. None where the trouble is that lines are absent.
    pub hits: u64,
    /// Occurrences that the hits stand for: a line may say that it was repeated.
    pub occurrences: u64,
    /// The window that the open condition looks at, in nanoseconds.
    pub window_nanos: i64,
    /// The worst value that the open condition's measure reached, and its limit.
    pub peak: Option<Peak>,
    /// The values that the hits carried, one entry per numeric capture.
    pub values: Vec<ValueSummary>,
    /// Whether everything that could count was seen. When not, counts are lower bounds.
    pub complete: bool,
    /// The rule changed or was taken away while the finding was open: it was closed for that.
    pub rule_changed: bool,
    /// Lines to show: the first hit, the one that opened it, the one with the worst value.
    pub evidence: Vec<Evidence>,
}

impl Finding {
    /// A finding of which nothing is known but what the rule says: open, without hits or times.
    #[must_use]
    pub fn new(rule_id: Arc<str>, title: Arc<str>, severity: Severity, source: Arc<str>) -> Self {
        Self {
            rule_id,
            title,
            severity,
            transition: None,
            state: State::Open,
            source,
            group: vec![],
            component: None,
            time: None,
            first_time: None,
            last_time: None,
            opened_time: None,
            closed_time: None,
            hits: 0,
            occurrences: 0,
            window_nanos: 0,
            peak: None,
            values: vec![],
            complete: true,
            rule_changed: false,
            evidence: vec![],
        }
    }
}

/// A measure at its worst, beside the limit that it passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// The measure as the rule writes it: `count`, `p99(took)`.
    pub name: Arc<str>,
    /// Unit of both amounts.
    pub unit: Unit,
    /// The worst value, in the smallest unit.
    pub amount: i64,
    /// The limit in the rule, in the smallest unit.
    pub limit: i64,
}

/// All values of one capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueSummary {
    /// Name of the capture.
    pub name: Arc<str>,
    /// Unit of the amounts.
    pub unit: Unit,
    /// How many hits carried a value.
    pub count: u64,
    /// Exact sum.
    pub sum: i128,
    /// Smallest value; `None` without any.
    pub min: Option<i64>,
    /// Largest value.
    pub max: Option<i64>,
    /// Median, 90th and 99th percentile, to within 1.1 %; exact when all values are equal.
    pub p50: Option<i64>,
    /// See [`ValueSummary::p50`].
    pub p90: Option<i64>,
    /// See [`ValueSummary::p50`].
    pub p99: Option<i64>,
}

/// A line that belongs to a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Line number in the source, from 1.
    pub line: u64,
    /// Offset of the line's first byte in the source (after decompression); of an entry of a
    /// journal, [`Entries::offset_of`](crate::Entries::offset_of) it.
    pub offset: u64,
    /// Time of the line, if it could be placed.
    pub time: Option<UnixNanos>,
    /// Program and pid as the line gives them, for display: `etcd[1893]`, `kubelet`.
    pub origin: Option<Arc<str>>,
    /// The message, decoded, at most 4 KiB; raw bytes from the log, so not safe for a terminal.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
    /// The values that this line carried: name, unit, amount.
    pub values: Vec<(Arc<str>, Unit, i64)>,
}
