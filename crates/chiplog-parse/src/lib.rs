//! Zero-copy parser for the logs of a Kubernetes platform.
//!
//! Bytes in, borrowed records out: every text field of a result is a slice of the line it came
//! from. Nothing here reads a clock, does I/O, keeps global state, or panics on any input.
//!
//! Lines of unknown and mixed formats go through a [`Detector`], which peels envelopes and reads
//! the payload:
//!
//! ```
//! # #[cfg(feature = "alloc")] {
//! use chiplog_parse::{Clock, Detector, Payload};
//!
//! let log = b"May 14 03:12:44 w-07 kubelet[2588]: E0514 03:12:44.356361    2588 kubelet_volumes.go:154] \
//! Orphaned pod \"0a1b\" found, but volume paths are still present on disk\n";
//! let (mut detector, mut clock) = (Detector::new(), Clock::from_year(2024));
//! for line in chiplog_parse::lines(log) {
//!     match detector.parse(line, &mut clock) {
//!         Ok(record) => {
//!             assert_eq!(record.host, Some(&b"w-07"[..]));
//!             assert!(matches!(record.payload(), Payload::Klog(klog) if klog.line == 154));
//!         }
//!         Err(error) => panic!("{error} at byte {}", error.offset()),
//!     }
//! }
//! # }
//! ```
//!
//! A caller who knows the format calls its module: [`klog::parse`], [`zap::parse_json`],
//! [`capnslog::parse`], [`logrus::parse`], [`cri::parse`], [`docker_json::parse`],
//! [`journal_text::parse`], [`syslog::parse`], [`kmsg::parse`]. What messages mean is in
//! [`events`]; [`Record::event`] finds it.
//!
//! # Time
//!
//! Many formats have no year or no zone. [`Time`] says which it is: an instant, a wall clock's
//! reading, or a time since boot. A [`Clock`] makes instants of readings, from what the caller
//! knows, and says when it guessed.
//!
//! # Features
//!
//! - `std` (default): `alloc`, and SIMD chosen at run time when searching.
//! - `alloc`: decoding of escaped text, the detector, reassembly of fragments. Without it the
//!   format modules still parse.
//! - `serde`: `Serialize` for severities, times, formats and streams; `Deserialize`, too, for severities, formats, instants
//!   and clocks.
//! - `chrono`: conversions of times.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod bytes;
pub mod capnslog;
mod clock;
pub mod cri;
#[cfg(feature = "alloc")]
mod detect;
mod digits;
pub mod docker_json;
mod error;
mod event;
pub mod events;
pub mod go;
pub mod journal_entry;
pub mod journal_export;
pub mod journal_json;
pub mod journal_text;
pub mod json;
pub mod klog;
pub mod klog_json;
pub mod klog_stream;
pub mod kmsg;
mod lines;
pub mod logrus;
mod near;
pub mod prefix;
pub mod prototext;
#[cfg(feature = "alloc")]
pub mod reassemble;
mod record;
mod rfc3339;
mod severity;
mod stream;
pub mod syslog;
mod tag;
mod text;
mod time;
pub mod zap;

pub use clock::{Clock, Resolved, utc_offset_seconds};
#[cfg(feature = "alloc")]
pub use detect::{Detector, closest};
pub use error::ParseError;
pub use event::{EVENT_KINDS, Event, EventKind, EventUnit, EventValue};
pub use lines::*;
pub use record::{Fields, Format, Layers, Payload, Record};
pub use severity::Severity;
pub use stream::Stream;
pub use text::{Escape, Text, Value};
pub use time::{Civil, Time, UnixNanos};
