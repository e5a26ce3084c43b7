//! Which formats a source is made of, counted without looking at every line of a large one.

use chiplog_parse::Layers;
use serde::{Deserialize, Serialize};

/// Lines by chain of formats.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Census {
    /// Few chains occur in a source, so a scan over them beats hashing. In order of appearance.
    chains: Vec<(Layers, u64)>,
    pub(crate) lines: u64,
    pub(crate) unparsed: u64,
}

impl Census {
    /// Every line that starts before this offset is counted.
    const HEAD: u64 = 8 << 20;
    /// Beyond, every 64th stretch of a mebibyte: a choice that depends on offsets alone, so that
    /// it does not change with block sizes.
    const STRETCH: u64 = 1 << 20;
    const EVERY: u64 = 64;

    /// Whether a line that starts at this offset of its source is counted.
    pub(crate) const fn covers(offset: u64) -> bool {
        offset < Self::HEAD || (offset / Self::STRETCH).is_multiple_of(Self::EVERY)
    }

    pub(crate) fn add(&mut self, layers: Layers, is_recognised: bool, is_empty: bool) {
        self.lines += 1;
        self.unparsed += u64::from(!is_recognised && !is_empty);
        self.add_chain(layers, 1);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.lines = self.lines.saturating_add(other.lines);
        self.unparsed = self.unparsed.saturating_add(other.unparsed);
        for (layers, count) in &other.chains {
            self.add_chain(*layers, *count);
        }
    }

    pub(crate) fn chains(&self) -> &[(Layers, u64)] {
        &self.chains
    }

    fn add_chain(&mut self, layers: Layers, count: u64) {
        match self.chains.iter().position(|(known, _)| *known == layers) {
            Some(index) => {
                self.chains[index].1 = self.chains[index].1.saturating_add(count);
                if index > 0 {
                    self.chains.swap(index, index - 1);
                }
            }
            None => self.chains.push((layers, count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use chiplog_parse::Detector;
    use proptest::prelude::*;

    use super::*;

    const LINES: [&str; 5] = [
        "",
        "free text",
        "E0521 16:45:28.353927   58235 a.go:1] klog",
        "May 21 16:45:28 cp-1 kubelet[7]: E0521 16:45:28.353927   58235 a.go:1] klog",
        "2019-05-21T08:45:28Z stderr F text",
    ];

    fn census(lines: &[usize]) -> Census {
        let mut census = Census::default();
        let mut detector = Detector::new();
        for line in lines {
            let record = detector.peel(LINES[*line].as_bytes());
            census.add(record.chain(), record.is_recognised(), LINES[*line].is_empty());
        }
        census
    }

    fn counts(census: &Census) -> (u64, u64, Vec<(Vec<chiplog_parse::Format>, u64)>) {
        let chains = census.chains().iter();
        let mut chains: Vec<_> = chains.map(|(layers, count)| (layers.as_slice().to_vec(), *count)).collect();
        chains.sort();
        (census.lines, census.unparsed, chains)
    }

    proptest! {
        #[test]
        fn merging_is_adding_in_any_order(parts in prop::array::uniform2(prop::collection::vec(0..LINES.len(), 0..20))) {
            let all = counts(&census(&parts.concat()));
            let [left, right] = parts.map(|lines| census(&lines));
            let (mut forward, mut backward) = (left.clone(), right.clone());
            forward.merge(&right);
            backward.merge(&left);
            prop_assert_eq!(&counts(&forward), &all);
            prop_assert_eq!(&counts(&backward), &all);
        }
    }
}
