//! What was not seen: causes that would explain, effects that should have followed, and why they may
//! be missing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chiplog_parse::UnixNanos;
use chiplog_rules::{Basis, Cause, Scope};

use super::graph::Graph;
use super::link::look_back;
use super::node::{Host, Node, short};
use super::presence::{Presence, Span, carrier};
use super::rank::Case;
use super::words::count;
use super::{Expected, Suspect, Unknown, UnknownKind, Unseen};
use crate::{Gap, InputSummary, ScanSummary};

const MAX_SUSPECTS: usize = 8;
const MAX_EXPECTED: usize = 4;

/// How far up the graph suspects are looked for, if those nearer are symptoms themselves.
const MAX_STEPS: usize = 3;

/// A gap is told of after the fact, and lines that it took may have been earlier.
const BEFORE_GAP: i64 = 60_000_000_000;

/// What is known of the input as a whole.
pub(super) struct Input<'i, 's> {
    pub(super) graph: &'i Graph<'i>,
    pub(super) summary: &'s ScanSummary,
    pub(super) nodes: &'i [Node<'s>],
    pub(super) presence: &'i Presence<'s>,
}

impl Input<'_, '_> {
    /// What is known to lead to the rule of a member, and is no member itself.
    pub(super) fn suspects(&self, case: &Case<'_, '_>, member: usize) -> Vec<Suspect> {
        let graph = self.graph;
        let symptom = case.members[member];
        let mut is_known = BTreeSet::from([symptom.rule]);
        let mut found: Vec<(usize, &Cause)> = Vec::new();
        let mut level = vec![symptom.rule];
        for step in 0..MAX_STEPS {
            let causes = level.iter().flat_map(|rule| graph.causes_of(*rule));
            let fresh: Vec<&Cause> = causes
                .filter(|cause| {
                    let rule = &graph.rules[cause.from];
                    let is_used = !self.presence.is_replaced(rule.component.as_deref());
                    !rule.is_noise && is_used && is_known.insert(cause.from)
                })
                .collect();
            level =
                fresh.iter().map(|cause| cause.from).filter(|rule| !graph.rules[*rule].may_be_root).collect();
            found.extend(fresh.into_iter().map(|cause| (step, cause)));
        }
        let mut suspects: Vec<_> = found
            .into_iter()
            .map(|(step, cause)| {
                let unseen = self.unseen(case, cause, symptom);
                let rule = &graph.rules[cause.from];
                let is_absent = unseen == [Unseen::Absent];
                let measured = cause.basis.is_some();
                let is_here =
                    matches!(unseen[..], [Unseen::Later { .. } | Unseen::BelowThreshold { .. }, ..]);
                let key = (
                    !is_here,
                    is_absent,
                    step,
                    !measured,
                    Reverse((rule.severity, rule.specificity)),
                    &rule.id,
                );
                let suspect = Suspect {
                    rule_id: Arc::from(rule.id.as_str()),
                    title: Arc::from(rule.title.as_str()),
                    leads_to: Arc::from(graph.rules[cause.to].id.as_str()),
                    because: cause.because.as_deref().map(Arc::from),
                    unseen,
                };
                (key, suspect)
            })
            .collect();
        suspects.sort_by_key(|(key, _)| *key);
        suspects.into_iter().map(|(_, suspect)| suspect).take(MAX_SUSPECTS).collect()
    }

