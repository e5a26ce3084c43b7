//! What the name of a file says about the log that it is part of.

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// A file name as a log and a place among its rotations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogName {
    /// The name that the log has while it is written.
    pub(super) base: OsString,
    pub(super) rotation: Rotation,
    /// The name ends like that of a compressed file. Whether it is one, its contents say.
    pub(super) packed: bool,
}

/// The place of a file among the rotations of its log; the newest is the least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rotation {
    /// The name that is written to.
    Live,
    /// `.1`, `.2`: a larger number is older.
    Index(u32),
    /// The digits of a date and a time: less is older.
    Stamp(String),
}

impl Ord for Rotation {
    fn cmp(&self, other: &Rotation) -> Ordering {
        use Rotation::{Index, Stamp};
        match (self, other) {
            (Index(a), Index(b)) => a.cmp(b),
            (Stamp(a), Stamp(b)) => b.cmp(a),
            _ => self.class().cmp(&other.class()),
        }
    }
}

impl PartialOrd for Rotation {
    fn partial_cmp(&self, other: &Rotation) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Rotation {
    fn class(&self) -> u8 {
        match self {
            Rotation::Live => 0,
            Rotation::Index(_) => 1,
            Rotation::Stamp(_) => 2,
        }
    }
}

const PACKED: &[&str] = &[".gz", ".zst", ".xz", ".bz2", ".lz4"];

impl LogName {
    /// Takes a name apart; `None` for what a rotation is still writing under a name of its own.
    ///
    /// Understood are, each with or without the suffix of a compression:
    ///
    /// - `app.log.1`: logrotate (logrotate 3.21, `logrotate.8`), the json-file driver of docker
    ///   (moby 26, `daemon/logger/loggerutils/logfile.go`), newsyslog;
    /// - `app.log-20240514`, `app.log-20240514-1715648000`, `app.log.2024-05-14`, `app-20240514.log`: logrotate with
    ///   `dateext`, `dateformat` and `extension`, and most frameworks that rotate by day;
    /// - `0.log.20240514-031244`, while it is compressed `0.log.20240514-031244.tmp`: the kubelet
    ///   (Kubernetes 1.30, `pkg/kubelet/logs/container_log_manager.go`);
    /// - `audit-2024-05-14T03-12-44.123.log`: lumberjack 2.2, which the API server and k3s rotate with.
    ///
    /// What glog and klog name `kubelet.HOST.USER.log.INFO.20240514-031244.4711` is one file for each
    /// start and no rotation.
    pub(super) fn parse(name: &OsStr) -> Option<LogName> {
        let whole = name.as_bytes();
        if let Some(unfinished) = whole.strip_suffix(b".tmp")
            && let Some(LogName { rotation: Rotation::Stamp(_), .. }) =
                LogName::parse(OsStr::from_bytes(unfinished))
        {
            return None;
        }
        let suffix =
            PACKED.iter().find(|suffix| whole.len() > suffix.len() && whole.ends_with(suffix.as_bytes()));
        let plain = &whole[..whole.len() - suffix.map_or(0, |suffix| suffix.len())];
        let (base, rotation) = strip_rotation(plain).unwrap_or_else(|| (plain.to_vec(), Rotation::Live));
        let base = OsStr::from_bytes(&base).to_owned();
        Some(LogName { base, rotation, packed: suffix.is_some() })
    }

    /// Whether a file of this name can be a copy of one named `original`: logs are copied from
    /// newer to older names, and then compressed.
    pub(super) fn may_copy(&self, original: &LogName) -> bool {
        match self.rotation.cmp(&original.rotation) {
            Ordering::Greater => true,
            Ordering::Equal => self.packed && !original.packed,
            Ordering::Less => false,
        }
    }

