//! One log with all its rotations.

use std::cmp::Reverse;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::edge::{EDGE_BYTES, read_full};
use super::entry::{Check, Entry, Reader};
use super::hand::Hand;
use super::options::{FollowFrom, FollowOptions};
use super::stat::{self, FileId, Stat};
use super::tail::Progress;
use super::unpack;
use super::walk::Found;
use crate::compression::Magic;
use crate::{Delivery, Stream};

/// A log: its files, the newest and those that it was rotated to, as one stream.
pub(super) struct Family {
    pub(super) stream: Stream,
    /// Where the next line of the stream stands.
    pub(super) offset: u64,
    pub(super) entries: Vec<Entry>,
    /// All files have gone, and this was said.
    pub(super) ended: Option<Instant>,
    /// Files that are not read for now: half a copy, or a copy of what another file holds.
    waiting: Vec<Waiting>,
    /// What the last walk found; the same again needs no thought.
    found: Vec<(PathBuf, Stat)>,
    /// The next walk may tell more, although nothing has changed.
    pub(super) restless: bool,
    /// Time alone may change something: an end of a line that does not come, a file that may be closed.
    pub(super) timed: bool,
    pub(super) queued: bool,
}

#[derive(Clone, Copy)]
struct Waiting {
    id: FileId,
    size: u64,
    modified: i64,
    /// Since when size and time are these.
    since: Instant,
    met: Instant,
    first_look: bool,
    settles: bool,
}

/// What one look at a log is about.
pub(super) struct Now<'a> {
    pub(super) instant: Instant,
    pub(super) options: &'a FollowOptions,
    /// What could not be read, and why.
    pub(super) troubles: &'a mut Vec<(PathBuf, io::Error)>,
    /// Files that belong to other logs as well, by a second name.
    pub(super) elsewhere: &'a dyn Fn(&FileId) -> bool,
}

/// Contents whose files have gone that are remembered: they may turn up again, compressed.
const GONE_ENTRIES: usize = 16;
/// A compressed file that has not changed for this long is complete.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// A file that has not shown what it is after this long keeps nothing else from being read.
const SETTLES_WITHIN: Duration = Duration::from_secs(10);

/// What becomes of a file that holds nothing that is known.
enum Verdict {
    /// It is a copy of the contents of this entry, whose file has gone.
    Move { entry: usize, file: File, packed: bool },
    /// It is a copy of what the file of this entry holds, or is becoming one. It is looked at again.
    Copy { of: usize },
    /// It has no whole line.
    Wait,
    /// What it is will show soon, and nothing newer is read before.
    Settle,
    /// It is new.
    New { file: File, packed: bool },
}

impl Family {
    pub(super) fn new(path: &std::path::Path) -> Family {
        Family {
            stream: Stream { name: Arc::from(path.to_string_lossy()), modified_unix_nanos: None },
            offset: 0,
            entries: Vec::new(),
            ended: None,
            waiting: Vec::new(),
            found: Vec::new(),
            restless: true,
            timed: false,
            queued: false,
        }
    }

