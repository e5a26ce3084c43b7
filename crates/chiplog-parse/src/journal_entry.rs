//! One entry of a journal as one line: the form in which journal files and export streams reach a
//! [`Detector`](crate::Detector).
//!
//! ```text
//! line    = RS "J" time priority flags sizes host SP identifier SP unit SP pid SP message
//! time    = 16DIGIT                   ; microseconds since 1970, or "-" and 15 of any byte
//! priority = "0".."7" / "-"
//! flags   = "@" + bits                ; 1 host, 2 identifier, 4 unit are there; 8 the message goes
//!                                     ; on in another entry; 16 the message is escaped
//! sizes   = 2size 2size 2size size    ; bytes of host, identifier, unit, pid
//! size    = "0" + 6 bits              ; the higher six bits come first
//! ```
//!
//! Only this crate's users write and read it: it is no format of the journal's. Lengths stand before
//! the texts, so that nothing in a text can pass for another field, and a line feed never stands in
//! the line. In a message it is written as one other byte, see [`Escape::Journal`]; a message
//! without line feeds stands there as it is. In the shorter texts it is written as `\n`.
//!
//! What an entry says is read as [`journal_json`](crate::journal_json) reads it: where a
//! field stands twice its first value counts, and so on.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use crate::bytes::decimal;
use crate::digits::{any_excess, digits_of, eight, excess, word_at};
use crate::{Escape, ParseError, Text, UnixNanos};

/// What a line of this form begins with.
pub const MARK: [u8; 2] = [0x1e, b'J'];

/// Bytes of a host, identifier or unit that are kept.
pub const MAX_NAME_BYTES: usize = 4_095;

const HEAD_BYTES: usize = 27;

const HOST: u8 = 1;
const IDENTIFIER: u8 = 2;
const UNIT: u8 = 4;
const PARTIAL: u8 = 8;
const ESCAPED: u8 = 16;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalEntry<'a> {
    /// `__REALTIME_TIMESTAMP`: when journald received the entry, in microseconds since
    /// 1970-01-01T00:00:00Z. A line holds none that is beyond [`UnixNanos`].
    pub realtime_micros: Option<u64>,
    /// `PRIORITY`, 0 to 7; [`crate::Severity::from_syslog`] reads it.
    pub priority: Option<u8>,
    /// `_HOSTNAME`
    pub host: Option<&'a [u8]>,
    /// `SYSLOG_IDENTIFIER`, else `_COMM`, else `kernel` for what came by that transport.
    pub identifier: Option<&'a [u8]>,
    /// `_SYSTEMD_UNIT`
    pub unit: Option<&'a [u8]>,
    /// `_PID`, else `SYSLOG_PID`.
    pub pid: Option<u64>,
    /// The message goes on in another entry.
    pub partial: bool,
    /// `MESSAGE`; empty if the entry has none.
    pub message: Text<'a>,
}

impl Default for JournalEntry<'_> {
    fn default() -> Self {
        Self {
            realtime_micros: None,
            priority: None,
            host: None,
            identifier: None,
            unit: None,
            pid: None,
            partial: false,
            message: Text::plain(b""),
        }
    }
}

impl<'a> JournalEntry<'a> {
    /// The entry that these fields make, in the order in which they come. Fields of other names are
    /// passed over.
    ///
    /// ```
    /// use chiplog_parse::journal_entry::JournalEntry;
    /// let fields: [(&[u8], &[u8]); 3] = [(b"_COMM", b"sh"), (b"SYSLOG_PID", b"7"), (b"MESSAGE", b"two\nlines")];
    /// let entry = JournalEntry::from_fields(fields);
    /// assert_eq!((entry.identifier, entry.pid), (Some(&b"sh"[..]), Some(7)));
    /// ```
    #[must_use]
    pub fn from_fields(fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut first = [None; Field::COUNT];
        let mut partial = false;
        for (name, value) in fields {
            if let Some(field) = Field::of(name) {
                partial |= field.says_partial(value);
                let known = first.get_mut(field as usize);
                known.into_iter().for_each(|known| *known = known.or(Some(value)));
            }
        }
        let of = |field: Field| first.get(field as usize).copied().flatten();
        let is_kernel = of(Field::Transport) == Some(b"kernel");
        Self {
            realtime_micros: of(Field::Realtime).and_then(number),
            priority: of(Field::Priority).and_then(priority),
            host: of(Field::Host),
            identifier: of(Field::SyslogIdentifier)
                .or(of(Field::Command))
                .or(is_kernel.then_some(&b"kernel"[..])),
            unit: of(Field::Unit),
            pid: of(Field::Pid).and_then(number).or(of(Field::SyslogPid).and_then(number)),
            partial,
            message: Text::plain(of(Field::Message).unwrap_or_default()),
        }
    }

