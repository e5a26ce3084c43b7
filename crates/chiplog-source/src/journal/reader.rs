//! Journal files as blocks of lines.

use std::fmt;
use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chiplog_engine::{Block, Elector, Entries, Passed};
use chiplog_journal::{Damage, OpenError};

use super::lines::{EntryParts, JournalBytes, JournalLines};
use crate::Limits;

/// Reads journal files of one sequence into [`Block`]s of lines: one for each entry, in the form of
/// [`chiplog_parse::journal_entry`], in the order of their numbers.
///
/// With an [`Elector`], entries that no rule can match are passed over and counted
/// ([`Entries::passed`]), without a look at more than their message; findings and totals are the
/// same as with all lines. The first and the last entry, and every
/// [sample](Entries::is_sample), are always there.
///
/// Of entries that stand in several files, such as a file and a copy of it, one is read. Damage is
/// stepped over and counted. A file is opened when its entries come, and closed after them: as many
/// are open at once as overlap.
pub struct JournalReader {
    files: Vec<File>,
    /// The file that entries are taken from, up to the first number that another one may have.
    current: Option<(usize, u64)>,
    elector: Option<Elector>,
    limits: Limits,
    lines: Vec<u8>,
    /// Bytes of the last line that were left out.
    cut_bytes: u64,
    passed: Vec<Passed>,
    /// Number of the first entry of the block at hand.
    first: u64,
    /// Number of the next entry.
    number: u64,
    /// Number and identity of the entry before.
    last: Option<(u64, u64, u64)>,
    /// The last entry of a file, if it was passed over: its number, and its line.
    tail: Option<(u64, Vec<u8>)>,
    /// Bytes of all files that were read, and of those those that were told in blocks.
    stored_bytes: Arc<AtomicU64>,
    told_bytes: u64,
    total_bytes: u64,
    damaged: Vec<JournalDamage>,
    duplicates: u64,
    failure: Option<io::Error>,
    spare: Vec<Vec<u8>>,
}

/// What of a journal file could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct JournalDamage {
    /// The file, as it was given.
    pub name: String,
    /// What is wrong.
    pub kind: JournalDamageKind,
}

/// What is wrong with a journal file.
#[derive(Debug)]
#[non_exhaustive]
pub enum JournalDamageKind {
    /// It was not read at all.
    NotOpened(OpenError),
    /// It was read around these.
    Damaged(Damage),
}

impl fmt::Display for JournalDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.name.is_empty() { "" } else { ": " };
        write!(f, "{}{separator}", self.name)?;
        match &self.kind {
            JournalDamageKind::NotOpened(error) => write!(f, "cannot be read: {error}"),
            JournalDamageKind::Damaged(damage) => write!(f, "journal is damaged: {damage}"),
        }
    }
}

/// A file, and whether its entries have begun.
struct File {
    name: String,
    size_bytes: u64,
    lines: JournalLines,
    has_begun: bool,
}

/// Entries in one block.
const BLOCK_ENTRIES: u64 = 1 << 16;
const SPARE_BUFFERS: usize = 8;

impl JournalReader {
    /// A reader of these files, each a name for messages and its bytes. Those that cannot be opened
    /// are part of [`JournalReader::damaged`]. All must be of one sequence
    /// ([`chiplog_journal::Header::seqnum_id`]), or the order is by numbers that have nothing to do
    /// with each other.
    #[must_use]
    pub fn new(
        files: impl IntoIterator<Item = (String, JournalBytes)>,
        elector: Option<Elector>,
        limits: Limits,
    ) -> Self {
        let mut damaged = Vec::new();
        let mut open = Vec::new();
        for (name, bytes) in files {
            let size_bytes = bytes.size_bytes().unwrap_or(0);
            match JournalLines::open(bytes) {
                Ok(lines) => open.push(File { name, size_bytes, lines, has_begun: false }),
                Err(error) => damaged.push(JournalDamage { name, kind: JournalDamageKind::NotOpened(error) }),
            }
        }
        Self {
            total_bytes: open.iter().map(|file| file.size_bytes).sum(),
            files: open,
            current: None,
            elector,
            limits,
            lines: Vec::new(),
            cut_bytes: 0,
            passed: Vec::new(),
            first: 0,
            number: 0,
            last: None,
            tail: None,
            stored_bytes: Arc::default(),
            told_bytes: 0,
            damaged,
            duplicates: 0,
            failure: None,
            spare: Vec::new(),
        }
    }

    /// The next entries, or `None` at the end.
    ///
    /// # Errors
    ///
    /// An error of the system, once, after everything that was read before it; then `None`.
    pub fn next_block(&mut self) -> io::Result<Option<Block>> {
        loop {
            let file = match self.next_file() {
                Ok(file) => file,
                Err(error) => {
                    self.fail(error);
                    break;
                }
            };
            let Some(file) = file else { break };
            if self.is_full() {
                return Ok(Some(self.hand_out()));
            }
            if let Err(error) = self.take_entry(file) {
                self.fail(error);
                break;
            }
        }
        self.end_with_a_line();
        if self.number > self.first {
            return Ok(Some(self.hand_out()));
        }
        self.failure.take().map_or(Ok(None), Err)
    }

    /// Takes back the buffer of a block that is no longer needed.
    pub fn recycle(&mut self, block: Block) {
        if self.spare.len() < SPARE_BUFFERS {
            self.spare.push(block.bytes);
        }
    }

