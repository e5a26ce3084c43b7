//! Bundles: one scan of them is a scan of what is in them.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use chiplog_testkit::{Envelope, Generator, Profile};
use serde_json::Value;

use crate::{Files, Ran, chiplog, run};

const MODIFIED_SECONDS: u64 = 1_558_500_000;

fn sick(seed: u64, envelope: Envelope) -> Vec<u8> {
    let mut log = Vec::new();
    Generator::new(seed, Profile::sick().in_envelope(envelope)).append(&mut log, 200_000);
    log
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect("memory can be written");
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

type Tree = Vec<(&'static str, Vec<u8>)>;

/// Logs of several hosts, stored in every way.
fn tree() -> Tree {
    let pod = "namespaces/openshift-etcd/pods/etcd-cp-1/etcd/etcd/logs/current.log";
    vec![
        ("host_service_logs/masters/kubelet_service.log", sick(1, Envelope::JournalShort)),
        (pod, sick(2, Envelope::Cri)),
        ("nodes/w-07/kubelet.log.gz", gzip(&sick(3, Envelope::None))),
        ("nodes/w-08/kubelet.log.xz", xz(&sick(4, Envelope::None))),
        ("nodes/w-08/containers.json.log", sick(5, Envelope::DockerJson)),
        ("nodes/w-09/var/log/journal/system.journal", crate::journals::bytes_of("node.journal")),
    ]
}

fn tar(tree: &Tree) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in tree {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mtime(MODIFIED_SECONDS);
        builder.append_data(&mut header, name, bytes.as_slice()).expect("memory can be written");
    }
    builder.into_inner().expect("memory can be written")
}

fn zip(tree: &Tree) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let time = zip::DateTime::from_date_and_time(2019, 5, 22, 4, 40, 0).expect("a time");
    for (name, bytes) in tree {
        let options = zip::write::SimpleFileOptions::default().last_modified_time(time);
        writer.start_file(*name, options).expect("memory can be written");
        writer.write_all(bytes).expect("memory can be written");
    }
    writer.finish().expect("memory can be written").into_inner()
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, bytes).expect("a file");
    let modified = UNIX_EPOCH + Duration::from_secs(MODIFIED_SECONDS);
    std::fs::File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.set_modified(modified))
        .expect("a time");
}

fn scan(path: &Path) -> (Value, Ran) {
    let output = chiplog().args(["scan", "--format", "json"]).arg(path).output();
    let ran: Ran = output.expect("the program runs").into();
    let report = ran.stdout.replace(&*path.to_string_lossy(), "HERE");
    let mut report: Value =
        serde_json::from_str(&report).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
    // Of an archive's times or of the file's own: the times are the same.
    for input in report["inputs"].as_array_mut().into_iter().flatten() {
        input.as_object_mut().and_then(|input| input.remove("year_from"));
    }
    (report, ran)
}

#[test]
fn a_bundle_gives_the_findings_of_its_files() {
    let files = Files::new(&[]);
    let loose = files.path("loose");
    let mut tree = tree();
    tree.sort();
    for (name, bytes) in &tree {
        write(&loose.join(name), bytes);
    }
    let (wanted, _) = scan(&loose);
    assert_ne!(wanted["findings"], serde_json::json!([]));
    let manifest = ("nodes/w-08/pod.yaml", b"apiVersion: v1\nkind: Pod\n".to_vec());
    let mut with_others = tree.clone();
    with_others.push(manifest);
    let tar = tar(&with_others);
    let bundles = [
        ("a.tar", tar.clone()),
        ("b.tar.gz", gzip(&tar)),
        ("c.zip", zip(&with_others)),
        ("d.tar.xz", xz(&tar)),
    ];
    for (name, bytes) in bundles {
        let bundle = files.path(name);
        write(&bundle, &bytes);
        let (report, ran) = scan(&bundle);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        for key in ["findings", "rules", "incidents", "inputs", "gaps"] {
            assert_eq!(report[key], wanted[key], "{name} {key}");
        }
        let archive = &report["archives"][0];
        assert_eq!(
            (&archive["files"], &archive["logs"], &archive["others"]),
            (&7.into(), &6.into(), &1.into())
        );
    }
    // What no line says is told by the folders.
    let hosts: Vec<&Value> =
        wanted["inputs"].as_array().expect("inputs").iter().map(|input| &input["hosts"]).collect();
    assert!(hosts.contains(&&serde_json::json!(["w-07"])), "{hosts:?}");
}

