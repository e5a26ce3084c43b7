//! `chiplog rules bench`: what each rule costs.

use std::hint::black_box;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chiplog_parse::Detector;
use chiplog_report::Thousands;
use chiplog_rules::{Prefilter, RuleSet};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::flags::RulesBench;
use crate::inputs::{gather, is_rule_path};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::reading::Reading;
use crate::rule_files;
use crate::talk::Talk;

/// Found lines are kept in memory up to this size, to be looked at again and again.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// Each measurement goes on for at least so long, or so many rounds.
const AT_LEAST: Duration = Duration::from_millis(5);
const ROUNDS: u32 = 50;

/// What was found in the input.
#[derive(Default)]
struct Found {
    bytes: u64,
    lines: u64,
    /// Lines that hold a literal of some rule.
    kept: Vec<Box<[u8]>>,
    kept_bytes: usize,
    is_partial: bool,
    search: Duration,
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    bytes: u64,
    lines: u64,
    /// Lines that hold a literal, and so are read by rules.
    elected_lines: u64,
    /// Only a part of the input was measured.
    partial: bool,
    search_seconds: f64,
    rules: Vec<RuleCost>,
}

#[derive(Serialize)]
struct RuleCost {
    rule_id: String,
    /// Lines on which the rule is asked.
    asked_lines: u64,
    matched_lines: u64,
    /// Of asking it, for each line.
    nanoseconds_per_line: f64,
    /// Of the time of all rules.
    share: f64,
}

pub(crate) fn run(flags: &RulesBench, talk: &Talk) -> Result<Exit, Failure> {
    let (rule_paths, paths): (Vec<_>, Vec<_>) =
        flags.paths.iter().cloned().partition(|path| is_rule_path(path));
    if paths.is_empty() {
        return Err(
            Failure::usage("there is nothing to measure on").with_hint("name a log file after the rules")
        );
    }
    let mut rule_flags = flags.rules.clone();
    rule_flags.no_builtin |= !rule_paths.is_empty();
    rule_flags.rules.extend(rule_paths);
    let set = rule_files::load(&rule_flags, talk)?;
    let found = find(&set, &paths, talk)?;
    let report = measure(&set, &found, &rule_flags.rule);
    let mut out = BufWriter::new(io::stdout().lock());
    write(&mut out, &report, flags.json)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))?;
    Ok(Exit::Success)
}

/// Reads the input and keeps the lines that some rule is asked about.
fn find(set: &RuleSet, paths: &[PathBuf], talk: &Talk) -> Result<Found, Failure> {
    let interrupt =
        Interrupt::install().map_err(|error| Failure::usage(format!("cannot watch signals: {error}")))?;
    let mut found = Found::default();
    let mut opened = 0;
    let mut reading = Reading::new(gather(paths, talk)?.list, interrupt, Progress::new(None, 0), talk);
    while reading.next_log().is_some() {
        opened += 1;
        while let Some(block) = reading.next() {
            found.block(set, &block.bytes);
            if found.is_partial {
                return Ok(found);
            }
        }
    }
    if opened == 0 {
        return Err(Failure::Told(Exit::NoInput));
    }
    Ok(found)
}

impl Found {
    fn block(&mut self, set: &RuleSet, bytes: &[u8]) {
        let mut at = 0;
        self.bytes += bytes.len() as u64;
        self.lines += chiplog_parse::lines(bytes).count() as u64;
        let line_end = |at: usize| memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |lf| at + lf + 1);
        let mut keep = |start: usize, end: usize| {
            let line = bytes[start..end].strip_suffix(b"\n").unwrap_or(&bytes[start..end]);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            self.kept_bytes += line.len();
            self.is_partial |= self.kept_bytes > MAX_KEPT_BYTES;
            self.kept.push(line.into());
        };
        match set.prefilter() {
            Prefilter::Sparse(searcher) => {
                let started = Instant::now();
                let hits: Vec<usize> = searcher.find_iter(bytes).collect();
                self.search += started.elapsed();
                for hit in hits {
                    if hit >= at {
                        let start = memchr::memrchr(b'\n', &bytes[at..hit]).map_or(at, |lf| at + lf + 1);
                        at = line_end(hit);
                        keep(start, at);
                    }
                }
            }
            // Every line is read.
            _ => {
                while at < bytes.len() {
                    let end = line_end(at);
                    keep(at, end);
                    at = end;
                }
            }
        }
    }
}

