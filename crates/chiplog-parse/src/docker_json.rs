//! docker's json-file log driver: one JSON object around each line of a container.
//!
//! ```text
//! {"log":TEXT?,"stream":"stdout"|"stderr","attrs":{..}?,"time":RFC3339NANO} LF
//! ```
//!
//! `log` is missing when empty, `attrs` unless the daemon was told to log labels or environment
//! (moby `daemon/logger/jsonfilelog/jsonlog/jsonlogbytes.go`). The text ends in a line feed when
//! the container wrote a whole line; without one it is a fragment of a longer line, cut at
//! 16 KiB or by the end of the stream (`daemon/logger/copier.go`). Fragments of one line carry the
//! time of the first.
//!
//! The encoder replaces bytes that are not UTF-8 by U+FFFD: those are lost. After a crash a file
//! may hold runs of NUL, cut objects, and two objects on a line; such lines are refused.

use crate::json::{self, Value};
use crate::{Escape, ParseError, Stream, Text, UnixNanos, rfc3339};

/// One record of a json-file log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DockerJson<'a> {
    /// What the container wrote, with its line feed if there was one.
    pub log: Text<'a>,
    /// The stream it was written to.
    pub stream: Stream,
    /// Labels and environment of the container, a JSON object from `{` to `}`.
    pub attrs: Option<&'a [u8]>,
    /// When docker read the text.
    pub time: UnixNanos,
    /// The line goes on in a later record of the same stream.
    pub partial: bool,
}

impl<'a> DockerJson<'a> {
    /// [`DockerJson::log`] without the line feed at its end.
    #[must_use]
    pub fn content(&self) -> Text<'a> {
        let raw = self.log.raw();
        Text::new(if self.partial { raw } else { &raw[..raw.len().saturating_sub(2)] }, Escape::Json)
    }
}

/// Reads one record. Keys may stand in any order; keys that docker does not write are ignored,
/// and of keys that stand twice the last one counts.
///
/// ```
/// use chiplog_parse::{Stream, docker_json};
/// let line = br#"{"log":"a \u0026 b\n","stream":"stderr","time":"2024-03-05T06:07:08.12Z"}"#;
/// let record = docker_json::parse(line)?;
/// assert_eq!(record.content().raw(), br"a \u0026 b");
/// assert_eq!((record.stream, record.partial), (Stream::Stderr, false));
/// assert_eq!(record.time.to_string(), "2024-03-05T06:07:08.120000Z");
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
///
/// # Errors
///
/// The line is not one JSON object, or lacks a `stream` or `time` that docker would write.
#[inline]
pub fn parse(line: &[u8]) -> Result<DockerJson<'_>, ParseError> {
    match in_usual_order(line) {
        Some(record) => Ok(record),
        None => in_any_order(line),
    }
}

/// As [`in_any_order`], of what docker prints when it was not told to log attributes. Else `None`.
#[inline]
fn in_usual_order(line: &[u8]) -> Option<DockerJson<'_>> {
    const KEY: &[u8] = b"{\"log\":\"";
    if !line.starts_with(KEY) {
        return None;
    }
    let quote = json::closing_quote(line, KEY.len())?;
    let log = Text::new(line.get(KEY.len()..quote)?, Escape::Json);
    let rest = line.get(quote..)?.strip_prefix(b"\",\"stream\":\"std")?;
    let (stream, rest) = match rest.strip_prefix(b"out") {
        Some(rest) => (Stream::Stdout, rest),
        None => (Stream::Stderr, rest.strip_prefix(b"err")?),
    };
    let time = rest.strip_prefix(b"\",\"time\":\"")?.strip_suffix(b"\"}")?;
    let time = rfc3339::parse(time, b'T')?;
    Some(DockerJson { log, stream, attrs: None, time, partial: is_partial(log) })
}

fn is_partial(log: Text<'_>) -> bool {
    match log.raw() {
        [before @ .., b'n'] => !json::ends_in_open_escape(before),
        _ => true,
    }
}

fn in_any_order(line: &[u8]) -> Result<DockerJson<'_>, ParseError> {
    let mut log = Text::new(b"", Escape::Json);
    let (mut stream, mut time, mut attrs) = (None, None, None);
    for member in json::members(line) {
        let member = member?;
        match (member.key.raw(), member.value) {
            (b"log", Value::String(text)) => log = text,
            (b"stream", Value::String(name)) => stream = Stream::from_name(name.raw()),
            (b"time", Value::String(text)) => time = rfc3339::parse(text.raw(), b'T'),
            (b"attrs", Value::Object(object)) => attrs = Some(object),
            (b"log", _) => return Err(ParseError::new("a string in `log`", 0)),
            _ => {}
        }
    }
    let stream = stream.ok_or_else(|| ParseError::new("a `stream`, \"stdout\" or \"stderr\"", 0))?;
    let time = time.ok_or_else(|| ParseError::new("a `time` as of RFC 3339", 0))?;
    Ok(DockerJson { log, stream, attrs, time, partial: is_partial(log) })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_escaped_backslash_before_n_is_no_line_feed() {
        let record = parse(br#"{"log":"C:\\n","stream":"stdout","time":"2024-03-05T06:07:08Z"}"#).unwrap();
        assert!(record.partial);
        assert_eq!(record.content().raw(), br"C:\\n");
    }

    #[test]
    fn cut_lines_are_refused() {
        let line = br#"{"log":"a\n","stream":"stdout","attrs":{"a":"b"},"time":"2024-03-05T06:07:08Z"}"#;
        assert!(parse(line).is_ok());
        for cut in 0..line.len() {
            assert!(parse(&line[..cut]).is_err(), "{cut}");
        }
    }

    proptest! {
        #[test]
        fn the_usual_order_is_read_like_any(
            log in r#"(a|\\\\|\\"|\\n|"){0,4}"#,
            stream in "std(out|err|in)",
            time in "2024-03-05T06:07:08(\\.[0-9]{1,9})?(Z|\\+08:00|x)",
            end in r#"("\}|" \}|","log":"b"\})"#,
        ) {
            let line = std::format!(r#"{{"log":"{log}","stream":"{stream}","time":"{time}{end}"#);
            if let Some(record) = in_usual_order(line.as_bytes()) {
                prop_assert_eq!(Ok(record), in_any_order(line.as_bytes()).map_err(|error| error.offset()));
            }
        }
    }
}
