//! `chiplog rules`: for those who write rules.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chiplog_parse::Detector;
use chiplog_report::{Style, Thousands};
use chiplog_rules::{Level, Loaded, RuleSet};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::flags::{RulesLint, RulesList, RulesTest, RulesTry, TalkFlags};
use crate::inputs::{gather, is_rule_path};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::reading::Reading;
use crate::talk::Talk;
use crate::{pipeline, rule_files, terminal};

pub(crate) fn list(flags: &RulesList, display: TalkFlags, talk: &Talk) -> Result<Exit, Failure> {
    let set = rule_files::load(&flags.rules, talk)?;
    let mut out = BufWriter::new(io::stdout().lock());
    write_list(&mut out, &set, flags, &terminal::stdout_style(display.color))
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))?;
    Ok(Exit::Success)
}

fn write_list(out: &mut dyn Write, set: &RuleSet, flags: &RulesList, style: &Style) -> io::Result<()> {
    #[derive(Serialize)]
    struct Json<'a> {
        schema: &'static str,
        rule_id: &'a str,
        severity_text: String,
        severity_number: u8,
        title: &'a str,
        file: &'a str,
        line: usize,
    }
    let wanted = &flags.rules.rule;
    let mut rules: Vec<_> =
        set.rules().iter().filter(|rule| wanted.is_empty() || wanted.contains(&rule.id)).collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    let id_width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for rule in rules {
        let severity = rule.severity.of_log();
        if flags.json {
            let json = Json {
                schema: "chiplog.rule.v1",
                rule_id: &rule.id,
                severity_text: severity.to_string(),
                severity_number: severity.number(),
                title: &rule.title,
                file: &rule.file,
                line: rule.line,
            };
            serde_json::to_writer(&mut *out, &json).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            let text = severity.to_string();
            let painted = style.paint(chiplog_report::Ink::of(severity), &text);
            writeln!(out, "{:id_width$}  {painted:8}  {}", rule.id, style.escape(rule.title.as_bytes()))?;
        }
    }
    Ok(())
}

pub(crate) fn lint(flags: &RulesLint) -> Result<Exit, Failure> {
    let files = rule_files::read(&flags.paths)?;
    let file_count = files.len() as u64;
    let (rule_count, diagnostics) = match RuleSet::load(files) {
        Ok(Loaded { set, warnings, .. }) => (Some(set.rules().len() as u64), warnings),
        Err(errors) => (None, errors.0),
    };
    // What is wrong is what was asked for: it is the output, not talk.
    let mut out = BufWriter::new(io::stdout().lock());
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error).count() as u64;
    let warnings = diagnostics.len() as u64 - errors;
    let rules = rule_count.map(|count| format!("{}, ", counted(count, "rule"))).unwrap_or_default();
    diagnostics
        .iter()
        .try_for_each(|diagnostic| writeln!(out, "{diagnostic}"))
        .and_then(|()| {
            let (files, errors) = (counted(file_count, "file"), counted(errors, "error"));
            writeln!(out, "{files}, {rules}{errors}, {}", counted(warnings, "warning"))
        })
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))?;
    Ok(if errors > 0 { Exit::Usage } else { Exit::Success })
}

fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", Thousands(number), if number == 1 { "" } else { "s" })
}

pub(crate) fn test(flags: &RulesTest, talk: &Talk) -> Result<Exit, Failure> {
    let set = rule_files::load_paths(&flags.paths, flags.paths.is_empty(), talk)?;
    let outcomes = pipeline::run_rule_tests(&set);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut failed = 0;
    let mut write = || -> io::Result<()> {
        let mut rule_id = "";
        for outcome in &outcomes {
            if rule_id != outcome.rule_id {
                rule_id = &outcome.rule_id;
                writeln!(out, "{rule_id}")?;
            }
            let word = if outcome.problems.is_empty() { "ok  " } else { "FAIL" };
            failed += u64::from(!outcome.problems.is_empty());
            writeln!(out, "  {word}  {}", outcome.name)?;
            for problem in &outcome.problems {
                writeln!(out, "        {problem}")?;
            }
        }
        let rules = counted(set.rules().len() as u64, "rule");
        writeln!(out, "{rules}, {}, {failed} failed", counted(outcomes.len() as u64, "test"))?;
        out.flush()
    };
    write().map_err(|error| Failure::output(&error))?;
    Ok(if failed > 0 { Exit::Found } else { Exit::Success })
}

