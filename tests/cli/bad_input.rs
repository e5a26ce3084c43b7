//! Input that is broken, hostile or missing: counted or said, and the rest is still read.

use std::io::{Read as _, Write as _};
use std::path::Path;

use serde_json::Value;

use crate::{Files, Ran, chiplog, run, run_with};

/// Four lines that open kubelet-pleg-not-healthy, at the last.
const PLEG: &str = "\
E0514 03:00:00.000001    2309 kubelet.go:1] skipping pod synchronization - [PLEG is not healthy: pleg was last seen active 3m1s ago; threshold is 3m0s]
E0514 03:00:05.000001    2309 kubelet.go:1] skipping pod synchronization - [PLEG is not healthy: pleg was last seen active 3m6s ago; threshold is 3m0s]
E0514 03:00:10.000001    2309 kubelet.go:1] skipping pod synchronization - [PLEG is not healthy: pleg was last seen active 3m11s ago; threshold is 3m0s]
";

fn scan_report(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

fn scan(path: &Path, flags: &[&str]) -> Ran {
    let output =
        chiplog().args(["scan", "--format", "json", "--year", "2024"]).args(flags).arg(path).output();
    output.expect("the program runs").into()
}

/// Whatever surrounds them, the lines of the kubelet are found.
#[test]
fn broken_lines_do_not_hide_the_others() {
    let nul = "\0".repeat(70_000);
    let crlf = PLEG.replace('\n', "\r\n");
    let impossible = "E0230 25:61:00.000001    2309 kubelet.go:1] it is never this late\n\
                      2024-13-45T99:99:99Z stderr F nor this\n\
                      Feb 31 24:60:61 cp-1 kubelet[1]: nor this\n";
    let mixed = "{\"level\":\"warn\",\"ts\":\"2024-05-14T03:00:01Z\",\"msg\":\"a\"}\n\
                 2024-05-14T03:00:02.000000000Z stderr F b\n\
                 time=\"2024-05-14T03:00:03Z\" level=info msg=c\n\
                 2024-05-14 03:00:04.000000 I | raft: d\n";
    let cut_json = "{\"level\":\"warn\",\"ts\":\"2024-05-14T03:00:01Z\",\"msg\":\"apply requ\n\
                    {\"log\":\"E0514 03:00\n{\n{\"\n{\"a\":\n[[[[[[[[\n";
    let two = "{\"log\":\"a\\n\",\"stream\":\"stderr\",\"time\":\"2024-05-14T03:00:01Z\"}\
               {\"log\":\"b\\n\",\"stream\":\"stderr\",\"time\":\"2024-05-14T03:00:01Z\"}\n";
    let ansi = "\u{1b}[31mE0514 03:00:01.000001 2309 kubelet.go:1] red\u{1b}[0m\n\u{1b}]0;owned\u{7}\n";
    let with = |before: &[u8]| [before, PLEG.as_bytes()].concat();
    for (name, bytes, lines) in [
        ("invalid UTF-8", with(b"disk \xff\xfe\xc3( \xed\xa0\x80\n"), 4),
        ("a run of NUL", with(format!("{nul}\n").as_bytes()), 4),
        ("a run of NUL without an end", with(b"\0\0\0\0\n"), 4),
        ("CR LF", crlf.into_bytes(), 3),
        ("ANSI sequences", with(ansi.as_bytes()), 5),
        ("cut JSON", with(cut_json.as_bytes()), 9),
        ("two objects on a line", with(two.as_bytes()), 4),
        ("impossible dates", with(impossible.as_bytes()), 6),
        ("mixed formats", with(mixed.as_bytes()), 7),
        ("no LF at the end", PLEG.trim_end().as_bytes().to_vec(), 3),
        ("empty lines", with(b"\n\n \n"), 6),
    ] {
        for command in [
            &["--format", "json", "--year", "2024"][..],
            &["scan", "--format", "json", "--year", "2024", "-"],
        ] {
            let ran = run_with(command, &bytes);
            assert_eq!(ran.exit, 0, "{name}: {}", ran.stderr);
            let report = scan_report(&ran);
            assert_eq!(report["inputs"][0]["lines"], lines, "{name}");
            assert_eq!(
                report["findings"][0]["rule_id"], "kubelet-pleg-not-healthy",
                "{name}: {}",
                ran.stdout
            );
            assert_eq!(report["rules"]["kubelet-pleg-not-healthy"]["hits"], 3, "{name}");
        }
        // Text never carries what steers a terminal.
        let ran = run_with(["scan", "--year", "2024", "-"], &bytes);
        assert!(!ran.stdout.contains(|c: char| c.is_control() && c != '\n'), "{name}: {:?}", ran.stdout);
    }
}

#[test]
fn a_day_that_only_leap_years_have() {
    let line = PLEG.lines().next().expect("a line").replace("0514", "0229");
    for (year, is_real) in [("2024", true), ("2023", false)] {
        let ran = run_with(["--format", "json", "--year", year], format!("{line}\n").as_bytes());
        let report = scan_report(&ran);
        let hits = report["rules"]["kubelet-pleg-not-healthy"]["hits"].as_u64();
        let time = report["findings"][0]["first_time"].as_str();
        if is_real {
            assert_eq!((ran.exit, time), (0, Some("2024-02-29T03:00:00.000001Z")), "{}", ran.stdout);
        } else {
            // The line is still a hit, without a time; no other day is put in its place.
            assert_eq!((ran.exit, hits), (0, Some(1)), "{}", ran.stdout);
            assert!(!ran.stdout.contains("2023-03-01"), "{}", ran.stdout);
        }
    }
}

#[test]
fn a_line_of_100_megabytes_is_cut_and_counted() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("long.log");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    file.write_all(PLEG.lines().next().expect("a line").as_bytes()).expect("written");
    for _ in 0..100 {
        file.write_all(&vec![b'x'; 1 << 20]).expect("written");
    }
    file.write_all(format!("\n{PLEG}").as_bytes()).expect("written");
    file.into_inner().expect("flushed");
    let ran = scan(&path, &[]);
    assert_eq!(ran.exit, 0);
    let report = scan_report(&ran);
    assert_eq!((&report["inputs"][0]["cut_lines"], &report["inputs"][0]["lines"]), (&1.into(), &4.into()));
    assert_eq!(report["findings"][0]["hits"], 4);
    assert!(ran.stdout.len() < 100_000, "{} bytes", ran.stdout.len());
    assert_eq!(scan(&path, &["--strict"]).exit, 4);
    let parsed = run([Path::new("parse").as_os_str(), path.as_os_str()]);
    assert_eq!(parsed.exit, 0);
    assert!(parsed.stdout.len() < 2 << 20, "{} bytes", parsed.stdout.len());
}

