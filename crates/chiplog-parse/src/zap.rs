//! zap: JSON and console lines of etcd since 3.4 and of many other programs.
//!
//! ```text
//! json    = {"level":L,"ts":T,"logger":S?,"caller":"dir/file.go:N"?,"msg":S, fields.., "stacktrace":S?}
//! console = T TAB L TAB [ logger TAB ] [ "dir/file.go:N" TAB ] msg [ TAB "{" fields "}" ] [ LF stack ]
//! ```
//!
//! `L` is one of `debug info warn error dpanic panic fatal`, in capitals from zap's development
//! configuration (zap `zapcore/level.go`), or `Level(-N)` below debug as zapr writes it.
//! `T` is a string (etcd: `client/pkg/logutil/zap.go`, `pkg/logutil/zap.go`):
//!
//! | etcd | layout |
//! | --- | --- |
//! | 3.4.0 to 3.4.23, 3.5.0 to 3.5.7 | three fraction digits, `Z` or `+0800` |
//! | 3.4.24 on, 3.5.8 to 3.5.14 | up to six, zeros at the end cut |
//! | 3.5.15 on, 3.6 | six |
//!
//! or a number of seconds (zap's production configuration, embedded etcd). Numbers of 1e11 or
//! more are taken as milliseconds.
//!
//! Lost before the line is written: etcd samples (the first 100 entries a second of one level and
//! message, then every hundredth), and zap replaces bytes that are not UTF-8 by U+FFFD. Console
//! messages are not escaped: a TAB in one cannot be told from a column's.

use memchr::{memchr, memrchr};

use crate::json::{self, Member, Members};
use crate::{Escape, ParseError, Severity, Text, Time, Value, rfc3339};

/// One zap entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Zap<'a> {
    /// The severity of [`Zap::severity_text`]: `dpanic` is critical, `panic` alert.
    pub severity: Severity,
    /// The level as the line has it.
    pub severity_text: &'a [u8],
    /// The time; a wall-clock reading when a foreign layout leaves out the zone.
    pub time: Time,
    /// The name of the logger.
    pub logger: Option<Text<'a>>,
    /// The caller's file, `dir/file.go`.
    pub file: Option<Text<'a>>,
    /// The line in that file.
    pub line: Option<u32>,
    /// The message.
    pub message: Text<'a>,
    /// The stack of the caller, lines separated by line feeds.
    pub stacktrace: Option<Text<'a>>,
    /// The object the fields stand in, checked.
    object: &'a [u8],
    /// Whether the entry's own members stand in it too.
    whole: bool,
    /// The end of the message in the object, where all before it is known to be the entry's own;
    /// else 0.
    message_end: usize,
}

impl<'a> Zap<'a> {
    /// The fields of the entry in order of appearance; zap does not remove duplicate keys.
    #[must_use]
    pub const fn fields(&self) -> Fields<'a> {
        match self.message_end {
            0 => Fields { members: json::members(self.object), entry: Entry::new(self.whole) },
            end => Fields { members: json::members_after(self.object, end), entry: Entry::AFTER_MESSAGE },
        }
    }

    /// The last field of that name. Goes through all of them.
    #[must_use]
    pub fn field(&self, name: &[u8]) -> Option<Value<'a>> {
        self.fields().filter(|(key, _)| key.raw() == name).last().map(|(_, value)| value)
    }
}

/// Iterator over the fields of a [`Zap`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    members: Members<'a>,
    entry: Entry,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let member = self.members.next()?.ok()?;
            if self.entry.role(&member).is_none() {
                return Some((member.key, member.value.into()));
            }
        }
    }
}

/// What a member is to the entry, unless it is a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Level,
    Time,
    Logger,
    Caller,
    Message,
    Stacktrace,
}

/// Tells the members of the entry from fields of the same names: the entry's come first, logger
/// and caller even before the message.
#[derive(Clone, Debug)]
struct Entry {
    seen: u8,
}

impl Entry {
    const fn new(has_entry: bool) -> Self {
        Self { seen: if has_entry { 0 } else { u8::MAX } }
    }

    /// Only a stack may still be the entry's.
    const AFTER_MESSAGE: Self = Self { seen: !(1 << 7 | 1 << Role::Stacktrace as u8) };

