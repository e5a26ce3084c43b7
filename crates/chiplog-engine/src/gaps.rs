//! When lines of a source are missing, and whose: which findings are lower bounds.

use std::sync::Arc;

use chiplog_rules::is_one_program;
use serde::{Deserialize, Serialize};

/// Hosts and writers of a source whose gaps are told apart. Further gaps touch everything.
const MAX_KNOWN: usize = 1_000;

/// Stretches of time that are told apart of each. Beyond, the two that are nearest become one.
const MAX_SPANS: usize = 256;

/// Whose lines are missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reach {
    /// Anybody's.
    All,
    /// Those of any program, but not the kernel's.
    Programs,
    /// The kernel's.
    Kernel,
    /// Audit records, which the kernel prints while no daemon takes them.
    Audit,
    /// Those of a unit or a program.
    Of(Arc<str>),
    /// Those that say one thing, by a hash of it.
    Message(u32),
}

/// Who wrote a line, as far as that is known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Writer {
    pub(crate) component: Option<Arc<str>>,
    pub(crate) unit: Option<Arc<str>>,
    /// The line is an audit record.
    pub(crate) is_audit: bool,
    /// What it says, if its writer may leave out lines that say the same.
    pub(crate) message: Option<u32>,
}

impl Reach {
    /// Whether lines like those of this writer may be missing.
    fn touches(&self, writer: &Writer) -> bool {
        let is_kernel = writer.component.as_deref().map(|component| component == "kernel");
        match self {
            Self::All => true,
            Self::Programs => is_kernel != Some(true),
            Self::Kernel => is_kernel != Some(false),
            Self::Audit => is_kernel != Some(false) && writer.is_audit,
            Self::Of(name) => match (&writer.unit, &writer.component) {
                (Some(unit), _) if is_unit(name) => stem(name).is_none_or(|_| base(unit) == base(name)),
                (_, Some(component)) => is_kernel != Some(true) && may_write(name, component),
                (_, None) => true,
            },
            Self::Message(message) => writer.message == Some(*message),
        }
    }
}

/// Whether lines of a unit or program may be filed under this program.
fn may_write(unit: &str, component: &str) -> bool {
    let Some(name) = stem(unit) else { return true };
    let component = base(component);
    let extends = |long: &str, short: &str| !short.is_empty() && long.starts_with(short);
    extends(name, component) || extends(component, name) || is_one_program(name, component)
}

/// The part of a name behind the last `/`: old releases of journald name the cgroup.
fn base(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, base)| base)
}

fn is_unit(name: &str) -> bool {
    [".service", ".scope", ".slice", ".socket", ".mount", ".timer"].iter().any(|end| name.ends_with(end))
}

/// The name of the program that runs in a unit; `None` if the unit's name does not tell: a session, a
/// container, a user.
fn stem(unit: &str) -> Option<&str> {
    let name = base(unit);
    if name.is_empty() || name.ends_with(".scope") || name.ends_with(".slice") || name.starts_with("uid ") {
        return None;
    }
    let name = name.strip_suffix(".service").unwrap_or(name);
    let name = name.split_once('@').map_or(name, |(template, _)| template);
    (name != "user").then_some(name)
}

/// Stretches of time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Spans {
    /// Since and until, both inclusive; sorted and apart.
    list: Vec<(i64, i64)>,
}

impl Spans {
    fn add(&mut self, since: i64, until: i64) {
        let first = self.list.partition_point(|(_, end)| *end < since);
        let behind = self.list.partition_point(|(start, _)| *start <= until);
        let (mut start, mut end) = (since, until.max(since));
        for (from, to) in self.list.drain(first..behind.max(first)) {
            start = start.min(from);
            end = end.max(to);
        }
        self.list.insert(first, (start, end));
        if self.list.len() > MAX_SPANS {
            let distance = |pair: &[(i64, i64)]| pair[1].0.abs_diff(pair[0].1);
            let pairs = self.list.windows(2).enumerate();
            if let Some((at, _)) = pairs.min_by_key(|(_, pair)| distance(pair)) {
                let (_, end) = self.list.remove(at + 1);
                self.list[at].1 = end;
            }
        }
    }

    fn overlap(&self, since: i64, until: i64) -> bool {
        let at = self.list.partition_point(|(_, end)| *end < since);
        self.list.get(at).is_some_and(|(start, _)| *start <= until)
    }
}

