//! Reading a compressed file on from a place in its text.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use super::edge::{EDGE_BYTES, Edge, last_bytes};
use super::hand::Hand;
use super::tail::{Place, Progress};
use crate::{BlockReader, DecodeLimits, Decompressor};

/// A compressed file that is being read.
///
/// Its text can only be read from the beginning. What lies before the place is read past, and
/// proves that it is the text that was read before.
pub(super) struct Unpack {
    stage: Stage,
}

enum Stage {
    Seek { reader: Decompressor<File>, position: u64, first: Vec<u8>, recent: Vec<u8> },
    Lines(Box<BlockReader<Decompressor<File>>>),
    Done,
}

/// Read at once while what was read before is passed.
const STRIDE_BYTES: usize = 64 << 10;
/// Text passed is cheaper than text handed over.
const SEEK_DISCOUNT: usize = 4;

impl Unpack {
    pub(super) fn new(file: File) -> Unpack {
        let reader = Decompressor::new(file, DecodeLimits::default());
        Unpack { stage: Stage::Seek { reader, position: 0, first: Vec::new(), recent: Vec::new() } }
    }

    /// Hands over lines from `place` on. Damage ends the text, and is told in a warning.
    pub(super) fn read(
        &mut self,
        place: &mut Place,
        path: &Path,
        scratch: &mut Vec<u8>,
        hand: &mut Hand<'_>,
    ) -> Progress {
        loop {
            if hand.budget == 0 {
                return Progress::More;
            }
            match &mut self.stage {
                Stage::Seek { .. } => match self.seek(place, scratch, hand) {
                    Ok(None) => {}
                    Ok(Some(progress)) => return progress,
                    Err(error) => {
                        hand.warn(format!("{}: cannot be decompressed: {error}", path.display()));
                        return Progress::Shorter;
                    }
                },
                Stage::Lines(blocks) => match blocks.next_block() {
                    Ok(Some(block)) => {
                        hand.spend(block.bytes.len());
                        place.advance_stream(&block.bytes, block.cut_bytes);
                        let mut bytes = block.bytes;
                        if place.mid_line {
                            let end = memchr::memchr(b'\n', &bytes).map(|lf| lf + 1);
                            let passed = end.unwrap_or(bytes.len());
                            place.mid_line = end.is_none() && block.cut_bytes == 0;
                            hand.pass_over(passed as u64);
                            bytes.drain(..passed);
                        }
                        place.mid_line |=
                            block.cut_bytes == 0 && bytes.last().is_some_and(|last| *last != b'\n');
                        hand.lines(bytes, block.cut_bytes);
                    }
                    Ok(None) => {
                        self.stage = Stage::Done;
                        return Progress::Complete;
                    }
                    Err(error) => {
                        hand.warn(format!(
                            "{}: damaged; what came before byte {} of its text was read: {error}",
                            path.display(),
                            place.offset
                        ));
                        self.stage = Stage::Done;
                        return Progress::Complete;
                    }
                },
                Stage::Done => return Progress::Complete,
            }
        }
    }

    /// Goes on towards the place. `None` unless it cannot be reached.
    fn seek(
        &mut self,
        place: &mut Place,
        scratch: &mut Vec<u8>,
        hand: &mut Hand<'_>,
    ) -> io::Result<Option<Progress>> {
        let Stage::Seek { reader, position, first, recent } = &mut self.stage else { return Ok(None) };
        let missing = usize::try_from(place.offset - *position).unwrap_or(usize::MAX);
        if missing > 0 {
            scratch.resize(missing.min(STRIDE_BYTES), 0);
            let count = reader.read(scratch)?;
            let text = &scratch[..count];
            hand.spend(count / SEEK_DISCOUNT);
            *position += count as u64;
            let room = EDGE_BYTES - first.len();
            first.extend_from_slice(&text[..room.min(count)]);
            recent.extend_from_slice(last_bytes(text));
            let old = recent.len().saturating_sub(EDGE_BYTES);
            recent.drain(..old);
            return Ok((count == 0).then_some(Progress::Shorter));
        }
        let head = &first[..place.head.len().min(first.len())];
        let tail = &recent[recent.len().saturating_sub(place.tail.len())..];
        if !place.head.is(head) || !place.tail.is(tail) {
            return Ok(Some(Progress::PlaceLost));
        }
        place.head = Edge::Bytes(head.to_vec());
        place.tail = Edge::Bytes(tail.to_vec());
        if let Stage::Seek { reader, .. } = std::mem::replace(&mut self.stage, Stage::Done) {
            self.stage = Stage::Lines(Box::new(BlockReader::new(reader, hand.limits)));
        }
        Ok(None)
    }
}

/// The first bytes of the text of a compressed file, as far as they are there.
///
/// Leaves the file at its start.
pub(super) fn first_bytes(mut file: &File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut reader = Decompressor::new(file, DecodeLimits::default());
    let mut first = vec![0; EDGE_BYTES];
    let mut filled = 0;
    // Of a file that is being written the end is missing. What is there says enough.
    while let Some(room @ [_, ..]) = first.get_mut(filled..)
        && let Ok(count @ 1..) = reader.read(room)
    {
        filled += count;
    }
    first.truncate(filled);
    file.rewind()?;
    Ok(first)
}
