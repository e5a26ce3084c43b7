//! Parts of a file kept in memory: fixed windows in a direct-mapped cache.

use std::io;

use crate::read_at::{ReadAt, fill};

/// Distance of two windows.
const STEP_BYTES: u64 = 64 << 10;
/// How much a window reads of the next one, so that few objects straddle.
const OVERLAP_BYTES: u64 = 8 << 10;

/// Memory for what is longer than a window that is kept for the next one.
const KEPT_BYTES: usize = 256 << 10;

/// A file, of which the windows used last are in memory.
#[derive(Debug)]
pub(crate) struct Windows<R> {
    source: R,
    size_bytes: u64,
    slots: Box<[Window]>,
    /// What is longer than a window.
    long: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Window {
    /// Which window this is; `u64::MAX` is none.
    number: u64,
    bytes: Vec<u8>,
}

impl Window {
    const NONE: Self = Self { number: u64::MAX, bytes: Vec::new() };
}

impl<R: ReadAt> Windows<R> {
    /// Memory is taken when a window is first read: at most about `cache_bytes`.
    pub(crate) fn new(source: R, cache_bytes: usize) -> io::Result<Self> {
        let size_bytes = source.size_bytes()?;
        let affordable = cache_bytes / (STEP_BYTES + OVERLAP_BYTES) as usize;
        // A power of two not above what is affordable, and two at least: an entry and its data.
        let count = 1 << affordable.max(2).ilog2();
        Ok(Self { source, size_bytes, slots: vec![Window::NONE; count].into(), long: Vec::new() })
    }

    /// Size of the file when it was opened or refreshed.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn source(&self) -> &R {
        &self.source
    }

    /// Forgets what is in memory, and looks at the size anew.
    pub(crate) fn refresh(&mut self) -> io::Result<()> {
        self.size_bytes = self.source.size_bytes()?;
        for slot in &mut self.slots {
            slot.number = u64::MAX;
        }
        Ok(())
    }

    /// Gives the memory back.
    pub(crate) fn release(&mut self) {
        self.slots.fill(Window::NONE);
        self.long = Vec::new();
    }

    /// The bytes at `offset`, as many as the window holds: empty at the end of the file.
    #[inline]
    pub(crate) fn at(&mut self, offset: u64) -> io::Result<&[u8]> {
        let number = offset / STEP_BYTES;
        let slot = (number as usize) & (self.slots.len() - 1);
        if self.slots[slot].number != number {
            self.load(slot, number)?;
        }
        let inner = (offset % STEP_BYTES) as usize;
        Ok(self.slots[slot].bytes.get(inner..).unwrap_or_default())
    }

    #[cold]
    fn load(&mut self, slot: usize, number: u64) -> io::Result<()> {
        let slot = &mut self.slots[slot];
        slot.number = u64::MAX;
        let Some(start) = number.checked_mul(STEP_BYTES).filter(|start| *start < self.size_bytes) else {
            slot.bytes.clear();
            slot.number = number;
            return Ok(());
        };
        let length = (STEP_BYTES + OVERLAP_BYTES).min(self.size_bytes - start) as usize;
        slot.bytes.resize(length, 0);
        let filled = fill(&self.source, &mut slot.bytes, start)?;
        slot.bytes.truncate(filled);
        slot.number = number;
        Ok(())
    }

    /// Exactly `length` bytes from `offset` on; none if the file ends before.
    #[inline]
    pub(crate) fn exact(&mut self, offset: u64, length: u64) -> io::Result<Option<&[u8]>> {
        if self.size_bytes.checked_sub(offset).is_none_or(|rest| rest < length) {
            return Ok(None);
        }
        let Ok(length) = usize::try_from(length) else { return Ok(None) };
        let number = offset / STEP_BYTES;
        let inner = (offset % STEP_BYTES) as usize;
        if inner + length > (STEP_BYTES + OVERLAP_BYTES) as usize {
            return self.exact_long(offset, length);
        }
        let slot = (number as usize) & (self.slots.len() - 1);
        if self.slots[slot].number != number {
            self.load(slot, number)?;
        }
        Ok(self.slots[slot].bytes.get(inner..inner + length))
    }

    fn exact_long(&mut self, offset: u64, length: usize) -> io::Result<Option<&[u8]>> {
        self.long.clear();
        self.long.shrink_to(KEPT_BYTES);
        self.long.resize(length, 0);
        let filled = fill(&self.source, &mut self.long, offset)?;
        Ok((filled == length).then_some(&self.long))
    }
}
