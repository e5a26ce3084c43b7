//! A journal that is being written, read from its files.

use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chiplog_journal::{Cursor, DataError, JournalSet, OpenError, SetOptions};
use chiplog_parse::journal_entry::JournalEntry;
use crossbeam_channel::{Receiver, bounded};
use notify::event::EventKind;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use serde_json::{Value, json};

use super::export::append_line;
use super::lines::FIELDS;
use crate::{Block, Delivery, Limits, Loss, LossReason, Readiness, Source, Stream, Waker};

/// Bytes handed over in one poll, about.
const POLL_BYTES: usize = 1 << 20;

/// Entries looked at in one poll, wanted or not.
const POLL_ENTRIES: usize = 50_000;

/// The owner is woken at most this often: the writer of a journal changes its file for each entry.
const BETWEEN_WAKINGS: Duration = Duration::from_millis(10);

/// How often files are looked at of which the system tells nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What to read of a journal.
#[derive(Clone, Debug)]
pub struct WatchedJournalOptions {
    /// A directory of journal files: `/var/log/journal`. Its name is that of the stream.
    pub directory: PathBuf,
    /// Units, as of `journalctl --unit`; all entries if there are none.
    pub units: Vec<String>,
    /// Entries of this `SYSLOG_IDENTIFIER` are left out: those of a daemon that reports on the journal
    /// into the journal.
    pub without_identifier: Option<String>,
    /// Whether to begin with the oldest entry, where no cursor says where to begin.
    pub from_start: bool,
    /// Do not ask the system for events: look at the files when polled, once a second.
    pub poll_only: bool,
}

/// A journal as a [`Source`]: each entry is a line, see [`chiplog_parse::journal_entry`], in the order
/// of `journalctl`, over rotations.
///
/// The cursor is `{"cursors":[..],"after":..,"offset":N}`: the place in each sequence, and the last of
/// them, both as journalctl writes it. Entries that were vacuumed before they were read are told as
/// lost.
pub struct WatchedJournal {
    options: WatchedJournalOptions,
    stream: Stream,
    set: JournalSet,
    events: Option<Events>,
    looked: Instant,
    offset: u64,
    /// Warnings that were given, by file.
    told: Vec<(PathBuf, String)>,
}

struct Events {
    /// Watches for as long as it is kept.
    _watcher: RecommendedWatcher,
    /// Something has happened. Relaxed: what it was is in the files, nothing is read through it.
    has_news: Arc<AtomicBool>,
}

impl WatchedJournal {
    /// Opens the journal, and goes on from a cursor.
    ///
    /// # Errors
    ///
    /// When there is no journal, or no file of it can be read: of the kind
    /// [`io::ErrorKind::PermissionDenied`] if they may not be, [`io::ErrorKind::Unsupported`] if they
    /// are of a form that is not known.
    pub fn open(
        options: WatchedJournalOptions,
        cursor: Option<&Value>,
        waker: Waker,
    ) -> io::Result<WatchedJournal> {
        // Before the files are looked at, so that nothing is missed in between.
        let events = if options.poll_only { None } else { Events::start(&options.directory, waker).ok() };
        let mut set_options = SetOptions::default();
        set_options.filter.units.clone_from(&options.units);
        let mut set = JournalSet::open([&options.directory], set_options)?;
        set.select(&FIELDS);
        if set.journals().next().is_none() {
            return Err(no_journal(&options.directory, &set));
        }
        let cursor = cursor.unwrap_or(&Value::Null);
        let saved: Vec<Cursor> = cursor["cursors"]
            .as_array()
            .map(|cursors| cursors.iter().filter_map(|text| text.as_str()?.parse().ok()).collect())
            .unwrap_or_default();
        if !saved.is_empty() {
            set.resume(saved)?;
        } else if let Some(after) = cursor["after"].as_str().and_then(|text| text.parse().ok()) {
            set.seek_after(&after)?;
        } else if !options.from_start {
            let ends = ends(&set);
            set.resume(ends)?;
        }
        let name = Arc::from(options.directory.to_string_lossy());
        Ok(WatchedJournal {
            stream: Stream { name, modified_unix_nanos: None },
            options,
            set,
            events,
            looked: Instant::now(),
            offset: cursor["offset"].as_u64().unwrap_or(0),
            told: Vec::new(),
        })
    }

