//! What started an incident: every member that could have, and what speaks for it and against it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chiplog_rules::RuleSeverity;

use super::graph::Graph;
use super::join::Edge;
use super::node::{Host, Node};
use super::words::{count, duration};
use super::{Candidate, MAX_CANDIDATES, Reason, ReasonKind};

/// Members whose case is worked out in full: those that explain most.
const MAX_EXAMINED: usize = 50;

/// Times nearer than this say nothing of the order.
const SLACK_NANOS: i64 = 2_000_000_000;

/// The members of one incident and the links between them, numbered from 0.
pub(super) struct Case<'c, 's> {
    pub(super) graph: &'c Graph<'c>,
    pub(super) members: Vec<&'c Node<'s>>,
    /// Sorted by the effect, then by the cause.
    pub(super) links: Vec<Edge>,
    /// Links by cause and by effect.
    from: Vec<Vec<usize>>,
    to: Vec<Vec<usize>>,
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
        for (index, link) in links.iter().enumerate() {
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
        Self { graph, members, links, from, to, place, places }
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
        let mut examined: Vec<(usize, Vec<bool>, usize)> = of_place
            .values()
            .map(|member| {
                let reached = self.reached(*member);
                let (_, weight) = self.places_of(&reached, self.place[*member]);
                (*member, reached, weight)
            })
            .collect();
        examined.sort_by_key(|(member, _, weight)| (Reverse(*weight), *member));
        examined.truncate(MAX_EXAMINED);
        let mut ranked: Vec<Ranked> = examined
            .into_iter()
            .map(|(member, reached, _)| self.examine(member, &reached, missing))
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
            let symptom = known.unwrap_or_else(|| self.examine(symptom, &self.reached(symptom), missing));
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

    /// The members that one leads to, those of its own rule and host at its time included.
    fn reached(&self, member: usize) -> Vec<bool> {
        let mut reached = vec![false; self.members.len()];
        let mut open: Vec<usize> =
            (0..self.members.len()).filter(|other| self.place[*other] == self.place[member]).collect();
        open.iter().for_each(|other| reached[*other] = true);
        while let Some(member) = open.pop() {
            for link in &self.from[member] {
                let effect = self.links[*link].to;
                if !std::mem::replace(&mut reached[effect], true) {
                    open.push(effect);
                }
            }
        }
        reached
    }

    /// How many rules and hosts there are among some members, but one and noise left out, and their
    /// weight: what opened nothing weighs half.
    fn places_of(&self, members: &[bool], but: usize) -> (usize, usize) {
        let mut weights = vec![0; self.places];
        for member in (0..self.members.len()).filter(|member| members[*member] && !self.is_noise(*member)) {
            let weight = if self.members[member].is_trouble { 2 } else { 1 };
            let known = &mut weights[self.place[member]];
            *known = weight.max(*known);
        }
        weights[but] = 0;
        (weights.iter().filter(|weight| **weight > 0).count(), weights.iter().sum())
    }

    /// The surest link to a member from one of another rule or host.
    fn strongest(&self, member: usize) -> Option<usize> {
        let links = self.to[member].iter().copied().filter(|link| !self.is_feedback(*link));
        links.max_by_key(|link| {
            let edge = &self.links[*link];
            (self.members[edge.from].is_trouble, edge.judged.points, Reverse(edge.from))
        })
    }

    fn examine(&self, member: usize, reached: &[bool], missing: &dyn Fn(&[usize]) -> usize) -> Ranked {
        let (others, all) = self.places_of(&vec![true; self.members.len()], self.place[member]);
        let (explains, weight) = self.places_of(reached, self.place[member]);
        let mut reasons = Vec::new();
        let mut add = |kind, points, text: String| reasons.push(Reason { kind, points, text });

        if others > 0 {
            let share = 40 * weight as i32 / all.max(1) as i32;
            let text = match explains {
                0 => "explains none of the others".to_owned(),
                _ => format!("explains {explains} of {}", count(others as u64, "other")),
            };
            add(ReasonKind::Explains, share, text);
            if let Some((points, text)) = self.order(member, reached) {
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
            add(ReasonKind::Missing, -3 * missing.min(3) as i32, text);
        }
        let points = reasons.iter().map(|reason| reason.points).sum();
        let is_explained = strongest.is_some_and(|link| self.members[self.links[link].from].is_trouble);
        let is_first_cause = node.is_telling && !is_explained;
        let candidate = Candidate { member, points, explains, others, reasons };
        Ranked { candidate, is_first_cause, chain }
    }

    /// Whether it came before the others.
    fn order(&self, member: usize, reached: &[bool]) -> Option<(i32, String)> {
        let first = self.members[member].first?;
        let causes: Vec<usize> = self.to[member].iter().map(|link| self.links[*link].from).collect();
        let earlier = |other: usize| {
            let time = self.members[other].first.filter(|_| self.members[other].is_trouble);
            let slack = if causes.contains(&other) { 0 } else { SLACK_NANOS };
            self.place[other] != self.place[member]
                && time.is_some_and(|time| time < first.saturating_sub(slack))
        };
        let (effects, strangers): (Vec<usize>, Vec<usize>) =
            (0..self.members.len()).filter(|other| earlier(*other)).partition(|other| reached[*other]);
        if !strangers.is_empty() {
            let strangers = strangers.into_iter().map(|other| self.place[other]);
            let number = strangers.collect::<std::collections::BTreeSet<_>>().len();
            let text = format!("{} came before it that it does not explain", count(number as u64, "other"));
            return Some((-5 - 3 * number.min(5) as i32, text));
        }
        let Some(earliest) = effects.into_iter().filter_map(|other| self.members[other].first).min() else {
            return Some((20, "came first".to_owned()));
        };
        let late = duration(first.saturating_sub(earliest));
        Some((12, format!("told {late} after its first effect, as such a problem may be")))
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
            let when = match edge.judged.lag_nanos {
                Some(lag) if lag >= 0 => format!("{} later", duration(lag)),
                Some(lag) => format!("{} earlier", duration(-lag)),
                None => "at an unknown time".to_owned(),
            };
            format!("{} {when} ({known})", self.id(edge.to))
        });
        steps.collect::<Vec<_>>().join("; ")
    }
}
