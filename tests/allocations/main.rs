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

/// Warnings and errors that no rule takes are counted by what they say, where lines are counted at all:
/// that allocates for each template, not for each line.
#[test]
fn a_line_that_no_rule_knows_costs_none() {
    const UNKNOWN: [&str; 2] = [
        r#"E0305 06:07:08.120034    1234 pod_workers.go:9] "Nothing known" err="a \"quoted\" word 17" pod="ns/app-0""#,
        "W0305 06:07:08.120034    1234 other.go:8] nothing known of 17 either",
    ];
    let (block, count) = block_of(&UNKNOWN, 0);
    // Behind the lines that tell the time, before those that are not counted.
    let counted = chiplog_engine::Block { offset: 1 << 20, ..block };
    assert!(count > 1_000);
    let allocations = cases::block(&counted, ScanMode::Sparse);
    assert!(allocations <= 64, "{allocations} for {count} lines");
}
