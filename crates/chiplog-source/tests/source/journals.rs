//! Journal files: their entries as lines, and no finding lost where some are passed over.

use std::sync::{Arc, LazyLock};

use chiplog_engine::{InputOptions, Origin, Scan, ScanMode, ScanOptions};
use chiplog_parse::journal_entry::{self, JournalEntry};
use chiplog_parse::{Clock, UnixNanos};
use chiplog_rules::RuleSet;
use chiplog_source::{Block, Elector, JournalReader, Limits, StreamBlocks};
use chiplog_testkit::{JournalCompression, JournalFile, JournalOptions, JournalStamp};
use proptest::prelude::*;

static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
    let text = r#"
[[rule]]
id = "boom"
match = "boom"
open = "count >= 2"
close = "count == 0 for 15s"

[[rule]]
id = "unit"
match = { line_contains = "took 1", component = "app" }
window = { by = ["unit"] }
"#;
    RuleSet::load([("test.toml", text)]).unwrap().set
});

type Fields = Vec<(String, Vec<u8>)>;

fn entry() -> impl Strategy<Value = Fields> {
    let message = prop_oneof![
        4 => (0u32..9).prop_map(|number| format!("nothing of note in {number}")),
        2 => (0u32..2_000).prop_map(|took| format!("boom took {took}ms {}", "x".repeat(took as usize))),
        1 => Just("two\nlines: boom".to_owned()),
    ];
    let other = prop::sample::select(vec![
        ("SYSLOG_IDENTIFIER", "app"),
        ("SYSLOG_IDENTIFIER", "etcd"),
        ("_COMM", "boom"),
        ("_PID", "17"),
        ("SYSLOG_PID", "x"),
        ("_HOSTNAME", "w-07"),
        ("_SYSTEMD_UNIT", "boom.service"),
        ("PRIORITY", "3"),
        ("_TRANSPORT", "kernel"),
        ("_LINE_BREAK", "line-max"),
    ]);
    (prop::option::weighted(0.95, message), prop::collection::vec(other, 0..6)).prop_map(
        |(message, others)| {
            // journald writes no entry without a field.
            let first = ("_BOOT_ID".to_owned(), b"0".to_vec());
            let message = message.map(|message| ("MESSAGE".to_owned(), message.into_bytes()));
            [first]
                .into_iter()
                .chain(message)
                .chain(others.into_iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())))
                .collect()
        },
    )
}

fn append(file: &mut JournalFile, seqnum: u64, fields: &Fields) {
    let payloads: Vec<Vec<u8>> =
        fields.iter().map(|(name, value)| [name.as_bytes(), b"=", value].concat()).collect();
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    file.append(JournalStamp::of(seqnum), &payloads);
}

fn line(seqnum: u64, fields: &Fields) -> Vec<u8> {
    let mut line = Vec::new();
    let entry =
        JournalEntry::from_fields(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())));
    JournalEntry { realtime_micros: Some(JournalStamp::of(seqnum).realtime_micros), ..entry }
        .append_to(&mut line);
    line
}

fn reader(files: &[Vec<u8>], elector: Option<Elector>, block_bytes: usize) -> JournalReader {
    let files =
        files.iter().enumerate().map(|(number, bytes)| (format!("{number}"), Box::new(bytes.clone()) as _));
    JournalReader::new(files, elector, Limits { block_bytes, ..Limits::default() })
}

fn blocks_of(reader: &mut JournalReader) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        assert_eq!(block.offset, blocks.last().map_or(0, Block::end_offset));
        assert!(block.lines() > 0);
        blocks.push(block);
    }
    assert!(matches!(reader.next_block(), Ok(None)));
    blocks
}

