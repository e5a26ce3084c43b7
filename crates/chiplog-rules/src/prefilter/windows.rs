//! The search for long literals, at a cost that hardly depends on how many there are.
//!
//! The text is looked at only every [`STRIDE`] bytes, at a window of a few bytes. A literal that is
//! long enough holds one of those windows whole wherever it stands; which one depends on where. So
//! [`STRIDE`] windows of each literal, one for each way in which it can stand to the places that
//! are looked at, are put into a table of one-byte tags, by hash. Looking at a place takes a
//! multiplication and one comparison with the table, which is small enough for the nearest cache;
//! what passes is compared with the literal in full.
//!
//! Each slot of the table belongs to one window, since it holds one tag. [`super::placement`]
//! makes that so.

use std::ops::ControlFlow;

/// How far apart the windows are that are looked at, in bytes. Further apart there is less to look
/// at, but fewer bytes of a literal are left for a window, and short windows occur in vain.
pub(super) const STRIDE: usize = 6;

/// How many bytes are read in one go; no window is longer.
pub(super) const WORD: usize = 8;

/// How many bytes are passed over in one go, and how many that takes to be there: the compiler lays
/// out the loop over them.
const GROUP: usize = 8 * STRIDE;
const GROUP_READ: usize = GROUP - STRIDE + WORD;

/// Shorter windows occur so often that too much passes which is none of ours.
pub(super) const SHORTEST_WINDOW: usize = 6;

/// The length of the shortest literal that can be searched for in this way, in bytes.
pub(crate) const MIN_LEN: usize = SHORTEST_WINDOW + STRIDE - 1;

/// From this length on, a literal has enough of the longest windows.
pub(crate) const AMPLE_LEN: usize = WORD + STRIDE - 1;

/// How many slots a table may have.
pub(super) const SIZES: [usize; 5] = [1 << 11, 1 << 13, 1 << 15, 1 << 16, 1 << 17];

/// Long literals, and how to find them.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    pub(super) hash: Hash,
    /// What the hash of a window says must stand here, if the window is one of ours.
    pub(super) tags: Vec<u8>,
    /// For each slot, the first of the holders of its window, or [`NO_HOLDER`].
    pub(super) owners: Vec<u16>,
    pub(super) holders: Vec<Holder>,
    /// With the number by which the caller knows each.
    pub(super) literals: Vec<(usize, Vec<u8>)>,
}

/// Stands for the holder of a window that is none of ours.
pub(super) const NO_HOLDER: u16 = u16::MAX;

/// A literal that holds a window. Those with the same window follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub(super) literal: u16,
    pub(super) is_last: bool,
    /// Where in the literal the window is.
    pub(super) offset: u32,
    /// Another part of the literal, and where it is. Most of what passes is told from the literal
    /// by it, without looking for the literal in memory.
    pub(super) probe: [u8; WORD],
    pub(super) probe_offset: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Hash {
    multiplier: u64,
}

impl Hash {
    /// A hash of so many bytes of a word, the first ones. `multiplier` is odd.
    pub(super) fn new(window_len: usize, multiplier: u64) -> Self {
        // A product is shifted with its factor: this takes the bytes behind the window out.
        Self { multiplier: multiplier << (8 * (WORD - window_len)) }
    }

    #[inline(always)]
    pub(super) fn of(self, word: [u8; WORD]) -> u64 {
        u64::from_le_bytes(word).wrapping_mul(self.multiplier)
    }
}

/// The slot of a hash: as many of its highest bits as it takes.
#[inline(always)]
pub(super) fn slot(hash: u64, slots: usize) -> usize {
    (hash >> (u64::BITS - slots.trailing_zeros())) as usize
}

/// The tag of a hash: the lowest bit of the slot and the seven bits below. The bit in common makes
/// room for a tag that no window has at a slot: see [`vacant`].
#[inline(always)]
pub(super) fn tag(hash: u64, slots: usize) -> u8 {
    (hash >> (u64::BITS - slots.trailing_zeros() - 7)) as u8
}

