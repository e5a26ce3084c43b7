//! Followed files from outside, with the clock and the events of the system.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use chiplog_source::{Delivery, FollowOptions, FollowedFiles, Source, Wakings};

/// Long enough for a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Polls when woken, or as often as said, until this text has come.
fn wait_for(files: &mut FollowedFiles, wakings: &Wakings, at_most: Duration, expected: &str) {
    let deadline = Instant::now() + PATIENCE;
    let mut text = String::new();
    while text != expected {
        assert!(Instant::now() < deadline, "{text:?} instead of {expected:?}");
        files
            .poll(&mut |delivery| {
                if let Delivery::Lines { block, .. } = delivery {
                    text.push_str(&String::from_utf8_lossy(&block.bytes));
                }
            })
            .unwrap();
        if text != expected {
            wakings.wait(at_most);
        }
    }
}

fn check(options: FollowOptions, directory: &Path, at_most: Duration) {
    let (waker, wakings) = Wakings::new();
    let mut files = FollowedFiles::new(options, None).unwrap();
    files.watch(waker);
    let log = directory.join("pod/app.log");
    append(&log, "one\n");
    wait_for(&mut files, &wakings, at_most, "one\n");
    append(&log, "two\n");
    wait_for(&mut files, &wakings, at_most, "two\n");
    fs::rename(&log, directory.join("pod/app.log.1")).unwrap();
    append(&log, "three\n");
    wait_for(&mut files, &wakings, at_most, "three\n");
    // A directory that was not there before.
    fs::create_dir(directory.join("another")).unwrap();
    append(&directory.join("another/app.log"), "four\n");
    wait_for(&mut files, &wakings, at_most, "four\n");
    append(&directory.join("another/app.log"), "five\n");
    wait_for(&mut files, &wakings, at_most, "five\n");
}

fn options(directory: &Path) -> FollowOptions {
    fs::create_dir(directory.join("pod")).unwrap();
    FollowOptions::new("files", vec![format!("{}/*/*.log", directory.display())])
}

#[test]
fn the_system_tells_of_changes() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(directory.path());
    // Nothing is looked at unless the system says so, after the first time.
    options.poll = Duration::from_secs(3600);
    check(options, directory.path(), Duration::from_millis(100));
}

#[test]
fn changes_are_found_by_looking() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(directory.path());
    options.poll_only = true;
    options.poll = Duration::from_millis(10);
    check(options, directory.path(), Duration::from_millis(10));
}

#[test]
fn what_is_found_before_it_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path());
    append(&directory.path().join("pod/app.log"), "one\n");
    append(&directory.path().join("pod/app.log.1"), "old\n");
    std::os::unix::fs::symlink("loop.log", directory.path().join("pod/loop.log")).unwrap();
    let found = options.find().unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|(path, opened)| (path.file_name().unwrap().to_str().unwrap(), opened.is_ok()))
        .collect();
    assert_eq!(found, [("app.log", true), ("loop.log", false)]);
}
