//! The laws of the fuzz targets over their seeds, and over every input that once broke one.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use chiplog_engine::{Block, InputOptions, Origin, Scan, ScanOptions};
use chiplog_parse::Clock;
use chiplog_rules::RuleSet;
use chiplog_testkit::laws::{self, TARGETS, Target, seeds};

/// Runs the laws over each input and reports all that fail, by name.
fn replay(target: &Target, inputs: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<String> {
    let broken = inputs.into_iter().filter(|(_, input)| catch_unwind(|| (target.check)(input)).is_err());
    broken.map(|(name, input)| format!("{}: {name}: {}", target.name, input.escape_ascii())).collect()
}

fn sorted_entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("can be listed").path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("an entry has a name").to_string_lossy().into_owned()
}

#[test]
fn seeds_keep_the_laws() {
    let mut broken = Vec::new();
    for target in TARGETS {
        let inputs = seeds::of(target).unwrap();
        assert!(!inputs.is_empty(), "{} has no seeds", target.name);
        let numbered =
            inputs.into_iter().enumerate().map(|(number, input)| (format!("seed {number}"), input));
        broken.extend(replay(target, numbered));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn no_input_breaks_a_law_again() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions");
    let mut broken = Vec::new();
    for folder in sorted_entries(&root) {
        let target = laws::target(&name_of(&folder)).expect("a folder is named after a target");
        let inputs =
            sorted_entries(&folder).into_iter().map(|path| (name_of(&path), fs::read(&path).unwrap()));
        broken.extend(replay(target, inputs));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Laws of scans say little about logs in which nothing is found.
#[test]
fn seeds_of_scans_open_findings_of_many_rules() {
    let rules = RuleSet::builtin();
    let mut found = BTreeSet::new();
    for seed in seeds::of(laws::target("block_splits").unwrap()).unwrap() {
        let mut scan = Scan::new(&rules, ScanOptions::default());
        let input = InputOptions {
            name: "seed".into(),
            clock: Clock::from_year(2024),
            is_live: false,
            origin: Origin::default(),
        };
        let block = Block { bytes: seed, ..Block::default() };
        let Ok(()) = scan.input(&input, &mut [Ok::<_, Infallible>(block)].into_iter(), &mut |_| {});
        found.extend(scan.finish().findings.into_iter().map(|finding| finding.rule_id));
    }
    assert!(found.len() > rules.rules().len() / 3, "{found:?}");
}

/// The fuzz workspace has a program for each target and no other.
#[test]
fn every_target_is_fuzzed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let listed: Vec<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .collect();
    let targets: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(listed, targets);
    for name in targets {
        let program = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("check(\"{name}\", data)")), "{name}");
    }
}

#[test]
#[should_panic(expected = "no target")]
fn an_unknown_target_is_refused() {
    laws::check("no such target", b"");
}
