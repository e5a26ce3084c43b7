//! One module per command.

pub(crate) mod bench;
pub(crate) mod detect;
pub(crate) mod exchange;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod likely;
pub(crate) mod notices;
pub(crate) mod parse;
pub(crate) mod rules;
pub(crate) mod scan;
pub(crate) mod state;
pub(crate) mod stream;
pub(crate) mod tables;
pub(crate) mod watch;

use std::time::Duration;

use chiplog_engine::{Archive, Finding, Quantity, ScanSummary, State, Unit, YearSource};
use chiplog_parse::{Format as LineFormat, Severity};
use chiplog_report::{Advice, Roughly, Thousands};
use chiplog_rules::{Rule, RuleSet};

use crate::exit::{Exit, Failure};
use crate::flags::{ClockFlags, EngineFlags, FindingFlags, Level, RuleFlags, ScanOptions};

/// Which findings are shown.
#[derive(Debug)]
pub(crate) struct Selection {
    rules: Vec<String>,
    year_is_given: bool,
    min_severity: Option<Severity>,
}

impl Selection {
    fn of(options: &ScanOptions) -> Self {
        let EngineFlags { rules, time, .. } = &options.engine;
        Self::new(rules, time.clock, options.findings.min_severity)
    }

    fn new(rules: &RuleFlags, clock: ClockFlags, min_severity: Option<Level>) -> Self {
        Self {
            rules: rules.rule.clone(),
            year_is_given: clock.year.is_some(),
            min_severity: min_severity.map(Level::severity),
        }
    }

    fn has_rule(&self, id: &str) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|rule| rule == id)
    }

    fn shows(&self, finding: &Finding) -> bool {
        self.has_rule(&finding.rule_id) && self.min_severity.is_none_or(|least| finding.severity >= least)
    }

    /// Leaves out everything about other rules than those asked for, and does not call a year
    /// guessed that was given.
    fn restrict(&self, summary: &mut ScanSummary) {
        summary.findings.retain(|finding| self.has_rule(&finding.rule_id));
        summary.sightings.retain(|sighting| self.has_rule(&sighting.rule_id));
        summary.rules.retain(|id, _| self.has_rule(id));
        for input in &mut summary.inputs {
            input.year_was_guessed &= !self.year_is_given;
            for clock in &mut input.clocks {
                if self.year_is_given && clock.year == YearSource::Guessed {
                    clock.year = YearSource::Given;
                }
            }
        }
    }
}

/// `4 m 14 s, 48,211 lines, 3 findings (1 still open), 0.3 % unparsed`.
fn closing_words(summary: &ScanSummary, elapsed: Duration) -> String {
    format!("{}, {}", roughly(elapsed), in_short(summary))
}

fn roughly(duration: Duration) -> Roughly {
    Roughly(Quantity { amount: duration.as_nanos() as i128, unit: Unit::Nanoseconds })
}

/// `48,211 lines, 3 findings (1 still open), 0.3 % unparsed`.
fn in_short(summary: &ScanSummary) -> String {
    let lines = summary.inputs.iter().map(|input| input.lines).sum();
    let findings = summary.findings.len() as u64;
    let open = summary.findings.iter().filter(|finding| finding.state == State::Open).count();
    let still_open = if open == 0 { String::new() } else { format!(" ({open} still open)") };
    let plural = if findings == 1 { "" } else { "s" };
    format!(
        "{} lines, {} finding{plural}{still_open}, {} unparsed",
        Thousands(lines),
        Thousands(findings),
        chiplog_report::unparsed_share(&summary.inputs),
    )
}

fn advice<'a>(rules: &'a RuleSet, id: &str) -> Option<Advice<'a>> {
    rules.get(id).map(advice_of)
}

fn advice_of(rule: &Rule) -> Advice<'_> {
    Advice {
        because: rule.cause.as_deref().unwrap_or(""),
        checks: &rule.check,
        danger: rule.danger.as_deref().unwrap_or(""),
    }
}

/// Why there was nothing to read although there were inputs.
fn no_logs(archives: &[Archive]) -> Failure {
    match archives {
        // Why has been said for each input.
        [] => Failure::Told(Exit::NoInput),
        [only] => {
            let files = only.files();
            let plural = if files == 1 { "" } else { "s" };
            Failure::no_input(format!("no logs in {} ({} file{plural})", only.name, Thousands(files)))
        }
        many => Failure::no_input(format!("no logs in {} archives", Thousands(many.len() as u64))),
    }
}

/// An error if there were lines and none of them was recognised.
fn check_recognised(summary: &ScanSummary) -> Result<(), Failure> {
    let sum = |field: fn(&chiplog_engine::InputSummary) -> u64| {
        summary.inputs.iter().fold(0u64, |sum, input| sum.saturating_add(field(input)))
    };
    let (lines, unparsed) = (sum(|input| input.lines), sum(|input| input.unparsed));
    let mut chains = summary.inputs.iter().flat_map(|input| input.formats.keys());
    if unparsed == 0 || chains.any(|chain| chain.iter().any(|format| *format != LineFormat::Text)) {
        return Ok(());
    }
    let name = match summary.inputs.as_slice() {
        [only] => only.name.to_string(),
        many => format!("{} inputs", Thousands(many.len() as u64)),
    };
    let failure =
        Failure::no_input(format!("no log lines recognised in {name} ({} lines)", Thousands(lines)));
    Err(match summary.inputs.as_slice() {
        [only] if &*only.name != "stdin" => {
            failure.with_hint(format!("chiplog detect {} shows what was tried", only.name))
        }
        _ => failure.with_hint("chiplog detect FILE shows what was tried"),
    })
}

/// The exit code of a run that came to its end.
fn exit_of(summary: &ScanSummary, flags: FindingFlags, is_incomplete: bool) -> Exit {
    let limit = flags.fail_on.map(Level::severity);
    if limit.is_some_and(|limit| summary.findings.iter().any(|finding| finding.severity >= limit)) {
        return Exit::Found;
    }
    let lost =
        is_incomplete || !summary.gaps.is_empty() || summary.inputs.iter().any(|input| input.cut_lines > 0);
    if flags.strict && lost { Exit::Incomplete } else { Exit::Success }
}
