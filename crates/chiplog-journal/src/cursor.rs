//! A place in a journal, in the words of journalctl.

use std::fmt;
use std::str::FromStr;

use crate::Id128;

/// The place of one entry, in a form that other files and other machines understand.
///
/// Its text is the one of `journalctl --show-cursor` and `--after-cursor`, and of `__CURSOR` in
/// exports.
///
/// ```
/// use chiplog_journal::Cursor;
///
/// let text = "s=30adf4bc00204fb09045cbd91724bb0f;i=1f;b=3493c43eae04496f971f1d562315e7c4;\
///             m=16760c1f0;t=660fa85cc2666;x=5d47ea07de3c6671";
/// let cursor: Cursor = text.parse()?;
/// assert_eq!(cursor.seqnum, 31);
/// assert_eq!(cursor.to_string(), text);
/// # Ok::<(), chiplog_journal::ParseCursorError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The sequence that `seqnum` is a number of.
    pub seqnum_id: Id128,
    /// Number of the entry in its sequence.
    pub seqnum: u64,
    /// The boot in which the entry was written.
    pub boot_id: Id128,
    /// Microseconds since that boot.
    pub monotonic_micros: u64,
    /// Microseconds since 1970.
    pub realtime_micros: u64,
    /// Exclusive or of the hashes of the entry's fields.
    pub xor_hash: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seqnum_id, seqnum, boot_id, monotonic_micros, realtime_micros, xor_hash } = self;
        write!(
            formatter,
            "s={seqnum_id};i={seqnum:x};b={boot_id};m={monotonic_micros:x};t={realtime_micros:x};x={xor_hash:x}"
        )
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    /// Reads the parts in any order; what is not known is skipped, as journalctl does.
    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let (mut seqnum_id, mut boot_id) = (None, None);
        let (mut seqnum, mut monotonic, mut realtime, mut xor_hash) = (None, None, None, None);
        for part in text.trim().split(';') {
            let (key, value) = part.split_once('=').ok_or(ParseCursorError { part: "key=value" })?;
            let number = |part| u64::from_str_radix(value, 16).map_err(|_| ParseCursorError { part });
            let id = |part| value.parse::<Id128>().map_err(|_| ParseCursorError { part });
            match key {
                "s" => seqnum_id = Some(id("s")?),
                "i" => seqnum = Some(number("i")?),
                "b" => boot_id = Some(id("b")?),
                "m" => monotonic = Some(number("m")?),
                "t" => realtime = Some(number("t")?),
                "x" => xor_hash = Some(number("x")?),
                _ => {}
            }
        }
        let missing = |part| ParseCursorError { part };
        Ok(Self {
            seqnum_id: seqnum_id.ok_or(missing("s"))?,
            seqnum: seqnum.ok_or(missing("i"))?,
            boot_id: boot_id.ok_or(missing("b"))?,
            monotonic_micros: monotonic.ok_or(missing("m"))?,
            realtime_micros: realtime.ok_or(missing("t"))?,
            // Old cursors do without.
            xor_hash: xor_hash.unwrap_or_default(),
        })
    }
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseCursorError {
    part: &'static str,
}

impl fmt::Display for ParseCursorError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "part {:?} of the cursor is missing or wrong", self.part)
    }
}

impl std::error::Error for ParseCursorError {}