#[test]
fn an_empty_file_is_an_input_without_findings() {
    let files = Files::new(&[("empty.log", "")]);
    let ran = scan(&files.path("empty.log"), &[]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let report = scan_report(&ran);
    assert_eq!((&report["inputs"][0]["lines"], &report["findings"]), (&0.into(), &Value::Array(vec![])));
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_said_and_the_rest_is_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let files = Files::new(&[("secret.log", PLEG), ("open.log", PLEG)]);
    let secret = files.path("secret.log");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).expect("its owner may");
    if std::fs::File::open(&secret).is_ok() {
        // Nothing is unreadable for the superuser.
        return;
    }
    let ran = scan(files.0.path(), &[]);
    assert_eq!(ran.exit, 0);
    assert!(ran.stderr.contains("secret.log: ") && ran.stderr.contains("ermission denied"), "{}", ran.stderr);
    assert_eq!(scan_report(&ran)["findings"].as_array().map(Vec::len), Some(1));
    assert_eq!(scan(files.0.path(), &["--strict"]).exit, 4);
    assert_eq!(scan(&secret, &[]).exit, 3);
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_a_circle_are_followed_once() {
    let files = Files::new(&[("a.log", PLEG)]);
    std::fs::create_dir(files.path("sub")).expect("a directory");
    std::os::unix::fs::symlink("..", files.path("sub/up")).expect("a link");
    std::os::unix::fs::symlink("self", files.path("self")).expect("a link");
    let ran = scan(files.0.path(), &[]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let report = scan_report(&ran);
    assert_eq!(report["inputs"].as_array().map(Vec::len), Some(1), "{}", ran.stdout);
}

#[test]
fn compressed_files_that_break_off_are_read_as_far_as_they_go() {
    let path = "corpora/kubelet/kubelet-1.20-runtime-stopped.log.gz";
    let gzip = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a corpus");
    let mut plain = vec![];
    flate2::read::MultiGzDecoder::new(&gzip[..]).read_to_end(&mut plain).expect("gzip");

    // Small blocks: what is cut is the last of many.
    let mut bzip2 = bzip2::write::BzEncoder::new(vec![], bzip2::Compression::fast());
    bzip2.write_all(&plain).expect("memory takes it");
    let xz_options = lzma_rust2::XzOptions::with_preset(1);
    let mut xz = lzma_rust2::XzWriter::new(vec![], xz_options).expect("valid options");
    xz.write_all(&plain).expect("memory takes it");
    let zstd = ruzstd::encoding::compress_to_vec(&plain[..], ruzstd::encoding::CompressionLevel::Fastest);

    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, packed) in [
        ("cut.log.gz", gzip),
        ("cut.log.bz2", bzip2.finish().expect("memory takes it")),
        ("cut.log.xz", xz.finish().expect("memory takes it")),
        ("cut.log.zst", zstd),
    ] {
        let path = directory.path().join(name);
        std::fs::write(&path, &packed).expect("a file");
        let whole = scan_report(&scan(&path, &[]));
        assert_eq!(whole["inputs"][0]["lines"], 3_567, "{name}");
        std::fs::write(&path, &packed[..packed.len() * 3 / 4]).expect("a file");
        let ran = scan(&path, &[]);
        assert_eq!(ran.exit, 0, "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains("what came before was read"), "{name}: {}", ran.stderr);
        let report = scan_report(&ran);
        let lines = report["inputs"][0]["lines"].as_u64();
        assert!(lines.is_some_and(|lines| lines > 500), "{name}: {lines:?}");
        assert_eq!(report["warnings"].as_array().map(Vec::len), Some(1), "{name}");
        assert_eq!(scan(&path, &["--strict"]).exit, 4, "{name}");
    }
}
