//! Kubelet and client-go events.
