//! journalctl's text family.
