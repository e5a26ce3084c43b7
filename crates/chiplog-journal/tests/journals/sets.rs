//! Directories of journals: merged, filtered, followed, resumed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chiplog_journal::{Cursor, Filter, Id128, JournalSet, Seek, SetOptions};
use chiplog_testkit::{JournalFile, JournalOptions, JournalStamp, JournalState};
use proptest::prelude::*;

use super::model::Fields;

/// A directory with journals, which are written by number.
struct Directory {
    directory: tempfile::TempDir,
    files: BTreeMap<u8, JournalFile>,
}

impl Directory {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("0123456789abcdef0123456789abcdef")).unwrap();
        Self { directory, files: BTreeMap::new() }
    }

    fn root(&self) -> &Path {
        self.directory.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join("0123456789abcdef0123456789abcdef").join(name)
    }

    fn name(number: u8) -> String {
        format!("file-{number}.journal")
    }

    /// Adds entries to a file of the sequence `[2; 16]`, or makes it, and writes it.
    fn append(&mut self, number: u8, seqnums: impl IntoIterator<Item = u64>) {
        let options = JournalOptions { file_id: [number; 16], ..JournalOptions::default() };
        let file = self.files.entry(number).or_insert_with(|| JournalFile::new(options));
        file.set_state(JournalState::Online);
        for seqnum in seqnums {
            file.append(JournalStamp::of(seqnum), &[format!("MESSAGE={seqnum}"), "PRIORITY=6".into()]);
        }
        self.write(number);
    }

    /// As a writer changes a file: in place.
    fn write(&self, number: u8) {
        use std::io::Write;
        let path = self.path(&Self::name(number));
        let mut file = fs::OpenOptions::new().create(true).write(true).truncate(false).open(path).unwrap();
        file.write_all(self.files[&number].bytes()).unwrap();
    }

    /// Closes a file for good and gives it another name.
    fn rotate(&mut self, number: u8) {
        self.files.get_mut(&number).unwrap().set_state(JournalState::Archived);
        self.write(number);
        fs::rename(self.path(&Self::name(number)), self.path(&format!("file-{number}@old.journal"))).unwrap();
    }

    fn open(&self) -> JournalSet {
        let mut set = JournalSet::open([self.root()], SetOptions::default()).unwrap();
        assert!(set.unreadable().is_empty());
        set.select(&["MESSAGE"]);
        set
    }
}

/// Numbers of entries that come now, and how many are said to be missing before each that has a gap.
fn rest(set: &mut JournalSet) -> (Vec<u64>, Vec<(u64, u64)>) {
    let (mut seqnums, mut gaps) = (Vec::new(), Vec::new());
    while let Some(entry) = set.next_entry().unwrap() {
        let message = set.value(0).expect("each entry has a message");
        assert_eq!(set.payload(message).unwrap(), entry.head.seqnum.to_string().as_bytes());
        seqnums.push(entry.head.seqnum);
        if entry.missing > 0 {
            gaps.push((entry.head.seqnum, entry.missing));
        }
    }
    (seqnums, gaps)
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    range.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Entries of one sequence dealt to several files come in order, each once, also those that two
    /// files have; and reading goes on after any of them.
    #[test]
    fn files_of_one_sequence_are_merged(
        dealt in proptest::collection::vec((0_u8..4, 0_u8..9), 1..60),
        stop in any::<proptest::sample::Index>(),
    ) {
        let mut directory = Directory::new();
        for (seqnum, (file, copy)) in (1..).zip(&dealt) {
            directory.append(*file, [seqnum]);
            if copy < &4 && copy != file {
                directory.append(*copy, [seqnum]);
            }
        }
        let last = dealt.len() as u64;
        let mut set = directory.open();
        let wanted = (numbers(1..=last), Vec::new());
        prop_assert_eq!(rest(&mut set), wanted);
        prop_assert_eq!(set.missing(), 0);

        let mut set = directory.open();
        for _ in 0..=stop.index(dealt.len()) {
            set.next_entry().unwrap();
        }
        let next = stop.index(dealt.len()) as u64 + 2;
        let mut after = directory.open();
        prop_assert_eq!(after.seek_after(&set.cursor().unwrap()).unwrap(), Seek::Exact);
        prop_assert_eq!(rest(&mut after).0, numbers(next..=last));
        let mut resumed = directory.open();
        resumed.resume(set.cursors()).unwrap();
        prop_assert_eq!(rest(&mut resumed).0, numbers(next..=last));
        prop_assert_eq!(resumed.missing(), 0);
    }
}

