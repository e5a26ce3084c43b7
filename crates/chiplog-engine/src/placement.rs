//! When and where: the time and the host of each line that matters, in source order.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chiplog_parse::Time;
use serde::{Deserialize, Serialize, Serializer};

use crate::clocks::{LineTimes, Progress, SourceClock};
use crate::origin::LineReader;
use crate::partial::{Entry, Partial};
use crate::scanner::{text_of, times_of};
use crate::{Block, InputOptions};

/// How far before a line without a time its time is looked for.
const LOOK_BACK_BYTES: usize = 4_096;

/// What is kept of a block for the next: a line starts behind an LF.
const TAIL_BYTES: usize = LOOK_BACK_BYTES + 1;

/// Hosts of a source that are told apart.
const MAX_HOSTS: usize = 10_000;

/// Places the entries of one source. Depends on nothing but the bytes of the source in order.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Placement {
    pub(crate) clock: SourceClock,
    /// Each host twice, at `2k` and `2k + 1`. The second is for bare lines whose zone is unknown:
    /// they may be hours away from lines that give an instant, so neither tells how far the
    /// other has come.
    pub(crate) hosts: Vec<Host>,
    #[serde(serialize_with = "in_order")]
    host_ids: HashMap<Box<[u8]>, usize>,
    reader: LineReader,
    /// The entry placed last: a line that several rules match has one time, and counts once.
    last: Option<(u64, Placed)>,
    /// Position of the last entry that has a time itself.
    last_timed: Option<u64>,
    /// Position of the block that is at hand. Positions are offsets in what was kept of the
    /// source: the beginnings of cut lines follow each other, each ended by an LF.
    position: u64,
    /// What was kept right before it, one byte more than is looked at: a line starts behind an LF.
    #[serde(with = "serde_bytes")]
    tail: Vec<u8>,
    found: Option<Found>,
}

/// A host that lines of the source name; one without a name for those that do not.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) name: Arc<str>,
    pub(crate) progress: Progress,
    /// It stands for all hosts beyond the number that is told apart.
    pub(crate) is_rest: bool,
}

/// The time of a line.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Placed {
    /// Local time; `None` if neither the line nor any before it has one.
    pub(crate) time: Option<i64>,
    /// The line itself says it, and no entry before was of the same line.
    pub(crate) is_news: bool,
    /// Which of [`Placement::hosts`] the line belongs to.
    pub(crate) host: usize,
}

/// What was found before a line without a time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Found {
    /// Position of that line.
    from: u64,
    /// Position and times of the line before it that has some.
    line: Option<(u64, LineTimes)>,
}

fn in_order<S: Serializer>(ids: &HashMap<Box<[u8]>, usize>, serializer: S) -> Result<S::Ok, S::Error> {
    ids.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
}

impl Placement {
    /// Whether what was restored can have been saved.
    pub(crate) fn is_sound(&self) -> bool {
        let is_host = |host: usize| host < self.hosts.len();
        self.hosts.len().is_multiple_of(2)
            && self.host_ids.values().all(|id| id.is_multiple_of(2) && is_host(*id))
            // A host beyond those that are told apart stands for the rest.
            && self.hosts.len() <= 2 * MAX_HOSTS + 2
            && self.last.is_none_or(|(_, placed)| is_host(placed.host))
            && self.tail.len() <= TAIL_BYTES
            && self.tail.len() as u64 <= self.position
            && self.position < 1 << 62
    }

    pub(crate) fn new(input: &InputOptions) -> Self {
        Self {
            clock: SourceClock::new(input.clock),
            hosts: Vec::new(),
            host_ids: HashMap::new(),
            reader: LineReader::new(&input.origin),
            last: None,
            last_timed: None,
            position: 0,
            tail: Vec::new(),
            found: None,
        }
    }

    /// The number in this source of each host of a partial.
    pub(crate) fn hosts_of(&mut self, partial: &Partial) -> Vec<usize> {
        partial.keys.hosts.iter().map(|host| self.host_id(host)).collect()
    }

    fn host_id(&mut self, name: &[u8]) -> usize {
        if let Some(id) = self.known_host(name) {
            return id;
        }
        let id = self.hosts.len();
        let is_rest = id >= 2 * MAX_HOSTS;
        let text: Arc<str> =
            if is_rest { Arc::default() } else { Arc::from(&*String::from_utf8_lossy(name)) };
        for name in [Arc::clone(&text), text] {
            self.hosts.push(Host { name, progress: Progress::default(), is_rest });
        }
        if !is_rest {
            self.host_ids.insert(name.into(), id);
        }
        id
    }

