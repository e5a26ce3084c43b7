//! The lines of the programs.
//!
//! Each function writes one line without LF into an empty buffer and says whose it is. Writing to
//! a vector cannot fail, so that the results of `write!` are not looked at.

use std::io::Write;

use crate::world::World;

/// Who writes a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Kubelet,
    Etcd,
    Dockerd,
    Containerd,
    Kernel,
    Systemd,
    Sshd,
}

impl Program {
    /// The syslog identifier.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Program::Kubelet => "kubelet",
            Program::Etcd => "etcd",
            Program::Dockerd => "dockerd",
            Program::Containerd => "containerd",
            Program::Kernel => "kernel",
            Program::Systemd => "systemd",
            Program::Sshd => "sshd",
        }
    }

    pub(crate) fn process_id(self) -> Option<u32> {
        match self {
            Program::Kubelet => Some(KUBELET_ID),
            Program::Etcd => Some(2417),
            Program::Dockerd => Some(1804),
            Program::Containerd => Some(1790),
            Program::Kernel => None,
            Program::Systemd => Some(1),
            Program::Sshd => Some(30_211),
        }
    }
}

const KUBELET_ID: u32 = 58_235;

macro_rules! put {
    ($out:expr, $($format:tt)+) => {
        let _ = write!($out, $($format)+);
    };
}

/// A line of a system that is well. Without `on_node` only those that have a format of their own.
pub(crate) fn healthy(w: &mut World, on_node: bool, out: &mut Vec<u8>) -> Program {
    let kinds = if on_node { 100 } else { 77 };
    match w.rng.below(kinds) {
        0..45 => kubelet(w, out),
        45..62 => etcd(w, out),
        62..72 => dockerd(w, out),
        72..77 => containerd(w, out),
        77..87 => kernel(w, out),
        87..94 => systemd(w, out),
        _ => sshd(w, out),
    }
}

// ---- headers

fn klog_header(w: &World, severity: char, out: &mut Vec<u8>) {
    let t = &w.now.local;
    put!(out, "{severity}{:02}{:02} {:02}:{:02}:{:02}", t.month, t.day, t.hour, t.minute, t.second);
    put!(out, ".{:06} {KUBELET_ID:7} ", w.now.micros);
}

fn capnslog_header(w: &World, level: char, out: &mut Vec<u8>) {
    let t = &w.now.utc;
    put!(out, "{:04}-{:02}-{:02} {:02}:{:02}:{:02}", t.year, t.month, t.day, t.hour, t.minute, t.second);
    put!(out, ".{:06} {level} | ", w.now.micros);
}

