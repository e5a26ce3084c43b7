//! No allocation for a line, whether a rule matches it or not; a few for a block.

mod cases;

use cases::{CASES, block, block_of, dense};
use chiplog_engine::ScanMode;

#[test]
fn allocations_are_counted() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(vec![1, 2, 3])));
    assert_eq!(counted.count_total, 1);
}

#[test]
fn a_healthy_line_costs_none() {
    for case in CASES {
        assert_eq!(dense(case.healthy, 10), (0, 0), "{}", case.name);
    }
}

#[test]
fn a_matching_line_costs_none() {
    for case in CASES {
        let (allocations, hits) = dense(case.matching, 10);
        assert!(hits >= case.matching.len() as u64, "{}: {hits} hits", case.name);
        assert_eq!(allocations, 0, "{}", case.name);
    }
}

/// A block allocates for what it found and for the times that it notes every so many bytes, so
/// the number of lines in the same bytes makes no difference.
#[test]
fn a_block_costs_the_same_for_many_short_lines_as_for_few_long_ones() {
    const FEW: u64 = 24;
    for case in CASES {
        let (short_lines, short_count) = block_of(case.healthy, 0);
        let (long_lines, long_count) = block_of(case.healthy, 2_000);
        assert!(short_count > 5 * long_count);
        for mode in [ScanMode::Sparse, ScanMode::Dense] {
            let (short, long) = (block(&short_lines, mode), block(&long_lines, mode));
            assert_eq!(short, long, "{} {mode:?}", case.name);
            assert!(short <= FEW, "{} {mode:?}: {short}", case.name);
        }
    }
}
