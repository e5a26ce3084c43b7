//! Which journal files belong together.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use crate::Input;
use crate::input::modified_unix_nanos;

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
            let mut path = common_path(&group.files);
            // Of several machines in one directory, each is named by its first file.
            if path.as_os_str().is_empty() || names.contains(&path) {
                path = group.files.first().cloned().unwrap_or_default();
            }
            names.push(path.clone());
            (group.at, Input::journal(path, group.files, group.modified_unix_nanos, group.total_bytes))
        });
        for (before, (at, input)) in journals.enumerate() {
            inputs.insert((at + before).min(inputs.len()), input);
        }
    }
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
