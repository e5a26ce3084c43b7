//! syslog: files that rsyslog wrote, and the wire formats of RFC 3164 and RFC 5424.
//!
//! ```text
//! file     = stamp SP host SP tag ": " message
//! wire3164 = "<" pri ">" stamp SP [ host SP ] tag ": " message
//! wire5424 = "<" pri ">1 " time SP host SP app SP procid SP msgid SP data [ SP message ]
//! stamp    = month SP day SP hh ":" mm ":" ss / RFC 3339
//! tag      = name [ "[" pid "]" ]
//! ```
//!
//! - `month` is English (`Jan` to `Dec`), `day` padded with a blank: `Mar  5`. A zero-padded day is
//!   refused without a priority in front: `journalctl -o short` prints it so, and from the 10th on
//!   the two layouts are one.
//! - The traditional stamp has neither year nor zone, and is local time of the host.
//! - A name holds no blank, except when `[pid]` ends it.
//! - A host is not in brackets, but with RFC 5424: what is, is a level after a time.
//! - A traditional line without a tag (`host last message repeated 4 times`) has no
//!   [`Syslog::app`]. A line that starts with an RFC 3339 time must have a tag: too much else starts
//!   so.
//! - `-` is nil in RFC 5424. A byte order mark in front of the message is not part of it.
//!
//! rsyslog writes control bytes as `#` and three octal digits; [`unescape`] takes that back.
//! It cuts or splits messages over 8 KiB by default. Which line comes from a CentOS 7 host shows
//! in the tag: entries without an identifier have `journal:`, and `[pid]` is often missing.
//!
//! Sources: RFC 3164, RFC 5424; rsyslog 8.2302 `tools/smtradfile.c`, `tools/smfile.c`,
//! `runtime/parser.c`, `runtime/glbl.c`.

#[cfg(feature = "alloc")]
use alloc::{borrow::Cow, vec::Vec};

use memchr::memchr;

use crate::bytes::{decimal, digit, month_from_english};
use crate::{Civil, ParseError, Severity, Time, rfc3339, tag};

/// Which layout a line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// A file in rsyslog's traditional layout: `Mar  5 14:07:08 host tag: message`.
    FileTraditional,
    /// A file in rsyslog's built-in layout: an RFC 3339 time in front.
    FileRfc3339,
    /// RFC 3164 with its priority; the time is traditional, or RFC 3339 as rsyslog forwards it.
    WireRfc3164,
    /// RFC 5424.
    WireRfc5424,
}

/// The number between `<` and `>`: facility times eight plus severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Priority {
    /// 0 (kernel) to 23 (local7).
    pub facility: u8,
    /// 0 (emergency) to 7 (debug).
    pub severity: u8,
}

/// One syslog message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Syslog<'a> {
    /// The layout.
    pub protocol: Protocol,
    /// The priority; only on the wire.
    pub priority: Option<Priority>,
    /// A wall-clock reading without year, or an instant. `None` if nil.
    pub time: Option<Time>,
    /// The host. `None` if nil, or if a sender of RFC 3164 left it out.
    pub host: Option<&'a [u8]>,
    /// The program: the tag without pid, or APP-NAME.
    pub app: Option<&'a [u8]>,
    /// The process id, or whatever the sender has for one (PROCID).
    pub pid: Option<&'a [u8]>,
    /// MSGID of RFC 5424.
    pub message_id: Option<&'a [u8]>,
    /// STRUCTURED-DATA; `Some` exactly for RFC 5424, empty if nil.
    pub structured_data: Option<StructuredData<'a>>,
    /// The message. `None` if RFC 5424 has none, not even an empty one.
    pub message: Option<&'a [u8]>,
}

impl Syslog<'_> {
    /// The severity that the priority says.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        Severity::from_syslog(self.priority?.severity)
    }
}

