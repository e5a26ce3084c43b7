//! What was seen: findings, and hits that opened none.

use std::sync::Arc;

use chiplog_parse::Severity;
use chiplog_rules::RuleSeverity;

use super::Seen;
use super::graph::Graph;
use crate::{Finding, ScanSummary};

/// Findings and sightings that are looked at; findings first, and the earliest of them.
const MAX_NODES: usize = 10_000;

/// From this specificity on, a rule's lines are of one problem.
const TELLING: u8 = 66;

type Group = [(Arc<str>, Arc<str>)];

/// A finding or a sighting.
pub(super) struct Node<'s> {
    pub(super) seen: Seen,
    pub(super) rule: usize,
    pub(super) source: &'s Arc<str>,
    /// Offset of its first line that is known.
    pub(super) line: Option<u64>,
    pub(super) specificity: u8,
    pub(super) group: &'s Group,
    pub(super) host: Host<'s>,
    /// The node of the cluster that it is about: the one that its lines name, else the host of a
    /// program that runs on every node.
    pub(super) about: Option<&'s str>,
    /// Nanoseconds since the epoch, as all times here.
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    /// When it became trouble, at the first hit or later: a rule may count over minutes, and its first
    /// hit may have been a stray one. The first hit if nobody knows.
    pub(super) opened: Option<i64>,
    pub(super) hits: u64,
    /// It makes an incident: a finding of a warning or worse that is not noise.
    pub(super) is_trouble: bool,
    /// It tells of a cause, not only of a possible one: trouble, or hits of a rule that is grave and
    /// specific, at a known time, although they opened nothing.
    pub(super) is_telling: bool,
}

/// The host that lines are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Host<'s> {
    /// By its name without the domain.
    Named(&'s str),
    /// Not named, so all that is known is the source.
    Of(&'s str),
}

/// Whether two hosts are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Same,
    /// Lines of one of them do not say.
    Maybe,
    Other,
}

impl<'s> Host<'s> {
    pub(super) fn new(name: Option<&'s str>, source: &'s str) -> Self {
        name.map_or(Self::Of(source), |name| Self::Named(short(name)))
    }

    pub(super) fn relation(self, other: Self) -> Relation {
        match (self, other) {
            _ if self == other => Relation::Same,
            (Self::Named(_), Self::Named(_)) => Relation::Other,
            _ => Relation::Maybe,
        }
    }

    pub(super) fn name(self) -> Option<&'s str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Of(_) => None,
        }
    }
}

/// A host name without its domain. Addresses have none.
pub(super) fn short(name: &str) -> &str {
    let is_address = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_address { name } else { name.split('.').next().unwrap_or(name) }
}

/// The value of a label.
pub(super) fn label<'s>(group: &'s Group, name: &str) -> Option<&'s str> {
    group.iter().find(|(known, _)| &**known == name).map(|(_, value)| &**value)
}

/// Whether two values of a label are of one thing.
pub(super) fn is_same(label: &str, left: &str, right: &str) -> bool {
    if label != "pod" {
        return left == right;
    }
    let ((left, ours), (right, theirs)) = (pod(left), pod(right));
    left == right && (ours.is_none() || theirs.is_none() || ours == theirs)
}

/// Name and namespace of a pod: `web-0`, `default/web-0`, or `web-0_default(UID)` as the kubelet wrote
/// it up to 1.20. Neither holds a `_` or a `/` itself.
fn pod(text: &str) -> (&str, Option<&str>) {
    if let Some((namespace, name)) = text.split_once('/') {
        return (name, Some(namespace));
    }
    match text.split_once('_') {
        Some((name, rest)) => (name, Some(rest.split('(').next().unwrap_or(rest))),
        None => (text, None),
    }
}

/// The components whose lines are about the cluster, whatever host they run on.
const OF_THE_CLUSTER: [&str; 8] = [
    "client-go",
    "coredns",
    "etcd",
    "k3s",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "network",
];

fn about<'s>(graph: &Graph<'_>, rule: usize, group: &'s Group, host: Host<'s>) -> Option<&'s str> {
    let component = graph.rules[rule].component.as_deref();
    let is_of_node = component.is_some_and(|component| !OF_THE_CLUSTER.contains(&component));
    label(group, "node").map(short).or_else(|| host.name().filter(|_| is_of_node))
}

