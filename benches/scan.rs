//! Scans of a healthy and a sick node's journal, and their parts.
//!
//! Each bench checks its answer: hits against the dense scan or the generator's truth, values
//! against their number.

use std::hint::black_box;
use std::time::Duration;

use chiplog_engine::{Block, Histogram, ScanMode, Scanner};
use chiplog_rules::{Prefilter, RuleSet};
use chiplog_testkit::{Generator, Problem, Profile, Rng};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const BYTES: usize = 2 << 20;

/// Where a source's lines are no longer counted by format.
const BEYOND_THE_HEAD: u64 = 65 << 20;

fn scans(criterion: &mut Criterion) {
    let rules = RuleSet::builtin();
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Bytes(BYTES as u64));
    for (name, profile) in [("healthy", Profile::healthy()), ("sick", Profile::sick())] {
        let mut generator = Generator::new(1, profile);
        let mut bytes = Vec::new();
        generator.append(&mut bytes, BYTES);
        let planted = generator.truth().tally(Problem::EtcdSlowApply).hits as usize;
        let head = Block { offset: 0, bytes, ..Block::default() };
        let beyond = Block { offset: BEYOND_THE_HEAD, ..head.clone() };

        let mut dense = Scanner::new(&rules, ScanMode::Dense, false);
        let mut sparse = Scanner::new(&rules, ScanMode::Sparse, false);
        let hits = dense.scan(&head).hits();
        assert!(hits >= planted && (planted > 0 || hits == 0), "{name}");
        group.bench_function(format!("{name}, dense"), |bencher| {
            bencher.iter(|| assert_eq!(dense.scan(black_box(&head)).hits(), hits));
        });
        group.bench_function(format!("{name}, sparse, head"), |bencher| {
            bencher.iter(|| assert_eq!(sparse.scan(black_box(&head)).hits(), hits));
        });
        group.bench_function(format!("{name}, sparse"), |bencher| {
            bencher.iter(|| assert_eq!(sparse.scan(black_box(&beyond)).hits(), hits));
        });

        let Prefilter::Sparse(searcher) = rules.prefilter() else {
            panic!("a built-in rule needs every line")
        };
        let naive: usize = head
            .bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| searcher.literals().any(|literal| memchr::memmem::find(line, literal).is_some()))
            .count();
        group.bench_function(format!("{name}, prefilter"), |bencher| {
            bencher.iter(|| {
                let found = searcher.find_iter(black_box(&head.bytes)).count();
                assert!(found <= naive && (found > 0 || hits == 0), "{found} {naive}");
            });
        });
    }
    group.finish();
}

fn histogram(criterion: &mut Criterion) {
    const VALUES: usize = 100_000;
    let mut rng = Rng::new(1);
    let values: Vec<i64> = (0..VALUES).map(|_| rng.log_normal(180_000_000, 1_600) as i64).collect();
    let mut group = criterion.benchmark_group("histogram");
    group.throughput(Throughput::Elements(VALUES as u64));
    group.bench_function("add", |bencher| {
        bencher.iter(|| {
            let mut histogram = Histogram::default();
            values.iter().for_each(|value| histogram.add(*value));
            assert_eq!(histogram.total(), VALUES as u64);
        });
    });
    group.finish();
}

fn config() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3))
}

criterion_group! { name = benches; config = config(); targets = scans, histogram }
criterion_main!(benches);
