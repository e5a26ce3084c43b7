//! The outcome of a scan, for people.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use chiplog_engine::{
    Archive, Evidence, Finding, Incident, InputSummary, Quantity, Root, ScanSummary, State, Unit, ZoneSource,
};
use chiplog_parse::{Severity, UnixNanos};

use crate::human::{Offset, Roughly, Span, Thousands};
use crate::incident::write_incidents;
use crate::layout::{cut, cut_start, pad, pad_left, width, wrap};
use crate::stream::{evidence_text, lost_lines, peak_amount, peak_limit, place, step_words};
use crate::unknown::write_unknown;
use crate::{Ink, Style};

/// What of a scan [`write_scan_text`] shows.
#[derive(Clone, Copy)]
pub struct ScanTextOptions<'a> {
    /// How it looks.
    pub style: Style,
    /// Which findings are shown: those of a minimum severity, say.
    pub show: &'a dyn Fn(&Finding) -> bool,
    /// Which rules are about what is harmless unless it lasts: their rows come last.
    pub is_noise: &'a dyn Fn(&str) -> bool,
    /// Every row, instead of the first few of each problem and in all.
    pub all: bool,
}

/// Rows that are shown of a scan. A longer list is read by nobody before its head is dealt with.
const ROWS_AT_MOST: usize = 20;

/// Rows that are shown of one rule at one host: probes of a hundred pods are one problem.
const ALIKE_AT_MOST: usize = 3;

/// Writes the outcome of a scan: what was read, one row per rule and group, what to distrust.
///
/// Rows stand in order of severity, the worst first, then of time; those of one rule at one host
/// stay together, and noise comes last. No line is longer than [`Style::columns`]; below each row stand what had no
/// room in it and the line from the log that shows the problem best. Beyond 20 rows, and three of
/// one rule at one host, rows are counted only, unless all are asked for.
///
/// Below the table stand the incidents of which more than one member is known: what started each, in
/// which order things happened, and what could not be known. Numbers are those of the rows.
///
/// Nothing that weakens the result is left out: unrecognised lines, gaps, rules that had hits
/// but stayed below their limits, and assumptions about time are named when there are any.
///
/// # Errors
///
/// Those of the writer.
pub fn write_scan_text(
    out: &mut dyn Write,
    summary: &ScanSummary,
    incidents: &[Incident],
    options: &ScanTextOptions<'_>,
) -> io::Result<()> {
    let style = &options.style;
    let findings: Vec<(usize, &Finding)> =
        summary.findings.iter().enumerate().filter(|(_, finding)| (options.show)(finding)).collect();
    let mut rows = rows(&findings, summary.inputs.len() > 1, style);
    // The order among the others stays.
    rows.sort_by_key(|row| (options.is_noise)(&row.rule_id));
    write_paragraphs(out, &header(summary, style), style)?;
    if rows.is_empty() {
        write_paragraphs(out, &[("", nothing_found(summary))], style)?;
    } else {
        writeln!(out)?;
        let numbers = write_rows(out, &rows, options)?;
        write_incidents(out, incidents, &numbers, style)?;
    }
    if !summary.unknown.is_empty() {
        writeln!(out)?;
        write_unknown(out, &summary.unknown, style)?;
    }
    // What started the gravest trouble is worth reading about first.
    let root = incidents.first().and_then(|incident| match incident.root {
        Root::Member(root) => incident.members.get(root).map(|member| &*member.rule_id),
        Root::Unknown { .. } => None,
    });
    let next = rows.first().map(|row| root.unwrap_or(&row.rule_id));
    let mut notes = notes(summary, findings.len(), next, style);
    let mut noise: Vec<&str> =
        rows.iter().map(|row| &*row.rule_id).filter(|rule| (options.is_noise)(rule)).collect();
    noise.dedup();
    if !noise.is_empty() {
        notes.insert(0, ("noise", format!("harmless unless it lasts: {}", noise.join(", "))));
    }
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
        let room = style.columns().saturating_sub(indent);
        for (index, line) in wrap(text, room).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            writeln!(out, "{}", format!("{}{line}", pad(label, indent)).trim_end())?;
        }
    }
    Ok(())
}

