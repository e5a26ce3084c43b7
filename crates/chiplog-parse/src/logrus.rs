//! logrus: text, terminal and JSON lines of dockerd, containerd, cri-o, k3s, rke2 and podman.
//!
//! ```text
//! text     = [ "time=" value SP ] "level=" level [ SP "msg=" value ] *( SP key "=" value ) [ SP ]
//! value    = quoted / bare
//! terminal = LEVL "[" seconds / time "]" SP message SP *( SP key "=" value )    ; in colour or not
//! json     = {..,"level":L,"msg":S,"time":T,..}                                  ; sorted keys
//! ```
//!
//! (sirupsen/logrus `text_formatter.go`, `json_formatter.go`.) Times are RFC 3339 with up to nine
//! fraction digits; cri-o puts a blank in place of the `T` (cri-o `cmd/crio/main.go`). The
//! message is missing in text when it is empty.
//!
//! | logrus | difference |
//! | --- | --- |
//! | to 0.11.2 | values that are no strings are bare whatever they hold (`[a b]`); a blank ends the line |
//! | 0.11.3 to 1.0.2 | the same, and quoted values are **not escaped** |
//! | 1.0.3 on | bare values hold `A-Z a-z 0-9 - . _ / @ ^ +` only, others are quoted by `strconv.Quote` |
//!
//! So a quoted value ends, if it is a Go string up to there, at its closing quote; else at the
//! first quote that a blank and `key=` follow, or the end of the line. Lost with that: where
//! a text of the middle releases itself holds such a sequence.

use memchr::{memchr, memchr2};

use crate::json::{self, Members};
use crate::{ParseError, Severity, Text, UnixNanos, Value, go, rfc3339};

/// One logrus line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Logrus<'a> {
    /// The severity.
    pub severity: Severity,
    /// The level as written: `warning`, `WARN`.
    pub severity_text: &'a [u8],
    /// The time, unless it is switched off or is seconds since start.
    pub time: Option<UnixNanos>,
    /// Seconds since the start of the process, in the terminal form. logrus computes them with a
    /// clock that may step: they may be negative.
    pub elapsed_seconds: Option<i64>,
    /// The message.
    pub message: Option<Text<'a>>,
    fields: Source<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source<'a> {
    Pairs(&'a [u8]),
    Json(&'a [u8]),
}

impl<'a> Logrus<'a> {
    /// The further fields in order of appearance.
    #[must_use]
    pub const fn fields(&self) -> Fields<'a> {
        match self.fields {
            Source::Pairs(text) => {
                Fields(Inner::Pairs { pairs: Pairs { line: text, at: 0 }, message: false })
            }
            Source::Json(line) => Fields(Inner::Json { members: json::members(line), seen: 0 }),
        }
    }
}

/// Iterator over the fields of a [`Logrus`] line.
#[derive(Clone, Debug)]
pub struct Fields<'a>(Inner<'a>);

#[derive(Clone, Debug)]
enum Inner<'a> {
    Pairs { pairs: Pairs<'a>, message: bool },
    Json { members: Members<'a>, seen: u8 },
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Inner::Pairs { pairs, message } => loop {
                let (key, value) = pairs.next()?.ok()?;
                if key != b"msg" || core::mem::replace(message, true) {
                    return Some((Text::plain(key), Value::Text(value)));
                }
            },
            Inner::Json { members, seen } => loop {
                let member = members.next()?.ok()?;
                if entry_member(member.key.raw(), seen).is_none() {
                    return Some((member.key, member.value.into()));
                }
            },
        }
    }
}

