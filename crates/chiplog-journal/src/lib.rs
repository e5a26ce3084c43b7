//! Reads the files of the systemd journal.

mod cursor;
mod damage;
mod decompress;
mod error;
mod export;
mod header;
mod id;
mod journal;
mod layout;
mod payload;
mod read_at;
mod walk;
mod windows;
mod zstd;

pub use cursor::{Cursor, ParseCursorError};
pub use damage::{Damage, Fault, FaultKind};
pub use error::{DataError, OpenError};
pub use header::{Header, State};
pub use id::{Id128, ParseIdError};
pub use journal::{DataId, EntryHead, Journal, Limits, Seek};
pub use read_at::ReadAt;
