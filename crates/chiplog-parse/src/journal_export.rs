//! `journalctl -o export`: the serialisation of journal entries that loses nothing.
//!
//! ```text
//! entry  = 1*field LF
//! field  = name "=" *(any byte but LF) LF
//!        / name LF length bytes LF            ; length: 64 bits, little-endian
//! name   = 1*("A".."Z" / "0".."9" / "_")
//! ```
//!
//! A field may occur more than once in an entry. Values are bytes; those that hold a line feed or
//! are not UTF-8 have the second form. Blank lines between entries are skipped.
//!
//! All functions tell input that is cut, [`Error::Incomplete`], from input that can never become an
//! entry, [`Error::Malformed`]: a reader of a pipe waits for more on the first and gives up on the
//! second.
//!
//! Sources: systemd 252 `docs/JOURNAL_EXPORT_FORMATS.md`, `src/shared/logs-show.c`,
//! `src/shared/journal-importer.c`.

use core::fmt;

use memchr::memchr2;

use crate::ParseError;

/// The longest binary field that is accepted, in bytes: 768 MiB, as in systemd's own reader
/// (`DATA_SIZE_MAX`). A length beyond it is malformed, so that a damaged length cannot make a
/// reader wait for ever.
pub const MAX_FIELD_BYTES: u64 = 768 << 20;

/// Why there is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The input ends inside an entry.
    Incomplete {
        /// At least this many bytes more are needed, and never 0. Exact within a binary field.
        needed: usize,
    },
    /// The input is not of this format.
    Malformed(ParseError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete { needed } => write!(f, "at least {needed} more bytes of a journal entry"),
            Self::Malformed(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

/// One field of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field<'a> {
    /// The name: `MESSAGE`, `_SYSTEMD_UNIT`, `__REALTIME_TIMESTAMP`.
    pub name: &'a [u8],
    /// The value, as the program gave it.
    pub value: &'a [u8],
}

/// A whole entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    fields: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The fields in order, repeated ones included.
    #[inline]
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let mut rest = self.fields;
        core::iter::from_fn(move || {
            let (field, length) = field(rest).ok()?;
            rest = rest.get(length..)?;
            Some(field)
        })
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.fields().find(|field| field.name == name).map(|field| field.value)
    }
}

/// The field at the start of `bytes`, and its length. For readers that would rather keep fields
/// than whole entries; [`entry`] is the usual way.
///
/// # Errors
///
/// When the bytes end before the field does, or start with something else (a blank line ends the
/// entry).
#[inline]
pub fn field(bytes: &[u8]) -> Result<(Field<'_>, usize), Error> {
    const INCOMPLETE: Error = Error::Incomplete { needed: 1 };
    let malformed = |expected, at| Err(Error::Malformed(ParseError::new(expected, at)));
    let name_length = memchr2(b'=', b'\n', bytes).unwrap_or(bytes.len());
    let (name, rest) = bytes.split_at(name_length);
    if let Some(at) = name.iter().position(|byte| !matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')) {
        return malformed("a journal field name", at);
    }
    match rest {
        [] => Err(INCOMPLETE),
        _ if name.is_empty() => malformed("a journal field name", 0),
        [b'=', rest @ ..] => {
            let end = memchr::memchr(b'\n', rest).ok_or(INCOMPLETE)?;
            let value = rest.get(..end).unwrap_or_default();
            Ok((Field { name, value }, name_length + 1 + end + 1))
        }
        [_, rest @ ..] => {
            let Some((length, rest)) = rest.split_first_chunk::<8>() else {
                return Err(Error::Incomplete { needed: 8 - rest.len() });
            };
            let length_at = name_length + 1;
            let length = u64::from_le_bytes(*length);
            let Some(length) = usize::try_from(length).ok().filter(|_| length <= MAX_FIELD_BYTES) else {
                return malformed("a field length of at most 768 MiB", length_at);
            };
            match rest.get(..=length) {
                None => Err(Error::Incomplete { needed: length + 1 - rest.len() }),
                Some([value @ .., b'\n']) => Ok((Field { name, value }, length_at + 8 + length + 1)),
                Some(_) => malformed("a line feed after a binary field", length_at + 8 + length),
            }
        }
    }
}

/// The entry at the start of `bytes`, and how many bytes to skip to come behind it.
///
/// ```
/// use chiplog_parse::journal_export::{self, Error};
/// let bytes = b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n_PID=1\n\n";
/// let (entry, length) = journal_export::entry(bytes).unwrap();
/// assert_eq!(entry.get(b"MESSAGE"), Some(&b"two\nlines"[..]));
/// assert_eq!(entry.get(b"_PID"), Some(&b"1"[..]));
/// assert_eq!(length, bytes.len());
///
/// let cut = journal_export::entry(&bytes[..20]);
/// assert_eq!(cut.unwrap_err(), Error::Incomplete { needed: 6 });
/// ```
///
/// # Errors
///
/// When the bytes end before the blank line that ends the entry, or are malformed. Offsets count
/// from the start of `bytes`.
pub fn entry(bytes: &[u8]) -> Result<(Entry<'_>, usize), Error> {
    scan(bytes, false)
}

