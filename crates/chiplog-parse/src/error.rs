//! The one error of this crate: what was expected, and where.

use core::fmt;

/// A line is not of the format that was asked for.
///
/// Small on purpose (errors are made and thrown away for every format that is tried): a fixed
/// phrase and a byte offset into the line that was given to the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    expected: &'static str,
    offset: u32,
}

impl ParseError {
    /// `expected` reads well after "expected"; `offset` counts bytes from the start of the line.
    /// Offsets over 4 GiB are reported as 4 GiB.
    #[cold]
    #[must_use]
    pub fn new(expected: &'static str, offset: usize) -> Self {
        Self { expected, offset: u32::try_from(offset).unwrap_or(u32::MAX) }
    }

    /// What the parser wanted to see, as a phrase: `"a klog severity letter (I, W, E or F)"`.
    #[must_use]
    pub fn expected(&self) -> &'static str {
        self.expected
    }

    /// The byte offset in the line at which it was wanted.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset as usize
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl core::error::Error for ParseError {}
