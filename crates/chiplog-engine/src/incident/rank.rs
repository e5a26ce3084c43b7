//! What started an incident: every member that could have, and what speaks for it and against it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use chiplog_rules::RuleSeverity;

use super::graph::Graph;
use super::join::Edge;
use super::node::{Host, Node};
use super::words::{count, duration};
use super::{Candidate, Fit, MAX_CANDIDATES, Reason, ReasonKind};

/// Members whose case is worked out in full: those that explain most.
const MAX_EXAMINED: usize = 50;

/// The credit of what is explained as well as anything explains it.
const FULL: u32 = 1_000;

/// Times nearer than this say nothing of the order.
const SLACK_NANOS: i64 = 2_000_000_000;

/// What had been wrong for longer than this has less to do with what came next.
const LONG_NANOS: i64 = 30 * 60 * 1_000_000_000;

/// The members of one incident and the links between them, numbered from 0.
pub(super) struct Case<'c, 's> {
    pub(super) graph: &'c Graph<'c>,
    pub(super) members: Vec<&'c Node<'s>>,
    /// Sorted by the effect, then by the cause.
    pub(super) links: Vec<Edge>,
    /// Links by cause and by effect.
    from: Vec<Vec<usize>>,
    to: Vec<Vec<usize>>,
    /// Per effect, the points of the surest link to it.
    surest: Vec<i32>,
    /// Members of one rule and host share a number.
    place: Vec<usize>,
    places: usize,
}

/// A candidate before it is compared with the others.
pub(super) struct Ranked {
    pub(super) candidate: Candidate,
    /// It is told for sure, and nothing that is explains it.
    is_first_cause: bool,
    /// The chain from it: indexes into the links.
    pub(super) chain: Vec<usize>,
}

