//! What the kernel prints when it runs out of memory and kills.
//!
//! One kill prints several lines, which differ between kernels:
//!
//! | line | kernels |
//! | --- | --- |
//! | `COMM invoked oom-killer: gfp_mask=.., order=N, oom_score_adj=N` | all |
//! | `Task in CGROUP killed as a result of limit of CGROUP` | to 4.20 |
//! | `memory: usage NkB, limit NkB, failcnt N` | all, for a cgroup |
//! | `oom-kill:constraint=..,task_memcg=..,task=COMM,pid=N,uid=N` | from 5.0 |
//! | `Memory cgroup out of memory: Kill process N (COMM) score N or sacrifice child` | to 5.0 |
//! | `Killed process N (COMM) total-vm:NkB, anon-rss:NkB, file-rss:NkB, ..` | all |
//! | `oom_reaper: reaped process N (COMM), now anon-rss:NkB, ..` | from 4.6 |
//! | `Tasks in CGROUP are going to be killed due to memory.oom.group set` | from 4.19 |
//!
//! **Count kills by [`OomEvent::Killed`] alone.** Up to 5.0 an [`OomEvent::KillIntent`] comes
//! before it, possibly for another process; the lines of the report are rate limited and may be
//! missing.
//!
//! A COMM is the name of a process, up to 15 bytes of anything: it may hold blanks, parentheses,
//! commas, `=`. It ends at the last place where it can.
//!
//! Sources: Linux `mm/oom_kill.c`, `mm/memcontrol.c`, 3.10 to 6.18.

use memchr::memmem;
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::character::complete::{i32, u32, u64};
use nom::combinator::{all_consuming, opt};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

/// A line of an out-of-memory report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OomEvent<'a> {
    /// An allocation failed; the report starts.
    Invoked(Invoked<'a>),
    /// A victim is chosen (to 5.0). The process that is killed in the end may be another one.
    KillIntent {
        /// Out of what memory.
        scope: Scope,
        /// The chosen process.
        pid: u32,
        /// Its name.
        comm: &'a [u8],
        /// Its badness score: thousandths of the memory, plus its adjustment.
        score: u64,
    },
    /// A process was killed.
    Killed(Killed<'a>),
    /// The report in one line (from 5.0).
    Summary(Summary<'a>),
    /// The memory of a killed process was taken back.
    Reaped {
        /// The process.
        pid: u32,
        /// Its name.
        comm: &'a [u8],
        /// What is left of its anonymous memory.
        anon_rss_kib: u64,
        /// What is left of its file-backed memory.
        file_rss_kib: u64,
        /// What is left of its shared memory.
        shmem_rss_kib: u64,
    },
    /// The memory of a killed process could not be taken back.
    ReapFailed {
        /// The process.
        pid: u32,
        /// Its name.
        comm: &'a [u8],
    },
    /// The cgroup of the victim and the cgroup whose limit was hit (to 4.20).
    TaskIn {
        /// The cgroup of the victim.
        task_memcg: &'a [u8],
        /// The cgroup that ran out of memory.
        oom_memcg: &'a [u8],
    },
    /// The memory of the cgroup that ran out of it.
    MemcgUsage {
        /// In use.
        usage_kib: u64,
        /// The limit.
        limit_kib: u64,
        /// How often the limit was hit since the cgroup was made.
        failure_count: u64,
    },
    /// All processes of a cgroup are killed together; a `Killed` line follows for each.
    GroupKill {
        /// The cgroup.
        oom_memcg: &'a [u8],
    },
}

/// `COMM invoked oom-killer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invoked<'a> {
    /// The process that wanted memory; often not the one that is killed.
    pub comm: &'a [u8],
    /// The kind of memory it wanted: `0xcc0(GFP_KERNEL)`.
    pub gfp_mask: &'a [u8],
    /// It wanted two to this power pages; -1 if a person asked for the kill (SysRq).
    pub order: i32,
    /// Its adjustment, -1000 to 1000.
    pub oom_score_adj: Option<i32>,
}

/// `Killed process`. Sizes are in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Killed<'a> {
    /// Out of what memory; `None` where the line does not say (to 5.0).
    pub scope: Option<Scope>,
    /// The process.
    pub pid: u32,
    /// Its name.
    pub comm: &'a [u8],
    /// Address space.
    pub total_vm_kib: u64,
    /// Resident anonymous memory.
    pub anon_rss_kib: Option<u64>,
    /// Resident file-backed memory.
    pub file_rss_kib: Option<u64>,
    /// Resident shared memory (from 4.5).
    pub shmem_rss_kib: Option<u64>,
    /// Owner (from 5.4, and late CentOS 7).
    pub uid: Option<u32>,
    /// Page tables (from 5.4; the first of those kernels print bytes and call them kB).
    pub pgtables_kib: Option<u64>,
    /// Its adjustment, -1000 to 1000 (from 5.4). The kubelet sets -997 for guaranteed pods, up to 1000
    /// for best-effort ones.
    pub oom_score_adj: Option<i32>,
}

