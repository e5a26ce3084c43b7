//! Journals: entries as lines that the parser knows, see [`chiplog_parse::journal_entry`].

mod export;
mod group;
mod lines;
mod reader;
mod watch;

pub(crate) use export::is_export;
pub use export::{ExportDamage, ExportReader};
pub use group::{JournalMembers, MemberJournal};
pub(crate) use group::{Journals, Sequence, sequence_of};
pub use lines::JournalBytes;
pub use reader::{JournalDamage, JournalDamageKind, JournalReader};
pub use watch::{WatchedJournal, WatchedJournalOptions};
