//! The daemon: what it reads, keeps and says while it runs, and what a restart finds.

#![cfg(unix)]

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Ran, chiplog, run};

/// Long enough for a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);

/// A daemon that runs; killed when it is dropped.
struct Daemon {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines,
    stderr: Lines,
}

/// Lines as they come.
struct Lines {
    coming: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, coming) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines() {
                if !line.is_ok_and(|line| sender.send(line).is_ok()) {
                    break;
                }
            }
        });
        Self { coming, seen: vec![] }
    }

    /// Waits for a line that holds this text.
    fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let wait = deadline.saturating_duration_since(Instant::now());
            match self.coming.recv_timeout(wait) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with {text:?} in {:#?}", self.seen),
            }
        }
    }
}

impl Daemon {
    fn start<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let mut command = chiplog();
        Self::with(command.arg("watch").args(arguments))
    }

    fn with(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = Lines::of(child.stdout.take().expect("piped"));
        let stderr = Lines::of(child.stderr.take().expect("piped"));
        let stdin = child.stdin.take();
        Self { child, stdin, stdout, stderr }
    }

    /// The same, once it has taken over its signals and watches.
    fn ready<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let mut daemon = Self::start(arguments);
        daemon.stderr.wait_for("msg=\"watching ");
        daemon
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([name, &pid]).status().expect("kill runs");
        assert!(status.success());
    }

    fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn stop(&mut self) {
        self.signal("-TERM");
        assert_eq!(self.wait().code(), Some(0));
    }

    /// At once, without a word.
    fn kill(&mut self) {
        self.child.kill().expect("a child of ours");
        self.child.wait().expect("a child of ours");
    }

    fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("open");
        stdin.write_all(text.as_bytes()).expect("read by the daemon");
        stdin.flush().expect("a pipe");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A place for state and logs, gone after the test.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn state(&self) -> String {
        self.path("state").to_str().expect("UTF-8").to_owned()
    }

    fn show(&self) -> Ran {
        run(["state", "show", "--json", &self.state()])
    }

    /// Waits until the saved state is so.
    fn wait_until(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ran = self.show();
            if ran.exit == 0 {
                let report = serde_json::from_str(&ran.stdout).expect("JSON");
                if is_so(&report) {
                    return report;
                }
            }
            assert!(Instant::now() < deadline, "{}{}", ran.stdout, ran.stderr);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// How often a rule has matched, as saved.
fn hits(report: &Value, rule: &str) -> u64 {
    let rules = report["rules"].as_array().expect("a list");
    let rule = rules.iter().find(|known| known["rule_id"] == rule);
    rule.map_or(0, |rule| rule["hits"].as_u64().expect("a number"))
}

/// Lines read, as saved.
fn lines(report: &Value) -> u64 {
    let streams = report["streams"].as_array().expect("a list");
    streams.iter().map(|stream| stream["lines"].as_u64().expect("a number")).sum()
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo runs").success());
}

const RULE: &str = r#"
id = "disk-slow"
severity = "error"
title = "the disk is slow"
match = { contains = "disk is slow" }
window = { by = ["host"], span = "1m" }
open = "count >= 2"
close = "count == 0 for 5m"
"#;

const SLOW: &str = "2024-05-14T03:00:00Z w-07 app: the disk is slow\n";

#[test]
fn nothing_to_watch_is_a_usage_error() {
    let ran = run(["watch"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("--journal"), "{}", ran.stderr);
}

#[test]
fn standard_input_is_watched_to_its_end() {
    let place = Place::new();
    let mut daemon = Daemon::ready(["-", "--json", "--state", &place.state()]);
    daemon.write("2019-08-17 16:36:44.213626 W | wal: sync duration of 1.9s, expected less than 1s\n");
    daemon.stdout.wait_for(r#""rule_id":"etcd-slow-fsync""#);
    daemon.stdin = None;
    assert_eq!(daemon.wait().code(), Some(0));
    let report = place.wait_until(|_| true);
    assert_eq!((hits(&report, "etcd-slow-fsync"), lines(&report)), (1, 1));
    assert_eq!(report["schema"], "chiplog.state.v1");
    assert_eq!(report["findings"][0]["rule_id"], "etcd-slow-fsync");
    let text = run(["state", "show", &place.state()]).stdout;
    assert!(text.contains("rule     etcd-slow-fsync  1 hits\n"), "{text}");

    // A second run counts on.
    let mut daemon = Daemon::ready(["-", "--state", &place.state()]);
    daemon.write("2019-08-17 16:36:45.213626 W | wal: sync duration of 1.9s, expected less than 1s\n");
    daemon.stdin = None;
    assert_eq!(daemon.wait().code(), Some(0));
    let after = place.wait_until(|_| true);
    assert_eq!((hits(&after, "etcd-slow-fsync"), lines(&after)), (2, 2));
    assert_eq!(after["started_time"], report["started_time"]);
}

#[test]
fn sigterm_saves_and_a_quiet_daemon_ends() {
    for signal in ["-TERM", "-INT"] {
        let place = Place::new();
        let mut daemon = Daemon::ready(["-", "--state", &place.state(), "--checkpoint-interval", "1h"]);
        daemon.signal(signal);
        assert_eq!(daemon.wait().code(), Some(0));
        assert_eq!(lines(&place.wait_until(|_| true)), 0);
    }
}

#[test]
fn without_a_state_it_says_so() {
    let mut daemon = Daemon::start(["-"]);
    daemon.stderr.wait_for("no --state");
    daemon.stderr.wait_for("watching stdin");
    daemon.stop();
}

#[test]
fn the_state_directory_is_that_of_the_service_manager() {
    let place = Place::new();
    let mut command = chiplog();
    command.args(["watch", "-"]).env("STATE_DIRECTORY", place.state()).env("XDG_STATE_HOME", "/nowhere");
    let mut daemon = Daemon::with(&mut command);
    daemon.stdin = None;
    assert_eq!(daemon.wait().code(), Some(0));
    assert_eq!(place.show().exit, 0);
}

#[test]
fn the_service_manager_is_told() {
    let place = Place::new();
    let manager = UnixDatagram::bind(place.path("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut buffer = [0; 256];
        loop {
            let length = manager.recv(&mut buffer).expect("told in time");
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if !text.starts_with("STATUS=") && text != "WATCHDOG=1" {
                return text;
            }
        }
    };
    let mut command = chiplog();
    command.args(["watch", "-"]).env("NOTIFY_SOCKET", place.path("notify")).env("WATCHDOG_USEC", "2000");
    let mut daemon = Daemon::with(&mut command);
    assert_eq!(told(), "READY=1");
    daemon.signal("-HUP");
    assert_eq!(told(), "RELOADING=1");
    assert_eq!(told(), "READY=1");
    daemon.stop();
    assert_eq!(told(), "STOPPING=1");
}

#[test]
fn a_state_directory_has_one_daemon() {
    let place = Place::new();
    let mut first = Daemon::ready(["-", "--state", &place.state()]);
    let second = run(["watch", "-", "--state", &place.state()]);
    assert_eq!(second.exit, 2);
    assert!(second.stderr.contains("used by another chiplog"), "{}", second.stderr);
    // Its state can be read all the same.
    place.show();
    first.kill();
    let mut third = Daemon::ready(["-", "--state", &place.state()]);
    third.stop();
}

#[test]
fn the_kernels_messages_are_read_from_what_stands_for_the_device() {
    let place = Place::new();
    let device = place.path("kmsg");
    mkfifo(&device);
    let mut daemon =
        Daemon::ready([&format!("--kmsg={}", device.display()), "--json", "--state", &place.state()]);
    let mut kernel = OpenOptions::new().write(true).open(&device).unwrap();
    let line = "Memory cgroup out of memory: Killed process 4321 (flanneld) total-vm:1265260kB, \
                anon-rss:48944kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:204kB oom_score_adj:999";
    write!(kernel, "3,7,1000000,-;{line}\n SUBSYSTEM=x\n").unwrap();
    daemon.stdout.wait_for("oom");
    writeln!(kernel, "6,9,2000000,-;quiet").unwrap();
    daemon.stderr.wait_for("1 lines of");
    daemon.stop();
    let report = place.wait_until(|_| true);
    assert_eq!(report["losses"][0]["reason"], "overwritten");
    assert_eq!(report["losses"][0]["lines"], 1);
    assert_eq!(report["sources"][0]["cursor"]["sequence"], 9);
}

#[test]
fn a_source_that_fails_does_not_stop_the_others() {
    let place = Place::new();
    let missing = format!("--kmsg={}", place.path("nothing").display());
    let mut daemon = Daemon::start(["-", &missing, "--json", "--state", &place.state()]);
    daemon.stderr.wait_for("source=kmsg");
    daemon.write("2019-08-17 16:36:44.213626 W | wal: sync duration of 1.9s, expected less than 1s\n");
    daemon.stdout.wait_for(r#""rule_id":"etcd-slow-fsync""#);
    // It comes back when there is something to read.
    mkfifo(&place.path("nothing"));
    let mut kernel = OpenOptions::new().write(true).open(place.path("nothing")).unwrap();
    kernel.write_all(b"6,1,1,-;it is here\n").unwrap();
    daemon.stderr.wait_for("reading again after");
    daemon.stop();
}

#[test]
fn check_says_what_would_be_read_and_why_not() {
    let place = Place::new();
    let fine = run(["watch", "-", "--check", "--state", &place.state()]);
    assert_eq!((fine.exit, fine.stderr.as_str()), (0, ""));
    assert!(fine.stdout.starts_with("ok    standard input"), "{}", fine.stdout);
    assert!(fine.stdout.contains(" rules, 0 warnings; state in "), "{}", fine.stdout);
    assert!(!place.path("state").exists(), "a check writes nothing");

    File::create(place.path("occupied")).unwrap();
    let device = format!("--kmsg={}", place.path("nothing").display());
    let state = place.path("occupied/state").display().to_string();
    let failing = run(["watch", "-", &device, "--check", "--state", &state]);
    assert_eq!(failing.exit, 3);
    assert_eq!(
        failing.stdout.lines().filter(|line| line.starts_with("FAIL  ")).count(),
        2,
        "{}",
        failing.stdout
    );
}

#[test]
fn rules_are_read_again_and_wrong_ones_are_refused() {
    let place = Place::new();
    let rules = place.path("rules.toml");
    fs::write(&rules, RULE).unwrap();
    let arguments = ["-", "--no-builtin", "--rules", rules.to_str().unwrap(), "--state", &place.state()];
    let mut daemon = Daemon::ready(arguments.into_iter().chain(["--json", "--checkpoint-interval", "10ms"]));
    daemon.write(SLOW);
    place.wait_until(|report| hits(report, "disk-slow") == 1);

    fs::write(&rules, "id = 7").unwrap();
    daemon.signal("-HUP");
    daemon.stderr.wait_for("rules.toml");
    daemon.stderr.wait_for("those of before are kept");

    // A window goes on over a reload that leaves its rule as it was.
    let second = RULE.replace("disk-slow", "net-slow").replace("disk is slow", "net is slow");
    let both = [RULE, &second].map(|rule| rule.replace("\nid =", "[[rule]]\nid ="));
    fs::write(&rules, both.concat()).unwrap();
    daemon.signal("-HUP");
    daemon.stderr.wait_for("rules: 1 kept, 0 changed, 1 added, 0 removed");
    daemon.write(SLOW);
    daemon.stdout.wait_for(r#""rule_id":"disk-slow""#);
    place.wait_until(|report| hits(report, "disk-slow") == 2);
    daemon.stop();
}

#[test]
fn a_damaged_state_is_put_aside_and_another_version_is_refused() {
    let place = Place::new();
    let started = |report: &Value| report["started_time"].as_str().unwrap().to_owned();
    Daemon::ready(["-", "--state", &place.state()]).stop();
    let first = started(&place.wait_until(|_| true));
    let (file, previous) = (place.path("state/state.chiplog"), place.path("state/state.chiplog.1"));
    let damage = |file: &Path| {
        let mut bytes = fs::read(file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(file, &bytes).unwrap();
        bytes
    };
    damage(&file);
    assert_eq!(started(&place.wait_until(|_| true)), first, "of the one before");
    let mut daemon = Daemon::start(["-", "--state", &place.state()]);
    daemon.stderr.wait_for("going on from the one saved before it");
    daemon.stderr.wait_for("watching");
    daemon.stop();
    assert_eq!(started(&place.wait_until(|_| true)), first);

    damage(&previous);
    let mut bytes = damage(&file);
    assert_eq!(place.show().exit, 3);
    let mut daemon = Daemon::start(["-", "--state", &place.state()]);
    daemon.stderr.wait_for("the state is damaged; starting anew");
    daemon.stderr.wait_for("watching");
    daemon.stop();
    assert_eq!(fs::read(place.path("state/state.chiplog.damaged")).unwrap(), bytes);
    assert_ne!(started(&place.wait_until(|_| true)), first);

    bytes[8] = 99;
    fs::write(&file, &bytes).unwrap();
    let ran = run(["watch", "-", "--state", &place.state()]);
    assert_eq!(ran.exit, 2);
    assert!(ran.stderr.contains("another version"), "{}", ran.stderr);
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

#[test]
fn nothing_saved_is_said() {
    let place = Place::new();
    let ran = place.show();
    assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""));
    assert!(ran.stderr.contains("there is no state in"), "{}", ran.stderr);
}

/// The unit files name flags that the program has, and systemd takes them where it is at hand.
#[test]
fn the_unit_files_are_right() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let read = |name: &str| fs::read_to_string(packaging.join(name)).expect(name);
    let unit = read("chiplog.service");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/chiplog ")).unwrap();
    let mut drop_ins = vec![];
    for entry in fs::read_dir(packaging.join("chiplog.service.d")).unwrap() {
        drop_ins.push(format!("chiplog.service.d/{}", entry.unwrap().file_name().to_string_lossy()));
    }
    drop_ins.sort();
    let mut command = command.to_owned();
    for drop_in in &drop_ins {
        let text = read(drop_in);
        let set = text.lines().find_map(|line| line.strip_prefix("Environment=")).expect(drop_in);
        let (variable, value) = set.split_once('=').unwrap();
        assert!(unit.contains(&format!("{variable}=")), "{drop_in}: unset without it");
        command = command.replace(&format!("${variable}"), value);
    }
    assert!(!command.contains('$'), "{command}");
    let ran = run(command.split_whitespace().chain(["--check"]));
    assert!(matches!(ran.exit, 0 | 3), "{command}: {}", ran.stderr);

    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else { return };
    assert!(version.status.success());
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("chiplog.service.d")).unwrap();
    for name in drop_ins.iter().map(String::as_str).chain(["chiplog.service"]) {
        // Its program has to exist.
        let text = read(name).replace("/usr/bin/chiplog", env!("CARGO_BIN_EXE_chiplog"));
        fs::write(directory.path().join(name), text).unwrap();
    }
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(directory.path().join("chiplog.service"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success() && said.is_empty(), "{said}");
}

/// An entry of a journal as an export stream has it.
fn entry(number: u64) -> String {
    let (realtime, monotonic) = (1_566_059_804_213_626 + number * 1_000_000, number * 1_000_000);
    let line = "2019-08-17 16:36:44.213626 W | wal: sync duration of 1.9s, expected less than 1s";
    format!(
        "__CURSOR=s=b2b279239c7a4ac8888e089643ca1268;i={number:x}\n__REALTIME_TIMESTAMP={realtime}\n\
         __MONOTONIC_TIMESTAMP={monotonic}\n_BOOT_ID=3493c43eae04496f971f1d562315e7c4\n_HOSTNAME=w-07\n\
         SYSLOG_IDENTIFIER=etcd\n_SYSTEMD_UNIT=etcd.service\nPRIORITY=6\nMESSAGE={line}\n\n"
    )
}

/// Where the journal cannot be read, journalctl may be able to: here one that knows two entries.
#[test]
fn a_journal_that_cannot_be_read_is_read_through_journalctl() {
    let place = Place::new();
    let directory = place.path("journal");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("system.journal"), "of a form that nobody knows").unwrap();
    let bin = place.path("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(place.path("entries"), entry(1) + &entry(2)).unwrap();
    let entries = place.path("entries");
    // Behind a cursor there is nothing; after its entries it ends, as a journalctl that was killed.
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--after-cursor*) exec sleep 1000;; esac\ncat {}\n",
        entries.display()
    );
    let program = bin.join("journalctl");
    fs::write(&program, script).unwrap();
    let status = Command::new("chmod").arg("+x").arg(&program).status().unwrap();
    assert!(status.success());
    let paths = std::env::var("PATH").unwrap();
    let start = || {
        let mut command = chiplog();
        command.env("PATH", format!("{}:{paths}", bin.display())).args(["watch", "--journal", "--json"]);
        command.arg("--journal-dir").arg(&directory).args(["--state", &place.state()]);
        command.args(["--checkpoint-interval", "10ms"]);
        command
    };
    let checked = start().arg("--check").output().unwrap();
    let checked = Ran::from(checked);
    assert_eq!(checked.exit, 0, "{}", checked.stdout);
    assert!(checked.stdout.starts_with("ok    journal through journalctl ("), "{}", checked.stdout);

    let mut daemon = Daemon::with(&mut start());
    daemon.stderr.wait_for("it is read through journalctl");
    daemon.stdout.wait_for(r#""rule_id":"etcd-slow-fsync""#);
    daemon.stderr.wait_for("journalctl ended");
    let report = place.wait_until(|report| hits(report, "etcd-slow-fsync") == 2);
    let after = report["sources"][0]["cursor"]["after"].as_str().unwrap();
    assert_eq!(after, "s=b2b279239c7a4ac8888e089643ca1268;i=2");
    daemon.kill();
    let mut daemon = Daemon::with(&mut start());
    daemon.stderr.wait_for("watching journal");
    daemon.stop();
    assert_eq!(hits(&place.wait_until(|_| true), "etcd-slow-fsync"), 2);
}

/// With the program of systemd that writes journals, where there is one.
#[test]
fn a_journal_is_read_while_it_is_written_and_each_entry_counts_once() {
    let writer = Path::new("/lib/systemd/systemd-journal-remote");
    if !writer.exists() {
        return;
    }
    let place = Place::new();
    let directory = place.path("journal");
    fs::create_dir(&directory).unwrap();
    let mut writer = Command::new(writer)
        .args(["--split-mode=none", "-"])
        .arg(format!("--output={}", directory.join("remote.journal").display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut journal = writer.stdin.take().unwrap();
    let mut write = |numbers: std::ops::RangeInclusive<u64>| {
        for number in numbers {
            journal.write_all(entry(number).as_bytes()).unwrap();
        }
    };
    let directory = directory.to_str().unwrap().to_owned();
    let state = place.state();
    let arguments =
        ["--journal", "--journal-dir", &directory, "--json", "--from", "start", "--state", &state];
    let mut daemon = Daemon::ready(arguments.into_iter().chain(["--checkpoint-interval", "10ms"]));
    write(1..=2);
    place.wait_until(|report| hits(report, "etcd-slow-fsync") == 2);
    write(3..=4);
    daemon.kill();
    write(5..=5);
    let mut daemon = Daemon::ready(arguments);
    write(6..=6);
    drop(journal);
    assert!(writer.wait().unwrap().success());
    let deadline = Instant::now() + PATIENCE;
    loop {
        daemon.signal("-HUP");
        daemon.stderr.wait_for("rules: ");
        let report: Value = serde_json::from_str(&place.show().stdout).unwrap();
        let counted = hits(&report, "etcd-slow-fsync");
        assert!(counted <= 6 && Instant::now() < deadline, "{counted}");
        if counted == 6 {
            break;
        }
    }
    daemon.stop();
    let report = place.wait_until(|_| true);
    assert_eq!((hits(&report, "etcd-slow-fsync"), lines(&report)), (6, 6));
    assert_eq!(report["losses"], Value::Array(vec![]));
}

/// Appends to a file, as one write.
fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
    file.write_all(text.as_bytes()).expect("a file");
}

/// A line of the rule [`RULE`] at a second of the day.
fn slow_at(second: u64) -> String {
    format!("2024-05-14T03:{:02}:{:02}Z w-07 app: the disk is slow\n", second / 60, second % 60)
}

#[test]
fn a_finding_is_printed_for_lines_that_are_appended() {
    for poll in [None, Some("--poll")] {
        let place = Place::new();
        let glob = place.path("*.log").display().to_string();
        append(&place.path("a.log"), "2019-08-17 16:36:44.213626 I | wal: quiet\n");
        let mut daemon = Daemon::ready(["--file", &glob, "--json"].into_iter().chain(poll));
        append(
            &place.path("a.log"),
            "2019-08-17 16:36:45.213626 W | wal: sync duration of 1.9s, expected less than 1s\n",
        );
        let opened = daemon.stdout.wait_for(r#""rule_id":"etcd-slow-fsync""#);
        assert!(opened.contains("a.log"), "{opened}");
        // A file that was not there before.
        append(
            &place.path("b.log"),
            "2019-08-17 16:36:45.213626 W | wal: sync duration of 1.9s, expected less than 1s\n",
        );
        daemon.stdout.wait_for("b.log");
        daemon.stop();
    }
}

/// Lines are written and files rotated while the daemon is killed again and again.
#[test]
fn each_line_counts_once_over_kills_and_rotations() {
    let place = Place::new();
    let rules = place.path("rules.toml");
    fs::write(&rules, RULE).unwrap();
    let (log, glob) = (place.path("app.log"), place.path("app.log").display().to_string());
    let state = place.state();
    let arguments = ["--file", &glob, "--no-builtin", "--rules", rules.to_str().unwrap()];
    let arguments = arguments.into_iter().chain(["--state", &state, "--checkpoint-interval", "10ms"]);
    let mut written = 0;
    let mut write = |lines: u64| {
        for _ in 0..lines {
            append(&log, &slow_at(written));
            written += 1;
        }
        written
    };
    for round in 0..5 {
        let mut daemon = Daemon::ready(arguments.clone());
        let expected = write(20);
        if round % 2 == 0 {
            place.wait_until(|report| hits(report, "disk-slow") == expected);
        }
        write(7);
        daemon.kill();
        write(5);
        fs::rename(&log, place.path(&format!("app.log.{}", 5 - round))).unwrap();
        write(3);
    }
    let mut daemon = Daemon::ready(arguments);
    let expected = write(1);
    let report = place.wait_until(|report| hits(report, "disk-slow") >= expected);
    daemon.stop();
    assert_eq!((hits(&report, "disk-slow"), lines(&report)), (expected, expected));
    assert_eq!(report["losses"], Value::Array(vec![]));
}
