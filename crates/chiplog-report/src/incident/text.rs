//! Incidents for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use chiplog_engine::{Candidate, Incident, Link, Member, Quantity, Root, Seen, Unit};
use chiplog_parse::UnixNanos;

use super::lanes::{Stretch, lanes};
use crate::Style;
use crate::human::{Roughly, Thousands};
use crate::layout::{cut_start, width};
use crate::scan::write_paragraphs;

/// Incidents that are shown; JSON has all.
const SHOWN: usize = 5;

/// Reasons, suspects, expectations and unknowns that are shown of one incident.
const PARTS: usize = 3;

/// Links of a chain that are shown.
const STEPS: usize = 8;

/// Column at which the text of a paragraph starts.
const INDENT: usize = 9;

/// Writes what belongs together: what started it and why that is thought, the order of events, what was
/// expected and not seen, what is not known, and a timeline. Incidents of a single finding say nothing
/// that its row does not say, and are left out.
///
/// `rows` maps findings of the summary to the numbers of their rows.
pub(crate) fn write_incidents(
    out: &mut dyn Write,
    incidents: &[Incident],
    rows: &BTreeMap<usize, usize>,
    style: &Style,
) -> io::Result<()> {
    let told: Vec<&Incident> = incidents.iter().filter(|incident| is_worth_telling(incident, rows)).collect();
    for (number, incident) in told.iter().take(SHOWN).enumerate() {
        writeln!(out)?;
        let text = Text { incident, rows, style };
        write_paragraphs(out, &text.paragraphs(number + 1), style)?;
        for (lane, home) in lanes(&text.stretches()) {
            let room = style.columns().saturating_sub(INDENT + width(&lane) + 2);
            let line = format!("{lane}  {}", cut_start(home, room, style));
            writeln!(out, "{:INDENT$}{}", "", line.trim_end())?;
        }
    }
    if told.len() > SHOWN {
        let more = told.len() - SHOWN;
        let plural = if more == 1 { "" } else { "s" };
        let more = format!("{more} more incident{plural} (--format json has everything)");
        writeln!(out)?;
        write_paragraphs(out, &[("", more)], style)?;
    }
    Ok(())
}

/// Whether an incident has a finding that is shown, and trouble of another kind.
fn is_worth_telling(incident: &Incident, rows: &BTreeMap<usize, usize>) -> bool {
    let is_shown =
        |member: &Member| matches!(member.seen, Seen::Finding(finding) if rows.contains_key(&finding));
    let mut rules = incident.members.iter().map(|member| &member.rule_id);
    let first = rules.next();
    rules.any(|rule| Some(rule) != first) && incident.members.iter().any(is_shown)
}

struct Text<'a> {
    incident: &'a Incident,
    rows: &'a BTreeMap<usize, usize>,
    style: &'a Style,
}