    /// Gives up a file that is part of another log now.
    pub(super) fn give_up(&mut self, id: &FileId) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.id.is_some_and(|known| known.may_be(id)))?;
        self.restless = true;
        Some(self.entries.remove(at))
    }

    pub(super) fn take_over(&mut self, entry: Entry) {
        self.restless = true;
        self.entries.push(entry);
    }

    /// Finds out what became of the files. True if there may be something to read.
    pub(super) fn reconcile(&mut self, found: &[Found], now: &mut Now<'_>) -> bool {
        let same = found
            .iter()
            .map(|found| (&found.path, &found.stat))
            .eq(self.found.iter().map(|(path, stat)| (path, stat)));
        if same && !self.restless {
            return self.timed;
        }
        self.found.clear();
        self.found.extend(found.iter().map(|found| (found.path.clone(), found.stat)));

        let known = self.recognise(found, now);
        self.miss(now.instant);
        let mut unknown: Vec<&Found> =
            (0..found.len()).filter(|at| !known[*at]).map(|at| &found[at]).collect();
        // A copy is told by its original, so originals come first.
        unknown.sort_by(|a, b| (&a.name.rotation, a.name.packed).cmp(&(&b.name.rotation, b.name.packed)));
        let waiting = std::mem::take(&mut self.waiting);
        for found in unknown {
            if (now.elsewhere)(&found.stat.id) {
                continue;
            }
            match self.judge(found, &waiting, now) {
                Ok(Verdict::Move { entry, file, packed }) => {
                    let moved = self.entries[entry].move_to(found, file, packed, now.instant);
                    if let Err(error) = moved {
                        now.troubles.push((found.path.clone(), error));
                    }
                }
                Ok(Verdict::New { file, packed }) => {
                    let history = self.is_history(found, &waiting, now);
                    self.begin(found, file, packed, history, now);
                }
                Ok(Verdict::Copy { of }) => {
                    // A removed file is as old as the copy that is left of it.
                    let original = &mut self.entries[of];
                    if !original.seen {
                        original.rank = Some(found.name.rotation.clone());
                        original.copied = true;
                    }
                    self.wait(found, false, &waiting, now.instant);
                }
                Ok(Verdict::Wait) => self.wait(found, false, &waiting, now.instant),
                Ok(Verdict::Settle) => self.wait(found, true, &waiting, now.instant),
                // It went away or was replaced in between; the next walk sees.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) =>
                {
                    self.wait(found, false, &waiting, now.instant);
                }
                Err(error) => {
                    now.troubles.push((found.path.clone(), error));
                    self.wait(found, false, &waiting, now.instant);
                }
            }
        }
        self.search(now);
        self.forget();
        if !found.is_empty() {
            self.ended = None;
        }
        self.consider_time();
        true
    }

    /// Finds the files that are known by their identity. Says of each that was found whether it is.
    fn recognise(&mut self, found: &[Found], now: &mut Now<'_>) -> Vec<bool> {
        for entry in &mut self.entries {
            entry.seen = false;
            entry.copied = false;
        }
        let mut known = vec![false; found.len()];
        for (at, found) in found.iter().enumerate() {
            let is_it = |entry: &&mut Entry| entry.id.is_some_and(|id| id.may_be(&found.stat.id));
            let Some(entry) = self.entries.iter_mut().find(is_it) else { continue };
            if entry.seen {
                // A second name, or the file was renamed while the directory was read.
                known[at] = true;
                continue;
            }
            match entry.check(found, now.instant) {
                Check::Holds => known[at] = true,
                Check::Other => entry.lose_file(),
                Check::Unreadable => {
                    known[at] = true;
                    entry.seen = true;
                    if let Err(error) = stat::open(&found.path) {
                        now.troubles.push((found.path.clone(), error));
                    }
                }
            }
        }
        known
    }

    /// Notes what the walk did not come by.
    fn miss(&mut self, now: Instant) {
        for entry in self.entries.iter_mut().filter(|entry| !entry.seen) {
            if entry.is_open() {
                entry.departed.get_or_insert(now);
                // A rotated file that is removed is older than what is left, a log itself need not be.
                if entry.name.is_live() {
                    entry.rank = None;
                }
            } else {
                entry.missing_walks += 1;
            }
        }
    }

    fn wait(&mut self, found: &Found, settles: bool, before: &[Waiting], now: Instant) {
        let Stat { id, size, modified, .. } = found.stat;
        let known = before.iter().find(|waiting| waiting.id == id);
        let same = known.filter(|waiting| (waiting.size, waiting.modified) == (size, modified));
        let first_look = found.first_look || known.is_some_and(|waiting| waiting.first_look);
        let since = same.map_or(now, |waiting| waiting.since);
        let met = known.map_or(now, |waiting| waiting.met);
        let settles = settles && now.saturating_duration_since(met) < SETTLES_WITHIN;
        self.waiting.push(Waiting { id, size, modified, since, met, first_look, settles });
    }

    /// Decides about a file whose identity is not known.
    fn judge(&self, found: &Found, waiting: &[Waiting], now: &Now<'_>) -> io::Result<Verdict> {
        let (file, stat) = stat::open(&found.path)?;
        if stat.id != found.stat.id {
            return Ok(Verdict::Settle);
        }
        let mut first = vec![0; EDGE_BYTES];
        let filled = read_full(&file, &mut first, 0)?;
        first.truncate(filled);
        let packed = match Magic::of(&first) {
            // Opened early, a file can be read even if it is removed before the next walk.
            _ if first.is_empty() && found.name.is_live() => false,
            Magic::Partial => return Ok(Verdict::Wait),
            Magic::Not => false,
            Magic::Is(_) => true,
        };
        if packed {
            first = unpack::first_bytes(&file)?;
            if first.is_empty() && !self.is_settled(found, waiting, now) {
                return Ok(Verdict::Wait);
            }
        }

        let is_empty = first.is_empty();
        for (at, entry) in self.entries.iter().enumerate().rev().filter(|_| !is_empty) {
            if entry.stands() {
                if found.name.may_copy(&entry.name) && is_copy(entry, &file, stat.size, &first, packed)? {
                    return Ok(Verdict::Copy { of: at });
                }
                continue;
            }
            let head = entry.place.head.len();
            let begins_alike =
                entry.has_contents() && first.len() >= head && entry.place.head.is(&first[..head]);
            // Under the name that is written to, a few equal bytes are a program that begins with
            // the same words each time.
            let is_common = found.name.is_live() && entry.place.offset < EDGE_BYTES as u64;
            if !begins_alike || is_common || entry.refused.iter().any(|id| id.may_be(&stat.id)) {
                continue;
            }
            if entry.contained.iter().any(|id| id.may_be(&stat.id)) {
                return Ok(Verdict::Copy { of: at });
            }
            // What a compressed file holds further on shows when it is read.
            if packed || entry.whole || entry.is_copied_in(&file)? {
                let settled = !packed || self.is_settled(found, waiting, now);
                return Ok(if entry.may_move() && settled {
                    Verdict::Move { entry: at, file, packed }
                } else {
                    Verdict::Settle
                });
            }
        }
        // A copy that grew meanwhile may have lost its original meanwhile.
        if !found.name.is_live() && Stat::of(&file.metadata()?).size != stat.size {
            return Ok(Verdict::Settle);
        }
        if packed && !self.is_settled(found, waiting, now) {
            return Ok(Verdict::Settle);
        }
        Ok(Verdict::New { file, packed })
    }

    /// Whether a compressed file is complete, or need not be.
    fn is_settled(&self, found: &Found, waiting: &[Waiting], now: &Now<'_>) -> bool {
        let Stat { id, size, modified, .. } = found.stat;
        let same = waiting
            .iter()
            .find(|waiting| (waiting.id, waiting.size, waiting.modified) == (id, size, modified));
        same.is_some_and(|waiting| now.instant.saturating_duration_since(waiting.since) >= SETTLED_AFTER)
            || self.is_history(found, waiting, now)
    }

    /// Whether a file is from before the beginning, and unwanted.
    fn is_history(&self, found: &Found, waiting: &[Waiting], now: &Now<'_>) -> bool {
        let first_look = found.first_look
            || waiting.iter().any(|waiting| waiting.id == found.stat.id && waiting.first_look);
        first_look && now.options.from == FollowFrom::End
    }

    fn begin(&mut self, found: &Found, file: File, packed: bool, history: bool, now: &mut Now<'_>) {
        if !found.name.is_live() {
            // Contents of which nothing was read cannot be told by them: these are they.
            self.entries.retain(|entry| !entry.is_searched() || entry.has_contents());
        }
        let reader = if packed { Reader::Closed } else { Reader::Plain(file) };
        let mut entry = Entry::new(found, reader, packed, now.instant);
        if history {
            let passed = stat::open(&found.path).and_then(|(file, stat)| {
                if stat.id != found.stat.id {
                    return Err(io::ErrorKind::NotFound.into());
                }
                entry.pass_over(&file, now.options.limits.line_bytes)
            });
            if let Err(error) = passed {
                now.troubles.push((found.path.clone(), error));
                return;
            }
        }
        self.entries.push(entry);
    }

    /// Gives up what has been looked for long enough.
    fn search(&mut self, now: &mut Now<'_>) {
        let settles = self.waiting.iter().any(|waiting| waiting.settles);
        for entry in self.entries.iter_mut().filter(|entry| entry.is_searched()) {
            if settles {
                entry.searched_since = None;
            }
            let since = *entry.searched_since.get_or_insert(now.instant);
            entry.missing_walks = entry.missing_walks.max(1);
            if now.instant.saturating_duration_since(since) >= now.options.grace && entry.missing_walks >= 3 {
                entry.condemn();
            }
        }
    }

    /// Drops the oldest of what has gone and is of no more use.
    fn forget(&mut self) {
        let is_nothing =
            |entry: &Entry| !entry.stands() && !entry.has_contents() && (entry.finished || entry.size == 0);
        self.entries.retain(|entry| !is_nothing(entry));
        // A walk that races with a rotation may miss a file that is there.
        let is_gone = |entry: &Entry| !entry.stands() && entry.finished && entry.missing_walks >= 3;
        let mut gone: Vec<usize> = (0..self.entries.len()).filter(|at| is_gone(&self.entries[*at])).collect();
        gone.sort_by_key(|at| self.entries[*at].missing_walks);
        let mut surplus = gone.split_off(gone.len().min(GONE_ENTRIES));
        surplus.sort_unstable_by_key(|at| Reverse(*at));
        for at in surplus {
            self.entries.remove(at);
        }
    }

    fn consider_time(&mut self) {
        self.restless = !self.waiting.is_empty()
            || self
                .entries
                .iter()
                .any(|entry| entry.is_searched() || !entry.seen && !entry.is_open() && !entry.finished)
            || self.ended.is_none() && self.found.is_empty();
        self.timed = self.entries.iter().any(|entry| {
            entry.rest
                || entry.departed.is_some()
                || entry.condemned.is_some()
                || entry.stands() && !entry.finished && !entry.name.is_live()
        });
    }

    /// Hands over what is there. True when there is more.
    pub(super) fn read(
        &mut self,
        now: &mut Now<'_>,
        scratch: &mut Vec<u8>,
        budget: &mut usize,
        sink: &mut dyn FnMut(Delivery<'_>),
    ) -> Turn {
        let Family { stream, offset, entries, waiting, .. } = self;
        if stream.modified_unix_nanos.is_none() {
            stream.modified_unix_nanos = entries.iter().map(|entry| entry.modified).min();
        }
        let mut hand = Hand { stream, offset, limits: now.options.limits, budget: *budget, sink };
        for entry in entries.iter_mut() {
            if let Some(loss) = entry.condemned.take() {
                entry.finished = true;
                hand.lose(loss);
            }
        }
        // What is looked for is older than what is here.
        let blocked = entries.iter().any(Entry::is_searched) || waiting.iter().any(|waiting| waiting.settles);
        let order = by_age(entries);
        // Sizes from the newest to the oldest, lines from the oldest to the newest: what a writer
        // wrote to an old file before it wrote to a newer one is then read first.
        let mut sizes = vec![None; entries.len()];
        for at in order.iter().rev() {
            let Reader::Plain(file) = &entries[*at].reader else { continue };
            match file.metadata() {
                Ok(metadata) => sizes[*at] = Some(Stat::of(&metadata)),
                Err(error) => now.troubles.push((entries[*at].path.clone(), error)),
            }
        }
        let mut turn = Turn::Done;
        for at in order {
            let entry = &mut entries[at];
            // A removed file of which there is no copy is gone when this process is.
            let is_last = entry.departed.is_some() && !entry.copied;
            if entry.finished || blocked && !is_last {
                continue;
            }
            let mut was_cut = false;
            if let Some(stat) = sizes[at] {
                was_cut = entry.is_cut_at(stat.size);
                if (stat.size, stat.modified) != (entry.size, entry.modified) {
                    (entry.size, entry.modified) = (stat.size, stat.modified);
                    entry.changed = now.instant;
                }
            } else if !entry.packed {
                continue;
            }
            let idle = now.instant.saturating_duration_since(entry.changed);
            let flush = idle >= now.options.idle_flush;
            let progress = if was_cut {
                Ok(Progress::PlaceLost)
            } else {
                entry.read(entry.size, flush, scratch, &mut hand)
            };
            let progress_is_shorter = matches!(progress, Ok(Progress::Shorter));
            match progress {
                Ok(Progress::AtEnd { rest }) => {
                    entry.rest = rest;
                    let linger = if entry.departed.is_some() {
                        now.options.linger_removed
                    } else {
                        now.options.linger
                    };
                    let since = entry.departed.map_or(entry.changed, |departed| departed.max(entry.changed));
                    let is_old = entry.departed.is_some() || !entry.name.is_live();
                    if is_old && !entry.packed && now.instant.saturating_duration_since(since) >= linger {
                        entry.finished = true;
                        entry.reader = Reader::Closed;
                    }
                }
                Ok(Progress::More) => {
                    turn = Turn::More;
                    break;
                }
                Ok(Progress::Complete) => {
                    entry.finished = true;
                    entry.reader = Reader::Closed;
                }
                Ok(Progress::Packed) => {
                    entry.packed = true;
                    entry.reader = Reader::Closed;
                    turn = Turn::More;
                    break;
                }
                Ok(Progress::PlaceLost | Progress::Shorter) => {
                    let list = if progress_is_shorter { &mut entry.contained } else { &mut entry.refused };
                    list.extend(entry.id.filter(|_| entry.packed));
                    entry.lose_file();
                    turn = Turn::Walk;
                    break;
                }
                Err(error) => {
                    now.troubles.push((entry.path.clone(), error));
                }
            }
        }
        *budget = hand.budget;
        let is_over =
            self.found.is_empty() && self.entries.iter().all(|entry| entry.finished && !entry.is_open());
        if is_over && self.ended.is_none() && !self.entries.is_empty() {
            self.ended = Some(now.instant);
            let mut hand = Hand {
                stream: &self.stream,
                offset: &mut self.offset,
                limits: now.options.limits,
                budget: 0,
                sink,
            };
            hand.end();
        }
        if turn == Turn::Walk {
            self.found.clear();
        }
        self.consider_time();
        turn
    }

    /// Files that are open.
    pub(super) fn open_files(&self) -> usize {
        self.entries.iter().filter(|entry| entry.is_open()).count()
    }
}

