//! The outcome of a scan, for people.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use chiplog_engine::{Finding, InputSummary, Quantity, ScanSummary, State, Unit};
use chiplog_parse::{Severity, UnixNanos};

use crate::human::{Roughly, Span, Thousands};
use crate::layout::{cut, cut_start, pad, pad_left, width, wrap};
use crate::stream::{evidence_text, lost_lines, peak_amount, peak_limit, place};
use crate::{Ink, Style};

/// Writes the outcome of a scan: what was read, one row per rule and group, what to distrust.
///
/// Nothing that weakens the result is left out: unrecognised lines, gaps, rules that had hits
/// but stayed below their limits, and assumptions about time are named when there are any.
/// `findings` says which findings to show (those of a minimum severity, say).
///
/// # Errors
///
/// Those of the writer.
pub fn write_scan_text(
    out: &mut dyn Write,
    summary: &ScanSummary,
    style: &Style,
    show: &dyn Fn(&Finding) -> bool,
) -> io::Result<()> {
    let findings: Vec<&Finding> = summary.findings.iter().filter(|finding| show(finding)).collect();
    let rows = rows(&findings, summary.inputs.len() > 1, style);
    write_paragraphs(out, &header(summary, style), style)?;
    if rows.is_empty() {
        write_paragraphs(out, &[("", nothing_found(summary))], style)?;
    }
    if !rows.is_empty() {
        writeln!(out)?;
        write_rows(out, &rows, style)?;
    }
    let notes = notes(summary, &findings, style);
    if !notes.is_empty() {
        writeln!(out)?;
        write_paragraphs(out, &notes, style)?;
    }
    Ok(())
}

type Section = Vec<(&'static str, String)>;

/// Writes labelled paragraphs: labels in a column of their own, text wrapped beside them.
///
/// Text is written as it is: what comes from a log or a file must be escaped before.
///
/// # Errors
///
/// Those of the writer.
pub fn write_paragraphs(out: &mut dyn Write, paragraphs: &[(&str, String)], style: &Style) -> io::Result<()> {
    for (label, text) in paragraphs {
        let indent = if label.is_empty() { 0 } else { width(label).max(7) + 2 };
        let room = room(style, indent);
        for (index, line) in wrap(text, room).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            writeln!(out, "{}", format!("{}{line}", pad(label, indent)).trim_end())?;
        }
    }
    Ok(())
}

fn header(summary: &ScanSummary, style: &Style) -> Section {
    let inputs = &summary.inputs;
    let name = match inputs.as_slice() {
        [only] => style.escape(only.name.as_bytes()),
        many => format!("{} inputs", Thousands(many.len() as u64)),
    };
    let mut parts = vec![name];
    parts.push(counted(total(inputs, |input| input.lines), "line"));
    let bytes = total(inputs, |input| input.bytes);
    parts.push(Roughly(Quantity { amount: bytes.into(), unit: Unit::Bytes }).to_string());
    let mut hosts: Vec<&Arc<str>> = inputs.iter().flat_map(|input| &input.hosts).collect();
    hosts.sort_unstable();
    hosts.dedup();
    match hosts.as_slice() {
        [] => {}
        [only] => parts.push(format!("host {}", style.escape(only.as_bytes()))),
        many => parts.push(format!("{} hosts", Thousands(many.len() as u64))),
    }
    let mut section = vec![("", parts.join("   "))];
    let first = inputs.iter().filter_map(|input| input.first_time).min();
    let last = inputs.iter().filter_map(|input| input.last_time).max();
    let time = match (first, last) {
        (Some(first), Some(last)) => format!("{} to {}", full_time(first), full_time(last)),
        _ => "no line could be placed in time".to_owned(),
    };
    section.push(("time", time));

    let guessed: Vec<&InputSummary> = inputs.iter().filter(|input| input.year_was_guessed).collect();
    let mut clock = vec![];
    if !guessed.is_empty() {
        let mut years: Vec<i16> = guessed
            .iter()
            .flat_map(|input| [input.first_time, input.last_time])
            .filter_map(|time| time?.to_civil().year)
            .collect();
        years.sort_unstable();
        years.dedup();
        let years: Vec<String> = years.iter().map(ToString::to_string).collect();
        clock.push(format!("year {} was guessed (override: --year)", years.join(", ")));
    }
    if inputs.iter().any(|input| input.zone_was_assumed) {
        clock.push("lines without a zone were taken as UTC (override: --tz)".to_owned());
    }
    if !clock.is_empty() {
        section.push(("clock", clock.join("; ")));
    }
    section
}