    /// How many bytes of the files were read, as a number that moves while reading goes on. For
    /// showing progress.
    #[must_use]
    pub fn stored_bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.stored_bytes)
    }

    /// Files that could not be read, or not wholly. Known at the end.
    #[must_use]
    pub fn damaged(&self) -> &[JournalDamage] {
        &self.damaged
    }

    /// Entries that were met again in another file, and are not counted.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// A file of the sequence that could not be opened.
    pub(crate) fn note_unopened(&mut self, name: String, error: io::Error) {
        self.damaged.push(JournalDamage { name, kind: JournalDamageKind::NotOpened(error.into()) });
    }

    /// What could not be read, each in one line, for people. Known at the end.
    pub fn troubles(&self) -> impl Iterator<Item = String> + '_ {
        self.damaged.iter().map(ToString::to_string)
    }

    fn fail(&mut self, error: io::Error) {
        self.files.clear();
        self.current = None;
        self.failure = Some(error);
    }

    fn is_full(&self) -> bool {
        self.cut_bytes > 0
            || self.lines.len() >= self.limits.block_bytes
            || self.number - self.first >= BLOCK_ENTRIES
    }

    /// The file whose entry comes next.
    fn next_file(&mut self) -> io::Result<Option<usize>> {
        if let Some((index, end)) = self.current
            && self.files[index].next_seqnum() <= end
        {
            return Ok(Some(index));
        }
        loop {
            let next = self.files.iter().enumerate().min_by_key(|(_, file)| file.next_seqnum());
            let Some((index, file)) = next else { return Ok(None) };
            if file.has_begun {
                let others = self.files.iter().enumerate().filter(|(other, _)| *other != index);
                let end = others.map(|(_, file)| file.next_seqnum()).min().unwrap_or(u64::MAX);
                self.current = Some((index, end));
                return Ok(Some(index));
            }
            self.files[index].has_begun = true;
            self.advance(index)?;
        }
    }

    /// Goes on by an entry in a file, which is closed if it has no more.
    fn advance(&mut self, index: usize) -> io::Result<()> {
        if !self.files[index].lines.advance()? {
            self.close(index);
        }
        Ok(())
    }

    fn close(&mut self, index: usize) {
        let file = self.files.remove(index);
        self.current = None;
        self.stored_bytes.store(self.stored(), Ordering::Relaxed);
        let damage = file.lines.journal().damage();
        if !damage.is_none() {
            let kind = JournalDamageKind::Damaged(damage.clone());
            self.damaged.push(JournalDamage { name: file.name, kind });
        }
    }

    /// Makes a line of the entry at hand in a file, or passes it over, and goes on in this file.
    fn take_entry(&mut self, index: usize) -> io::Result<()> {
        let lines = &mut self.files[index].lines;
        let Some(head) = lines.head() else { return Ok(()) };
        let identity = (head.seqnum, head.realtime_micros, head.xor_hash);
        if self.last == Some(identity) {
            self.duplicates += 1;
            return self.advance(index);
        }
        self.last = Some(identity);
        let number = self.number;
        self.number += 1;
        let is_wanted = match &self.elector {
            None => true,
            Some(elector) => Entries::is_sample(number) || lines.is_elected(elector)?,
        };
        let parts = lines.parts();
        if is_wanted {
            self.cut_bytes = lines.append(&parts, self.limits, &mut self.lines)?;
            return self.advance(index);
        }
        // A block is shorter than 4 GiB.
        let before = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        match self.passed.last_mut().filter(|passed| passed.before == before) {
            Some(passed) => passed.entries += 1,
            None => self.passed.push(Passed { before, entries: 1 }),
        }
        self.advance_passed(index, number, &parts)
    }

    /// [`JournalReader::advance`] behind an entry that was passed over: it may turn out to be the last.
    fn advance_passed(&mut self, index: usize, number: u64, parts: &EntryParts) -> io::Result<()> {
        if self.files[index].lines.advance()? {
            return Ok(());
        }
        let mut line = Vec::new();
        self.files[index].lines.append(parts, self.limits, &mut line)?;
        self.tail = Some((number, line));
        self.close(index);
        Ok(())
    }

    /// The last entry tells when the journal ends: if it was passed over, it is taken after all.
    fn end_with_a_line(&mut self) {
        let Some((number, line)) = self.tail.take() else { return };
        if number + 1 != self.number || self.first > number {
            return;
        }
        if let Some(passed) = self.passed.last_mut() {
            passed.entries -= 1;
            self.passed.pop_if(|passed| passed.entries == 0);
            self.lines.extend_from_slice(&line);
        }
    }

    /// Bytes that were read of all files.
    fn stored(&self) -> u64 {
        let left = self.files.iter().map(|file| {
            let offset = file.lines.head().map_or(0, |head| head.offset);
            file.size_bytes.saturating_sub(offset)
        });
        self.total_bytes.saturating_sub(left.sum())
    }

    fn hand_out(&mut self) -> Block {
        let stored = self.stored();
        self.stored_bytes.store(stored, Ordering::Relaxed);
        let entries = Entries {
            first: self.first,
            passed: mem::take(&mut self.passed),
            stored_bytes: stored.saturating_sub(self.told_bytes),
        };
        self.told_bytes = stored.max(self.told_bytes);
        let mut next = self.spare.pop().unwrap_or_default();
        next.clear();
        let bytes = mem::replace(&mut self.lines, next);
        let block = Block {
            offset: Entries::offset_of(self.first),
            bytes,
            cut_bytes: mem::take(&mut self.cut_bytes),
            entries: Some(Box::new(entries)),
        };
        self.first = self.number;
        block
    }
}

impl File {
    /// The number of the entry that comes next, as far as it is known.
    fn next_seqnum(&self) -> u64 {
        match self.lines.head() {
            Some(head) => head.seqnum,
            // What the header says may be wrong: a file that begins too early costs nothing.
            None => self.lines.journal().header().head_seqnum,
        }
    }
}