/// Reads a syslog line of any of the four layouts.
///
/// ```
/// use chiplog_parse::syslog::{self, Protocol};
/// let line = syslog::parse(b"Mar  5 14:07:08 node-1 kubelet[1234]: hello").unwrap();
/// assert_eq!(line.protocol, Protocol::FileTraditional);
/// assert_eq!(line.host, Some(&b"node-1"[..]));
/// assert_eq!((line.app, line.pid), (Some(&b"kubelet"[..]), Some(&b"1234"[..])));
/// assert_eq!(line.message, Some(&b"hello"[..]));
/// ```
///
/// # Errors
///
/// When the line has none of the layouts, with an impossible date or a priority over 191.
#[inline]
pub fn parse(line: &[u8]) -> Result<Syslog<'_>, ParseError> {
    match line.first() {
        Some(b'<') => parse_wire(line),
        Some(b'0'..=b'9') => {
            let (time, length) =
                rfc3339::instant(line).ok_or_else(|| ParseError::new("an RFC 3339 time", 0))?;
            let rest = after_blank(line, length)?;
            let tagged = tagged(rest).ok_or_else(|| ParseError::new("a tag and a colon", length + 1))?;
            Ok(Syslog { protocol: Protocol::FileRfc3339, time: Some(Time::Instant(time)), ..tagged })
        }
        _ => {
            let (civil, length) =
                stamp(line, b' ').ok_or_else(|| ParseError::new("a traditional syslog time", 0))?;
            parse_traditional(after_blank(line, length)?, civil, Protocol::FileTraditional, length)
        }
    }
}

/// Length of `Mmm dd hh:mm:ss`.
const STAMP_LENGTH: usize = 15;

/// `Mmm dd hh:mm:ss` at the start of `bytes`, days below 10 padded with `pad`; and its length.
#[inline]
pub(crate) fn stamp(bytes: &[u8], pad: u8) -> Option<(Civil, usize)> {
    let text: &[u8; STAMP_LENGTH] = bytes.first_chunk()?;
    if text[3] != b' ' || text[6] != b' ' {
        return None;
    }
    let month = month_from_english(&text[..3])?;
    let units = digit(text[5])?;
    let day = match text[4] {
        tens @ b'1'..=b'3' => (tens - b'0') * 10 + units,
        first if first == pad => units,
        _ => return None,
    };
    let civil = Civil::new(None, (month, day), rfc3339::time_of_day(&text[7..])?, 0)?;
    Some((civil, STAMP_LENGTH))
}

/// What follows the blank at `at`.
#[inline]
fn after_blank(line: &[u8], at: usize) -> Result<&[u8], ParseError> {
    match line.get(at..) {
        Some([b' ', rest @ ..]) => Ok(rest),
        _ => Err(ParseError::new("a blank", at)),
    }
}

const EMPTY: Syslog<'static> = Syslog {
    protocol: Protocol::FileTraditional,
    priority: None,
    time: None,
    host: None,
    app: None,
    pid: None,
    message_id: None,
    structured_data: None,
    message: None,
};

/// `[host SP] tag ": " message`. `None` if what stands before the colon is no tag.
#[inline]
fn tagged(text: &[u8]) -> Option<Syslog<'_>> {
    let tag::Tagged { host, ident, message } = tag::split(text)?;
    let (app, pid) = match tag::split_pid(ident) {
        Some((app, pid)) if memchr(b' ', pid).is_none() => (app, Some(pid)),
        _ if memchr(b' ', ident).is_some() => return None,
        _ => (ident, None),
    };
    Some(Syslog { host, app: Some(app), pid, message: Some(message), ..EMPTY })
}

#[inline]
fn parse_traditional(
    rest: &[u8],
    civil: Civil,
    protocol: Protocol,
    offset: usize,
) -> Result<Syslog<'_>, ParseError> {
    let parts = tagged(rest).or_else(|| untagged(rest));
    let parts = parts.ok_or_else(|| ParseError::new("a host and a message", offset + 1))?;
    Ok(Syslog { protocol, time: Some(Time::Civil(civil)), ..parts })
}

/// `host SP message`.
fn untagged(text: &[u8]) -> Option<Syslog<'_>> {
    let blank = memchr(b' ', text).filter(|blank| *blank > 0)?;
    let (host, message) = (text.get(..blank)?, text.get(blank + 1..)?);
    if message.is_empty() || host.first() == Some(&b'[') {
        return None;
    }
    Some(Syslog { host: Some(host), message: Some(message), ..EMPTY })
}

