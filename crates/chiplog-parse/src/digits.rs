//! Digits at known places, eight bytes at a time.
//!
//! Words are little-endian: the first byte of the text is the lowest. XOR with a template makes 0
//! to 9 of digits and 0 of separators; one addition per word checks that it did.

/// The eight bytes at `AT`.
#[inline(always)]
pub(crate) fn word_at<const AT: usize, const LENGTH: usize>(text: &[u8; LENGTH]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&text[AT..AT + 8]);
    u64::from_le_bytes(word)
}

/// The digits of a word that was printed as `template` with its zeros replaced by digits.
#[inline(always)]
pub(crate) const fn digits_of(word: u64, template: [u8; 8]) -> u64 {
    word ^ u64::from_le_bytes(template)
}

/// Whether the high bit of some byte is set.
#[inline(always)]
pub(crate) const fn any_excess(excess: u64) -> bool {
    excess & 0x8080_8080_8080_8080 != 0
}

/// Has the high bit of a byte set if some byte is out of bounds: over 9 where the template has
/// `0`, over 0 elsewhere.
#[inline(always)]
pub(crate) const fn excess(digits: u64, template: [u8; 8]) -> u64 {
    // A byte within bounds stays under 0x80. A byte that carries into the next one had its own
    // high bit set, and that is kept.
    let mut room = [0; 8];
    let mut at = 0;
    while at < 8 {
        room[at] = if template[at] == b'0' { 0x7f - 9 } else { 0x7f };
        at += 1;
    }
    digits | digits.wrapping_add(u64::from_le_bytes(room))
}

/// At every index the number that the digits at this and the next index form.
#[inline(always)]
pub(crate) const fn pairs(digits: u64) -> [u8; 8] {
    digits.wrapping_mul(10).wrapping_add(digits >> 8).to_le_bytes()
}

/// The number that eight digits (0 to 9) form.
#[inline(always)]
pub(crate) const fn eight(digits: u64) -> u64 {
    let pairs = (digits.wrapping_mul(10).wrapping_add(digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xffff_ffff
}

/// As [`crate::bytes::decimal`], without a branch per digit where the number has seven digits or
/// less.
#[inline(always)]
pub(crate) fn short_decimal(bytes: &[u8]) -> Option<(u64, usize)> {
    let Some(word) = bytes.first_chunk() else { return crate::bytes::decimal(bytes) };
    let digits = digits_of(u64::from_le_bytes(*word), [b'0'; 8]);
    // The lowest bit is exact; those above it may come from carries.
    let others = excess(digits, [b'0'; 8]) & 0x8080_8080_8080_8080;
    let length = others.trailing_zeros() / 8;
    match length {
        1..8 => Some((eight(digits << (64 - 8 * length)), length as usize)),
        _ => crate::bytes::decimal(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn short_numbers_are_numbers(text in "[0-9]{0,10}[^0-9]{0,3}[0-9]{0,8}") {
            prop_assert_eq!(short_decimal(text.as_bytes()), crate::bytes::decimal(text.as_bytes()));
        }

        #[test]
        fn bounds_are_those_of_each_byte(mut word: [u8; 8], at in 0usize..8, byte: u8) {
            for byte in &mut word {
                *byte %= 10;
            }
            word[3] = 0;
            word[at] = byte;
            let out = (0..8).any(|at| word[at] > if at == 3 { 0 } else { 9 });
            prop_assert_eq!(any_excess(excess(u64::from_le_bytes(word), *b"000-0000")), out);
        }
    }
}
