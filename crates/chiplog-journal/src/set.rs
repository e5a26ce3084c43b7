//! Several journal files as one journal.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::filter::{Known, Matcher};
use crate::{
    Cursor, Damage, DataError, DataId, EntryHead, Filter, Header, Id128, Journal, Limits, OpenError, Seek,
    State,
};

/// How many files keep parts of themselves in memory at a time.
const ACTIVE: usize = 8;

/// How many entries of one instant are remembered, to tell copies of them.
const RECENT: usize = 256;

/// What to read of a set of journals, and at what cost.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SetOptions {
    /// Which entries are wanted.
    pub filter: Filter,
    /// What the files may cost together; the memory is shared by the few that are read at a time.
    pub limits: SetLimits,
}

/// How much a set of journals may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetLimits {
    /// Memory for parts of files.
    pub cache_bytes: usize,
    /// See [`Limits::data_bytes`].
    pub data_bytes: u64,
    /// See [`Limits::fields`].
    pub fields: usize,
}

impl Default for SetLimits {
    fn default() -> Self {
        let Limits { data_bytes, fields, .. } = Limits::default();
        Self { cache_bytes: 16 << 20, data_bytes, fields }
    }
}

/// A file of a set. Numbers are not used again: what was thought of a [`DataId`] can be kept under
/// the number of its file and the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalNumber(pub u32);

/// An entry of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetEntry {
    /// When and where it was written.
    pub head: EntryHead,
    /// The file it is in.
    pub journal: JournalNumber,
    /// The sequence that its number belongs to.
    pub seqnum_id: Id128,
    /// How many entries of its sequence are missing between the one before, whether it was wanted
    /// or not, and this one: their files are gone, unreadable or damaged. Always 0 where only single
    /// files were asked for, which know nothing of their siblings.
    pub missing: u64,
}

/// A file that could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unreadable {
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    pub error: OpenError,
}

/// Journal files, merged: their entries in order, each once.
///
/// Files of one sequence are merged by sequence number, others of one boot by the time since
/// boot, all others by time, as journalctl does. A set can be followed: [`poll`](Self::poll) looks
/// for new entries, new files, files that were rotated and renamed. A file that is deleted while it
/// is read is read to its end.
///
/// ```no_run
/// use chiplog_journal::{JournalSet, SetOptions};
///
/// let mut options = SetOptions::default();
/// options.filter.units.push("kubelet".into());
/// let mut set = JournalSet::open(["/var/log/journal"], options)?;
/// set.select(&["MESSAGE", "SYSLOG_IDENTIFIER"]);
/// loop {
///     while let Some(entry) = set.next_entry()? {
///         if let Some(message) = set.value(0) {
///             let message = set.payload(message)?;
///             println!("{} {}", entry.head.realtime_micros, String::from_utf8_lossy(message));
///         }
///     }
///     std::thread::sleep(std::time::Duration::from_millis(250));
///     set.poll()?;
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JournalSet {
    roots: Vec<Root>,
    limits: Limits,
    matcher: Matcher,
    fields: Vec<String>,
    /// Conditions of the filter, and the places of their fields among the selected ones.
    conditions: Vec<(usize, usize)>,
    members: Vec<Member>,
    next_number: u32,
    /// Members that hold parts of their file in memory, the last used last.
    active: Vec<u32>,
    /// The member whose entry is at hand, and the one whose entry comes next if not of the former.
    winner: Option<usize>,
    runner_up: Option<usize>,
    /// The entry at hand, or the last one before the place.
    last: Option<Cursor>,
    /// Entries of the same time as that one, and that one: copies of them may follow.
    recent: Vec<Cursor>,
    /// The last entry of each sequence that was passed.
    sequences: BTreeMap<Id128, Cursor>,
    missing: u64,
    seen: HashMap<PathBuf, Seen>,
    /// Files that were read to their end and closed, by id, and their last entry.
    closed: HashMap<Id128, Cursor>,
    unreadable: Vec<Unreadable>,
    finished: Vec<(PathBuf, Damage)>,
}

/// What was asked for.
#[derive(Debug)]
struct Root {
    path: PathBuf,
    is_directory: bool,
}

/// A file at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// Device and inode, where there are such.
    key: Option<(u64, u64)>,
    file_id: Option<Id128>,
}

#[derive(Debug)]
struct Member {
    number: JournalNumber,
    path: PathBuf,
    seen: Seen,
    journal: Journal<File>,
    known: Known,
    /// The entry that was not given yet, or is at hand.
    head: Option<EntryHead>,
    /// The last entry that was read.
    last: Option<Cursor>,
    /// Other fields were selected when that entry was read.
    is_selection_old: bool,
    /// Its path was not found any more.
    is_gone: bool,
}

