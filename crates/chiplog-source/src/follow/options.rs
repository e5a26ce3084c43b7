//! What is followed, and how.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::FollowError;
use super::stat;
use super::walk::Globs;
use crate::Limits;

/// What to follow, and how patiently.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FollowOptions {
    /// The name of the source.
    pub name: String,
    /// Paths with `*`, `?`, `[..]`, and `**` for any number of directories. Names that begin with a
    /// dot are only found by patterns that begin with one.
    pub globs: Vec<String>,
    /// Where files are begun that are there when a glob is looked at for the first time.
    pub from: FollowFrom,
    /// Do not ask the system for events: look at everything each [`FollowOptions::poll`].
    pub poll_only: bool,
    /// How often everything is looked at, with events too: the system does not tell of changes that
    /// other machines make.
    pub poll: Duration,
    /// After this long without growth, a last line without LF is taken for whole.
    pub idle_flush: Duration,
    /// A rotated file is closed after this long without growth. It is opened again if it grows.
    pub linger: Duration,
    /// A removed file, which only this process still sees, is closed after this long without growth.
    /// Its room on the disk is not free before.
    pub linger_removed: Duration,
    /// How long to look for a copy of what a cut file held, before the rest of it is lost.
    pub grace: Duration,
    /// Files that are open at most; `None` for what the process may have, less a few.
    pub open_files: Option<usize>,
    /// Sizes of blocks and lines.
    pub limits: Limits,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowFrom {
    /// At the first line that the log still holds, in its oldest rotated file: a rotation in the moment
    /// before the first look must not cost a line.
    Start,
    /// After what is there already.
    End,
}

impl FollowOptions {
    /// The files that `globs` name, from their start: a look at everything each second, a line
    /// without LF after five seconds, a rotated file for five minutes, a removed one for one minute.
    #[must_use]
    pub fn new(name: impl Into<String>, globs: Vec<String>) -> FollowOptions {
        FollowOptions {
            name: name.into(),
            globs,
            from: FollowFrom::Start,
            poll_only: false,
            poll: Duration::from_secs(1),
            idle_flush: Duration::from_secs(5),
            linger: Duration::from_secs(300),
            linger_removed: Duration::from_secs(60),
            grace: Duration::from_secs(1),
            open_files: None,
            limits: Limits::default(),
        }
    }
    /// The files that the globs name now, and whether each can be opened, by path. Directories that
    /// cannot be looked into are among them.
    ///
    /// # Errors
    ///
    /// When a glob cannot be understood.
    pub fn find(&self) -> Result<Vec<(PathBuf, io::Result<()>)>, FollowError> {
        let mut globs =
            Globs::new(&self.globs, &[]).map_err(|(glob, why)| FollowError::Glob { glob, why })?;
        let walk = globs.walk(std::iter::empty(), Instant::now());
        let named = walk.logs.into_values().flatten().filter(|found| found.globbed);
        let opened = named.map(|found| {
            let opened: io::Result<(File, _)> = stat::open(&found.path);
            (found.path, opened.map(|_| ()))
        });
        let mut all: Vec<_> =
            opened.chain(walk.troubles.into_iter().map(|(path, error)| (path, Err(error)))).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.dedup_by(|a, b| a.0 == b.0);
        Ok(all)
    }
}
