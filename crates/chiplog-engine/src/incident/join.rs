//! Which of the things that were seen belong together.

use std::collections::BTreeMap;

use chiplog_rules::Scope;

use super::graph::Graph;
use super::link::{Judged, judge};
use super::node::{Host, Node, Relation};

/// A link between two nodes, by their indexes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Index into the causes of the graph.
    pub(super) cause: usize,
    pub(super) judged: Judged,
}

/// Links from one rule to one effect: those beyond are no better and only cost time.
const MAX_CAUSES_OF_A_RULE: usize = 16;

/// Candidates for a cause that are looked at, of one rule and host: the nearest before the effect.
const MAX_LOOKED_AT: usize = 128;

/// Findings of one rule on one host that nothing explains are one trouble if they are this near.
const SIBLING_NANOS: i64 = 10 * 60 * 1_000_000_000;

/// The same in sources that do not name their hosts, which may be members of one cluster.
const NAMELESS_SIBLING_NANOS: i64 = 2 * 60 * 1_000_000_000;

/// Links that fit, and what they join.
pub(super) struct Links {
    /// By effect; of many causes of one rule, the surest.
    pub(super) edges: Vec<Edge>,
    /// All trouble with all that leads to it.
    sets: Sets,
}

impl Links {
    pub(super) fn new(graph: &Graph<'_>, nodes: &[Node<'_>]) -> Self {
        // By rule, then host, in the order of time: that of the nodes.
        let mut places: BTreeMap<usize, BTreeMap<Host<'_>, Vec<usize>>> = BTreeMap::new();
        for (index, node) in nodes.iter().enumerate() {
            places.entry(node.rule).or_default().entry(node.host).or_default().push(index);
        }
        let mut edges = Vec::new();
        let mut sets = Sets((0..nodes.len()).collect());
        for (to, effect) in nodes.iter().enumerate() {
            for index in &graph.into[effect.rule] {
                let cause = &graph.causes[*index];
                let Some(hosts) = places.get(&cause.from) else { continue };
                let mut fitting: Vec<Edge> = hosts
                    .iter()
                    .filter(|(host, _)| {
                        cause.scope == Scope::Cluster || host.relation(effect.host) != Relation::Other
                    })
                    .flat_map(|(_, list)| match cause.scope {
                        // The cause is of the same label, however many there are.
                        Scope::Label(_) => list,
                        _ => near(list, nodes, to),
                    })
                    .filter_map(|from| {
                        let judged = judge(cause, &graph.rules[cause.from], &nodes[*from], effect)?;
                        Some(Edge { from: *from, to, cause: *index, judged })
                    })
                    .collect();
                // What is on this host for sure explains it better than what may be.
                let is_here = |edge: &Edge| nodes[edge.from].host == effect.host;
                if cause.scope != Scope::Cluster && fitting.iter().any(is_here) {
                    fitting.retain(is_here);
                }
                if effect.is_trouble {
                    fitting.iter().for_each(|edge| sets.join(edge.from, to));
                }
                fitting.sort_by_key(|edge| (std::cmp::Reverse(edge.judged.points), edge.from));
                fitting.truncate(MAX_CAUSES_OF_A_RULE);
                edges.append(&mut fitting);
            }
        }
        Self { edges, sets }
    }
}

