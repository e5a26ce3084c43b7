//! Blocks: the unit that crosses threads.

/// A run of whole lines of one source, shorter than 4 GiB.
///
/// Lines end in LF; the last line of a source may lack it. A line longer than the source's limit
/// is cut to its beginning: it then stands last in its block, without LF, and
/// [`Block::cut_bytes`] says how much of it was left out (its LF included).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Offset of the first byte in the source, after decompression, counting cut bytes. Of a
    /// journal, what [`Entries::offset_of`] says of its first entry.
    pub offset: u64,
    /// The lines.
    pub bytes: Vec<u8>,
    /// Bytes of the last line that were left out; 0 when it is whole.
    pub cut_bytes: u64,
    /// Which entries these are, if the lines were made of a journal; `None` for all other lines.
    pub entries: Option<Box<Entries>>,
}

impl Block {
    /// The offset at which the next block of the source starts.
    #[must_use]
    pub fn end_offset(&self) -> u64 {
        match &self.entries {
            Some(entries) => Entries::offset_of(entries.first + self.lines()),
            None => self.offset + self.bytes.len() as u64 + self.cut_bytes,
        }
    }

    /// Lines that the block stands for: those in it, and those that [`Entries::passed`] counts. The
    /// last one may lack its LF.
    #[must_use]
    pub fn lines(&self) -> u64 {
        let complete = memchr::memchr_iter(b'\n', &self.bytes).count() as u64;
        let passed = self.entries.as_ref().map_or(0, |entries| entries.passed_before(usize::MAX));
        complete + u64::from(self.bytes.last().is_some_and(|last| *last != b'\n')) + passed
    }

    /// Bytes of the source that the block stands for.
    pub(crate) fn source_bytes(&self) -> u64 {
        match &self.entries {
            Some(entries) => entries.stored_bytes,
            None => self.bytes.len() as u64 + self.cut_bytes,
        }
    }
}

/// Entries of a journal, of which some are lines of a block and the others were passed over.
///
/// A source may pass over an entry if no rule can match its message, see [`Elector`](crate::Elector),
/// and it is no [sample](Entries::is_sample): findings and totals are the same as with all lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// How many entries of the source come before this block.
    pub first: u64,
    /// Entries that are not in the block, in order.
    pub passed: Vec<Passed>,
    /// Bytes of the journal that were read for this block, as stored. Those of all blocks of a source add
    /// up to its size, less what stands behind the last entry that counts.
    pub stored_bytes: u64,
}

/// Entries in a row that were passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Offset in the block of the line that comes next, or the length of the block.
    pub before: u32,
    /// How many.
    pub entries: u32,
}

impl Entries {
    /// Entries that are all samples, the first of a source.
    const HEAD: u64 = 4_096;
    /// Beyond, one in so many.
    const EVERY: u64 = 128;
    /// What an entry counts for where places of lines are told in bytes.
    const NOMINAL_BYTES: u64 = 256;

    /// Whether an entry, counted from 0 in its source, must be in its block: it is counted in the
    /// census, and some of these tell the time. A choice that depends on nothing but its place.
    #[must_use]
    pub const fn is_sample(number: u64) -> bool {
        number < Self::HEAD || number.is_multiple_of(Self::EVERY)
    }

    /// Whether an entry tells the time, whether or not a rule matches it.
    pub(crate) const fn is_mark(number: u64) -> bool {
        number < Self::EVERY || number.is_multiple_of(Self::EVERY)
    }

    /// The offset in its source that is given to an entry: entries have none of their own, and
    /// lines that are passed over are not even measured.
    #[must_use]
    pub const fn offset_of(number: u64) -> u64 {
        number.saturating_mul(Self::NOMINAL_BYTES)
    }

    /// How many entries were passed over before this offset in the block.
    pub(crate) fn passed_before(&self, offset: usize) -> u64 {
        let before = self.passed.iter().take_while(|passed| passed.before as usize <= offset);
        before.map(|passed| u64::from(passed.entries)).sum()
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