/// Everything that was seen, in an order that does not depend on that of the summary.
pub(super) fn nodes<'s>(graph: &Graph<'_>, summary: &'s ScanSummary) -> Vec<Node<'s>> {
    let is_noise = |id: &str| graph.rule_of(id).is_some_and(|rule| graph.rules[rule].is_noise);
    let is_trouble = |finding: &Finding| finding.severity >= Severity::Warning && !is_noise(&finding.rule_id);
    let findings = summary.findings.iter().enumerate().filter_map(|(index, finding)| {
        let rule = graph.rule_of(&finding.rule_id)?;
        let host = Host::new(label(&finding.group, "host"), &finding.source);
        Some(Node {
            seen: Seen::Finding(index),
            rule,
            source: &finding.source,
            line: finding.evidence.first().map(|evidence| evidence.offset),
            specificity: graph.rules[rule].specificity,
            group: &finding.group,
            host,
            about: about(graph, rule, &finding.group, host),
            first: finding.first_time.map(|time| time.0),
            last: finding.last_time.map(|time| time.0),
            opened: finding.opened_time.max(finding.first_time).map(|time| time.0),
            hits: finding.hits,
            is_trouble: is_trouble(finding),
            is_telling: is_trouble(finding),
        })
    });
    let sightings = summary.sightings.iter().enumerate().filter_map(|(index, sighting)| {
        let rule = graph.rule_of(&sighting.rule_id)?;
        let host = Host::new(label(&sighting.group, "host"), &sighting.source);
        Some(Node {
            seen: Seen::Sighting(index),
            rule,
            source: &sighting.source,
            line: Some(sighting.evidence.offset),
            specificity: graph.rules[rule].specificity,
            group: &sighting.group,
            host,
            about: about(graph, rule, &sighting.group, host),
            first: sighting.first_time.map(|time| time.0),
            last: sighting.last_time.map(|time| time.0),
            opened: sighting.first_time.map(|time| time.0),
            hits: sighting.hits,
            is_trouble: false,
            is_telling: sighting.first_time.is_some()
                && graph.rules[rule].severity >= RuleSeverity::Error
                && graph.rules[rule].specificity >= TELLING,
        })
    });
    let mut nodes: Vec<Node<'s>> = findings.chain(sightings).collect();
    nodes.sort_by(|a, b| b.is_trouble.cmp(&a.is_trouble).then_with(|| order(graph, a, b)));
    nodes.truncate(MAX_NODES);
    nodes.sort_by(|a, b| order(graph, a, b));
    nodes
}

/// The order of nodes: by time, those without one last.
fn order(graph: &Graph<'_>, a: &Node<'_>, b: &Node<'_>) -> std::cmp::Ordering {
    let time = |node: &Node<'_>| (node.first.is_none(), node.first, node.last);
    time(a)
        .cmp(&time(b))
        .then_with(|| graph.rules[a.rule].id.cmp(&graph.rules[b.rule].id))
        .then_with(|| a.host.cmp(&b.host))
        .then_with(|| a.group.cmp(b.group))
        .then_with(|| a.source.cmp(b.source))
        .then_with(|| (b.is_trouble, a.hits).cmp(&(a.is_trouble, b.hits)))
        .then_with(|| a.seen.cmp(&b.seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_has_several_spellings() {
        for pod in ["web-0", "default/web-0", "web-0_default", "web-0_default(bb39563f)"] {
            assert!(is_same("pod", pod, "default/web-0"), "{pod}");
        }
        for pod in ["web-1", "shop/web-0", "web-0_shop(bb39563f)"] {
            assert!(!is_same("pod", pod, "default/web-0"), "{pod}");
        }
        assert!(!is_same("volume", "a_b", "b/a"));
    }

    #[test]
    fn hosts_are_one_unless_both_say_otherwise() {
        let relation = |left: Host<'_>, right: Host<'_>| left.relation(right);
        let w7 = Host::new(Some("w-07.example.org"), "a");
        assert_eq!(relation(w7, Host::new(Some("w-07"), "b")), Relation::Same);
        assert_eq!(relation(w7, Host::new(Some("w-08"), "a")), Relation::Other);
        assert_eq!(relation(w7, Host::new(None, "a")), Relation::Maybe);
        assert_eq!(relation(Host::new(None, "a"), Host::new(None, "a")), Relation::Same);
        assert_eq!(relation(Host::new(None, "a"), Host::new(None, "b")), Relation::Maybe);
        let address = Host::new(Some("192.0.2.7"), "a");
        assert_eq!(relation(address, Host::new(Some("192.0.2.8"), "a")), Relation::Other);
    }
}
