//! The CRI log envelope, which containerd, CRI-O and podman put around each line of a container.
//!
//! ```text
//! line = time SP ( "stdout" / "stderr" ) SP tag *( ":" tag ) SP content
//! time = RFC 3339 with zero to nine fraction digits, `Z` or an offset
//! ```
//!
//! The first tag `P` marks a fragment: the content goes on in the next line of the same stream.
//! Anything else marks the end of a message. The content is taken as it stands, it may be empty
//! or be text of the same form.
//!
//! What differs between writers: containerd cuts trailing zeros of the fraction, drops one CR
//! before the line feed, and gives each fragment its own time; conmon prints nine digits and a numeric
//! offset always, keeps the CR, and gives all lines of one read the same time.
//!
//! Sources: containerd 2.1 `internal/cri/io/logger.go`, conmon 2.1 `src/ctr_logging.c`, and, as the
//! reader, kubernetes 1.36 `cri-client/pkg/logs/logs.go`.

use memchr::memchr;

use crate::{ParseError, Stream, UnixNanos, rfc3339};

/// One line of a container log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cri<'a> {
    /// When the runtime read the line or fragment.
    pub time: UnixNanos,
    /// The stream that the container wrote to.
    pub stream: Stream,
    /// The message goes on in the next line of the same stream (first tag `P`).
    pub partial: bool,
    /// The tags, colons included: `F`, `P`, `F:TAG2`. Nothing but the first has a meaning today.
    pub tags: &'a [u8],
    /// The content, of this fragment if [`Cri::partial`].
    pub content: &'a [u8],
}

impl<'a> Cri<'a> {
    /// The tags, one by one; at least one, which may be empty.
    pub fn each_tag(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.tags.split(|byte| *byte == b':')
    }
}

/// Reads a line of a container log.
///
/// ```
/// use chiplog_parse::{Stream, cri};
/// let line = cri::parse(b"2024-03-05T14:07:08.12+08:00 stderr F E0305 ...").unwrap();
/// assert_eq!(line.time.to_string(), "2024-03-05T06:07:08.120000Z");
/// assert_eq!((line.stream, line.partial), (Stream::Stderr, false));
/// assert_eq!(line.content, b"E0305 ...");
/// ```
///
/// # Errors
///
/// When the line is not of this form: a time that RFC 3339 does not allow or that is out of the
/// range of [`UnixNanos`], another stream name, or no blank after the tags.
#[inline]
pub fn parse(line: &[u8]) -> Result<Cri<'_>, ParseError> {
    let (time, time_length) = rfc3339::instant(line).ok_or_else(|| ParseError::new("an RFC 3339 time", 0))?;
    let (stream, rest) = match line.get(time_length..) {
        Some([b' ', b's', b't', b'd', b'o', b'u', b't', b' ', rest @ ..]) => (Stream::Stdout, rest),
        Some([b' ', b's', b't', b'd', b'e', b'r', b'r', b' ', rest @ ..]) => (Stream::Stderr, rest),
        _ => {
            let stream_at = line.len().min(time_length + 1);
            return Err(ParseError::new("`stdout` or `stderr` between blanks", stream_at));
        }
    };
    let (tags, content) = match rest {
        [tag, b' ', content @ ..] if *tag != b' ' => (core::slice::from_ref(tag), content),
        _ => memchr(b' ', rest)
            .and_then(|end| Some((rest.get(..end)?, rest.get(end + 1..)?)))
            .ok_or_else(|| ParseError::new("a tag and a blank", line.len() - rest.len()))?,
    };
    let partial = matches!(tags, [b'P'] | [b'P', b':', ..]);
    Ok(Cri { time, stream, partial, tags, content })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] = b"2024-03-05T06:07:08.120034567Z stdout P:x content";

    #[test]
    fn an_error_is_not_behind_the_line() {
        let line = b"2024-03-05T06:07:08Z";
        assert_eq!(parse(line).unwrap_err().offset(), line.len());
    }

    #[test]
    fn cut_anywhere() {
        for end in 0..LINE.len() {
            let cut = parse(&LINE[..end]);
            // From the blank after the tags on, what is left is a line with less content.
            assert_eq!(cut.is_ok(), end >= LINE.len() - b"content".len(), "{end}");
        }
        assert!(parse(LINE).unwrap().partial);
    }

    #[test]
    fn the_first_tag_decides() {
        let tagged = |tags: &str| {
            let line = std::format!("2024-03-05T06:07:08Z stdout {tags} x");
            parse(line.as_bytes()).map(|cri| cri.partial)
        };
        assert_eq!(tagged("P"), Ok(true));
        assert_eq!(tagged("P:F"), Ok(true));
        assert_eq!(tagged("F:P"), Ok(false));
        assert_eq!(tagged("PF"), Ok(false));
        assert_eq!(tagged(""), Ok(false));
    }

    #[test]
    fn errors_say_where() {
        let error = parse(b"2024-03-05T06:07:08Z stdin F x").unwrap_err();
        assert_eq!(error.offset(), 21);
        assert_eq!(parse(b"no").unwrap_err().offset(), 0);
        assert_eq!(parse(b"2024-03-05T06:07:08Z stdout x").unwrap_err().offset(), 28);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(cut in 0usize..LINE.len(), tail: alloc::vec::Vec<u8>) {
            let line = [&LINE[..cut], &tail[..]].concat();
            if let Ok(cri) = parse(&line) {
                proptest::prop_assert!(line.ends_with(cri.content));
            }
        }
    }
}
