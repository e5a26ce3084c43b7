//! Quantities as integers in a base unit, printed without rounding.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a quantity counts; its integer is in the smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// A plain number: hits, pods, kills.
    Count,
    /// A duration, held in nanoseconds, shown in seconds.
    Nanoseconds,
    /// A size in bytes.
    Bytes,
    /// Hits per second, held in millionths.
    MicrosPerSecond,
    /// A share, held in millionths.
    PartsPerMillion,
}

impl Unit {
    /// The suffix of a field name that holds such a quantity in its base unit: `_seconds`,
    /// `_bytes`, `_per_second`, `_ratio`, or nothing for plain numbers.
    #[must_use]
    pub const fn field_suffix(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Nanoseconds => "_seconds",
            Self::Bytes => "_bytes",
            Self::MicrosPerSecond => "_per_second",
            Self::PartsPerMillion => "_ratio",
        }
    }

    /// How many decimal digits of the held integer lie behind the point of the base unit.
    #[must_use]
    pub const fn decimals(self) -> u32 {
        match self {
            Self::Count | Self::Bytes => 0,
            Self::Nanoseconds => 9,
            Self::MicrosPerSecond | Self::PartsPerMillion => 6,
        }
    }
}

/// An exact number with its unit. `Display` writes the base unit as a plain decimal number
/// without trailing zeros: 117,026,891 ns is `0.117026891`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// In the smallest unit, such as nanoseconds.
    pub amount: i128,
    /// Which unit that is.
    pub unit: Unit,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10u128.pow(self.unit.decimals());
        let magnitude = self.amount.unsigned_abs();
        let sign = if self.amount < 0 { "-" } else { "" };
        let (whole, fraction) = (magnitude / scale, magnitude % scale);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{fraction:0width$}", width = self.unit.decimals() as usize);
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_exact_decimals() {
        let seconds = |amount| Quantity { amount, unit: Unit::Nanoseconds }.to_string();
        assert_eq!(seconds(117_026_891), "0.117026891");
        assert_eq!(seconds(2_000_000_000), "2");
        assert_eq!(seconds(-1_500_000_000), "-1.5");
        assert_eq!(Quantity { amount: 51_200, unit: Unit::Bytes }.to_string(), "51200");
    }
}
