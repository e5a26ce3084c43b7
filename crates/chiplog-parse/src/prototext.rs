//! Protobuf text inside etcd requests.
