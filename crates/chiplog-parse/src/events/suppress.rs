//! Messages that count what was not written.
//!
//! | kind | message | emitter |
//! | --- | --- | --- |
//! | journald | `Suppressed N messages from UNIT`; the cgroup `/system.slice/UNIT` to 219, `uid U` to 195 | systemd `journald-rate-limit.c`, `journald-server.c` |
//! | journald, kernel | `Missed N kernel messages` | systemd `journald-kmsg.c` |
//! | kernel | `FUNCTION: N callbacks suppressed` | Linux `lib/ratelimit.c`, 2.6.27 and later |
//! | | `printk: N messages suppressed.`, `NET: N messages suppressed.` | Linux `kernel/printk.c`, `net/core/utils.c`, to 2.6.26 |
//! | | `PROGRAM: N output lines suppressed due to ratelimiting`, of what a program writes to /dev/kmsg | Linux `include/linux/ratelimit.h`, 4.8 and later |
//! | rsyslog | `INPUT: N messages lost due to rate-limiting`, then perhaps ` (M allowed within S seconds)`; the input may be `imuxsock[pid: N, name: PROGRAM]` | rsyslog `runtime/ratelimit.c`, 7 and later |
//! | | `imuxsock lost N messages from pid P due to rate-limiting` | rsyslog `plugins/imuxsock/imuxsock.c`, 5 and 6 |
//! | rsyslog, begin | `INPUT from <HOST:APP>: begin to drop messages due to rate-limiting` | rsyslog `runtime/ratelimit.c` |
//! | | `imuxsock begins to drop messages from pid P due to rate-limiting` | rsyslog `plugins/imuxsock/imuxsock.c`, 5 and 6 |
//! | repeat | `message repeated N times: [TEXT]`, `last message repeated N times` | rsyslog `runtime/ratelimit.c`, older syslogds |
//! | kubelet | `.. : There were a total of N errors similar to this. ..` | kubelet to 1.20 |
//! | | `"There were many similar errors. Turn up verbosity to see them." .. numErrs=N` | kubelet from 1.21 |
//!
//! Every count is of input that is missing from the log, except that the kubelet's includes the
//! one that it prints.

use crate::bytes::decimal;
use crate::events::kubelet::{self, KubeletEvent};

/// How many messages were not written, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suppressed<'a> {
    /// Who left them out.
    pub kind: SuppressKind,
    /// How many; `None` when the dropping only begins.
    pub count: Option<u64>,
    /// Whose messages: a unit, a kernel function, an rsyslog input; for a repeat the repeated
    /// text, of which rsyslog keeps 800 bytes. `None` if the message does not tell.
    pub source: Option<&'a [u8]>,
    /// The length of the interval that the limit is set for, where the message tells it.
    pub interval_seconds: Option<u64>,
}

impl<'a> Suppressed<'a> {
    const fn counted(kind: SuppressKind, count: u64, source: Option<&'a [u8]>) -> Self {
        Self { kind, count: Some(count), source, interval_seconds: None }
    }
}

/// Who left messages out, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SuppressKind {
    /// journald's rate limit of a unit.
    Journald,
    /// journald read the kernel's ring buffer too late.
    JournaldKernel,
    /// The kernel's rate limit of a function, or of a program that writes to /dev/kmsg.
    KernelRatelimit,
    /// rsyslog's rate limit of an input.
    RsyslogRate,
    /// rsyslog starts to drop; the number comes in a later message.
    RsyslogBegin,
    /// A syslog daemon folded equal messages: the number of further ones.
    Repeat,
    /// The kubelet prints one of several similar errors: the number of all of them.
    KubeletTotal,
}

impl SuppressKind {
    /// The kind in snake case: `kernel_ratelimit`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Journald => "journald",
            Self::JournaldKernel => "journald_kernel",
            Self::KernelRatelimit => "kernel_ratelimit",
            Self::RsyslogRate => "rsyslog_rate",
            Self::RsyslogBegin => "rsyslog_begin",
            Self::Repeat => "repeat",
            Self::KubeletTotal => "kubelet_total",
        }
    }
}

/// Reads the text of a message, all envelopes taken off.
///
/// ```
/// use chiplog_parse::events::suppress::{self, SuppressKind};
/// let suppressed = suppress::parse(b"Suppressed 1234 messages from kubelet.service").unwrap();
/// assert_eq!(suppressed.kind, SuppressKind::Journald);
/// assert_eq!((suppressed.count, suppressed.source), (Some(1234), Some(&b"kubelet.service"[..])));
/// ```
#[must_use]
pub fn parse(message: &[u8]) -> Option<Suppressed<'_>> {
    by_start(message).or_else(|| by_end(message)).or_else(|| kubelet_total(message))
}

