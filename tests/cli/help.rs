//! Help, man pages and completions.

use crate::{assert_snapshot, run};

const COMMANDS: [&[&str]; 19] = [
    &[],
    &["scan"],
    &["watch"],
    &["state"],
    &["state", "show"],
    &["parse"],
    &["detect"],
    &["explain"],
    &["rules"],
    &["rules", "list"],
    &["rules", "lint"],
    &["rules", "test"],
    &["rules", "try"],
    &["rules", "bench"],
    &["rules", "import-npd"],
    &["rules", "export"],
    &["series"],
    &["count"],
    &["completions"],
];

#[test]
fn help_is_as_recorded_and_fits_a_terminal() {
    for command in COMMANDS {
        for (flag, length) in [("-h", "short"), ("--help", "long")] {
            let ran = run(command.iter().copied().chain([flag]));
            assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
            let name = ["help"].iter().chain(command).copied().collect::<Vec<_>>().join("-");
            assert_snapshot(&format!("{name}-{length}.txt"), &ran.stdout);
            let too_wide = ran.stdout.lines().find(|line| line.chars().count() > 80);
            assert_eq!(too_wide, None, "{name}");
        }
    }
}

#[test]
fn the_version_is_one_line() {
    assert_eq!(run(["-V"]).stdout, format!("chiplog {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(["completions", shell]);
        assert_eq!(ran.exit, 0);
        assert!(ran.stdout.contains("min-severity"), "{shell}");
    }
    assert_eq!(run(["completions", "sh"]).exit, 2);
}

#[test]
fn man_pages_for_the_program_and_its_commands() {
    let page = run(["man"]).stdout;
    assert!(page.contains(".TH chiplog 1"), "{page}");
    assert!(page.contains("130"), "exit codes are told");
    assert!(run(["man", "rules", "try"]).stdout.contains("chiplog\\-rules\\-try"));
    let ran = run(["man", "cook"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (2, "error: there is no command cook\n"));
}

#[test]
fn wrong_flags_are_usage_errors_with_a_suggestion() {
    for arguments in [
        &["scan", "--jsn", "x"][..],
        &["--since", "yesterday"],
        &["--tz", "Europe/Berlin"],
        &["--year", "99"],
        &["--min-severity", "loud"],
        &["--jobs", "0"],
        &["series", "--step", "0s"],
        &["scan"],
        &["detect"],
        &["count", "-"],
        &["-q", "-v"],
    ] {
        let ran = run(arguments);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    }
    assert!(run(["scan", "--jsn", "x"]).stderr.contains("'--json'"));
}
