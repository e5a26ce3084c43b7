//! Traces of slow operations that the apiserver and clients log, a line at a time.
//!
//! ```text
//! head = "Trace[" id "]: " name SP [ fields SP ] "(" start ") (total time: " duration "):"
//! step = "Trace[" id "]: " *SP "---" name SP [ fields SP ] 1*DIGIT "ms (" end ")" *"]"
//!      / "Trace[" id "]: [" duration "] [" duration "] " text          ; to Kubernetes 1.18
//! nest = "Trace[" id "]: " *SP "[" name SP [ fields SP ] 1*DIGIT "ms (" end ")" *"]"
//! end  = "Trace[" id "]: [" duration "] [" duration "] END"
//! name = a Go double-quoted string
//! ```
//!
//! A trace is one klog record of several lines, of which the first stands behind the header.
//! Older releases write an empty line after the end. Fields are `name:value` joined by commas;
//! they hold what clients send (a user agent), so lines are read from both ends and the fields
//! are left out. Source: kubernetes/utils `trace/trace.go`, 2020-07 and later; before that the
//! apiserver's own copy, `k8s.io/apiserver/pkg/util/trace`.
//!
//! etcd's own traces (`trace[1] range`) are another format.

use crate::bytes::decimal;
use crate::{ParseError, Text, go};

/// One line of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceLine<'a> {
    /// What the line is to its trace.
    pub kind: TraceKind,
    /// A random number that ties the lines of a trace together.
    pub trace_id: u64,
    /// The name of the trace, of the step or of the nested trace; `None` at the end.
    pub name: Option<Text<'a>>,
    /// Head and end: how long the whole trace took. Step: how long this step took. Nested: how
    /// long the nested trace took. In nanoseconds; heads and steps are printed in whole
    /// milliseconds from Kubernetes 1.19 on.
    pub duration_nanos: i64,
}

/// What a line is to its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TraceKind {
    /// The first line: name and total time.
    Head,
    /// A step.
    Step,
    /// The head of a trace inside the trace; its steps follow, indented.
    Nested,
    /// The last line.
    End,
}

/// Reads one line of a trace, without the klog header before the first.
///
/// ```
/// use chiplog_parse::events::utiltrace::{self, TraceKind};
/// let line = br#"Trace[12]: "List" verb:LIST (05-Mar-2024 06:07:08.120) (total time: 1234ms):"#;
/// let trace = utiltrace::parse(line).unwrap();
/// assert_eq!((trace.kind, trace.trace_id, trace.duration_nanos), (TraceKind::Head, 12, 1_234_000_000));
/// assert_eq!(trace.name.unwrap().raw(), b"List");
/// ```
///
/// # Errors
///
/// If the line is none of the forms above.
pub fn parse(line: &[u8]) -> Result<TraceLine<'_>, ParseError> {
    let (trace_id, rest) =
        trace_id(line).ok_or_else(|| ParseError::new("a trace number (`Trace[1]: `)", 0))?;
    let text = rest.trim_ascii_start();
    let parsed = match text {
        [b'"', ..] => head(text),
        [b'[', b'"', ..] => summary(&text[1..]).map(|(name, nanos)| (TraceKind::Nested, Some(name), nanos)),
        [b'[', ..] => elapsed(text),
        [b'-', b'-', b'-', step @ ..] => {
            summary(step).map(|(name, nanos)| (TraceKind::Step, Some(name), nanos))
        }
        _ => None,
    };
    let (kind, name, duration_nanos) = parsed
        .ok_or_else(|| ParseError::new("the head, a step or the end of a trace", line.len() - text.len()))?;
    Ok(TraceLine { kind, trace_id, name, duration_nanos })
}

fn trace_id(line: &[u8]) -> Option<(u64, &[u8])> {
    let rest = line.strip_prefix(b"Trace[")?;
    let (trace_id, length) = decimal(rest)?;
    Some((trace_id, rest[length..].strip_prefix(b"]: ")?))
}