/// What stands in a slot that belongs to no window.
pub(super) fn vacant(slot: usize) -> u8 {
    if slot.is_multiple_of(2) { 0x80 } else { 0 }
}

impl Windows {
    /// Whether the search looks closer where this window stands.
    pub(super) fn has_hash_of(&self, window: [u8; WORD]) -> bool {
        let (hash, slots) = (self.hash.of(window), self.tags.len());
        self.tags[slot(hash, slots)] == tag(hash, slots)
    }

    /// Calls `on_found` with an offset in `bytes` and the number of a literal that stands around
    /// it, for each literal that starts at `from` or later. Offsets rise.
    pub(super) fn scan<T>(
        &self,
        bytes: &[u8],
        from: usize,
        on_found: impl FnMut(usize, usize) -> ControlFlow<T>,
    ) -> Option<T> {
        // The number of slots must be known to the compiler, which then checks no index.
        if let Some(tags) = self.tags.first_chunk::<{ SIZES[4] }>() {
            self.scan_with(tags, bytes, from, on_found)
        } else if let Some(tags) = self.tags.first_chunk::<{ SIZES[3] }>() {
            self.scan_with(tags, bytes, from, on_found)
        } else if let Some(tags) = self.tags.first_chunk::<{ SIZES[2] }>() {
            self.scan_with(tags, bytes, from, on_found)
        } else if let Some(tags) = self.tags.first_chunk::<{ SIZES[1] }>() {
            self.scan_with(tags, bytes, from, on_found)
        } else if let Some(tags) = self.tags.first_chunk::<{ SIZES[0] }>() {
            self.scan_with(tags, bytes, from, on_found)
        } else {
            None
        }
    }

    #[inline]
    fn scan_with<T, const SLOTS: usize>(
        &self,
        tags: &[u8; SLOTS],
        bytes: &[u8],
        from: usize,
        mut on_found: impl FnMut(usize, usize) -> ControlFlow<T>,
    ) -> Option<T> {
        let mut at = from;
        let mut look = |hash: u64, at: usize| {
            let slot = slot(hash, SLOTS);
            if tags[slot] == tag(hash, SLOTS) {
                return self.check(slot, bytes, at, &mut on_found);
            }
            ControlFlow::Continue(())
        };
        let hash = self.hash;
        let mut rest = bytes.get(from..)?;
        while let Some(group) = rest.first_chunk::<GROUP_READ>() {
            for index in 0..GROUP / STRIDE {
                let word = *group[index * STRIDE..].first_chunk().expect("the last word ends the group");
                if let ControlFlow::Break(found) = look(hash.of(word), at + index * STRIDE) {
                    return Some(found);
                }
            }
            at += GROUP;
            rest = &rest[GROUP..];
        }
        while !rest.is_empty() {
            // What lies behind the end is no part of a literal, whatever it is.
            let mut word = [0; WORD];
            let len = rest.len().min(WORD);
            word[..len].copy_from_slice(&rest[..len]);
            if let ControlFlow::Break(found) = look(hash.of(word), at) {
                return Some(found);
            }
            at += STRIDE;
            rest = rest.get(STRIDE..).unwrap_or(&[]);
        }
        None
    }

    /// Compares the text around `at` with the literals that have the window of this slot.
    #[inline(never)]
    fn check<T>(
        &self,
        slot: usize,
        bytes: &[u8],
        at: usize,
        on_found: &mut impl FnMut(usize, usize) -> ControlFlow<T>,
    ) -> ControlFlow<T> {
        let holders = self.holders.get(usize::from(self.owners[slot])..).unwrap_or(&[]);
        for holder in holders {
            let rest = at.checked_sub(holder.offset as usize).and_then(|start| bytes.get(start..));
            if let Some(rest) = rest
                && rest
                    .get(holder.probe_offset as usize..)
                    .is_some_and(|rest| rest.starts_with(&holder.probe))
            {
                let (number, literal) = &self.literals[usize::from(holder.literal)];
                if rest.starts_with(literal) {
                    on_found(at, *number)?;
                }
            }
            if holder.is_last {
                break;
            }
        }
        ControlFlow::Continue(())
    }
}
