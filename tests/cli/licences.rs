//! What the program is made of: licences that `deny.toml` allows, and no C.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// The allowed licences and the banned crates of `deny.toml`.
fn deny_list(section: &str, key: &str) -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deny.toml");
    let table: toml::Table = std::fs::read_to_string(path).expect("deny.toml").parse().expect("TOML");
    let list = table[section][key].as_array().expect("a list");
    list.iter().map(|item| item.as_str().expect("text").to_owned()).collect()
}

/// Packages that the workspace is built from on this platform, without what only tests need.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = |arguments: &[&str]| {
        let output = Command::new(&cargo)
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "cargo {arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let version = run(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo tells its host");
    // Packages of other platforms are not there without a network.
    let arguments = ["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&run(&arguments)).expect("JSON");

    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let nodes: BTreeMap<String, Value> = items(&metadata["resolve"]["nodes"])
        .into_iter()
        .map(|node| (node["id"].as_str().expect("an id").to_owned(), node))
        .collect();
    let mut reached = BTreeSet::new();
    let mut next: Vec<String> = items(&metadata["workspace_default_members"])
        .iter()
        .map(|id| id.as_str().expect("an id").to_owned())
        .collect();
    while let Some(id) = next.pop() {
        let is_needed = |dependency: &&Value| {
            // null is a normal dependency.
            items(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev")
        };
        let dependencies = items(&nodes[&id]["deps"]);
        if reached.insert(id) {
            let needed = dependencies.iter().filter(is_needed);
            next.extend(needed.map(|dependency| dependency["pkg"].as_str().expect("an id").to_owned()));
        }
    }
    let packages: Vec<Value> = items(&metadata["packages"])
        .into_iter()
        .filter(|package| package["id"].as_str().is_some_and(|id| reached.contains(id)))
        .collect();
    assert!(packages.len() > 20, "{} packages: the walk has missed most", packages.len());
    packages
}

/// Whether an SPDX expression holds when these licences may be chosen. `/` is `OR` of old.
fn is_satisfied(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    let holds = any(&mut rest, allowed);
    holds && rest.is_empty()
}

/// `all *( "OR" all )`
fn any(tokens: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut holds = all(tokens, allowed);
    while let ["OR", rest @ ..] = tokens {
        *tokens = rest;
        holds |= all(tokens, allowed);
    }
    holds
}

/// `licence *( "AND" licence )`
fn all(tokens: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut holds = licence(tokens, allowed);
    while let ["AND", rest @ ..] = tokens {
        *tokens = rest;
        holds &= licence(tokens, allowed);
    }
    holds
}

/// `"(" any ")" / id [ "WITH" exception ]`
fn licence(tokens: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    match *tokens {
        ["(", rest @ ..] => {
            *tokens = rest;
            let holds = any(tokens, allowed);
            if let [")", rest @ ..] = *tokens {
                *tokens = rest;
                return holds;
            }
            false
        }
        // An exception permits more than the licence.
        [id, "WITH", _, rest @ ..] | [id, rest @ ..] => {
            *tokens = rest;
            allowed.contains(*id)
        }
        [] => false,
    }
}

#[test]
fn expressions() {
    let allowed = BTreeSet::from(["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned));
    for (expression, holds) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("GPL-3.0-only AND MIT", false),
        ("(MIT OR GPL-3.0-only) AND Unicode-3.0", true),
        ("MIT OR GPL-3.0-only AND GPL-2.0-only", true),
        ("(MIT OR Apache-2.0) AND (GPL-3.0-only OR GPL-2.0-only)", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", true),
        ("(MIT", false),
        ("MIT Apache-2.0", false),
        ("", false),
    ] {
        assert_eq!(is_satisfied(expression, &allowed), holds, "{expression}");
    }
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed() {
    let allowed = deny_list("licenses", "allow");
    let offenders: Vec<String> = packages()
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(|text| is_satisfied(text, &allowed)))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(offenders.is_empty(), "{offenders:#?}");
}

#[test]
fn no_dependency_builds_or_links_c() {
    // Names its symbols like the C library that it replaces; there is no C in it.
    const PURE_RUST: [&str; 1] = ["libbz2-rs-sys"];
    let banned = deny_list("bans", "deny");
    let offenders: Vec<String> = packages()
        .iter()
        .filter_map(|package| {
            let name = package["name"].as_str()?;
            let links = package["links"].as_str().filter(|_| !PURE_RUST.contains(&name));
            let is_offender = banned.contains(name) || links.is_some();
            is_offender.then(|| format!("{name} {} links {links:?}", package["version"]))
        })
        .collect();
    assert!(offenders.is_empty(), "{offenders:#?}");
}
