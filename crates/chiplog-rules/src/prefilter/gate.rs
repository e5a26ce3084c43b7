//! Which rules to ask about a line that was found.

use aho_corasick::{AhoCorasick, MatchKind};

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
    automaton: Option<AhoCorasick>,
    /// For each literal, the alternatives that it lets pass.
    passes: Vec<Vec<usize>>,
    /// Alternatives that need no literal.
    always: Vec<usize>,
    alternatives: usize,
}

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
        let automaton = (!literals.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .build(literals.iter().copied().chain(BYTE_ARRAYS))
                .expect("the literals of rule files are far from the limits of the automaton")
        });
        Self { automaton, passes, always, alternatives: chosen.len() }
    }

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
