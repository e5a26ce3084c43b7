//! Which rules to ask about a line.

use std::ops::ControlFlow;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::choice::Choice;
use super::search::Search;

/// Which alternatives a line can match, by the literals that it holds. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    search: Search,
    /// For each literal, the alternatives whose lines it finds. A literal beyond these is of a line
    /// that every rule looks at.
    finds: Vec<Vec<usize>>,
    /// For each alternative, what its lines hold as well.
    also: Vec<Vec<Finder<'static>>>,
    /// Alternatives that need no literal.
    always: Vec<usize>,
}

/// After so many alternatives that a literal promised and others denied, a line is looked at.
const MAX_DENIED: usize = 64;

impl Gate {
    /// `chosen` holds what each alternative needs, if anything; `every` are literals of lines that
    /// every rule looks at, and `sample` is what most input looks like.
    pub(super) fn new(
        chosen: &[Option<Choice>],
        every: impl Iterator<Item = Vec<u8>>,
        sample: &[u8],
    ) -> Self {
        let mut literals: Vec<Vec<u8>> =
            chosen.iter().flatten().flat_map(|choice| &choice.any).cloned().collect();
        literals.sort_unstable();
        literals.dedup();
        let mut finds = vec![Vec::new(); literals.len()];
        let mut also = Vec::new();
        let mut always = Vec::new();
        for (alternative, choice) in chosen.iter().enumerate() {
            let Some(choice) = choice else {
                also.push(Vec::new());
                always.push(alternative);
                continue;
            };
            also.push(choice.also.iter().map(|literal| Finder::new(literal).into_owned()).collect());
            for literal in &choice.any {
                if let Ok(index) = literals.binary_search(literal) {
                    finds[index].push(alternative);
                }
            }
        }
        if !literals.is_empty() {
            literals.extend(every);
        }
        Self(Arc::new(Parts { search: Search::new(literals, sample), finds, also, always }))
    }

    pub(super) fn search(&self) -> &Search {
        &self.0.search
    }

    /// Puts the indexes of the alternatives that the line can match into `out`, in rising order.
    pub(crate) fn candidates_into(&self, raw_line: &[u8], out: &mut Vec<usize>) {
        let Parts { search, finds, also, always } = &*self.0;
        out.clear();
        out.extend_from_slice(always);
        let every = search.each_in(raw_line, |literal| {
            let Some(found) = finds.get(literal) else { return ControlFlow::Break(()) };
            out.extend_from_slice(found);
            // A line that repeats a literal a thousand times gives each alternative once.
            if out.len() > 4 * also.len() {
                out.sort_unstable();
                out.dedup();
            }
            ControlFlow::Continue(())
        });
        if every.is_break() {
            out.clear();
            out.extend(0..also.len());
            return;
        }
        out.sort_unstable();
        out.dedup();
        out.retain(|alternative| self.holds_all(*alternative, raw_line));
    }

    /// Whether the line can match any alternative, as far as that can be told in short time. Only
    /// for sets in which all alternatives need literals.
    pub(super) fn may_match(&self, raw_line: &[u8]) -> bool {
        let mut denied = 0;
        let found = self.0.search.each_in(raw_line, |literal| {
            let Some(found) = self.0.finds.get(literal) else { return ControlFlow::Break(()) };
            denied += found.len();
            if denied > MAX_DENIED || found.iter().any(|alternative| self.holds_all(*alternative, raw_line)) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found.is_break()
    }

    fn holds_all(&self, alternative: usize, raw_line: &[u8]) -> bool {
        let also = self.0.also.get(alternative);
        also.is_none_or(|also| also.iter().all(|finder| finder.find(raw_line).is_some()))
    }
}