    /// [`JournalEntry::realtime_micros`] as an instant, if it is one.
    #[must_use]
    pub fn time(&self) -> Option<UnixNanos> {
        let micros = i64::try_from(self.realtime_micros?).ok()?;
        micros.checked_mul(1_000).map(UnixNanos)
    }

    /// Appends the entry as a line, with its line feed.
    ///
    /// Of host, identifier and unit the first [`MAX_NAME_BYTES`] are kept, and a priority above 7 or
    /// a time beyond [`UnixNanos`] is left out.
    ///
    /// ```
    /// use chiplog_parse::{Detector, Text, journal_entry::JournalEntry};
    /// let entry = JournalEntry {
    ///     realtime_micros: Some(1_709_618_828_120_034),
    ///     host: Some(b"w-07"),
    ///     message: Text::plain(b"two\nlines"),
    ///     ..JournalEntry::default()
    /// };
    /// let mut line = Vec::new();
    /// entry.append_to(&mut line);
    /// assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
    /// let mut detector = Detector::new();
    /// let record = detector.peel(line.trim_ascii_end());
    /// assert_eq!((record.host, &*record.message.decode()), (Some(&b"w-07"[..]), &b"two\nlines"[..]));
    /// ```
    #[cfg(feature = "alloc")]
    pub fn append_to(&self, out: &mut Vec<u8>) {
        let message = self.message.decode();
        let escaped = needs_escape(&message);
        let head = out.len();
        out.extend_from_slice(&[b'-'; HEAD_BYTES]);
        let mut flags = if self.partial { PARTIAL } else { 0 } | if escaped { ESCAPED } else { 0 };
        let mut sizes = [0; 3];
        let names = [(self.host, HOST), (self.identifier, IDENTIFIER), (self.unit, UNIT)];
        for ((name, flag), size) in names.into_iter().zip(&mut sizes) {
            if let Some(name) = name {
                flags |= flag;
                *size = push_name(name, out);
            }
            out.push(b' ');
        }
        let mut digits = [0; 20];
        let pid = self.pid.map_or(&[][..], |pid| decimal_into(pid, &mut digits));
        out.extend_from_slice(pid);
        out.push(b' ');
        if escaped {
            escape_into(&message, out);
        } else {
            out.extend_from_slice(&message);
        }
        out.push(b'\n');
        if let Some(head) = out.get_mut(head..).and_then(<[u8]>::first_chunk_mut::<HEAD_BYTES>) {
            head[..2].copy_from_slice(&MARK);
            if let Some(UnixNanos(nanos)) = self.time() {
                // Not negative, since it was microseconds without a sign: 16 digits at most.
                let mut micros = nanos.unsigned_abs() / 1_000;
                for digit in head[2..18].iter_mut().rev() {
                    *digit = b'0' + (micros % 10) as u8;
                    micros /= 10;
                }
            }
            if let Some(priority) = self.priority.filter(|priority| *priority < 8) {
                head[18] = b'0' + priority;
            }
            head[19] = b'@' + flags;
            for (place, size) in head[20..26].chunks_exact_mut(2).zip(sizes) {
                place.copy_from_slice(&[b'0' + (size >> 6) as u8, b'0' + (size & 63) as u8]);
            }
            head[26] = b'0' + pid.len() as u8;
        }
    }
}

/// The fields that an entry is made of.
#[derive(Clone, Copy)]
enum Field {
    Message,
    Realtime,
    Priority,
    Host,
    SyslogIdentifier,
    Command,
    Pid,
    SyslogPid,
    Unit,
    Transport,
    /// Says whether the message goes on, docker's way.
    ContainerPartial,
    /// journald's way.
    LineBreak,
}

impl Field {
    const COUNT: usize = 12;

