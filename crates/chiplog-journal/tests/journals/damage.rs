//! Cut and flipped files: everything that is readable is read, the rest is counted.

use std::collections::BTreeSet;

use chiplog_journal::{Journal, Limits};
use chiplog_testkit::{JournalFile, JournalOptions, JournalStamp};
use proptest::prelude::*;

use super::model::{Fields, all_options, entries, fields_of, file, open, options, rest};

/// How many entries stand wholly before `end`, by the offsets at which they were written.
fn whole_before(offsets: &[(u64, u64)], end: u64) -> usize {
    offsets.iter().filter(|(offset, size)| offset + size <= end).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Of a file that is cut, all entries before the cut are read, in order.
    #[test]
    fn a_cut_costs_only_what_is_cut_off(options in options(), entries in entries(1..80), at in 0.0_f64..1.0) {
        let mut file = JournalFile::new(options);
        let mut offsets = Vec::new();
        for (seqnum, fields) in (1..).zip(&entries) {
            let offset = file.append(JournalStamp::of(seqnum), fields);
            offsets.push((offset, 64 + fields.len() as u64 * if options.compact { 4 } else { 16 }));
        }
        let bytes = file.bytes();
        let cut = 264 + ((bytes.len() - 264) as f64 * at) as usize;
        let mut journal = open(&bytes[..cut]);
        let read = rest(&mut journal);
        let wanted = whole_before(&offsets, cut as u64);
        prop_assert_eq!(read.len(), wanted);
        for (((_, fields), wanted), seqnum) in read.iter().zip(&entries).zip(1..) {
            prop_assert_eq!(fields, wanted, "entry {}", seqnum);
        }
        prop_assert_eq!(journal.damage().entries_missing, (entries.len() - wanted) as u64);
        prop_assert_eq!(journal.damage().missing_bytes, (bytes.len() - cut) as u64);
    }

    /// Whatever is flipped: no panic, an end, no entry twice, each in its place, and no more than
    /// a few are lost.
    #[test]
    fn flips_cost_little(
        options in options(),
        entries in entries(20..60),
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let file = file(options, &entries);
        let mut bytes = file.bytes().to_vec();
        for (at, value) in flips {
            // The header's flags and state decide how everything is read.
            let at = 24 + at.index(bytes.len() - 24);
            bytes[at] ^= value;
        }
        check(&bytes);
    }

    #[test]
    fn arrays_that_lead_nowhere_are_made_up_for(
        options in options(),
        entries in entries(10..60),
        broken in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u64>()), 1..6),
    ) {
        let file = file(options, &entries);
        let mut bytes = file.bytes().to_vec();
        let arrays = arrays_of(&bytes);
        for (which, value) in broken {
            // Any word of an array behind its type and size.
            let (offset, size) = arrays[which.index(arrays.len())];
            let word = which.index((size - 16) / 8);
            bytes[offset + 16 + word * 8..][..8].copy_from_slice(&value.to_le_bytes());
        }
        let mut journal = open(&bytes);
        let read = rest(&mut journal);
        prop_assert_eq!(read.len(), entries.len());
        for ((_, fields), wanted) in read.iter().zip(&entries) {
            prop_assert_eq!(fields, wanted);
        }
        prop_assert_eq!(journal.damage().entries_missing, 0);
    }

    /// Bytes that only begin like a journal.
    #[test]
    fn noise_is_read_to_an_end(
        compact in any::<bool>(),
        words in proptest::collection::vec(prop_oneof![0_u64..600, any::<u64>(), 0_u64..8], 30..300),
    ) {
        let options = JournalOptions { compact, ..JournalOptions::default() };
        let mut bytes = JournalFile::new(options).bytes()[..24].to_vec();
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        check(&bytes);
    }
}