/// `oom-kill:constraint=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary<'a> {
    /// What limited the allocation. 5.0 to 5.2 say [`Constraint::None`] for a cgroup too: trust
    /// [`Summary::oom_memcg`].
    pub constraint: Constraint,
    /// The cgroup that ran out of memory; `None` if the machine did.
    pub oom_memcg: Option<&'a [u8]>,
    /// The cgroup of the victim.
    pub task_memcg: &'a [u8],
    /// Name of the victim.
    pub comm: &'a [u8],
    /// The victim.
    pub pid: u32,
    /// Its owner.
    pub uid: u32,
}

/// Out of what memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Of a memory cgroup: a container or pod hit its limit.
    Memcg,
    /// Of the machine.
    Global,
}

impl Scope {
    /// `memcg` or `global`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memcg => "memcg",
            Self::Global => "global",
        }
    }
}

/// What limited an allocation (`enum oom_constraint`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Constraint {
    /// `CONSTRAINT_NONE`
    None,
    /// `CONSTRAINT_CPUSET`
    Cpuset,
    /// `CONSTRAINT_MEMORY_POLICY`
    MemoryPolicy,
    /// `CONSTRAINT_MEMCG`
    Memcg,
}

impl Constraint {
    /// The kernel's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "CONSTRAINT_NONE",
            Self::Cpuset => "CONSTRAINT_CPUSET",
            Self::MemoryPolicy => "CONSTRAINT_MEMORY_POLICY",
            Self::Memcg => "CONSTRAINT_MEMCG",
        }
    }
}

impl OomEvent<'_> {
    /// The kind, in snake case.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Invoked(_) => "invoked",
            Self::KillIntent { .. } => "kill_intent",
            Self::Killed(_) => "killed",
            Self::Summary(_) => "summary",
            Self::Reaped { .. } => "reaped",
            Self::ReapFailed { .. } => "reap_failed",
            Self::TaskIn { .. } => "task_in",
            Self::MemcgUsage { .. } => "memcg_usage",
            Self::GroupKill { .. } => "group_kill",
        }
    }
}

/// Reads the message of a kernel line; `None` if it is no line of an out-of-memory report.
///
/// ```
/// use chiplog_parse::events::oom::{self, OomEvent, Scope};
/// let line = b"Memory cgroup out of memory: Killed process 4321 (flanneld) total-vm:412340kB, \
///     anon-rss:50900kB, file-rss:1024kB, shmem-rss:0kB, UID:0 pgtables:300kB oom_score_adj:-998";
/// let Some(OomEvent::Killed(killed)) = oom::parse(line) else { panic!() };
/// assert_eq!((killed.pid, killed.comm), (4321, &b"flanneld"[..]));
/// assert_eq!((killed.scope, killed.anon_rss_kib), (Some(Scope::Memcg), Some(50_900)));
/// ```
#[must_use]
pub fn parse(message: &[u8]) -> Option<OomEvent<'_>> {
    match message {
        [b'M' | b'O' | b'K', ..] => kill(message),
        [b'o', b'o', b'm', b'-', ..] => summary(message),
        [b'o', b'o', b'm', b'_', ..] => reaper(message),
        [b'T', b'a', b's', b'k', ..] => cgroup(message),
        [b'm', ..] => usage(message),
        _ => None,
    }
    .or_else(|| invoked(message))
}

type Parsed<'a, T> = IResult<&'a [u8], T>;

fn kib(input: &[u8]) -> Parsed<'_, u64> {
    terminated(u64, tag("kB")).parse(input)
}

/// `COMM invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), nodemask=(null),  order=0, oom_score_adj=999`
fn invoked(message: &[u8]) -> Option<OomEvent<'_>> {
    const MIDDLE: &[u8] = b" invoked oom-killer: gfp_mask=";
    let (comm, rest) = split_once(message, MIDDLE)?;
    let (gfp_mask, _) = split_once(rest, b", ")?;
    let (_, rest) = split_once(rest, b" order=")?;
    let order: Parsed<'_, i32> = i32(rest);
    let (rest, order) = order.ok()?;
    let oom_score_adj = split_once(rest, b" oom_score_adj=").and_then(|(_, rest)| {
        let score: Parsed<'_, i32> = i32(rest);
        Some(score.ok()?.1)
    });
    Some(OomEvent::Invoked(Invoked { comm, gfp_mask, order, oom_score_adj }))
}

