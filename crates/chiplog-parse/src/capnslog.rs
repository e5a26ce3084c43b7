//! capnslog, etcd's log format up to 3.4.
//!
//! ```text
//! line = YYYY-MM-DD SP hh:mm:ss.uuuuuu [ SP "[" file ":" 1*DIGIT "]" ] SP level " | " [ package ": " ] text
//! level = "C" / "E" / "W" / "N" / "I" / "D" / "T"
//! package = 1*( ALPHA / DIGIT / "_" / "." / "/" / "-" )
//! ```
//!
//! (coreos/pkg `capnslog/formatters.go`, `PrettyFormatter`.) The time is local, without a zone;
//! file and line are there with `--debug` only. The text may hold line feeds.
//!
//! Under systemd with its default output etcd writes to the journal socket instead: the message
//! is then the bare text, with neither time nor level nor package in it.

use crate::bytes::decimal;
use crate::{Civil, ParseError, Severity, rfc3339};

/// One line of capnslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capnslog<'a> {
    /// The severity.
    pub severity: Severity,
    /// The wall clock of the machine.
    pub time: Civil,
    /// The Go package that wrote the line. A text without one that starts like `word: ` is
    /// mistaken for one with.
    pub package: Option<&'a [u8]>,
    /// The caller's file (`--debug`).
    pub file: Option<&'a [u8]>,
    /// The line in that file (`--debug`).
    pub line: Option<u32>,
    /// The text.
    pub message: &'a [u8],
}

/// Reads one line.
///
/// ```
/// use chiplog_parse::{Severity, capnslog};
/// let line = b"2018-10-22 11:22:16.364641 W | etcdserver: server is likely overloaded";
/// let record = capnslog::parse(line)?;
/// assert_eq!(record.severity, Severity::Warning);
/// assert_eq!(record.time.to_string(), "2018-10-22T11:22:16.364641");
/// assert_eq!((record.package, record.message), (Some(&b"etcdserver"[..]), &b"server is likely overloaded"[..]));
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
///
/// # Errors
///
/// The line has another shape, or a day or time of day that does not exist.
pub fn parse(line: &[u8]) -> Result<Capnslog<'_>, ParseError> {
    const TIME: usize = "2006-01-02 15:04:05.000000".len();
    let (time, rest) = match line.split_at_checked(TIME) {
        Some((time, [b' ', rest @ ..])) => (time, rest),
        _ => return Err(ParseError::new("a date and a time with six fraction digits", 0)),
    };
    let time = match rfc3339::civil(time, b' ') {
        Some((civil, [])) if time[19] == b'.' => civil,
        _ => return Err(ParseError::new("a date and a time with six fraction digits", 0)),
    };
    let (file, line_number, rest) = match location(rest) {
        Some((file, number, rest)) => (Some(file), Some(number), rest),
        None => (None, None, rest),
    };
    let at = line.len() - rest.len();
    let (level, text) = match rest {
        [level, b' ', b'|', b' ', text @ ..] => (*level, text),
        _ => return Err(ParseError::new("a level letter and ` | `", at)),
    };
    let severity = match level {
        b'C' => Severity::Critical,
        b'E' => Severity::Error,
        b'W' => Severity::Warning,
        b'N' => Severity::Notice,
        b'I' => Severity::Info,
        b'D' => Severity::Debug,
        b'T' => Severity::Trace,
        _ => return Err(ParseError::new("a level letter (C, E, W, N, I, D or T)", at)),
    };
    let (package, message) = match package(text) {
        Some((package, message)) => (Some(package), message),
        None => (None, text),
    };
    Ok(Capnslog { severity, time, package, file, line: line_number, message })
}

/// `[file:line] `
fn location(text: &[u8]) -> Option<(&[u8], u32, &[u8])> {
    let inside = text.strip_prefix(b"[")?;
    let colon = memchr::memchr2(b':', b'\n', inside).filter(|at| inside[*at] == b':')?;
    let (number, length) = decimal(&inside[colon + 1..])?;
    let rest = inside[colon + 1 + length..].strip_prefix(b"] ")?;
    Some((&inside[..colon], u32::try_from(number).ok()?, rest))
}

/// `package: `
fn package(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = text
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-'))
        .count();
    let (package, rest) = text.split_at(length);
    Some((package, rest.strip_prefix(b": ")?)).filter(|_| length > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_at_every_byte() {
        let line = b"2018-10-22 11:22:16.364641 [util.go:157] W | etcdserver: dbg";
        let shortest = line.len() - "etcdserver: dbg".len();
        for cut in 0..=line.len() {
            assert_eq!(parse(&line[..cut]).is_ok(), cut >= shortest, "{cut}");
        }
    }

    #[test]
    fn the_location_is_whole_or_absent() {
        for line in [
            &b"2018-10-22 11:22:16.364641 [util.go] W | m"[..],
            b"2018-10-22 11:22:16.364641 [util.go:1 W | m",
            b"2018-10-22 11:22:16.364641 [util.go:99999999999] W | m",
            b"2018-10-22 11:22:16,364641 W | m",
        ] {
            assert!(parse(line).is_err());
        }
    }
}