/// Reads the text form.
///
/// Of a line with several `msg` (other logfmt programs) the first is the message.
///
/// ```
/// use chiplog_parse::{Severity, logrus};
/// let line = br#"time="2024-03-05T14:07:08.5+08:00" level=error msg="no \"x\"" error="not found" id=3f"#;
/// let record = logrus::parse(line)?;
/// assert_eq!(record.severity, Severity::Error);
/// assert_eq!(record.time.unwrap().to_string(), "2024-03-05T06:07:08.500000Z");
/// assert_eq!(record.message.unwrap().raw(), br#"no \"x\""#);
/// let (key, value) = record.fields().last().unwrap();
/// assert_eq!((key.raw(), value.text().raw()), (&b"id"[..], &b"3f"[..]));
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
///
/// # Errors
///
/// The line does not start with `time=` or `level=`, has a time or level that logrus would not
/// write, or is cut inside a pair.
pub fn parse(line: &[u8]) -> Result<Logrus<'_>, ParseError> {
    let mut pairs = Pairs { line, at: 0 };
    let no_level = |at| ParseError::new("`time=` or `level=`", at);
    if !(line.starts_with(b"time=") || line.starts_with(b"level=")) {
        return Err(no_level(0));
    }
    let (mut key, mut value) = pairs.next().ok_or_else(|| no_level(0))??;
    let mut time = None;
    if key == b"time" {
        time = Some(self::time(value.raw()).ok_or_else(|| ParseError::new("a time as of RFC 3339", 5))?);
        let at = pairs.at;
        (key, value) = pairs.next().ok_or_else(|| no_level(at))??;
        if key != b"level" {
            return Err(no_level(at));
        }
    }
    let at = pairs.at;
    let severity_text = value.raw();
    let severity = severity(severity_text).ok_or_else(|| ParseError::new("a level of logrus", at))?;
    debug_assert_eq!(key, b"level");
    let mut message = None;
    for pair in pairs.clone() {
        let (key, value) = pair?;
        if key == b"msg" && message.is_none() {
            message = Some(value);
        }
    }
    let fields = Source::Pairs(&line[pairs.at..]);
    Ok(Logrus { severity, severity_text, time, elapsed_seconds: None, message, fields })
}

/// Reads the terminal form, with its colours or after something took them away.
///
/// The message is padded to 44 characters and a blank, so that fields are looked for behind them
/// only. Lost: blanks at the end of the message.
///
/// ```
/// let line = b"\x1b[33mWARN\x1b[0m[0012] ready                                         \x1b[33mk\x1b[0m=v";
/// let record = chiplog_parse::logrus::parse_terminal(line)?;
/// assert_eq!((record.message.unwrap().raw(), record.elapsed_seconds), (&b"ready"[..], Some(12)));
/// assert_eq!(record.fields().count(), 1);
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
///
/// # Errors
///
/// The line does not start with four letters of a level and brackets around a number of seconds
/// or a time.
pub fn parse_terminal(line: &[u8]) -> Result<Logrus<'_>, ParseError> {
    let unbracketed = |text| -> Option<(&[u8], &[u8], &[u8])> {
        let (level, rest) = without_colour(text).split_at_checked(4)?;
        let inside = without_colour(rest).strip_prefix(b"[")?;
        let close = memchr(b']', inside)?;
        let message = &inside[close + 1..];
        Some((level, &inside[..close], message.strip_prefix(b" ").or(message.is_empty().then_some(message))?))
    };
    let (severity_text, clock, text) =
        unbracketed(line).ok_or_else(|| ParseError::new("a level and a time in brackets", 0))?;
    let severity = match severity_text {
        b"TRAC" => Severity::Trace,
        b"DEBU" => Severity::Debug,
        b"INFO" => Severity::Info,
        b"WARN" => Severity::Warning,
        b"ERRO" => Severity::Error,
        b"FATA" => Severity::Fatal,
        b"PANI" => Severity::Alert,
        _ => return Err(ParseError::new("a level of logrus in four capitals", 0)),
    };
    let elapsed_seconds = elapsed(clock);
    let time = time(clock);
    if elapsed_seconds.is_none() && time.is_none() {
        return Err(ParseError::new("seconds since start or a time", line.len() - text.len()));
    }
    let (message, fields) = split_message(text);
    let message = Some(Text::plain(message)).filter(|_| !message.is_empty());
    Ok(Logrus { severity, severity_text, time, elapsed_seconds, message, fields: Source::Pairs(fields) })
}

/// Reads the JSON form. Keys may stand in any order.
///
/// ```
/// let line = br#"{"id":"3f","level":"warning","msg":"m","time":"2024-03-05T06:07:08Z"}"#;
/// let record = chiplog_parse::logrus::parse_json(line)?;
/// assert_eq!(record.message.unwrap().raw(), b"m");
/// assert_eq!(record.fields().count(), 1);
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
///
/// # Errors
///
/// The line is not one JSON object, or has no `level` and `time` that logrus would write.
pub fn parse_json(line: &[u8]) -> Result<Logrus<'_>, ParseError> {
    let (mut level, mut time, mut message, mut seen) = (None, None, None, 0);
    for member in json::members(line) {
        let member = member?;
        let text = member.value.as_string();
        match entry_member(member.key.raw(), &mut seen) {
            Some(EntryMember::Level) => {
                level = text.and_then(|text| Some((severity(text.raw())?, text.raw())));
            }
            Some(EntryMember::Time) => time = text.and_then(|text| self::time(text.raw())),
            Some(EntryMember::Message) => message = text,
            None => {}
        }
    }
    let (severity, severity_text) = level.ok_or_else(|| ParseError::new("a `level` of logrus", 0))?;
    let time = time.ok_or_else(|| ParseError::new("a `time` as of RFC 3339", 0))?;
    let fields = Source::Json(line);
    Ok(Logrus { severity, severity_text, time: Some(time), elapsed_seconds: None, message, fields })
}

