//! klog and glog text lines.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

/// Appends the text of the inside of a klog `=<` block to `out`.
#[cfg(feature = "alloc")]
pub fn block_into(inside: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(inside);
}