impl<'c, 's> Case<'c, 's> {
    /// `edges` are those of all nodes; `group` is sorted.
    pub(super) fn new(
        graph: &'c Graph<'c>,
        nodes: &'c [Node<'s>],
        group: &[usize],
        edges: &BTreeMap<usize, Vec<Edge>>,
    ) -> Self {
        let members: Vec<&Node<'s>> = group.iter().map(|node| &nodes[*node]).collect();
        let local = |node: usize| group.binary_search(&node).ok();
        let mut links: Vec<Edge> = group
            .iter()
            .flat_map(|node| edges.get(node).into_iter().flatten())
            .filter_map(|edge| Some(Edge { from: local(edge.from)?, to: local(edge.to)?, ..*edge }))
            .collect();
        links.sort_by_key(|link| (link.to, link.from, link.cause));
        let mut from = vec![Vec::new(); members.len()];
        let mut to = vec![Vec::new(); members.len()];
        let mut surest = vec![0; members.len()];
        for (index, link) in links.iter().enumerate() {
            surest[link.to] = link.judged.points.max(surest[link.to]);
            from[link.from].push(index);
            to[link.to].push(index);
        }
        let mut numbers: BTreeMap<(usize, Host<'_>), usize> = BTreeMap::new();
        let place = members
            .iter()
            .map(|node| {
                let next = numbers.len();
                *numbers.entry((node.rule, node.host)).or_insert(next)
            })
            .collect();
        let places = numbers.len();
        Self { graph, members, links, from, to, surest, place, places }
    }

    fn is_feedback(&self, link: usize) -> bool {
        self.graph.causes[self.links[link].cause].is_feedback
    }

    fn is_noise(&self, member: usize) -> bool {
        self.graph.rules[self.members[member].rule].is_noise
    }

    pub(super) fn id(&self, member: usize) -> &str {
        &self.graph.rules[self.members[member].rule].id
    }

    /// Candidates, the likeliest first. Empty only if all members are noise. `missing` counts the
    /// effects that should have been seen of the members of a chain.
    pub(super) fn candidates(&self, missing: &dyn Fn(&[usize]) -> usize) -> Vec<Ranked> {
        // Of one rule and host, the first that the least explains.
        let mut of_place: BTreeMap<usize, usize> = BTreeMap::new();
        let explained =
            |member: usize| self.strongest(member).map_or(0, |link| self.links[link].judged.points);
        for member in (0..self.members.len()).filter(|member| !self.is_noise(*member)) {
            let best = of_place.entry(self.place[member]).or_insert(member);
            let weight = |member: usize| (explained(member), !self.members[member].is_trouble, member);
            if weight(member) < weight(*best) {
                *best = member;
            }
        }
        let mut examined: Vec<(usize, Vec<u32>, u64)> = of_place
            .values()
            .map(|member| {
                let credits = self.credits(*member);
                let (_, weight) = self.places_of(&credits, self.place[*member]);
                (*member, credits, weight)
            })
            .collect();
        examined.sort_by_key(|(member, _, weight)| (Reverse(*weight), *member));
        examined.truncate(MAX_EXAMINED);
        let mut ranked: Vec<Ranked> = examined
            .into_iter()
            .map(|(member, credits, _)| self.examine(member, &credits, missing))
            .collect();
        ranked.sort_by_key(|ranked| {
            let Candidate { member, points, .. } = ranked.candidate;
            (!ranked.is_first_cause, Reverse(points), member)
        });
        ranked.truncate(MAX_CANDIDATES);
        // What comes first is not what started it if something else was wrong before.
        let first = ranked.first().map(|first| first.candidate.member);
        if let Some(symptom) = first.and_then(|first| self.earlier_symptom(first)) {
            let of_place = |ranked: &Ranked| self.place[ranked.candidate.member] == self.place[symptom];
            let known = ranked.iter().position(of_place).map(|at| ranked.remove(at));
            let symptom = known.unwrap_or_else(|| self.examine(symptom, &self.credits(symptom), missing));
            ranked.insert(0, symptom);
            ranked.truncate(MAX_CANDIDATES);
        }
        ranked
    }

    /// Whether a member that nothing explains started the incident.
    pub(super) fn is_root(&self, member: usize) -> bool {
        let node = self.members[member];
        let is_explained =
            self.strongest(member).is_some_and(|link| self.members[self.links[link].from].is_trouble);
        node.is_telling && !is_explained && self.graph.rules[node.rule].may_be_root
    }

    /// The earliest symptom that nothing explains, if it was seen before a member and may have a cause
    /// that led to this one as well.
    fn earlier_symptom(&self, member: usize) -> Option<usize> {
        let ancestors = self.graph.ancestors(self.members[member].rule);
        let is_related = |rule: usize| {
            let theirs = self.graph.ancestors(rule);
            theirs.iter().zip(&ancestors).any(|(theirs, ours)| *theirs && *ours)
        };
        let first = self.members[member].first?;
        (0..self.members.len()).find(|other| {
            let node = self.members[*other];
            node.is_trouble
                && node.first.is_some_and(|time| time < first.saturating_sub(SLACK_NANOS))
                && self.strongest(*other).is_none()
                && !self.graph.rules[node.rule].may_be_root
                && is_related(node.rule)
        })
    }

    /// The members on a chain.
    pub(super) fn path(&self, start: usize, chain: &[usize]) -> Vec<usize> {
        std::iter::once(start).chain(chain.iter().map(|link| self.links[*link].to)).collect()
    }

    /// How well a member explains each, in parts of [`FULL`]: those of its own rule and host fully, the
    /// others as well as the weakest link on the best way to them. A link is as weak as another to the
    /// same effect is surer.
    fn credits(&self, member: usize) -> Vec<u32> {
        let mut credits = vec![0; self.members.len()];
        let mut open = BinaryHeap::new();
        for other in (0..self.members.len()).filter(|other| self.place[*other] == self.place[member]) {
            credits[other] = FULL;
            open.push((FULL, Reverse(other)));
        }
        while let Some((credit, Reverse(member))) = open.pop() {
            if credit < credits[member] {
                continue;
            }
            for link in &self.from[member] {
                let Edge { to, judged, .. } = self.links[*link];
                let share = FULL * judged.points as u32 / self.surest[to].max(1) as u32;
                let credit = credit.min(share);
                if credit > credits[to] {
                    credits[to] = credit;
                    open.push((credit, Reverse(to)));
                }
            }
        }
        credits
    }

    /// How many rules and hosts there are among the members with a credit, but one and noise left out,
    /// and the sum of their credits: what opened nothing counts half.
    fn places_of(&self, credits: &[u32], but: usize) -> (usize, u64) {
        let mut best = vec![0; self.places];
        for member in (0..self.members.len()).filter(|member| !self.is_noise(*member)) {
            let weight = if self.members[member].is_trouble { 2 } else { 1 };
            let known = &mut best[self.place[member]];
            *known = (u64::from(credits[member]) * weight).max(*known);
        }
        best[but] = 0;
        (best.iter().filter(|credit| **credit > 0).count(), best.iter().sum())
    }

    /// The surest link to a member from one of another rule or host.
    fn strongest(&self, member: usize) -> Option<usize> {
        let links = self.to[member].iter().copied().filter(|link| !self.is_feedback(*link));
        links.max_by_key(|link| {
            let edge = &self.links[*link];
            (self.members[edge.from].is_trouble, edge.judged.points, Reverse(edge.from))
        })
    }

    fn examine(&self, member: usize, credits: &[u32], missing: &dyn Fn(&[usize]) -> usize) -> Ranked {
        let (others, all) = self.places_of(&vec![FULL; self.members.len()], self.place[member]);
        let (explains, credit) = self.places_of(credits, self.place[member]);
        let mut reasons = Vec::new();
        let mut add = |kind, points, text: String| reasons.push(Reason { kind, points, text });

        if others > 0 {
            // Of 40 points, those of the share that it explains.
            let share = (40 * credit / all.max(1)) as i32;
            let text = match explains {
                0 => "explains none of the others".to_owned(),
                _ => format!("explains {explains} of {}", count(others as u64, "other")),
            };
            let is_outdone = (share as usize) < 20 * explains / others;
            let outdone = if is_outdone { ", though something else explains them better" } else { "" };
            add(ReasonKind::Explains, share, format!("{text}{outdone}"));
            if let Some((points, text)) = self.order(member, credits) {
                let points = if points > 0 { points * share / 40 } else { points };
                add(ReasonKind::Order, points, text);
            }
        }
        let (chain, mean) = self.chain(member);
        if let Some(mean) = mean {
            add(ReasonKind::Lags, mean / 2, self.lags(&chain));
        }
        let (points, text) = self.nature(member);
        add(ReasonKind::Nature, points, text);
        let strongest = self.strongest(member);
        if let Some(link) = strongest {
            let edge = &self.links[link];
            let is_trouble = self.members[edge.from].is_trouble;
            let points = 10 + edge.judged.points / 2;
            let when = match edge.judged.lag_nanos {
                Some(lag) if lag >= 0 => format!(", {} before", duration(lag)),
                Some(lag) => format!(", though {} later", duration(-lag)),
                None => String::new(),
            };
            let text = format!("{} explains it{when}", self.id(edge.from));
            add(ReasonKind::Explained, if is_trouble { -points } else { -points / 2 }, text);
        }
        let node = self.members[member];
        let rule = &self.graph.rules[node.rule];
        let severity = match rule.severity {
            RuleSeverity::Critical => 6,
            RuleSeverity::Error => 4,
            RuleSeverity::Warning => 2,
            _ => 0,
        };
        let text = format!("{}, specificity {}", rule.severity, rule.specificity);
        add(ReasonKind::Weight, severity + i32::from(rule.specificity) / 20, text);
        if !node.is_trouble {
            let text = format!("only {}, below the rule's threshold", count(node.hits, "hit"));
            add(ReasonKind::BelowThreshold, -20, text);
        }
        let missing = missing(&self.path(member, &chain));
        if missing > 0 {
            let text = format!("{} that should have followed not seen", count(missing as u64, "effect"));
            add(ReasonKind::Missing, -2 * missing.min(3) as i32, text);
        }
        let points = reasons.iter().map(|reason| reason.points).sum();
        let is_explained = strongest.is_some_and(|link| self.members[self.links[link].from].is_trouble);
        let is_first_cause = node.is_telling && !is_explained;
        let candidate = Candidate { member, points, explains, others, reasons };
        Ranked { candidate, is_first_cause, chain }
    }

    /// Whether it came before the others. Points above zero are for a candidate that explains them all.
    fn order(&self, member: usize, credits: &[u32]) -> Option<(i32, String)> {
        let first = self.members[member].first?;
        let causes: Vec<usize> = self.to[member].iter().map(|link| self.links[*link].from).collect();
        let lead = |other: usize| {
            let node = self.members[other];
            // What it explains may have had stray hits before.
            let is_stray = credits[other] > 0 && node.opened > Some(first);
            let time = node.first.filter(|_| node.is_trouble && !is_stray)?;
            let slack = if causes.contains(&other) { 0 } else { SLACK_NANOS };
            let lead = first.saturating_sub(time);
            (self.place[other] != self.place[member] && lead > slack).then_some(lead)
        };
        let earlier = (0..self.members.len()).filter_map(|other| Some((other, lead(other)?)));
        let (effects, strangers): (Vec<_>, Vec<_>) = earlier.partition(|(other, _)| credits[*other] > 0);
        let places = |strangers: &mut dyn Iterator<Item = &(usize, i64)>| {
            strangers.map(|(other, _)| self.place[*other]).collect::<BTreeSet<_>>().len()
        };
        let recent = places(&mut strangers.iter().filter(|(_, lead)| *lead <= LONG_NANOS));
        if recent > 0 {
            let text = format!("{} came before it that it does not explain", count(recent as u64, "other"));
            return Some((-5 - 3 * recent.min(5) as i32, text));
        }
        if !strangers.is_empty() {
            let number = places(&mut strangers.iter());
            return Some((-2, format!("{} had come long before", count(number as u64, "other"))));
        }
        let Some(late) = effects.into_iter().map(|(_, lead)| lead).max() else {
            let has_stray = self.members.iter().any(|node| {
                node.is_trouble && node.first.is_some_and(|time| time < first.saturating_sub(SLACK_NANOS))
            });
            let text = if has_stray { "came before the others opened" } else { "came first" };
            return Some((if has_stray { 16 } else { 20 }, text.to_owned()));
        };
        let has_floor = self.graph.rules[self.members[member].rule].floor.is_some();
        let why = if has_floor { "it leaves a line only above a limit" } else { "as such a problem may be" };
        Some((12, format!("told {} after its first effect: {why}", duration(late))))
    }

    fn nature(&self, member: usize) -> (i32, String) {
        let rule = self.members[member].rule;
        let causes = self.graph.causes_of(rule).count();
        if self.graph.rules[rule].may_be_root {
            let text = if causes == 0 {
                "nothing is known to lead to it"
            } else {
                "may start by itself, although causes are known"
            };
            return (15, text.to_owned());
        }
        let text = match causes {
            0 => "a general message: what is behind it is told elsewhere".to_owned(),
            _ if self.strongest(member).is_some() => {
                format!("a symptom: {} known", count(causes as u64, "cause"))
            }
            _ => format!("a symptom: {} known, none seen", count(causes as u64, "cause")),
        };
        (-20, text)
    }

    /// The main line of events from a member, and the mean points of the links over which all that
    /// it leads to is reached.
    fn chain(&self, start: usize) -> (Vec<usize>, Option<i32>) {
        // Causes before their effects.
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        order.sort_by_key(|member| (self.graph.rank(self.members[*member].rule), *member));
        // How much each member adds up to as the end of a chain, and the last link to it.
        let mut best: Vec<Option<(i32, Option<usize>)>> = vec![None; self.members.len()];
        best[start] = Some((0, None));
        for member in order {
            let ways = self.to[member].iter().filter(|link| !self.is_feedback(**link)).filter_map(|link| {
                let edge = &self.links[*link];
                let step = if self.members[member].is_trouble { 20 } else { 6 };
                Some((best[edge.from]?.0 + step + edge.judged.points, Some(*link)))
            });
            let way = ways.max_by_key(|(sum, link)| (*sum, Reverse(*link)));
            if member != start && !self.is_noise(member) {
                best[member] = way;
            }
        }
        let links: Vec<usize> = best.iter().filter_map(|way| (*way)?.1).collect();
        let sum: i32 = links.iter().map(|link| self.links[*link].judged.points).sum();
        let mean = (!links.is_empty()).then(|| sum / links.len() as i32);
        let end = (0..self.members.len())
            .filter_map(|member| Some((best[member]?.0, Reverse(member))))
            .max()
            .map_or(start, |(_, Reverse(member))| member);
        let mut chain = Vec::new();
        let mut member = end;
        while let Some((_, Some(link))) = best[member] {
            chain.push(link);
            member = self.links[link].from;
        }
        chain.reverse();
        (chain, mean)
    }

    /// When an effect opened that had its first hit before it could have started.
    fn opening(&self, edge: &Edge, lag: i64) -> String {
        let (first, opened) = (self.members[edge.to].first, self.members[edge.to].opened);
        let opened = lag.saturating_add(opened.zip(first).map_or(0, |(opened, first)| opened - first));
        let later = if opened < 0 { "earlier" } else { "later" };
        format!("opened {} {later}, after a first hit before", duration(opened.abs()))
    }

    /// The first steps of a chain in words.
    fn lags(&self, chain: &[usize]) -> String {
        let steps = chain.iter().take(3).map(|link| {
            let edge = &self.links[*link];
            let known = self.graph.causes[edge.cause].lag;
            let known = match known {
                Some(lag) => {
                    let typical = lag.typical_nanos.map(|typical| format!("typical {}, ", duration(typical)));
                    let typical = typical.unwrap_or_default();
                    format!("{typical}known {} to {}", duration(lag.min_nanos), duration(lag.max_nanos))
                }
                None => "not measured".to_owned(),
            };
            let when = match (edge.judged.fit, edge.judged.lag_nanos) {
                (Fit::Opened, Some(lag)) => self.opening(edge, lag),
                (Fit::Floor, Some(lag)) => {
                    format!("{} earlier, with its cause below its limit", duration(-lag))
                }
                (_, Some(lag)) if lag >= 0 => format!("{} later", duration(lag)),
                (_, Some(lag)) => format!("{} earlier", duration(-lag)),
                (_, None) => "at an unknown time".to_owned(),
            };
            format!("{} {when} ({known})", self.id(edge.to))
        });
        steps.collect::<Vec<_>>().join("; ")
    }
}
