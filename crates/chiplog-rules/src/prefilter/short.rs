//! The search for literals that are too short for [`super::windows`].
//!
//! It is a pass over the text of its own, so that a set of rules in which each has a long literal
//! is searched for in two thirds of the time.

use std::ops::ControlFlow;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind, Span, packed};
use memchr::memmem;

/// Literals of any length but none, each with the number by which the caller knows it.
#[derive(Clone, Debug)]
pub(super) struct Short {
    numbers: Vec<usize>,
    /// Of each literal the part with the rarest beginning, many bytes at a time; where there is
    /// SIMD, and not too many literals for it.
    packed: Option<packed::Searcher>,
    automaton: AhoCorasick,
}

/// Up to so many literals, all transitions of the automaton are laid out: twice as fast a line, for
/// some kilobytes a literal.
const LAID_OUT: usize = 256;

impl Short {
    /// `None` if there are no literals.
    pub(super) fn new(literals: &[(usize, Vec<u8>)], sample: &[u8]) -> Option<Self> {
        let texts = || literals.iter().map(|(_, literal)| literal);
        (!literals.is_empty()).then(|| Self {
            numbers: literals.iter().map(|(number, _)| *number).collect(),
            packed: packed::Builder::new().extend(texts().map(|text| rarest_part(text, sample))).build(),
            automaton: AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .kind((literals.len() <= LAID_OUT).then_some(AhoCorasickKind::DFA))
                .build(texts())
                .expect("the literals of rule files are far from the limits of the automaton"),
        })
    }

    /// A place in the first of the literals that start at `from` or later.
    pub(super) fn find(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let span = Span { start: from, end: bytes.len() };
        match &self.packed {
            Some(packed) => packed.find_in(bytes, span).map(|found| found.start()),
            None => self.automaton.find(Input::new(bytes).span(span)).map(|found| found.start()),
        }
    }

    /// Calls `on_found` with the numbers of the literals that `line` holds, at least once with
    /// each, until it breaks.
    pub(super) fn each_in(
        &self,
        line: &[u8],
        mut on_found: impl FnMut(usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // Most lines hold none, which the packed search tells ten times as fast.
        if self.packed.is_some() && self.find(line, 0).is_none() {
            return ControlFlow::Continue(());
        }
        let mut found = self.automaton.find_overlapping_iter(line);
        found.try_for_each(|found| on_found(self.numbers[found.pattern().as_usize()]))
    }
}

/// How many bytes the packed search compares before it looks closer.
const FINGERPRINT: usize = 4;

/// The part of a literal that begins as least of the sample does.
fn rarest_part<'l>(literal: &'l [u8], sample: &[u8]) -> &'l [u8] {
    let count = |start: &usize| match literal.get(*start..start + FINGERPRINT) {
        Some(begin) => memmem::find_iter(sample, begin).count(),
        None => usize::MAX,
    };
    let start = (0..literal.len()).min_by_key(count).unwrap_or(0);
    literal.get(start..).unwrap_or(literal)
}
