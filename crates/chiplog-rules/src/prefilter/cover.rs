//! Few phrases such that every line of interest holds one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

use crate::literals::{AnyOf, MIN_LEN, score, set_score};

/// Phrases are found by a part of this length, in bytes. Shorter parts are shared by more rules and
/// also by more of the lines that no rule is about.
const KEY_LEN: usize = 8;

/// One demand: at least one of the pieces holds a chosen phrase. All pieces of a demand occur
/// together, so that any will do.
struct Demand<'a> {
    alternative: usize,
    pieces: Vec<&'a [u8]>,
}

/// For each alternative the literals one of which each of its lines holds, `None` if it has none;
/// and phrases such that each of those literals holds one.
///
/// Prefers phrases that neither occur in `sample` nor begin as something in it, then those that
/// many alternatives share.
pub(super) fn choose(candidates: &[Vec<AnyOf>], sample: &[u8]) -> (Vec<Option<AnyOf>>, Vec<Vec<u8>>) {
    let common = |piece: &[u8]| memmem::find(sample, piece).is_some();
    let mut demands: Vec<Demand<'_>> = Vec::new();
    for (alternative, sets) in candidates.iter().enumerate() {
        let single: Vec<&[u8]> =
            sets.iter().filter(|set| set.len() == 1).flatten().map(Vec::as_slice).collect();
        let best = sets.iter().max_by_key(|set| (!set.iter().any(|piece| common(piece)), set_score(set)));
        match best {
            // Several words, any of which may be the one: each must be searched for.
            Some(best) if best.len() > 1 && single.iter().all(|piece| common(piece)) => {
                demands.extend(best.iter().map(|piece| Demand { alternative, pieces: vec![piece] }));
            }
            Some(_) => demands.push(Demand { alternative, pieces: single }),
            None => {}
        }
    }

    // Which demands each part meets.
    let mut parts: BTreeMap<&[u8], BTreeSet<usize>> = BTreeMap::new();
    for (index, demand) in demands.iter().enumerate() {
        for piece in &demand.pieces {
            for part in piece.windows(KEY_LEN.min(piece.len())) {
                parts.entry(part).or_default().insert(index);
            }
        }
    }
    let short: Vec<&[u8]> = parts.keys().copied().filter(|part| part.len() < KEY_LEN).collect();
    for part in short {
        let meets =
            demands.iter().enumerate().filter(|(_, demand)| demand.holds(part)).map(|(index, _)| index);
        let meets: BTreeSet<usize> = meets.collect();
        parts.insert(part, meets);
    }
    // A part that occurs in the sample finds lines in vain; one that begins as something there does
    // is looked at in vain.
    let rare = |part: &[u8]| (!common(part), !common(part.get(..MIN_LEN).unwrap_or(part)));
    let mut parts: Vec<_> = parts.into_iter().map(|(part, meets)| (part, rare(part), meets)).collect();

    let mut phrases: Vec<Vec<u8>> = Vec::new();
    let mut unmet: BTreeSet<usize> = (0..demands.len()).collect();
    let mut chosen: Vec<Option<AnyOf>> = vec![None; candidates.len()];
    while !unmet.is_empty() {
        let best =
            parts.iter().max_by_key(|(part, rare, meets)| (*rare, meets.len(), score(part), Reverse(*part)));
        let Some((part, _, meets)) = best.filter(|(_, _, meets)| !meets.is_empty()) else { break };
        let (part, meets) = (*part, meets.clone());
        for index in &meets {
            let demand = &demands[*index];
            let piece = demand.pieces.iter().find(|piece| memmem::find(piece, part).is_some());
            if let Some(piece) = piece {
                chosen[demand.alternative].get_or_insert_default().push(piece.to_vec());
            }
        }
        let holders: Vec<&Demand<'_>> = meets.iter().map(|index| &demands[*index]).collect();
        phrases.push(widened(part, &holders));
        unmet.retain(|index| !meets.contains(index));
        for (_, _, others) in &mut parts {
            others.retain(|index| unmet.contains(index));
        }
        parts.retain(|(_, _, meets)| !meets.is_empty());
    }
    (chosen, phrases)
}

impl Demand<'_> {
    fn holds(&self, part: &[u8]) -> bool {
        self.pieces.iter().any(|piece| memmem::find(piece, part).is_some())
    }
}

/// The longest phrase around `part` that meets the same demands: it leaves the most choice of
/// where the search begins.
fn widened(part: &[u8], holders: &[&Demand<'_>]) -> Vec<u8> {
    let Some((piece, at)) = holders.first().and_then(|first| {
        first.pieces.iter().find_map(|piece| memmem::find(piece, part).map(|at| (*piece, at)))
    }) else {
        return part.to_vec();
    };
    // The piece that `chosen` takes for a holder is the first that has the part.
    let held = |phrase: &[u8]| {
        holders.iter().all(|holder| {
            let piece = holder.pieces.iter().find(|piece| memmem::find(piece, part).is_some());
            piece.is_some_and(|piece| memmem::find(piece, phrase).is_some())
        })
    };
    let (mut start, mut end) = (at, at + part.len());
    while end < piece.len() && held(&piece[start..=end]) {
        end += 1;
    }
    while start > 0 && held(&piece[start - 1..end]) {
        start -= 1;
    }
    piece[start..end].to_vec()
}