fn nothing_found(summary: &ScanSummary) -> String {
    let lines = total(&summary.inputs, |input| input.lines);
    let rules = summary.rules.len();
    format!(
        "no findings in {} ({} looked for); {} unparsed",
        counted(lines, "line"),
        counted(rules as u64, "rule"),
        unparsed_share(&summary.inputs),
    )
}

/// Columns for the place of a row; more is cut.
const PLACE_COLUMNS: usize = 24;

/// All findings of one rule and group.
struct Row {
    severity: Severity,
    rule_id: Arc<str>,
    place: String,
    has_host: bool,
    first_time: Option<UnixNanos>,
    duration: String,
    hits: String,
    peak: String,
    title: String,
    evidence: Option<String>,
}

fn rows(findings: &[&Finding], many_inputs: bool, style: &Style) -> Vec<Row> {
    type Key<'a> = (&'a str, &'a [(Arc<str>, Arc<str>)], Option<&'a str>);
    let mut order = vec![];
    let mut grouped: BTreeMap<Key<'_>, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        // Where lines name no host, a file is all there is to tell one machine from another.
        let has_host = finding.group.iter().any(|(name, _)| &**name == "host");
        let source = (many_inputs && !has_host).then_some(&*finding.source);
        let key = (&*finding.rule_id, finding.group.as_slice(), source);
        let episodes = grouped.entry(key).or_default();
        if episodes.is_empty() {
            order.push(key);
        }
        episodes.push(finding);
    }
    order.iter().filter_map(|key| row(grouped.get(key)?, key.2, style)).collect()
}

fn row(episodes: &[&Finding], source: Option<&str>, style: &Style) -> Option<Row> {
    let first = episodes.first()?;
    let worst = episodes
        .iter()
        .filter(|episode| episode.peak.is_some())
        .max_by_key(|episode| episode.peak.as_ref().map(|peak| peak.amount));
    let hit_count = episodes.iter().fold(0u64, |sum, episode| sum.saturating_add(episode.hits));
    let is_lower_bound = episodes.iter().any(|episode| !episode.complete);
    let mut duration = if episodes.iter().any(|episode| episode.state == State::Open) {
        "open".to_owned()
    } else {
        let nanos: i128 = episodes
            .iter()
            .filter_map(|episode| Some((episode.first_time?, episode.last_time?)))
            .map(|(first, last)| i128::from(last.0) - i128::from(first.0))
            .sum();
        match nanos {
            0 => "-".to_owned(),
            amount => Roughly(Quantity { amount, unit: Unit::Nanoseconds }).to_string(),
        }
    };
    if episodes.len() > 1 {
        duration += &format!(" ({}x)", episodes.len());
    }
    let shown = worst.copied().unwrap_or(first);
    Some(Row {
        severity: episodes.iter().map(|episode| episode.severity).max()?,
        rule_id: Arc::clone(&first.rule_id),
        place: match source.filter(|_| first.group.is_empty()) {
            Some(source) => cut_start(&style.escape(source.as_bytes()), PLACE_COLUMNS, style),
            None => place(&first.group, style),
        },
        has_host: matches!(first.group.as_slice(), [(name, _)] if &**name == "host"),
        first_time: episodes.iter().filter_map(|episode| episode.first_time).min(),
        duration,
        hits: format!("{}{}", if is_lower_bound { ">=" } else { "" }, Thousands(hit_count)),
        peak: shown.peak.as_ref().map_or_else(String::new, |peak| match &*peak.name {
            "count" => format!("{} in {}", peak_amount(peak), Span(shown.window_nanos)),
            name => format!("{name} {} (limit {})", peak_amount(peak), peak_limit(peak)),
        }),
        title: style.escape(first.title.as_bytes()),
        evidence: shown.evidence.last().map(|evidence| {
            let place = format!("{}:{}", style.escape(shown.source.as_bytes()), evidence.line);
            format!("{place}  {}", evidence_text(evidence, style))
        }),
    })
}

