//! Compressed payloads.

use std::io::Read;

use lz4_flex::block::decompress_into;
use lzma_rust2::XzReader;

use crate::DataError;
use crate::layout::{DATA_LZ4, DATA_XZ, DATA_ZSTD};
use crate::zstd::{Zstd, ZstdError};

/// Decoders that are made once: their tables cost more than a short message.
pub(crate) struct Decompressor {
    limit_bytes: u64,
    zstd: Option<Box<Zstd>>,
}

impl std::fmt::Debug for Decompressor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Decompressor").field("limit_bytes", &self.limit_bytes).finish_non_exhaustive()
    }
}

impl Decompressor {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, zstd: None }
    }

    /// Puts the content of `stored` at the beginning of `into`, which grows where it is too short, or
    /// `enough` bytes of it or more. Gives how many bytes that are, and whether it is all.
    pub(crate) fn decompress(
        &mut self,
        flags: u8,
        stored: &[u8],
        into: &mut Vec<u8>,
        enough: usize,
    ) -> Result<(usize, bool), DataError> {
        match flags {
            DATA_ZSTD => self.zstd(stored, into, enough),
            DATA_LZ4 => self.lz4(stored, into).map(|length| (length, true)),
            DATA_XZ => self.xz(stored, into).map(|length| (length, true)),
            _ => Err(DataError::NotData),
        }
    }

    /// The size of the content, 8 bytes, then one block.
    fn lz4(&self, stored: &[u8], into: &mut Vec<u8>) -> Result<usize, DataError> {
        let (size, block) = stored.split_first_chunk().ok_or(DataError::Corrupt)?;
        let size_bytes = self.size(u64::from_le_bytes(*size))?;
        // No byte of a block stands for more than 255.
        if size_bytes / 255 > block.len() {
            return Err(DataError::Corrupt);
        }
        if into.len() < size_bytes {
            into.resize(size_bytes, 0);
        }
        match decompress_into(block, &mut into[..size_bytes]) {
            Ok(count) if count == size_bytes => Ok(count),
            _ => Err(DataError::Corrupt),
        }
    }

    fn xz(&self, stored: &[u8], into: &mut Vec<u8>) -> Result<usize, DataError> {
        // The dictionary of journald is 1 MiB; a larger one than the content serves nobody.
        let memory_kib = u32::try_from(self.limit_bytes >> 10).unwrap_or(u32::MAX).saturating_add(1 << 10);
        let reader = XzReader::new_mem_limit(stored, false, memory_kib);
        self.read(reader, into)
    }

    fn zstd(&mut self, stored: &[u8], into: &mut Vec<u8>, enough: usize) -> Result<(usize, bool), DataError> {
        let limit_bytes = usize::try_from(self.limit_bytes).unwrap_or(usize::MAX);
        let zstd = self.zstd.get_or_insert_with(|| Box::new(Zstd::new()));
        zstd.decode(stored, into, limit_bytes, enough).map_err(|error| match error {
            ZstdError::TooLarge => DataError::TooLarge,
            ZstdError::Corrupt => DataError::Corrupt,
        })
    }

    fn read(&self, reader: impl Read, into: &mut Vec<u8>) -> Result<usize, DataError> {
        into.clear();
        reader.take(self.limit_bytes.saturating_add(1)).read_to_end(into).map_err(|_| DataError::Corrupt)?;
        self.size(into.len() as u64)
    }

    fn size(&self, size_bytes: u64) -> Result<usize, DataError> {
        usize::try_from(size_bytes).ok().filter(|_| size_bytes <= self.limit_bytes).ok_or(DataError::TooLarge)
    }
}
