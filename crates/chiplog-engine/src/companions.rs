//! The hits of one rule as another rule's conditions look at them.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::clocks::Progress;
use crate::window::{Inserted, Sample, Window, WindowPlan};

/// Whose hits are followed for whom: the rule that asks and which of its companions, the host, and
/// the labels that both rules have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct TrackKey {
    pub(crate) asker: usize,
    pub(crate) companion: usize,
    pub(crate) host: usize,
    /// As in [`crate::partial::Key`].
    #[serde(with = "serde_bytes")]
    pub(crate) labels: Box<[u8]>,
}

/// The hits of a rule, counted with the panes of the rule that asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Track {
    pub(crate) key: TrackKey,
    pub(crate) window: Window,
    /// Keys that ask, of those that are to be judged when a hit comes.
    pub(crate) followers: BTreeSet<usize>,
}

impl Track {
    /// Adds a hit. One that is too old is left out, unless the whole host went back in time.
    pub(crate) fn add(&mut self, time: i64, repeats: u32, reached: Option<i64>) {
        let hit = Sample { time, repeats, values: &[], texts: &[] };
        if self.window.insert(&hit) == Inserted::Late {
            let back = self.window.latest().saturating_sub(Progress::STEP_BACK);
            if reached.is_some_and(|reached| reached < back) {
                self.window.clear();
                self.window.insert(&hit);
            }
        }
    }
}

/// All tracks of a source. There are no more than keys, times the rules that ask for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracks {
    pub(crate) all: Vec<Track>,
    ids: HashMap<TrackKey, usize>,
}

impl Tracks {
    /// The number of a track, which is made if it is new.
    pub(crate) fn id(&mut self, key: TrackKey, plan: WindowPlan) -> usize {
        *self.ids.entry(key).or_insert_with_key(|key| {
            let window = Window::new(plan.of_counts());
            self.all.push(Track { key: key.clone(), window, followers: BTreeSet::new() });
            self.all.len() - 1
        })
    }

    /// Takes a track up that was saved. Whether it is the only one of its key.
    pub(crate) fn put_back(&mut self, track: Track) -> bool {
        let is_new = self.ids.insert(track.key.clone(), self.all.len()).is_none();
        self.all.push(track);
        is_new
    }
}
