//! One pass over an input and all that is in it.

mod budget;
mod duplicates;
mod head;
mod judge;
mod sections;
pub(crate) mod severities;

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use chiplog_engine::Origin;

use self::budget::{Budget, Counted, Metered};
use self::duplicates::{Candidate, Hashing, Key, Seen};
use self::head::{HEAD_BYTES, Head};
use self::judge::Verdict;
use self::sections::{Sections, Title};
use self::severities::Severities;
use crate::archive::tar::{Tar, TarError};
use crate::archive::zip::{self, Checked, Method, ReadSeek, Zip};
use crate::archive::{Kind, label};
use crate::compression::Magic;
use crate::content::{self, JOURNAL_SIGNATURE};
use crate::{DecodeLimits, Decompressor, Input, InputKind, SkipReason, origin};

/// Bounds on what an input may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkLimits {
    /// Of one compressed stream; the ratio also holds for all text of an input together, against the
    /// size of the input.
    pub decode: DecodeLimits,
    /// Archives and compressions within each other.
    pub depth: u8,
    /// Members of all archives of an input, those that are not read included.
    pub members: u64,
    /// Bytes of a member that are held in memory, where one pass is not enough: a zip archive inside
    /// another archive, or a member that looks the same as an earlier one.
    pub memory_bytes: u64,
}

impl Default for WalkLimits {
    /// Eight levels, a million members, 256 MiB.
    fn default() -> WalkLimits {
        WalkLimits { decode: DecodeLimits::default(), depth: 8, members: 1_000_000, memory_bytes: 256 << 20 }
    }
}

/// What a [`Walker`] comes by.
pub enum Found<'a> {
    /// A log to be read, now.
    Member(Member<'a>),
    /// Something that is not read. Members of archives that are no logs are only counted.
    LeftOut {
        /// Its name.
        name: &'a str,
        /// Why it is not read.
        reason: SkipReason,
    },
    /// Something that keeps part of an input from being read. What can be read around it is.
    Trouble {
        /// Where: an input or a member.
        name: &'a str,
        /// What is wrong, in one line.
        message: String,
    },
    /// The end of an input that is an archive.
    Archive {
        /// Its name.
        name: &'a str,
        /// What was in it.
        counts: MemberCounts,
    },
}

/// A log: an input, or a member of an archive, decompressed.
pub struct Member<'a> {
    /// The path of the input, and behind it, each after a `/`, the names of members:
    /// `bundle.tar.gz/host/var/log/kubelet.log.gz`.
    pub name: &'a str,
    /// The text. What is not read of it is passed over.
    pub reader: &'a mut dyn Read,
    /// When it was last written, as the file system or the archive says, in nanoseconds since
    /// 1970-01-01T00:00:00Z.
    pub modified_unix_nanos: Option<i64>,
    /// What its place tells: see [`origin_of`](crate::origin_of).
    pub origin: Origin,
    /// A journal file of systemd, to be read as one.
    pub is_journal: bool,
}

/// What was in an archive, archives inside it included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberCounts {
    /// Files that were read.
    pub logs: u64,
    /// Files that are no logs.
    pub others: u64,
    /// Files whose lines were read elsewhere.
    pub duplicates: u64,
}

impl MemberCounts {
    /// All files.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.logs + self.others + self.duplicates
    }
}

/// Reads inputs, one after the other: a file, or every log in an archive, in the order in which they are
/// stored.
///
/// Archives (tar, zip) and compressions are opened wherever they are, known by their content; nothing
/// is written to a disk. Memory is bounded by [`WalkLimits`]. A log that was read before, under whatever
/// name, is not read again.
///
/// ```
/// use std::ops::ControlFlow;
/// use chiplog_source::{Found, Walker, discover};
///
/// # let directory = tempfile::tempdir()?;
/// # std::fs::write(directory.path().join("kubelet.log"), "I0305 06:07:08.000001    1 a.go:1] one\n")?;
/// let (inputs, _) = discover([directory.path()]);
/// let mut walker = Walker::default();
/// let mut bytes = 0;
/// for input in &inputs {
///     walker.walk(input, &mut |found| {
///         if let Found::Member(member) = found {
///             bytes += std::io::copy(member.reader, &mut std::io::sink()).unwrap_or(0);
///         }
///         ControlFlow::Continue(())
///     })?;
/// }
/// assert_eq!(bytes, 39);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Default)]
pub struct Walker {
    limits: WalkLimits,
    seen: Seen,
}

