//! zip, read where its directory points to, or forward where it has none.
//!
//! Layouts as in PKWARE's APPNOTE.TXT 6.3.10; the extra fields of times as in Info-ZIP's
//! `proginfo/extrafld.txt` (zip 3.0).
//!
//! Our own and not a library, since a truncated archive has lost its directory, and what it holds is
//! wanted all the same.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use flate2::Crc;

use super::Kind;

/// What can be read at any place.
pub(crate) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const END_64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const SPANNED: [u8; 4] = *b"PK\x07\x08";

const END_BYTES: usize = 22;
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;

/// A zip archive that is read.
pub(crate) struct Zip<'r> {
    reader: &'r mut dyn ReadSeek,
    size_bytes: u64,
    /// What stands in front of the archive itself: all offsets count from there.
    base: u64,
    mode: Mode,
    /// Data of members that were given out, by where they start and end.
    taken: BTreeMap<u64, u64>,
}

#[derive(Debug)]
enum Mode {
    Directory {
        /// Where the next record stands.
        at: u64,
        end: u64,
    },
    /// From header to header.
    Forward { at: u64 },
}

/// A member and where its data is.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// As stored.
    pub(crate) name: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) method: Method,
    pub(crate) is_encrypted: bool,
    pub(crate) stored_bytes: u64,
    /// Size and checksum of the text; `None` if they are only told behind it.
    pub(crate) check: Option<Check>,
    pub(crate) modified_unix_nanos: Option<i64>,
    header_at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) size_bytes: u64,
    pub(crate) crc32: u32,
}

/// How the data of a member is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Stored,
    Deflate,
    /// bzip2, xz or zstd: the data says it itself.
    Marked,
    Other(u16),
}

/// Why a member or what follows it cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// There is no directory at the end: members are found by their headers, from now on.
    NoDirectory,
    /// The directory breaks off: members are found by their headers, from now on.
    BadDirectory,
    /// The archive ends within the member.
    Truncated,
    /// What stands at the place of the member is none.
    NoMember,
    /// The data is that of another member as well.
    Overlap,
    /// How long the data is is not said.
    NoSize,
}

impl Trouble {
    pub(crate) const fn message(&self) -> &'static str {
        match self {
            Self::NoDirectory => {
                "the zip archive has no directory: it is truncated or damaged; members are looked for"
            }
            Self::BadDirectory => "the directory of the zip archive is damaged; members are looked for",
            Self::Truncated => "the zip archive is truncated here",
            Self::NoMember => "the zip archive is damaged: there is no such member",
            Self::Overlap => "shares its data with another member of the zip archive; left out",
            Self::NoSize => "the zip archive does not say how long this is; left out",
        }
    }
}

impl<'r> Zip<'r> {
    pub(crate) fn is_zip(head: &[u8]) -> bool {
        [LOCAL, END].iter().any(|magic| head.starts_with(magic))
            || (head.starts_with(&SPANNED) && head.get(4..8) == Some(&LOCAL))
    }

    /// Looks for the directory.
    ///
    /// # Errors
    ///
    /// Those of the reader.
    pub(crate) fn open(reader: &'r mut dyn ReadSeek) -> io::Result<(Self, Option<Trouble>)> {
        let size_bytes = reader.seek(SeekFrom::End(0))?;
        let mut zip =
            Self { reader, size_bytes, base: 0, mode: Mode::Forward { at: 0 }, taken: BTreeMap::new() };
        match zip.find_directory()? {
            Some((at, end)) => {
                zip.mode = Mode::Directory { at, end };
                Ok((zip, None))
            }
            None => Ok((zip, Some(Trouble::NoDirectory))),
        }
    }

