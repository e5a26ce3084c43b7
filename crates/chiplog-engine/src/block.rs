//! Blocks: the unit that crosses threads.

/// A run of whole lines of one source, shorter than 4 GiB.
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

/// Where blocks come from. Implemented by sources; the engine only asks.
pub trait BlockSource {
    /// What can go wrong with reading.
    type Error;

    /// The next block; `None` at the end of the source.
    ///
    /// # Errors
    ///
    /// When the source cannot be read on. What came before stands.
    fn next_block(&mut self) -> Result<Option<Block>, Self::Error>;

    /// Takes a block back whose bytes are no longer needed, for reuse of its memory.
    fn recycle(&mut self, block: Block) {
        drop(block);
    }
}

/// Any iterator of blocks is a source; it reuses nothing.
impl<I: Iterator<Item = Result<Block, E>>, E> BlockSource for I {
    type Error = E;

    fn next_block(&mut self) -> Result<Option<Block>, E> {
        self.next().transpose()
    }
}
