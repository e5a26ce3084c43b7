//! When and where: the time and the host of each line that matters, in source order.

use std::collections::HashMap;
use std::sync::Arc;

use chiplog_parse::{Clock, Detector, Time};

use crate::Block;
use crate::clocks::{LineTimes, Progress, SourceClock};
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
    /// The same host again, for bare lines whose zone is unknown: they may be hours away from
    /// lines that give an instant, so neither tells how far the other has come.
    zoneless: Option<usize>,
}

/// The time of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    /// Local time; `None` if neither the line nor any before it has one.
    pub(crate) time: Option<i64>,
    /// The line itself says it.
    pub(crate) is_own: bool,
    /// Which of [`Placement::hosts`] the line belongs to.
    pub(crate) host: usize,
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
        self.hosts.push(Host { name: text, progress: Progress::default(), zoneless: None });
        self.host_ids.insert(name.into(), id);
        id
    }

    /// The time of an entry: its own, else that of a line shortly before it, else how far its
    /// host has come.
    pub(crate) fn place(&mut self, block: &Block, entry: &Entry, host: usize) -> Placed {
        let is_own = !entry.times.is_empty();
        let times = if is_own { Some(entry.times) } else { self.look_back(block, entry.offset as usize) };
        let host = times.map_or(host, |times| self.host_of(times, host));
        let placed = times.and_then(|times| self.clock.place(times));
        let time = placed.or(self.hosts[host].progress.latest());
        Placed { time, is_own: is_own && placed.is_some(), host }
    }

    /// Which of [`Placement::hosts`] a line with these times belongs to.
    pub(crate) fn host_of(&mut self, times: LineTimes, host: usize) -> usize {
        let is_bare = matches!(times, LineTimes { envelope: None, payload: Some(Time::Civil(_)) });
        if is_bare && !self.clock.zone_is_known() { self.zoneless(host) } else { host }
    }

    fn zoneless(&mut self, host: usize) -> usize {
        if let Some(known) = self.hosts[host].zoneless {
            return known;
        }
        let id = self.hosts.len();
        let name = Arc::clone(&self.hosts[host].name);
        self.hosts.push(Host { name, progress: Progress::default(), zoneless: None });
        self.hosts[host].zoneless = Some(id);
        id
    }

    /// The times of the nearest earlier line that has one: a message with a line break in it is
    /// several lines, and only the first of them carries the time.
    fn look_back(&mut self, block: &Block, offset: usize) -> Option<LineTimes> {
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
                return Some(times);
            }
        }
        None
    }

    /// The hosts that lines name, in order of appearance.
    pub(crate) fn names(&self) -> impl Iterator<Item = Arc<str>> {
        let twins: Vec<usize> = self.hosts.iter().filter_map(|host| host.zoneless).collect();
        let hosts = self.hosts.iter().enumerate();
        let named = hosts.filter(move |(id, host)| !host.name.is_empty() && !twins.contains(id));
        named.map(|(_, host)| Arc::clone(&host.name))
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
