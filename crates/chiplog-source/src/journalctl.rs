//! A journal through `journalctl`, where its files cannot be opened.

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use chiplog_parse::journal_entry;
use serde_json::{Value, json};

use crate::pump::{Outlet, Pump, Pumped};
use crate::{Block, Delivery, ExportReader, Limits, Readiness, Source, Stream, Waker};

/// Blocks that may wait between the child and the owner.
const WAITING_AT_MOST: usize = 16;

/// Bytes handed over in one poll, about.
const POLL_BYTES: usize = 1 << 20;

/// Bytes of a message of the child that are told.
const COMPLAINT_BYTES: u64 = 4 << 10;

/// How `journalctl` is started.
#[derive(Clone, Debug)]
pub struct JournalctlOptions {
    /// The program: `journalctl`.
    pub program: PathBuf,
    /// What follows its own arguments: `--directory=DIR`, matches.
    pub arguments: Vec<OsString>,
    /// Whether to begin with the oldest entry, where no cursor says where to begin.
    pub from_start: bool,
    /// Entries of this `SYSLOG_IDENTIFIER` are left out: those of a daemon that reports on the journal
    /// into the journal.
    pub without_identifier: Option<String>,
    /// Why the files are not read themselves: told once.
    pub because: Option<String>,
    /// The name of the stream.
    pub stream: Arc<str>,
}

/// A child process `journalctl --follow --output=export` as a [`Source`].
///
/// The cursor is `{"after":..,"offset":N}` with the journal's own text for a place; a child that ends
/// is started again behind it by the next poll.
pub struct Journalctl {
    options: JournalctlOptions,
    waker: Waker,
    stream: Stream,
    running: Option<Running>,
    after: Option<String>,
    offset: u64,
}

struct Running {
    child: Child,
    items: Pump<io::Result<Item>>,
    complaint: JoinHandle<String>,
}

/// Entries, and the place behind them.
struct Item {
    block: Block,
    after: Option<String>,
    /// Damaged places so far.
    damaged: u64,
}

impl Journalctl {
    /// A reader that goes on from a cursor. Nothing is started before the first poll.
    #[must_use]
    pub fn new(options: JournalctlOptions, cursor: Option<&Value>, waker: Waker) -> Journalctl {
        let after = cursor.and_then(|cursor| cursor["after"].as_str()).map(str::to_owned);
        let offset = cursor.and_then(|cursor| cursor["offset"].as_u64()).unwrap_or(0);
        let stream = Stream { name: Arc::clone(&options.stream), modified_unix_nanos: None };
        Journalctl { options, waker, stream, running: None, after, offset }
    }

    /// Takes out the entries that are not wanted.
    fn leave_out(&self, block: &mut Block) {
        let Some(unwanted) = self.options.without_identifier.as_deref().map(str::as_bytes) else { return };
        let is_wanted = |line: &&[u8]| {
            let entry = journal_entry::parse(line.strip_suffix(b"\n").unwrap_or(line));
            entry.map_or(true, |entry| entry.identifier != Some(unwanted))
        };
        if !block.bytes.split_inclusive(|byte| *byte == b'\n').all(|line| is_wanted(&line)) {
            let lines = block.bytes.split_inclusive(|byte| *byte == b'\n');
            block.bytes = lines.filter(is_wanted).collect::<Vec<_>>().concat();
            // A line that was cut stands last, without LF.
            if block.bytes.last().is_none_or(|last| *last == b'\n') {
                block.cut_bytes = 0;
            }
        }
    }

