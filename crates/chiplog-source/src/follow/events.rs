//! What the system tells of changes in directories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::stat::FileId;

/// Watches directories and keeps what happened until it is asked for.
pub(super) struct Events {
    watcher: RecommendedWatcher,
    changes: Receiver<Change>,
    directories: BTreeMap<PathBuf, FileId>,
    /// Why some directory cannot be watched was told.
    failed: bool,
}

/// Something that happened.
#[derive(Debug)]
pub(super) enum Change {
    /// A file was written to.
    Written(PathBuf),
    /// Names came, went or changed; or something happened and nobody knows what.
    Names,
}

/// Changes that are kept; beyond that a look at everything finds them.
const CHANGES_MAX: usize = 4096;

impl Events {
    /// Sends to `wake` when something has happened; nothing is sent while a wake-up waits there.
    pub(super) fn new(wake: Sender<()>) -> notify::Result<Events> {
        let (sender, changes) = crossbeam_channel::bounded(CHANGES_MAX);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let change = match event {
                Ok(event) => Change::of(event),
                // The queue of the system ran over, or a directory went away.
                Err(_) => Some(Change::Names),
            };
            let Some(change) = change else { return };
            // A full channel is no loss: everything is looked at soon.
            if let Ok(()) | Err(TrySendError::Full(_)) = sender.try_send(change) {
                let _ = wake.try_send(());
            }
        })?;
        Ok(Events { watcher, changes, directories: BTreeMap::new(), failed: false })
    }

    /// Watches these directories and no others. Says why one cannot be watched, once.
    pub(super) fn watch(&mut self, wanted: &[(PathBuf, FileId)]) -> Option<(PathBuf, notify::Error)> {
        let keep: BTreeMap<&Path, FileId> = wanted.iter().map(|(path, id)| (path.as_path(), *id)).collect();
        let gone = self.directories.iter().filter(|(path, id)| keep.get(path.as_path()) != Some(id));
        let gone: Vec<PathBuf> = gone.map(|(path, _)| path.clone()).collect();
        for path in gone {
            self.directories.remove(&path);
            // It is not watched any more if it was removed.
            let _ = self.watcher.unwatch(&path);
        }
        let mut failure = None;
        for (path, id) in wanted {
            if self.directories.contains_key(path) {
                continue;
            }
            match self.watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.directories.insert(path.clone(), *id);
                }
                Err(error) => failure = Some((path.clone(), error)),
            }
        }
        let told = self.failed;
        self.failed |= failure.is_some();
        failure.filter(|_| !told)
    }

    /// What has happened since it was asked last.
    pub(super) fn take(&self) -> impl Iterator<Item = Change> + '_ {
        self.changes.try_iter().take(CHANGES_MAX)
    }

    /// Whether changes may have been dropped.
    pub(super) fn is_full(&self) -> bool {
        self.changes.is_full()
    }
}

impl Change {
    fn of(event: notify::Event) -> Option<Change> {
        match event.kind {
            // Our own reading makes these.
            EventKind::Access(_) => None,
            EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) if !event.need_rescan() => {
                event.paths.into_iter().next().map(Change::Written)
            }
            // Links, owners and times; none of it changes contents.
            EventKind::Modify(ModifyKind::Metadata(_)) => None,
            _ => Some(Change::Names),
        }
    }
}
