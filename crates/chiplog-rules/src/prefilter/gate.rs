//! Which rules to ask about a line that was found.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem::Finder;

use crate::literals::AnyOf;

/// What the raw line of a message holds that stands in none of the usual forms: journald's JSON
/// prints a message that is not printable UTF-8 as an array of byte values. Such a line is looked
/// at by every rule.
const BYTE_ARRAYS: [&[u8]; 2] = [b"\"MESSAGE\":[", b"\"MESSAGE\" : ["];

/// The part of each of [`BYTE_ARRAYS`] that is rare: messages in the usual form lack it.
pub(super) const BYTE_ARRAY_PHRASES: [&[u8]; 2] = [b"E\":[", b"E\" : ["];

/// Which alternatives a line can match, by the literals that it holds.
#[derive(Debug)]
pub(crate) struct Gate {
    search: Search,
    /// For each literal, the alternatives that it lets pass.
    passes: Vec<Vec<usize>>,
    /// Alternatives that need no literal.
    always: Vec<usize>,
    alternatives: usize,
}

/// How the literals of a line are found.
#[derive(Debug)]
enum Search {
    /// There are none.
    Nothing,
    /// Few literals: one vectorised search each is faster than an automaton.
    Each(Vec<Finder<'static>>),
    /// One pass for all.
    Automaton(AhoCorasick),
}

/// Up to so many literals are searched one by one.
const SEARCHED_ONE_BY_ONE: usize = 8;

/// Up to so many literals, all transitions of the automaton are laid out: twice as fast a line, for
/// some kilobytes a literal.
const LAID_OUT: usize = 256;

impl Gate {
    /// `chosen` holds the literals by which the lines of each alternative are found, if it has any.
    pub(super) fn new(chosen: &[Option<AnyOf>]) -> Self {
        let mut literals: Vec<&[u8]> = Vec::new();
        let mut passes: Vec<Vec<usize>> = Vec::new();
        let mut always = Vec::new();
        for (alternative, set) in chosen.iter().enumerate() {
            let Some(set) = set else {
                always.push(alternative);
                continue;
            };
            for literal in set {
                let index = literals.iter().position(|known| known == literal).unwrap_or_else(|| {
                    literals.push(literal);
                    passes.push(Vec::new());
                    literals.len() - 1
                });
                if passes[index].last() != Some(&alternative) {
                    passes[index].push(alternative);
                }
            }
        }
        let all = literals.iter().copied().chain(BYTE_ARRAYS);
        let search = match literals.len() {
            0 => Search::Nothing,
            1..=SEARCHED_ONE_BY_ONE => {
                Search::Each(all.map(|literal| Finder::new(literal).into_owned()).collect())
            }
            count => Search::Automaton(
                AhoCorasick::builder()
                    .match_kind(MatchKind::Standard)
                    .kind((count <= LAID_OUT).then_some(AhoCorasickKind::DFA))
                    .build(all)
                    .expect("the literals of rule files are far from the limits of the automaton"),
            ),
        };
        Self { search, passes, always, alternatives: chosen.len() }
    }

    /// Puts the indexes of the alternatives that the line can match into `out`, in rising order.
    pub(crate) fn candidates_into(&self, raw_line: &[u8], out: &mut Vec<usize>) {
        out.clear();
        out.extend_from_slice(&self.always);
        match &self.search {
            Search::Nothing => return,
            Search::Each(finders) => {
                for (index, _) in
                    finders.iter().enumerate().filter(|(_, finder)| finder.find(raw_line).is_some())
                {
                    if !self.let_pass(index, out) {
                        return;
                    }
                }
            }
            Search::Automaton(automaton) => {
                for found in automaton.find_overlapping_iter(raw_line) {
                    if !self.let_pass(found.pattern().as_usize(), out) {
                        return;
                    }
                    // A line that repeats a literal a thousand times gives each alternative once.
                    if out.len() > 4 * self.alternatives {
                        out.sort_unstable();
                        out.dedup();
                    }
                }
            }
        }
        out.sort_unstable();
        out.dedup();
    }

    /// Adds what a literal lets pass; `false` when that is everything.
    fn let_pass(&self, literal: usize, out: &mut Vec<usize>) -> bool {
        match self.passes.get(literal) {
            Some(passes) => {
                out.extend_from_slice(passes);
                true
            }
            None => {
                out.clear();
                out.extend(0..self.alternatives);
                false
            }
        }
    }
}
