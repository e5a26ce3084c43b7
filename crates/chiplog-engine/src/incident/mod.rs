//! Incidents: which findings belong together, what probably started them, and what is not known.

mod absent;
mod graph;
mod join;
mod link;
mod node;
mod presence;
mod rank;
#[cfg(test)]
mod tests;
mod words;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chiplog_parse::{Severity, UnixNanos};
use chiplog_rules::{Basis, Lag, RuleSet};

use crate::ScanSummary;
use absent::Input;
use graph::Graph;
use join::{Edge, Links};
use node::Node;
use presence::Presence;
use rank::Case;

/// Which findings of a scan belong together, and what probably started them.
///
/// A function of the rules and the summary alone; the order of findings and sightings does not
/// matter. Every finding that is a warning or worse and not noise is in exactly one incident, as long
/// as there are no more than 10,000; an incident may be a single finding. The gravest come first: of the
/// worst severity, with the most findings of it, with the most members; then the earliest.
///
/// ```
/// use std::sync::Arc;
/// use chiplog_engine::{Finding, Root, Scan, ScanOptions, diagnose};
/// use chiplog_parse::{Severity, UnixNanos};
/// use chiplog_rules::RuleSet;
///
/// let rules = r#"
/// [[rule]]
/// id = "disk-slow"
/// match = "disk is slow"
/// [[rule]]
/// id = "write-late"
/// match = "write is late"
/// [[cause]]
/// from = "disk-slow"
/// to = "write-late"
/// lag = "0s to 5s"
/// "#;
/// let rules = RuleSet::load([("app.toml", rules)])?.set;
/// let finding = |rule: &str, seconds: i64| {
///     let (rule, source) = (Arc::from(rule), Arc::from("app.log"));
///     let mut finding = Finding::new(rule, Arc::from(""), Severity::Error, source);
///     finding.first_time = Some(UnixNanos(seconds * 1_000_000_000));
///     finding
/// };
/// let mut summary = Scan::new(&rules, ScanOptions::default()).finish();
/// summary.findings = vec![finding("write-late", 3), finding("disk-slow", 1)];
/// let incidents = diagnose(&rules, &summary);
/// assert_eq!(incidents.len(), 1);
/// let Root::Member(root) = incidents[0].root else { panic!("it was seen") };
/// assert_eq!(&*incidents[0].members[root].rule_id, "disk-slow");
/// # Ok::<(), chiplog_rules::RuleErrors>(())
/// ```
#[must_use]
pub fn diagnose(rules: &RuleSet, summary: &ScanSummary) -> Vec<Incident> {
    let graph = Graph::new(rules);
    let nodes = node::nodes(&graph, summary);
    let presence = Presence::new(&graph, summary, &nodes);
    let links = Links::new(&graph, &nodes);
    let mut edges: BTreeMap<usize, Vec<Edge>> = BTreeMap::new();
    for edge in &links.edges {
        edges.entry(edge.to).or_default().push(*edge);
    }
    let groups = join::groups(&graph, &nodes, links);
    let input = Input { graph: &graph, summary, nodes: &nodes, presence: &presence };
    let mut incidents: Vec<(usize, Incident)> = groups
        .into_iter()
        .filter_map(|group| Some((*group.first()?, incident(&input, &group, &edges))))
        .collect();
    incidents.sort_by_key(|(first, incident)| {
        let grave = incident
            .members
            .iter()
            .filter(|member| matches!(member.seen, Seen::Finding(_)) && member.severity >= incident.severity);
        (
            Reverse((incident.severity, grave.count(), incident.members.len())),
            (incident.first_time.is_none(), incident.first_time),
            *first,
        )
    });
    incidents.into_iter().map(|(_, incident)| incident).collect()
}

