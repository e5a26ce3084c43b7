//! One node's journal as a file, as `journalctl -o export` and as `journalctl -o json`: one answer.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Files, Ran, run, run_with};

const FORMS: [&str; 3] = ["node.journal", "node.export", "node.json"];

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journals").join(format!("{name}.gz"))
}

pub(crate) fn bytes_of(name: &str) -> Vec<u8> {
    let stored = fs::read(recorded(name)).expect("a recording");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(stored.as_slice()).read_to_end(&mut bytes).expect("gzip");
    bytes
}

/// The recordings, unpacked.
fn unpacked() -> Files {
    let files = Files::new(&[]);
    for name in FORMS {
        fs::write(files.path(name), bytes_of(name)).expect("a file");
    }
    files
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout))
}

/// Takes out what differs by nature: where a line was found, in bytes, and what its envelope is called.
fn leave_out_places(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for key in ["source", "offset", "bytes", "name", "share_first_half", "share_second_half"] {
                members.remove(key);
            }
            if let Some(Value::Object(formats)) = members.get_mut("formats") {
                *formats = std::mem::take(formats)
                    .into_iter()
                    .map(|(chain, count)| (chain.replace("journal_json", "journal"), count))
                    .collect();
            }
            members.values_mut().for_each(leave_out_places);
        }
        Value::Array(values) => values.iter_mut().for_each(leave_out_places),
        _ => {}
    }
}

fn report(mut value: Value) -> Value {
    leave_out_places(&mut value);
    value
}

#[test]
fn every_form_of_a_journal_gives_the_same_report() {
    let files = unpacked();
    let scan = |path: &Path| json(&run(["scan".as_ref(), "--format=json".as_ref(), path.as_os_str()]));
    let expected = scan(&files.path("node.json"));
    assert!(expected["findings"].as_array().is_some_and(|findings| findings.len() > 3), "{expected}");
    assert_eq!(expected["inputs"][0]["lines"], 236);
    let expected = report(expected);
    for name in ["node.journal", "node.export"] {
        assert_eq!(report(scan(&files.path(name))), expected, "{name}");
        // Below compression, and through a pipe.
        assert_eq!(report(scan(&recorded(name))), expected, "{name}.gz");
        for bytes in [bytes_of(name), fs::read(recorded(name)).expect("a recording")] {
            let ran = run_with(["scan", "--format=json", "-"], &bytes);
            assert_eq!(report(json(&ran)), expected, "{name} on standard input");
            let ran = run_with(["--format=json"], &bytes);
            assert_eq!(report(json(&ran)), expected, "{name} as a stream");
        }
    }
    // All entries, instead of those that rules may match.
    let dense = run([
        "scan".as_ref(),
        "--format=json".as_ref(),
        "--dense".as_ref(),
        files.path("node.journal").as_os_str(),
    ]);
    assert_eq!(report(json(&dense)), expected);
}

#[test]
fn every_form_of_a_journal_has_the_same_records() {
    let files = unpacked();
    let parse = |name: &str| {
        let ran = run(["parse".as_ref(), files.path(name).as_os_str()]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{name}");
        let records = ran.stdout.lines().map(|line| {
            let mut record: Value = serde_json::from_str(line).expect("a record");
            record["attributes"].as_object_mut().expect("attributes").remove("log.file.path");
            record["chiplog.layers"][0] = Value::Null;
            record
        });
        records.collect::<Vec<_>>()
    };
    let expected = parse("node.json");
    assert_eq!(expected.len(), 236);
    for name in ["node.journal", "node.export"] {
        for (number, (found, expected)) in parse(name).iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "{name}, entry {number}");
        }
    }
}

#[test]
fn tables_and_formats_of_a_journal() {
    let files = unpacked();
    let of = |arguments: &[&str], name: &str| {
        let path = files.path(name);
        let ran = run(arguments.iter().map(std::ffi::OsStr::new).chain([path.as_os_str()]));
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{arguments:?} {name}");
        ran.stdout.replace("journal_json", "journal").replace(name, "NAME")
    };
    for arguments in [&["series", "--format=csv"][..], &["count", "--by=service.name,severity"], &["detect"]]
    {
        let expected = of(arguments, "node.json");
        assert!(expected.lines().count() > 3, "{expected}");
        for name in ["node.journal", "node.export"] {
            assert_eq!(of(arguments, name), expected, "{name}");
        }
    }
}

