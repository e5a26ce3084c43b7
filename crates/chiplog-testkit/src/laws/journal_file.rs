//! Journal files: any bytes are read to an end, nothing comes twice, and data is decompressed as
//! others do it.

use std::io::Read;

use chiplog_journal::{Cursor, DataError, EntryHead, Journal, Limits, Seek};

use super::parameters;
use crate::{JournalCompression, JournalFile, JournalOptions, JournalStamp};

/// Small enough for a fuzzer to run into, and to be quick.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.cache_bytes = 0;
    limits.data_bytes = 64 << 10;
    limits.fields = 64;
    limits
}

/// The entries of any bytes move forward and are the same whatever is asked of them; a place that
/// was found is found again.
pub(super) fn check_file(data: &[u8]) {
    let Ok(mut journal) = Journal::open(data, limits()) else { return };
    let mut heads: Vec<EntryHead> = Vec::new();
    let mut fields = 0;
    while let Some(head) = journal.next_entry().expect("memory can be read") {
        let end = heads.last().map_or(0, |last| last.offset);
        assert!(head.offset > end, "{head:?} after {end}");
        assert!(head.offset + 64 < data.len() as u64 + 1);
        heads.push(head);
        let count_field = &mut |name: &[u8], value: &[u8]| {
            assert!(!name.is_empty() && !name.contains(&b'='));
            assert!(value.len() as u64 <= limits().data_bytes);
            fields += 1;
        };
        journal.entry_fields(count_field).expect("memory can be read");
        let mut export = Vec::new();
        // What a small file refers to again and again would be written again and again.
        if heads.len() < 16 {
            journal.write_export(&mut export).expect("memory can be written");
            assert!(export.starts_with(b"__CURSOR=") && export.ends_with(b"\n\n"));
        }
        let cursor = journal.cursor().expect("an entry is at hand");
        assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
    }
    assert!(fields <= heads.len() * limits().fields);
    assert!(journal.next_entry().expect("memory can be read").is_none());
    let damage = journal.damage().clone();
    assert!(damage.entries_recovered <= heads.len() as u64);
    assert_eq!(damage.is_none(), damage.to_string().is_empty());

    journal.rewind();
    journal.select(&["MESSAGE", "PRIORITY"]);
    let mut again = Vec::new();
    while let Some(head) = journal.next_entry().expect("memory can be read") {
        again.push(head);
        for field in 0..2 {
            assert_eq!(journal.value(field), journal.values(field).next());
            if let Some(data) = journal.value(field)
                && let Err(error) = journal.payload(data)
            {
                assert!(!matches!(error, DataError::Io(_)), "{error}");
            }
        }
    }
    assert_eq!(again, heads);

    let seqnum_id = journal.header().seqnum_id;
    if let Some(head) = heads.get(heads.len() / 2) {
        let seek = journal.seek_after(&head.cursor(seqnum_id)).expect("memory can be read");
        let next = journal.next_entry().expect("memory can be read");
        assert!(seek != Seek::End || next.is_none());
        journal.seek_realtime(head.realtime_micros).expect("memory can be read");
        if let Some(found) = journal.next_entry().expect("memory can be read") {
            assert!(found.realtime_micros >= head.realtime_micros);
        }
    }
    journal.refresh().expect("memory can be read");
}

/// Any bytes as a stored payload: what comes out is what other decoders give; and what was
/// compressed comes out again.
pub(super) fn check_data(data: &[u8]) {
    let ([selector], rest) = parameters(data);
    let flags = [4, 4, 2, 1][usize::from(selector & 3)];
    let stored = value_of(flags, rest);
    if flags == 4
        && let (Some(ours), Some(theirs)) = (&stored, zstd(rest))
    {
        assert!(*ours == theirs, "{ours:?} is not {theirs:?}");
    }
    if selector & 0x80 == 0 {
        let compression = [JournalCompression::Zstd, JournalCompression::Lz4, JournalCompression::Xz]
            [usize::from(selector >> 4 & 3).min(2)];
        let options = JournalOptions { compression, threshold_bytes: 1, ..JournalOptions::default() };
        let mut file = JournalFile::new(options);
        let length = rest.len().min(limits().data_bytes as usize - 2);
        let payload = [b"A=", &rest[..length]].concat();
        file.append(JournalStamp::of(1), &[&payload]);
        assert_eq!(read(file.bytes()).as_deref(), Some(payload.as_slice()));
    }
}

