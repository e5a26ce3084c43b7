//! Host and program by the place of a log: how collectors and nodes lay out files.
//!
//! Layouts: must-gather (openshift/must-gather, `collection-scripts/`, release 4.14), sosreport (sos 4.5),
//! `kubectl cluster-info dump` (kubectl 1.29, `pkg/cmd/clusterinfo`), `kind export logs` (kind 0.20,
//! `pkg/cluster/nodeutils` and `internal/collectors`), the kubelet's `/var/log/pods` and
//! `/var/log/containers` (kubernetes 1.29, `pkg/kubelet/kuberuntime`), files of klog and glog
//! (kubernetes/klog 2.100, `klog_file.go`).

use std::sync::Arc;

use chiplog_engine::Origin;

/// What the name of a log tells of its lines: see [`Origin`]. Only layouts that are known tell something.
///
/// ```
/// use chiplog_source::origin_of;
/// let origin = origin_of("dump/var/log/pods/kube-system_coredns-5d78c-x2x_1a2b/coredns/0.log");
/// assert_eq!(origin.component.as_deref(), Some("coredns"));
/// assert_eq!(origin.host, None);
/// ```
#[must_use]
pub fn origin_of(name: &str) -> Origin {
    of(name)
}

pub(crate) fn of(name: &str) -> Origin {
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
    let Some((file, folders)) = parts.split_last() else { return Origin::default() };
    let found = pod_folder(file, folders)
        .or_else(|| container_file(file, folders))
        .or_else(|| klog_file(file))
        .or_else(|| service_file(file))
        .unwrap_or_default();
    let host = found.host.or_else(|| host_of(folders));
    let owned = |text: Option<&str>| text.filter(|text| is_name(text)).map(Arc::from);
    Origin { host: owned(host), component: owned(found.component) }
}

/// The origin of lines of which only the program is known.
pub(crate) fn of_program(program: &str) -> Origin {
    Origin { host: None, component: is_name(program).then(|| Arc::from(program)) }
}

#[derive(Clone, Copy, Default)]
struct Borrowed<'n> {
    host: Option<&'n str>,
    component: Option<&'n str>,
}

fn component(component: &str) -> Option<Borrowed<'_>> {
    Some(Borrowed { host: None, component: Some(component) })
}

/// What names of hosts and programs are made of; a label is no place for anything else.
fn is_name(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=253).contains(&text.len()) && text.bytes().all(is_good)
}

/// `pods/NS_POD_UID/CONTAINER/0.log` of a node, `NS/pods/POD/CONTAINER/CONTAINER/logs/current.log` of
/// must-gather, `NS/POD/logs.txt` of `kubectl cluster-info dump`.
fn pod_folder<'n>(file: &'n str, folders: &[&'n str]) -> Option<Borrowed<'n>> {
    match folders {
        [.., "pods", _, container, inner, "logs"] if container == inner => component(container),
        [.., "pods", pod, container] if pod.split('_').count() == 3 && is_rotation_of_zero(file) => {
            component(container)
        }
        _ => None,
    }
}

/// `0.log`, `12.log`, `0.log.20240305-060708`, `0.log.20240305-060708.gz`.
fn is_rotation_of_zero(file: &str) -> bool {
    let Some((number, rest)) = file.split_once('.') else { return false };
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with("log")
}

/// `containers/POD_NS_CONTAINER-ID.log`, the ID of 64 hexadecimal digits.
fn container_file<'n>(file: &'n str, folders: &[&'n str]) -> Option<Borrowed<'n>> {
    let stem = file.split_once(".log")?.0;
    let (name, id) = stem.rsplit_once('-')?;
    let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_id || folders.last() != Some(&"containers") {
        return None;
    }
    match name.split('_').collect::<Vec<_>>()[..] {
        [_, _, container] => component(container),
        _ => None,
    }
}

/// `PROGRAM.HOST.USER.log.INFO.20240305-060708.1234`, as klog and glog name their files.
pub(crate) struct KlogFile<'n> {
    pub(crate) program: &'n str,
    pub(crate) host: &'n str,
    pub(crate) user: &'n str,
    pub(crate) severity: &'n str,
    /// `20240305-060708`.
    pub(crate) started: &'n str,
    pub(crate) pid: &'n str,
}

impl<'n> KlogFile<'n> {
    /// Takes the name of a file apart; a host may hold dots.
    pub(crate) fn of(file: &'n str) -> Option<Self> {
        let (who, what) = file.split_once(".log.")?;
        let (program, who) = who.split_once('.')?;
        let (host, user) = who.rsplit_once('.')?;
        let mut what = what.split('.');
        let (severity, started, pid) = (what.next()?, what.next()?, what.next()?);
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_klog = matches!(severity, "INFO" | "WARNING" | "ERROR" | "FATAL")
            && started.split_once('-').is_some_and(|(date, time)| is_number(date) && is_number(time))
            && is_number(pid);
        is_klog.then_some(Self { program, host, user, severity, started, pid })
    }
}

fn klog_file(file: &str) -> Option<Borrowed<'_>> {
    let klog = KlogFile::of(file)?;
    Some(Borrowed { host: Some(klog.host), component: Some(klog.program) })
}