    #[inline]
    fn role(&mut self, member: &Member<'_>) -> Option<Role> {
        let role = match member.key.raw() {
            b"level" => Role::Level,
            b"ts" => Role::Time,
            b"logger" => Role::Logger,
            b"caller" => Role::Caller,
            b"msg" => Role::Message,
            b"stacktrace" => Role::Stacktrace,
            _ => return None,
        };
        let message_seen = self.seen & 1 << Role::Message as u8 != 0;
        let is_field = self.seen & 1 << role as u8 != 0
            || message_seen && matches!(role, Role::Logger | Role::Caller)
            || self.seen == u8::MAX;
        if is_field {
            return None;
        }
        self.seen |= 1 << role as u8;
        Some(role)
    }
}

/// Reads a JSON entry. Members may stand in any order, except that a `logger` or `caller` behind
/// `msg` is a field.
///
/// ```
/// use chiplog_parse::{Severity, zap};
/// let line = br#"{"level":"warn","ts":"2021-08-30T14:07:08.120+0800","caller":"wal/wal.go:805",
///     "msg":"slow fdatasync","took":"1.5s"}"#;
/// let entry = zap::parse_json(line)?;
/// assert_eq!(entry.severity, Severity::Warning);
/// assert_eq!(entry.time.to_string(), "2021-08-30T06:07:08.120000Z");
/// assert_eq!((entry.message.raw(), entry.line), (&b"slow fdatasync"[..], Some(805)));
/// let (key, value) = entry.fields().next().unwrap();
/// assert_eq!((key.raw(), value.text().raw()), (&b"took"[..], &b"1.5s"[..]));
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
///
/// # Errors
///
/// The line is not one JSON object, or has no `level`, `ts` and `msg` that zap would write.
pub fn parse_json(line: &[u8]) -> Result<Zap<'_>, ParseError> {
    match in_usual_order(line) {
        Some(entry) => Ok(entry),
        None => in_any_order(line),
    }
}

/// As [`in_any_order`], of what zap prints unless it is told otherwise: `level`, `ts` as text,
/// `logger` and `caller` if they are there, `msg`, and no blanks. Else `None`.
fn in_usual_order(line: &[u8]) -> Option<Zap<'_>> {
    // A string behind `key`, and the end of it.
    let string = |at: usize, key: &[u8]| {
        let start = at + line.get(at..).filter(|rest| rest.starts_with(key)).map(|_| key.len())?;
        let quote = json::closing_quote(line, start)?;
        Some((line.get(start..quote)?, quote + 1))
    };
    let (severity_text, at) = string(0, b"{\"level\":\"")?;
    let (time, at) = string(at, b",\"ts\":\"")?;
    let logger = string(at, b",\"logger\":\"");
    let at = logger.map_or(at, |(_, end)| end);
    let caller = string(at, b",\"caller\":\"");
    let at = caller.map_or(at, |(_, end)| end);
    let (message, message_end) = string(at, b",\"msg\":\"")?;

    let severity = severity(severity_text)?;
    let time = time_of_text(time)?;
    let mut entry = Entry::AFTER_MESSAGE;
    let mut stacktrace = None;
    for member in json::members_after(line, message_end) {
        let member = member.ok()?;
        if entry.role(&member).is_some() {
            stacktrace = member.value.as_string();
        }
    }
    let text = |(raw, _)| Text::new(raw, Escape::Json);
    let (file, line_number) = split_caller(caller.map(text));
    Some(Zap {
        severity,
        severity_text,
        time,
        logger: logger.map(text),
        file,
        line: line_number,
        message: Text::new(message, Escape::Json),
        stacktrace,
        object: line,
        whole: true,
        message_end,
    })
}

fn in_any_order(line: &[u8]) -> Result<Zap<'_>, ParseError> {
    let mut entry = Entry::new(true);
    let (mut level, mut time, mut logger, mut caller, mut message, mut stacktrace) =
        (None, None, None, None, None, None);
    for member in json::members(line) {
        let member = member?;
        let text = member.value.as_string();
        match entry.role(&member) {
            Some(Role::Level) => level = text,
            Some(Role::Time) => time = time_of_value(&member.value),
            Some(Role::Logger) => logger = text,
            Some(Role::Caller) => caller = text,
            Some(Role::Message) => message = text,
            Some(Role::Stacktrace) => stacktrace = text,
            None => {}
        }
    }
    let (severity, severity_text) = level
        .and_then(|level| Some((severity(level.raw())?, level.raw())))
        .ok_or_else(|| ParseError::new("a `level` of zap", 0))?;
    let time = time.ok_or_else(|| ParseError::new("a `ts`, a time or seconds since the epoch", 0))?;
    let message = message.ok_or_else(|| ParseError::new("a `msg`", 0))?;
    let (file, line_number) = split_caller(caller);
    Ok(Zap {
        severity,
        severity_text,
        time,
        logger,
        file,
        line: line_number,
        message,
        stacktrace,
        object: line,
        whole: true,
        message_end: 0,
    })
}