/// As [`entry`], for bytes that no more will follow: the end of the bytes ends an entry too, if it
/// comes after a whole field.
///
/// # Errors
///
/// As for [`entry`].
pub fn last_entry(bytes: &[u8]) -> Result<(Entry<'_>, usize), Error> {
    scan(bytes, true)
}

fn scan(bytes: &[u8], at_end: bool) -> Result<(Entry<'_>, usize), Error> {
    let start = bytes.iter().position(|byte| *byte != b'\n').unwrap_or(bytes.len());
    let mut end = start;
    loop {
        let rest = bytes.get(end..).unwrap_or_default();
        let ended = match rest {
            [] => at_end && end > start,
            [first, ..] => *first == b'\n',
        };
        if ended {
            let fields = bytes.get(start..end).unwrap_or_default();
            return Ok((Entry { fields }, bytes.len().min(end + 1)));
        }
        let (_, length) = field(rest).map_err(|error| match error {
            Error::Malformed(error) => {
                Error::Malformed(ParseError::new(error.expected(), end + error.offset()))
            }
            incomplete => incomplete,
        })?;
        end += length;
    }
}

/// All entries of `bytes` in order. After an error there are no more; [`Entries::rest`] has what
/// was not read.
///
/// ```
/// let export = b"MESSAGE=a\n\nMESSAGE=b\n\nMESS";
/// let mut entries = chiplog_parse::journal_export::entries(export);
/// assert_eq!(entries.by_ref().map_while(Result::ok).count(), 2);
/// assert_eq!(entries.rest(), b"MESS");
/// ```
#[must_use]
pub const fn entries(bytes: &[u8]) -> Entries<'_> {
    Entries { rest: bytes, failed: false }
}

/// Iterator over entries, see [`entries`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    rest: &'a [u8],
    failed: bool,
}

impl<'a> Entries<'a> {
    /// The bytes after the last whole entry.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.rest.iter().all(|byte| *byte == b'\n') {
            return None;
        }
        match entry(self.rest) {
            Ok((entry, length)) => {
                self.rest = self.rest.get(length..).unwrap_or_default();
                Some(Ok(entry))
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn export(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in fields {
            out.extend_from_slice(name);
            if value.contains(&b'\n') {
                out.push(b'\n');
                out.extend_from_slice(&(value.len() as u64).to_le_bytes());
            } else {
                out.push(b'=');
            }
            out.extend_from_slice(value);
            out.push(b'\n');
        }
        out.push(b'\n');
        out
    }

    #[test]
    fn needed_bytes_are_never_more_than_are_missing() {
        let whole = export(&[(b"MESSAGE", b"two\nlines"), (b"_PID", b"1"), (b"A", b"")]);
        for end in 0..whole.len() {
            match entry(&whole[..end]) {
                Err(Error::Incomplete { needed }) => {
                    assert!((1..=whole.len() - end).contains(&needed), "{end}: {needed}");
                }
                other => panic!("{end}: {other:?}"),
            }
        }
        assert_eq!(entry(&whole).unwrap().1, whole.len());
    }

    #[test]
    fn the_end_ends_the_last_entry() {
        assert!(entry(b"A=1\n").is_err());
        assert_eq!(last_entry(b"A=1\n").unwrap().1, 4);
        assert!(last_entry(b"A=1").is_err());
        assert!(last_entry(b"").is_err());
    }

    #[test]
    fn damage_is_told_from_missing_bytes() {
        let malformed = |bytes: &[u8]| matches!(entry(bytes), Err(Error::Malformed(_)));
        assert!(malformed(b"message=a\n\n"));
        assert!(malformed(b"=a\n\n"));
        assert!(malformed(b"A\n\xff\xff\xff\xff\xff\xff\xff\xff"));
        assert!(malformed(b"A\n\x01\0\0\0\0\0\0\0abc"));
        assert!(malformed(b"<html>"));
        let Err(Error::Malformed(error)) = entry(b"\nA=1\nb=2\n\n") else { panic!() };
        assert_eq!(error.offset(), 5);
    }

    proptest! {
        #[test]
        fn reads_back_what_was_written(values in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..12), 1..6))
        {
            let fields: Vec<(&[u8], &[u8])> =
                values.iter().map(|value| (&b"FIELD_1"[..], value.as_slice())).collect();
            let twice = [export(&fields), export(&fields)].concat();
            let read: Vec<Vec<_>> = entries(&twice)
                .map(|entry| entry.unwrap().fields().map(|f| (f.name, f.value)).collect())
                .collect();
            prop_assert_eq!(read, [fields.clone(), fields]);
        }

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(b'='), Just(b'A'), any::<u8>()], 0..64))
        {
            prop_assert!(entries(&bytes).count() <= bytes.len());
        }
    }
}
