//! Incidents as JSON.

use std::io::{self, Write};

use chiplog_engine::{
    Candidate, Expected, Fit, Incident, Link, Member, Reason, ReasonKind, Root, Seen, Suspect, Unit, Unknown,
    UnknownKind,
};
use chiplog_rules::{Basis, Lag};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::json::{Labels, entry, exact, time, write_line};

/// Writes an incident as one line of JSON, `chiplog.incident.v1`.
///
/// | field | meaning |
/// |---|---|
/// | `schema` | `chiplog.incident.v1` |
/// | `severity_text`, `severity_number` | the worst of its findings |
/// | `first_time`, `last_time`, `hosts` | when and where |
/// | `root_status` | `seen`: nothing is known to lead to the root; `open`: it may have started by itself, or by one of `suspects`, none of which was seen to; `unknown`: the first thing seen is an effect of something that was not |
/// | `root` | the member that started it; absent if unknown |
/// | `earliest_symptom` | if the root is unknown, the member that was seen first |
/// | `suspects` | what is known to lead to that, or to the root, and was not seen: `rule_id`, `title`, `leads_to`, `because`, and in `unseen` why it may have left no line |
/// | `candidates` | members that could have started it, the likeliest first: `rule_id`, `host`, `member`, `score`, `explains` of `others`, `reasons` with `kind`, `points` and `text` |
/// | `chain` | the main line of events, a list of links |
/// | `members` | findings, and hits that opened none (`opened` false), by first time; `finding` counts the findings of the scan from 0 |
/// | `links` | `cause` and `effect` (indexes into `members`, with their rule ids), `lag_seconds` (below zero if the effect was reported first), the known lag, how it fits, `because` |
/// | `expected` | effects that should have followed and were not seen |
/// | `unknowns` | what cannot be known: `kind`, `subject`, `text` |
///
/// # Errors
///
/// Those of the writer.
pub fn write_incident_json(out: &mut dyn Write, incident: &Incident) -> io::Result<()> {
    write_line(out, &IncidentJson(incident))
}

pub(crate) struct IncidentJson<'a>(pub(crate) &'a Incident);

impl Serialize for IncidentJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let incident = self.0;
        let member = |index: usize| incident.members.get(index).map(|member| MemberJson { index, member });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", "chiplog.incident.v1")?;
        map.serialize_entry("severity_text", &incident.severity.to_string())?;
        map.serialize_entry("severity_number", &incident.severity.number())?;
        entry(&mut map, "first_time", time(incident.first_time))?;
        entry(&mut map, "last_time", time(incident.last_time))?;
        map.serialize_entry("hosts", &incident.hosts.iter().map(|host| &**host).collect::<Vec<_>>())?;
        match &incident.root {
            Root::Member(root) => {
                let is_first = incident.before_root.is_empty();
                map.serialize_entry("root_status", if is_first { "seen" } else { "open" })?;
                entry(&mut map, "root", member(*root))?;
                let before = incident.before_root.iter().map(SuspectJson).collect::<Vec<_>>();
                map.serialize_entry("suspects", &before)?;
            }
            Root::Unknown { earliest, suspects } => {
                map.serialize_entry("root_status", "unknown")?;
                entry(&mut map, "earliest_symptom", member(*earliest))?;
                map.serialize_entry("suspects", &suspects.iter().map(SuspectJson).collect::<Vec<_>>())?;
            }
        }
        let candidates = incident.candidates.iter().filter_map(|candidate| {
            let member = incident.members.get(candidate.member)?;
            Some(CandidateJson { candidate, member })
        });
        map.serialize_entry("candidates", &candidates.collect::<Vec<_>>())?;
        let link = |link| LinkJson { incident, link };
        let chain = incident.chain.iter().filter_map(|index| incident.links.get(*index)).map(link);
        map.serialize_entry("chain", &chain.collect::<Vec<_>>())?;
        let members: Vec<_> = (0..incident.members.len()).filter_map(member).collect();
        map.serialize_entry("members", &members)?;
        map.serialize_entry("links", &incident.links.iter().map(link).collect::<Vec<_>>())?;
        let expected = incident.expected.iter().map(|expected| ExpectedJson { incident, expected });
        map.serialize_entry("expected", &expected.collect::<Vec<_>>())?;
        map.serialize_entry("unknowns", &incident.unknowns.iter().map(UnknownJson).collect::<Vec<_>>())?;
        map.end()
    }
}

struct MemberJson<'a> {
    index: usize,
    member: &'a Member,
}

impl Serialize for MemberJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { index, member } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("member", index)?;
        map.serialize_entry("rule_id", &*member.rule_id)?;
        map.serialize_entry("title", &*member.title)?;
        map.serialize_entry("severity_text", &member.severity.to_string())?;
        map.serialize_entry("severity_number", &member.severity.number())?;
        map.serialize_entry("opened", &matches!(member.seen, Seen::Finding(_)))?;
        if let Seen::Finding(finding) = member.seen {
            map.serialize_entry("finding", &finding)?;
        }
        if member.is_noise {
            map.serialize_entry("noise", &true)?;
        }
        map.serialize_entry("source", &*member.source)?;
        entry(&mut map, "host", member.host.as_deref())?;
        map.serialize_entry("group", &Labels(&member.group))?;
        entry(&mut map, "first_time", time(member.first_time))?;
        entry(&mut map, "last_time", time(member.last_time))?;
        map.serialize_entry("hits", &member.hits)?;
        map.end()
    }
}

