//! What a rule says, once it is checked.

use std::fmt;
use std::sync::Arc;

use crate::case::Case;
use crate::expr::Expr;

/// How bad a finding of a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleSeverity {
    /// For context only.
    Info,
    /// Normal, but worth knowing.
    Notice,
    /// Something may be wrong.
    Warning,
    /// Something fails.
    Error,
    /// A node or a control plane is down or about to be.
    Critical,
}

impl RuleSeverity {
    /// Every severity, the least first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Notice, Self::Warning, Self::Error, Self::Critical];

    /// The name in lower case, as rule files write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The same on the scale of log records.
    #[must_use]
    pub const fn of_log(self) -> chiplog_parse::Severity {
        match self {
            Self::Info => chiplog_parse::Severity::Info,
            Self::Notice => chiplog_parse::Severity::Notice,
            Self::Warning => chiplog_parse::Severity::Warning,
            Self::Error => chiplog_parse::Severity::Error,
            Self::Critical => chiplog_parse::Severity::Critical,
        }
    }
}

impl fmt::Display for RuleSeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a captured value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Text: a label of a window, never a number.
    Text,
    /// A plain whole number.
    Integer,
    /// A duration, in nanoseconds.
    Duration,
    /// A size, in bytes.
    Bytes,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 4] = [Self::Text, Self::Integer, Self::Duration, Self::Bytes];

    /// The name, as rule files write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Duration => "duration",
            Self::Bytes => "bytes",
        }
    }

    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "a plain number",
            Self::Duration => "a duration",
            Self::Bytes => "a size in bytes",
        }
    }

    pub(crate) const fn example(self) -> &'static str {
        match self {
            Self::Text => "no number",
            Self::Integer => "a whole number: `30`",
            Self::Duration => "a duration: `500ms`, `4m`, `1h30m`",
            Self::Bytes => "a size: `50MiB`, `1GiB`",
        }
    }
}

/// A named value taken from a matching line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capture {
    /// The name in `take`.
    pub name: String,
    /// What it is.
    pub unit: Unit,
}

/// What tells the windows of a rule apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Label {
    /// The host that the record names.
    Host,
    /// The program that the record names.
    Component,
    /// The systemd unit that the record names.
    Unit,
    /// A capture of this name.
    Capture(String),
}

impl Label {
    /// The name, as `window.by` has it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Host => "host",
            Self::Component => "component",
            Self::Unit => "unit",
            Self::Capture(name) => name,
        }
    }
}

/// Which hits are judged together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// Hits that differ in one of these are judged apart.
    pub by: Vec<Label>,
    /// How far back the conditions look, in nanoseconds, where they do not say. Greater than zero.
    pub span_nanos: i64,
}

/// A value that the lines of another rule tell: a kill for lack of memory does not name the limit,
/// a line before it does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Borrow {
    /// The capture that is filled where the hit itself has no value.
    pub capture: crate::CaptureIndex,
    /// The rule that has a capture of the same name and unit. It may be the rule itself.
    pub rule_id: String,
}

/// Hits that tell of one occurrence: they are on one host, [`crate::Hit::once_key`] is equal, and
/// each is near the last that counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Once {
    /// A hit so soon after the last one that counted is no new occurrence, in nanoseconds. Greater
    /// than zero.
    pub within_nanos: i64,
}

/// Another rule that a condition compares with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Companion {
    /// Its id.
    pub rule_id: String,
    /// Its index in [`crate::RuleSet::rules`]. Never that of the rule itself.
    pub rule: usize,
    /// The labels that both have: the place in the own [`Window::by`] and the place in the other's,
    /// in the order of the own. [`Label::Host`] is not among them, as the host is always shared.
    pub shared_labels: Vec<(usize, usize)>,
}

/// A checked rule: which lines it is about, when its finding opens and closes, and what to tell
/// the reader.
///
/// Lines are matched through [`crate::RuleSet::matcher`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rule {
    /// The name, unique in its set.
    pub id: String,
    /// One line for people; the id when the file gives none.
    pub title: String,
    /// How bad a finding is.
    pub severity: RuleSeverity,
    /// Of several rules that match a line, the one with the highest says most about it: 0 to 100.
    pub specificity: u8,
    /// Which hits are judged together.
    pub window: Window,
    /// When a finding opens. Does not hold without a hit, except that [`crate::Measure::Absent`]
    /// does after a first one.
    pub open: Expr,
    /// How long [`Rule::open`] must hold without a break before a finding opens, in nanoseconds of
    /// event time. Greater than zero.
    pub hold_nanos: Option<i64>,
    /// When it closes.
    pub close: Expr,
    /// [`Rule::open`] as written.
    pub open_text: String,
    /// [`Rule::close`] as written.
    pub close_text: String,
    /// The likely cause.
    pub cause: Option<String>,
    /// How to verify the cause.
    pub check: Vec<String>,
    /// What helps.
    pub remedy: Vec<String>,
    /// What makes it worse.
    pub danger: Option<String>,
    /// Where to read more.
    pub refs: Vec<String>,
    /// The tests that the file holds.
    pub tests: Vec<Case>,
    /// The number that says how many occurrences a hit stands for.
    pub repeats: Option<crate::CaptureIndex>,
    /// Which hits are one occurrence.
    pub once: Option<Once>,
    /// The emitter's own lower limit, below which no line exists: what cannot be known.
    pub floor: Option<String>,
    /// Known to be harmless unless it lasts. Shown apart; never the root of an incident.
    pub is_noise: bool,
    /// Whether a finding may be the root of an incident: by default if no cause of it is known, and
    /// the rule is more than a wrapper of any error, with a specificity of 45 or more.
    pub may_be_root: bool,
    /// Which releases of the programs write the lines, for readers.
    pub versions: Vec<String>,
    /// The program that the rule is about, for readers; that of a built-in rule is the name of its
    /// file.
    pub component: Option<String>,
    /// The programs that its conditions name, as the file writes them, each once. Empty if lines of
    /// any program match.
    pub programs: Vec<String>,
    /// Whether a file changed the rule by `[tune]`: what its own tests expect of states may not hold.
    pub is_tuned: bool,
    /// A hash of what the rule means: which lines it takes, what it reads out of them, how it judges
    /// them, and the same of the rules that it looks at. What is only told to readers is no part of
    /// it. The same on every machine.
    pub fingerprint: u64,
    /// The captures whose different texts are counted: the order of [`crate::Hit::distinct`], and
    /// what [`crate::DistinctIndex`] counts.
    pub distinct_captures: Vec<String>,
    /// The other rules that the conditions compare with: what [`crate::CompanionIndex`] counts.
    pub companions: Vec<Companion>,
    /// The captures that are numbers: the order of [`crate::Hit::values`], and what
    /// [`crate::CaptureIndex`] counts.
    pub numeric_captures: Vec<Capture>,
    /// The kinds of typed events that the rule asks for, as [`chiplog_parse::EVENT_KINDS`] has them.
    pub events: Vec<&'static str>,
    /// Captures whose value another rule's lines may tell, shortly before on the same host.
    pub borrows: Vec<Borrow>,
    /// The name of the file.
    pub file: Arc<str>,
    /// The line of the file on which the id stands, from 1.
    pub line: usize,
}
