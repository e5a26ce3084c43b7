//! Journals: entries as lines that the parser knows, see [`chiplog_parse::journal_entry`].

mod export;
mod watch;

pub(crate) use export::is_export;
pub use export::{ExportDamage, ExportReader};
pub use watch::{WatchedJournal, WatchedJournalOptions};