    /// Whether the log is written to under this name.
    pub(super) fn is_live(&self) -> bool {
        self.rotation == Rotation::Live && !self.packed
    }
}

fn strip_rotation(name: &[u8]) -> Option<(Vec<u8>, Rotation)> {
    if is_per_start(name) {
        return None;
    }
    if let Some((base, index)) = strip_index(name) {
        return Some((base.to_vec(), Rotation::Index(index)));
    }
    if let Some((base, stamp)) = strip_stamp(name) {
        return Some((base.to_vec(), Rotation::Stamp(stamp)));
    }
    // A date before the extension.
    let dot = memchr::memrchr(b'.', name)?;
    let extension = &name[dot..];
    let is_word = (2..=9).contains(&extension.len()) && extension[1..].iter().all(u8::is_ascii_alphabetic);
    let (stem, stamp) = strip_stamp(&name[..dot]).filter(|_| is_word)?;
    Some(([stem, extension].concat(), Rotation::Stamp(stamp)))
}

/// `.1` to `.999`. Behind a digit it is no number of a rotation: `10.0.0.1` is a host.
fn strip_index(name: &[u8]) -> Option<(&[u8], u32)> {
    let dot = memchr::memrchr(b'.', name)?;
    let (base, digits) = (&name[..dot], &name[dot + 1..]);
    if !(1..=3).contains(&digits.len()) || base.last().is_none_or(u8::is_ascii_digit) {
        return None;
    }
    Some((base, str::from_utf8(digits).ok()?.parse().ok()?)).filter(|_| digits.iter().all(u8::is_ascii_digit))
}

/// A date, and perhaps a time, at the end of a name. Its digits are the stamp.
fn strip_stamp(name: &[u8]) -> Option<(&[u8], String)> {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b"-_.:TZ".contains(byte);
    let from = name.iter().rposition(|byte| !is_part(byte)).map_or(0, |last| last + 1);
    // Behind the name of the log stands one separator, then the year.
    let separator =
        (from..name.len()).find(|&at| b"-._".contains(&name[at]) && starts_with_date(&name[at + 1..]))?;
    if separator == 0 {
        return None;
    }
    let stamp: String = name[separator + 1..]
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .map(|&byte| char::from(byte))
        .collect();
    (stamp.len() <= 26).then_some((&name[..separator], stamp))
}

/// `20240514` or `2024-05-14`, and then no further digit.
fn starts_with_date(text: &[u8]) -> bool {
    let number = |from: usize, len: usize| {
        let digits = text.get(from..from + len)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0, |n, digit| 10 * n + u32::from(digit - b'0')))
    };
    let dashed = text.get(4) == Some(&b'-');
    let (month, day, len) = if dashed { (5, 8, 10) } else { (4, 6, 8) };
    if dashed && text.get(7) != Some(&b'-') {
        return false;
    }
    number(0, 4).is_some_and(|year| (1970..2200).contains(&year))
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
        && !text.get(len).is_some_and(u8::is_ascii_digit)
}

/// `.log.INFO.20240514-031244.4711` at the end: glog and klog begin such a file at each start.
fn is_per_start(name: &[u8]) -> bool {
    let mut parts = name.rsplit(|byte| *byte == b'.');
    let process = parts.next().is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    let time = parts.next().is_some_and(starts_with_date);
    let severity =
        parts.next().is_some_and(|part| [&b"INFO"[..], b"WARNING", b"ERROR", b"FATAL"].contains(&part));
    process && time && severity
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rotated_files() {
        let stamp = |digits: &str| Rotation::Stamp(digits.to_owned());
        let cases = [
            ("app.log", "app.log", Rotation::Live, false),
            ("app.log.1", "app.log", Rotation::Index(1), false),
            ("syslog.2.gz", "syslog", Rotation::Index(2), true),
            ("messages-20240514", "messages", stamp("20240514"), false),
            ("messages-20240514.xz", "messages", stamp("20240514"), true),
            ("app.log-20240514-1715648000", "app.log", stamp("202405141715648000"), false),
            ("app.log.2024-05-14", "app.log", stamp("20240514"), false),
            ("app-20240514.log", "app.log", stamp("20240514"), false),
            ("0.log.20240514-031244", "0.log", stamp("20240514031244"), false),
            ("0.log.20240514-031244.gz", "0.log", stamp("20240514031244"), true),
            ("audit-2024-05-14T03-12-44.123.log", "audit.log", stamp("20240514031244123"), false),
            ("audit-2024-05-14T03-12-44.123.log.gz", "audit.log", stamp("20240514031244123"), true),
            ("abc-json.log.1", "abc-json.log", Rotation::Index(1), false),
            ("old.gz", "old", Rotation::Live, true),
            (
                "kubelet.n1.root.log.INFO.20240514-031244.1",
                "kubelet.n1.root.log.INFO.20240514-031244.1",
                Rotation::Live,
                false,
            ),
            ("10.0.0.1", "10.0.0.1", Rotation::Live, false),
            ("10.0.0.1.log", "10.0.0.1.log", Rotation::Live, false),
            ("0.log", "0.log", Rotation::Live, false),
            ("app.1234", "app.1234", Rotation::Live, false),
            ("web-12345678.log", "web-12345678.log", Rotation::Live, false),
            ("20240514.log", "20240514.log", Rotation::Live, false),
            (".gz", ".gz", Rotation::Live, false),
            (".1", ".1", Rotation::Live, false),
            ("", "", Rotation::Live, false),
        ];
        for (name, base, rotation, packed) in cases {
            let expected = LogName { base: base.into(), rotation, packed };
            assert_eq!(LogName::parse(OsStr::new(name)), Some(expected), "{name}");
        }
        assert_eq!(LogName::parse(OsStr::new("0.log.20240514-031244.tmp")), None);
    }

    #[test]
    fn copies_go_from_newer_to_older_names() {
        let name = |text: &str| LogName::parse(OsStr::new(text)).unwrap();
        let by_age = [
            "a.log",
            "a.log.1",
            "a.log.1.gz",
            "a.log.2.gz",
            "a.log-20240515",
            "a.log-20240514",
            "a.log-20240514.gz",
        ];
        for (older, copy) in by_age.iter().enumerate() {
            for (newer, original) in by_age.iter().enumerate() {
                assert_eq!(name(copy).may_copy(&name(original)), older > newer, "{copy} of {original}");
            }
        }
    }
}