    /// Why a cause may be there although it was not seen.
    fn unseen(&self, case: &Case<'_, '_>, cause: &Cause, symptom: &Node<'_>) -> Vec<Unseen> {
        let rule = &self.graph.rules[cause.from];
        let host = (cause.scope != Scope::Cluster).then_some(symptom.host);
        let mut unseen = Vec::new();
        if let Some(component) = &rule.component {
            if !self.presence.has(component, host) {
                unseen.push(Unseen::NoLogs { component: Arc::from(carrier(component)) });
            } else if let (Some(first), Some(start)) = (symptom.first, self.presence.starts(component, host))
                && first.saturating_sub(look_back(cause)) < start
            {
                unseen.push(Unseen::BeforeInput);
            }
        }
        if let Some(first) = symptom.first {
            let times = Span { first: first.saturating_sub(look_back(cause)), last: first };
            if self.summary.gaps.iter().any(|gap| is_gap_of(gap, host, times)) {
                unseen.push(Unseen::Gap);
            }
        }
        if let Some(floor) = &rule.floor {
            unseen.push(Unseen::Floor(Arc::from(floor.as_str())));
        }
        let of_rule = |node: &&Node<'_>| node.rule == cause.from;
        let here = || case.members.iter().copied().filter(of_rule);
        let later = here().filter(|node| node.is_telling).map(|node| {
            let nanos = node.first.zip(symptom.first).map(|(later, first)| later.saturating_sub(first));
            nanos.unwrap_or(0).max(0)
        });
        if let Some(nanos) = later.min() {
            unseen.insert(0, Unseen::Later { nanos });
        } else if here().next().is_some() {
            let hits = here().map(|node| node.hits).sum();
            unseen.insert(0, Unseen::BelowThreshold { hits });
        } else {
            let hits = self.nodes.iter().filter(of_rule).map(|node| node.hits).sum();
            if hits > 0 {
                unseen.push(Unseen::Elsewhere { hits });
            }
        }
        if unseen.is_empty() {
            unseen.push(Unseen::Absent);
        }
        unseen
    }

    /// Effects of these members that should have been seen.
    pub(super) fn expected(&self, case: &Case<'_, '_>, members: &[usize]) -> Vec<Expected> {
        let graph = self.graph;
        let linked: BTreeSet<(usize, usize)> =
            case.links.iter().map(|link| (link.from, case.members[link.to].rule)).collect();
        // By effect: several causes may lead to it.
        let mut expected: BTreeMap<usize, Expected> = BTreeMap::new();
        for member in members {
            let node = case.members[*member];
            let Some(first) = node.first.filter(|_| node.is_trouble) else { continue };
            for cause in graph.from[node.rule].iter().map(|cause| &graph.causes[*cause]) {
                let (Some(lag), Some(Basis::Constant | Basis::Observed)) = (cause.lag, cause.basis) else {
                    continue;
                };
                let effect = &graph.rules[cause.to];
                let (Some(component), false) = (&effect.component, effect.is_noise || cause.is_feedback)
                else {
                    continue;
                };
                let is_seen = case.members.iter().any(|node| node.rule == cause.to)
                    || linked.contains(&(*member, cause.to));
                let times = Span {
                    first: first.saturating_add(lag.min_nanos),
                    last: first.saturating_add(lag.max_nanos),
                };
                let host = (cause.scope != Scope::Cluster).then_some(node.host);
                if is_seen || !self.presence.covers(component, host, times) {
                    continue;
                }
                expected.entry(cause.to).or_insert_with(|| Expected {
                    cause: *member,
                    rule_id: Arc::from(effect.id.as_str()),
                    title: Arc::from(effect.title.as_str()),
                    host: host.and_then(Host::name).map(Arc::from),
                    from: UnixNanos(times.first),
                    until: UnixNanos(times.last),
                    because: cause.because.as_deref().map(Arc::from),
                });
            }
        }
        let mut expected: Vec<Expected> = expected.into_values().collect();
        expected.sort_by(|a, b| (a.from, &a.rule_id).cmp(&(b.from, &b.rule_id)));
        expected.truncate(MAX_EXPECTED);
        expected
    }

    /// What cannot be known of an incident.
    pub(super) fn unknowns(&self, case: &Case<'_, '_>, suspects: &[Suspect]) -> Vec<Unknown> {
        let mut unknowns = BTreeSet::new();
        self.gaps(case, &mut unknowns);
        for suspect in suspects {
            for unseen in &suspect.unseen {
                if let Unseen::NoLogs { component } = unseen {
                    unknowns.insert(Unknown {
                        kind: UnknownKind::NoLogs,
                        subject: Arc::clone(component),
                        text: format!("no logs of {component}"),
                    });
                }
            }
        }
        self.effects_without_logs(case, &mut unknowns);
        for node in &case.members {
            let rule = &self.graph.rules[node.rule];
            if let Some(floor) = &rule.floor {
                let subject = Arc::from(rule.id.as_str());
                unknowns.insert(Unknown { kind: UnknownKind::Floor, subject, text: floor.clone() });
            }
        }
        self.sources(case, &mut unknowns);
        unknowns.into_iter().collect()
    }

