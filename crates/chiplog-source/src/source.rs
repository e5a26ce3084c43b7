//! What a daemon watches: sources that are polled, and what they hand over.

use std::io;
use std::sync::Arc;

use chiplog_engine::{Block, Loss};

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
