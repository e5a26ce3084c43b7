//! Fragments of long lines joined again.
