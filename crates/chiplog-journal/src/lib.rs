//! Reads the files of the systemd journal.
//!
//! - **Every layout**: regular and compact, keyed hash or not, data compressed with zstd, lz4 or xz.
//! - **Files in any state**: archived, offline, being written, cut, damaged. What is readable is
//!   read, and what is not is counted and located ([`Damage`]).
//! - **One file or many**: a [`Journal`] is one file, a [`JournalSet`] is a directory or a list of
//!   files merged into one, which can be filtered, followed over rotations and resumed.
//! - **The words of journalctl**: [`Cursor`]s are those of `--after-cursor`, a [`Filter`] by unit
//!   means what `--unit` means, and `write_export` writes what `-o export` prints.
//! - **Quick**: what nobody asks for is not read. Data that many entries share is looked at once and
//!   known by its [`DataId`] from then on, so that callers can do the same with what they make of it.
//! - **No libsystemd, no C, no `unsafe`, no memory map**: a file is read by positions, through
//!   windows in a few mebibytes of memory, however large it is.
//!
//! # Examples
//!
//! All fields of all entries:
//!
//! ```
//! use chiplog_journal::{Journal, Limits};
//! # use chiplog_testkit::{JournalFile, JournalOptions, JournalStamp};
//! # let mut file = JournalFile::new(JournalOptions::default());
//! # file.append(JournalStamp::of(1), &["MESSAGE=it works", "PRIORITY=6"]);
//! # let source = file.bytes();
//!
//! // `source` is a `std::fs::File`, or the bytes of one.
//! let mut journal = Journal::open(source, Limits::default())?;
//! while let Some(entry) = journal.next_entry()? {
//!     println!("{} at {}", entry.seqnum, entry.realtime_micros);
//!     journal.entry_fields(&mut |name, value| {
//!         println!("  {}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value));
//!     })?;
//! }
//! assert!(journal.damage().is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A few fields, each value looked at once:
//!
//! ```
//! use std::collections::HashMap;
//!
//! use chiplog_journal::{DataId, Journal, Limits};
//! # use chiplog_testkit::{JournalFile, JournalOptions, JournalStamp};
//! # let mut file = JournalFile::new(JournalOptions::default());
//! # file.append(JournalStamp::of(1), &["MESSAGE=a", "_SYSTEMD_UNIT=etcd.service"]);
//! # file.append(JournalStamp::of(2), &["MESSAGE=bb", "_SYSTEMD_UNIT=init.scope"]);
//! # file.append(JournalStamp::of(3), &["MESSAGE=ccc", "_SYSTEMD_UNIT=etcd.service"]);
//! # let source = file.bytes();
//!
//! let mut journal = Journal::open(source, Limits::default())?;
//! journal.select(&["MESSAGE", "_SYSTEMD_UNIT"]);
//! let mut is_etcd: HashMap<DataId, bool> = HashMap::new();
//! let mut bytes = 0;
//! while journal.next_entry()?.is_some() {
//!     let (Some(message), Some(unit)) = (journal.value(0), journal.value(1)) else { continue };
//!     let wanted = match is_etcd.get(&unit) {
//!         Some(wanted) => *wanted,
//!         None => {
//!             let wanted = journal.payload(unit)? == b"etcd.service";
//!             is_etcd.insert(unit, wanted);
//!             wanted
//!         }
//!     };
//!     if wanted {
//!         bytes += journal.payload(message)?.len();
//!     }
//! }
//! assert_eq!(bytes, 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! For a directory that is followed, see [`JournalSet`].
//!
//! # What it costs
//!
//! On a journal of 1.2 million entries of 23 fields each (728 MB, in the page cache), where every
//! message is read whole and the other fields are known by their ids, a walk takes about 0.25
//! microseconds of CPU an entry, half of it in the system's copy of the file; `journalctl -o export`
//! takes 6.9. With unique messages of 1 KiB, each compressed with zstd, it is 3.1 microseconds to 31.
//! `cargo run --release --example walk -- FILES` measures it.
//!
//! A [`Journal`] takes [`Limits::cache_bytes`] of memory (4 MiB unless told otherwise), tables of
//! some 300 KiB, and what the largest payload takes, at most [`Limits::data_bytes`] twice.
//! A [`JournalSet`] keeps eight of its files in memory at a time.
//!
//! # Damage
//!
//! A writer only appends, so that everything which leads backwards is damage, and a walk comes to an
//! end. Each offset is looked at before it is used: whether it is aligned, in the file, and leads to
//! an object of the right type and a possible size. Where an array of entries leads nowhere, the
//! entries are searched for, from object to object and, beyond a broken one, word by word. A file
//! of which only the first half is left gives all entries of that half; journalctl gives none.
//!
//! # What it does not do
//!
//! It writes no journals, verifies no seals (Forward Secure Sealing) and no hashes, and looks nothing
//! up by hash: a filter reads every entry. Globs in unit names, which `journalctl --unit` knows, are
//! not expanded.
//!
//! After a cursor whose entry is gone, reading goes on with the next entry that is left. journalctl
//! 252 skips that one.

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
