//! tar, read forward: ustar, pax, GNU's long names and sparse files.
//!
//! Layouts as in POSIX.1-2017 (pax) and GNU tar 1.34 (`src/tar.h`, `doc/intern.texi`).
//!
//! Our own and not a library, since what stands behind damage is wanted as well: after a header that is
//! none, the next one is looked for.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::{error, fmt};

use super::Kind;

const BLOCK_BYTES: usize = 512;

/// Names, pax headers and sparse maps longer than this are not believed.
const MAX_META_BYTES: u64 = 1 << 20;

/// Pieces that a sparse file may have.
const MAX_PIECES: usize = 100_000;

/// A tar archive that is read.
pub(crate) struct Tar<'r> {
    reader: &'r mut dyn Read,
    /// Bytes taken from the reader.
    position: u64,
    /// A header that was found and not yet taken.
    found: Option<[u8; BLOCK_BYTES]>,
    /// What of the member at hand was not read.
    left: Left,
    end: End,
    /// Records of a global pax header.
    global: Meta,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Members follow.
    NotYet,
    /// Blocks of zeros were seen; another archive may follow.
    Marked,
    Reached,
}

/// The data of a member.
#[derive(Debug, Default)]
struct Left {
    pieces: VecDeque<Piece>,
    /// Bytes that follow the pieces and belong to no one.
    rest: u64,
}

#[derive(Clone, Copy, Debug)]
enum Piece {
    Stored(u64),
    /// Zeros that are not stored.
    Hole(u64),
}

/// What stands in front of a member.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// As stored.
    pub(crate) name: Vec<u8>,
    pub(crate) kind: Kind,
    /// Bytes of the file; holes count.
    pub(crate) size_bytes: u64,
    pub(crate) modified_unix_nanos: Option<i64>,
}

/// What is wrong with an archive.
#[derive(Debug)]
pub(crate) enum TarError {
    /// What it is read from fails; there is no more.
    Read(io::Error),
    /// It ends within a member or a header; there is no more.
    Truncated,
    /// It ends behind a member without the mark that ends an archive; there is no more.
    Unmarked,
    /// Something that is no header stood at `position`; the next header, if there is one, was `skipped_bytes`
    /// further on.
    Damaged { position: u64, skipped_bytes: u64 },
    /// Behind the mark of the end stands something that is no header; it was not read.
    Trailing { position: u64 },
}

impl fmt::Display for TarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Truncated => f.write_str("the tar archive is truncated"),
            Self::Unmarked => f.write_str("the tar archive ends without its end mark: it may be truncated"),
            Self::Damaged { position, skipped_bytes } => {
                write!(
                    f,
                    "the tar archive is damaged at byte {position}; {skipped_bytes} bytes were passed over"
                )
            }
            Self::Trailing { position } => {
                write!(
                    f,
                    "the tar archive is followed by other data from byte {position}, which was not read"
                )
            }
        }
    }
}

impl error::Error for TarError {}

/// What pax records and GNU's long names say of the member that follows them.
#[derive(Clone, Debug, Default)]
struct Meta {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    modified: Option<i64>,
    sparse: Sparse,
}

/// GNU's sparse files in pax headers.
#[derive(Clone, Debug, Default)]
struct Sparse {
    name: Option<Vec<u8>>,
    real_size: Option<u64>,
    /// The map stands before the data: version 1.0.
    is_in_data: bool,
    /// The map of versions 0.0 and 0.1: offsets and sizes, one after the other.
    map: Vec<u64>,
    is_mapped: bool,
}

impl<'r> Tar<'r> {
    pub(crate) fn new(reader: &'r mut dyn Read) -> Self {
        Self {
            reader,
            position: 0,
            found: None,
            left: Left::default(),
            end: End::NotYet,
            global: Meta::default(),
        }
    }

    /// Whether the head of a source is that of an archive; its first header may be damaged.
    pub(crate) fn is_tar(head: &[u8]) -> bool {
        head.len() >= BLOCK_BYTES && matches!(head.get(257..263), Some(b"ustar\0" | b"ustar "))
    }

