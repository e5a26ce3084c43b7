//! `[[cause]]`: which finding leads to which.

use std::collections::BTreeMap;

use super::reader::{Reader, Value};
use crate::cause::Cause;

/// A cause before its rules are known.
pub(super) struct CauseDraft {}

/// Every cause of a file; those that are wrong are left out, and reported.
pub(super) fn causes<'f>(_reader: &mut Reader<'f>, _value: &Value<'f>, _file: usize) -> Vec<CauseDraft> {
    Vec::new()
}

/// Reports causes whose rules are in no file, and loops. `readers` are those of the files, `ids`
/// the rules of all files, also those that are switched off.
pub(super) fn check(_drafts: &[CauseDraft], _ids: &[&str], _readers: &mut [Reader<'_>]) {}

/// The causes of checked drafts, given the index of every rule in the set. Those of rules that are
/// switched off are left out.
pub(super) fn assemble(_drafts: Vec<CauseDraft>, _index_of: &BTreeMap<String, usize>) -> Vec<Cause> {
    Vec::new()
}
