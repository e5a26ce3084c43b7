//! What was written is read.

use chiplog_journal::{Cursor, DataError, Id128, Journal, Limits, OpenError, Seek, State};
use chiplog_testkit::{JournalFile, JournalOptions, JournalStamp, JournalState};
use proptest::prelude::*;

use super::model::{Fields, all_options, entries, fields_of, file, open, options, rest};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_entry_is_read_as_it_was_written(options in options(), entries in entries(0..60)) {
        let file = file(options, &entries);
        let mut journal = open(file.bytes());
        let read = rest(&mut journal);
        prop_assert_eq!(read.len(), entries.len());
        for (((head, fields), seqnum), wanted) in read.iter().zip(1..).zip(&entries) {
            let stamp = JournalStamp::of(seqnum);
            prop_assert_eq!(head.seqnum, seqnum);
            prop_assert_eq!(head.realtime_micros, stamp.realtime_micros);
            prop_assert_eq!(head.monotonic_micros, stamp.monotonic_micros);
            prop_assert_eq!(head.boot_id, Id128(stamp.boot_id));
            prop_assert_eq!(fields, wanted);
        }
        prop_assert!(journal.damage().is_none(), "{}", journal.damage());
    }

    /// `value` and `values` are what a look at all fields would find.
    #[test]
    fn selected_fields_are_found(options in options(), entries in entries(1..40)) {
        let names = ["MESSAGE", "PRIORITY", "ABSENT", "BINARY", "EMPTY"];
        let file = file(options, &entries);
        let mut journal = open(file.bytes());
        journal.select(&names);
        for wanted in &entries {
            prop_assert!(journal.next_entry().unwrap().is_some());
            for (index, name) in names.iter().enumerate() {
                let prefix = format!("{name}=");
                let wanted = wanted.iter().filter_map(|field| field.strip_prefix(prefix.as_bytes()));
                let wanted: Vec<&[u8]> = wanted.collect();
                let found: Vec<_> = journal.values(index).collect();
                prop_assert_eq!(journal.value(index), found.first().copied());
                prop_assert_eq!(found.len(), wanted.len());
                for (data, wanted) in found.into_iter().zip(wanted) {
                    prop_assert_eq!(journal.payload(data).unwrap(), wanted);
                }
            }
            prop_assert_eq!(journal.value(names.len()), None);
        }
        prop_assert!(journal.next_entry().unwrap().is_none());
        prop_assert!(journal.damage().is_none());
    }

    /// A file that grows between looks gives each entry once, whenever it is looked at, also where
    /// room was made before.
    #[test]
    fn a_file_that_grows_is_followed(
        options in options(),
        entries in entries(1..80),
        looks in proptest::collection::vec(1_usize..20, 1..12),
        room_bytes in prop_oneof![Just(0_usize), Just(1 << 20)],
    ) {
        let shared = Shared::default();
        let mut file = JournalFile::new(options);
        file.set_state(JournalState::Online);
        file.preallocate(room_bytes);
        shared.set(file.bytes());
        let mut journal = Journal::open(shared.clone(), Limits::default()).unwrap();
        let mut read: Vec<Fields> = Vec::new();
        let mut written = 0;
        for count in looks.iter().cycle() {
            let until = entries.len().min(written + count);
            for fields in &entries[written..until] {
                written += 1;
                file.append(JournalStamp::of(written as u64), fields);
            }
            shared.set(file.bytes());
            // What was not there when it was looked at last is not there before it is looked at again.
            if journal.next_entry().unwrap().is_some() {
                read.push(fields_of(&mut journal));
            }
            let has_grown = journal.refresh().unwrap();
            prop_assert!(has_grown);
            // Not always to the end.
            let wanted = if count % 3 == 0 { 1 } else { usize::MAX };
            for _ in 0..wanted {
                if journal.next_entry().unwrap().is_none() {
                    break;
                }
                read.push(fields_of(&mut journal));
            }
            if written == entries.len() {
                break;
            }
        }
        file.set_state(JournalState::Archived);
        shared.set(file.bytes());
        prop_assert!(!journal.refresh().unwrap());
        prop_assert_eq!(journal.header().state, State::Archived);
        read.extend(rest(&mut journal).into_iter().map(|(_, fields)| fields));
        prop_assert_eq!(read, entries);
        prop_assert!(journal.damage().is_none(), "{}", journal.damage());
    }

    #[test]
    fn reading_goes_on_after_any_cursor(options in options(), entries in entries(1..70)) {
        let file = file(options, &entries);
        let mut journal = open(file.bytes());
        let all = rest(&mut journal);
        let seqnum_id = journal.header().seqnum_id;
        for (index, (head, _)) in all.iter().enumerate() {
            let cursor = head.cursor(seqnum_id);
            let wanted = if index + 1 == all.len() { (Seek::Exact, None) } else { (Seek::Exact, Some(index + 1)) };
            prop_assert_eq!(journal.seek_after(&cursor).unwrap(), wanted.0);
            prop_assert_eq!(journal.next_entry().unwrap(), wanted.1.map(|index| all[index].0));
            // The same entry under the number of another sequence.
            let elsewhere = Cursor { seqnum_id: Id128([9; 16]), seqnum: 77, ..cursor };
            prop_assert_eq!(journal.seek_after(&elsewhere).unwrap(), wanted.0);
            prop_assert_eq!(journal.next_entry().unwrap(), wanted.1.map(|index| all[index].0));
            journal.seek_realtime(head.realtime_micros).unwrap();
            prop_assert_eq!(journal.next_entry().unwrap(), Some(*head));
            journal.seek_realtime(head.realtime_micros + 1).unwrap();
            prop_assert_eq!(journal.next_entry().unwrap(), wanted.1.map(|index| all[index].0));
        }
        journal.rewind();
        prop_assert_eq!(rest(&mut journal), all);
    }
}