fn split_once<'a>(text: &'a [u8], middle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::find(text, middle)?;
    Some((text.get(..at)?, text.get(at + middle.len()..)?))
}

fn split_last<'a>(text: &'a [u8], middle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::rfind(text, middle)?;
    Some((text.get(..at)?, text.get(at + middle.len()..)?))
}

/// `[Memory cgroup out of memory: | Out of memory[ (why)]: ] Kill[ed] process N (COMM)...`
fn kill(message: &[u8]) -> Option<OomEvent<'_>> {
    let (scope, rest) = if let Some(rest) = message.strip_prefix(b"Memory cgroup out of memory: ") {
        (Some(Scope::Memcg), rest)
    } else if let Some(rest) = message.strip_prefix(b"Out of memory") {
        (Some(Scope::Global), split_once(rest, b": ")?.1)
    } else {
        (None, message)
    };
    let verb = alt((tag("Killed"), tag("Kill")));
    let head: Parsed<'_, _> = (verb, delimited(tag(" process "), u32, tag(" ("))).parse(rest);
    let (rest, (verb, pid)) = head.ok()?;
    if verb == b"Kill" {
        let (comm, score) = split_last(rest, b") score ")?;
        let score: Parsed<'_, u64> = all_consuming(terminated(u64, tag(" or sacrifice child"))).parse(score);
        return Some(OomEvent::KillIntent { scope: scope?, pid, comm, score: score.ok()?.1 });
    }
    let (head, sizes) = split_last(rest, b" total-vm:")?;
    // Late CentOS 7 has the owner here: `(COMM), UID 0, total-vm:`.
    let (comm, early_uid) = if let Some(comm) = head.strip_suffix(b")") {
        (comm, None)
    } else {
        let (comm, uid) = split_last(head, b"), UID ")?;
        let uid: Parsed<'_, u32> = all_consuming(terminated(u32, tag(","))).parse(uid);
        (comm, Some(uid.ok()?.1))
    };
    let sizes: Parsed<'_, _> = (
        kib,
        opt(preceded(tag(", anon-rss:"), kib)),
        opt(preceded(tag(", file-rss:"), kib)),
        opt(preceded(tag(", shmem-rss:"), kib)),
        opt(preceded(tag(", UID:"), u32)),
        opt(preceded(tag(" pgtables:"), kib)),
        opt(preceded(tag(" oom_score_adj:"), i32)),
    )
        .parse(sizes);
    let (_, (total_vm_kib, anon_rss_kib, file_rss_kib, shmem_rss_kib, uid, pgtables_kib, oom_score_adj)) =
        sizes.ok()?;
    Some(OomEvent::Killed(Killed {
        scope,
        pid,
        comm,
        total_vm_kib,
        anon_rss_kib,
        file_rss_kib,
        shmem_rss_kib,
        uid: uid.or(early_uid),
        pgtables_kib,
        oom_score_adj,
    }))
}

/// `oom-kill:constraint=C,...,(global_oom|oom_memcg=CG),task_memcg=CG,task=COMM,pid=N,uid=N`
fn summary(message: &[u8]) -> Option<OomEvent<'_>> {
    let rest = message.strip_prefix(b"oom-kill:constraint=")?;
    let (constraint, rest) = split_once(rest, b",")?;
    let constraint = [Constraint::None, Constraint::Cpuset, Constraint::MemoryPolicy, Constraint::Memcg]
        .into_iter()
        .find(|known| known.name().as_bytes() == constraint)?;
    let (head, ids) = split_last(rest, b",pid=")?;
    let ids: Parsed<'_, _> = (u32, preceded(tag(",uid="), u32)).parse(ids);
    let (_, (pid, uid)) = ids.ok()?;
    // A name has at most 15 bytes: look no further back for its start, as `,task=` may be in it.
    let window = head.len().saturating_sub(b",task=".len() + 15);
    let task_at = memmem::find(head.get(window..)?, b",task=")
        .map(|at| window + at)
        .or_else(|| memmem::rfind(head, b",task="))?;
    let comm = head.get(task_at + b",task=".len()..)?;
    let (limits, task_memcg) = split_last(head.get(..task_at)?, b",task_memcg=")?;
    let oom_memcg = split_once(limits, b",oom_memcg=").map(|(_, memcg)| memcg);
    Some(OomEvent::Summary(Summary { constraint, oom_memcg, task_memcg, comm, pid, uid }))
}

