//! `journalctl -o json`: one JSON object for each entry of the journal.
//!
//! ```text
//! line = [ RS / "data: " ] {"FIELD":value,..}        ; RS with -o json-seq, "data: " with -o json-sse
//! value = string / array of byte values / array of values / null
//! ```
//!
//! (systemd `src/shared/logs-show.c`.) Keys come in any order. Text that is not printable UTF-8 is
//! an array of byte values (a carriage return or a colour is enough), a field that the entry has
//! more than once an array of its values. `null` stands for a field of 4096 bytes or more when
//! `--all` was not given: that text is lost.
//!
//! Times are decimal strings of microseconds. journald gives priority 6 to whatever a
//! service prints, so the severity of the message itself counts more.

use crate::json::{self, Elements, Value};
use crate::{Escape, ParseError, Text, UnixNanos};

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalJson<'a> {
    /// `__REALTIME_TIMESTAMP`: when journald received the entry.
    pub time: UnixNanos,
    /// `__MONOTONIC_TIMESTAMP`, microseconds since boot.
    pub monotonic_micros: Option<u64>,
    /// `_HOSTNAME`
    pub hostname: Option<Text<'a>>,
    /// `SYSLOG_IDENTIFIER`, else `_COMM`: what journalctl prints before the pid.
    pub identifier: Option<Text<'a>>,
    /// `_PID`, else `SYSLOG_PID`.
    pub pid: Option<u64>,
    /// `PRIORITY`, 0 to 7; [`crate::Severity::from_syslog`] reads it.
    pub priority: Option<u8>,
    /// `_SYSTEMD_UNIT`
    pub unit: Option<Text<'a>>,
    /// `_TRANSPORT`: `stdout`, `syslog`, `journal`, `kernel`, `audit` or `driver`.
    pub transport: Option<Text<'a>>,
    /// `MESSAGE`
    pub message: Message<'a>,
    /// The message goes on in another entry: docker says so (`CONTAINER_PARTIAL_MESSAGE`), or
    /// journald cut the line at its `LineMax` (`_LINE_BREAK=line-max`).
    pub partial: bool,
    line: &'a [u8],
    start: usize,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// The entry has none.
    Absent,
    /// The text.
    Text(Text<'a>),
    /// The entry has several.
    Repeated(Repeated<'a>),
    /// journalctl left it out because of its length; `--all` would have kept it.
    Lost,
}

impl<'a> Message<'a> {
    /// The text, the first one if there are several.
    #[must_use]
    pub fn text(&self) -> Option<Text<'a>> {
        match self {
            Self::Text(text) => Some(*text),
            Self::Repeated(texts) => texts.iter().next(),
            Self::Absent | Self::Lost => None,
        }
    }

    fn from_value(value: Value<'a>) -> Self {
        match (text(value), value) {
            (Some(text), _) => Self::Text(text),
            (None, Value::Array(array)) => Self::Repeated(Repeated { array }),
            _ => Self::Lost,
        }
    }
}

/// The values of a field that an entry has more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated<'a> {
    array: &'a [u8],
}

impl<'a> Repeated<'a> {
    /// The values in order. One that journalctl left out for its length is skipped.
    #[must_use]
    pub const fn iter(&self) -> Texts<'a> {
        Texts { elements: json::elements(self.array) }
    }
}

impl<'a> IntoIterator for Repeated<'a> {
    type Item = Text<'a>;
    type IntoIter = Texts<'a>;

    fn into_iter(self) -> Texts<'a> {
        self.iter()
    }
}

/// Iterator over [`Repeated`] values.
#[derive(Clone, Debug)]
pub struct Texts<'a> {
    elements: Elements<'a>,
}

impl<'a> Iterator for Texts<'a> {
    type Item = Text<'a>;

    fn next(&mut self) -> Option<Text<'a>> {
        self.elements.by_ref().flatten().find_map(text)
    }
}

impl<'a> JournalJson<'a> {
    /// The first value of a field that has no place in this struct, such as `PACKAGE` (capnslog)
    /// or `N_DROPPED`.
    ///
    /// Goes through the line again.
    #[must_use]
    pub fn field(&self, name: &[u8]) -> Option<Text<'a>> {
        json::members_from(self.line, self.start)
            .flatten()
            .find(|member| member.key.raw() == name)
            .and_then(|member| Message::from_value(member.value).text())
    }
}

