//! What of a file could not be read.

use std::collections::BTreeSet;
use std::fmt;

/// How many places are kept.
const FAULTS: usize = 16;
/// How many bad data objects are told apart; each further one is counted as often as it is met.
const DISTINCT_DATA: usize = 4096;

/// What was found to be damaged so far, counted, and where it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// Entries that the header counts and that were not found. Known when the walk has come to
    /// its end.
    pub entries_missing: u64,
    /// Entries that were found though no array led to them. These are not lost.
    pub entries_recovered: u64,
    /// Items of arrays that lead to no whole entry.
    pub bad_entries: u64,
    /// Arrays of entries that cannot be read, or not wholly.
    pub bad_arrays: u64,
    /// Data objects that cannot be read: the entries that refer to them lack a field.
    pub bad_data: u64,
    /// Bytes that the header counts and that the file has not.
    pub missing_bytes: u64,
    faults: Vec<Fault>,
    data: BTreeSet<u64>,
}

/// A damaged place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// Where in the file.
    pub offset: u64,
    /// What should stand there.
    pub kind: FaultKind,
}

/// What should stand at a damaged place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// An array of entries.
    Array,
    /// An entry.
    Entry,
    /// Data: the name and the value of a field.
    Data,
    /// The rest of the file.
    End,
}

impl Damage {
    /// Whether everything was read.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The first places, in the order in which they were met.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The walk begins anew: what it counts, too.
    pub(crate) fn begin(&mut self) {
        let missing_bytes = self.missing_bytes;
        let mut faults = std::mem::take(&mut self.faults);
        faults.retain(|fault| fault.kind == FaultKind::End);
        *self = Self { missing_bytes, faults, ..Self::default() };
    }

    pub(crate) fn array(&mut self, offset: u64) {
        self.bad_arrays += 1;
        self.fault(offset, FaultKind::Array);
    }

    pub(crate) fn entry(&mut self, offset: u64) {
        self.bad_entries += 1;
        self.fault(offset, FaultKind::Entry);
    }

    pub(crate) fn data(&mut self, offset: u64) {
        if self.data.contains(&offset) {
            return;
        }
        if self.data.len() < DISTINCT_DATA {
            self.data.insert(offset);
        }
        self.bad_data += 1;
        self.fault(offset, FaultKind::Data);
    }

    pub(crate) fn end(&mut self, offset: u64, missing_bytes: u64) {
        self.missing_bytes = missing_bytes;
        self.fault(offset, FaultKind::End);
    }

    fn fault(&mut self, offset: u64, kind: FaultKind) {
        if self.faults.len() < FAULTS {
            self.faults.push(Fault { offset, kind });
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Array => "array of entries",
            Self::Entry => "entry",
            Self::Data => "data",
            Self::End => "end of the file",
        })
    }
}

impl fmt::Display for Damage {
    /// One line for people: what is missing, then where the damage begins.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.entries_missing, "entries missing"),
            (self.entries_recovered, "entries found by search"),
            (self.bad_entries, "bad entries"),
            (self.bad_arrays, "bad arrays"),
            (self.bad_data, "bad values"),
            (self.missing_bytes, "bytes missing"),
        ];
        let mut is_first = true;
        for (count, what) in counts {
            if count > 0 {
                let separator = if is_first { "" } else { ", " };
                write!(formatter, "{separator}{count} {what}")?;
                is_first = false;
            }
        }
        if let Some(Fault { offset, kind }) = self.faults.first() {
            write!(formatter, "; first at byte {offset} ({kind})")?;
        }
        Ok(())
    }
}
