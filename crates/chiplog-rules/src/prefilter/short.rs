//! The search for literals that are too short for [`super::windows`].
//!
//! It is a pass over the text of its own, so that a set of rules in which each has a long literal
//! is searched for in half the time.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind, Span, packed};

/// Literals of any length but none, each with the number by which the caller knows it.
#[derive(Clone, Debug)]
pub(super) struct Short {
    ids: Vec<usize>,
    /// Many bytes at a time, where there is SIMD and not too many literals for it.
    packed: Option<packed::Searcher>,
    automaton: AhoCorasick,
}

/// Up to so many literals, all transitions of the automaton are laid out: twice as fast a line, for
/// some kilobytes a literal.
const LAID_OUT: usize = 256;

impl Short {
    /// `None` if there are no literals.
    pub(super) fn new(literals: &[(usize, Vec<u8>)]) -> Option<Self> {
        let texts = || literals.iter().map(|(_, literal)| literal);
        Some(Self {
            ids: literals.iter().map(|(id, _)| *id).collect(),
            packed: packed::Builder::new().extend(texts()).build(),
            automaton: AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .kind((literals.len() <= LAID_OUT).then_some(AhoCorasickKind::DFA))
                .build(texts())
                .expect("the literals of rule files are far from the limits of the automaton"),
        })
        .filter(|_| !literals.is_empty())
    }

    /// A place in the first of the literals that start at `from` or later.
    pub(super) fn find(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let span = Span { start: from, end: bytes.len() };
        if let Some(packed) = &self.packed {
            return packed.find_in(bytes, span).map(|found| found.start());
        }
        self.automaton.find(aho_corasick::Input::new(bytes).span(span)).map(|found| found.start())
    }

    /// The numbers of the literals that `line` holds, some more than once.
    pub(super) fn found_in<'s>(&'s self, line: &'s [u8]) -> impl Iterator<Item = usize> + use<'s> {
        self.automaton
            .find_overlapping_iter(line)
            .filter_map(|found| self.ids.get(found.pattern().as_usize()).copied())
    }
}
