//! The names under which one program appears in logs.

/// A program and the identifiers under which its lines are filed: distributions build it into
/// other binaries, and rename those. The first of each row is what rules name.
const ALIASES: &[&[&str]] = &[
    &[
        "kubelet",
        "kubenswrapper", // OpenShift 4
        "hyperkube",     // OpenShift 3, and Kubernetes as one binary
        "k3s",
        "k3s-agent",
        "k3s-server",
        "rke2",
        "rke2-agent",
        "rke2-server",
        "k0s",
        "k0s-worker",
        "k0sworker",
        "k0scontroller",
        "microk8s.daemon-kubelet",
        "microk8s.daemon-kubelite",
    ],
    &[
        "etcd",
        "etcd-member",  // Container Linux
        "etcd-wrapper", // Container Linux
        "k3s",
        "k3s-server",
        "rke2",
        "rke2-server",
        "k0s",
        "k0scontroller",
        "microk8s.daemon-etcd",
    ],
    &[
        "dockerd",
        "docker",
        "dockerd-current", // RHEL and CentOS 7
        "docker-current",
        "dockerd-latest",
    ],
    &[
        "containerd",
        "docker-containerd",
        "docker-containerd-current",
        // Up to docker 17.11 dockerd relays the lines of its containerd.
        "dockerd",
        "dockerd-current",
        "k3s",
        "k3s-agent",
        "k3s-server",
        "rke2",
        "k0s",
        "k0sworker",
        "k0scontroller",
        "microk8s.daemon-containerd",
    ],
    &["crio", "cri-o"],
    &["flannel", "flanneld", "kube-flannel", "kube-flannel-ds"],
];

/// Whether two names may stand for one program, under any of the names that are known for it: a unit
/// `k3s` holds the lines of a kubelet.
///
/// ```
/// use chiplog_rules::is_one_program;
/// assert!(is_one_program("kubenswrapper", "kubelet"));
/// assert!(!is_one_program("etcd", "dockerd"));
/// ```
#[must_use]
pub fn is_one_program(left: &str, right: &str) -> bool {
    left == right || ALIASES.iter().any(|row| row.contains(&left) && row.contains(&right))
}

/// A program as a rule names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    name: Vec<u8>,
    aliases: &'static [&'static str],
}

impl Component {
    pub(crate) fn new(name: &str) -> Self {
        // A rule that names an alias means that alias: k3s is not every kubelet.
        let aliases = ALIASES.iter().find(|row| row.first() == Some(&name)).copied().unwrap_or(&[]);
        Self { name: name.as_bytes().to_vec(), aliases }
    }

    /// Whether a line is filed under this program. The identifier may be a path, as syslog tags
    /// of programs started by their full name are.
    pub(crate) fn is(&self, identifier: &[u8]) -> bool {
        let base = memchr::memrchr(b'/', identifier).map_or(identifier, |at| &identifier[at + 1..]);
        base == self.name || self.aliases.iter().any(|alias| alias.as_bytes() == base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_many_names() {
        let kubelet = Component::new("kubelet");
        for name in ["kubelet", "kubenswrapper", "k3s", "/usr/bin/kubelet", "microk8s.daemon-kubelite"] {
            assert!(kubelet.is(name.as_bytes()), "{name}");
        }
        assert!(!kubelet.is(b"dockerd"));
        assert!(!kubelet.is(b""));
        assert!(!Component::new("k3s").is(b"kubelet"));
    }
}
