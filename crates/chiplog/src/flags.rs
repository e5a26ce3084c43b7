//! The command line, as it is typed. Nothing here touches the world.

use std::path::PathBuf;

use chiplog_parse::Severity;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};

const EXIT_CODES: &str = "\
Exit codes:
  0    ran to the end, with or without findings
  1    a finding at or above --fail-on, or a failed rule test
  2    wrong flag or rule
  3    no input could be read, or no line of it was recognised
  4    with --strict: some input was skipped, cut or lost; findings were printed all the same
  130  a scan was interrupted; the partial result was printed and says so";

const EXAMPLES: &str = "\
Examples:
  journalctl -f -o short-iso-precise | chiplog
  chiplog kubelet.log etcd.log.gz
  chiplog scan /var/log --min-severity error --json
  chiplog explain etcd-slow-apply";

/// Reads the logs of a Kubernetes platform and says what is wrong, since when, and how badly.
///
/// Without a subcommand: files that are named are scanned, as by `chiplog scan`; otherwise
/// standard input is watched and each finding is reported when it opens, gets worse or closes.
#[derive(Debug, Parser)]
#[command(
    name = "chiplog",
    version,
    about = "Reads the logs of a Kubernetes platform and says what is wrong, since when, and how badly",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"),
    max_term_width = 79
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) scan: Scan,

    #[command(flatten)]
    pub(crate) talk: TalkFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Report what is wrong in files and directories
    Scan(ScanPaths),
    /// Watch files, journals and the kernel, and report findings as they happen
    ///
    /// Findings are printed when they open, get worse or close; the daemon's own log is logfmt on
    /// standard error. With --state, what was read and counted is saved at an interval, at SIGHUP and
    /// at the end, all of it together: after a restart, also after kill -9, every line that is still
    /// there counts exactly once. Findings of the time since the last save are printed again.
    ///
    /// SIGHUP reads the rules again; if they are wrong, those of before are kept. SIGTERM and SIGINT
    /// save and end; a second one ends at once.
    #[command(after_help = WATCH_EXAMPLES, after_long_help = format!("{WATCH_EXAMPLES}\n\n{EXIT_CODES}"))]
    Watch(Box<Watch>),
    /// Show what chiplog watch has saved
    #[command(subcommand)]
    State(StateCommand),
    /// Print every line as a JSON record, one a line
    Parse(Parse),
    /// Say which formats files are made of, and what is not recognised
    Detect(Detect),
    /// Explain a rule: cause, checks, danger, and when it fires
    Explain(Explain),
    /// List, check, test and try rules
    #[command(subcommand)]
    Rules(Rules),
    /// Print hits of rules over time, with statistics of the values they carry
    Series(Series),
    /// Count records by their fields
    Count(Count),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print a man page
    Man(Man),
}

/// What is said on standard error, and how.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Display")]
pub(crate) struct TalkFlags {
    /// When to use colours; NO_COLOR and CLICOLOR_FORCE are obeyed
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: When,

    /// Say less: no progress, no summary, no advice
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say more
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,

    /// Show no progress bar
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal that can
    Auto,
    Always,
    Never,
}

/// Which rules are used.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Rules")]
pub(crate) struct RuleFlags {
    /// Add the rules of a file, or of all .toml files in a directory
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, action = ArgAction::Append)]
    pub(crate) rules: Vec<PathBuf>,

    /// Leave out the built-in rules
    #[arg(long)]
    pub(crate) no_builtin: bool,

    /// Report on this rule only; may be repeated
    #[arg(long, value_name = "ID", action = ArgAction::Append)]
    pub(crate) rule: Vec<String>,
}

/// What lines leave out, and which times count.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Time")]
pub(crate) struct TimeFlags {
    /// Leave out what is older: 2024-05-14T03:00:00Z, or '2024-05-14 03:00' in the zone of --tz
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) since: Option<Moment>,

    /// Leave out what is newer
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) until: Option<Moment>,

    #[command(flatten)]
    pub(crate) clock: ClockFlags,
}

#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Time")]
pub(crate) struct ClockFlags {
    /// Offset from UTC of times without a zone: Z, +08:00 [default: UTC, and say so]
    #[arg(long, value_name = "OFFSET", value_parser = parse_offset, allow_hyphen_values = true)]
    pub(crate) tz: Option<Offset>,

    /// Year of the first line without a year [default: the last before the file's time]
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1678..=2261))]
    pub(crate) year: Option<i16>,
}