    /// The next member, whatever was read of the last; `None` at the end.
    ///
    /// # Errors
    ///
    /// After [`TarError::Damaged`], members may follow; after all others there are none.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, TarError> {
        let result = self.next_entry();
        if matches!(result, Err(ref error) if !matches!(error, TarError::Damaged { .. })) {
            self.end = End::Reached;
        }
        result
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, TarError> {
        self.pass_over()?;
        let mut meta = self.global.clone();
        loop {
            if self.end == End::Reached {
                return Ok(None);
            }
            let Some(block) = self.read_header()? else { return Ok(None) };
            if block.iter().all(|byte| *byte == 0) {
                self.end = End::Marked;
                continue;
            }
            if !has_checksum(&block) {
                let position = self.position - BLOCK_BYTES as u64;
                if self.end == End::Marked {
                    return Err(TarError::Trailing { position });
                }
                return Err(self.find_header(position));
            }
            self.end = End::NotYet;
            if let Some(entry) = self.take_header(&block, &mut meta)? {
                return Ok(Some(entry));
            }
        }
    }

    /// The next block; `None` behind the end.
    fn read_header(&mut self) -> Result<Option<[u8; BLOCK_BYTES]>, TarError> {
        if let Some(block) = self.found.take() {
            return Ok(Some(block));
        }
        let mut block = [0; BLOCK_BYTES];
        match (self.read_full(&mut block).map_err(TarError::Read)?, self.end) {
            (BLOCK_BYTES, _) => Ok(Some(block)),
            // Less than a block behind the mark is padding.
            (_, End::Marked) => {
                self.end = End::Reached;
                Ok(None)
            }
            (0, _) => Err(TarError::Unmarked),
            (_, _) => Err(TarError::Truncated),
        }
    }

    /// Reads on to a header, which is then the next to be taken.
    fn find_header(&mut self, position: u64) -> TarError {
        let mut block = [0; BLOCK_BYTES];
        loop {
            match self.read_full(&mut block) {
                Ok(BLOCK_BYTES) => {}
                Ok(_) => {
                    self.end = End::Reached;
                    break;
                }
                Err(error) => return TarError::Read(error),
            }
            if Tar::is_tar(&block) && has_checksum(&block) {
                let skipped_bytes = self.position - BLOCK_BYTES as u64 - position;
                self.found = Some(block);
                return TarError::Damaged { position, skipped_bytes };
            }
        }
        TarError::Damaged { position, skipped_bytes: self.position - position }
    }

    /// Takes one header; `None` if it only says something of the next one.
    fn take_header(&mut self, block: &[u8; BLOCK_BYTES], meta: &mut Meta) -> Result<Option<Entry>, TarError> {
        let stored_size = number(&block[124..136]).unwrap_or(0);
        let type_flag = block[156];
        match type_flag {
            b'L' | b'K' | b'x' | b'g' | b'X' => {
                let Some(data) = self.read_meta(stored_size)? else { return Ok(None) };
                match type_flag {
                    b'L' => meta.path = Some(until_nul(&data).to_vec()),
                    b'x' | b'X' => meta.take_records(&data),
                    b'g' => {
                        self.global.take_records(&data);
                        meta.take_records(&data);
                    }
                    _ => {}
                }
                return Ok(None);
            }
            _ => {}
        }
        let Meta { path, size, modified, sparse } = std::mem::take(meta);
        let kind = match type_flag {
            0 | b'0' | b'7' | b'S' => Kind::File,
            b'5' => Kind::Directory,
            b'1' | b'2' => Kind::Link,
            _ => Kind::Special,
        };
        let stored_size = size.unwrap_or(stored_size);
        // A link or a directory has no data, whatever its size says; unknown types do.
        let has_data = matches!(type_flag, 0 | b'0' | b'7' | b'S') || !type_flag.is_ascii_digit();
        let stored_size = if has_data { stored_size } else { 0 };
        let padding = stored_size.next_multiple_of(BLOCK_BYTES as u64).saturating_sub(stored_size);
        let real_size = if type_flag == b'S' {
            self.begin_old_sparse(block, stored_size)?
        } else if sparse.is_in_data {
            self.begin_sparse(stored_size, sparse.real_size)?
        } else if sparse.is_mapped {
            self.begin_pieces(&sparse.map, sparse.real_size, stored_size)
        } else {
            self.left.pieces = VecDeque::from([Piece::Stored(stored_size)]);
            stored_size
        };
        self.left.rest += padding;
        let name = sparse.name.or(path).unwrap_or_else(|| header_name(block));
        // Some old writers mark directories by the name alone.
        let kind = if kind == Kind::File && name.ends_with(b"/") { Kind::Directory } else { kind };
        let seconds = || number(&block[136..148]).and_then(|seconds| i64::try_from(seconds).ok());
        let modified_unix_nanos = modified.or_else(|| seconds()?.checked_mul(1_000_000_000));
        Ok(Some(Entry {
            name,
            kind,
            size_bytes: real_size,
            // Writers that have no time write the epoch.
            modified_unix_nanos: modified_unix_nanos.filter(|nanos| *nanos > 0),
        }))
    }

