//! `chiplog scan`: everything that is wrong in files.

use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use chiplog_report::{ScanTextOptions, write_finding_json, write_scan_json, write_scan_text};

use super::{Selection, check_recognised, exit_of, no_logs};
use crate::exit::{Exit, Failure};
use crate::flags::{Format, ScanOptions, TalkFlags};
use crate::inputs::{Outcome, gather, total_bytes};
use crate::interrupt::Interrupt;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::reading::Reading;
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
    let progress = Progress::new(bar, total_bytes(&inputs.list));

    let mut pipeline = Pipeline::new(&rules, &options.engine);
    let elector = pipeline::elector(&rules, &options.engine);
    let mut reading = Reading::new(inputs.list, interrupt.clone(), progress, talk).with_elector(elector);
    while let Some(log) = reading.next_log() {
        let clock = clock::of_log(options.engine.time.clock, &log);
        pipeline.input(&log, clock, false, &mut reading, &mut |_| {});
    }
    let Outcome { opened, warnings, archives, is_incomplete } = reading.finish();
    let is_incomplete = is_incomplete || inputs.is_incomplete;
    if opened == 0 && !interrupt.raised() {
        return Err(no_logs(&archives));
    }

    let mut summary = pipeline.finish();
    summary.warnings.extend(warnings);
    for input in summary.inputs.iter_mut().filter(|input| input.year_rests_on.is_some()) {
        let in_archive = |archive: &chiplog_engine::Archive| {
            input.name.strip_prefix(&*archive.name).is_some_and(|rest| rest.starts_with('/'))
        };
        if archives.iter().any(in_archive) {
            input.year_rests_on = Some("the archive's times".into());
        }
    }
    summary.archives = archives;
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
