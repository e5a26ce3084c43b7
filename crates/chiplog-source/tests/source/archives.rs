//! Archives, written by other programs' libraries: every log in them is read, whatever is wrong with the rest.

use std::io::{Cursor, Write};
use std::ops::ControlFlow;

use chiplog_source::{Compression, DecodeLimits, Found, MemberCounts, WalkLimits, Walker, discover};
use proptest::prelude::*;
use tar::{EntryType, Header};
use zip::write::SimpleFileOptions;

use crate::compressed::compress;

const ONE: &str = "I0305 06:07:08.000001    1 a.go:1] one\n";
const TWO: &str = "I0305 06:07:08.000002    1 a.go:1] two\n";
const THREE: &str = "I0305 06:07:08.000003    1 a.go:1] three\n";
const MANIFEST: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";

/// What a walk came by. Names are below the name of the input.
#[derive(Debug, Default, PartialEq)]
struct Walked {
    /// Names and texts of logs; a text ends with `!` and the error, if there was one.
    logs: Vec<(String, String)>,
    /// Names and messages of troubles, and of what was left out.
    said: Vec<(String, String)>,
    counts: Option<MemberCounts>,
    /// Of the logs.
    modified: Vec<Option<i64>>,
}

fn walk(bytes: &[u8]) -> Walked {
    walk_within(bytes, WalkLimits::default())
}

