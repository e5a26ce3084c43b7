//! journalctl -o json.
