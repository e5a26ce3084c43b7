//! The header of a journal file.

use crate::layout::{
    self, HEADER_BYTES_MAX, HEADER_BYTES_MIN, INCOMPATIBLE_COMPACT, INCOMPATIBLE_KEYED_HASH,
    INCOMPATIBLE_KNOWN, Layout, SIGNATURE, u64_at,
};
use crate::{Id128, OpenError};

/// What a writer said about its file.
///
/// The numbers are the file's own: they can be wrong where it is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Flags that a reader may ignore.
    pub compatible_flags: u32,
    /// Flags that a reader must know: 1 xz, 2 lz4, 4 keyed hash, 8 zstd, 16 compact.
    pub incompatible_flags: u32,
    /// Whether a writer has the file open, as the file says.
    pub state: State,
    /// The file, whatever its name.
    pub file_id: Id128,
    /// The machine that wrote it.
    pub machine_id: Id128,
    /// The boot of the last entry.
    pub tail_boot_id: Id128,
    /// The sequence that the entries are numbered in; several files may share one.
    pub seqnum_id: Id128,
    /// Length of this header.
    pub header_size_bytes: u64,
    /// Length of what stands behind the header.
    pub arena_size_bytes: u64,
    /// Where the last object stands.
    pub tail_object_offset: u64,
    /// Number of objects.
    pub n_objects: u64,
    /// Number of entries.
    pub n_entries: u64,
    /// Number of the last entry in its sequence.
    pub tail_seqnum: u64,
    /// Number of the first entry in its sequence.
    pub head_seqnum: u64,
    /// Where the first array of entries stands; 0 is none.
    pub entry_array_offset: u64,
    /// Time of the first entry, microseconds since 1970.
    pub head_realtime_micros: u64,
    /// Time of the last entry, microseconds since 1970.
    pub tail_realtime_micros: u64,
    /// Time of the last entry, microseconds since its boot.
    pub tail_monotonic_micros: u64,
}

/// Whether a writer has a file open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// The writer closed it and may open it again.
    Offline,
    /// A writer has it open, or had when the file was copied or the writer died.
    Online,
    /// It was rotated away: nothing will be added.
    Archived,
    /// A number that is none of these.
    Unknown(u8),
}

impl Header {
    /// The length of the header that is looked at.
    pub(crate) const BYTES: usize = HEADER_BYTES_MIN as usize;

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, OpenError> {
        if !bytes.starts_with(SIGNATURE) {
            // What is cut within its signature may have been one.
            let is_cut = !bytes.is_empty() && SIGNATURE.starts_with(bytes);
            return Err(if is_cut { OpenError::Truncated } else { OpenError::NotAJournal });
        }
        if bytes.len() < Self::BYTES {
            return Err(OpenError::Truncated);
        }
        let id = |at: usize| Id128(bytes[at..at + 16].try_into().expect("the header was read whole"));
        let incompatible_flags = layout::u32_at(bytes, 12);
        let unknown_flags = incompatible_flags & !INCOMPATIBLE_KNOWN;
        if unknown_flags != 0 {
            return Err(OpenError::Incompatible { unknown_flags });
        }
        Ok(Self {
            compatible_flags: layout::u32_at(bytes, 8),
            incompatible_flags,
            state: match bytes[16] {
                0 => State::Offline,
                1 => State::Online,
                2 => State::Archived,
                other => State::Unknown(other),
            },
            file_id: id(24),
            machine_id: id(40),
            tail_boot_id: id(56),
            seqnum_id: id(72),
            header_size_bytes: u64_at(bytes, 88),
            arena_size_bytes: u64_at(bytes, 96),
            tail_object_offset: u64_at(bytes, 136),
            n_objects: u64_at(bytes, 144),
            n_entries: u64_at(bytes, 152),
            tail_seqnum: u64_at(bytes, 160),
            head_seqnum: u64_at(bytes, 168),
            entry_array_offset: u64_at(bytes, 176),
            head_realtime_micros: u64_at(bytes, 184),
            tail_realtime_micros: u64_at(bytes, 192),
            tail_monotonic_micros: u64_at(bytes, 200),
        })
    }

    /// Whether offsets are stored in 4 bytes, in files of 4 GiB at most.
    #[must_use]
    pub fn is_compact(&self) -> bool {
        self.incompatible_flags & INCOMPATIBLE_COMPACT != 0
    }

    /// Whether hashes are keyed by the file, with SipHash-2-4.
    #[must_use]
    pub fn has_keyed_hash(&self) -> bool {
        self.incompatible_flags & INCOMPATIBLE_KEYED_HASH != 0
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout { is_compact: self.is_compact() }
    }

    /// Where the first object stands, whatever the damage.
    pub(crate) fn first_object(&self) -> u64 {
        let claimed = self.header_size_bytes;
        if (HEADER_BYTES_MIN..=HEADER_BYTES_MAX).contains(&claimed) && claimed.is_multiple_of(8) {
            claimed
        } else {
            HEADER_BYTES_MIN
        }
    }
}
