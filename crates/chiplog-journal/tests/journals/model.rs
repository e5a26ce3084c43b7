//! Journals whose content is known.

use chiplog_journal::{EntryHead, Journal, Limits, ReadAt};
use chiplog_testkit::{JournalCompression, JournalFile, JournalOptions, JournalStamp};
use proptest::prelude::*;

/// The fields of an entry, `FIELD=value` each.
pub(crate) type Fields = Vec<Vec<u8>>;

/// Every layout and compression.
pub(crate) fn all_options() -> impl Iterator<Item = JournalOptions> {
    let compressions =
        [JournalCompression::None, JournalCompression::Zstd, JournalCompression::Lz4, JournalCompression::Xz];
    compressions.into_iter().flat_map(|compression| {
        [false, true].map(|compact| JournalOptions { compact, compression, ..JournalOptions::default() })
    })
}

pub(crate) fn options() -> impl Strategy<Value = JournalOptions> {
    proptest::sample::select(all_options().collect::<Vec<_>>())
}

/// A few entries as journald writes them: most values were there before, messages are new.
pub(crate) fn entries(
    count: impl Into<proptest::collection::SizeRange>,
) -> impl Strategy<Value = Vec<Fields>> {
    let shared = prop_oneof![
        Just("PRIORITY=6"),
        Just("PRIORITY=3"),
        Just("SYSLOG_IDENTIFIER=kubelet"),
        Just("_SYSTEMD_UNIT=kubelet.service"),
        Just("_HOSTNAME=node-1"),
        Just("EMPTY="),
    ];
    let bytes = proptest::collection::vec(any::<u8>(), 0..40)
        .prop_map(|value| [b"BINARY=".as_slice(), &value].concat());
    // Long enough to be compressed, and to go beyond a block or a window now and then.
    let long = ("[a-z ]{1,40}", prop_oneof![8 => 1_usize..60, 1 => 3_000_usize..5_000])
        .prop_map(|(text, times)| format!("MESSAGE={}", text.repeat(times)).into_bytes());
    let field = prop_oneof![
        6 => shared.prop_map(|field| field.as_bytes().to_vec()),
        2 => bytes,
        2 => long,
    ];
    proptest::collection::vec(proptest::collection::vec(field, 1..8), count)
}

pub(crate) fn file(options: JournalOptions, entries: &[Fields]) -> JournalFile {
    let mut file = JournalFile::new(options);
    for (seqnum, fields) in (1..).zip(entries) {
        file.append(JournalStamp::of(seqnum), fields);
    }
    file
}

pub(crate) fn open(bytes: &[u8]) -> Journal<&[u8]> {
    Journal::open(bytes, Limits::default()).expect("the header is whole")
}

/// The fields of the entry at hand.
pub(crate) fn fields_of<R: ReadAt>(journal: &mut Journal<R>) -> Fields {
    let mut fields = Vec::new();
    journal
        .entry_fields(&mut |name, value| fields.push([name, b"=", value].concat()))
        .expect("memory can be read");
    fields
}

/// Everything from the place on.
pub(crate) fn rest<R: ReadAt>(journal: &mut Journal<R>) -> Vec<(EntryHead, Fields)> {
    let mut entries = Vec::new();
    while let Some(head) = journal.next_entry().expect("memory can be read") {
        entries.push((head, fields_of(journal)));
    }
    entries
}
