//! Zero-copy parser for the logs of a Kubernetes platform.
//!
//! Bytes in, borrowed records out: every text field of a result is a slice of the line it came
//! from. Nothing here reads a clock, does I/O, keeps global state, or panics on any input.
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
