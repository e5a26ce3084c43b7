//! Where the journal is, and how it is read.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use chiplog_source::{Journalctl, JournalctlOptions, Waker, WatchedJournal, WatchedJournalOptions};

use super::plan::{Checked, Planned};
use crate::flags::{From, Watch};

/// Where journald keeps its files, those that outlast a boot first.
const DIRECTORIES: [&str; 2] = ["/var/log/journal", "/run/log/journal"];

/// What this program calls itself in the journal, unless its unit says otherwise: what it reports is
/// not to be found in it.
const OWN_IDENTIFIER: &str = "chiplog";

/// The journal as it was asked for.
#[derive(Clone)]
struct Asked {
    /// Where the user says it is.
    directory: Option<PathBuf>,
    units: Vec<String>,
    from_start: bool,
    poll_only: bool,
}

pub(super) fn planned(flags: &Watch, units: &[String], waker: Waker) -> Planned {
    let asked = Asked {
        directory: flags.journal_dir.clone(),
        units: units.iter().filter(|unit| !unit.is_empty()).cloned().collect(),
        from_start: flags.from == Some(From::Start),
        poll_only: flags.poll,
    };
    let checked = asked.clone();
    let checked_waker = waker.clone();
    Planned {
        name: "journal",
        is_finite: false,
        check: Box::new(move || vec![checked.check(&checked_waker)]),
        open: Box::new(move |cursor| match WatchedJournal::open(asked.options(), cursor, waker.clone()) {
            Ok(journal) => Ok(Box::new(journal)),
            Err(error) if has_another_way(&error) => {
                let options = asked.through_journalctl(Some(error.to_string()));
                Ok(Box::new(Journalctl::new(options, cursor, waker.clone())))
            }
            Err(error) => Err(error),
        }),
    }
}

/// Whether journalctl may read what this program cannot: it may have rights, or be newer.
fn has_another_way(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported)
}

impl Asked {
    /// Where the journal is now: it may be made while this program waits for it.
    fn directory(&self) -> PathBuf {
        let made = || DIRECTORIES.into_iter().find(|directory| Path::new(directory).is_dir());
        self.directory.clone().unwrap_or_else(|| PathBuf::from(made().unwrap_or(DIRECTORIES[0])))
    }

    fn options(&self) -> WatchedJournalOptions {
        WatchedJournalOptions {
            directory: self.directory(),
            units: self.units.clone(),
            without_identifier: Some(OWN_IDENTIFIER.to_owned()),
            from_start: self.from_start,
            poll_only: self.poll_only,
        }
    }

    fn through_journalctl(&self, because: Option<String>) -> JournalctlOptions {
        let directory = self.directory.iter().map(|directory| {
            let mut argument = std::ffi::OsString::from("--directory=");
            argument.push(directory);
            argument
        });
        JournalctlOptions {
            program: PathBuf::from("journalctl"),
            arguments: directory
                .chain(self.units.iter().map(|unit| format!("--unit={unit}").into()))
                .collect(),
            from_start: self.from_start,
            without_identifier: Some(OWN_IDENTIFIER.to_owned()),
            because,
            stream: Arc::from(self.directory().to_string_lossy()),
        }
    }

    fn check(&self, waker: &Waker) -> Checked {
        let directory = self.directory();
        let units =
            if self.units.is_empty() { String::new() } else { format!(", units {}", self.units.join(", ")) };
        // As if it had been read to its end: nothing is searched for.
        let options = WatchedJournalOptions { from_start: false, poll_only: true, ..self.options() };
        match WatchedJournal::open(options, None, waker.clone()) {
            Ok(journal) => {
                let lasts = if directory.starts_with("/run") { ", gone with the next boot" } else { "" };
                let files = journal.open_files();
                let plural = if files == 1 { "" } else { "s" };
                Ok(format!("journal {} ({files} file{plural}{lasts}{units})", directory.display()))
            }
            Err(error) if has_another_way(&error) => match journalctl_reads(&self.through_journalctl(None)) {
                Ok(()) => Ok(format!("journal through journalctl ({error}{units})")),
                Err(_) => Err(format!("journal {error}; join group systemd-journal, or pipe: {PIPE}")),
            },
            Err(error) => Err(format!("journal {error}")),
        }
    }
}

const PIPE: &str = "sudo journalctl -f -o export | chiplog watch -";

/// Whether journalctl has an entry to show.
fn journalctl_reads(options: &JournalctlOptions) -> io::Result<()> {
    let output = Command::new(&options.program)
        .args(["--lines=1", "--output=export", "--no-pager", "--quiet"])
        .args(&options.arguments)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() && !output.stdout.is_empty() {
        return Ok(());
    }
    Err(io::Error::other(format!("journalctl shows nothing: {}", output.status)))
}
