//! The rules that come with the crate, by what they are about.

/// Name and text of each built-in file.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("builtin/containerd.toml", include_str!("../packs/containerd.toml")),
    ("builtin/docker.toml", include_str!("../packs/docker.toml")),
    ("builtin/etcd.toml", include_str!("../packs/etcd.toml")),
    ("builtin/kernel.toml", include_str!("../packs/kernel.toml")),
    ("builtin/kubelet.toml", include_str!("../packs/kubelet.toml")),
    ("builtin/oom.toml", include_str!("../packs/oom.toml")),
    ("builtin/systemd.toml", include_str!("../packs/systemd.toml")),
];
