//! A borrowed scan over one JSON object, the form in which half of all container logs arrive.
//!
//! ```text
//! object = ws "{" [ member *( "," member ) ] "}" ws      ; RFC 8259, nothing else on the line
//! member = string ":" value
//! ```
//!
//! Only the members of the outermost object are given, in order of appearance and with duplicate
//! keys; nested values are checked and given as the bytes they stand in. The scan is one pass,
//! borrows everything and does not recurse: nesting deeper than [`MAX_DEPTH`] is an error.
//!
//! More lenient than RFC 8259 in one point: what is inside a string is not looked at before it is
//! decoded, so that control bytes and invalid escapes stand for themselves.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

#[cfg(feature = "alloc")]
use memchr::memchr;

use crate::{Escape, ParseError, Text, near};

/// How deep values may nest below the outermost object.
pub const MAX_DEPTH: u32 = 128;

/// One member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// The key, always [`Escape::Json`]. Keys that log encoders choose hold no escape, so the raw
    /// form may be compared.
    pub key: Text<'a>,
    /// The value.
    pub value: Value<'a>,
}

/// A JSON value, as far as it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string; always [`Escape::Json`].
    String(Text<'a>),
    /// A number, verbatim.
    Number(&'a [u8]),
    /// `true`, `false` or `null`.
    Literal(&'a [u8]),
    /// An object from `{` to `}`; [`members`] reads it.
    Object(&'a [u8]),
    /// An array from `[` to `]`; [`elements`] reads it.
    Array(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The text of a string.
    #[must_use]
    pub const fn as_string(&self) -> Option<Text<'a>> {
        match *self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a whole number from 0 to 2^64 - 1.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::Number(number) => match crate::bytes::decimal(number) {
                Some((value, length)) if length == number.len() => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        *self == Self::Literal(b"null")
    }
}

impl<'a> From<Value<'a>> for crate::Value<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            Value::Number(raw) | Value::Literal(raw) | Value::Object(raw) | Value::Array(raw) => {
                Self::Raw(raw)
            }
        }
    }
}

/// The members of the object that `line` consists of.
///
/// ```
/// use chiplog_parse::json::{self, Value};
/// let mut members = json::members(br#"{"log":"one\n","attrs":{"tag":[1]}}"#);
/// let log = members.next().unwrap()?;
/// assert_eq!((log.key.raw(), log.value.as_string().unwrap().raw()), (&b"log"[..], &br"one\n"[..]));
/// assert_eq!(members.next().unwrap()?.value, Value::Object(br#"{"tag":[1]}"#));
/// assert!(members.next().is_none());
///
/// // What follows the object is an error at the place where it begins.
/// let error = json::members(b"{}{}").next().unwrap().unwrap_err();
/// assert_eq!(error.offset(), 2);
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
#[must_use]
pub const fn members(line: &[u8]) -> Members<'_> {
    members_from(line, 0)
}

/// As [`members`], of an object that starts at `start`.
pub(crate) const fn members_from(line: &[u8], start: usize) -> Members<'_> {
    Members { line, at: start, state: State::Before }
}

/// As [`members`], of an object whose member before `at` ends there.
pub(crate) const fn members_after(line: &[u8], at: usize) -> Members<'_> {
    Members { line, at, state: State::Inside }
}

/// Iterator over the members of an object. After an error there is no further item.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    line: &'a [u8],
    at: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Before,
    Inside,
    Done,
}

impl<'a> Members<'a> {
    /// The next member where everything stands as log encoders print it: behind a comma, without
    /// blanks. `None` leaves the decision to [`Members::advance`].
    #[inline(always)]
    fn compact(&mut self) -> Option<Member<'a>> {
        let line = self.line;
        let [b',', b'"', ..] = line.get(self.at..)? else { return None };
        let start = self.at + 2;
        let quote = closing_quote(line, start)?;
        let key = line.get(start..quote)?;
        let [b':', first, ..] = line.get(quote + 1..)? else { return None };
        let value = if *first == b'"' {
            let start = quote + 3;
            let quote = closing_quote(line, start)?;
            self.at = quote + 1;
            Value::String(Text::new(line.get(start..quote)?, Escape::Json))
        } else {
            let (value, end) = value(line, quote + 2).ok()?;
            self.at = end;
            value
        };
        Some(Member { key: Text::new(key, Escape::Json), value })
    }

    #[inline(never)]
    fn advance(&mut self) -> Result<Option<Member<'a>>, ParseError> {
        let line = self.line;
        let mut at = skip_blanks(line, self.at);
        let byte = line.get(at);
        if self.state == State::Before {
            if byte != Some(&b'{') {
                return Err(ParseError::new("a JSON object", at));
            }
            at = skip_blanks(line, at + 1);
            if line.get(at) == Some(&b'}') {
                return end(line, at + 1);
            }
        } else {
            match byte {
                Some(b',') => at = skip_blanks(line, at + 1),
                Some(b'}') => return end(line, at + 1),
                _ => return Err(ParseError::new("`,` or `}` after a JSON member", at)),
            }
        }
        let (key, at) = key(line, at)?;
        let (value, at) = value(line, at)?;
        self.at = at;
        Ok(Some(Member { key, value }))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<Member<'a>, ParseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Inside {
            if let Some(member) = self.compact() {
                return Some(Ok(member));
            }
        } else if self.state == State::Done {
            return None;
        }
        let member = self.advance();
        self.state = if matches!(member, Ok(Some(_))) { State::Inside } else { State::Done };
        member.transpose()
    }
}

