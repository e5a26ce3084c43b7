//! A decoder of Zstandard frames, made for many short ones.
//!
//! Payloads of a journal are frames of some hundred bytes: what counts is how fast tables are built
//! and how little a new frame costs. This decoder writes straight into the buffer of the caller and
//! allocates nothing once it is made. It does all of RFC 8878 but dictionaries, and does not look
//! at checksums: journald writes neither.
//!
//! Reading backwards, as entropy coded parts must be, needs the eight bytes before the place that
//! is read. Headers of a frame and of a block are nine bytes together, so these bytes always exist.

/// The largest content of a block.
const BLOCK_BYTES: usize = 128 << 10;
/// How much is copied at once, and so may be written behind what is wanted.
const COPY_BYTES: usize = 16;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

const HUFFMAN_BITS: u32 = 11;
const HUFFMAN_SIZE: usize = 1 << HUFFMAN_BITS;
const FSE_BITS: u32 = 9;
const FSE_SIZE: usize = 1 << FSE_BITS;

/// No kind has more codes.
const CODES: usize = 64;

/// Symbols decoded between two looks at the input: as many as 57 bits hold for sure.
const HUFFMAN_RUN: usize = 5;

/// Why a frame was not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ZstdError {
    /// It is no frame, or damaged, or needs a dictionary.
    Corrupt,
    /// Its content is longer than the limit.
    TooLarge,
}

use ZstdError::{Corrupt, TooLarge};

/// Tables and buffers, used again for each frame.
pub(crate) struct Zstd {
    huffman: Box<Huffman>,
    literal_lengths: FseTable,
    match_lengths: FseTable,
    offsets: FseTable,
    weights: Box<WeightTable>,
    literals: Box<[u8]>,
    repeated: [usize; 3],
    scratch: Box<Scratch>,
}

/// What is needed while a table is built. Nothing of it is cleared: all that is read was written.
struct Scratch {
    /// The symbol of each state.
    symbols: [u8; FSE_SIZE],
    /// Symbols, each as often as it stands in the table; room for a last step beyond.
    others: [u8; FSE_SIZE + 8],
    /// The number of the next state of each symbol.
    next: [u16; CODES],
}

struct Huffman {
    /// By the next bits: the length of the code in the low byte, the symbol above.
    entries: [u16; HUFFMAN_SIZE],
    /// Length of the longest code; 0 before the first tree of a frame.
    bits: u32,
}

/// One state of a table: what it stands for and where it leads.
#[derive(Clone, Copy, Default)]
struct FseEntry {
    base: u32,
    next: u16,
    /// Bits to read for the next state.
    bits: u8,
    /// Bits to read and add to `base`.
    extra: u8,
}