/// A string or an array of byte values.
fn text(value: Value<'_>) -> Option<Text<'_>> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(array) => {
            let inside = array.get(1..array.len().saturating_sub(1))?.trim_ascii();
            let is_bytes = inside.first().is_none_or(u8::is_ascii_digit);
            is_bytes.then_some(Text::new(inside, Escape::JsonBytes))
        }
        _ => None,
    }
}

/// Reads one entry.
///
/// ```
/// use chiplog_parse::journal_json::{self, Message};
/// let line = br#"{"_PID":"7","MESSAGE":[104,105],"__REALTIME_TIMESTAMP":"1709618828120034"}"#;
/// let entry = journal_json::parse(line)?;
/// assert_eq!(entry.time.to_string(), "2024-03-05T06:07:08.120034Z");
/// assert_eq!((entry.pid, entry.message.text().unwrap().raw()), (Some(7), &b"104,105"[..]));
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
///
/// # Errors
///
/// The line is not one JSON object, or has no `__REALTIME_TIMESTAMP` of microseconds.
pub fn parse(line: &[u8]) -> Result<JournalJson<'_>, ParseError> {
    let start = match line {
        [0x1e, ..] => 1,
        _ if line.starts_with(b"data: ") => 6,
        _ => 0,
    };
    let (mut time, mut monotonic_micros, mut priority) = (None, None, None);
    let (mut hostname, mut syslog_identifier, mut command) = (None, None, None);
    let (mut pid, mut syslog_pid, mut unit, mut transport) = (None, None, None, None);
    let (mut message, mut partial) = (Message::Absent, false);
    for member in json::members_from(line, start) {
        let member = member?;
        let value = member.value;
        let first_text = || Message::from_value(value).text();
        match member.key.raw() {
            b"MESSAGE" => message = Message::from_value(value),
            b"__REALTIME_TIMESTAMP" => time = number(value),
            b"__MONOTONIC_TIMESTAMP" => monotonic_micros = number(value),
            b"PRIORITY" => priority = number(value).filter(|priority| *priority < 8),
            b"_HOSTNAME" => hostname = first_text(),
            b"SYSLOG_IDENTIFIER" => syslog_identifier = first_text(),
            b"_COMM" => command = first_text(),
            b"_PID" => pid = number(value),
            b"SYSLOG_PID" => syslog_pid = number(value),
            b"_SYSTEMD_UNIT" => unit = first_text(),
            b"_TRANSPORT" => transport = first_text(),
            b"CONTAINER_PARTIAL_MESSAGE" => partial |= is_string(value, b"true"),
            b"_LINE_BREAK" => partial |= is_string(value, b"line-max"),
            _ => {}
        }
    }
    let time = time
        .and_then(|micros| i64::try_from(micros).ok()?.checked_mul(1_000))
        .map(UnixNanos)
        .ok_or_else(|| ParseError::new("a `__REALTIME_TIMESTAMP` in microseconds", start))?;
    Ok(JournalJson {
        time,
        monotonic_micros,
        hostname,
        identifier: syslog_identifier.or(command),
        pid: pid.or(syslog_pid),
        priority: priority.map(|priority| priority as u8), // below 8
        unit,
        transport,
        message,
        partial,
        line,
        start,
    })
}

/// The number in a string of digits.
fn number(value: Value<'_>) -> Option<u64> {
    // Byte values in an array are no digits.
    crate::journal_entry::number(Message::from_value(value).text()?.as_plain()?)
}

fn is_string(value: Value<'_>, wanted: &[u8]) -> bool {
    value.as_string().is_some_and(|text| text.raw() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn repeated_values_of_all_forms() {
        let line = br#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":["a",[98],null],"PACKAGE":["raft","x"],"E":[]}"#;
        let entry = parse(line).unwrap();
        let Message::Repeated(texts) = entry.message else { panic!("{:?}", entry.message) };
        let texts: Vec<_> = texts.iter().map(|text| text.decode().into_owned()).collect();
        assert_eq!(texts, [b"a", b"b"]);
        assert_eq!(entry.field(b"PACKAGE").unwrap().raw(), b"raft");
        assert_eq!(entry.field(b"E").unwrap().raw(), b"");
        assert_eq!(entry.field(b"F"), None);
    }

    #[test]
    fn offsets_count_from_the_start_of_the_line() {
        assert_eq!(parse(b"data: {]").unwrap_err().offset(), 7);
        assert_eq!(parse(b"\x1e").unwrap_err().offset(), 1);
    }

    #[test]
    fn every_cut_is_refused() {
        let line = br#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":[98,99],"_PID":"1"}"#;
        assert!((0..line.len()).all(|cut| parse(&line[..cut]).is_err()));
    }
}