impl JournalSet {
    /// Opens journals; the place is before the first entry.
    ///
    /// A path is a journal file, or a directory that holds journal files (`*.journal`,
    /// `*.journal~`) or directories named after a machine id which do. What cannot be read is kept
    /// in [`unreadable`](Self::unreadable); that nothing is there is no error either.
    ///
    /// # Errors
    ///
    /// If the system cannot read a file that it has opened.
    pub fn open<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>, options: SetOptions) -> io::Result<Self> {
        let root = |path: P| {
            let path = path.as_ref().to_path_buf();
            Root { is_directory: path.is_dir(), path }
        };
        let SetLimits { cache_bytes, data_bytes, fields } = options.limits;
        let mut set = Self {
            roots: paths.into_iter().map(root).collect(),
            limits: Limits { cache_bytes: cache_bytes / ACTIVE, data_bytes, fields },
            matcher: Matcher::new(options.filter),
            fields: Vec::new(),
            conditions: Vec::new(),
            members: Vec::new(),
            next_number: 0,
            active: Vec::new(),
            winner: None,
            runner_up: None,
            last: None,
            recent: Vec::new(),
            sequences: BTreeMap::new(),
            missing: 0,
            seen: HashMap::new(),
            closed: HashMap::new(),
            unreadable: Vec::new(),
            finished: Vec::new(),
        };
        set.select(&[]);
        set.look_for_files();
        let since = set.matcher.filter().since_realtime_micros;
        for index in 0..set.members.len() {
            if let Some(since) = since {
                set.members[index].journal.seek_realtime(since)?;
            }
            set.advance(index)?;
        }
        Ok(set)
    }

    /// Says which fields [`value`](Self::value) will know, by their place in `fields`. Holds from the
    /// next entry on.
    ///
    /// # Panics
    ///
    /// If there are more than 200.
    pub fn select(&mut self, fields: &[&str]) {
        assert!(fields.len() <= 200, "{} fields are too many", fields.len());
        self.fields = fields.iter().map(|field| (*field).to_owned()).collect();
        self.conditions.clear();
        for (bit, field) in self.matcher.fields() {
            let place = match self.fields.iter().position(|known| known == field) {
                Some(place) => place,
                None => {
                    self.fields.push(field.to_owned());
                    self.fields.len() - 1
                }
            };
            self.conditions.push((bit, place));
        }
        for member in &mut self.members {
            select(&mut member.journal, &self.fields);
            member.is_selection_old = true;
        }
    }

    /// Goes to the place after the entry of `cursor`, in every file, as `journalctl --after-cursor`
    /// does.
    ///
    /// [`Seek::Exact`] if the entry is still there. If it is not, [`SetEntry::missing`] of the next
    /// one counts what was lost.
    ///
    /// # Errors
    ///
    /// If the system cannot read a file.
    pub fn seek_after(&mut self, cursor: &Cursor) -> io::Result<Seek> {
        let mut found = Seek::End;
        self.begin_after([*cursor]);
        self.remember(*cursor);
        for index in 0..self.members.len() {
            let seek = self.members[index].journal.seek_after(cursor)?;
            self.advance(index)?;
            found = match (found, seek) {
                (Seek::Exact, _) | (_, Seek::Exact) => Seek::Exact,
                (Seek::Later, _) | (_, Seek::Later) => Seek::Later,
                (Seek::End, Seek::End) => Seek::End,
            };
        }
        Ok(found)
    }

    /// Goes on where another set of the same journals stood, which told its
    /// [`cursors`](Self::cursors). Unlike a single cursor, these know the place in each sequence: no
    /// entry comes again or is left out.
    ///
    /// # Errors
    ///
    /// If the system cannot read a file.
    pub fn resume(&mut self, cursors: impl IntoIterator<Item = Cursor>) -> io::Result<()> {
        self.begin_after(cursors);
        for index in 0..self.members.len() {
            let journal = &mut self.members[index].journal;
            match self.sequences.get(&journal.header().seqnum_id) {
                Some(cursor) => {
                    journal.seek_after(cursor)?;
                }
                // No entry of this sequence was passed yet.
                None => journal.rewind(),
            }
            self.advance(index)?;
        }
        Ok(())
    }

    fn begin_after(&mut self, cursors: impl IntoIterator<Item = Cursor>) {
        self.winner = None;
        self.runner_up = None;
        self.last = None;
        self.recent.clear();
        self.missing = 0;
        self.sequences = cursors.into_iter().map(|cursor| (cursor.seqnum_id, cursor)).collect();
    }

    /// Goes to the next entry that is wanted; none if there is none now.
    ///
    /// # Errors
    ///
    /// If the system cannot read a file.
    pub fn next_entry(&mut self) -> io::Result<Option<SetEntry>> {
        let mut is_looked_into = false;
        // The entry at hand is left.
        let mut left = self.winner;
        loop {
            if let Some(index) = left.take() {
                self.advance(index)?;
            }
            let Some(index) = self.choose() else {
                self.winner = None;
                return Ok(None);
            };
            let member = &self.members[index];
            let Some(head) = member.head else { continue };
            let seqnum_id = member.journal.header().seqnum_id;
            let cursor = head.cursor(seqnum_id);
            let is_copy = self.recent.iter().any(|recent| is_same(recent, &cursor));
            let missing = self.missing_before(index, &head);
            if missing > 0 && !is_looked_into {
                // They may be in a file that was not there or not as long when it was looked at.
                is_looked_into = true;
                if self.look_again()? {
                    self.runner_up = None;
                    self.winner = None;
                    continue;
                }
            }
            self.pass(index, &head, missing);
            if is_copy {
                left = Some(index);
                continue;
            }
            self.remember(cursor);
            self.winner = Some(index);
            let member = &mut self.members[index];
            if member.is_selection_old {
                member.journal.classify_again()?;
                member.is_selection_old = false;
            }
            if self.matcher.is_wanted(&mut member.journal, &head, &self.conditions, &mut member.known)? {
                return Ok(Some(SetEntry { head, journal: member.number, seqnum_id, missing }));
            }
            left = Some(index);
        }
    }

    /// The member whose entry comes first.
    fn choose(&mut self) -> Option<usize> {
        if let (Some(winner), Some(runner_up)) = (self.winner, self.runner_up)
            && self.members[winner].head.is_some()
            && compare(&self.members[winner], &self.members[runner_up]) != Ordering::Greater
        {
            return Some(winner);
        }
        let (mut first, mut second) = (None, None);
        for (index, member) in self.members.iter().enumerate() {
            if member.head.is_none() {
                continue;
            }
            let precedes = |other: Option<usize>| {
                other.is_none_or(|other| compare(member, &self.members[other]) == Ordering::Less)
            };
            if precedes(first) {
                (first, second) = (Some(index), first);
            } else if precedes(second) {
                second = Some(index);
            }
        }
        (self.winner, self.runner_up) = (first, second);
        first
    }

    fn missing_before(&self, index: usize, head: &EntryHead) -> u64 {
        let header = self.members[index].journal.header();
        let is_directory = self.roots.iter().any(|root| root.is_directory);
        // A number that the file itself does not know is damaged.
        if !is_directory || head.seqnum > header.tail_seqnum {
            return 0;
        }
        let last = self.sequences.get(&header.seqnum_id);
        last.map_or(0, |last| head.seqnum.saturating_sub(last.seqnum.saturating_add(1)))
    }

    fn pass(&mut self, index: usize, head: &EntryHead, missing: u64) {
        let header = self.members[index].journal.header();
        if head.seqnum > header.tail_seqnum {
            return;
        }
        let cursor = head.cursor(header.seqnum_id);
        let last = self.sequences.entry(header.seqnum_id).or_insert(cursor);
        self.missing += missing;
        if head.seqnum < last.seqnum {
            // It was counted as missing when a later one came.
            self.missing = self.missing.saturating_sub(1);
        } else {
            *last = cursor;
        }
    }

    fn remember(&mut self, cursor: Cursor) {
        let is_of_time = |last: &Cursor| {
            last.realtime_micros == cursor.realtime_micros && last.monotonic_micros == cursor.monotonic_micros
        };
        if self.recent.len() == RECENT || !self.recent.last().is_some_and(is_of_time) {
            self.recent.clear();
        }
        self.recent.push(cursor);
        self.last = Some(cursor);
    }

    /// Goes to the next entry of a member.
    fn advance(&mut self, index: usize) -> io::Result<()> {
        let member = &mut self.members[index];
        member.head = member.journal.next_entry()?;
        member.is_selection_old = false;
        if let Some(cursor) = member.journal.cursor() {
            member.last = Some(cursor);
        }
        let number = member.number.0;
        if self.active.last() == Some(&number) {
            return Ok(());
        }
        self.active.retain(|active| *active != number);
        self.active.push(number);
        if self.active.len() > ACTIVE {
            let oldest = self.active.remove(0);
            if let Some(member) = self.members.iter_mut().find(|member| member.number.0 == oldest) {
                member.journal.release_memory();
                member.known.release();
            }
        }
        Ok(())
    }

    /// Looks for new entries and files; gives whether there are entries that were not given yet.
    /// The entry at hand is left.
    ///
    /// Call it when the directory or a file in it has changed, and every second or so: a writer
    /// changes a file in place, which not every file system tells.
    ///
    /// # Errors
    ///
    /// If the system cannot read a file that it has opened.
    pub fn poll(&mut self) -> io::Result<bool> {
        if let Some(index) = self.winner.take() {
            self.advance(index)?;
        }
        self.look_again()?;
        self.runner_up = None;
        // What is read to its end and will not grow is closed.
        let mut index = 0;
        while let Some(member) = self.members.get(index) {
            let is_final = member.is_gone || member.journal.header().state == State::Archived;
            if member.head.is_none() && is_final {
                let member = self.members.remove(index);
                if let Some(cursor) = member.last {
                    self.closed.insert(member.journal.header().file_id, cursor);
                }
                self.active.retain(|active| *active != member.number.0);
                if !member.journal.damage().is_none() {
                    self.finished.push((member.path, member.journal.damage().clone()));
                }
            } else {
                index += 1;
            }
        }
        Ok(self.members.iter().any(|member| member.head.is_some()))
    }

    /// Looks for files, then for entries; gives whether there is anything new.
    fn look_again(&mut self) -> io::Result<bool> {
        let known = self.members.len();
        self.look_for_files();
        let mut has_news = self.members.len() > known;
        for index in 0..self.members.len() {
            let has_grown = index >= known || self.members[index].journal.refresh()?;
            if self.members[index].head.is_none() && self.winner != Some(index) && has_grown {
                self.advance(index)?;
            }
            has_news |= has_grown;
        }
        Ok(has_news)
    }

    /// Opens what is new at the paths that were asked for, and notes what is gone.
    fn look_for_files(&mut self) {
        self.unreadable.clear();
        let mut found = Vec::new();
        for root in &self.roots {
            if root.is_directory {
                list(&root.path, true, &mut found, &mut self.unreadable);
            } else {
                found.push(root.path.clone());
            }
        }
        found.sort();
        found.dedup();
        let mut seen = HashMap::with_capacity(found.len());
        for path in found {
            match self.look_at(&path) {
                Ok(now) => {
                    seen.insert(path, now);
                }
                // It was renamed or deleted since it was listed.
                Err(OpenError::Io(error))
                    if error.kind() == io::ErrorKind::NotFound && self.is_directory(&path) => {}
                Err(error) => self.unreadable.push(Unreadable { path, error }),
            }
        }
        for member in &mut self.members {
            // One path is enough: a file that was just renamed may have been listed under neither.
            member.is_gone = !seen.values().any(|seen| *seen == member.seen);
        }
        self.seen = seen;
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| root.is_directory && path.starts_with(&root.path))
    }

    /// Opens a file if it is new.
    fn look_at(&mut self, path: &Path) -> Result<Seen, OpenError> {
        let before = self.seen.get(path).copied();
        if let Some(before) = before
            && before.key.is_some()
            && before.key == key(&fs::metadata(path)?)
        {
            return Ok(before);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(OpenError::NotAJournal);
        }
        let mut journal = Journal::open(file, self.limits)?;
        let seen = Seen { key: key(&metadata), file_id: Some(journal.header().file_id) };
        let is_known = if seen.key.is_some() {
            self.seen.values().any(|known| *known == seen)
        } else {
            before == Some(seen)
        };
        if let Some(member) = self.members.iter_mut().find(|member| member.seen == seen) {
            // It was renamed.
            member.path = path.to_path_buf();
        } else if !is_known {
            select(&mut journal, &self.fields);
            // A file that was closed too early: its path was not seen for a moment.
            let last = self.closed.remove(&journal.header().file_id);
            if let Some(cursor) = &last {
                journal.seek_after(cursor)?;
            }
            let number = JournalNumber(self.next_number);
            self.next_number += 1;
            let path = path.to_path_buf();
            let known = Known::new();
            self.members.push(Member {
                number,
                path,
                seen,
                journal,
                known,
                head: None,
                last,
                is_selection_old: false,
                is_gone: false,
            });
        }
        Ok(seen)
    }

    /// The journal of the entry at hand.
    pub fn journal(&mut self) -> Option<&mut Journal<File>> {
        self.winner.map(|index| &mut self.members[index].journal)
    }

    /// The first value of a selected field in the entry at hand.
    #[must_use]
    pub fn value(&self, field: usize) -> Option<DataId> {
        self.members[self.winner?].journal.value(field)
    }

    /// All values of a selected field in the entry at hand, in file order.
    pub fn values(&self, field: usize) -> impl Iterator<Item = DataId> + '_ {
        self.winner.into_iter().flat_map(move |index| self.members[index].journal.values(field))
    }

    /// The value of `data`, which is of the entry at hand; see [`Journal::payload`].
    ///
    /// # Errors
    ///
    /// As [`Journal::payload`]; [`DataError::NotData`] if no entry is at hand.
    pub fn payload(&mut self, data: DataId) -> Result<&[u8], DataError> {
        self.journal().ok_or(DataError::NotData)?.payload(data)
    }

    /// All fields of the entry at hand; see [`Journal::entry_fields`].
    ///
    /// # Errors
    ///
    /// If the system cannot read the file.
    pub fn entry_fields(&mut self, on_field: &mut dyn FnMut(&[u8], &[u8])) -> io::Result<()> {
        self.journal().map_or(Ok(()), |journal| journal.entry_fields(on_field))
    }

    /// Writes the entry at hand as `journalctl -o export` does.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or `out` not be written.
    pub fn write_export(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.journal().map_or(Ok(()), |journal| journal.write_export(out))
    }

    /// The place of the last entry that was passed, wanted or not: reading goes on after it.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        self.last
    }

    /// The places in each sequence, for [`resume`](Self::resume).
    pub fn cursors(&self) -> impl Iterator<Item = Cursor> + '_ {
        self.sequences.values().copied()
    }

    /// How many entries were missing between others so far; see [`SetEntry::missing`].
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Files and directories that could not be read when they were last looked for.
    #[must_use]
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// What was found to be damaged so far, by file.
    pub fn damage(&self) -> impl Iterator<Item = (&Path, &Damage)> {
        let finished = self.finished.iter().map(|(path, damage)| (path.as_path(), damage));
        let open = self.members.iter().map(|member| (member.path.as_path(), member.journal.damage()));
        finished.chain(open).filter(|(_, damage)| !damage.is_none())
    }

    /// The files that are open, and what their headers say.
    pub fn journals(&self) -> impl Iterator<Item = (JournalNumber, &Path, &Header)> {
        self.members.iter().map(|member| (member.number, member.path.as_path(), member.journal.header()))
    }
}

