//! Which windows of each literal to search for, and where in the table each stands.
//!
//! Every window needs a slot of its own. That can be had because there is a choice: of the
//! multiplier of the hash, of the size of the table, and in a literal that is longer than it must
//! be, of the windows. Of those the ones are chosen that occur seldom in a sample of ordinary
//! lines.

use std::collections::BTreeMap;

use super::windows::{
    Hash, Holder, MIN_LEN, NO_HOLDER, SHORTEST_WINDOW, SIZES, STRIDE, WORD, Windows, slot, tag, vacant,
};

/// In a table that is filled further, most windows would find their slot taken.
const SLOTS_FOR_EACH: usize = 4 * STRIDE;

/// How many literals there may be.
pub(super) const MAX_COUNT: usize = SIZES[4] / SLOTS_FOR_EACH;
const _: () = assert!(MAX_COUNT * STRIDE < NO_HOLDER as usize);

/// How many multipliers are tried at each size.
const ATTEMPTS: u64 = 256;

/// Of so many tables in which all literals have room the best is taken.
const CHOICE: usize = 4;

/// The multipliers are the odd multiples of this: its bits are all over.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A search for these literals, and those that found no room. Each is at least [`MIN_LEN`] long
/// and has a number by which the caller knows it; there are at most [`MAX_COUNT`].
pub(super) fn place(mut literals: Vec<(usize, Vec<u8>)>, sample: &[u8]) -> (Windows, Vec<(usize, Vec<u8>)>) {
    // Those with the least choice first.
    literals.sort_by_key(|(number, literal)| (literal.len(), *number));
    let shortest = literals.first().map_or(MIN_LEN, |(_, literal)| literal.len());
    let window_len = (shortest + 1).saturating_sub(STRIDE).clamp(SHORTEST_WINDOW, WORD);
    let sample = Sample::new(sample, window_len);
    let drafts: Vec<Draft<'_>> = literals.iter().map(|(_, literal)| Draft::new(literal, &sample)).collect();
    let sizes = SIZES.into_iter().filter(|slots| *slots >= literals.len() * SLOTS_FOR_EACH);
    for slots in sizes {
        let complete = (0..ATTEMPTS).filter_map(|attempt| {
            let mut table = Table::new(window_len, attempt, slots);
            let all = drafts.iter().enumerate().all(|(index, draft)| table.add(index, draft));
            all.then(|| table.finish(literals.clone()))
        });
        if let Some(best) = complete.take(CHOICE).min_by_key(|table| sample.count_passing(table)) {
            return (best, Vec::new());
        }
    }
    let mut table = Table::new(window_len, 0, SIZES[4]);
    let (mut placed, mut left_out) = (Vec::new(), Vec::new());
    for (draft, literal) in drafts.iter().zip(&literals) {
        let has_room = table.add(placed.len(), draft);
        if has_room { &mut placed } else { &mut left_out }.push(literal.clone());
    }
    (table.finish(placed), left_out)
}

/// The windows of a sample of ordinary lines, all of one length.
#[derive(Debug)]
pub(crate) struct Sample {
    window_len: usize,
    sorted: Vec<[u8; WORD]>,
}

impl Sample {
    pub(crate) fn new(text: &[u8], window_len: usize) -> Self {
        let mut sorted: Vec<[u8; WORD]> = windows_of(text, window_len).collect();
        sorted.sort_unstable();
        Self { window_len, sorted }
    }

    /// How often each window of a literal occurs in the sample.
    fn counts(&self, literal: &[u8]) -> Vec<usize> {
        let count = |window: [u8; WORD]| {
            let from = self.sorted.partition_point(|other| *other < window);
            self.sorted.get(from..).unwrap_or(&[]).partition_point(|other| *other == window)
        };
        windows_of(literal, self.window_len).map(count).collect()
    }

    /// How much of the sample is looked at in vain, whether it is one of the windows or only has
    /// the hash of one.
    fn count_passing(&self, table: &Windows) -> usize {
        self.sorted.iter().filter(|window| table.has_hash_of(**window)).count()
    }

    /// How often the windows by which the literals are found occur in the sample, at least.
    pub(crate) fn least_count(&self, literals: &[Vec<u8>]) -> usize {
        let least = literals.iter().flat_map(|literal| {
            let counts = self.counts(literal);
            let windows: Vec<_> = windows_of(literal, self.window_len).zip(counts).collect();
            (0..STRIDE).filter_map(move |first| {
                windows.iter().skip(first).step_by(STRIDE).min_by_key(|(_, count)| *count).copied()
            })
        });
        // Literals may have windows in common.
        least.collect::<BTreeMap<_, _>>().values().sum()
    }
}