/// One line per row when the widest one fits, else the measure moves to a second line.
fn write_rows(out: &mut dyn Write, rows: &[Row], style: &Style) -> io::Result<()> {
    const HEAD: [&str; 7] = ["severity", "rule", "host", "first (UTC)", "for", "hits", "peak"];
    let cells: Vec<[String; 7]> = rows
        .iter()
        .map(|row| {
            [
                row.severity.to_string(),
                row.rule_id.to_string(),
                row.place.clone(),
                row.first_time.map_or_else(|| "-".to_owned(), short_time),
                row.duration.clone(),
                row.hits.clone(),
                row.peak.clone(),
            ]
        })
        .collect();
    let mut widths = HEAD.map(width);
    for cells in &cells {
        for (column, cell) in widths.iter_mut().zip(cells) {
            *column = (*column).max(width(cell));
        }
    }
    let [_, _, place_width, .., peak_width] = &mut widths;
    let peak_width = *peak_width;
    *place_width = (*place_width).min(PLACE_COLUMNS);
    let place_width = *place_width;
    let without_peak: usize = widths.iter().take(6).map(|column| column + 1).sum();
    let peak_beside = style.width == 0 || without_peak + 1 + peak_width <= style.width;

    let line = |cells: &[String; 7], severity_ink: Ink| {
        let [severity, rule, place, first, duration, hits, peak] = cells;
        let [severity_width, rule_width, _, first_width, duration_width, hits_width, _] = widths;
        let padding = severity_width.saturating_sub(width(severity));
        let mut line = format!(
            "{}{:padding$} {} {} {} {} {}",
            style.paint(severity_ink, severity),
            "",
            pad(rule, rule_width),
            pad(&cut(place, place_width, style), place_width),
            pad(first, first_width),
            pad(duration, duration_width),
            pad_left(hits, hits_width),
        );
        if peak_beside && !peak.is_empty() {
            line += "  ";
            line += peak;
        }
        line
    };
    let mut head = HEAD.map(ToOwned::to_owned);
    if !rows.iter().all(|row| row.has_host) {
        "where".clone_into(&mut head[2]);
    }
    writeln!(out, "{}", line(&head, Ink::None).trim_end())?;
    for (row, cells) in rows.iter().zip(&cells) {
        writeln!(out, "{}", line(cells, Ink::of(row.severity)).trim_end())?;
        let mut below = vec![row.title.clone()];
        if !peak_beside && !row.peak.is_empty() {
            below.push(row.peak.clone());
        }
        below.retain(|text| !text.is_empty());
        if !below.is_empty() {
            writeln!(out, "         {}", cut(&below.join(";  "), room(style, 9), style))?;
        }
        if let Some(evidence) = &row.evidence {
            writeln!(out, "         {}", cut(evidence, room(style, 9), style))?;
        }
    }
    Ok(())
}

fn room(style: &Style, indent: usize) -> usize {
    if style.width == 0 { 0 } else { style.width.saturating_sub(indent).max(20) }
}

