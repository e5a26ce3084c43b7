//! What the raw line of a typed event holds.

use crate::literals::{self, AnyOf};

/// For a kind of event, sets of which each must hold: at least one literal of it occurs in every
/// line that carries the event. Taken from the fixed words of each wording that the parser reads;
/// every literal survives escaping, and where two wordings share words, those are it.
///
/// No entry means that nothing is known: rules on that kind look at every line.
const LITERALS: &[(&str, &[&[&str]])] = &[
    // "request Q took too long (D) to execute", the end of such a line that was cut in two, and
    // "apply request took too long".
    ("etcd.apply_slow", &[&["took too long"]]),
    ("etcd.entries_slow", &[&["apply entries took too long"]]),
    ("etcd.large_range_advice", &[&["avoid queries with large range/delete range!"]]),
    // "failed to apply request Q with response", "failed to apply request,took" and zap's.
    ("etcd.apply_failed", &[&["failed to apply request"]]),
    // With and without "leader" in front.
    ("etcd.heartbeat_late", &[&["failed to send out heartbeat on time"]]),
    ("etcd.overloaded", &[&["server is likely overloaded"]]),
    ("etcd.fdatasync_slow", &[&["sync duration of ", "slow fdatasync"]]),
    ("etcd.readindex_slow", &[&["waiting for ReadIndex response took too long"]]),
    ("etcd.readindex_timeout", &[&["timed out waiting for read index response"]]),
    // zap's message, and the first words of capnslog's.
    ("etcd.request_stats", &[&["request stats", "start time = "]]),
    // The message begins with `trace[`; zap's caller tells it from all others.
    ("etcd.trace", &[&["trace["], &["traceutil/trace.go"]]),
    ("etcd.snapshot_slow", &[&["snapshotting taking too long to transfer"]]),
    ("etcd.clock_drift", &[&["prober found high clock drift", "the clock difference against peer "]]),
    ("etcd.compaction", &[&["finished scheduled compaction"]]),
    ("etcd.tick_missed", &[&["A tick missed to fire. Node blocks too long!"]]),
    ("oom.invoked", &[&[" invoked oom-killer: "]]),
    ("oom.kill", &[&["Kill process "], &[" or sacrifice child"]]),
    // With "Out of memory" or "Memory cgroup out of memory" in front, or nothing (up to 5.0).
    ("oom.killed", &[&["Killed process "], &[" total-vm:"]]),
    ("oom.summary", &[&["oom-kill:constraint="], &[",task_memcg="]]),
    ("oom.reaped", &[&["oom_reaper: reaped process "]]),
    ("oom.reap_failed", &[&["oom_reaper: unable to reap pid:"]]),
    ("oom.task_in", &[&[" killed as a result of limit of "]]),
    ("oom.usage", &[&["memory: usage "], &["kB, failcnt "]]),
    ("oom.group_kill", &[&[" are going to be killed due to memory.oom.group set"]]),
    // "Orphaned pod" to Kubernetes 1.17, "orphaned pod" since.
    ("kubelet.orphaned_pod", &[&["Orphaned pod ", "orphaned pod "], &[" found, but "]]),
    ("kubelet.pleg_unhealthy", &[&["PLEG is not healthy: "]]),
    // "due to client-side throttling", and before 1.19 "Throttling request took".
    ("kubelet.client_throttle", &[&["client-side throttling", "Throttling request took "]]),
    ("suppress.journald", &[&[" messages from "]]),
    ("suppress.journald_kernel", &[&[" kernel messages"]]),
    // "messages" to Linux 2.6.26, "callbacks" since, "output lines" of what programs write.
    (
        "suppress.kernel_ratelimit",
        &[&[" callbacks suppressed", " messages suppressed", " output lines suppressed"]],
    ),
    // "INPUT: N messages lost", and before "imuxsock lost N messages".
    ("suppress.rsyslog_rate", &[&[" messages lost due to rate-limiting", "imuxsock lost "]]),
    (
        "suppress.rsyslog_begin",
        &[&["begin to drop messages due to rate-limiting", "imuxsock begins to drop messages from pid "]],
    ),
    ("suppress.repeat", &[&["message repeated "]]),
];

/// The parts of events that stand in the line as they are; the others are names for what stands
/// there in other words, or may be escaped.
const VERBATIM: [&str; 5] = ["comm", "oom_memcg", "task_memcg", "pod_uid", "peer"];

/// The sets that hold for a line whose event has one of these texts as its part `name`.
pub(crate) fn of_part<'a>(name: &str, texts: impl IntoIterator<Item = &'a [u8]>) -> Vec<AnyOf> {
    if VERBATIM.contains(&name) { literals::of_any_text(texts) } else { Vec::new() }
}

/// The sets of a kind; empty if nothing is known.
pub(crate) fn of_kind(kind: &str) -> Vec<AnyOf> {
    LITERALS
        .iter()
        .filter(|(name, _)| *name == kind)
        .flat_map(|(_, sets)| sets.iter())
        .map(|set| set.iter().map(|literal| literal.as_bytes().to_vec()).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literals::of_text;

    #[test]
    fn every_kind_of_event_is_known() {
        for kind in chiplog_parse::EVENT_KINDS {
            assert!(!of_kind(kind.name).is_empty(), "{}", kind.name);
        }
        for (kind, _) in LITERALS {
            assert!(chiplog_parse::EVENT_KINDS.iter().any(|known| known.name == *kind), "{kind}");
        }
    }

    #[test]
    fn literals_survive_escaping() {
        for (kind, sets) in LITERALS {
            for literal in sets.iter().flat_map(|set| set.iter()) {
                assert_eq!(of_text(literal.as_bytes()), [[literal.as_bytes()]], "{kind}");
            }
        }
    }
}