/// Works out one incident. `group` is not empty.
fn incident(input: &Input<'_, '_>, group: &[usize], edges: &BTreeMap<usize, Vec<Edge>>) -> Incident {
    let case = Case::new(input.graph, input.nodes, group, edges);
    let ranked = case.candidates(&|path| input.expected(&case, path).len());
    let chain = ranked.first().map(|first| first.chain.clone()).unwrap_or_default();
    let candidates: Vec<Candidate> = ranked.into_iter().map(|ranked| ranked.candidate).collect();
    let start = candidates.first().map_or(0, |first| first.member);
    let root = case.is_root(start).then_some(start);
    let expected = input.expected(&case, &case.path(start, &chain));
    let suspects = input.suspects(&case, start);
    let (before_root, suspects) = if root.is_some() { (suspects, vec![]) } else { (vec![], suspects) };
    let unknowns = input.unknowns(&case, &suspects);
    let root = root.map_or(Root::Unknown { earliest: start, suspects }, Root::Member);

    let trouble =
        || case.members.iter().enumerate().filter(|(index, node)| node.is_trouble || *index == start);
    let hosts =
        case.members.iter().filter_map(|node| node.host.name()).collect::<std::collections::BTreeSet<_>>();
    Incident {
        severity: trouble().map(|(_, node)| member(input, node).severity).max().unwrap_or(Severity::Warning),
        first_time: trouble().filter_map(|(_, node)| node.first).min().map(UnixNanos),
        last_time: case.members.iter().filter_map(|node| node.last).max().map(UnixNanos),
        hosts: hosts.into_iter().map(Arc::from).collect(),
        members: case.members.iter().map(|node| member(input, node)).collect(),
        root,
        before_root,
        candidates,
        links: case.links.iter().map(|edge| link(input.graph, edge)).collect(),
        chain,
        expected,
        unknowns,
    }
}

fn member(input: &Input<'_, '_>, node: &Node<'_>) -> Member {
    let rule = &input.graph.rules[node.rule];
    let severity = match node.seen {
        Seen::Finding(index) => input.summary.findings[index].severity,
        Seen::Sighting(_) => rule.severity.of_log(),
    };
    Member {
        seen: node.seen,
        rule_id: Arc::from(rule.id.as_str()),
        title: Arc::from(rule.title.as_str()),
        severity,
        is_noise: rule.is_noise,
        source: Arc::clone(node.source),
        host: node::label(node.group, "host").map(Arc::from),
        group: node.group.to_vec(),
        first_time: node.first.map(UnixNanos),
        last_time: node.last.map(UnixNanos),
        hits: node.hits,
    }
}

fn link(graph: &Graph<'_>, edge: &Edge) -> Link {
    let cause = &graph.causes[edge.cause];
    Link {
        cause: edge.from,
        effect: edge.to,
        lag_nanos: edge.judged.lag_nanos,
        fit: edge.judged.fit,
        points: edge.judged.points,
        known: cause.lag,
        basis: cause.basis,
        because: cause.because.as_deref().map(Arc::from),
        is_feedback: cause.is_feedback,
    }
}

/// Troubles that belong together.
///
/// The members are findings, and hits that opened none, joined by what the rules know of causes and
/// effects, on hosts and at times that fit. What started them is said only if it was seen: a symptom
/// whose causes left no line is not presented as the root.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incident {
    /// The worst severity of the members that opened.
    pub severity: Severity,
    /// Time of the first hit of a finding, or of the first candidate if that is earlier. `None` if
    /// none of them has a time.
    pub first_time: Option<UnixNanos>,
    /// Time of the last hit of any member.
    pub last_time: Option<UnixNanos>,
    /// The hosts that members name, sorted.
    pub hosts: Vec<Arc<str>>,
    /// What was seen, by first time, then rule id, host and group. Members are named by their index
    /// here.
    pub members: Vec<Member>,
    /// What started it.
    pub root: Root,
    /// What is known to lead to a root that was seen, and was not seen itself, the likeliest first: it
    /// may have started by itself, or not.
    pub before_root: Vec<Suspect>,
    /// Members that could have started it, the likeliest first, at most [`MAX_CANDIDATES`]. Without
    /// any only if all members are noise.
    pub candidates: Vec<Candidate>,
    /// Every link between members that fits, by the time of the effect, then of the cause.
    pub links: Vec<Link>,
    /// The main line of events, indexes into [`Incident::links`]: each one's effect is the next one's
    /// cause. Starts at the first candidate. Empty if that explains nothing.
    pub chain: Vec<usize>,
    /// Effects that should have been seen and were not.
    pub expected: Vec<Expected>,
    /// What cannot be known from this input.
    pub unknowns: Vec<Unknown>,
}

