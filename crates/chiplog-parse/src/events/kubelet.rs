//! Events in the messages of the kubelet and of client-go.
//!
//! | event | message | releases |
//! | --- | --- | --- |
//! | orphaned pod | `Orphaned pod "UID" found, but REASON` | from 1.5 |
//! | | the same, then ` : There were a total of N errors similar to this. Turn up verbosity to see them.` | seen from 1.9, to 1.20 |
//! | | the same in lower case, `orphaned pod` | seen in 1.20 |
//! | | `"There were many similar errors. Turn up verbosity to see them." err="orphaned pod \"UID\" found, but REASON" numErrs=N` | from 1.21 |
//! | PLEG unhealthy | `skipping pod synchronization - [..PLEG is not healthy: DETAIL..]` | to 1.20 |
//! | | `"Skipping pod synchronization" err="..PLEG is not healthy: DETAIL.."` | from 1.21 |
//! | client throttled | `Throttling request took D, request: VERB:URL` | seen to 1.20 |
//! | | `Waited for D due to client-side throttling, not priority and fairness, request: VERB:URL` | seen in 1.20 to 1.27 |
//! | | `"Waited before sending request" delay="D" reason="client-side throttling, .." verb="VERB" URL="URL"` | seen in 1.34 |
//!
//! DETAIL is `pleg was last seen active D ago; threshold is D` or `pleg has yet to be successful`;
//! D is a Go duration. Other errors may stand beside it in the list. Sources: kubernetes/kubernetes
//! `pkg/kubelet/kubelet_volumes.go`, `pkg/kubelet/kubelet.go`, `pkg/kubelet/pleg/generic.go`;
//! kubernetes/client-go `rest/request.go`.
//!
//! Messages are read in their raw form, so that the text may stand in a klog body, in a Go string
//! or in a JSON string without being decoded first.

use memchr::memmem;

use crate::bytes::decimal;
use crate::{Text, Value, go, klog};

/// An event in a message of the kubelet or of client-go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KubeletEvent<'a> {
    /// The kubelet leaves the directory of a deleted pod because something is still in it.
    OrphanedPod {
        /// The UID of the pod: the name of its directory.
        pod_uid: &'a [u8],
        /// What is in the way.
        reason: OrphanReason,
        /// How many directories had an error in this pass, the named one included. The line is
        /// written again on every pass, about every two seconds: not to be added up. `None`
        /// where the release does not tell.
        count: Option<u64>,
    },
    /// The relist of the pod lifecycle event generator has not finished in time: the kubelet
    /// looks after no pod meanwhile.
    PlegUnhealthy {
        /// Since when there was no relist, in nanoseconds; `None` if there was none since the
        /// kubelet started.
        last_active_nanos: Option<i64>,
        /// What the kubelet allows, in nanoseconds; `None` as above.
        threshold_nanos: Option<i64>,
    },
    /// The client held a request back to keep to its own rate limit.
    ClientThrottle {
        /// For how long, in nanoseconds.
        duration_nanos: i64,
        /// The HTTP method.
        verb: &'a [u8],
        /// The URL of the request.
        url: Text<'a>,
    },
}

/// Why the directory of an orphaned pod stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrphanReason {
    /// Volume directories are still there.
    VolumePaths,
    /// Directories of subPath mounts are still there.
    VolumeSubpaths,
    /// The directory of volumes cannot be read.
    ReadVolumesDir,
    /// The directory of subPath mounts cannot be read.
    ReadSubpathsDir,
    /// The directory of volumes cannot be removed.
    RemoveVolumesDir,
    /// The directory of one volume cannot be removed.
    RemoveVolume,
    /// The directory of one subPath mount cannot be removed.
    RemoveSubpath,
    /// The directory of the pod cannot be removed.
    RemovePodDir,
    /// Something else.
    Other,
}

