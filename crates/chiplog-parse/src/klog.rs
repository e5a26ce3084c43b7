//! klog and glog text lines: header, structured body, file banner.
//!
//! ```text
//! line     = severity month day SP time SP pid SP file ":" 1*DIGIT "] " message
//! severity = "I" / "W" / "E" / "F"
//! month    = 2DIGIT
//! day      = 2DIGIT
//! time     = 2DIGIT ":" 2DIGIT ":" 2DIGIT "." 6DIGIT
//! pid      = 7( SP / DIGIT )                       ; right-aligned; 0 prints seven blanks
//! file     = 1*(any byte except ":" and LF)
//! ```
//!
//! Sources: kubernetes/klog `internal/buffer/buffer.go` (`FormatHeader`; the bytes are the same
//! from 0.1 to 2.140) and golang/glog `internal/logsink/logsink.go`. The line has no year and no
//! zone: the time is the wall clock of the process. Because a file name holds no colon, the header
//! ends at the first one; a message may well hold another `file.go:12] `.
//!
//! Two departures, for lines that lost blanks on the way: any number of blanks from one up may
//! stand before a pid, and the blank after `]` may be missing where the line ends there.
//!
//! Not klog, and refused: C++ glog (has a year), capnslog's glog form (`Z` after the fraction, no
//! padding), anything before the severity letter.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use crate::bytes::{decimal, two_digits};
use crate::digits::{any_excess, digits_of, eight, excess, pairs, short_decimal, word_at};
use crate::{Civil, Escape, ParseError, Severity, Text, Value, go, near};

/// One klog line, or a record of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Klog<'a> {
    /// Info, warning, error or fatal; klog has no other.
    pub severity: Severity,
    /// The wall clock of the process in microseconds: no year, no zone, no leap second.
    pub time: Civil,
    /// The process id. klog calls it thread id; more than seven digits lose the high ones.
    pub pid: u64,
    /// The source file: base name, `dir/base` with `--add_dir_header`, `???` if unknown. With
    /// `CopyStandardLogTo` any text without a colon, blanks included.
    pub file: &'a [u8],
    /// The line in the source file; 0 is possible.
    pub line: u64,
    /// Everything after the header, verbatim: free text or a [`structured`] body.
    pub body: &'a [u8],
}

impl<'a> Klog<'a> {
    /// The message and the key/value pairs of a structured body, see [`structured`].
    #[must_use]
    pub fn structured(&self) -> Option<Structured<'a>> {
        structured(self.body)
    }
}

/// Reads a klog line. A record of several lines is read like one: the body holds its line feeds.
///
/// ```
/// use chiplog_parse::{Severity, klog};
/// let line = b"E0305 06:07:08.120034    1234 kubelet.go:2432] \"Node not ready\" node=\"n1\"";
/// let klog = klog::parse(line).unwrap();
/// assert_eq!(klog.severity, Severity::Error);
/// assert_eq!(klog.time.to_string(), "--03-05T06:07:08.120034");
/// assert_eq!((klog.pid, klog.file, klog.line), (1234, &b"kubelet.go"[..], 2432));
/// assert_eq!(klog.structured().unwrap().msg.raw(), b"Node not ready");
/// ```
///
/// # Errors
///
/// If the line does not start with a klog header, or the header names an impossible date or time.
#[inline(always)]
pub fn parse(line: &[u8]) -> Result<Klog<'_>, ParseError> {
    let Some(severity) = line.first().and_then(|letter| severity(*letter)) else {
        return Err(ParseError::new("a klog severity letter (I, W, E or F)", 0));
    };
    match fixed_columns(line) {
        Some((time, pid)) => location(line, Columns { severity, time, pid, file_at: FIXED }),
        None => parse_loose(line, severity),
    }
}

/// The header up to the file name.
#[derive(Clone, Copy)]
struct Columns {
    severity: Severity,
    time: Civil,
    pid: u64,
    file_at: usize,
}

/// The length of the header up to the file name, as klog prints it.
const FIXED: usize = 30;

