//! Bytes by which the contents of a file are known again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

/// Bytes at the beginning of a file, and before the place that was reached, that are remembered.
pub(super) const EDGE_BYTES: usize = 1024;

/// The first bytes of a file, or those before a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Bytes(Vec<u8>),
    /// What is known after a restart.
    Print(Print),
}

/// Length and XXH3 of some bytes. The hash is the same in every version and on every machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Print {
    len: usize,
    /// In hexadecimal: readers of JSON take numbers for floating point.
    xxh3: String,
}

impl Default for Edge {
    fn default() -> Edge {
        Edge::Bytes(Vec::new())
    }
}

impl Print {
    fn of(bytes: &[u8]) -> Print {
        Print { len: bytes.len(), xxh3: format!("{:016x}", XxHash3_64::oneshot(bytes)) }
    }
}

impl Edge {
    pub(super) fn len(&self) -> usize {
        match self {
            Edge::Bytes(bytes) => bytes.len(),
            // A cursor may have been changed by hand; nothing is read by what it claims.
            Edge::Print(print) => print.len.min(EDGE_BYTES),
        }
    }

    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        match self {
            Edge::Bytes(known) => known == bytes,
            Edge::Print(print) => *print == Print::of(bytes),
        }
    }

    pub(super) fn print(&self) -> Print {
        match self {
            Edge::Bytes(bytes) => Print::of(bytes),
            Edge::Print(print) => print.clone(),
        }
    }

    /// Grows the beginning of a file by what follows it. Nothing changes when it is complete.
    pub(super) fn extend_head(&mut self, following: &[u8]) {
        if let Edge::Bytes(bytes) = self
            && bytes.len() < EDGE_BYTES
        {
            let missing = EDGE_BYTES - bytes.len();
            bytes.extend_from_slice(&following[..missing.min(following.len())]);
        }
    }
}

/// The last bytes of `text` that are remembered.
pub(super) fn last_bytes(text: &[u8]) -> &[u8] {
    &text[text.len().saturating_sub(EDGE_BYTES)..]
}

/// Reads until `into` is full or the file ends.
pub(super) fn read_full(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read_at(&mut into[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Whether `file` holds `edge` at `offset`; its bytes if so.
pub(super) fn find(file: &File, edge: &Edge, offset: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; edge.len()];
    let filled = read_full(file, &mut bytes, offset)?;
    Ok((filled == bytes.len() && edge.is(&bytes)).then_some(bytes))
}
