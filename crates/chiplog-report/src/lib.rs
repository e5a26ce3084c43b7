//! Findings for a person or a program.
//!
//! Every function writes to a writer that the caller gives; nothing here opens a file, reads the
//! environment or asks a terminal anything. The same results give the same bytes.
//!
//! - Text, for people: [`StreamText`] for changes as they happen, [`write_scan_text`] for the
//!   outcome of a scan. What a log says is data: it is escaped before it reaches a terminal
//!   (see [`Escaped`]).
//! - Alerting rules for Prometheus: [`write_prometheus_rules`].
//! - JSON, for programs: [`write_finding_json`], [`write_incident_json`], [`write_scan_json`], [`write_record_json`],
//!   [`write_series`], [`write_count`]. Each object names its schema; within a version, fields
//!   are only ever added. Times are RFC 3339 in UTC, units are part of the field names, and
//!   numbers are exact decimals: 117,026,891 ns is `0.117026891` seconds.
#![forbid(unsafe_code)]

mod escape;
#[cfg(test)]
mod example;
mod human;
mod incident;
mod json;
mod layout;
mod prometheus;
mod record;
mod scan;
mod stream;
mod style;
mod table;
mod unknown;

pub use escape::Escaped;
pub use human::{Exactly, Roughly, Span, Thousands};
pub use incident::write_incident_json;
pub use json::{
    write_clock_step_json, write_finding_json, write_gap_json, write_scan_json, write_transition_json,
};
pub use prometheus::write_prometheus_rules;
pub use record::write_record_json;
pub use scan::{ScanTextOptions, unparsed_share, write_paragraphs, write_scan_text};
pub use stream::{Advice, LikelyCause, StreamText};
pub use style::{Ink, Style};
pub use table::{TableFormat, write_count, write_series};