impl OrphanReason {
    /// The reason in snake case: `volume_paths`, `remove_volumes_dir`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VolumePaths => "volume_paths",
            Self::VolumeSubpaths => "volume_subpaths",
            Self::ReadVolumesDir => "read_volumes_dir",
            Self::ReadSubpathsDir => "read_subpaths_dir",
            Self::RemoveVolumesDir => "remove_volumes_dir",
            Self::RemoveVolume => "remove_volume",
            Self::RemoveSubpath => "remove_subpath",
            Self::RemovePodDir => "remove_pod_dir",
            Self::Other => "other",
        }
    }

    /// `text` is what follows `found, but `, and perhaps more.
    fn from_text(text: &[u8]) -> Self {
        // Texts that hold an error in the middle are told by their ends; the more special ones
        // stand first.
        const REASONS: [(&[u8], OrphanReason); 10] = [
            (b"volume paths are still present on disk", OrphanReason::VolumePaths),
            (b"volume subpaths are still present on disk", OrphanReason::VolumeSubpaths),
            (b" when trying to remove the volumes dir", OrphanReason::RemoveVolumesDir),
            (b" when trying to remove the pod directory", OrphanReason::RemovePodDir),
            (b"failed to rmdir() volume at path ", OrphanReason::RemoveVolume),
            (b"failed to rmdir() subpath at path ", OrphanReason::RemoveSubpath),
            (b" during reading volume dir from disk", OrphanReason::ReadVolumesDir),
            (b" during reading of volume-subpaths dir from disk", OrphanReason::ReadSubpathsDir),
            (b" during reading volume-subpaths dir from disk", OrphanReason::ReadSubpathsDir),
            (b" during reading volume subpaths from disk", OrphanReason::ReadSubpathsDir),
        ];
        REASONS
            .iter()
            .find(|(phrase, _)| memmem::find(text, phrase).is_some())
            .map_or(Self::Other, |(_, reason)| *reason)
    }
}

/// The event in the body of a klog line, printed or structured.
///
/// ```
/// use chiplog_parse::events::kubelet::{self, KubeletEvent, OrphanReason};
/// let body = b"Orphaned pod \"3f1c9b0e\" found, but volume paths are still present on disk : \
///     There were a total of 3 errors similar to this. Turn up verbosity to see them.";
/// let event = kubelet::parse(body).unwrap();
/// let reason = OrphanReason::VolumePaths;
/// assert_eq!(event, KubeletEvent::OrphanedPod { pod_uid: b"3f1c9b0e", reason, count: Some(3) });
/// ```
#[must_use]
pub fn parse(body: &[u8]) -> Option<KubeletEvent<'_>> {
    match body.first()? {
        b'"' => {
            // The message decides before the pairs are looked at.
            let (msg, _) = go::quoted(body).ok()?;
            Carrier::of(msg)?;
            let structured = klog::structured(body)?;
            parse_fields(structured.msg, structured.fields())
        }
        _ => printed(Text::plain(body)),
    }
}

/// The event in a message with fields, from whatever format they come: klog's own, or the JSON
/// of `--logging-format=json`. A message without matching fields is taken as a printed one, as
/// JSON logging carries those too.
///
/// ```
/// use chiplog_parse::events::kubelet::{self, KubeletEvent};
/// use chiplog_parse::{Escape, Text, Value};
/// let msg = Text::new(b"Skipping pod synchronization", Escape::Json);
/// let err = Text::new(b"PLEG is not healthy: pleg was last seen active 3m1s ago; threshold is 3m0s", Escape::Json);
/// let event = kubelet::parse_fields(msg, [(&b"err"[..], Value::Text(err))]);
/// assert!(matches!(event, Some(KubeletEvent::PlegUnhealthy { last_active_nanos: Some(181_000_000_000), .. })));
/// ```
pub fn parse_fields<'a>(
    msg: Text<'a>,
    fields: impl IntoIterator<Item = (&'a [u8], Value<'a>)>,
) -> Option<KubeletEvent<'a>> {
    let Some(carrier) = Carrier::of(msg) else {
        return printed(msg);
    };
    let (mut error, mut count, mut delay, mut reason, mut verb, mut url) = Default::default();
    for (key, value) in fields {
        let slot: &mut Option<Text<'a>> = match key {
            b"err" => &mut error,
            b"numErrs" => &mut count,
            b"delay" => &mut delay,
            b"reason" => &mut reason,
            b"verb" => &mut verb,
            b"URL" => &mut url,
            _ => continue,
        };
        *slot = Some(value.text());
    }
    match carrier {
        Carrier::SimilarErrors => {
            let (pod_uid, reason) = orphan(error?.raw())?;
            let count = count.and_then(|count| match decimal(count.raw())? {
                (number, length) if length == count.raw().len() => Some(number),
                _ => None,
            });
            Some(KubeletEvent::OrphanedPod { pod_uid, reason: OrphanReason::from_text(reason), count })
        }
        Carrier::SkippingSync => pleg(error?.raw()),
        Carrier::WaitedBefore => {
            if !reason?.raw().starts_with(b"client-side throttling") {
                return None;
            }
            let duration_nanos = go::parse_duration(delay?.raw()).ok()?;
            Some(KubeletEvent::ClientThrottle { duration_nanos, verb: verb?.raw(), url: url? })
        }
    }
}