fn header(summary: &ScanSummary, style: &Style) -> Section {
    let inputs = &summary.inputs;
    let (whole, beside) = match summary.archives.as_slice() {
        [only] if inputs.iter().all(|input| is_in(input, only)) => (Some(only), &[][..]),
        many => (None, many),
    };
    let mut parts = match (whole, inputs.as_slice()) {
        (Some(archive), _) => vec![style.escape(archive.name.as_bytes()), files(archive)],
        (None, [only]) => vec![style.escape(only.name.as_bytes())],
        (None, many) => vec![format!("{} inputs", Thousands(many.len() as u64))],
    };
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
    let text = |archive: &Archive| format!("{}: {}", style.escape(archive.name.as_bytes()), files(archive));
    section.extend(beside.iter().map(|archive| ("archive", text(archive))));
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
        let mut grounds: Vec<&str> =
            guessed.iter().filter_map(|input| input.year_rests_on.as_deref()).collect();
        grounds.sort_unstable();
        grounds.dedup();
        let years = years.join(", ");
        clock.push(match grounds.as_slice() {
            [] => format!("year {years} was guessed (override: --year)"),
            grounds => format!("year {years} (from {}; override: --year)", grounds.join(" and ")),
        });
    }
    clock.extend(zones(inputs, style));
    if inputs.iter().any(|input| input.zone_was_assumed) {
        clock.push("lines without a zone were taken as UTC (override: --tz)".to_owned());
    }
    if !clock.is_empty() {
        section.push(("clock", clock.join("; ")));
    }
    section
}

/// Whether an input is a member of an archive.
fn is_in(input: &InputSummary, archive: &Archive) -> bool {
    input.name.strip_prefix(&*archive.name).is_some_and(|rest| rest.starts_with('/'))
}

/// What was in an archive: `1,873 files: 214 logs, 1,659 other`.
fn files(archive: &Archive) -> String {
    let mut text = format!("{}: {}", counted(archive.files(), "file"), counted(archive.logs, "log"));
    if archive.duplicates > 0 {
        let copies = if archive.duplicates == 1 { "copy" } else { "copies" };
        text += &format!(", {} {copies}", Thousands(archive.duplicates));
    }
    if archive.others > 0 {
        text += &format!(", {} other", Thousands(archive.others));
    }
    text
}

