//! From paths to blocks, with everything that is left out said.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chiplog_engine::{Archive, Origin, Warning};
use chiplog_report::Thousands;
use chiplog_source::{Input, SkipReason, Skipped, discover, origin_of};

use crate::exit::{Exit, Failure};
use crate::talk::Talk;

/// What is to be read, and whether something that may matter is not.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) list: Vec<Input>,
    /// Something was skipped that may hold log lines.
    pub(crate) is_incomplete: bool,
}

/// Finds the inputs under the paths; none is standard input.
pub(crate) fn gather(paths: &[PathBuf], talk: &Talk) -> Result<Inputs, Failure> {
    if paths.is_empty() {
        if io::stdin().is_terminal() {
            return Err(Failure::usage("nothing to read: name a file, or pipe lines in"));
        }
        return Ok(Inputs { list: vec![Input::stdin()], is_incomplete: false });
    }
    let (list, skipped) = discover(paths);
    let mut left_out = LeftOut::default();
    for Skipped { path, reason, named } in &skipped {
        left_out.tell(&path.display().to_string(), reason, *named, talk);
    }
    left_out.finish(talk);
    let is_incomplete = left_out.is_incomplete;
    if list.is_empty() {
        // Why has been said for each path.
        return Err(if is_incomplete {
            Failure::Told(Exit::NoInput)
        } else {
            Failure::no_input("nothing to read")
        });
    }
    Ok(Inputs { list, is_incomplete })
}

/// What is not read, and what was said of it.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    /// Something of it may hold log lines.
    pub(crate) is_incomplete: bool,
    others: u64,
    copies: u64,
}

impl LeftOut {
    /// Says that something is not read, or counts it. Whether it may hold log lines.
    pub(crate) fn tell(&mut self, name: &str, reason: &SkipReason, named: bool, talk: &Talk) -> bool {
        let message = format!("{name}: {reason}");
        let counter = match reason {
            SkipReason::CopyOf(_) | SkipReason::PartOf(_) => &mut self.copies,
            SkipReason::SameAs(_) => &mut self.others,
            SkipReason::Binary | SkipReason::NotAFile if !named => &mut self.others,
            reason => {
                if named {
                    talk.error(&message, reason.hint());
                } else {
                    talk.warning("inputs that cannot be read", &message, reason.hint());
                }
                self.is_incomplete = true;
                return true;
            }
        };
        if talk.verbose {
            talk.note(&format!("note: {message}"));
        } else {
            *counter += 1;
        }
        false
    }

    /// Says what was counted.
    pub(crate) fn finish(&mut self, talk: &Talk) {
        let files = |count: u64| format!("{} file{}", Thousands(count), if count == 1 { "" } else { "s" });
        let others = std::mem::take(&mut self.others);
        if others > 0 {
            let other = files(others).replacen(' ', " other ", 1);
            talk.note(&format!("note: {other} left out: not text, or read under another name"));
        }
        let copies = std::mem::take(&mut self.copies);
        if copies > 0 {
            let (files, whose) = (files(copies), if copies == 1 { "its" } else { "their" });
            talk.note(&format!("note: {files} left out: {whose} lines are in other logs that are read"));
        }
    }
}

/// One log that is read: an input, or a member of an archive.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    /// Its name in reports.
    pub(crate) name: Arc<str>,
    pub(crate) modified_unix_nanos: Option<i64>,
    pub(crate) origin: Origin,
    /// It is standard input.
    pub(crate) is_stdin: bool,
    /// It may be written while it is read.
    pub(crate) is_live: bool,
}

impl Log {
    /// An input that is no file.
    pub(crate) fn live(input: &Input) -> Self {
        Self {
            name: input.path().map_or_else(|| Arc::from("stdin"), |path| Arc::from(path.to_string_lossy())),
            modified_unix_nanos: None,
            origin: Origin::default(),
            is_stdin: input.path().is_none(),
            is_live: true,
        }
    }

    /// An input that is read as a whole.
    pub(crate) fn file(input: &Input) -> Self {
        let log = Self::live(input);
        let origin = origin_of(&log.name);
        Self { modified_unix_nanos: input.modified_unix_nanos(), origin, is_live: false, ..log }
    }
}

/// Messages that `journalctl -o json` left out: said at once, since the stream may go on for days,
/// and how many at the end.
#[derive(Debug, Default)]
pub(crate) struct LostMessages {
    is_told: bool,
}

impl LostMessages {
    pub(crate) fn tell_first(&mut self, name: &str, count: u64, talk: &Talk) {
        if count > 0 && !self.is_told {
            self.is_told = true;
            let message = format!("{name}: journalctl leaves out messages of 4 KiB or more; they are lost");
            let hint = "journalctl -o json --all, or -o export";
            talk.warning("streams without long messages", &message, Some(hint));
        }
    }
}

/// What came of the inputs besides blocks.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Some input was skipped, or not read to its end.
    pub(crate) is_incomplete: bool,
    /// Logs of which reading began.
    pub(crate) opened: u64,
    /// What was said and belongs into the report.
    pub(crate) warnings: Vec<Warning>,
    /// The inputs that are archives.
    pub(crate) archives: Vec<Archive>,
}

/// The bytes of all inputs, as stored; 0 if one has no size.
pub(crate) fn total_bytes(inputs: &[Input]) -> u64 {
    inputs.iter().try_fold(0u64, |sum, input| sum.checked_add(input.total_bytes()?)).unwrap_or(0)
}

/// Whether a path is one of rules rather than of lines.
pub(crate) fn is_rule_path(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml") || path.is_dir()
}