/// What comes out of a payload that is stored like this.
fn value_of(flags: u8, stored: &[u8]) -> Option<Vec<u8>> {
    let mut file = JournalFile::new(JournalOptions::default());
    file.append_stored(JournalStamp::of(1), flags, stored);
    read(file.bytes())
}

/// The payload of the one field of the one entry.
fn read(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut journal = Journal::open(bytes, limits()).expect("the header is whole");
    assert!(journal.next_entry().expect("memory can be read").is_some());
    let mut payload = None;
    let on_field = &mut |name: &[u8], value: &[u8]| payload = Some([name, b"=", value].concat());
    journal.entry_fields(on_field).expect("memory can be read");
    payload
}

fn zstd(stored: &[u8]) -> Option<Vec<u8>> {
    let decoder = ruzstd::decoding::StreamingDecoder::new(stored).ok()?;
    let mut payload = Vec::new();
    decoder.take(limits().data_bytes + 1).read_to_end(&mut payload).ok()?;
    Some(payload)
}

/// What the entries of a small file hold.
fn entries() -> Vec<Vec<Vec<u8>>> {
    (0..9_u8)
        .map(|number| {
            let message = format!("MESSAGE={number} {}", "etcdserver: request took too long ".repeat(2));
            let mut fields = vec![message.into_bytes(), b"PRIORITY=6".to_vec()];
            if number % 3 == 0 {
                fields.push(vec![b'B', b'=', number, b'\n', 0xff]);
            }
            fields.push(b"_SYSTEMD_UNIT=etcd.service".to_vec());
            fields
        })
        .collect()
}

/// Small files of every layout and compression, whole, cut, flipped, and open.
pub(super) fn files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    let compressions =
        [JournalCompression::None, JournalCompression::Zstd, JournalCompression::Lz4, JournalCompression::Xz];
    for (number, compression) in compressions.into_iter().enumerate() {
        for compact in [false, true] {
            let options =
                JournalOptions { compact, compression, threshold_bytes: 60, ..JournalOptions::default() };
            let mut file = JournalFile::new(options);
            for (seqnum, fields) in (1..).zip(entries()) {
                file.append(JournalStamp::of(seqnum), &fields);
            }
            let whole = file.bytes().to_vec();
            files.push(whole[..whole.len() * (number + 3) / 8].to_vec());
            let mut flipped = whole.clone();
            for at in (300 + number..flipped.len()).step_by(97) {
                flipped[at] ^= 0x11;
            }
            files.push(flipped);
            files.push(whole);
            file.set_state(crate::JournalState::Online);
            file.preallocate(16 << 10);
            files.push(file.bytes().to_vec());
        }
    }
    files
}

/// `payloads` as a journal stores them, of each compression.
pub(super) fn stored(payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let together = payloads.join(&b'\n');
    let pieces = [&together[..together.len().min(600)], &together[..together.len().min(8_000)]];
    let mut stored = Vec::new();
    for piece in pieces {
        let payload = [b"MESSAGE=", piece].concat();
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        stored.push(
            [b"\x00", ruzstd::encoding::compress_to_vec(payload.as_slice(), level).as_slice()].concat(),
        );
        let size = (payload.len() as u64).to_le_bytes();
        stored.push([b"\x12", size.as_slice(), &lz4_flex::block::compress(&payload)].concat());
        let xz = super::source::compress(chiplog_source::Compression::Xz, &payload);
        stored.push([b"\x23", xz.as_slice()].concat());
    }
    stored
}
