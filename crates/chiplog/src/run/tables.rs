//! `chiplog series` and `chiplog count`: numbers for other programs.

use std::cell::RefCell;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use chiplog_report::{TableFormat, write_count, write_series};

use crate::exit::{Exit, Failure};
use crate::flags::{self, ClockFlags, Count, Series, TalkFlags};
use crate::inputs::{Blocks, gather, name, total_bytes};
use crate::interrupt::Interrupt;
use crate::pipeline::{Counting, Plotting};
use crate::progress::Progress;
use crate::talk::Talk;
use crate::{clock, rule_files, terminal};

pub(crate) fn series(flags: &Series, display: TalkFlags, talk: &Talk) -> Result<Exit, Failure> {
    let rules = rule_files::load(&flags.engine.rules, talk)?;
    let mut plotting = Plotting::new(&rules, &flags.engine, flags.step.0);
    let exit = each_input(&flags.paths, flags.engine.time.clock, display, talk, |name, clock, blocks| {
        plotting.input(name, clock, blocks);
    })?;
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
    let mut counting = Counting::new(&flags.by, flags.time)?;
    let exit = each_input(&flags.paths, flags.time.clock, display, talk, |name, clock, blocks| {
        counting.input(name, clock, blocks);
    })?;
    let mut table = counting.finish();
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

/// Reads every input. The exit code says whether the reading was interrupted.
fn each_input(
    paths: &[PathBuf],
    clock_flags: ClockFlags,
    display: TalkFlags,
    talk: &Talk,
    mut read: impl FnMut(&Arc<str>, chiplog_parse::Clock, &mut Blocks<'_>),
) -> Result<Exit, Failure> {
    let inputs = gather(paths, talk)?;
    let interrupt =
        Interrupt::install().map_err(|error| Failure::usage(format!("cannot watch signals: {error}")))?;
    let bar = terminal::progress_unicode().filter(|_| !display.quiet && !display.no_progress);
    let progress = RefCell::new(Progress::new(bar, total_bytes(&inputs.list)));
    let mut opened = 0;
    for input in &inputs.list {
        let Some(mut blocks) = Blocks::open(input, &interrupt, &progress, talk) else { continue };
        opened += 1;
        read(&name(input), clock::of_input(clock_flags, input), &mut blocks);
        blocks.finish(talk);
    }
    if interrupt.raised() {
        talk.warning("interrupts", "interrupted: only part of the input is in the table", None);
        return Ok(Exit::Interrupted);
    }
    if opened == 0 {
        return Err(Failure::Told(Exit::NoInput));
    }
    Ok(Exit::Success)
}
