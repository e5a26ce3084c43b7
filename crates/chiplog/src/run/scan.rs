//! `chiplog scan`: everything that is wrong in files.

use std::cell::RefCell;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use chiplog_engine::Warning;
use chiplog_report::{ScanTextOptions, write_finding_json, write_scan_json, write_scan_text};

use super::{Selection, check_recognised, exit_of};
use crate::exit::{Exit, Failure};
use crate::flags::{Format, ScanOptions, TalkFlags};
use crate::inputs::{Blocks, gather, name, total_bytes};
use crate::interrupt::Interrupt;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::talk::Talk;
use crate::{clock, pipeline, rule_files, terminal};

pub(crate) fn run(
    paths: &[PathBuf],
    options: &ScanOptions,
    display: TalkFlags,
    talk: &Talk,
) -> Result<Exit, Failure> {
    let rules = rule_files::load(&options.engine.rules, talk)?;
    let selection = Selection::of(options);
    let inputs = gather(paths, talk)?;
    let interrupt =
        Interrupt::install().map_err(|error| Failure::usage(format!("cannot watch signals: {error}")))?;
    let bar = terminal::progress_unicode().filter(|_| !display.quiet && !display.no_progress);
    let progress = RefCell::new(Progress::new(bar, total_bytes(&inputs.list)));

    let elector = pipeline::elector(&rules, &options.engine);
    let mut pipeline = Pipeline::new(&rules, &options.engine);
    let mut warnings = vec![];
    let mut is_incomplete = inputs.is_incomplete;
    let mut opened = 0;
    for input in &inputs.list {
        if interrupt.raised() {
            break;
        }
        let Some(mut blocks) = Blocks::open(input, elector.as_ref(), &interrupt, &progress, talk) else {
            is_incomplete = true;
            continue;
        };
        opened += 1;
        let clock = clock::of_input(options.engine.time.clock, input);
        pipeline.input(&name(input), clock, false, &mut blocks, &mut |_| {});
        if let Some(message) = blocks.failure() {
            is_incomplete = true;
            warnings.push(Warning { source: Some(name(input)), message: message.to_owned() });
        }
    }
    if opened == 0 && !interrupt.raised() {
        return Err(Failure::Told(Exit::NoInput));
    }

    let mut summary = pipeline.finish();
    summary.warnings.extend(warnings);
    summary.interrupted = interrupt.raised();
    selection.restrict(&mut summary);
    let incidents = pipeline::incidents(&rules, &summary);
    let show = |finding: &_| selection.shows(finding);
    let mut out = BufWriter::new(io::stdout().lock());
    match options.format.chosen() {
        Format::Json => write_scan_json(&mut out, &summary, &incidents, &show),
        Format::Jsonl => summary
            .findings
            .iter()
            .filter(|finding| show(finding))
            .try_for_each(|finding| write_finding_json(&mut out, finding)),
        Format::Text => {
            let style = terminal::stdout_style(display.color);
            let is_noise = |id: &str| rules.get(id).is_some_and(|rule| rule.is_noise);
            let text = ScanTextOptions { style, show: &show, is_noise: &is_noise, all: options.all };
            write_scan_text(&mut out, &summary, &incidents, &text)
        }
    }
    .and_then(|()| out.flush())
    .map_err(|error| Failure::output(&error))?;
    if summary.interrupted {
        return Ok(Exit::Interrupted);
    }
    check_recognised(&summary)?;
    Ok(exit_of(&summary, options.findings, is_incomplete))
}
