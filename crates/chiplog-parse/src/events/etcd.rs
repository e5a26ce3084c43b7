//! What etcd says when it is slow.
//!
//! The texts changed often. capnslog texts (to 3.4) are read by [`parse_text`], zap entries
//! (3.4 on) by [`parse_zap`]:
//!
//! | event | capnslog text | zap `msg` |
//! | --- | --- | --- |
//! | [apply slow](EtcdEvent::ApplySlow) | `{prefix}request Q [with result Q] took too long (D) to execute` | `apply request took too long` |
//! | [entries slow](EtcdEvent::EntriesSlow) | `apply entries took too long [D for N entries]` (to 3.1.17, 3.2.22, 3.3.0) | |
//! | [large range advice](EtcdEvent::LargeRangeAdvice) | `avoid queries with large range/delete range!` | |
//! | [apply failed](EtcdEvent::ApplyFailed) | `failed to apply request,took D,request R,resp R,err is E` (3.3.21 on), `failed to apply request Q with response Q took (D) to execute, err is E` (3.4) | `failed to apply request` |
//! | [heartbeat late](EtcdEvent::HeartbeatLate) | `failed to send out heartbeat on time (exceeded the D timeout for D[, to HEX])` | `leader failed to send out heartbeat on time; took too long, leader is overloaded likely from slow disk` |
//! | [overloaded](EtcdEvent::Overloaded) | `server is likely overloaded` | |
//! | [fdatasync slow](EtcdEvent::FdatasyncSlow) | `sync duration of D, expected less than D` | `slow fdatasync` |
//! | [read index slow](EtcdEvent::ReadIndexSlow) | `waiting for ReadIndex response took too long, retrying (sent-request-id: N, retry-timeout: D)` | the same to `retrying` |
//! | [read index timeout](EtcdEvent::ReadIndexTimeout) | `timed out waiting for read index response (local node might have slow network)` | the same |
//! | [request stats](EtcdEvent::RequestStats) | `start time = T, time spent = D, remote = A, response type = M, .., request content = R` (3.4, debug) | `request stats` |
//! | [trace](EtcdEvent::Trace) | | `trace[N] NAME` |
//! | [snapshot slow](EtcdEvent::SnapshotSlow) | | `snapshotting taking too long to transfer` |
//! | [clock drift](EtcdEvent::ClockDrift) | `the clock difference against peer P is too high [D > D]` | `prober found high clock drift` |
//! | [compaction](EtcdEvent::Compaction) | `finished scheduled compaction at N (took D)` | `finished scheduled compaction` |
//! | [tick missed](EtcdEvent::TickMissed) | `[ID (leader BOOL) ]A tick missed to fire. Node blocks too long!` | the same |
//!
//! (etcd `server/etcdserver/util.go`, `server/etcdserver/apply*.go`, `server/etcdserver/raft.go`,
//! `server/storage/wal/wal.go`, `pkg/traceutil/trace.go` and their places in earlier releases.)
//!
//! Requests and responses are protobuf text ([`crate::prototext`]) once decoded. Keys of users
//! stand in them, so that texts are matched from start to end: the words `took too long` within a
//! key, and RPC errors that hold them, are no event.
//!
//! Lost: etcd is silent below its thresholds (100 ms for a request unless configured, 1 s for
//! the disk), and zap samples entries beyond 100 a second of one message.

use memchr::memmem;
use nom::bytes::complete::{tag, take_until, take_while1};
use nom::combinator::{all_consuming, opt, rest};
use nom::sequence::{delimited, preceded};
use nom::{AsChar, IResult, Parser};

use crate::json;
use crate::zap::Zap;
use crate::{Text, Value, go};