    /// What is taken for granted of the sources of an incident.
    fn sources(&self, case: &Case<'_, '_>, unknowns: &mut BTreeSet<Unknown>) {
        let named: BTreeSet<&str> = case.members.iter().map(|node| &**node.source).collect();
        let nameless: BTreeSet<&str> = case
            .members
            .iter()
            .filter(|node| node.host.name().is_none() && self.summary.inputs.len() > 1)
            .map(|node| &**node.source)
            .collect();
        let of = |is_so: fn(&InputSummary) -> bool| {
            let inputs = self.summary.inputs.iter().filter(|input| is_so(input));
            inputs.map(|input| &*input.name).filter(|name| named.contains(name)).collect::<BTreeSet<&str>>()
        };
        let mut add = |kind, sources: BTreeSet<&str>, text: &str| {
            let Some(first) = sources.first() else { return };
            let text = match sources.len() {
                1 => text.to_owned(),
                number => format!("{text}, in {number} inputs"),
            };
            unknowns.insert(Unknown { kind, subject: Arc::from(*first), text });
        };
        add(UnknownKind::Clock, of(|input| input.year_was_guessed), "the year was guessed");
        add(UnknownKind::Clock, of(|input| input.zone_was_assumed), "times were taken as UTC");
        let hosts: BTreeSet<Host<'_>> = case.members.iter().map(|node| node.host).collect();
        if hosts.len() > 1 {
            let text = format!("the clocks of {} hosts or files are taken to agree", hosts.len());
            add(UnknownKind::Clock, named.first().copied().into_iter().collect(), &text);
        }
        add(UnknownKind::Host, nameless, "lines do not name their host, which may be any");
    }

    /// Components that would tell of the effects of an incident, and have no logs.
    fn effects_without_logs(&self, case: &Case<'_, '_>, unknowns: &mut BTreeSet<Unknown>) {
        for node in case.members.iter().filter(|node| node.is_trouble) {
            for cause in self.graph.from[node.rule].iter().map(|cause| &self.graph.causes[*cause]) {
                let Some(component) = &self.graph.rules[cause.to].component else { continue };
                let host = (cause.scope != Scope::Cluster).then_some(node.host);
                if !self.presence.has(component, host) && !self.presence.is_replaced(Some(component)) {
                    let component = carrier(component);
                    unknowns.insert(Unknown {
                        kind: UnknownKind::NoLogs,
                        subject: Arc::from(component),
                        text: format!("no logs of {component}"),
                    });
                }
            }
        }
    }

    fn gaps(&self, case: &Case<'_, '_>, unknowns: &mut BTreeSet<Unknown>) {
        let times = case.members.iter().flat_map(|node| [node.first, node.last]).flatten();
        let Some(times) = times.fold(None, |span: Option<Span>, time| {
            let span = span.unwrap_or(Span { first: time, last: time });
            Some(Span { first: span.first.min(time), last: span.last.max(time) })
        }) else {
            return;
        };
        // Who dropped, on which host: how many, if all of them say.
        struct Lost {
            times: usize,
            lines: Option<u64>,
        }
        let mut lost: BTreeMap<(Arc<str>, &str), Lost> = BTreeMap::new();
        for gap in &self.summary.gaps {
            if case.members.iter().any(|node| is_gap_of(gap, Some(node.host), times)) {
                let subject = Arc::clone(gap.host.as_ref().unwrap_or(&gap.source));
                let lost = lost.entry((subject, gap.by)).or_insert(Lost { times: 0, lines: Some(0) });
                lost.times += 1;
                lost.lines = lost.lines.zip(gap.lines).map(|(sum, lines)| sum.saturating_add(lines));
            }
        }
        for ((subject, by), Lost { times, lines }) in lost {
            let text = match lines {
                Some(lines) => format!("{by} dropped {lines} lines"),
                None => format!("{by} dropped lines, told {}", count(times as u64, "time")),
            };
            unknowns.insert(Unknown { kind: UnknownKind::Gap, subject, text });
        }
    }
}

/// Whether lines of a host may be missing at a time. Who knows when a gap without a time was.
fn is_gap_of(gap: &Gap, host: Option<Host<'_>>, times: Span) -> bool {
    let is_on_host = match (&gap.host, host.and_then(Host::name)) {
        (Some(gap), Some(host)) => short(gap) == host,
        _ => true,
    };
    let is_then = gap.time.is_none_or(|time| {
        time.0 >= times.first.saturating_sub(BEFORE_GAP) && time.0 <= times.last.saturating_add(BEFORE_GAP)
    });
    is_on_host && is_then
}