#[test]
fn rotation_and_growth_are_followed() {
    let mut directory = Directory::new();
    directory.append(1, 1..=3);
    let mut set = directory.open();
    assert_eq!(rest(&mut set).0, numbers(1..=3));
    assert!(!set.poll().unwrap());

    directory.append(1, 4..=6);
    assert!(set.poll().unwrap());
    assert_eq!(rest(&mut set).0, numbers(4..=6));

    // More is written before the rotation, and a new file takes over.
    directory.append(1, 7..=8);
    directory.rotate(1);
    directory.append(2, 9..=10);
    assert!(set.poll().unwrap());
    assert_eq!(rest(&mut set).0, numbers(7..=10));
    assert!(!set.poll().unwrap());
    // What was read to its end and archived is closed, and not opened again.
    assert_eq!(set.journals().count(), 1);
    assert!(!set.poll().unwrap());

    // Two rotations between two looks.
    directory.append(2, 11..=12);
    directory.rotate(2);
    directory.append(3, 13..=14);
    directory.rotate(3);
    directory.append(4, 15..=15);
    assert!(set.poll().unwrap());
    assert_eq!(rest(&mut set), (numbers(11..=15), Vec::new()));
    assert_eq!(set.missing(), 0);
}

#[test]
#[cfg(unix)]
fn a_file_that_is_deleted_is_read_to_its_end() {
    let mut directory = Directory::new();
    directory.append(1, 1..=50);
    directory.append(2, 51..=60);
    let mut set = directory.open();
    for seqnum in 1..=20 {
        assert_eq!(set.next_entry().unwrap().map(|entry| entry.head.seqnum), Some(seqnum));
    }
    fs::remove_file(directory.path(&Directory::name(1))).unwrap();
    assert!(set.poll().unwrap());
    assert_eq!(rest(&mut set), (numbers(21..=60), Vec::new()));
    set.poll().unwrap();
    assert_eq!(set.journals().count(), 1);
}

#[test]
fn what_was_vacuumed_is_counted() {
    let mut directory = Directory::new();
    directory.append(1, 1..=50);
    let mut set = directory.open();
    assert_eq!(rest(&mut set).0, numbers(1..=50));
    let cursors: Vec<Cursor> = set.cursors().collect();
    drop(set);

    directory.append(1, 51..=60);
    directory.append(2, 61..=70);
    fs::remove_file(directory.path(&Directory::name(1))).unwrap();
    directory.append(3, 75..=76);
    let mut set = directory.open();
    set.resume(cursors.clone()).unwrap();
    let wanted = ([numbers(61..=70), numbers(75..=76)].concat(), vec![(61, 10), (75, 4)]);
    assert_eq!(rest(&mut set), wanted);
    assert_eq!(set.missing(), 14);

    let mut set = directory.open();
    assert_eq!(set.seek_after(&cursors[0]).unwrap(), Seek::Later);
    assert_eq!(rest(&mut set), wanted);
}

#[test]
fn a_gap_is_looked_into_before_it_is_told() {
    let mut directory = Directory::new();
    directory.append(1, 1..=3);
    let mut set = directory.open();
    assert_eq!(rest(&mut set).0, numbers(1..=3));
    directory.append(1, [5]);
    assert!(set.poll().unwrap());
    // Between that look and the next entry, the one before shows up in another file.
    directory.append(2, [4]);
    assert_eq!(rest(&mut set), (vec![4, 5], Vec::new()));
    // One that comes too late is read all the same, and no longer counted as missing.
    directory.append(1, [7]);
    assert!(set.poll().unwrap());
    assert_eq!(rest(&mut set), (vec![7], vec![(7, 1)]));
    assert_eq!(set.missing(), 1);
    directory.append(2, [6]);
    assert!(set.poll().unwrap());
    assert_eq!(rest(&mut set), (vec![6], Vec::new()));
    assert_eq!(set.missing(), 0);
}

