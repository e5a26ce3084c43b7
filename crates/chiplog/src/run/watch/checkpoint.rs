//! When the state is saved, and what goes into it.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::engine::Engine;
use super::losses::Losses;
use super::state_dir::StateDir;
use super::state_file::{Head, State};
use super::supervised::Supervised;
use super::{report, wall_clock};

/// Saves the state, if there is a place for it.
pub(super) struct Checkpoint {
    directory: Option<StateDir>,
    interval: Duration,
    last: Instant,
    started_unix_nanos: i64,
    /// Of sources that are not watched now and may be again.
    dormant: BTreeMap<String, Value>,
}

impl Checkpoint {
    pub(super) fn new(
        directory: Option<StateDir>,
        interval: Duration,
        started_unix_nanos: i64,
        dormant: BTreeMap<String, Value>,
    ) -> Self {
        Self { directory, interval, last: Instant::now(), started_unix_nanos, dormant }
    }

    /// When the first run started that the state goes back to.
    pub(super) fn started_unix_nanos(&self) -> i64 {
        self.started_unix_nanos
    }

    pub(super) fn is_due(&self) -> bool {
        self.until_due().is_zero()
    }

    pub(super) fn until_due(&self) -> Duration {
        match self.directory {
            Some(_) => self.interval.saturating_sub(self.last.elapsed()),
            None => Duration::MAX,
        }
    }

    /// Saves the state of this moment. To be called between polls: then all that the sources have
    /// handed over is in the engine.
    pub(super) fn save(
        &mut self,
        sources: &[Supervised],
        engine: &Engine,
        losses: &Losses,
    ) -> io::Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        // Also if it fails: a full disk is not tried without a pause.
        self.last = Instant::now();
        let mut cursors = self.dormant.clone();
        cursors
            .extend(sources.iter().filter_map(|source| Some((source.name().to_owned(), source.cursor()?))));
        let head =
            Head { started_unix_nanos: self.started_unix_nanos, cursors, losses: losses.list().to_vec() };
        let report = report::of(&head, &engine.summary(), wall_clock::now()).map_err(io::Error::from)?;
        let saved = directory.save(&State { head, report, session: engine.save() });
        self.last = Instant::now();
        saved
    }
}
