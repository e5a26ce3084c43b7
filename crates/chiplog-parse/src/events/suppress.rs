//! Messages that count what was not written.
