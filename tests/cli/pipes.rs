//! Pipes that close, and signals.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use crate::chiplog;

fn spawn(arguments: &[&str]) -> Child {
    chiplog()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success());
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let mut child = spawn(&["parse", "-"]);
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for _ in 0..200_000 {
            if stdin.write_all(b"E0305 06:07:08.120034 42 kubelet.go:1] \"failed\"\n").is_err() {
                break;
            }
        }
    });
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(stderr, "");
    writer.join().unwrap();
}

#[test]
fn a_quiet_stream_stops_on_a_signal_with_0() {
    for name in ["-INT", "-TERM"] {
        let mut child = spawn(&["--json"]);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"E0305 06:07:08.120034 42 kubelet.go:1] \"failed\"\n").unwrap();
        wait_for_handler(&child);
        signal(&child, name);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{name}");
        drop(stdin);
    }
}

/// Waits until the program has taken over its signals, as the system shows it.
fn wait_for_handler(child: &Child) {
    let path = format!("/proc/{}/status", child.id());
    for _ in 0..1_000 {
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let caught =
            status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim().to_owned();
        // Bit 14 is SIGTERM, registered after SIGINT.
        if u64::from_str_radix(&caught, 16).is_ok_and(|mask| mask & (1 << 14) != 0) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
