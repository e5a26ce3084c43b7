//! Reading a growing file on from a place in it.

use std::fs::File;
use std::io;
use std::path::Path;

use super::edge::{EDGE_BYTES, Edge, last_bytes, read_full};
use super::hand::Hand;
use crate::block_reader::Cut;
use crate::compression::Magic;

/// A place in a file, or in what a compressed file holds: everything before it was handed over.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) offset: u64,
    /// The first bytes of what was handed over.
    pub(super) head: Edge,
    /// The bytes before `offset`.
    pub(super) tail: Edge,
    /// The beginning of a line was handed over as a line, as its end did not come. What comes of it
    /// later is passed over: a line is counted once.
    pub(super) mid_line: bool,
}

impl Place {
    /// Goes on by `taken` bytes of `text`, which begins with the bytes of the tail.
    fn advance(&mut self, text: &[u8], taken: usize) {
        let before = self.tail.len();
        self.head.extend_head(&text[before..before + taken]);
        self.tail = Edge::Bytes(last_bytes(&text[..before + taken]).to_vec());
        self.offset += taken as u64;
    }

    /// Goes on in a text that is read as a stream.
    pub(super) fn advance_stream(&mut self, text: &[u8], cut_bytes: u64) {
        self.head.extend_head(text);
        self.tail = match &self.tail {
            // What was cut is not at hand. No bytes are found everywhere.
            _ if cut_bytes > 0 => Edge::default(),
            Edge::Bytes(before) if text.len() < EDGE_BYTES => {
                Edge::Bytes(last_bytes(&[before, text].concat()).to_vec())
            }
            _ => Edge::Bytes(last_bytes(text).to_vec()),
        };
        self.offset += text.len() as u64 + cut_bytes;
    }
}

/// How far a look came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// All whole lines were handed over.
    AtEnd {
        /// Something is left that is no whole line.
        rest: bool,
    },
    /// There is more to read.
    More,
    /// The bytes before the place are not those that were read: the file was cut or replaced.
    PlaceLost,
    /// What the file holds ends before the place.
    Shorter,
    /// It is a compressed file.
    Packed,
    /// A compressed file was read to its end.
    Complete,
}

/// What was looked through beyond the place, of which nothing can be handed over yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead {
    until: u64,
}

/// One look at a file.
pub(super) struct Look<'a> {
    pub(super) file: &'a File,
    /// Bytes beyond this are left for the next look: so that what a writer wrote to one file after
    /// another comes in this order.
    pub(super) limit: u64,
    /// A last line without LF counts as whole: no more is expected of it.
    pub(super) flush: bool,
    /// What it is called in warnings.
    pub(super) path: &'a Path,
}