fn scan(blocks: Vec<Block>, mode: ScanMode) -> String {
    let input = InputOptions {
        name: Arc::from("journal"),
        clock: Clock::unknown(),
        origin: Origin::default(),
        is_live: false,
    };
    let mut scan = Scan::new(&RULES, ScanOptions { mode, ..ScanOptions::default() });
    let mut blocks = blocks.into_iter().map(Ok::<_, std::convert::Infallible>);
    let Ok(()) = scan.input(&input, &mut blocks, &mut |_| {});
    format!("{:#?}", scan.finish())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn entries_are_lines_in_order_each_once(
        entries in prop::collection::vec((entry(), 0usize..3, any::<bool>()), 1..60),
        block_bytes in 1usize..4_000,
        compact: bool,
    ) {
        let options = JournalOptions { compact, ..JournalOptions::default() };
        let mut files = vec![JournalFile::new(options); 3];
        let mut wanted = Vec::new();
        let mut copies = 0;
        for (seqnum, (fields, file, is_copied)) in (1..).zip(&entries) {
            append(&mut files[*file], seqnum, fields);
            if *is_copied {
                append(&mut files[(file + 1) % 3], seqnum, fields);
                copies += 1;
            }
            wanted.extend_from_slice(&line(seqnum, fields));
        }
        let files: Vec<Vec<u8>> = files.iter().map(|file| file.bytes().to_vec()).collect();
        let mut reader = reader(&files, None, block_bytes);
        let blocks = blocks_of(&mut reader);
        let bytes: Vec<u8> = blocks.iter().flat_map(|block| block.bytes.clone()).collect();
        prop_assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&wanted));
        prop_assert_eq!(reader.duplicates(), copies);
        prop_assert_eq!(reader.damaged().len(), 0);
        let stored: u64 = blocks.iter().map(|block| block.entries.as_ref().unwrap().stored_bytes).sum();
        // Copies at the end are of no block.
        let size: usize = files.iter().map(Vec::len).sum();
        prop_assert!(stored == size as u64 || (copies > 0 && stored < size as u64));
    }

    #[test]
    fn findings_are_the_same_where_entries_are_passed_over(
        tail in prop::collection::vec(entry(), 1..150),
        compression in prop::sample::select(vec![JournalCompression::None, JournalCompression::Zstd]),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        block_bytes in prop::sample::select(vec![1_000usize, 100_000]),
    ) {
        // All of the first entries are samples: what is interesting comes after them.
        let quiet: Fields = vec![("MESSAGE".to_owned(), b"quiet".to_vec())];
        let mut file = JournalFile::new(JournalOptions { compression, ..JournalOptions::default() });
        let entries = std::iter::repeat_n(&quiet, 4_200).chain(&tail);
        for (seqnum, fields) in (1..).zip(entries) {
            append(&mut file, seqnum, fields);
        }
        let mut bytes = file.bytes().to_vec();
        for (at, byte) in &flips {
            // Behind the header, and mostly where entries are that may be passed over.
            let length = bytes.len();
            let half = length / 2;
            bytes[half + at.index(length - half)] = *byte;
        }
        let files = [bytes];
        let elector = Elector::new(&RULES, ScanMode::Sparse);
        let mut all = reader(&files, None, block_bytes);
        let mut some = reader(&files, elector, block_bytes);
        let (all_blocks, some_blocks) = (blocks_of(&mut all), blocks_of(&mut some));
        let lines = |blocks: &[Block]| blocks.iter().map(Block::lines).sum::<u64>();
        prop_assert_eq!(lines(&all_blocks), lines(&some_blocks));
        let passed = some_blocks.iter().filter_map(|block| block.entries.as_ref()).any(|entries| !entries.passed.is_empty());
        prop_assert!(passed || !flips.is_empty());
        let expected = scan(all_blocks, ScanMode::Dense);
        prop_assert_eq!(scan(some_blocks, ScanMode::Sparse), expected);
    }
}

#[test]
fn a_journal_in_a_stream_is_read_in_memory() {
    let fields: Fields = vec![("MESSAGE".to_owned(), b"boom".to_vec()), ("_PID".to_owned(), b"7".to_vec())];
    let mut file = JournalFile::new(JournalOptions::default());
    (1..=3).for_each(|seqnum| append(&mut file, seqnum, &fields));
    let mut blocks = StreamBlocks::live(file.bytes(), Limits::default());
    let block = blocks.next_block().unwrap().unwrap();
    assert_eq!(block.lines(), 3);
    let first = block.bytes.split(|byte| *byte == b'\n').next().unwrap();
    let entry = journal_entry::parse(first).unwrap();
    assert_eq!((entry.time(), entry.pid), (Some(UnixNanos(1_700_000_001_000_000_000)), Some(7)));
    assert!(blocks.next_block().unwrap().is_none() && blocks.troubles().is_empty());
    // One that is cut is read as far as it goes.
    let cut = &file.bytes()[..file.bytes().len() - 8];
    let mut blocks = StreamBlocks::new(cut, Limits::default());
    while blocks.next_block().unwrap().is_some() {}
    assert!(blocks.troubles()[0].starts_with("journal is damaged: "), "{:?}", blocks.troubles());
    let mut blocks = StreamBlocks::new(&cut[..100], Limits::default());
    assert!(blocks.next_block().unwrap().is_none());
    assert_eq!(blocks.troubles(), ["cannot be read: journal ends within its header"]);
}