/// The zones that were found out, by host.
fn zones(inputs: &[InputSummary], style: &Style) -> Vec<String> {
    const SHOWN: usize = 4;
    let mut zones: Vec<String> = Vec::new();
    for (input, clock) in inputs.iter().flat_map(|input| input.clocks.iter().map(move |clock| (input, clock)))
    {
        let place = style.escape(clock.host.as_deref().unwrap_or(&input.name).as_bytes());
        let own = clock.utc_offset_seconds.unwrap_or(0);
        match clock.zone {
            ZoneSource::Seen if own != 0 => {
                zones.push(format!("{place} runs at {} (seen in its lines)", Offset(own)));
            }
            ZoneSource::Neighbours => {
                zones.push(format!("{place} taken at {}, as the other hosts", Offset(own)));
            }
            _ => {}
        }
        if let Some(payload) = clock.payload_utc_offset_seconds.filter(|payload| *payload != own) {
            zones.push(format!("klog on {place} runs at {} (seen against its envelope)", Offset(payload)));
        }
    }
    zones.sort_unstable();
    zones.dedup();
    let others = zones.len().saturating_sub(SHOWN);
    zones.truncate(SHOWN);
    if others > 0 {
        zones.push(format!("and {} more", counted(others as u64, "zone")));
    }
    zones
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

/// All findings of one rule and group.
struct Row {
    /// Indexes into the findings of the summary.
    findings: Vec<usize>,
    severity: Severity,
    rule_id: Arc<str>,
    /// The host, else the source where there is more than one.
    home: String,
    /// Where, with every label.
    place: String,
    /// Labels other than the host; empty for none.
    labels: String,
    /// The place is a host and nothing else.
    is_host: bool,
    /// The home is a source.
    is_in_source: bool,
    first_time: Option<UnixNanos>,
    duration: String,
    hits: u64,
    is_lower_bound: bool,
    peak: String,
    /// Where the evidence stands.
    evidence_place: String,
    evidence: Option<Evidence>,
}

/// Rows in the order in which they are shown.
fn rows(findings: &[(usize, &Finding)], many_inputs: bool, style: &Style) -> Vec<Row> {
    type Key<'a> = (&'a str, &'a [(Arc<str>, Arc<str>)], Option<&'a str>);
    let mut grouped: BTreeMap<Key<'_>, Vec<(usize, &Finding)>> = BTreeMap::new();
    for (index, finding) in findings {
        // Where lines name no host, a file is all there is to tell one machine from another.
        let has_host = finding.group.iter().any(|(name, _)| &**name == "host");
        let source = (many_inputs && !has_host).then_some(&*finding.source);
        grouped
            .entry((&*finding.rule_id, finding.group.as_slice(), source))
            .or_default()
            .push((*index, *finding));
    }
    let mut rows: Vec<Row> =
        grouped.iter().filter_map(|(key, episodes)| row(episodes, key.2, style)).collect();

    type Family = (Arc<str>, String);
    type Rank = (std::cmp::Reverse<Severity>, Option<UnixNanos>);
    let family = |row: &Row| -> Family { (Arc::clone(&row.rule_id), row.home.clone()) };
    let mut ranks: BTreeMap<Family, Rank> = BTreeMap::new();
    for row in &rows {
        let rank = (std::cmp::Reverse(row.severity), row.first_time);
        let best = ranks.entry(family(row)).or_insert(rank);
        *best = rank.min(*best);
    }
    rows.sort_by_cached_key(|row| {
        let family = family(row);
        (ranks.get(&family).copied(), family, row.first_time, row.labels.clone())
    });
    rows
}

fn row(numbered: &[(usize, &Finding)], source: Option<&str>, style: &Style) -> Option<Row> {
    let episodes: Vec<&Finding> = numbered.iter().map(|(_, finding)| *finding).collect();
    let first = *episodes.first()?;
    let worst = episodes
        .iter()
        .filter(|episode| episode.peak.is_some())
        .max_by_key(|episode| episode.peak.as_ref().map(|peak| peak.amount));
    let duration = if episodes.iter().any(|episode| episode.state == State::Open) {
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
    let shown = worst.copied().unwrap_or(first);
    let mut peak = shown.peak.as_ref().map_or_else(String::new, |peak| {
        let (amount, limit) = (peak_amount(peak), peak_limit(peak));
        match &*peak.name {
            "count" => format!("{amount} in {} (limit {limit})", Span(shown.window_nanos)),
            name => format!("{name} {amount} (limit {limit})"),
        }
    });
    if episodes.len() > 1 {
        let separator = if peak.is_empty() { "" } else { ", " };
        peak += &format!("{separator}opened {} times", Thousands(episodes.len() as u64));
    }
    let (host, labels): (Vec<_>, Vec<_>) =
        first.group.iter().cloned().partition(|(name, _)| &**name == "host");
    let home = match (source, host.is_empty()) {
        (Some(source), _) => style.escape(source.as_bytes()),
        (None, true) => String::new(),
        (None, false) => place(&host, style),
    };
    let labels = if labels.is_empty() { String::new() } else { place(&labels, style) };
    let place = [home.as_str(), labels.as_str()].into_iter().filter(|part| !part.is_empty());
    let place = place.collect::<Vec<_>>().join(" ");
    Some(Row {
        findings: numbered.iter().map(|(index, _)| *index).collect(),
        severity: episodes.iter().map(|episode| episode.severity).max()?,
        rule_id: Arc::clone(&first.rule_id),
        place: if place.is_empty() { "-".to_owned() } else { place },
        is_host: source.is_none() && !home.is_empty() && labels.is_empty(),
        is_in_source: source.is_some(),
        home,
        labels,
        first_time: episodes.iter().filter_map(|episode| episode.first_time).min(),
        duration,
        hits: episodes.iter().fold(0u64, |sum, episode| sum.saturating_add(episode.hits)),
        is_lower_bound: episodes.iter().any(|episode| !episode.complete),
        peak,
        evidence_place: shown.evidence.last().map_or_else(String::new, |evidence| {
            format!("{}:{}", style.escape(shown.source.as_bytes()), evidence.line)
        }),
        evidence: shown.evidence.last().cloned(),
    })
}

/// A row that is shown, and how many like it are not.
struct Shown<'a> {
    row: &'a Row,
    more_alike: usize,
}