impl core::iter::FusedIterator for Members<'_> {}

/// The elements of an array, as [`Value::Array`] gives it.
///
/// ```
/// use chiplog_parse::json::{self, Value};
/// let elements: Result<Vec<_>, _> = json::elements(b"[1, null]").collect();
/// assert_eq!(elements?, [Value::Number(b"1"), Value::Literal(b"null")]);
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
#[must_use]
pub const fn elements(array: &[u8]) -> Elements<'_> {
    Elements { array, at: 0, state: State::Before }
}

/// Iterator over the elements of an array. After an error there is no further item.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    array: &'a [u8],
    at: usize,
    state: State,
}

impl<'a> Elements<'a> {
    fn advance(&mut self) -> Result<Option<Value<'a>>, ParseError> {
        let array = self.array;
        let mut at = skip_blanks(array, self.at);
        let byte = array.get(at);
        if self.state == State::Before {
            if byte != Some(&b'[') {
                return Err(ParseError::new("a JSON array", at));
            }
            at = skip_blanks(array, at + 1);
            if array.get(at) == Some(&b']') {
                return end(array, at + 1);
            }
        } else {
            match byte {
                Some(b',') => at = skip_blanks(array, at + 1),
                Some(b']') => return end(array, at + 1),
                _ => return Err(ParseError::new("`,` or `]` after a JSON element", at)),
            }
        }
        let (value, at) = value(array, at)?;
        self.at = at;
        Ok(Some(value))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Value<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Done {
            return None;
        }
        let element = self.advance();
        self.state = if matches!(element, Ok(Some(_))) { State::Inside } else { State::Done };
        element.transpose()
    }
}

impl core::iter::FusedIterator for Elements<'_> {}

#[inline]
fn skip_blanks(line: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = line.get(at) {
        at += 1;
    }
    at
}

/// Nothing but blanks may follow.
fn end<T>(line: &[u8], at: usize) -> Result<Option<T>, ParseError> {
    match skip_blanks(line, at) {
        end if end == line.len() => Ok(None),
        end => Err(ParseError::new("the end of the line after the JSON value", end)),
    }
}

/// A key and its colon; gives the offset of the value.
#[inline]
fn key(line: &[u8], at: usize) -> Result<(Text<'_>, usize), ParseError> {
    if line.get(at) != Some(&b'"') {
        return Err(ParseError::new("a JSON key", at));
    }
    let (key, at) = string(line, at)?;
    let at = skip_blanks(line, at);
    if line.get(at) != Some(&b':') {
        return Err(ParseError::new("`:` after a JSON key", at));
    }
    Ok((key, skip_blanks(line, at + 1)))
}

/// A string whose opening quote stands at `open`, and the offset behind its closing quote.
///
/// Stops at quotes only, and then looks back for the backslashes that may escape them. Each run
/// of backslashes is looked at once, so this is linear for any input.
#[inline]
fn string(line: &[u8], open: usize) -> Result<(Text<'_>, usize), ParseError> {
    match closing_quote(line, open + 1) {
        Some(quote) => Ok((Text::new(&line[open + 1..quote], Escape::Json), quote + 1)),
        None => Err(ParseError::new("the end of a JSON string", line.len())),
    }
}

/// The first quote at or after `start`, where the inside of a string begins, that no backslash
/// escapes.
#[inline(always)]
pub(crate) fn closing_quote(line: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let (mut quotes, end) = near::mask(line, at, b'"')?;
        while quotes != 0 {
            let quote = at + quotes.trailing_zeros() as usize;
            let inside = line.get(start..quote)?;
            if inside.last() != Some(&b'\\') || !ends_in_open_escape(inside) {
                return Some(quote);
            }
            quotes &= quotes - 1;
        }
        at = end;
    }
}

