//! A writer of journal files, for tests where no systemd is.
//!
//! What it writes is read by journalctl: every object, array and count is where systemd's
//! `docs/JOURNAL_FILE_FORMAT.md` (releases 252 and 257) wants it. Only the hash tables are empty, so
//! that journalctl finds no match by value in them.

use std::collections::HashMap;
use std::io::Write;

/// How a file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalOptions {
    /// Offsets of 4 bytes.
    pub compact: bool,
    /// How long payloads are stored.
    pub compression: JournalCompression,
    /// From which size on payloads are compressed (journald: 512).
    pub threshold_bytes: usize,
    /// The file.
    pub file_id: [u8; 16],
    /// The sequence of its entries.
    pub seqnum_id: [u8; 16],
    /// The machine.
    pub machine_id: [u8; 16],
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            compact: true,
            compression: JournalCompression::Zstd,
            threshold_bytes: 512,
            file_id: [1; 16],
            seqnum_id: [2; 16],
            machine_id: [3; 16],
        }
    }
}

/// How long payloads of a journal are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalCompression {
    /// As they are.
    None,
    /// A frame of zstd.
    Zstd,
    /// A size and a block of lz4.
    Lz4,
    /// A stream of xz.
    Xz,
}

/// Whether a file says that it is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalState {
    /// Closed.
    Offline,
    /// Open, or copied while it was.
    Online,
    /// Rotated away.
    Archived,
}

/// What an entry has besides its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalStamp {
    /// Number in the sequence of the file.
    pub seqnum: u64,
    /// Microseconds since 1970.
    pub realtime_micros: u64,
    /// Microseconds since the boot.
    pub monotonic_micros: u64,
    /// The boot.
    pub boot_id: [u8; 16],
}

impl JournalStamp {
    /// A stamp of an entry of that number: one comes each second.
    #[must_use]
    pub fn of(seqnum: u64) -> Self {
        Self {
            seqnum,
            realtime_micros: 1_700_000_000_000_000 + seqnum * 1_000_000,
            monotonic_micros: 60_000_000 + seqnum * 1_000_000,
            boot_id: [4; 16],
        }
    }
}

/// A journal file in memory.
///
/// ```
/// use chiplog_testkit::{JournalFile, JournalOptions, JournalStamp};
///
/// let mut file = JournalFile::new(JournalOptions::default());
/// file.append(JournalStamp::of(1), &[b"MESSAGE=it works".as_slice(), b"PRIORITY=6"]);
/// assert!(file.bytes().starts_with(b"LPKSHHRH"));
/// ```
#[derive(Clone, Debug)]
pub struct JournalFile {
    options: JournalOptions,
    bytes: Vec<u8>,
    /// Where each payload is stored.
    data: HashMap<Vec<u8>, u64>,
    /// The last array of entries, how many items it has, and how many are used.
    array: u64,
    array_items: u64,
    array_used: u64,
}

const HEADER_BYTES: usize = 264;
const N_OBJECTS: usize = 144;
const N_ENTRIES: usize = 152;
const N_DATA: usize = 208;
const N_ENTRY_ARRAYS: usize = 232;

