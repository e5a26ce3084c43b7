//! Which journal files belong together.

use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chiplog_engine::{Elector, Origin};

use crate::input::modified_unix_nanos;
use crate::{Input, JournalBytes, JournalReader, Limits};

/// What numbers the entries of several files of a journal: its id.
pub(crate) type Sequence = [u8; 16];

/// Where the sequence stands in a journal file (systemd `src/libsystemd/sd-journal/journal-def.h`).
const SEQUENCE_AT: usize = 72;

/// The sequence that a journal file is of, by its first bytes.
pub(crate) fn sequence_of(head: &[u8]) -> Option<Sequence> {
    head.get(SEQUENCE_AT..)?.first_chunk().copied().filter(|sequence| *sequence != [0; 16])
}

/// Journal files by sequence, in the order in which they were found.
#[derive(Debug, Default)]
pub(crate) struct Journals(Vec<Group>);

#[derive(Debug)]
struct Group {
    sequence: Option<Sequence>,
    files: Vec<PathBuf>,
    modified_unix_nanos: Option<i64>,
    total_bytes: u64,
    /// Place among the inputs.
    at: usize,
}

impl Journals {
    /// Adds a file, found after so many other inputs.
    pub(crate) fn add(&mut self, path: &Path, metadata: &Metadata, sequence: Option<Sequence>, at: usize) {
        let known = self.0.iter_mut().find(|group| sequence.is_some() && group.sequence == sequence);
        let modified = modified_unix_nanos(metadata);
        match known {
            Some(group) => {
                group.files.push(path.to_owned());
                group.modified_unix_nanos = group.modified_unix_nanos.max(modified);
                group.total_bytes += metadata.len();
            }
            None => self.0.push(Group {
                sequence,
                files: vec![path.to_owned()],
                modified_unix_nanos: modified,
                total_bytes: metadata.len(),
                at,
            }),
        }
    }

    /// Puts each journal where its first file was found.
    pub(crate) fn into_inputs(self, inputs: &mut Vec<Input>) {
        let mut names: Vec<PathBuf> = Vec::new();
        let journals = self.0.into_iter().map(|group| {
            let path = name_of(group.files.iter(), &mut names);
            (group.at, Input::journal(path, group.files, group.modified_unix_nanos, group.total_bytes))
        });
        for (before, (at, input)) in journals.enumerate() {
            inputs.insert((at + before).min(inputs.len()), input);
        }
    }
}

/// Journal files of one input that cannot be read from front to back, held in memory until all of a
/// sequence are there: members of archives.
///
/// ```
/// use chiplog_source::{JournalMembers, Limits};
/// let mut members = JournalMembers::default();
/// members.add("a.tar/system.journal", &mut &b"no journal"[..], None, Default::default())?;
/// let journals = members.take(None, Limits::default());
/// assert!(journals[0].reader.troubles().next().is_some());
/// # std::io::Result::Ok(())
/// ```
#[derive(Default)]
pub struct JournalMembers {
    groups: Vec<MemberGroup>,
    held_bytes: u64,
}

struct MemberGroup {
    sequence: Option<Sequence>,
    files: Vec<(PathBuf, Vec<u8>)>,
    modified_unix_nanos: Option<i64>,
    origin: Origin,
}

/// Journal files of one sequence, to be read.
pub struct MemberJournal {
    /// The file, or what several are below.
    pub name: String,
    /// When the newest was written.
    pub modified_unix_nanos: Option<i64>,
    /// What the first file's place says.
    pub origin: Origin,
    /// The entries.
    pub reader: JournalReader,
}

impl JournalMembers {
    /// Bytes that are read of one file, and held of all before they should be taken. journald keeps its
    /// files below half of it.
    pub const MAX_HELD_BYTES: u64 = 256 << 20;

    /// Reads a file and holds it. True if all of it was read.
    ///
    /// # Errors
    ///
    /// The reader's. What came before is held all the same.
    pub fn add(
        &mut self,
        name: &str,
        reader: &mut dyn Read,
        modified_unix_nanos: Option<i64>,
        origin: Origin,
    ) -> io::Result<bool> {
        let mut bytes = Vec::new();
        let read = reader.take(Self::MAX_HELD_BYTES + 1).read_to_end(&mut bytes);
        let is_whole = bytes.len() as u64 <= Self::MAX_HELD_BYTES;
        bytes.truncate(Self::MAX_HELD_BYTES as usize);
        bytes.shrink_to_fit();
        self.held_bytes += bytes.len() as u64;
        let sequence = sequence_of(&bytes);
        let file = (PathBuf::from(name), bytes);
        match self.groups.iter_mut().find(|group| sequence.is_some() && group.sequence == sequence) {
            Some(group) => {
                group.files.push(file);
                group.modified_unix_nanos = group.modified_unix_nanos.max(modified_unix_nanos);
            }
            None => {
                self.groups.push(MemberGroup { sequence, files: vec![file], modified_unix_nanos, origin });
            }
        }
        read.map(|_| is_whole)
    }

    /// Whether so much is held that it should be taken now, though more files of a sequence may come.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.held_bytes >= Self::MAX_HELD_BYTES
    }

    /// The journals, by sequence in the order of their first files; nothing is held afterwards.
    pub fn take(&mut self, elector: Option<&Elector>, limits: Limits) -> Vec<MemberJournal> {
        self.held_bytes = 0;
        let mut names: Vec<PathBuf> = Vec::new();
        let groups = std::mem::take(&mut self.groups).into_iter();
        groups
            .map(|MemberGroup { files, modified_unix_nanos, origin, .. }| {
                let name = name_of(files.iter().map(|(name, _)| name), &mut names);
                let files = files.into_iter().map(|(file, bytes)| {
                    let file = if file == name { String::new() } else { file.to_string_lossy().into_owned() };
                    (file, Box::new(bytes) as JournalBytes)
                });
                let reader = JournalReader::new(files, elector.cloned(), limits);
                MemberJournal {
                    name: name.to_string_lossy().into_owned(),
                    modified_unix_nanos,
                    origin,
                    reader,
                }
            })
            .collect()
    }
}

/// What a journal is called: what holds its files, or, if another one is called so, its first file.
fn name_of<'p>(files: impl Iterator<Item = &'p PathBuf>, names: &mut Vec<PathBuf>) -> PathBuf {
    let files: Vec<PathBuf> = files.cloned().collect();
    let mut path = common_path(&files);
    if path.as_os_str().is_empty() || names.contains(&path) {
        path = files.into_iter().next().unwrap_or_default();
    }
    names.push(path.clone());
    path
}

/// The file, or the deepest directory that holds all of several.
fn common_path(files: &[PathBuf]) -> PathBuf {
    let Some((first, others)) = files.split_first() else { return PathBuf::new() };
    if others.is_empty() {
        return first.clone();
    }
    let holds_all = |directory: &&Path| others.iter().all(|file| file.starts_with(directory));
    first.ancestors().skip(1).find(holds_all).map(Path::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_are_named_by_what_holds_them() {
        let path = |files: &[&str]| common_path(&files.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(path(&["a/b.journal"]), Path::new("a/b.journal"));
        assert_eq!(path(&["j/m/system.journal", "j/m/user-1000.journal"]), Path::new("j/m"));
        assert_eq!(path(&["j/m/system.journal", "j/copy/system.journal"]), Path::new("j"));
        assert_eq!(path(&["a.journal", "b.journal"]), Path::new(""));
    }
}