#[test]
fn single_files_know_nothing_of_their_siblings() {
    let mut directory = Directory::new();
    directory.append(1, [1, 5, 9]);
    let mut set = JournalSet::open([directory.path(&Directory::name(1))], SetOptions::default()).unwrap();
    set.select(&["MESSAGE"]);
    assert_eq!(rest(&mut set), (vec![1, 5, 9], Vec::new()));
}

#[test]
fn a_single_file_is_followed_over_its_rotation() {
    let mut directory = Directory::new();
    directory.append(1, 1..=2);
    let path = directory.path(&Directory::name(1));
    let mut set = JournalSet::open([&path], SetOptions::default()).unwrap();
    set.select(&["MESSAGE"]);
    assert_eq!(rest(&mut set).0, numbers(1..=2));
    directory.append(1, [3]);
    directory.rotate(1);
    directory.append(2, [4]);
    fs::rename(directory.path(&Directory::name(2)), &path).unwrap();
    assert!(set.poll().unwrap());
    assert_eq!(rest(&mut set).0, numbers(3..=4));
}

#[test]
fn files_of_other_sequences_are_merged_by_time() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..3_u8 {
        let options = JournalOptions {
            file_id: [number; 16],
            seqnum_id: [number + 10; 16],
            machine_id: [number; 16],
            ..JournalOptions::default()
        };
        let mut file = JournalFile::new(options);
        for nth in 0..20 {
            let time = 1 + nth * 3 + u64::from(number);
            let stamp = JournalStamp { seqnum: nth + 1, boot_id: [number; 16], ..JournalStamp::of(time) };
            file.append(stamp, &[format!("MESSAGE={}", nth + 1)]);
        }
        fs::write(directory.path().join(format!("{number}.journal")), file.bytes()).unwrap();
    }
    let mut set = JournalSet::open([directory.path()], SetOptions::default()).unwrap();
    let mut times = Vec::new();
    while let Some(entry) = set.next_entry().unwrap() {
        times.push(entry.head.realtime_micros / 1_000_000 - 1_700_000_000);
        if times.len() == 30 {
            break;
        }
    }
    let mut resumed = JournalSet::open([directory.path()], SetOptions::default()).unwrap();
    resumed.resume(set.cursors()).unwrap();
    while let Some(entry) = resumed.next_entry().unwrap() {
        times.push(entry.head.realtime_micros / 1_000_000 - 1_700_000_000);
    }
    assert_eq!(times, numbers(1..=60));
}

/// An entry, and the filters that want it.
fn cases() -> Vec<(Vec<&'static str>, &'static str)> {
    vec![
        (vec!["_SYSTEMD_UNIT=kubelet.service", "_TRANSPORT=stdout", "SYSLOG_IDENTIFIER=kubelet"], "uti"),
        (vec!["_SYSTEMD_UNIT=init.scope", "_PID=1", "_UID=0", "UNIT=kubelet.service"], "u"),
        // Who says so is not systemd.
        (vec!["_SYSTEMD_UNIT=other.service", "_PID=77", "_UID=1000", "UNIT=kubelet.service"], ""),
        (vec!["_UID=0", "OBJECT_SYSTEMD_UNIT=kubelet.service"], "u"),
        (vec!["_UID=1000", "OBJECT_SYSTEMD_UNIT=kubelet.service"], ""),
        (vec!["MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1", "_UID=0", "COREDUMP_UNIT=kubelet.service"], "u"),
        (vec!["MESSAGE_ID=00000000000000000000000000000000", "_UID=0", "COREDUMP_UNIT=kubelet.service"], ""),
        (vec!["_SYSTEMD_UNIT=etcd.service", "_TRANSPORT=journal", "SYSLOG_IDENTIFIER=kubelet"], "i"),
        (vec!["_SYSTEMD_UNIT=etcd.service", "SYSLOG_IDENTIFIER=a", "SYSLOG_IDENTIFIER=kubelet"], "i"),
        (vec!["_SYSTEMD_SLICE=kube.slice", "_SYSTEMD_UNIT=x.service"], "s"),
    ]
}