/// Whether a log should be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// All that there is was read.
    Done,
    /// There is more.
    More,
    /// A file was cut or replaced: what became of its contents must be looked for.
    Walk,
}

/// Whether a file is, or is becoming, a copy of what the file of an entry holds.
fn is_copy(entry: &Entry, file: &File, size: u64, first: &[u8], packed: bool) -> io::Result<bool> {
    let head = entry.place.head.len();
    if entry.has_contents()
        && first.len() >= head
        && entry.place.head.is(&first[..head])
        && (packed || entry.whole || entry.is_copied_in(file)?)
    {
        return Ok(true);
    }
    if entry.packed {
        return Ok(false);
    }
    // Little or nothing was read of it, or the copy is not yet that far: the files are compared.
    let opened;
    let original = match &entry.reader {
        Reader::Plain(original) => original,
        _ => {
            let (original, stat) = stat::open(&entry.path)?;
            if !entry.id.is_some_and(|id| id.may_be(&stat.id)) {
                return Ok(true);
            }
            opened = original;
            &opened
        }
    };
    let compare = |from: u64, bytes: &[u8]| {
        let mut theirs = vec![0; bytes.len()];
        let filled = read_full(original, &mut theirs, from)?;
        io::Result::Ok(theirs[..filled] == *bytes)
    };
    if packed {
        return compare(0, first);
    }
    let mut last = vec![0; first.len()];
    let from = size.saturating_sub(last.len() as u64);
    let filled = read_full(file, &mut last, from)?;
    Ok(compare(0, first)? && compare(from, &last[..filled])?)
}

/// Entries that have a file, from the oldest to the newest.
///
/// Names say it, and of a file that has none, when it was last written.
fn by_age(entries: &[Entry]) -> Vec<usize> {
    let standing = (0..entries.len()).filter(|at| entries[*at].stands());
    let (mut order, mut nameless): (Vec<usize>, Vec<usize>) =
        standing.partition(|at| entries[*at].rank.is_some());
    order.sort_by_key(|at| (Reverse(&entries[*at].rank), entries[*at].modified));
    nameless.sort_by_key(|at| entries[*at].modified);
    for at in nameless {
        let newer = order.iter().position(|other| entries[*other].modified > entries[at].modified);
        order.insert(newer.unwrap_or(order.len()), at);
    }
    order
}
