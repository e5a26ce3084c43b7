//! Rules that are used together.

use std::sync::Arc;

use crate::cause::Cause;
use crate::condition::{Alternative, CompiledRule};
use crate::diagnostic::{Diagnostic, RuleErrors};
use crate::load;
use crate::matcher::Matcher;
use crate::pattern::Pattern;
use crate::prefilter::{Gate, Prefilter};
use crate::rule::Rule;

/// A checked and compiled set of rules. Cheap to clone; shared by all workers.
///
/// ```
/// use chiplog_rules::RuleSet;
///
/// let file = r#"
/// id = "app.stalled"
/// match = "worker stalled"
/// take = { stall = 'for (\S+)' }
/// open = "max(stall) > 30s"
/// "#;
/// let loaded = RuleSet::load([("app.toml", file)]).unwrap();
/// assert!(loaded.warnings.is_empty());
///
/// let line = b"worker stalled for 41s";
/// let record = chiplog_parse::Record::of_text(line);
/// let mut values = Vec::new();
/// loaded.set.matcher().match_record(&record, line, |hit| values.extend_from_slice(hit.values));
/// assert_eq!(values, [Some(41_000_000_000)]);
/// ```
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Arc<[Rule]>,
    compiled: Arc<Compiled>,
    prefilter: Arc<Prefilter>,
    causes: Arc<[Cause]>,
    hash: u64,
}

/// What workers share.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) rules: Vec<CompiledRule>,
    /// In the order of the rules.
    pub(crate) alternatives: Vec<Alternative>,
    pub(crate) patterns: Arc<[Pattern]>,
    pub(crate) gate: Gate,
}

/// A set of rules, and what its files might mean otherwise than they say.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The rules.
    pub set: RuleSet,
    /// Warnings, in the order of the files and of their text.
    pub warnings: Vec<Diagnostic>,
}

impl RuleSet {
    pub(crate) fn new(
        rules: Vec<Rule>,
        compiled: Compiled,
        prefilter: Prefilter,
        causes: Vec<Cause>,
        hash: u64,
    ) -> Self {
        Self {
            rules: rules.into(),
            compiled: Arc::new(compiled),
            prefilter: Arc::new(prefilter),
            causes: causes.into(),
            hash,
        }
    }

    /// Reads rule files. Each is a name, for messages, and its text.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with any of the files, and their warnings.
    pub fn load<N: AsRef<str>, T: AsRef<str>>(
        files: impl IntoIterator<Item = (N, T)>,
    ) -> Result<Loaded, RuleErrors> {
        load::load(files)
    }

    /// The rules that come with this crate.
    #[must_use]
    pub fn builtin() -> Self {
        Self::load(crate::builtin::FILES.iter().copied()).expect("a test loads the built-in rules").set
    }

    /// Name and text of the built-in files, to be loaded together with others.
    #[must_use]
    pub const fn builtin_files() -> &'static [(&'static str, &'static str)] {
        crate::builtin::FILES
    }

    /// The rules in the order in which hits are reported: the most specific first, those of one
    /// specificity by id. Hits name a rule by its index here.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// Which finding leads to which, in the order of the files.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// A hash of the text of all files, whatever their names and order: results of sets with one
    /// hash can be put together. The same on every machine.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// A matcher for one worker.
    #[must_use]
    pub fn matcher(&self) -> Matcher {
        Matcher::new(Arc::clone(&self.compiled))
    }

    /// How to find the lines that some rule may match.
    #[must_use]
    pub fn prefilter(&self) -> &Prefilter {
        &self.prefilter
    }
}
