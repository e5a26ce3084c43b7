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
use crate::{Civil, Escape, ParseError, Severity, Text, Value, go};

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
    /// Everything after the header, verbatim: free text or a [structured](structured) body.
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
#[inline]
pub fn parse(line: &[u8]) -> Result<Klog<'_>, ParseError> {
    let Some(severity) = line.first().and_then(|letter| severity(*letter)) else {
        return Err(ParseError::new("a klog severity letter (I, W, E or F)", 0));
    };
    match fixed_columns(line) {
        Some((time, pid)) => location(line, Columns { severity, time, pid, file_at: FIXED }),
        None => location(line, loose_columns(line, severity)?),
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

#[inline]
const fn severity(letter: u8) -> Option<Severity> {
    match letter {
        b'I' => Some(Severity::Info),
        b'W' => Some(Severity::Warning),
        b'E' => Some(Severity::Error),
        b'F' => Some(Severity::Fatal),
        _ => None,
    }
}

/// Time and pid where klog prints them, eight bytes at a time; `None` sends the caller to
/// [`loose_columns`], which decides.
///
/// The words are little-endian, so the first byte of the text is the lowest. XOR with a template
/// turns digits into 0 to 9 and separators into 0; [`matches`] checks that it did.
#[inline]
fn fixed_columns(line: &[u8]) -> Option<(Civil, u64)> {
    let columns: &[u8; FIXED] = line.first_chunk()?;
    let word = |at: usize| -> Option<u64> {
        columns.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    };
    // The first byte is the severity and not looked at; nor is the pid at the end of `fraction`.
    let date = (word(0)? ^ u64::from_le_bytes(*b"\x000000 00")) & !0xff;
    let clock = word(8)? ^ u64::from_le_bytes(*b":00:00.0");
    let fraction = (word(15)? ^ u64::from_le_bytes(*b"000000 \x00")) & (!0 >> 8);
    let pid = word(22)? ^ u64::from_le_bytes(*b"        ");
    let (pid, pid_matches) = fixed_pid(pid);
    if !(matches(date, *b"s0000s00")
        & matches(clock, *b"s00s00s0")
        & matches(fraction, *b"000000ss")
        & pid_matches)
    {
        return None;
    }
    let (date, clock, fraction) = (digit_pairs(date), digit_pairs(clock), digit_pairs(fraction));
    let (month, day, hour) = (date[1], date[3], date[6]);
    let (minute, second) = (clock[1], clock[4]);
    let micros = u32::from(fraction[0]) * 10_000 + u32::from(fraction[2]) * 100 + u32::from(fraction[4]);
    if pid == 0 && line.get(FIXED) == Some(&b' ') {
        return None; // a pid that was padded further
    }
    Some((civil((month, day), (hour, minute, second), micros)?, pid))
}

/// Whether every byte is within bounds: 0 to 9 where the template has `0`, 0 where it has `s`.
#[inline]
const fn matches(word: u64, template: [u8; 8]) -> bool {
    // Added to a byte within bounds it gives less than 0x80. Where an addition carries into the
    // next byte, the byte itself was over 0x80, which is also looked at.
    let mut slack = [0; 8];
    let mut at = 0;
    while at < 8 {
        slack[at] = if template[at] == b'0' { 0x76 } else { 0x7f };
        at += 1;
    }
    (word | word.wrapping_add(u64::from_le_bytes(slack))) & 0x8080_8080_8080_8080 == 0
}

/// At every index the number that the digits at this and the next index form.
#[inline]
const fn digit_pairs(digits: u64) -> [u8; 8] {
    (digits * 10 + (digits >> 8)).to_le_bytes()
}

/// The pid from its seven columns and the blank after them, blanks being 0 and digits 0x10 to
/// 0x19; and whether that is what the columns hold.
#[inline]
const fn fixed_pid(columns: u64) -> (u64, bool) {
    let padding = columns.trailing_zeros() & !7;
    if padding == 64 {
        return (0, true);
    }
    // Digits in all columns after the padding, so that a blank among them is out of bounds.
    let digits = columns ^ ((0x0010_1010_1010_1010 >> padding) << padding);
    let valid = matches(digits, *b"0000000s");
    let digits = digits << 8;
    let pairs = (digits.wrapping_mul(10).wrapping_add(digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    let eight = (fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xffff_ffff;
    (eight, valid)
}

#[inline]
fn civil(date: (u8, u8), time: (u8, u8, u8), micros: u32) -> Option<Civil> {
    // Go prints no leap second.
    if time.2 == 60 { None } else { Civil::new(None, date, time, micros * 1_000) }
}

/// The header up to the file name, with any padding of the pid.
#[cold]
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
#[inline]
fn location(line: &[u8], columns: Columns) -> Result<Klog<'_>, ParseError> {
    let Columns { severity, time, pid, file_at } = columns;
    let rest = &line[file_at..];
    let length = match rest.iter().position(|byte| matches!(byte, b':' | b'\n')) {
        Some(length) if length > 0 && rest[length] == b':' => length,
        Some(_) => return Err(ParseError::new("a file name without colon or line feed", file_at)),
        None => return Err(ParseError::new("a colon after the file name", line.len())),
    };
    let (file, rest) = (&rest[..length], &rest[length + 1..]);
    let number_at = file_at + length + 1;
    let Some((number, digits)) = decimal(rest) else {
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
/// keys with blanks, brackets or quotes left open, a record cut inside a block. Linear in the
/// length of the body, and nothing is allocated.
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
        // A body that ends here was cut after the first line of a block.
        b"<" => return None,
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
/// `klog_file.go`, `createLogDirs` and `rotateFile`; golang/glog `glog_file.go`).
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
    /// `Previous log: `, a path (golang/glog 1.1 and later).
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
