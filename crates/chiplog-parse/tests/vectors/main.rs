//! Conformance: every vector of every format, compared key by key.
//!
//! Runs each `*.jsonl` beside this file and, when the variable `CHIPLOG_VECTORS` names a folder,
//! each `*.jsonl` there. The forms of inputs and expectations are described in `README.md` beside
//! this file. A format or a key that no decoder knows fails the test.

mod auto;
mod envelopes;
mod forms;
mod go_and_klog;
mod json_family;

use std::path::{Path, PathBuf};

use forms::{Decoded, Vector};
use serde_json::Value;

/// The decoder of a format: the fields of the vector's input in the forms of `README.md`, or
/// `None` where the entry point refuses it.
fn decode(vector: &Vector) -> Option<Decoded> {
    let decoder = go_and_klog::decoder(&vector.format)
        .or_else(|| json_family::decoder(&vector.format))
        .or_else(|| envelopes::decoder(&vector.format))
        .or_else(|| auto::decoder(&vector.format))
        .unwrap_or_else(|| panic!("{}: no decoder for format {:?}", vector.name, vector.format));
    decoder(vector)
}

fn check(vector: &Vector) -> Result<(), String> {
    match (&vector.expect, decode(vector)) {
        (Value::Null, None) => Ok(()),
        (Value::Null, Some(decoded)) => Err(format!("must be refused, was read as {decoded:?}")),
        (expect, None) => Err(format!("was refused, expected {expect}")),
        (Value::Object(expect), Some(decoded)) => {
            for (key, wanted) in expect {
                let Some(found) = decoded.get(key) else {
                    return Err(format!("the decoder gives no key {key:?} (has {decoded:?})"));
                };
                if !forms::equal(key, wanted, found) {
                    return Err(format!("{key}: expected {wanted}, found {found}"));
                }
            }
            Ok(())
        }
        (other, _) => Err(format!("expect must be an object or null, is {other}")),
    }
}

fn vector_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder that can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{}: no *.jsonl", folder.display());
    files
}

fn run(folder: &Path) -> (usize, Vec<String>) {
    let mut count = 0;
    let mut failures = Vec::new();
    for file in vector_files(folder) {
        let text = std::fs::read_to_string(&file).expect("a file that can be read");
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let vector = Vector::from_json(line)
                .unwrap_or_else(|error| panic!("{}:{}: {error}", file.display(), index + 1));
            count += 1;
            if let Err(reason) = check(&vector) {
                failures.push(format!("{} ({}:{}): {reason}", vector.name, file.display(), index + 1));
            }
        }
    }
    (count, failures)
}

#[test]
fn vectors() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let (mut count, mut failures) = run(&own);
    if let Some(folder) = std::env::var_os("CHIPLOG_VECTORS") {
        let (more, more_failures) = run(Path::new(&folder));
        count += more;
        failures.extend(more_failures);
    }
    println!("{} of {count} vectors pass", count - failures.len());
    assert!(failures.is_empty(), "{} of {count} fail:\n{}", failures.len(), failures.join("\n"));
}