/// Whether what comes after `bytes` is escaped by an odd run of backslashes.
#[inline]
pub(crate) fn ends_in_open_escape(bytes: &[u8]) -> bool {
    bytes.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

#[inline]
fn value(line: &[u8], at: usize) -> Result<(Value<'_>, usize), ParseError> {
    match line.get(at) {
        Some(b'"') => string(line, at).map(|(text, end)| (Value::String(text), end)),
        Some(b'{') => container_end(line, at).map(|end| (Value::Object(&line[at..end]), end)),
        Some(b'[') => container_end(line, at).map(|end| (Value::Array(&line[at..end]), end)),
        _ => scalar(line, at),
    }
}

/// A number, `true`, `false` or `null`.
fn scalar(line: &[u8], at: usize) -> Result<(Value<'_>, usize), ParseError> {
    let rest = line.get(at..).unwrap_or_default();
    for literal in [&b"true"[..], b"false", b"null"] {
        if rest.starts_with(literal) {
            return Ok((Value::Literal(&rest[..literal.len()]), at + literal.len()));
        }
    }
    match number_length(rest) {
        Some(length) => Ok((Value::Number(&rest[..length]), at + length)),
        None => Err(ParseError::new("a JSON value", at)),
    }
}

/// `[-] int [frac] [exp]` of RFC 8259, section 6.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = bytes.get(from..)?;
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(count)
    };
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at)?;
    if whole > 1 && bytes[at] == b'0' {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        at += 1 + digits(at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at += digits(at)?;
    }
    Some(at)
}

/// The offset behind the object or array that starts at `start`.
fn container_end(line: &[u8], start: usize) -> Result<usize, ParseError> {
    // One bit for each open container, the innermost lowest: 1 for an object.
    let mut kinds = 0u128;
    let mut depth = 0;
    let mut at = start;
    loop {
        match line.get(at) {
            Some(open @ (b'{' | b'[')) => {
                if depth == MAX_DEPTH {
                    return Err(ParseError::new("JSON that nests at most 128 deep", at));
                }
                let is_object = *open == b'{';
                depth += 1;
                kinds = kinds << 1 | u128::from(is_object);
                at = skip_blanks(line, at + 1);
                if line.get(at) != Some(if is_object { &b'}' } else { &b']' }) {
                    if is_object {
                        at = key(line, at)?.1;
                    }
                    continue;
                }
            }
            Some(b'"') => at = string(line, at)?.1,
            _ => at = scalar(line, at)?.1,
        }
        // A value, or the inside of an empty container, ends here.
        loop {
            at = skip_blanks(line, at);
            let in_object = kinds & 1 == 1;
            match line.get(at) {
                Some(b'}') if in_object => {}
                Some(b']') if !in_object => {}
                Some(b',') => {
                    at = skip_blanks(line, at + 1);
                    if in_object {
                        at = key(line, at)?.1;
                    }
                    break;
                }
                _ => return Err(ParseError::new("`,` or the end of a JSON object or array", at)),
            }
            at += 1;
            depth -= 1;
            kinds >>= 1;
            if depth == 0 {
                return Ok(at);
            }
        }
    }
}

/// A JSON number as a whole number of 10^-`decimals`, rounded to the nearest, halves away from
/// zero. Exact: no binary floating point is involved. `None` beyond 64 bits. What is no number
/// gives some number.
pub(crate) fn scaled(number: &[u8], decimals: i32) -> Option<i64> {
    let mantissa_end = number.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(number.len());
    let (mantissa, exponent) = number.split_at(mantissa_end);
    let mut power = match exponent {
        [] => 0,
        [_, b'-', digits @ ..] => -i32::try_from(whole(digits)?).ok()?,
        [_, b'+', digits @ ..] | [_, digits @ ..] => i32::try_from(whole(digits)?).ok()?,
    }
    .checked_add(decimals)?;
    let negative = mantissa.first() == Some(&b'-');
    let (mut value, mut after_point) = (0i128, false);
    for byte in &mantissa[usize::from(negative)..] {
        match crate::bytes::digit(*byte) {
            // 30 digits are more than the result can hold; those behind the point may go.
            Some(_) if after_point && value >= 10i128.pow(30) => {}
            Some(digit) => {
                value = value.checked_mul(10)?.checked_add(i128::from(digit))?;
                power = power.checked_sub(i32::from(after_point))?;
            }
            None => after_point = true,
        }
    }
    let factor = 10i128.checked_pow(power.unsigned_abs());
    value = match (power >= 0, factor) {
        (true, Some(factor)) => value.checked_mul(factor)?,
        (true, None) if value != 0 => return None,
        (false, Some(factor)) => (value + factor / 2) / factor,
        _ => 0,
    };
    i64::try_from(if negative { -value } else { value }).ok()
}