/// `chiplog rules try`; the verb is a keyword.
pub(crate) fn attempt(flags: &RulesTry, talk: &Talk) -> Result<Exit, Failure> {
    let (rule_paths, line_paths): (Vec<_>, Vec<_>) =
        flags.paths.iter().cloned().partition(|path| is_rule_path(path));
    let only_files = !rule_paths.is_empty();
    let mut rule_flags = flags.rules.clone();
    rule_flags.rules.extend(rule_paths);
    rule_flags.no_builtin |= only_files;
    let set = rule_files::load(&rule_flags, talk)?;
    if flags.why && rule_flags.rule.is_empty() && !rule_flags.no_builtin {
        return Err(
            Failure::usage("--why needs to know the rule").with_hint("name a rule file, or give --rule ID")
        );
    }
    let mut trial = Trial {
        matcher: set.matcher(),
        detector: Detector::new(),
        set: &set,
        wanted: &rule_flags.rule,
        why: flags.why,
        json: flags.json,
    };

    let interrupt =
        Interrupt::install().map_err(|error| Failure::usage(format!("cannot watch signals: {error}")))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let targets: Vec<(PathBuf, Option<u64>)> = match line_paths.is_empty() {
        true => vec![(PathBuf::from("-"), None)],
        false => line_paths.iter().map(|path| file_and_line(path)).collect(),
    };
    for (path, wanted_line) in &targets {
        let inputs = gather(std::slice::from_ref(path), talk)?.list;
        let mut reading = Reading::new(inputs, interrupt.clone(), Progress::new(None, 0), talk);
        while let Some(log) = reading.next_log() {
            let mut number = 0;
            while let Some(block) = reading.next() {
                for line in chiplog_parse::lines(&block.bytes) {
                    number += 1;
                    if wanted_line.is_none_or(|wanted| wanted == number) {
                        trial.line(&mut out, number, line).map_err(|error| Failure::output(&error))?;
                    }
                }
                // Someone may feed lines one by one and wait for each answer.
                out.flush().map_err(|error| Failure::output(&error))?;
            }
            if let Some(wanted) = wanted_line.filter(|wanted| *wanted > number || *wanted == 0) {
                let message = format!("{} has no line {wanted}: it has {number}", log.name);
                return Err(Failure::no_input(message));
            }
        }
    }
    Ok(Exit::Success)
}

/// `kubelet.log:1204`, unless there is a file of that very name.
fn file_and_line(path: &Path) -> (PathBuf, Option<u64>) {
    let split = path.to_str().filter(|_| !path.exists()).and_then(|text| text.rsplit_once(':'));
    match split.and_then(|(file, line)| Some((file, line.parse().ok()?))) {
        Some((file, line)) => (PathBuf::from(file), Some(line)),
        None => (path.to_owned(), None),
    }
}

struct Trial<'a> {
    matcher: chiplog_rules::Matcher,
    detector: Detector,
    set: &'a RuleSet,
    wanted: &'a [String],
    why: bool,
    json: bool,
}

impl Trial<'_> {
    fn line(&mut self, out: &mut dyn Write, number: u64, line: &[u8]) -> io::Result<()> {
        #[derive(Serialize)]
        struct Json<'a> {
            line: u64,
            rules: &'a [&'a str],
            best: Option<&'a str>,
        }
        let Self { matcher, detector, set, wanted, .. } = self;
        let is_wanted = |id: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == id);
        let record = detector.peel(line);
        let mut hits = vec![];
        matcher.match_record(&record, line, |hit| {
            let rule = set.rules().get(hit.rule).map(|rule| rule.id.as_str());
            hits.extend(rule.filter(|id| is_wanted(id)).map(|id| (id, hit.counts)));
        });
        let ids: Vec<&str> = hits.iter().map(|(id, _)| *id).collect();
        if self.json {
            let json = Json { line: number, rules: &ids, best: ids.first().copied() };
            serde_json::to_writer(&mut *out, &json).map_err(io::Error::from)?;
            return writeln!(out);
        }
        let layers: Vec<&str> = record.layers().iter().map(|layer| layer.name()).collect();
        let shown: Vec<String> = hits
            .iter()
            .map(|(id, counts)| if *counts { (*id).to_owned() } else { format!("{id} (does not count)") })
            .collect();
        let matches = if shown.is_empty() { "no rule".to_owned() } else { shown.join(", ") };
        writeln!(out, "line {number}: {}: {matches}", layers.join(" > "))?;
        if self.why {
            for (index, rule) in set.rules().iter().enumerate() {
                if is_wanted(&rule.id) && !ids.contains(&rule.id.as_str()) {
                    for reason in matcher.why_not(index, &record, line) {
                        writeln!(out, "  {}: {}", rule.id, chiplog_report::Escaped::new(reason.as_bytes()))?;
                    }
                }
            }
        }
        Ok(())
    }
}