#[test]
fn journals_of_one_machine_are_one_input_and_a_copy_adds_nothing() {
    let files = Files::new(&[("a.log", "E0305 06:07:08.120034       1 a.go:1] bad\n")]);
    let machine = files.path("machine");
    fs::create_dir(&machine).expect("a directory");
    let journal = bytes_of("node.journal");
    fs::write(machine.join("system.journal"), &journal).expect("a file");
    fs::write(machine.join("system@copy.journal~"), &journal).expect("a file");
    // Of another machine: another sequence.
    let mut other = journal;
    other[72..88].fill(7);
    fs::write(machine.join("other.journal"), &other).expect("a file");
    let report = json(&run(["scan".as_ref(), "--format=json".as_ref(), files.path("").as_os_str()]));
    let inputs = report["inputs"].as_array().expect("inputs");
    let found: Vec<_> = inputs
        .iter()
        .map(|input| {
            let name = input["name"].as_str().expect("a name");
            (name.rsplit('/').next().unwrap_or(name).to_owned(), input["lines"].as_u64())
        })
        .collect();
    let wanted = [("a.log", 1), ("other.journal", 236), ("machine", 236)];
    assert_eq!(found, wanted.map(|(name, lines)| (name.to_owned(), Some(lines))));
}

#[test]
fn damage_is_told_and_makes_the_result_incomplete() {
    let files = Files::new(&[]);
    let mut journal = bytes_of("node.journal");
    journal.truncate(300_000);
    fs::write(files.path("cut.journal"), &journal).expect("a file");
    let mut export = bytes_of("node.export");
    export.splice(0..0, b"__CURSOR=s=1\nMESSAGE=fine\n\n<damaged>\n\n".iter().copied());
    fs::write(files.path("bad.export"), &export).expect("a file");
    for (name, words) in [
        ("cut.journal", "cut.journal: journal is damaged: "),
        ("bad.export", "bad.export: export stream is damaged in 1 place, first at byte 27"),
    ] {
        let path = files.path(name);
        let ran = run(["scan".as_ref(), "--strict".as_ref(), path.as_os_str()]);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
        assert_eq!(ran.exit, 4, "{name}: {}", ran.stderr);
        let ran = run(["scan".as_ref(), "--format=json".as_ref(), path.as_os_str()]);
        assert!(json(&ran)["warnings"].to_string().contains("damaged"), "{}", ran.stdout);
    }
    let ran = run_with(["--strict"], &export);
    assert!(ran.stderr.contains("stdin: export stream is damaged in 1 place"), "{}", ran.stderr);
    assert_eq!(ran.exit, 4);
}

#[test]
fn messages_that_json_leaves_out_are_missed() {
    let line = "{\"__REALTIME_TIMESTAMP\":\"1709618828120034\",\"_HOSTNAME\":\"w-07\",\"MESSAGE\":null}\n";
    let lines = line.repeat(3);
    let files = Files::new(&[("journal.json", lines.as_str())]);
    let path = files.path("journal.json");
    for ran in [
        run(["scan".as_ref(), "--strict".as_ref(), path.as_os_str()]),
        run_with(["--strict"], lines.as_bytes()),
    ] {
        assert!(ran.stderr.contains("3 entries came without their message"), "{}", ran.stderr);
        assert!(ran.stderr.contains("--all"), "{}", ran.stderr);
        assert_eq!(ran.exit, 4);
    }
    // Of a stream it is said when it begins, too.
    let ran = run_with(["--strict"], lines.as_bytes());
    let told = ran.stderr.matches("journalctl leaves out messages of 4 KiB or more").count();
    assert_eq!(told, 1, "{}", ran.stderr);
}