/// The gaps of one host and one reach.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    /// The host that the lines name that tell of it; `None` if they name none.
    host: Option<usize>,
    reach: Reach,
    /// The host by whose clock the spans are.
    clock: usize,
    spans: Spans,
    /// Since when lines are missing of which nobody knows yet when they end.
    open: Option<i64>,
    /// Offset in the source and time of the last line that tells of a gap.
    last: Option<(u64, i64)>,
}

/// What a line or a source tells: whose lines are missing, and when.
#[derive(Clone, Debug)]
pub(crate) struct Missing {
    pub(crate) host: Option<usize>,
    pub(crate) clock: usize,
    pub(crate) reach: Reach,
    /// Local times by that clock.
    pub(crate) since: i64,
    /// `None`: until the next line.
    pub(crate) until: Option<i64>,
    /// Where in the source and when it is told.
    pub(crate) told: Option<(u64, i64)>,
}

/// A stretch of a host's time that lines are asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch<'w> {
    /// `None` if the lines name no host.
    pub(crate) host: Option<usize>,
    pub(crate) clock: usize,
    pub(crate) since: i64,
    pub(crate) until: i64,
    pub(crate) writer: &'w Writer,
}

/// All gaps of a source.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Gaps {
    known: Vec<Known>,
    has_open: bool,
}

impl Gaps {
    /// Whether what was restored can have been saved for a source with so many hosts.
    pub(crate) fn is_sound(&self, hosts: usize) -> bool {
        self.known.len() <= MAX_KNOWN + 1
            && self.known.iter().all(|known| {
                known.clock < hosts
                    && known.spans.list.len() <= MAX_SPANS
                    && known.spans.list.iter().all(|(since, until)| since <= until)
                    && known.spans.list.is_sorted_by(|before, after| before.1 < after.0)
            })
    }

    pub(crate) fn add(&mut self, missing: &Missing) {
        let found =
            self.known.iter().position(|known| known.host == missing.host && known.reach == missing.reach);
        let at = match found {
            Some(at) => at,
            None if self.known.len() <= MAX_KNOWN => {
                let is_rest = self.known.len() == MAX_KNOWN;
                let (host, reach) =
                    if is_rest { (None, Reach::All) } else { (missing.host, missing.reach.clone()) };
                let (spans, clock) = (Spans::default(), missing.clock);
                self.known.push(Known { host, reach, clock, spans, open: None, last: None });
                self.known.len() - 1
            }
            None => MAX_KNOWN,
        };
        let Some(known) = self.known.get_mut(at) else { return };
        match missing.until {
            Some(until) => known.spans.add(missing.since, until),
            None => {
                known.open = Some(known.open.map_or(missing.since, |open| open.min(missing.since)));
                self.has_open = true;
            }
        }
        known.last = missing.told.or(known.last);
    }

    /// Whether something is missing until the next line.
    pub(crate) fn has_open(&self) -> bool {
        self.has_open
    }

    /// Ends what was missing until the next line, with a line of a host at this offset and time.
    pub(crate) fn end_open(&mut self, host: usize, offset: u64, time: i64) {
        for known in &mut self.known {
            if known.host.is_none_or(|named| named == host)
                && let Some(since) = known.open.take()
            {
                known.spans.add(since, time.max(since));
                known.last = Some((offset, time));
            }
        }
        self.has_open = self.known.iter().any(|known| known.open.is_some());
    }

    /// Whether lines like those of a writer may be missing in a stretch of time. `offset_of` tells how
    /// far the clock of a host is ahead of UTC.
    pub(crate) fn touch(&self, stretch: Stretch<'_>, offset_of: impl Fn(usize) -> i64) -> bool {
        self.of(stretch.host, stretch.writer).any(|known| {
            let shift = offset_of(known.clock).saturating_sub(offset_of(stretch.clock));
            let (since, until) = (stretch.since.saturating_add(shift), stretch.until.saturating_add(shift));
            known.open.is_some_and(|open| until >= open) || known.spans.overlap(since, until)
        })
    }

    /// The time of the last gap that is told behind an offset and may hide lines of a writer.
    pub(crate) fn told_after(&self, offset: u64, host: Option<usize>, writer: &Writer) -> Option<i64> {
        let told = self.of(host, writer).filter_map(|known| known.last);
        told.filter(|(at, _)| *at > offset).map(|(_, time)| time).max()
    }