impl Text<'_> {
    fn paragraphs(&self, number: usize) -> Vec<(&'static str, String)> {
        let incident = self.incident;
        let problems = incident.members.iter().map(|member| &member.rule_id);
        let problems = problems.collect::<std::collections::BTreeSet<_>>().len();
        let mut what = vec![format!("{number}: {problems} kinds of trouble")];
        match incident.hosts.as_slice() {
            [] => {
                let sources = incident.members.iter().map(|member| &member.source);
                let sources = sources.collect::<std::collections::BTreeSet<_>>().len();
                if sources > 1 {
                    what.push(format!("in {} inputs", Thousands(sources as u64)));
                }
            }
            hosts if hosts.len() <= 4 => {
                let hosts: Vec<String> =
                    hosts.iter().map(|host| self.style.escape(host.as_bytes())).collect();
                what.push(format!("on {}", hosts.join(", ")));
            }
            hosts => what.push(format!("on {} hosts", Thousands(hosts.len() as u64))),
        }
        let mut paragraphs = vec![("incident", what.join(" "))];
        match &incident.root {
            Root::Member(root) => {
                let candidate = incident.candidates.iter().find(|candidate| candidate.member == *root);
                let score =
                    candidate.map_or_else(String::new, |candidate| format!(", {}", points(candidate)));
                paragraphs.push(("root", format!("{}{score}", self.member(*root))));
                if let Some(candidate) = candidate {
                    paragraphs.push(("", self.reasons(candidate)));
                }
                let before = incident.before_root.iter().take(PARTS).map(|suspect| &*suspect.rule_id);
                let before = before.collect::<Vec<_>>().join(", ");
                if !before.is_empty() {
                    let text = format!("not seen, though known to lead to it: {before}");
                    paragraphs.push(("", text));
                }
                let others = incident.candidates.iter().filter(|candidate| candidate.member != *root);
                for other in others.take(PARTS - 1) {
                    paragraphs.push(("or", format!("{}, {}", self.member(other.member), points(other))));
                }
            }
            Root::Unknown { earliest, suspects } => {
                let text = format!(
                    "not seen; the first symptom is {}, which something else leads to",
                    self.member(*earliest)
                );
                paragraphs.push(("root", text));
                for suspect in suspects.iter().take(PARTS) {
                    let unseen =
                        suspect.unseen.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                    let mut text = format!("{} ({})", suspect.rule_id, suspect.title);
                    if !unseen.is_empty() {
                        text.push_str(": ");
                        text.push_str(&self.style.escape(unseen.as_bytes()));
                    }
                    paragraphs.push(("suspect", text));
                }
            }
        }
        let chain: Vec<&Link> = incident.chain.iter().filter_map(|link| incident.links.get(*link)).collect();
        if let Some(first) = chain.first() {
            let mut order = self.member(first.cause);
            for link in chain.iter().take(STEPS) {
                order.push_str(&format!("; {} {}", later(link), self.member(link.effect)));
            }
            if chain.len() > STEPS {
                order.push_str(&format!("; and {} more", chain.len() - STEPS));
            }
            paragraphs.push(("order", order));
        }
        for expected in incident.expected.iter().take(PARTS) {
            let cause = incident.members.get(expected.cause).map_or("", |member| &*member.rule_id);
            let text = format!("{} after {cause}, by {}: not seen", expected.rule_id, clock(expected.until),);
            paragraphs.push(("missing", text));
        }
        for unknown in incident.unknowns.iter().take(PARTS) {
            paragraphs.push(("unknown", self.style.escape(unknown.text.as_bytes())));
        }
        paragraphs.iter_mut().for_each(|(label, text)| {
            if label.is_empty() {
                // Beside the label of the paragraph above.
                *label = " ";
            }
            text.shrink_to_fit();
        });
        paragraphs
    }

    /// `3 etcd-slow-apply on cp-1`: the number of its row first, if it has one.
    fn member(&self, index: usize) -> String {
        let Some(member) = self.incident.members.get(index) else { return String::new() };
        let mut text = match member.seen {
            Seen::Finding(finding) => match self.rows.get(&finding) {
                Some(row) => format!("{row} {}", member.rule_id),
                None => member.rule_id.to_string(),
            },
            Seen::Sighting(_) => format!(
                "{} ({} hit{}, below its limit)",
                member.rule_id,
                Thousands(member.hits),
                if member.hits == 1 { "" } else { "s" }
            ),
        };
        if let Some(host) = member.host.as_ref().filter(|_| self.incident.hosts.len() > 1) {
            text.push_str(&format!(" on {}", self.style.escape(host.as_bytes())));
        }
        text
    }

    fn reasons(&self, candidate: &Candidate) -> String {
        let mut reasons: Vec<_> = candidate.reasons.iter().filter(|reason| reason.points != 0).collect();
        reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.points.abs()), reason.kind));
        let texts: Vec<String> = reasons
            .iter()
            .take(PARTS + 1)
            .map(|reason| {
                let text = self.style.escape(reason.text.as_bytes());
                if reason.points < 0 { format!("but {text}") } else { text }
            })
            .collect();
        texts.join("; ")
    }

    fn stretches(&self) -> Vec<Stretch> {
        let stretch = |member: &Member| {
            let Seen::Finding(finding) = member.seen else { return None };
            let home = member.host.as_ref().unwrap_or(&member.source);
            Some(Stretch {
                row: *self.rows.get(&finding)?,
                home: self.style.escape(home.as_bytes()),
                first: member.first_time?,
                last: member.last_time?,
            })
        };
        self.incident.members.iter().filter_map(stretch).collect()
    }
}

fn points(candidate: &Candidate) -> String {
    format!("{} points, explains {} of {}", candidate.points, candidate.explains, candidate.others)
}

/// `41.0 s later`, `2 m 00 s earlier (reported after the fact)`.
fn later(link: &Link) -> String {
    match link.lag_nanos {
        None => "then".to_owned(),
        Some(0) => "at once".to_owned(),
        Some(nanos) => {
            let lag = Roughly(Quantity { amount: i128::from(nanos).abs(), unit: Unit::Nanoseconds });
            // Some causes are reported after the fact, a hung task two minutes later.
            if nanos > 0 { format!("{lag} later") } else { format!("{lag} earlier") }
        }
    }
}

fn clock(time: UnixNanos) -> String {
    let civil = time.to_civil();
    format!("{:02}:{:02}:{:02}", civil.hour, civil.minute, civil.second)
}
