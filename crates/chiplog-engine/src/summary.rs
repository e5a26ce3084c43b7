//! What was read, and how far it can be trusted.

use std::collections::BTreeMap;
use std::sync::Arc;

use chiplog_parse::{Format, UnixNanos};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Finding, Sighting, UnknownTemplate, ValueSummary};

/// The outcome of a scan: findings, and everything needed to judge them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ScanSummary {
    /// Findings by first time, then rule id, then group and source.
    pub findings: Vec<Finding>,
    /// Hits that opened no finding, by first time, then rule id, then group and source; of each
    /// rule and input the first 100 groups.
    pub sightings: Vec<Sighting>,
    /// Totals of every rule of the set, by id, also of those without a hit.
    pub rules: BTreeMap<Arc<str>, RuleTotals>,
    /// What was read, in the order of reading.
    pub inputs: Vec<InputSummary>,
    /// Inputs that are archives, in the order of reading; their members are among
    /// [`ScanSummary::inputs`], by names that start with that of the archive and `/`.
    pub archives: Vec<Archive>,
    /// Warnings and errors that no rule knows, the most frequent first. Of large inputs only lines
    /// that were looked at count; see [`InputSummary::census_lines`].
    pub unknown: Vec<UnknownTemplate>,
    /// Input that is known to be missing.
    pub gaps: Vec<Gap>,
    /// Clocks that jumped, of each input the first 100.
    pub clock_steps: Vec<ClockStep>,
    /// Things the reader of the report should know.
    pub warnings: Vec<Warning>,
    /// The scan was cut short by an interrupt.
    pub interrupted: bool,
}

/// All hits of one rule over all inputs, whether or not a finding came of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTotals {
    /// Matching lines that count.
    pub hits: u64,
    /// Occurrences that they stand for: a line may say that it was repeated.
    pub occurrences: u64,
    /// Hits so much older than their neighbours that they are in the totals but in no window.
    pub late: u64,
    /// Values of each numeric capture.
    pub values: Vec<ValueSummary>,
}

/// One input after it was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InputSummary {
    /// Name: path, member of an archive, or `stdin`.
    pub name: Arc<str>,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Physical lines.
    pub lines: u64,
    /// Lines by chain of formats, outermost first: `[journal_text, klog]`. Only lines that were
    /// looked at; see [`InputSummary::census_lines`].
    pub formats: BTreeMap<Vec<Format>, u64>,
    /// How many lines were looked at to count formats: all of them, or for large inputs a part
    /// that depends on nothing but the bytes.
    pub census_lines: u64,
    /// Lines, of those looked at, in which no format was recognised. Empty lines are not counted.
    pub unparsed: u64,
    /// Lines longer than the limit, of which only the beginning was looked at.
    pub cut_lines: u64,
    /// Earliest and latest time seen; `None` when no line could be placed in time.
    pub first_time: Option<UnixNanos>,
    /// See [`InputSummary::first_time`].
    pub last_time: Option<UnixNanos>,
    /// The year was chosen, since no line has one that others could take.
    pub year_was_guessed: bool,
    /// UTC was taken, since neither the lines nor the caller gave a zone.
    pub zone_was_assumed: bool,
    /// How the times of each host were completed, of at most 100 hosts.
    pub clocks: Vec<InputClock>,
    /// What the caller's guess of the year rests on, in words that follow "from": `the file's time`.
    pub year_rests_on: Option<Arc<str>>,
    /// Hosts that envelopes name, at most 100.
    pub hosts: Vec<Arc<str>>,
    /// Programs that lines of each host name, sorted, at most 1,000. Of a large input, not every
    /// line was looked at, see [`InputSummary::census_lines`].
    pub programs: Vec<Program>,
}

/// An archive that was read, archives inside it included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// Name of the input.
    pub name: Arc<str>,
    /// Files that were read.
    pub logs: u64,
    /// Files that are no logs.
    pub others: u64,
    /// Files whose lines were read elsewhere.
    pub duplicates: u64,
}

impl Archive {
    /// All files.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.logs + self.others + self.duplicates
    }
}

/// A program that wrote lines of an input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Program {
    /// The host that the lines name, if any.
    pub host: Option<Arc<str>>,
    /// The name as the lines have it: `kubelet`, `kubenswrapper`, `kernel`.
    pub name: Arc<str>,
}