impl JournalFile {
    /// A file without entries, offline.
    #[must_use]
    pub fn new(options: JournalOptions) -> Self {
        let mut file = Self {
            options,
            bytes: vec![0; HEADER_BYTES],
            data: HashMap::new(),
            array: 0,
            array_items: 0,
            array_used: 0,
        };
        let flags = match options.compression {
            JournalCompression::None => 0,
            JournalCompression::Xz => 1,
            JournalCompression::Lz4 => 2,
            JournalCompression::Zstd => 8,
        };
        file.bytes[..8].copy_from_slice(b"LPKSHHRH");
        // Keyed hash, as every file is today.
        let flags = flags | 4_u32 | if options.compact { 16 } else { 0 };
        file.bytes[12..16].copy_from_slice(&flags.to_le_bytes());
        file.bytes[24..40].copy_from_slice(&options.file_id);
        file.bytes[40..56].copy_from_slice(&options.machine_id);
        file.bytes[72..88].copy_from_slice(&options.seqnum_id);
        file.put(88, HEADER_BYTES as u64);
        for (object_type, at) in [(4, 104), (5, 120)] {
            let buckets = [0; 16 * 4];
            let offset = file.object(object_type, 0, &buckets);
            file.put(at, offset + 16);
            file.put(at + 8, buckets.len() as u64);
        }
        file
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the data stands that holds this payload, `FIELD=value`.
    #[must_use]
    pub fn data_offset(&self, payload: &[u8]) -> Option<u64> {
        self.data.get(payload).copied()
    }

    /// Says whether the file is being written.
    pub fn set_state(&mut self, state: JournalState) {
        self.bytes[16] = match state {
            JournalState::Offline => 0,
            JournalState::Online => 1,
            JournalState::Archived => 2,
        };
    }

    /// Adds an entry, whose fields are `FIELD=value` each, and gives where it stands.
    pub fn append(&mut self, stamp: JournalStamp, fields: &[impl AsRef<[u8]>]) -> u64 {
        let data: Vec<u64> = fields.iter().map(|field| self.data(field.as_ref())).collect();
        let JournalStamp { seqnum, realtime_micros, monotonic_micros, boot_id } = stamp;
        let mut body = Vec::new();
        for number in [seqnum, realtime_micros, monotonic_micros] {
            body.extend_from_slice(&number.to_le_bytes());
        }
        body.extend_from_slice(&boot_id);
        let hashes = fields.iter().map(|field| hash(field.as_ref()));
        body.extend_from_slice(&hashes.clone().fold(0, |sum, hash| sum ^ hash).to_le_bytes());
        for (offset, hash) in data.iter().zip(hashes) {
            if self.options.compact {
                body.extend_from_slice(&narrow(*offset).to_le_bytes());
            } else {
                body.extend_from_slice(&offset.to_le_bytes());
                body.extend_from_slice(&hash.to_le_bytes());
            }
        }
        let entry = self.object(3, 0, &body);
        for offset in data {
            // The first entry that refers to it; journalctl wants it wherever there is one.
            let at = offset as usize + 40;
            if self.get(at) == 0 {
                self.put(at, entry);
            }
        }
        self.bytes[56..72].copy_from_slice(&boot_id);
        self.put(160, seqnum);
        self.put(192, realtime_micros);
        self.put(200, monotonic_micros);
        if self.get(N_ENTRIES) == 0 {
            self.put(168, seqnum);
            self.put(184, realtime_micros);
        }
        self.link(entry);
        // A writer counts an entry when everything is in its place.
        self.count(N_ENTRIES);
        entry
    }

    /// Adds an entry of one field whose payload is stored as it is given, with these flags (1 xz,
    /// 2 lz4, 4 zstd): whether it can be decompressed is up to the caller.
    pub fn append_stored(&mut self, stamp: JournalStamp, flags: u8, stored: &[u8]) -> u64 {
        // A payload that no other entry has, and no caller asks for.
        let payload = [b"\0", self.bytes.len().to_string().as_bytes()].concat();
        let mut body = vec![0; if self.options.compact { 56 } else { 48 }];
        body[40..48].copy_from_slice(&0_u64.to_le_bytes());
        body.extend_from_slice(stored);
        let offset = self.object(1, flags, &body);
        self.count(N_DATA);
        self.data.insert(payload.clone(), offset);
        self.append(stamp, &[payload])
    }

    /// Makes room behind the last object, as journald does.
    pub fn preallocate(&mut self, size_bytes: usize) {
        let end = self.bytes.len().max(size_bytes);
        self.bytes.resize(end, 0);
        self.put(96, (end - HEADER_BYTES) as u64);
    }

    fn data(&mut self, payload: &[u8]) -> u64 {
        if let Some(&offset) = self.data.get(payload) {
            let at = offset as usize + 56;
            self.count(at);
            return offset;
        }
        let (flags, stored) = self.stored(payload);
        let mut body = vec![0; if self.options.compact { 56 } else { 48 }];
        body[..8].copy_from_slice(&hash(payload).to_le_bytes());
        body[40..48].copy_from_slice(&1_u64.to_le_bytes());
        body.extend_from_slice(&stored);
        let offset = self.object(1, flags, &body);
        self.count(N_DATA);
        self.data.insert(payload.to_vec(), offset);
        offset
    }

    fn stored(&self, payload: &[u8]) -> (u8, Vec<u8>) {
        const WRITES: &str = "memory can be written";
        if payload.len() < self.options.threshold_bytes {
            return (0, payload.to_vec());
        }
        let (flags, stored) = match self.options.compression {
            JournalCompression::None => return (0, payload.to_vec()),
            JournalCompression::Xz => {
                let mut options = lzma_rust2::XzOptions::with_preset(0);
                options.set_check_sum_type(lzma_rust2::CheckType::None);
                let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect(WRITES);
                encoder.write_all(payload).expect(WRITES);
                (1, encoder.finish().expect(WRITES))
            }
            JournalCompression::Lz4 => {
                let size = (payload.len() as u64).to_le_bytes();
                (2, [size.as_slice(), &lz4_flex::block::compress(payload)].concat())
            }
            JournalCompression::Zstd => {
                let level = ruzstd::encoding::CompressionLevel::Fastest;
                (4, ruzstd::encoding::compress_to_vec(payload, level))
            }
        };
        // As journald, which keeps what compression would not make smaller.
        if stored.len() < payload.len() { (flags, stored) } else { (0, payload.to_vec()) }
    }

    /// Puts an entry in the last array, or in a new one of twice the size.
    fn link(&mut self, entry: u64) {
        let item_bytes = if self.options.compact { 4 } else { 8 };
        if self.array_used == self.array_items {
            let items = (self.array_items * 2).max(4);
            let body = vec![0; 8 + (items * item_bytes) as usize];
            let array = self.object(6, 0, &body);
            self.count(N_ENTRY_ARRAYS);
            let link = if self.array == 0 { 176 } else { self.array as usize + 16 };
            self.put(link, array);
            (self.array, self.array_items, self.array_used) = (array, items, 0);
        }
        let at = (self.array + 24 + self.array_used * item_bytes) as usize;
        if self.options.compact {
            self.bytes[at..at + 4].copy_from_slice(&narrow(entry).to_le_bytes());
        } else {
            self.put(at, entry);
        }
        self.array_used += 1;
    }

    /// Adds an object behind the last one.
    fn object(&mut self, object_type: u8, flags: u8, body: &[u8]) -> u64 {
        // What was made room for is used: the last object tells where it ends.
        let last = self.get(136) as usize;
        let offset =
            if last == 0 { HEADER_BYTES } else { (last + self.get(last + 8) as usize).next_multiple_of(8) };
        let size = 16 + body.len();
        let end = (offset + size).next_multiple_of(8);
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
            self.put(96, (end - HEADER_BYTES) as u64);
        }
        self.bytes[offset] = object_type;
        self.bytes[offset + 1] = flags;
        self.put(offset + 8, size as u64);
        self.bytes[offset + 16..offset + size].copy_from_slice(body);
        self.put(136, offset as u64);
        self.count(N_OBJECTS);
        offset as u64
    }

    fn put(&mut self, at: usize, number: u64) {
        self.bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }

    fn get(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes[at..at + 8].try_into().expect("8 bytes"))
    }

    fn count(&mut self, at: usize) {
        self.put(at, self.get(at) + 1);
    }
}

fn narrow(offset: u64) -> u32 {
    u32::try_from(offset).expect("a compact file is smaller than 4 GiB")
}

/// Any hash: nothing looks payloads up. This is FNV-1a.
fn hash(payload: &[u8]) -> u64 {
    payload
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
