//! Searches for bytes that stand near, as the ends of keys, times and file names do: calling a
//! search made for long texts would cost more than it saves.

use wide::u8x16;

/// Bytes that are looked at in one step.
const STEP: usize = 16;

/// The index of the first byte at or after `from` that is one of `wanted`.
#[inline(always)]
pub(crate) fn first<const N: usize>(bytes: &[u8], from: usize, wanted: [u8; N]) -> Option<usize> {
    let mut at = from;
    loop {
        let any = |step: &[u8; STEP]| wanted.iter().fold(0, |all, wanted| all | equal(step, *wanted));
        let (found, end) = step(bytes, at, any)?;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at = end;
    }
}

/// As [`first`], with two steps in one go at first: whether the wanted byte stands in the first
/// or the second is not for a branch to learn where lengths vary around that of a step.
#[inline(always)]
pub(crate) fn first_in_two<const N: usize>(bytes: &[u8], wanted: [u8; N]) -> Option<usize> {
    let any = |step: &[u8; STEP]| wanted.iter().fold(0, |all, wanted| all | equal(step, *wanted));
    if let ([one, two, ..], _) = bytes.get(..2 * STEP).unwrap_or_default().as_chunks::<STEP>() {
        let found = any(one) | any(two) << STEP;
        if found != 0 {
            return Some(found.trailing_zeros() as usize);
        }
    }
    first(bytes, 0, wanted)
}

/// The bytes at `at` and after that are `one`, as bits from the lowest on, and where the next step
/// begins. `None` at the end.
#[inline(always)]
pub(crate) fn mask(bytes: &[u8], at: usize, one: u8) -> Option<(u32, usize)> {
    step(bytes, at, |step| equal(step, one))
}

#[inline(always)]
fn step(bytes: &[u8], at: usize, mask: impl Fn(&[u8; STEP]) -> u32) -> Option<(u32, usize)> {
    match bytes.get(at..)?.first_chunk() {
        Some(step) => Some((mask(step), at + STEP)),
        None => last_step(bytes, at, mask),
    }
}

/// Less than a whole step is left: the last one again, without the bytes before `at`.
#[inline]
fn last_step(bytes: &[u8], at: usize, mask: impl Fn(&[u8; STEP]) -> u32) -> Option<(u32, usize)> {
    let left = bytes.get(at..).filter(|left| !left.is_empty())?;
    let bits = match bytes.last_chunk() {
        Some(step) => mask(step) >> (STEP - left.len()),
        None => {
            let mut step = [0; STEP];
            step[..left.len()].copy_from_slice(left);
            // The zeros behind are not among the bytes.
            mask(&step) & ((1 << left.len()) - 1)
        }
    };
    Some((bits, bytes.len()))
}

/// One bit for each byte that is `wanted`, the first byte's the lowest.
#[inline(always)]
fn equal(step: &[u8; STEP], wanted: u8) -> u32 {
    u8x16::new(*step).simd_eq(u8x16::splat(wanted)).to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte =
            prop_oneof![8 => Just(b'a'), 1 => Just(b'"'), 1 => Just(b':'), 1 => any::<u8>(), 1 => Just(0)];
        prop::collection::vec(byte, 0..70)
    }

    proptest! {
        #[test]
        fn finds_what_a_loop_finds(bytes in bytes(), from in 0usize..72, one in prop_oneof![Just(b'"'), Just(0)]) {
            for wanted in [[one, b':', b':'], [one, b':', b'a']] {
                let naive = (from..bytes.len()).find(|at| wanted.contains(&bytes[*at]));
                prop_assert_eq!(first(&bytes, from, wanted), naive);
                let naive = bytes.iter().position(|byte| wanted.contains(byte));
                prop_assert_eq!(first_in_two(&bytes, wanted), naive);
            }
        }
    }
}