    #[inline]
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"MESSAGE" => Self::Message,
            b"__REALTIME_TIMESTAMP" => Self::Realtime,
            b"PRIORITY" => Self::Priority,
            b"_HOSTNAME" => Self::Host,
            b"SYSLOG_IDENTIFIER" => Self::SyslogIdentifier,
            b"_COMM" => Self::Command,
            b"_PID" => Self::Pid,
            b"SYSLOG_PID" => Self::SyslogPid,
            b"_SYSTEMD_UNIT" => Self::Unit,
            b"_TRANSPORT" => Self::Transport,
            b"CONTAINER_PARTIAL_MESSAGE" => Self::ContainerPartial,
            b"_LINE_BREAK" => Self::LineBreak,
            _ => return None,
        })
    }

    fn says_partial(self, value: &[u8]) -> bool {
        match self {
            Self::ContainerPartial => value == b"true",
            Self::LineBreak => value == b"line-max",
            _ => false,
        }
    }
}

/// Whether a field of this name has a part in [`JournalEntry::from_fields`].
#[must_use]
pub fn is_read(name: &[u8]) -> bool {
    Field::of(name).is_some()
}

/// A whole number, and nothing beside it.
///
/// ```
/// # use chiplog_parse::journal_entry::number;
/// assert_eq!((number(b"42"), number(b" 42"), number(b"")), (Some(42), None, None));
/// ```
#[must_use]
pub fn number(value: &[u8]) -> Option<u64> {
    decimal(value).filter(|(_, length)| *length == value.len()).map(|(number, _)| number)
}

/// A `PRIORITY`, 0 to 7.
#[must_use]
pub fn priority(value: &[u8]) -> Option<u8> {
    number(value).filter(|priority| *priority < 8).map(|priority| priority as u8) // below 8
}

/// Reads one entry, given without its line feed.
///
/// # Errors
///
/// The line was not written by [`JournalEntry::append_to`], or is cut within its head.
#[inline]
pub fn parse(line: &[u8]) -> Result<JournalEntry<'_>, ParseError> {
    let Some((head, rest)) = line.split_first_chunk::<HEAD_BYTES>() else {
        return Err(ParseError::new("the head of a journal entry", 0));
    };
    if head[..2] != MARK {
        return Err(ParseError::new("the mark of a journal entry", 0));
    }
    let realtime_micros = match head[2] {
        b'-' => None,
        _ => {
            const DIGITS: [u8; 8] = [b'0'; 8];
            let high = digits_of(word_at::<2, HEAD_BYTES>(head), DIGITS);
            let low = digits_of(word_at::<10, HEAD_BYTES>(head), DIGITS);
            if any_excess(excess(high, DIGITS) | excess(low, DIGITS)) {
                return Err(ParseError::new("microseconds in 16 digits", 2));
            }
            Some(eight(high) * 100_000_000 + eight(low))
        }
    };
    let priority = match head[18] {
        digit @ b'0'..=b'7' => Some(digit - b'0'),
        b'-' => None,
        _ => return Err(ParseError::new("a priority", 18)),
    };
    let flags = head[19].wrapping_sub(b'@');
    if flags >= 2 * ESCAPED {
        return Err(ParseError::new("flags of a journal entry", 19));
    }
    let size = |at: usize| match [head[at], head[at + 1]] {
        [high @ b'0'..=b'o', low @ b'0'..=b'o'] => {
            Ok(usize::from(high - b'0') << 6 | usize::from(low - b'0'))
        }
        _ => Err(ParseError::new("a size", at)),
    };
    let (host, rest) = name(rest, size(20)?, flags & HOST)?;
    let (identifier, rest) = name(rest, size(22)?, flags & IDENTIFIER)?;
    let (unit, rest) = name(rest, size(24)?, flags & UNIT)?;
    let (pid, message) = name(rest, usize::from(head[26].wrapping_sub(b'0')), 1)?;
    let pid = match pid {
        None | Some([]) => None,
        Some(digits) => match number(digits) {
            None => return Err(ParseError::new("a pid", HEAD_BYTES)),
            pid => pid,
        },
    };
    let escape = if flags & ESCAPED == 0 { Escape::None } else { Escape::Journal };
    Ok(JournalEntry {
        realtime_micros,
        priority,
        host,
        identifier,
        unit,
        pid,
        partial: flags & PARTIAL != 0,
        message: Text::new(message, escape),
    })
}

