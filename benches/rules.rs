//! What a scan costs with few rules and with many.
//!
//! ```text
//! cargo bench --bench rules                    # generated input
//! cargo bench --bench rules -- --rules FILE... # the built-in rules and these as well
//! cargo bench --bench rules -- --input FILE    # other input
//! ```
//!
//! All sets of rules scan the same blocks in turn, again and again, and the fastest scan of each
//! block counts. Blocks lie behind the head of a source, where lines are not counted by format.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use chiplog_engine::{Block, ScanMode, Scanner};
use chiplog_rules::{Prefilter, RuleSet};
use chiplog_testkit::{Generator, Profile, Rng};

const BLOCK_BYTES: usize = 256 << 10;
const BEYOND_THE_HEAD: u64 = 65 << 20;
const ROUNDS: usize = 9;

/// The set that the others are compared with.
const FOUR: [&str; 4] =
    ["etcd-slow-apply", "kubelet-pleg-not-healthy", "kernel-oom-memcg", "docker-daemon-hung"];

struct Part {
    name: String,
    scanner: Scanner,
    elected: u64,
    hits: u64,
    best: Vec<Duration>,
}

fn load(name: &str, files: &[(String, String)]) -> (String, RuleSet) {
    let loaded = RuleSet::load(files.iter().map(|(name, text)| (name, text)));
    let set = loaded.unwrap_or_else(|errors| panic!("{errors}")).set;
    (format!("{name}: {} rules", set.rules().len()), set)
}

/// Those rules of the built-in files.
fn select(ids: &[&str]) -> Vec<(String, String)> {
    let rules = RuleSet::builtin_files().iter().flat_map(|(_, text)| text.split("\n[[rule]]\n").skip(1));
    let has = |rule: &str, id: &str| rule.contains(&format!("id = \"{id}\"\n"));
    let chosen: Vec<(String, String)> = rules
        .filter_map(|rule| {
            let id = ids.iter().find(|id| has(rule, id))?;
            Some(((*id).to_owned(), format!("[[rule]]\n{rule}")))
        })
        .collect();
    assert_eq!(chosen.len(), ids.len(), "a built-in rule has another name now");
    chosen
}

/// Rules on messages of made-up words, of which half begin alike.
fn synthetic(count: usize) -> Vec<(String, String)> {
    let mut rng = Rng::new(7);
    let mut word =
        || -> String { (0..4 + rng.below(6)).map(|_| char::from(b'a' + rng.below(26) as u8)).collect() };
    let mut text = String::new();
    for index in 0..count {
        let begin = if index % 2 == 0 { "failed to" } else { "unexpected" };
        writeln!(
            text,
            "[[rule]]\nid = \"rule-{index}\"\nmatch = \"{begin} {} {} {}\"\nopen = \"count >= 1\"\n",
            word(),
            word(),
            word()
        )
        .expect("a string takes all");
    }
    vec![("synthetic.toml".to_owned(), text)]
}

fn blocks_of(bytes: &[u8]) -> Vec<Block> {
    let (mut blocks, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let limit = bytes.len().min(at + BLOCK_BYTES);
        let end = memchr::memrchr(b'\n', &bytes[at..limit]).map_or(limit, |feed| at + feed + 1);
        let offset = BEYOND_THE_HEAD + at as u64;
        blocks.push(Block { offset, bytes: bytes[at..end].to_vec(), ..Block::default() });
        at = end;
    }
    blocks
}

fn hits_of(scanner: &mut Scanner, blocks: &[Block]) -> u64 {
    blocks.iter().map(|block| scanner.scan(block).hits() as u64).sum()
}

/// Lines at which rules look.
fn elected(set: &RuleSet, blocks: &[Block]) -> u64 {
    let Prefilter::Sparse(searcher) = set.prefilter() else { panic!("a rule needs every line") };
    blocks.iter().map(|block| searcher.find_iter(&block.bytes).count() as u64).sum()
}

fn main() {
    let (mut mib, mut input, mut more) = (64_usize, None, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {}
            "--mib" => mib = arguments.next().and_then(|mib| mib.parse().ok()).expect("--mib N"),
            "--input" => input = arguments.next(),
            "--rules" => more.extend(arguments.by_ref().filter(|file| file != "--bench")),
            _ => panic!("unknown argument {argument}"),
        }
    }
    let bytes = match &input {
        Some(file) => std::fs::read(file).expect("the file can be read"),
        None => {
            let mut log = Vec::new();
            Generator::new(1, Profile::healthy()).append(&mut log, mib << 20);
            log
        }
    };
    let builtin: Vec<(String, String)> = RuleSet::builtin_files()
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let mut sets = vec![load("four", &select(&FOUR)), load("built-in", &builtin)];
    if !more.is_empty() {
        let more = more.into_iter().map(|file| {
            let text = std::fs::read_to_string(&file).expect("the file can be read");
            (file, text)
        });
        sets.push(load("built-in and more", &builtin.iter().cloned().chain(more).collect::<Vec<_>>()));
    }
    sets.push(load("synthetic", &synthetic(1_000)));

    let blocks = blocks_of(&bytes);
    let mut parts: Vec<Part> = sets
        .into_iter()
        .map(|(name, set)| Part {
            name,
            scanner: Scanner::new(&set, ScanMode::Sparse, false),
            elected: elected(&set, &blocks),
            hits: hits_of(&mut Scanner::new(&set, ScanMode::Dense, false), &blocks),
            best: vec![Duration::MAX; blocks.len()],
        })
        .collect();
    let lines: u64 = blocks.iter().map(|block| memchr_lines(&block.bytes)).sum();
    let mut split = vec![Duration::MAX; blocks.len()];
    for _ in 0..ROUNDS {
        time(&blocks, &mut split, |block| memchr_lines(&block.bytes));
        for part in &mut parts {
            let hits = time(&blocks, &mut part.best, |block| part.scanner.scan(block).hits() as u64);
            assert_eq!(hits, part.hits, "{}: sparse and dense scan differ", part.name);
        }
    }
    let nanos_a_line = |times: &[Duration]| times.iter().sum::<Duration>().as_secs_f64() * 1e9 / lines as f64;
    let (split, four) = (nanos_a_line(&split), nanos_a_line(&parts[0].best));
    println!("{} bytes, {lines} lines; split {split:.1} ns/line", bytes.len());
    for part in &parts {
        let nanos = nanos_a_line(&part.best);
        println!(
            "  {:<32} {nanos:>6.1} ns/line  {:>5.2} of four  {:>5.2} of split  {:>6.2} per 1,000 lines elected  {} hits",
            part.name,
            nanos / four,
            split / nanos,
            part.elected as f64 * 1e3 / lines as f64,
            part.hits,
        );
    }
}

/// The sum of the answers; `best` is lowered to the time of each block.
fn time(blocks: &[Block], best: &mut [Duration], mut answer: impl FnMut(&Block) -> u64) -> u64 {
    let mut sum = 0;
    for (block, best) in blocks.iter().zip(best) {
        let start = Instant::now();
        sum += black_box(answer(black_box(block)));
        *best = start.elapsed().min(*best);
    }
    sum
}

/// The split that `ratios` measures.
fn memchr_lines(bytes: &[u8]) -> u64 {
    let (mut lines, mut rest) = (0, bytes);
    while let Some(end) = memchr::memchr(b'\n', rest) {
        lines += 1;
        rest = &rest[end + 1..];
    }
    lines
}
