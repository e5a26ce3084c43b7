//! How the parts of a scan compare with splitting the same bytes into lines by memchr.
//!
//! ```text
//! cargo bench --bench ratios               # generated input
//! cargo bench --bench ratios -- --mib 256  # more of it
//! cargo bench --bench ratios -- FILE...    # each file instead
//! cargo bench --bench ratios -- --only peel
//! ```
//!
//! All parts of one input run in turn, again and again, and the fastest run of each counts: what
//! else the machine does then hits all of them alike. Each part has a check value that was
//! found in another way; a wrong one ends the run.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chiplog_engine::{
    Block, CountField, InputOptions, Origin, ScanMode, ScanOptions, Scanner, Series, SeriesOptions,
    count_fields,
};
use chiplog_parse::{Clock, Detector, klog};
use chiplog_rules::{Prefilter, RuleSet};
use chiplog_testkit::{Generator, Problem, Profile, naive};

const BLOCK_BYTES: usize = 256 << 10;
const ROUNDS: usize = 9;

/// The one rule of the series: every slow request of etcd, with its duration.
const SLOW_APPLY: &str = r#"
id = "slow"
match = { event = "etcd.apply_slow" }
take = { took = { event = "duration" } }
open = "count >= 1"
"#;

struct Part<'p> {
    name: &'static str,
    run: Box<dyn FnMut() -> u64 + 'p>,
    /// `None` where no other way to find it is at hand: then it must stay the same.
    check: Option<u64>,
    best: Duration,
}

impl<'p> Part<'p> {
    fn new(name: &'static str, check: impl Into<Option<u64>>, run: impl FnMut() -> u64 + 'p) -> Self {
        Self { name, run: Box::new(run), check: check.into(), best: Duration::MAX }
    }
}

/// Runs the parts in turn; all ratios are to the first.
fn compare(input: &str, bytes: usize, only: Option<&str>, mut parts: Vec<Part<'_>>) {
    if let Some(only) = only {
        parts.retain(|part| part.name == "split" || part.name.contains(only));
    }
    for _ in 0..ROUNDS {
        for part in &mut parts {
            let start = Instant::now();
            let found = black_box((part.run)());
            part.best = part.best.min(start.elapsed());
            let check = *part.check.get_or_insert(found);
            assert_eq!(found, check, "{input}: {}", part.name);
        }
    }
    let lines = parts[0].check.unwrap_or(1).max(1);
    let split = parts[0].best.as_secs_f64();
    println!("{input}: {bytes} bytes, {lines} lines");
    for part in &parts {
        let seconds = part.best.as_secs_f64();
        println!(
            "  {:<28} {:>7.0} MB/s {:>7.1} ns/line  {:>5.2} of split  check {}",
            part.name,
            bytes as f64 / seconds / 1e6,
            seconds * 1e9 / lines as f64,
            split / seconds,
            part.check.unwrap_or_default(),
        );
    }
}

fn split(bytes: &[u8]) -> u64 {
    let (mut lines, mut rest) = (0, bytes);
    while let Some(end) = memchr::memchr(b'\n', rest) {
        lines += 1;
        rest = &rest[end + 1..];
    }
    lines
}

/// Adds up what the headers say, so that no part of them may be left out.
fn split_and_parse(bytes: &[u8]) -> u64 {
    let (mut sum, mut rest) = (0, bytes);
    while let Some(end) = memchr::memchr(b'\n', rest) {
        if let Ok(klog) = klog::parse(&rest[..end]) {
            let time = klog.time;
            sum += u64::from(time.second) + u64::from(time.nanosecond / 1_000) + u64::from(time.day);
            sum += klog.pid + klog.line + klog.file.len() as u64 + klog.body.len() as u64;
        }
        rest = &rest[end + 1..];
    }
    sum
}

fn is_klog(line: &[u8]) -> bool {
    matches!(line, [b'I' | b'W' | b'E' | b'F', b'0'..=b'9', ..])
}

/// The same sum by splitting at separators.
fn naive_header_sum(bytes: &[u8]) -> u64 {
    let number = |text: &str| text.trim().parse::<u64>().expect("a number");
    let line_sum = |line: &[u8]| {
        let text = String::from_utf8_lossy(&line[..line.len().min(200)]);
        let (header, _) = text.split_once("] ").expect("a klog header");
        let (fixed, place) = header.split_at(30);
        let (file, line_number) = place.rsplit_once(':').expect("a file and a line");
        number(&fixed[3..5])
            + number(&fixed[12..14])
            + number(&fixed[15..21])
            + number(&fixed[22..])
            + file.len() as u64
            + number(line_number)
            + (line.len() - header.len() - 2) as u64
    };
    bytes.split(|byte| *byte == b'\n').filter(|line| is_klog(line)).map(line_sum).sum()
}

fn blocks_of(bytes: &[u8]) -> Vec<Block> {
    let (mut blocks, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let limit = bytes.len().min(at + BLOCK_BYTES);
        let end = memchr::memrchr(b'\n', &bytes[at..limit]).map_or(limit, |feed| at + feed + 1);
        blocks.push(Block { offset: at as u64, bytes: bytes[at..end].to_vec(), ..Block::default() });
        at = end;
    }
    blocks
}

/// Lends blocks without copying them, and gets them back.
struct Lent<'b> {
    blocks: &'b mut [Block],
    next: usize,
    back: usize,
}

