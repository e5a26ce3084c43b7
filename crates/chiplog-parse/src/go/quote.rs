//! Go double-quoted strings, as `strconv.Quote` prints them.
//!
//! ```text
//! quoted = DQUOTE *( escape / any byte except DQUOTE, "\" and LF ) DQUOTE
//! escape = "\" ( "a" / "b" / "f" / "n" / "r" / "t" / "v" / "\" / DQUOTE
//!              / "x" 2HEXDIG / 3OCTDIG / "u" 4HEXDIG / "U" 8HEXDIG )
//! ```
//!
//! Octal goes to `\377`, `\u` and `\U` name Unicode scalar values only (no surrogates, nothing
//! above U+10FFFF), and `\'` belongs to rune literals, not here (Go `strconv/quote.go`, 1.24).
//! The decoded text is bytes: `\xff` is how Go prints a byte that is not UTF-8.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use crate::{Escape, ParseError, Text, near};

/// The quoted string that `text` starts with, and its length in bytes including both quotes.
///
/// Strict: what Go's own `strconv.Unquote` refuses is refused. The text is the inside of the
/// quotes, still escaped ([`Escape::Go`]). A string that is not valid UTF-8 in its raw form is
/// taken as it is; Go would replace the bad bytes.
///
/// ```
/// use chiplog_parse::go::quoted;
/// let (text, length) = quoted(br#""a\tb" k=1"#).unwrap();
/// assert_eq!((text.raw(), length), (&br"a\tb"[..], 6));
/// assert!(quoted(br#""no end"#).is_err());
/// assert!(quoted(br#""no Go escape: \q""#).is_err());
/// ```
///
/// # Errors
///
/// If `text` does not start with a quote, the string does not end, holds a raw line feed, or
/// holds an escape that Go does not have.
#[inline]
pub fn quoted(text: &[u8]) -> Result<(Text<'_>, usize), ParseError> {
    if text.first() != Some(&b'"') {
        return Err(ParseError::new("a double quote", 0));
    }
    let mut at = 1;
    loop {
        let Some(found) = near::first(text, at, [b'"', b'\\', b'\n']) else {
            return Err(ParseError::new("a closing double quote", text.len()));
        };
        at = found;
        match text[at] {
            b'"' => return Ok((Text::new(&text[1..at], Escape::Go), at + 1)),
            b'\\' => match escape(&text[at + 1..]) {
                Some((_, length)) => at += 1 + length,
                None => return Err(ParseError::new("an escape of a Go string", at)),
            },
            _ => return Err(ParseError::new("a closing double quote before the line feed", at)),
        }
    }
}

/// Appends the text of the inside of a Go double-quoted string to `out`.
///
/// Lenient: a backslash that starts no escape of a Go string stands for itself.
///
/// ```
/// let mut text = Vec::new();
/// chiplog_parse::go::unquote_into(br#"say \"hi\"\x21 \q"#, &mut text);
/// assert_eq!(text, br#"say "hi"! \q"#);
/// ```
#[cfg(feature = "alloc")]
pub fn unquote_into(inside: &[u8], out: &mut Vec<u8>) {
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        match escape(rest) {
            Some((Unescaped::Byte(byte), length)) => {
                out.push(byte);
                rest = &rest[length..];
            }
            Some((Unescaped::Char(char), length)) => {
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[length..];
            }
            None => out.push(b'\\'),
        }
    }
    out.extend_from_slice(rest);
}

/// What an escape stands for.
#[cfg_attr(not(feature = "alloc"), expect(dead_code, reason = "only decoding reads it"))]
enum Unescaped {
    Byte(u8),
    Char(char),
}

/// The escape that follows a backslash: what it stands for, and its length without the backslash.
fn escape(text: &[u8]) -> Option<(Unescaped, usize)> {
    let byte = |byte| Some((Unescaped::Byte(byte), 1));
    match *text.first()? {
        b'a' => byte(0x07),
        b'b' => byte(0x08),
        b'f' => byte(0x0c),
        b'n' => byte(b'\n'),
        b'r' => byte(b'\r'),
        b't' => byte(b'\t'),
        b'v' => byte(0x0b),
        itself @ (b'\\' | b'"') => byte(itself),
        b'x' => Some((Unescaped::Byte(number(text.get(1..3)?, 16)?.try_into().ok()?), 3)),
        b'0'..=b'7' => Some((Unescaped::Byte(number(text.get(..3)?, 8)?.try_into().ok()?), 3)),
        b'u' => Some((Unescaped::Char(char::from_u32(number(text.get(1..5)?, 16)?)?), 5)),
        b'U' => Some((Unescaped::Char(char::from_u32(number(text.get(1..9)?, 16)?)?), 9)),
        _ => None,
    }
}

/// The value of at most eight digits of a radix up to 16.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    digits.iter().try_fold(0u32, |number, digit| Some(number * radix + char::from(*digit).to_digit(radix)?))
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::{format, vec};

    fn unquote(inside: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        unquote_into(inside, &mut out);
        out
    }

    #[test]
    fn an_escaped_quote_does_not_end_the_string() {
        let (text, length) = quoted(br#""a\\" b\" c""#).unwrap();
        assert_eq!((text.raw(), length), (&br"a\\"[..], 5));
        let (text, length) = quoted(br#""a\\\" b" c"#).unwrap();
        assert_eq!((&*text.decode(), length), (&br#"a\" b"#[..], 9));
    }

    #[test]
    fn invalid_escapes_stand_for_themselves() {
        for inside in [r"\", r"\q", r"\'", r"\/", r"\x1", r"\x1g", r"\400", r"\08", r"\ud800", r"\U00110000"]
        {
            assert_eq!(unquote(inside.as_bytes()), inside.as_bytes(), "{inside}");
            assert!(quoted(format!("\"{inside}\"").as_bytes()).is_err(), "{inside}");
        }
    }

    #[test]
    fn errors_say_where() {
        assert_eq!(quoted(b"").unwrap_err().offset(), 0);
        assert_eq!(quoted(b"\"ab").unwrap_err().offset(), 3);
        assert_eq!(quoted(b"\"a\\'\"").unwrap_err().offset(), 2);
        assert_eq!(quoted(b"\"a\nb\"").unwrap_err().offset(), 2);
    }

    proptest! {
        #[test]
        fn undoes_an_escape_of_every_byte(bytes in any::<Vec<u8>>(), rest in any::<Vec<u8>>()) {
            let mut line = vec![b'"'];
            for byte in &bytes {
                line.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
            }
            line.push(b'"');
            let length = line.len();
            line.extend_from_slice(&rest);
            let (text, found) = quoted(&line).unwrap();
            prop_assert_eq!(found, length);
            prop_assert_eq!(&*text.decode(), &bytes[..]);
        }

        #[test]
        fn what_is_strict_ends_in_a_quote(text in r#""[ab\\"nx0-9u\n]{0,12}"#) {
            if let Ok((inside, length)) = quoted(text.as_bytes()) {
                prop_assert_eq!(inside.raw(), &text.as_bytes()[1..length - 1]);
                prop_assert_eq!(text.as_bytes()[length - 1], b'"');
            }
            unquote(text.as_bytes());
        }
    }
}
