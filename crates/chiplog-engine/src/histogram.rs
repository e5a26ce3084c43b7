//! The exponential histogram: quantiles that merge in any order.
//!
//! 32 buckets per octave (scale 5): bucket `i` holds the values in `(2^(i/32), 2^((i+1)/32)]`,
//! and stands for their geometric middle, which is within 1.09 % of each. The layout is that of
//! OpenTelemetry exponential histograms of scale 5 and Prometheus native histograms of schema 5.
//! Counts are integers, so merging is exact, associative and commutative.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Counts of values by exponential bucket. Values of zero and below share one bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    zero: u64,
    #[serde(deserialize_with = "sound_buckets")]
    buckets: Buckets,
    total: u64,
}

/// Counts of the buckets. Windows keep many histograms of a few values each, which may lie far
/// apart: these must not cost the space of all buckets in between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Buckets {
    /// Buckets that are not empty, in order.
    Few(Vec<(i32, u64)>),
    /// All from `start` on.
    Many { start: i32, counts: Vec<u64> },
}

/// The first bucket that a value can be in, and the last.
const FIRST_BUCKET: i32 = -1;
const LAST_BUCKET: i32 = 63 * PER_OCTAVE - 1;

fn sound_buckets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Buckets, D::Error> {
    let buckets = Buckets::deserialize(deserializer)?;
    let is_bucket = |bucket: i32| (FIRST_BUCKET..=LAST_BUCKET).contains(&bucket);
    let is_sound = match &buckets {
        Buckets::Few(few) => {
            few.iter().all(|(bucket, _)| is_bucket(*bucket))
                && few.windows(2).all(|pair| matches!(pair, [left, right] if left.0 < right.0))
        }
        Buckets::Many { start, counts } => {
            let most = (LAST_BUCKET - FIRST_BUCKET + 1) as usize;
            is_bucket(*start) && counts.len() <= most && is_bucket(*start + counts.len() as i32 - 1)
        }
    };
    if is_sound { Ok(buckets) } else { Err(D::Error::custom("no buckets of a histogram")) }
}

/// More buckets than this are [`Buckets::Many`].
const FEW: usize = 32;

impl Default for Buckets {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Buckets {
    #[inline]
    fn add(&mut self, bucket: i32, count: u64) {
        match self {
            Self::Many { start, counts } => {
                if bucket < *start {
                    let missing = (*start - bucket) as usize;
                    counts.splice(..0, std::iter::repeat_n(0, missing));
                    *start = bucket;
                }
                let index = (bucket - *start) as usize;
                if index >= counts.len() {
                    counts.resize(index + 1, 0);
                }
                counts[index] = counts[index].saturating_add(count);
            }
            Self::Few(few) => match few.binary_search_by_key(&bucket, |(known, _)| *known) {
                Ok(index) => few[index].1 = few[index].1.saturating_add(count),
                Err(index) => {
                    few.insert(index, (bucket, count));
                    if few.len() > FEW {
                        let few = std::mem::take(few);
                        *self = Self::Many { start: few[0].0, counts: Vec::new() };
                        few.into_iter().for_each(|(bucket, count)| self.add(bucket, count));
                    }
                }
            },
        }
    }

    /// Takes a count away that was added before.
    fn subtract(&mut self, bucket: i32, count: u64) {
        match self {
            Self::Many { start, counts } => {
                let known = usize::try_from(bucket - *start).ok().and_then(|index| counts.get_mut(index));
                known.into_iter().for_each(|known| *known = known.saturating_sub(count));
            }
            Self::Few(few) => {
                if let Ok(index) = few.binary_search_by_key(&bucket, |(known, _)| *known) {
                    few[index].1 = few[index].1.saturating_sub(count);
                    if few[index].1 == 0 {
                        few.remove(index);
                    }
                }
            }
        }
    }