fn zap_header(w: &World, level: &str, caller: &str, out: &mut Vec<u8>) {
    let t = &w.now.utc;
    put!(out, "{{\"level\":\"{level}\",\"ts\":\"");
    put!(out, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", t.year, t.month, t.day, t.hour, t.minute, t.second);
    put!(out, ".{:06}Z\",\"caller\":\"{caller}\",", w.now.micros);
}

fn logrus_header(w: &World, level: &str, out: &mut Vec<u8>) {
    let t = &w.now.local;
    let offset_minutes = w.now.zone_offset_seconds / 60;
    put!(out, "time=\"{:04}-{:02}-{:02}T", t.year, t.month, t.day);
    put!(out, "{:02}:{:02}:{:02}.{:06}000", t.hour, t.minute, t.second, w.now.micros);
    put!(out, "+{:02}:{:02}\" level={level} ", offset_minutes / 60, offset_minutes % 60);
}

// ---- what is well

fn kubelet(w: &mut World, out: &mut Vec<u8>) -> Program {
    let kind = w.rng.below(12);
    klog_header(w, if kind == 11 { 'W' } else { 'I' }, out);
    let rng = &mut w.rng;
    let pod = rng.pick(&w.pods);
    let (namespace, name, uid) = (pod.namespace, &pod.name, &pod.uid);
    let event = rng.pick(&["ContainerStarted", "ContainerDied"]);
    match kind {
        0 | 1 => {
            let id = rng.pick(&w.container_ids);
            put!(out, "kubelet.go:2343] \"SyncLoop (PLEG): event for pod\" pod=\"{namespace}/{name}\" ");
            put!(out, "event={{\"ID\":\"{uid}\",\"Type\":\"{event}\",\"Data\":\"{id}\"}}");
        }
        2 => {
            let id = rng.pick(&w.container_ids);
            put!(out, "kubelet.go:1928] SyncLoop (PLEG): \"{name}_{namespace}({uid})\", event: ");
            put!(out, "&pleg.PodLifecycleEvent{{ID:\"{uid}\", Type:\"{event}\", Data:\"{id}\"}}");
        }
        3 | 4 => {
            let volume = rng.pick(&w.volumes);
            put!(
                out,
                "operation_generator.go:637] \"MountVolume.SetUp succeeded for volume \\\"{volume}\\\" "
            );
            put!(out, "(UniqueName: \\\"kubernetes.io/projected/{uid}-{volume}\\\") ");
            put!(out, "pod \\\"{name}\\\" (UID: \\\"{uid}\\\") \" pod=\"{namespace}/{name}\"");
        }
        5 | 6 => {
            let verb = rng.pick(&["ADD", "UPDATE", "DELETE", "REMOVE"]);
            put!(out, "kubelet.go:2421] \"SyncLoop {verb}\" source=\"api\" pods=[\"{namespace}/{name}\"]");
        }
        7 => {
            let status = rng.pick(&["ready", "started", ""]);
            put!(out, "kubelet.go:2529] \"SyncLoop (probe)\" probe=\"readiness\" status=\"{status}\" ");
            put!(out, "pod=\"{namespace}/{name}\"");
        }
        8 => {
            let id = rng.pick(&w.container_ids);
            put!(out, "scope.go:117] \"RemoveContainer\" containerID=\"{id}\"");
        }
        9 => {
            put!(out, "setters.go:72] Using node IP: \"{}\"", rng.pick(&w.addresses));
        }
        10 => {
            let (whole, nanos) = (1 + rng.below(90), rng.below(1_000_000_000));
            put!(out, "pod_startup_latency_tracker.go:102] \"Observed pod startup duration\" ");
            put!(out, "pod=\"{namespace}/{name}\" podStartSLOduration={whole}.{nanos:09} ");
            put!(out, "firstStartedPulling=\"0001-01-01 00:00:00 +0000 UTC\"");
        }
        _ => {
            let kind = rng.pick(&["ConfigMap", "Secret", "Pod", "Node"]);
            let version = w.revision + rng.below(1000);
            put!(
                out,
                "reflector.go:302] object-\"{namespace}\"/\"{name}\": watch of *v1.{kind} ended with: "
            );
            put!(out, "too old resource version: {version} ({})", version + 1 + rng.below(9999));
        }
    }
    Program::Kubelet
}

fn etcd(w: &mut World, out: &mut Vec<u8>) -> Program {
    w.revision += 1 + w.rng.below(40);
    let (revision, micros) = (w.revision, 1000 + w.rng.below(90_000));
    // A compaction is made every five minutes.
    let is_rare = w.rng.below(100) == 0;
    match w.rng.below(7) {
        0 => {
            capnslog_header(w, 'I', out);
            if is_rare {
                put!(out, "mvcc: finished scheduled compaction at {revision} (took ");
                go_duration(micros * 1000, out);
                out.push(b')');
            } else {
                put!(
                    out,
                    "etcdserver: start to snapshot (applied: {revision}, lastsnap: {})",
                    revision - 10_000
                );
            }
        }
        1 => {
            capnslog_header(w, 'I', out);
            put!(out, "mvcc: store.index: compact {revision}");
        }
        2 => {
            capnslog_header(w, 'I', out);
            put!(out, "etcdserver: saved snapshot at index {}", revision * 3);
        }
        3 => {
            zap_header(w, "info", "mvcc/index.go:214", out);
            put!(out, "\"msg\":\"compact tree index\",\"revision\":{revision}}}");
        }
        4 => {
            if is_rare {
                zap_header(w, "info", "mvcc/kvstore_compaction.go:66", out);
                put!(out, "\"msg\":\"finished scheduled compaction\",\"compact-revision\":{revision},");
                put!(out, "\"took\":\"");
                go_duration(micros * 1000, out);
                put!(out, "\",\"hash\":{}}}", w.rng.below(1 << 32));
            } else {
                zap_header(w, "info", "etcdserver/server.go:2357", out);
                put!(out, "\"msg\":\"triggering snapshot\",\"local-member-applied-index\":{revision},");
                put!(out, "\"local-member-snapshot-index\":{},", revision - 10_000);
                put!(out, "\"local-member-snapshot-count\":10000}}");
            }
        }
        5 => {
            zap_header(w, "info", "etcdserver/server.go:2394", out);
            put!(out, "\"msg\":\"saved snapshot\",\"snapshot-index\":{}}}", revision * 3);
        }
        _ => {
            zap_header(w, "info", "fileutil/purge.go:85", out);
            put!(out, "\"msg\":\"purged\",\"path\":\"/var/lib/etcd/member/snap/{revision:016x}.snap\"}}");
        }
    }
    Program::Etcd
}

fn dockerd(w: &mut World, out: &mut Vec<u8>) -> Program {
    let kind = w.rng.below(5);
    let level = ["info", "info", "info", "debug", "warning"][kind as usize];
    logrus_header(w, level, out);
    let rng = &mut w.rng;
    let id = rng.pick(&w.container_ids);
    match kind {
        0 => {
            put!(out, "msg=\"shim docker-containerd-shim started\" ");
            put!(out, "address=\"/containerd-shim/moby/{id}/shim.sock\" debug=false ");
            put!(out, "module=\"containerd/tasks\" pid={}", rng.below(99_999));
        }
        1 => {
            put!(out, "msg=\"shim reaped\" id={id} module=\"containerd/tasks\"");
        }
        2 => {
            put!(out, "msg=\"ignoring event\" module=libcontainerd namespace=moby topic=/tasks/delete ");
            put!(out, "type=\"*events.TaskDelete\"");
        }
        3 => {
            put!(out, "msg=\"Calling GET /v1.38/containers/{id}/json\"");
        }
        _ => {
            put!(out, "msg=\"Container {id} is slow to stop\" container={id}");
        }
    }
    Program::Dockerd
}

fn containerd(w: &mut World, out: &mut Vec<u8>) -> Program {
    logrus_header(w, "info", out);
    let rng = &mut w.rng;
    let (id, pod) = (rng.pick(&w.container_ids), rng.pick(&w.pods));
    match rng.below(3) {
        0 => {
            put!(out, "msg=\"StartContainer for \\\"{id}\\\" returns successfully\"");
        }
        1 => {
            let (name, uid, namespace) = (&pod.name, &pod.uid, pod.namespace);
            put!(out, "msg=\"RunPodSandbox for &PodSandboxMetadata{{Name:{name},Uid:{uid},");
            put!(out, "Namespace:{namespace},Attempt:0,}} returns sandbox id \\\"{id}\\\"\"");
        }
        // Containers end now and then.
        _ if rng.below(50) == 0 => {
            put!(out, "msg=\"shim disconnected\" id={id} namespace=k8s.io");
        }
        _ => {
            put!(out, "msg=\"StopPodSandbox for \\\"{id}\\\" returns successfully\"");
        }
    }
    Program::Containerd
}

fn kernel(w: &mut World, out: &mut Vec<u8>) -> Program {
    let rng = &mut w.rng;
    let interface = rng.pick(&w.interfaces);
    match rng.below(3) {
        0 => {
            let state = rng.pick(&["forwarding", "disabled", "blocking"]);
            put!(out, "cni0: port {}({interface}) entered {state} state", 1 + rng.below(110));
        }
        1 => {
            let verb = rng.pick(&["entered", "left"]);
            put!(out, "device {interface} {verb} promiscuous mode");
        }
        _ => {
            put!(out, "IPv6: ADDRCONF(NETDEV_CHANGE): {interface}: link becomes ready");
        }
    }
    Program::Kernel
}

fn systemd(w: &mut World, out: &mut Vec<u8>) -> Program {
    let rng = &mut w.rng;
    if rng.below(2) == 0 {
        let uid = &rng.pick(&w.pods).uid;
        put!(out, "Started Kubernetes transient mount for /var/lib/kubelet/pods/{uid}/volumes/data.");
    } else {
        put!(out, "docker-{}.scope: Succeeded.", rng.pick(&w.container_ids));
    }
    Program::Systemd
}

fn sshd(w: &mut World, out: &mut Vec<u8>) -> Program {
    let rng = &mut w.rng;
    let (user, address) = (rng.pick(&["deploy", "ops", "backup"]), rng.pick(&w.addresses));
    let port = 1024 + rng.below(60_000);
    match rng.below(3) {
        0 => {
            put!(out, "Failed password for invalid user {user} from {address} port {port} ssh2");
        }
        1 => {
            put!(out, "pam_unix(sshd:session): session closed for user {user}");
        }
        _ => {
            put!(out, "Accepted publickey for {user} from {address} port {port} ssh2: ");
            put!(out, "ED25519 SHA256:{:016x}{:016x}", rng.bits(), rng.bits());
        }
    }
    Program::Sshd
}

// ---- what is planted

pub(crate) fn slow_apply(w: &mut World, duration_nanos: u64, out: &mut Vec<u8>) -> Program {
    let revision = w.revision;
    let form = w.rng.below(4);
    match form {
        0 | 1 => capnslog_header(w, 'W', out),
        _ => zap_header(w, "warn", "etcdserver/util.go:170", out),
    }
    let rng = &mut w.rng;
    let key = rng.pick(&w.keys);
    let (count, size) = (rng.below(600), rng.below(3_000_000));
    match form {
        0 => {
            put!(out, "etcdserver: read-only range request \"key:\\\"{key}\\\" range_end:\\\"{key}0\\\" ");
            put!(out, "limit:500 \" with result \"range_response_count:{count} size:{size}\"");
        }
        1 => {
            put!(out, "etcdserver: request \"header:<ID:{} username:\\\"admin\\\" > ", rng.bits() >> 1);
            put!(out, "txn:<compare:<target:MOD key:\\\"{key}\\\" mod_revision:{revision} > ");
            put!(out, "success:<request_put:<key:\\\"{key}\\\" value_size:{size} >> failure:<>>\" ");
            put!(out, "with result \"size:18\"");
        }
        _ => {
            out.extend(b"\"msg\":\"apply request took too long\",\"took\":\"");
            go_duration(duration_nanos, out);
            let prefix = if form == 2 { "read-only range " } else { "" };
            put!(out, "\",\"expected-duration\":\"100ms\",\"prefix\":\"{prefix}\",");
            put!(out, "\"request\":\"key:\\\"{key}\\\" \",\"response\":\"range_response_count:{count} ");
            put!(out, "size:{size}\"}}");
            return Program::Etcd;
        }
    }
    out.extend(b" took too long (");
    go_duration(duration_nanos, out);
    out.extend(b") to execute");
    Program::Etcd
}

pub(crate) fn orphaned(w: &mut World, total: u64, out: &mut Vec<u8>) -> Program {
    klog_header(w, 'E', out);
    let uid = &w.rng.pick(&w.pods).uid;
    if w.rng.below(2) == 0 {
        put!(
            out,
            "kubelet_volumes.go:154] Orphaned pod \"{uid}\" found, but volume paths are still present "
        );
        put!(out, "on disk : There were a total of {total} errors similar to this. ");
        put!(out, "Turn up verbosity to see them.");
    } else {
        put!(
            out,
            "kubelet_volumes.go:245] \"There were many similar errors. Turn up verbosity to see them.\" "
        );
        put!(out, "err=\"orphaned pod \\\"{uid}\\\" found, but volume subpaths are still present on disk\" ");
        put!(out, "numErrs={total}");
    }
    Program::Kubelet
}

const VICTIMS: &[&str] = &["java", "node", "python3", "ledger", "indexer"];

pub(crate) fn oom_context(w: &mut World, out: &mut Vec<u8>) -> Program {
    let victim = w.rng.pick(VICTIMS);
    put!(out, "{victim} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=968");
    Program::Kernel
}

pub(crate) fn oom_kill(w: &mut World, out: &mut Vec<u8>) -> Program {
    let rng = &mut w.rng;
    let victim = rng.pick(VICTIMS);
    let (id, resident_kib) = (300 + rng.below(32_000), 40_000 + rng.below(4_000_000));
    put!(
        out,
        "Memory cgroup out of memory: Killed process {id} ({victim}) total-vm:{}kB, ",
        resident_kib * 2
    );
    put!(out, "anon-rss:{resident_kib}kB, file-rss:1024kB, shmem-rss:0kB, UID:1000 pgtables:512kB ");
    put!(out, "oom_score_adj:968");
    Program::Kernel
}

pub(crate) fn container_not_found(w: &mut World, out: &mut Vec<u8>) -> Program {
    logrus_header(w, "error", out);
    let id = w.rng.pick(&w.container_ids);
    put!(out, "msg=\"Error running exec {id} in container: rpc error: code = 2 desc = ");
    put!(out, "containerd: container not found\"");
    Program::Dockerd
}

pub(crate) fn probe_failed(w: &mut World, out: &mut Vec<u8>) -> Program {
    let old = w.rng.below(2) == 0;
    klog_header(w, if old { 'W' } else { 'I' }, out);
    let rng = &mut w.rng;
    let pod = rng.pick(&w.pods);
    let (namespace, name, uid, container) = (pod.namespace, &pod.name, &pod.uid, pod.container);
    let probe = rng.pick(&["Liveness", "Readiness"]);
    let address = rng.pick(&w.addresses);
    if old {
        put!(
            out,
            "prober.go:111] {probe} probe for \"{name}_{namespace}({uid}):{container}\" failed (failure): "
        );
        put!(out, "Get http://{address}:8080/healthz: dial tcp {address}:8080: connect: connection refused");
    } else {
        put!(out, "prober.go:107] \"Probe failed\" probeType=\"{probe}\" pod=\"{namespace}/{name}\" ");
        put!(out, "podUID=\"{uid}\" containerName=\"{container}\" probeResult=\"failure\" ");
        put!(out, "output=\"HTTP probe failed with statuscode: {}\"", 500 + rng.below(5));
    }
    Program::Kubelet
}

/// A failed request whose key holds the words of a slow one.
pub(crate) fn decoy(w: &mut World, out: &mut Vec<u8>) -> Program {
    capnslog_header(w, 'W', out);
    let key = w.rng.pick(&w.keys);
    put!(out, "etcdserver: failed to apply request \"key:\\\"{key} took too long (999s) to execute\\\" \" ");
    put!(out, "with response \"\" took (");
    go_duration(1000 + w.rng.below(1_000_000), out);
    out.extend(b") to execute, err is etcdserver: no such key");
    Program::Etcd
}

/// A line of no format, with nothing around it.
pub(crate) fn garbage(w: &mut World, out: &mut Vec<u8>) {
    let rng = &mut w.rng;
    match rng.below(64) {
        0 => out.resize(300 << 10, b'.'),
        1..16 => {
            out.extend(b"\xff\xfe\xc3(");
            let more = rng.below(40);
            // Bytes that end no line and begin no format.
            out.extend((0..more).map(|_| 0x80 + rng.below(0x80) as u8));
        }
        16..32 => out.resize(1 + rng.below(4096) as usize, 0),
        32..48 => {
            let key = rng.pick(&w.keys);
            put!(out, "{{\"level\":\"info\",\"ts\":\"2019-05-21T08:45:28.353927Z\",\"msg\":\"{key}");
        }
        _ => {
            put!(out, "goroutine {} [select, {} minutes]:", rng.below(9000), rng.below(60));
        }
    }
}

/// Writes a duration as Go prints it.
fn go_duration(nanos: u64, out: &mut Vec<u8>) {
    let (unit_nanos, digits, unit) = match nanos {
        0 => return out.extend(b"0s"),
        1..1_000 => (1, 0, "ns"),
        1_000..1_000_000 => (1_000, 3, "\u{b5}s"),
        1_000_000..1_000_000_000 => (1_000_000, 6, "ms"),
        _ => (1_000_000_000, 9, "s"),
    };
    let mut whole = nanos / unit_nanos;
    if unit == "s" {
        let (hours, minutes) = (whole / 3600, whole / 60 % 60);
        if hours > 0 {
            put!(out, "{hours}h");
        }
        if whole >= 60 {
            put!(out, "{minutes}m");
        }
        whole %= 60;
    }
    put!(out, "{whole}");
    let fraction = nanos % unit_nanos;
    if fraction > 0 {
        put!(out, ".{fraction:0digits$}");
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    out.extend(unit.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::go_duration;

    #[test]
    fn durations_as_go_prints_them() {
        for (nanos, expected) in [
            (0, "0s"),
            (999, "999ns"),
            (1_500, "1.5µs"),
            (100_000_000, "100ms"),
            (100_000_001, "100.000001ms"),
            (1_200_000_000, "1.2s"),
            (60_500_000_000, "1m0.5s"),
            (3_600_000_000_000, "1h0m0s"),
        ] {
            let mut out = Vec::new();
            go_duration(nanos, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
