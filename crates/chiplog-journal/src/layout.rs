//! Where things stand in a journal file.
//!
//! Facts from systemd's `docs/JOURNAL_FILE_FORMAT.md` and `src/libsystemd/sd-journal/journal-def.h`,
//! releases 252 and 257. All numbers are little-endian, all objects are aligned to 8 bytes.

pub(crate) const SIGNATURE: &[u8; 8] = b"LPKSHHRH";

/// The shortest header that was ever written, up to the time of the last entry.
pub(crate) const HEADER_BYTES_MIN: u64 = 208;
/// Longer than any header; the first object stands behind it.
pub(crate) const HEADER_BYTES_MAX: u64 = 4096;

pub(crate) const INCOMPATIBLE_XZ: u32 = 1;
pub(crate) const INCOMPATIBLE_LZ4: u32 = 2;
pub(crate) const INCOMPATIBLE_KEYED_HASH: u32 = 4;
pub(crate) const INCOMPATIBLE_ZSTD: u32 = 8;
pub(crate) const INCOMPATIBLE_COMPACT: u32 = 16;
pub(crate) const INCOMPATIBLE_KNOWN: u32 =
    INCOMPATIBLE_XZ | INCOMPATIBLE_LZ4 | INCOMPATIBLE_KEYED_HASH | INCOMPATIBLE_ZSTD | INCOMPATIBLE_COMPACT;

pub(crate) const OBJECT_HEADER_BYTES: u64 = 16;
pub(crate) const OBJECT_DATA: u8 = 1;
pub(crate) const OBJECT_ENTRY: u8 = 3;
pub(crate) const OBJECT_ENTRY_ARRAY: u8 = 6;
pub(crate) const OBJECT_TYPE_LAST: u8 = 7;

pub(crate) const DATA_XZ: u8 = 1;
pub(crate) const DATA_LZ4: u8 = 2;
pub(crate) const DATA_ZSTD: u8 = 4;
/// Bits of the flags of a data object that say how it is compressed.
pub(crate) const DATA_COMPRESSION: u8 = DATA_XZ | DATA_LZ4 | DATA_ZSTD;

/// Where a data object says how many entries refer to it.
pub(crate) const DATA_ENTRIES: usize = 56;

/// Where the items of an entry begin.
pub(crate) const ENTRY_ITEMS: u64 = 64;
/// Where the items of an array begin.
pub(crate) const ARRAY_ITEMS: u64 = 24;

/// What the compact flag changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) is_compact: bool,
}

impl Layout {
    /// Bytes of an item of an entry: an offset, and a hash beside it where there is room.
    pub(crate) fn entry_item_bytes(self) -> u64 {
        if self.is_compact { 4 } else { 16 }
    }

    /// Bytes of an item of an array of entries: an offset.
    pub(crate) fn array_item_bytes(self) -> u64 {
        if self.is_compact { 4 } else { 8 }
    }

    /// Where the payload of a data object begins.
    pub(crate) fn data_payload(self) -> u64 {
        if self.is_compact { 72 } else { 64 }
    }

    /// The smallest size that an object of this type can have; none for a type that is not known.
    pub(crate) fn smallest(self, object_type: u8) -> Option<u64> {
        Some(match object_type {
            OBJECT_DATA => self.data_payload() + 1,
            2 => 41,
            OBJECT_ENTRY => ENTRY_ITEMS + self.entry_item_bytes(),
            4 | 5 => OBJECT_HEADER_BYTES + 16,
            OBJECT_ENTRY_ARRAY => ARRAY_ITEMS + self.array_item_bytes(),
            OBJECT_TYPE_LAST => 64,
            _ => return None,
        })
    }
}

/// The type, flags and size of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectHeader {
    pub(crate) object_type: u8,
    pub(crate) flags: u8,
    pub(crate) size_bytes: u64,
}

impl ObjectHeader {
    #[inline]
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let [object_type, flags, _, _, _, _, _, _, size @ ..] = bytes.first_chunk::<16>()?;
        Some(Self { object_type: *object_type, flags: *flags, size_bytes: u64::from_le_bytes(*size) })
    }
}

/// The number at `at`; 0 beyond the end.
#[inline]
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

/// The number at `at`; 0 beyond the end.
#[inline]
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

/// The size of an object with what fills it up to the next one.
pub(crate) fn aligned(size_bytes: u64) -> Option<u64> {
    size_bytes.checked_next_multiple_of(8)
}
