//! A session as bytes: what is saved of rules, and what can be wrong with the bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chiplog_rules::RuleSet;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Finding;
use crate::past::Past;
use crate::timeline::SavedTimeline;

/// Of what form saved bytes are; it stands in front of them. Raised whenever anything that is saved
/// changes, be it the order of two fields.
pub(crate) const FORMAT: u32 = 2;

/// What a session holds beside its streams.
#[derive(Serialize, Deserialize)]
pub(crate) struct SavedHead<'s> {
    /// By number.
    pub(crate) rules: Vec<SavedRule>,
    pub(crate) past: Cow<'s, Past>,
}

/// A rule that state was saved for.
#[derive(Serialize, Deserialize)]
pub(crate) struct SavedRule {
    id: Arc<str>,
    fingerprint: u64,
}

impl SavedRule {
    pub(crate) fn of_set(rules: &RuleSet) -> Vec<Self> {
        let rules = rules.rules().iter();
        rules.map(|rule| Self { id: Arc::from(rule.id.as_str()), fingerprint: rule.fingerprint }).collect()
    }
}

/// What became of each rule that state was saved for.
pub(crate) struct Renumbered(Vec<Option<usize>>);

impl Renumbered {
    /// The number that a rule has now; `None` if it is no more, or means something else.
    pub(crate) fn rule(&self, old: usize) -> Result<Option<usize>, Damaged> {
        self.0.get(old).copied().ok_or(Damaged("the number of a rule"))
    }

    /// Finds the rules of a saved state among those of a set.
    pub(crate) fn new(saved: &[SavedRule], rules: &RuleSet) -> Result<(Self, RuleChanges), Damaged> {
        let now: BTreeMap<&str, usize> =
            rules.rules().iter().enumerate().map(|(index, rule)| (rule.id.as_str(), index)).collect();
        let mut before = BTreeMap::new();
        let mut changes = RuleChanges::default();
        let mut numbers = Vec::new();
        for rule in saved {
            let index = now.get(&*rule.id).copied();
            if before.insert(Arc::clone(&rule.id), ()).is_some() {
                return Err(Damaged("a rule that is there twice"));
            }
            let kept = index.filter(|index| rules.rules()[*index].fingerprint == rule.fingerprint);
            numbers.push(kept);
            let list = match (index, kept) {
                (_, Some(_)) => &mut changes.kept,
                (Some(_), None) => &mut changes.changed,
                (None, None) => &mut changes.removed,
            };
            list.push(Arc::clone(&rule.id));
        }
        let added = now.keys().filter(|id| !before.contains_key(**id));
        changes.added = added.map(|id| Arc::from(*id)).collect();
        for list in [&mut changes.kept, &mut changes.changed, &mut changes.removed] {
            list.sort_unstable();
        }
        Ok((Self(numbers), changes))
    }
}

/// What other rules make of a session. Ids in order.
///
/// A rule is the same as long as [`chiplog_rules::Rule::fingerprint`] is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleChanges {
    /// They are the same: windows, totals and open findings go on.
    pub kept: Vec<Arc<str>>,
    /// They mean something else than before: they start anew, their totals from zero.
    pub changed: Vec<Arc<str>>,
    /// They were not there before.
    pub added: Vec<Arc<str>>,
    /// They are no more, nor are their totals.
    pub removed: Vec<Arc<str>>,
    /// Findings that were open of rules that changed or are no more, closed for that:
    /// [`Finding::rule_changed`] is set. They stay among the findings that have closed.
    pub closed: Vec<Finding>,
}

/// Something in saved bytes contradicts the rest: what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged(pub(crate) &'static str);

/// Why a session cannot be restored from bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// Another release of this crate saved them, in another form.
    Format {
        /// The number of their form.
        found: u32,
        /// The number of the form that can be read.
        expected: u32,
    },
    /// They are cut short, or were changed.
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
}

impl From<Damaged> for RestoreError {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged { what: damaged.0 }
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format { found, expected } => {
                write!(f, "saved state of format {found}; this release reads format {expected}")
            }
            Self::Damaged { what } => write!(f, "saved state is damaged: {what}"),
        }
    }
}

impl std::error::Error for RestoreError {}

/// The bytes of a part of a session.
pub(crate) fn to_bytes(part: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(part).expect("memory takes any number of bytes, and every length is known")
}

/// The session whose parts these are: the head, then each stream. The number of the form stands in
/// front, and before each part its length.
pub(crate) fn join<'p>(head: &SavedHead<'_>, streams: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut bytes = FORMAT.to_le_bytes().to_vec();
    let mut push = |part: &[u8]| {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    };
    push(&to_bytes(head));
    streams.for_each(push);
    bytes
}

/// The parts of a session.
pub(crate) fn split(
    bytes: &[u8],
) -> Result<(SavedHead<'static>, impl Iterator<Item = Result<SavedTimeline<'static>, Damaged>>), RestoreError>
{
    let (format, mut rest) = bytes.split_first_chunk::<4>().ok_or(Damaged("no beginning"))?;
    let found = u32::from_le_bytes(*format);
    if found != FORMAT {
        return Err(RestoreError::Format { found, expected: FORMAT });
    }
    let head = part(&mut rest)?;
    let streams = std::iter::from_fn(move || (!rest.is_empty()).then(|| part(&mut rest)));
    Ok((head, streams))
}

fn part<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, Damaged> {
    let split = bytes.split_first_chunk::<8>().and_then(|(length, rest)| {
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        rest.split_at_checked(length)
    });
    let (part, rest) = split.ok_or(Damaged("the end is missing"))?;
    *bytes = rest;
    match postcard::take_from_bytes(part) {
        Ok((part, [])) => Ok(part),
        _ => Err(Damaged("a part is not what was saved")),
    }
}
