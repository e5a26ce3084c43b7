//! Globs to the files of logs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use glob::{MatchOptions, Pattern};

use super::name::LogName;
use super::stat::{FileId, Stat};

/// A file that is part of a log.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Without symbolic links.
    pub(super) path: PathBuf,
    pub(super) name: LogName,
    pub(super) stat: Stat,
    /// A glob names it, rather than the log that it is a rotation of.
    pub(super) globbed: bool,
    /// The globs that its log was found by look for the first time.
    pub(super) first_look: bool,
}

/// What one walk found.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The files of each log, by the path that it has while it is written.
    pub(super) logs: BTreeMap<PathBuf, Vec<Found>>,
    /// Directories that were looked into.
    pub(super) directories: Vec<Directory>,
    /// What could not be looked at.
    pub(super) troubles: Vec<(PathBuf, io::Error)>,
    /// What a glob names and is a pipe, a socket or a device.
    pub(super) not_files: Vec<PathBuf>,
}

/// A directory that holds logs, or leads to some.
#[derive(Debug)]
pub(super) struct Directory {
    /// Without symbolic links.
    pub(super) path: PathBuf,
    pub(super) id: FileId,
    /// On a network file system.
    pub(super) remote: bool,
}

/// Globs, and what is remembered between walks to make them cheap.
#[derive(Debug, Default)]
pub(super) struct Globs {
    globs: Vec<Glob>,
    listings: HashMap<PathBuf, Listing>,
    links: HashMap<PathBuf, Link>,
    walks: u64,
}

#[derive(Debug)]
struct Glob {
    text: String,
    root: PathBuf,
    parts: Vec<Part>,
    first_look: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(OsString),
    Pattern(Pattern),
    /// `**`
    AnyDepth,
}

#[derive(Debug)]
struct Listing {
    id: FileId,
    /// Without symbolic links.
    real: PathBuf,
    /// On a network file system: its time may be old.
    remote: bool,
    modified: i64,
    /// A change after the listing would show in the time of the directory: that time was not the
    /// present, as the clock of a file system ticks.
    settled: bool,
    listed: Instant,
    walk: u64,
    names: Vec<Name>,
}

#[derive(Clone, Debug)]
struct Name {
    name: OsString,
    kind: Kind,
    /// `None` for what belongs to no log.
    log: Option<LogName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
    Link,
    Other,
}

#[derive(Debug)]
struct Link {
    target: PathBuf,
    real: PathBuf,
    resolved: Instant,
    walk: u64,
}

/// A directory is listed again after this long even if its time has not changed: some file systems
/// in user space do not keep it.
const LISTING_LASTS: Duration = Duration::from_secs(30);
/// The clock of a local file system is not further behind the present than this.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// Directories that `**` goes down at most.
const DEPTH_MAX: usize = 64;

impl Globs {
    /// `looked` are the globs that have been walked before, in an earlier life.
    ///
    /// # Errors
    ///
    /// When a glob cannot be understood: it, and why.
    pub(super) fn new(globs: &[String], looked: &[String]) -> Result<Globs, (String, String)> {
        let mut parsed = Vec::new();
        for text in globs {
            let mut glob = Glob::parse(text).map_err(|why| (text.clone(), why))?;
            glob.first_look = !looked.contains(text);
            parsed.push(glob);
        }
        Ok(Globs { globs: parsed, ..Globs::default() })
    }

    /// The globs that have been walked.
    pub(super) fn looked(&self) -> Vec<String> {
        self.globs.iter().filter(|glob| !glob.first_look).map(|glob| glob.text.clone()).collect()
    }

