//! Traces of k8s.io/utils/trace.