/// `"name" fields (start) (total time: D):`
fn head(text: &[u8]) -> Option<(TraceKind, Option<Text<'_>>, i64)> {
    const TOTAL: &[u8] = b" (total time: ";
    let (name, length) = go::quoted(text).ok()?;
    let rest = text[length..].strip_suffix(b"):")?;
    let total = &rest[memchr::memmem::rfind(rest, TOTAL)? + TOTAL.len()..];
    Some((TraceKind::Head, Some(name), go::parse_duration(total).ok()?))
}

/// `"name" fields Nms (end)`, with the brackets of nested traces that end here.
fn summary(text: &[u8]) -> Option<(Text<'_>, i64)> {
    let (name, length) = go::quoted(text).ok()?;
    let mut rest = &text[length..];
    while let Some(shorter) = rest.strip_suffix(b"]") {
        rest = shorter;
    }
    let rest = rest.strip_suffix(b")")?;
    let (rest, _) = rest.split_at_checked(memchr::memmem::rfind(rest, b" (")?)?;
    let took = &rest[memchr::memrchr(b' ', rest)? + 1..];
    Some((name, go::parse_duration(took).ok()?))
}

/// `[D since the start] [D since the last step] text`
fn elapsed(text: &[u8]) -> Option<(TraceKind, Option<Text<'_>>, i64)> {
    let (since_start, rest) = bracketed_duration(text)?;
    let (since_step, rest) = bracketed_duration(rest)?;
    Some(match rest {
        b"END" => (TraceKind::End, None, since_start),
        step => (TraceKind::Step, Some(Text::plain(step)), since_step),
    })
}

fn bracketed_duration(text: &[u8]) -> Option<(i64, &[u8])> {
    let text = text.strip_prefix(b"[")?;
    let (nanos, length) = go::duration(text).ok()?;
    Some((nanos, text[length..].strip_prefix(b"] ")?))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::{format, string::String};

    fn read(line: &str) -> Option<(TraceKind, String, i64)> {
        let trace = parse(line.as_bytes()).ok()?;
        let name = trace.name.map_or(String::new(), |name| format!("{name}"));
        Some((trace.kind, name, trace.duration_nanos / 1_000_000))
    }

    #[test]
    fn nested_traces() {
        let head =
            r#"Trace[7]: ["Create etcd3" audit-id:b195db3b,key:/a,type:*core.Pod 958ms (23:15:16.399)"#;
        assert_eq!(read(head), Some((TraceKind::Nested, "Create etcd3".into(), 958)));
        let last_step = r#"Trace[7]:  ---"Txn call succeeded" 944ms (23:15:18.321)]]"#;
        assert_eq!(read(last_step), Some((TraceKind::Step, "Txn call succeeded".into(), 944)));
        let alone = r#"Trace[7]:  ["List(recursive=false) etcd3" key:/a,continue: 14272ms (23:16:05.848)]]"#;
        assert_eq!(read(alone), Some((TraceKind::Nested, "List(recursive=false) etcd3".into(), 14_272)));
    }

    #[test]
    fn fields_do_not_mislead() {
        let head = r#"Trace[7]: "Get" user-agent:x (total time: 1ms): (05-Mar-2024 06:07:08.120) (total time: 5ms):"#;
        assert_eq!(read(head), Some((TraceKind::Head, "Get".into(), 5)));
        let step = r#"Trace[7]: ---"say \"9ms (\"" a:9ms (x) 5ms (06:07:08.120)"#;
        assert_eq!(read(step), Some((TraceKind::Step, "say \"9ms (\"".into(), 5)));
    }

    #[test]
    fn old_steps_tell_their_own_time() {
        assert_eq!(read("Trace[7]: [1.5s] [500ms] Listing"), Some((TraceKind::Step, "Listing".into(), 500)));
        assert_eq!(read("Trace[7]: [1.5s] [500ms] END"), Some((TraceKind::End, String::new(), 1_500)));
    }

    proptest! {
        #[test]
        fn never_panics(rest in "[-\\[\\]\"a0-9ms ():]{0,24}", cut in any::<prop::sample::Index>()) {
            let _ = parse(format!("Trace[1]: {rest}").as_bytes());
            let line = br#"Trace[7]: ---"a" b:c 5ms (06:07:08.120)]"#;
            let _ = parse(&line[..cut.index(line.len())]);
        }
    }
}