#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Findings")]
pub(crate) struct FindingFlags {
    /// Leave out findings below this severity
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) min_severity: Option<Level>,

    /// Exit with 1 on a finding of this severity or above
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Level>,

    /// Exit with 4 when some input was skipped, cut or lost
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct FormatFlags {
    /// text for people; json: one object with everything; jsonl: one finding a line
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Display")]
    pub(crate) format: Format,

    /// Short for --format jsonl
    #[arg(long, conflicts_with = "format", help_heading = "Display")]
    pub(crate) json: bool,
}

impl FormatFlags {
    pub(crate) fn chosen(self) -> Format {
        if self.json { Format::Jsonl } else { self.format }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Jsonl,
}

#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Speed")]
pub(crate) struct SpeedFlags {
    /// Threads that look at lines [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<std::num::NonZeroUsize>,

    /// Parse every line instead of searching for those that a rule may match; same result
    #[arg(long)]
    pub(crate) dense: bool,
}

/// Flags of everything that runs rules over input.
#[derive(Clone, Debug, Args)]
pub(crate) struct EngineFlags {
    #[command(flatten)]
    pub(crate) rules: RuleFlags,
    #[command(flatten)]
    pub(crate) time: TimeFlags,
    #[command(flatten)]
    pub(crate) speed: SpeedFlags,
}

/// `chiplog [FILE...]`.
#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// Files to scan; - is standard input, and the default
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) options: ScanOptions,
}

/// `chiplog scan PATH...`.
#[derive(Debug, Args)]
pub(crate) struct ScanPaths {
    /// Files, compressed files (gzip, zstd, xz, bzip2), directories; - is standard input
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) options: ScanOptions,
}

/// `chiplog watch`.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Watch standard input besides; its lines count at most once
    #[arg(value_name = "-", value_parser = ["-"], help_heading = "Sources")]
    pub(crate) stdin: Option<String>,

    /// Follow the files that match, over rotations, and new ones; may be repeated
    #[arg(long, value_name = "GLOB", action = ArgAction::Append, help_heading = "Sources")]
    pub(crate) file: Vec<String>,

    /// Follow the logs of pods in /var/log/pods, of namespaces (and names) that start so
    #[arg(long, value_name = "NS_PREFIX", num_args = 0..=1, default_missing_value = "",
        action = ArgAction::Append, help_heading = "Sources")]
    pub(crate) pods: Vec<String>,

    /// Read the journal: all of it, or what is of these units, as of journalctl --unit
    #[arg(long, value_name = "UNIT,...", num_args = 0..=1, default_missing_value = "",
        value_delimiter = ',', help_heading = "Sources")]
    pub(crate) journal: Option<Vec<String>>,

    /// Where the journal is [default: /var/log/journal, else /run/log/journal]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Sources")]
    pub(crate) journal_dir: Option<PathBuf>,

    /// Read the kernel's messages
    #[arg(long, value_name = "DEVICE", num_args = 0..=1, require_equals = true,
        default_missing_value = "/dev/kmsg", help_heading = "Sources")]
    pub(crate) kmsg: Option<PathBuf>,

    /// Where to begin with what no saved state knows
    /// [default: start of files and of the kernel's messages, end of the journal]
    #[arg(long, value_name = "PLACE", help_heading = "Sources")]
    pub(crate) from: Option<From>,

    /// Look for new lines at intervals, for file systems that tell nothing (NFS)
    #[arg(long, help_heading = "Sources")]
    pub(crate) poll: bool,

    /// Keep the state in this directory
    /// [default: $STATE_DIRECTORY, else $XDG_STATE_HOME/chiplog, else no state is kept]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "State")]
    pub(crate) state: Option<PathBuf>,

    /// How often the state is saved, if something has changed
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_step,
        help_heading = "State")]
    pub(crate) checkpoint_interval: Step,

    /// Say of each source what would be read or why not, and end; exit code 3 if one cannot be
    #[arg(long)]
    pub(crate) check: bool,

    /// text for people; jsonl: one change of a finding a line
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Display")]
    format: StreamFormat,

    /// Short for --format jsonl
    #[arg(long, conflicts_with = "format", help_heading = "Display")]
    json: bool,

    /// Leave out findings below this severity
    #[arg(long, value_name = "SEVERITY", help_heading = "Findings")]
    pub(crate) min_severity: Option<Level>,

    #[command(flatten)]
    pub(crate) rules: RuleFlags,

    #[command(flatten)]
    pub(crate) clock: ClockFlags,
}

impl Watch {
    pub(crate) fn format(&self) -> Format {
        if self.json || self.format == StreamFormat::Jsonl { Format::Jsonl } else { Format::Text }
    }
}