fn notes(summary: &ScanSummary, shown: &[&Finding], style: &Style) -> Section {
    let mut notes = vec![];
    let hidden = summary.findings.len() - shown.len();
    if hidden > 0 {
        notes.push(("hidden", format!("{} below --min-severity", counted(hidden as u64, "finding"))));
    }
    let found = |id: &str| summary.findings.iter().any(|finding| &*finding.rule_id == id);
    let below: Vec<String> = summary
        .rules
        .iter()
        .filter(|(id, totals)| totals.hits > 0 && !found(id))
        .map(|(id, totals)| format!("{id} {}", Thousands(totals.hits)))
        .collect();
    if !below.is_empty() {
        notes.push((
            "below",
            format!("hits that stayed below the limits of their rules: {}", below.join(", ")),
        ));
    }
    let late = summary.rules.values().fold(0u64, |sum, totals| sum.saturating_add(totals.late));
    if late > 0 {
        let text = format!("{} so far out of order that they are in no window", counted(late, "hit"));
        notes.push(("late", text));
    }
    let unparsed = total(&summary.inputs, |input| input.unparsed);
    if unparsed > 0 {
        let largest = summary
            .inputs
            .iter()
            .enumerate()
            .max_by_key(|(index, input)| (input.unparsed, std::cmp::Reverse(*index)))
            .map(|(_, input)| style.escape(input.name.as_bytes()))
            .unwrap_or_default();
        let most =
            if summary.inputs.len() > 1 { format!(", most of them in {largest}") } else { String::new() };
        let text = format!(
            "{} of the lines looked at{most}    see: chiplog detect {}",
            unparsed_share(&summary.inputs),
            largest
        );
        notes.push(("unknown", text));
    }
    let cut_lines = total(&summary.inputs, |input| input.cut_lines);
    if cut_lines > 0 {
        notes.push(("cut", format!("{} longer than the limit", counted(cut_lines, "line"))));
    }
    notes.extend(gaps(summary, style));
    let mut seen = vec![];
    for warning in &summary.warnings {
        let text = match &warning.source {
            Some(source) => {
                format!("{}: {}", style.escape(source.as_bytes()), style.escape(warning.message.as_bytes()))
            }
            None => style.escape(warning.message.as_bytes()),
        };
        if !seen.contains(&text) && seen.len() < 10 {
            seen.push(text);
        }
    }
    notes.extend(seen.into_iter().map(|text| ("warning", text)));
    if summary.interrupted {
        let text = "interrupted: only part of the input was read".to_owned();
        notes.push(("PARTIAL", text));
    }
    if let Some(finding) =
        shown.iter().max_by_key(|finding| (finding.severity, std::cmp::Reverse(finding.first_time)))
    {
        notes.push(("next", format!("chiplog explain {}", finding.rule_id)));
    }
    notes
}

/// Gaps by host and by who dropped, with their sums.
fn gaps(summary: &ScanSummary, style: &Style) -> Section {
    const SHOWN: usize = 5;
    type Key<'a> = (Option<&'a str>, &'a str, Option<&'a str>);
    struct Sum {
        lines: Option<u64>,
        messages: u64,
        first: Option<UnixNanos>,
        last: Option<UnixNanos>,
    }
    let mut sums: BTreeMap<Key<'_>, Sum> = BTreeMap::new();
    for gap in &summary.gaps {
        let sum = sums.entry((gap.host.as_deref(), gap.by, gap.of.as_deref())).or_insert(Sum {
            lines: None,
            messages: 0,
            first: None,
            last: None,
        });
        sum.messages += 1;
        sum.lines = match (sum.lines, gap.lines) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
        sum.first = [sum.first, gap.time].into_iter().flatten().min();
        sum.last = sum.last.max(gap.time);
    }
    let mut section: Section = vec![];
    for ((host, by, of), sum) in sums.iter().take(SHOWN) {
        let mut text = host.map(|host| format!("{} ", style.escape(host.as_bytes()))).unwrap_or_default();
        if let (Some(first), Some(last)) = (sum.first, sum.last) {
            text += &short_time(first);
            if last != first {
                text += &format!(" to {}", short_time(last));
            }
            text += ": ";
        }
        let gap = chiplog_engine::Gap {
            source: Arc::from(""),
            time: None,
            host: None,
            by: "",
            of: of.map(Arc::from),
            lines: sum.lines,
        };
        text += &format!("{by}: {}", lost_lines(&gap, style));
        if sum.messages > 1 {
            text += &format!(" ({} messages)", Thousands(sum.messages));
        }
        section.push(("gaps", text));
    }
    if sums.len() > SHOWN {
        section.push(("gaps", format!("and {} more places", sums.len() - SHOWN)));
    }
    section
}

fn total(inputs: &[InputSummary], field: impl Fn(&InputSummary) -> u64) -> u64 {
    inputs.iter().fold(0, |sum, input| sum.saturating_add(field(input)))
}

fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", Thousands(number), if number == 1 { "" } else { "s" })
}

