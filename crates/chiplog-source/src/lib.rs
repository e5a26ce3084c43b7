//! Anything to blocks: what there is to read, and its text in [`Block`]s of whole lines.
//!
//! [`discover`] turns paths into [`Input`]s and a list of what is left out and why, and
//! [`Input::blocks`] gives the blocks of one. Below that, a [`Decompressor`] gives plain bytes,
//! [`BlockReader`] cuts them into lines, and [`ExportReader`] and [`JournalReader`] make lines of the
//! entries of a journal.
//!
//! ```
//! use chiplog_source::{Limits, discover};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("kubelet.log");
//! # std::fs::write(&path, "I0305 06:07:08.000001    1 a.go:1] one\nI0305 06:07:09.000001    1 a.go:1] two\n")?;
//! let (inputs, skipped) = discover([&path]);
//! assert!(skipped.is_empty());
//! let mut lines = 0;
//! for input in &inputs {
//!     let mut blocks = input.blocks(Limits::default(), None)?;
//!     while let Some(block) = blocks.next_block()? {
//!         lines += block.lines();
//!         blocks.recycle(block);
//!     }
//! }
//! assert_eq!(lines, 2);
//! # std::io::Result::Ok(())
//! ```
//!
//! # What it holds to
//!
//! - Files are read, never mapped: a mapped file that its writer truncates is a signal.
//! - Names say nothing, contents do: a compressed file is known by its first bytes.
//! - Memory is bounded by [`Limits`] and [`DecodeLimits`], whatever the input.
//! - What could be read before an error is delivered before the error.
//! - No C is linked.

mod archive;
mod block_reader;
mod compression;
mod content;
mod decompress;
mod discover;
mod error;
#[cfg(unix)]
mod follow;
mod input;
mod input_blocks;
mod journal;
mod journalctl;
mod kmsg;
mod origin;
mod pipe;
mod pump;
mod raw;
mod source;
mod stream_blocks;
mod wake;
mod walk;

pub use block_reader::{BlockReader, Limits};
pub use chiplog_engine::{Block, Elector, Loss, LossReason};
pub use compression::Compression;
pub use decompress::{DecodeLimits, Decompressor};
pub use discover::{SkipReason, Skipped, discover};
pub use error::DecodeError;
#[cfg(unix)]
pub use follow::{FollowError, FollowFrom, FollowOptions, FollowedFiles};
pub use input::{Input, InputKind, OpenInput};
pub use input_blocks::InputBlocks;
pub use journal::{
    ExportDamage, ExportReader, JournalBytes, JournalDamage, JournalDamageKind, JournalMembers,
    JournalReader, MemberJournal, WatchedJournal, WatchedJournalOptions,
};
pub use journalctl::{Journalctl, JournalctlOptions};
pub use kmsg::{Kmsg, KmsgOptions};
pub use origin::origin_of;
pub use pipe::Pipe;
pub use source::{Delivery, Readiness, Source, Stream};
pub use stream_blocks::{StreamBlocks, StreamLoss};
pub use wake::{Waker, Wakings};
pub use walk::{Found, Member, MemberCounts, WalkLimits, Walker};
