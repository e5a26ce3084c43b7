//! Where in a source lines stand, coarsely.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Numbers of buckets that a spread has at most.
const BUCKETS: usize = 16;

/// The width of a bucket at first, in bytes of the source: a power of two.
const FINEST: u32 = 16;

/// Lines by their place in a source. Buckets double their width as the source goes on, so that its length
/// need not be known; what comes out depends on the places alone, not on their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// Width of a bucket: 2 to the power of `FINEST + doubled`.
    #[serde(deserialize_with = "sound_width")]
    doubled: u32,
    counts: [u64; BUCKETS],
}

fn sound_width<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let doubled = u32::deserialize(deserializer)?;
    if doubled < u64::BITS - FINEST { Ok(doubled) } else { Err(D::Error::custom("no width of a bucket")) }
}

impl Spread {
    /// Adds a line that starts at this offset of its source.
    pub(crate) fn add(&mut self, offset: u64) {
        self.add_many(offset >> FINEST, 1);
    }

    fn add_many(&mut self, finest_bucket: u64, count: u64) {
        while finest_bucket >> self.doubled >= BUCKETS as u64 {
            self.double();
        }
        let bucket = &mut self.counts[(finest_bucket >> self.doubled) as usize];
        *bucket = bucket.saturating_add(count);
    }

    fn double(&mut self) {
        for index in 0..BUCKETS {
            let half = self.counts.get(2 * index).copied().unwrap_or(0);
            self.counts[index] = half.saturating_add(self.counts.get(2 * index + 1).copied().unwrap_or(0));
        }
        self.doubled += 1;
    }

    /// Adds the lines of another spread of the same source.
    pub(crate) fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        while other.doubled < self.doubled {
            other.double();
        }
        while self.doubled < other.doubled {
            self.double();
        }
        self.counts.iter_mut().zip(other.counts).for_each(|(sum, part)| *sum = sum.saturating_add(part));
    }

    /// All lines.
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Lines in the first and the second half of a source whose lines are spread like `whole`.
    pub(crate) fn halves(&self, whole: &Self) -> [u64; 2] {
        let mut this = self.clone();
        while this.doubled < whole.doubled {
            this.double();
        }
        let used = whole.counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        // Of an odd number of buckets the middle one belongs to the first half.
        let (first, second) = this.counts.split_at(used.div_ceil(2));
        [first, second].map(|half| half.iter().fold(0, |sum: u64, count| sum.saturating_add(*count)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spread(offsets: &[u64]) -> Spread {
        let mut spread = Spread::default();
        offsets.iter().for_each(|offset| spread.add(*offset));
        spread
    }

    proptest! {
        #[test]
        fn order_and_parts_do_not_matter(
            offsets in prop::collection::vec(0..1u64 << 40, 0..40),
            cut in 0..40usize,
        ) {
            let (left, right) = offsets.split_at(cut.min(offsets.len()));
            let mut merged = spread(right);
            merged.merge(&spread(left));
            prop_assert_eq!(&merged, &spread(&offsets));
            prop_assert_eq!(merged.total(), offsets.len() as u64);
            prop_assert_eq!(merged.halves(&merged).iter().sum::<u64>(), offsets.len() as u64);
        }
    }

    #[test]
    fn halves() {
        let whole: Vec<u64> = (0..1_000).map(|line| line * 1_000).collect();
        let whole = spread(&whole);
        let late = spread(&[900_000, 950_000]);
        assert_eq!(late.halves(&whole), [0, 2]);
        let [first, second] = whole.halves(&whole);
        assert!(first.abs_diff(second) <= 66, "{first} {second}");
    }
}