/// By table: the letters come in no order that a branch could learn.
#[inline]
fn severity(letter: u8) -> Option<Severity> {
    const LETTERS: [Option<Severity>; 19] = {
        let mut letters = [None; 19];
        letters[0] = Some(Severity::Error);
        letters[(b'F' - b'E') as usize] = Some(Severity::Fatal);
        letters[(b'I' - b'E') as usize] = Some(Severity::Info);
        letters[(b'W' - b'E') as usize] = Some(Severity::Warning);
        letters
    };
    *LETTERS.get(usize::from(letter.wrapping_sub(b'E')))?
}

/// Time and pid where klog prints them, eight bytes at a time; `None` sends the caller to
/// [`parse_loose`], which decides.
#[inline(always)]
fn fixed_columns(line: &[u8]) -> Option<(Civil, u64)> {
    let columns: &[u8; FIXED] = line.first_chunk()?;
    // The severity in front of the date does not count, nor does the pid behind the fraction.
    let date = digits_of(word_at::<0, FIXED>(columns), *b"\x000000 00") & !0xff;
    let clock = digits_of(word_at::<8, FIXED>(columns), *b":00:00.0");
    let fraction = digits_of(word_at::<15, FIXED>(columns), *b"000000 \x00") & (!0 >> 8);
    // Blanks are 0 now and digits 0x10 to 0x19. Digits are wanted in all columns from the first
    // that is not blank to the last, which leaves a blank among them out of bounds.
    let pid = digits_of(word_at::<22, FIXED>(columns), [b' '; 8]);
    let padding = (pid | 1 << 63).trailing_zeros() & !7;
    let pid = pid ^ ((0x0010_1010_1010_1010 >> padding) << padding);

    let out_of_bounds = excess(date, *b"s0000s00")
        | excess(clock, *b"s00s00s0")
        | excess(fraction, *b"000000ss")
        | excess(pid, *b"0000000s");
    if any_excess(out_of_bounds) {
        return None;
    }
    let pid = eight(pid << 8);
    if pid == 0 && line.get(FIXED) == Some(&b' ') {
        return None; // padded further than klog does
    }
    let (date, clock, fraction) = (pairs(date), pairs(clock), pairs(fraction));
    let micros = u32::from(fraction[0]) * 10_000 + u32::from(fraction[2]) * 100 + u32::from(fraction[4]);
    Some((civil((date[1], date[3]), (date[6], clock[1], clock[4]), micros)?, pid))
}

#[inline]
fn civil((month, day): (u8, u8), (hour, minute, second): (u8, u8, u8), micros: u32) -> Option<Civil> {
    const DAYS: [u8; 13] = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let valid = day >= 1 && day <= *DAYS.get(usize::from(month))? && hour < 24 && minute < 60 && second < 60;
    // Go prints no leap second.
    valid.then_some(Civil { year: None, month, day, hour, minute, second, nanosecond: micros * 1_000 })
}

/// As [`parse`], with any padding of the pid, and with reasons.
#[cold]
fn parse_loose(line: &[u8], severity: Severity) -> Result<Klog<'_>, ParseError> {
    location(line, loose_columns(line, severity)?)
}

/// The header up to the file name, with any padding of the pid.
fn loose_columns(line: &[u8], severity: Severity) -> Result<Columns, ParseError> {
    let number =
        |at: usize| two_digits(line, at).ok_or_else(|| ParseError::new("two digits of a klog time", at));
    let literal = |at: usize, byte: u8| match line.get(at) {
        Some(found) if *found == byte => Ok(()),
        _ => Err(ParseError::new("a separator of a klog time", at)),
    };
    let date = (number(1)?, number(3)?);
    literal(5, b' ')?;
    let hour = number(6)?;
    literal(8, b':')?;
    let minute = number(9)?;
    literal(11, b':')?;
    let second = number(12)?;
    literal(14, b'.')?;
    let micros =
        [number(15)?, number(17)?, number(19)?].iter().fold(0, |all, two| all * 100 + u32::from(*two));
    literal(21, b' ')?;
    let time = civil(date, (hour, minute, second), micros)
        .ok_or_else(|| ParseError::new("a possible date and time of day", 1))?;

    let blanks = line[21..].iter().take_while(|byte| **byte == b' ').count();
    if blanks == FIXED - 21 && line.get(FIXED).is_some_and(|byte| *byte != b' ') {
        return Ok(Columns { severity, time, pid: 0, file_at: FIXED });
    }
    let pid_at = 21 + blanks;
    let (pid, length) =
        decimal(&line[pid_at..]).ok_or_else(|| ParseError::new("a process id after klog's time", pid_at))?;
    literal(pid_at + length, b' ')?;
    Ok(Columns { severity, time, pid, file_at: pid_at + length + 1 })
}

