//! Export streams of a journal: every entry is a line, whatever is in it and however it comes.

use std::io::Read;

use chiplog_parse::journal_entry::{self, JournalEntry};
use chiplog_source::{Block, ExportReader, Limits, StreamBlocks};
use proptest::prelude::*;

use crate::Pieces;

type Fields = Vec<(String, Vec<u8>)>;

fn write_entry(fields: &Fields, out: &mut Vec<u8>) {
    for (name, value) in fields {
        out.extend_from_slice(name.as_bytes());
        if std::str::from_utf8(value).is_ok() && !value.contains(&b'\n') {
            out.push(b'=');
        } else {
            out.push(b'\n');
            out.extend_from_slice(&(value.len() as u64).to_le_bytes());
        }
        out.extend_from_slice(value);
        out.push(b'\n');
    }
    out.push(b'\n');
}

fn stream_of(entries: &[Fields]) -> Vec<u8> {
    let mut out = Vec::new();
    entries.iter().for_each(|entry| write_entry(entry, &mut out));
    out
}

fn lines_of(entries: &[Fields]) -> Vec<u8> {
    let mut lines = Vec::new();
    for fields in entries {
        let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_slice()));
        JournalEntry::from_fields(fields).append_to(&mut lines);
    }
    lines
}

fn read_all<R: Read>(mut reader: ExportReader<R>) -> (Vec<Block>, ExportReader<R>) {
    let mut blocks: Vec<Block> = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        assert!(!block.bytes.is_empty());
        assert_eq!(block.offset, blocks.last().map_or(0, Block::end_offset));
        assert_eq!(block.entries, None);
        blocks.push(block);
    }
    assert!(matches!(reader.next_block(), Ok(None)));
    (blocks, reader)
}

fn bytes_of(blocks: &[Block]) -> Vec<u8> {
    blocks.iter().flat_map(|block| block.bytes.clone()).collect()
}

fn entries() -> impl Strategy<Value = Vec<Fields>> {
    let name = prop::sample::select(vec![
        "MESSAGE",
        "_PID",
        "_HOSTNAME",
        "SYSLOG_IDENTIFIER",
        "_COMM",
        "_SYSTEMD_UNIT",
        "PRIORITY",
        "_TRANSPORT",
        "CODE_FILE",
        "_AUDIT_FIELD_OP",
    ]);
    let value = prop_oneof![
        "[ -~]{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..40),
        Just(b"a\n\n__CURSOR=s=9\nMESSAGE=forged\n\n".to_vec()),
    ];
    let entry = prop::collection::vec((name.prop_map(str::to_owned), value), 0..8);
    prop::collection::vec(entry, 0..12).prop_map(|entries| {
        let head = |number: usize, mut fields: Fields| {
            fields.insert(0, ("__CURSOR".to_owned(), format!("s=1;i={number}").into_bytes()));
            fields.insert(
                1,
                ("__REALTIME_TIMESTAMP".to_owned(), format!("170000000000000{number}").into_bytes()),
            );
            fields
        };
        entries.into_iter().enumerate().map(|(number, fields)| head(number, fields)).collect()
    })
}

