//! Prefixes that kubectl, docker and compose put before a line.