/// File, line and body.
#[inline(always)]
fn location(line: &[u8], columns: Columns) -> Result<Klog<'_>, ParseError> {
    let Columns { severity, time, pid, file_at } = columns;
    let rest = &line[file_at..];
    let length = match near::first_in_two(rest, [b':', b'\n']) {
        Some(length) if length > 0 && rest[length] == b':' => length,
        Some(_) => return Err(ParseError::new("a file name without colon or line feed", file_at)),
        None => return Err(ParseError::new("a colon after the file name", line.len())),
    };
    let (file, rest) = (&rest[..length], &rest[length + 1..]);
    let number_at = file_at + length + 1;
    let Some((number, digits)) = short_decimal(rest) else {
        return Err(ParseError::new("a line number", number_at));
    };
    let body = match &rest[digits..] {
        [b']', b' ', body @ ..] => body,
        [b']', body @ ..] if body.first().is_none_or(|byte| *byte == b'\n') => body,
        _ => return Err(ParseError::new("`] ` after the line number", number_at + digits)),
    };
    Ok(Klog { severity, time, pid, file, line: number, body })
}

/// A structured body, checked to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Structured<'a> {
    /// The message.
    pub msg: Text<'a>,
    pairs: &'a [u8],
}

impl<'a> Structured<'a> {
    /// The pairs in order of appearance; duplicate keys are kept (klog before 2.140 writes them).
    #[must_use]
    pub const fn fields(&self) -> Fields<'a> {
        Fields { rest: self.pairs }
    }
}

/// Reads a structured body (`InfoS`, `ErrorS` and the logr interface, klog 2.0 and later):
///
/// ```text
/// structured = quoted *( SP key "=" value )                  ; quoted as in crate::go
/// key        = 1*(any byte except SP, "=", DQUOTE and LF)
/// value      = quoted / block / raw
/// block      = "<" LF *( TAB *(any byte except LF) LF ) " >" ; klog 2.40 and later
/// raw        = a run up to the first SP outside of brackets and quotes
/// ```
///
/// Strings, errors and stringers are quoted, values of several lines are blocks
/// ([`Escape::KlogBlock`]), everything else is raw: numbers, JSON (klog 2.100 and later), and Go's
/// `%+v` form before that. Brackets in raw values are counted, not matched by kind.
///
/// `None` if the body is free text. That includes a body which departs from the grammar anywhere:
/// keys with blanks, brackets or quotes left open, a record cut inside a block. The first line of a
/// record alone is structured though: where it ends in the `=<` of a block, the value is a raw `<`.
/// Linear in the length of the body, and nothing is allocated.
///
/// ```
/// use chiplog_parse::{Value, klog};
/// let body = klog::structured(br#""SyncLoop ADD" source="api" pods=["ns/a","b"]"#).unwrap();
/// assert_eq!(body.msg.raw(), b"SyncLoop ADD");
/// let (key, value) = body.fields().nth(1).unwrap();
/// assert_eq!((key, value), (&b"pods"[..], Value::Raw(br#"["ns/a","b"]"#)));
/// assert!(klog::structured(br#""node-1" is gone err=5"#).is_none());
/// ```
#[must_use]
pub fn structured(body: &[u8]) -> Option<Structured<'_>> {
    let (msg, length) = go::quoted(body).ok()?;
    let pairs = &body[length..];
    let mut rest = pairs;
    while !rest.is_empty() {
        take_pair(&mut rest)?;
    }
    Some(Structured { msg, pairs })
}