/// How many candidates an incident lists.
pub const MAX_CANDIDATES: usize = 5;

/// One finding, or hits of one rule and group that opened none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Where it is in the report.
    pub seen: Seen,
    /// Id of the rule.
    pub rule_id: Arc<str>,
    /// What the rule calls it.
    pub title: Arc<str>,
    /// Severity that the rule gives it.
    pub severity: Severity,
    /// Known to be harmless unless it lasts.
    pub is_noise: bool,
    /// Source of the lines.
    pub source: Arc<str>,
    /// Host, if the lines name one.
    pub host: Option<Arc<str>>,
    /// Labels that the rule groups by, the host among them.
    pub group: Vec<(Arc<str>, Arc<str>)>,
    /// Time of the first hit.
    pub first_time: Option<UnixNanos>,
    /// Time of the last hit.
    pub last_time: Option<UnixNanos>,
    /// Hits.
    pub hits: u64,
}

/// Where a member comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seen {
    /// An index into [`crate::ScanSummary::findings`].
    Finding(usize),
    /// An index into [`crate::ScanSummary::sightings`]: the rule's condition never came true.
    Sighting(usize),
}

/// What started an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// A member that nothing seen explains and that may start an incident: the first of
    /// [`Incident::candidates`].
    Member(usize),
    /// The first thing seen is itself an effect, and what led to it was not seen.
    Unknown {
        /// The first symptom of the likeliest line of events, an index into [`Incident::members`].
        earliest: usize,
        /// What is known to lead to it, the likeliest first.
        suspects: Vec<Suspect>,
    },
}

/// A member that could have started the incident.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// Index into [`Incident::members`].
    pub member: usize,
    /// The sum of the points of all reasons.
    pub points: i32,
    /// How many other members it explains, directly or through a chain. Those of one rule on one
    /// host count once.
    pub explains: usize,
    /// Of how many.
    pub others: usize,
    /// What speaks for it and against it.
    pub reasons: Vec<Reason>,
}

/// One thing that speaks for a candidate, or against it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// What kind of thing.
    pub kind: ReasonKind,
    /// How much it counts; below zero if it speaks against the candidate.
    pub points: i32,
    /// The same in words, with numbers: a lower-case fragment.
    pub text: String,
}

/// Kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ReasonKind {
    /// How much of the incident it explains.
    Explains,
    /// Whether it came before the others.
    Order,
    /// How well the lags of its effects fit.
    Lags,
    /// Whether such a problem starts incidents, or is an effect of something else.
    Nature,
    /// Another member explains it.
    Explained,
    /// How severe and how specific it is.
    Weight,
    /// Too few hits to open.
    BelowThreshold,
    /// Effects that it should have had were not seen.
    Missing,
}

/// A cause and its effect, both seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Index into [`Incident::members`].
    pub cause: usize,
    /// Index into [`Incident::members`].
    pub effect: usize,
    /// From the first hit of the cause to the first of the effect, in nanoseconds; below zero if the
    /// effect was reported first. `None` if one of them has no time.
    pub lag_nanos: Option<i64>,
    /// How the lag compares with what is known.
    pub fit: Fit,
    /// How sure the link is, from 1 to 40.
    pub points: i32,
    /// The lag that is known.
    pub known: Option<Lag>,
    /// What the known lag rests on.
    pub basis: Option<Basis>,
    /// Why the one leads to the other.
    pub because: Option<Arc<str>>,
    /// It closes a loop: the effect makes its cause worse.
    pub is_feedback: bool,
}

