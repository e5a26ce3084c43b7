//! `... | chiplog`: changes as they happen.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chiplog_engine::{Block, BlockSource, Finding, Quantity, ScanSummary, State, Unit};
use chiplog_parse::{Detector, Format as LineFormat};
use chiplog_report::{Roughly, StreamText, Thousands, write_finding_json, write_scan_json};
use chiplog_source::{BlockReader, Input, Limits};
use crossbeam_channel::{Receiver, bounded, never, select, tick};

use super::{Selection, advice, check_recognised, exit_of};
use crate::exit::{Exit, Failure};
use crate::flags::{Format, ScanOptions, TalkFlags};
use crate::interrupt::Interrupt;
use crate::pipeline::Pipeline;
use crate::talk::Talk;
use crate::{clock, rule_files, terminal};

/// Blocks that may wait between the reader and the rules: enough to keep both busy, little
/// enough to make the writer of the pipe wait instead of us growing.
const QUEUE: usize = 16;
const HEARTBEAT: Duration = Duration::from_secs(60);

pub(crate) fn run(options: &ScanOptions, display: TalkFlags, talk: &Talk) -> Result<Exit, Failure> {
    let started = Instant::now();
    let rules = rule_files::load(&options.engine.rules, talk)?;
    let rule_count = rules.rules().len();
    let selection = Selection::of(options);
    let interrupt =
        Interrupt::install().map_err(|error| Failure::usage(format!("cannot watch signals: {error}")))?;
    let input = Input::stdin();
    let clock = clock::of_input(options.engine.time.clock, &input);

    let mut text = StreamText::new(terminal::stdout_style(display.color), display.quiet);
    let format = options.format.chosen();
    let mut blocks = LiveBlocks::start(input, interrupt.clone(), talk)
        .map_err(|error| Failure::no_input(format!("cannot read standard input: {error}")))?;
    if talk.is_terminal && !talk.quiet {
        blocks.introduce(rule_count);
    }
    let mut pipeline = Pipeline::new(&rules, &options.engine);
    let mut failure = None;
    let closed = Arc::clone(&blocks.output_closed);
    let mut on_transition = |finding: &Finding| {
        if failure.is_some() || !selection.shows(finding) {
            return;
        }
        let mut out = io::stdout().lock();
        let written = match format {
            Format::Text => text.transition(&mut out, finding, advice(&rules, &finding.rule_id)),
            Format::Jsonl => write_finding_json(&mut out, finding),
            Format::Json => Ok(()),
        };
        if let Err(error) = written.and_then(|()| out.flush()) {
            failure = Some(error);
            closed.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    };
    pipeline.input(&Arc::from("stdin"), clock, true, &mut blocks, &mut on_transition);
    if let Some(error) = failure {
        return Err(Failure::output(&error));
    }
    let broke_off = blocks.failure.take();
    if let Some(error) = &broke_off {
        talk.warning(
            "inputs that were read in part",
            &format!("stdin: {error}; what came before was read"),
            None,
        );
    }

    let mut summary = pipeline.finish();
    selection.restrict(&mut summary);
    let mut out = io::stdout().lock();
    match format {
        Format::Json => write_scan_json(&mut out, &summary, &|finding| selection.shows(finding)),
        Format::Text => summary.gaps.iter().try_for_each(|gap| text.gap(&mut out, gap)),
        Format::Jsonl => Ok(()),
    }
    .and_then(|()| out.flush())
    .map_err(|error| Failure::output(&error))?;
    talk.note(&closing_words(&summary, started.elapsed()));
    // Who stops a stream early may have seen nothing but a first odd line.
    if !interrupt.raised() {
        check_recognised(&summary)?;
    }
    Ok(exit_of(&summary, options.findings, broke_off.is_some()))
}

/// `4 m 14 s, 48,211 lines, 3 findings (1 still open), 0.3 % unparsed`.
fn closing_words(summary: &ScanSummary, elapsed: Duration) -> String {
    let elapsed = Roughly(Quantity { amount: elapsed.as_nanos() as i128, unit: Unit::Nanoseconds });
    let lines = summary.inputs.iter().map(|input| input.lines).sum();
    let findings = summary.findings.len() as u64;
    let open = summary.findings.iter().filter(|finding| finding.state == State::Open).count();
    let still_open = if open == 0 { String::new() } else { format!(" ({open} still open)") };
    let plural = if findings == 1 { "" } else { "s" };
    format!(
        "{elapsed}, {} lines, {} finding{plural}{still_open}, {} unparsed",
        Thousands(lines),
        Thousands(findings),
        chiplog_report::unparsed_share(&summary.inputs),
    )
}

/// Blocks from a thread that reads, so that a quiet pipe does not keep an interrupt waiting.
struct LiveBlocks<'a> {
    blocks: Receiver<io::Result<Block>>,
    first: Option<Block>,
    interrupt: Interrupt,
    output_closed: Arc<std::sync::atomic::AtomicBool>,
    heartbeat: Receiver<Instant>,
    /// Blocks still to be taken after an interrupt: those that had been read by then.
    remaining: Option<usize>,
    failure: Option<io::Error>,
    lines: u64,
    talk: &'a Talk,
}

