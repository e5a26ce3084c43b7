//! Bytes to blocks of whole lines.

use std::io::{self, Read};
use std::mem;

use chiplog_engine::Block;

/// Sizes that bound what a [`BlockReader`] holds. Zero is taken as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes a block should hold. Blocks are smaller at the end of the source, around cut lines
    /// and in live streams; a block that holds one long line may be larger.
    pub block_bytes: usize,
    /// Bytes of a line, its LF not counted, that are kept.
    pub line_bytes: usize,
}

impl Default for Limits {
    /// Blocks of 1 MiB, lines of 256 KiB.
    fn default() -> Limits {
        // Measured, reading a file in the page cache and handing blocks to a second thread: 64 KiB
        // took three times as long as 1 MiB, 256 KiB half as long again, 4 MiB no less.
        Limits { block_bytes: 1 << 20, line_bytes: 256 << 10 }
    }
}

/// Cuts a byte stream into [`Block`]s of whole lines.
///
/// Lines end at LF alone. The lines and their offsets depend on the bytes and on
/// [`Limits::line_bytes`] only, never on the block size or on how the reads fell. A line of more
/// than `line_bytes` is cut to its first `line_bytes` bytes and stands alone in its block, which
/// says how much was left out; its rest is read past without being kept.
///
/// Memory is bounded by the larger of the two limits per block. Give blocks back by
/// [`BlockReader::recycle`] to have their buffers used again.
///
/// ```
/// use chiplog_source::{BlockReader, Limits};
/// let mut reader = BlockReader::new(&b"one\ntwo\nlast"[..], Limits::default());
/// let block = reader.next_block()?.expect("there is text");
/// assert_eq!((block.offset, &block.bytes[..]), (0, &b"one\ntwo\nlast"[..]));
/// assert_eq!(reader.next_block()?, None);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct BlockReader<R> {
    reader: R,
    limits: Limits,
    mode: Mode,
    /// `buffer[..filled]` was read and not yet handed out; behind it is room, of any content.
    buffer: Vec<u8>,
    filled: usize,
    /// Offset of `buffer[0]` in the source.
    offset: u64,
    end: End,
    spare: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Fill blocks.
    Batch,
    /// Hand out whole lines as soon as there are any.
    Live,
}

#[derive(Debug)]
enum End {
    NotYet,
    /// No more can be read; what is buffered is still to be handed out, then this error.
    Reached(Option<io::Error>),
}

/// Buffers kept for reuse; more are dropped.
const SPARE_BUFFERS: usize = 8;

impl<R: Read> BlockReader<R> {
    /// A reader of something that is complete, such as a file: blocks are filled.
    pub fn new(reader: R, limits: Limits) -> BlockReader<R> {
        BlockReader::with_mode(reader, limits, Mode::Batch)
    }

    /// A reader of something that is being written, such as a pipe: a block is handed out as soon
    /// as a read completed a line.
    pub fn live(reader: R, limits: Limits) -> BlockReader<R> {
        BlockReader::with_mode(reader, limits, Mode::Live)
    }

    fn with_mode(reader: R, limits: Limits, mode: Mode) -> BlockReader<R> {
        let limits = Limits { block_bytes: limits.block_bytes.max(1), line_bytes: limits.line_bytes.max(1) };
        BlockReader {
            reader,
            limits,
            mode,
            buffer: Vec::new(),
            filled: 0,
            offset: 0,
            end: End::NotYet,
            spare: Vec::new(),
        }
    }

    /// The next lines, or `None` at the end of the source. Never an empty block.
    ///
    /// # Errors
    ///
    /// An error of the reader, once, after everything that was read before it has been handed
    /// out; a line that the error cut short counts as the last line. After that comes `None`.
    /// Interrupted reads are repeated and no error.
    pub fn next_block(&mut self) -> io::Result<Option<Block>> {
        loop {
            match self.next_cut() {
                Cut::Lines(len) => return Ok(Some(self.hand_out(len))),
                Cut::LongLine => return Ok(Some(self.hand_out_long_line())),
                Cut::Unfinished => {}
            }
            if let End::Reached(error) = &mut self.end {
                return error.take().map_or(Ok(None), Err);
            }
            self.fill();
        }
    }

