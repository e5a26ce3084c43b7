//! All values of one capture, put together.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Histogram, Unit, ValueSummary};

/// Count, exact sum, extremes and histogram of values. Merging is associative and commutative.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Aggregate {
    sum: i128,
    /// Smallest and largest value; `None` when empty.
    extremes: Option<(i64, i64)>,
    histogram: Histogram,
}

impl Aggregate {
    pub(crate) fn add(&mut self, value: i64) {
        self.sum = self.sum.saturating_add(i128::from(value));
        self.extremes = Some(match self.extremes {
            Some((min, max)) => (min.min(value), max.max(value)),
            None => (value, value),
        });
        self.histogram.add(value);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.sum = self.sum.saturating_add(other.sum);
        self.extremes = match (self.extremes, other.extremes) {
            (Some((min, max)), Some((other_min, other_max))) => {
                Some((min.min(other_min), max.max(other_max)))
            }
            (mine, theirs) => mine.or(theirs),
        };
        self.histogram.merge(&other.histogram);
    }

    pub(crate) fn sum(&self) -> i128 {
        self.sum
    }

    pub(crate) fn min(&self) -> Option<i64> {
        self.extremes.map(|(min, _)| min)
    }

    pub(crate) fn max(&self) -> Option<i64> {
        self.extremes.map(|(_, max)| max)
    }

    pub(crate) fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    /// The summary for a report. Quantiles are kept within the extremes, which are exact.
    pub(crate) fn summary(&self, name: &Arc<str>, unit: Unit) -> ValueSummary {
        let quantile = |ten_thousandths| {
            let (min, max) = self.extremes?;
            Some(self.histogram.quantile(ten_thousandths)?.min(max).max(min))
        };
        ValueSummary {
            name: Arc::clone(name),
            unit,
            count: self.histogram.total(),
            sum: self.sum,
            min: self.min(),
            max: self.max(),
            p50: quantile(5_000),
            p90: quantile(9_000),
            p99: quantile(9_900),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn aggregate(values: &[i64]) -> Aggregate {
        let mut aggregate = Aggregate::default();
        values.iter().for_each(|value| aggregate.add(*value));
        aggregate
    }

    fn merged(left: &Aggregate, right: &Aggregate) -> ValueSummary {
        let mut sum = left.clone();
        sum.merge(right);
        sum.summary(&Arc::from("value"), Unit::Count)
    }

    proptest! {
        #[test]
        fn merging_is_adding_in_any_order(parts in prop::array::uniform3(prop::collection::vec(any::<i64>(), 0..20))) {
            let all = aggregate(&parts.concat()).summary(&Arc::from("value"), Unit::Count);
            let [a, b, c] = parts.map(|values| aggregate(&values));
            let mut ab = a.clone();
            ab.merge(&b);
            let mut bc = b.clone();
            bc.merge(&c);
            prop_assert_eq!(&merged(&ab, &c), &all);
            prop_assert_eq!(&merged(&a, &bc), &all);
            prop_assert_eq!(&merged(&c, &ab), &all);
        }
    }
}
