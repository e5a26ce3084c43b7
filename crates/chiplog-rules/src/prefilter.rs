//! Finding the lines that may matter without reading all lines.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind, packed};

use crate::literals::{AnyOf, score, set_score, window};

/// What the raw line of a message holds that stands in none of the usual forms: journald's JSON
/// prints a message that is not printable UTF-8 as an array of byte values. Such a line is looked
/// at by every rule.
const BYTE_ARRAYS: [&[u8]; 2] = [b"\"MESSAGE\":[", b"\"MESSAGE\" : ["];

/// The part of each of [`BYTE_ARRAYS`] that is rare: other fields are never in this form.
const BYTE_ARRAY_WINDOWS: [&[u8]; 2] = [b"E\":[", b"E\" : ["];

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

/// Which alternatives a line can match, by the literals that it holds.
#[derive(Debug)]
pub(crate) struct Gate {
    automaton: Option<AhoCorasick>,
    /// For each literal, the alternatives that it lets pass.
    passes: Vec<Vec<usize>>,
    /// Alternatives that need no literal.
    always: Vec<usize>,
    alternatives: usize,
}

impl Gate {
    /// Puts the indexes of the alternatives that the line can match into `out`, in rising order.
    pub(crate) fn candidates_into(&self, raw_line: &[u8], out: &mut Vec<usize>) {
        out.clear();
        out.extend_from_slice(&self.always);
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.find_overlapping_iter(raw_line) {
            match self.passes.get(found.pattern().as_usize()) {
                Some(passes) => out.extend_from_slice(passes),
                None => {
                    out.clear();
                    out.extend(0..self.alternatives);
                    return;
                }
            }
            // A line that repeats a literal a thousand times gives each alternative once.
            if out.len() > 4 * self.alternatives {
                out.sort_unstable();
                out.dedup();
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}

/// Chooses for every alternative the set of literals by which it is found, so that all together
/// need few and rare ones. `candidates` holds for each alternative the sets to choose from.
pub(crate) fn plan(candidates: &[Vec<AnyOf>]) -> (Gate, Option<LiteralSearcher>) {
    let chosen = choose(candidates);

    let mut literals: Vec<Vec<u8>> = Vec::new();
    let mut passes: Vec<Vec<usize>> = Vec::new();
    let mut always = Vec::new();
    for (alternative, set) in chosen.iter().enumerate() {
        let Some(set) = set else {
            always.push(alternative);
            continue;
        };
        for literal in set.iter() {
            let index = literals.iter().position(|known| known == literal).unwrap_or_else(|| {
                literals.push(literal.clone());
                passes.push(Vec::new());
                literals.len() - 1
            });
            if passes[index].last() != Some(&alternative) {
                passes[index].push(alternative);
            }
        }
    }

    let windows = always.is_empty().then(|| LiteralSearcher::new(windows_of(&literals)));

    let gate_literals = literals.iter().map(Vec::as_slice).chain(BYTE_ARRAYS);
    let automaton = (!literals.is_empty()).then(|| {
        AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(gate_literals)
            .expect("the literals of rule files are far from the limits of the automaton")
    });
    (Gate { automaton, passes, always, alternatives: candidates.len() }, windows)
}

fn choose(candidates: &[Vec<AnyOf>]) -> Vec<Option<&AnyOf>> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    // Those with no choice first: the others can then share what is needed anyway.
    order.sort_by_key(|index| (candidates[*index].len(), *index));
    let mut windows: Vec<&[u8]> = Vec::new();
    let mut chosen = vec![None; candidates.len()];
    for index in order {
        let best = candidates[index].iter().min_by_key(|set| {
            let new = set.iter().filter(|literal| !is_covered(literal, &windows)).count();
            // A literal of less than this says so little that one more is better.
            let poor =
                set.iter().filter(|literal| score(literal) < 28 && !is_covered(literal, &windows)).count();
            (new + poor, std::cmp::Reverse(set_score(set)))
        });
        if let Some(set) = best {
            for literal in set {
                if !is_covered(literal, &windows) {
                    windows.push(window(literal));
                }
            }
        }
        chosen[index] = best;
    }
    chosen
}

/// Whether whatever holds the literal also holds one of the windows.
fn is_covered(literal: &[u8], windows: &[&[u8]]) -> bool {
    windows.iter().any(|window| memchr::memmem::find(literal, window).is_some())
}

/// Short literals such that whatever holds one of `literals` holds one of them.
fn windows_of(literals: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut literals: Vec<&[u8]> = literals.iter().map(Vec::as_slice).collect();
    // The shorter can be a part of the longer, which then needs no window of its own.
    literals.sort_by_key(|literal| (literal.len(), *literal));
    let mut windows: Vec<&[u8]> = Vec::new();
    for literal in literals {
        if !is_covered(literal, &windows) {
            windows.push(window(literal));
        }
    }
    if !windows.is_empty() {
        windows.extend(BYTE_ARRAY_WINDOWS);
    }
    windows.sort_by_key(|window| (window.len(), *window));
    let mut kept: Vec<&[u8]> = Vec::new();
    for window in windows {
        if !is_covered(window, &kept) {
            kept.push(window);
        }
    }
    kept.into_iter().map(<[u8]>::to_vec).collect()
}
