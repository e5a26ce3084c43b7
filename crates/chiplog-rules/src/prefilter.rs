//! Finding the lines that may matter without reading all lines.

mod choice;
mod gate;
pub(crate) mod placement;
mod search;
mod short;
pub(crate) mod windows;

use crate::literals::{AnyOf, SAMPLE};
use choice::Choice;
pub(crate) use gate::Gate;

/// What the raw line of a message holds that stands in none of the usual forms: journald's JSON
/// prints a message that is not printable UTF-8 as an array of byte values. Such a line is looked
/// at by every rule.
fn byte_arrays() -> impl Iterator<Item = Vec<u8>> {
    // Longer literals are found by better windows, hence the bytes around.
    let before_and_after =
        [b',', b'{', b' '].into_iter().flat_map(|before| (b'0'..=b'9').map(move |after| (before, after)));
    let short =
        before_and_after.map(|(before, after)| [&[before], b"\"MESSAGE\":[".as_slice(), &[after]].concat());
    short.chain([b"\"MESSAGE\" : [".to_vec()])
}

/// How to find the lines that some rule of a set may match.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Prefilter {
    /// Every rule needs some literal: only lines that hold one need to be read.
    Sparse(LiteralSearcher),
    /// Every line must be read.
    EveryLine {
        /// The ids of the rules that need no literal, in the order of the set.
        because: Vec<String>,
    },
}

/// A search for lines that hold the literals which rules need, many bytes at a time.
///
/// All rules then look at the lines found. No line that a rule matches is missed.
#[derive(Clone, Debug)]
pub struct LiteralSearcher(Gate);

impl LiteralSearcher {
    /// The literals that are searched for, each free of line feeds. A rule may need others in the
    /// same line.
    pub fn literals(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.search().literals().iter().map(Vec::as_slice)
    }

    /// Whether some rule may match a line, given whole or from where it holds all that rules look
    /// for: [`LiteralSearcher::find_iter`] finds a line for which this holds, and no other.
    #[must_use]
    pub fn may_match(&self, line: &[u8]) -> bool {
        self.0.may_match(line)
    }

    /// Offsets in `block`, in rising order: one in each line that some rule may match, within a
    /// literal of it.
    pub fn find_iter<'s>(&'s self, block: &'s [u8]) -> impl Iterator<Item = usize> + use<'s> {
        let (gate, search) = (&self.0, self.0.search());
        let (mut long, mut short) = (search.find_long(block, 0), search.find_short(block, 0));
        let mut line = 0;
        std::iter::from_fn(move || {
            loop {
                if long.is_some_and(|long| long < line) {
                    long = search.find_long(block, line);
                }
                if short.is_some_and(|short| short < line) {
                    short = search.find_short(block, line);
                }
                let found = match (long, short) {
                    (Some(long), Some(short)) => long.min(short),
                    (long, short) => long.or(short)?,
                };
                let start = memchr::memrchr(b'\n', &block[line..found]).map_or(line, |feed| line + feed + 1);
                line = memchr::memchr(b'\n', &block[found..]).map_or(block.len(), |feed| found + feed + 1);
                if gate.may_match(&block[start..line]) {
                    return Some(found);
                }
            }
        })
    }
}

/// Chooses for every alternative the literals by which its lines are found. `candidates` holds for
/// each alternative the sets to choose from.
///
/// The search finds every line that the gate lets pass: it asks the gate.
pub(crate) fn plan(candidates: &[Vec<AnyOf>]) -> (Gate, Option<LiteralSearcher>) {
    let chosen: Vec<Option<Choice>> = candidates.iter().map(|sets| choice::choose(sets)).collect();
    let gate = Gate::new(&chosen, byte_arrays(), SAMPLE);
    let is_sparse = chosen.iter().all(Option::is_some);
    let searcher = is_sparse.then(|| LiteralSearcher(gate.clone()));
    (gate, searcher)
}

#[cfg(test)]
mod tests;