    /// Buckets that are not empty, in order.
    fn iter(&self) -> impl Iterator<Item = (i32, u64)> {
        let (few, start, many) = match self {
            Self::Few(few) => (few.as_slice(), 0, &[][..]),
            Self::Many { start, counts } => (&[][..], *start, counts.as_slice()),
        };
        let many = (start..).zip(many).map(|(bucket, count)| (bucket, *count));
        few.iter().copied().chain(many).filter(|(_, count)| *count > 0)
    }
}

/// Buckets per octave.
const PER_OCTAVE: i32 = 32;

/// `floor(2^(j/32) * 2^63)` for j in 0..32: the lower bounds of an octave's buckets.
const LOWER_BOUNDS: [u64; 32] = [
    0x8000_0000_0000_0000,
    0x82cd_8698_ac2b_a1d7,
    0x85aa_c367_cc48_7b14,
    0x8898_0e80_92da_8527,
    0x8b95_c1e3_ea8b_d6e6,
    0x8ea4_398b_45cd_53c0,
    0x91c3_d373_ab11_c336,
    0x94f4_efa8_fef7_0961,
    0x9837_f051_8db8_a96f,
    0x9b8d_39b9_d54e_5538,
    0x9ef5_3260_91a1_11ad,
    0xa270_4303_0c49_6818,
    0xa5fe_d6a9_b151_38ea,
    0xa9a1_5ab4_ea7c_0ef8,
    0xad58_3eea_42a1_4ac6,
    0xb123_f581_d2ac_258f,
    0xb504_f333_f9de_6484,
    0xb8fb_af47_62fb_9ee9,
    0xbd08_a39f_580c_36be,
    0xc12c_4cca_6670_9456,
    0xc567_2a11_5506_dadd,
    0xc9b9_bd86_6e2f_27a2,
    0xce24_8c15_1f84_80e3,
    0xd2a8_1d91_f12a_e45a,
    0xd744_fcca_d69d_6af4,
    0xdbfb_b797_daf2_3755,
    0xe0cc_deec_2a94_e111,
    0xe5b9_06e7_7c83_48a8,
    0xeac0_c6e7_dd24_392e,
    0xefe4_b99b_dcda_f5cb,
    0xf525_7d15_2486_cc2c,
    0xfa83_b2db_722a_033a,
];

/// `floor(2^((2j+1)/64) * 2^63)`: the geometric middles of an octave's buckets.
const MIDDLES: [u64; 32] = [
    0x8164_d1f3_bc03_0773,
    0x843a_28c3_acde_4046,
    0x871f_6196_9e8d_1010,
    0x8a14_d575_496e_fd9a,
    0x8d1a_df5b_7e5b_a9e5,
    0x9031_dc43_1466_b1dc,
    0x935a_2b2f_13e6_e92b,
    0x9694_2d37_2018_5a00,
    0x99e0_4593_20b7_fa64,
    0x9d3e_d9a7_2cff_b750,
    0xa0b0_510f_b971_4fc2,
    0xa435_15ae_09e6_809e,
    0xa7cd_93b4_e965_3569,
    0xab7a_39b5_a93e_d337,
    0xaf3b_78ad_690a_4374,
    0xb311_c412_a911_2489,
    0xb6fd_91e3_28d1_7791,
    0xbaff_5ab2_133e_45fb,
    0xbf17_99b6_7a73_1082,
    0xc346_ccda_2497_6407,
    0xc78d_74c8_abb9_b15c,
    0xcbec_14fe_f272_7c5c,
    0xd063_33da_ef2b_2594,
    0xd4f3_5aab_cfed_fa1f,
    0xd99d_15c2_78af_d7b5,
    0xde60_f482_5e0e_9123,
    0xe33f_8972_be8a_5a51,
    0xe839_6a50_3c4b_dc68,
    0xed4f_301e_d994_2b84,
    0xf281_773c_59ff_b139,
    0xf7d0_df73_0ad1_3bb8,
    0xfd3e_0c0c_f486_c174,
];

/// For each value of the six bits behind the leading one: how many lower bounds lie below every
/// mantissa that begins with them. At most two more can lie below a given one.
const BOUNDS_BELOW: [u8; 64] = {
    let mut table = [0; 64];
    let mut top = 0;
    while top < 64 {
        let smallest = (64 + top as u64) << 57;
        let mut below = 0;
        while below < 32 && LOWER_BOUNDS[below as usize] < smallest {
            below += 1;
        }
        table[top] = below;
        top += 1;
    }
    table
};

/// The bucket of a positive value.
#[inline]
fn bucket_of(value: u64) -> i32 {
    let leading = value.leading_zeros();
    let mantissa = value << leading;
    let exponent = 63 - leading as i32;
    let mut below = i32::from(BOUNDS_BELOW[(mantissa >> 57) as usize & 63]);
    // Each range of six bits is narrower than a bucket, so it holds one bound at most; the bound
    // 2^0 is met exactly by powers of two, which belong to the bucket under it.
    for _ in 0..2 {
        if below < PER_OCTAVE && LOWER_BOUNDS[below as usize] < mantissa {
            below += 1;
        }
    }
    exponent * PER_OCTAVE + below - 1
}

/// The geometric middle of a bucket, rounded down; at least 1.
fn middle_of(bucket: i32) -> u64 {
    let exponent = bucket.div_euclid(PER_OCTAVE);
    let within = bucket.rem_euclid(PER_OCTAVE) as usize;
    if exponent < 0 { 1 } else { (MIDDLES[within] >> (63 - exponent)).max(1) }
}

impl Histogram {
    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// How many values were added.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: i64) {
        self.total = self.total.saturating_add(1);
        match u64::try_from(value) {
            Ok(positive) if positive > 0 => self.buckets.add(bucket_of(positive), 1),
            _ => self.zero = self.zero.saturating_add(1),
        }
    }