/// The rows that are shown, and how many others are not, besides those that are like a shown one.
fn fold(rows: &[Row], all: bool) -> (Vec<Shown<'_>>, usize) {
    let mut shown: Vec<Shown<'_>> = vec![];
    let mut others = 0;
    for family in rows.chunk_by(|a, b| a.rule_id == b.rule_id && a.home == b.home) {
        let room = if all { usize::MAX } else { ROWS_AT_MOST - shown.len() };
        let alike = if all { usize::MAX } else { ALIKE_AT_MOST };
        if room == 0 {
            others += family.len();
            continue;
        }
        let taken = family.len().min(alike).min(room);
        shown.extend(family.iter().take(taken).map(|row| Shown { row, more_alike: 0 }));
        if let Some(last) = shown.last_mut() {
            last.more_alike = family.len() - taken;
        }
    }
    (shown, others)
}

/// Rows of a table, under each what had no room in it, and evidence.
///
/// The place and the peak are columns where all of them fit, for labels may be long. Answers with the
/// numbers of the rows that findings are in.
fn write_rows(
    out: &mut dyn Write,
    rows: &[Row],
    options: &ScanTextOptions<'_>,
) -> io::Result<BTreeMap<usize, usize>> {
    const HEAD: [&str; 8] = ["N", "severity", "rule", "where", "first (UTC)", "for", "hits", "peak"];
    const INDENT: usize = 3;
    let style = &options.style;
    let (shown, others) = fold(rows, options.all);
    let mut table = vec![HEAD.map(ToOwned::to_owned)];
    if rows.iter().all(|row| row.is_host) {
        table[0][3] = "host".to_owned();
    }
    table.extend(shown.iter().enumerate().map(|(index, Shown { row, .. })| {
        [
            (index + 1).to_string(),
            row.severity.to_string(),
            row.rule_id.to_string(),
            row.place.clone(),
            row.first_time.map_or_else(|| "-".to_owned(), short_time),
            row.duration.clone(),
            format!("{}{}", if row.is_lower_bound { ">=" } else { "" }, Thousands(row.hits)),
            row.peak.clone(),
        ]
    }));
    let mut widths = [0; HEAD.len()];
    for cells in &table {
        for (column, cell) in widths.iter_mut().zip(cells) {
            *column = (*column).max(width(cell));
        }
    }
    widths[0] = widths[0].max(INDENT - 1);
    let [.., place_width, first, duration, hits, peak_width] = widths;
    let least = widths[0] + widths[1] + widths[2] + first + duration + hits + 5;
    let has_place = least + 1 + place_width <= style.columns();
    let has_peak = has_place && least + 1 + place_width + 1 + peak_width <= style.columns();

    let line = |cells: &[String; HEAD.len()], ink: Ink| {
        let [number, severity, rule, place, first, duration, hits, peak] = cells;
        let mut rest = vec![pad(rule, widths[2])];
        rest.extend(has_place.then(|| pad(place, widths[3])));
        rest.extend([pad(first, widths[4]), pad(duration, widths[5]), pad_left(hits, widths[6])]);
        rest.extend(has_peak.then(|| peak.clone()));
        let room = style.columns().saturating_sub(widths[0] + widths[1] + 2);
        let padding = widths[1].saturating_sub(width(severity));
        let severity = style.paint(ink, severity);
        let rest = cut(rest.join(" ").trim_end(), room, style);
        format!("{} {severity}{:padding$} {rest}", pad_left(number, widths[0]), "")
    };
    let room = style.columns() - INDENT;
    for (cells, shown) in table.iter().zip(std::iter::once(None).chain(shown.iter().map(Some))) {
        writeln!(out, "{}", line(cells, shown.map_or(Ink::None, |shown| Ink::of(shown.row.severity))))?;
        let Some(Shown { row, more_alike }) = shown else { continue };
        for text in row.below(room, has_place, has_peak, style) {
            writeln!(out, "{:INDENT$}{text}", "")?;
        }
        if *more_alike > 0 {
            let rows = Thousands(*more_alike as u64);
            writeln!(out, "{:INDENT$}and {rows} more of this rule here (--all)", "")?;
        }
    }
    if others > 0 {
        let others = Thousands(others as u64);
        writeln!(out, "{:INDENT$}and {others} more (--all shows them, --format json has everything)", "")?;
    }
    let numbered = shown.iter().enumerate();
    Ok(numbered
        .flat_map(|(index, shown)| shown.row.findings.iter().map(move |finding| (*finding, index + 1)))
        .collect())
}

