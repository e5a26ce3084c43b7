//! The bytes of a source as stored: counted, and looked at before they are consumed.

use std::io::{self, BufRead, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// What a [`Raw`] has met so far, readable while a decoder owns the reader.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// Bytes taken from the inner reader.
    consumed: Arc<AtomicU64>,
    /// The inner reader has said that it has no more.
    ended: AtomicBool,
    /// The error of the inner reader. A decoder may hide it behind one of its own.
    failure: OnceLock<io::Error>,
}

// All three are Relaxed: each is a value on its own, no other memory is published through it, and
// `ended` and `failure` are written and read by the one thread that reads the source. Only
// `consumed` is read elsewhere, by whoever draws progress, where an old number does no harm.
impl Observed {
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.consumed)
    }

    pub(crate) fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// The error of the inner reader, as new: errors of the system keep their number.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        let error = self.failure.get()?;
        Some(match error.raw_os_error() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::new(error.kind(), error.to_string()),
        })
    }
}

/// A buffered reader that can look ahead further than one read, and counts what it took.
///
/// Reads that were interrupted are repeated.
#[derive(Debug)]
pub(crate) struct Raw<R> {
    inner: R,
    buffer: Box<[u8]>,
    /// `buffer[start..end]` was read and not yet consumed.
    start: usize,
    end: usize,
    observed: Arc<Observed>,
}

impl<R: Read> Raw<R> {
    /// `capacity` is also the furthest look-ahead.
    pub(crate) fn new(inner: R, capacity: usize) -> Raw<R> {
        let buffer = vec![0; capacity].into_boxed_slice();
        Raw { inner, buffer, start: 0, end: 0, observed: Arc::default() }
    }

    pub(crate) fn observed(&self) -> &Arc<Observed> {
        &self.observed
    }

    /// What was read and not yet consumed; perhaps nothing.
    pub(crate) fn ahead(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Reads once more behind [`Raw::ahead`]. Returns false at the end, or when the buffer is full.
    pub(crate) fn look_further(&mut self) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let count = read_counted(&mut self.inner, &mut self.buffer[self.end..], &self.observed)?;
        self.end += count;
        Ok(count > 0)
    }
}

/// Reads once, unless `into` is empty, and notes what happened.
fn read_counted<R: Read>(inner: &mut R, into: &mut [u8], observed: &Observed) -> io::Result<usize> {
    if into.is_empty() {
        return Ok(0);
    }
    loop {
        match inner.read(into) {
            Ok(count) => {
                if count == 0 {
                    observed.ended.store(true, Ordering::Relaxed);
                }
                observed.consumed.fetch_add(count as u64, Ordering::Relaxed);
                return Ok(count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                // Set at most once: a source is not read again after its first error.
                let _ = observed.failure.set(error);
                return Err(observed.failure().unwrap_or_else(|| io::ErrorKind::Other.into()));
            }
        }
    }
}

impl<R: Read> Read for Raw<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // A large read of plain text goes past the buffer.
        if self.start == self.end && into.len() >= self.buffer.len() {
            return read_counted(&mut self.inner, into, &self.observed);
        }
        let ahead = self.fill_buf()?;
        let count = ahead.len().min(into.len());
        into[..count].copy_from_slice(&ahead[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: Read> BufRead for Raw<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.look_further()?;
        }
        Ok(self.ahead())
    }

    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }
}