/// Reads whatever is there, in both ways, and checks what must hold.
fn check(bytes: &[u8]) {
    let Ok(mut journal) = Journal::open(bytes, Limits::default()) else { return };
    let read = rest(&mut journal);
    let offsets: Vec<u64> = read.iter().map(|(head, _)| head.offset).collect();
    assert!(offsets.is_sorted_by(|a, b| a < b), "{offsets:?}");
    let seqnums: BTreeSet<u64> = read.iter().map(|(head, _)| head.seqnum).collect();
    assert!(journal.damage().faults().len() <= 16);
    assert!(journal.next_entry().unwrap().is_none());

    let mut selecting = Journal::open(bytes, Limits::default()).unwrap();
    selecting.select(&["MESSAGE", "PRIORITY"]);
    let mut selected = Vec::new();
    while let Some(head) = selecting.next_entry().unwrap() {
        for field in 0..2 {
            let values: Vec<_> = selecting.values(field).collect();
            for data in values {
                let _ = selecting.payload(data);
            }
        }
        selected.push(head);
    }
    assert!(selected.iter().eq(read.iter().map(|(head, _)| head)));

    if let Some((head, _)) = read.get(read.len() / 2) {
        let cursor = head.cursor(journal.header().seqnum_id);
        journal.seek_after(&cursor).unwrap();
        while let Some(head) = journal.next_entry().unwrap() {
            assert!(seqnums.contains(&head.seqnum));
        }
    }
}

/// Offsets and sizes of the arrays of entries.
fn arrays_of(bytes: &[u8]) -> Vec<(usize, usize)> {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let mut arrays = Vec::new();
    let mut at = 264;
    while at + 16 <= bytes.len() {
        let size = number(at + 8);
        if bytes[at] == 6 {
            arrays.push((at, size));
        }
        at = (at + size).next_multiple_of(8);
    }
    arrays
}

#[test]
fn every_single_flip_of_a_small_file_is_survived() {
    for (options, flip) in all_options().zip([0x01, 0x80, 0xff, 0x04].into_iter().cycle()) {
        let options = JournalOptions { threshold_bytes: 80, ..options };
        let message = format!("MESSAGE={}", "a message that is long enough ".repeat(4));
        let fields = vec![message.into_bytes(), b"PRIORITY=6".to_vec()];
        let file = file(options, &vec![fields; 3]);
        let mut bytes = file.bytes().to_vec();
        for at in 8..bytes.len() {
            bytes[at] ^= flip;
            check(&bytes);
            bytes[at] ^= flip;
        }
    }
}

#[test]
fn one_wiped_entry_costs_one_entry() {
    let entries: Vec<Fields> = (0..50).map(|number| vec![format!("MESSAGE={number}").into_bytes()]).collect();
    for options in all_options() {
        let mut file = JournalFile::new(options);
        let offsets: Vec<u64> = (1..)
            .zip(&entries)
            .map(|(seqnum, fields)| file.append(JournalStamp::of(seqnum), fields))
            .collect();
        for wiped in [0, 1, 20, 48, 49] {
            let mut bytes = file.bytes().to_vec();
            let at = offsets[wiped] as usize;
            bytes[at..at + 64].fill(0xff);
            let mut journal = open(&bytes);
            let read = rest(&mut journal);
            assert_eq!(read.len(), 49, "{wiped} {options:?}");
            let damage = journal.damage();
            assert_eq!((damage.entries_missing, damage.bad_entries), (1, 1), "{wiped} {options:?}");
            assert_eq!(damage.faults()[0].offset, offsets[wiped]);
        }
    }
}

#[test]
fn damaged_data_costs_one_field() {
    for options in all_options() {
        let long = format!("MESSAGE={}", "compressed if it can be ".repeat(60));
        let entries = vec![vec![long.into_bytes(), b"PRIORITY=6".to_vec()]; 3];
        let file = file(options, &entries);
        let at = file.data_offset(&entries[0][0]).unwrap() as usize;
        let mut bytes = file.bytes().to_vec();
        // Of another type than data.
        bytes[at] = 7;
        let mut journal = open(&bytes);
        let mut count = 0;
        while journal.next_entry().unwrap().is_some() {
            assert_eq!(fields_of(&mut journal), [b"PRIORITY=6".to_vec()]);
            count += 1;
        }
        assert_eq!(count, 3);
        let damage = journal.damage();
        assert_eq!((damage.bad_data, damage.entries_missing), (1, 0));
        assert_eq!(damage.faults()[0].offset, at as u64);
        assert_eq!(damage.to_string(), format!("1 bad values; first at byte {at} (data)"));
    }
}