/// Messages told by how they start.
fn by_start(message: &[u8]) -> Option<Suppressed<'_>> {
    let found = |kind, count, source| Some(Suppressed::counted(kind, count, source));
    if let Some(rest) = message.strip_prefix(b"Suppressed ") {
        let (count, rest) = number(rest)?;
        let unit = rest.strip_prefix(b" messages from ").filter(|unit| !unit.is_empty())?;
        found(SuppressKind::Journald, count, Some(unit))
    } else if let Some(rest) = message.strip_prefix(b"Missed ") {
        let (count, rest) = number(rest)?;
        if rest == b" kernel messages" {
            found(SuppressKind::JournaldKernel, count, Some(b"kernel"))
        } else {
            None
        }
    } else if let Some(rest) = message.strip_prefix(b"message repeated ") {
        let (count, rest) = number(rest)?;
        let text = rest.strip_prefix(b" times: [")?;
        found(SuppressKind::Repeat, count, Some(text.strip_suffix(b"]").unwrap_or(text)))
    } else if let Some(rest) = message.strip_prefix(b"last message repeated ") {
        let (count, rest) = number(rest)?;
        if rest == b" times" { found(SuppressKind::Repeat, count, None) } else { None }
    } else if let Some(rest) = message.strip_prefix(b"imuxsock ") {
        imuxsock(rest)
    } else {
        None
    }
}

/// What old releases of rsyslog's imuxsock say, behind its name.
fn imuxsock(rest: &[u8]) -> Option<Suppressed<'_>> {
    let (count, rest) = match rest.strip_prefix(b"lost ") {
        Some(rest) => {
            let (count, rest) = number(rest)?;
            (Some(count), rest)
        }
        None => (None, rest.strip_prefix(b"begins to drop")?),
    };
    let (_, end) = number(rest.strip_prefix(b" messages from pid ")?)?;
    let kind = if count.is_some() { SuppressKind::RsyslogRate } else { SuppressKind::RsyslogBegin };
    let source = Some(&b"imuxsock"[..]);
    (end == b" due to rate-limiting").then_some(Suppressed { kind, count, source, interval_seconds: None })
}

/// Messages that start with their source.
fn by_end(message: &[u8]) -> Option<Suppressed<'_>> {
    const OF_KERNEL: [&[u8]; 4] = [
        b" callbacks suppressed",
        b" messages suppressed.",
        b" messages suppressed",
        b" output lines suppressed due to ratelimiting",
    ];
    const LOST: &[u8] = b" messages lost due to rate-limiting";
    if let Some(head) = OF_KERNEL.iter().find_map(|end| message.strip_suffix(*end)) {
        return counted(head, SuppressKind::KernelRatelimit);
    }
    if let Some(head) = message.strip_suffix(b": begin to drop messages due to rate-limiting") {
        let source = memchr::memmem::find(head, b" from <").map_or(head, |at| &head[..at]);
        let source = Some(source).filter(|source| !source.is_empty());
        let kind = SuppressKind::RsyslogBegin;
        return Some(Suppressed { kind, count: None, source, interval_seconds: None });
    }
    let (head, interval_seconds) = match message.strip_suffix(b" seconds)") {
        Some(head) => {
            let (head, limit) = head.split_at_checked(memchr::memrchr(b'(', head)?)?;
            let (_, limit) = number(&limit[1..])?;
            let (seconds, limit) = number(limit.strip_prefix(b" allowed within ")?)?;
            if limit.is_empty() { (head.strip_suffix(b" ")?, Some(seconds)) } else { return None }
        }
        None => (message, None),
    };
    let found = counted(head.strip_suffix(LOST)?, SuppressKind::RsyslogRate)?;
    Some(Suppressed { interval_seconds, ..found })
}

/// `SOURCE: N`.
fn counted(head: &[u8], kind: SuppressKind) -> Option<Suppressed<'_>> {
    let (head, digits) = head.split_at_checked(memchr::memrchr(b' ', head)?)?;
    let source = head.strip_suffix(b":").filter(|source| !source.is_empty())?;
    let (count, rest) = number(&digits[1..])?;
    rest.is_empty().then_some(Suppressed::counted(kind, count, Some(source)))
}

