//! `chiplog detect`: what files are made of.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use chiplog_parse::{Clock, Detector, Format};
use chiplog_report::{Style, Thousands};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::flags::{Detect, TalkFlags};
use crate::inputs::{gather, total_bytes};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::reading::Reading;
use crate::talk::Talk;
use crate::terminal;

/// Bytes of a line that are kept to be shown.
const SAMPLE_BYTES: usize = 200;

/// What a file is made of.
#[derive(Debug, Default)]
struct Census {
    name: Arc<str>,
    /// Lines that are not empty.
    lines: u64,
    /// By layers, outermost first.
    formats: BTreeMap<Vec<Format>, u64>,
    /// By what came closest.
    unknown: BTreeMap<&'static str, Unknown>,
}

#[derive(Debug)]
struct Unknown {
    lines: u64,
    first_line: u64,
    sample: Vec<u8>,
}

pub(crate) fn run(flags: &Detect, display: TalkFlags, talk: &Talk) -> Result<Exit, Failure> {
    let inputs = gather(&flags.files, talk)?;
    let interrupt =
        Interrupt::install().map_err(|error| Failure::usage(format!("cannot watch signals: {error}")))?;
    let bar = terminal::progress_unicode().filter(|_| !display.quiet && !display.no_progress);
    let progress = Progress::new(bar, total_bytes(&inputs.list));
    let mut reading = Reading::new(inputs.list, interrupt, progress, talk);
    let style = terminal::stdout_style(display.color);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut recognised = false;
    let mut lines = 0;
    while let Some(log) = reading.next_log() {
        let census = Census::take(log.name, &mut reading);
        recognised |= !census.formats.is_empty();
        lines += census.lines;
        let written =
            if flags.json { census.write_json(&mut out) } else { census.write_text(&mut out, &style) };
        written.map_err(|error| Failure::output(&error))?;
    }
    out.flush().map_err(|error| Failure::output(&error))?;
    let is_interrupted = reading.is_interrupted();
    let outcome = reading.finish();
    if is_interrupted {
        return Ok(Exit::Interrupted);
    }
    if outcome.opened == 0 && !outcome.archives.is_empty() {
        return Err(super::no_logs(&outcome.archives));
    }
    Ok(if lines > 0 && !recognised { Exit::NoInput } else { Exit::Success })
}

impl Census {
    fn take(name: Arc<str>, blocks: &mut Reading<'_>) -> Self {
        let mut census = Self { name, ..Self::default() };
        let mut detector = Detector::new();
        let mut number = 0;
        while let Some(block) = blocks.next() {
            for line in chiplog_parse::lines(&block.bytes) {
                number += 1;
                if line.is_empty() {
                    continue;
                }
                census.lines += 1;
                let record = detector.peel(line);
                if record.is_recognised() {
                    match census.formats.get_mut(record.layers()) {
                        Some(count) => *count += 1,
                        None => drop(census.formats.insert(record.layers().to_vec(), 1)),
                    }
                    continue;
                }
                let reason = match detector.parse(line, &mut Clock::unknown()) {
                    Ok(_) => "a line of a known format",
                    Err(error) => error.expected(),
                };
                let unknown = census.unknown.entry(reason).or_insert_with(|| Unknown {
                    lines: 0,
                    first_line: number,
                    sample: line.get(..SAMPLE_BYTES).unwrap_or(line).to_vec(),
                });
                unknown.lines += 1;
            }
        }
        census
    }

    /// Chains of formats, the most frequent first.
    fn sorted_formats(&self) -> Vec<(String, u64)> {
        let mut formats: Vec<_> = self
            .formats
            .iter()
            .map(|(layers, lines)| {
                (layers.iter().map(|layer| layer.name()).collect::<Vec<_>>().join(">"), *lines)
            })
            .collect();
        formats.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        formats
    }

    /// Reasons, the most frequent first.
    fn sorted_unknown(&self) -> Vec<(&'static str, &Unknown)> {
        let mut unknown: Vec<_> = self.unknown.iter().map(|(reason, unknown)| (*reason, unknown)).collect();
        unknown.sort_by_key(|(reason, unknown)| (std::cmp::Reverse(unknown.lines), *reason));
        unknown
    }

    fn write_text(&self, out: &mut dyn Write, style: &Style) -> io::Result<()> {
        let (formats, unknown) = (self.sorted_formats(), self.sorted_unknown());
        let share = |lines: u64| {
            let tenths =
                (u128::from(lines) * 1_000 + u128::from(self.lines) / 2) / u128::from(self.lines.max(1));
            format!("{:3}.{} %", tenths / 10, tenths % 10)
        };
        writeln!(out, "{}   {} lines", style.escape(self.name.as_bytes()), Thousands(self.lines))?;
        for (chain, lines) in &formats {
            writeln!(out, "  {}  {:>11}  {chain}", share(*lines), Thousands(*lines))?;
        }
        let total = unknown.iter().map(|(_, unknown)| unknown.lines).sum();
        if total > 0 {
            writeln!(out, "  {}  {:>11}  not recognised", share(total), Thousands(total))?;
        }
        for (reason, unknown) in unknown {
            writeln!(out, "{:26}{} lines: expected {reason}", "", Thousands(unknown.lines))?;
            let sample = format!("line {}: {}", unknown.first_line, style.escape(&unknown.sample));
            let room = if style.width == 0 { usize::MAX } else { style.width.saturating_sub(26) };
            writeln!(out, "{:26}{}", "", sample.chars().take(room).collect::<String>())?;
        }
        Ok(())
    }

    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct Json<'a> {
            schema: &'static str,
            name: &'a str,
            lines: u64,
            formats: BTreeMap<String, u64>,
            unknown: Vec<UnknownJson<'a>>,
        }
        #[derive(Serialize)]
        struct UnknownJson<'a> {
            expected: &'a str,
            lines: u64,
            first_line: u64,
            sample: String,
        }
        let (formats, unknown) = (self.sorted_formats(), self.sorted_unknown());
        let json = Json {
            schema: "chiplog.detect.v1",
            name: &self.name,
            lines: self.lines,
            formats: formats.into_iter().collect(),
            unknown: unknown
                .into_iter()
                .map(|(expected, unknown)| UnknownJson {
                    expected,
                    lines: unknown.lines,
                    first_line: unknown.first_line,
                    sample: String::from_utf8_lossy(&unknown.sample).into_owned(),
                })
                .collect(),
        };
        serde_json::to_writer(&mut *out, &json).map_err(io::Error::from)?;
        out.write_all(b"\n")
    }
}