    /// Where the directory starts and ends.
    fn find_directory(&mut self) -> io::Result<Option<(u64, u64)>> {
        // A comment of up to 64 KiB may follow the record.
        let tail_bytes = self.size_bytes.min((END_BYTES + 0xffff) as u64);
        let tail_at = self.size_bytes - tail_bytes;
        let tail = self.read_at(tail_at, tail_bytes as usize)?;
        let is_end = |at: &usize| {
            let record = &tail[*at..];
            record.starts_with(&END)
                && record.len() >= END_BYTES
                && usize::from(u16_at(record, 20)) <= record.len() - END_BYTES
        };
        let Some(end) = (0..(tail.len() + 1).saturating_sub(END_BYTES)).rev().find(is_end) else {
            return Ok(None);
        };
        let record = &tail[end..];
        let end_at = tail_at + end as u64;
        let (mut size, mut offset) = (u64::from(u32_at(record, 12)), u64::from(u32_at(record, 16)));
        let mut directory_end = end_at;
        if let Some(locator) =
            end.checked_sub(20).map(|at| &tail[at..end]).filter(|at| at.starts_with(&END_64_LOCATOR))
        {
            let at = u64_at(locator, 8);
            let record = self.read_at(at, 56)?;
            if record.len() == 56 && record.starts_with(&END_64) {
                size = u64_at(&record, 40);
                offset = u64_at(&record, 48);
                directory_end = at;
            }
        }
        // What is in front of the archive, such as a program that unpacks it, is not counted in offsets.
        let Some(start) = directory_end.checked_sub(size) else { return Ok(None) };
        let Some(base) = start.checked_sub(offset) else { return Ok(None) };
        let is_there = size == 0 || self.read_at(start, 4)? == CENTRAL;
        if !is_there {
            return Ok(None);
        }
        self.base = base;
        Ok(Some((start, directory_end)))
    }

    /// The next member; `None` at the end. After trouble there may be more.
    ///
    /// # Errors
    ///
    /// Those of the reader.
    pub(crate) fn next(&mut self) -> io::Result<Option<Result<Entry, Trouble>>> {
        match self.mode {
            Mode::Directory { at, end } if at >= end => Ok(None),
            Mode::Directory { at, end } => {
                let Some((entry, next)) = self.read_record(at, end)? else {
                    // Behind the last member that is known.
                    let at = self.taken.values().max().copied().unwrap_or(0);
                    self.mode = Mode::Forward { at };
                    return Ok(Some(Err(Trouble::BadDirectory)));
                };
                self.mode = Mode::Directory { at: next, end };
                Ok(Some(Ok(entry)))
            }
            Mode::Forward { at } => {
                let Some(found) = self.find_local(at)? else { return Ok(None) };
                let Some((mut entry, data_at)) = self.read_local(found)? else {
                    self.mode = Mode::Forward { at: found + 4 };
                    return self.next_after_bad_local();
                };
                // Where the size is told behind the data, the decoder finds the end, and the next header
                // is looked for within.
                let next = if entry.check.is_some() { data_at + entry.stored_bytes } else { data_at };
                if entry.check.is_none() {
                    entry.stored_bytes = self.size_bytes - data_at;
                }
                self.mode = Mode::Forward { at: next.max(found + 4) };
                Ok(Some(Ok(entry)))
            }
        }
    }

    fn next_after_bad_local(&mut self) -> io::Result<Option<Result<Entry, Trouble>>> {
        Ok(Some(Err(Trouble::NoMember)))
    }

