//! Each layer of a line by itself, and the detector that puts them together.
//!
//! Lines are generated, and sorted out by their first bytes. A parser that refuses one of them, or
//! takes another, ends the run: a bench of the wrong thing is worth nothing.

use std::hint::black_box;
use std::time::Duration;

use chiplog_parse::{Detector, Format, cri, docker_json, journal_text, klog, logrus, zap};
use chiplog_testkit::{Envelope, Generator, Profile};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const BYTES: usize = 2 << 20;

fn generated(envelope: Envelope) -> Vec<u8> {
    let mut log = Vec::new();
    Generator::new(1, Profile::healthy().in_envelope(envelope)).append(&mut log, BYTES);
    log
}

fn lines_that(log: &[u8], is_wanted: impl Fn(&[u8]) -> bool) -> Vec<&[u8]> {
    let lines: Vec<&[u8]> = log.split(|byte| *byte == b'\n').filter(|line| is_wanted(line)).collect();
    assert!(lines.len() > 500, "too few lines to measure");
    lines
}

/// Measures `parse`, which must take every line.
fn layer(criterion: &mut Criterion, name: &str, lines: &[&[u8]], mut parse: impl FnMut(&[u8]) -> bool) {
    let mut group = criterion.benchmark_group("layer");
    group.throughput(Throughput::Bytes(lines.iter().map(|line| line.len() as u64 + 1).sum()));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let taken = lines.iter().filter(|line| parse(black_box(line))).count();
            assert_eq!(taken, lines.len(), "{name}");
        });
    });
    group.finish();
}

fn layers(criterion: &mut Criterion) {
    let bare = generated(Envelope::None);
    let klog_lines = lines_that(&bare, |line| matches!(line, [b'I' | b'W' | b'E' | b'F', b'0'..=b'9', ..]));
    layer(criterion, "klog header", &klog_lines, |line| black_box(klog::parse(line)).is_ok());
    let structured: Vec<&[u8]> = klog_lines
        .iter()
        .filter_map(|line| klog::parse(line).ok().map(|klog| klog.body))
        .filter(|body| klog::structured(body).is_some())
        .collect();
    layer(criterion, "klog body", &structured, |body| black_box(klog::structured(body)).is_some());
    let zap_lines = lines_that(&bare, |line| line.starts_with(b"{\"level\":"));
    layer(criterion, "zap", &zap_lines, |line| black_box(zap::parse_json(line)).is_ok());
    let logrus_lines = lines_that(&bare, |line| line.starts_with(b"time=\""));
    layer(criterion, "logrus", &logrus_lines, |line| black_box(logrus::parse(line)).is_ok());

    let log = generated(Envelope::Cri);
    let cri_lines = lines_that(&log, |line| line.windows(5).any(|five| five == b" F I0" || five == b" F 20"));
    layer(criterion, "cri", &cri_lines, |line| black_box(cri::parse(line)).is_ok());
    let log = generated(Envelope::DockerJson);
    let docker_lines = lines_that(&log, |line| line.starts_with(b"{\"log\":"));
    layer(criterion, "docker json", &docker_lines, |line| black_box(docker_json::parse(line)).is_ok());
    let log = generated(Envelope::JournalShort);
    let journal_lines = lines_that(&log, |line| !line.is_empty());
    layer(criterion, "journal short", &journal_lines, |line| {
        black_box(journal_text::parse(line, journal_text::Mode::Short)).is_ok()
    });
}

fn lines(criterion: &mut Criterion) {
    let log = generated(Envelope::JournalShort);
    let expected = log.iter().filter(|byte| **byte == b'\n').count();
    let mut group = criterion.benchmark_group("split");
    group.throughput(Throughput::Bytes(log.len() as u64));
    group.bench_function("lines", |bencher| {
        bencher.iter(|| assert_eq!(chiplog_parse::lines(black_box(&log)).count(), expected));
    });
    group.finish();
}

fn detector(criterion: &mut Criterion) {
    let outer = [
        ("journal", Envelope::JournalShort, Some(Format::JournalText)),
        ("cri", Envelope::Cri, Some(Format::Cri)),
        ("docker json", Envelope::DockerJson, Some(Format::DockerJson)),
        ("no envelope", Envelope::None, None),
    ];
    let mut group = criterion.benchmark_group("detector");
    for (name, envelope, format) in outer {
        let log = generated(envelope);
        let expected = log.iter().filter(|byte| **byte == b'\n').count();
        let mut detector = Detector::new();
        group.throughput(Throughput::Bytes(log.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut is_so = |line: &[u8]| {
                    let record = detector.peel(line);
                    black_box(&record);
                    format.is_none_or(|format| record.layers().first() == Some(&format))
                };
                // The kernel's lines are in no envelope but the journal's.
                let found = chiplog_parse::lines(&log)
                    .filter(|line| is_so(line) || line.first() == Some(&b'['))
                    .count();
                assert_eq!(found, expected, "{name}");
            });
        });
    }
    group.finish();
}

fn config() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3))
}

criterion_group! { name = benches; config = config(); targets = lines, layers, detector }
criterion_main!(benches);