    /// The data of a header that is about the next one; `None` if it is too long to be believed.
    fn read_meta(&mut self, size: u64) -> Result<Option<Vec<u8>>, TarError> {
        let padded = size.checked_next_multiple_of(BLOCK_BYTES as u64).ok_or(TarError::Truncated)?;
        if size > MAX_META_BYTES {
            self.left.rest = padded;
            self.pass_over()?;
            return Ok(None);
        }
        let mut data = vec![0; padded as usize]; // at most MAX_META_BYTES and a block
        if self.read_full(&mut data).map_err(TarError::Read)? < data.len() {
            return Err(TarError::Truncated);
        }
        data.truncate(size as usize);
        Ok(Some(data))
    }

    /// A sparse file of GNU's old kind: its map is in the header and in blocks behind it.
    fn begin_old_sparse(&mut self, header: &[u8; BLOCK_BYTES], stored: u64) -> Result<u64, TarError> {
        let mut map = Vec::new();
        let mut take = |entries: &[u8]| {
            for entry in entries.chunks_exact(24) {
                let (Some(offset), Some(size)) = (number(&entry[..12]), number(&entry[12..])) else { return };
                if entry[0] != 0 && map.len() < 2 * MAX_PIECES {
                    map.extend([offset, size]);
                }
            }
        };
        take(&header[386..482]);
        let mut goes_on = header[482] != 0;
        while goes_on {
            let mut block = [0; BLOCK_BYTES];
            if self.read_full(&mut block).map_err(TarError::Read)? < BLOCK_BYTES {
                return Err(TarError::Truncated);
            }
            take(&block[..504]);
            goes_on = block[504] != 0;
        }
        Ok(self.begin_pieces(&map, number(&header[483..495]), stored))
    }

    /// A sparse file of version 1.0: its map, in decimal, one number a line, stands before the data.
    fn begin_sparse(&mut self, stored: u64, real_size: Option<u64>) -> Result<u64, TarError> {
        let mut map = Vec::new();
        let mut wanted = None;
        let mut number = 0u64;
        let mut read = 0;
        while wanted.is_none_or(|wanted| map.len() < wanted) {
            let mut block = [0; BLOCK_BYTES];
            if read + BLOCK_BYTES as u64 > stored.min(MAX_META_BYTES) {
                break;
            }
            if self.read_full(&mut block).map_err(TarError::Read)? < BLOCK_BYTES {
                return Err(TarError::Truncated);
            }
            read += BLOCK_BYTES as u64;
            for byte in block {
                match byte {
                    b'0'..=b'9' => number = number.saturating_mul(10).saturating_add(u64::from(byte - b'0')),
                    b'\n' => {
                        let value = std::mem::take(&mut number);
                        match wanted {
                            None => {
                                let pieces = usize::try_from(value).unwrap_or(MAX_PIECES).min(MAX_PIECES);
                                wanted = Some(2 * pieces);
                            }
                            Some(wanted) if map.len() < wanted => map.push(value),
                            Some(_) => {}
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(self.begin_pieces(&map, real_size, stored - read))
    }

    /// Lays out the pieces of a sparse file. Returns its size.
    fn begin_pieces(&mut self, map: &[u64], real_size: Option<u64>, stored: u64) -> u64 {
        let mut pieces = VecDeque::new();
        let (mut at, mut left) = (0u64, stored);
        for piece in map.chunks_exact(2) {
            let [offset, size] = [piece[0], piece[1]];
            // A map that goes back or tells of more than is stored is wrong from there on.
            if offset < at || size > left {
                break;
            }
            pieces.push_back(Piece::Hole(offset - at));
            pieces.push_back(Piece::Stored(size));
            at = offset.saturating_add(size);
            left -= size;
        }
        if let Some(hole) = real_size.and_then(|size| size.checked_sub(at)) {
            pieces.push_back(Piece::Hole(hole));
            at += hole;
        }
        self.left = Left { pieces, rest: left };
        at
    }

    /// Reads past what is left of the member at hand.
    fn pass_over(&mut self) -> Result<(), TarError> {
        let Left { pieces, rest } = std::mem::take(&mut self.left);
        let stored = pieces.iter().map(|piece| match piece {
            Piece::Stored(bytes) => *bytes,
            Piece::Hole(_) => 0,
        });
        let bytes = stored.fold(rest, u64::saturating_add);
        let passed = io::copy(&mut self.reader.take(bytes), &mut io::sink()).map_err(TarError::Read)?;
        self.position += passed;
        if passed < bytes { Err(TarError::Truncated) } else { Ok(()) }
    }

    /// Fills a block, or less at the end.
    fn read_full(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            match self.reader.read(&mut into[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }
}

impl Read for Tar<'_> {
    /// Reads the data of the member at hand. The end of the archive within it is an error.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(Piece::Stored(0) | Piece::Hole(0)) = self.left.pieces.front() {
            self.left.pieces.pop_front();
        }
        let within = |left: u64| usize::try_from(left).unwrap_or(usize::MAX).min(into.len());
        match self.left.pieces.front_mut() {
            None => Ok(0),
            Some(Piece::Hole(left)) => {
                let count = within(*left);
                into[..count].fill(0);
                *left -= count as u64;
                Ok(count)
            }
            Some(Piece::Stored(left)) => {
                let wanted = within(*left);
                let count = self.reader.read(&mut into[..wanted])?;
                if count == 0 && wanted > 0 {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, TarError::Truncated));
                }
                *left -= count as u64;
                self.position += count as u64;
                Ok(count)
            }
        }
    }
}

/// Whether the sum of a header's bytes is what it says; some old writers summed them with a sign.
fn has_checksum(block: &[u8; BLOCK_BYTES]) -> bool {
    let Some(wanted) = number(&block[148..156]) else { return false };
    let bytes =
        block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte });
    let (unsigned, signed) = bytes.fold((0u64, 0i64), |(unsigned, signed), byte| {
        (unsigned + u64::from(byte), signed + i64::from(byte.cast_signed()))
    });
    wanted == unsigned || i64::try_from(wanted) == Ok(signed)
}

