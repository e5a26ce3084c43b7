//! Which part of each phrase to search for, and in which order.
//!
//! The SIMD search (Teddy) sorts its patterns into 8 buckets, 16 from 33 patterns on, and compares
//! the first four bytes of text with all patterns of a bucket at once: for each of the four the
//! low half of the byte must be the low half of *some* pattern's byte, and the high half likewise.
//! What passes is compared in full, at many times the cost. So patterns that do not look alike
//! should not share a bucket, and the best beginning of a pattern depends on its company. The
//! search deals patterns to buckets by their number, one after the other, hence by their order.
//!
//! Beginnings and buckets are chosen one phrase at a time, each so that the least of a sample of
//! ordinary lines passes. That is near enough to the best: over lines of a healthy cluster, the
//! built-in rules are searched for about twice as fast as in the order of their files. A release of the search
//! that deals otherwise would cost that speed and nothing else.

use std::collections::BTreeMap;

use super::MAX_LEN;

/// How many bytes the search compares before it looks closer.
const FINGERPRINT: usize = 4;

/// A part that starts late in its phrase has rare bytes first but says little in all.
const USUAL_LEN: usize = 8;

/// The four-byte texts of a sample with how often each occurs, sorted.
struct Fingerprints {
    texts: Vec<([u8; FINGERPRINT], u32)>,
    /// Where the texts that start with each byte begin and end.
    by_first: Vec<(usize, usize)>,
}

impl Fingerprints {
    fn of(sample: &[u8]) -> Self {
        let mut counts: BTreeMap<[u8; FINGERPRINT], u32> = BTreeMap::new();
        for text in sample.windows(FINGERPRINT) {
            if let Ok(text) = text.try_into() {
                *counts.entry(text).or_default() += 1;
            }
        }
        let texts: Vec<_> = counts.into_iter().collect();
        let by_first = (0..=u8::MAX)
            .map(|first| {
                (
                    texts.partition_point(|(text, _)| text[0] < first),
                    texts.partition_point(|(text, _)| text[0] <= first),
                )
            })
            .collect();
        Self { texts, by_first }
    }

    /// How much of the sample passes the comparison with a bucket.
    fn passing(&self, bucket: &Bucket) -> u32 {
        let firsts = (0..=u8::MAX).filter(|first| bucket.passes(0, *first));
        firsts
            .filter_map(|first| self.by_first.get(usize::from(first)))
            .flat_map(|(start, end)| &self.texts[*start..*end])
            .filter(|(text, _)| (1..FINGERPRINT).all(|at| bucket.passes(at, text[at])))
            .map(|(_, count)| count)
            .sum()
    }
}

/// The halves of bytes that pass at each place, as sets of 16 bits.
#[derive(Clone, Default)]
struct Bucket {
    low: [u16; FINGERPRINT],
    high: [u16; FINGERPRINT],
}

impl Bucket {
    fn add(&mut self, pattern: &[u8]) {
        for (at, byte) in pattern.iter().take(FINGERPRINT).enumerate() {
            self.low[at] |= 1 << (byte & 15);
            self.high[at] |= 1 << (byte >> 4);
        }
    }

    fn passes(&self, at: usize, byte: u8) -> bool {
        self.low[at] >> (byte & 15) & 1 == 1 && self.high[at] >> (byte >> 4) & 1 == 1
    }
}

/// A part of each phrase, in an order that keeps those apart that look alike.
///
/// Whatever holds a phrase holds its part.
pub(super) fn arrange(phrases: &[Vec<u8>], sample: &[u8]) -> Vec<Vec<u8>> {
    let fingerprints = Fingerprints::of(sample);
    let mut phrases: Vec<&[u8]> =
        phrases.iter().map(Vec::as_slice).filter(|phrase| phrase.len() >= FINGERPRINT).collect();
    // Those with the least choice first.
    phrases.sort_by_key(|phrase| (phrase.len(), *phrase));
    phrases.dedup();
    let count = phrases.len();
    let bucket_count = if count > 32 { 16 } else { 8 };

    let mut buckets = vec![Bucket::default(); bucket_count];
    let mut passing = vec![0; bucket_count];
    let mut members: Vec<Vec<&[u8]>> = vec![Vec::new(); bucket_count];
    for phrase in phrases {
        let last = phrase.len() - phrase.len().min(USUAL_LEN);
        let mut best: Option<(u32, usize, usize)> = None;
        'search: for start in 0..=last {
            for bucket in 0..bucket_count {
                let room = count.saturating_sub(bucket).div_ceil(bucket_count);
                if members[bucket].len() >= room {
                    continue;
                }
                let mut with = buckets[bucket].clone();
                with.add(&phrase[start..]);
                let more = fingerprints.passing(&with) - passing[bucket];
                if best.is_none_or(|best| (more, start, bucket) < best) {
                    best = Some((more, start, bucket));
                }
                if more == 0 {
                    break 'search;
                }
            }
        }
        if let Some((more, start, bucket)) = best {
            buckets[bucket].add(&phrase[start..]);
            passing[bucket] += more;
            members[bucket].push(&phrase[start..phrase.len().min(start + MAX_LEN)]);
        }
    }

    let rounds = members.iter().map(Vec::len).max().unwrap_or(0);
    (0..rounds)
        .flat_map(|round| members.iter().filter_map(move |bucket| bucket.get(round)))
        .map(|pattern| pattern.to_vec())
        .collect()
}
