//! Allocations, counted: for each line once warm, and for each block of 256 KiB.
//!
//! Counts, not times: the same on every machine. A test holds the numbers that are promised.

use std::process::ExitCode;

use cases::{CASES, block, block_of, dense};
use chiplog_engine::ScanMode;

#[path = "../tests/allocations/cases.rs"]
mod cases;

fn main() -> ExitCode {
    const ROUNDS: u64 = 1_000;
    let mut total = 0;
    println!(
        "{:<20} {:>14} {:>14} {:>14} {:>14}",
        "", "healthy line", "matching line", "sparse block", "dense block"
    );
    for case in CASES {
        let per_line = |lines: &[&str]| {
            let (allocations, _) = dense(lines, ROUNDS);
            (allocations, allocations as f64 / (ROUNDS as f64 * lines.len() as f64))
        };
        let (healthy, healthy_per_line) = per_line(case.healthy);
        let (matching, matching_per_line) = per_line(case.matching);
        let (lines, _) = block_of(case.healthy, 0);
        println!(
            "{:<20} {healthy_per_line:>14.3} {matching_per_line:>14.3} {:>14} {:>14}",
            case.name,
            block(&lines, ScanMode::Sparse),
            block(&lines, ScanMode::Dense),
        );
        total += healthy + matching;
    }
    if total == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