fn parse_wire(line: &[u8]) -> Result<Syslog<'_>, ParseError> {
    let (priority, after) = priority(line).ok_or_else(|| ParseError::new("a priority of 0 to 191", 0))?;
    let rest = line.get(after..).unwrap_or_default();
    let parsed = if let Some((civil, length)) = stamp(rest, b' ').or_else(|| stamp(rest, b'0')) {
        parse_traditional(after_blank(line, after + length)?, civil, Protocol::WireRfc3164, after + length)?
    } else if let Some((time, length)) = rfc3339::instant(rest) {
        let rest = after_blank(line, after + length)?;
        let tagged = tagged(rest).ok_or_else(|| ParseError::new("a tag and a colon", after + length + 1))?;
        Syslog { protocol: Protocol::WireRfc3164, time: Some(Time::Instant(time)), ..tagged }
    } else if let Some(rest) = rest.strip_prefix(b"1 ") {
        parse_5424(rest, after + 2)?
    } else {
        return Err(ParseError::new("a syslog time or the version `1`", after));
    };
    Ok(Syslog { priority: Some(priority), ..parsed })
}

/// `<N>` and its length.
fn priority(line: &[u8]) -> Option<(Priority, usize)> {
    let digits = line.strip_prefix(b"<")?;
    let (number, length) = decimal(digits.get(..digits.len().min(4))?)?;
    if number > 191 || length > 3 || digits.get(length) != Some(&b'>') {
        return None;
    }
    Some((Priority { facility: (number >> 3) as u8, severity: (number & 7) as u8 }, length + 2))
}

/// What follows the version. `offset` is where that is in the line.
fn parse_5424(text: &[u8], offset: usize) -> Result<Syslog<'_>, ParseError> {
    let mut rest = text;
    let mut field = || {
        let (field, tail) = match memchr(b' ', rest) {
            Some(end) if end > 0 => (rest.get(..end)?, rest.get(end + 1..)?),
            _ => return None,
        };
        rest = tail;
        Some(if field == b"-" { None } else { Some(field) })
    };
    let mut required = |what| field().ok_or_else(|| ParseError::new(what, offset));
    let time = required("a time or `-`")?;
    let host = required("a host or `-`")?;
    let app = required("an app name or `-`")?;
    let pid = required("a process id or `-`")?;
    let message_id = required("a message id or `-`")?;
    let time = match time {
        None => None,
        Some(text) => {
            let (time, length) =
                rfc3339::instant(text).ok_or_else(|| ParseError::new("an RFC 3339 time", offset))?;
            if length != text.len() {
                return Err(ParseError::new("a blank after the time", offset + length));
            }
            Some(Time::Instant(time))
        }
    };
    let data_at = offset + (text.len() - rest.len());
    let data_length =
        structured_data_length(rest).ok_or_else(|| ParseError::new("structured data or `-`", data_at))?;
    let (data, tail) = rest.split_at(data_length);
    let message = match tail {
        [] => None,
        [b' ', message @ ..] => Some(message.strip_prefix(b"\xef\xbb\xbf").unwrap_or(message)),
        _ => return Err(ParseError::new("a blank after the structured data", data_at + data_length)),
    };
    let structured_data = Some(StructuredData { raw: if data == b"-" { b"" } else { data } });
    Ok(Syslog {
        protocol: Protocol::WireRfc5424,
        time,
        host,
        app,
        pid,
        message_id,
        structured_data,
        message,
        ..EMPTY
    })
}

/// The length of `-` or of one or more elements.
fn structured_data_length(text: &[u8]) -> Option<usize> {
    if text.first() == Some(&b'-') {
        return Some(1);
    }
    let mut rest = text;
    while rest.first() == Some(&b'[') {
        (_, rest) = split_element(rest)?;
    }
    if rest.len() == text.len() { None } else { Some(text.len() - rest.len()) }
}

/// The first element of `[id name="value"...]...` and what follows it.
fn split_element(text: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let inside = text.strip_prefix(b"[")?;
    let id_length = inside.iter().position(|byte| matches!(byte, b' ' | b']' | b'"' | b'='))?;
    if id_length == 0 {
        return None;
    }
    let (id, params) = inside.split_at(id_length);
    let mut rest = params;
    loop {
        match rest {
            [b']', tail @ ..] => {
                let raw = params.get(..params.len() - rest.len())?;
                return Some((Element { id, params: raw }, tail));
            }
            _ => (_, rest) = split_param(rest)?,
        }
    }
}

/// A name and its value.
type Param<'a> = (&'a [u8], &'a [u8]);