    /// Takes back the buffer of a block that is no longer needed.
    pub fn recycle(&mut self, block: Block) {
        if self.spare.len() < SPARE_BUFFERS {
            self.spare.push(block.bytes);
        }
    }

    /// What can be handed out of the buffer now.
    fn next_cut(&self) -> Cut {
        let read = &self.buffer[..self.filled];
        let ended = matches!(self.end, End::Reached(_));
        if self.mode == Mode::Batch && !ended && read.len() < self.limits.block_bytes {
            return Cut::Unfinished;
        }
        Cut::of(read, self.limits.line_bytes, ended)
    }

    /// Reads once. On return there is more in the buffer, or the end is reached.
    fn fill(&mut self) {
        let block_bytes = self.limits.block_bytes;
        let size = if self.filled < block_bytes {
            block_bytes
        } else {
            // A line that outgrows the block gets room up to where it is known to be too long.
            (2 * self.filled).min(self.limits.line_bytes + 1).max(self.filled + 1)
        };
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        match read_retrying(&mut self.reader, &mut self.buffer[self.filled..]) {
            Ok(0) => self.end = End::Reached(None),
            Ok(count) => self.filled += count,
            Err(error) => self.end = End::Reached(Some(error)),
        }
    }

    /// Makes a block of the first `len` bytes of the buffer.
    fn hand_out(&mut self, len: usize) -> Block {
        let rest = self.filled - len;
        // A few lines of a live stream do not deserve the whole buffer.
        let bytes = if len < self.buffer.len() / 4 {
            let mut bytes = self.spare.pop().unwrap_or_default();
            bytes.clear();
            bytes.extend_from_slice(&self.buffer[..len]);
            self.buffer.copy_within(len..self.filled, 0);
            bytes
        } else {
            let mut next = self.spare.pop().unwrap_or_default();
            next.resize(next.len().max(rest), 0);
            next[..rest].copy_from_slice(&self.buffer[len..self.filled]);
            let mut bytes = mem::replace(&mut self.buffer, next);
            bytes.truncate(len);
            bytes
        };
        let block = Block { offset: self.offset, bytes, ..Block::default() };
        self.filled = rest;
        self.offset = block.end_offset();
        block
    }

    /// Makes a block of the beginning of the first line and reads past the rest of that line.
    fn hand_out_long_line(&mut self) -> Block {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(&self.buffer[..self.limits.line_bytes]);
        let mut block = Block { offset: self.offset, bytes, ..Block::default() };
        let mut from = self.limits.line_bytes;
        loop {
            let rest = &self.buffer[from..self.filled];
            if let Some(lf) = memchr::memchr(b'\n', rest) {
                block.cut_bytes += lf as u64 + 1;
                self.buffer.copy_within(from + lf + 1..self.filled, 0);
                self.filled -= from + lf + 1;
                break;
            }
            block.cut_bytes += rest.len() as u64;
            self.filled = 0;
            from = 0;
            if matches!(self.end, End::Reached(_)) {
                break;
            }
            self.fill();
        }
        self.offset = block.end_offset();
        block
    }
}

/// What can be handed out of some text that begins with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Whole lines of this length.
    Lines(usize),
    /// The first line is longer than allowed.
    LongLine,
    /// Nothing until more is read.
    Unfinished,
}

impl Cut {
    /// Judges `text`, whose last line counts as whole when the text has `ended`. Lines of more than
    /// `line_bytes`, LF not counted, are too long.
    pub(crate) fn of(text: &[u8], line_bytes: usize, ended: bool) -> Cut {
        // Strides of the longest whole line with its LF: where no LF lies in one, a line is too long.
        let mut start = 0;
        while text.len() - start > line_bytes {
            match memchr::memrchr(b'\n', &text[start..=start + line_bytes]) {
                Some(lf) => start += lf + 1,
                None if start == 0 => return Cut::LongLine,
                None => return Cut::Lines(start),
            }
        }
        let whole = if ended {
            text.len()
        } else {
            memchr::memrchr(b'\n', &text[start..]).map_or(start, |lf| start + lf + 1)
        };
        if whole > 0 { Cut::Lines(whole) } else { Cut::Unfinished }
    }
}

pub(crate) fn read_retrying<R: Read>(reader: &mut R, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