/// An event in an etcd log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EtcdEvent<'a> {
    /// Applying one request took longer than the threshold.
    ApplySlow {
        /// How long it took.
        duration_nanos: i64,
        /// The threshold; not printed by capnslog.
        threshold_nanos: Option<i64>,
        /// `read-only range `, `read-only txn ` (3.5 on; before, transactions count as ranges)
        /// or empty for requests that went through raft.
        prefix: Text<'a>,
        /// The request; unknown in a fragment of a text ([`parse_fragment`]).
        request: Option<Text<'a>>,
        /// What was answered, unless it was an error or the release does not say (3.3.1 to 3.3.7).
        response: Option<Text<'a>>,
        /// The error that was answered.
        error: Option<Text<'a>>,
    },
    /// Applying a batch of raft entries took longer than 100 ms (3.0: 10 ms) for each.
    EntriesSlow {
        /// How long the whole batch took.
        duration_nanos: i64,
        /// The number of entries in it.
        entries: u64,
    },
    /// Advice that follows [`EtcdEvent::EntriesSlow`].
    LargeRangeAdvice,
    /// A request was refused when it was applied.
    ApplyFailed {
        /// How long that took.
        duration_nanos: i64,
        /// The request.
        request: Text<'a>,
        /// What was answered.
        response: Text<'a>,
        /// Why it was refused.
        error: Text<'a>,
    },
    /// The leader sent a heartbeat too late.
    HeartbeatLate {
        /// How much later than the threshold: the **excess**, not the whole delay.
        exceeded_nanos: i64,
        /// capnslog: the heartbeat interval. zap: twice that.
        threshold_nanos: Option<i64>,
        /// The member it was for, in hexadecimal (3.3.13 on).
        peer: Option<Text<'a>>,
    },
    /// Follows [`EtcdEvent::HeartbeatLate`].
    Overloaded,
    /// Writing the write-ahead log to disk took longer than the threshold.
    FdatasyncSlow {
        /// How long it took.
        duration_nanos: i64,
        /// The threshold, 1 s.
        threshold_nanos: Option<i64>,
    },
    /// A linearizable read waits for the leader's confirmation and asks again.
    ReadIndexSlow {
        /// The interval between two attempts: a setting, not a measurement.
        retry_timeout_nanos: Option<i64>,
        /// The id of the read index request.
        request_id: Option<u64>,
    },
    /// A linearizable read gave up waiting for the leader's confirmation.
    ReadIndexTimeout {
        /// After how long.
        timeout_nanos: Option<i64>,
    },
    /// A unary RPC took more than 300 ms (or any, at debug level).
    RequestStats {
        /// How long it took in the server.
        duration_nanos: i64,
        /// The full method, `/etcdserverpb.KV/Range`.
        method: Option<Text<'a>>,
        /// The client's address.
        remote: Option<Text<'a>>,
        /// The request.
        request: Option<Text<'a>>,
    },
    /// The steps of a request that took more than 100 ms.
    Trace {
        /// A random number that all lines of the trace share.
        trace_id: u64,
        /// The operation: `range`, `put`, `transaction`, `compact`..
        name: Text<'a>,
        /// How long it took.
        duration_nanos: i64,
        /// Its steps.
        steps: TraceSteps<'a>,
    },
    /// Sending a snapshot to a follower takes long.
    SnapshotSlow {
        /// How long it took so far.
        duration_nanos: i64,
        /// The size of the snapshot.
        size_bytes: Option<u64>,
    },
    /// The clock of another member differs from the own one.
    ClockDrift {
        /// By how much.
        duration_nanos: i64,
        /// The other member's id, in hexadecimal.
        peer: Option<Text<'a>>,
    },
    /// A compaction is done.
    Compaction {
        /// How long it took.
        duration_nanos: i64,
        /// Revisions below this one are gone.
        revision: u64,
    },
    /// Raft did not take a clock tick in time: the process was starved of CPU, or blocked.
    TickMissed,
}