    fn start(&self) -> io::Result<Running> {
        let mut command = Command::new(&self.options.program);
        command.args(["--follow", "--output=export", "--no-pager", "--quiet"]);
        match &self.after {
            // Without --no-tail, --follow would leave out all but the last ten.
            Some(after) => command.args(["--no-tail".to_owned(), format!("--after-cursor={after}")]),
            None if self.options.from_start => command.arg("--no-tail"),
            None => command.arg("--lines=0"),
        };
        command.args(&self.options.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        let complaint = std::thread::Builder::new().name("journalctl-errors".to_owned());
        let running = complaint.spawn(move || last_line(stderr)).and_then(|complaint| {
            let items = Pump::start("journalctl", WAITING_AT_MOST, self.waker.clone(), move |outlet| {
                read_entries(stdout, outlet);
            })?;
            Ok((items, complaint))
        });
        match running {
            Ok((items, complaint)) => Ok(Running { child, items, complaint }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }
}

impl Source for Journalctl {
    fn name(&self) -> &str {
        "journal"
    }

    fn poll(&mut self, sink: &mut dyn FnMut(Delivery<'_>)) -> io::Result<Readiness> {
        if let Some(why) = self.options.because.take() {
            sink(Delivery::Warning(format!("{why}; it is read through journalctl")));
        }
        let running = match self.running.take() {
            Some(running) => running,
            None => self.start().map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", self.options.program.display()))
            })?,
        };
        let mut taken = 0;
        while taken < POLL_BYTES {
            match running.items.take() {
                Pumped::Item(Ok(Item { mut block, after, damaged })) => {
                    if damaged > 0 {
                        let name = &self.stream.name;
                        sink(Delivery::Warning(format!("{name}: entries that cannot be read: {damaged}")));
                    }
                    self.after = after.or(self.after.take());
                    taken += block.bytes.len();
                    self.leave_out(&mut block);
                    if block.bytes.is_empty() {
                        continue;
                    }
                    block.offset = self.offset;
                    self.offset = block.end_offset();
                    sink(Delivery::Lines { stream: &self.stream, block });
                }
                Pumped::Item(Err(error)) => return Err(running.ended(Some(error))),
                Pumped::Nothing => {
                    self.running = Some(running);
                    return Ok(Readiness::Idle);
                }
                Pumped::Ended => return Err(running.ended(None)),
            }
        }
        self.running = Some(running);
        Ok(Readiness::More)
    }

    fn cursor(&self) -> Value {
        json!({ "after": self.after, "offset": self.offset })
    }
}

impl Drop for Journalctl {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.ended(None);
        }
    }
}

impl Running {
    /// Sees to it that the child has ended, and says why it has.
    fn ended(mut self, error: Option<io::Error>) -> io::Error {
        // It may have closed its output and live on.
        let _ = self.child.kill();
        let status = self.child.wait();
        if let Some(error) = error {
            return error;
        }
        let complaint = self.complaint.join().unwrap_or_default();
        match status {
            Err(error) => error,
            Ok(status) if complaint.is_empty() => io::Error::other(format!("journalctl ended: {status}")),
            Ok(status) => io::Error::other(format!("journalctl ended: {status}: {complaint}")),
        }
    }
}

fn read_entries(stdout: impl Read, outlet: &Outlet<io::Result<Item>>) {
    let mut reader = ExportReader::live(stdout, Limits::default());
    let mut damaged_before = 0;
    while let Some(block) = reader.next_block().transpose() {
        let places = reader.damage().places;
        let item = block.map(|block| Item {
            block,
            after: reader.cursor().map(str::to_owned),
            damaged: places - damaged_before,
        });
        damaged_before = places;
        let has_failed = item.is_err();
        if outlet.put(item).is_err() || has_failed {
            break;
        }
    }
}

