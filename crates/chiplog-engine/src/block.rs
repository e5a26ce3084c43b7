//! Blocks: the unit that crosses threads.

/// A run of whole lines of one source.
///
/// Lines end in LF; the last line of a source may lack it. A line longer than the source's limit
/// is cut to its beginning: it then stands last in its block, without LF, and
/// [`Block::cut_bytes`] says how much of it was left out (its LF included).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Offset of the first byte in the source, after decompression, counting cut bytes.
    pub offset: u64,
    /// The lines.
    pub bytes: Vec<u8>,
    /// Bytes of the last line that were left out; 0 when it is whole.
    pub cut_bytes: u64,
}

impl Block {
    /// The offset at which the next block of the source starts.
    #[must_use]
    pub fn end_offset(&self) -> u64 {
        self.offset + self.bytes.len() as u64 + self.cut_bytes
    }
}