impl Row {
    /// Where the evidence stands, what is not in the columns, and the evidence.
    fn below(&self, room: usize, has_place: bool, has_peak: bool, style: &Style) -> Vec<String> {
        const GAP: usize = 2;
        let peak = if has_peak { "" } else { &*self.peak };
        let source = &*self.evidence_place;
        let place = match (has_place, self.is_in_source && !source.is_empty()) {
            (true, _) => "",
            (false, true) => &*self.labels,
            (false, false) => &*self.place,
        };
        let columns = |text: &str| if text.is_empty() { 0 } else { width(text) + GAP };
        let besides_peak = (room + GAP).saturating_sub(columns(peak));
        let half = besides_peak / 2;
        let place =
            cut(place, half.max(besides_peak.saturating_sub(columns(source))).saturating_sub(GAP), style);
        let source =
            cut_start(source, besides_peak.saturating_sub(columns(&place)).saturating_sub(GAP), style);
        let mut head =
            [&*source, &*place, peak].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        let evidence =
            |columns| self.evidence.as_ref().map(|evidence| evidence_text(evidence, columns, style));
        let mut lines = vec![];
        if place.is_empty() && peak.is_empty() {
            let beside = evidence(room.saturating_sub(columns(&source)));
            head.extend(beside.as_deref());
            lines.push(head.join("  "));
        } else {
            lines.push(head.join("  "));
            lines.extend(evidence(room));
        }
        lines.retain(|line| !line.is_empty());
        lines.iter().map(|line| cut(line, room, style)).collect()
    }
}

fn notes(summary: &ScanSummary, shown: usize, next: Option<&str>, style: &Style) -> Section {
    let mut notes = vec![];
    let hidden = summary.findings.len() - shown;
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
    let mut most_unknown = None;
    if unparsed > 0 {
        let inputs = summary.inputs.iter().enumerate();
        let largest = inputs.max_by_key(|(index, input)| (input.unparsed, std::cmp::Reverse(*index)));
        most_unknown = largest.map(|(_, input)| style.escape(input.name.as_bytes()));
        let most = most_unknown.as_ref().filter(|_| summary.inputs.len() > 1);
        let most = most.map(|name| format!(", most of them in {name}")).unwrap_or_default();
        notes.push(("unknown", format!("{} of the lines looked at{most}", unparsed_share(&summary.inputs))));
    }
    let cut_lines = total(&summary.inputs, |input| input.cut_lines);
    if cut_lines > 0 {
        notes.push(("cut", format!("{} longer than the limit", counted(cut_lines, "line"))));
    }
    notes.extend(gaps(summary, style));
    notes.extend(steps(summary, style));
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
    notes.extend(next.map(|rule_id| ("next", format!("chiplog explain {rule_id}"))));
    notes.extend(most_unknown.map(|name| ("next", format!("chiplog detect {name}"))));
    notes
}

