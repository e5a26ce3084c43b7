//! How the program ends.

use std::io;
use std::process::ExitCode;

/// The exit codes; their meaning is part of the interface, and told by `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Success = 0,
    /// A finding at or above `--fail-on`, or a failed rule test.
    Found = 1,
    /// A wrong flag or rule.
    Usage = 2,
    /// No input could be read, or no line of it was recognised.
    NoInput = 3,
    /// With `--strict`: some input was skipped, cut or lost.
    Incomplete = 4,
    /// A scan was interrupted: 128 and the number of SIGINT.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the program could not go on, for a person.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of our output has gone: not worth a word.
    OutputClosed,
    /// What failed and where, and what to do.
    Said { exit: Exit, message: String, hint: Option<String> },
    /// Already told.
    Told(Exit),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Said { exit: Exit::Usage, message: message.into(), hint: None }
    }

    pub(crate) fn no_input(message: impl Into<String>) -> Self {
        Self::Said { exit: Exit::NoInput, message: message.into(), hint: None }
    }

    pub(crate) fn with_hint(mut self, text: impl Into<String>) -> Self {
        if let Self::Said { hint, .. } = &mut self {
            *hint = Some(text.into());
        }
        self
    }

    /// An error of writing to standard output.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::OutputClosed;
        }
        // There is no code for a full disk; it is nearest to a wrong destination.
        Self::usage(format!("cannot write the output: {error}"))
    }
}