    /// Goes to the data of a member.
    ///
    /// # Errors
    ///
    /// Those of the reader.
    pub(crate) fn data(&mut self, entry: &Entry) -> io::Result<Result<Data<'_>, Trouble>> {
        let Some((local, data_at)) = self.read_local(entry.header_at)? else {
            return Ok(Err(Trouble::NoMember));
        };
        if entry.check.is_none() && entry.method == Method::Stored {
            return Ok(Err(Trouble::NoSize));
        }
        let end = data_at.saturating_add(entry.stored_bytes);
        let is_open_ended = local.check.is_none() && matches!(self.mode, Mode::Forward { .. });
        if !is_open_ended && entry.stored_bytes > 0 {
            let before = self.taken.range(..end).next_back();
            if before.is_some_and(|(_, taken_end)| *taken_end > data_at) {
                return Ok(Err(Trouble::Overlap));
            }
            self.taken.insert(data_at, end.min(self.size_bytes));
        }
        self.reader.seek(SeekFrom::Start(data_at))?;
        Ok(Ok(Data { left: entry.stored_bytes, is_open_ended, reader: self.reader }))
    }

    /// A record of the directory, and where the next one is.
    fn read_record(&mut self, at: u64, end: u64) -> io::Result<Option<(Entry, u64)>> {
        let head = self.read_at(at, CENTRAL_BYTES)?;
        if head.len() < CENTRAL_BYTES || !head.starts_with(&CENTRAL) {
            return Ok(None);
        }
        let lengths = [28, 30, 32].map(|at| usize::from(u16_at(&head, at)));
        let rest = self.read_at(at + CENTRAL_BYTES as u64, lengths.iter().sum())?;
        let next = at + (CENTRAL_BYTES + lengths.iter().sum::<usize>()) as u64;
        let (Some(name), true) = (rest.get(..lengths[0]), next <= end) else { return Ok(None) };
        let extra = rest.get(lengths[0]..lengths[0] + lengths[1]).unwrap_or(&[]);
        let mut sizes = Sizes {
            size: u32_at(&head, 24).into(),
            stored: u32_at(&head, 20).into(),
            header: u32_at(&head, 42).into(),
        };
        sizes.widen(extra);
        // The upper half of the attributes is the mode of a file where the writer was a Unix.
        let mode = if head[5] == 3 { u16_at(&head, 40) } else { 0 };
        let check = Check { size_bytes: sizes.size, crc32: u32_at(&head, 16) };
        let entry = Entry {
            name: name.to_vec(),
            kind: kind_of(name, mode),
            method: method_of(u16_at(&head, 10)),
            is_encrypted: u16_at(&head, 8) & 1 != 0,
            stored_bytes: sizes.stored,
            check: Some(check),
            modified_unix_nanos: modified(extra, u16_at(&head, 12), u16_at(&head, 14)),
            header_at: self.base.saturating_add(sizes.header),
        };
        Ok(Some((entry, next)))
    }

    /// The header in front of a member, and where its data starts.
    fn read_local(&mut self, at: u64) -> io::Result<Option<(Entry, u64)>> {
        let head = self.read_at(at, LOCAL_BYTES)?;
        if head.len() < LOCAL_BYTES || !head.starts_with(&LOCAL) {
            return Ok(None);
        }
        let lengths = [26, 28].map(|at| usize::from(u16_at(&head, at)));
        let rest = self.read_at(at + LOCAL_BYTES as u64, lengths.iter().sum())?;
        if rest.len() < lengths.iter().sum() {
            return Ok(None);
        }
        let (name, extra) = rest.split_at(lengths[0]);
        let mut sizes = Sizes { size: u32_at(&head, 22).into(), stored: u32_at(&head, 18).into(), header: 0 };
        sizes.widen(extra);
        let flags = u16_at(&head, 6);
        let is_told_behind = flags & 8 != 0;
        let check = Check { size_bytes: sizes.size, crc32: u32_at(&head, 14) };
        let entry = Entry {
            name: name.to_vec(),
            kind: kind_of(name, 0),
            method: method_of(u16_at(&head, 8)),
            is_encrypted: flags & 1 != 0,
            stored_bytes: sizes.stored,
            check: (!is_told_behind).then_some(check),
            modified_unix_nanos: modified(extra, u16_at(&head, 10), u16_at(&head, 12)),
            header_at: at,
        };
        Ok(Some((entry, at + (LOCAL_BYTES + lengths.iter().sum::<usize>()) as u64)))
    }

    /// The place of the next header of a member.
    fn find_local(&mut self, from: u64) -> io::Result<Option<u64>> {
        const STEP: usize = 64 << 10;
        let mut at = from;
        while at < self.size_bytes {
            let bytes = self.read_at(at, STEP)?;
            if let Some(found) = memchr::memmem::find(&bytes, &LOCAL) {
                return Ok(Some(at + found as u64));
            }
            if bytes.len() < STEP {
                break;
            }
            at += (STEP - (LOCAL.len() - 1)) as u64;
        }
        Ok(None)
    }

    /// Bytes at a place; fewer at the end.
    fn read_at(&mut self, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if at < self.size_bytes && len > 0 {
            self.reader.seek(SeekFrom::Start(at))?;
            (&mut *self.reader).take(len as u64).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }
}

