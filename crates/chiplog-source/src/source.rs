//! What a daemon watches: sources that are polled, and what they hand over.

use std::io;
use std::sync::Arc;

use chiplog_engine::Block;

/// Something that goes on: followed files, a journal, the kernel's messages, a pipe.
///
/// One owner polls it, so that nothing is shared and reading stops when the owner is busy. A source
/// reads nothing between polls and never waits in one.
pub trait Source: Send {
    /// Name in messages and in a saved state; unique among the sources of a daemon.
    fn name(&self) -> &str;

    /// Hands over what there is, up to about a megabyte, so that one source does not starve others.
    ///
    /// # Errors
    ///
    /// When the source as a whole cannot be read now. What was handed over before stands. The owner
    /// may poll again later: a source that has recovered goes on where it was.
    fn poll(&mut self, sink: &mut dyn FnMut(Delivery<'_>)) -> io::Result<Readiness>;

    /// Where the source stands, after all that it has handed over so far. Given back to a new source
    /// of the same kind, it goes on from there.
    fn cursor(&self) -> serde_json::Value;
}

/// Whether a source should be polled again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// There is more to read.
    More,
    /// All that there is was read.
    Idle,
}

/// What a source hands over.
#[derive(Debug)]
pub enum Delivery<'a> {
    /// The next whole lines of a stream. [`Block::offset`] counts on within the stream, over
    /// rotations and restarts.
    Lines {
        /// Where they belong.
        stream: &'a Stream,
        /// The lines.
        block: Block,
    },
    /// Part of a stream is missing, at the place that has been reached.
    Lost {
        /// Where it is missing.
        stream: &'a Stream,
        /// What is known of it.
        loss: Loss,
    },
    /// A stream has come to its end: its files are gone and were read.
    Ended {
        /// Which one.
        stream: &'a Stream,
    },
    /// Something that can be read around, to be told to people: what, where, and what to do.
    Warning(String),
}

/// One ordered log: a file with all its rotations, a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Name in reports: the path without its rotation suffix, or the directory of a journal.
    pub name: Arc<str>,
    /// When the file was last written before it was opened, in nanoseconds since
    /// 1970-01-01T00:00:00Z: the hint for lines that lack the year.
    pub modified_unix_nanos: Option<i64>,
}

/// Lines that a source knows are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Why.
    pub reason: LossReason,
    /// How many lines or entries, if that is known.
    pub lines: Option<u64>,
    /// How many bytes, if that is known.
    pub bytes: Option<u64>,
}

/// Why lines are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LossReason {
    /// A file was removed, or cut in place, before it was read to its end.
    Removed,
    /// A journal was vacuumed, or its writer left numbers out.
    Vacuumed,
    /// The kernel's ring was overwritten.
    Overwritten,
    /// What is stored is damaged.
    Damaged,
}

impl LossReason {
    /// The name in reports and metrics: `removed`, `vacuumed`, `overwritten`, `damaged`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Vacuumed => "vacuumed",
            Self::Overwritten => "overwritten",
            Self::Damaged => "damaged",
        }
    }
}