fn select(journal: &mut Journal<File>, fields: &[String]) {
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    journal.select(&fields);
}

/// Whether two entries are copies of one. Another writer gives a copy a number of its own sequence.
fn is_same(left: &Cursor, right: &Cursor) -> bool {
    (left.seqnum_id != right.seqnum_id || left.seqnum == right.seqnum)
        && left.boot_id == right.boot_id
        && left.monotonic_micros == right.monotonic_micros
        && left.realtime_micros == right.realtime_micros
        && left.xor_hash == right.xor_hash
}

/// Which entry comes first; those that differ in nothing are equal.
fn compare(left: &Member, right: &Member) -> Ordering {
    let (Some(a), Some(b)) = (&left.head, &right.head) else {
        return left.head.is_none().cmp(&right.head.is_none());
    };
    let mut order = Ordering::Equal;
    if left.journal.header().seqnum_id == right.journal.header().seqnum_id {
        order = a.seqnum.cmp(&b.seqnum);
    }
    if order.is_eq() && a.boot_id == b.boot_id {
        order = a.monotonic_micros.cmp(&b.monotonic_micros);
    }
    order.then(a.realtime_micros.cmp(&b.realtime_micros)).then(a.xor_hash.cmp(&b.xor_hash))
}

/// Lists journal files of a directory, and of directories in it that are named after a machine.
fn list(directory: &Path, is_root: bool, found: &mut Vec<PathBuf>, unreadable: &mut Vec<Unreadable>) {
    let listed = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = match listed {
        Ok(entries) => entries,
        Err(error) => {
            unreadable.push(Unreadable { path: directory.to_path_buf(), error: error.into() });
            return;
        }
    };
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str() else { continue };
        if name.ends_with(".journal") || name.ends_with(".journal~") {
            found.push(path);
        } else if is_root && is_machine(name) && path.is_dir() {
            list(&path, false, found, unreadable);
        }
    }
}

/// `<machine id>`, or `<machine id>.<namespace>`.
fn is_machine(name: &str) -> bool {
    name.split('.').next().is_some_and(|id| id.parse::<Id128>().is_ok())
}

#[cfg(unix)]
fn key(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn key(_: &Metadata) -> Option<(u64, u64)> {
    None
}
