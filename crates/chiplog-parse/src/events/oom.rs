//! Kernel out-of-memory kills.