const PLEG: &str = "\
E0514 03:00:00.000001    2309 kubelet.go:1] skipping pod synchronization - [PLEG is not healthy: pleg was last seen active 3m1s ago; threshold is 3m0s]
E0514 03:00:05.000001    2309 kubelet.go:1] skipping pod synchronization - [PLEG is not healthy: pleg was last seen active 3m6s ago; threshold is 3m0s]
E0514 03:00:10.000001    2309 kubelet.go:1] skipping pod synchronization - [PLEG is not healthy: pleg was last seen active 3m11s ago; threshold is 3m0s]
";

fn bundle(files: &Files, name: &str, bytes: &[u8]) -> PathBuf {
    let path = files.path(name);
    write(&path, bytes);
    path
}

#[test]
fn every_command_reads_members() {
    let files = Files::new(&[]);
    let tree: Tree = vec![
        ("nodes/w-07/kubelet.log", PLEG.into()),
        ("nodes/w-08/kubelet.log", PLEG.into()),
        ("copy/kubelet.log", PLEG.into()),
        ("core", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01".to_vec()),
    ];
    let path = bundle(&files, "b.tar.gz", &gzip(&tar(&tree)));
    let path = path.to_str().expect("UTF-8");
    let text = run(["scan", path]);
    let head = text.stdout.lines().next().expect("a header");
    // A short log may be equal on two hosts; that of a third place is a copy.
    assert!(head.contains("b.tar.gz   4 files: 2 logs, 1 copy, 1 other   6 lines   914 B"), "{head}");
    assert!(text.stdout.contains("2 hosts"), "{}", text.stdout);
    assert!(
        text.stderr.contains("1 file left out: its lines are in other logs that are read"),
        "{}",
        text.stderr
    );
    let counted = run(["count", "--by", "host.name,service.name", "--format", "csv", path]);
    assert!(
        counted.stdout.contains("w-07,kubelet,3") && counted.stdout.contains("w-08,kubelet,3"),
        "{}",
        counted.stdout
    );
    let parsed = run(["parse", path]);
    assert_eq!(parsed.stdout.lines().count(), 6);
    assert!(parsed.stdout.contains("b.tar.gz/nodes/w-07/kubelet.log"), "{}", parsed.stdout);
    let detected = run(["detect", path]);
    assert!(detected.stdout.contains("b.tar.gz/nodes/w-08/kubelet.log   3 lines"), "{}", detected.stdout);
    let series = run(["series", "--step", "1h", "--format", "csv", path]);
    assert!(series.stdout.contains("kubelet-pleg-not-healthy"), "{}", series.stdout);
}

#[test]
fn faults_of_bundles_are_said_where_they_are_and_the_rest_is_read() {
    let files = Files::new(&[]);
    let long = sick(7, Envelope::None);
    let tree: Tree = vec![("one.log", PLEG.into()), ("long.log", long)];
    let whole = gzip(&tar(&tree));
    let cut = bundle(&files, "cut.tar.gz", &whole[..whole.len() / 2]);
    let (report, ran) = scan(&cut);
    assert_eq!(ran.exit, 0);
    assert!(
        ran.stderr.contains("cut.tar.gz/long.log: the archive breaks off here: gzip data is truncated"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        report["rules"]["kubelet-pleg-not-healthy"]["hits"].as_u64().map(|hits| hits >= 3),
        Some(true)
    );
    assert_eq!(report["warnings"][0]["source"], "HERE/long.log");
    assert_eq!(run(["scan", "--strict", cut.to_str().expect("UTF-8")]).exit, 4);

    let empty = bundle(&files, "empty.tar", &tar(&vec![("pod.yaml", b"kind: Pod\n".to_vec())]));
    let ran = run(["scan", empty.to_str().expect("UTF-8")]);
    assert_eq!(ran.exit, 3);
    assert!(ran.stderr.contains("error: no logs in ") && ran.stderr.contains("(1 file)"), "{}", ran.stderr);

    let hostile = bundle(&files, "hostile.zip", b"PK\x05\x06 and no more");
    let ran = run(["scan", hostile.to_str().expect("UTF-8")]);
    assert_eq!(ran.exit, 3);
    assert!(ran.stderr.contains("hostile.zip: the zip archive has no directory"), "{}", ran.stderr);

    let up = bundle(&files, "names.zip", &zip(&vec![("../../\u{1b}[31mup.log", PLEG.into())]));
    let (report, _) = scan(&up);
    assert_eq!(report["inputs"][0]["name"], "HERE/../../\u{1b}[31mup.log");
    let text = run(["scan", up.to_str().expect("UTF-8")]);
    assert!(!text.stdout.contains('\u{1b}') && text.stdout.contains("up.log"), "{}", text.stdout);
}