impl<'a> EtcdEvent<'a> {
    /// The name of the kind in lower case with underscores, `apply_slow`.
    #[must_use]
    pub const fn kind_name(&self) -> &'static str {
        match self {
            Self::ApplySlow { .. } => "apply_slow",
            Self::EntriesSlow { .. } => "entries_slow",
            Self::LargeRangeAdvice => "large_range_advice",
            Self::ApplyFailed { .. } => "apply_failed",
            Self::HeartbeatLate { .. } => "heartbeat_late",
            Self::Overloaded => "overloaded",
            Self::FdatasyncSlow { .. } => "fdatasync_slow",
            Self::ReadIndexSlow { .. } => "read_index_slow",
            Self::ReadIndexTimeout { .. } => "read_index_timeout",
            Self::RequestStats { .. } => "request_stats",
            Self::Trace { .. } => "trace",
            Self::SnapshotSlow { .. } => "snapshot_slow",
            Self::ClockDrift { .. } => "clock_drift",
            Self::Compaction { .. } => "compaction",
            Self::TickMissed => "tick_missed",
        }
    }

    /// The duration the event tells, whatever it means for the kind: see the field's own
    /// documentation before comparing kinds.
    #[must_use]
    pub const fn duration_nanos(&self) -> Option<i64> {
        match *self {
            Self::ApplySlow { duration_nanos, .. }
            | Self::EntriesSlow { duration_nanos, .. }
            | Self::ApplyFailed { duration_nanos, .. }
            | Self::HeartbeatLate { exceeded_nanos: duration_nanos, .. }
            | Self::FdatasyncSlow { duration_nanos, .. }
            | Self::RequestStats { duration_nanos, .. }
            | Self::Trace { duration_nanos, .. }
            | Self::SnapshotSlow { duration_nanos, .. }
            | Self::ClockDrift { duration_nanos, .. }
            | Self::Compaction { duration_nanos, .. } => Some(duration_nanos),
            Self::ReadIndexSlow { retry_timeout_nanos: duration, .. }
            | Self::ReadIndexTimeout { timeout_nanos: duration } => duration,
            Self::LargeRangeAdvice | Self::Overloaded | Self::TickMissed => None,
        }
    }

    /// The threshold that was exceeded, where the line says so.
    #[must_use]
    pub const fn threshold_nanos(&self) -> Option<i64> {
        match *self {
            Self::ApplySlow { threshold_nanos, .. }
            | Self::HeartbeatLate { threshold_nanos, .. }
            | Self::FdatasyncSlow { threshold_nanos, .. } => threshold_nanos,
            _ => None,
        }
    }

    /// The request the event is about.
    #[must_use]
    pub const fn request(&self) -> Option<Text<'a>> {
        match *self {
            Self::ApplySlow { request, .. } | Self::RequestStats { request, .. } => request,
            Self::ApplyFailed { request, .. } => Some(request),
            _ => None,
        }
    }
}

/// The steps of an [`EtcdEvent::Trace`]: those that etcd found long enough to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSteps<'a> {
    array: &'a [u8],
}

impl<'a> TraceSteps<'a> {
    /// Text and duration in nanoseconds of each step. Steps of another form are skipped.
    pub fn iter(&self) -> impl Iterator<Item = (Text<'a>, i64)> + use<'a> {
        json::elements(self.array).flatten().filter_map(|step| trace_step(step.as_string()?))
    }
}

/// `trace[N] 'text' {k:v; } (duration: D)`
fn trace_step(step: Text<'_>) -> Option<(Text<'_>, i64)> {
    let raw = step.raw();
    let quoted = preceded((tag("trace["), number, tag("] '")), take_until("' "));
    let (_, text): (_, &[u8]) = finish({ quoted }.parse_complete(raw))?;
    let duration = memmem::rfind(raw, b"(duration: ")?;
    let duration = raw[duration + "(duration: ".len()..].strip_suffix(b")")?;
    Some((Text::new(text, step.escape()), go::parse_duration(duration).ok()?))
}

type Parsed<'a, T> = IResult<&'a [u8], T, ()>;
type TextParser = fn(&[u8]) -> Parsed<'_, EtcdEvent<'_>>;

fn finish<T>(parsed: Parsed<'_, T>) -> Option<(&[u8], T)> {
    parsed.ok()
}

fn duration(input: &[u8]) -> Parsed<'_, i64> {
    let (nanos, length) = go::duration(input).map_err(|_| nom::Err::Error(()))?;
    Ok((&input[length..], nanos))
}

fn quoted(input: &[u8]) -> Parsed<'_, Text<'_>> {
    let (text, length) = go::quoted(input).map_err(|_| nom::Err::Error(()))?;
    Ok((&input[length..], text))
}

fn number(input: &[u8]) -> Parsed<'_, u64> {
    let (number, length) = crate::bytes::decimal(input).ok_or(nom::Err::Error(()))?;
    Ok((&input[length..], number))
}

fn peer(input: &[u8]) -> Parsed<'_, Text<'_>> {
    take_while1(AsChar::is_hex_digit).map(Text::plain).parse_complete(input)
}