/// A text of this many bytes and the blank after it, and what follows; `None` where it is not there.
#[inline(always)]
fn name(bytes: &[u8], size: usize, is_there: u8) -> Result<(Option<&[u8]>, &[u8]), ParseError> {
    match bytes.split_at_checked(size) {
        Some((name, [b' ', rest @ ..])) => Ok(((is_there != 0).then_some(name), rest)),
        _ => Err(ParseError::new("the texts that the sizes promise", HEAD_BYTES)),
    }
}

/// Stands for a line feed in an escaped message.
#[cfg(feature = "alloc")]
const LINE_FEED: u8 = 0x1d;
/// Begins what stands for one of the two, or for a carriage return at the end.
#[cfg(feature = "alloc")]
const LEAD: u8 = 0x1c;

/// Whether a message cannot stand in a line as it is: a carriage return at its end would be taken
/// for part of the line end.
///
/// ```
/// # use chiplog_parse::journal_entry::needs_escape;
/// assert!(needs_escape(b"two\nlines") && needs_escape(b"end\r") && !needs_escape(b"a\rb"));
/// ```
#[must_use]
pub fn needs_escape(message: &[u8]) -> bool {
    message.last() == Some(&b'\r') || memchr::memchr(b'\n', message).is_some()
}

#[cfg(feature = "alloc")]
fn escape_into(message: &[u8], out: &mut Vec<u8>) {
    let (message, ends_in_return) = match message {
        [message @ .., b'\r'] => (message, true),
        message => (message, false),
    };
    let mut rest = message;
    while let Some(at) = memchr::memchr3(b'\n', LINE_FEED, LEAD, rest) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        match after.split_first() {
            Some((b'\n', after)) => {
                out.push(LINE_FEED);
                rest = after;
            }
            Some((special, after)) => {
                out.extend_from_slice(&[LEAD, if *special == LINE_FEED { b'1' } else { b'0' }]);
                rest = after;
            }
            None => rest = after,
        }
    }
    out.extend_from_slice(rest);
    if ends_in_return {
        out.extend_from_slice(&[LEAD, b'2']);
    }
}