/// The windows of a text, filled up with zeros.
fn windows_of(text: &[u8], window_len: usize) -> impl Iterator<Item = [u8; WORD]> {
    text.windows(window_len).map(move |window| {
        let mut word = [0; WORD];
        word[..window_len].copy_from_slice(window);
        word
    })
}

/// A literal that is to be placed.
struct Draft<'l> {
    literal: &'l [u8],
    windows: Vec<[u8; WORD]>,
    in_sample: Vec<usize>,
}

impl<'l> Draft<'l> {
    fn new(literal: &'l [u8], sample: &Sample) -> Self {
        Self {
            literal,
            windows: windows_of(literal, sample.window_len).collect(),
            in_sample: sample.counts(literal),
        }
    }

    fn holder(&self, index: usize, offset: usize) -> Holder {
        let last = self.literal.len() - WORD;
        // Of both ends, the one that is further from the window.
        let probe_offset = if offset < last - offset.min(last) { last } else { 0 };
        Holder {
            literal: index as u16,
            is_last: true,
            offset: offset as u32,
            probe: *self.literal[probe_offset..].first_chunk().expect("it ends in time"),
            probe_offset: probe_offset as u32,
        }
    }
}

/// A table that is being filled.
struct Table {
    hash: Hash,
    slots: usize,
    /// For each slot, the index of its window and of those who hold it.
    owners: Vec<u16>,
    windows: Vec<([u8; WORD], Vec<Holder>)>,
}

impl Table {
    fn new(window_len: usize, attempt: u64, slots: usize) -> Self {
        Self {
            hash: Hash::new(window_len, MULTIPLIER.wrapping_mul(2 * attempt + 1)),
            slots,
            owners: vec![NO_HOLDER; slots],
            windows: Vec::new(),
        }
    }

    /// Adds a window of a literal for each way in which it can stand; `false` if there is no room
    /// for one of them. Of several it takes that which occurs least in the sample, then one that
    /// is there already.
    fn add(&mut self, index: usize, draft: &Draft<'_>) -> bool {
        let choose = |table: &Self, first: usize| {
            let offsets = (first..draft.windows.len()).step_by(STRIDE);
            offsets
                .filter_map(|offset| {
                    Some((draft.in_sample[offset], table.is_new(draft.windows[offset])?, offset))
                })
                .min()
        };
        (0..STRIDE).all(|first| match choose(self, first) {
            Some((_, _, offset)) => {
                self.add_window(draft.windows[offset], draft.holder(index, offset));
                true
            }
            None => false,
        })
    }

    /// Whether a window would take a slot; `None` if another has it.
    fn is_new(&self, window: [u8; WORD]) -> Option<bool> {
        let owner = self.owners[slot(self.hash.of(window), self.slots)];
        match self.windows.get(usize::from(owner)) {
            Some((owner, _)) => (*owner == window).then_some(false),
            None => Some(true),
        }
    }

    fn add_window(&mut self, window: [u8; WORD], holder: Holder) {
        let owner = &mut self.owners[slot(self.hash.of(window), self.slots)];
        match self.windows.get_mut(usize::from(*owner)) {
            Some((_, holders)) => holders.push(holder),
            None => {
                *owner = self.windows.len() as u16;
                self.windows.push((window, vec![holder]));
            }
        }
    }

    fn finish(self, literals: Vec<(usize, Vec<u8>)>) -> Windows {
        let mut finished = Windows {
            hash: self.hash,
            tags: (0..self.slots).map(vacant).collect(),
            owners: vec![NO_HOLDER; self.slots],
            holders: Vec::new(),
            literals,
        };
        for (window, holders) in self.windows {
            let hash = self.hash.of(window);
            let slot = slot(hash, self.slots);
            finished.tags[slot] = tag(hash, self.slots);
            finished.owners[slot] = finished.holders.len() as u16;
            let last = holders.len() - 1;
            finished.holders.extend(
                holders
                    .into_iter()
                    .enumerate()
                    .map(|(index, holder)| Holder { is_last: index == last, ..holder }),
            );
        }
        finished
    }
}