    /// How many files of the journal are open.
    #[must_use]
    pub fn open_files(&self) -> usize {
        self.set.journals().count()
    }

    /// Whether files have to be looked at again.
    fn is_due(&self) -> bool {
        let has_news =
            self.events.as_ref().is_some_and(|events| events.has_news.swap(false, Ordering::Relaxed));
        has_news || self.looked.elapsed() >= LOOK_EVERY
    }

    /// Appends the entry at hand as a line. Returns how many bytes of it were left out.
    fn append(&mut self, realtime_micros: u64, lines: &mut Vec<u8>) -> io::Result<u64> {
        let mut bytes = Vec::new();
        let mut values = [const { None }; FIELDS.len()];
        for (field, place) in values.iter_mut().enumerate() {
            let Some(data) = self.set.value(field) else { continue };
            let start = bytes.len();
            match self.set.payload(data) {
                Ok(value) => bytes.extend_from_slice(value),
                Err(DataError::Io(error)) => return Err(error),
                // Damage is counted by the journal.
                Err(_) => continue,
            }
            *place = Some(start..bytes.len());
        }
        let fields = FIELDS.iter().zip(values).filter_map(|(name, value)| Some((name.as_bytes(), value?)));
        let mut entry = JournalEntry::from_fields(fields.map(|(name, value)| (name, &bytes[value])));
        entry.realtime_micros = Some(realtime_micros);
        let left_out = self.options.without_identifier.as_deref().map(str::as_bytes);
        if entry.identifier.is_some() && entry.identifier == left_out {
            return Ok(0);
        }
        Ok(append_line(&entry, 0, Limits::default(), lines))
    }

