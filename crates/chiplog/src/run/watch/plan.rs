//! From flags to sources.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chiplog_source::{FollowFrom, FollowOptions, FollowedFiles, Kmsg, KmsgOptions, Pipe, Source, Waker};
use rustix::fs::OFlags;

use super::journal;
use super::supervised::{Open, Supervised};
use crate::exit::Failure;
use crate::flags::{From, Watch};

/// A source that was asked for, not opened yet.
pub(super) struct Planned {
    pub(super) name: &'static str,
    pub(super) is_finite: bool,
    /// Says in a few words what there is to read now, or why nothing can be.
    pub(super) check: Box<dyn Fn() -> Vec<Checked>>,
    pub(super) open: Open,
}

/// The outcome of looking at one thing: what it is, and what there is of it or why not.
pub(super) type Checked = Result<String, String>;

impl Planned {
    pub(super) fn supervised(self, cursor: Option<serde_json::Value>) -> Supervised {
        Supervised::new(self.name, self.is_finite, cursor, self.open)
    }
}

/// All sources that the flags ask for.
pub(super) fn sources(flags: &Watch, waker: &Waker) -> Result<Vec<Planned>, Failure> {
    let mut planned = vec![];
    if flags.stdin.is_some() {
        planned.push(stdin(waker.clone()));
    }
    if let Some(options) = follow_options(flags) {
        planned.push(files(options, waker.clone())?);
    }
    if let Some(units) = &flags.journal {
        planned.push(journal::planned(flags, units, waker.clone()));
    }
    if let Some(device) = &flags.kmsg {
        planned.push(kmsg(device.clone(), flags.from, waker.clone()));
    }
    if planned.is_empty() {
        return Err(Failure::usage("nothing to watch")
            .with_hint("name sources: --file GLOB, --pods, --journal, --kmsg, or - for standard input"));
    }
    Ok(planned)
}

fn stdin(waker: Waker) -> Planned {
    Planned {
        name: "stdin",
        is_finite: true,
        check: Box::new(|| {
            vec![Ok("standard input (lines that were not saved when it ends are lost)".to_owned())]
        }),
        open: Box::new(move |cursor| {
            let pipe = Pipe::stdin(cursor, waker.clone())?;
            io::Result::Ok(Box::new(pipe) as Box<dyn Source>)
        }),
    }
}

/// What `--file` and `--pods` ask for.
fn follow_options(flags: &Watch) -> Option<FollowOptions> {
    let pods = flags.pods.iter().map(|prefix| format!("/var/log/pods/{prefix}*/*/*.log"));
    let globs: Vec<String> = flags.file.iter().cloned().chain(pods).collect();
    let mut options = FollowOptions::new("files", globs);
    options.poll_only = flags.poll;
    if flags.from == Some(From::End) {
        options.from = FollowFrom::End;
    }
    (!options.globs.is_empty()).then_some(options)
}

fn files(options: FollowOptions, waker: Waker) -> Result<Planned, Failure> {
    // A pattern that cannot be understood will not be by trying again.
    options.find().map_err(|error| Failure::usage(error.to_string()))?;
    let looked_for = options.clone();
    Ok(Planned {
        name: "files",
        is_finite: false,
        check: Box::new(move || check_files(&looked_for)),
        open: Box::new(move |cursor| {
            let files = FollowedFiles::new(options.clone(), cursor);
            let mut files = files.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            files.watch(waker.clone());
            Ok(Box::new(files))
        }),
    })
}

fn check_files(options: &FollowOptions) -> Vec<Checked> {
    let globs = options.globs.join(" ");
    match options.find() {
        Err(error) => vec![Err(error.to_string())],
        Ok(found) if found.is_empty() => vec![Ok(format!("{globs} (no file yet)"))],
        Ok(found) => {
            let all = found.len();
            let failed: Vec<Checked> = found
                .into_iter()
                .filter_map(|(path, result)| Some(Err(format!("{}: {}", path.display(), result.err()?))))
                .collect();
            let readable = all - failed.len();
            let plural = if readable == 1 { "" } else { "s" };
            std::iter::once(Ok(format!("{globs} ({readable} file{plural})"))).chain(failed).collect()
        }
    }
}

fn kmsg(device: PathBuf, from: Option<From>, waker: Waker) -> Planned {
    let looked_at = device.clone();
    Planned {
        name: "kmsg",
        is_finite: false,
        check: Box::new(move || {
            let name = looked_at.display();
            vec![match open_without_waiting(&looked_at) {
                Ok(_) => Ok(format!("{name} (kernel messages since the boot, as far as they are kept)")),
                Err(error) => {
                    Err(format!("{name}: {error}; it needs CAP_SYSLOG and a device that is not hidden"))
                }
            }]
        }),
        open: Box::new(move |cursor| {
            let mut options = KmsgOptions::of_this_machine(device.clone())?;
            options.from_start = from != Some(From::End);
            Ok(Box::new(Kmsg::new(options, cursor, waker.clone())))
        }),
    }
}

/// Opens what may be a pipe without a writer.
fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)
}
