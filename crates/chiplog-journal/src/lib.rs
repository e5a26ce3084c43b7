//! Reads the files of the systemd journal.

mod cursor;
mod damage;
mod decompress;
mod error;
mod export;
mod filter;
mod header;
mod id;
mod journal;
mod layout;
mod payload;
mod read_at;
mod set;
mod walk;
mod windows;
mod zstd;

pub use cursor::{Cursor, ParseCursorError};
pub use damage::{Damage, Fault, FaultKind};
pub use error::{DataError, OpenError};
pub use filter::Filter;
pub use header::{Header, State};
pub use id::{Id128, ParseIdError};
pub use journal::{DataId, EntryHead, Journal, Limits, Seek};
pub use read_at::ReadAt;
pub use set::{JournalNumber, JournalSet, SetEntry, SetLimits, SetOptions, Unreadable};