/// The first parameter of ` name="value"...` and what follows it.
fn split_param(text: &[u8]) -> Option<(Param<'_>, &[u8])> {
    let text = text.strip_prefix(b" ")?;
    let name_length = text.iter().position(|byte| matches!(byte, b' ' | b']' | b'"' | b'='))?;
    let (name, rest) = text.split_at(name_length);
    let rest = rest.strip_prefix(b"=\"")?;
    let mut end = 0;
    loop {
        end += memchr::memchr2(b'"', b'\\', rest.get(end..)?)?;
        if rest[end] == b'"' {
            break;
        }
        end += 2;
    }
    if name.is_empty() {
        return None;
    }
    Some(((name, rest.get(..end)?), rest.get(end + 1..)?))
}

/// The structured data of RFC 5424: elements with named values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StructuredData<'a> {
    raw: &'a [u8],
}

impl<'a> StructuredData<'a> {
    /// The text in the line, from the first `[` to the last `]`; empty if nil.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The elements in order.
    ///
    /// ```
    /// let line = br#"<30>1 - - - - - [origin ip="10.0.0.1"][meta seq="1"] m"#;
    /// let data = chiplog_parse::syslog::parse(line).unwrap().structured_data.unwrap();
    /// let ids: Vec<&[u8]> = data.elements().map(|element| element.id).collect();
    /// assert_eq!(ids, [&b"origin"[..], b"meta"]);
    /// let (name, value) = data.elements().next().unwrap().params().next().unwrap();
    /// assert_eq!((name, value), (&b"ip"[..], &b"10.0.0.1"[..]));
    /// ```
    pub fn elements(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let mut rest = self.raw;
        core::iter::from_fn(move || {
            let (element, tail) = split_element(rest)?;
            rest = tail;
            Some(element)
        })
    }
}

/// One element of structured data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Element<'a> {
    /// SD-ID: `origin`, `meta`, `name@enterprise-number`.
    pub id: &'a [u8],
    params: &'a [u8],
}

impl<'a> Element<'a> {
    /// Names and values in order. Values are still escaped, see [`unescape_param_into`].
    pub fn params(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut rest = self.params;
        core::iter::from_fn(move || {
            let (param, tail) = split_param(rest)?;
            rest = tail;
            Some(param)
        })
    }
}

/// Appends the text of a structured-data value: `\"`, `\\` and `\]` lose the backslash, which
/// stands for itself in front of anything else (RFC 5424, 6.3.3).
#[cfg(feature = "alloc")]
pub fn unescape_param_into(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some(backslash) = memchr(b'\\', rest) {
        let (plain, tail) = rest.split_at(backslash);
        out.extend_from_slice(plain);
        rest = match tail {
            [b'\\', escaped @ (b'"' | b'\\' | b']'), tail @ ..] => {
                out.push(*escaped);
                tail
            }
            _ => {
                out.push(b'\\');
                tail.get(1..).unwrap_or_default()
            }
        };
    }
    out.extend_from_slice(rest);
}

