//! Followed files: logs that are written, rotated, cut, compressed and removed while they are read.
//!
//! # What is handed over
//!
//! Each line once, as long as a file holds it when it is looked for: whatever mix of renaming,
//! copying and cutting in place, compressing, removing and writing anew went on, and also after this
//! process was killed and begins again from its cursor. Where contents have gone before they were
//! read, a [`Loss`](crate::Loss) is handed over at their place.
//!
//! # How files are told apart
//!
//! A *log* is the file that is written and what it was rotated to, in the same directory; names say
//! which belong together (`name.rs`). Each log is one stream.
//!
//! What was read is remembered as *contents*, not as a path: how many bytes, and the first and the
//! last kibibyte of them (`edge.rs`). A file that turns up is
//!
//! 1. known by device, inode and birth time, if it also begins and goes on as what was read; else
//! 2. a copy of contents whose own file has gone or was cut: reading goes on in the copy, which may
//!    be compressed; else
//! 3. a copy of what another file still holds, perhaps half made: it is left alone until that file
//!    goes or turns out to hold something else; else
//! 4. new, and read from its start. What is there when a glob is looked at for the first time may be left out.
//!
//! Every read compares the kibibyte before the place, so that a file that was cut and has grown
//! past the place again is noticed whenever that happened. Descriptors stay open: a renamed or
//! removed file is read to its end.
//!
//! # What cannot be told
//!
//! - Contents that begin and go on with the same kibibyte in the same place, such as a program that
//!   writes the same words without a time after each start, are one contents.
//! - That a log was cut without a copy after its last line was read and before the next was
//!   written: it is told as a loss all the same.
//! - A copy under the name that is written to, of less than a kibibyte, is read again.

mod edge;
mod entry;
mod events;
mod family;
mod hand;
mod name;
mod options;
mod saved;
mod stat;
mod tail;
mod unpack;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{error, fmt};

use self::events::{Change, Events};
use self::family::{Family, Now, Turn};
use self::name::LogName;
use self::saved::Saved;
use self::stat::FileId;
use self::walk::{Directory, Found, Globs, Walk};
use crate::{Delivery, Readiness, Source, Waker};

pub use self::options::{FollowFrom, FollowOptions};

/// Files that are followed, a [`Source`].
///
/// ```
/// use chiplog_source::{Delivery, FollowOptions, FollowedFiles, Readiness, Source};
///
/// # let directory = tempfile::tempdir()?;
/// # let glob = format!("{}/*.log", directory.path().display());
/// std::fs::write(directory.path().join("a.log"), "one\n")?;
/// let mut files = FollowedFiles::new(FollowOptions::new("files", vec![glob.clone()]), None)?;
/// let mut text = Vec::new();
/// let mut collect = |delivery: Delivery<'_>| {
///     if let Delivery::Lines { block, .. } = delivery {
///         text.extend_from_slice(&block.bytes);
///     }
/// };
/// while files.poll(&mut collect)? == Readiness::More {}
/// let cursor = files.cursor();
/// drop(files);
///
/// // Nobody looks, and the log is rotated.
/// std::fs::rename(directory.path().join("a.log"), directory.path().join("a.log.1"))?;
/// std::fs::write(directory.path().join("a.log"), "two\n")?;
/// let mut files = FollowedFiles::new(FollowOptions::new("files", vec![glob]), Some(&cursor))?;
/// while files.poll(&mut collect)? == Readiness::More {}
/// assert_eq!(text, b"one\ntwo\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FollowedFiles {
    options: FollowOptions,
    globs: Globs,
    families: BTreeMap<PathBuf, Family>,
    /// Logs that may have something to read, in turn.
    queue: VecDeque<PathBuf>,
    next_walk: Option<Instant>,
    events: Option<Events>,
    /// To be told at the next poll.
    warnings: Vec<String>,
    /// What was told, to be told once.
    told: BTreeSet<(PathBuf, String)>,
    /// When logs are looked at that time alone may change.
    next_look: Option<Instant>,
    last_walk: Option<Instant>,
    /// Names have changed since the last walk.
    renamed: bool,
    /// Some directory is on a network file system.
    has_remote: bool,
    open_files: usize,
    scratch: Vec<u8>,
}