/// The pairs of a [`Structured`] body: key and value.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        take_pair(&mut self.rest)
    }
}

impl core::iter::FusedIterator for Fields<'_> {}

/// Takes a blank, a key and a value off `pairs`, which then is empty or starts with a blank. On
/// `None` it is left as it was.
fn take_pair<'a>(pairs: &mut &'a [u8]) -> Option<(&'a [u8], Value<'a>)> {
    let pair = pairs.strip_prefix(b" ")?;
    let length = pair.iter().position(|byte| matches!(byte, b' ' | b'=' | b'"' | b'\n'))?;
    let (key, rest) = pair.split_at(length);
    let after_equals = rest.strip_prefix(b"=").filter(|_| !key.is_empty())?;
    let (value, length) = match after_equals {
        [b'"', ..] => {
            let (text, length) = go::quoted(after_equals).ok()?;
            (Value::Text(text), length)
        }
        [b'<', b'\n', ..] => {
            let length = block_length(after_equals)?;
            let inside = &after_equals[2..length - 2];
            let inside = inside.strip_suffix(b"\n").unwrap_or(inside);
            (Value::Text(Text::new(inside, Escape::KlogBlock)), length)
        }
        _ => {
            let length = raw_length(after_equals)?;
            (Value::Raw(&after_equals[..length]), length)
        }
    };
    let rest = &after_equals[length..];
    if rest.first().is_some_and(|byte| *byte != b' ') {
        return None;
    }
    *pairs = rest;
    Some((key, value))
}

/// The length of the block that `text` starts with, from `<` to `>`.
fn block_length(text: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        match text.get(at..)? {
            [b'\t', line @ ..] => at += memchr::memchr(b'\n', line)? + 2,
            [b' ', b'>', ..] => return Some(at + 2),
            _ => return None,
        }
    }
}

/// The length of the raw value that `text` starts with.
fn raw_length(text: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b' ' | b'\n' if depth == 0 => break,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            b'"' => at += inner_quote_length(&text[at + 1..])?,
            _ => {}
        }
        at += 1;
    }
    (depth == 0).then_some(at)
}

/// From after a quote inside a raw value to its closing quote, inclusive. Escapes are those of JSON or
/// Go; all that matters is that a backslash guards the next byte.
fn inner_quote_length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr3(b'"', b'\\', b'\n', text.get(at..)?)?;
        match text[at] {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
        }
    }
}

/// Appends the text of the inside of a klog `=<` block to `out`.
///
/// Every line loses the TAB that klog put before it. The line feed before the closing ` >` is not
/// part of the inside: klog writes the same bytes for a value that ends in one and a value that
/// does not, so a final line feed is always dropped.
///
/// ```
/// let mut text = Vec::new();
/// chiplog_parse::klog::block_into(b"\tone\n\t\n\t\ttwo", &mut text);
/// assert_eq!(text, b"one\n\n\ttwo");
/// ```
#[cfg(feature = "alloc")]
pub fn block_into(inside: &[u8], out: &mut Vec<u8>) {
    let mut rest = inside;
    loop {
        let end = memchr::memchr(b'\n', rest);
        let line = &rest[..end.map_or(rest.len(), |end| end + 1)];
        out.extend_from_slice(line.strip_prefix(b"\t").unwrap_or(line));
        match end {
            Some(end) => rest = &rest[end + 1..],
            None => return,
        }
    }
}

