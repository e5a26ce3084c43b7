//! The rules that come with the crate, by the component that writes the lines.

/// Name and text of each built-in file.
pub(crate) const FILES: &[(&str, &str)] = &[("builtin/docker.toml", include_str!("../packs/docker.toml"))];
