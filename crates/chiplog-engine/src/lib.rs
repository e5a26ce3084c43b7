//! Windows, findings and series over parsed log lines.
//!
//! No I/O and no clock: blocks of lines come in, findings go out, and the same bytes give the
//! same findings for any block size, split or worker count.

mod block;
mod exact;
mod finding;
mod histogram;
mod summary;
mod tables;

pub use block::Block;
pub use exact::{Quantity, Unit};
pub use finding::{Evidence, Finding, Peak, State, Transition, ValueSummary};
pub use histogram::Histogram;
pub use summary::{Gap, InputSummary, RuleTotals, ScanSummary, Warning};
pub use tables::{CountRow, CountTable, SeriesRow, SeriesTable};
