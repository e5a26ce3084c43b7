//! Kubernetes JSON logging.
