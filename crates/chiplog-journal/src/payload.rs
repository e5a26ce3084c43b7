//! Data objects: the names and values of fields.

use crate::decompress::Decompressor;
use crate::layout::{DATA_COMPRESSION, DATA_ENTRIES, Layout, OBJECT_DATA, ObjectHeader, u64_at};
use crate::read_at::ReadAt;
use crate::windows::Windows;
use crate::{DataError, Limits};

/// How many decompressed payloads are kept.
const KEPT: usize = 8;
/// The largest payload whose memory is kept.
const KEPT_BYTES: usize = 256 << 10;
/// A name is shorter (journald: 64).
const NAME_BYTES: usize = 256;

/// Reads payloads, and keeps the last few that were compressed.
#[derive(Debug)]
pub(crate) struct Payloads {
    layout: Layout,
    limit_bytes: u64,
    decompressor: Decompressor,
    kept: [Kept; KEPT],
    /// The one that is replaced next.
    oldest: usize,
}

#[derive(Debug, Default)]
struct Kept {
    /// Where the object stands; 0 is none.
    offset: u64,
    /// The payload, and what is left of longer ones before.
    bytes: Vec<u8>,
    length: usize,
    /// Not the beginning alone, which tells the name.
    is_whole: bool,
}

impl Payloads {
    pub(crate) fn new(layout: Layout, limits: Limits) -> Self {
        let limit_bytes = limits.data_bytes;
        let decompressor = Decompressor::new(limit_bytes);
        Self { layout, limit_bytes, decompressor, kept: Default::default(), oldest: 0 }
    }

    /// The whole payload of the data object at `offset`: `FIELD=value`.
    #[inline]
    pub(crate) fn whole<'a, R: ReadAt>(
        &'a mut self,
        windows: &'a mut Windows<R>,
        offset: u64,
    ) -> Result<&'a [u8], DataError> {
        let object = self.object(windows, offset)?;
        let start = self.layout.data_payload();
        let length = object.size_bytes - start;
        if object.flags & DATA_COMPRESSION != 0 {
            return self.decompressed(windows, offset, object, usize::MAX);
        }
        if length > self.limit_bytes {
            return Err(DataError::TooLarge);
        }
        windows.exact(offset + start, length)?.ok_or(DataError::NotData)
    }

    /// The name of the field of the data object at `offset`, and whether more than one entry
    /// refers to it.
    #[inline]
    pub(crate) fn name<'a, R: ReadAt>(
        &'a mut self,
        windows: &'a mut Windows<R>,
        offset: u64,
    ) -> Result<(&'a [u8], bool), DataError> {
        let object = self.object(windows, offset)?;
        let start = self.layout.data_payload();
        let is_shared = u64_at(windows.at(offset)?, DATA_ENTRIES) != 1;
        let payload = if object.flags & DATA_COMPRESSION == 0 {
            let length = object.size_bytes - start;
            windows.exact(offset + start, length.min(NAME_BYTES as u64))?.ok_or(DataError::NotData)?
        } else {
            self.decompressed(windows, offset, object, NAME_BYTES)?
        };
        split(payload).map(|(name, _)| (name, is_shared))
    }

    #[inline]
    fn object<R: ReadAt>(&self, windows: &mut Windows<R>, offset: u64) -> Result<ObjectHeader, DataError> {
        if !offset.is_multiple_of(8) {
            return Err(DataError::NotData);
        }
        let size_bytes = windows.size_bytes();
        let object = ObjectHeader::read(windows.at(offset)?).ok_or(DataError::NotData)?;
        let is_whole = size_bytes.checked_sub(offset).is_some_and(|rest| object.size_bytes <= rest);
        if object.object_type == OBJECT_DATA && is_whole && object.size_bytes > self.layout.data_payload() {
            Ok(object)
        } else {
            Err(DataError::NotData)
        }
    }

    fn decompressed<'a, R: ReadAt>(
        &'a mut self,
        windows: &mut Windows<R>,
        offset: u64,
        object: ObjectHeader,
        enough: usize,
    ) -> Result<&'a [u8], DataError> {
        let is_held = |kept: &Kept| kept.offset == offset && (kept.is_whole || enough <= NAME_BYTES);
        let at = match self.kept.iter().position(is_held) {
            Some(at) => at,
            None => self.decompress(windows, offset, object, enough)?,
        };
        let kept = &self.kept[at];
        Ok(&kept.bytes[..kept.length])
    }

    fn decompress<R: ReadAt>(
        &mut self,
        windows: &mut Windows<R>,
        offset: u64,
        object: ObjectHeader,
        enough: usize,
    ) -> Result<usize, DataError> {
        let start = self.layout.data_payload();
        let length = object.size_bytes - start;
        if length > self.limit_bytes {
            return Err(DataError::TooLarge);
        }
        let stored = windows.exact(offset + start, length)?.ok_or(DataError::NotData)?;
        // One large payload at a time.
        for kept in &mut self.kept {
            if kept.bytes.capacity() > KEPT_BYTES {
                *kept = Kept::default();
            }
        }
        let at = self.oldest;
        let kept = &mut self.kept[at];
        kept.offset = 0;
        let flags = object.flags & DATA_COMPRESSION;
        (kept.length, kept.is_whole) =
            self.decompressor.decompress(flags, stored, &mut kept.bytes, enough)?;
        kept.offset = offset;
        self.oldest = (at + 1) % KEPT;
        Ok(at)
    }
}

/// The name and the value.
#[inline]
pub(crate) fn split(payload: &[u8]) -> Result<(&[u8], &[u8]), DataError> {
    match memchr::memchr(b'=', &payload[..payload.len().min(NAME_BYTES)]) {
        None | Some(0) => Err(DataError::NoFieldName),
        Some(at) => Ok((&payload[..at], &payload[at + 1..])),
    }
}