type Visit<'v> = &'v mut dyn FnMut(Found<'_>) -> ControlFlow<()>;

impl Walker {
    /// A walker that has read nothing yet.
    #[must_use]
    pub fn new(limits: WalkLimits) -> Walker {
        Walker { limits, seen: Seen::default() }
    }

    /// Reads an input. The visitor may end the pass.
    ///
    /// # Errors
    ///
    /// When the input cannot be opened; all other trouble is told to the visitor.
    pub fn walk(&mut self, input: &Input, visit: Visit<'_>) -> io::Result<()> {
        self.walk_counted(input, &Arc::default(), visit)
    }

    /// Reads an input, and counts the bytes as stored that were read so far in `raw_bytes`, for those who
    /// show progress. It is written with `Ordering::Relaxed`.
    ///
    /// # Errors
    ///
    /// As [`Walker::walk`].
    pub fn walk_counted(
        &mut self,
        input: &Input,
        raw_bytes: &Arc<AtomicU64>,
        visit: Visit<'_>,
    ) -> io::Result<()> {
        let name = input.path().map_or_else(|| "stdin".into(), |path| path.to_string_lossy());
        let place =
            Place { name: &name, modified_unix_nanos: input.modified_unix_nanos(), ..Place::default() };
        let budget = Budget::new(self.limits.decode, input.total_bytes(), raw_bytes);
        let mut pass = self.begin(&budget, visit);
        let flow = match input.kind() {
            InputKind::Stdin => pass.content(&place, &mut Counted::new(io::stdin(), raw_bytes)),
            InputKind::Stream(path) => pass.content(&place, &mut Counted::new(File::open(path)?, raw_bytes)),
            InputKind::Journal { files, .. } => files.iter().try_for_each(|path| {
                let name = path.to_string_lossy();
                let place = Place { name: &name, ..place };
                match File::open(path) {
                    Ok(file) => pass.content(&place, &mut Counted::new(file, raw_bytes)),
                    Err(error) => pass.trouble(&name, error),
                }
            }),
            InputKind::File(path) => {
                let mut file = Counted::new(File::open(path)?, raw_bytes);
                pass.seekable(&place, input.total_bytes(), &mut file)
            }
        };
        pass.finish(&name, flow);
        Ok(())
    }

    /// Reads an input that is in memory, as [`Walker::walk`] does a file of that name and content.
    pub fn walk_bytes(&mut self, name: &str, bytes: &[u8], visit: Visit<'_>) {
        let size_bytes = Some(bytes.len() as u64);
        let budget = Budget::new(self.limits.decode, size_bytes, &Arc::default());
        let mut pass = self.begin(&budget, visit);
        let flow = pass.seekable(&Place { name, ..Place::default() }, size_bytes, &mut Cursor::new(bytes));
        pass.finish(name, flow);
    }

    fn begin<'p>(&'p mut self, budget: &'p Budget, visit: Visit<'p>) -> Pass<'p> {
        Pass {
            limits: self.limits,
            seen: &mut self.seen,
            budget,
            visit,
            counts: MemberCounts::default(),
            members: 0,
            has_archive: false,
            severities: Severities::default(),
            held: Vec::new(),
            held_bytes: 0,
        }
    }
}

/// Where a pass is.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    name: &'a str,
    modified_unix_nanos: Option<i64>,
    /// In an archive, so that it was not named by the caller and may be anything.
    is_inside: bool,
    depth: u8,
}

/// One input.
struct Pass<'p> {
    limits: WalkLimits,
    seen: &'p mut Seen,
    budget: &'p Budget,
    visit: Visit<'p>,
    counts: MemberCounts,
    members: u64,
    has_archive: bool,
    severities: Severities,
    /// Files that wait until it is known whether there is one that holds their lines.
    held: Vec<Held>,
    held_bytes: u64,
}

/// A file in memory.
struct Held {
    name: String,
    modified_unix_nanos: Option<i64>,
    depth: u8,
    bytes: Vec<u8>,
    failure: Option<io::Error>,
}

type Flow = ControlFlow<()>;

