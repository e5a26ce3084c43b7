//! What the system tells of changes in directories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TrySendError, sync_channel};

use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::stat::FileId;
use super::walk::Directory;
use crate::Waker;

/// Watches directories and keeps what happened until it is asked for.
pub(super) struct Events {
    watcher: RecommendedWatcher,
    changes: Receiver<Change>,
    /// Changes were dropped. Relaxed: what was dropped is found by a look at everything, nothing is
    /// read through the flag.
    overflow: Arc<AtomicBool>,
    directories: BTreeMap<PathBuf, FileId>,
    /// Some directory cannot be watched, which was told.
    pub(super) failed: bool,
    /// Directories are watched that were not before the last walk: what happened in them between the
    /// walk and the watching was not told.
    pub(super) widened: bool,
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
    /// Wakes the owner when something has happened.
    pub(super) fn new(waker: Waker) -> notify::Result<Events> {
        let (sender, changes) = sync_channel(CHANGES_MAX);
        let overflow = Arc::new(AtomicBool::new(false));
        let overflows = Arc::clone(&overflow);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let change = match event {
                Ok(event) => Change::of(event),
                // The queue of the system ran over, or a directory went away.
                Err(_) => Some(Change::Names),
            };
            let Some(change) = change else { return };
            if let Err(TrySendError::Full(_)) = sender.try_send(change) {
                overflows.store(true, Ordering::Relaxed);
            }
            waker.wake();
        })?;
        Ok(Events { watcher, changes, overflow, directories: BTreeMap::new(), failed: false, widened: false })
    }

    /// Watches these directories and no others. Says why one cannot be watched, once.
    pub(super) fn watch(&mut self, wanted: &[Directory]) -> Option<(PathBuf, notify::Error)> {
        let keep: BTreeMap<&Path, FileId> =
            wanted.iter().map(|directory| (directory.path.as_path(), directory.id)).collect();
        let gone = self.directories.iter().filter(|(path, id)| keep.get(path.as_path()) != Some(id));
        let gone: Vec<PathBuf> = gone.map(|(path, _)| path.clone()).collect();
        for path in gone {
            self.directories.remove(&path);
            // It is not watched any more if it was removed.
            let _ = self.watcher.unwatch(&path);
        }
        let mut failure = None;
        self.widened = false;
        for Directory { path, id, .. } in wanted {
            if self.directories.contains_key(path) {
                continue;
            }
            match self.watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.directories.insert(path.clone(), *id);
                    self.widened = true;
                }
                Err(error) => failure = Some((path.clone(), error)),
            }
        }
        let told = std::mem::replace(&mut self.failed, failure.is_some());
        failure.filter(|_| !told)
    }

    /// What has happened since it was asked last.
    pub(super) fn take(&self) -> impl Iterator<Item = Change> + '_ {
        self.changes.try_iter().take(CHANGES_MAX)
    }

    /// Whether changes have been dropped since it was asked last.
    pub(super) fn has_overflown(&self) -> bool {
        self.overflow.swap(false, Ordering::Relaxed)
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