/// Reads a console entry, with the lines of its stack if it has one.
///
/// ```
/// use chiplog_parse::zap;
/// let line = b"2024-03-05T06:07:08.120034Z\twarn\twal/wal.go:845\tslow fdatasync\t{\"took\": \"1.5s\"}";
/// let entry = zap::parse_console(line)?;
/// assert_eq!(entry.message.raw(), b"slow fdatasync");
/// assert_eq!(entry.fields().count(), 1);
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
///
/// # Errors
///
/// The line does not start with a time and a level that zap would write, each followed by a TAB.
pub fn parse_console(line: &[u8]) -> Result<Zap<'_>, ParseError> {
    let (time_text, rest) = column(line).ok_or_else(|| ParseError::new("a time and a TAB", 0))?;
    let time = time_of_text(time_text)
        .or_else(|| json::epoch(time_text).map(Time::Instant))
        .ok_or_else(|| ParseError::new("a time", 0))?;
    let level_at = line.len() - rest.len();
    let (severity_text, rest) = column(rest).ok_or_else(|| ParseError::new("a level and a TAB", level_at))?;
    let severity = severity(severity_text).ok_or_else(|| ParseError::new("a level of zap", level_at))?;

    let (mut logger, mut caller, mut rest) = (None, None, rest);
    if let Some((first, after_first)) = column(rest) {
        if is_caller(first) {
            (caller, rest) = (Some(first), after_first);
        } else if let Some((second, after_second)) = column(after_first).filter(|(text, _)| is_caller(text)) {
            (logger, caller, rest) = (Some(Text::plain(first)), Some(second), after_second);
        }
    }
    let (message, object, stack) = message_fields_stack(rest);
    let (file, line_number) = split_caller(caller.map(Text::plain));
    Ok(Zap {
        severity,
        severity_text,
        time,
        logger,
        file,
        line: line_number,
        message: Text::plain(message),
        stacktrace: stack.map(Text::plain),
        object,
        whole: false,
        message_end: 0,
    })
}

fn column(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let tab = memchr(b'\t', text)?;
    Some((&text[..tab], &text[tab + 1..]))
}

/// Message, fields object and stack. The object has no raw TAB or LF in it, so it is found from
/// its end.
fn message_fields_stack(text: &[u8]) -> (&[u8], &[u8], Option<&[u8]>) {
    if let Some((message, object)) = split_fields(text) {
        return (message, object, None);
    }
    if let Some(line_feed) = memchr(b'\n', text) {
        let (first, stack) = (&text[..line_feed], &text[line_feed + 1..]);
        if let Some((message, object)) = split_fields(first) {
            return (message, object, Some(stack));
        }
        // Function and place of each frame alternate, the place behind a TAB.
        if memchr(b'\n', stack).is_some_and(|end| stack.get(end + 1) == Some(&b'\t')) {
            return (first, b"{}", Some(stack));
        }
    }
    (text, b"{}", None)
}

fn split_fields(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let tab = memrchr(b'\t', text)?;
    let object = &text[tab + 1..];
    (object.first() == Some(&b'{') && json::members(object).all(|member| member.is_ok()))
        .then_some((&text[..tab], object))
}

/// `dir/file.go:N`. Only a whole caller has no blank in it.
fn is_caller(text: &[u8]) -> bool {
    matches!(split_caller(Some(Text::plain(text))), (Some(_), Some(_))) && memchr(b' ', text).is_none()
}

/// File and line of a caller; no line if it has another form (`undefined`).
pub(crate) fn split_caller(caller: Option<Text<'_>>) -> (Option<Text<'_>>, Option<u32>) {
    let Some(caller) = caller else { return (None, None) };
    let raw = caller.raw();
    let split = memrchr(b':', raw).and_then(|colon| {
        let (number, length) = crate::bytes::decimal(&raw[colon + 1..])?;
        let whole = colon > 0 && length == raw.len() - colon - 1;
        Some((&raw[..colon], u32::try_from(number).ok().filter(|_| whole)?))
    });
    match split {
        Some((file, line)) => (Some(Text::new(file, caller.escape())), Some(line)),
        None => (Some(caller), None),
    }
}

fn time_of_value(value: &json::Value<'_>) -> Option<Time> {
    match value {
        json::Value::String(text) => time_of_text(text.raw()),
        json::Value::Number(number) => json::epoch(number).map(Time::Instant),
        _ => None,
    }
}

