//! What the raw line of a typed event holds.

use crate::literals::AnyOf;

/// For a kind of event, sets of which each must hold: at least one literal of it occurs in every
/// line that carries the event. Taken from the fixed words of each wording that the parser reads;
/// every literal survives escaping, and where two wordings share words, those are it.
///
/// No entry means that nothing is known: rules on that kind look at every line.
const LITERALS: &[(&str, &[&[&str]])] = &[
    // "request Q took too long (D) to execute" and "apply request took too long".
    ("etcd.apply_slow", &[&["took too long"]]),
    ("etcd.apply_entries_slow", &[&["took too long"], &["apply entries took"]]),
    // "failed to apply request Q with response" and "failed to apply request".
    ("etcd.apply_failed", &[&["failed to apply request"]]),
    // "failed to send out heartbeat on time" with and without "leader" in front.
    ("etcd.heartbeat_late", &[&["heartbeat on time"]]),
    ("etcd.fdatasync_slow", &[&["sync duration of", "slow fdatasync"]]),
    ("etcd.overloaded", &[&["server is likely overloaded"]]),
    ("etcd.read_index_retry", &[&["waiting for ReadIndex response"]]),
    ("etcd.read_index_timeout", &[&["waiting for read index response"]]),
    ("etcd.request_stats", &[&["request stats"]]),
    ("etcd.snapshot_slow", &[&["snapshotting taking too long"]]),
    ("etcd.clock_drift", &[&["high clock drift", "the clock difference against peer"]]),
    ("etcd.compaction", &[&["finished scheduled compaction"]]),
    ("etcd.tick_missed", &[&["tick missed to fire"]]),
    ("etcd.trace", &[&["trace["]]),
    // With "Out of memory" or "Memory cgroup out of memory" in front, or nothing (before 5.1).
    ("oom.killed", &[&["Killed process "]]),
    ("oom.kill", &[&["Kill process "]]),
    ("oom.summary", &[&["oom-kill:constraint="]]),
    ("oom.invoked", &[&["invoked oom-killer"]]),
    ("oom.usage", &[&["memory: usage "]]),
    ("oom.reaped", &[&["oom_reaper: reaped process"]]),
    // "Orphaned pod" to Kubernetes 1.17, "orphaned pod" since.
    ("kubelet.orphaned_pod", &[&["rphaned pod"]]),
    // Not from "PLEG" on, which healthy kubelets write with every container event.
    ("kubelet.pleg_unhealthy", &[&[" is not healthy"]]),
    ("kubelet.client_throttle", &[&["client-side throttling"]]),
];

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
    fn literals_survive_escaping() {
        for (kind, sets) in LITERALS {
            for literal in sets.iter().flat_map(|set| set.iter()) {
                assert_eq!(of_text(literal.as_bytes()), [[literal.as_bytes()]], "{kind}");
            }
        }
    }
}
