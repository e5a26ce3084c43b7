//! By which literals the lines of an alternative are found.

use std::cmp::Reverse;

use memchr::memmem;

use crate::literals::{AnyOf, rank};

/// How many further literals are looked for in a line that was found.
const MAX_ALSO: usize = 3;

/// What a line holds that an alternative matches.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// Lines are found by one of these.
    pub(super) any: AnyOf,
    /// All of these stand in it as well.
    pub(super) also: Vec<Vec<u8>>,
}

/// Chooses from `sets`, each of which holds for the lines of an alternative; `None` if there are
/// none.
pub(super) fn choose(sets: &[AnyOf]) -> Option<Choice> {
    let mut ranked: Vec<_> = sets.iter().map(|set| (Reverse(rank(set)), set)).collect();
    ranked.sort();
    let mut ranked = ranked.into_iter().map(|(_, set)| set);
    let any = ranked.next()?.clone();
    let mut also: Vec<Vec<u8>> = Vec::new();
    for set in ranked {
        let [literal] = set.as_slice() else { continue };
        let is_told_by = |other: &Vec<u8>| memmem::find(other, literal).is_some();
        if also.len() < MAX_ALSO && !any.iter().all(is_told_by) && !also.iter().any(is_told_by) {
            also.push(literal.clone());
        }
    }
    Some(Choice { any, also })
}