/// The two lines of the reaper.
fn reaper(message: &[u8]) -> Option<OomEvent<'_>> {
    let rest = message.strip_prefix(b"oom_reaper: ")?;
    let failed: Parsed<'_, u32> = delimited(tag("unable to reap pid:"), u32, tag(" (")).parse(rest);
    if let Ok((rest, pid)) = failed {
        return Some(OomEvent::ReapFailed { pid, comm: rest.strip_suffix(b")")? });
    }
    let reaped: Parsed<'_, u32> = delimited(tag("reaped process "), u32, tag(" (")).parse(rest);
    let (rest, pid) = reaped.ok()?;
    let (comm, sizes) = split_last(rest, b"), now anon-rss:")?;
    let sizes: Parsed<'_, _> =
        (kib, preceded(tag(", file-rss:"), kib), preceded(tag(", shmem-rss:"), kib)).parse(sizes);
    let (_, (anon_rss_kib, file_rss_kib, shmem_rss_kib)) = sizes.ok()?;
    Some(OomEvent::Reaped { pid, comm, anon_rss_kib, file_rss_kib, shmem_rss_kib })
}

/// `Task in CG killed as a result of limit of CG`, `Tasks in CG are going to be killed due to ...`
fn cgroup(message: &[u8]) -> Option<OomEvent<'_>> {
    if let Some(rest) = message.strip_prefix(b"Tasks in ") {
        let oom_memcg = rest.strip_suffix(b" are going to be killed due to memory.oom.group set")?;
        return Some(OomEvent::GroupKill { oom_memcg });
    }
    let rest = message.strip_prefix(b"Task in ")?;
    let (task_memcg, oom_memcg) = split_once(rest, b" killed as a result of limit of ")?;
    Some(OomEvent::TaskIn { task_memcg, oom_memcg })
}

/// `memory: usage NkB, limit NkB, failcnt N`
fn usage(message: &[u8]) -> Option<OomEvent<'_>> {
    let parsed: Parsed<'_, _> = (
        preceded(tag("memory: usage "), kib),
        preceded(tag(", limit "), kib),
        preceded(tag(", failcnt "), u64),
    )
        .parse(message);
    let (_, (usage_kib, limit_kib, failure_count)) = parsed.ok()?;
    Some(OomEvent::MemcgUsage { usage_kib, limit_kib, failure_count })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn killed(message: &[u8]) -> Killed<'_> {
        match parse(message) {
            Some(OomEvent::Killed(killed)) => killed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_ends_at_the_last_place() {
        assert_eq!(killed(b"Killed process 1 () total-vm:) total-vm:1kB").comm, b") total-vm:");
        assert_eq!(killed(b"Killed process 1 (a), UID 7,) total-vm:1kB").comm, b"a), UID 7,");
        let killed = killed(b"Killed process 1 (a), UID 7, total-vm:1kB, anon-rss:2kB");
        assert_eq!((killed.comm, killed.uid, killed.anon_rss_kib), (&b"a"[..], Some(7), Some(2)));
        let Some(OomEvent::Summary(summary)) = parse(
            b"oom-kill:constraint=CONSTRAINT_MEMCG,cpuset=a,b,oom_memcg=/x,task_memcg=/x,task=/y,task=a,task=b,pid=1,uid=2",
        ) else {
            panic!()
        };
        assert_eq!((summary.comm, summary.task_memcg), (&b"a,task=b"[..], &b"/x,task=/y"[..]));
    }

    #[test]
    fn any_first_letter_may_invoke() {
        for comm in ["Kill", "Out of memory", "memory: usage", "oom-kill", "oom_reaper", "Task in a", "MySQL"]
        {
            let line = std::format!("{comm} invoked oom-killer: gfp_mask=0x0, order=-1, oom_score_adj=0");
            let Some(OomEvent::Invoked(invoked)) = parse(line.as_bytes()) else { panic!("{comm}") };
            assert_eq!((invoked.comm, invoked.order), (comm.as_bytes(), -1));
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        assert_eq!(parse(b"Killed process 99999999999 (a) total-vm:1kB"), None);
        assert_eq!(parse(b"Killed process 1 (a) total-vm:99999999999999999999kB"), None);
        assert_eq!(parse(b"Killed process -1 (a) total-vm:1kB"), None);
    }

    #[test]
    fn cut_anywhere() {
        let lines: [&[u8]; 4] = [
            b"Out of memory: Killed process 9 (a) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB, UID:1 pgtables:5kB oom_score_adj:0",
            b"oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=a,pid=5,uid=0",
            b"oom_reaper: reaped process 4321 (flanneld), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
            b"flanneld invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=999",
        ];
        for line in lines {
            for end in 0..line.len() {
                let _ = parse(&line[..end]);
                let _ = parse(&line[end..]);
            }
            assert!(parse(line).is_some());
        }
    }
}