impl<'b> Lent<'b> {
    fn new(blocks: &'b mut [Block]) -> Self {
        Self { blocks, next: 0, back: 0 }
    }
}

impl chiplog_engine::BlockSource for Lent<'_> {
    type Error = std::convert::Infallible;

    fn next_block(&mut self) -> Result<Option<Block>, Self::Error> {
        let block = self.blocks.get_mut(self.next).map(std::mem::take);
        self.next += 1;
        Ok(block)
    }

    fn recycle(&mut self, block: Block) {
        self.blocks[self.back] = block;
        self.back += 1;
    }
}

/// Hits of all rules; panics where a line was not counted.
fn hits_of(scanner: &mut Scanner, blocks: &[Block]) -> u64 {
    let mut hits = 0;
    for block in blocks {
        let partial = scanner.scan(block);
        hits += partial.hits() as u64;
        assert_eq!(partial.lines() == 0, block.bytes.is_empty());
    }
    hits
}

fn klog_parts(input: &str, bytes: &[u8], only: Option<&str>) {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    let parts = vec![
        Part::new("split", lines, || split(bytes)),
        Part::new("split, klog::parse", naive_header_sum(bytes), || split_and_parse(bytes)),
    ];
    compare(input, bytes.len(), only, parts);
}

fn scan_parts(input: &str, bytes: &[u8], only: Option<&str>, truth: Option<&naive::Counts>) {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    let blocks = blocks_of(bytes);
    let mut lent = [blocks.clone(), blocks.clone()];
    let [for_count, for_series] = &mut lent;
    let rules = RuleSet::builtin();
    let Prefilter::Sparse(searcher) = rules.prefilter() else { panic!("a built-in rule needs every line") };
    let mut sparse = Scanner::new(&rules, ScanMode::Sparse, false);
    let mut beyond_head = Scanner::new(&rules, ScanMode::Sparse, false);
    let mut dense = Scanner::new(&rules, ScanMode::Dense, false);
    // The same bytes behind the head of a source, where lines are not counted by format.
    let shifted: Vec<Block> =
        blocks.iter().map(|block| Block { offset: block.offset + (65 << 20), ..block.clone() }).collect();
    let hits = hits_of(&mut dense, &blocks);
    let mut detector = Detector::new();
    let records = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
    let slow = RuleSet::load([("slow.toml", SLOW_APPLY)]).expect("the rule is valid").set;
    let counted =
        [(Arc::from("severity"), CountField::Severity), (Arc::from("code.file.path"), CountField::File)];
    let slow_requests = truth.map(|truth| truth.tally(Problem::EtcdSlowApply).hits);
    let parts = vec![
        Part::new("split", lines, || split(bytes)),
        Part::new("prefilter", None, || {
            blocks.iter().map(|block| searcher.find_iter(&block.bytes).count() as u64).sum()
        }),
        Part::new("sparse scan", hits, || hits_of(&mut sparse, &blocks)),
        Part::new("sparse scan beyond the head", hits, || hits_of(&mut beyond_head, &shifted)),
        Part::new("dense scan", hits, || hits_of(&mut dense, &blocks)),
        Part::new("peel", None, || {
            let mut peel = |line: &[u8]| u64::from(detector.peel(line).severity.is_some());
            blocks.iter().map(|block| chiplog_parse::lines(&block.bytes).map(&mut peel).sum::<u64>()).sum()
        }),
        Part::new("count by severity and file", records, || {
            let sources = &mut std::iter::once((Origin::default(), Lent::new(for_count)));
            count_fields(&counted, 1, sources).map_or(0, |table| table.records)
        }),
        Part::new("series of slow requests", slow_requests, || {
            let options = SeriesOptions { step_nanos: 60_000_000_000, scan: ScanOptions::default() };
            let mut series = Series::new(&slow, options);
            let (name, clock) = (Arc::from("bench"), Clock::from_year(2019));
            let input = InputOptions { name, clock, is_live: false, origin: Origin::default() };
            let read = series.input(&input, &mut Lent::new(for_series));
            read.map_or(0, |()| series.finish().rows.iter().map(|row| row.count).sum())
        }),
    ];
    compare(input, bytes.len(), only, parts);
}

fn generated(profile: Profile, bytes: usize) -> Vec<u8> {
    let mut log = Vec::new();
    Generator::new(1, profile).append(&mut log, bytes);
    log
}

fn klog_lines(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| is_klog(line));
    lines.flatten().copied().collect()
}

fn main() {
    let (mut mib, mut only, mut files) = (64_usize, None, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {}
            "--mib" => mib = arguments.next().and_then(|mib| mib.parse().ok()).expect("--mib N"),
            "--only" => only = arguments.next(),
            _ => files.push(argument),
        }
    }
    let only = only.as_deref();
    for file in &files {
        let bytes = std::fs::read(file).expect("the file can be read");
        if is_klog(&bytes) {
            klog_parts(file, &bytes, only);
        }
        scan_parts(file, &bytes, only, None);
    }
    if files.is_empty() {
        let plain = Profile::healthy().in_envelope(chiplog_testkit::Envelope::None);
        klog_parts("klog", &klog_lines(&generated(plain, mib << 20)), only);
        let healthy = generated(Profile::healthy(), mib << 20);
        scan_parts("healthy journal", &healthy, only, Some(&naive::count(&healthy)));
        let sick = generated(Profile::sick(), mib << 20);
        scan_parts("sick journal", &sick, only, Some(&naive::count(&sick)));
    }
}