    /// Looks at all there is. `known` are logs that are followed already, whose rotations are wanted
    /// even where no glob names them.
    pub(super) fn walk<'a>(&mut self, known: impl Iterator<Item = &'a Path>, now: Instant) -> Walk {
        self.walks += 1;
        let mut walk = Walk::default();
        let mut wanted = Wanted::default();
        for path in known {
            wanted.log(path, false);
        }
        let globs = std::mem::take(&mut self.globs);
        for glob in &globs {
            self.expand(glob, now, &mut wanted, &mut walk);
        }
        self.globs = globs;
        for glob in &mut self.globs {
            glob.first_look = false;
        }

        for (directory, bases) in &wanted.bases {
            let Some(listing) = self.listing(directory, now, &mut walk) else { continue };
            for name in &listing.names {
                let (Kind::File, Some(log)) = (name.kind, &name.log) else { continue };
                let Some(&first_look) = bases.get(&log.base) else { continue };
                let path = directory.join(&name.name);
                match Stat::at(&path) {
                    Ok(stat) if stat.is_file => {
                        let globbed = wanted.globbed.contains(&path);
                        let found = Found { path, name: log.clone(), stat, globbed, first_look };
                        walk.logs.entry(directory.join(&log.base)).or_default().push(found);
                    }
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => walk.troubles.push((path, error)),
                }
            }
        }
        let walks = self.walks;
        self.listings.retain(|_, listing| listing.walk == walks);
        self.links.retain(|_, link| link.walk == walks);
        let directories = self.listings.values().map(|listing| Directory {
            path: listing.real.clone(),
            id: listing.id,
            remote: listing.remote,
        });
        walk.directories = directories.collect();
        walk.directories.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        walk.directories.dedup_by(|a, b| a.path == b.path);
        walk
    }

    /// Finds what a glob names, and logs whose rotations are there and whose own path it names.
    fn expand(&mut self, glob: &Glob, now: Instant, wanted: &mut Wanted, walk: &mut Walk) {
        let Some((Part::Pattern(file), parts)) = glob.parts.split_last() else { return };
        // A stack instead of recursion: directory, parts gone through, depth of `**`.
        let mut stack = vec![(glob.root.clone(), 0, 0)];
        while let Some((directory, at, depth)) = stack.pop() {
            match parts.get(at) {
                Some(Part::Literal(name)) => stack.push((directory.join(name), at + 1, depth)),
                Some(Part::Pattern(pattern)) => {
                    let Some(listing) = self.listing(&directory, now, walk) else { continue };
                    for name in listing.names.iter().filter(|name| matches(pattern, &name.name)) {
                        let path = directory.join(&name.name);
                        let is_link_to_directory =
                            || fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir());
                        if name.kind == Kind::Directory || name.kind == Kind::Link && is_link_to_directory() {
                            stack.push((path, at + 1, depth));
                        }
                    }
                }
                Some(Part::AnyDepth) => {
                    stack.push((directory.clone(), at + 1, depth));
                    if depth == DEPTH_MAX {
                        continue;
                    }
                    let Some(listing) = self.listing(&directory, now, walk) else { continue };
                    for name in &listing.names {
                        // Links are not gone down: they may lead back.
                        if name.kind == Kind::Directory && !name.name.as_encoded_bytes().starts_with(b".") {
                            stack.push((directory.join(&name.name), at, depth + 1));
                        }
                    }
                }
                None => self.matching(file, glob.first_look, &directory, now, wanted, walk),
            }
        }
    }

    fn matching(
        &mut self,
        pattern: &Pattern,
        first_look: bool,
        directory: &Path,
        now: Instant,
        wanted: &mut Wanted,
        walk: &mut Walk,
    ) {
        let mut links = Vec::new();
        let Some(listing) = self.listing(directory, now, walk) else { return };
        for name in &listing.names {
            let direct = matches(pattern, &name.name);
            match (name.kind, &name.log) {
                (Kind::File, Some(log)) if direct || matches(pattern, &log.base) => {
                    wanted.log(&listing.real.join(&log.base), first_look);
                    if direct {
                        wanted.globbed.insert(listing.real.join(&name.name));
                    }
                }
                (Kind::Link, _) if direct => links.push(directory.join(&name.name)),
                (Kind::Other, _) if direct => walk.not_files.push(directory.join(&name.name)),
                _ => {}
            }
        }
        for link in links {
            match self.resolve(&link, now) {
                Ok(Some(real)) => {
                    if let (Some(log), Some(parent)) =
                        (real.file_name().and_then(LogName::parse), real.parent())
                    {
                        wanted.log(&parent.join(log.base), first_look);
                        wanted.globbed.insert(real);
                    }
                }
                Ok(None) => {}
                // A pod has gone, and its link is not yet removed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => walk.troubles.push((link, error)),
            }
        }
    }

    /// The file that a link leads to; `None` for a directory.
    fn resolve(&mut self, link: &Path, now: Instant) -> io::Result<Option<PathBuf>> {
        let target = fs::read_link(link)?;
        let walk = self.walks;
        if let Some(known) = self.links.get_mut(link)
            && known.target == target
            && now.saturating_duration_since(known.resolved) < LISTING_LASTS
        {
            known.walk = walk;
            return Ok(Some(known.real.clone()));
        }
        let real = fs::canonicalize(link)?;
        if fs::metadata(&real)?.is_dir() {
            return Ok(None);
        }
        self.links.insert(link.to_owned(), Link { target, real: real.clone(), resolved: now, walk });
        Ok(Some(real))
    }

    /// What is in a directory, listed at most once a walk, and not at all if it has not changed.
    fn listing(&mut self, directory: &Path, now: Instant, walk: &mut Walk) -> Option<&Listing> {
        if self.listings.get(directory).is_none_or(|listing| listing.walk != self.walks)
            && let Err(error) = self.refresh(directory, now)
        {
            self.listings.remove(directory);
            if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
                walk.troubles.push((directory.to_owned(), error));
            }
        }
        self.listings.get(directory)
    }

    fn refresh(&mut self, directory: &Path, now: Instant) -> io::Result<()> {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let stat = Stat::at(directory)?;
        if let Some(known) = self.listings.get_mut(directory)
            && known.id == stat.id
            && known.modified == stat.modified
            && known.settled
            && !known.remote
            && now.saturating_duration_since(known.listed) < LISTING_LASTS
        {
            known.walk = self.walks;
            return Ok(());
        }
        let known = self.listings.get(directory).filter(|known| known.id == stat.id);
        let (real, remote) = match known {
            Some(known) if now.saturating_duration_since(known.listed) < LISTING_LASTS => {
                (known.real.clone(), known.remote)
            }
            _ => (fs::canonicalize(directory)?, is_remote(directory)),
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_file() => Kind::File,
                Ok(kind) if kind.is_dir() => Kind::Directory,
                Ok(kind) if kind.is_symlink() => Kind::Link,
                Ok(_) => Kind::Other,
                Err(_) => continue,
            };
            let name = entry.file_name();
            let log = if kind == Kind::File { LogName::parse(&name) } else { None };
            names.push(Name { name, kind, log });
        }
        names.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let wall_nanos = i64::try_from(wall.as_nanos()).unwrap_or(i64::MAX);
        let settled = wall_nanos.saturating_sub(stat.modified) > SETTLED_AFTER.as_nanos() as i64;
        let listing = Listing {
            id: stat.id,
            real,
            remote,
            modified: stat.modified,
            settled,
            listed: now,
            walk: self.walks,
            names,
        };
        self.listings.insert(directory.to_owned(), listing);
        Ok(())
    }
}

