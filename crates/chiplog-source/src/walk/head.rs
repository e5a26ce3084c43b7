//! A reader whose beginning was looked at.

use std::io::{self, Read};

/// Bytes at the beginning of a file that are looked at to tell what it is, and whether it was read before.
pub(super) const HEAD_BYTES: usize = 64 << 10;

/// Gives what was looked at again, then the rest. An error that was met on the way comes in its place.
pub(super) struct Head<'r> {
    bytes: Vec<u8>,
    at: usize,
    failure: Option<io::Error>,
    has_ended: bool,
    rest: &'r mut dyn Read,
}

impl<'r> Head<'r> {
    /// Looks at the beginning of a reader.
    pub(super) fn of(reader: &'r mut dyn Read) -> Self {
        let mut head = Self::ready(Vec::new(), None, reader);
        head.look();
        head
    }

    /// A reader of which `bytes` were read, and then perhaps an error.
    pub(super) fn ready(bytes: Vec<u8>, failure: Option<io::Error>, rest: &'r mut dyn Read) -> Self {
        Self { bytes, at: 0, failure, has_ended: false, rest }
    }

    fn look(&mut self) {
        self.bytes.drain(..self.at);
        self.at = 0;
        let wanted = HEAD_BYTES.saturating_sub(self.bytes.len());
        if wanted == 0 || self.has_ended || self.failure.is_some() {
            return;
        }
        match (&mut self.rest).take(wanted as u64).read_to_end(&mut self.bytes) {
            Ok(count) => self.has_ended = count < wanted,
            Err(error) => self.failure = Some(error),
        }
    }

    /// What was looked at and not read since.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// An error behind what was looked at.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Reads past zeros and looks at what follows. Returns how many there were.
    pub(super) fn pass_zeros(&mut self) -> u64 {
        let mut passed = 0;
        loop {
            let zeros = self.ahead().iter().take_while(|byte| **byte == 0).count();
            self.at += zeros;
            passed += zeros as u64;
            if !self.ahead().is_empty() {
                self.look();
                return passed;
            }
            self.look();
            if self.ahead().is_empty() {
                return passed;
            }
        }
    }
}

impl Read for Head<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ahead = &self.bytes[self.at..];
        if !ahead.is_empty() {
            let count = ahead.len().min(into.len());
            into[..count].copy_from_slice(&ahead[..count]);
            self.at += count;
            return Ok(count);
        }
        if let Some(error) = self.failure.take() {
            self.has_ended = true;
            return Err(error);
        }
        if self.has_ended { Ok(0) } else { self.rest.read(into) }
    }
}
