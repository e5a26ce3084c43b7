//! Which messages a scan would look at, for sources that can pass over the others.

use chiplog_parse::journal_entry;
use chiplog_rules::{LiteralSearcher, Prefilter, RuleSet};

use crate::ScanMode;

/// Tells the messages of a journal that some rule may match from those that none can.
///
/// A journal stores equal texts once, and reading one costs more than passing over it. A source
/// that has an elector makes lines only of entries whose message it [elects](Elector::elects), and of
/// [samples](crate::Entries::is_sample).
#[derive(Clone, Debug)]
pub struct Elector(LiteralSearcher);

impl Elector {
    /// The elector of a scan with these rules; `None` if it looks at every line.
    #[must_use]
    pub fn new(rules: &RuleSet, mode: ScanMode) -> Option<Self> {
        match (mode, rules.prefilter()) {
            (ScanMode::Sparse, Prefilter::Sparse(searcher)) => Some(Self(searcher.clone())),
            _ => None,
        }
    }

    /// Whether some rule may match an entry with this `MESSAGE`, whatever its other fields.
    ///
    /// ```
    /// use chiplog_engine::{Elector, ScanMode};
    /// use chiplog_rules::RuleSet;
    /// let elector = Elector::new(&RuleSet::builtin(), ScanMode::Sparse).unwrap();
    /// assert!(elector.elects(b"wal: sync duration of 1.9s, expected less than 1s"));
    /// assert!(!elector.elects(b"nothing of note"));
    /// ```
    #[must_use]
    pub fn elects(&self, message: &[u8]) -> bool {
        // Rules look at what stands in the line, and an escaped message stands there otherwise.
        self.0.may_match(message) || journal_entry::needs_escape(message)
    }
}
