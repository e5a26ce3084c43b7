//! How many different texts a capture had.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize, Serializer};

/// Texts that are told apart in one window. With more, their number is a lower bound.
const MAX_TEXTS: usize = 4_096;

/// The different texts of one capture in the panes of a window, as hashes, each with the last pane
/// that it is in. A window holds the last panes, so a text is in it if that pane is: adding up the
/// texts of each pane that are in no later one counts every text once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Texts {
    #[serde(serialize_with = "in_order")]
    pane_of: HashMap<u64, i64>,
    /// The last pane that has a text which is not here, since there are too many.
    left_out: Option<i64>,
}

fn in_order<S: Serializer>(pane_of: &HashMap<u64, i64>, serializer: S) -> Result<S::Ok, S::Error> {
    pane_of.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
}

/// Which panes a text counts in.
pub(crate) struct Moved {
    /// It no longer counts in this one.
    pub(crate) from: Option<i64>,
    /// It now counts in the one that it was added to.
    pub(crate) is_here: bool,
}

impl Texts {
    /// Adds a text that is in a pane.
    pub(crate) fn add(&mut self, hash: u64, pane: i64) -> Moved {
        let has_room = self.pane_of.len() < MAX_TEXTS;
        match self.pane_of.get_mut(&hash) {
            Some(known) if *known >= pane => Moved { from: None, is_here: false },
            Some(known) => Moved { from: Some(std::mem::replace(known, pane)), is_here: true },
            None if has_room => {
                self.pane_of.insert(hash, pane);
                Moved { from: None, is_here: true }
            }
            None => {
                self.left_out = self.left_out.max(Some(pane));
                Moved { from: None, is_here: false }
            }
        }
    }

    /// Forgets the texts that are in no pane after this one.
    pub(crate) fn forget_until(&mut self, pane: i64) {
        self.pane_of.retain(|_, last| *last > pane);
        self.left_out = self.left_out.filter(|last| *last > pane);
    }

    /// The pane that each text counts in.
    pub(crate) fn panes(&self) -> impl Iterator<Item = i64> {
        self.pane_of.values().copied()
    }

    /// Whether texts are missing here.
    pub(crate) fn leaves_some_out(&self) -> bool {
        self.left_out.is_some()
    }
}
