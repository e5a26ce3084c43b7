//! Which programs wrote the lines of a source: what is absent from the logs of a program that is not
//! there says nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The longest name of a host and a program that is kept.
const MAX_NAME_BYTES: usize = 128;

/// Hosts and programs, those first in order where there are too many: a choice that does not depend
/// on how the source was cut.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Programs {
    /// Host, NUL, program.
    names: BTreeSet<Box<[u8]>>,
    /// The pair looked up last: neighbouring lines mostly agree.
    #[serde(skip)]
    last: Vec<u8>,
    #[serde(skip)]
    scratch: Vec<u8>,
}

impl Programs {
    const MAX: usize = 1_000;

    pub(crate) fn add(&mut self, host: &[u8], program: &[u8]) {
        if program.is_empty() || host.len() + program.len() > MAX_NAME_BYTES {
            return;
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(host);
        self.scratch.push(0);
        self.scratch.extend_from_slice(program);
        if self.scratch == self.last {
            return;
        }
        std::mem::swap(&mut self.last, &mut self.scratch);
        if !self.names.contains(self.last.as_slice()) {
            self.names.insert(self.last.as_slice().into());
            self.cap();
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for name in &other.names {
            if !self.names.contains(name) {
                self.names.insert(name.clone());
                self.cap();
            }
        }
    }

    fn cap(&mut self) {
        if self.names.len() > Self::MAX {
            self.names.pop_last();
        }
    }

    /// Host and program of each, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.names.iter().filter_map(|name| {
            let at = memchr::memchr(0, name)?;
            Some((name.get(..at)?, name.get(at + 1..)?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_are_capped_however_they_come() {
        let names: Vec<String> = (0..1_500).map(|number| format!("p{number:04}")).collect();
        let mut all = Programs::default();
        names.iter().for_each(|name| all.add(b"h", name.as_bytes()));
        let (mut left, mut right) = (Programs::default(), Programs::default());
        for (index, name) in names.iter().enumerate() {
            if index % 3 == 0 { &mut left } else { &mut right }.add(b"h", name.as_bytes());
        }
        right.merge(&left);
        assert_eq!(right.names, all.names);
        assert_eq!(all.iter().count(), 1_000);
        assert_eq!(all.iter().next(), Some((&b"h"[..], &b"p0000"[..])));
    }
}
