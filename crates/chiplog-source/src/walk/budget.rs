//! How much text an input may become.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{error, fmt};

use crate::DecodeLimits;

/// All that is decoded of an input, on every level of nesting: an archive of archives grows by the product of
/// its levels, while each of them stays within its own bounds.
#[derive(Debug)]
pub(super) struct Budget {
    limits: DecodeLimits,
    /// Bytes as stored; `None` for a stream.
    stored_bytes: Option<u64>,
    /// Bytes as stored that were read.
    consumed: Arc<AtomicU64>,
    produced: Cell<u64>,
}

impl Budget {
    pub(super) fn new(limits: DecodeLimits, stored_bytes: Option<u64>, consumed: &Arc<AtomicU64>) -> Self {
        Self { limits, stored_bytes, consumed: Arc::clone(consumed), produced: Cell::new(0) }
    }

    /// Whether all is spent: nothing more is read.
    pub(super) fn is_spent(&self) -> bool {
        let stored = self.stored_bytes.unwrap_or_else(|| self.consumed.load(Ordering::Relaxed));
        let allowed = stored.saturating_mul(self.limits.expansion_ratio);
        self.produced.get() > allowed.max(self.limits.expansion_floor_bytes)
    }

    fn spend(&self, bytes: usize) -> io::Result<()> {
        self.produced.set(self.produced.get().saturating_add(bytes as u64));
        if self.is_spent() {
            let error = TooMuch { limit_ratio: self.limits.expansion_ratio };
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(())
    }
}

/// An input that was made to exhaust its reader.
#[derive(Debug)]
struct TooMuch {
    limit_ratio: u64,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all that is in it expands more than {} times; the rest is not read", self.limit_ratio)
    }
}

impl error::Error for TooMuch {}

/// Decoded text that is counted.
pub(super) struct Metered<'b, R> {
    reader: R,
    budget: &'b Budget,
}

impl<'b, R: Read> Metered<'b, R> {
    pub(super) fn new(reader: R, budget: &'b Budget) -> Self {
        Self { reader, budget }
    }
}

impl<R> Metered<'_, R> {
    pub(super) fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.budget.spend(count)?;
        Ok(count)
    }
}

/// A file whose bytes are counted as they are read.
pub(super) struct Counted<R> {
    reader: R,
    bytes: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    pub(super) fn new(reader: R, bytes: &Arc<AtomicU64>) -> Self {
        Self { reader, bytes: Arc::clone(bytes) }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        // Relaxed: nothing else hangs on the number.
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}
