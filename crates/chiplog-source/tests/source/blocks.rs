use std::io::{self, Read};

use chiplog_source::{BlockReader, Limits};
use proptest::prelude::*;

use crate::{Line, Pieces, drain, lines_of};

/// The splitting rule, said as plainly as can be.
fn expected(bytes: &[u8], line_bytes: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut offset = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        if content.len() > line_bytes {
            lines.push((offset, line[..line_bytes].to_vec(), (line.len() - line_bytes) as u64));
        } else {
            lines.push((offset, line.to_vec(), 0));
        }
        offset += line.len() as u64;
    }
    lines
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => Just(b'\n'),
        12 => Just(b'x'),
        1 => Just(b'\r'),
        1 => Just(0),
        1 => any::<u8>()
    ];
    prop_oneof![
        prop::collection::vec(byte, 0..200),
        // Long lines beside short ones.
        prop::collection::vec((0usize..60).prop_map(|len| [vec![b'a'; len], vec![b'\n']].concat()), 0..12)
            .prop_map(|lines| lines.concat()),
    ]
}

proptest! {
    #[test]
    fn lines_do_not_depend_on_how_they_were_read(
        bytes in text(),
        block_bytes in 0usize..90,
        line_bytes in 1usize..40,
        cuts in prop::collection::vec(1usize..50, 0..40),
        live in any::<bool>(),
        fails in any::<bool>(),
    ) {
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        let mut reader = Pieces::new(pieces);
        if fails {
            reader = reader.failing(io::Error::other("broken"));
        }
        let limits = Limits { block_bytes, line_bytes };
        let mut blocks =
            if live { BlockReader::live(reader, limits) } else { BlockReader::new(reader, limits) };
        let (lines, error) = drain(&mut blocks, limits);
        prop_assert_eq!(lines, expected(&bytes, line_bytes));
        prop_assert_eq!(error.is_some(), fails);
    }
}

#[test]
fn batch_fills_blocks_and_live_does_not_wait() {
    let pieces = ["one\ntw", "o\nthree\n", "fo", "ur\n"];
    let limits = Limits { block_bytes: 1000, line_bytes: 1000 };

    let mut batch = BlockReader::new(Pieces::new(pieces), limits);
    assert_eq!(batch.next_block().unwrap().unwrap().bytes, b"one\ntwo\nthree\nfour\n");

    let mut live = BlockReader::live(Pieces::new(pieces), limits);
    for part in ["one\n", "two\nthree\n", "four\n"] {
        assert_eq!(live.next_block().unwrap().unwrap().bytes, part.as_bytes());
    }
    assert!(live.next_block().unwrap().is_none());
}

/// A read that must not happen.
struct Stuck;

impl Read for Stuck {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("waited for more although there was a whole line");
    }
}

#[test]
fn live_hands_out_what_stands_before_a_long_line() {
    let limits = Limits { block_bytes: 1000, line_bytes: 8 };
    let reader = Pieces::new(["short\n0123456789", "more"]).chain(Stuck);
    let mut live = BlockReader::live(reader, limits);
    assert_eq!(live.next_block().unwrap().unwrap().bytes, b"short\n");
}

#[test]
fn interrupted_reads_are_repeated() {
    struct Interrupts(u8);
    impl Read for Interrupts {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 | 3 => Err(io::ErrorKind::Interrupted.into()),
                2 => (&b"line\n"[..]).read(into),
                _ => Ok(0),
            }
        }
    }
    let mut blocks = BlockReader::new(Interrupts(0), Limits::default());
    assert_eq!(blocks.next_block().unwrap().unwrap().bytes, b"line\n");
    assert!(blocks.next_block().unwrap().is_none());
}

#[test]
fn an_error_comes_after_what_was_read_before_it() {
    let reader = Pieces::new(["one\ntw"]).failing(io::Error::other("broken"));
    let mut blocks = BlockReader::new(reader, Limits::default());
    assert_eq!(blocks.next_block().unwrap().unwrap().bytes, b"one\ntw");
    assert_eq!(blocks.next_block().unwrap_err().to_string(), "broken");
    assert!(blocks.next_block().unwrap().is_none());
}

#[test]
fn a_huge_line_is_counted_and_not_kept() {
    const HUGE: u64 = 100 << 20;
    let limits = Limits::default();
    let reader = (&b"before\n"[..]).chain(io::repeat(b'x').take(HUGE)).chain(&b"\nafter"[..]);
    let mut blocks = BlockReader::new(reader, limits);
    let mut lines = Vec::new();
    while let Some(block) = blocks.next_block().unwrap() {
        assert!(block.bytes.capacity() <= limits.block_bytes, "{}", block.bytes.capacity());
        lines.extend(lines_of(&block));
    }
    let kept = limits.line_bytes;
    let expected = [
        (0, b"before\n".to_vec(), 0),
        (7, vec![b'x'; kept], HUGE - kept as u64 + 1),
        (7 + HUGE + 1, b"after".to_vec(), 0),
    ];
    assert!(lines == expected);
}

#[test]
fn lines_at_the_limit_are_whole() {
    let limits = Limits { block_bytes: 4, line_bytes: 10 };
    let text = b"0123456789\n0123456789A\n\n\r\n0123456789";
    let mut blocks = BlockReader::new(&text[..], limits);
    let (lines, _) = drain(&mut blocks, limits);
    let expected = [
        (0, b"0123456789\n".to_vec(), 0),
        (11, b"0123456789".to_vec(), 2),
        (23, b"\n".to_vec(), 0),
        (24, b"\r\n".to_vec(), 0),
        (26, b"0123456789".to_vec(), 0),
    ];
    assert_eq!(lines, expected);
}