    /// Adds all values of another histogram.
    pub fn merge(&mut self, other: &Self) {
        self.total = self.total.saturating_add(other.total);
        self.zero = self.zero.saturating_add(other.zero);
        other.buckets.iter().for_each(|(bucket, count)| self.buckets.add(bucket, count));
    }

    /// Takes the values of another histogram away, all of which were added before.
    pub(crate) fn subtract(&mut self, other: &Self) {
        self.total = self.total.saturating_sub(other.total);
        self.zero = self.zero.saturating_sub(other.zero);
        other.buckets.iter().for_each(|(bucket, count)| self.buckets.subtract(bucket, count));
    }

    /// The value at a quantile, given in ten-thousandths, by nearest rank: the middle of the
    /// bucket that holds it. `None` when empty.
    #[must_use]
    pub fn quantile(&self, ten_thousandths: u32) -> Option<i64> {
        if self.total == 0 {
            return None;
        }
        let rank = (u128::from(self.total) * u128::from(ten_thousandths)).div_ceil(10_000).max(1);
        let mut seen = u128::from(self.zero);
        if rank <= seen {
            return Some(0);
        }
        for (bucket, count) in self.buckets.iter() {
            seen += u128::from(count);
            if rank <= seen {
                return i64::try_from(middle_of(bucket)).ok().or(Some(i64::MAX));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bucket by its definition, in floating point: right except within a rounding error of
    /// a bound.
    fn bucket_by_logarithm(value: u64) -> i32 {
        ((value as f64).log2() * 32.0).ceil() as i32 - 1
    }

    #[test]
    fn powers_of_two_and_their_neighbours() {
        for exponent in 1..63 {
            let power = 1u64 << exponent;
            assert_eq!(bucket_of(power), exponent * 32 - 1, "2^{exponent}");
            // Below 2^6 the next integer lies more than a bucket away.
            if exponent > 6 {
                assert_eq!(bucket_of(power + 1), exponent * 32, "2^{exponent} + 1");
                assert_eq!(bucket_of(power - 1), exponent * 32 - 1, "2^{exponent} - 1");
            }
        }
        assert_eq!(bucket_of(1), -1);
    }

    fn values() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(prop_oneof![-2i64..1_000, 1i64..10_000_000_000, any::<i64>()], 0..200)
    }

    fn histogram_of(values: &[i64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.add(*value));
        histogram
    }

    /// Equality of what can be seen: buckets may be kept differently.
    fn same(left: &Histogram, right: &Histogram) -> bool {
        left.total == right.total && (0..=100).all(|q| left.quantile(q * 100) == right.quantile(q * 100))
    }

    proptest! {
        #[test]
        fn buckets_follow_the_formula(value in 1u64..(1 << 52)) {
            prop_assert!((bucket_of(value) - bucket_by_logarithm(value)).abs() <= 1);
            // A middle is within 1.1 % of every value of its bucket, integer rounding aside.
            let middle = middle_of(bucket_of(value));
            prop_assert!(middle.abs_diff(value) as f64 <= value as f64 * 0.011 + 1.0, "{} {}", value, middle);
        }

        #[test]
        fn merging_is_adding(left in values(), right in values()) {
            let mut forward = histogram_of(&left);
            forward.merge(&histogram_of(&right));
            let mut backward = histogram_of(&right);
            backward.merge(&histogram_of(&left));
            let together = histogram_of(&[left, right].concat());
            prop_assert!(same(&forward, &together) && same(&backward, &together));
        }

        #[test]
        fn quantiles_are_those_of_the_sorted_values(mut values in values(), q in 1u32..=10_000) {
            prop_assume!(!values.is_empty());
            let found = histogram_of(&values).quantile(q).unwrap();
            values.sort_unstable();
            let rank = (values.len() * q as usize).div_ceil(10_000).max(1);
            let exact = values[rank - 1].max(0);
            prop_assert!(found.abs_diff(exact) as f64 <= exact as f64 * 0.011 + 1.0, "{} {}", found, exact);
        }

        #[test]
        fn subtracting_undoes_merging(kept in values(), gone in values()) {
            let mut histogram = histogram_of(&[kept.clone(), gone.clone()].concat());
            histogram.subtract(&histogram_of(&gone));
            prop_assert!(same(&histogram, &histogram_of(&kept)));
        }
    }
}