proptest! {
    #[test]
    fn every_entry_is_a_line(
        entries in entries(),
        sizes in prop::collection::vec(1usize..200, 1..8),
        block_bytes in 1usize..600,
        is_live: bool,
    ) {
        let stream = stream_of(&entries);
        let limits = Limits { block_bytes, line_bytes: 1 << 16 };
        let pieces = || Pieces::new(pieces_of(&stream, &sizes));
        let reader = if is_live { ExportReader::live(pieces(), limits) } else { ExportReader::new(pieces(), limits) };
        let (blocks, reader) = read_all(reader);
        prop_assert_eq!(bytes_of(&blocks), lines_of(&entries));
        prop_assert_eq!(reader.damage().places, 0);
        let last = entries.len().checked_sub(1).map(|last| format!("s=1;i={last}"));
        prop_assert_eq!(reader.cursor(), last.as_deref());
        // The first bytes tell what it is.
        let mut any = StreamBlocks::new(pieces(), limits);
        let mut bytes = Vec::new();
        while let Some(block) = any.next_block().unwrap() {
            bytes.extend_from_slice(&block.bytes);
            any.recycle(block);
        }
        prop_assert_eq!(bytes, lines_of(&entries));
        prop_assert_eq!(any.cursor(), reader.cursor());
    }

    #[test]
    fn damage_costs_what_it_hits(entries in entries(), at: prop::sample::Index, garbage in prop::collection::vec(any::<u8>(), 1..30)) {
        prop_assume!(entries.len() > 1);
        // Between two entries there is a place that is known.
        let (before, after) = entries.split_at(1 + at.index(entries.len() - 1));
        let mut stream = stream_of(before);
        let place = stream.len() as u64;
        stream.extend_from_slice(b"~");
        stream.extend_from_slice(&garbage);
        stream.extend_from_slice(b"\n\n");
        stream.extend_from_slice(&stream_of(after));
        let (blocks, reader) = read_all(ExportReader::new(stream.as_slice(), Limits::default()));
        let bytes = bytes_of(&blocks);
        prop_assert!(bytes.starts_with(&lines_of(before)));
        prop_assert!(bytes.ends_with(&lines_of(after)));
        prop_assert_eq!(reader.damage().first_offset, Some(place));
    }

    #[test]
    fn any_bytes_and_any_cut(
        entries in entries(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut: prop::sample::Index,
    ) {
        let mut stream = stream_of(&entries);
        prop_assume!(!stream.is_empty());
        for (at, byte) in &flips {
            let at = at.index(stream.len());
            stream[at] = *byte;
        }
        stream.truncate(cut.index(stream.len()));
        let (blocks, _) = read_all(ExportReader::new(stream.as_slice(), Limits::default()));
        for line in bytes_of(&blocks).split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            prop_assert!(journal_entry::parse(line).is_ok());
        }
    }
}

/// The bytes in pieces of these sizes, which repeat.
fn pieces_of(bytes: &[u8], sizes: &[usize]) -> Vec<Vec<u8>> {
    let mut sizes = sizes.iter().cycle();
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while let (false, Some(size)) = (rest.is_empty(), sizes.next()) {
        let (piece, others) = rest.split_at((*size).min(rest.len()));
        pieces.push(piece.to_vec());
        rest = others;
    }
    pieces
}

#[test]
fn a_live_entry_is_handed_over_when_it_is_complete() {
    let pieces = Pieces::new(["__CURSOR=s=1\nMESSAGE=one\n", "\n__CURSOR=s=2\nMESSAGE=two", "\n\n"]);
    let mut reader = ExportReader::live(pieces, Limits::default());
    for (message, cursor) in [("one", "s=1"), ("two", "s=2")] {
        let block = reader.next_block().unwrap().unwrap();
        let entry = journal_entry::parse(block.bytes.trim_ascii_end()).unwrap();
        assert_eq!((entry.message.raw(), reader.cursor()), (message.as_bytes(), Some(cursor)));
    }
    assert_eq!(reader.next_block().unwrap(), None);
}

