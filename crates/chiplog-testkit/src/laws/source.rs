//! Bytes to blocks, and compressed bytes to plain ones.

use std::io::{self, Read, Write};

use chiplog_source::{Block, BlockReader, Compression, DecodeError, DecodeLimits, Decompressor, Limits};

use super::parameters;

/// A reader that gives what it has in pieces, and is interrupted in between.
struct Pieces<'a> {
    rest: &'a [u8],
    seed: u64,
}

impl<'a> Pieces<'a> {
    fn new(rest: &'a [u8], seed: u8) -> Self {
        Self { rest, seed: u64::from(seed) }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = self.seed >> 33;
        if random.is_multiple_of(8) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = (1 + random as usize / 8 % 40).min(self.rest.len()).min(into.len());
        let (piece, rest) = self.rest.split_at(length);
        into[..length].copy_from_slice(piece);
        self.rest = rest;
        Ok(length)
    }
}

/// The lines of blocks: offset, text without LF, bytes that were left out.
fn lines_of(blocks: &[Block]) -> Vec<(u64, Vec<u8>, u64)> {
    let mut lines = Vec::new();
    for block in blocks {
        let mut offset = block.offset;
        let mut pieces = block.bytes.split_inclusive(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let cut = if pieces.peek().is_none() { block.cut_bytes } else { 0 };
            lines.push((offset, piece.to_vec(), cut));
            offset += piece.len() as u64;
        }
    }
    lines
}

/// The same, cut in the plainest way.
fn lines_of_text(text: &[u8], line_bytes: usize) -> Vec<(u64, Vec<u8>, u64)> {
    let mut lines = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let length = line.strip_suffix(b"\n").unwrap_or(line).len();
        if length > line_bytes {
            lines.push((offset, line[..line_bytes].to_vec(), (line.len() - line_bytes) as u64));
        } else {
            lines.push((offset, line.to_vec(), 0));
        }
        offset += line.len() as u64;
    }
    lines
}

/// The lines of blocks depend on the text and the limit of a line only, and are all of the text.
pub(super) fn check_blocks(data: &[u8]) {
    let ([block_bytes, line_bytes, seed, live], text) = parameters(data);
    let limits = Limits { block_bytes: usize::from(block_bytes), line_bytes: usize::from(line_bytes) };
    let wanted = lines_of_text(text, limits.line_bytes.max(1));
    let read = |pieces: Pieces<'_>, is_live: bool, recycle: bool| {
        let mut reader =
            if is_live { BlockReader::live(pieces, limits) } else { BlockReader::new(pieces, limits) };
        let mut blocks: Vec<Block> = Vec::new();
        while let Some(block) = reader.next_block().expect("pieces can be read") {
            assert!(!block.bytes.is_empty());
            assert_eq!(block.offset, blocks.last().map_or(0, Block::end_offset));
            let largest = limits.block_bytes.max(limits.line_bytes + 1).max(2);
            assert!(block.bytes.len() <= largest, "{} of {limits:?}", block.bytes.len());
            blocks.push(block.clone());
            if recycle {
                reader.recycle(block);
            }
        }
        assert!(matches!(reader.next_block(), Ok(None)));
        assert_eq!(lines_of(&blocks), wanted);
    };
    read(Pieces::new(text, seed), false, live & 1 == 0);
    read(Pieces::new(text, seed), true, live & 2 == 0);
}

pub(super) const COMPRESSIONS: [Compression; 5] =
    [Compression::Gzip, Compression::Zstd, Compression::Xz, Compression::Bzip2, Compression::Lz4];

/// Small enough for a fuzzer to run into.
pub(super) const LIMITS: DecodeLimits =
    DecodeLimits { window_bytes: 1 << 20, expansion_ratio: 50, expansion_floor_bytes: 1 << 18 };

/// Any bytes are decoded the same whatever the pieces, within the limits; and what was compressed
/// comes out again.
pub(super) fn check_decompression(data: &[u8]) {
    let ([selector, seed], rest) = parameters(data);
    if selector & 0x80 == 0 {
        check_stored(rest, seed);
    }
    let compression = COMPRESSIONS[usize::from(selector & 7) % COMPRESSIONS.len()];
    if selector & 0x40 != 0 {
        check_round_trip(compression, rest, seed);
    }
}

fn check_stored(stored: &[u8], seed: u8) {
    let (whole, whole_error) = decode(stored, 4 << 10);
    let (pieced, pieced_error) = decode(Pieces::new(stored, seed), 61);
    assert_eq!(whole_error, pieced_error);
    if whole_error.is_some() {
        // The decoders of xz and bzip2 keep what they decoded in the call that failed.
        assert!(whole.starts_with(&pieced) || pieced.starts_with(&whole));
    } else {
        assert_eq!(whole.len(), pieced.len());
        assert_eq!(whole, pieced);
    }
    let ratio_bytes = LIMITS.expansion_ratio * stored.len() as u64;
    // The ratio is looked at before a read, which then gives what it has.
    assert!(whole.len() as u64 <= ratio_bytes.max(LIMITS.expansion_floor_bytes) + (4 << 10));
}

fn check_round_trip(compression: Compression, text: &[u8], seed: u8) {
    let stored = compress(compression, text);
    let twice = [stored.as_slice(), &[0; 3], &stored].concat();
    let (decoded, error) = decode(Pieces::new(&twice, seed), 61);
    assert_eq!(error, None);
    assert_eq!(decoded, [text, text].concat());
    // Cut anywhere, it is cut, and what comes out is the beginning.
    let cut = usize::from(seed) * stored.len() / 256;
    let (decoded, error) = decode(&stored[..cut], 61);
    assert!(text.starts_with(&decoded) || error.is_none());
    assert!(matches!(error, Some(DecodeError::Truncated { .. })) || cut < 7, "{cut}: {error:?}");
}

fn decode(reader: impl Read, read_bytes: usize) -> (Vec<u8>, Option<DecodeError>) {
    let mut decompressor = Decompressor::new(reader, LIMITS);
    let mut text = Vec::new();
    let mut buffer = vec![0; read_bytes];
    loop {
        match decompressor.read(&mut buffer) {
            Ok(0) => return (text, None),
            Ok(count) => text.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                assert_eq!(decompressor.read(&mut buffer).ok(), Some(0), "the end follows an error");
                let mut error = DecodeError::of(&error).expect("memory can be read").clone();
                // How a decoder puts it depends on when it noticed.
                if let DecodeError::Corrupt { detail, .. } = &mut error {
                    assert!(!detail.is_empty());
                    detail.clear();
                }
                return (text, Some(error));
            }
        }
    }
}

/// `text` as the usual programs would store it.
///
/// # Panics
///
/// Never: memory can be written.
pub(super) fn compress(compression: Compression, text: &[u8]) -> Vec<u8> {
    const WRITES: &str = "memory can be written";
    match compression {
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text).expect(WRITES);
            encoder.finish().expect(WRITES)
        }
        Compression::Zstd => {
            ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
        }
        Compression::Xz => {
            let options = lzma_rust2::XzOptions::with_preset(0);
            let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect(WRITES);
            encoder.write_all(text).expect(WRITES);
            encoder.finish().expect(WRITES)
        }
        Compression::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(text).expect(WRITES);
            encoder.finish().expect(WRITES)
        }
        Compression::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(text).expect(WRITES);
            encoder.finish().expect(WRITES)
        }
        other => panic!("no encoder for {other}"),
    }
}
