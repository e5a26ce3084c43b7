//! Lines of a byte slice.