#[derive(Clone, Copy)]
enum EntryMember {
    Level,
    Time,
    Message,
}

fn entry_member(key: &[u8], seen: &mut u8) -> Option<EntryMember> {
    let member = match key {
        b"level" => EntryMember::Level,
        b"time" => EntryMember::Time,
        b"msg" => EntryMember::Message,
        _ => return None,
    };
    let bit = 1 << member as u8;
    let first = *seen & bit == 0;
    *seen |= bit;
    first.then_some(member)
}

/// In capitals from containerd's slog mode.
fn severity(level: &[u8]) -> Option<Severity> {
    const LEVELS: [(&[u8], Severity); 8] = [
        (b"info", Severity::Info),
        (b"warning", Severity::Warning),
        (b"error", Severity::Error),
        (b"debug", Severity::Debug),
        (b"warn", Severity::Warning),
        (b"fatal", Severity::Fatal),
        (b"panic", Severity::Alert),
        (b"trace", Severity::Trace),
    ];
    LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(level)).map(|(_, severity)| *severity)
}

fn time(text: &[u8]) -> Option<UnixNanos> {
    match text.get(10)? {
        b' ' => rfc3339::parse(text, b' '),
        _ => rfc3339::parse(text, b'T'),
    }
}

fn elapsed(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let (seconds, length) = crate::bytes::decimal(digits)?;
    let seconds = i64::try_from(seconds).ok().filter(|_| length == digits.len())?;
    Some(if digits.len() < text.len() { -seconds } else { seconds })
}

/// Skips one `ESC [ digits m`, if `text` starts with one.
fn without_colour(text: &[u8]) -> &[u8] {
    let Some(parameters) = text.strip_prefix(b"\x1b[") else { return text };
    let count = parameters.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    match parameters[count..] {
        [b'm', ref rest @ ..] => rest,
        _ => text,
    }
}

/// Message and pairs of the terminal form.
fn split_message(text: &[u8]) -> (&[u8], &[u8]) {
    const PADDED: usize = 44;
    let is_start = |byte: &u8| byte & 0xc0 != 0x80; // of a UTF-8 character
    let mut characters = 0;
    let padded = text.iter().position(|byte| {
        characters += usize::from(is_start(byte));
        characters > PADDED
    });
    let mut from = padded.unwrap_or(text.len());
    while let Some(found) = text.get(from..).and_then(|rest| memchr(b' ', rest)) {
        let blank = from + found;
        let rest = &text[blank + 1..];
        if rest.first() == Some(&b' ') && starts_with_key(&rest[1..]) {
            let pairs = &rest[1..];
            if (Pairs { line: pairs, at: 0 }).all(|pair| pair.is_ok()) {
                return (text[..blank].trim_ascii_end(), pairs);
            }
            break;
        }
        from = blank + 1;
    }
    (text.trim_ascii_end(), b"")
}

/// `key=`, the key without blanks.
fn starts_with_key(text: &[u8]) -> bool {
    text.iter()
        .position(|byte| matches!(byte, b' ' | b'"' | b'=' | b'\n'))
        .is_some_and(|end| end > 0 && text[end] == b'=')
}

/// The `key=value` pairs of a line; after an error there is no further one.
#[derive(Clone, Debug)]
struct Pairs<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Pairs<'a> {
    fn pair(&mut self, start: usize) -> Result<(&'a [u8], Text<'a>), ParseError> {
        let rest = &self.line[start..];
        let Some(equals) = memchr2(b'=', b'"', rest).filter(|at| rest[*at] == b'=' && *at > 0) else {
            return Err(ParseError::new("a key and `=`", start));
        };
        let at = start + equals + 1;
        let (value, length) = value(&rest[equals + 1..])
            .ok_or_else(|| ParseError::new("the closing quote of a value", self.line.len()))?;
        self.at = at + length;
        Ok((uncoloured(&rest[..equals]), value))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], Text<'a>), ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.line[self.at..];
        let start = self.at + rest.iter().take_while(|byte| **byte == b' ').count();
        if start == self.line.len() {
            return None;
        }
        let pair = self.pair(start);
        if pair.is_err() {
            self.at = self.line.len();
        }
        Some(pair)
    }
}