/// A number of a header: octal digits, or, with the highest bit set, binary.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if *first == 0x80 {
        let (high, low) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
        let low = u64::from_be_bytes(low.try_into().ok()?);
        return high.iter().all(|byte| *byte == 0).then_some(low);
    }
    let digits = field.trim_ascii_start();
    let end = digits.iter().position(|byte| matches!(byte, 0 | b' ')).unwrap_or(digits.len());
    digits[..end].iter().try_fold(0u64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or(field)
}

fn header_name(block: &[u8; BLOCK_BYTES]) -> Vec<u8> {
    let name = until_nul(&block[..100]);
    let prefix = until_nul(&block[345..500]);
    // GNU's own format has other things where ustar has a prefix.
    if block[257..263] == *b"ustar\0" && !prefix.is_empty() {
        [prefix, b"/", name].concat()
    } else {
        name.to_vec()
    }
}

impl Meta {
    /// Takes the records of a pax header: each a length in decimal, a space, a key, `=`, a value and LF.
    fn take_records(&mut self, mut data: &[u8]) {
        while let Some(space) = data.iter().position(|byte| *byte == b' ') {
            let length = decimal(&data[..space]).and_then(|length| usize::try_from(length).ok());
            let Some((record, rest)) = length.and_then(|length| data.split_at_checked(length)) else {
                return;
            };
            data = rest;
            let Some(record) = record.get(space + 1..record.len().saturating_sub(1)) else { return };
            let Some(equals) = record.iter().position(|byte| *byte == b'=') else { continue };
            self.take_record(&record[..equals], &record[equals + 1..]);
        }
    }

    fn take_record(&mut self, key: &[u8], value: &[u8]) {
        let sparse = &mut self.sparse;
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"size" => self.size = decimal(value),
            b"mtime" => self.modified = decimal_nanos(value),
            b"GNU.sparse.major" => sparse.is_in_data = value == b"1",
            b"GNU.sparse.name" => sparse.name = Some(value.to_vec()),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => sparse.real_size = decimal(value),
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" if sparse.map.len() < 2 * MAX_PIECES => {
                sparse.is_mapped = true;
                sparse.map.extend(decimal(value));
            }
            b"GNU.sparse.map" => {
                sparse.is_mapped = true;
                let numbers = value.split(|byte| *byte == b',').map_while(decimal);
                sparse.map = numbers.take(2 * MAX_PIECES).collect();
            }
            _ => {}
        }
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Seconds since the epoch with a fraction, as nanoseconds.
fn decimal_nanos(text: &[u8]) -> Option<i64> {
    let (seconds, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &b""[..]),
    };
    let seconds: i64 = std::str::from_utf8(seconds).ok()?.parse().ok()?;
    let digits = fraction.iter().take(9).take_while(|byte| byte.is_ascii_digit());
    let (nanos, unit) = digits.fold((0i64, 1_000_000_000i64), |(nanos, unit), digit| {
        (nanos + i64::from(digit - b'0') * (unit / 10), unit / 10)
    });
    debug_assert!(unit > 0);
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}
