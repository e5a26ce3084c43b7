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

/// Shorter windows occur too often, so shorter literals cannot be searched for in this way.
const SHORTEST_WINDOW: usize = 4;

/// The length of the shortest literal that has [`STRIDE`] windows, in bytes.
pub(super) const MIN_LEN: usize = span_of(SHORTEST_WINDOW);

const fn span_of(window: usize) -> usize {
    window + STRIDE - 1
}

/// How many slots a table may have.
const SIZES: [usize; 4] = [1 << 11, 1 << 13, 1 << 15, 1 << 17];

/// In a table that is filled further, most windows would find their slot taken.
const SLOTS_FOR_EACH: usize = 4 * STRIDE;

/// How many literals there may be.
pub(super) const MAX_COUNT: usize = SIZES[3] / SLOTS_FOR_EACH;

/// Odd numbers with bits all over, any of which makes a hash of a multiplication.
const MULTIPLIERS: [u64; 8] = [
    0x9e37_79b9_7f4a_7c15,
    0xd6e8_feb8_6659_fd93,
    0xff51_afd7_ed55_8ccd,
    0xc4ce_b9fe_1a85_ec53,
    0xbf58_476d_1ce4_e5b9,
    0x94d0_49bb_1331_11eb,
    0x2545_f491_4f6c_dd1d,
    0x8cb9_2ba7_2f3d_8dd7,
];

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

/// Windows as numbers, with how often each occurs in a sample.
struct Sample {
    windows: Vec<u64>,
}

impl Sample {
    fn new(sample: &[u8], hash: Hash) -> Self {
        let mut windows: Vec<u64> =
            sample.array_windows().map(|word: &[u8; STRIDE]| hash.window(*word)).collect();
        windows.sort_unstable();
        Self { windows }
    }

    fn count(&self, window: u64) -> usize {
        let from = self.windows.partition_point(|other| *other < window);
        self.windows.get(from..).unwrap_or(&[]).partition_point(|other| *other == window)
    }
}

/// What it would mean to add a window.
#[derive(Clone, Copy)]
struct Place {
    window: u64,
    slot: usize,
    in_sample: usize,
    is_new: bool,
}

impl Place {
    /// How bad it would be to add all of these; `None` if not all can be.
    fn cost(span: &[Option<Self>]) -> Option<(usize, usize)> {
        let span: Vec<Self> = span.iter().copied().collect::<Option<_>>()?;
        let collides = |(index, place): (usize, &Self)| {
            span[..index].iter().any(|other| other.slot == place.slot && other.window != place.window)
        };
        if span.iter().enumerate().any(collides) {
            return None;
        }
        let in_sample = span.iter().map(|place| place.in_sample).sum();
        Some((in_sample, span.iter().filter(|place| place.is_new).count()))
    }
}

impl Windows {
    /// A search for these literals, and those that found no room. Each is at least [`MIN_LEN`]
    /// long and has a number by which the caller knows it; there are at most [`MAX_COUNT`].
    pub(super) fn new(mut literals: Vec<(usize, Vec<u8>)>, sample: &[u8]) -> (Self, Vec<(usize, Vec<u8>)>) {
        // Those with the least choice first.
        literals.sort_by_key(|(id, literal)| (literal.len(), *id));
        let shortest = literals.first().map_or(MIN_LEN, |(_, literal)| literal.len());
        let window_len = (shortest + 1).saturating_sub(STRIDE).clamp(SHORTEST_WINDOW, STRIDE);
        let mut hash = Hash { shift: 8 * (STRIDE - window_len) as u32, multiplier: MULTIPLIERS[0] };
        let sample = Sample::new(sample, hash);
        let mut table = Self::empty(hash, SIZES[3]);
        let mut left_out = literals.clone();
        for slots in SIZES.into_iter().filter(|slots| *slots >= literals.len() * SLOTS_FOR_EACH) {
            for multiplier in MULTIPLIERS {
                hash.multiplier = multiplier;
                let mut other = Self::empty(hash, slots);
                let without = other.fill(&literals, window_len, &sample);
                if without.len() < left_out.len() {
                    (table, left_out) = (other, without);
                }
                if left_out.is_empty() {
                    return (table, left_out);
                }
            }
        }
        (table, left_out)
    }

    fn empty(hash: Hash, slots: usize) -> Self {
        Self {
            hash,
            tags: (0..slots).map(vacant).collect(),
            owners: vec![u32::MAX; slots],
            windows: Vec::new(),
            literals: Vec::new(),
        }
    }

    /// Adds those literals for which there is room; gives back the others.
    fn fill(
        &mut self,
        literals: &[(usize, Vec<u8>)],
        window_len: usize,
        sample: &Sample,
    ) -> Vec<(usize, Vec<u8>)> {
        let mut left_out = Vec::new();
        for literal in literals {
            let windows: Vec<u64> = literal
                .1
                .windows(window_len)
                .map(|text| {
                    let mut word = [0; STRIDE];
                    word[..window_len].copy_from_slice(text);
                    self.hash.window(word)
                })
                .collect();
            let places: Vec<Option<Place>> =
                windows.iter().map(|window| self.place(*window, sample)).collect();
            let spans = places.windows(STRIDE).enumerate();
            let Some((_, start)) = spans.filter_map(|(start, span)| Some((Place::cost(span)?, start))).min()
            else {
                left_out.push(literal.clone());
                continue;
            };
            for (offset, window) in windows.iter().enumerate().skip(start).take(STRIDE) {
                self.add(*window, Holder { literal: self.literals.len(), offset });
            }
            self.literals.push(literal.clone());
        }
        left_out
    }

    /// Where a window would stand; `None` if another stands there.
    fn place(&self, window: u64, sample: &Sample) -> Option<Place> {
        let slots = self.tags.len();
        let slot = slot(self.hash.of(window), slots);
        let owner = self.windows.get(self.owners[slot] as usize);
        owner.is_none_or(|owner| owner.text == window).then(|| Place {
            window,
            slot,
            in_sample: sample.count(window),
            is_new: owner.is_none(),
        })
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
        if let Some(tags) = self.tags.first_chunk::<{ SIZES[3] }>() {
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
