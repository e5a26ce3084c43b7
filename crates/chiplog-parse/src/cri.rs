//! The CRI log envelope.
