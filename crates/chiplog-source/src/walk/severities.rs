//! Files of klog by severity: a line of ERROR is in those of WARNING and INFO as well.

use std::collections::HashMap;

use crate::origin::KlogFile;

/// Files of one process in one folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Process {
    folder: String,
    program: String,
    host: String,
    user: String,
    pid: String,
}

/// The files of all severities that were met.
#[derive(Debug, Default)]
pub(crate) struct Severities {
    /// The first INFO file of each process: when it was begun, and its name.
    infos: HashMap<Process, (String, String)>,
}

impl Severities {
    /// Notes a file, if it is one of INFO.
    pub(crate) fn note(&mut self, name: &str) {
        let Some((process, klog)) = split(name).filter(|(_, klog)| klog.severity == "INFO") else { return };
        let found = (klog.started.to_owned(), name.to_owned());
        let first = self.infos.entry(process).or_insert_with(|| found.clone());
        if found.0 < first.0 {
            *first = found;
        }
    }

    /// Whether a file holds only lines of another one, if that is there.
    pub(crate) fn is_part(name: &str) -> bool {
        split(name).is_some_and(|(_, klog)| klog.severity != "INFO")
    }

    /// The INFO file that holds the lines of a file. It was begun with it or before: klog begins the files
    /// of all lower severities with one.
    pub(crate) fn whole(&self, name: &str) -> Option<&str> {
        let (process, klog) = split(name).filter(|(_, klog)| klog.severity != "INFO")?;
        let (started, info) = self.infos.get(&process)?;
        (started.as_str() <= klog.started).then_some(info)
    }
}

fn split(name: &str) -> Option<(Process, KlogFile<'_>)> {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let klog = KlogFile::of(file)?;
    let process = Process {
        folder: folder.to_owned(),
        program: klog.program.to_owned(),
        host: klog.host.to_owned(),
        user: klog.user.to_owned(),
        pid: klog.pid.to_owned(),
    };
    Some((process, klog))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_errors_is_part_of_the_file_of_all() {
        let mut severities = Severities::default();
        severities.note("log/kubelet.w-07.root.log.INFO.20240305-060708.12");
        severities.note("log/kubelet.w-07.root.log.ERROR.20240305-060709.12");
        let whole = |name| severities.whole(name).is_some();
        assert!(whole("log/kubelet.w-07.root.log.ERROR.20240305-060709.12"));
        assert!(whole("log/kubelet.w-07.root.log.WARNING.20240305-060708.12.gz"));
        // Begun before what is left of INFO, of another process, elsewhere, or all of it.
        assert!(!whole("log/kubelet.w-07.root.log.ERROR.20240304-060709.12"));
        assert!(!whole("log/kubelet.w-07.root.log.ERROR.20240305-060709.13"));
        assert!(!whole("log/kubelet.w-08.root.log.ERROR.20240305-060709.12"));
        assert!(!whole("kubelet.w-07.root.log.ERROR.20240305-060709.12"));
        assert!(!whole("log/kubelet.w-07.root.log.INFO.20240305-060708.12"));
        assert!(!whole("log/kubelet.log"));
    }
}