/// The event in a text of capnslog, or in a message that etcd sent to the journal.
///
/// The whole text must be the event.
///
/// ```
/// use chiplog_parse::events::etcd::{EtcdEvent, parse_text};
/// let text = br#"read-only range request "key:\"a\" " with result "size:5" took too long (117.026891ms) to execute"#;
/// let event = parse_text(text).unwrap();
/// assert_eq!((event.kind_name(), event.duration_nanos()), ("apply_slow", Some(117_026_891)));
/// assert_eq!(parse_text(b"etcdserver: request timed out, leader transfer took too long"), None);
/// ```
#[must_use]
pub fn parse_text(message: &[u8]) -> Option<EtcdEvent<'_>> {
    const PARSERS: [TextParser; 11] = [
        apply_slow,
        heartbeat_late,
        fdatasync_slow,
        apply_failed,
        apply_failed_unquoted,
        entries_slow,
        read_index,
        clock_drift,
        compaction,
        request_stats,
        constant,
    ];
    PARSERS.iter().find_map(|parser| match parser(message) {
        Ok(([], event)) => Some(event),
        _ => None,
    })
}

fn apply_slow(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    let prefix = opt(nom::branch::alt((tag("read-only range "), tag("read-only txn "))));
    let request = preceded(tag("request "), quoted);
    let result = opt(preceded(tag(" with result "), quoted));
    let took = delimited(tag(" took too long ("), duration, tag(") to execute"));
    let (remaining, (prefix, request, result, duration_nanos)) =
        (prefix, request, result, took).parse_complete(message)?;
    let error =
        result.and_then(|result| Some(Text::new(result.raw().strip_prefix(b"error:")?, result.escape())));
    Ok((
        remaining,
        EtcdEvent::ApplySlow {
            duration_nanos,
            threshold_nanos: None,
            prefix: Text::plain(prefix.unwrap_or_default()),
            request: Some(request),
            response: result.filter(|_| error.is_none()),
            error,
        },
    ))
}

fn entries_slow(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    (tag("apply entries took too long ["), duration, tag(" for "), number, tag(" entries]"))
        .map(|(_, duration_nanos, _, entries, _)| EtcdEvent::EntriesSlow { duration_nanos, entries })
        .parse_complete(message)
}

fn apply_failed(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    (
        preceded(tag("failed to apply request "), quoted),
        preceded(tag(" with response "), quoted),
        delimited(tag(" took ("), duration, tag(") to execute, err is ")),
        rest,
    )
        .map(|(request, response, duration_nanos, error)| EtcdEvent::ApplyFailed {
            duration_nanos,
            request,
            response,
            error: Text::plain(error),
        })
        .parse_complete(message)
}

/// Nothing is quoted: a key may hold what separates the parts, an error hardly does, so they are
/// cut off from the end.
fn apply_failed_unquoted(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    let took = delimited(tag("failed to apply request,took "), duration, tag(",request "));
    let (tail, duration_nanos) = { took }.parse_complete(message)?;
    let split = |text, separator: &'static [u8]| -> Result<_, nom::Err<()>> {
        let at = memmem::rfind(text, separator).ok_or(nom::Err::Error(()))?;
        Ok((&text[..at], &text[at + separator.len()..]))
    };
    let (tail, error) = split(tail, b",err is ")?;
    let (request, response) = split(tail, b",resp ")?;
    let [request, response, error] = [request, response, error].map(Text::plain);
    Ok((b"", EtcdEvent::ApplyFailed { duration_nanos, request, response, error }))
}

fn heartbeat_late(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    (
        preceded(tag("failed to send out heartbeat on time (exceeded the "), duration),
        preceded(tag(" timeout for "), duration),
        opt(preceded(tag(", to "), peer)),
        tag(")"),
    )
        .map(|(interval, exceeded_nanos, peer, _)| EtcdEvent::HeartbeatLate {
            exceeded_nanos,
            threshold_nanos: Some(interval),
            peer,
        })
        .parse_complete(message)
}

fn fdatasync_slow(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    (tag("sync duration of "), duration, tag(", expected less than "), duration)
        .map(|(_, duration_nanos, _, threshold)| EtcdEvent::FdatasyncSlow {
            duration_nanos,
            threshold_nanos: Some(threshold),
        })
        .parse_complete(message)
}

fn read_index(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    let id = preceded(tag(" (sent-request-id: "), number);
    let timeout = delimited(tag(", retry-timeout: "), duration, tag(")"));
    preceded(tag(READ_INDEX_SLOW), (id, timeout))
        .map(|(id, timeout)| EtcdEvent::ReadIndexSlow {
            retry_timeout_nanos: Some(timeout),
            request_id: Some(id),
        })
        .parse_complete(message)
}