/// Why files cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FollowError {
    /// A glob cannot be understood.
    Glob {
        /// The glob.
        glob: String,
        /// What is wrong with it.
        why: String,
    },
    /// The cursor was not written by a version that this one understands, or is damaged.
    Cursor(String),
}

impl fmt::Display for FollowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FollowError::Glob { glob, why } => write!(f, "{glob}: not a pattern for paths: {why}"),
            FollowError::Cursor(why) => write!(f, "the saved positions of files cannot be used: {why}"),
        }
    }
}

impl error::Error for FollowError {}

/// Names that change are looked at no more often than this.
const WALK_PAUSE: Duration = Duration::from_millis(50);
/// Bytes that one poll reads, about.
const POLL_BYTES: usize = 1 << 20;
/// Logs of which all files have gone are remembered for this long.
const ENDED_LASTS: Duration = Duration::from_secs(600);
/// Descriptors that are left to the rest of the process.
const OTHER_FILES: usize = 128;
/// Different troubles that are remembered as told.
const TOLD_MAX: usize = 10_000;

impl FollowedFiles {
    /// Begins, or goes on from a cursor.
    ///
    /// Raises the number of files that this process may open to what it is allowed to.
    ///
    /// # Errors
    ///
    /// When a glob or the cursor cannot be understood.
    pub fn new(
        options: FollowOptions,
        cursor: Option<&serde_json::Value>,
    ) -> Result<FollowedFiles, FollowError> {
        let saved = cursor.map(Saved::read).transpose().map_err(FollowError::Cursor)?;
        let looked = saved.as_ref().map_or(&[][..], |saved| &saved.globs);
        let globs =
            Globs::new(&options.globs, looked).map_err(|(glob, why)| FollowError::Glob { glob, why })?;
        let now = Instant::now();
        let logs = saved.map_or_else(Vec::new, |saved| saved.logs);
        let families = logs.into_iter().map(|log| log.family(now)).collect();
        let open_files = options.open_files.unwrap_or_else(allowed_files).max(1);
        Ok(FollowedFiles {
            options,
            globs,
            families,
            queue: VecDeque::new(),
            next_walk: None,
            events: None,
            warnings: Vec::new(),
            told: BTreeSet::new(),
            next_look: None,
            last_walk: None,
            renamed: false,
            has_remote: false,
            open_files,
            scratch: Vec::new(),
        })
    }

    /// Asks the system to tell of changes, and wakes the owner when there is something to poll for.
    ///
    /// It is to be polled a few times a second all the same: names that change twice in a moment are
    /// looked at once, a little later.
    ///
    /// Without this, and where the system cannot tell, changes are found within
    /// [`FollowOptions::poll`], if the source is polled that often. Does nothing with
    /// [`FollowOptions::poll_only`].
    pub fn watch(&mut self, waker: Waker) {
        if self.options.poll_only {
            return;
        }
        match Events::new(waker) {
            Ok(events) => self.events = Some(events),
            Err(error) => self.warnings.push(format!(
                "the system does not tell of changed files, they are looked at every {:?}: {error}",
                self.options.poll
            )),
        }
    }