const WATCH_EXAMPLES: &str = "\
Examples:
  chiplog watch --file '/var/log/containers/*.log' --state /var/lib/chiplog
  chiplog watch --journal kubelet,etcd --pods kube-system --kmsg --check
  journalctl -f -o export | chiplog watch - --file /var/log/etcd.log";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StreamFormat {
    Text,
    Jsonl,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum From {
    /// With what is there, in rotated files too
    Start,
    /// With what comes
    End,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Print hits of rules since the start, open findings, losses, and how far sources were read
    Show(StateShow),
}

#[derive(Debug, Args)]
pub(crate) struct StateShow {
    /// What chiplog watch --state was given
    /// [default: $STATE_DIRECTORY, else $XDG_STATE_HOME/chiplog]
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) directory: Option<PathBuf>,

    /// Print one JSON object, chiplog.state.v1
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ScanOptions {
    #[command(flatten)]
    pub(crate) format: FormatFlags,

    /// Show every finding of a scan in text, instead of the first 20 and 3 of one rule at one host
    #[arg(long, help_heading = "Display")]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) findings: FindingFlags,
    #[command(flatten)]
    pub(crate) engine: EngineFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Parse {
    /// Files to parse; - is standard input, and the default
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    /// Exit with 4 when some input was skipped, cut or not recognised
    #[arg(long)]
    pub(crate) strict: bool,

    #[command(flatten)]
    pub(crate) clock: ClockFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Detect {
    /// Files to look at; - is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<PathBuf>,

    /// Print one JSON object a file
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Id of the rule
    #[arg(value_name = "RULE")]
    pub(crate) rule: String,

    #[command(flatten)]
    pub(crate) rules: ExtraRules,
}

/// Where rules come from, for commands that need no choice among them.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ExtraRules {
    /// Add the rules of a file, or of all .toml files in a directory
    #[arg(long = "rules", value_name = "PATH", value_hint = ValueHint::AnyPath, action = ArgAction::Append)]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// List rules
    List(RulesList),
    /// Check rule files
    Lint(RulesLint),
    /// Run the tests that rule files hold
    Test(RulesTest),
    /// Say which rules match lines, and why a rule does not
    Try(RulesTry),
    /// Measure what each rule costs on input of yours
    Bench(RulesBench),
    /// Make a rule file of a configuration of node-problem-detector
    ImportNpd(RulesImportNpd),
    /// Write rules for another tool
    Export(RulesExport),
}

#[derive(Debug, Args)]
pub(crate) struct RulesList {
    /// Print one JSON object a rule
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) rules: RuleFlags,
}

#[derive(Debug, Args)]
pub(crate) struct RulesLint {
    /// Rule files, or directories of .toml files
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RulesTest {
    /// Rule files, or directories of .toml files [default: the built-in rules]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
}

/// A path that ends in .toml, or a directory, is taken as rules, and then only those are measured;
/// everything else is input. One thread; times vary from run to run, shares less so.
#[derive(Debug, Args)]
pub(crate) struct RulesBench {
    /// Rules (*.toml, a directory) and input: files, compressed files, - for standard input
    #[arg(value_name = "RULES|FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) rules: RuleFlags,
}

#[derive(Debug, Args)]
pub(crate) struct RulesImportNpd {
    /// JSON configuration of node-problem-detector: kernel-monitor.json and the like
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RulesExport {
    /// Write alerting rules for Prometheus, over the metrics of chiplog
    #[arg(long, required = true)]
    pub(crate) prometheus: bool,

    #[command(flatten)]
    pub(crate) rules: RuleFlags,
}

/// A path that ends in .toml, or a directory, is taken as rules, and then only those are tried;
/// everything else is input.
#[derive(Debug, Args)]
pub(crate) struct RulesTry {
    /// Rules (*.toml, a directory) and lines: FILE, FILE:LINE, or - for standard input, the default
    #[arg(value_name = "RULES|FILE[:LINE]", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// Say of each rule why it does not match; needs rule files or --rule
    #[arg(long)]
    pub(crate) why: bool,

    /// Print one JSON object a line: {"line":N,"rules":[...],"best":ID or null}
    #[arg(long, conflicts_with = "why")]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) rules: RuleFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    Table,
    Csv,
    Tsv,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Series {
    /// Files and directories; - is standard input, and the default
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// Length of a step: 10s, 1m, 1h, 1d
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_step)]
    pub(crate) step: Step,

    /// How to print the table
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Display")]
    pub(crate) format: TableFormat,

