//! Whose logs were in the input, of which host, and from when until when.

use std::collections::{BTreeMap, BTreeSet};

use chiplog_parse::Format;

use super::graph::Graph;
use super::node::{Host, Node, Relation};
use crate::ScanSummary;

/// Components and the programs that write their lines: a rule's component, then parts of program
/// names or of paths.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("calico", &["calico", "felix", "bird"]),
    ("chrony", &["chrony", "ntpd", "timesyncd"]),
    ("cilium", &["cilium"]),
    ("containerd", &["containerd", "k3s", "rke2", "k0s"]),
    ("coredns", &["coredns"]),
    ("crio", &["crio", "cri-o"]),
    ("docker", &["docker"]),
    ("etcd", &["etcd", "k3s", "rke2", "k0s"]),
    ("flannel", &["flannel"]),
    ("k3s", &["k3s"]),
    ("kernel", &["kernel", "kern.log", "dmesg"]),
    ("kube-apiserver", &["apiserver", "k3s", "rke2", "k0s"]),
    ("kube-controller-manager", &["controller-manager", "k3s", "rke2", "k0s"]),
    ("kube-proxy", &["kube-proxy", "k3s", "rke2", "k0s"]),
    ("kube-scheduler", &["scheduler", "k3s", "rke2", "k0s"]),
    ("kubelet", &["kubelet", "kubenswrapper", "hyperkube", "kubelite", "k3s", "rke2", "k0s"]),
    ("systemd", &["systemd"]),
];

/// Components without logs of their own, and those in whose logs they are told of.
const CARRIED: &[(&str, &[&str])] = &[
    ("client-go", &["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"]),
    ("cni", &["kubelet", "containerd", "crio"]),
    ("network", &["kube-apiserver", "kubelet", "kube-proxy", "etcd"]),
    ("runc", &["kubelet", "containerd", "docker", "crio"]),
];

/// Components of which a cluster has one: where there is another, none is missed.
const INSTEAD: &[&[&str]] =
    &[&["containerd", "crio", "docker"], &["calico", "cilium", "flannel"], &["k3s", "etcd"]];

/// Times from the first to the last, in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
}

/// What the input covers.
pub(super) struct Presence<'s> {
    /// Per component and host.
    spans: BTreeMap<(&'static str, Host<'s>), Option<Span>>,
}

impl<'s> Presence<'s> {
    pub(super) fn new(graph: &Graph<'_>, summary: &'s ScanSummary, nodes: &[Node<'s>]) -> Self {
        let mut presence = Self { spans: BTreeMap::new() };
        let mut span_of: BTreeMap<&str, Option<Span>> = BTreeMap::new();
        for input in &summary.inputs {
            let span = match (input.first_time, input.last_time) {
                (Some(first), Some(last)) => Some(Span { first: first.0, last: last.0 }),
                _ => None,
            };
            span_of.insert(&input.name, span);
            let hosts: Vec<Host<'s>> = match input.hosts.as_slice() {
                [] => vec![Host::new(None, &input.name)],
                hosts => hosts.iter().map(|host| Host::new(Some(host), &input.name)).collect(),
            };
            for component in components(&input.name) {
                hosts.iter().for_each(|host| presence.add(component, *host, span));
            }
            for program in &input.programs {
                let host = Host::new(program.host.as_deref(), &input.name);
                components(&program.name).for_each(|component| presence.add(component, host, span));
            }
            let formats: BTreeSet<Format> = input.formats.keys().flatten().copied().collect();
            if formats.contains(&Format::Kmsg) {
                hosts.iter().for_each(|host| presence.add("kernel", *host, span));
            }
            if formats.contains(&Format::Capnslog) {
                hosts.iter().for_each(|host| presence.add("etcd", *host, span));
            }
        }
        for node in nodes {
            let component = graph.rules[node.rule].component.as_deref();
            let known = PROGRAMS.iter().find(|(known, _)| Some(*known) == component);
            if let Some((component, _)) = known {
                let span = span_of.get(&**node.source).copied().flatten();
                presence.add(component, node.host, span);
            }
        }
        presence
    }