fn kubelet_total(message: &[u8]) -> Option<Suppressed<'_>> {
    let count = match message {
        [b'"', ..] => match kubelet::parse(message)? {
            KubeletEvent::OrphanedPod { count, .. } => count?,
            _ => return None,
        },
        _ => kubelet::total(message)?,
    };
    Some(Suppressed::counted(SuppressKind::KubeletTotal, count, None))
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (number, length) = decimal(text)?;
    Some((number, &text[length..]))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn near_misses_are_refused() {
        for message in [
            "Suppressed 3 messages from ",
            "Suppressed 3 messages",
            "Missed 3 kernel messages again",
            "last message repeated 3 times in a row",
            "message repeated three times: [ x]",
            ": 23 callbacks suppressed",
            "23 callbacks suppressed",
            "net_ratelimit: many callbacks suppressed",
            "net_ratelimit: 23 callbacks suppressed!",
            "imjournal: 5120 messages lost due to rate-limiting (20000 allowed within some seconds)",
            "imjournal: 5120 messages lost due to rate-limiting (20000)",
            "imjournal: 99999999999999999999 messages lost due to rate-limiting",
            ": begin to drop messages due to rate-limiting ",
            "imuxsock lost 56 messages due to rate-limiting",
            "imuxsock lost some messages from pid 2896 due to rate-limiting",
            "imuxsock begins to drop messages from pid due to rate-limiting",
            "printk: messages suppressed.",
            "further messages suppressed.",
            "There were a total of some errors similar to this",
            "",
        ] {
            assert_eq!(parse(message.as_bytes()), None, "{message}");
        }
    }

    #[test]
    fn sources_may_hold_blanks_and_colons() {
        let source = |message: &'static str| parse(message.as_bytes()).and_then(|found| found.source);
        assert_eq!(source("EXT4-fs (sda1): x: 2 callbacks suppressed"), Some(&b"EXT4-fs (sda1): x"[..]));
        assert_eq!(source("message repeated 2 times: [ [a] b]"), Some(&b" [a] b"[..]));
        assert_eq!(
            source("imuxsock[pid 7]: begin to drop messages due to rate-limiting"),
            Some(&b"imuxsock[pid 7]"[..])
        );
    }

    #[test]
    fn old_and_rare_wordings() {
        use SuppressKind::{Journald, KernelRatelimit, RsyslogBegin, RsyslogRate};
        for (message, kind, count, source, interval_seconds) in [
            ("Suppressed 12 messages from uid 1000", Journald, Some(12), "uid 1000", None),
            ("printk: 23 messages suppressed.", KernelRatelimit, Some(23), "printk", None),
            ("NET: 4 messages suppressed.", KernelRatelimit, Some(4), "NET", None),
            ("__ratelimit: 4 messages suppressed", KernelRatelimit, Some(4), "__ratelimit", None),
            (
                "systemd: 24 output lines suppressed due to ratelimiting",
                KernelRatelimit,
                Some(24),
                "systemd",
                None,
            ),
            (
                "imuxsock lost 56 messages from pid 2896 due to rate-limiting",
                RsyslogRate,
                Some(56),
                "imuxsock",
                None,
            ),
            (
                "imuxsock begins to drop messages from pid 2896 due to rate-limiting",
                RsyslogBegin,
                None,
                "imuxsock",
                None,
            ),
            (
                "imuxsock[pid: 57, name: /usr/bin/kubelet]: 1024472 messages lost due to rate-limiting (20000 allowed within 300 seconds)",
                RsyslogRate,
                Some(1_024_472),
                "imuxsock[pid: 57, name: /usr/bin/kubelet]",
                Some(300),
            ),
        ] {
            let expected = Suppressed { kind, count, source: Some(source.as_bytes()), interval_seconds };
            assert_eq!(parse(message.as_bytes()), Some(expected), "{message}");
        }
    }

    #[test]
    fn the_structured_form_of_the_kubelet_counts_too() {
        let message = br#""There were many similar errors. Turn up verbosity to see them." err="orphaned pod \"u\" found, but volume paths are still present on disk" numErrs=4"#;
        let expected = Suppressed::counted(SuppressKind::KubeletTotal, 4, None);
        assert_eq!(parse(message), Some(expected));
    }

    proptest! {
        #[test]
        fn never_panics(message in any::<Vec<u8>>(), end in prop::sample::select(&["", " callbacks suppressed", " seconds)"])) {
            let mut message = message;
            message.extend_from_slice(end.as_bytes());
            let _ = parse(&message);
        }
    }
}
