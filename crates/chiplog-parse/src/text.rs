//! Borrowed text that may still be escaped, and values of key/value pairs.

use core::fmt;

#[cfg(feature = "alloc")]
use alloc::{borrow::Cow, vec::Vec};

/// How the raw form of a [`Text`] is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Escape {
    /// Not at all: the raw bytes are the text.
    None,
    /// The inside of a Go double-quoted string (`strconv.Quote`), without the quotes.
    Go,
    /// The inside of a JSON string, without the quotes.
    Json,
    /// A JSON array of byte values, as journald prints text that is not printable UTF-8:
    /// the raw form is the inside of the brackets, `104,105`.
    JsonBytes,
    /// The inside of a klog `=<` block: every line starts with one TAB that is not text.
    KlogBlock,
    /// A message in the line of a [journal entry](crate::journal_entry): a line feed is written as
    /// byte 0x1d, that byte as 0x1c `1`, 0x1c as 0x1c `0`, and a carriage return at the end as
    /// 0x1c `2`.
    Journal,
}

/// Text of a record, borrowed from the line in its raw form.
///
/// The raw form costs nothing. [`Text::decode`] takes the escapes away and allocates only when
/// there are any. Decoding never fails: an escape that is not valid stands for itself.
///
/// ```
/// use chiplog_parse::{Escape, Text};
/// let text = Text::new(br#"orphaned pod \"web\""#, Escape::Go);
/// assert_eq!(text.raw(), br#"orphaned pod \"web\""#);
/// # #[cfg(feature = "alloc")]
/// assert_eq!(&*text.decode(), br#"orphaned pod "web""#);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a [u8],
    escape: Escape,
}

impl<'a> Text<'a> {
    /// Text in the given raw form.
    #[must_use]
    pub const fn new(raw: &'a [u8], escape: Escape) -> Self {
        Self { raw, escape }
    }

    /// Text that is not escaped.
    #[must_use]
    pub const fn plain(raw: &'a [u8]) -> Self {
        Self::new(raw, Escape::None)
    }

    /// The bytes as they stand in the line.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// How [`Text::raw`] is escaped.
    #[must_use]
    pub const fn escape(&self) -> Escape {
        self.escape
    }

    /// The decoded text without allocating, when the raw form holds no escape.
    #[must_use]
    pub fn as_plain(&self) -> Option<&'a [u8]> {
        match self.escape {
            Escape::None => Some(self.raw),
            Escape::Go | Escape::Json if memchr::memchr(b'\\', self.raw).is_none() => Some(self.raw),
            _ => None,
        }
    }

    /// The decoded text; borrowed when nothing is escaped.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn decode(&self) -> Cow<'a, [u8]> {
        match self.as_plain() {
            Some(plain) => Cow::Borrowed(plain),
            None => {
                let mut out = Vec::with_capacity(self.raw.len());
                self.decode_into(&mut out);
                Cow::Owned(out)
            }
        }
    }

    /// Appends the decoded text to `out`.
    #[cfg(feature = "alloc")]
    pub fn decode_into(&self, out: &mut Vec<u8>) {
        match self.escape {
            Escape::None => out.extend_from_slice(self.raw),
            Escape::Go => crate::go::unquote_into(self.raw, out),
            Escape::Json => crate::json::unescape_into(self.raw, out),
            Escape::JsonBytes => crate::json::byte_array_into(self.raw, out),
            Escape::KlogBlock => crate::klog::block_into(self.raw, out),
            Escape::Journal => crate::journal_entry::unescape_into(self.raw, out),
        }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}(\"{}\")", self.escape, self.raw.escape_ascii())
    }
}

/// Writes the decoded text; bytes that are not UTF-8 as U+FFFD. Without the `alloc` feature,
/// escapes are written as they stand.
impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "alloc")]
        let decoded = self.decode();
        #[cfg(not(feature = "alloc"))]
        let decoded = self.raw;
        for chunk in decoded.utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_str("\u{fffd}")?;
            }
        }
        Ok(())
    }
}

/// The value of a key/value pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Text, quoted in the line or not.
    Text(Text<'a>),
    /// A token that is not text: a number, `true`, `null`, JSON, Go's `%+v` form. Verbatim.
    Raw(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The value as text: the text itself, or the token.
    #[must_use]
    pub const fn text(&self) -> Text<'a> {
        match *self {
            Self::Text(text) => text,
            Self::Raw(raw) => Text::plain(raw),
        }
    }
}