/// Clocks that jumped, the first of them.
fn steps(summary: &ScanSummary, style: &Style) -> Section {
    const SHOWN: usize = 3;
    let steps = &summary.clock_steps;
    let mut section: Section = steps
        .iter()
        .take(SHOWN)
        .map(|step| {
            let place = format!("{}:{}", style.escape(step.source.as_bytes()), step.line);
            ("clock", format!("{place}: {}", step_words(step, style)))
        })
        .collect();
    if steps.len() > SHOWN {
        let others = counted((steps.len() - SHOWN) as u64, "jump");
        section.push(("clock", format!("and {others} more")));
    }
    section
}

/// Gaps by host and by who dropped, with their sums.
fn gaps(summary: &ScanSummary, style: &Style) -> Section {
    const SHOWN: usize = 5;
    type Key<'a> = (Option<&'a str>, &'static str, Option<&'a str>);
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
            since_time: None,
            line: None,
            host: None,
            by,
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
pub(crate) fn full_time(time: UnixNanos) -> String {
    format!("{:04}-{}Z", time.to_civil().year.unwrap_or(0), short_time(time))
}

/// `05-14 09:41:55`.
fn short_time(time: UnixNanos) -> String {
    let civil = time.to_civil();
    format!("{:02}-{:02} {:02}:{:02}:{:02}", civil.month, civil.day, civil.hour, civil.minute, civil.second)
}

#[cfg(test)]
mod tests {
    use chiplog_engine::{ClockStep, InputClock, Warning, YearSource};

    use super::*;

    fn step(lasts: bool) -> ClockStep {
        let to =
            if lasts { crate::example::after(-3_600) } else { Some(UnixNanos(2_085_978_496_000_000_000)) };
        ClockStep {
            source: Arc::from("kubelet.log"),
            host: Some(Arc::from("cp-1")),
            line: 7,
            offset: 900,
            from_time: crate::example::after(0),
            to_time: to,
            lasts,
            stray_lines: u64::from(!lasts),
        }
    }

