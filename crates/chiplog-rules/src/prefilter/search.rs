//! The search for all literals, long and short.

use std::ops::ControlFlow;

use super::placement;
use super::short::Short;
use super::windows::{self, Windows};

/// Literals, and how to find them. The index of a literal is its number.
#[derive(Debug)]
pub(super) struct Search {
    literals: Vec<Vec<u8>>,
    long: Option<Windows>,
    short: Option<Short>,
}

impl Search {
    /// `sample` is what most input looks like.
    pub(super) fn new(literals: Vec<Vec<u8>>, sample: &[u8]) -> Self {
        let numbered = literals.iter().cloned().enumerate();
        let (mut long, mut short): (Vec<_>, Vec<_>) =
            numbered.partition(|(_, literal)| literal.len() >= windows::MIN_LEN);
        short.extend(long.split_off(long.len().min(placement::MAX_COUNT)));
        let long = (!long.is_empty()).then(|| {
            let (long, left_out) = placement::place(long, sample);
            short.extend(left_out);
            long
        });
        Self { literals, long, short: Short::new(&short, sample) }
    }

    pub(super) fn literals(&self) -> &[Vec<u8>] {
        &self.literals
    }

    /// A place in a long literal; the first such place, if only literals count that start at
    /// `from` or later.
    pub(super) fn find_long(&self, bytes: &[u8], from: usize) -> Option<usize> {
        self.long.as_ref()?.scan(bytes, from, |at, _| ControlFlow::Break(at))
    }

    /// As [`Self::find_long`], for the others.
    pub(super) fn find_short(&self, bytes: &[u8], from: usize) -> Option<usize> {
        self.short.as_ref()?.find(bytes, from)
    }

    /// Calls `on_found` with the literals that `line` holds, at least once with each, until it
    /// breaks.
    pub(super) fn each_in(
        &self,
        line: &[u8],
        mut on_found: impl FnMut(usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if let Some(long) = &self.long
            && let Some(()) = long.scan(line, 0, |_, literal| on_found(literal))
        {
            return ControlFlow::Break(());
        }
        match &self.short {
            Some(short) => short.each_in(line, on_found),
            None => ControlFlow::Continue(()),
        }
    }
}
