//! `chiplog state`: what a daemon has saved.

use std::io::{self, Write};

use chiplog_report::{Escaped, Thousands};
use serde::Deserialize;
use serde_json::Value;

use super::watch::state_dir::{self, Found};
use crate::exit::{Exit, Failure};
use crate::flags::StateShow;

pub(crate) fn show(flags: &StateShow) -> Result<Exit, Failure> {
    let path = state_dir::chosen(flags.directory.as_deref()).ok_or_else(|| {
        Failure::usage("which state? name the directory that chiplog watch --state was given")
    })?;
    let state = match state_dir::read(&path)? {
        Found::Current(state) | Found::Previous(state) => state,
        Found::Nothing => return Err(Failure::no_input(format!("there is no state in {}", path.display()))),
        Found::Damaged => {
            return Err(Failure::no_input(format!("the state in {} is damaged", path.display())));
        }
    };
    let mut out = io::stdout().lock();
    if flags.json {
        out.write_all(&state.report)
    } else {
        let report = serde_json::from_slice(&state.report).map_err(|error| {
            Failure::no_input(format!("the state in {} has no report: {error}", path.display()))
        })?;
        write_text(&mut out, &report)
    }
    .and_then(|()| out.flush())
    .map_err(|error| Failure::output(&error))?;
    Ok(Exit::Success)
}

/// What is shown to people of `chiplog.state.v1`.
#[derive(Debug, Deserialize)]
struct Report {
    saved_time: String,
    started_time: String,
    rules: Vec<Rule>,
    streams: Vec<Stream>,
    sources: Vec<Source>,
    findings: Vec<Finding>,
    losses: Vec<Loss>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    rule_id: String,
    hits: u64,
}

#[derive(Debug, Deserialize)]
struct Stream {
    name: String,
    lines: u64,
    bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Source {
    name: String,
    cursor: Value,
}

#[derive(Debug, Deserialize)]
struct Finding {
    state: String,
    rule_id: String,
    host: Option<String>,
    first_time: Option<String>,
    hits: u64,
}

#[derive(Debug, Deserialize)]
struct Loss {
    stream: String,
    reason: String,
    times: u64,
    lines: u64,
    bytes: u64,
}

/// Streams, rules with hits, findings that are open, losses; the rest is counted.
fn write_text(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let shown = |text: &str| Escaped::new(text.as_bytes()).to_string();
    writeln!(out, "saved    {}", shown(&report.saved_time))?;
    writeln!(out, "started  {}", shown(&report.started_time))?;
    for source in &report.sources {
        writeln!(out, "source   {}  {}", shown(&source.name), shown(&source.cursor.to_string()))?;
    }
    for stream in &report.streams {
        let Stream { name, lines, bytes } = stream;
        writeln!(out, "stream   {}  {} lines, {} bytes", shown(name), Thousands(*lines), Thousands(*bytes))?;
    }
    let mut rules: Vec<&Rule> = report.rules.iter().filter(|rule| rule.hits > 0).collect();
    rules.sort_by(|a, b| b.hits.cmp(&a.hits).then_with(|| a.rule_id.cmp(&b.rule_id)));
    for rule in &rules {
        writeln!(out, "rule     {}  {} hits", shown(&rule.rule_id), Thousands(rule.hits))?;
    }
    writeln!(out, "         {} rules without a hit", Thousands((report.rules.len() - rules.len()) as u64))?;
    let (open, closed): (Vec<_>, Vec<_>) =
        report.findings.iter().partition(|finding| finding.state == "open");
    for finding in &open {
        let host = finding.host.as_deref().unwrap_or("");
        let since = finding.first_time.as_deref().unwrap_or("an unknown time");
        let hits = Thousands(finding.hits);
        writeln!(
            out,
            "open     {} {}  since {}, {hits} hits",
            shown(&finding.rule_id),
            shown(host),
            shown(since)
        )?;
    }
    writeln!(out, "         {} findings have closed", Thousands(closed.len() as u64))?;
    for loss in &report.losses {
        let (times, lines, bytes) = (Thousands(loss.times), Thousands(loss.lines), Thousands(loss.bytes));
        let (stream, reason) = (shown(&loss.stream), shown(&loss.reason));
        writeln!(out, "lost     {stream}  {reason}: {times} times, {lines} lines, {bytes} bytes or more")?;
    }
    Ok(())
}
