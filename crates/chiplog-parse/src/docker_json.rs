//! docker's json-file envelope.
