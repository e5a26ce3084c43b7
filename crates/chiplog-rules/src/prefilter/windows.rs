//! The search for long literals, at a cost that does not depend on how many there are.
//!
//! The text is looked at only every [`STRIDE`] bytes, at a window of a few bytes. A literal that is
//! long enough holds one of those windows whole wherever it stands; which one depends on where. So
//! a span of the literal is chosen, and its [`STRIDE`] windows are put into a table of one-byte
//! tags, by hash. Looking at a window takes a multiplication and one comparison with the table,
//! which is small enough for the nearest cache; what passes is compared with the literal in full.
//!
//! Each slot of the table belongs to one window, since it holds one tag. That works because there
//! is a choice: of the span, of the multiplier, and of the size of the table. Spans are chosen so
//! that their windows occur seldom in a sample of ordinary lines.

use std::ops::ControlFlow;

/// How far apart the windows are that are looked at, in bytes; the longest window as well.
const STRIDE: usize = 8;

/// How many bytes are looked at in one go: the compiler lays out the loop over them.
const GROUP: usize = 8 * STRIDE;

/// Shorter windows occur so often that too much passes which is none of ours.
const SHORTEST_WINDOW: usize = 6;

/// The length of the shortest literal that can be searched for in this way, in bytes.
pub(crate) const MIN_LEN: usize = span_of(SHORTEST_WINDOW);

/// From this length on, a literal can be found by the longest windows.
pub(crate) const AMPLE_LEN: usize = span_of(STRIDE);

const fn span_of(window: usize) -> usize {
    window + STRIDE - 1
}

/// How many slots a table may have.
const SIZES: [usize; 5] = [1 << 11, 1 << 13, 1 << 15, 1 << 16, 1 << 17];

/// In a table that is filled further, most windows would find their slot taken.
const SLOTS_FOR_EACH: usize = 4 * STRIDE;

/// How many literals there may be.
pub(super) const MAX_COUNT: usize = SIZES[4] / SLOTS_FOR_EACH;

/// How many multipliers are tried at each size.
const ATTEMPTS: u64 = 256;

/// The multipliers are the odd multiples of this: its bits are all over.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Long literals, and how to find them.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    hash: Hash,
    /// What the hash of a window says must stand here, if the window is one of ours.
    tags: Vec<u8>,
    /// For each slot that is taken, the window it belongs to.
    owners: Vec<u32>,
    windows: Vec<Window>,
    /// With the number by which the caller knows each.
    literals: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Debug)]
struct Window {
    text: u64,
    holders: Vec<Holder>,
}

/// A literal that holds a window, and where.
#[derive(Clone, Copy, Debug)]
struct Holder {
    literal: usize,
    offset: usize,
}

#[derive(Clone, Copy, Debug)]
struct Hash {
    /// By how much to shift the eight bytes from a place on, so that those of the window are left.
    shift: u32,
    multiplier: u64,
}

impl Hash {
    #[inline(always)]
    fn window(self, word: [u8; STRIDE]) -> u64 {
        u64::from_le_bytes(word) << self.shift
    }

    #[inline(always)]
    fn of(self, window: u64) -> u64 {
        window.wrapping_mul(self.multiplier)
    }
}

/// The slot of a hash: as many of its highest bits as it takes.
#[inline(always)]
fn slot(hash: u64, slots: usize) -> usize {
    (hash >> (u64::BITS - slots.trailing_zeros())) as usize
}

/// The tag of a hash: the lowest bit of the slot and the seven bits below. The bit in common makes
/// room for a tag that no window has at a slot: see [`vacant`].
#[inline(always)]
fn tag(hash: u64, slots: usize) -> u8 {
    (hash >> (u64::BITS - slots.trailing_zeros() - 7)) as u8
}

/// What stands in a slot that belongs to no window.
fn vacant(slot: usize) -> u8 {
    if slot % 2 == 0 { 0x80 } else { 0 }
}

