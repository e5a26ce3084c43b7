//! One file of a log, and how far it was read.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use super::edge::{self, EDGE_BYTES, Edge, last_bytes, read_full};
use super::hand::Hand;
use super::name::{LogName, Rotation};
use super::stat::{self, FileId, Stat};
use super::tail::{Ahead, Look, Place, Progress};
use super::unpack::{self, Unpack};
use super::walk::Found;
use crate::{Loss, LossReason};

/// A file of a log: which it is, and which part of its contents was handed over.
///
/// Contents outlive files: they are copied, compressed and cut away. An entry is about contents;
/// the file that holds them may change.
pub(super) struct Entry {
    /// The file that holds the contents; `None` when it has gone, or holds others.
    pub(super) id: Option<FileId>,
    pub(super) path: PathBuf,
    pub(super) name: LogName,
    /// Its age among the files of the log; `None` for a file that has no name there any more.
    pub(super) rank: Option<Rotation>,
    /// The file is compressed; the place is one in its text.
    pub(super) packed: bool,
    pub(super) place: Place,
    /// Size and time of the file when it was last looked at.
    pub(super) size: u64,
    pub(super) modified: i64,
    /// All was read and no more is expected. Nothing is missed if it goes.
    pub(super) finished: bool,
    /// A compressed file from before the beginning: all of it is known to be unwanted.
    pub(super) whole: bool,
    pub(super) reader: Reader,
    pub(super) ahead: Ahead,
    /// The contents of the file have been compared with what was read, in this life.
    pub(super) verified: bool,
    /// The last walk came by the file.
    pub(super) seen: bool,
    /// Walks in a row that did not come by.
    pub(super) missing_walks: u32,
    /// When contents without a file were first looked for.
    pub(super) searched_since: Option<Instant>,
    /// Since when the file has had no name among those of its log.
    pub(super) departed: Option<Instant>,
    /// There is a copy of the file.
    pub(super) copied: bool,
    /// When the file last changed.
    pub(super) changed: Instant,
    /// Something at the end is no whole line yet.
    pub(super) rest: bool,
    /// The loss to be told when its turn comes.
    pub(super) condemned: Option<Loss>,
    /// Files that turned out to hold other contents.
    pub(super) refused: Vec<FileId>,
    /// Files that hold only a part of what was read.
    pub(super) contained: Vec<FileId>,
}

pub(super) enum Reader {
    Closed,
    Plain(File),
    Packed(Box<Unpack>),
}

/// What a look at the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// It holds what was read of it.
    Holds,
    /// It holds something else.
    Other,
    /// It cannot be read at the moment.
    Unreadable,
}

