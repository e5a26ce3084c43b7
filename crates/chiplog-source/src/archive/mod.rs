//! Archives as members, one after the other; nothing is unpacked to a disk.
//!
//! Names of members are labels and nothing else: no path is made of them.

pub(crate) mod tar;
pub(crate) mod zip;

use std::borrow::Cow;

/// What a member of an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    /// Another name of something: the archive holds that under its own name, or not at all.
    Link,
    /// A device, a pipe, a socket, or something that is no file for another reason.
    Special,
}

/// Whether the head of a file is that of an archive.
pub(crate) fn is_archive(head: &[u8]) -> bool {
    tar::Tar::is_tar(head) || zip::Zip::is_zip(head)
}

/// A name as an archive stores it, as a label below the name of the archive.
pub(crate) fn label(archive: &str, name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    // Zip archives made on Windows.
    let name: Cow<'_, str> =
        if name.contains('/') || !name.contains('\\') { name } else { Cow::Owned(name.replace('\\', "/")) };
    let mut label = String::with_capacity(archive.len() + 1 + name.len());
    label.push_str(archive);
    for part in name.split('/').filter(|part| !part.is_empty() && *part != ".") {
        label.push('/');
        label.push_str(part);
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels_below_the_archive() {
        let cases: &[(&[u8], &str)] = &[
            (b"var/log/kubelet.log", "b.tar/var/log/kubelet.log"),
            (b"./var//log/", "b.tar/var/log"),
            (b"/etc/passwd", "b.tar/etc/passwd"),
            (b"../../up", "b.tar/../../up"),
            (b"caf\xe9.log", "b.tar/caf\u{fffd}.log"),
            (b"C:\\logs\\kubelet.log", "b.tar/C:/logs/kubelet.log"),
            (b"", "b.tar"),
        ];
        for (name, wanted) in cases {
            assert_eq!(label("b.tar", name), *wanted);
        }
    }
}