    fn add(&mut self, component: &'static str, host: Host<'s>, span: Option<Span>) {
        let known = self.spans.entry((component, host)).or_default();
        *known = match (*known, span) {
            (Some(known), Some(span)) => {
                Some(Span { first: known.first.min(span.first), last: known.last.max(span.last) })
            }
            (known, span) => known.or(span),
        };
    }

    /// Whether there are logs of a component, on a host that is or may be this one; of any host if
    /// it is `None`. `true` for a component that nobody can tell.
    pub(super) fn has(&self, component: &str, host: Option<Host<'_>>) -> bool {
        self.names(component).is_none_or(|names| {
            self.spans.keys().any(|(known, of)| names.contains(known) && is_of(*of, host))
        })
    }

    /// Whether a component has no logs while another has that stands in its place.
    pub(super) fn is_replaced(&self, component: Option<&str>) -> bool {
        let Some(component) = component.filter(|component| !self.has(component, None)) else { return false };
        let places = INSTEAD.iter().filter(|place| place.contains(&component));
        places.flat_map(|place| place.iter()).any(|other| self.has(other, None))
    }

    /// Whether the logs of a component cover a time, on one of the hosts.
    pub(super) fn covers(&self, component: &str, host: Option<Host<'_>>, times: Span) -> bool {
        let Some(names) = self.names(component) else { return false };
        self.spans.iter().any(|((known, of), span)| {
            names.contains(known)
                && is_of(*of, host)
                && span.is_some_and(|span| span.first <= times.first && span.last >= times.last)
        })
    }

    /// The time of the first line of a component.
    pub(super) fn starts(&self, component: &str, host: Option<Host<'_>>) -> Option<i64> {
        let names = self.names(component)?;
        let spans = self.spans.iter().filter(|((known, of), _)| names.contains(known) && is_of(*of, host));
        spans.filter_map(|(_, span)| Some((*span)?.first)).min()
    }

    fn names(&self, component: &str) -> Option<Vec<&'static str>> {
        if let Some((_, carriers)) = CARRIED.iter().find(|(carried, _)| *carried == component) {
            return Some(carriers.to_vec());
        }
        PROGRAMS.iter().find(|(known, _)| *known == component).map(|(known, _)| vec![*known])
    }
}

/// The component in whose logs another is told of, itself if it has logs of its own.
pub(super) fn carrier(component: &str) -> &str {
    let carried = CARRIED.iter().find(|(carried, _)| *carried == component);
    carried.and_then(|(_, carriers)| carriers.first()).copied().unwrap_or(component)
}

fn is_of(host: Host<'_>, asked: Option<Host<'_>>) -> bool {
    asked.is_none_or(|asked| host.relation(asked) != Relation::Other)
}

/// The components that the name of a program or a path tells of.
fn components(name: &str) -> impl Iterator<Item = &'static str> {
    let lower = name.to_ascii_lowercase();
    // A program of this name is not the daemon that manages units.
    let is_systemd_tool = lower.starts_with("systemd-");
    PROGRAMS
        .iter()
        .filter(move |(component, parts)| {
            !(is_systemd_tool && *component == "systemd") && parts.iter().any(|part| lower.contains(part))
        })
        .map(|(component, _)| *component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_paths_tell_of_components() {
        let of = |name| components(name).collect::<Vec<_>>();
        assert_eq!(of("kubenswrapper"), ["kubelet"]);
        assert_eq!(of("masters/etcd.log"), ["etcd"]);
        assert_eq!(
            of("/var/log/pods/kube-system_kube-apiserver-cp-1_0/kube-apiserver/0.log"),
            ["kube-apiserver"]
        );
        assert_eq!(of("systemd-logind"), [""; 0]);
        assert!(of("k3s").contains(&"kubelet"));
    }
}
