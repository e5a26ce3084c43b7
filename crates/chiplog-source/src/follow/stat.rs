//! What the file system says of a file.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// Which file it is. Numbers of inodes are used again, birth times are not; but not every file system tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) born: Option<i64>,
}

impl FileId {
    /// Whether both can be the same file. A birth time that one of them lacks does not speak against it.
    pub(super) fn may_be(&self, other: &FileId) -> bool {
        self.inode == other.inode
            && self.device == other.device
            && (self.born == other.born || self.born.is_none() || other.born.is_none())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) id: FileId,
    pub(super) size: u64,
    /// When it was last written, in nanoseconds since 1970-01-01T00:00:00Z.
    pub(super) modified: i64,
    pub(super) is_file: bool,
}

impl Stat {
    pub(super) fn of(metadata: &Metadata) -> Stat {
        let born = birth(metadata).and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        let born = born.and_then(|since| i64::try_from(since.as_nanos()).ok());
        let id = FileId { device: metadata.dev(), inode: metadata.ino(), born };
        let modified = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        Stat { id, size: metadata.len(), modified, is_file: metadata.is_file() }
    }

    pub(super) fn at(path: &Path) -> io::Result<Stat> {
        fs::metadata(path).map(|metadata| Stat::of(&metadata))
    }
}

/// Opens a file to be followed, and says which it is: another may have its path by now.
///
/// Does not wait if a pipe has taken the place of the file.
///
/// # Errors
///
/// What the system says; [`io::ErrorKind::InvalidInput`] when there is no regular file.
pub(super) fn open(path: &Path) -> io::Result<(File, Stat)> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    // The flags are two bits that every system has in the range of an i32.
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let stat = Stat::of(&file.metadata()?);
    if stat.is_file { Ok((file, stat)) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

#[cfg(not(test))]
fn birth(metadata: &Metadata) -> Option<std::time::SystemTime> {
    metadata.created().ok()
}

/// Tests try both kinds of file system.
#[cfg(test)]
fn birth(metadata: &Metadata) -> Option<std::time::SystemTime> {
    metadata.created().ok().filter(|_| BIRTHS.get())
}

#[cfg(test)]
thread_local! {
    /// Whether the file system tells birth times.
    pub(super) static BIRTHS: std::cell::Cell<bool> = const { std::cell::Cell::new(true) };
}
