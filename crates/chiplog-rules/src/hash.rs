//! Hashes that are the same on every machine.

/// Where a hash of bytes begins.
pub(crate) const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: goes on with a hash over more bytes.
pub(crate) fn fnv(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Spreads what tells hashes apart over all their bits, which FNV-1a does not do for short texts.
const fn spread(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// The hash of a text.
pub(crate) fn of_text(text: &[u8]) -> u64 {
    spread(fnv(BASIS, text))
}

/// The hash of a list of texts: `["ab", "c"]` is not `["a", "bc"]`.
pub(crate) fn of_list<'t>(texts: impl Iterator<Item = &'t [u8]>) -> u64 {
    spread(texts.fold(BASIS, |hash, text| fnv(fnv(hash, &(text.len() as u64).to_le_bytes()), text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_fixed() {
        assert_eq!(of_text(b""), 0xefd0_1f60_ba99_2926);
        assert_eq!(of_text(b"w-07"), of_text(&b"w-07"[..]));
        assert_ne!(of_list([&b"ab"[..], b"c"].into_iter()), of_list([&b"a"[..], b"bc"].into_iter()));
    }
}