    fn text(summary: &ScanSummary, width: usize) -> String {
        let mut out = vec![];
        let style = Style { colour: false, width, unicode: true };
        let options = ScanTextOptions { style, show: &|_| true, is_noise: &|_| false, all: false };
        write_scan_text(&mut out, summary, &[], &options).unwrap();
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
        input.year_rests_on = Some(Arc::from("the file's time"));
        input.clocks.push(InputClock {
            host: Some(Arc::from("cp-1")),
            year: YearSource::Guessed,
            zone: ZoneSource::Written,
            utc_offset_seconds: None,
            payload_utc_offset_seconds: Some(-14_400),
        });
        let mut summary = ScanSummary::default();
        summary.inputs.push(input);
        summary.rules.insert(
            Arc::from("etcd-slow-apply"),
            chiplog_engine::RuleTotals { hits: 2, late: 1, ..Default::default() },
        );
        summary.clock_steps = vec![step(true), step(false)];
        summary.warnings.push(Warning { source: None, message: "look \u{1b}[31m".to_owned() });
        summary.interrupted = true;
        assert_eq!(
            text(&summary, 80),
            "\
kubelet.log   1,000 lines   2.00 KiB
time     2024-05-12 22:00:03Z to 2024-05-14 09:41:55Z
clock    year 2024 (from the file's time; override: --year); klog on cp-1 runs
         at -04:00 (seen against its envelope)
no findings in 1,000 lines (1 rule looked for); 3.1 % unparsed

below    hits that stayed below the limits of their rules: etcd-slow-apply 2
late     1 hit so far out of order that they are in no window
unknown  3.1 % of the lines looked at
clock    kubelet.log:7: the clock of cp-1 goes from 2024-05-14 03:12:44Z to
         2024-05-14 02:12:44Z
clock    kubelet.log:7: 1 line of cp-1 says 2036-02-07 06:28:16Z, after
         2024-05-14 03:12:44Z
warning  look \\x1b[31m
PARTIAL  interrupted: only part of the input was read
next     chiplog detect kubelet.log
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
            r" N severity rule            host first (UTC)    for       hits
 1 CRITICAL etcd-slow-apply w-07 05-14 03:11:54 open     >=212
   masters/etcd.log:4411  etcd[1893] apply request took too long \…  took=1.203s
 2 ERROR    etcd-slow-apply cp-1 05-14 03:11:54 3 m 50 s   424
   masters/etcd.log:4411  p99(took) 1.20 s (limit 500 ms), opened 2 times
   etcd[1893] apply request took too long \x1b[31m\xff  took=1.203s

next     chiplog explain etcd-slow-apply
"
        );
        assert_eq!(report(0), report(80), "a pipe is as wide as a terminal of 80 columns");
        assert_eq!(
            report(120),
            r" N severity rule            host first (UTC)    for       hits peak
 1 CRITICAL etcd-slow-apply w-07 05-14 03:11:54 open     >=212
   masters/etcd.log:4411  etcd[1893] apply request took too long \x1b[31m\xff  took=1.203s
 2 ERROR    etcd-slow-apply cp-1 05-14 03:11:54 3 m 50 s   424 p99(took) 1.20 s (limit 500 ms), opened 2 times
   masters/etcd.log:4411  etcd[1893] apply request took too long \x1b[31m\xff  took=1.203s

next     chiplog explain etcd-slow-apply
"
        );
    }

    /// One finding for each of `pods` pods of each of `hosts` hosts, with long labels and lines.
    fn many(hosts: u32, pods: u32) -> ScanSummary {
        let mut summary = ScanSummary::default();
        for (host, pod) in (0..hosts).flat_map(|host| (0..pods).map(move |pod| (host, pod))) {
            let mut finding = crate::example::slow_apply_closed();
            finding.group = vec![
                (Arc::from("host"), Arc::from(format!("w-{host:02}"))),
                (Arc::from("pod"), Arc::from(format!("default/{}-{pod:03}", "x".repeat(200)))),
            ];
            finding.evidence[0].body = "日本 ".repeat(2_000).into_bytes();
            summary.findings.push(finding);
        }
        let mut input = InputSummary::default();
        input.name = Arc::from(format!("{}.log", "name".repeat(50)));
        (input.lines, input.census_lines, input.unparsed) = (9, 9, 1);
        summary.inputs.push(input);
        summary
    }

    #[test]
    fn no_line_is_longer_than_the_device_is_wide() {
        for columns in [40, 60, 80, 132, 250] {
            let report = text(&many(3, 5), columns);
            let widest = report.lines().map(width).max();
            assert!(widest.is_some_and(|widest| widest <= columns), "{columns}\n{report}");
        }
    }

    #[test]
    fn many_rows_alike_are_counted() {
        let numbered = |text: &str| {
            text.lines().filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit())).count()
        };
        let report = text(&many(3, 5), 80);
        assert_eq!(numbered(&report), 9, "{report}");
        assert_eq!(report.matches("   and 2 more of this rule here (--all)\n").count(), 3, "{report}");
        let report = text(&many(8, 3), 80);
        assert_eq!(numbered(&report), 20, "{report}");
        assert!(
            report.contains("   and 1 more of this rule here (--all)\n   and 3 more (--all shows"),
            "{report}"
        );
        let mut out = vec![];
        let options =
            ScanTextOptions { style: Style::plain(), show: &|_| true, is_noise: &|_| false, all: true };
        write_scan_text(&mut out, &many(8, 5), &[], &options).unwrap();
        let report = String::from_utf8(out).unwrap();
        assert_eq!(numbered(&report), 40);
        assert!(!report.contains(" more"), "{report}");
    }
}