/// Undoes [`escape_into`]; what it does not write stands for itself.
#[cfg(feature = "alloc")]
pub(crate) fn unescape_into(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr2(LINE_FEED, LEAD, rest) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        let (byte, length) = match after {
            [LEAD, b'0', ..] => (LEAD, 2),
            [LEAD, b'1', ..] => (LINE_FEED, 2),
            [LEAD, b'2', ..] => (b'\r', 2),
            [LINE_FEED, ..] => (b'\n', 1),
            _ => (LEAD, 1),
        };
        out.push(byte);
        rest = after.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// Appends a host, identifier or unit, and says how many bytes that took.
#[cfg(feature = "alloc")]
fn push_name(name: &[u8], out: &mut Vec<u8>) -> usize {
    let start = out.len();
    let mut name = name.get(..MAX_NAME_BYTES).unwrap_or(name);
    while let Some(at) = memchr::memchr(b'\n', name) {
        out.extend_from_slice(name.get(..at).unwrap_or_default());
        out.extend_from_slice(b"\\n");
        name = name.get(at + 1..).unwrap_or_default();
    }
    out.extend_from_slice(name);
    out.truncate(start + MAX_NAME_BYTES.min(out.len() - start));
    out.len() - start
}

#[cfg(feature = "alloc")]
fn decimal_into(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        start = at;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    extern crate std;

    use proptest::prelude::*;
    use std::format;
    use std::string::String;
    use std::vec;

    use super::*;
    use crate::{Detector, Format, journal_json};

    fn line(entry: &JournalEntry<'_>) -> Vec<u8> {
        let mut line = Vec::new();
        entry.append_to(&mut line);
        assert_eq!(line.pop(), Some(b'\n'));
        assert!(!line.contains(&b'\n'));
        line
    }

    /// What `journalctl -o json --all` prints: a string where the value is printable UTF-8, else an
    /// array of byte values.
    fn json_value(value: &[u8]) -> String {
        let is_printable = |text: &str| !text.chars().any(|c| c != '\n' && c.is_control());
        match std::str::from_utf8(value).ok().filter(|text| is_printable(text)) {
            Some(text) => {
                format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
            }
            None => {
                let bytes: Vec<String> = value.iter().map(|byte| format!("{byte}")).collect();
                format!("[{}]", bytes.join(","))
            }
        }
    }

    /// Fields that stand twice become one key with an array.
    fn json(fields: &[(&str, Vec<u8>)]) -> String {
        let mut members: Vec<String> = Vec::new();
        for (index, (name, _)) in fields.iter().enumerate() {
            if fields[..index].iter().any(|(earlier, _)| earlier == name) {
                continue;
            }
            let values: Vec<String> = fields
                .iter()
                .filter(|(other, _)| other == name)
                .map(|(_, value)| json_value(value))
                .collect();
            members.push(match values.as_slice() {
                [one] => format!("\"{name}\":{one}"),
                many => format!("\"{name}\":[{}]", many.join(",")),
            });
        }
        format!("{{{}}}", members.join(","))
    }

    fn entry_of<'a>(fields: &'a [(&str, Vec<u8>)]) -> JournalEntry<'a> {
        JournalEntry::from_fields(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())))
    }

    fn value() -> impl Strategy<Value = Vec<u8>> {
        let special = prop::sample::select(&b"\n\r\x1c\x1d\x1e012J \"\\\t{}[]:\xc3\xa9\0"[..]);
        let message = prop::sample::select(vec![
            "E0305 06:07:08.120034       1 a.go:1] \"bad\" err=\"x \\\"y\\\"\"",
            "{\"level\":\"warn\",\"ts\":\"2024-03-05T06:07:08.120Z\",\"msg\":\"slow\",\"took\":\"1s\"}",
            "2019-08-17 16:36:44.213626 W | wal: sync duration of 1.9s, expected less than 1s",
            "time=\"2024-03-05T06:07:08Z\" level=error msg=\"oh \\\"no\\\"\"",
            "\u{1e}J1709618828120034-@000000  ",
            "true",
            "line-max",
            "kernel",
            "4",
            "17",
            "99999999999999999999",
        ])
        .prop_map(|text| text.as_bytes().to_vec());
        prop_oneof![
            prop::collection::vec(special, 0..8),
            prop::collection::vec(any::<u8>(), 0..12),
            message.clone(),
            (message, any::<bool>()).prop_map(|(mut text, feed)| {
                text.push(if feed { b'\n' } else { b'\r' });
                text
            }),
        ]
    }

    fn fields() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
        let names = vec![
            "MESSAGE",
            "PRIORITY",
            "_HOSTNAME",
            "SYSLOG_IDENTIFIER",
            "_COMM",
            "_PID",
            "SYSLOG_PID",
            "_SYSTEMD_UNIT",
            "UNIT",
            "_TRANSPORT",
            "CONTAINER_PARTIAL_MESSAGE",
            "_LINE_BREAK",
            "PACKAGE",
        ];
        let field = (prop::sample::select(names), value());
        // journalctl prints times as decimals; the greatest that is an instant has 16 digits.
        (prop::collection::vec(field, 0..12), 0..=9_223_372_036_854_775u64).prop_map(
            |(mut fields, micros)| {
                // Of a repeated one of these JSON shows an array, which says nothing there.
                for name in ["CONTAINER_PARTIAL_MESSAGE", "_LINE_BREAK"] {
                    let mut seen = false;
                    fields.retain(|(other, _)| *other != name || !std::mem::replace(&mut seen, true));
                }
                fields.push(("__REALTIME_TIMESTAMP", format!("{micros}").into_bytes()));
                fields
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_record_of_the_line_is_that_of_the_json_line(fields in fields()) {
            let line = line(&entry_of(&fields));
            let json = json(&fields);
            let of_json = journal_json::parse(json.as_bytes()).unwrap();
            let (mut ours, mut theirs) = (Detector::new(), Detector::new());
            let (ours, theirs) = (ours.peel(&line), theirs.peel(json.as_bytes()));
            prop_assert_eq!(ours.layers()[0], Format::Journal);
            prop_assert_eq!(&ours.layers()[1..], &theirs.layers()[1..]);
            prop_assert_eq!(ours.content, theirs.content);
            prop_assert_eq!(ours.message, theirs.message);
            prop_assert_eq!(ours.time, theirs.time);
            prop_assert_eq!(ours.envelope_time, theirs.envelope_time);
            prop_assert_eq!(ours.severity, theirs.severity);
            prop_assert_eq!(ours.envelope_severity, theirs.envelope_severity);
            prop_assert_eq!(ours.pid, theirs.pid);
            prop_assert_eq!(ours.partial, theirs.partial);
            prop_assert_eq!(format!("{:?}", ours.event()), format!("{:?}", theirs.event()));
            // Names are shown as JSON writes them there; here they are what they are.
            let decoded = |text: Option<Text<'_>>| text.map(|text| {
                let name = text.decode();
                let feeds = name.split(|byte| *byte == b'\n');
                feeds.collect::<Vec<_>>().join(&b"\\n"[..])
            });
            prop_assert_eq!(ours.host.map(<[u8]>::to_vec), decoded(of_json.hostname));
            prop_assert_eq!(ours.unit.map(<[u8]>::to_vec), decoded(of_json.unit));
            let identifier = decoded(of_json.identifier).or(theirs.component.map(<[u8]>::to_vec));
            prop_assert_eq!(ours.component.map(<[u8]>::to_vec), identifier);
        }

        #[test]
        fn reads_back_what_was_written(fields in fields()) {
            let entry = entry_of(&fields);
            let line = line(&entry);
            let read = parse(&line).unwrap();
            prop_assert_eq!(read.message.decode(), entry.message.raw());
            prop_assert_eq!(read.message.as_plain().is_some(), !needs_escape(entry.message.raw()));
            let plain = |name: Option<&[u8]>| name.is_none_or(|name| !name.contains(&b'\n'));
            if plain(entry.host) && plain(entry.identifier) && plain(entry.unit) {
                prop_assert_eq!(JournalEntry { message: entry.message, ..read }, entry);
            }
            // What was read can be written.
            let mut again = Vec::new();
            read.append_to(&mut again);
            prop_assert_eq!(&again[..line.len()], &line[..]);
        }

        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..80), at in 0usize..27) {
            let _ = parse(&bytes);
            let mut line = line(&JournalEntry { host: Some(b"a"), pid: Some(1), ..JournalEntry::default() });
            line[at] = bytes.first().copied().unwrap_or(0);
            let _ = parse(&line);
            line.truncate(bytes.len());
            let _ = parse(&line);
        }
    }

    #[test]
    fn no_text_passes_for_another_field() {
        let forged = b"x \x1eJ1709618828120034-@000000  \n\x1eJ9999";
        let entry = JournalEntry {
            host: Some(forged),
            identifier: Some(b""),
            unit: Some(forged),
            message: Text::plain(forged),
            ..JournalEntry::default()
        };
        let line = line(&entry);
        let read = parse(&line).unwrap();
        let name = &b"x \x1eJ1709618828120034-@000000  \\n\x1eJ9999"[..];
        assert_eq!((read.host, read.identifier, read.unit), (Some(name), Some(&b""[..]), Some(name)));
        assert_eq!((read.pid, &*read.message.decode()), (None, &forged[..]));
        // A program that prints such a line is no journal.
        let printed = [b"2024-03-05T06:07:08Z stderr F ", line.as_slice()].concat();
        assert_eq!(Detector::new().peel(&printed).layers(), [Format::Cri, Format::Text]);
    }

    #[test]
    fn long_names_are_cut_and_messages_are_not() {
        let long = [b'x'; 5_000];
        let entry =
            JournalEntry { unit: Some(&long), message: Text::plain(&long), ..JournalEntry::default() };
        let line = line(&entry);
        let read = parse(&line).unwrap();
        assert_eq!((read.unit.unwrap().len(), read.message.raw().len()), (MAX_NAME_BYTES, 5_000));
    }

    #[test]
    fn times_beyond_an_instant_are_left_out() {
        for (micros, kept) in
            [(0, Some(0)), (9_223_372_036_854_775, Some(9_223_372_036_854_775)), (u64::MAX, None)]
        {
            let line = line(&JournalEntry { realtime_micros: Some(micros), ..JournalEntry::default() });
            assert_eq!(parse(&line).unwrap().realtime_micros, kept);
        }
    }

    #[test]
    fn a_head_that_is_cut_is_refused_and_a_message_may_be() {
        let entry = JournalEntry {
            host: Some(b"w-07"),
            pid: Some(7),
            message: Text::plain(b"abc"),
            ..JournalEntry::default()
        };
        let line = line(&entry);
        for cut in 0..line.len() {
            assert_eq!(parse(&line[..cut]).is_ok(), cut >= line.len() - 3, "{cut}");
        }
    }
}