    /// [`Source::poll`] at a given time.
    fn poll_at(&mut self, now: Instant, sink: &mut dyn FnMut(Delivery<'_>)) -> Readiness {
        self.renamed |= self.take_events();
        let rested = self.last_walk.is_none_or(|last| now.saturating_duration_since(last) >= WALK_PAUSE);
        if self.next_walk.is_none_or(|due| now >= due) || self.renamed && rested {
            self.walk(now);
        } else if self.next_look.is_none_or(|due| now >= due) {
            self.look(now);
        }
        for warning in self.warnings.drain(..) {
            sink(Delivery::Warning(warning));
        }
        let mut budget = POLL_BYTES;
        let mut troubles = Vec::new();
        // Each log has one turn at most.
        for _ in 0..self.queue.len() {
            if budget == 0 {
                break;
            }
            let Some(path) = self.queue.pop_front() else { break };
            let Some(family) = self.families.get_mut(&path) else { continue };
            family.queued = false;
            let elsewhere = |_: &FileId| false;
            let mut about =
                Now { instant: now, options: &self.options, troubles: &mut troubles, elsewhere: &elsewhere };
            match family.read(&mut about, &mut self.scratch, &mut budget, sink) {
                Turn::Done => {}
                Turn::More => {
                    family.queued = true;
                    self.queue.push_back(path);
                }
                Turn::Walk => self.next_walk = None,
            }
        }
        for (path, error) in troubles {
            self.tell(path, &error);
        }
        if self.queue.is_empty() && self.next_walk.is_some() { Readiness::Idle } else { Readiness::More }
    }

    /// Queues the logs that the system told of. True when names have changed.
    fn take_events(&mut self) -> bool {
        let Some(events) = &self.events else { return false };
        let mut names = events.has_overflown();
        for change in events.take() {
            match change {
                Change::Names => names = true,
                Change::Written(path) => {
                    let Some(log) = path.file_name().and_then(LogName::parse) else { continue };
                    let path = path.with_file_name(log.base);
                    if let Some(family) = self.families.get_mut(&path)
                        && !family.queued
                    {
                        family.queued = true;
                        self.queue.push_back(path);
                    }
                }
            }
        }
        names
    }

    /// Looks at all there is, and queues the logs that may have something to read.
    fn walk(&mut self, now: Instant) {
        self.last_walk = Some(now);
        self.renamed = false;
        self.next_look = Some(now + self.options.poll);
        let known =
            self.families.iter().filter(|(_, family)| family.ended.is_none()).map(|(path, _)| path.as_path());
        let Walk { mut logs, directories, troubles, not_files } = self.globs.walk(known, now);
        for (path, error) in troubles {
            self.tell(path, &error);
        }
        for path in not_files {
            self.tell_once(path, "not a file; it is left out".to_owned());
        }
        self.move_between_logs(&logs);
        for path in logs.keys() {
            if !self.families.contains_key(path) {
                self.families.insert(path.clone(), Family::new(path));
            }
        }
        let shared = self.shared_files(&logs);
        let mut troubles = Vec::new();
        for (path, family) in &mut self.families {
            let found = logs.remove(path).unwrap_or_default();
            let elsewhere = |id: &FileId| shared.get(id).is_some_and(|owner| owner != path);
            let mut about =
                Now { instant: now, options: &self.options, troubles: &mut troubles, elsewhere: &elsewhere };
            if family.reconcile(&found, &mut about) && !family.queued {
                family.queued = true;
                self.queue.push_back(path.clone());
            }
        }
        for (path, error) in troubles {
            self.tell(path, &error);
        }
        self.families.retain(|_, family| {
            family.ended.is_none_or(|ended| now.saturating_duration_since(ended) < ENDED_LASTS)
        });
        self.close_surplus();
        self.watch_directories(&directories);
        let is_told = self.events.as_ref().is_some_and(|events| !events.failed) && !self.has_remote;
        let is_restless = self.families.values().any(|family| family.restless);
        self.renamed |= self.events.as_ref().is_some_and(|events| events.widened);
        self.next_walk =
            Some(now + if is_told && !is_restless { self.options.poll * 10 } else { self.options.poll });
    }

    /// Queues the logs that time alone may change.
    fn look(&mut self, now: Instant) {
        self.next_look = Some(now + self.options.poll);
        for (path, family) in &mut self.families {
            if family.restless {
                self.next_walk = Some(now);
            }
            if family.timed && !family.queued {
                family.queued = true;
                self.queue.push_back(path.clone());
            }
        }
    }

    /// A file that was renamed to the name of another log takes its place along.
    fn move_between_logs(&mut self, logs: &BTreeMap<PathBuf, Vec<Found>>) {
        let mut owners: HashMap<(u64, u64), (&Path, FileId)> = HashMap::new();
        for (path, family) in &self.families {
            for id in family.entries.iter().filter_map(|entry| entry.id) {
                owners.insert((id.device, id.inode), (path, id));
            }
        }
        let mut moves = Vec::new();
        for (path, found) in logs {
            for id in found.iter().map(|found| found.stat.id) {
                let Some((owner, known)) = owners.get(&(id.device, id.inode)) else { continue };
                let stays = || logs.get(*owner).is_some_and(|there| there.iter().any(|it| it.stat.id == id));
                if owner != path && known.may_be(&id) && !stays() {
                    moves.push(((*owner).to_owned(), path.clone(), id));
                }
            }
        }
        for (from, to, id) in moves {
            let Some(entry) = self.families.get_mut(&from).and_then(|family| family.give_up(&id)) else {
                continue;
            };
            self.families.entry(to.clone()).or_insert_with(|| Family::new(&to)).take_over(entry);
        }
    }

    /// Files that this walk found as part of several logs, by several names, and the log that has
    /// them.
    fn shared_files(&self, logs: &BTreeMap<PathBuf, Vec<Found>>) -> HashMap<FileId, PathBuf> {
        let mut first = HashMap::new();
        let mut shared = HashMap::new();
        for (path, found) in logs {
            for id in found.iter().map(|found| found.stat.id) {
                let met = *first.entry(id).or_insert(path);
                if met == path {
                    continue;
                }
                let has = |path: &PathBuf| {
                    let family = self.families.get(path);
                    family.is_some_and(|family| family.entries.iter().any(|entry| entry.id == Some(id)))
                };
                shared.entry(id).or_insert_with(|| if has(path) { path.clone() } else { met.clone() });
            }
        }
        shared
    }

    /// Closes the files that have been idle for longest when too many are open.
    fn close_surplus(&mut self) {
        let open: usize = self.families.values().map(Family::open_files).sum();
        if open <= self.open_files {
            return;
        }
        let entries = self.families.values_mut().flat_map(|family| &mut family.entries);
        let mut idle: Vec<_> = entries.filter(|entry| entry.can_close()).collect();
        idle.sort_by_key(|entry| entry.changed);
        // Some more than needed, so that this is not done at each look.
        for entry in idle.into_iter().take(open - self.open_files + self.open_files / 10) {
            entry.close();
        }
    }

    fn watch_directories(&mut self, directories: &[Directory]) {
        let remote = directories.iter().find(|directory| directory.remote);
        if let Some(remote) = remote
            && !self.has_remote
            && self.events.is_some()
        {
            self.warnings.push(format!(
                "{}: on a network file system; what other machines write is seen every {:?}",
                remote.path.display(),
                self.options.poll
            ));
        }
        self.has_remote = remote.is_some();
        if let Some(events) = &mut self.events
            && let Some((path, error)) = events.watch(directories)
        {
            self.warnings.push(format!(
                "{}: the system does not tell of changes, it is looked at every {:?}: {error}",
                path.display(),
                self.options.poll
            ));
        }
    }

    fn tell(&mut self, path: PathBuf, error: &io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            self.tell_once(path, format!("cannot be read, and is tried again: {error}"));
        }
    }

    fn tell_once(&mut self, path: PathBuf, what: String) {
        if self.told.len() >= TOLD_MAX {
            self.told.clear();
        }
        let text = format!("{}: {what}", path.display());
        if self.told.insert((path, what)) {
            self.warnings.push(text);
        }
    }
}

impl Source for FollowedFiles {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn poll(&mut self, sink: &mut dyn FnMut(Delivery<'_>)) -> io::Result<Readiness> {
        Ok(self.poll_at(Instant::now(), sink))
    }

    fn cursor(&self) -> serde_json::Value {
        let logs = self.families.iter().map(|(path, family)| (path.as_path(), family));
        // Text, numbers and lists of them always are JSON.
        serde_json::to_value(Saved::new(self.globs.looked(), logs)).unwrap_or_default()
    }
}

/// Files that may be open here, after the limit of the process was raised.
fn allowed_files() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = getrlimit(Resource::Nofile);
        }
    }
    limit
        .current
        .map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
        .saturating_sub(OTHER_FILES)
}
