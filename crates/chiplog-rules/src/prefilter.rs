//! Finding the lines that may matter without reading all lines.

mod arrange;
mod cover;
mod gate;

use aho_corasick::{AhoCorasick, MatchKind, packed};

use crate::literals::AnyOf;
pub(crate) use gate::Gate;

/// Lines of a healthy cluster with invented names, by which literals are judged: one that occurs
/// here is common, and one that begins as much of this does costs time.
const SAMPLE: &[u8] = include_bytes!("prefilter/sample.log");

/// The longest literal that is searched for: more bytes do not make the search faster.
const MAX_LEN: usize = 12;

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

/// A search for the literals that rules need, many bytes at a time.
///
/// A hit elects its line; all rules then look at the line. No line that a rule matches is missed.
#[derive(Clone, Debug)]
pub struct LiteralSearcher {
    literals: Vec<Vec<u8>>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Packed(packed::Searcher),
    /// Where there is no SIMD, or too many literals for it.
    Automaton(AhoCorasick),
    /// No rules: nothing to find.
    Nothing,
}

impl LiteralSearcher {
    fn new(literals: Vec<Vec<u8>>) -> Self {
        let kind = if literals.is_empty() {
            Kind::Nothing
        } else if let Some(searcher) = packed::Builder::new().extend(&literals).build() {
            Kind::Packed(searcher)
        } else {
            let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&literals);
            Kind::Automaton(automaton.expect("literals are few and short"))
        };
        Self { literals, kind }
    }

    /// The literals, each free of line feeds.
    pub fn literals(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.literals.iter().map(Vec::as_slice)
    }

    /// Offsets in `block` at which a literal starts, in rising order. Literals that overlap one
    /// already found are left out; every line that holds a literal has at least one offset in it.
    pub fn find_iter<'s>(&'s self, block: &'s [u8]) -> impl Iterator<Item = usize> + use<'s> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let found = self.find_at(block, at)?;
            at = found.1;
            Some(found.0)
        })
    }

    fn find_at(&self, block: &[u8], at: usize) -> Option<(usize, usize)> {
        match &self.kind {
            Kind::Packed(searcher) => {
                let span = aho_corasick::Span { start: at, end: block.len() };
                searcher.find_in(block, span).map(|found| (found.start(), found.end()))
            }
            Kind::Automaton(automaton) => {
                let input = aho_corasick::Input::new(block).range(at..);
                automaton.find(input).map(|found| (found.start(), found.end()))
            }
            Kind::Nothing => None,
        }
    }
}

/// Chooses for every alternative the literals by which its lines are found, so that all together
/// need few and rare ones. `candidates` holds for each alternative the sets to choose from.
///
/// The search finds every line that the gate lets pass.
pub(crate) fn plan(candidates: &[Vec<AnyOf>]) -> (Gate, Option<LiteralSearcher>) {
    let (chosen, mut phrases) = cover::choose(candidates, SAMPLE);
    let gate = Gate::new(&chosen);
    let sparse = chosen.iter().all(Option::is_some);
    let searcher = sparse.then(|| {
        if !phrases.is_empty() {
            phrases.extend(gate::BYTE_ARRAY_PHRASES.iter().map(|phrase| phrase.to_vec()));
        }
        LiteralSearcher::new(arrange::arrange(&phrases, SAMPLE))
    });
    (gate, searcher)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn singletons(pieces: &[&str]) -> Vec<Vec<AnyOf>> {
        pieces.iter().map(|piece| vec![vec![piece.as_bytes().to_vec()]]).collect()
    }

    #[test]
    fn words_in_common_are_searched_for_once() {
        let (_, searcher) =
            plan(&singletons(&["Liveness probe for ", "Readiness probe for ", "took too long"]));
        let searcher = searcher.unwrap();
        // Two, and the two forms of a byte array.
        assert_eq!(searcher.literals().len(), 4);
        for line in ["a Liveness probe for x", "a Readiness probe for x", "it took too long (1s)"] {
            assert_eq!(searcher.find_iter(line.as_bytes()).count(), 1, "{line}");
        }
        assert_eq!(searcher.find_iter(b"a Startup probe of x").count(), 0);
    }

    #[test]
    fn without_rules_nothing_is_found() {
        let searcher = plan(&[]).1.unwrap();
        assert_eq!(searcher.find_iter(b"Killed process").count(), 0);
    }

    #[test]
    fn many_literals_are_found_as_well() {
        let pieces: Vec<String> =
            (0..200).map(|number| format!("{number:03}-{:03}-word", number * 7 % 200)).collect();
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let searcher = plan(&singletons(&pieces)).1.unwrap();
        for piece in pieces {
            assert_eq!(searcher.find_iter(format!("<{piece}>").as_bytes()).count(), 1, "{piece}");
        }
    }
}