/// Takes rsyslog's escapes out of a message: `#012` becomes LF, `#011` TAB, `#033` ESC, and so all
/// control bytes (0 to 31, and 127 as `#177`).
///
/// Not always what the program wrote: rsyslog does not escape `#`, so a message with a literal
/// `#012` comes out with a line feed. Other octal numbers, as in `issue #123`, are left alone.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// let text = chiplog_parse::syslog::unescape(b"err=<#012#011line#012 > #123");
/// assert_eq!(&*text, b"err=<\n\tline\n > #123");
/// # }
/// ```
#[cfg(feature = "alloc")]
#[must_use]
pub fn unescape(message: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let mut copied = 0;
    for at in memchr::memchr_iter(b'#', message) {
        let control = match message.get(at + 1..at + 4) {
            Some(&[b'0', tens @ b'0'..=b'3', units @ b'0'..=b'7']) => (tens - b'0') * 8 + (units - b'0'),
            Some(b"177") => 0x7f,
            _ => continue,
        };
        out.extend_from_slice(message.get(copied..at).unwrap_or_default());
        out.push(control);
        copied = at + 4;
    }
    if copied == 0 {
        return Cow::Borrowed(message);
    }
    out.extend_from_slice(message.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traditional_lines_without_a_tag() {
        let line = parse(b"Mar  5 14:07:08 node-1 last message repeated 4 times").unwrap();
        assert_eq!((line.host, line.app), (Some(&b"node-1"[..]), None));
        assert_eq!(line.message, Some(&b"last message repeated 4 times"[..]));
        assert!(parse(b"Mar  5 14:07:08 node-1").is_err());
        assert!(parse(b"2024-03-05T14:07:08Z stdout F text").is_err());
    }

    #[test]
    fn blanks_in_a_tag_need_a_pid() {
        let line = parse(b"Mar  5 14:07:08 node-1 my ident[99]: m").unwrap();
        assert_eq!((line.app, line.pid), (Some(&b"my ident"[..]), Some(&b"99"[..])));
        let line = parse(b"Mar  5 14:07:08 node-1 some words: m").unwrap();
        assert_eq!((line.app, line.message), (None, Some(&b"some words: m"[..])));
    }

    #[test]
    fn a_level_in_brackets_is_no_host() {
        assert!(parse(b"2019-05-20T14:00:00.123Z [FATAL] plugin/loop: Loop detected").is_err());
        assert!(parse(b"Mar  5 14:07:08 [FATAL] plugin/loop: Loop detected").is_err());
        assert!(parse(b"Mar  5 14:07:08 [FATAL] loop detected").is_err());
        assert!(parse(b"<30>2019-05-20T14:00:00.123Z [FATAL] plugin/loop: Loop detected").is_err());
    }

    #[test]
    fn a_zero_padded_day_only_with_a_priority() {
        assert!(parse(b"Mar 05 14:07:08 node-1 kubelet: m").is_err());
        assert!(parse(b"<30>Mar 05 14:07:08 node-1 kubelet: m").is_ok());
        assert!(parse(b"Feb 29 14:07:08 node-1 kubelet: m").is_ok());
        assert!(parse(b"Feb 30 14:07:08 node-1 kubelet: m").is_err());
        assert!(parse(b"Mar  0 14:07:08 node-1 kubelet: m").is_err());
    }

    #[test]
    fn forwarded_by_rsyslog() {
        let line = parse(b"<30>2024-03-05T14:07:08.120034+08:00 node-1 kubelet[1]: m").unwrap();
        assert_eq!(line.protocol, Protocol::WireRfc3164);
        assert_eq!(line.severity(), Some(Severity::Info));
        assert!(matches!(line.time, Some(Time::Instant(_))));
    }

    #[test]
    fn rfc_5424_message_may_be_missing_or_empty() {
        assert_eq!(parse(b"<14>1 - - - - - -").unwrap().message, None);
        assert_eq!(parse(b"<14>1 - - - - - - ").unwrap().message, Some(&b""[..]));
        assert_eq!(parse(b"<14>1 - - - - - [a][b]").unwrap().message, None);
        for bad in ["<14>1 - - - - -", "<14>1 - - - - - []", "<14>1 - - - - - [a]x", "<14>1 -  - - - -"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn cut_anywhere() {
        let lines: [&[u8]; 3] = [
            b"Mar  5 14:07:08 node-1 kubelet[1234]: m",
            b"2024-03-05T14:07:08.120034+08:00 node-1 containerd[652]: m",
            br#"<30>1 2024-03-05T14:07:08.12+08:00 n d 8 I [e@1 i="3" s="a \"q\" \\ \] b"][m s="1"] m"#,
        ];
        for line in lines {
            for end in 0..=line.len() {
                let _ = parse(&line[..end]);
            }
            assert!(parse(line).is_ok());
        }
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn only_three_structured_data_escapes() {
        let mut out = Vec::new();
        unescape_param_into(br#"\"\\\]\n\"#, &mut out);
        assert_eq!(out, br#""\]\n\"#);
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn unescape_borrows_when_it_can() {
        assert!(matches!(unescape(b"no escape, #12 nor #999"), Cow::Borrowed(_)));
        assert_eq!(&*unescape(b"#0123"), b"\n3");
        assert_eq!(&*unescape(b"##011#"), b"#\t#");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(head in 0usize..4, tail in proptest::collection::vec(
            proptest::sample::select(&b" :[]<>\"\\=-1a#\xff"[..]), 0..24))
        {
            let heads: [&[u8]; 4] =
                [b"Mar  5 14:07:08 ", b"2024-03-05T14:07:08Z ", b"<30>1 - - - - - ", b"<30>"];
            let line = [heads[head], &tail[..]].concat();
            if let Ok(Syslog { structured_data: Some(data), .. }) = parse(&line) {
                let elements: usize = data.elements().map(|element| {
                    element.id.len() + element.params().map(|(n, v)| n.len() + v.len()).sum::<usize>()
                }).sum();
                proptest::prop_assert!(elements <= data.raw().len());
            }
        }
    }
}
