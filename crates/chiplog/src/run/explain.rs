//! `chiplog explain`: what a rule is about.

use std::io::{self, Write};

use chiplog_report::{Span, Style, write_paragraphs};
use chiplog_rules::{Cause, RuleSet};

use crate::exit::{Exit, Failure};
use crate::flags::{Explain, TalkFlags};
use crate::talk::Talk;
use crate::{rule_files, terminal};

pub(crate) fn run(flags: &Explain, display: TalkFlags, talk: &Talk) -> Result<Exit, Failure> {
    let set = rule_files::load_paths(&flags.rules.rules, true, talk)?;
    let index = rule_files::known(&set, &flags.rule)?;
    let mut out = io::stdout().lock();
    write(&mut out, &set, index, &terminal::stdout_style(display.color))
        .map_err(|error| Failure::output(&error))?;
    Ok(Exit::Success)
}

fn write(out: &mut dyn Write, set: &RuleSet, index: usize, style: &Style) -> io::Result<()> {
    let Some(rule) = set.rules().get(index) else { return Ok(()) };
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
    let hold = rule.hold_nanos.map(|nanos| format!(", and that for {}", Span(nanos))).unwrap_or_default();
    paragraphs.extend([
        ("opens", format!("when {} within {}{each}{hold}", rule.open_text, Span(rule.window.span_nanos))),
        ("closes", format!("when {}", rule.close_text)),
    ]);
    if rule.is_noise {
        paragraphs.push(("noise", "harmless unless it lasts, and no cause of anything".to_owned()));
    }
    paragraphs.extend(rule.floor.iter().map(|text| ("unseen", text.clone())));
    let others = |causes: &mut dyn Iterator<Item = (&Cause, usize)>, word: &str| {
        let names = causes.filter_map(|(cause, other)| {
            let id = &set.rules().get(other)?.id;
            Some(match cause.lag.and_then(|lag| lag.typical_nanos) {
                Some(typical) if typical > 0 => format!("{id} ({} {word})", Span(typical)),
                _ => id.clone(),
            })
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let causes = || set.causes().iter().filter(|cause| !cause.is_feedback);
    let led_by =
        others(&mut causes().filter(|cause| cause.to == index).map(|cause| (cause, cause.from)), "before");
    let leads_to =
        others(&mut causes().filter(|cause| cause.from == index).map(|cause| (cause, cause.to)), "later");
    let linked = [("after", led_by), ("then", leads_to)];
    paragraphs.extend(rule.cause.iter().map(|text| ("cause", text.clone())));
    paragraphs.extend(rule.check.iter().map(|text| ("check", text.clone())));
    paragraphs.extend(rule.remedy.iter().map(|text| ("remedy", text.clone())));
    paragraphs.extend(rule.danger.iter().map(|text| ("DANGER", text.clone())));
    paragraphs.extend(linked.into_iter().filter(|(_, text)| !text.is_empty()));
    paragraphs.extend((!rule.versions.is_empty()).then(|| ("writers", rule.versions.join("; "))));
    paragraphs.extend((!rule.refs.is_empty()).then(|| ("links", rule.refs.join(", "))));
    paragraphs.push(("source", format!("{}:{}", rule.file, rule.line)));
    write_paragraphs(out, &paragraphs, style)
}
