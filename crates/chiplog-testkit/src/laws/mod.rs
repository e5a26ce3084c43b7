//! What must hold whatever the input: one function per target of the fuzzer.
//!
//! Each takes any bytes and panics if a law is broken. The fuzzer (`fuzz/`) looks for bytes that
//! break one; a plain test runs the same functions over [`seeds`] and over every input that broke
//! one in the past. The laws are not only that nothing panics:
//!
//! - what a parser gives borrows from what it was given;
//! - what was read and is printed again is read the same;
//! - where another reader of the same format exists, the two agree;
//! - an answer does not depend on how the input was cut, on the mode of the scan, on the number of
//!   workers, or on the lines that came before.
//!
//! ```
//! for target in chiplog_testkit::laws::TARGETS {
//!     (target.check)(b"E0305 06:07:08.120034    1234 x.go:17] \"failed\" err=\"no\"");
//! }
//! ```

mod archives;
mod borrowed;
mod detector;
mod envelopes;
mod events;
mod go;
mod journal;
mod journal_file;
mod json;
mod json_formats;
mod klog;
mod payloads;
mod rules;
mod scan;
pub mod seeds;
mod source;

/// A set of laws.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// The name: of the fuzz target, of its folder of regressions.
    pub name: &'static str,
    /// Panics if the bytes break a law.
    pub check: fn(&[u8]),
    /// The formats whose conformance vectors are seeds.
    pub formats: &'static [&'static str],
    /// What stands before a seed: the bytes that the target takes its parameters from.
    pub heads: &'static [&'static [u8]],
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "klog",
        check: klog::check,
        formats: &["klog", "klog_body", "klog_stream"],
        heads: &[b""],
    },
    Target { name: "json", check: json::check, formats: JSON, heads: &[b""] },
    Target { name: "json_formats", check: json_formats::check, formats: JSON, heads: &[b""] },
    Target {
        name: "payloads",
        check: payloads::check,
        formats: &["capnslog", "zap_console", "logrus", "logrus_tty", "utiltrace"],
        heads: &[b""],
    },
    Target {
        name: "envelopes",
        check: envelopes::check,
        formats: &["cri", "cri_stream", "docker_stream", "syslog", "kmsg", "auto", "lines"],
        heads: &[b""],
    },
    Target {
        name: "journal_text",
        check: journal::check_text,
        formats: &["journal_text", "journal_stream"],
        heads: &[b""],
    },
    Target {
        name: "journal_export",
        check: journal::check_export,
        formats: &["journal_export"],
        heads: &[b""],
    },
    Target { name: "journal_file", check: journal_file::check_file, formats: &[], heads: &[b""] },
    Target {
        name: "journal_data",
        check: journal_file::check_data,
        formats: &["lines"],
        heads: &[b"\x00", b"\x01", b"\x02", b"\x03"],
    },
    Target {
        name: "events",
        check: events::check,
        formats: &["etcd", "oom", "k8s_event", "suppress", "utiltrace", "zap_json", "klog_json"],
        heads: &[b""],
    },
    Target { name: "go", check: go::check, formats: &["duration", "goquote", "prototext"], heads: &[b""] },
    Target { name: "detector", check: detector::check, formats: EVERY, heads: &[b""] },
    Target { name: "block_splits", check: scan::check_splits, formats: EVERY, heads: SCAN_HEADS },
    Target {
        name: "sparse_equals_dense",
        check: scan::check_sparse_equals_dense,
        formats: EVERY,
        heads: SCAN_HEADS,
    },
    Target { name: "rule_files", check: rules::check, formats: &[], heads: &[b""] },
    Target {
        name: "block_reader",
        check: source::check_blocks,
        formats: &["lines", "klog"],
        heads: &[b"\x40\x10\x03\x00", b"\x05\x08\x01\x01"],
    },
    Target {
        name: "decompress",
        check: source::check_decompression,
        formats: &["lines"],
        heads: &[b"\x00\x01", b"\x01\x01", b"\x02\x01", b"\x03\x01", b"\x04\x01"],
    },
    Target { name: "archives", check: archives::check, formats: &["lines", "klog"], heads: &[b"\x00"] },
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Runs the laws of the target of that name.
///
/// # Panics
///
/// If the bytes break a law, or there is no such target.
pub fn check(name: &str, data: &[u8]) {
    (target(name).unwrap_or_else(|| panic!("no target {name:?}")).check)(data);
}

const JSON: &[&str] =
    &["klog_json", "zap_json", "logrus_json", "docker_json", "docker_stream", "journal_json"];

const EVERY: &[&str] = &[
    "auto",
    "capnslog",
    "cri",
    "docker_json",
    "etcd",
    "journal",
    "journal_json",
    "journal_text",
    "k8s_event",
    "klog",
    "klog_json",
    "kmsg",
    "logrus",
    "logrus_json",
    "logrus_tty",
    "oom",
    "suppress",
    "syslog",
    "utiltrace",
    "zap_console",
    "zap_json",
];

const SCAN_HEADS: &[&[u8]] = &[b"\x00\x40\x00", b"\x05\x07\x03"];

/// Takes the parameters of a target off its input: `N` bytes, zeros where there are none.
fn parameters<const N: usize>(data: &[u8]) -> ([u8; N], &[u8]) {
    match data.split_first_chunk::<N>() {
        Some((head, rest)) => (*head, rest),
        None => ([0; N], data),
    }
}
