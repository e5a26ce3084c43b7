//! Random numbers that are the same everywhere and for ever.

/// A stream of random numbers (the SplitMix64 sequence), given by its seed.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// Any seed is as good as any other.
    #[must_use]
    pub fn new(seed: u64) -> Rng {
        Rng { state: seed }
    }

    /// A number of 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` - 1; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// One of `items`.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// A number around `median`: log-normal, one standard deviation being a factor of
    /// 2^(`sigma_milli_octaves` / 1000), cut off at six of them.
    ///
    /// Functions like `exp` differ between machines in their last bit, so this has none.
    pub fn log_normal(&mut self, median: u64, sigma_milli_octaves: u32) -> u64 {
        // Twelve uniform numbers have a variance of one together.
        let sum: i64 = (0..12).map(|_| (self.bits() >> 48) as i64).sum();
        let deviations_q16 = sum - 6 * 65536;
        let octaves_q16 = deviations_q16 * i64::from(sigma_milli_octaves) / 1000;
        let fraction = (octaves_q16 & 0xffff) as u64;
        // A cubic for 2^fraction that is exact at both ends and within 0.02 % between.
        let cubic = 45_584 + ((fraction * (14_822 + ((fraction * 5_130) >> 16))) >> 16);
        let mantissa_q16 = 65_536 + ((fraction * cubic) >> 16);
        let scaled = (u128::from(median) * u128::from(mantissa_q16)) >> 16;
        let shift = octaves_q16 >> 16;
        let value = if shift < 0 { scaled >> (-shift).min(127) } else { scaled << shift.min(60) };
        u64::try_from(value).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_numbers() {
        let mut rng = Rng::new(0);
        // As the authors of the sequence give them.
        assert_eq!(rng.bits(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(rng.bits(), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn log_normal_has_its_median_and_spread() {
        let mut rng = Rng::new(7);
        let mut values: Vec<u64> = (0..100_001).map(|_| rng.log_normal(1_000_000, 1000)).collect();
        values.sort_unstable();
        let near = |value: u64, expected: u64| value.abs_diff(expected) < expected / 50;
        assert!(near(values[50_000], 1_000_000), "{}", values[50_000]);
        // One deviation up and down is one octave.
        assert!(near(values[84_134], 2_000_000), "{}", values[84_134]);
        assert!(near(values[15_866], 500_000), "{}", values[15_866]);
    }
}