/// Lines that the emitter or a collector says are missing, or that a source could not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Input in which they are missing.
    pub source: Arc<str>,
    /// When it is told.
    pub time: Option<UnixNanos>,
    /// From when on lines may be missing, as far as the limits of the one who dropped them tell: the
    /// missing lines were mostly written before it is told.
    pub since_time: Option<UnixNanos>,
    /// Line of the input that tells it, from 1; `None` if the source does.
    pub line: Option<u64>,
    /// Host, if known.
    pub host: Option<Arc<str>>,
    /// Who dropped: `journald`, `rsyslog`, `kernel`; `zap` where one of a hundred equal lines is
    /// written; `source` where lines were gone before they were read.
    pub by: &'static str,
    /// What the message names: a unit, a kernel function, what the sampled lines say. Why a source
    /// could not read lines: [`crate::LossReason::name`].
    pub of: Option<Arc<str>>,
    /// How many lines; `None` if the message has no number.
    pub lines: Option<u64>,
}

/// Who drops lines, as [`Gap::by`] has it.
const DROPPERS: [&str; 5] = ["journald", "rsyslog", "kernel", "zap", "source"];

impl<'de> Deserialize<'de> for Gap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        type Times = (Option<UnixNanos>, Option<UnixNanos>);
        type Fields = (Arc<str>, Times, Option<u64>, Option<Arc<str>>, String, Option<Arc<str>>, Option<u64>);
        let (source, (time, since_time), line, host, name, of, lines) = Fields::deserialize(deserializer)?;
        let by = DROPPERS.into_iter().find(|known| *known == name);
        let by = by.ok_or_else(|| serde::de::Error::custom("no one that drops lines"))?;
        Ok(Self { source, time, since_time, line, host, by, of, lines })
    }
}

/// A clock that jumped: it was set, its machine was suspended, or one wrong time was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStep {
    /// Input.
    pub source: Arc<str>,
    /// Host, if known.
    pub host: Option<Arc<str>>,
    /// The first line after the jump, from 1, among those that were looked at: in a large input not
    /// every line is.
    pub line: u64,
    /// Offset of that line in the source.
    pub offset: u64,
    /// The latest time before it.
    pub from_time: Option<UnixNanos>,
    /// The time of that line.
    pub to_time: Option<UnixNanos>,
    /// Lines after it agree. If not, its time was wrong, and its hits are in the totals as late.
    pub lasts: bool,
    /// If it does not last: how many lines had such a time.
    pub stray_lines: u64,
}

/// How the times of one host of an input were completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputClock {
    /// The host, if lines name it.
    pub host: Option<Arc<str>>,
    /// Where the years come from.
    pub year: YearSource,
    /// Where the zone comes from.
    pub zone: ZoneSource,
    /// The offset from UTC of the host's wall clock, if it is known.
    pub utc_offset_seconds: Option<i32>,
    /// The offset from UTC of the wall clock of klog lines, where it was seen against their
    /// envelopes.
    pub payload_utc_offset_seconds: Option<i32>,
}

/// Where the year of lines comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum YearSource {
    /// The lines have it.
    #[default]
    Written,
    /// Other lines of the input tell it: an envelope, a payload, the head of a klog file.
    Told,
    /// It is the one nearest to what the caller gave: the time of the file, or a year.
    Guessed,
    /// Someone who knows gave it. The engine cannot tell that from a guess: it is for callers to say.
    Given,
}

impl YearSource {
    /// The name in reports: `written`, `told`, `guessed`, `given`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Told => "told",
            Self::Guessed => "guessed",
            Self::Given => "given",
        }
    }
}

/// Where the zone of lines comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ZoneSource {
    /// The lines have it.
    #[default]
    Written,
    /// The caller gave it.
    Given,
    /// Lines that show a wall clock beside an instant tell it.
    Seen,
    /// Lines of other hosts of the input tell it, and all of them the same.
    Neighbours,
    /// Nobody tells it: UTC was taken.
    Assumed,
}

impl ZoneSource {
    /// The name in reports: `written`, `given`, `seen`, `neighbours`, `assumed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Given => "given",
            Self::Seen => "seen",
            Self::Neighbours => "neighbours",
            Self::Assumed => "assumed",
        }
    }
}

/// A warning about an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Input it is about, if any.
    pub source: Option<Arc<str>>,
    /// One line, without a final stop.
    pub message: String,
}
