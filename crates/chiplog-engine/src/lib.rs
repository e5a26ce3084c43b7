//! Windows, findings and series over parsed log lines.
//!
//! No I/O and no clock: blocks of lines come in, findings go out, and the same bytes give the
//! same findings for any block size, split or worker count.

mod agenda;
mod aggregate;
mod block;
mod census;
mod clocks;
mod clothes;
mod collect;
mod companions;
mod count;
mod elector;
mod exact;
mod finding;
mod gaps;
mod histogram;
mod incident;
mod loans;
mod loss;
mod once;
mod origin;
mod partial;
mod past;
mod placement;
mod plan;
mod pool;
mod programs;
mod rule_tests;
mod runs;
mod sampling;
mod saved;
mod scan;
mod scanner;
mod series;
mod session;
mod sighting;
mod summary;
mod tables;
mod templates;
mod texts;
mod timeline;
mod view;
mod window;

pub use block::{Block, BlockSource, Entries, Passed};
pub use count::{CountField, UnknownField, count_fields};
pub use elector::Elector;
pub use exact::{Quantity, Unit};
pub use finding::{Evidence, Finding, Notice, Peak, State, Transition, ValueSummary};
pub use histogram::Histogram;
pub use incident::{
    Candidate, Expected, Fit, Incident, Link, MAX_CANDIDATES, Member, Reason, ReasonKind, Root, Seen,
    Suspect, Unknown, UnknownKind, Unseen, diagnose,
};
pub use loss::{Loss, LossReason};
pub use origin::Origin;
pub use partial::Partial;
pub use rule_tests::{CaseOutcome, run_case};
pub use saved::{RestoreError, RuleChanges};
pub use scan::{InputOptions, Scan, ScanOptions};
pub use scanner::{ScanMode, Scanner};
pub use series::{Series, SeriesOptions};
pub use session::Session;
pub use sighting::Sighting;
pub use summary::{
    Archive, ClockStep, Gap, InputClock, InputSummary, Program, RuleTotals, ScanSummary, Warning, YearSource,
    ZoneSource,
};
pub use tables::{CountRow, CountTable, SeriesRow, SeriesTable};
pub use templates::{Half, UnknownTemplate};