fn clock_drift(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    (
        preceded(tag("the clock difference against peer "), peer),
        delimited(tag(" is too high ["), duration, (tag(" > "), duration, tag("]"))),
        opt(delimited(tag(" (prober "), quoted, tag(")"))),
    )
        .map(|(peer, duration_nanos, _)| EtcdEvent::ClockDrift { duration_nanos, peer: Some(peer) })
        .parse_complete(message)
}

fn compaction(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    (tag("finished scheduled compaction at "), number, tag(" (took "), duration, tag(")"))
        .map(|(_, revision, _, duration_nanos, _)| EtcdEvent::Compaction { duration_nanos, revision })
        .parse_complete(message)
}

fn request_stats(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    let until = |separator: &'static str| (take_until(separator), tag(separator)).map(|(text, _)| text);
    let (request, (_, _, duration_nanos, _, remote, method, _)) = (
        tag("start time = "),
        until(", time spent = "),
        duration,
        tag(", remote = "),
        until(", response type = "),
        until(", request count = "),
        until(", request content = "),
    )
        .parse_complete(message)?;
    let [remote, method, request] = [remote, method, request].map(|text| Some(Text::plain(text)));
    Ok((b"", EtcdEvent::RequestStats { duration_nanos, method, remote, request }))
}

/// Texts without values.
fn constant(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    let event = match message {
        b"server is likely overloaded" => EtcdEvent::Overloaded,
        b"avoid queries with large range/delete range!" => EtcdEvent::LargeRangeAdvice,
        _ if message == READ_INDEX_TIMEOUT.as_bytes() => EtcdEvent::ReadIndexTimeout { timeout_nanos: None },
        _ => return tick_missed(message),
    };
    Ok((b"", event))
}

fn tick_missed(message: &[u8]) -> Parsed<'_, EtcdEvent<'_>> {
    let leader = nom::branch::alt((tag("true"), tag("false")));
    let node = opt((peer, delimited(tag(" (leader "), leader, tag(") "))));
    all_consuming(preceded(node, tag("A tick missed to fire. Node blocks too long!")))
        .map(|_| EtcdEvent::TickMissed)
        .parse_complete(message)
}

/// The end of a slow request whose beginning stands on another line, with its duration.
///
/// etcd 3.2 logged through journald in places where line breaks fell inside the text of the
/// response. The rest then stands alone. Try [`parse_text`] first.
///
/// ```
/// use chiplog_parse::events::etcd;
/// let event = etcd::parse_fragment(br#"ount:6 size:5" took too long (117ms) to execute"#).unwrap();
/// assert_eq!((event.kind_name(), event.duration_nanos()), ("apply_slow", Some(117_000_000)));
/// assert_eq!(etcd::parse_fragment(b"waiting for it took too long (1s) to execute"), None);
/// ```
#[must_use]
pub fn parse_fragment(text: &[u8]) -> Option<EtcdEvent<'_>> {
    const AFTER_QUOTE: &[u8] = br#"" took too long ("#;
    let duration = text.strip_suffix(b") to execute")?;
    let at = memmem::rfind(duration, AFTER_QUOTE)?;
    // A quote that is escaped is part of a key.
    if json::ends_in_open_escape(&text[..at]) {
        return None;
    }
    Some(EtcdEvent::ApplySlow {
        duration_nanos: go::parse_duration(&duration[at + AFTER_QUOTE.len()..]).ok()?,
        threshold_nanos: None,
        prefix: Text::plain(b""),
        request: None,
        response: None,
        error: None,
    })
}

const READ_INDEX_SLOW: &str = "waiting for ReadIndex response took too long, retrying";
const READ_INDEX_TIMEOUT: &str =
    "timed out waiting for read index response (local node might have slow network)";

/// The event in a zap entry, JSON or console.
///
/// ```
/// use chiplog_parse::{events::etcd, zap};
/// let line = br#"{"level":"warn","ts":"2024-03-05T06:07:08.120034Z","msg":"slow fdatasync","took":"1.5s"}"#;
/// let event = etcd::parse_zap(&zap::parse_json(line)?).unwrap();
/// assert_eq!((event.kind_name(), event.duration_nanos()), ("fdatasync_slow", Some(1_500_000_000)));
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
#[must_use]
pub fn parse_zap<'a>(entry: &Zap<'a>) -> Option<EtcdEvent<'a>> {
    parse_fields(entry.message, entry.fields())
}