/// The stored data of a member.
pub(crate) struct Data<'z> {
    reader: &'z mut dyn ReadSeek,
    left: u64,
    /// How long it is is not known.
    is_open_ended: bool,
}

impl Read for Data<'_> {
    /// The end of the archive within the data is an error.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let count = self.reader.read(&mut into[..wanted])?;
        if count == 0 && wanted > 0 && !self.is_open_ended {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, Trouble::Truncated.message()));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// Text that ends with an error if it is not what the directory says.
pub(crate) struct Checked<R> {
    reader: R,
    wanted: Check,
    crc: Crc,
    size_bytes: u64,
    is_done: bool,
}

impl<R: Read> Checked<R> {
    pub(crate) fn new(reader: R, wanted: Check) -> Self {
        Self { reader, wanted, crc: Crc::new(), size_bytes: 0, is_done: false }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.is_done || into.is_empty() {
            return Ok(0);
        }
        let count = self.reader.read(into)?;
        self.crc.update(&into[..count]);
        self.size_bytes += count as u64;
        if count > 0 {
            return Ok(count);
        }
        self.is_done = true;
        let what = if self.size_bytes != self.wanted.size_bytes {
            "its size is not what the zip archive says"
        } else if self.crc.sum() != self.wanted.crc32 {
            "its checksum is not what the zip archive says"
        } else {
            return Ok(0);
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, what))
    }
}

/// Numbers that are wider in large archives.
struct Sizes {
    size: u64,
    stored: u64,
    header: u64,
}

impl Sizes {
    /// Takes from the extra field what did not fit.
    fn widen(&mut self, extra: &[u8]) {
        let Some(mut wide) = extra_field(extra, 1) else { return };
        for narrow in [&mut self.size, &mut self.stored, &mut self.header] {
            if *narrow == u64::from(u32::MAX)
                && let Some((number, rest)) = wide.split_first_chunk::<8>()
            {
                *narrow = u64::from_le_bytes(*number);
                wide = rest;
            }
        }
    }
}

/// The extra field of that number.
fn extra_field(mut extra: &[u8], number: u16) -> Option<&[u8]> {
    while let Some((head, rest)) = extra.split_first_chunk::<4>() {
        let (field, rest) = rest.split_at_checked(usize::from(u16_at(head, 2)))?;
        if u16_at(head, 0) == number {
            return Some(field);
        }
        extra = rest;
    }
    None
}

fn kind_of(name: &[u8], mode: u16) -> Kind {
    match mode & 0o170_000 {
        0o120_000 => Kind::Link,
        0 | 0o040_000 | 0o100_000 if name.ends_with(b"/") || name.ends_with(b"\\") => Kind::Directory,
        0 | 0o100_000 => Kind::File,
        0o040_000 => Kind::Directory,
        _ => Kind::Special,
    }
}

fn method_of(number: u16) -> Method {
    match number {
        0 => Method::Stored,
        8 => Method::Deflate,
        12 | 20 | 93 | 95 => Method::Marked,
        other => Method::Other(other),
    }
}

/// The time of a member: of the extra field of Unix, else that of DOS, which has no zone and is taken as
/// UTC: it is a hint for the year.
fn modified(extra: &[u8], dos_time: u16, dos_date: u16) -> Option<i64> {
    let unix = extra_field(extra, 0x5455).filter(|field| field.first().is_some_and(|flags| flags & 1 != 0));
    if let Some(seconds) = unix.and_then(|field| field.get(1..5)) {
        let seconds = i64::from(u32_at(seconds, 0).cast_signed());
        return Some(seconds * 1_000_000_000).filter(|nanos| *nanos > 0);
    }
    let (year, month, day) =
        (1980 + i64::from(dos_date >> 9), i64::from(dos_date >> 5 & 15), i64::from(dos_date & 31));
    if !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    // Days since 1970-01-01 of the Gregorian calendar, counted in years that start in March.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let seconds =
        i64::from(dos_time >> 11) * 3600 + i64::from(dos_time >> 5 & 63) * 60 + i64::from(dos_time & 31) * 2;
    Some((days * 86_400 + seconds) * 1_000_000_000)
}

/// A number at a place of a record that is known to be long enough; zero otherwise.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}