impl Entry {
    /// A file of which nothing was read.
    pub(super) fn new(found: &Found, reader: Reader, packed: bool, now: Instant) -> Entry {
        Entry {
            id: Some(found.stat.id),
            path: found.path.clone(),
            name: found.name.clone(),
            rank: Some(found.name.rotation.clone()),
            packed,
            place: Place::default(),
            size: found.stat.size,
            modified: found.stat.modified,
            finished: false,
            whole: false,
            reader,
            ahead: Ahead::default(),
            verified: true,
            seen: true,
            missing_walks: 0,
            searched_since: None,
            departed: None,
            copied: false,
            changed: now,
            rest: false,
            condemned: None,
            refused: Vec::new(),
            contained: Vec::new(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.reader, Reader::Closed)
    }

    /// A file is known to hold the contents.
    pub(super) fn stands(&self) -> bool {
        self.id.is_some() && (self.seen || self.is_open())
    }

    /// Whether the file can be taken for lost, so that a copy may take its place. One walk that does
    /// not come by proves nothing: a directory that is renamed in is not listed at one instant.
    pub(super) fn may_move(&self) -> bool {
        !self.stands() && (self.id.is_none() || self.missing_walks >= 2)
    }

    /// Contents of which more may be somewhere, and nobody knows where.
    pub(super) fn is_searched(&self) -> bool {
        !self.finished && !self.stands() && self.condemned.is_none()
    }

    /// Whether a copy could be told by what was read.
    pub(super) fn has_contents(&self) -> bool {
        self.place.head.len() > 0
    }

    /// Lines that were seen to be there and not read.
    fn unread_bytes(&self) -> Option<u64> {
        if self.packed {
            None
        } else {
            Some(self.size.saturating_sub(self.place.offset)).filter(|bytes| *bytes > 0)
        }
    }

    pub(super) fn condemn(&mut self) {
        self.condemned = Some(Loss { reason: LossReason::Removed, lines: None, bytes: self.unread_bytes() });
    }

    /// The file no longer holds the contents.
    pub(super) fn lose_file(&mut self) {
        self.id = None;
        self.seen = false;
        self.departed = None;
        self.rest = false;
        self.reader = Reader::Closed;
        self.ahead = Ahead::default();
    }

    /// Whether a file of this size cannot be the one that was read. Of a file of which nothing was read
    /// yet, less is there than there was.
    pub(super) fn is_cut_at(&self, size: u64) -> bool {
        !self.packed && (size < self.place.offset || self.place.offset == 0 && size < self.size)
    }

    /// Whether a number that is used again is all that speaks for the file: nothing was read by which
    /// it could be known, and nobody says when it was made.
    fn may_be_another(&self, found: &Found) -> bool {
        let is_told = self.is_open() || self.has_contents() || self.id.is_some_and(|id| id.born.is_some());
        !is_told && (self.size == 0 || self.path != found.path)
    }

    /// The walk came by a file with the identity of this one.
    pub(super) fn check(&mut self, found: &Found, now: Instant) -> Check {
        let Stat { size, modified, .. } = found.stat;
        let unchanged = (size, modified) == (self.size, self.modified);
        let check = if self.may_be_another(found) {
            Check::Other
        } else if self.packed {
            if unchanged && self.verified { Check::Holds } else { self.check_packed(found, unchanged) }
        } else if self.is_cut_at(size) {
            Check::Other
        } else if self.is_open() || unchanged && self.verified {
            Check::Holds
        } else {
            self.check_plain(found)
        };
        if check == Check::Holds {
            self.id = Some(found.stat.id);
            self.path.clone_from(&found.path);
            self.name.clone_from(&found.name);
            self.rank = Some(found.name.rotation.clone());
            self.rank = Some(found.name.rotation.clone());
            self.seen = true;
            self.missing_walks = 0;
            self.searched_since = None;
            self.departed = None;
            self.verified = true;
            if !unchanged {
                (self.size, self.modified) = (size, modified);
                self.changed = now;
            }
        }
        check
    }

    fn check_plain(&mut self, found: &Found) -> Check {
        let opened = stat::open(&found.path).and_then(|(file, stat)| {
            if !stat.id.may_be(&found.stat.id) {
                // The name has gone to another file since; the next walk sees it.
                return Ok(Check::Unreadable);
            }
            if !self.holds(&file)? {
                return Ok(Check::Other);
            }
            if !(self.finished && stat.size == self.place.offset) {
                self.finished = false;
                self.reader = Reader::Plain(file);
            }
            Ok(Check::Holds)
        });
        opened.unwrap_or(Check::Unreadable)
    }

    fn check_packed(&mut self, found: &Found, unchanged: bool) -> Check {
        let opened = stat::open(&found.path).and_then(|(file, stat)| {
            if !stat.id.may_be(&found.stat.id) {
                return Ok(Check::Unreadable);
            }
            // Comparing more than the beginning means to read it all, which reading on does anyway.
            let first = unpack::first_bytes(&file)?;
            if first.len() < self.place.head.len() || !self.place.head.is(&first[..self.place.head.len()]) {
                return Ok(Check::Other);
            }
            if !unchanged && !self.whole {
                self.finished = false;
                self.reader = Reader::Closed;
            }
            Ok(Check::Holds)
        });
        opened.unwrap_or(Check::Unreadable)
    }

    /// Compares beginning and end of what was read, and remembers their bytes.
    fn holds(&mut self, file: &File) -> io::Result<bool> {
        let Place { offset, head, tail, .. } = &self.place;
        let Some(head) = edge::find(file, head, 0)? else { return Ok(false) };
        let Some(tail) = edge::find(file, tail, offset.saturating_sub(tail.len() as u64))? else {
            return Ok(false);
        };
        self.place.head = Edge::Bytes(head);
        self.place.tail = Edge::Bytes(tail);
        Ok(true)
    }

    /// Whether a file begins as what was read does, and holds its end in the same place.
    pub(super) fn is_copied_in(&self, file: &File) -> io::Result<bool> {
        let Place { offset, head, tail, .. } = &self.place;
        Ok(edge::find(file, head, 0)?.is_some()
            && edge::find(file, tail, offset.saturating_sub(tail.len() as u64))?.is_some())
    }

    /// Takes a copy of the contents for its file.
    pub(super) fn move_to(
        &mut self,
        found: &Found,
        file: File,
        packed: bool,
        now: Instant,
    ) -> io::Result<()> {
        if !packed {
            self.holds(&file)?;
        }
        self.id = Some(found.stat.id);
        self.path.clone_from(&found.path);
        self.name.clone_from(&found.name);
        self.rank = Some(found.name.rotation.clone());
        self.packed = packed;
        (self.size, self.modified) = (found.stat.size, found.stat.modified);
        self.seen = true;
        self.missing_walks = 0;
        self.searched_since = None;
        self.departed = None;
        self.verified = true;
        self.changed = now;
        self.condemned = None;
        if !self.whole {
            self.finished = false;
            self.reader =
                if packed { Reader::Packed(Box::new(Unpack::new(file))) } else { Reader::Plain(file) };
        }
        Ok(())
    }

    /// Takes all that the file holds for known, to its end or, of a file that is written, to its
    /// last whole line.
    pub(super) fn pass_over(&mut self, file: &File, line_bytes: usize) -> io::Result<()> {
        if self.packed {
            let first = unpack::first_bytes(file)?;
            self.place = Place {
                offset: first.len() as u64,
                head: Edge::Bytes(first.clone()),
                tail: Edge::Bytes(first),
                mid_line: false,
            };
            (self.whole, self.finished) = (true, true);
            self.reader = Reader::Closed;
            return Ok(());
        }
        let end = self.size;
        let from = end.saturating_sub((line_bytes as u64).max(EDGE_BYTES as u64));
        let mut last = vec![0; usize::try_from(end - from).unwrap_or(0)];
        let filled = read_full(file, &mut last, from)?;
        last.truncate(filled);
        let line_end = memchr::memrchr(b'\n', &last).map(|lf| lf + 1);
        let keep = match line_end {
            // A line that is still being written will be read when it is whole.
            Some(end) if self.name.is_live() => end,
            None if self.name.is_live() && from == 0 => 0,
            _ => filled,
        };
        self.place.mid_line = keep > 0 && last[keep - 1] != b'\n';
        self.place.offset = from + keep as u64;
        self.place.tail = Edge::Bytes(last_bytes(&last[..keep]).to_vec());
        let mut head = vec![0; EDGE_BYTES.min(usize::try_from(self.place.offset).unwrap_or(EDGE_BYTES))];
        let filled = read_full(file, &mut head, 0)?;
        head.truncate(filled);
        self.place.head = Edge::Bytes(head);
        if !self.name.is_live() {
            self.finished = true;
            self.reader = Reader::Closed;
        }
        Ok(())
    }

    /// Whether nothing is missed if the file is closed until it changes.
    pub(super) fn can_close(&self) -> bool {
        matches!(self.reader, Reader::Plain(_))
            && self.seen
            && self.departed.is_none()
            && self.place.offset == self.size
            && self.size > 0
    }

    pub(super) fn close(&mut self) {
        self.reader = Reader::Closed;
    }

    /// Reads on, up to `limit` in a file that is not compressed.
    pub(super) fn read(
        &mut self,
        limit: u64,
        flush: bool,
        scratch: &mut Vec<u8>,
        hand: &mut Hand<'_>,
    ) -> io::Result<Progress> {
        let path = &self.path;
        if self.packed && !self.is_open() && !self.finished {
            let (file, stat) = stat::open(&self.path)?;
            if !self.id.is_some_and(|id| id.may_be(&stat.id)) {
                return Ok(Progress::AtEnd { rest: false });
            }
            self.reader = Reader::Packed(Box::new(Unpack::new(file)));
        }
        match &mut self.reader {
            Reader::Closed => Ok(Progress::AtEnd { rest: false }),
            Reader::Plain(file) => {
                Look { file, limit, flush, path }.read(&mut self.place, &mut self.ahead, scratch, hand)
            }
            Reader::Packed(unpack) => Ok(unpack.read(&mut self.place, path, scratch, hand)),
        }
    }
}
