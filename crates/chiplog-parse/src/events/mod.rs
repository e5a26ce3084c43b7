//! Typed events inside messages.

pub mod etcd;
pub mod kubelet;
pub mod oom;
pub mod suppress;
pub mod utiltrace;
