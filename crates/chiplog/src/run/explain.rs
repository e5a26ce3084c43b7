//! `chiplog explain`: what a rule is about.

use std::io::{self, Write};

use chiplog_report::{Span, Style, write_paragraphs};
use chiplog_rules::Rule;

use crate::exit::{Exit, Failure};
use crate::flags::{Explain, TalkFlags};
use crate::talk::Talk;
use crate::{rule_files, terminal};

pub(crate) fn run(flags: &Explain, display: TalkFlags, talk: &Talk) -> Result<Exit, Failure> {
    let set = rule_files::load_paths(&flags.rules.rules, true, talk)?;
    let index = rule_files::known(&set, &flags.rule)?;
    let mut out = io::stdout().lock();
    if let Some(rule) = set.rules().get(index) {
        write(&mut out, rule, &terminal::stdout_style(display.color))
            .map_err(|error| Failure::output(&error))?;
    }
    Ok(Exit::Success)
}

fn write(out: &mut dyn Write, rule: &Rule, style: &Style) -> io::Result<()> {
    let severity = rule.severity.of_log();
    let severity_text = severity.to_string();
    let painted = style.paint(chiplog_report::Ink::of(severity), &severity_text);
    writeln!(out, "{}  ({painted})", rule.id)?;

    let by: Vec<&str> = rule.window.by.iter().map(chiplog_rules::Label::name).collect();
    let each = if by.is_empty() { String::new() } else { format!(", for each {}", by.join(" and ")) };
    let title = style.escape(rule.title.as_bytes());
    let mut paragraphs = vec![("finds", title)];
    if rule.title == rule.id {
        paragraphs.clear();
    }
    paragraphs.extend([
        ("opens", format!("when {} within {}{each}", rule.open_text, Span(rule.window.span_nanos))),
        ("closes", format!("when {}", rule.close_text)),
    ]);
    paragraphs.extend(rule.cause.iter().map(|text| ("cause", text.clone())));
    paragraphs.extend(rule.check.iter().map(|text| ("check", text.clone())));
    paragraphs.extend(rule.remedy.iter().map(|text| ("remedy", text.clone())));
    paragraphs.extend(rule.danger.iter().map(|text| ("DANGER", text.clone())));
    paragraphs.extend((!rule.refs.is_empty()).then(|| ("links", rule.refs.join(", "))));
    paragraphs.push(("source", format!("{}:{}", rule.file, rule.line)));
    write_paragraphs(out, &paragraphs, style)
}