/// Messages whose fields hold the event.
enum Carrier {
    SimilarErrors,
    SkippingSync,
    WaitedBefore,
}

impl Carrier {
    fn of(msg: Text<'_>) -> Option<Self> {
        match msg.raw() {
            b"There were many similar errors. Turn up verbosity to see them." => Some(Self::SimilarErrors),
            b"Skipping pod synchronization" => Some(Self::SkippingSync),
            b"Waited before sending request" => Some(Self::WaitedBefore),
            _ => None,
        }
    }
}

/// The event in a message without fields.
fn printed(msg: Text<'_>) -> Option<KubeletEvent<'_>> {
    let raw = without_line_feed(msg);
    match raw.first()? {
        b'O' | b'o' => {
            let (pod_uid, reason) = orphan(raw)?;
            let count = total(reason);
            Some(KubeletEvent::OrphanedPod { pod_uid, reason: OrphanReason::from_text(reason), count })
        }
        b's' => pleg(raw.strip_prefix(b"skipping pod synchronization - ")?),
        b'W' => {
            let (duration_nanos, rest) = leading_duration(raw.strip_prefix(b"Waited for ")?)?;
            let rest = rest.strip_prefix(b" due to client-side throttling")?;
            throttled(duration_nanos, rest, msg)
        }
        b'T' => {
            let (duration_nanos, rest) = leading_duration(raw.strip_prefix(b"Throttling request took ")?)?;
            throttled(duration_nanos, rest, msg)
        }
        _ => None,
    }
}

/// The raw message without the line feed that JSON logging keeps at the end of a printed one.
fn without_line_feed(msg: Text<'_>) -> &[u8] {
    let raw = msg.raw();
    let end: &[u8] = if msg.escape() == crate::Escape::None { b"\n" } else { br"\n" };
    raw.strip_suffix(end).unwrap_or(raw)
}

/// The UID and the text after `found, but `. Quotes may be escaped, at any depth.
fn orphan(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = text.strip_prefix(b"O").or_else(|| text.strip_prefix(b"o"))?;
    let rest = after_quote(rest.strip_prefix(b"rphaned pod ")?)?;
    let (uid, rest) = rest.split_at(rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?);
    let reason = after_quote(rest)?.strip_prefix(b" found, but ")?;
    (!uid.is_empty()).then_some((uid, reason))
}

fn after_quote(text: &[u8]) -> Option<&[u8]> {
    let backslashes = text.iter().take_while(|byte| **byte == b'\\').count();
    text[backslashes..].strip_prefix(b"\"")
}

/// N of `There were a total of N errors similar to this`, anywhere in `text`.
pub(super) fn total(text: &[u8]) -> Option<u64> {
    const BEFORE: &[u8] = b"There were a total of ";
    let rest = &text[memmem::find(text, BEFORE)? + BEFORE.len()..];
    let (number, length) = decimal(rest)?;
    rest[length..].starts_with(b" errors similar to this").then_some(number)
}

fn pleg(errors: &[u8]) -> Option<KubeletEvent<'_>> {
    const UNHEALTHY: &[u8] = b"PLEG is not healthy: ";
    let detail = &errors[memmem::find(errors, UNHEALTHY)? + UNHEALTHY.len()..];
    let last_active = detail.strip_prefix(b"pleg was last seen active ").and_then(leading_duration);
    let threshold = last_active
        .and_then(|(_, rest)| rest.strip_prefix(b" ago; threshold is "))
        .and_then(leading_duration);
    Some(KubeletEvent::PlegUnhealthy {
        last_active_nanos: last_active.map(|(nanos, _)| nanos),
        threshold_nanos: threshold.map(|(nanos, _)| nanos),
    })
}

fn leading_duration(text: &[u8]) -> Option<(i64, &[u8])> {
    let (nanos, length) = go::duration(text).ok()?;
    Some((nanos, &text[length..]))
}

