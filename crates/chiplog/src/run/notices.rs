//! What happens, printed as it happens.

use std::io::{self, Write as _};

use chiplog_engine::{Notice, ScanSummary};
use chiplog_report::{StreamText, write_clock_step_json, write_gap_json, write_transition_json};
use chiplog_rules::RuleSet;

use super::likely::Known;
use super::{Selection, advice};
use crate::flags::{Format, TalkFlags};
use crate::terminal;

/// Prints notices on standard output, each of them flushed.
pub(crate) struct Printer {
    rules: RuleSet,
    selection: Selection,
    format: Format,
    text: StreamText,
    known: Known,
    failure: Option<io::Error>,
}

impl Printer {
    pub(crate) fn new(rules: &RuleSet, selection: Selection, format: Format, display: TalkFlags) -> Self {
        Self {
            rules: rules.clone(),
            selection,
            format,
            text: StreamText::new(terminal::stdout_style(display.color), display.quiet),
            known: Known::new(rules),
            failure: None,
        }
    }

    /// Goes on after an earlier run that found this.
    pub(crate) fn resume(&mut self, summary: &ScanSummary) {
        self.known.resume(summary);
    }

    /// Prints a notice, unless there was an error before.
    pub(crate) fn print(&mut self, notice: Notice<'_>) {
        if self.failure.is_none() {
            self.failure = self.write(notice).err();
        }
    }

    fn write(&mut self, notice: Notice<'_>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let cause = match notice {
            Notice::Transition(finding) if self.format != Format::Json => self.known.note(finding),
            _ => None,
        };
        match (self.format, notice) {
            (_, Notice::Transition(finding)) if !self.selection.shows(finding) => {}
            (Format::Text, Notice::Transition(finding)) => {
                let advice = advice(&self.rules, &finding.rule_id);
                self.text.transition(&mut out, finding, advice, cause.as_ref())?;
            }
            (Format::Text, Notice::Gap(gap)) => self.text.gap(&mut out, gap)?,
            (Format::Jsonl, Notice::Gap(gap)) => write_gap_json(&mut out, gap)?,
            (Format::Text, Notice::ClockStep(step)) => self.text.clock_step(&mut out, step)?,
            (Format::Jsonl, Notice::ClockStep(step)) => write_clock_step_json(&mut out, step)?,
            (Format::Jsonl, Notice::Transition(finding)) => {
                write_transition_json(&mut out, finding, cause.as_ref())?;
            }
            _ => {}
        }
        out.flush()
    }

    /// Whether nothing can be printed any more.
    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Why nothing could be printed any more.
    pub(crate) fn into_failure(self) -> Option<io::Error> {
        self.failure
    }

    /// Goes on with other rules.
    pub(crate) fn replace_rules(&mut self, rules: &RuleSet) {
        self.rules = rules.clone();
        self.known.replace_rules(rules);
    }
}
