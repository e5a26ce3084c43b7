//! When and where: the time and the host of each line that matters, in source order.

use std::collections::HashMap;
use std::sync::Arc;

use chiplog_parse::{Clock, Detector};

use crate::Block;
use crate::clocks::{Progress, SourceClock};
use crate::partial::{Entry, Partial};
use crate::scanner::times_of;

/// How far before a line without a time its time is looked for.
const LOOK_BACK_BYTES: usize = 4_096;

/// Places the entries of one source. Depends on nothing but the bytes of the source in order.
pub(crate) struct Placement {
    pub(crate) clock: SourceClock,
    pub(crate) hosts: Vec<Host>,
    host_ids: HashMap<Box<[u8]>, usize>,
    detector: Detector,
    /// The end of the source so far, for times that stand before a block.
    tail: Vec<u8>,
}

/// A host that lines of the source name; one without a name for those that do not.
pub(crate) struct Host {
    pub(crate) name: Arc<str>,
    pub(crate) progress: Progress,
}

/// The time of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    /// Local time; `None` if neither the line nor any before it has one.
    pub(crate) time: Option<i64>,
    /// The line itself says it.
    pub(crate) is_own: bool,
}

impl Placement {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock: SourceClock::new(clock),
            hosts: Vec::new(),
            host_ids: HashMap::new(),
            detector: Detector::new(),
            tail: Vec::new(),
        }
    }

    /// The number in this source of each host of a partial.
    pub(crate) fn hosts_of(&mut self, partial: &Partial) -> Vec<usize> {
        partial.keys.hosts.iter().map(|host| self.host_id(host)).collect()
    }

    fn host_id(&mut self, name: &[u8]) -> usize {
        if let Some(id) = self.host_ids.get(name) {
            return *id;
        }
        let id = self.hosts.len();
        let text = Arc::from(&*String::from_utf8_lossy(name));
        self.hosts.push(Host { name: text, progress: Progress::default() });
        self.host_ids.insert(name.into(), id);
        id
    }

    /// The time of an entry: its own, else that of a line shortly before it, else how far its
    /// host has come.
    pub(crate) fn place(&mut self, block: &Block, entry: &Entry, host: usize) -> Placed {
        let own = self.clock.place(entry.times);
        let time = own
            .or_else(|| self.look_back(block, entry.offset as usize))
            .or(self.hosts[host].progress.latest());
        Placed { time, is_own: own.is_some() }
    }

    /// The time of the nearest earlier line that has one: a message with a line break in it is
    /// several lines, and only the first of them carries the time.
    fn look_back(&mut self, block: &Block, offset: usize) -> Option<i64> {
        let head = &block.bytes[..offset];
        let joined;
        let before = if head.len() >= LOOK_BACK_BYTES {
            &head[head.len() - LOOK_BACK_BYTES..]
        } else {
            let from_tail = (LOOK_BACK_BYTES - head.len()).min(self.tail.len());
            joined = [&self.tail[self.tail.len() - from_tail..], head].concat();
            &joined[..]
        };
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        for line in before.rsplit(|byte| *byte == b'\n') {
            let times = times_of(&self.detector.peel(line));
            if !times.is_empty() {
                return self.clock.place(times);
            }
        }
        None
    }

    /// Ends a block.
    pub(crate) fn pass(&mut self, block: &Block) {
        let bytes = &block.bytes;
        if bytes.len() >= LOOK_BACK_BYTES {
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[bytes.len() - LOOK_BACK_BYTES..]);
        } else {
            self.tail.extend_from_slice(bytes);
            let excess = self.tail.len().saturating_sub(LOOK_BACK_BYTES);
            self.tail.drain(..excess);
        }
    }
}
