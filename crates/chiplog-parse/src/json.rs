//! A borrowed scan over one JSON object.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

/// Appends the text of the inside of a JSON string to `out`.
#[cfg(feature = "alloc")]
pub fn unescape_into(inside: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(inside);
}

/// Appends the bytes of the inside of a JSON array of byte values to `out`.
#[cfg(feature = "alloc")]
pub fn byte_array_into(inside: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(inside);
}
