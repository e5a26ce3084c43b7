//! When and where: the time and the host of each line that matters, in source order.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chiplog_parse::UnixNanos;
use serde::{Deserialize, Serialize, Serializer};

use crate::clocks::{Common, HostClock, LineTimes, Progress};
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
    /// By host, one for its two entries.
    clocks: Vec<HostClock>,
    /// The clock of a host of which there was no line.
    fresh: HostClock,
    common: Common,
    /// Each host twice, at `2k` and `2k + 1`. The second is for bare lines whose zone is unknown:
    /// they may be hours away from lines that give an instant, so neither tells how far the
    /// other has come.
    pub(crate) hosts: Vec<Host>,
    names: HostNames,
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

/// Which names stand for which hosts.
#[derive(Clone, Default, Serialize, Deserialize)]
struct HostNames {
    #[serde(serialize_with = "in_order")]
    ids: HashMap<Box<[u8]>, usize>,
    /// There are more than are told apart.
    has_rest: bool,
    /// Machines that lines are of which name none, as headers of klog files say, each with the
    /// position of its header.
    machines: Vec<(u64, Box<[u8]>)>,
}

impl HostNames {
    /// The number of a host, if it has one.
    fn id(&self, name: &[u8]) -> Option<usize> {
        self.ids.get(name).copied().or(self.has_rest.then_some(2 * MAX_HOSTS))
    }

    /// The host of a line at a position that names this one.
    fn at<'n>(&'n self, name: &'n [u8], position: u64) -> &'n [u8] {
        let header = self.machines.iter().rev().find(|(header, _)| name.is_empty() && *header < position);
        header.map_or(name, |(_, machine)| machine)
    }

    /// The number of the host of a line at a position that names this one, if it has one.
    fn id_at(&self, name: Option<&[u8]>, position: u64) -> Option<usize> {
        self.id(self.at(name.unwrap_or_default(), position))
    }
}

/// The number in a source of each host of a partial, once an entry has asked for it.
pub(crate) struct HostsOf(Vec<Option<usize>>);

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
    line: Option<TimedLine>,
}

/// A line that has a time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct TimedLine {
    position: u64,
    times: LineTimes,
    /// Its host, if an entry was of that.
    host: Option<usize>,
}

fn in_order<S: Serializer>(ids: &HashMap<Box<[u8]>, usize>, serializer: S) -> Result<S::Ok, S::Error> {
    ids.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
}

impl Placement {
    /// Whether what was restored can have been saved.
    pub(crate) fn is_sound(&self) -> bool {
        let is_host = |host: usize| host < self.hosts.len();
        self.hosts.len().is_multiple_of(2)
            && self.names.ids.values().all(|id| id.is_multiple_of(2) && is_host(*id))
            // A host beyond those that are told apart stands for the rest.
            && self.hosts.len() <= 2 * MAX_HOSTS + 2
            && self.clocks.len() == self.hosts.len() / 2
            && self.names.has_rest == (self.hosts.len() > 2 * MAX_HOSTS)
            && self.last.is_none_or(|(_, placed)| is_host(placed.host))
            && self.found.and_then(|found| found.line?.host).is_none_or(is_host)
            && self.tail.len() <= TAIL_BYTES
            && self.tail.len() as u64 <= self.position
            && self.position < 1 << 62
    }

    pub(crate) fn new(input: &InputOptions) -> Self {
        Self {
            clocks: Vec::new(),
            fresh: HostClock::new(input.clock),
            common: Common::default(),
            hosts: Vec::new(),
            names: HostNames::default(),
            reader: LineReader::new(&input.origin),
            last: None,
            last_timed: None,
            position: 0,
            tail: Vec::new(),
            found: None,
        }
    }

    /// Begins a block.
    pub(crate) fn hosts_of(&mut self, partial: &Partial) -> HostsOf {
        let machines = partial.machines.iter();
        let base = self.position;
        self.names.machines.extend(machines.map(|(offset, name)| (base + u64::from(*offset), name.clone())));
        HostsOf(vec![None; partial.keys.hosts.len()])
    }

    /// The host of an entry. Hosts are numbered in the order of entries.
    pub(crate) fn host_of_entry(&mut self, hosts: &mut HostsOf, partial: &Partial, entry: &Entry) -> usize {
        let index = entry.host as usize;
        let name = &partial.keys.hosts[index];
        if name.is_empty() && !self.names.machines.is_empty() {
            let machine = self.names.at(name, self.position + u64::from(entry.offset));
            return match self.names.id(machine) {
                Some(known) => known,
                None => {
                    let machine: Box<[u8]> = machine.into();
                    self.host_id(&machine)
                }
            };
        }
        let known = hosts.0[index].unwrap_or_else(|| self.host_id(name));
        hosts.0[index] = Some(known);
        known
    }

