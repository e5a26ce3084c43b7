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

#[test]
fn a_scan_that_is_interrupted_says_so_with_130() {
    let mut child = spawn(&["scan", "--format", "json", "-"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"E0305 06:07:08.120034 42 kubelet.go:1] \"failed\"\n").unwrap();
    wait_for_handler(&child);
    signal(&child, "-INT");
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(stdout.ends_with("\"interrupted\":true}\n"), "{stdout}");
    drop(stdin);
}

/// Lines come one at a time and input stays open, as from `journalctl -f`.
#[test]
fn a_finding_is_reported_while_the_stream_goes_on() {
    let mut child = spawn(&["--json", "--year", "2024"]);
    let mut stdin = child.stdin.take().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in stdout.lines() {
            if sender.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    for second in 0..3 {
        let line = format!(
            "E0514 03:00:0{second}.000001 2309 kubelet.go:1] skipping pod synchronization - [PLEG is not healthy: \
             pleg was last seen active 2m5{second}s ago; threshold is 3m0s]\n"
        );
        assert!(receiver.try_recv().is_err(), "nothing opens before the third line");
        stdin.write_all(line.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }
    let opened =
        receiver.recv_timeout(std::time::Duration::from_secs(120)).expect("opens while input is open");
    assert!(opened.contains(r#""state":"open","rule_id":"kubelet-pleg-not-healthy""#), "{opened}");
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    reader.join().unwrap();
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
