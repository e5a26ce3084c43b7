//! journalctl -o export.