fn measure(set: &RuleSet, found: &Found, wanted: &[String]) -> Report {
    let mut matcher = set.matcher();
    let mut detector = Detector::new();
    let mut asked: Vec<Vec<usize>> = vec![vec![]; set.rules().len()];
    let mut rules = vec![];
    for (index, line) in found.kept.iter().enumerate() {
        rules.clear();
        matcher.asked_rules(line, &mut rules);
        rules.iter().for_each(|rule| asked[*rule].push(index));
    }
    let mut costs = vec![];
    for (rule, lines) in asked.iter().enumerate().filter(|(_, lines)| !lines.is_empty()) {
        let lines = || lines.iter().filter_map(|index| found.kept.get(*index));
        let mut matched_lines = 0;
        // Once for the answer, and to compile what is compiled when first needed.
        for line in lines() {
            matched_lines += u64::from(matcher.matches_rule(rule, &detector.peel(line), line));
        }
        let reading = per_round(|| {
            lines().for_each(|line| {
                black_box(detector.peel(line));
            });
        });
        let both = per_round(|| {
            lines().for_each(|line| {
                black_box(matcher.matches_rule(rule, &detector.peel(line), line));
            });
        });
        costs.push((rule, lines().count() as u64, matched_lines, both.saturating_sub(reading)));
    }
    let total: f64 = costs.iter().map(|cost| cost.3.as_secs_f64()).sum();
    costs.sort_by(|a, b| b.3.cmp(&a.3).then_with(|| set.rules()[a.0].id.cmp(&set.rules()[b.0].id)));
    let rules = costs
        .into_iter()
        .map(|(rule, asked_lines, matched_lines, time)| RuleCost {
            rule_id: set.rules()[rule].id.clone(),
            asked_lines,
            matched_lines,
            nanoseconds_per_line: time.as_secs_f64() * 1e9 / asked_lines as f64,
            share: if total > 0.0 { time.as_secs_f64() / total } else { 0.0 },
        })
        .filter(|cost| wanted.is_empty() || wanted.contains(&cost.rule_id))
        .collect();
    Report {
        schema: "chiplog.rules_bench.v1",
        bytes: found.bytes,
        lines: found.lines,
        elected_lines: found.kept.len() as u64,
        partial: found.is_partial,
        search_seconds: found.search.as_secs_f64(),
        rules,
    }
}

fn per_round(mut round: impl FnMut()) -> Duration {
    let started = Instant::now();
    let mut rounds = 0;
    while rounds < ROUNDS && (rounds == 0 || started.elapsed() < AT_LEAST) {
        round();
        rounds += 1;
    }
    started.elapsed() / rounds
}

fn write(out: &mut dyn Write, report: &Report, json: bool) -> io::Result<()> {
    if json {
        serde_json::to_writer(&mut *out, report).map_err(io::Error::from)?;
        return writeln!(out);
    }
    let per_thousand = report.elected_lines as f64 * 1e3 / report.lines.max(1) as f64;
    writeln!(
        out,
        "{} lines{}; {} are read by rules ({per_thousand:.2} in 1,000), found in {:.1} ms",
        Thousands(report.lines),
        if report.partial { ", the first part of the input" } else { "" },
        Thousands(report.elected_lines),
        report.search_seconds * 1e3,
    )?;
    if report.rules.is_empty() {
        return writeln!(out, "no rule is asked about any of them");
    }
    let id_width = report.rules.iter().map(|cost| cost.rule_id.len()).max().unwrap_or(0).max(4);
    writeln!(
        out,
        "{:id_width$} {:>10} {:>10} {:>10} {:>6}",
        "rule", "asked", "matched", "ns a line", "share"
    )?;
    for cost in &report.rules {
        writeln!(
            out,
            "{:id_width$} {:>10} {:>10} {:>10.0} {:>4.1} %",
            cost.rule_id,
            Thousands(cost.asked_lines),
            Thousands(cost.matched_lines),
            cost.nanoseconds_per_line,
            cost.share * 100.0,
        )?;
    }
    Ok(())
}