/// Logs to look for, by directory and name, and the paths that a glob names.
#[derive(Default)]
struct Wanted {
    bases: BTreeMap<PathBuf, HashMap<OsString, bool>>,
    globbed: HashSet<PathBuf>,
}

impl Wanted {
    fn log(&mut self, path: &Path, first_look: bool) {
        if let (Some(directory), Some(base)) = (path.parent(), path.file_name()) {
            let bases = self.bases.entry(directory.to_owned()).or_default();
            // A log that is followed, or that an older glob names as well, is not looked at first.
            bases.entry(base.to_owned()).and_modify(|first| *first &= first_look).or_insert(first_look);
        }
    }
}

impl Glob {
    fn parse(text: &str) -> Result<Glob, String> {
        let path = std::path::absolute(text).map_err(|error| error.to_string())?;
        let mut root = PathBuf::from("/");
        let mut parts = Vec::new();
        for component in path.components() {
            let name = match component {
                Component::Normal(_) | Component::ParentDir => component.as_os_str(),
                _ => continue,
            };
            // The text is UTF-8; a working directory need not be, and is no pattern then.
            let part = match name.to_str() {
                Some("**") => Part::AnyDepth,
                Some(name) if name.contains(['*', '?', '[']) => {
                    Part::Pattern(Pattern::new(name).map_err(|error| error.to_string())?)
                }
                _ => Part::Literal(name.to_owned()),
            };
            match part {
                Part::Literal(name) if parts.is_empty() => root.push(name),
                part => parts.push(part),
            }
        }
        // The last part is matched against names, whatever it is.
        match parts.pop() {
            Some(Part::Literal(name)) => parts.push(literal(&name)?),
            Some(Part::AnyDepth) => parts.extend([Part::AnyDepth, Part::Pattern(any_name()?)]),
            Some(pattern) => parts.push(pattern),
            None => {
                let name = root.file_name().ok_or("names no file")?.to_owned();
                root.pop();
                parts.push(literal(&name)?);
            }
        }
        Ok(Glob { text: text.to_owned(), root, parts, first_look: true })
    }
}

fn literal(name: &OsStr) -> Result<Part, String> {
    let name = name.to_str().ok_or("is not UTF-8")?;
    Pattern::new(&Pattern::escape(name)).map(Part::Pattern).map_err(|error| error.to_string())
}

fn any_name() -> Result<Pattern, String> {
    Pattern::new("*").map_err(|error| error.to_string())
}

fn matches(pattern: &Pattern, name: &OsStr) -> bool {
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    pattern.matches_with(&name.to_string_lossy(), options)
}

/// Directories on network file systems: the system does not tell of changes made elsewhere, and
/// times of directories may be old.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_remote(directory: &Path) -> bool {
    // NFS, SMB (three numbers), 9P, Ceph, AFS (two), Coda, Lustre, GFS2, OCFS2, FUSE: statfs(2) and linux/magic.h.
    const REMOTE: [u32; 13] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x0102_1997,
        0x00c3_6400,
        0x5346_414f,
        0x6b41_4653,
        0x7375_7245,
        0x0bd0_0bd0,
        0x0116_1970,
        0x7461_636f,
        0x6573_5546,
    ];
    rustix::fs::statfs(directory).is_ok_and(|about| REMOTE.contains(&(about.f_type as u32)))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_remote(_directory: &Path) -> bool {
    false
}
