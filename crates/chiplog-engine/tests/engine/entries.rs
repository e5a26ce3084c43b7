//! Entries of a journal that no rule can match are passed over, and nobody can tell.

use chiplog_engine::{Block, Elector, Entries, Passed, ScanMode};
use chiplog_parse::journal_entry::JournalEntry;
use chiplog_parse::{Clock, Format, Text};
use chiplog_rules::RuleSet;
use proptest::prelude::*;

use crate::split::RULES;
use crate::support::{dense, scan, sparse};

#[derive(Clone, Debug)]
struct Entry {
    micros: u64,
    host: &'static [u8],
    message: String,
}

impl Entry {
    fn append_to(&self, out: &mut Vec<u8>) {
        let entry = JournalEntry {
            realtime_micros: Some(self.micros),
            host: Some(self.host),
            identifier: Some(b"app"),
            priority: Some(3),
            message: Text::plain(self.message.as_bytes()),
            ..JournalEntry::default()
        };
        entry.append_to(out);
    }
}

/// Blocks of so many entries each; with an elector those that it elects, the samples and the last.
fn blocks_of(entries: &[Entry], elector: Option<&Elector>, sizes: &[usize]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut sizes = sizes.iter().copied().cycle();
    let mut rest = entries;
    while !rest.is_empty() {
        let (these, others) = rest.split_at(sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len()));
        let first = (entries.len() - rest.len()) as u64;
        rest = others;
        let mut bytes = Vec::new();
        let mut passed: Vec<Passed> = Vec::new();
        for (number, entry) in (first..).zip(these) {
            let is_last = number + 1 == entries.len() as u64;
            let is_elected = elector.is_none_or(|elector| elector.elects(entry.message.as_bytes()));
            if is_elected || is_last || Entries::is_sample(number) {
                entry.append_to(&mut bytes);
                continue;
            }
            let before = bytes.len() as u32;
            match passed.last_mut().filter(|passed| passed.before == before) {
                Some(passed) => passed.entries += 1,
                None => passed.push(Passed { before, entries: 1 }),
            }
        }
        let stored_bytes = these.len() as u64;
        let entries = Some(Box::new(Entries { first, passed, stored_bytes }));
        blocks.push(Block { offset: Entries::offset_of(first), bytes, entries, ..Block::default() });
    }
    blocks
}

fn assert_same(rules: &RuleSet, entries: &[Entry], sizes: &[usize], workers: usize) {
    let elector = Elector::new(rules, ScanMode::Sparse).unwrap();
    let all = blocks_of(entries, None, &[usize::MAX]);
    let some = blocks_of(entries, Some(&elector), sizes);
    let clock = Clock::unknown();
    let expected = scan(rules, &all, dense(1), clock, false);
    assert_eq!(expected.summary.inputs[0].lines, entries.len() as u64);
    for (blocks, options) in [(&all, sparse(workers)), (&some, sparse(workers)), (&some, dense(1))] {
        let scanned = scan(rules, blocks, options, clock, false);
        assert_eq!(scanned.outcome(), expected.outcome());
        assert_eq!(scanned.transitions, expected.transitions);
    }
}

fn entry() -> impl Strategy<Value = (u64, &'static [u8], String)> {
    let message = prop_oneof![
        6 => (0u32..40).prop_map(|number| format!("nothing of note in {number}")),
        3 => (0u32..6_000, 0u32..4).prop_map(|(took, who)| format!("E0305 06:07:08.120034 7 a.go:1] boom took {took}ms who=w{who}")),
        1 => (1u32..900).prop_map(|count| format!("Suppressed {count} messages from app.service")),
        1 => Just("boom\nwho=w1 took 1s".to_owned()),
    ];
    let step = prop_oneof![8 => 0u64..3_000_000, 1 => 10_000_000u64..90_000_000];
    (step, prop::sample::select(vec![&b"w-07"[..], b"w-08", b""]), message)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn findings_are_those_of_all_entries(
        steps in prop::collection::vec(entry(), 1..200),
        head in prop_oneof![Just(0usize), 4_000usize..4_400],
        back in prop::option::of(0u64..40_000_000),
        sizes in prop::collection::vec(prop_oneof![1usize..80, 1_000usize..20_000], 1..4),
        workers in 1usize..4,
    ) {
        // All of the first entries are samples: most of what is interesting comes after them.
        let quiet = Entry { micros: 0, host: b"w-07", message: "quiet".to_owned() };
        let mut entries = vec![quiet; head];
        let mut micros = 1_700_000_000_000_000;
        entries.iter_mut().for_each(|entry| {
            micros += 1_000;
            entry.micros = micros;
        });
        for (index, (step, host, message)) in steps.into_iter().enumerate() {
            micros += step;
            // A clock that is set back.
            let late = back.filter(|_| index % 17 == 16).unwrap_or(0);
            entries.push(Entry { micros: micros - late, host, message });
        }
        assert_same(&RULES, &entries, &sizes, workers);
    }
}

#[test]
fn lines_and_places_are_those_of_the_journal() {
    let rules = crate::support::rules("id = 'boom'\nmatch = 'boom'\nseverity = 'error'\n");
    let entries: Vec<Entry> = (0..40_000u64)
        .map(|number| {
            let message = if number == 39_990 { "boom".to_owned() } else { format!("number {number}") };
            Entry { micros: 1_700_000_000_000_000 + number, host: b"w-07", message }
        })
        .collect();
    let elector = Elector::new(&rules, ScanMode::Sparse).unwrap();
    let blocks = blocks_of(&entries, Some(&elector), &[7_000]);
    assert!(blocks[5].lines() == 5_000 && blocks[5].bytes.split(|byte| *byte == b'\n').count() < 100);
    assert_eq!(blocks[5].end_offset(), Entries::offset_of(40_000));
    let scanned = scan(&rules, &blocks, sparse(2), Clock::unknown(), false);
    let input = &scanned.summary.inputs[0];
    assert_eq!((input.lines, input.bytes), (40_000, 40_000));
    assert_eq!(input.census_lines, 4_096 + (40_000 - 4_096u64).div_ceil(128));
    assert_eq!(input.formats, [(vec![Format::Journal, Format::Text], input.census_lines)].into());
    assert_eq!(input.last_time.unwrap().0, 1_700_000_000_039_999_000);
    assert_eq!(scanned.summary.findings[0].evidence[0].line, 39_991);
    assert_eq!(scanned.summary.findings[0].evidence[0].offset, Entries::offset_of(39_990));
}