fn whole(digits: &[u8]) -> Option<u64> {
    crate::bytes::decimal(digits).filter(|(_, length)| *length == digits.len()).map(|(value, _)| value)
}

/// Whether `text` is a JSON number and nothing else.
pub(crate) fn is_number(text: &[u8]) -> bool {
    number_length(text) == Some(text.len())
}

/// The instant of a number of seconds since the epoch, or of milliseconds when it is 1e11 or
/// more. To the microsecond: floating point of that size holds no more.
pub(crate) fn epoch(number: &[u8]) -> Option<crate::UnixNanos> {
    if !is_number(number) {
        return None;
    }
    let micros = match scaled(number, 6) {
        Some(micros) if micros < 100_000_000_000_000_000 => micros,
        _ => scaled(number, 3)?,
    };
    micros.checked_mul(1_000).map(crate::UnixNanos)
}

/// Appends the text of the inside of a JSON string to `out`.
///
/// Never fails: an escape that is not valid stands for itself, a `\u` surrogate without its other
/// half becomes U+FFFD.
///
/// ```
/// let mut out = Vec::new();
/// chiplog_parse::json::unescape_into(br"\u003ca\u003e \ud83d\ude00 \q \ud800", &mut out);
/// assert_eq!(out, "<a> 😀 \\q \u{fffd}".as_bytes());
/// ```
#[cfg(feature = "alloc")]
pub fn unescape_into(inside: &[u8], out: &mut Vec<u8>) {
    let mut rest = inside;
    while let Some(backslash) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..backslash]);
        let escape = &rest[backslash..];
        let simple = match escape.get(1) {
            Some(letter @ (b'"' | b'\\' | b'/')) => *letter,
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            _ => {
                let (character, length) = unicode_escape(escape).unwrap_or(('\\', 1));
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &escape[length..];
                continue;
            }
        };
        out.push(simple);
        rest = &escape[2..];
    }
    out.extend_from_slice(rest);
}

/// The character of a `\uXXXX` escape, or of two which make a surrogate pair, and their length.
#[cfg(feature = "alloc")]
fn unicode_escape(escape: &[u8]) -> Option<(char, usize)> {
    let unit = code_unit(escape)?;
    if let Some(character) = char::from_u32(unit) {
        return Some((character, 6));
    }
    let pair = code_unit(&escape[6..]).filter(|low| unit < 0xdc00 && (0xdc00..0xe000).contains(low));
    Some(match pair.and_then(|low| char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))) {
        Some(character) => (character, 12),
        None => (char::REPLACEMENT_CHARACTER, 6),
    })
}

