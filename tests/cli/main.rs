//! The program as its users meet it: arguments and bytes in, bytes and an exit code out.

mod archives;
mod bad_input;
mod chains;
mod corpora;
mod finding;
mod help;
mod incidents;
mod journals;
mod licences;
mod parsing;
mod pipes;
mod readme;
mod rule_commands;
mod watch;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run of the program left behind.
struct Ran {
    exit: i32,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code().expect("not ended by a signal"),
            stdout: String::from_utf8(output.stdout).expect("output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        }
    }
}

/// The program, away from the environment of whoever runs the tests.
fn chiplog() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chiplog"));
    let variables = ["NO_COLOR", "CLICOLOR_FORCE", "TERM", "LC_ALL", "LC_CTYPE", "LANG", "COLUMNS"];
    let of_services = ["STATE_DIRECTORY", "XDG_STATE_HOME", "NOTIFY_SOCKET", "WATCHDOG_USEC"];
    for variable in variables.into_iter().chain(of_services) {
        command.env_remove(variable);
    }
    command
}

/// Runs the program with nothing on standard input.
fn run<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    run_with(arguments, b"")
}

/// Runs the program with these bytes on standard input, through a pipe.
fn run_with<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>, stdin: &[u8]) -> Ran {
    let mut child = chiplog()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("piped");
    let bytes = stdin.to_vec();
    // From a thread of its own: the program may print before it has read everything.
    let writer = std::thread::spawn(move || {
        // A program that ends early closes the pipe.
        let _ = pipe.write_all(&bytes);
    });
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer does not panic");
    output.into()
}

/// A directory with files, gone after the test.
struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).expect("a file");
        }
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Compares with a file of `tests/snapshots`. With UPDATE_SNAPSHOTS=1 in the environment, writes
/// the file instead.
fn assert_snapshot(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        std::fs::write(&path, actual).expect("the snapshot can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{name} differs; UPDATE_SNAPSHOTS=1 rewrites it.\n{actual}");
}