fn time_of_text(text: &[u8]) -> Option<Time> {
    if let Some(instant) = rfc3339::parse(text, b'T') {
        return Some(Time::Instant(instant));
    }
    match rfc3339::civil(text, *text.get(10)?)? {
        (civil, []) if matches!(text[10], b'T' | b' ') => Some(Time::Civil(civil)),
        _ => None,
    }
}

fn severity(level: &[u8]) -> Option<Severity> {
    Some(match level {
        b"debug" | b"DEBUG" => Severity::Debug,
        b"info" | b"INFO" => Severity::Info,
        b"warn" | b"WARN" => Severity::Warning,
        b"error" | b"ERROR" => Severity::Error,
        b"dpanic" | b"DPANIC" => Severity::Critical,
        b"panic" | b"PANIC" => Severity::Alert,
        b"fatal" | b"FATAL" => Severity::Fatal,
        // Below debug: a zapr verbosity of 2 is level -2.
        [b'L' | b'l', b'e' | b'E', b'v' | b'V', b'e' | b'E', b'l' | b'L', b'(', b'-', digits @ .., b')']
            if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) =>
        {
            Severity::Trace
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn keys<'a>(entry: &Zap<'a>) -> Vec<&'a [u8]> {
        entry.fields().map(|(key, _)| key.raw()).collect()
    }

    #[test]
    fn fields_may_be_named_like_the_entry() {
        let line =
            br#"{"level":"info","ts":1,"msg":"m","level":"x","caller":"y:1","msg":2,"stacktrace":"s"}"#;
        let entry = parse_json(line).unwrap();
        assert_eq!(keys(&entry), [&b"level"[..], b"caller", b"msg"]);
        assert_eq!((entry.file, entry.stacktrace.unwrap().raw()), (None, &b"s"[..]));
    }

    #[test]
    fn console_stack() {
        let line = b"2024-03-05T06:07:08Z\terror\ta/b.go:1\tbad\t{\"k\": 1}\nmain.main\n\t/src/main.go:1";
        let entry = parse_console(line).unwrap();
        assert_eq!(entry.message.raw(), b"bad");
        assert_eq!(keys(&entry), [b"k"]);
        assert_eq!(entry.stacktrace.unwrap().raw(), b"main.main\n\t/src/main.go:1");
        let entry = parse_console(b"1709618828.5\terror\tbad\nmain.main\n\t/src/main.go:1").unwrap();
        assert_eq!((entry.message.raw(), entry.file), (&b"bad"[..], None));
        assert!(entry.stacktrace.is_some());
    }

    #[test]
    fn a_console_entry_has_fields_named_like_an_entry() {
        let entry = parse_console(b"2024-03-05T06:07:08Z\tinfo\tm\t{\"level\": 1, \"msg\": 2}").unwrap();
        assert_eq!(keys(&entry), [&b"level"[..], b"msg"]);
    }

    #[test]
    fn zapr_levels_and_foreign_layouts() {
        let entry = parse_json(br#"{"level":"Level(-4)","ts":"2024-03-05 06:07:08","msg":"m"}"#).unwrap();
        assert_eq!(entry.severity, Severity::Trace);
        assert!(matches!(entry.time, Time::Civil(_)));
        assert!(parse_json(br#"{"level":"Level(-)","ts":1,"msg":"m"}"#).is_err());
        assert!(parse_json(br#"{"level":"info","ts":"yesterday","msg":"m"}"#).is_err());
    }

    proptest! {
        #[test]
        fn the_usual_order_is_read_like_any(
            head in r#"\{"level":"(info|WARN|x)","ts":"2024-03-05T06:07:08(\.12)?(Z|\+0800|x)"(,"logger":"l")?(,"caller":"(a/b\.go:1|\\")")?"#,
            message in r#",? ?"(msg|logger)":("(m|\\"){0,3}"|1)"#,
            rest in r#"(,"(level|ts|logger|caller|msg|stacktrace|k)":("v"|2|\{"a":\[1\]\}|\})){0,5}(\}|\} |,\}|)"#,
        ) {
            let line = [head, message, rest].concat();
            if let Some(entry) = in_usual_order(line.as_bytes()) {
                let any = in_any_order(line.as_bytes());
                prop_assert!(any.is_ok(), "{line}");
                let any = any.unwrap();
                prop_assert!(entry.fields().eq(any.fields()), "{line}");
                prop_assert_eq!(Zap { message_end: 0, ..entry }, any);
            }
        }

        #[test]
        fn any_bytes(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse_json(&line);
            let mut console = b"2024-03-05T06:07:08Z\tinfo\t".to_vec();
            console.extend(&line);
            let entry = parse_console(&console);
            prop_assert!(entry.is_ok());
        }
    }
}
