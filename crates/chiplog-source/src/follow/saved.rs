//! The cursor of followed files, as JSON.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::edge::{Edge, Print};
use super::entry::{Entry, Reader};
use super::family::Family;
use super::name::LogName;
use super::stat::FileId;
use super::tail::{Ahead, Place};

/// What this version writes.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    version: u32,
    /// Globs that have been looked at: what they name and is not known is new.
    pub(super) globs: Vec<String>,
    pub(super) logs: Vec<SavedLog>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedLog {
    path: SavedPath,
    /// Where the next line of the stream stands.
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_unix_nanos: Option<i64>,
    files: Vec<SavedFile>,
}

/// A path as text, or as bytes when it is none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum SavedPath {
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedFile {
    /// Where it was last seen.
    path: SavedPath,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<FileId>,
    offset: u64,
    head: Print,
    tail: Print,
    size: u64,
    modified_unix_nanos: i64,
    #[serde(default, skip_serializing_if = "is_false")]
    finished: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    mid_line: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    packed: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    whole: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl SavedPath {
    fn of(path: &Path) -> SavedPath {
        match path.to_str() {
            Some(text) => SavedPath::Text(text.to_owned()),
            None => SavedPath::Bytes(path.as_os_str().as_bytes().to_vec()),
        }
    }

    fn path(self) -> PathBuf {
        match self {
            SavedPath::Text(text) => PathBuf::from(text),
            SavedPath::Bytes(bytes) => PathBuf::from(std::ffi::OsString::from_vec(bytes)),
        }
    }
}

impl Saved {
    pub(super) fn new<'a>(globs: Vec<String>, logs: impl Iterator<Item = (&'a Path, &'a Family)>) -> Saved {
        let logs = logs.map(|(path, family)| SavedLog {
            path: SavedPath::of(path),
            offset: family.offset,
            modified_unix_nanos: family.stream.modified_unix_nanos,
            files: family.entries.iter().map(SavedFile::of).collect(),
        });
        Saved { version: VERSION, globs, logs: logs.collect() }
    }

    /// Reads what a cursor holds, or says why it cannot be used.
    pub(super) fn read(cursor: &serde_json::Value) -> Result<Saved, String> {
        let version = cursor.get("version").and_then(serde_json::Value::as_u64);
        if version != Some(u64::from(VERSION)) {
            return Err(format!(
                "version {VERSION} is expected, not {}",
                cursor.get("version").unwrap_or(&serde_json::Value::Null)
            ));
        }
        Saved::deserialize(cursor).map_err(|error| error.to_string())
    }
}

impl SavedLog {
    pub(super) fn family(self, now: Instant) -> (PathBuf, Family) {
        let path = self.path.path();
        let mut family = Family::new(&path);
        family.offset = self.offset;
        family.stream.modified_unix_nanos = self.modified_unix_nanos;
        family.entries = self.files.into_iter().filter_map(|file| file.entry(now)).collect();
        (path, family)
    }
}

impl SavedFile {
    fn of(entry: &Entry) -> SavedFile {
        SavedFile {
            path: SavedPath::of(&entry.path),
            id: entry.id,
            offset: entry.place.offset,
            head: entry.place.head.print(),
            tail: entry.place.tail.print(),
            size: entry.size,
            modified_unix_nanos: entry.modified,
            finished: entry.finished,
            mid_line: entry.place.mid_line,
            packed: entry.packed,
            whole: entry.whole,
        }
    }

    fn entry(self, now: Instant) -> Option<Entry> {
        let path = self.path.path();
        let name = LogName::parse(path.file_name().unwrap_or(OsStr::new("")))?;
        let place = Place {
            offset: self.offset,
            head: Edge::Print(self.head),
            tail: Edge::Print(self.tail),
            mid_line: self.mid_line,
        };
        Some(Entry {
            id: self.id,
            path,
            rank: Some(name.rotation.clone()),
            name,
            packed: self.packed,
            place,
            size: self.size,
            modified: self.modified_unix_nanos,
            finished: self.finished,
            whole: self.whole,
            reader: Reader::Closed,
            ahead: Ahead::default(),
            verified: false,
            seen: false,
            missing_walks: 0,
            searched_since: None,
            departed: None,
            copied: false,
            changed: now,
            rest: false,
            condemned: None,
            refused: Vec::new(),
            contained: Vec::new(),
        })
    }
}