/// The windows of a sample of ordinary lines, all of one length.
#[derive(Debug)]
pub(crate) struct Sample {
    window_len: usize,
    sorted: Vec<u64>,
}

impl Sample {
    pub(crate) fn new(text: &[u8], window_len: usize) -> Self {
        let mut sorted: Vec<u64> = windows_of(text, window_len).collect();
        sorted.sort_unstable();
        Self { window_len, sorted }
    }

    /// How often each window of a literal occurs in the sample.
    fn counts(&self, literal: &[u8]) -> Vec<usize> {
        let count = |window: u64| {
            let from = self.sorted.partition_point(|other| *other < window);
            self.sorted.get(from..).unwrap_or(&[]).partition_point(|other| *other == window)
        };
        windows_of(literal, self.window_len).map(count).collect()
    }

    /// How often the windows by which a literal is found occur in the sample, at least.
    pub(crate) fn count_of_span(&self, literal: &[u8]) -> usize {
        self.counts(literal).windows(STRIDE).map(|span| span.iter().sum()).min().unwrap_or(0)
    }
}

/// The windows of a text, as numbers. Their last bytes are the highest, and those beyond the
/// window's length are zero and the lowest.
fn windows_of(text: &[u8], window_len: usize) -> impl Iterator<Item = u64> {
    text.windows(window_len).map(move |window| {
        let mut word = [0; STRIDE];
        word[STRIDE - window_len..].copy_from_slice(window);
        u64::from_le_bytes(word)
    })
}

/// A literal that is to be placed.
struct Draft {
    windows: Vec<u64>,
    in_sample: Vec<usize>,
}

impl Windows {
    /// A search for these literals, and those that found no room. Each is at least [`MIN_LEN`]
    /// long and has a number by which the caller knows it; there are at most [`MAX_COUNT`].
    pub(super) fn new(mut literals: Vec<(usize, Vec<u8>)>, sample: &[u8]) -> (Self, Vec<(usize, Vec<u8>)>) {
        // Those with the least choice first.
        literals.sort_by_key(|(id, literal)| (literal.len(), *id));
        let shortest = literals.first().map_or(MIN_LEN, |(_, literal)| literal.len());
        let window_len = (shortest + 1).saturating_sub(STRIDE).clamp(SHORTEST_WINDOW, STRIDE);
        let sample = Sample::new(sample, window_len);
        let drafts: Vec<Draft> = literals
            .iter()
            .map(|(_, literal)| Draft {
                windows: windows_of(literal, window_len).collect(),
                in_sample: sample.counts(literal),
            })
            .collect();
        let sizes = SIZES.into_iter().filter(|slots| *slots >= literals.len() * SLOTS_FOR_EACH);
        for (slots, attempt) in sizes.flat_map(|slots| (0..ATTEMPTS).map(move |attempt| (slots, attempt))) {
            let mut table = Self::empty(window_len, attempt, slots);
            if drafts.iter().enumerate().all(|(index, draft)| table.place(index, draft)) {
                table.literals = literals;
                return (table, Vec::new());
            }
        }
        let mut table = Self::empty(window_len, 0, SIZES[4]);
        let mut left_out = Vec::new();
        for (draft, literal) in drafts.iter().zip(literals) {
            if table.place(table.literals.len(), draft) {
                table.literals.push(literal);
            } else {
                left_out.push(literal);
            }
        }
        (table, left_out)
    }

    fn empty(window_len: usize, attempt: u64, slots: usize) -> Self {
        let shift = 8 * (STRIDE - window_len) as u32;
        Self {
            hash: Hash { shift, multiplier: MULTIPLIER.wrapping_mul(2 * attempt + 1) },
            tags: (0..slots).map(vacant).collect(),
            owners: vec![u32::MAX; slots],
            windows: Vec::new(),
            literals: Vec::new(),
        }
    }