#[cfg(feature = "alloc")]
fn code_unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(br"\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

/// Appends the bytes of the inside of a JSON array of byte values (`104,105`) to `out`.
///
/// Never fails: an element that is no number from 0 to 255 stands for itself.
///
/// ```
/// let mut out = Vec::new();
/// chiplog_parse::json::byte_array_into(b"104, 105", &mut out);
/// assert_eq!(out, b"hi");
/// ```
#[cfg(feature = "alloc")]
pub fn byte_array_into(inside: &[u8], out: &mut Vec<u8>) {
    for element in inside.split(|byte| *byte == b',') {
        let element = element.trim_ascii();
        match crate::bytes::decimal(element) {
            Some((value @ 0..=255, length)) if length == element.len() => out.push(value as u8),
            _ => out.extend_from_slice(element),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn outcome(line: &[u8]) -> Result<usize, usize> {
        members(line).try_fold(0, |count, member| member.map(|_| count + 1)).map_err(|error| error.offset())
    }

    #[test]
    fn syntax_is_checked() {
        for (line, wanted) in [
            (&b" { \"a\" : 1 , \"b\" : [ ] } \r"[..], Ok(2)),
            (br#"{"a":{"b":[{},[],{"c":-1.5e+3}]},"":null}"#, Ok(2)),
            (br#"{"a\"b":"c\\"}"#, Ok(1)),
            (b"", Err(0)),
            (b"[1]", Err(0)),
            (b"\0\0{}", Err(0)),
            (b"{}\0\0", Err(2)),
            (b"{} {}", Err(3)),
            (b"{\"a\":1,}", Err(7)),
            (b"{\"a\":1 \"b\":2}", Err(7)),
            (b"{\"a\":01}", Err(5)),
            (b"{\"a\":1.}", Err(5)),
            (b"{\"a\":truely}", Err(9)),
            (b"{\"a\":[1,]}", Err(8)),
            (b"{\"a\":[1}}", Err(7)),
            (b"{\"a\":{\"b\"}}", Err(9)),
            (b"{\"a\":[,]}", Err(6)),
            (b"{\"a\"", Err(4)),
            (b"{\"a\":\"cut", Err(9)),
            (b"{\"a\":\"cut\\\"", Err(11)),
            (b"{\"a\":[[1", Err(8)),
        ] {
            assert_eq!(outcome(line), wanted, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn depth_is_capped() {
        let nested = |depth: usize| {
            let mut line = b"{\"a\":".to_vec();
            line.extend(vec![b'['; depth]);
            line.extend(vec![b']'; depth]);
            line.push(b'}');
            line
        };
        assert_eq!(outcome(&nested(MAX_DEPTH as usize)), Ok(1));
        assert_eq!(outcome(&nested(MAX_DEPTH as usize + 1)), Err(5 + MAX_DEPTH as usize));
    }

    #[test]
    fn every_cut_is_an_error() {
        let line = br#"{"a":"x\"y","b":[1,{"c":true}],"d":{"e":null},"f":-1.5}"#;
        for cut in 0..line.len() {
            assert!(outcome(&line[..cut]).is_err(), "{cut}");
        }
        assert_eq!(outcome(line), Ok(4));
    }

    #[test]
    fn strings_of_every_length_end() {
        for length in 0..100 {
            let text: Vec<u8> = (0..length).map(|at| b"a\xa2!#\x80\0\xff"[at % 7]).collect();
            let line = [&b"{\"\":\""[..], &text, b"\"}\" "].concat();
            let member = members(&line).next().unwrap().unwrap();
            assert_eq!(member.value, Value::String(Text::new(&text, Escape::Json)));
        }
    }

    #[test]
    fn escapes_that_are_not_valid_stand_for_themselves() {
        let mut out = Vec::new();
        unescape_into(br"\ \x \u12 \uzzzz \udc00\ud800\u0041\ud83d\n\", &mut out);
        assert_eq!(out, "\\ \\x \\u12 \\uzzzz \u{fffd}\u{fffd}A\u{fffd}\n\\".as_bytes());
    }

    #[test]
    fn numbers_are_scaled_exactly() {
        for (number, decimals, wanted) in [
            (&b"0.212500001"[..], 9, Some(212_500_001)),
            (b"1709618828.120034", 6, Some(1_709_618_828_120_034)),
            (b"1.709618828120034e+09", 6, Some(1_709_618_828_120_034)),
            (b"1609459200047.2803", 3, Some(1_609_459_200_047_280)),
            (b"-1.5e-3", 3, Some(-2)),
            (b"0.00049", 3, Some(0)),
            (b"1e400", 0, None),
            (b"0e400", 0, Some(0)),
            (b"1e-400", 0, Some(0)),
            (b"1e99999999999999999999", 0, None),
            (b"9223372036854775808", 0, None),
            (b"0.333333333333333333333333333333333333333333333333333333", 3, Some(333)),
        ] {
            assert_eq!(scaled(number, decimals), wanted, "{}", number.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(line in r#"\{("[a\\"]{0,3}"|[\[\]{}:, 01.e-]|true|null){0,12}\}"#) {
            let ours = outcome(line.as_bytes()).is_ok();
            let theirs = serde_json::from_str::<serde_json::Map<_, _>>(&line);
            // serde_json checks escapes, which are left to decoding here.
            let lenient = line.contains('\\');
            prop_assert!(ours == theirs.is_ok() || lenient, "{line}");
        }

        #[test]
        fn decodes_as_serde_json(text in any::<std::string::String>()) {
            let quoted = serde_json::to_string(&text).unwrap();
            let mut out = Vec::new();
            unescape_into(&quoted.as_bytes()[1..quoted.len() - 1], &mut out);
            prop_assert_eq!(out, text.as_bytes());
        }

        #[test]
        fn any_bytes(line in proptest::collection::vec(any::<u8>(), 0..64)) {
            for member in members(&line).flatten() {
                let mut out = Vec::new();
                member.key.decode_into(&mut out);
            }
            let mut out = Vec::new();
            unescape_into(&line, &mut out);
            byte_array_into(&line, &mut out);
        }
    }
}