impl Pass<'_> {
    fn trouble(&mut self, name: &str, message: impl fmt::Display) -> Flow {
        (self.visit)(Found::Trouble { name, message: message.to_string() })
    }

    /// An input that can be read at any place.
    fn seekable(
        &mut self,
        place: &Place<'_>,
        size_bytes: Option<u64>,
        mut reader: &mut dyn ReadSeek,
    ) -> Flow {
        let mut head = Head::of(&mut reader);
        if Zip::is_zip(head.ahead()) {
            drop(head);
            return self.zip(place, reader);
        }
        self.file(place, size_bytes, &mut head)
    }

    /// The end of the input.
    fn finish(mut self, name: &str, flow: Flow) {
        if flow.is_continue() && self.release().is_continue() && self.has_archive {
            let counts = self.counts;
            // There is nothing left that could be broken off.
            let _ = (self.visit)(Found::Archive { name, counts });
        }
    }

    /// A file as it is stored somewhere. In an archive, a file of klog with only part of the severities waits
    /// for the one with all of them, which may come behind it.
    fn file(&mut self, place: &Place<'_>, size_bytes: Option<u64>, reader: &mut dyn Read) -> Flow {
        if !place.is_inside || !Severities::is_part(place.name) {
            self.severities.note(place.name);
            return self.whole_file(place, size_bytes, reader);
        }
        if let Some(whole) = self.severities.whole(place.name) {
            let whole = whole.to_owned();
            return self.part(place.name, whole);
        }
        let room = self.limits.memory_bytes - self.held_bytes;
        let mut bytes = Vec::new();
        let failure = reader.take(room + 1).read_to_end(&mut bytes).err();
        if bytes.len() as u64 > room {
            let message = "held no longer in memory: its lines may be counted again in the INFO file";
            self.trouble(place.name, message)?;
            return self.whole_file(place, size_bytes, &mut Head::ready(bytes, failure, reader));
        }
        self.held_bytes += bytes.len() as u64;
        let (name, modified_unix_nanos) = (place.name.to_owned(), place.modified_unix_nanos);
        self.held.push(Held { name, modified_unix_nanos, depth: place.depth, bytes, failure });
        Flow::Continue(())
    }

    /// Reads the files that wait for one with all their lines, if there was none.
    fn release(&mut self) -> Flow {
        for held in std::mem::take(&mut self.held) {
            let Held { name, modified_unix_nanos, depth, bytes, failure } = held;
            if let Some(whole) = self.severities.whole(&name) {
                let whole = whole.to_owned();
                self.part(&name, whole)?;
                continue;
            }
            let place = Place { name: &name, modified_unix_nanos, is_inside: true, depth };
            let size = failure.is_none().then_some(bytes.len() as u64);
            self.whole_file(&place, size, &mut Head::ready(bytes, failure, &mut io::empty()))?;
        }
        Flow::Continue(())
    }

    fn part(&mut self, name: &str, whole: String) -> Flow {
        self.counts.duplicates += 1;
        (self.visit)(Found::LeftOut { name, reason: SkipReason::PartOf(whole) })
    }

    /// A file, unless it was read before.
    fn whole_file(&mut self, place: &Place<'_>, size_bytes: Option<u64>, reader: &mut dyn Read) -> Flow {
        let mut head = Head::of(reader);
        let Some(key) = size_bytes.and_then(|size| Key::of(size, head.ahead())) else {
            return self.content(place, &mut head);
        };
        let origin = origin::of(place.name);
        let mut whole = Vec::new();
        let candidate = self.seen.get(&key, &origin);
        let mut rest: &mut dyn Read = &mut head;
        let mut in_memory;
        match candidate {
            None => {}
            Some(Candidate { name, .. }) if key.is_whole() => return self.duplicate(place, &name),
            Some(Candidate { name, hash: Some(hash) }) if key.size_bytes <= self.limits.memory_bytes => {
                let failure = rest.take(key.size_bytes).read_to_end(&mut whole).err();
                if failure.is_none() && duplicates::hash(&whole) == hash {
                    return self.duplicate(place, &name);
                }
                in_memory = Head::ready(whole, failure, rest);
                rest = &mut in_memory;
            }
            // That it is the same could not be made sure of: it is read.
            Some(_) => {}
        }
        let read_before = self.counts.logs;
        let mut hashing = Hashing::new(rest);
        let flow = self.content(place, &mut hashing);
        if self.counts.logs > read_before {
            self.seen.put(key, place.name, origin, hashing.finish(key.size_bytes));
        }
        flow
    }

    fn duplicate(&mut self, place: &Place<'_>, first: &str) -> Flow {
        self.counts.duplicates += 1;
        (self.visit)(Found::LeftOut { name: place.name, reason: SkipReason::CopyOf(first.to_owned()) })
    }

    /// Whatever is in a file, by its first bytes.
    fn content(&mut self, place: &Place<'_>, reader: &mut dyn Read) -> Flow {
        let mut head = Head::of(reader);
        if let Magic::Is(_) = Magic::of(head.ahead()) {
            let Some(place) = self.deeper(place)? else { return Flow::Continue(()) };
            let text = Decompressor::new(&mut head as &mut dyn Read, self.limits.decode);
            return self.content(&place, &mut Metered::new(text, self.budget));
        }
        if Tar::is_tar(head.ahead()) {
            let Some(place) = self.deeper(place)? else { return Flow::Continue(()) };
            return self.tar(&place, &mut head);
        }
        if Zip::is_zip(head.ahead()) {
            let mut whole = Vec::new();
            let memory = self.limits.memory_bytes;
            let failure = (&mut head).take(memory + 1).read_to_end(&mut whole).err();
            if whole.len() as u64 > memory {
                let limit_mib = memory >> 20;
                let message =
                    format!("a zip archive of more than {limit_mib} MiB inside another archive is not read");
                return self.trouble(place.name, message);
            }
            if let Some(error) = failure {
                self.trouble(place.name, error)?;
            }
            return self.zip(place, &mut Cursor::new(whole));
        }
        self.text(place, &mut head)
    }

    /// One level further in, if there may be one.
    fn deeper<'n>(&mut self, place: &Place<'n>) -> ControlFlow<(), Option<Place<'n>>> {
        if place.depth >= self.limits.depth {
            let message = format!("archives are nested more than {} deep; not read", self.limits.depth);
            self.trouble(place.name, message)?;
            return ControlFlow::Continue(None);
        }
        ControlFlow::Continue(Some(Place { depth: place.depth + 1, ..*place }))
    }

    /// Counts a member. False if there are too many.
    fn count_member(&mut self, archive: &str) -> ControlFlow<(), bool> {
        self.members += 1;
        if self.members == self.limits.members + 1 {
            let message = format!("has more than {} members; the rest is not read", self.limits.members);
            self.trouble(archive, message)?;
        }
        ControlFlow::Continue(self.members <= self.limits.members)
    }

    fn tar(&mut self, place: &Place<'_>, reader: &mut dyn Read) -> Flow {
        self.has_archive = true;
        let mut tar = Tar::new(reader);
        let mut last = String::new();
        loop {
            let entry = match tar.next() {
                Ok(None) => return Flow::Continue(()),
                Ok(Some(entry)) => entry,
                Err(error @ TarError::Damaged { .. }) => {
                    self.trouble(place.name, error)?;
                    continue;
                }
                Err(error) if last.is_empty() => return self.trouble(place.name, error),
                Err(error @ (TarError::Read(_) | TarError::Truncated)) => {
                    return self.trouble(&last, Around(&error));
                }
                Err(error) => return self.trouble(place.name, error),
            };
            if !self.count_member(place.name)? {
                return Flow::Continue(());
            }
            last = label(place.name, &entry.name);
            if entry.kind == Kind::Special {
                (self.visit)(Found::LeftOut { name: &last, reason: SkipReason::NotAFile })?;
            }
            if entry.kind != Kind::File {
                continue;
            }
            let inner = Place {
                name: &last,
                modified_unix_nanos: entry.modified_unix_nanos,
                is_inside: true,
                depth: place.depth,
            };
            // Holes of sparse files are text that is not stored.
            let mut within = Metered::new(Within { reader: &mut tar, has_failed: false }, self.budget);
            self.file(&inner, Some(entry.size_bytes), &mut within)?;
            if within.into_inner().has_failed || self.budget.is_spent() {
                // Whoever read it has told.
                return Flow::Continue(());
            }
        }
    }

    fn zip(&mut self, place: &Place<'_>, reader: &mut dyn ReadSeek) -> Flow {
        let Some(place) = self.deeper(place)? else { return Flow::Continue(()) };
        self.has_archive = true;
        let (mut zip, trouble) = match Zip::open(reader) {
            Ok(opened) => opened,
            Err(error) => return self.trouble(place.name, error),
        };
        if let Some(trouble) = trouble {
            self.trouble(place.name, trouble.message())?;
        }
        loop {
            let entry = match zip.next() {
                Ok(None) => return Flow::Continue(()),
                Ok(Some(Ok(entry))) => entry,
                Ok(Some(Err(trouble))) => {
                    self.trouble(place.name, trouble.message())?;
                    continue;
                }
                Err(error) => return self.trouble(place.name, error),
            };
            if !self.count_member(place.name)? {
                return Flow::Continue(());
            }
            self.zip_member(&place, &mut zip, &entry)?;
            if self.budget.is_spent() {
                return Flow::Continue(());
            }
        }
    }

    fn zip_member(&mut self, place: &Place<'_>, zip: &mut Zip<'_>, entry: &zip::Entry) -> Flow {
        let name = label(place.name, &entry.name);
        match entry.kind {
            Kind::File => {}
            Kind::Special => {
                return (self.visit)(Found::LeftOut { name: &name, reason: SkipReason::NotAFile });
            }
            Kind::Directory | Kind::Link => return Flow::Continue(()),
        }
        if entry.is_encrypted {
            return self.trouble(&name, "is encrypted; not read");
        }
        if let Method::Other(number) = entry.method {
            return self
                .trouble(&name, format!("is stored by method {number} of zip, which is not supported"));
        }
        let data = match zip.data(entry) {
            Ok(Ok(data)) => data,
            Ok(Err(trouble)) => return self.trouble(&name, trouble.message()),
            Err(error) => return self.trouble(&name, error),
        };
        let inner = Place {
            name: &name,
            modified_unix_nanos: entry.modified_unix_nanos,
            is_inside: true,
            depth: place.depth,
        };
        let limits = self.limits.decode;
        let mut text: Box<dyn Read + '_> = match entry.method {
            Method::Deflate => Box::new(Metered::new(Decompressor::deflate(data, limits), self.budget)),
            Method::Marked => Box::new(Metered::new(Decompressor::new(data, limits), self.budget)),
            Method::Stored | Method::Other(_) => Box::new(data),
        };
        match entry.check {
            Some(check) => self.file(&inner, Some(check.size_bytes), &mut Checked::new(text, check)),
            None => self.file(&inner, None, &mut text),
        }
    }

    /// Something that is neither compressed nor an archive.
    fn text(&mut self, place: &Place<'_>, head: &mut Head<'_>) -> Flow {
        if let Some(reason) = content::never_text(head.ahead()) {
            self.counts.others += 1;
            return (self.visit)(Found::LeftOut { name: place.name, reason });
        }
        let is_journal = head.ahead().starts_with(JOURNAL_SIGNATURE);
        // Others were looked at when they were found, or are wanted whatever they are.
        if place.is_inside && !is_journal {
            match judge::judge(head.ahead()) {
                Verdict::Log => {}
                Verdict::Other => return self.other(place, head),
                Verdict::Hole => {
                    let holes = head.pass_zeros();
                    if judge::judge(head.ahead()) != Verdict::Log {
                        return self.other(place, head);
                    }
                    return self.member(place, &mut io::repeat(0).take(holes).chain(head), is_journal);
                }
            }
        }
        if !is_journal && Title::begins(head.ahead()) {
            return self.sections(place, head);
        }
        self.member(place, head, is_journal)
    }

    /// Logs that follow each other in one text.
    fn sections(&mut self, place: &Place<'_>, reader: &mut dyn Read) -> Flow {
        self.has_archive = true;
        let mut sections = Sections::new(reader);
        loop {
            let title = match sections.next() {
                Ok(Some(title)) => title,
                Ok(None) => return Flow::Continue(()),
                Err(error) => return self.trouble(place.name, error),
            };
            if !self.count_member(place.name)? {
                return Flow::Continue(());
            }
            let name = label(place.name, title.name.as_bytes());
            let place = Place { name: &name, is_inside: true, ..*place };
            let mut head = Head::of(&mut sections);
            if judge::judge(head.ahead()) == Verdict::Log {
                self.member_of(&place, &mut head, false, title.origin)?;
            } else {
                self.other(&place, &mut head)?;
            }
        }
    }

    fn other(&mut self, place: &Place<'_>, head: &mut Head<'_>) -> Flow {
        self.counts.others += 1;
        match head.take_failure() {
            Some(error) => self.trouble(place.name, error),
            None => Flow::Continue(()),
        }
    }

    fn member(&mut self, place: &Place<'_>, reader: &mut dyn Read, is_journal: bool) -> Flow {
        self.member_of(place, reader, is_journal, origin::of(place.name))
    }

    fn member_of(
        &mut self,
        place: &Place<'_>,
        reader: &mut dyn Read,
        is_journal: bool,
        origin: Origin,
    ) -> Flow {
        self.counts.logs += 1;
        (self.visit)(Found::Member(Member {
            name: place.name,
            reader,
            modified_unix_nanos: place.modified_unix_nanos,
            origin,
            is_journal,
        }))
    }
}

/// A member of an archive that is read forward: when the archive fails, so does the member.
struct Within<R> {
    reader: R,
    has_failed: bool,
}

impl<R: Read> Read for Within<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.reader.read(into).map_err(|error| {
            self.has_failed |= error.kind() != io::ErrorKind::Interrupted;
            io::Error::new(error.kind(), Around(&error).to_string())
        })
    }
}

/// Trouble of what is around a member.
struct Around<E>(E);

impl<E: fmt::Display> fmt::Display for Around<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the archive breaks off here: {}", self.0)
    }
}

/// Bytes at the beginning of a file that are looked at to tell what it is.
const _: () = assert!(HEAD_BYTES >= 512, "a header of tar");