/// The event in a message and the fields beside it, for any carrier of zap's entries (klog's
/// structured form for one).
///
/// Durations are texts of Go, or numbers of seconds.
pub fn parse_fields<'a>(
    message: Text<'a>,
    fields: impl Iterator<Item = (Text<'a>, Value<'a>)>,
) -> Option<EtcdEvent<'a>> {
    Some(match message.raw() {
        b"apply request took too long" => {
            let [took, threshold, prefix, request, response, error] =
                pick(fields, [b"took", b"expected-duration", b"prefix", b"request", b"response", b"error"]);
            EtcdEvent::ApplySlow {
                duration_nanos: took.and_then(nanos)?,
                threshold_nanos: threshold.and_then(nanos),
                prefix: text(prefix).unwrap_or(Text::plain(b"")),
                request: text(request),
                response: text(response),
                error: text(error),
            }
        }
        b"failed to apply request" => {
            let [took, request, response, error] =
                pick(fields, [b"took", b"request", b"response", b"error"]);
            EtcdEvent::ApplyFailed {
                duration_nanos: took.and_then(nanos)?,
                request: text(request)?,
                response: text(response).unwrap_or(Text::plain(b"")),
                error: text(error).unwrap_or(Text::plain(b"")),
            }
        }
        b"leader failed to send out heartbeat on time; took too long, leader is overloaded likely from slow disk" => {
            let [exceeded, threshold, to] =
                pick(fields, [b"exceeded-duration", b"expected-duration", b"to"]);
            EtcdEvent::HeartbeatLate {
                exceeded_nanos: exceeded.and_then(nanos)?,
                threshold_nanos: threshold.and_then(nanos),
                peer: text(to),
            }
        }
        b"slow fdatasync" => {
            let [took, threshold] = pick(fields, [b"took", b"expected-duration"]);
            EtcdEvent::FdatasyncSlow {
                duration_nanos: took.and_then(nanos)?,
                threshold_nanos: threshold.and_then(nanos),
            }
        }
        b"request stats" => {
            let [spent, method, remote, request] =
                pick(fields, [b"time spent", b"response type", b"remote", b"request content"]);
            EtcdEvent::RequestStats {
                duration_nanos: spent.and_then(nanos)?,
                method: text(method),
                remote: text(remote),
                request: text(request),
            }
        }
        b"snapshotting taking too long to transfer" => {
            let [taking, bytes] = pick(fields, [b"taking", b"bytes"]);
            EtcdEvent::SnapshotSlow {
                duration_nanos: taking.and_then(nanos)?,
                size_bytes: bytes.and_then(whole_number),
            }
        }
        b"prober found high clock drift" => {
            let [drift, peer] = pick(fields, [b"clock-drift", b"remote-peer-id"]);
            EtcdEvent::ClockDrift { duration_nanos: drift.and_then(nanos)?, peer: text(peer) }
        }
        b"finished scheduled compaction" => {
            let [took, revision] = pick(fields, [b"took", b"compact-revision"]);
            EtcdEvent::Compaction {
                duration_nanos: took.and_then(nanos)?,
                revision: revision.and_then(whole_number)?,
            }
        }
        raw if raw == READ_INDEX_SLOW.as_bytes() => {
            let [id, timeout] = pick(fields, [b"sent-request-id", b"retry-timeout"]);
            EtcdEvent::ReadIndexSlow {
                retry_timeout_nanos: timeout.and_then(nanos),
                request_id: id.and_then(whole_number),
            }
        }
        raw if raw == READ_INDEX_TIMEOUT.as_bytes() => {
            let [timeout] = pick(fields, [b"timeout"]);
            EtcdEvent::ReadIndexTimeout { timeout_nanos: timeout.and_then(nanos) }
        }
        raw if raw.starts_with(b"trace[") => {
            let id = delimited(tag("trace["), number, tag("] "));
            let (name, trace_id) = finish({ id }.parse_complete(raw))?;
            let [duration, steps] = pick(fields, [b"duration", b"steps"]);
            EtcdEvent::Trace {
                trace_id,
                name: Text::new(name, message.escape()),
                duration_nanos: duration.and_then(nanos)?,
                steps: TraceSteps {
                    array: steps.map_or(b"[]", |steps| match steps {
                        Value::Raw(array) => array,
                        Value::Text(_) => b"[]",
                    }),
                },
            }
        }
        raw => finish(tick_missed(raw))?.1,
    })
}