    /// The number of a host, which is made if it is new.
    pub(crate) fn host_id(&mut self, name: &[u8]) -> usize {
        if let Some(id) = self.names.id(name) {
            return id;
        }
        let id = self.hosts.len();
        let is_rest = id >= 2 * MAX_HOSTS;
        let text: Arc<str> =
            if is_rest { Arc::default() } else { Arc::from(&*String::from_utf8_lossy(name)) };
        for text in [Arc::clone(&text), text] {
            self.hosts.push(Host { name: text, progress: Progress::default(), is_rest });
        }
        self.clocks.push(self.fresh.clone());
        if is_rest {
            self.names.has_rest = true;
        } else {
            self.names.ids.insert(name.into(), id);
        }
        id
    }

    /// The number of the host of the last lines so far that name this one, if it has one.
    pub(crate) fn last_known_host(&self, name: &[u8]) -> Option<usize> {
        self.names.id_at(Some(name), u64::MAX)
    }

    fn clock(&self, host: usize) -> &HostClock {
        &self.clocks[host / 2]
    }

    /// The clocks of hosts, in order of appearance.
    pub(crate) fn clocks(&self) -> impl Iterator<Item = (&Arc<str>, &HostClock)> {
        self.hosts.iter().step_by(2).map(|host| &host.name).zip(&self.clocks)
    }

    /// The instant of a local time of a host.
    pub(crate) fn to_instant(&self, host: usize, local: i64) -> Option<UnixNanos> {
        self.clock(host).to_instant(local, host & 1 == 1)
    }

    /// How far the local times of a host are ahead of UTC.
    pub(crate) fn utc_offset_nanos(&self, host: usize) -> i64 {
        self.clock(host).offset_nanos(host & 1 == 1)
    }

    /// The local time of a line of a host from which nothing is learned.
    pub(crate) fn place_again(&self, host: Option<usize>, times: LineTimes) -> Option<i64> {
        host.map_or(&self.fresh, |host| self.clock(host)).place_again(times, &self.common)
    }

    /// The instant of such a line.
    pub(crate) fn instant_of(&self, host: Option<usize>, times: LineTimes) -> Option<UnixNanos> {
        let mut clock = host.map_or(&self.fresh, |host| self.clock(host)).clone();
        let local = clock.place(times, &mut self.common.clone())?;
        clock.to_instant(local, false)
    }

    /// The time of an entry: its own, else that of a line shortly before it, else how far its
    /// host has come.
    pub(crate) fn place(&mut self, block: &Block, entry: &Entry, host: usize) -> Placed {
        let position = self.position + u64::from(entry.offset);
        if let Some((_, placed)) = self.last.filter(|(last, _)| *last == position) {
            return Placed { is_news: false, ..placed };
        }
        let own = self.clocks[host / 2].place(entry.times, &mut self.common);
        let (placed, times) = match own {
            Some(time) => (Some(time), Some(entry.times)),
            None => {
                let line = self.look_back(block, position);
                (line.and_then(|line| self.time_for(host, line)), line.map(|line| line.times))
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

    /// The time of another line by the clock of a host.
    fn time_for(&self, host: usize, line: TimedLine) -> Option<i64> {
        let local = self.place_again(line.host, line.times)?;
        if line.host.is_some_and(|other| other / 2 == host / 2) {
            return Some(local);
        }
        let clock = line.host.map_or(&self.fresh, |host| self.clock(host));
        let instant = clock.to_instant(local, line.times.is_bare() && !clock.knows_bare_lines());
        Some(instant.map_or(local, |instant| self.clock(host).to_local(instant)))
    }

    /// Which of the two entries of a host a line with these times belongs to.
    pub(crate) fn host_of(&self, times: LineTimes, host: usize) -> usize {
        (host & !1) | usize::from(times.is_bare() && !self.clock(host).knows_bare_lines())
    }

    /// The hosts that lines name, in order of appearance.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.hosts.iter().step_by(2).map(|host| &host.name).filter(|name| !name.is_empty())
    }

    /// The nearest earlier line that has a time: a message with a line break in it is several
    /// lines, and only the first of them carries the time.
    fn look_back(&mut self, block: &Block, before: u64) -> Option<TimedLine> {
        let oldest = before.saturating_sub(LOOK_BACK_BYTES as u64);
        let in_block = (before - self.position) as usize;
        // A run of lines without a time is walked through once.
        let known = self.found.filter(|found| found.from < before);
        let mut line = None;
        for (position, text) in lines_before(&block.bytes[..in_block], self.position)
            .chain(whole_lines(&self.tail, self.position))
            .take_while(|(position, _)| *position >= oldest)
        {
            let record = self.reader.peel(text);
            let times = times_of(&record);
            if !times.is_empty() {
                let host = self.names.id_at(record.host, position);
                if self.place_again(host, times).is_some() {
                    line = Some(TimedLine { position, times, host });
                    break;
                }
            }
            if let Some(known) = known.filter(|known| known.from == position) {
                line = known.line.filter(|line| line.position >= oldest);
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
            if times.is_empty() {
                continue;
            }
            let host = self.names.id_at(record.host, position);
            let host = host.map(|host| self.host_of(times, host));
            if self.place_again(host, times).is_some() {
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