    fn hand_over(&mut self, lines: &mut Vec<u8>, cut_bytes: u64, sink: &mut dyn FnMut(Delivery<'_>)) {
        if !lines.is_empty() {
            let block = Block { offset: self.offset, bytes: mem::take(lines), cut_bytes, ..Block::default() };
            self.offset = block.end_offset();
            sink(Delivery::Lines { stream: &self.stream, block });
        }
    }

    /// Reads entries until there are no more, or enough. What comes before an error is in `lines`.
    fn read(&mut self, lines: &mut Vec<u8>, sink: &mut dyn FnMut(Delivery<'_>)) -> io::Result<Readiness> {
        let (mut taken, mut entries) = (0, 0);
        loop {
            if taken >= POLL_BYTES || entries >= POLL_ENTRIES {
                return Ok(Readiness::More);
            }
            let Some(entry) = self.set.next_entry()? else { return Ok(Readiness::Idle) };
            entries += 1;
            if entry.missing > 0 && self.set.unreadable().is_empty() {
                self.hand_over(lines, 0, sink);
                let loss = Loss { reason: LossReason::Vacuumed, lines: Some(entry.missing), bytes: None };
                sink(Delivery::Lost { stream: &self.stream, loss });
            }
            let before = lines.len();
            let cut_bytes = self.append(entry.head.realtime_micros, lines)?;
            taken += lines.len() - before;
            if cut_bytes > 0 {
                self.hand_over(lines, cut_bytes, sink);
            }
        }
    }

    /// Tells of files that cannot be read, or not wholly, each time that something new is known.
    fn tell_troubles(&mut self, sink: &mut dyn FnMut(Delivery<'_>)) {
        let unreadable = self.set.unreadable().iter().map(|unreadable| {
            let error = &unreadable.error;
            (unreadable.path.clone(), format!("cannot be read: {error}; what is missing is not counted"))
        });
        let damaged = self
            .set
            .damage()
            .map(|(path, damage)| (path.to_path_buf(), format!("journal is damaged: {damage}")));
        let troubles: Vec<_> = unreadable.chain(damaged).collect();
        for (path, what) in &troubles {
            if !self.told.iter().any(|(known, told)| known == path && told == what) {
                sink(Delivery::Warning(format!("{}: {what}", path.display())));
            }
        }
        self.told = troubles;
    }
}

impl Source for WatchedJournal {
    fn name(&self) -> &str {
        "journal"
    }

    fn poll(&mut self, sink: &mut dyn FnMut(Delivery<'_>)) -> io::Result<Readiness> {
        if self.is_due() {
            self.looked = Instant::now();
            self.set.poll()?;
            self.tell_troubles(sink);
        }
        let mut lines = Vec::new();
        let outcome = self.read(&mut lines, sink);
        self.hand_over(&mut lines, 0, sink);
        outcome
    }

    fn cursor(&self) -> Value {
        let mut cursors: Vec<String> = self.set.cursors().map(|cursor| cursor.to_string()).collect();
        cursors.sort_unstable();
        json!({
            "cursors": cursors,
            "after": self.set.cursor().map(|cursor| cursor.to_string()),
            "offset": self.offset,
        })
    }
}

impl Events {
    fn start(directory: &Path, waker: Waker) -> notify::Result<Events> {
        let has_news = Arc::new(AtomicBool::new(false));
        let (sender, changes) = bounded(1);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // That we look at files is no news; an error may be an overflow.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                // Full: it is known already.
                let _ = sender.try_send(());
            }
        })?;
        watcher.watch(directory, RecursiveMode::Recursive)?;
        let news = Arc::clone(&has_news);
        thread::Builder::new()
            .name("journal-events".to_owned())
            .spawn(move || tell(&changes, &news, &waker))
            .map_err(notify::Error::io)?;
        Ok(Events { _watcher: watcher, has_news })
    }
}

/// Wakes the owner, at once after a pause and now and then while events keep coming.
fn tell(changes: &Receiver<()>, has_news: &AtomicBool, waker: &Waker) {
    while changes.recv().is_ok() {
        has_news.store(true, Ordering::Relaxed);
        waker.wake();
        thread::sleep(BETWEEN_WAKINGS);
    }
}

/// The last entry of each sequence, as the headers of its files tell.
fn ends(set: &JournalSet) -> Vec<Cursor> {
    let mut ends: Vec<Cursor> = Vec::new();
    for (_, _, header) in set.journals() {
        let end = Cursor {
            seqnum_id: header.seqnum_id,
            seqnum: header.tail_seqnum,
            boot_id: header.tail_boot_id,
            monotonic_micros: header.tail_monotonic_micros,
            realtime_micros: header.tail_realtime_micros,
            xor_hash: 0,
        };
        match ends.iter_mut().find(|known| known.seqnum_id == end.seqnum_id) {
            Some(known) if known.seqnum < end.seqnum => *known = end,
            Some(_) => {}
            None => ends.push(end),
        }
    }
    ends
}

fn no_journal(directory: &Path, set: &JournalSet) -> io::Error {
    let (kind, why) = match set.unreadable().first().map(|unreadable| &unreadable.error) {
        Some(OpenError::Io(error)) => (error.kind(), error.to_string()),
        Some(error) => (io::ErrorKind::Unsupported, error.to_string()),
        None => (io::ErrorKind::NotFound, "there is no journal".to_owned()),
    };
    io::Error::new(kind, format!("{}: {why}", directory.display()))
}

#[cfg(test)]
mod tests {
    use chiplog_parse::journal_entry;

    use super::*;

    #[test]
    fn all_fields_of_a_line_are_asked_for() {
        assert!(FIELDS.iter().all(|field| journal_entry::is_read(field.as_bytes())));
        let time = "__REALTIME_TIMESTAMP";
        assert!(journal_entry::is_read(time.as_bytes()), "{time} is of the entry's head");
    }
}
