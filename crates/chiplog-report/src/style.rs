//! How text looks on the device it goes to.

use std::fmt;

use chiplog_parse::Severity;

/// What the device can show. The caller finds it out; this crate only obeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Colour the severity word and the state, by ANSI sequences.
    pub colour: bool,
    /// Columns of the device; 0 if it has none, as a pipe. See [`Style::columns`].
    pub width: usize,
    /// Characters outside ASCII may be shown.
    pub unicode: bool,
}

impl Style {
    /// Text for a pipe or a file: no colour, no width, Unicode as it is.
    #[must_use]
    pub const fn plain() -> Self {
        Self { colour: false, width: 0, unicode: true }
    }

    /// Columns that text for people fits into: those of the device, but at least 40; 80 for a
    /// device without a width, so that a report reads the same in a pipe, a mail or a terminal.
    #[must_use]
    pub const fn columns(&self) -> usize {
        match self.width {
            0 => 80,
            width if width < 40 => 40,
            width => width,
        }
    }

    /// Text in a colour, if this style has colours.
    #[must_use]
    pub const fn paint<'a>(&self, ink: Ink, text: &'a str) -> Painted<'a> {
        Painted { ink: if self.colour { ink } else { Ink::None }, text }
    }

    /// Text from a log or a file, made safe for the terminal of this style.
    #[must_use]
    pub fn escape(&self, bytes: &[u8]) -> String {
        if self.unicode {
            crate::Escaped::new(bytes).to_string()
        } else {
            crate::Escaped::ascii(bytes).to_string()
        }
    }
}

/// A colour by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// No colour.
    None,
    /// Critical and above: white on red.
    Critical,
    /// Errors: red.
    Error,
    /// Warnings: yellow.
    Warning,
    /// Something ended well: green.
    Good,
    /// Input is missing: magenta.
    Gap,
}

impl Ink {
    /// The colour of a severity.
    #[must_use]
    pub const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Trace | Severity::Debug | Severity::Info | Severity::Notice => Self::None,
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
            Severity::Critical | Severity::Alert | Severity::Fatal => Self::Critical,
        }
    }

    const fn sequence(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Critical => "\x1b[37;41m",
            Self::Error => "\x1b[31m",
            Self::Warning => "\x1b[33m",
            Self::Good => "\x1b[32m",
            Self::Gap => "\x1b[35m",
        }
    }
}

/// Text with its colour. `Display` obeys a minimum width (the padding is not coloured).
#[derive(Clone, Copy, Debug)]
pub struct Painted<'a> {
    ink: Ink,
    text: &'a str,
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ink {
            Ink::None => f.write_str(self.text)?,
            ink => write!(f, "{}{}\x1b[0m", ink.sequence(), self.text)?,
        }
        let padding = f.width().unwrap_or(0).saturating_sub(self.text.chars().count());
        write!(f, "{:padding$}", "")
    }
}