#[test]
fn filters_mean_what_journalctl_means() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = JournalFile::new(JournalOptions::default());
    for (seqnum, (fields, _)) in (1..).zip(cases()) {
        let fields: Fields = fields.iter().map(|field| field.as_bytes().to_vec()).collect();
        file.append(JournalStamp::of(seqnum), &fields);
    }
    let path = directory.path().join("system.journal");
    fs::write(&path, file.bytes()).unwrap();
    let found = |change: &dyn Fn(&mut Filter)| {
        let mut options = SetOptions::default();
        change(&mut options.filter);
        let mut set = JournalSet::open([&path], options).unwrap();
        let mut seqnums = Vec::new();
        while let Some(entry) = set.next_entry().unwrap() {
            seqnums.push(entry.head.seqnum);
        }
        seqnums
    };
    let wanted = |letter: char| -> Vec<u64> {
        (1..)
            .zip(cases())
            .filter(|(_, (_, letters))| letters.contains(letter))
            .map(|(seqnum, _)| seqnum)
            .collect()
    };
    assert_eq!(found(&|filter| filter.units.push("kubelet".into())), wanted('u'));
    assert_eq!(found(&|filter| filter.units.push("kube.slice".into())), wanted('s'));
    assert_eq!(found(&|filter| filter.identifiers.push("kubelet".into())), wanted('i'));
    assert_eq!(found(&|filter| filter.transports.push("stdout".into())), wanted('t'));
    let both = |filter: &mut Filter| {
        filter.units.push("kubelet.service".into());
        filter.identifiers.push("kubelet".into());
    };
    assert_eq!(found(&both), [1]);
    assert_eq!(found(&|filter| filter.boot_id = Some(Id128([4; 16]))).len(), cases().len());
    assert_eq!(found(&|filter| filter.boot_id = Some(Id128([5; 16]))), Vec::<u64>::new());
    let at = |seqnum| Some(JournalStamp::of(seqnum).realtime_micros);
    assert_eq!(found(&|filter| filter.since_realtime_micros = at(7)), numbers(7..=10));
    assert_eq!(found(&|filter| filter.until_realtime_micros = at(7)), numbers(1..=7));
    let none = |filter: &mut Filter| {
        filter.since_realtime_micros = at(8);
        filter.until_realtime_micros = at(7);
    };
    assert_eq!(found(&none), Vec::<u64>::new());
}

/// Fields that the filter looks at do not change the places of those that were selected.
#[test]
fn filters_and_selected_fields_do_not_disturb_each_other() {
    let mut directory = Directory::new();
    directory.append(1, 1..=3);
    let mut options = SetOptions::default();
    options.filter.identifiers.push("absent".into());
    let mut set = JournalSet::open([directory.root()], options).unwrap();
    set.select(&["PRIORITY", "SYSLOG_IDENTIFIER"]);
    assert!(set.next_entry().unwrap().is_none());
    // What is not wanted was passed all the same.
    assert_eq!(set.cursor().unwrap().seqnum, 3);

    let mut set = directory.open();
    set.next_entry().unwrap();
    set.select(&["PRIORITY", "MESSAGE"]);
    set.next_entry().unwrap();
    let message = set.value(1).unwrap();
    assert_eq!(set.payload(message).unwrap(), b"2");
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_read() {
    let mut directory = Directory::new();
    directory.append(1, 1..=3);
    fs::write(directory.path("broken.journal"), "no journal").unwrap();
    fs::write(directory.path("notes.txt"), "not looked at").unwrap();
    let mut set =
        JournalSet::open([directory.root(), Path::new("/does/not/exist")], SetOptions::default()).unwrap();
    set.select(&["MESSAGE"]);
    assert_eq!(rest(&mut set).0, numbers(1..=3));
    let mut paths: Vec<&Path> = set.unreadable().iter().map(|unreadable| unreadable.path.as_path()).collect();
    paths.sort();
    assert_eq!(paths, [Path::new("/does/not/exist"), &directory.path("broken.journal")]);
}
