//! The directory that holds checkpoints: the only place that is written to.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::state_file::{State, Unreadable};
use crate::exit::Failure;

/// The newest checkpoint, and the one before it.
const CURRENT: &str = "state.chiplog";
const PREVIOUS: &str = "state.chiplog.1";
const TEMPORARY: &str = "state.chiplog.new";
const LOCK: &str = "lock";

/// Where the state is kept: what was asked for, else what the service manager made for us, else
/// where the desktop's convention says, if that variable is set.
pub(crate) fn chosen(asked: Option<&Path>) -> Option<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    asked
        .map(Path::to_owned)
        // More than one directory would be separated by colons; the first is ours.
        .or_else(|| env::split_paths(&variable("STATE_DIRECTORY")?).next())
        .or_else(|| Some(PathBuf::from(variable("XDG_STATE_HOME")?).join("chiplog")))
}

/// A checkpoint as it was found.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    /// The newest.
    Current(State),
    /// The one before, since the newest is missing or damaged.
    Previous(State),
    /// None is whole.
    Damaged,
}

/// Reads the checkpoint in a directory, also of a daemon that runs.
///
/// An older checkpoint is as right as the newest: it says less and goes on from earlier.
pub(crate) fn read(directory: &Path) -> Result<Found, Failure> {
    let current = read_file(&directory.join(CURRENT))?;
    if let Some(Ok(state)) = current {
        return Ok(Found::Current(state));
    }
    Ok(match (read_file(&directory.join(PREVIOUS))?, current) {
        (Some(Ok(state)), _) => Found::Previous(state),
        (None, None) => Found::Nothing,
        (Some(Err(_)), _) | (None, Some(_)) => Found::Damaged,
    })
}

/// `None` if there is no such file; an error inside if it is damaged.
fn read_file(path: &Path) -> Result<Option<Result<State, Unreadable>>, Failure> {
    let refuse = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot read the state in {}: {why}", path.display()))
    };
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refuse(&error)),
    };
    match State::from_bytes(&bytes) {
        // Never to be written over.
        Err(why @ (Unreadable::Foreign | Unreadable::Version(_))) => {
            Err(refuse(&why).with_hint("move it away to start anew, or choose another --state"))
        }
        read => Ok(Some(read)),
    }
}

/// Says whether a daemon could keep its state in a directory, without making it.
pub(crate) fn check(path: &Path) -> Result<String, String> {
    let fail = |why: &dyn std::fmt::Display| format!("state in {}: {why}", path.display());
    let mut above = path.ancestors();
    let existing = above.find(|path| path.exists()).unwrap_or(Path::new("."));
    rustix::fs::access(existing, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| fail(&io::Error::from(error)))?;
    if existing != path {
        return Ok(format!("state in {} (to be made)", path.display()));
    }
    let what = match read(path) {
        Ok(Found::Nothing) => "empty",
        Ok(Found::Current(_) | Found::Previous(_)) => "goes on from a checkpoint",
        Ok(Found::Damaged) => return Err(fail(&"damaged")),
        Err(Failure::Said { message, .. }) => return Err(message),
        Err(_) => return Err(fail(&"cannot be read")),
    };
    Ok(format!("state in {} ({what})", path.display()))
}

/// The state directory of a daemon, which no other daemon shares while this exists.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    directory: File,
    _lock: File,
}

impl StateDir {
    /// Makes the directory if need be, and takes it.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let refuse = |error: io::Error| {
            Failure::usage(format!("cannot use the state directory {}: {error}", path.display()))
        };
        fs::create_dir_all(path).map_err(refuse)?;
        let lock =
            File::options().create(true).truncate(false).write(true).open(path.join(LOCK)).map_err(refuse)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("the state directory {} is used by another chiplog", path.display());
                return Err(Failure::usage(message).with_hint("give each daemon its own --state"));
            }
            Err(TryLockError::Error(error)) => return Err(refuse(error)),
        }
        let directory = File::open(path).map_err(refuse)?;
        Ok(Self { path: path.to_owned(), directory, _lock: lock })
    }

    /// Reads the newest checkpoint that is whole.
    pub(crate) fn load(&self) -> Result<Found, Failure> {
        let found = read(&self.path)?;
        if matches!(found, Found::Previous(_)) {
            // Else the next save would put the damaged one in the place of the one that is whole.
            let refuse = |error| Failure::usage(format!("cannot restore the state: {error}"));
            fs::rename(self.path.join(PREVIOUS), self.path.join(CURRENT)).map_err(refuse)?;
        }
        Ok(found)
    }

    /// Writes a checkpoint: after a crash at any moment there is this one or one before it, whole.
    pub(crate) fn save(&self, state: &State) -> io::Result<()> {
        let bytes = state.to_bytes().map_err(io::Error::from)?;
        let at = |name| self.path.join(name);
        // It holds lines of logs, which not everybody may be allowed to read.
        let mut file =
            File::options().create(true).write(true).truncate(true).mode(0o600).open(at(TEMPORARY))?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        drop(file);
        match fs::rename(at(CURRENT), at(PREVIOUS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(at(TEMPORARY), at(CURRENT))?;
        self.directory.sync_all()
    }

    /// Puts a damaged checkpoint aside, for those who want to look at it. Returns its new place.
    pub(crate) fn put_aside(&self) -> io::Result<PathBuf> {
        let aside = self.path.join("state.chiplog.damaged");
        for name in [PREVIOUS, CURRENT] {
            match fs::rename(self.path.join(name), &aside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(aside)
    }
}

#[cfg(test)]
mod tests {
    use super::super::state_file::Head;
    use super::*;

    fn state(started_unix_nanos: i64) -> State {
        let head = Head { started_unix_nanos, ..Head::default() };
        State { head, report: vec![], session: vec![] }
    }

    #[test]
    fn the_one_before_is_read_when_the_newest_is_not_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("made/for/it");
        let states = StateDir::open(&path).unwrap();
        assert!(matches!(states.load(), Ok(Found::Nothing)));
        states.save(&state(1)).unwrap();
        assert!(matches!(states.load(), Ok(Found::Current(found)) if found == state(1)));
        states.save(&state(2)).unwrap();
        assert!(matches!(states.load(), Ok(Found::Current(found)) if found == state(2)));

        let bytes = fs::read(path.join(CURRENT)).unwrap();
        fs::write(path.join(CURRENT), &bytes[..bytes.len() - 1]).unwrap();
        assert!(matches!(states.load(), Ok(Found::Previous(found)) if found == state(1)));
        // It has taken the place of the damaged one.
        assert!(matches!(states.load(), Ok(Found::Current(found)) if found == state(1)));
        fs::rename(path.join(CURRENT), path.join(PREVIOUS)).unwrap();
        assert!(matches!(states.load(), Ok(Found::Previous(found)) if found == state(1)));
        fs::write(path.join(CURRENT), b"").unwrap();
        assert!(matches!(states.load(), Ok(Found::Damaged)));
        states.put_aside().unwrap();
        assert!(matches!(states.load(), Ok(Found::Nothing)));
    }

    #[test]
    fn a_directory_has_one_owner_and_foreign_files_are_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let states = StateDir::open(directory.path()).unwrap();
        assert!(StateDir::open(directory.path()).is_err());
        drop(states);
        let states = StateDir::open(directory.path()).unwrap();
        fs::write(directory.path().join(CURRENT), b"someone else's").unwrap();
        assert!(states.load().is_err());
    }
}
