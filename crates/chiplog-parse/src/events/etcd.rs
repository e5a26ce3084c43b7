//! etcd slow paths.
