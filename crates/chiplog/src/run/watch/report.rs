//! What a checkpoint tells of itself: `chiplog.state.v1`.

use std::collections::BTreeMap;

use chiplog_engine::{Finding, ScanSummary};
use chiplog_parse::UnixNanos;
use chiplog_report::write_finding_json;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::state_file::Head;

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    saved_time: String,
    started_time: String,
    rules: Vec<Rule<'a>>,
    streams: Vec<Stream<'a>>,
    sources: Vec<Source<'a>>,
    findings: Vec<Box<RawValue>>,
    losses: Vec<Loss<'a>>,
}

#[derive(Serialize)]
struct Rule<'a> {
    rule_id: &'a str,
    hits: u64,
    occurrences: u64,
}

#[derive(Serialize)]
struct Stream<'a> {
    name: &'a str,
    lines: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Source<'a> {
    name: &'a str,
    cursor: &'a Value,
}

#[derive(Serialize)]
struct Loss<'a> {
    stream: &'a str,
    reason: &'a str,
    times: u64,
    lines: u64,
    bytes: u64,
}

/// The report of a moment.
pub(super) fn of(head: &Head, summary: &ScanSummary, saved: UnixNanos) -> serde_json::Result<Vec<u8>> {
    let rules = summary.rules.iter().map(|(id, totals)| Rule {
        rule_id: id,
        hits: totals.hits,
        occurrences: totals.occurrences,
    });
    let streams = summary.inputs.iter().map(|input| Stream {
        name: &input.name,
        lines: input.lines,
        bytes: input.bytes,
    });
    let losses = head.losses.iter().map(|lost| Loss {
        stream: &lost.stream,
        reason: &lost.reason,
        times: lost.times,
        lines: lost.lines,
        bytes: lost.bytes,
    });
    let losses = losses.chain(told_by_lines(summary));
    let mut report = serde_json::to_vec(&Report {
        schema: "chiplog.state.v1",
        saved_time: saved.to_string(),
        started_time: UnixNanos(head.started_unix_nanos).to_string(),
        rules: rules.collect(),
        streams: streams.collect(),
        sources: head.cursors.iter().map(|(name, cursor)| Source { name, cursor }).collect(),
        findings: summary.findings.iter().map(finding).collect::<Result<_, _>>()?,
        losses: losses.collect(),
    })?;
    report.push(b'\n');
    Ok(report)
}

/// What lines say is missing, by stream and by who left it out.
fn told_by_lines(summary: &ScanSummary) -> impl Iterator<Item = Loss<'_>> {
    let mut sums: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    // What sources say themselves is counted by the daemon, each time of it.
    for gap in summary.gaps.iter().filter(|gap| gap.by != "source") {
        let (times, lines) = sums.entry((&gap.source, gap.by)).or_default();
        *times += 1;
        *lines = lines.saturating_add(gap.lines.unwrap_or(0));
    }
    sums.into_iter().map(|((stream, reason), (times, lines))| Loss { stream, reason, times, lines, bytes: 0 })
}

fn finding(finding: &Finding) -> serde_json::Result<Box<RawValue>> {
    let mut line = Vec::new();
    write_finding_json(&mut line, finding).map_err(serde::ser::Error::custom)?;
    let line = String::from_utf8(line).map_err(serde::ser::Error::custom)?;
    RawValue::from_string(line.trim_end().to_owned())
}