#[test]
fn long_values_are_passed_over_or_cut() {
    let long = |byte: u8, length: usize| vec![byte; length];
    let feeds =
        |length: usize| (0..length).map(|at| if at % 80 == 79 { b'\n' } else { b'x' }).collect::<Vec<u8>>();
    for (name, value, is_message) in [
        ("COREDUMP", feeds(3 << 20), false),
        ("COREDUMP_TEXT", long(b'x', 3 << 20), false),
        ("MESSAGE", long(b'm', 1 << 20), true),
        ("MESSAGE", feeds(1 << 20), true),
        ("_HOSTNAME", long(b'h', 1 << 20), false),
    ] {
        let entries: Vec<Fields> = vec![
            vec![
                ("_PID".to_owned(), b"1".to_vec()),
                (name.to_owned(), value.clone()),
                ("_COMM".to_owned(), b"sh".to_vec()),
            ],
            vec![("MESSAGE".to_owned(), b"next".to_vec())],
        ];
        let stream = stream_of(&entries);
        let limits = Limits { line_bytes: 10_000, ..Limits::default() };
        let (blocks, reader) = read_all(ExportReader::new(stream.as_slice(), limits));
        assert_eq!(reader.damage().places, 0, "{name}");
        if is_message {
            assert_eq!(blocks[0].bytes.len(), 10_000);
            let whole = lines_of(&entries[..1]).len();
            assert!(blocks[0].cut_bytes as usize + 10_000 >= whole - value.len() / 80, "{name}");
            assert_eq!(blocks[1].bytes, lines_of(&entries[1..]));
        } else {
            let bytes = bytes_of(&blocks);
            let first = journal_entry::parse(bytes.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
            assert_eq!((first.pid, first.identifier), (Some(1), Some(&b"sh"[..])), "{name}");
            assert!(bytes.ends_with(&lines_of(&entries[1..])));
        }
    }
}

#[test]
fn notes_of_journalctl_are_no_damage() {
    let stream =
        b"__CURSOR=s=1\nMESSAGE=one\n\n-- Boot 1234 --\n__CURSOR=s=2\nMESSAGE=two\n\n-- cursor: s=2\n";
    let (blocks, reader) = read_all(ExportReader::new(&stream[..], Limits::default()));
    assert_eq!(blocks.iter().map(Block::lines).sum::<u64>(), 2);
    assert_eq!((reader.damage().places, reader.cursor()), (0, Some("s=2")));
}

#[test]
fn a_stream_that_is_cut_is_damaged_where_it_ends() {
    let stream = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=whole\n_PID=7";
    let (blocks, reader) = read_all(ExportReader::new(&stream[..], Limits::default()));
    let entry = journal_entry::parse(blocks[0].bytes.trim_ascii_end()).unwrap();
    assert_eq!((entry.message.raw(), entry.pid), (&b"whole"[..], None));
    assert_eq!((reader.damage().places, reader.damage().first_offset), (1, Some(stream.len() as u64 - 6)));
    // At the end of a field it may just be the last entry.
    let (_, reader) = read_all(ExportReader::new(&stream[..stream.len() - 6], Limits::default()));
    assert_eq!(reader.damage().places, 0);
}

#[test]
fn messages_that_json_left_out_are_counted() {
    let json = "{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":null}\n";
    let quoted = "{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":\"\\\"MESSAGE\\\":null\"}\n";
    let count = |text: String| {
        let mut blocks = StreamBlocks::live(text.as_bytes(), Limits::default());
        while blocks.next_block().unwrap().is_some() {}
        blocks.lost_messages()
    };
    assert_eq!(count(format!("{json}{quoted}{json}")), 2);
    assert_eq!(count(format!("\u{1e}{quoted}\u{1e}{json}")), 1);
    assert_eq!(count(format!("{{\"level\":\"info\"}}\n{json}")), 0);
}

#[test]
fn an_error_comes_once_and_after_what_was_read() {
    for text in ["", "__CUR", "__CURSOR=s=1\nMESSAGE=one\n\n", "text\n"] {
        let error = std::io::Error::other("broken");
        let mut blocks = StreamBlocks::new(Pieces::new([text]).failing(error), Limits::default());
        let mut errors = 0;
        let mut bytes = 0;
        for _ in 0..4 {
            match blocks.next_block() {
                Ok(block) => bytes += block.map_or(0, |block| block.bytes.len()),
                Err(_) => errors += 1,
            }
        }
        assert_eq!((errors, bytes > 0), (1, !text.is_empty()), "{text:?}");
    }
}