/// The key of a terminal line without the colour around it.
fn uncoloured(key: &[u8]) -> &[u8] {
    without_colour(key).strip_suffix(b"\x1b[0m").unwrap_or(key)
}

/// The value that `text` starts with, and its length; `None` if its quote does not end.
fn value(text: &[u8]) -> Option<(Text<'_>, usize)> {
    if text.first() != Some(&b'"') {
        let length = bare_length(text);
        return Some((Text::plain(&text[..length]), length));
    }
    if let Ok((value, length)) = go::quoted(text)
        && ends_value(&text[length..], true)
    {
        return Some((value, length));
    }
    let mut from = 1;
    loop {
        let quote = from + memchr(b'"', &text[from..])?;
        if ends_value(&text[quote + 1..], false) {
            return Some((Text::plain(&text[1..quote]), quote + 1));
        }
        from = quote + 1;
    }
}

/// Whether a value may end before `rest`: at the end of the line, or where a blank and a key
/// follow. Keys may hold blanks, but that is believed of well-formed values only.
fn ends_value(rest: &[u8], key_may_hold_blanks: bool) -> bool {
    match rest {
        [] | [b' '] => true,
        [b' ', rest @ ..] if key_may_hold_blanks => {
            memchr2(b'=', b'"', rest).is_some_and(|at| at > 0 && rest[at] == b'=')
        }
        [b' ', rest @ ..] => starts_with_key(rest),
        _ => false,
    }
}

/// Up to the first blank outside brackets, which only old releases leave bare. Brackets that do
/// not balance take the rest.
fn bare_length(text: &[u8]) -> usize {
    let mut depth = 0usize;
    text.iter()
        .position(|byte| {
            match byte {
                b'[' | b'{' | b'(' => depth += 1,
                b']' | b'}' | b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            *byte == b' ' && depth == 0
        })
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn pairs(line: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let fields = parse(line).unwrap().fields();
        fields.map(|(key, value)| (key.raw().to_vec(), value.text().decode().into_owned())).collect()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
        pairs.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
    }

    #[test]
    fn values_of_old_releases() {
        assert_eq!(
            pairs(br#"level=info msg=x m=map[a:b c:d] sl=[a b] z="say "hi", he said" n=1 "#),
            owned(&[("m", "map[a:b c:d]"), ("sl", "[a b]"), ("z", "say \"hi\", he said"), ("n", "1")])
        );
        let line = b"level=error msg=\"raw \"line\nfeed\" inside\" ";
        assert_eq!(parse(line).unwrap().message.unwrap().raw(), b"raw \"line\nfeed\" inside");
    }

    #[test]
    fn keys_may_hold_blanks() {
        assert_eq!(pairs(br#"level=info msg="x" a key="v w" b=2"#), owned(&[("a key", "v w"), ("b", "2")]));
    }

    #[test]
    fn the_slog_form() {
        let line = br#"time=2024-03-05T06:07:08.120Z level=INFO msg="a b" k=v"#;
        let record = parse(line).unwrap();
        assert_eq!((record.severity, record.fields().count()), (Severity::Info, 1));
    }

    #[test]
    fn terminal_fields_stand_behind_the_padding() {
        let record = parse_terminal(b"INFO[0001] a  b=c").unwrap();
        assert_eq!((record.message.unwrap().raw(), record.fields().count()), (&b"a  b=c"[..], 0));
        let record =
            parse_terminal("INFO[0001] é                                             k=v".as_bytes());
        assert_eq!(record.unwrap().fields().count(), 1);
        assert_eq!(parse_terminal(b"INFO[0001]").unwrap().message, None);
        for line in [&b"INFO[] m"[..], b"INFO[x] m", b"INFO[0001]m", b"LOUD[0001] m", b"INFO 0001 m"] {
            assert!(parse_terminal(line).is_err());
        }
    }

    #[test]
    fn cut_lines_never_panic() {
        let line = br#"time="2024-03-05T06:07:08Z" level=info msg="a \"b\" c" k=[a b] l="x""#;
        for cut in 0..line.len() {
            let _ = parse(&line[..cut]).map(|record| record.fields().count());
        }
    }

    proptest! {
        #[test]
        fn any_text(tail in r#"[ -~\n\x1b]{0,60}"#) {
            for start in ["level=info ", "level=info msg=\"", "INFO[0001] ", "{\"level\":\"info\","] {
                let line = [start.as_bytes(), tail.as_bytes()].concat();
                let _ = parse(&line).map(|record| record.fields().count());
                let _ = parse_terminal(&line).map(|record| record.fields().count());
                let _ = parse_json(&line).map(|record| record.fields().count());
            }
        }
    }
}