struct FseTable {
    kind: &'static Kind,
    codes: Box<[(u32, u8); CODES]>,
    default: Box<[FseEntry; FSE_SIZE]>,
    own: Box<[FseEntry; FSE_SIZE]>,
    own_bits: u32,
    current: Current,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Current {
    None,
    Default,
    Own,
}

/// What the three tables of sequences differ in.
struct Kind {
    largest_bits: u32,
    default_bits: u32,
    default: &'static [i16],
    /// What the first code stands for; each further one goes on where the one before ends.
    first: u32,
    /// How many bits each code takes besides.
    extra: &'static [u8],
}

static LITERAL_LENGTHS: Kind = Kind {
    largest_bits: 9,
    default_bits: 6,
    default: &[
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1,
        -1, -1, -1,
    ],
    first: 0,
    extra: &[
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12,
        13, 14, 15, 16,
    ],
};

static MATCH_LENGTHS: Kind = Kind {
    largest_bits: 9,
    default_bits: 6,
    default: &[
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
    first: 3,
    extra: &[
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1,
        1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    ],
};

static OFFSETS: Kind = Kind {
    largest_bits: 8,
    default_bits: 5,
    default: &[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
    first: 1,
    extra: &[
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
        28, 29, 30, 31,
    ],
};

impl Kind {
    /// What each code stands for, and the bits it takes besides.
    fn codes(&self) -> Box<[(u32, u8); CODES]> {
        let mut codes = Box::new([(0, 0); CODES]);
        let mut base = self.first;
        for (code, &extra) in codes.iter_mut().zip(self.extra) {
            *code = (base, extra);
            base = base.wrapping_add(1_u32 << extra);
        }
        codes
    }
}

impl Scratch {
    fn new() -> Box<Self> {
        Box::new(Self { symbols: [0; FSE_SIZE], others: [0; FSE_SIZE + 8], next: [0; CODES] })
    }
}

impl Zstd {
    pub(crate) fn new() -> Self {
        Self {
            huffman: Box::new(Huffman { entries: [0; HUFFMAN_SIZE], bits: 0 }),
            literal_lengths: FseTable::new(&LITERAL_LENGTHS),
            match_lengths: FseTable::new(&MATCH_LENGTHS),
            offsets: FseTable::new(&OFFSETS),
            weights: Box::new(WeightTable { entries: [WeightEntry::default(); 64], bits: 0 }),
            literals: vec![0; BLOCK_BYTES + COPY_BYTES].into(),
            repeated: [1, 4, 8],
            scratch: Scratch::new(),
        }
    }

    /// Decodes the first frame of `frame` into the beginning of `into`, which grows where it is too
    /// short, until `enough` bytes are there. Gives how many there are, and whether that is all.
    pub(crate) fn decode(
        &mut self,
        frame: &[u8],
        into: &mut Vec<u8>,
        limit_bytes: usize,
        enough: usize,
    ) -> Result<(usize, bool), ZstdError> {
        let Header { content_bytes, has_checksum, blocks_at: mut at } = frame_header(frame)?;
        let most = match content_bytes {
            Some(bytes) => {
                usize::try_from(bytes).ok().filter(|bytes| *bytes <= limit_bytes).ok_or(TooLarge)?
            }
            None => limit_bytes,
        };
        self.huffman.bits = 0;
        for table in [&mut self.literal_lengths, &mut self.match_lengths, &mut self.offsets] {
            table.current = Current::None;
        }
        self.repeated = [1, 4, 8];
        let mut length = 0;
        loop {
            let header = frame.get(at..).and_then(<[u8]>::first_chunk::<3>).ok_or(Corrupt)?;
            let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
            at += 3;
            let size = (header >> 3) as usize;
            // One more than may be: what goes beyond is then told from what just fits.
            let end = most.min(length + BLOCK_BYTES);
            if into.len() < end + COPY_BYTES {
                into.resize(end + COPY_BYTES, 0);
            }
            let out = into.as_mut_slice();
            match header >> 1 & 3 {
                0 => {
                    let content = frame.get(at..at + size).ok_or(Corrupt)?;
                    if size > end - length {
                        return Err(beyond(most, limit_bytes));
                    }
                    out[length..length + size].copy_from_slice(content);
                    length += size;
                    at += size;
                }
                1 => {
                    let byte = *frame.get(at).ok_or(Corrupt)?;
                    if size > end - length {
                        return Err(beyond(most, limit_bytes));
                    }
                    out[length..length + size].fill(byte);
                    length += size;
                    at += 1;
                }
                2 => {
                    let block_end = at + size;
                    let block = frame.get(..block_end).ok_or(Corrupt)?;
                    if size > BLOCK_BYTES {
                        return Err(Corrupt);
                    }
                    length = self.block(block, at, out, length, end).ok_or(beyond(most, limit_bytes))?;
                    at = block_end;
                }
                _ => return Err(Corrupt),
            }
            let is_last = header & 1 != 0;
            if is_last {
                let is_told = content_bytes.is_none_or(|bytes| bytes == length as u64);
                let is_whole = !has_checksum || frame.len() - at >= 4;
                if !is_told || !is_whole {
                    return Err(Corrupt);
                }
            }
            if is_last || length >= enough {
                return Ok((length, is_last));
            }
        }
    }

    /// Decodes the block `block[at..]` and gives where its content ends in `out`.
    fn block(
        &mut self,
        block: &[u8],
        mut at: usize,
        out: &mut [u8],
        length: usize,
        end: usize,
    ) -> Option<usize> {
        let literals_length = self.literals(block, &mut at)?;
        let first = *block.get(at)?;
        at += 1;
        let count = match first {
            0 => 0,
            1..=127 => usize::from(first),
            128..=254 => {
                at += 1;
                (usize::from(first) - 128) << 8 | usize::from(*block.get(at - 1)?)
            }
            255 => {
                at += 2;
                usize::from(*block.get(at - 2)?) + (usize::from(*block.get(at - 1)?) << 8) + 0x7f00
            }
        };
        if count == 0 {
            let literals = &self.literals[..literals_length];
            if at != block.len() || literals.len() > end - length {
                return None;
            }
            out[length..length + literals.len()].copy_from_slice(literals);
            return Some(length + literals.len());
        }
        let modes = *block.get(at)?;
        at += 1;
        if modes & 3 != 0 {
            return None;
        }
        self.literal_lengths.read(modes >> 6, block, &mut at, &mut self.scratch)?;
        self.offsets.read(modes >> 4 & 3, block, &mut at, &mut self.scratch)?;
        self.match_lengths.read(modes >> 2 & 3, block, &mut at, &mut self.scratch)?;
        self.sequences(Bits::new(block, at)?, count, literals_length, out, length, end)
    }

    /// Decodes the literals of a block into `self.literals` and gives their number.
    fn literals(&mut self, block: &[u8], at: &mut usize) -> Option<usize> {
        let header = block.get(*at..)?;
        let first = usize::from(*header.first()?);
        let byte = |index: usize| header.get(index).map(|byte| usize::from(*byte));
        let format = first >> 2 & 3;
        if first & 3 < 2 {
            let (size, header_bytes) = match format {
                0 | 2 => (first >> 3, 1),
                1 => (first >> 4 | byte(1)? << 4, 2),
                _ => (first >> 4 | byte(1)? << 4 | byte(2)? << 12, 3),
            };
            *at += header_bytes;
            let into = self.literals.get_mut(..size).filter(|_| size <= BLOCK_BYTES)?;
            if first & 3 == 0 {
                into.copy_from_slice(block.get(*at..*at + size)?);
                *at += size;
            } else {
                into.fill(*block.get(*at)?);
                *at += 1;
            }
            return Some(size);
        }
        let (header_bytes, size_bits) = match format {
            0 | 1 => (3, 10),
            2 => (4, 14),
            _ => (5, 18),
        };
        let mut sizes = 0;
        for index in 0..header_bytes {
            sizes |= (byte(index)? as u64) << (8 * index);
        }
        let size = (sizes >> 4) as usize & ((1 << size_bits) - 1);
        let stored = (sizes >> (4 + size_bits)) as usize & ((1 << size_bits) - 1);
        *at += header_bytes;
        let end = *at + stored;
        let block = block.get(..end)?;
        let mut start = *at;
        *at = end;
        if first & 3 == 2 {
            self.huffman.read(&mut self.weights, block, &mut start, &mut self.scratch)?;
        }
        if self.huffman.bits == 0 || size > BLOCK_BYTES {
            return None;
        }
        let into = &mut self.literals[..size];
        if format == 0 {
            self.huffman.decode_one(block, start, into)?;
        } else {
            self.huffman.decode_four(block, start, into)?;
        }
        Some(size)
    }

    fn sequences(
        &mut self,
        mut bits: Bits<'_>,
        count: usize,
        literals_length: usize,
        out: &mut [u8],
        mut length: usize,
        end: usize,
    ) -> Option<usize> {
        let literal_table = self.literal_lengths.entries();
        let match_table = self.match_lengths.entries();
        let offset_table = self.offsets.entries();
        let literals = &*self.literals;
        let [mut last, mut second, mut third] = self.repeated;
        let mut literals_at = 0;
        bits.refill()?;
        let mut literal_state = bits.take(self.literal_lengths.bits()) as usize;
        let mut offset_state = bits.take(self.offsets.bits()) as usize;
        let mut match_state = bits.take(self.match_lengths.bits()) as usize;
        for index in 0..count {
            let literal_entry = literal_table[literal_state & (FSE_SIZE - 1)];
            let match_entry = match_table[match_state & (FSE_SIZE - 1)];
            let offset_entry = offset_table[offset_state & (FSE_SIZE - 1)];
            bits.refill()?;
            let offset = offset_entry.base as usize + bits.take(u32::from(offset_entry.extra)) as usize;
            // At least 57 bits are at hand: an offset takes 31, the lengths 16 each, the states 26.
            let mut match_length = match_entry.base as usize;
            let mut literal_length = literal_entry.base as usize;
            // Most lengths are short and take none.
            let lengths_extra = match_entry.extra + literal_entry.extra;
            if lengths_extra > 0 {
                let is_long = offset_entry.extra + lengths_extra > 30;
                if is_long {
                    bits.refill()?;
                }
                match_length += bits.take(u32::from(match_entry.extra)) as usize;
                literal_length += bits.take(u32::from(literal_entry.extra)) as usize;
                if is_long {
                    bits.refill()?;
                }
            }
            if index + 1 < count {
                literal_state =
                    usize::from(literal_entry.next) + bits.take(u32::from(literal_entry.bits)) as usize;
                match_state = usize::from(match_entry.next) + bits.take(u32::from(match_entry.bits)) as usize;
                offset_state =
                    usize::from(offset_entry.next) + bits.take(u32::from(offset_entry.bits)) as usize;
            }
            let distance = if offset > 3 {
                (third, second, last) = (second, last, offset - 3);
                last
            } else {
                match offset - usize::from(literal_length != 0) {
                    0 => last,
                    1 => {
                        (second, last) = (last, second);
                        last
                    }
                    2 => {
                        (third, second, last) = (second, last, third);
                        last
                    }
                    _ => {
                        (third, second, last) = (second, last, last.wrapping_sub(1));
                        last
                    }
                }
            };
            let match_at = length + literal_length;
            if literal_length > literals_length - literals_at
                || match_length > end.checked_sub(match_at)?
                || distance == 0
                || distance > match_at
            {
                return None;
            }
            copy_literals(literals, literals_at, out, length, literal_length);
            literals_at += literal_length;
            copy_match(out, match_at, distance, match_length);
            length = match_at + match_length;
        }
        if !bits.is_at_end() {
            return None;
        }
        self.repeated = [last, second, third];
        let rest = &literals[literals_at..literals_length];
        if rest.len() > end - length {
            return None;
        }
        out[length..length + rest.len()].copy_from_slice(rest);
        Some(length + rest.len())
    }
}

/// What it means that content goes beyond what it may be.
fn beyond(most: usize, limit_bytes: usize) -> ZstdError {
    // A block that is cut at the limit cannot be told from a damaged one.
    if most == limit_bytes { TooLarge } else { Corrupt }
}

/// What the header of a frame says.
struct Header {
    /// Size of the content, if told.
    content_bytes: Option<u64>,
    has_checksum: bool,
    /// Where the first block begins.
    blocks_at: usize,
}

fn frame_header(frame: &[u8]) -> Result<Header, ZstdError> {
    let rest = frame.strip_prefix(&MAGIC).ok_or(Corrupt)?;
    let descriptor = *rest.first().ok_or(Corrupt)?;
    let is_single = descriptor & 0x20 != 0;
    if descriptor & 0x08 != 0 {
        return Err(Corrupt);
    }
    let dictionary_bytes = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size_bytes = match descriptor >> 6 {
        0 => usize::from(is_single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    let dictionary_at = 1 + usize::from(!is_single);
    let size_at = dictionary_at + dictionary_bytes;
    let header = rest.get(..size_at + size_bytes).ok_or(Corrupt)?;
    if header[dictionary_at..size_at].iter().any(|byte| *byte != 0) {
        return Err(Corrupt);
    }
    let mut size = [0; 8];
    size[..size_bytes].copy_from_slice(&header[size_at..]);
    let size = u64::from_le_bytes(size);
    let content_bytes = match size_bytes {
        0 => None,
        2 => Some(size + 256),
        _ => Some(size),
    };
    let blocks_at = MAGIC.len() + header.len();
    Ok(Header { content_bytes, has_checksum: descriptor & 0x04 != 0, blocks_at })
}

/// Copies in steps of [`COPY_BYTES`]: both buffers are that much longer than their content.
#[inline]
fn copy_literals(literals: &[u8], from: usize, out: &mut [u8], to: usize, length: usize) {
    if length <= COPY_BYTES {
        out[to..to + COPY_BYTES].copy_from_slice(&literals[from..from + COPY_BYTES]);
    } else {
        out[to..to + length].copy_from_slice(&literals[from..from + length]);
    }
}

#[inline]
fn copy_match(out: &mut [u8], to: usize, distance: usize, length: usize) {
    let from = to - distance;
    if distance >= COPY_BYTES {
        let mut done = 0;
        // The end of `out` is further than the last step: it is longer than its content.
        while done < length {
            let mut step = [0; COPY_BYTES];
            step.copy_from_slice(&out[from + done..from + done + COPY_BYTES]);
            out[to + done..to + done + COPY_BYTES].copy_from_slice(&step);
            done += COPY_BYTES;
        }
    } else {
        // What is repeated overlaps itself.
        for index in 0..length {
            out[to + index] = out[from + index];
        }
    }
}

/// A bit stream that is read from its end.
#[derive(Clone, Copy)]
struct Bits<'a> {
    /// The block up to the end of the stream.
    bytes: &'a [u8],
    /// Where the stream begins, in bits from the beginning of `bytes`.
    start: usize,
    /// Bits below this were not read yet.
    position: usize,
    /// The next bits, the first one on top; 57 at least after a refill.
    window: u64,
}

impl<'a> Bits<'a> {
    /// The stream `bytes[start..]`; its last byte marks its end with a bit.
    #[inline]
    fn new(bytes: &'a [u8], start: usize) -> Option<Self> {
        let last = *bytes.get(start..)?.last()?;
        let position = bytes.len() * 8 - (last.leading_zeros() as usize + 1);
        (last != 0 && start >= 8).then_some(Self { bytes, start: start * 8, position, window: 0 })
    }

    #[inline(always)]
    fn refill(&mut self) -> Option<()> {
        if self.position < self.start {
            return None;
        }
        let end = self.position.div_ceil(8);
        let bytes = self.bytes.get(end - 8..)?.first_chunk()?;
        self.window = u64::from_le_bytes(*bytes) << (end * 8 - self.position);
        Some(())
    }

    /// Takes `count` bits, at most 32, of those that the last refill brought.
    #[inline(always)]
    fn take(&mut self, count: u32) -> u32 {
        let bits = (self.window >> 1) >> (63 - count);
        self.window <<= count;
        self.position -= count as usize;
        bits as u32
    }

    #[inline]
    fn is_at_end(&self) -> bool {
        self.position == self.start
    }
}

impl Huffman {
    /// Reads a tree.
    fn read(
        &mut self,
        table: &mut WeightTable,
        block: &[u8],
        at: &mut usize,
        scratch: &mut Scratch,
    ) -> Option<()> {
        let header = usize::from(*block.get(*at)?);
        *at += 1;
        let mut weights = [0_u8; 256];
        let count = if header < 128 {
            let end = *at + header;
            let block = block.get(..end)?;
            let mut start = *at;
            *at = end;
            table.read(block, &mut start, scratch)?;
            table.decode(Bits::new(block, start)?, &mut weights)?
        } else {
            let count = header - 127;
            let stored = block.get(*at..*at + count.div_ceil(2))?;
            *at += stored.len();
            for (pair, byte) in weights.chunks_mut(2).zip(stored) {
                pair[0] = byte >> 4;
                pair[1] = byte & 15;
            }
            count
        };
        self.build(&mut weights, count)
    }

    /// Builds the table; the last weight is not told, it fills what the others leave.
    fn build(&mut self, weights: &mut [u8; 256], count: usize) -> Option<()> {
        self.bits = 0;
        // How many symbols have each weight, counted in four tables: the same weight comes many times
        // in a row, and one counter would have to wait for itself.
        let mut quarters = [[0_u8; 16]; 4];
        for four in weights.get(..count)?.chunks(4) {
            for (quarter, weight) in quarters.iter_mut().zip(four) {
                quarter[usize::from(weight & 15)] += 1;
            }
        }
        let mut counts = [0_usize; HUFFMAN_BITS as usize + 2];
        let mut sum = 0;
        for weight in 0..16 {
            let with_weight: usize = quarters.iter().map(|quarter| usize::from(quarter[weight])).sum();
            if with_weight > 0 {
                *counts.get_mut(weight)? = with_weight;
                // Weight 0 is no code.
                sum += if weight == 0 { 0 } else { with_weight << (weight - 1) };
            }
        }
        if sum == 0 {
            return None;
        }
        let bits = sum.ilog2() + 1;
        let rest = (1_usize << bits) - sum;
        if bits > HUFFMAN_BITS || !rest.is_power_of_two() {
            return None;
        }
        let last = rest.ilog2() as u8 + 1;
        *weights.get_mut(count)? = last;
        counts[usize::from(last)] += 1;
        // Symbols ordered by weight: the longest codes come first.
        let mut starts = [0_usize; HUFFMAN_BITS as usize + 2];
        let mut start = 0;
        for weight in 1..counts.len() {
            starts[weight] = start;
            start += counts[weight];
        }
        let mut ordered = [0_u8; 256];
        for (symbol, &weight) in weights[..=count].iter().enumerate() {
            if weight > 0 {
                let start = &mut starts[usize::from(weight)];
                ordered[*start & 255] = symbol as u8;
                *start += 1;
            }
        }
        let mut symbols = ordered.as_slice();
        let mut entries = self.entries.as_mut_slice();
        for weight in 1..=bits {
            let symbols = symbols.split_off(..counts[weight as usize])?;
            let (length, code_bits) = (1_usize << (weight - 1), (bits + 1 - weight) as u16);
            let entries = entries.split_off_mut(..symbols.len() * length)?;
            match weight {
                1 => fill_runs::<1>(entries, symbols, code_bits),
                2 => fill_runs::<2>(entries, symbols, code_bits),
                3 => fill_runs::<4>(entries, symbols, code_bits),
                4 => fill_runs::<8>(entries, symbols, code_bits),
                5 => fill_runs::<16>(entries, symbols, code_bits),
                _ => {
                    for (run, &symbol) in entries.chunks_exact_mut(length).zip(symbols) {
                        run.fill(u16::from(symbol) << 8 | code_bits);
                    }
                }
            }
        }
        self.bits = bits;
        Some(())
    }

    fn decode_one(&self, block: &[u8], start: usize, into: &mut [u8]) -> Option<()> {
        self.decode_rest(Bits::new(block, start)?, into)
    }

    fn decode_rest(&self, mut bits: Bits<'_>, into: &mut [u8]) -> Option<()> {
        for run in into.chunks_mut(HUFFMAN_RUN) {
            bits.refill()?;
            for byte in run {
                *byte = self.symbol(&mut bits);
            }
        }
        bits.is_at_end().then_some(())
    }

    #[inline(always)]
    fn symbol(&self, bits: &mut Bits<'_>) -> u8 {
        let index = (bits.window >> (64 - self.bits)) as usize & (HUFFMAN_SIZE - 1);
        let entry = self.entries[index];
        let length = u32::from(entry & 0xf);
        bits.window <<= length;
        bits.position -= length as usize;
        (entry >> 8) as u8
    }

    fn decode_four(&self, block: &[u8], start: usize, into: &mut [u8]) -> Option<()> {
        let jumps = block.get(start..)?.first_chunk::<6>()?;
        let jump = |at: usize| usize::from(u16::from_le_bytes([jumps[at], jumps[at + 1]]));
        let first = start + 6;
        let second = first + jump(0);
        let third = second + jump(2);
        let fourth = third + jump(4);
        let mut a = Bits::new(block.get(..second)?, first)?;
        let mut b = Bits::new(block.get(..third)?, second)?;
        let mut c = Bits::new(block.get(..fourth)?, third)?;
        let mut d = Bits::new(block, fourth)?;
        let quarter = into.len().div_ceil(4);
        let (into_a, rest) = into.split_at_mut_checked(quarter)?;
        let (into_b, rest) = rest.split_at_mut_checked(quarter)?;
        let (into_c, into_d) = rest.split_at_mut_checked(quarter)?;
        let (runs_a, _) = into_a.as_chunks_mut::<HUFFMAN_RUN>();
        let (runs_b, _) = into_b.as_chunks_mut::<HUFFMAN_RUN>();
        let (runs_c, _) = into_c.as_chunks_mut::<HUFFMAN_RUN>();
        let (runs_d, _) = into_d.as_chunks_mut::<HUFFMAN_RUN>();
        // Four streams at once: each symbol waits for the one before it in its own stream only.
        let runs = runs_a.len().min(runs_d.len());
        for (((run_a, run_b), run_c), run_d) in runs_a.iter_mut().zip(runs_b).zip(runs_c).zip(runs_d) {
            a.refill()?;
            b.refill()?;
            c.refill()?;
            d.refill()?;
            for index in 0..HUFFMAN_RUN {
                run_a[index] = self.symbol(&mut a);
                run_b[index] = self.symbol(&mut b);
                run_c[index] = self.symbol(&mut c);
                run_d[index] = self.symbol(&mut d);
            }
        }
        let done = runs * HUFFMAN_RUN;
        self.decode_rest(a, &mut into_a[done..])?;
        self.decode_rest(b, &mut into_b[done..])?;
        self.decode_rest(c, &mut into_c[done..])?;
        self.decode_rest(d, &mut into_d[done..])
    }
}

/// Each symbol stands in as many entries as its code leaves bits open.
#[inline]
fn fill_runs<const LENGTH: usize>(entries: &mut [u16], symbols: &[u8], code_bits: u16) {
    for (run, &symbol) in entries.as_chunks_mut::<LENGTH>().0.iter_mut().zip(symbols) {
        *run = [u16::from(symbol) << 8 | code_bits; LENGTH];
    }
}

/// The table of the weights of Huffman trees.
struct WeightTable {
    entries: [WeightEntry; 64],
    bits: u32,
}

#[derive(Clone, Copy, Default)]
struct WeightEntry {
    next: u8,
    bits: u8,
    symbol: u8,
}

impl WeightTable {
    fn read(&mut self, block: &[u8], at: &mut usize, scratch: &mut Scratch) -> Option<()> {
        let mut counts = [0_i16; 16];
        let (bits, symbols) = read_counts(block, at, 6, &mut counts)?;
        self.bits = bits;
        let entries = &mut self.entries;
        spread(bits, &counts[..symbols], scratch, |state, symbol, bits, next| {
            entries[state & 63] = WeightEntry { next: next as u8, bits, symbol: symbol as u8 };
        })
    }

    /// Decodes the weights, which two states take turns at, and gives their number.
    fn decode(&self, mut bits: Bits<'_>, weights: &mut [u8; 256]) -> Option<usize> {
        bits.refill()?;
        let mut states = (bits.take(self.bits) as usize, bits.take(self.bits) as usize);
        let mut count = 0;
        loop {
            bits.refill()?;
            // Eight states take 48 bits at most.
            for _ in 0..8 {
                let entry = self.entries[states.0 & 63];
                *weights.get_mut(count)? = entry.symbol;
                count += 1;
                states = (states.1, usize::from(entry.next) + bits.take(u32::from(entry.bits)) as usize);
                if bits.position < bits.start {
                    // The stream ends where a state cannot be read; the other one is the last.
                    *weights.get_mut(count)? = self.entries[states.0 & 63].symbol;
                    return Some(count + 1);
                }
            }
        }
    }
}

impl FseTable {
    fn new(kind: &'static Kind) -> Self {
        let mut default = Box::new([FseEntry::default(); FSE_SIZE]);
        let codes = kind.codes();
        build(&codes, kind.default_bits, kind.default, &mut default, &mut Scratch::new());
        let own = Box::new([FseEntry::default(); FSE_SIZE]);
        Self { kind, codes, default, own, own_bits: 0, current: Current::None }
    }

    fn entries(&self) -> &[FseEntry; FSE_SIZE] {
        if self.current == Current::Own { &self.own } else { &self.default }
    }

    fn bits(&self) -> u32 {
        if self.current == Current::Own { self.own_bits } else { self.kind.default_bits }
    }

    /// Takes the table that a block says.
    fn read(&mut self, mode: u8, block: &[u8], at: &mut usize, scratch: &mut Scratch) -> Option<()> {
        match mode {
            0 => self.current = Current::Default,
            1 => {
                let code = usize::from(*block.get(*at)?);
                let (base, extra) = *self.codes[..self.kind.extra.len()].get(code)?;
                *at += 1;
                self.own[0] = FseEntry { base, next: 0, bits: 0, extra };
                self.own_bits = 0;
                self.current = Current::Own;
            }
            2 => {
                let mut counts = [0_i16; 53];
                let counts = &mut counts[..self.kind.extra.len()];
                let (bits, symbols) = read_counts(block, at, self.kind.largest_bits, counts)?;
                build(&self.codes, bits, &counts[..symbols], &mut self.own, scratch)?;
                self.own_bits = bits;
                self.current = Current::Own;
            }
            _ if self.current == Current::None => return None,
            _ => {}
        }
        Some(())
    }
}

fn build(
    codes: &[(u32, u8); CODES],
    bits: u32,
    counts: &[i16],
    entries: &mut [FseEntry; FSE_SIZE],
    scratch: &mut Scratch,
) -> Option<()> {
    spread(bits, counts, scratch, |state, symbol, bits, next| {
        let (base, extra) = codes[symbol & (CODES - 1)];
        entries[state & (FSE_SIZE - 1)] = FseEntry { base, next, bits, extra };
    })
}

/// Reads how often each symbol stands in a table; -1 is less than once. Gives the accuracy and the
/// number of symbols.
fn read_counts(block: &[u8], at: &mut usize, largest_bits: u32, counts: &mut [i16]) -> Option<(u32, usize)> {
    let bytes = block.get(*at..)?;
    let mut bit = 0_usize;
    // Bits beyond the end are zeros; that some were used is seen at the end.
    let load = |from: usize| match bytes.get(from..).and_then(<[u8]>::first_chunk) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => {
            let mut chunk = [0; 8];
            let rest = bytes.get(from..).unwrap_or_default();
            chunk[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(chunk)
        }
    };
    let (mut window, mut window_from) = (load(0), 0);
    // At least 16 bits; places only move forward.
    let mut look = |bit: usize| {
        if bit - window_from > 48 {
            window_from = bit / 8 * 8;
            window = load(bit / 8);
        }
        (window >> (bit - window_from)) as u32
    };
    let bits = (look(0) & 15) + 5;
    bit += 4;
    if bits > largest_bits {
        return None;
    }
    let mut remaining = 1_i32 << bits;
    let mut symbol = 0;
    while remaining > 0 {
        let most = remaining as u32 + 1;
        let width = most.ilog2() + 1;
        let value = look(bit) & ((1 << width) - 1);
        let low = value & ((1 << (width - 1)) - 1);
        // The values that are possible do not fill the width: the smallest ones are a bit shorter.
        let shorter = (1 << width) - 1 - most;
        let value = if low < shorter {
            bit += width as usize - 1;
            low
        } else {
            bit += width as usize;
            if value >= 1 << (width - 1) { value - shorter } else { value }
        };
        let count = value as i16 - 1;
        *counts.get_mut(symbol)? = count;
        symbol += 1;
        remaining -= i32::from(count.unsigned_abs());
        if count == 0 {
            loop {
                let zeros = look(bit) as usize & 3;
                bit += 2;
                symbol += zeros;
                if zeros < 3 {
                    break;
                }
                if symbol > counts.len() {
                    return None;
                }
            }
        }
    }
    let used = bit.div_ceil(8);
    if remaining != 0 || symbol > counts.len() || used > bytes.len() {
        return None;
    }
    *at += used;
    Some((bits, symbol))
}

/// Tells each state of a table: its number, symbol, bits to read, and where these lead from.
fn spread(
    bits: u32,
    counts: &[i16],
    scratch: &mut Scratch,
    mut on_state: impl FnMut(usize, usize, u8, u16),
) -> Option<()> {
    let size = 1_usize << bits;
    let Scratch { symbols, others, next } = scratch;
    let symbols = &mut symbols[..size];
    // Symbols that are rarer than one state have one at the end each.
    let mut high = size;
    let mut count_others = 0;
    for (symbol, &count) in counts.iter().enumerate() {
        if count == -1 {
            high = high.checked_sub(1)?;
            symbols[high] = symbol as u8;
            next[symbol] = 1;
        } else {
            next[symbol] = count as u16;
            let end = count_others + usize::from(count as u16);
            while count_others < end {
                others.get_mut(count_others..)?.first_chunk_mut::<8>()?.fill(symbol as u8);
                count_others += 8;
            }
            count_others = end;
        }
    }
    if count_others != high {
        return None;
    }
    let step = (size >> 1) + (size >> 3) + 3;
    let mut at = 0;
    for &symbol in &others[..count_others] {
        symbols[at] = symbol;
        at = (at + step) & (size - 1);
        while at >= high {
            at = (at + step) & (size - 1);
        }
    }
    for (state, &symbol) in symbols.iter().enumerate() {
        // Each symbol that stands there has been counted, so that its number is not 0.
        let number = &mut next[usize::from(symbol) & (CODES - 1)];
        let width = bits.wrapping_sub(u32::from(*number | 1).ilog2()) & 15;
        let from = (usize::from(*number) << width).wrapping_sub(size) as u16;
        *number += 1;
        on_state(state, usize::from(symbol), width as u8, from);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;
    use ruzstd::decoding::StreamingDecoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    const LIMIT: usize = 1 << 20;

    fn decoded(frame: &[u8]) -> Result<Vec<u8>, ZstdError> {
        let mut content = Vec::new();
        Zstd::new().decode(frame, &mut content, LIMIT, usize::MAX).map(|(length, is_whole)| {
            assert!(is_whole);
            content.truncate(length);
            content
        })
    }

    /// What ruzstd makes of it.
    fn decoded_by_another(frame: &[u8]) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        let decoder = StreamingDecoder::new(frame).ok()?;
        decoder.take(LIMIT as u64 + 1).read_to_end(&mut content).ok()?;
        Some(content)
    }

    fn compressed(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    /// Text that repeats itself, more or less.
    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let words = proptest::collection::vec("[a-f]{1,9}|[0-9]{1,3}| ", 1..30);
        let order = proptest::collection::vec(any::<proptest::sample::Index>(), 1..600);
        (words, order, 1_usize..40).prop_map(|(words, order, times)| {
            let text: String = order.iter().map(|index| index.get(&words).as_str()).collect();
            text.repeat(times).into_bytes()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn what_was_compressed_comes_out(text in texts()) {
            prop_assert_eq!(decoded(&compressed(&text)), Ok(text));
        }

        #[test]
        fn noise_comes_out(noise in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert_eq!(decoded(&compressed(&noise)), Ok(noise));
        }

        /// A decoder that has seen other frames, also damaged ones, decodes the same.
        #[test]
        fn damaged_frames_are_refused_or_decoded_as_others_do(
            text in texts(),
            flips in proptest::collection::vec((any::<proptest::sample::Index>(), 1_u8..), 1..4),
        ) {
            let whole = compressed(&text);
            let mut frame = whole.clone();
            for (at, value) in flips {
                frame[at.index(whole.len())] ^= value;
            }
            let ours = decoded(&frame);
            if let (Ok(ours), Some(theirs)) = (&ours, decoded_by_another(&frame)) {
                prop_assert!(*ours == theirs);
            }
            let mut zstd = Zstd::new();
            let mut content = Vec::new();
            let again = zstd.decode(&frame, &mut content, LIMIT, usize::MAX);
            let again = again.map(|(length, _)| content[..length].to_vec());
            prop_assert!(again == ours);
            prop_assert_eq!(zstd.decode(&whole, &mut content, LIMIT, usize::MAX), Ok((text.len(), true)));
            prop_assert!(content.starts_with(&text));
        }

        #[test]
        fn frames_that_are_cut_are_refused(text in texts(), at in any::<proptest::sample::Index>()) {
            let frame = compressed(&text);
            prop_assert_eq!(decoded(&frame[..at.index(frame.len())]), Err(Corrupt));
        }
    }

    #[test]
    fn the_beginning_is_decoded_alone() {
        let text = b"FIELD=value ".repeat(40_000);
        let mut content = Vec::new();
        let (length, is_whole) =
            Zstd::new().decode(&compressed(&text), &mut content, LIMIT, 256).expect("the frame is whole");
        assert!(!is_whole && length >= 256 && text.starts_with(&content[..length]));
    }

    #[test]
    fn content_beyond_the_limit_is_not_decoded() {
        let frame = compressed(&vec![b'x'; 5_000]);
        let mut content = Vec::new();
        let mut zstd = Zstd::new();
        assert_eq!(zstd.decode(&frame, &mut content, 4_999, usize::MAX), Err(TooLarge));
        assert!(content.len() <= 4_999 + COPY_BYTES);
        assert_eq!(zstd.decode(&frame, &mut content, 5_000, usize::MAX), Ok((5_000, true)));
    }

    /// Codes and tables of the specification, where they are easy to see.
    #[test]
    fn codes_are_those_of_the_specification() {
        assert_eq!(LITERAL_LENGTHS.codes()[35], (65_536, 16));
        assert_eq!(LITERAL_LENGTHS.codes()[25], (64, 6));
        assert_eq!(MATCH_LENGTHS.codes()[52], (65_539, 16));
        assert_eq!(MATCH_LENGTHS.codes()[43], (131, 7));
        assert_eq!(OFFSETS.codes()[31], (1 << 31, 31));
    }
}