/// The values of some fields, in one pass. Of fields that stand twice, the last.
fn pick<'a, const N: usize>(
    fields: impl Iterator<Item = (Text<'a>, Value<'a>)>,
    names: [&[u8]; N],
) -> [Option<Value<'a>>; N] {
    let mut values = [None; N];
    for (key, value) in fields {
        if let Some(at) = names.iter().position(|name| *name == key.raw()) {
            values[at] = Some(value);
        }
    }
    values
}

fn text(value: Option<Value<'_>>) -> Option<Text<'_>> {
    value.map(|value| value.text())
}

fn nanos(value: Value<'_>) -> Option<i64> {
    let raw = value.text().raw();
    match value {
        Value::Raw(_) if json::is_number(raw) => json::scaled(raw, 9),
        _ => go::parse_duration(raw).ok(),
    }
}

fn whole_number(value: Value<'_>) -> Option<u64> {
    all_consuming(number).parse_complete(value.text().raw()).ok().map(|(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_cut_is_no_event() {
        for text in [
            &br#"read-only range request "key:\"a\" " with result "size:1" took too long (117.0ms) to execute"#[..],
            b"apply entries took too long [221.337ms for 2 entries]",
            b"failed to send out heartbeat on time (exceeded the 100ms timeout for 1.2s, to a1b2)",
            b"waiting for ReadIndex response took too long, retrying (sent-request-id: 7, retry-timeout: 500ms)",
            b"the clock difference against peer a1 is too high [1.527s > 1s]",
            b"finished scheduled compaction at 104857 (took 1.204s)",
            b"timed out waiting for read index response (local node might have slow network)",
            b"1122 (leader true) A tick missed to fire. Node blocks too long!",
        ] {
            assert!(parse_text(text).is_some());
            assert!((0..text.len()).all(|cut| parse_text(&text[..cut]).is_none()));
        }
    }

    #[test]
    fn separators_inside_an_unquoted_request() {
        let text = br#"failed to apply request,took 947ns,request put:<key:"a,resp ,err is x">,resp size:27,err is bad"#;
        let Some(EtcdEvent::ApplyFailed { request, response, error, .. }) = parse_text(text) else {
            panic!()
        };
        assert_eq!(request.raw(), br#"put:<key:"a,resp ,err is x">"#);
        assert_eq!((response.raw(), error.raw()), (&b"size:27"[..], &b"bad"[..]));
    }

    #[test]
    fn request_stats_of_capnslog() {
        let text = br#"start time = 2026-11-23 23:00:31.6 +0000 UTC m=+1.0, time spent = 46.4ms, remote = 127.0.0.1:51556, response type = /etcdserverpb.KV/Put, request count = 1, request size = 41, response count = 0, response size = 28, request content = key:"a" "#;
        let event = parse_text(text).unwrap();
        let EtcdEvent::RequestStats { duration_nanos, method, remote, request } = event else {
            panic!("{event:?}")
        };
        assert_eq!(duration_nanos, 46_400_000);
        assert_eq!(method.unwrap().raw(), b"/etcdserverpb.KV/Put");
        assert_eq!(remote.unwrap().raw(), b"127.0.0.1:51556");
        assert_eq!(request.unwrap().raw(), br#"key:"a" "#);
    }

    #[test]
    fn fragments() {
        for (text, wanted) in [
            (&br#"" took too long (1s) to execute"#[..], Some(1_000_000_000)),
            (br#"x\" took too long (1s) to execute"#, None),
            (br#"x\\" took too long (1s) to execute"#, Some(1_000_000_000)),
            (br#"x" took too long (9s) to execute" took too long (1s) to execute"#, Some(1_000_000_000)),
            (br#"x" took too long (1s) to execut"#, None),
            (br#"x" took too long () to execute"#, None),
        ] {
            assert_eq!(parse_fragment(text).and_then(|event| event.duration_nanos()), wanted);
        }
    }

    proptest! {
        #[test]
        fn any_text(tail in r#"[ -~\n]{0,40}"#) {
            for start in ["request \"", "failed to apply request,took 1s,request ", "trace[1] "] {
                let text = [start.as_bytes(), tail.as_bytes()].concat();
                let _ = parse_text(&text);
                let _ = parse_fragment(&text);
                let _ = parse_fields(Text::plain(&text), core::iter::empty());
            }
        }
    }
}
