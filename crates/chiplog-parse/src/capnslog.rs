//! capnslog, etcd's text format up to 3.4.