/// How a lag compares with the known one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fit {
    /// Between the least and the greatest.
    Within,
    /// Sooner than the least; or a little before its cause, where the lag is not known.
    Sooner,
    /// Later than the greatest, but not by much.
    Later,
    /// Later than that, while the cause went on.
    Lasting,
    /// The effect had its first hit before the cause, and opened after it.
    Opened,
    /// Sooner, while both went on: the emitter writes no line of the cause below its own limit.
    Floor,
    /// The lag is not known; the effect came soon after.
    NotMeasured,
    /// One of the two has no time.
    NoTime,
}

/// Something that is known to lead to what was seen first, and was not seen itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suspect {
    /// Id of the rule that would show it.
    pub rule_id: Arc<str>,
    /// What the rule calls it.
    pub title: Arc<str>,
    /// Id of the rule that it leads to: that of the first symptom, or of another suspect.
    pub leads_to: Arc<str>,
    /// Why it would lead to that.
    pub because: Option<Arc<str>>,
    /// Why it may have been there unseen, the most telling first.
    pub unseen: Vec<Unseen>,
}

/// Why something may have happened without being seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Unseen {
    /// No line of this component was in the input.
    NoLogs {
        /// The component.
        component: Arc<str>,
    },
    /// The input starts too late.
    BeforeInput,
    /// Lines are known to be missing.
    Gap,
    /// The emitter writes no line below its own limit.
    Floor(Arc<str>),
    /// It was seen, but only after what it would lead to.
    Later {
        /// How much later, in nanoseconds. Zero if nobody knows.
        nanos: i64,
    },
    /// It was seen, but not often enough for its rule to open.
    BelowThreshold {
        /// How many hits there were.
        hits: u64,
    },
    /// It was seen, but not on that host or not at that time.
    Elsewhere {
        /// How many hits there were in all.
        hits: u64,
    },
    /// Its logs were there, without such a line.
    Absent,
}

/// An effect that should have followed, and was not seen though logs were there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// The cause, an index into [`Incident::members`].
    pub cause: usize,
    /// Id of the rule of the effect.
    pub rule_id: Arc<str>,
    /// What the rule calls it.
    pub title: Arc<str>,
    /// The host on which it should have been; `None` for any.
    pub host: Option<Arc<str>>,
    /// From when.
    pub from: UnixNanos,
    /// Until when.
    pub until: UnixNanos,
    /// Why it should have followed.
    pub because: Option<Arc<str>>,
}

/// Something that cannot be known from this input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Unknown {
    /// What kind of thing.
    pub kind: UnknownKind,
    /// What it is about: a source, a host, a rule, a component.
    pub subject: Arc<str>,
    /// In words: a lower-case fragment.
    pub text: String,
}

/// Kinds of things that cannot be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum UnknownKind {
    /// Lines are missing.
    Gap,
    /// No line of a component that a cause or an effect would write in.
    NoLogs,
    /// A year or a zone was taken for granted.
    Clock,
    /// Lines do not say which host they are of.
    Host,
    /// An emitter writes no line below its own limit.
    Floor,
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLogs { component } => write!(f, "no logs of {component} in the input"),
            Self::BeforeInput => f.write_str("the input starts too late to show it"),
            Self::Gap => f.write_str("lines are missing at that time"),
            Self::Floor(floor) => write!(f, "not every case is logged: {floor}"),
            Self::Later { nanos: 0 } => f.write_str("seen, at an unknown time"),
            Self::Later { nanos } => write!(f, "seen, but only {} later", words::duration(*nanos)),
            Self::BelowThreshold { hits } => {
                write!(f, "only {}, below the rule's threshold", words::count(*hits, "hit"))
            }
            Self::Elsewhere { hits } => {
                write!(f, "{}, none that fits in host and time", words::count(*hits, "hit"))
            }
            Self::Absent => f.write_str("no such line, though the logs are there"),
        }
    }
}
