//! Archives to their members.

use std::io::{Cursor, Write};
use std::ops::ControlFlow;

use chiplog_source::{Compression, Found, WalkLimits, Walker};

use super::parameters;
use super::source::{LIMITS, compress};

/// Small enough for a fuzzer to run into.
const WALK_LIMITS: WalkLimits = WalkLimits { decode: LIMITS, depth: 4, members: 200, memory_bytes: 1 << 16 };

const NAME: &str = "bundle";

/// Any bytes are walked within the limits, the same whatever the reads; and a log that is stored comes out.
pub(super) fn check(data: &[u8]) {
    let ([selector], rest) = parameters(data);
    if selector & 0x80 == 0 {
        check_stored(rest);
    } else {
        check_round_trip(selector, rest);
    }
}

/// What a walk came by, in order.
#[derive(Debug, PartialEq)]
enum Seen {
    Log { name: String, text: Vec<u8>, has_failed: bool },
    Said(String),
    Counts(u64, u64),
}

fn walk(bytes: &[u8], read_bytes: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut buffer = vec![0; read_bytes];
    Walker::new(WALK_LIMITS).walk_bytes(NAME, bytes, &mut |found| {
        match found {
            Found::Member(member) => {
                let mut text = Vec::new();
                let has_failed = loop {
                    match member.reader.read(&mut buffer) {
                        Ok(0) => break false,
                        Ok(count) => text.extend_from_slice(&buffer[..count]),
                        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                        Err(error) => {
                            assert!(!error.to_string().is_empty());
                            break true;
                        }
                    }
                };
                let rest = member.name.strip_prefix(NAME).expect("a member is below its input");
                assert!(rest.is_empty() || rest.starts_with('/'), "{rest:?}");
                seen.push(Seen::Log { name: member.name.to_owned(), text, has_failed });
            }
            Found::LeftOut { name, .. } | Found::Trouble { name, .. } => {
                seen.push(Seen::Said(name.to_owned()));
            }
            Found::Archive { counts, .. } => seen.push(Seen::Counts(counts.logs, counts.duplicates)),
        }
        ControlFlow::Continue(())
    });
    seen
}

fn check_stored(bytes: &[u8]) {
    let seen = walk(bytes, 8 << 10);
    // How far a decoder came before it failed may depend on how it was asked, and with it which members
    // were found to be the same.
    let is_whole =
        seen.iter().all(|seen| matches!(seen, Seen::Log { has_failed: false, .. } | Seen::Counts(..)));
    if is_whole {
        assert_eq!(seen, walk(bytes, 61));
    }
    let logs = seen.iter().filter_map(|seen| match seen {
        Seen::Log { text, .. } => Some(text.len() as u64),
        _ => None,
    });
    let (count, text_bytes) = logs.fold((0u64, 0u64), |(count, bytes), text| (count + 1, bytes + text));
    assert!(count <= 2 * WALK_LIMITS.members);
    let allowed = (LIMITS.expansion_ratio * bytes.len() as u64).max(LIMITS.expansion_floor_bytes);
    // The ratio is looked at after a read; what is stored as it is is not counted on every level.
    assert!(text_bytes <= allowed + bytes.len() as u64 + (64 << 10), "{text_bytes} of {}", bytes.len());
}

/// A log, in an archive of the kind that the selector says.
fn check_round_trip(selector: u8, text: &[u8]) {
    let log = [b"I0305 06:07:08.000001    1 a.go:1] one\n", text].concat();
    if log.len() as u64 > LIMITS.expansion_floor_bytes / 8 {
        return;
    }
    let stored = match selector & 7 {
        0 => log.clone(),
        1 => compress(Compression::Gzip, &log),
        2 => compress(Compression::Xz, &log),
        3 => compress(Compression::Lz4, &log),
        4 => compress(Compression::Zstd, &log),
        _ => compress(Compression::Bzip2, &log),
    };
    let mut archive = if selector & 8 == 0 { tar_of("a.log", &stored) } else { zip_of("a.log", &stored) };
    if selector & 16 != 0 {
        archive = compress(Compression::Gzip, &tar_of("inner", &archive));
    }
    let seen = walk(&archive, 61);
    let name = if selector & 16 == 0 { "bundle/a.log" } else { "bundle/inner/a.log" };
    let is_read = seen.iter().any(
        |seen| matches!(seen, Seen::Log { name: found, text, has_failed: false } if found == name && *text == log),
    );
    // Text that is full of control bytes is not taken for a log.
    let is_other = seen == [Seen::Counts(0, 0)];
    assert!(is_read || is_other, "{seen:?}");
}

fn tar_of(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    builder.append_data(&mut header, name, bytes).expect("memory can be written");
    builder.into_inner().expect("memory can be written")
}

fn zip_of(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("memory can be written");
    writer.write_all(bytes).expect("memory can be written");
    writer.finish().expect("memory can be written").into_inner()
}

/// Archives of every kind, whole, cut and with a byte changed; and texts to be stored.
pub(super) fn seeds(texts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let log = [b"I0305 06:07:08.000001    1 a.go:1] one\n", text.as_slice()].concat();
        let gz = compress(Compression::Gzip, &log);
        let tar = tar_of("host/a.log.gz", &gz);
        let zip = zip_of("host/a.log", &log);
        for archive in [tar.clone(), zip.clone(), compress(Compression::Zstd, &tar), tar_of("b.zip", &zip)] {
            let mut changed = archive.clone();
            let at = number * 37 % changed.len();
            changed[at] ^= 0xff;
            let cut = archive[..archive.len() * 2 / 3].to_vec();
            inputs.extend([archive, changed, cut].map(|archive| [&[0], archive.as_slice()].concat()));
        }
        inputs.push([&[0x80 | (number % 32) as u8], text.as_slice()].concat());
    }
    inputs
}