fn walk_within(bytes: &[u8], limits: WalkLimits) -> Walked {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b");
    std::fs::write(&path, bytes).unwrap();
    let mut walked = Walked::default();
    let (inputs, skipped) = discover([&path]);
    assert!(skipped.is_empty(), "{skipped:?}");
    let prefix = path.to_string_lossy().into_owned();
    let short = |name: &str| name.strip_prefix(&prefix).unwrap_or(name).trim_start_matches('/').to_owned();
    let mut walker = Walker::new(limits);
    for input in &inputs {
        walker
            .walk(input, &mut |found| {
                match found {
                    Found::Member(member) => {
                        let mut bytes = Vec::new();
                        let failure = member.reader.read_to_end(&mut bytes).err();
                        let failure = failure.map(|error| format!("!{error}")).unwrap_or_default();
                        let text = String::from_utf8_lossy(&bytes).into_owned() + &failure;
                        walked.logs.push((short(member.name), text));
                        walked.modified.push(member.modified_unix_nanos);
                    }
                    Found::LeftOut { name, reason } => {
                        walked.said.push((short(name), reason.to_string().replace(&prefix, "b")));
                    }
                    Found::Trouble { name, message } => walked.said.push((short(name), message)),
                    Found::Archive { counts, .. } => walked.counts = Some(counts),
                }
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is written");
    walked
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_709_618_828);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A tar archive of headers that no tool would write.
fn raw_entry(name: &[u8], entry_type: EntryType, size: u64, data: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(entry_type);
    header.set_size(size);
    header.set_mtime(1_709_618_828);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn ended(mut tar: Vec<u8>) -> Vec<u8> {
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn owned(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// Logs are as wanted, and what is said has these parts, in order.
fn assert_walk(case: &str, walked: &Walked, logs: &[(&str, &str)], said: &[(&str, &str)]) {
    assert_eq!(walked.logs, owned(logs), "{case}: {:?}", walked.said);
    assert_eq!(walked.said.len(), said.len(), "{case}: {:?}", walked.said);
    for ((name, message), (wanted_name, wanted)) in walked.said.iter().zip(said) {
        assert_eq!(name, wanted_name, "{case}: {message}");
        assert!(message.contains(wanted), "{case}: {message}");
    }
}

#[test]
fn every_log_is_read_in_stored_order_however_deep() {
    let gz = compress(Compression::Gzip, ONE.as_bytes());
    let xz = compress(Compression::Xz, TWO.as_bytes());
    let inner_zip = zip_of(&[("deep/three.log", THREE.as_bytes())]);
    let files: &[(&str, &[u8])] = &[
        ("host/one.log.gz", &gz),
        ("host/pod.yaml", MANIFEST.as_bytes()),
        ("host/two.log.xz", &xz),
        ("inner.zip", &inner_zip),
        ("host/core", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01"),
    ];
    let logs: &[(&str, &str)] =
        &[("host/one.log.gz", ONE), ("host/two.log.xz", TWO), ("inner.zip/deep/three.log", THREE)];
    let tar = tar_of(files);
    let mut archives = vec![("tar", tar.clone()), ("zip", zip_of(files))];
    for compression in crate::compressed::ALL {
        archives.push(("compressed tar", compress(compression, &tar)));
    }
    for (case, archive) in archives {
        let walked = walk(&archive);
        assert_walk(case, &walked, logs, &[]);
        assert_eq!(walked.counts, Some(MemberCounts { logs: 3, others: 2, duplicates: 0 }), "{case}");
    }
    let nested = tar_of(&[("a.tar.gz", &compress(Compression::Gzip, &tar))]);
    let walked = walk(&nested);
    assert_eq!(walked.logs[0].0, "a.tar.gz/host/one.log.gz");
    assert_eq!(walked.modified[0], Some(1_709_618_828_000_000_000));
}

#[test]
fn names_of_every_kind_are_labels() {
    let long = "d/".repeat(120) + "long.log";
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(ONE.len() as u64);
    header.set_cksum();
    builder.append_data(&mut header, &long, ONE.as_bytes()).unwrap();
    let records = [("path", "pax/caf\u{e9}.log".as_bytes()), ("mtime", b"1709618828.5".as_slice())];
    builder.append_pax_extensions(records).unwrap();
    let mut header = Header::new_ustar();
    header.set_size(TWO.len() as u64);
    header.set_path("short.log").unwrap();
    header.set_cksum();
    builder.append(&header, TWO.as_bytes()).unwrap();
    let mut archive = builder.into_inner().unwrap();
    archive.truncate(archive.len() - 1024);
    archive.extend(raw_entry(b"../../etc/up.log", EntryType::Regular, THREE.len() as u64, THREE.as_bytes()));
    archive.extend(raw_entry(
        b"/abs\xff.log",
        EntryType::Regular,
        THREE.len() as u64 + 1,
        &[THREE.as_bytes(), b"\n"].concat(),
    ));
    let walked = walk(&ended(archive));
    let names: Vec<&str> = walked.logs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [long.as_str(), "pax/caf\u{e9}.log", "../../etc/up.log", "abs\u{fffd}.log"]);
    assert_eq!(walked.modified[1], Some(1_709_618_828_500_000_000));
    assert_eq!(walked.said, []);
}

#[test]
fn what_is_no_file_is_left_out_and_hides_nothing() {
    let one = raw_entry(b"one.log", EntryType::Regular, ONE.len() as u64, ONE.as_bytes());
    let cases: &[(&str, EntryType, Option<&str>)] = &[
        ("a device", EntryType::Char, Some("not a file")),
        ("a disk", EntryType::Block, Some("not a file")),
        ("a pipe", EntryType::Fifo, Some("not a file")),
        ("a link", EntryType::Symlink, None),
        ("a hard link", EntryType::Link, None),
        ("a folder", EntryType::Directory, None),
    ];
    for (case, entry_type, said) in cases {
        // Some writers give links the size of what they link to.
        let special = raw_entry(b"special", *entry_type, 700, b"");
        let walked = walk(&ended([special, one.clone()].concat()));
        let said: Vec<(&str, &str)> = said.iter().map(|said| ("special", *said)).collect();
        assert_walk(case, &walked, &[("one.log", ONE)], &said);
    }
}

#[test]
fn sparse_files_have_their_holes() {
    // GNU's old kind: 512 bytes at 0 and the text at 4096, of 5000.
    let first = ONE.repeat(14);
    let first = &first.as_bytes()[..512];
    let mut header = Header::new_gnu();
    header.set_path("sparse.log").unwrap();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(512 + TWO.len() as u64);
    let octal = |number: u64| format!("{number:011o}\0");
    let bytes = header.as_mut_bytes();
    for (index, number) in [0, 512, 4096, TWO.len() as u64].into_iter().enumerate() {
        bytes[386 + 12 * index..398 + 12 * index].copy_from_slice(octal(number).as_bytes());
    }
    bytes[483..495].copy_from_slice(octal(5000).as_bytes());
    header.set_cksum();
    let data = [first, TWO.as_bytes()].concat();
    let mut old = header.as_bytes().to_vec();
    old.extend(&data);
    old.resize(old.len().next_multiple_of(512), 0);

    // Version 1.0 of the pax kind: the map stands before the data.
    let records: &[(&str, &[u8])] = &[
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"sparse.log"),
        ("GNU.sparse.realsize", b"5000"),
    ];
    let mut map = format!("2\n0\n512\n4096\n{}\n", TWO.len()).into_bytes();
    map.resize(512, 0);
    let stored = [map.as_slice(), &data].concat();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_pax_extensions(records.iter().copied()).unwrap();
    let mut new = builder.into_inner().unwrap();
    new.truncate(new.len() - 1024);
    new.extend(raw_entry(b"GNUSparseFile.0/sparse.log", EntryType::Regular, stored.len() as u64, &stored));

    let mut wanted = first.to_vec();
    wanted.resize(4096, 0);
    wanted.extend(TWO.as_bytes());
    wanted.resize(5000, 0);
    let wanted = String::from_utf8(wanted).unwrap();
    let after = raw_entry(b"after.log", EntryType::Regular, THREE.len() as u64, THREE.as_bytes());
    for (case, archive) in [("old", old), ("1.0", new)] {
        let walked = walk(&ended([archive, after.clone()].concat()));
        assert_walk(case, &walked, &[("sparse.log", &wanted), ("after.log", THREE)], &[]);
    }
}

#[test]
fn a_damaged_tar_loses_what_is_damaged_and_no_more() {
    let entries = [("one.log", ONE), ("two.log", TWO), ("three.log", THREE)].map(|(name, text)| {
        raw_entry(name.as_bytes(), EntryType::Regular, text.len() as u64, text.as_bytes())
    });
    let whole = ended(entries.concat());
    let mut flipped = whole.clone();
    flipped[1024 + 3] ^= 0x40;
    let walked = walk(&flipped);
    let said = [("", "damaged at byte 1024; 1024 bytes were passed over")];
    assert_walk("a bad header", &walked, &[("one.log", ONE), ("three.log", THREE)], &said);

    // The second member claims more than it has, and swallows the header behind it.
    let lying = raw_entry(b"two.log", EntryType::Regular, 600, TWO.as_bytes());
    let walked = walk(&ended([entries[0].as_slice(), &lying, &entries[2], &entries[1]].concat()));
    assert_eq!(walked.logs.len(), 3, "{walked:?}");
    assert!(
        walked.logs[1].1.starts_with(TWO) && walked.logs[2] == ("two.log".into(), TWO.into()),
        "{walked:?}"
    );
    assert!(walked.said[0].1.contains("damaged at byte 2560"), "{walked:?}");

    let truncated = |len: usize| walk(&whole[..len]);
    let said = [("", "ends without its end mark")];
    assert_walk("between members", &truncated(2048), &[("one.log", ONE), ("two.log", TWO)], &said);
    let broken = format!("{}!the archive breaks off here: the tar archive is truncated", &TWO[..37]);
    let logs = [("one.log", ONE), ("two.log", broken.as_str())];
    assert_walk("in a member", &truncated(1024 + 512 + 37), &logs, &[]);
    let said = [("two.log", "the archive breaks off here: the tar archive is truncated")];
    let logs = [("one.log", ONE), ("two.log", TWO)];
    assert_walk("in the padding", &truncated(1024 + 512 + 100), &logs, &said);
    assert_walk("in a header", &truncated(2048 + 100), &logs, &[("two.log", "is truncated")]);
    let walked = walk(&[whole.as_slice(), b"something else"].concat());
    assert_walk(
        "less than a block behind it",
        &walked,
        &[("one.log", ONE), ("two.log", TWO), ("three.log", THREE)],
        &[],
    );
    let walked = walk(&[whole.as_slice(), &[b'x'; 600]].concat());
    assert_eq!((walked.logs.len(), walked.said.len()), (3, 1));
    let joined = walk(
        &[whole.as_slice(), &tar_of(&[("four.log", b"I0305 06:07:08.000004    1 a.go:1] four\n")])].concat(),
    );
    assert_eq!((joined.logs.len(), joined.said.len()), (4, 0), "archives behind each other");
}

#[test]
fn a_damaged_member_does_not_keep_the_next_from_being_read() {
    let text = (0..5_000)
        .map(|n| format!("I0305 06:07:08.{n:06}    1 a.go:1] some text {}\n", n * 7919))
        .collect::<String>();
    for compression in crate::compressed::ALL {
        let mut bad = compress(compression, text.as_bytes());
        let cut = bad.len() / 2;
        bad.truncate(cut);
        for archive in [
            tar_of(&[("bad", &bad), ("two.log", TWO.as_bytes())]),
            zip_of(&[("bad", &bad), ("two.log", TWO.as_bytes())]),
        ] {
            let walked = walk(&archive);
            assert_eq!(walked.logs.last(), Some(&("two.log".to_owned(), TWO.to_owned())), "{compression}");
            if compression == Compression::Bzip2 {
                // Less than a block is no text.
                continue;
            }
            let (name, read) = &walked.logs[0];
            assert_eq!(name, "bad");
            let (read, error) = read.rsplit_once('!').unwrap();
            assert!(text.starts_with(read) && read.len() > text.len() / 4, "{compression} {}", read.len());
            assert!(error.contains("truncated"), "{compression} {error}");
        }
    }
}

#[test]
fn where_a_compressed_bundle_breaks_off_is_said_once() {
    let text = (0..5_000)
        .map(|n| format!("I0305 06:07:08.{n:06}    1 a.go:1] some text {}\n", n * 7919))
        .collect::<String>();
    let tar =
        tar_of(&[("one.log", ONE.as_bytes()), ("long.log", text.as_bytes()), ("two.log", TWO.as_bytes())]);
    let stored = compress(Compression::Gzip, &tar);
    let walked = walk(&stored[..stored.len() / 2]);
    assert_eq!((walked.logs.len(), walked.said.len()), (2, 0), "{:?}", walked.said);
    assert_eq!(walked.logs[0].1, ONE);
    let (read, error) = walked.logs[1].1.rsplit_once('!').unwrap();
    assert!(text.starts_with(read) && !read.is_empty());
    assert_eq!(error, "the archive breaks off here: gzip data is truncated");
}

#[test]
fn a_zip_without_its_directory_is_read_by_its_headers() {
    let whole = zip_of(&[
        ("one.log", ONE.as_bytes()),
        ("two.log", TWO.repeat(100).as_bytes()),
        ("three.log", THREE.as_bytes()),
    ]);
    let start_of = |name: &str| {
        let at = whole.windows(name.len()).position(|window| window == name.as_bytes()).unwrap();
        at - 30
    };
    let walked = walk(&whole[..start_of("three.log") + 40]);
    assert_eq!(
        walked.said[0].1,
        "the zip archive has no directory: it is truncated or damaged; members are looked for"
    );
    assert_eq!(walked.logs[..2], owned(&[("one.log", ONE), ("two.log", &TWO.repeat(100))]));
    assert!(walked.logs.len() == 2 || walked.logs[2].1.contains('!'), "{walked:?}");

    // A record of the directory that is none.
    let mut broken = whole.clone();
    let second = whole.windows(4).enumerate().filter(|(_, window)| window == b"PK\x01\x02").nth(1).unwrap().0;
    broken[second] = b'X';
    let walked = walk(&broken);
    assert!(walked.said[0].1.contains("the directory of the zip archive is damaged"));
    assert_eq!(walked.logs.len(), 3, "{walked:?}");

    // Something in front of it.
    let walked = walk(&[b"#!/bin/sh\n".as_slice(), &whole].concat());
    assert_eq!(walked.logs.len(), 1, "a script is a script: {walked:?}");
}

#[test]
fn lies_of_a_zip_are_told() {
    let whole = zip_of(&[("one.log", ONE.as_bytes()), ("two.log", TWO.as_bytes())]);
    let directory: Vec<usize> = whole
        .windows(4)
        .enumerate()
        .filter(|(_, window)| window == b"PK\x01\x02")
        .map(|(at, _)| at)
        .collect();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        walk(&changed)
    };
    let [first, second] = directory[..] else { panic!("two records") };
    let two = ("two.log", TWO);
    let checksum = format!("{ONE}!its checksum is not what the zip archive says");
    assert_walk("a checksum", &with(first + 16, b"\0\0\0\0"), &[("one.log", &checksum), two], &[]);
    let size = format!("{ONE}!its size is not what the zip archive says");
    assert_walk("a size", &with(first + 24, b"\x05\0\0\0"), &[("one.log", &size), two], &[]);
    assert_walk("a method", &with(first + 10, b"\x0e\0"), &[two], &[("one.log", "method 14")]);
    assert_walk("encrypted", &with(first + 8, b"\x01"), &[two], &[("one.log", "is encrypted")]);
    assert_walk("no header", &with(first + 42, b"\x05"), &[two], &[("one.log", "there is no such member")]);
    // Both are the same data: what is read would grow with each record of a directory.
    let overlap = with(second + 42, b"\0\0\0\0");
    assert_walk(
        "overlap",
        &overlap,
        &[("one.log", ONE)],
        &[("two.log", "shares its data with another member")],
    );
    let link = {
        let mut changed = whole.clone();
        changed[first + 5] = 3;
        changed[first + 40..first + 42].copy_from_slice(&0o120_777u16.to_le_bytes());
        walk(&changed)
    };
    assert_walk("a link", &link, &[two], &[]);
}

#[test]
fn what_grows_without_end_is_stopped() {
    let limits = WalkLimits {
        decode: DecodeLimits {
            expansion_ratio: 50,
            expansion_floor_bytes: 1 << 20,
            ..DecodeLimits::default()
        },
        ..WalkLimits::default()
    };
    // A member.
    let bomb = compress(Compression::Gzip, ONE.repeat(200_000).as_bytes());
    let archive = tar_of(&[("bomb.log", &bomb), ("two.log", TWO.as_bytes())]);
    let walked = walk_within(&archive, limits);
    assert!(
        walked.logs[0].1.ends_with("expands more than 50 times, rest not read"),
        "{}",
        walked.logs[0].1.len()
    );
    // Levels, each of which is harmless.
    let mut nested = ONE.repeat(100_000).into_bytes();
    for _ in 0..3 {
        let copy: Vec<(String, Vec<u8>)> = (0..20).map(|n| (format!("{n}"), nested.clone())).collect();
        let files: Vec<(&str, &[u8])> =
            copy.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        nested = zip_of(&files);
    }
    let walked = walk_within(&nested, limits);
    let text: usize = walked.logs.iter().map(|(_, text)| text.len()).sum();
    assert!(text < 3 << 20, "{text}");
    // Archives in archives.
    let mut deep = TWO.as_bytes().to_vec();
    for _ in 0..12 {
        deep = tar_of(&[("deep.tar", &deep), ("one.log", ONE.as_bytes())]);
    }
    let walked = walk(&deep);
    assert_eq!(walked.logs.len(), 1, "the others are copies: {:?}", walked.logs);
    assert!(
        walked.said.iter().any(|(_, message)| message.contains("nested more than 8 deep")),
        "{:?}",
        walked.said
    );
    // Members.
    let many: Vec<Vec<u8>> =
        (0..50).map(|n| format!("I0305 06:07:08.{n:06}    1 a.go:1] one\n").into_bytes()).collect();
    let files: Vec<(&str, &[u8])> = many.iter().map(|bytes| ("same.log", bytes.as_slice())).collect();
    let walked = walk_within(&tar_of(&files), WalkLimits { members: 20, ..WalkLimits::default() });
    assert_eq!(walked.logs.len(), 20);
    assert_eq!(walked.said, owned(&[("", "has more than 20 members; the rest is not read")]));
    // Memory.
    let inner = zip_of(&[("one.log", &many.concat())]);
    let archive = tar_of(&[("inner.zip", &inner), ("two.log", TWO.as_bytes())]);
    let walked = walk_within(&archive, WalkLimits { memory_bytes: 100, ..WalkLimits::default() });
    assert_walk(
        "memory",
        &walked,
        &[("two.log", TWO)],
        &[("inner.zip", "inside another archive is not read")],
    );
    // A hole of a sparse file that is larger than any disk.
    let mut header = Header::new_gnu();
    header.set_path("hole.log").unwrap();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(0);
    header.as_mut_bytes()[483..495].copy_from_slice(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    header.set_cksum();
    let walked = walk_within(&ended(header.as_bytes().to_vec()), limits);
    assert_eq!(walked.logs, []);
}

#[test]
fn a_log_is_read_once() {
    let long = ONE.repeat(10_000);
    let almost = long.replacen("one", "two", 10_000).replacen("two", "one", 9_999);
    let files: &[(&str, &[u8])] = &[
        ("a/one.log", long.as_bytes()),
        ("b/one.log", long.as_bytes()),
        ("b/almost.log", almost.as_bytes()),
        ("c/short.log", TWO.as_bytes()),
        ("d/short.log", TWO.as_bytes()),
        ("nodes/w-07/short.log", THREE.as_bytes()),
        ("nodes/w-08/short.log", THREE.as_bytes()),
    ];
    let wanted: &[(&str, &str)] = &[
        ("a/one.log", &long),
        ("b/almost.log", &almost),
        ("c/short.log", TWO),
        ("nodes/w-07/short.log", THREE),
        ("nodes/w-08/short.log", THREE),
    ];
    let said = [
        ("b/one.log", "a copy of b/a/one.log, which is read"),
        ("d/short.log", "a copy of b/c/short.log, which is read"),
    ];
    for archive in [tar_of(files), zip_of(files)] {
        let walked = walk(&archive);
        assert_walk("copies", &walked, wanted, &said);
        assert_eq!(walked.counts, Some(MemberCounts { logs: 5, others: 0, duplicates: 2 }));
    }
}

#[test]
fn of_klogs_files_by_severity_the_one_with_all_lines_is_read() {
    let name =
        |severity: &str, pid: u32| format!("log/kubelet.w-07.root.log.{severity}.20240305-060708.{pid}");
    let names = [name("ERROR", 1), name("ERROR", 2), name("INFO", 1), name("WARNING", 1)];
    let texts = ["E0305 06:07:08.000001    1 a.go:1] bad\n", "E0305 06:07:08.000001    2 a.go:1] bad\n"];
    let all = format!("{ONE}{}", texts[0]);
    let files: &[(&str, &[u8])] = &[
        (&names[0], texts[0].as_bytes()),
        (&names[1], texts[1].as_bytes()),
        (&names[2], all.as_bytes()),
        (&names[3], texts[0].as_bytes()),
    ];
    let walked = walk(&tar_of(files));
    let part = format!("part of b/{}, which is read", names[2]);
    let said = [(names[3].as_str(), part.as_str()), (&names[0], &part)];
    assert_walk("severities", &walked, &[(&names[2], &all), (&names[1], texts[1])], &said);

    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name.rsplit('/').next().unwrap()), text).unwrap();
    }
    let (inputs, skipped) = discover([directory.path()]);
    assert_eq!((inputs.len(), skipped.len()), (2, 2), "{skipped:?}");
}

#[test]
fn sections_of_minikube_are_logs_of_their_programs() {
    let text = format!("\n==> kubelet <==\n{ONE}==> describe nodes <==\nName: a\n==> etcd [0a1b] <==\n{TWO}");
    let walked = walk(text.as_bytes());
    assert_walk("minikube", &walked, &[("kubelet", ONE), ("etcd [0a1b]", TWO)], &[]);
    assert_eq!(walked.counts, Some(MemberCounts { logs: 2, others: 1, duplicates: 0 }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_or_a_cut_never_hurts_what_stands_before_it(at in 0..10_000usize, cut in any::<bool>(), which in 0..3usize) {
        let text = (0..50).map(|n| format!("I0305 06:07:08.{n:06}    1 a.go:1] some text {}\n", n * 7919)).collect::<String>();
        let gz = compress(Compression::Gzip, text.as_bytes());
        let files: &[(&str, &[u8])] = &[("one.log", ONE.as_bytes()), ("long.log", text.as_bytes()), ("two.gz", &gz)];
        let mut archive = match which {
            0 => tar_of(files),
            1 => zip_of(files),
            _ => compress(Compression::Gzip, &tar_of(files)),
        };
        let at = at % archive.len();
        if cut { archive.truncate(at) } else { archive[at] ^= 1 << (at % 8) }
        let walked = walk_any(&archive);
        for (_, read) in &walked.logs {
            prop_assert!(read.len() < 100_000);
        }
        if which == 0 && at >= 1024 && walked.logs.iter().all(|(name, _)| name != "one.log") {
            prop_assert!(false, "one.log stands before byte {}", at);
        }
    }
}

/// As [`walk`], of bytes that may be no archive any more.
fn walk_any(bytes: &[u8]) -> Walked {
    let mut padded = bytes.to_vec();
    if padded.starts_with(b"\xff\xfe") || padded.starts_with(b"\xfe\xff") {
        padded.insert(0, b' ');
    }
    walk(&padded)
}

#[test]
fn a_member_that_is_not_read_to_its_end_is_passed_over() {
    let archive = tar_of(&[("one.log", ONE.repeat(9_000).as_bytes()), ("two.log", TWO.as_bytes())]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b.tar");
    std::fs::write(&path, archive).unwrap();
    let mut names = Vec::new();
    Walker::default()
        .walk(&discover([&path]).0[0], &mut |found| {
            if let Found::Member(member) = found {
                member.reader.read_exact(&mut [0; 10]).unwrap();
                names.push(member.name.rsplit('/').next().unwrap().to_owned());
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(names, ["one.log", "two.log"]);
}
