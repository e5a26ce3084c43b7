//! The rules that come with the crate, by what they are about.

/// Name and text of each built-in file.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("builtin/calico.toml", include_str!("../packs/calico.toml")),
    ("builtin/causes.toml", include_str!("../packs/causes.toml")),
    ("builtin/chrony.toml", include_str!("../packs/chrony.toml")),
    ("builtin/cilium.toml", include_str!("../packs/cilium.toml")),
    ("builtin/client-go.toml", include_str!("../packs/client-go.toml")),
    ("builtin/cni.toml", include_str!("../packs/cni.toml")),
    ("builtin/containerd.toml", include_str!("../packs/containerd.toml")),
    ("builtin/coredns.toml", include_str!("../packs/coredns.toml")),
    ("builtin/crio.toml", include_str!("../packs/crio.toml")),
    ("builtin/docker.toml", include_str!("../packs/docker.toml")),
    ("builtin/etcd.toml", include_str!("../packs/etcd.toml")),
    ("builtin/flannel.toml", include_str!("../packs/flannel.toml")),
    ("builtin/k3s.toml", include_str!("../packs/k3s.toml")),
    ("builtin/kernel.toml", include_str!("../packs/kernel.toml")),
    ("builtin/kube-apiserver.toml", include_str!("../packs/kube-apiserver.toml")),
    ("builtin/kube-controller-manager.toml", include_str!("../packs/kube-controller-manager.toml")),
    ("builtin/kube-proxy.toml", include_str!("../packs/kube-proxy.toml")),
    ("builtin/kube-scheduler.toml", include_str!("../packs/kube-scheduler.toml")),
    ("builtin/kubelet.toml", include_str!("../packs/kubelet.toml")),
    ("builtin/network.toml", include_str!("../packs/network.toml")),
    ("builtin/runc.toml", include_str!("../packs/runc.toml")),
    ("builtin/systemd.toml", include_str!("../packs/systemd.toml")),
];

#[cfg(test)]
mod tests {
    use super::FILES;
    use crate::prefilter::windows::MIN_LEN;
    use crate::{Prefilter, RuleSet};

    #[test]
    fn every_rule_is_complete_and_warns_of_nothing() {
        let loaded = RuleSet::load(FILES.iter().copied()).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(loaded.warnings, []);
        for rule in loaded.set.rules() {
            let complete = rule.title != rule.id
                && rule.cause.is_some()
                && !rule.check.is_empty()
                && !rule.remedy.is_empty()
                && rule.tests.len() >= 3;
            assert!(complete, "{}", rule.id);
            // A finding that never closes is no state.
            assert!(rule.close.holds_without_hits(), "{}", rule.id);
        }
    }

    /// Long literals are searched for together; a single short one would need a pass of its own over
    /// all input. Give each way to match a text of this length that is rare in ordinary lines:
    /// more of the wording, the words before or after a number, or each wording by itself.
    #[test]
    fn every_line_is_found_by_a_long_literal() {
        let set = RuleSet::builtin();
        let Prefilter::Sparse(searcher) = set.prefilter() else { panic!("a rule needs every line") };
        let short = searcher.literals().filter(|literal| literal.len() < MIN_LEN);
        let short: Vec<String> = short.map(|literal| literal.escape_ascii().to_string()).collect();
        assert!(short.is_empty(), "{short:?}");
    }
}
