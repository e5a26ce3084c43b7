//! `chiplog series` and `chiplog count`: numbers for other programs.

use std::cell::{Cell, RefCell};
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use chiplog_engine::Origin;
use chiplog_report::{TableFormat, write_count, write_series};
use chiplog_source::{Elector, Input};

use crate::exit::{Exit, Failure};
use crate::flags::{self, Count, Series, TalkFlags};
use crate::inputs::{Blocks, gather, name, total_bytes};
use crate::interrupt::Interrupt;
use crate::pipeline::{self, Plotting};
use crate::progress::Progress;
use crate::talk::Talk;
use crate::{clock, rule_files, terminal};

pub(crate) fn series(flags: &Series, display: TalkFlags, talk: &Talk) -> Result<Exit, Failure> {
    let rules = rule_files::load(&flags.engine.rules, talk)?;
    let elector = pipeline::elector(&rules, &flags.engine);
    let reading = Reading::start(&flags.paths, elector, display, talk)?;
    let mut plotting = Plotting::new(&rules, &flags.engine, flags.step.0);
    for (input, mut blocks) in reading.open_all() {
        plotting.input(&name(input), clock::of_input(flags.engine.time.clock, input), &mut blocks);
    }
    let exit = reading.exit()?;
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
    let reading = Reading::start(&flags.paths, None, display, talk)?;
    let mut table = pipeline::count(
        &fields,
        flags.jobs,
        &mut reading.open_all().map(|(_, blocks)| (Origin::default(), blocks)),
    );
    let exit = reading.exit()?;
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
struct Reading<'a> {
    inputs: Vec<Input>,
    elector: Option<Elector>,
    interrupt: Interrupt,
    progress: RefCell<Progress>,
    talk: &'a Talk,
    opened: Cell<usize>,
}

impl<'a> Reading<'a> {
    fn start(
        paths: &[PathBuf],
        elector: Option<Elector>,
        display: TalkFlags,
        talk: &'a Talk,
    ) -> Result<Self, Failure> {
        let inputs = gather(paths, talk)?.list;
        let interrupt =
            Interrupt::install().map_err(|error| Failure::usage(format!("cannot watch signals: {error}")))?;
        let bar = terminal::progress_unicode().filter(|_| !display.quiet && !display.no_progress);
        let progress = RefCell::new(Progress::new(bar, total_bytes(&inputs)));
        Ok(Self { inputs, elector, interrupt, progress, talk, opened: Cell::new(0) })
    }

    /// Every input that can be opened, each opened when it is its turn.
    fn open_all(&self) -> impl Iterator<Item = (&Input, Blocks<'_>)> {
        self.inputs.iter().take_while(|_| !self.interrupt.raised()).filter_map(|input| {
            let blocks =
                Blocks::open(input, self.elector.as_ref(), &self.interrupt, &self.progress, self.talk)?;
            self.opened.set(self.opened.get() + 1);
            Some((input, blocks))
        })
    }

    fn exit(&self) -> Result<Exit, Failure> {
        if self.interrupt.raised() {
            self.talk.warning("interrupts", "interrupted: only part of the input is in the table", None);
            return Ok(Exit::Interrupted);
        }
        if self.opened.get() == 0 {
            return Err(Failure::Told(Exit::NoInput));
        }
        Ok(Exit::Success)
    }
}
