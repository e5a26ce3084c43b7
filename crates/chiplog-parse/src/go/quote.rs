//! Go double-quoted strings.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

/// Appends the text of the inside of a Go double-quoted string to `out`.
#[cfg(feature = "alloc")]
pub fn unquote_into(inside: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(inside);
}