/// `host_service_logs/masters/kubelet_service.log` of must-gather, `NODE/kubelet.log` of kind,
/// `sos_commands/kubernetes/journalctl_--no-pager_--unit_kubelet` of sos, `var/log/kubelet.log` of a node.
fn service_file(file: &str) -> Option<Borrowed<'_>> {
    if let Some((_, unit)) = file.split_once("journalctl_").and_then(|(_, rest)| rest.rsplit_once("--unit_"))
    {
        return component(unit.split('.').next().unwrap_or(unit));
    }
    if let Some((service, _)) = file.split_once("_service.log") {
        return component(service);
    }
    let (stem, _) = file.split_once(".log")?;
    const PROGRAMS: &[&str] = &[
        "kubelet",
        "containerd",
        "crio",
        "dockerd",
        "docker",
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kube-proxy",
    ];
    PROGRAMS.contains(&stem).then_some(stem).and_then(component)
}

/// The folder of a machine: `nodes/NODE/` of must-gather, `sosreport-HOST-...` of sos.
fn host_of<'n>(folders: &[&'n str]) -> Option<&'n str> {
    for (at, folder) in folders.iter().enumerate() {
        if *folder == "nodes" {
            return folders.get(at + 1).copied();
        }
        if let Some(rest) = folder.strip_prefix("sosreport-") {
            return sos_host(rest);
        }
    }
    None
}

/// `HOST[-CASE]-2024-03-05-abcdefg`: the case number, if there is one, is digits.
fn sos_host(rest: &str) -> Option<&str> {
    let mut parts: Vec<&str> = rest.split('.').next()?.split('-').collect();
    let is_number =
        |part: &&str, len: usize| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
    let date = parts
        .windows(3)
        .rposition(|date| is_number(&date[0], 4) && is_number(&date[1], 2) && is_number(&date[2], 2))?;
    parts.truncate(date);
    if parts.len() > 1 && parts.last().is_some_and(|part| part.len() >= 5 && is_number(part, part.len())) {
        parts.pop();
    }
    let host_bytes = parts.iter().map(|part| part.len() + 1).sum::<usize>().checked_sub(1)?;
    rest.get(..host_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_tell_host_and_program() {
        let id = "0123456789abcdef".repeat(4);
        let cases: &[(&str, Option<&str>, Option<&str>)] = &[
            ("mg.tar.gz/quay-io/host_service_logs/masters/kubelet_service.log", None, Some("kubelet")),
            ("mg/namespaces/openshift-etcd/pods/etcd-cp-1/etcd/etcd/logs/current.log", None, Some("etcd")),
            ("mg/namespaces/a/pods/b/c/c/logs/previous.log", None, Some("c")),
            ("mg/namespaces/a/core/events.yaml", None, None),
            ("mg/nodes/w-07.example.com/dmesg", Some("w-07.example.com"), None),
            ("sosreport-w-07-2024-05-14-abcdefg/var/log/messages", Some("w-07"), None),
            ("a.tar.xz/sosreport-cp-1-01234567-2024-05-14-abcdefg/var/log/messages", Some("cp-1"), None),
            (
                "sosreport-w-07-2024-05-14-abcdefg/sos_commands/kubernetes/journalctl_--no-pager_--unit_kubelet",
                Some("w-07"),
                Some("kubelet"),
            ),
            ("/var/log/pods/kube-system_coredns-1_0a1b/coredns/0.log", None, Some("coredns")),
            ("/var/log/pods/ns_pod_uid/app/0.log.20240305-060708.gz", None, Some("app")),
            ("kind-control-plane/kubelet.log", None, Some("kubelet")),
            ("kubelet.WARNING", None, None),
            (
                "kubelet.w-07.example.com.root.log.INFO.20240305-060708.1234",
                Some("w-07.example.com"),
                Some("kubelet"),
            ),
            ("var/log/kubelet.log-20240305.gz", None, Some("kubelet")),
            ("notes.txt", None, None),
            ("", None, None),
        ];
        for (name, host, component) in cases {
            let origin = of(name);
            assert_eq!((origin.host.as_deref(), origin.component.as_deref()), (*host, *component), "{name}");
        }
        let name = format!("containers/coredns-1_kube-system_coredns-{id}.log");
        assert_eq!(of(&name).component.as_deref(), Some("coredns"));
    }
}