impl<'a> LiveBlocks<'a> {
    fn start(input: Input, interrupt: Interrupt, talk: &'a Talk) -> io::Result<Self> {
        let (sender, blocks) = bounded(QUEUE);
        std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
            let mut reader = match input.open() {
                Ok(open) => BlockReader::live(open.reader, Limits::default()),
                Err(error) => return drop(sender.send(Err(error))),
            };
            while let Some(block) = reader.next_block().transpose() {
                // The other side has gone: there is no one to read for.
                if sender.send(block).is_err() {
                    break;
                }
            }
        })?;
        let heartbeat = if talk.verbose { tick(HEARTBEAT) } else { never() };
        let output_closed = Arc::default();
        let (first, remaining, failure, lines) = (None, None, None, 0);
        Ok(Self { blocks, first, interrupt, output_closed, heartbeat, remaining, failure, lines, talk })
    }

    /// Waits for the first block and says what it is made of.
    fn introduce(&mut self, rule_count: usize) {
        self.first = self.receive();
        let Some(block) = &self.first else { return };
        let mut detector = Detector::new();
        let mut counts: BTreeMap<Vec<LineFormat>, u64> = BTreeMap::new();
        let mut total: u64 = 0;
        for line in block.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(1_000) {
            *counts.entry(detector.peel(line).layers().to_vec()).or_default() += 1;
            total += 1;
        }
        let mut shares: Vec<(u64, String)> = counts
            .into_iter()
            .map(|(layers, count)| {
                (count, layers.iter().map(|layer| layer.name()).collect::<Vec<_>>().join(" "))
            })
            .collect();
        shares.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let shares: Vec<String> = shares
            .iter()
            .take(4)
            .map(|(count, name)| format!("{name} {} %", count * 100 / total.max(1)))
            .collect();
        self.talk.note(&format!("chiplog: stdin is {}; {rule_count} rules", shares.join(", ")));
    }

    fn receive(&mut self) -> Option<Block> {
        loop {
            if self.output_closed.load(std::sync::atomic::Ordering::Relaxed) || self.failure.is_some() {
                return None;
            }
            let received = match &mut self.remaining {
                Some(0) => return None,
                Some(remaining) => {
                    *remaining -= 1;
                    self.blocks.try_recv().ok()
                }
                None => select! {
                    recv(self.blocks) -> block => block.ok(),
                    recv(self.interrupt.stop) -> _ => {
                        self.remaining = Some(self.blocks.len());
                        continue;
                    }
                    recv(self.heartbeat) -> _ => {
                        self.talk.note(&format!("chiplog: {} lines so far", Thousands(self.lines)));
                        continue;
                    }
                },
            };
            match received? {
                Ok(block) => {
                    if self.talk.verbose {
                        self.lines += block.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
                    }
                    return Some(block);
                }
                Err(error) => self.failure = Some(error),
            }
        }
    }
}

impl BlockSource for LiveBlocks<'_> {
    /// A stream that breaks off is one that ends.
    type Error = Infallible;

    fn next_block(&mut self) -> Result<Option<Block>, Infallible> {
        Ok(self.first.take().or_else(|| self.receive()))
    }
}