/// The nodes of a list that are nearest to a node, most of them before it.
fn near<'l>(list: &'l [usize], nodes: &[Node<'_>], to: usize) -> &'l [usize] {
    let first = nodes[to].first;
    // Nodes without a time come last.
    let after = list.partition_point(|node| nodes[*node].first.is_some() && nodes[*node].first <= first);
    let end = (after + MAX_LOOKED_AT / 4).min(list.len());
    &list[end.saturating_sub(MAX_LOOKED_AT)..end]
}

/// Nodes that belong together, as lists of their indexes in rising order. Each holds trouble.
pub(super) fn groups(graph: &Graph<'_>, nodes: &[Node<'_>], links: Links) -> Vec<Vec<usize>> {
    let Links { edges, mut sets } = links;
    let leads_to_trouble = leading_to_trouble(nodes, &edges);
    for edge in edges.iter().filter(|edge| leads_to_trouble[edge.to]) {
        sets.join(edge.from, edge.to);
    }
    for (left, right) in siblings(graph, nodes, &edges) {
        sets.join(left, right);
    }
    // What is too little to be trouble goes with its likeliest cause, and joins nothing else.
    let mut likeliest: BTreeMap<usize, &Edge> = BTreeMap::new();
    for edge in edges.iter().filter(|edge| !leads_to_trouble[edge.to]) {
        let best = likeliest.entry(edge.to).or_insert(edge);
        if (edge.judged.points, std::cmp::Reverse(edge.from))
            > (best.judged.points, std::cmp::Reverse(best.from))
        {
            *best = edge;
        }
    }
    for edge in likeliest.into_values() {
        sets.join(edge.from, edge.to);
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for node in 0..nodes.len() {
        groups.entry(sets.find(node)).or_default().push(node);
    }
    groups.into_values().filter(|group| group.iter().any(|node| nodes[*node].is_trouble)).collect()
}

/// The nodes that are trouble or lead to some.
fn leading_to_trouble(nodes: &[Node<'_>], links: &[Edge]) -> Vec<bool> {
    let mut causes_of = vec![Vec::new(); nodes.len()];
    for link in links {
        causes_of[link.to].push(link.from);
    }
    let mut leads: Vec<bool> = nodes.iter().map(|node| node.is_trouble).collect();
    let mut open: Vec<usize> = (0..nodes.len()).filter(|node| leads[*node]).collect();
    while let Some(node) = open.pop() {
        for cause in &causes_of[node] {
            if !std::mem::replace(&mut leads[*cause], true) {
                open.push(*cause);
            }
        }
    }
    leads
}

/// Findings of one rule that nothing explains, near each other: pairs. They are on one host, or in
/// sources that do not name theirs.
fn siblings(graph: &Graph<'_>, nodes: &[Node<'_>], links: &[Edge]) -> Vec<(usize, usize)> {
    let mut is_explained = vec![false; nodes.len()];
    for link in links.iter().filter(|link| !graph.causes[link.cause].is_feedback) {
        is_explained[link.to] = true;
    }
    let mut pairs = Vec::new();
    // The last of each rule and host, the host left out where it has no name; and when the trouble
    // before it ended.
    let mut last: BTreeMap<(usize, Option<Host<'_>>), (usize, Option<i64>)> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        if !node.is_trouble || is_explained[index] {
            continue;
        }
        let nameless = node.host.name().is_none().then_some((None, NAMELESS_SIBLING_NANOS));
        for (host, within) in [(Some(node.host), SIBLING_NANOS)].into_iter().chain(nameless) {
            let before = last.get(&(node.rule, host)).copied();
            let end = before.and_then(|(_, end)| end);
            if let Some((sibling, _)) = before {
                let is_near = match (end, node.first) {
                    (Some(end), Some(first)) => first.saturating_sub(end) <= within,
                    (None, None) => host.is_some(),
                    _ => false,
                };
                if is_near {
                    pairs.push((sibling, index));
                }
            }
            last.insert((node.rule, host), (index, node.last.max(end)));
        }
    }
    pairs
}

/// Disjoint sets. Each is named by its first member.
struct Sets(Vec<usize>);

impl Sets {
    fn find(&mut self, node: usize) -> usize {
        let mut root = node;
        while self.0[root] != root {
            root = self.0[root];
        }
        let mut node = node;
        while self.0[node] != root {
            node = std::mem::replace(&mut self.0[node], root);
        }
        root
    }

    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.find(left), self.find(right));
        self.0[left.max(right)] = left.min(right);
    }
}