    /// Adds the span of a literal that occurs least in the sample, of those for which there is
    /// room, and of several such that which takes the fewest slots; `false` if there is none.
    fn place(&mut self, literal: usize, draft: &Draft) -> bool {
        let spans = draft.windows.windows(STRIDE).zip(draft.in_sample.windows(STRIDE)).enumerate();
        let best = spans
            .filter_map(|(start, (windows, in_sample))| {
                Some((in_sample.iter().sum::<usize>(), self.slots_needed(windows)?, start))
            })
            .min();
        let Some((_, _, start)) = best else { return false };
        for (offset, window) in draft.windows.iter().enumerate().skip(start).take(STRIDE) {
            self.add(*window, Holder { literal, offset });
        }
        true
    }

    /// How many slots these windows would take; `None` if not all could be added.
    fn slots_needed(&self, windows: &[u64]) -> Option<usize> {
        let slot_of = |window: u64| slot(self.hash.of(window), self.tags.len());
        let mut needed = 0;
        for (index, window) in windows.iter().enumerate() {
            match self.windows.get(self.owners[slot_of(*window)] as usize) {
                Some(owner) if owner.text != *window => return None,
                Some(_) => {}
                None => needed += 1,
            }
            let collides = |other: &u64| other != window && slot_of(*other) == slot_of(*window);
            if windows[..index].iter().any(collides) {
                return None;
            }
        }
        Some(needed)
    }

    fn add(&mut self, window: u64, holder: Holder) {
        let hash = self.hash.of(window);
        let slots = self.tags.len();
        let slot = slot(hash, slots);
        if let Some(owner) = self.windows.get_mut(self.owners[slot] as usize) {
            debug_assert_eq!(owner.text, window, "the slot was vacant or its own");
            owner.holders.push(holder);
            return;
        }
        self.tags[slot] = tag(hash, slots);
        self.owners[slot] = self.windows.len() as u32;
        self.windows.push(Window { text: window, holders: vec![holder] });
    }

    /// Calls `on_found` with an offset in `bytes` and a literal that stands around it, for each
    /// literal that starts at `from` or later. Offsets rise.
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
        let hash = self.hash;
        let passes = |word: [u8; STRIDE]| {
            let hash = hash.of(hash.window(word));
            tags[slot(hash, SLOTS)] == tag(hash, SLOTS)
        };
        let mut at = from;
        let (groups, tail) = bytes.get(from..)?.as_chunks::<GROUP>();
        for group in groups {
            for (index, word) in group.as_chunks().0.iter().enumerate() {
                if passes(*word)
                    && let ControlFlow::Break(found) =
                        self.check(*word, bytes, at + index * STRIDE, &mut on_found)
                {
                    return Some(found);
                }
            }
            at += GROUP;
        }
        for rest in tail.chunks(STRIDE) {
            // What lies behind the end is no part of a literal, whatever it is.
            let mut word = [0; STRIDE];
            word[..rest.len()].copy_from_slice(rest);
            if passes(word)
                && let ControlFlow::Break(found) = self.check(word, bytes, at, &mut on_found)
            {
                return Some(found);
            }
            at += STRIDE;
        }
        None
    }

    /// Compares what passed with the literals that have this window.
    #[cold]
    fn check<T>(
        &self,
        word: [u8; STRIDE],
        bytes: &[u8],
        at: usize,
        on_found: &mut impl FnMut(usize, usize) -> ControlFlow<T>,
    ) -> ControlFlow<T> {
        let text = self.hash.window(word);
        let owner = self.owners[slot(self.hash.of(text), self.tags.len())];
        let window = self.windows.get(owner as usize).filter(|window| window.text == text);
        for holder in window.into_iter().flat_map(|window| &window.holders) {
            let (id, literal) = &self.literals[holder.literal];
            let rest = at.checked_sub(holder.offset).and_then(|start| bytes.get(start..));
            if rest.is_some_and(|rest| rest.starts_with(literal)) {
                on_found(at, *id)?;
            }
        }
        ControlFlow::Continue(())
    }
}