/// A line of the banner at the head of a log file.
///
/// Written to files, not to standard error, and not with `--skip_log_headers` (kubernetes/klog
/// `klog.go`; golang/glog `glog_file.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Banner<'a> {
    /// `Log file created at: 2006/01/02 15:04:05`, the first line. Local time of the machine: it
    /// has the year that klog lines lack.
    CreatedAt(Civil),
    /// `Running on machine: `, the host name.
    Machine(&'a [u8]),
    /// `Binary: `, how the program was built: `Built with gc go1.21.5 for linux/amd64`.
    Binary(&'a [u8]),
    /// `Previous log: `, a path (golang/glog only).
    PreviousLog(&'a [u8]),
    /// `Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg`, the last line.
    LineFormat,
}

/// Reads a line of a file banner.
///
/// ```
/// use chiplog_parse::klog::{Banner, banner};
/// let Some(Banner::CreatedAt(time)) = banner(b"Log file created at: 2024/03/05 06:07:08") else { panic!() };
/// assert_eq!(time.year, Some(2024));
/// assert_eq!(banner(b"Running on machine: node-1"), Some(Banner::Machine(b"node-1")));
/// ```
#[must_use]
pub fn banner(line: &[u8]) -> Option<Banner<'_>> {
    let (name, text) = line.split_at_checked(memchr::memchr(b':', line)?)?;
    let text = text.strip_prefix(b": ")?;
    match name {
        b"Log file created at" => created_at(text).map(Banner::CreatedAt),
        b"Running on machine" => Some(Banner::Machine(text)),
        b"Binary" => Some(Banner::Binary(text)),
        b"Previous log" => Some(Banner::PreviousLog(text)),
        b"Log line format" if text.starts_with(b"[IWEF]mmdd ") => Some(Banner::LineFormat),
        _ => None,
    }
}

/// `2006/01/02 15:04:05`.
fn created_at(text: &[u8]) -> Option<Civil> {
    let &[_, _, _, _, b'/', _, _, b'/', _, _, b' ', _, _, b':', _, _, b':', _, _] = text else {
        return None;
    };
    let number = |at: usize| two_digits(text, at);
    let year = i16::from(number(0)?) * 100 + i16::from(number(2)?);
    Civil::new(Some(year), (number(5)?, number(8)?), (number(11)?, number(14)?, number(17)?), 0)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::{format, string::String, vec, vec::Vec};

    const LINE: &[u8] = b"E0305 06:07:08.120034    1234 kubelet.go:2432] \"Node not ready\" node=\"n1\" n=1";

    /// The grammar once more, byte by byte.
    fn naive(line: &[u8]) -> Option<Klog<'_>> {
        let severity = match line.first()? {
            b'I' => Severity::Info,
            b'W' => Severity::Warning,
            b'E' => Severity::Error,
            b'F' => Severity::Fatal,
            _ => return None,
        };
        for (byte, wanted) in line.get(1..22)?.iter().zip(b"0000 00:00:00.000000 ") {
            let fits = if *wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted };
            if !fits {
                return None;
            }
        }
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
        let small = |at: usize| number(&line[at..at + 2]).map(|value| value as u8);
        let clock = (small(6)?, small(9)?, small(12)?);
        let time = Civil::new(None, (small(1)?, small(3)?), clock, number(&line[15..21])? as u32 * 1_000)?;
        if time.second == 60 {
            return None;
        }
        let digits_from = |at: usize| line[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let blanks = line[21..].iter().take_while(|byte| **byte == b' ').count();
        let (pid, file_at) = if blanks == 9 && line.len() > 30 {
            (0, 30)
        } else {
            let end = 21 + blanks + digits_from(21 + blanks);
            (number(&line[21 + blanks..end])?, end + usize::from(line.get(end) == Some(&b' ')))
        };
        if line[file_at - 1] != b' ' {
            return None;
        }
        let file = line[file_at..].split(|byte| *byte == b':').next()?;
        let number_at = file_at + file.len() + 1;
        if file.is_empty() || file.contains(&b'\n') || number_at > line.len() {
            return None;
        }
        let end = number_at + digits_from(number_at);
        let body = match &line[end..] {
            [b']', b' ', body @ ..] => body,
            [b']'] => &[],
            [b']', b'\n', ..] => &line[end + 1..],
            _ => return None,
        };
        Some(Klog { severity, time, pid, file, line: number(&line[number_at..end])?, body })
    }

    fn is_slice_of(part: &[u8], whole: &[u8]) -> bool {
        let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
        whole.start <= part.start && part.end <= whole.end
    }

    /// Headers that klog prints, and headers that are nearly such.
    fn header() -> impl Strategy<Value = String> {
        let date = prop_oneof![4 => "(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])", 1 => "[0-9]{4}"];
        let clock = prop_oneof![
            4 => "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\\.[0-9]{6}",
            1 => "[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{5,7}",
        ];
        let pid = prop_oneof![
            4 => (0u32..10_000_000).prop_map(|pid| if pid % 50 == 0 { " ".repeat(7) } else { format!("{pid:7}") }),
            2 => " {0,10}[0-9]{0,9}",
            1 => "[ 0-9a]{7}",
        ];
        let file = prop_oneof![
            4 => "[a-z_]{1,24}\\.go",
            1 => "[*./<>? a-z\u{1a}\n]{0,20}",
        ];
        let line = prop_oneof![4 => "[0-9]{1,5}", 1 => "[0-9]{0,24}"];
        let end = prop_oneof![4 => Just("] "), 1 => Just("]"), 1 => Just("]\n"), 1 => Just("")];
        (("[IWEFD]", date, clock), (pid, file, line, end), "[ -~]{0,12}").prop_map(
            |((severity, date, clock), (pid, file, line, end), body)| {
                format!("{severity}{date} {clock} {pid} {file}:{line}{end}{body}")
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn agrees_with_the_naive_parser(
            line in header(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..2),
            cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        ) {
            let mut line = line.into_bytes();
            for (index, byte) in changes {
                let index = index.index(line.len());
                line[index] = byte;
            }
            if let Some(cut) = cut {
                line.truncate(cut.index(line.len() + 1));
            }
            let klog = parse(&line);
            prop_assert_eq!(klog.ok(), naive(&line));
            match klog {
                Ok(klog) => prop_assert!(is_slice_of(klog.file, &line) && is_slice_of(klog.body, &line)),
                Err(error) => prop_assert!(error.offset() <= line.len()),
            }
        }

        #[test]
        fn never_panics(line in any::<Vec<u8>>()) {
            prop_assert_eq!(parse(&line).ok(), naive(&line));
            let _ = (structured(&line), banner(&line));
        }

        #[test]
        fn structured_never_panics(body in "\"m\" [ab=\"\\\\<> \t\n{}\\[\\]()]{0,24}") {
            let body = body.as_bytes();
            if let Some(structured) = structured(body) {
                let mut end = structured.msg.raw().len() + 2;
                for (key, value) in structured.fields() {
                    prop_assert!(is_slice_of(key, body) && is_slice_of(value.text().raw(), body));
                    end = value.text().raw().as_ptr_range().end as usize - body.as_ptr() as usize;
                }
                // Only what closes a value may follow the last one.
                prop_assert!([&b""[..], b"\"", b" >", b"\n >"].contains(&&body[end..])
                    || structured.fields().next().is_none());
            }
        }
    }

    /// A value, as klog writes it and as it reads.
    fn value() -> impl Strategy<Value = (String, Vec<u8>)> {
        let quoted = any::<Vec<u8>>().prop_map(|bytes| {
            let escaped = bytes.iter().map(|byte| match byte {
                b'a'..=b'z' | b' ' | b'=' => String::from(char::from(*byte)),
                b'"' => String::from("\\\""),
                other => format!("\\x{other:02x}"),
            });
            (format!("\"{}\"", escaped.collect::<String>()), bytes)
        });
        let raw = prop_oneof![
            "[a-z0-9.<>-]{0,8}",
            "\\{[a-z ]{0,4}\\[[a-z =]{0,4}\\]\"[ }a\\[]{0,4}\"\\}",
            "&\\{A:\\{B:c d\\} e\\}"
        ]
        .prop_filter("an open block", |raw| !raw.starts_with('<'))
        .prop_map(|raw| (raw.clone(), raw.into_bytes()));
        let block = prop::collection::vec("[ -~\t]{0,12}", 2..5).prop_map(|lines| {
            let written = lines.iter().map(|line| format!("\t{line}\n"));
            (format!("<\n{} >", written.collect::<String>()), lines.join("\n").into_bytes())
        });
        prop_oneof![quoted, raw, block]
    }

    proptest! {
        #[test]
        fn pairs_come_back(pairs in prop::collection::vec(("[^ =\"\n]{1,8}", value()), 0..6)) {
            let mut body = String::from("\"m\"");
            for (key, (written, _)) in &pairs {
                body += &format!(" {key}={written}");
            }
            let structured = structured(body.as_bytes()).unwrap();
            let found: Vec<_> =
                structured.fields().map(|(key, value)| (key.to_vec(), value.text().decode().into_owned())).collect();
            let wanted: Vec<_> =
                pairs.into_iter().map(|(key, (_, value))| (key.into_bytes(), value)).collect();
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_line_may_be_cut_anywhere() {
        for length in 0..LINE.len() {
            let line = &LINE[..length];
            assert_eq!(parse(line).is_ok(), length >= 46, "{length}");
        }
    }

    #[test]
    fn errors_say_what_and_where() {
        for (line, offset) in [
            ("D0305 06:07:08.120034    1234 x.go:10] m", 0),
            ("I0305\t06:07:08.120034    1234 x.go:10] m", 5),
            ("I0631 06:07:08.120034    1234 x.go:10] m", 1),
            ("I0305 06:07:08.120034     abc x.go:10] m", 26),
            ("I0305 06:07:08.120034    1234 :10] m", 30),
            ("I0305 06:07:08.120034    1234 x.go] m", 37),
            ("I0305 06:07:08.120034    1234 x.go:] m", 35),
            ("I0305 06:07:08.120034    1234 x.go:10]m", 37),
        ] {
            assert_eq!(parse(line.as_bytes()).unwrap_err().offset(), offset, "{line}");
        }
    }

    #[test]
    fn values_left_open_make_a_body_free_text() {
        for body in [
            "\"m\" k=\"a",
            "\"m\" k={a",
            "\"m\" k=a)",
            "\"m\" k={\"a}",
            "\"m\" k=<\n",
            "\"m\" k=<\n\ta",
            "\"m\" k=<\n\ta\n>",
            "\"m\" k=<\n\ta\n >x",
            "\"m\" k",
            "\"m\" =1",
            "\"m\" ",
            "\"m\" k=1 ",
            "\"m\"k=1",
            "\"m\" k=1\nmore",
            "\"m\"\nmore",
            "\"m",
            "",
        ] {
            assert_eq!(structured(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn the_first_line_of_a_block_is_structured() {
        let body = structured(b"\"Probe failed\" pod=\"ns/a\" output=<").unwrap();
        assert_eq!(body.fields().nth(1), Some((&b"output"[..], Value::Raw(b"<"))));
    }

    #[test]
    fn raw_values_may_be_empty() {
        // `%+v` of an empty string type, klog before 2.100.
        let body = structured(b"\"m\" phase= n=1").unwrap();
        let fields: Vec<_> = body.fields().collect();
        assert_eq!(fields, vec![(&b"phase"[..], Value::Raw(b"")), (&b"n"[..], Value::Raw(b"1"))]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "hours of interpretation: megabytes of input")]
    fn hostile_bodies_take_linear_time() {
        let open = format!("\"m\" k={}", "(".repeat(4_000_000));
        assert_eq!(structured(open.as_bytes()), None);
        let blocks = format!("\"m\"{}", " k=<\n\ta\n >".repeat(400_000));
        assert_eq!(structured(blocks.as_bytes()).unwrap().fields().count(), 400_000);
        let quotes = format!("\"m\" k={}", "\"\\\"".repeat(1_000_000));
        assert_eq!(structured(quotes.as_bytes()), None);
    }

    #[test]
    fn banners() {
        assert_eq!(banner(b"Log file created at: 2024/13/05 06:07:08"), None);
        assert_eq!(banner(b"Log file created at: 2024/03/05 06:07"), None);
        assert_eq!(
            banner(b"Binary: Built with gc go1.21.5 for linux/amd64"),
            Some(Banner::Binary(b"Built with gc go1.21.5 for linux/amd64"))
        );
        assert_eq!(
            banner(b"Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg"),
            Some(Banner::LineFormat)
        );
        assert_eq!(banner(LINE), None);
    }
}
