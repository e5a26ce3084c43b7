//! The sources from outside: every way of reading gives the same lines.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod archives;
mod blocks;
mod compressed;
mod discovery;
mod export;
#[cfg(unix)]
mod follow;
mod journals;

use std::io::{self, Read};

use chiplog_source::{Block, BlockReader, Limits};

/// Reads the given pieces one by one, however large the buffer; then ends or fails.
struct Pieces {
    pieces: Vec<Vec<u8>>,
    error: Option<io::Error>,
}

impl Pieces {
    fn new<P: Into<Vec<u8>>>(pieces: impl IntoIterator<Item = P>) -> Pieces {
        let mut pieces: Vec<Vec<u8>> = pieces.into_iter().map(Into::into).collect();
        pieces.reverse();
        Pieces { pieces, error: None }
    }

    fn failing(mut self, error: io::Error) -> Pieces {
        self.error = Some(error);
        self
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(piece) = self.pieces.last_mut() else {
                return self.error.take().map_or(Ok(0), Err);
            };
            if piece.is_empty() {
                self.pieces.pop();
                continue;
            }
            let count = piece.len().min(into.len());
            into[..count].copy_from_slice(&piece[..count]);
            piece.drain(..count);
            return Ok(count);
        }
    }
}

/// A line as the blocks have it: where it starts, what is kept of it, what was left out.
type Line = (u64, Vec<u8>, u64);

fn lines_of(block: &Block) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut offset = block.offset;
    for line in block.bytes.split_inclusive(|byte| *byte == b'\n') {
        lines.push((offset, line.to_vec(), 0));
        offset += line.len() as u64;
    }
    if let Some(last) = lines.last_mut() {
        last.2 = block.cut_bytes;
    }
    lines
}

/// Reads to the end and checks what every block promises.
fn drain<R: Read>(blocks: &mut BlockReader<R>, limits: Limits) -> (Vec<Line>, Option<io::Error>) {
    let mut lines = Vec::new();
    let mut end = 0;
    let mut error = None;
    loop {
        match blocks.next_block() {
            Ok(Some(block)) => {
                assert!(!block.bytes.is_empty());
                assert_eq!(block.offset, end);
                let most = limits.block_bytes.max(limits.line_bytes + 1);
                assert!(block.bytes.len() <= most, "{} > {most}", block.bytes.len());
                end = block.end_offset();
                lines.extend(lines_of(&block));
                blocks.recycle(block);
            }
            Ok(None) => break,
            Err(e) => {
                assert!(error.is_none(), "an error is told once");
                error = Some(e);
            }
        }
    }
    assert!(blocks.next_block().unwrap().is_none(), "the end stays the end");
    (lines, error)
}
