//! Logs that were read before, under another name.

use std::collections::HashMap;
use std::io::{self, Read};

use chiplog_engine::Origin;
use twox_hash::XxHash3_128;

use super::head::HEAD_BYTES;

/// Files that are remembered. There are no more in a bundle; beyond that, a copy is read again.
const MAX_FILES: usize = 1_000_000;

/// Two files with one key are likely to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) size_bytes: u64,
    head: u128,
}

impl Key {
    /// `None` for an empty file: it has nothing that could be counted twice.
    pub(super) fn of(size_bytes: u64, head: &[u8]) -> Option<Self> {
        (!head.is_empty()).then(|| Self { size_bytes, head: hash(head) })
    }

    /// Whether the key is of the whole file, so that files with one key are the same.
    pub(super) fn is_whole(&self) -> bool {
        self.size_bytes <= HEAD_BYTES as u64
    }
}

pub(super) fn hash(bytes: &[u8]) -> u128 {
    XxHash3_128::oneshot(bytes)
}

/// Files that were read.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<Key, (Candidate, Origin)>);

/// A file that was read and may be the same.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) name: String,
    /// Of the whole file; `None` if it was not read to its end.
    pub(super) hash: Option<u128>,
}

impl Seen {
    /// The file with this key. Files of two hosts are never the same: short logs may well be equal.
    pub(super) fn get(&self, key: &Key, origin: &Origin) -> Option<Candidate> {
        let (candidate, first) = self.0.get(key)?;
        let is_other_host = first.host.is_some() && origin.host.is_some() && first.host != origin.host;
        (!is_other_host).then(|| candidate.clone())
    }

    pub(super) fn put(&mut self, key: Key, name: &str, origin: Origin, hash: Option<u128>) {
        if self.0.len() < MAX_FILES {
            let candidate = Candidate { name: name.to_owned(), hash };
            self.0.entry(key).or_insert((candidate, origin));
        }
    }
}

/// Hashes what is read.
pub(super) struct Hashing<'r> {
    reader: &'r mut dyn Read,
    hasher: Box<XxHash3_128>,
    bytes: u64,
}

impl<'r> Hashing<'r> {
    pub(super) fn new(reader: &'r mut dyn Read) -> Self {
        Self { reader, hasher: Box::new(XxHash3_128::new()), bytes: 0 }
    }

    /// The hash of the file, if all of it was read.
    pub(super) fn finish(&self, size_bytes: u64) -> Option<u128> {
        (self.bytes == size_bytes).then(|| self.hasher.finish_128())
    }
}

impl Read for Hashing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.hasher.write(&into[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}
