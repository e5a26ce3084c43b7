//! `... | chiplog`: changes as they happen.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chiplog_engine::{Block, BlockSource, Notice, Warning};
use chiplog_parse::{Detector, Format as LineFormat};
use chiplog_report::{Thousands, write_scan_json};
use chiplog_source::{Elector, Input};
use crossbeam_channel::{never, tick};

use super::notices::Printer;
use super::{Selection, check_recognised, closing_words, exit_of};
use crate::exit::{Exit, Failure};
use crate::flags::{Format, ScanOptions, TalkFlags};
use crate::inputs::{Log, LostMessages};
use crate::interrupt::Interrupt;
use crate::live::LiveReader;
use crate::pipeline::Pipeline;
use crate::talk::Talk;
use crate::{clock, pipeline, rule_files};

const HEARTBEAT: Duration = Duration::from_secs(60);

pub(crate) fn run(options: &ScanOptions, display: TalkFlags, talk: &Talk) -> Result<Exit, Failure> {
    let started = Instant::now();
    let rules = rule_files::load(&options.engine.rules, talk)?;
    let rule_count = rules.rules().len();
    let interrupt =
        Interrupt::install().map_err(|error| Failure::usage(format!("cannot watch signals: {error}")))?;
    let input = Input::stdin();
    let log = Log::live(&input);
    let clock = clock::of_log(options.engine.time.clock, &log);

    let format = options.format.chosen();
    let elector = pipeline::elector(&rules, &options.engine);
    let mut blocks = LiveBlocks::start(input, elector, interrupt.clone(), talk)
        .map_err(|error| Failure::no_input(format!("cannot read standard input: {error}")))?;
    if talk.is_terminal && !talk.quiet {
        blocks.introduce(rule_count);
    }
    let mut pipeline = Pipeline::new(&rules, &options.engine);
    let mut printer = Printer::new(&rules, Selection::of(options), format, display);
    let closed = Arc::clone(&blocks.output_closed);
    let mut on_notice = |notice: Notice<'_>| {
        printer.print(notice);
        if printer.has_failed() {
            closed.store(true, Ordering::Relaxed);
        }
    };
    pipeline.input(&log, clock, true, &mut blocks, &mut on_notice);
    let selection = Selection::of(options);
    if let Some(error) = printer.into_failure() {
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

    for trouble in blocks.reader.troubles() {
        talk.warning("inputs that were read in part", &format!("stdin: {trouble}"), None);
    }
    let is_incomplete = broke_off.is_some() || !blocks.reader.troubles().is_empty();

    let mut summary = pipeline.finish();
    let warn = |trouble: &String| Warning { source: Some(Arc::from("stdin")), message: trouble.clone() };
    summary.warnings.extend(blocks.reader.troubles().iter().map(warn));
    selection.restrict(&mut summary);
    let mut out = io::stdout().lock();
    match format {
        Format::Json => {
            let incidents = pipeline::incidents(&rules, &summary);
            write_scan_json(&mut out, &summary, &incidents, &|finding| selection.shows(finding))
        }
        Format::Text | Format::Jsonl => Ok(()),
    }
    .and_then(|()| out.flush())
    .map_err(|error| Failure::output(&error))?;
    talk.note(&closing_words(&summary, started.elapsed()));
    // Who stops a stream early may have seen nothing but a first odd line.
    if !interrupt.raised() {
        check_recognised(&summary)?;
    }
    Ok(exit_of(&summary, options.findings, is_incomplete))
}

/// The blocks of the stream, until it ends or no one wants to hear of it.
struct LiveBlocks<'a> {
    reader: LiveReader,
    first: Option<Block>,
    output_closed: Arc<AtomicBool>,
    failure: Option<io::Error>,
    lost_messages: LostMessages,
    lines: u64,
    talk: &'a Talk,
}

impl<'a> LiveBlocks<'a> {
    fn start(
        input: Input,
        elector: Option<Elector>,
        interrupt: Interrupt,
        talk: &'a Talk,
    ) -> io::Result<Self> {
        let heartbeat = if talk.verbose { tick(HEARTBEAT) } else { never() };
        let reader = LiveReader::start(input, elector, interrupt)?.with_heartbeat(heartbeat);
        let lost_messages = LostMessages::default();
        Ok(Self {
            reader,
            first: None,
            output_closed: Arc::default(),
            failure: None,
            lost_messages,
            lines: 0,
            talk,
        })
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
        if self.failure.is_some() || self.output_closed.load(Ordering::Relaxed) {
            return None;
        }
        let Self { reader, lines, talk, .. } = self;
        match reader.next(|| talk.note(&format!("chiplog: {} lines so far", Thousands(*lines)))) {
            Ok(block) => {
                self.lost_messages.tell_first("stdin", self.reader.lost_messages(), self.talk);
                if let Some(block) = block.as_ref().filter(|_| self.talk.verbose) {
                    self.lines += block.lines();
                }
                block
            }
            Err(error) => {
                self.failure = Some(error);
                None
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