/// `rest` is what follows the duration: `.., request: VERB:URL`.
fn throttled<'a>(duration_nanos: i64, rest: &'a [u8], msg: Text<'a>) -> Option<KubeletEvent<'a>> {
    const REQUEST: &[u8] = b", request: ";
    let request = &rest[memmem::find(rest, REQUEST)? + REQUEST.len()..];
    let (verb, url) = request.split_at_checked(memchr::memchr(b':', request)?)?;
    Some(KubeletEvent::ClientThrottle { duration_nanos, verb, url: Text::new(&url[1..], msg.escape()) })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::Escape;
    use proptest::prelude::*;
    use std::vec::Vec;

    const TOTAL: &str = " : There were a total of 2 errors similar to this. Turn up verbosity to see them.";

    fn orphaned(text: &str) -> Option<(&[u8], OrphanReason, Option<u64>)> {
        match parse(text.as_bytes()) {
            Some(KubeletEvent::OrphanedPod { pod_uid, reason, count }) => Some((pod_uid, reason, count)),
            _ => None,
        }
    }

    #[test]
    fn reasons_of_many_releases() {
        for (text, reason) in [
            ("volume paths are still present on disk", OrphanReason::VolumePaths),
            ("volume subpaths are still present on disk", OrphanReason::VolumeSubpaths),
            ("error <nil> occured during reading volume dir from disk", OrphanReason::ReadVolumesDir),
            ("error EIO occurred during reading volume dir from disk", OrphanReason::ReadVolumesDir),
            ("error EIO occurred during reading volume subpaths from disk", OrphanReason::ReadSubpathsDir),
            ("error occurred when trying to remove the volumes dir: EBUSY", OrphanReason::RemoveVolumesDir),
            ("failed to rmdir() volume at path /a: EBUSY", OrphanReason::RemoveVolume),
            ("failed to rmdir() subpath at path /a: EBUSY", OrphanReason::RemoveSubpath),
            ("volumes are not cleaned up", OrphanReason::Other),
        ] {
            let body = std::format!("Orphaned pod \"u-1\" found, but {text}");
            assert_eq!(orphaned(&body), Some((&b"u-1"[..], reason, None)));
            assert_eq!(orphaned(&(body + TOTAL)), Some((&b"u-1"[..], reason, Some(2))));
        }
    }

    #[test]
    fn json_logging_gives_the_same_events() {
        let json = |text| Text::new(text, Escape::Json);
        let printed = br#"orphaned pod \"u-1\" found, but volume paths are still present on disk : There were a total of 2 errors similar to this. Turn up verbosity to see them.\n"#;
        let expected =
            KubeletEvent::OrphanedPod { pod_uid: b"u-1", reason: OrphanReason::VolumePaths, count: Some(2) };
        assert_eq!(parse_fields(json(printed), [(&b"v"[..], Value::Raw(b"0"))]), Some(expected));

        let msg = json(b"There were many similar errors. Turn up verbosity to see them.");
        let err = json(br#"orphaned pod \"u-1\" found, but volume paths are still present on disk"#);
        let fields = [(&b"numErrs"[..], Value::Raw(b"2")), (&b"err"[..], Value::Text(err))];
        assert_eq!(parse_fields(msg, fields), Some(expected));

        let waited = json(br"Waited for 1.5s due to client-side throttling, request: GET:https://a/b?c=d\n");
        assert_eq!(
            parse_fields(waited, []),
            Some(KubeletEvent::ClientThrottle {
                duration_nanos: 1_500_000_000,
                verb: b"GET",
                url: json(b"https://a/b?c=d"),
            })
        );
    }

    #[test]
    fn phrases_inside_other_messages_are_no_events() {
        for body in [
            "Node became not ready: PLEG is not healthy: pleg was last seen active 3m1s ago; threshold is 3m0s",
            "\"Node became not ready\" condition={\"message\":\"PLEG is not healthy: pleg has yet to be successful\"}",
            "\"Skipping pod synchronization\" err=\"container runtime is down\"",
            "\"Clean up orphaned pod directories\"",
            "orphaned pod \"\" found, but volume paths are still present on disk",
            "\"There were many similar errors. Turn up verbosity to see them.\" numErrs=4",
            "\"Waited before sending request\" delay=\"1s\" reason=\"retries: 1\" verb=\"GET\" URL=\"https://a\"",
            "Waited for 1s due to client-side throttling, request: GET",
            "Throttling request took long, request: GET:https://a",
            "",
        ] {
            assert_eq!(parse(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn pleg_details_may_be_cut() {
        let text =
            b"skipping pod synchronization - PLEG is not healthy: pleg was last seen active 3m1s ago; thr";
        let expected =
            KubeletEvent::PlegUnhealthy { last_active_nanos: Some(181_000_000_000), threshold_nanos: None };
        assert_eq!(parse(text), Some(expected));
    }

    proptest! {
        #[test]
        fn never_panics(
            start in prop::sample::select(&["", "orphaned pod ", "Waited for 1s", "\"Skipping pod synchronization\" "]),
            rest in any::<Vec<u8>>(),
        ) {
            let mut body = start.as_bytes().to_vec();
            body.extend_from_slice(&rest);
            let _ = parse(&body);
        }
    }
}