struct CandidateJson<'a> {
    candidate: &'a Candidate,
    member: &'a Member,
}

impl Serialize for CandidateJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { candidate, member } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rule_id", &*member.rule_id)?;
        map.serialize_entry("title", &*member.title)?;
        entry(&mut map, "host", member.host.as_deref())?;
        entry(&mut map, "first_time", time(member.first_time))?;
        map.serialize_entry("member", &candidate.member)?;
        map.serialize_entry("score", &candidate.points)?;
        map.serialize_entry("explains", &candidate.explains)?;
        map.serialize_entry("others", &candidate.others)?;
        map.serialize_entry("reasons", &candidate.reasons.iter().map(ReasonJson).collect::<Vec<_>>())?;
        map.end()
    }
}

struct ReasonJson<'a>(&'a Reason);

impl Serialize for ReasonJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = match self.0.kind {
            ReasonKind::Explains => "explains",
            ReasonKind::Order => "order",
            ReasonKind::Lags => "lags",
            ReasonKind::Nature => "nature",
            ReasonKind::Explained => "explained",
            ReasonKind::Weight => "weight",
            ReasonKind::BelowThreshold => "below_threshold",
            ReasonKind::Missing => "missing",
            _ => "other",
        };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("kind", kind)?;
        map.serialize_entry("points", &self.0.points)?;
        map.serialize_entry("text", &self.0.text)?;
        map.end()
    }
}

struct SuspectJson<'a>(&'a Suspect);

impl Serialize for SuspectJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let suspect = self.0;
        let unseen: Vec<String> = suspect.unseen.iter().map(ToString::to_string).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rule_id", &*suspect.rule_id)?;
        map.serialize_entry("title", &*suspect.title)?;
        map.serialize_entry("leads_to", &*suspect.leads_to)?;
        entry(&mut map, "because", suspect.because.as_deref())?;
        map.serialize_entry("unseen", &unseen)?;
        map.end()
    }
}

struct LinkJson<'a> {
    incident: &'a Incident,
    link: &'a Link,
}

impl Serialize for LinkJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { incident, link } = self;
        let rule = |index: usize| incident.members.get(index).map(|member| &*member.rule_id);
        let seconds = |nanos: i64| exact(nanos, Unit::Nanoseconds);
        let fit = match link.fit {
            Fit::Within => "within",
            Fit::Sooner => "sooner",
            Fit::Later => "later",
            Fit::Lasting => "lasting",
            Fit::Opened => "opened",
            Fit::Floor => "floor",
            Fit::NotMeasured => "not_measured",
            Fit::NoTime => "no_time",
            _ => "other",
        };
        let basis = link.basis.map(|basis| match basis {
            Basis::Constant => "constant",
            Basis::Observed => "observed",
            Basis::Estimate => "estimate",
            _ => "other",
        });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("cause", &link.cause)?;
        map.serialize_entry("effect", &link.effect)?;
        entry(&mut map, "cause_rule_id", rule(link.cause))?;
        entry(&mut map, "effect_rule_id", rule(link.effect))?;
        entry(&mut map, "lag_seconds", link.lag_nanos.map(seconds))?;
        map.serialize_entry("fit", fit)?;
        map.serialize_entry("points", &link.points)?;
        if let Some(Lag { min_nanos, typical_nanos, max_nanos, .. }) = link.known {
            map.serialize_entry("known_min_seconds", &seconds(min_nanos))?;
            entry(&mut map, "known_typical_seconds", typical_nanos.map(seconds))?;
            map.serialize_entry("known_max_seconds", &seconds(max_nanos))?;
        }
        entry(&mut map, "basis", basis)?;
        entry(&mut map, "because", link.because.as_deref())?;
        if link.is_feedback {
            map.serialize_entry("feedback", &true)?;
        }
        map.end()
    }
}

struct ExpectedJson<'a> {
    incident: &'a Incident,
    expected: &'a Expected,
}

impl Serialize for ExpectedJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { incident, expected } = self;
        let after = incident.members.get(expected.cause).map(|member| &*member.rule_id);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rule_id", &*expected.rule_id)?;
        map.serialize_entry("title", &*expected.title)?;
        map.serialize_entry("cause", &expected.cause)?;
        entry(&mut map, "cause_rule_id", after)?;
        entry(&mut map, "host", expected.host.as_deref())?;
        entry(&mut map, "from", time(Some(expected.from)))?;
        entry(&mut map, "until", time(Some(expected.until)))?;
        entry(&mut map, "because", expected.because.as_deref())?;
        map.end()
    }
}

struct UnknownJson<'a>(&'a Unknown);

impl Serialize for UnknownJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = match self.0.kind {
            UnknownKind::Gap => "gap",
            UnknownKind::NoLogs => "no_logs",
            UnknownKind::Clock => "clock",
            UnknownKind::Host => "host",
            UnknownKind::Floor => "floor",
            _ => "other",
        };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("kind", kind)?;
        map.serialize_entry("subject", &*self.0.subject)?;
        map.serialize_entry("text", &self.0.text)?;
        map.end()
    }
}
