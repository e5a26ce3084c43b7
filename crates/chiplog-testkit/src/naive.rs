//! An oracle: the planted problems counted by one regular expression after another.
//!
//! It shares no code with what it checks and looks at every line with every expression. It is slow
//! and nobody can doubt it.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::{Problem, Tally};

/// What the oracle found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines, with the last one whether or not it ends in LF.
    pub lines: u64,
    tallies: [Tally; Problem::ALL.len()],
}

impl Counts {
    /// What was found of a problem.
    #[must_use]
    pub fn tally(&self, problem: Problem) -> Tally {
        self.tallies[problem.index()]
    }
}

/// Quotes may stand behind backslashes, so that one expression fits every envelope.
/// The first group, where there is one, is the value.
const EXPRESSIONS: &[(Problem, &str)] = &[
    (Problem::EtcdSlowApply, r#"\| etcdserver: .*" took too long \(([^)]*)\) to execute"#),
    (Problem::EtcdSlowApply, r#"msg\\*":\\*"apply request took too long\\*",\\*"took\\*":\\*"([^"\\]*)"#),
    (
        Problem::OrphanedPodVolumes,
        r#"Orphaned pod \\*"[^"\\]*\\*" found, but .* a total of (\d+) errors similar to this"#,
    ),
    (Problem::OrphanedPodVolumes, r#"err=\\*"orphaned pod .* found, but .* numErrs=(\d+)"#),
    (Problem::OomKill, r"Memory cgroup out of memory: Killed process \d+ \("),
    (Problem::ContainerNotFound, r"level=error .*containerd: container not found"),
    (Problem::ProbeFailed, r#"prober\.go:\d+\] \\*"Probe failed\\*" "#),
    (Problem::ProbeFailed, r"prober\.go:\d+\] (?:Liveness|Readiness) probe for .* failed \(failure\): "),
];

static COMPILED: LazyLock<Vec<(Problem, Regex)>> = LazyLock::new(|| {
    let compile = |(problem, expression): &(Problem, &str)| {
        // Lines need not be UTF-8.
        let expression = format!("(?-u){expression}");
        (*problem, Regex::new(&expression).expect("the expressions above are valid"))
    };
    EXPRESSIONS.iter().map(compile).collect()
});

/// Counts the problems in a log.
///
/// # Panics
///
/// If a value is none: the oracle is for logs of the generator, or like them.
#[must_use]
pub fn count(log: &[u8]) -> Counts {
    let mut counts = Counts::default();
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        counts.lines += 1;
        for (problem, regex) in COMPILED.iter() {
            if let Some(captures) = regex.captures(line) {
                let value = captures.get(1).map(|value| match problem {
                    Problem::EtcdSlowApply => duration_nanos(value.as_bytes()),
                    _ => integer(value.as_bytes()),
                });
                counts.tallies[problem.index()].add(value);
            }
        }
    }
    counts
}

fn integer(digits: &[u8]) -> u64 {
    String::from_utf8_lossy(digits).parse().expect("digits were matched")
}

/// A duration such as `1m2.5s`.
fn duration_nanos(text: &[u8]) -> u64 {
    static PART: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(\d+)(?:\.(\d+))?(ns|µs|us|ms|s|m|h)").expect("the expression is valid")
    });
    let part = |captures: regex::bytes::Captures<'_>| {
        let unit_nanos = match &captures[3] {
            b"h" => 3_600_000_000_000,
            b"m" => 60_000_000_000,
            b"s" => 1_000_000_000,
            b"ms" => 1_000_000,
            b"ns" => 1,
            _ => 1_000,
        };
        let fraction = captures
            .get(2)
            .map_or(0, |digits| integer(digits.as_bytes()) * unit_nanos / 10_u64.pow(digits.len() as u32));
        integer(&captures[1]) * unit_nanos + fraction
    };
    assert!(PART.is_match(text), "not a duration: {}", String::from_utf8_lossy(text));
    PART.captures_iter(text).map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, nanos) in [
            ("1h0m0s", 3_600_000_000_000),
            ("1m2.5s", 62_500_000_000),
            ("100.000001ms", 100_000_001),
            ("1.5µs", 1_500),
        ] {
            assert_eq!(duration_nanos(text.as_bytes()), nanos, "{text}");
        }
    }

    #[test]
    fn lines_are_counted() {
        assert_eq!(count(b"").lines, 0);
        assert_eq!(count(b"a\n\nb").lines, 3);
    }
}
