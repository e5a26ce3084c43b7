//! What is said to the person at the terminal: standard error only.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};

use chiplog_report::{Escaped, Thousands};

/// Messages of one kind that are shown; the rest is counted.
const SHOWN_PER_KIND: u64 = 5;

#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    pub(crate) is_terminal: bool,
    said: RefCell<BTreeMap<&'static str, u64>>,
}

impl Talk {
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        Self { quiet, verbose, is_terminal: io::stderr().is_terminal(), said: RefCell::default() }
    }

    /// An error, and what to do about it.
    pub(crate) fn error(&self, message: &str, hint: Option<&str>) {
        say(&format!("error: {message}"));
        if let Some(hint) = hint {
            say(&format!("  hint: {hint}"));
        }
    }

    /// A warning. Of those of one `kind` the first few are shown, the rest is counted by
    /// [`Talk::finish`].
    pub(crate) fn warning(&self, kind: &'static str, message: &str, hint: Option<&str>) {
        let mut said = self.said.borrow_mut();
        let count = said.entry(kind).or_default();
        *count += 1;
        if *count <= SHOWN_PER_KIND {
            say(&format!("warning: {message}"));
            // One hint is enough for a kind.
            if let Some(hint) = hint.filter(|_| *count == 1) {
                say(&format!("  hint: {hint}"));
            }
        }
    }

    /// How many warnings of a kind there were.
    pub(crate) fn count(&self, kind: &'static str) -> u64 {
        self.said.borrow().get(kind).copied().unwrap_or(0)
    }

    /// Something that is not needed to judge the result.
    pub(crate) fn note(&self, message: &str) {
        if !self.quiet {
            say(message);
        }
    }

    /// Says how many warnings were not shown.
    pub(crate) fn finish(&self) {
        for (kind, count) in self.said.borrow().iter() {
            if *count > SHOWN_PER_KIND {
                say(&format!("warning: {} more: {kind}", Thousands(count - SHOWN_PER_KIND)));
            }
        }
    }
}

/// A line on standard error. That it cannot be written is no reason to stop. Lines of a message
/// stay lines; whatever else could steer a terminal is escaped, for names of files are data too.
pub(crate) fn say(message: &str) {
    let lines: Vec<String> =
        message.split('\n').map(|line| Escaped::new(line.as_bytes()).to_string()).collect();
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}
