//! Which formats a source is made of, counted without looking at every line of a large one.

use chiplog_parse::Layers;

/// Lines by chain of formats.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    /// Few chains occur in a source, so a scan over them beats hashing. In order of appearance.
    chains: Vec<(Layers, u64)>,
    pub(crate) lines: u64,
    pub(crate) unparsed: u64,
}

impl Census {
    /// Every line that starts before this offset is counted.
    const HEAD: u64 = 16 << 20;
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
        self.lines += other.lines;
        self.unparsed += other.unparsed;
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
                self.chains[index].1 += count;
                if index > 0 {
                    self.chains.swap(index, index - 1);
                }
            }
            None => self.chains.push((layers, count)),
        }
    }
}
