//! Long lines that a container runtime wrote in fragments, joined again.
//!
//! Runtimes read the output of a container into a buffer of fixed size and write what is in it
//! as one envelope, marked partial when no line feed was among it: 16 KiB in docker (moby
//! `daemon/logger/copier.go`) and in containerd by default (`internal/cri/io/logger.go`), 8 KiB
//! in conmon (`src/ctr_logging.c`). Fragments of stdout and stderr interleave freely, so each
//! stream is joined on its own. The time of a message is that of its first fragment.

use alloc::{borrow::Cow, vec::Vec};

use crate::{Stream, UnixNanos};

/// A whole message, or what there is of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<'a> {
    /// The stream all fragments came from.
    pub stream: Stream,
    /// The time of the first fragment.
    pub time: UnixNanos,
    /// The content; borrowed from the fragment when there was only one.
    pub content: Cow<'a, [u8]>,
    /// Bytes of content that are missing at the end, because the message outgrew the limit.
    pub truncated_bytes: u64,
    /// The input ended before the fragment that ends the message.
    pub incomplete: bool,
}

/// Joins the fragments of one container's log, stream by stream.
///
/// Holds at most one unfinished message per stream, and at most the limit of bytes of each; what
/// goes beyond is dropped and counted in [`Message::truncated_bytes`]. A message that arrives
/// in one piece is passed through without a copy, whatever its length.
///
/// ```
/// use chiplog_parse::{Stream, UnixNanos, reassemble::Reassembler};
/// let mut reassembler = Reassembler::with_limit(1 << 20);
/// assert_eq!(reassembler.push(Stream::Stdout, UnixNanos(1), b"one ", true), None);
/// let aside = reassembler.push(Stream::Stderr, UnixNanos(2), b"aside", false).unwrap();
/// assert_eq!(&*aside.content, b"aside");
/// let joined = reassembler.push(Stream::Stdout, UnixNanos(3), b"two", false).unwrap();
/// assert_eq!((&*joined.content, joined.time), (&b"one two"[..], UnixNanos(1)));
/// assert_eq!(reassembler.finish().count(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Reassembler {
    limit: usize,
    stdout: Option<Pending>,
    stderr: Option<Pending>,
}

#[derive(Clone, Debug)]
struct Pending {
    time: UnixNanos,
    content: Vec<u8>,
    truncated_bytes: u64,
}

impl Pending {
    fn append(&mut self, content: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.content.len()).min(content.len());
        let (kept, dropped) = content.split_at(room);
        self.content.extend_from_slice(kept);
        self.truncated_bytes += dropped.len() as u64;
    }

    fn into_message(self, stream: Stream, incomplete: bool) -> Message<'static> {
        let Self { time, content, truncated_bytes } = self;
        Message { stream, time, content: Cow::Owned(content), truncated_bytes, incomplete }
    }
}

impl Reassembler {
    /// A reassembler that keeps at most `limit_bytes` of each joined message.
    #[must_use]
    pub const fn with_limit(limit_bytes: usize) -> Self {
        Self { limit: limit_bytes, stdout: None, stderr: None }
    }

    /// Takes the next fragment; gives the message that it completes, if it does.
    ///
    /// `content` is the text of the fragment without its envelope, its escapes and its final line
    /// feed; `partial` says that the message goes on in a later fragment of the same stream.
    pub fn push<'a>(
        &mut self,
        stream: Stream,
        time: UnixNanos,
        content: &'a [u8],
        partial: bool,
    ) -> Option<Message<'a>> {
        let limit = self.limit;
        let slot = self.slot(stream);
        if partial {
            slot.get_or_insert(Pending { time, content: Vec::new(), truncated_bytes: 0 })
                .append(content, limit);
            return None;
        }
        Some(match slot.take() {
            Some(mut pending) => {
                pending.append(content, limit);
                pending.into_message(stream, false)
            }
            None => Message {
                stream,
                time,
                content: Cow::Borrowed(content),
                truncated_bytes: 0,
                incomplete: false,
            },
        })
    }

    /// Whether fragments wait for the end of their message. A live reader which sees this for
    /// long may call [`Reassembler::finish`]: the container may have ended without a line feed.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some()
    }

    /// What is left at the end of the input: at most one incomplete message per stream, stdout
    /// first. The reassembler is empty afterwards and may be used again.
    pub fn finish(&mut self) -> impl Iterator<Item = Message<'static>> + use<> {
        [(Stream::Stdout, self.stdout.take()), (Stream::Stderr, self.stderr.take())]
            .into_iter()
            .filter_map(|(stream, pending)| Some(pending?.into_message(stream, true)))
    }

    const fn slot(&mut self, stream: Stream) -> &mut Option<Pending> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: UnixNanos = UnixNanos(7);

    #[test]
    fn what_exceeds_the_limit_is_counted() {
        let mut reassembler = Reassembler::with_limit(5);
        for fragment in [&b"abc"[..], b"defg", b"h"] {
            assert_eq!(reassembler.push(Stream::Stdout, TIME, fragment, true), None);
        }
        let message = reassembler.push(Stream::Stdout, TIME, b"ij", false).unwrap();
        assert_eq!((&*message.content, message.truncated_bytes), (&b"abcde"[..], 5));
        let next = reassembler.push(Stream::Stdout, TIME, b"longer than five", false).unwrap();
        assert_eq!((next.content.len(), next.truncated_bytes), (16, 0));
    }

    #[test]
    fn an_empty_fragment_is_pending_too() {
        let mut reassembler = Reassembler::with_limit(5);
        assert_eq!(reassembler.push(Stream::Stderr, TIME, b"", true), None);
        assert!(reassembler.is_pending());
        let left: Vec<_> = reassembler.finish().collect();
        assert!(matches!(&*left, [Message { stream: Stream::Stderr, incomplete: true, .. }]));
        assert!(!reassembler.is_pending());
    }
}
