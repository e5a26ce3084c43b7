//! Whether a file in a bundle is a log.

use chiplog_parse::Detector;

use crate::content::{SAMPLE_BYTES, Texture};
use crate::journal::is_export;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Log,
    /// Text of other kinds, such as manifests and the output of commands, or no text.
    Other,
    /// Zeros so far.
    Hole,
}

/// Judges a file by its beginning: it is a log if a line of it is of a format that is known, or if one of
/// four begins with a time.
pub(super) fn judge(head: &[u8]) -> Verdict {
    match Texture::of(head.get(..SAMPLE_BYTES).unwrap_or(head)) {
        Texture::Binary => return Verdict::Other,
        Texture::Hole => return Verdict::Hole,
        Texture::Text => {}
    }
    if is_export(head) == Some(true) {
        return Verdict::Log;
    }
    let mut detector = Detector::new();
    let (mut lines, mut timed) = (0u32, 0u32);
    for line in chiplog_parse::lines(head).filter(|line| !line.is_empty()) {
        if detector.peel(line).is_recognised() {
            return Verdict::Log;
        }
        lines += 1;
        timed += u32::from(begins_with_time(line));
    }
    if timed > 0 && timed * 4 >= lines { Verdict::Log } else { Verdict::Other }
}

/// A date or a time of day within the first bytes: `2024-03-05`, `2024/03/05`, `06:07:08`.
fn begins_with_time(line: &[u8]) -> bool {
    let head = line.get(..32).unwrap_or(line);
    let looks_like = |at: &[u8], pattern: &[u8]| {
        at.iter().zip(pattern).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            b'-' => matches!(byte, b'-' | b'/'),
            wanted => byte == wanted,
        })
    };
    head.windows(8).any(|at| looks_like(at, b"00:00:00"))
        || head.windows(10).any(|at| looks_like(at, b"0000-00-00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_told_from_other_files() {
        let logs: &[&str] = &[
            "I0305 06:07:08.000001    1 a.go:1] one\n",
            "2024-05-14T03:12:44.120Z|00001|vlog|INFO|opened log file /var/log/openvswitch/ovsdb-server.log\n",
            "[06:07:08] something\n  with more\n",
            "Log file created at: 2024/03/05 06:07:08\nRunning on machine: w-07\nI0305 06:07:08.000001 1 a.go:1] one\n",
            "Mar  5 06:07:08 w-07 kubelet[1]: one\n",
        ];
        for text in logs {
            assert_eq!(judge(text.as_bytes()), Verdict::Log, "{text}");
        }
        let others: &[&str] = &[
            "",
            "---\napiVersion: v1\nkind: Pod\nmetadata:\n  creationTimestamp: \"2024-05-14T03:12:44Z\"\n  name: a\n",
            "{\n  \"kind\": \"PodList\",\n  \"items\": []\n}\n",
            "total 12\ndrwxr-xr-x 2 root root 4096 Mar  5 06:07 .\n",
            "<?xml version=\"1.0\"?>\n<a/>\n",
            "\u{7f}ELF\u{2}\u{1}\u{1}\0\0\0\0\0\0\0\0\0\u{3}\0\u{3e}\0\u{1}",
        ];
        for text in others {
            assert_eq!(judge(text.as_bytes()), Verdict::Other, "{text}");
        }
        assert_eq!(judge(&[0; 5000]), Verdict::Hole);
    }
}
