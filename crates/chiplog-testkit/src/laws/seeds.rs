//! Inputs to begin with: the conformance vectors, generated logs, the built-in rules.

use std::path::{Path, PathBuf};
use std::{fs, io};

use chiplog_rules::RuleSet;
use serde_json::Value;

use super::{Target, archives, journal_file, source};
use crate::{Envelope, Generator, Profile};

/// The seeds of a target, read from the sources of this workspace.
///
/// # Errors
///
/// If the sources are not there.
pub fn of(target: &Target) -> io::Result<Vec<Vec<u8>>> {
    let mut texts = Vec::new();
    for format in target.formats {
        texts.extend(vectors(format)?);
    }
    match target.name {
        "block_splits" | "sparse_equals_dense" => {
            // Single lines open no finding.
            texts = texts.chunks(24).map(|lines| lines.join(&b'\n')).collect();
            texts.extend(generated());
            texts.extend(rule_tests());
        }
        "rule_files" => texts.extend(rules()?),
        "decompress" => return Ok(stored(&texts)),
        "archives" => return Ok(archives::seeds(&texts)),
        "journal_file" => return Ok(journal_file::files()),
        "journal_data" => {
            texts.truncate(40);
            let stored = journal_file::stored(&texts);
            return Ok(texts
                .into_iter()
                .map(|text| [b"\x30", text.as_slice()].concat())
                .chain(stored)
                .collect());
        }
        _ => {}
    }
    let with_heads = |text: Vec<u8>| target.heads.iter().map(move |head| [head, text.as_slice()].concat());
    Ok(texts.into_iter().flat_map(with_heads).collect())
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The inputs of the vectors of a format.
fn vectors(format: &str) -> io::Result<Vec<Vec<u8>>> {
    let path = crates().join(format!("chiplog-parse/tests/vectors/{format}.jsonl"));
    let mut inputs = Vec::new();
    for line in fs::read_to_string(path)?.lines() {
        let vector: Value = serde_json::from_str(line)?;
        let input = match (&vector["line"], &vector["line_b64"], &vector["lines"]) {
            (Value::String(line), _, _) => line.as_bytes().to_vec(),
            (_, Value::String(base64), _) => decode_base64(base64),
            (_, _, Value::Array(lines)) => {
                let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
                lines.join("\n").into_bytes()
            }
            _ => continue,
        };
        inputs.push(input);
    }
    Ok(inputs)
}

/// Standard base64; what is not of its alphabet is skipped.
fn decode_base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|byte| ALPHABET.iter().position(|digit| *digit == byte));
    let (mut bits, mut held, mut out) = (0u32, 0, Vec::new());
    for digit in digits {
        bits = bits << 6 | digit as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

/// A few kibibytes of sick logs, in every envelope.
fn generated() -> impl Iterator<Item = Vec<u8>> {
    let envelopes = [Envelope::None, Envelope::Cri, Envelope::DockerJson, Envelope::JournalShort];
    envelopes.into_iter().enumerate().map(|(seed, envelope)| {
        let mut log = Vec::new();
        Generator::new(seed as u64, Profile::sick().in_envelope(envelope)).append(&mut log, 3_000);
        log
    })
}

/// The logs that the built-in rules are tested with, of which many open a finding; some of them
/// also as a program prints them that quotes its input.
fn rule_tests() -> Vec<Vec<u8>> {
    let rules = RuleSet::builtin();
    let cases = rules.rules().iter().flat_map(|rule| &rule.tests);
    let logs: Vec<String> = cases.map(|case| case.lines.clone()).collect();
    let quoted = logs.iter().step_by(16).map(|log| log.replace('\\', r"\\").replace('"', "\\\""));
    quoted.chain(logs.iter().cloned()).map(String::into_bytes).collect()
}

/// Each built-in rule in a file of its own, and what a file begins with.
fn rules() -> io::Result<Vec<Vec<u8>>> {
    let folder = crates().join("chiplog-rules/packs");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let text = fs::read_to_string(path)?;
        for rule in text.split("\n[[rule]]\n").skip(1) {
            files.push(format!("[[rule]]\n{rule}\n").into_bytes());
        }
    }
    Ok(files)
}

/// Texts in every compression, whole and cut.
fn stored(texts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (index, compression) in (0u8..).zip(source::COMPRESSIONS) {
        for text in texts.iter().chain([&vec![b'a'; 5_000]]) {
            let mut stored = vec![index, 7];
            stored.extend(source::compress(compression, text));
            inputs.push(stored.clone());
            stored.truncate(stored.len() * 2 / 3);
            inputs.push(stored);
            inputs.push([&[0xc0 | index, 100], text.as_slice()].concat());
        }
    }
    inputs
}