/// Bytes that change under the reader.
#[derive(Clone, Default)]
struct Shared(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl Shared {
    fn set(&self, bytes: &[u8]) {
        *self.0.borrow_mut() = bytes.to_vec();
    }
}

impl chiplog_journal::ReadAt for Shared {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.0.borrow().read_at(buffer, offset)
    }

    fn size_bytes(&self) -> std::io::Result<u64> {
        self.0.borrow().size_bytes()
    }
}

#[test]
fn cursors_between_and_beyond_entries_are_told() {
    let mut file = JournalFile::new(JournalOptions::default());
    for seqnum in [10, 11, 15] {
        file.append(JournalStamp::of(seqnum), &["MESSAGE=m"]);
    }
    let mut journal = open(file.bytes());
    let seqnum_id = journal.header().seqnum_id;
    let cursor = |seqnum| {
        let JournalStamp { realtime_micros, monotonic_micros, boot_id, .. } = JournalStamp::of(seqnum);
        let boot_id = Id128(boot_id);
        Cursor { seqnum_id, seqnum, boot_id, monotonic_micros, realtime_micros, xor_hash: 0 }
    };
    let mut next = |seqnum| {
        let seek = journal.seek_after(&cursor(seqnum)).unwrap();
        (seek, journal.next_entry().unwrap().map(|head| head.seqnum))
    };
    assert_eq!(next(3), (Seek::Later, Some(10)));
    assert_eq!(next(10), (Seek::Exact, Some(11)));
    assert_eq!(next(12), (Seek::Later, Some(15)));
    assert_eq!(next(15), (Seek::Exact, None));
    assert_eq!(next(16), (Seek::End, None));
}

#[test]
fn small_caches_read_the_same() {
    for options in all_options() {
        let entries: Vec<Fields> = (0..3_000)
            .map(|number: u32| {
                let message = format!("MESSAGE={number} {}", "some text ".repeat(number as usize % 90));
                vec![
                    message.into_bytes(),
                    b"PRIORITY=6".to_vec(),
                    format!("GROUP={}", number % 7).into_bytes(),
                ]
            })
            .collect();
        let file = file(options, &entries);
        let mut limits = Limits::default();
        limits.cache_bytes = 0;
        let mut journal = Journal::open(file.bytes(), limits).unwrap();
        for (index, wanted) in entries.iter().enumerate() {
            assert!(journal.next_entry().unwrap().is_some());
            if index % 500 == 0 {
                journal.release_memory();
            }
            assert_eq!(fields_of(&mut journal), *wanted);
        }
        assert!(journal.damage().is_none());
    }
}

#[test]
fn long_payloads_have_a_limit() {
    for options in all_options() {
        let message = format!("MESSAGE={}", "long ".repeat(2_000));
        let file = file(options, &[vec![message.into_bytes(), b"PRIORITY=6".to_vec()]]);
        let mut limits = Limits::default();
        limits.data_bytes = 9_999;
        let mut journal = Journal::open(file.bytes(), limits).unwrap();
        journal.select(&["MESSAGE", "PRIORITY"]);
        journal.next_entry().unwrap().expect("an entry");
        assert_eq!(fields_of(&mut journal), [b"PRIORITY=6".to_vec()], "{options:?}");
        assert_eq!(journal.damage().bad_data, 1);
        if let Some(message) = journal.value(0) {
            assert!(matches!(journal.payload(message), Err(DataError::TooLarge)));
        }
        assert_eq!(journal.payload(journal.value(1).unwrap()).unwrap(), b"6");
    }
}

#[test]
fn other_files_are_refused() {
    let opened = |bytes: &[u8]| Journal::open(bytes.to_vec(), Limits::default()).map(drop);
    let file = JournalFile::new(JournalOptions::default());
    assert!(matches!(opened(b""), Err(OpenError::NotAJournal)));
    assert!(matches!(opened(b"Nov 24 12:00:00 node kubelet"), Err(OpenError::NotAJournal)));
    assert!(matches!(opened(b"LPK"), Err(OpenError::Truncated)));
    assert!(matches!(opened(&file.bytes()[..200]), Err(OpenError::Truncated)));
    let mut newer = file.bytes().to_vec();
    newer[12] |= 32;
    assert!(matches!(opened(&newer), Err(OpenError::Incompatible { unknown_flags: 32 })));
    assert!(opened(file.bytes()).is_ok());
}