    /// The number of a host, if it has one.
    pub(crate) fn known_host(&self, name: &[u8]) -> Option<usize> {
        let rest = (self.hosts.len() > 2 * MAX_HOSTS).then_some(2 * MAX_HOSTS);
        self.host_ids.get(name).copied().or(rest)
    }

    /// The time of an entry: its own, else that of a line shortly before it, else how far its
    /// host has come.
    pub(crate) fn place(&mut self, block: &Block, entry: &Entry, host: usize) -> Placed {
        let position = self.position + u64::from(entry.offset);
        if let Some((_, placed)) = self.last.filter(|(last, _)| *last == position) {
            return Placed { is_news: false, ..placed };
        }
        let own = self.clock.place(entry.times);
        let (placed, times) = match own {
            Some(time) => (Some(time), Some(entry.times)),
            None => {
                let times = self.look_back(block, position).map(|(_, times)| times);
                (times.and_then(|times| self.clock.place_again(times)), times)
            }
        };
        let host = times.map_or(host, |times| self.host_of(times, host));
        let time = placed.or(self.hosts[host].progress.latest());
        let placed = Placed { time, is_news: own.is_some(), host };
        self.last = Some((position, placed));
        if placed.is_news {
            self.last_timed = Some(position);
        }
        placed
    }

    /// Which of the two entries of a host a line with these times belongs to.
    pub(crate) fn host_of(&self, times: LineTimes, host: usize) -> usize {
        let is_bare = matches!(times, LineTimes { envelope: None, payload: Some(Time::Civil(_)) });
        (host & !1) | usize::from(is_bare && !self.clock.zone_is_known())
    }

    /// The hosts that lines name, in order of appearance.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.hosts.iter().step_by(2).map(|host| &host.name).filter(|name| !name.is_empty())
    }

    /// The nearest earlier line that has a time: a message with a line break in it is several
    /// lines, and only the first of them carries the time.
    fn look_back(&mut self, block: &Block, before: u64) -> Option<(u64, LineTimes)> {
        let oldest = before.saturating_sub(LOOK_BACK_BYTES as u64);
        let in_block = (before - self.position) as usize;
        // A run of lines without a time is walked through once.
        let known = self.found.filter(|found| found.from < before);
        let mut line = None;
        for (position, text) in lines_before(&block.bytes[..in_block], self.position)
            .chain(whole_lines(&self.tail, self.position))
            .take_while(|(position, _)| *position >= oldest)
        {
            let times = times_of(&self.reader.peel(text));
            if self.clock.place_again(times).is_some() {
                line = Some((position, times));
                break;
            }
            if let Some(known) = known.filter(|known| known.from == position) {
                line = known.line.filter(|(position, _)| *position >= oldest);
                break;
            }
        }
        self.found = Some(Found { from: before, line });
        line
    }

    /// Ends a block.
    pub(crate) fn pass(&mut self, block: &Block) {
        let bytes = &block.bytes;
        let fresh = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        let is_cut = block.cut_bytes > 0;
        // No more room than is needed: there may be thousands of streams.
        let excess = (self.tail.len() + fresh.len() + usize::from(is_cut)).saturating_sub(TAIL_BYTES);
        let from_old = excess.min(self.tail.len());
        self.tail.drain(..from_old);
        self.tail.extend_from_slice(&fresh[excess - from_old..]);
        self.position += bytes.len() as u64;
        if is_cut {
            self.tail.push(b'\n');
            self.position += 1;
        }
        self.reader.rest();
    }

    /// The times of the last line of the source that has some, if it was no entry. Its host is
    /// `None` if no entry was of that host.
    pub(crate) fn last_line(&mut self) -> Option<(LineTimes, Option<usize>)> {
        for (position, text) in whole_lines(&self.tail, self.position) {
            if self.last_timed.is_some_and(|last| last >= position) {
                return None;
            }
            let record = self.reader.peel(text);
            let times = times_of(&record);
            if self.clock.place_again(times).is_some() {
                let name: Box<[u8]> = record.host.unwrap_or_default().into();
                let host = self.known_host(&name).map(|host| self.host_of(times, host));
                return Some((times, host));
            }
        }
        None
    }
}

/// The lines of `bytes`, which start at position `base`, from the last to the first, each with its
/// position.
fn lines_before(bytes: &[u8], base: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let last = rest.len().checked_sub(1)?;
        let start = memchr::memrchr(b'\n', &rest[..last]).map_or(0, |lf| lf + 1);
        let line = &rest[start..];
        rest = &rest[..start];
        Some((base + start as u64, text_of(line)))
    })
}

/// As [`lines_before`] for the end of a source, of which the first line may lack its beginning.
fn whole_lines(tail: &[u8], end: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let base = end - tail.len() as u64;
    lines_before(tail, base).take_while(move |(position, _)| *position > base || base == 0)
}