    /// Those that may hide lines of a writer on a host, or on no host that is known.
    fn of(&self, host: Option<usize>, writer: &Writer) -> impl Iterator<Item = &Known> {
        self.known.iter().filter(move |known| {
            (known.host == host || known.host.is_none() || host.is_none()) && known.reach.touches(writer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(component: &str) -> Writer {
        Writer { component: Some(Arc::from(component)), ..Writer::default() }
    }

    #[test]
    fn a_unit_is_its_program_by_all_its_names() {
        for (unit, component, touches) in [
            ("kubelet.service", "kubelet", true),
            ("kubelet.service", "kubenswrapper", true),
            ("kubelet.service", "/usr/bin/kubelet", true),
            ("kubelet.service", "etcd", false),
            ("kubelet.service", "kernel", false),
            ("docker.service", "dockerd", true),
            ("/system.slice/docker.service", "dockerd-current", true),
            ("/system.slice/docker.service", "kubelet", false),
            ("k3s.service", "kubelet", true),
            ("etcd@member.service", "etcd", true),
            ("crio.service", "cri-o", true),
            ("/usr/bin/kubelet", "kubelet", true),
            // Nobody knows what runs in these.
            ("crio-4f1c.scope", "etcd", true),
            ("user@1000.service", "etcd", true),
            ("uid 1000", "etcd", true),
            ("/", "etcd", true),
            ("session-4.scope", "kernel", false),
        ] {
            let reach = Reach::Of(Arc::from(unit));
            assert_eq!(reach.touches(&writer(component)), touches, "{unit} {component}");
        }
        let unknown = Writer::default();
        assert!(Reach::Of(Arc::from("kubelet.service")).touches(&unknown));
    }

    #[test]
    fn a_unit_that_the_line_names_decides() {
        let of = |unit: &str| Writer { unit: Some(Arc::from(unit)), ..writer("kubelet") };
        let reach = Reach::Of(Arc::from("node.service"));
        assert!(reach.touches(&of("node.service")));
        assert!(!reach.touches(&of("kubelet.service")));
        assert!(!reach.touches(&writer("kubelet")));
    }

    #[test]
    fn the_kernel_is_no_program() {
        assert!(!Reach::Programs.touches(&writer("kernel")));
        assert!(Reach::Kernel.touches(&writer("kernel")));
        assert!(!Reach::Kernel.touches(&writer("kubelet")));
        assert!(!Reach::Audit.touches(&writer("kernel")));
        assert!(Reach::Audit.touches(&Writer { is_audit: true, ..writer("kernel") }));
    }

    #[test]
    fn spans_merge_and_are_bounded() {
        let mut spans = Spans::default();
        spans.add(10, 20);
        spans.add(30, 40);
        spans.add(50, 60);
        spans.add(20, 35);
        assert_eq!(spans.list, [(10, 40), (50, 60)]);
        assert!(spans.overlap(0, 10) && spans.overlap(40, 45) && spans.overlap(0, 100));
        assert!(!spans.overlap(0, 9) && !spans.overlap(41, 49) && !spans.overlap(61, i64::MAX));
        for step in 0..10_000 {
            spans.add(step * 1_000, step * 1_000 + 1);
        }
        assert_eq!(spans.list.len(), MAX_SPANS);
        assert!((0..10_000).all(|step| spans.overlap(step * 1_000, step * 1_000)));
    }

    #[test]
    fn too_many_writers_share_a_gap_that_touches_everything() {
        let mut gaps = Gaps::default();
        for number in 0..MAX_KNOWN + 10 {
            let reach = Reach::Of(Arc::from(format!("u{number}.service")));
            let since = number as i64 * 10;
            gaps.add(&Missing { host: Some(0), clock: 0, reach, since, until: Some(since + 1), told: None });
        }
        assert_eq!(gaps.known.len(), MAX_KNOWN + 1);
        let touch = |since| {
            let writer = writer("kubelet");
            gaps.touch(Stretch { host: Some(2), clock: 2, since, until: since, writer: &writer }, |_| 0)
        };
        assert!(touch(MAX_KNOWN as i64 * 10));
        assert!(!touch(10));
    }
}