/// The share of lines looked at in which nothing was recognised: `3.1 %`; never `0.0 %` unless
/// it is none.
#[must_use]
pub fn unparsed_share(inputs: &[InputSummary]) -> String {
    let unparsed = u128::from(total(inputs, |input| input.unparsed));
    let looked_at = u128::from(total(inputs, |input| input.census_lines)).max(1);
    match (unparsed * 1_000 + looked_at / 2) / looked_at {
        0 if unparsed == 0 => "0 %".to_owned(),
        0 => "under 0.1 %".to_owned(),
        tenths => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

/// `2024-05-14 09:41:55Z`.
fn full_time(time: UnixNanos) -> String {
    format!("{:04}-{}Z", time.to_civil().year.unwrap_or(0), short_time(time))
}

/// `05-14 09:41:55`.
fn short_time(time: UnixNanos) -> String {
    let civil = time.to_civil();
    format!("{:02}-{:02} {:02}:{:02}:{:02}", civil.month, civil.day, civil.hour, civil.minute, civil.second)
}

#[cfg(test)]
mod tests {
    use chiplog_engine::Warning;

    use super::*;

    fn text(summary: &ScanSummary, width: usize) -> String {
        let mut out = vec![];
        write_scan_text(&mut out, summary, &Style { colour: false, width, unicode: true }, &|_| true)
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_short_report_is_no_clean_bill() {
        let mut input = InputSummary::default();
        input.name = Arc::from("kubelet.log");
        (input.bytes, input.lines, input.census_lines, input.unparsed) = (2_048, 1_000, 1_000, 31);
        input.first_time = Some(UnixNanos(1_715_551_203_000_000_000));
        input.last_time = Some(UnixNanos(1_715_679_715_000_000_000));
        input.year_was_guessed = true;
        let mut summary = ScanSummary::default();
        summary.inputs.push(input);
        summary.rules.insert(
            Arc::from("etcd-slow-apply"),
            chiplog_engine::RuleTotals { hits: 2, late: 1, ..Default::default() },
        );
        summary.warnings.push(Warning { source: None, message: "look \u{1b}[31m".to_owned() });
        summary.interrupted = true;
        assert_eq!(
            text(&summary, 80),
            "\
kubelet.log   1,000 lines   2.00 KiB
time     2024-05-12 22:00:03Z to 2024-05-14 09:41:55Z
clock    year 2024 was guessed (override: --year)
no findings in 1,000 lines (1 rule looked for); 3.1 % unparsed

below    hits that stayed below the limits of their rules: etcd-slow-apply 2
late     1 hit so far out of order that they are in no window
unknown  3.1 % of the lines looked at    see: chiplog detect kubelet.log
warning  look \\x1b[31m
PARTIAL  interrupted: only part of the input was read
"
        );
    }

    #[test]
    fn episodes_of_a_rule_at_a_place_are_one_row() {
        use crate::example::{after, slow_apply_closed};
        let mut second = slow_apply_closed();
        (second.first_time, second.last_time) = (after(1_000), after(1_060));
        let mut other = slow_apply_closed();
        other.severity = Severity::Critical;
        other.group = vec![(Arc::from("host"), Arc::from("w-07"))];
        (other.state, other.complete, other.peak) = (State::Open, false, None);
        let mut summary = ScanSummary::default();
        summary.findings = vec![slow_apply_closed(), other, second];
        let report = |width| {
            let text = text(&summary, width);
            text.split_once("\n\n").map(|(_, rest)| rest.to_owned()).unwrap()
        };
        assert_eq!(
            report(80),
            r"severity rule            host first (UTC)    for            hits
ERROR    etcd-slow-apply cp-1 05-14 03:11:54 3 m 50 s (2x)   424
         etcd answers slowly;  p99(took) 1.20 s (limit 500 ms)
         masters/etcd.log:4411  etcd[1893] apply request took too long \x1b[31m…
CRITICAL etcd-slow-apply w-07 05-14 03:11:54 open          >=212
         etcd answers slowly
         masters/etcd.log:4411  etcd[1893] apply request took too long \x1b[31m…

next     chiplog explain etcd-slow-apply
"
        );
        assert_eq!(
            report(0),
            r"severity rule            host first (UTC)    for            hits  peak
ERROR    etcd-slow-apply cp-1 05-14 03:11:54 3 m 50 s (2x)   424  p99(took) 1.20 s (limit 500 ms)
         etcd answers slowly
         masters/etcd.log:4411  etcd[1893] apply request took too long \x1b[31m\xff  took=1.203s
CRITICAL etcd-slow-apply w-07 05-14 03:11:54 open          >=212
         etcd answers slowly
         masters/etcd.log:4411  etcd[1893] apply request took too long \x1b[31m\xff  took=1.203s

next     chiplog explain etcd-slow-apply
"
        );
    }
}
