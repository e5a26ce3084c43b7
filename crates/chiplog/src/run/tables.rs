//! `chiplog series` and `chiplog count`: numbers for other programs.

use std::cell::RefCell;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use chiplog_engine::{Block, BlockSource};
use chiplog_report::{TableFormat, write_count, write_series};

use crate::exit::{Exit, Failure};
use crate::flags::{self, Count, Series, TalkFlags};
use crate::inputs::{gather, total_bytes};
use crate::interrupt::Interrupt;
use crate::pipeline::{self, Plotting};
use crate::progress::Progress;
use crate::reading::Reading;
use crate::talk::Talk;
use crate::{clock, rule_files, terminal};

pub(crate) fn series(flags: &Series, display: TalkFlags, talk: &Talk) -> Result<Exit, Failure> {
    let rules = rule_files::load(&flags.engine.rules, talk)?;
    let elector = pipeline::elector(&rules, &flags.engine);
    let mut reading = start(&flags.paths, display, talk)?.with_elector(elector);
    let mut plotting = Plotting::new(&rules, &flags.engine, flags.step.0);
    while let Some(log) = reading.next_log() {
        plotting.input(&log, clock::of_log(flags.engine.time.clock, &log), &mut reading);
    }
    let exit = finish(reading, talk)?;
    let mut table = plotting.finish();
    let wanted = &flags.engine.rules.rule;
    table.rows.retain(|row| wanted.is_empty() || wanted.iter().any(|id| **id == *row.rule_id));
    if table.hits_without_time > 0 {
        let message =
            format!("{} hits have no time that could be placed; they are in no row", table.hits_without_time);
        talk.warning("hits without a time", &message, Some("give --year for lines without one"));
    }
    let style = terminal::stdout_style(display.color);
    let mut out = BufWriter::new(io::stdout().lock());
    write_series(&mut out, &table, table_format(flags.format), &style)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))?;
    Ok(exit)
}

pub(crate) fn count(flags: &Count, display: TalkFlags, talk: &Talk) -> Result<Exit, Failure> {
    let fields = pipeline::fields(&flags.by)?;
    let reading = RefCell::new(start(&flags.paths, display, talk)?);
    let mut logs = std::iter::from_fn(|| {
        let log = reading.borrow_mut().next_log()?;
        Some((log.origin, Lent(&reading)))
    });
    let mut table = pipeline::count(&fields, flags.jobs, &mut logs);
    let exit = finish(reading.into_inner(), talk)?;
    if flags.top > 0 {
        table.rows.truncate(flags.top);
    }
    let style = terminal::stdout_style(display.color);
    let mut out = BufWriter::new(io::stdout().lock());
    write_count(&mut out, &table, table_format(flags.format), &style)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))?;
    Ok(exit)
}

fn table_format(format: flags::TableFormat) -> TableFormat {
    match format {
        flags::TableFormat::Table => TableFormat::Table,
        flags::TableFormat::Csv => TableFormat::Csv,
        flags::TableFormat::Tsv => TableFormat::Tsv,
        flags::TableFormat::Json => TableFormat::Json,
    }
}

/// The inputs of a table.
fn start<'a>(paths: &[PathBuf], display: TalkFlags, talk: &'a Talk) -> Result<Reading<'a>, Failure> {
    let inputs = gather(paths, talk)?.list;
    let interrupt =
        Interrupt::install().map_err(|error| Failure::usage(format!("cannot watch signals: {error}")))?;
    let bar = terminal::progress_unicode().filter(|_| !display.quiet && !display.no_progress);
    let progress = Progress::new(bar, total_bytes(&inputs));
    Ok(Reading::new(inputs, interrupt, progress, talk))
}

fn finish(reading: Reading<'_>, talk: &Talk) -> Result<Exit, Failure> {
    let is_interrupted = reading.is_interrupted();
    let outcome = reading.finish();
    if is_interrupted {
        talk.warning("interrupts", "interrupted: only part of the input is in the table", None);
        return Ok(Exit::Interrupted);
    }
    if outcome.opened == 0 {
        return Err(super::no_logs(&outcome.archives));
    }
    Ok(Exit::Success)
}

/// The blocks of the log at hand.
struct Lent<'r, 'a>(&'r RefCell<Reading<'a>>);

impl BlockSource for Lent<'_, '_> {
    type Error = std::convert::Infallible;

    fn next_block(&mut self) -> Result<Option<Block>, Self::Error> {
        self.0.borrow_mut().next_block()
    }

    fn recycle(&mut self, block: Block) {
        self.0.borrow_mut().recycle(block);
    }
}
