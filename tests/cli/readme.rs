//! What README.md tells its readers to type does what it shows.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::{Ran, chiplog};

const README: &str = include_str!("../../README.md");

/// The text of all blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap_or(rest)).collect()
}

/// Commands, and what is shown below each.
fn commands() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut commands: Vec<(&str, Vec<&str>)> = vec![];
    for line in blocks("console").iter().flat_map(|block| block.lines()) {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, vec![])),
            (None, Some((_, shown))) => shown.push(line),
            (None, None) => panic!("a block starts with a command, not with {line}"),
        }
    }
    commands
}

/// What cannot run in a test: it installs something, runs the tests, or needs a node or a cluster.
const NOT_RUN: [&str; 7] = [
    "cargo install --path .",
    "cargo test",
    "journalctl -f -o short-iso-precise | chiplog",
    "kubectl -n kube-system logs -f etcd-cp-1 | chiplog",
    "chiplog watch --file '/var/log/kubelet.log' --pods kube-system --journal kubelet,etcd --state /var/lib/chiplog --check",
    "chiplog watch --file '/var/log/kubelet.log' --pods kube-system --journal kubelet,etcd --state /var/lib/chiplog",
    "chiplog state show /var/lib/chiplog --json",
];

/// A directory with the corpora and the rule files of the README, since commands name them.
fn clone() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora"), &directory.path().join("corpora"));
    std::fs::create_dir(directory.path().join("rules")).expect("a directory");
    let blocks = blocks("toml");
    let [rule, tune] = blocks.as_slice() else { panic!("two rule files, not {}", blocks.len()) };
    std::fs::write(directory.path().join("rules/pleg.toml"), format!("{rule}\n")).expect("a file");
    std::fs::write(directory.path().join("tune.toml"), format!("{tune}\n")).expect("a file");
    directory
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let copied = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &copied);
            continue;
        }
        std::fs::copy(&path, &copied).expect("a copy");
        // Lines without a year get the last before the file's time: that of the recording,
        // 2026-11-24, and not that of a checkout.
        let recorded = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_478_400);
        let file = std::fs::File::options().write(true).open(&copied).expect("the copy");
        file.set_modified(recorded).expect("its owner may");
    }
}

#[cfg(unix)]
#[test]
fn every_command_runs_and_shows_what_the_readme_shows() {
    let directory = clone();
    let program = Path::new(env!("CARGO_BIN_EXE_chiplog"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = [program.parent().expect("a directory").to_owned()].into_iter();
    let path = std::env::join_paths(paths.chain(std::env::split_paths(&path))).expect("no colon in names");
    let mut run = 0;
    for (command, shown) in commands() {
        if NOT_RUN.contains(&command) {
            continue;
        }
        let typed = command.replace("cargo run --release --", "chiplog");
        let prepares = command.starts_with("tar ");
        assert!(prepares || typed.contains("chiplog"), "a command that no test runs: {command}");
        let output = Command::new("sh")
            .args(["-c", &typed])
            .current_dir(directory.path())
            .env("PATH", &path)
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let ran = Ran::from(output);
        let expected_exit = i32::from(command.contains("--fail-on"));
        assert_eq!(ran.exit, expected_exit, "{command}\n{}", ran.stderr);
        assert!(prepares || !ran.stdout.is_empty(), "{command} prints nothing");
        // In this order, with something left out in between at most.
        let mut lines = ran.stdout.lines();
        for expected in shown.iter().filter(|line| **line != "[...]") {
            assert!(
                lines
                    .any(|line| line == *expected || (expected.ends_with(',') && line.starts_with(expected))),
                "{command} does not print\n{expected}\nbut\n{}",
                ran.stdout
            );
        }
        run += 1;
    }
    assert!(run > 10, "{run} commands");
}

#[test]
fn a_fresh_clone_is_run_and_tested_by_one_command_each() {
    let commands: Vec<&str> = commands().iter().map(|(command, _)| *command).collect();
    assert!(commands.contains(&"cargo run --release -- scan corpora"));
    assert!(commands.contains(&"cargo test"));
    let unknown: Vec<&&str> = NOT_RUN.iter().filter(|command| !commands.contains(command)).collect();
    assert!(unknown.is_empty(), "no longer in the README: {unknown:?}");
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let help = String::from_utf8(chiplog().arg("--help").output().expect("help").stdout).expect("UTF-8");
    // In the help a meaning may be wrapped.
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let rows: Vec<(&str, String)> = README
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(code, _)| code.parse::<i32>().is_ok())
        .map(|(code, meaning)| (code, meaning.replace('`', "")))
        .collect();
    assert_eq!(rows.len(), 6);
    for (code, meaning) in rows {
        assert!(help.contains(&format!("{code} {meaning}")), "{code}: {meaning}");
    }
}

mod embedding {
    include!("embed.rs");

    #[test]
    fn the_example_is_the_one_of_the_readme_and_works() {
        let code = include_str!("embed.rs");
        assert_eq!(super::blocks("rust"), [code.trim_end()]);
        let log = b"E0514 03:12:44.356361 2309 kubelet.go:1] \"Failed \\\"a\\\"\" pod=\"b\"\nhm\n";
        assert_eq!(
            summary(log),
            "2024-05-14T03:12:44.356361Z error Failed \"a\"\n1970-01-01T00:00:00.000000Z - hm\n"
        );
    }
}