impl Look<'_> {
    /// Hands over lines from `place` on.
    ///
    /// Each read takes the bytes before the place along and compares them, before and after: a file
    /// that was cut in place and has grown past the place again is never mistaken for the old one,
    /// unless both hold the same kibibyte just there.
    ///
    /// # Errors
    ///
    /// When the file cannot be read. The place stands.
    pub(super) fn read(
        &self,
        place: &mut Place,
        ahead: &mut Ahead,
        scratch: &mut Vec<u8>,
        hand: &mut Hand<'_>,
    ) -> io::Result<Progress> {
        loop {
            if hand.budget == 0 {
                return Ok(Progress::More);
            }
            if ahead.until > place.offset {
                match self.look_ahead(place, ahead, scratch, hand)? {
                    None => continue,
                    Some(progress) => return Ok(progress),
                }
            }
            let before = place.tail.len();
            let block_bytes = hand.limits.block_bytes.max(hand.limits.line_bytes + 1);
            let wanted = before + self.missing(place.offset).min(block_bytes);
            if !self.read_behind(place, wanted, scratch)? {
                return Ok(Progress::PlaceLost);
            }
            let data = &scratch[before..];
            hand.spend(data.len());
            if data.is_empty() {
                return Ok(Progress::AtEnd { rest: false });
            }
            let at_limit = scratch.len() < wanted || self.limit <= place.offset + data.len() as u64;
            if place.offset == 0 {
                match Magic::of(data) {
                    Magic::Is(_) => return Ok(Progress::Packed),
                    Magic::Partial if !self.flush => return Ok(Progress::AtEnd { rest: true }),
                    Magic::Partial | Magic::Not => {}
                }
            }
            if place.mid_line {
                self.pass_over_line_end(place, scratch, hand);
                continue;
            }
            if data[0] == 0 {
                let hole = data.iter().position(|byte| *byte != 0);
                let Some(hole) = hole else {
                    ahead.until = place.offset + data.len() as u64;
                    continue;
                };
                self.pass_over_hole(hole as u64, hand);
                place.advance(scratch, hole);
                continue;
            }
            // A hole behind a line is looked at when its turn comes.
            let usable = hole_after_line(data).unwrap_or(data.len());
            let ended = self.flush && at_limit && usable == data.len();
            match Cut::of(&data[..usable], hand.limits.line_bytes, ended) {
                Cut::Lines(len) => {
                    hand.lines(data[..len].to_vec(), 0);
                    place.mid_line = data[len - 1] != b'\n';
                    place.advance(scratch, len);
                }
                Cut::LongLine => {
                    let kept = hand.limits.line_bytes;
                    match memchr::memchr(b'\n', &data[kept..]) {
                        Some(lf) => {
                            hand.lines(data[..kept].to_vec(), lf as u64 + 1);
                            place.advance(scratch, kept + lf + 1);
                        }
                        None => ahead.until = place.offset + data.len() as u64,
                    }
                }
                Cut::Unfinished => return Ok(Progress::AtEnd { rest: true }),
            }
        }
    }

    /// Bytes between an offset and the limit.
    fn missing(&self, offset: u64) -> usize {
        usize::try_from(self.limit.saturating_sub(offset)).unwrap_or(usize::MAX)
    }

    /// Fills `scratch` with the bytes of the tail and what follows, up to `wanted` bytes.
    /// False if the tail is not there, or has gone while the rest was read.
    fn read_behind(&self, place: &Place, wanted: usize, scratch: &mut Vec<u8>) -> io::Result<bool> {
        let before = place.tail.len();
        let from = place.offset.saturating_sub(before as u64);
        scratch.resize(wanted, 0);
        let filled = read_full(self.file, scratch, from)?;
        scratch.truncate(filled);
        if filled < before || !place.tail.is(&scratch[..before]) {
            return Ok(false);
        }
        // Had the file been cut and filled again meanwhile, the first bytes would be others now.
        let mut again = [0; EDGE_BYTES];
        let again = &mut again[..filled.min(EDGE_BYTES)];
        Ok(read_full(self.file, again, from)? == again.len() && *again == scratch[..again.len()])
    }

    /// Goes on with a hole or a line that is longer than what is read at once. `None` when the
    /// place has moved, or more has been looked through.
    fn look_ahead(
        &self,
        place: &mut Place,
        ahead: &mut Ahead,
        scratch: &mut Vec<u8>,
        hand: &mut Hand<'_>,
    ) -> io::Result<Option<Progress>> {
        let kept = hand.limits.line_bytes;
        let before = place.tail.len();
        // The first byte tells what it is.
        if !self.read_behind(place, before + 1, scratch)? || scratch.len() <= before {
            ahead.until = 0;
            return Ok(Some(Progress::PlaceLost));
        }
        let is_hole = scratch[before] == 0;
        let mut chunk = vec![0; self.missing(ahead.until).min(hand.limits.block_bytes.max(1))];
        let filled = read_full(self.file, &mut chunk, ahead.until)?;
        chunk.truncate(filled);
        hand.spend(filled);
        let end = if is_hole {
            chunk.iter().position(|byte| *byte != 0)
        } else {
            memchr::memchr(b'\n', &chunk).map(|lf| lf + 1)
        };
        let end = match end {
            Some(end) => ahead.until + end as u64,
            None if chunk.is_empty() && self.flush && !is_hole => ahead.until,
            None if chunk.is_empty() => return Ok(Some(Progress::AtEnd { rest: true })),
            None => {
                ahead.until += filled as u64;
                return Ok(None);
            }
        };
        let unfinished = chunk.is_empty();
        if is_hole {
            self.pass_over_hole(end - place.offset, hand);
        } else {
            if !self.read_behind(place, before + kept, scratch)? || scratch.len() < before + kept {
                ahead.until = 0;
                return Ok(Some(Progress::PlaceLost));
            }
            hand.lines(scratch[before..].to_vec(), end - place.offset - kept as u64);
            place.mid_line = unfinished;
        }
        ahead.until = 0;
        self.jump(place, end)?;
        Ok(None)
    }

    /// Moves the place past what has been read already.
    fn jump(&self, place: &mut Place, offset: u64) -> io::Result<()> {
        let read = |from: u64| {
            let mut bytes = vec![0; usize::try_from(offset - from).unwrap_or(EDGE_BYTES).min(EDGE_BYTES)];
            let filled = read_full(self.file, &mut bytes, from)?;
            bytes.truncate(filled);
            io::Result::Ok(bytes)
        };
        let tail = read(offset.saturating_sub(EDGE_BYTES as u64))?;
        if place.head.len() < EDGE_BYTES {
            place.head = Edge::Bytes(read(0)?);
        }
        place.tail = Edge::Bytes(tail);
        place.offset = offset;
        Ok(())
    }

    fn pass_over_line_end(&self, place: &mut Place, text: &[u8], hand: &mut Hand<'_>) {
        let data = &text[place.tail.len()..];
        let end = memchr::memchr(b'\n', data).map(|lf| lf + 1);
        let taken = end.unwrap_or(data.len());
        // The LF alone is no loss.
        if taken > 1 {
            hand.warn(format!(
                "{}: the end of a line came so late that its beginning had been taken for all of it; \
                 {taken} bytes were passed over",
                self.path.display()
            ));
        }
        hand.pass_over(taken as u64);
        place.advance(text, taken);
        place.mid_line = end.is_none();
    }

    fn pass_over_hole(&self, bytes: u64, hand: &mut Hand<'_>) {
        hand.warn(format!(
            "{}: {bytes} NUL bytes were passed over; a file that was cut while its writer did not \
             append begins with such a hole",
            self.path.display()
        ));
        hand.pass_over(bytes);
    }
}

/// Where a line begins with NUL.
fn hole_after_line(data: &[u8]) -> Option<usize> {
    // Lines without NUL, that is nearly all blocks, are gone through once and fast.
    memchr::memchr(0, data)?;
    memchr::memmem::find(data, b"\n\0").map(|lf| lf + 1)
}
