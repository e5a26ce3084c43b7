//! What one block holds: found without knowing anything of the blocks before it.

use std::collections::HashMap;

use crate::census::Census;
use crate::clocks::LineTimes;
use crate::programs::Programs;
use crate::templates::BlockTemplates;

/// The outcome of scanning one block: a function of the block alone, so that blocks can be scanned
/// in any order and on any thread. What it means depends on the blocks before it; a [`crate::Scan`]
/// takes partials in the order of the source.
#[derive(Debug, Default)]
pub struct Partial {
    pub(crate) lines: u64,
    pub(crate) census: Census,
    /// Who wrote the lines that the census counts or a rule matches.
    pub(crate) programs: Programs,
    /// Warnings and errors that no rule took, of the lines that the census counts.
    pub(crate) templates: BlockTemplates,
    /// Hits, and lines that only tell the time, by offset.
    pub(crate) entries: Vec<Entry>,
    pub(crate) keys: Keys,
    /// Values of hits, end to end.
    pub(crate) values: Vec<Option<i64>>,
    /// Hashes of texts of hits, end to end: those whose number is measured, then that of the
    /// occurrence.
    pub(crate) hashes: Vec<Option<u64>>,
    /// Machines that headers of klog files name, each with the offset of its line.
    pub(crate) machines: Vec<(u32, Box<[u8]>)>,
    /// Times and host of the block's last line that has a time: how far a live stream has come.
    pub(crate) last: Option<(LineTimes, Box<[u8]>)>,
}

impl Partial {
    /// Physical lines of the block.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Matches of rules in the block; a line counts once for each rule that it matches.
    #[must_use]
    pub fn hits(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Hit { .. })).count()
    }
}

/// One line that matters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Offset in the block.
    pub(crate) offset: u32,
    /// Index into [`Keys::hosts`].
    pub(crate) host: u32,
    pub(crate) times: LineTimes,
    pub(crate) kind: EntryKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum EntryKind {
    /// Only tells how far the source has come.
    Mark,
    /// A rule matched.
    Hit {
        /// Index into [`Keys::keys`].
        key: u32,
        /// Index into [`Partial::values`] of the first value; the rule knows how many.
        values: u32,
        /// Index into [`Partial::hashes`] of the first hash; the rule knows how many.
        hashes: u32,
        /// Occurrences that the line stands for.
        repeats: u32,
        /// Whether it adds to counts.
        counts: bool,
        /// A hash of what it says, if its logger may leave out lines that say the same; else 0.
        message: u32,
    },
}

/// Hosts and keys of a block, each with a small number in order of appearance.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pub(crate) hosts: Vec<Box<[u8]>>,
    pub(crate) keys: Vec<Key>,
    host_ids: HashMap<Box<[u8]>, u32>,
    key_ids: HashMap<Box<[u8]>, u32>,
    /// The key that is looked up: rule, host and labels in bytes.
    scratch: Vec<u8>,
    /// The last lookups and their answers: neighbouring lines mostly agree.
    last_host: u32,
}

/// A rule, and the labels of its window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) rule: u32,
    pub(crate) host: u32,
    /// Each label preceded by its length as two bytes, little-endian.
    pub(crate) labels: Box<[u8]>,
}

impl Keys {
    pub(crate) fn host(&mut self, host: &[u8]) -> u32 {
        if self.hosts.get(self.last_host as usize).is_some_and(|last| **last == *host) {
            return self.last_host;
        }
        self.last_host = if let Some(id) = self.host_ids.get(host) {
            *id
        } else {
            let id = self.hosts.len() as u32;
            self.hosts.push(host.into());
            self.host_ids.insert(host.into(), id);
            id
        };
        self.last_host
    }

    pub(crate) fn key<'l>(&mut self, rule: usize, host: u32, labels: impl Iterator<Item = &'l [u8]>) -> u32 {
        const HEAD: usize = 8;
        self.scratch.clear();
        self.scratch.extend_from_slice(&(rule as u32).to_le_bytes());
        self.scratch.extend_from_slice(&host.to_le_bytes());
        labels.for_each(|label| push_label(label, &mut self.scratch));
        if let Some(id) = self.key_ids.get(self.scratch.as_slice()) {
            return *id;
        }
        let id = self.keys.len() as u32;
        self.keys.push(Key { rule: rule as u32, host, labels: self.scratch[HEAD..].into() });
        self.key_ids.insert(self.scratch.as_slice().into(), id);
        id
    }
}

/// Labels as a key has them.
pub(crate) fn encode_labels<'l>(labels: impl Iterator<Item = &'l [u8]>) -> Box<[u8]> {
    let mut encoded = Vec::new();
    labels.for_each(|label| push_label(label, &mut encoded));
    encoded.into()
}

fn push_label(label: &[u8], encoded: &mut Vec<u8>) {
    let length = label.len().min(usize::from(u16::MAX)) as u16;
    encoded.extend_from_slice(&length.to_le_bytes());
    encoded.extend_from_slice(&label[..usize::from(length)]);
}

/// The labels of a key, in the order of the rule.
pub(crate) fn labels_of(encoded: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = encoded;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (label, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        rest = after;
        Some(label)
    })
}