/// The last line that is not empty, of as much as need be read.
fn last_line(pipe: impl Read) -> String {
    let mut last = String::new();
    let mut reader = BufReader::new(pipe);
    loop {
        let mut line = Vec::new();
        match reader.by_ref().take(COMPLAINT_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return last,
            Ok(_) => {
                let line = String::from_utf8_lossy(line.trim_ascii());
                if !line.is_empty() {
                    last = line.into_owned();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::Wakings;

    /// A program that writes its arguments to a file, then does what `script` says.
    fn fake(directory: &Path, script: &str) -> JournalctlOptions {
        let program = directory.join("journalctl");
        let text = format!("#!/bin/sh\necho \"$@\" >> {}/arguments\n{script}\n", directory.display());
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        JournalctlOptions {
            program,
            arguments: vec!["_PID=1".into()],
            from_start: false,
            without_identifier: Some("chiplog".to_owned()),
            because: None,
            stream: Arc::from("journal"),
        }
    }

    /// Polls until it fails; gives the messages and the error.
    fn run(source: &mut Journalctl, wakings: &Wakings) -> (Vec<String>, String) {
        let mut messages = vec![];
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let polled = source.poll(&mut |delivery| {
                if let Delivery::Lines { block, .. } = delivery {
                    for line in chiplog_parse::lines(&block.bytes) {
                        let entry = chiplog_parse::journal_entry::parse(line).unwrap();
                        messages.push(String::from_utf8(entry.message.decode().into_owned()).unwrap());
                    }
                }
            });
            match polled {
                // A script that another test's child still holds open for writing cannot be run yet.
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {}
                Err(error) => return (messages, error.to_string()),
                Ok(_) => wakings.wait(Duration::from_secs(60)),
            }
            assert!(Instant::now() < deadline);
        }
    }

    #[test]
    fn a_child_that_ends_is_started_again_behind_its_last_entry() {
        let directory = tempfile::tempdir().unwrap();
        let script = "printf '__CURSOR=s=1;i=1\\nMESSAGE=one\\n\\n\
            __CURSOR=s=1;i=2\\nMESSAGE=two\\n\\n__CURSOR=s=1;i=3\\nSYSLOG_IDENTIFIER=chiplog\\nMESSAGE=own\\n\\n'\n\
            echo gone >&2\nexit 3";
        let (waker, wakings) = Wakings::new();
        let mut source = Journalctl::new(fake(directory.path(), script), None, waker.clone());
        let (messages, error) = run(&mut source, &wakings);
        assert_eq!(messages, ["one", "two"]);
        assert!(error.contains("gone"), "{error}");
        assert_eq!(source.cursor()["after"], "s=1;i=3");
        let offset = source.cursor()["offset"].as_u64().unwrap();
        assert!(offset > 0);

        run(&mut source, &wakings);
        let cursor = source.cursor();
        assert_eq!(cursor["offset"], 2 * offset);
        drop(source);
        run(&mut Journalctl::new(fake(directory.path(), "exit 1"), Some(&cursor), waker), &wakings);
        let arguments = fs::read_to_string(directory.path().join("arguments")).unwrap();
        let arguments: Vec<&str> = arguments.lines().collect();
        let common = "--follow --output=export --no-pager --quiet";
        assert_eq!(arguments[0], format!("{common} --lines=0 _PID=1"));
        for again in &arguments[1..] {
            assert_eq!(*again, format!("{common} --no-tail --after-cursor=s=1;i=3 _PID=1"));
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let mut options = fake(directory.path(), "");
        options.program = directory.path().join("nothing");
        let (waker, wakings) = Wakings::new();
        let (_, error) = run(&mut Journalctl::new(options, None, waker), &wakings);
        assert!(error.contains("nothing: "), "{error}");
    }

    #[test]
    fn a_child_is_ended_with_its_source() {
        let directory = tempfile::tempdir().unwrap();
        let script = "printf '__CURSOR=c\\nMESSAGE=one\\n\\n'\nexec sleep 1000";
        let (waker, wakings) = Wakings::new();
        let mut source = Journalctl::new(fake(directory.path(), script), None, waker);
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut blocks = 0;
        while blocks == 0 && Instant::now() < deadline {
            match source.poll(&mut |_| blocks += 1) {
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::ExecutableFileBusy),
                Ok(_) => wakings.wait(Duration::from_millis(100)),
            }
        }
        assert_eq!(blocks, 1);
        // Would wait for the child if it were not ended.
        drop(source);
    }
}