    #[command(flatten)]
    pub(crate) engine: EngineFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Count {
    /// Files and directories; - is standard input, and the default
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// Field to count by; may be repeated, or a list. Fields are severity, severity_text, format,
    /// layers, code.file.path, code.line.number, process.pid, host.name, service.name,
    /// systemd.unit, logger, log.iostream, k8s.pod.name, k8s.container.name, msg, event, and
    /// attributes.KEY for a key of the payload
    #[arg(long, value_name = "FIELD", required = true, value_delimiter = ',')]
    pub(crate) by: Vec<String>,

    /// Print at most this many rows; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) top: usize,

    /// How to print the table
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Display")]
    pub(crate) format: TableFormat,

    /// Threads that look at lines [default: one per core]
    #[arg(long, value_name = "N", help_heading = "Speed")]
    pub(crate) jobs: Option<std::num::NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The command that the page is about: nothing, scan, rules try
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// A severity as a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    Info,
    Notice,
    #[value(alias = "warn")]
    Warning,
    Error,
    Critical,
}

impl Level {
    pub(crate) const fn severity(self) -> Severity {
        match self {
            Self::Info => Severity::Info,
            Self::Notice => Severity::Notice,
            Self::Warning => Severity::Warning,
            Self::Error => Severity::Error,
            Self::Critical => Severity::Critical,
        }
    }
}

/// A point in time as typed: with a zone, or in the zone of `--tz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    UnixNanos(i64),
    Local(NaiveDateTime),
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    let out_of_range = || "out of range: 1678 to 2261".to_owned();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return instant.timestamp_nanos_opt().map(Moment::UnixNanos).ok_or_else(out_of_range);
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
        if let Ok(local) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(Moment::Local(local));
        }
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(Moment::Local(date.into()));
    }
    Err("expected RFC 3339, such as 2024-05-14T03:00:00Z, or a date, or a date and a time".to_owned())
}

/// Seconds that a wall clock is ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offset(pub(crate) i32);

fn parse_offset(text: &str) -> Result<Offset, String> {
    let expected = || "expected an offset from UTC, such as Z, +08:00 or -0330".to_owned();
    if ["Z", "z", "UTC", "utc"].contains(&text) {
        return Ok(Offset(0));
    }
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(expected()),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() <= 2 => (digits, "00"),
        None if digits.len() == 4 => digits.split_at_checked(2).ok_or_else(expected)?,
        None => return Err(expected()),
    };
    let number = |digits: &str| {
        let is_number = matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i32>().ok().filter(|_| is_number)
    };
    match (number(hours), number(minutes)) {
        (Some(hours), Some(minutes)) if hours <= 14 && minutes < 60 => {
            Ok(Offset(sign * (hours * 3_600 + minutes * 60)))
        }
        _ => Err(expected()),
    }
}

/// A length of time, in nanoseconds; greater than zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step(pub(crate) i64);

fn parse_step(text: &str) -> Result<Step, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_nanos: i64 = match unit {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return Err("expected a whole number and a unit: ms, s, m, h or d".to_owned()),
    };
    let nanos = number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit_nanos));
    match nanos {
        Some(nanos) if nanos > 0 => Ok(Step(nanos)),
        Some(_) => Err("must be greater than zero".to_owned()),
        None => Err("expected a whole number and a unit, such as 10s".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn moments() {
        assert_eq!(parse_moment("1970-01-01T00:00:01+01:00"), Ok(Moment::UnixNanos(-3_599_000_000_000)));
        assert!(matches!(parse_moment("2024-05-14 03:10"), Ok(Moment::Local(_))));
        assert!(matches!(parse_moment("2024-05-14"), Ok(Moment::Local(_))));
        assert!(parse_moment("yesterday").is_err());
        assert!(parse_moment("9999-01-01T00:00:00Z").is_err());
    }

    #[test]
    fn offsets() {
        for (text, seconds) in [
            ("Z", 0),
            ("+08:00", 28_800),
            ("-0330", -12_600),
            ("+8", 28_800),
            ("-03", -10_800),
            ("+5:30", 19_800),
        ] {
            assert_eq!(parse_offset(text), Ok(Offset(seconds)), "{text}");
        }
        for text in ["", "8", "+", "+123", "+15", "+08:60", "+a:00", "+é", "Europe/Berlin", "+08:00:00"] {
            assert!(parse_offset(text).is_err(), "{text}");
        }
    }

    #[test]
    fn steps() {
        assert_eq!(parse_step("10s"), Ok(Step(10_000_000_000)));
        for text in ["", "s", "10", "0s", "1w", "99999999999d", "-1s"] {
            assert!(parse_step(text).is_err(), "{text}");
        }
    }
}
