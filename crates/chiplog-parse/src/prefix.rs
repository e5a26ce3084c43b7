//! What kubectl, docker and docker compose put in front of each line of a container.

use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::char;
use nom::combinator::rest;
use nom::sequence::{delimited, terminated};
use nom::{IResult, Parser};

use crate::{ParseError, UnixNanos, rfc3339};

/// The prefix of `kubectl logs --prefix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kubectl<'a> {
    /// Name of the pod.
    pub pod: &'a [u8],
    /// Name of the container.
    pub container: &'a [u8],
    /// The line without the prefix.
    pub rest: &'a [u8],
}

/// Reads `[pod/NAME/CONTAINER] `.
///
/// Source: kubernetes 1.30 `staging/src/k8s.io/kubectl/pkg/cmd/logs/logs.go`; since 1.17.
///
/// ```
/// let line = chiplog_parse::prefix::kubectl(b"[pod/etcd-node-1/etcd] text").unwrap();
/// assert_eq!((line.pod, line.container), (&b"etcd-node-1"[..], &b"etcd"[..]));
/// assert_eq!(line.rest, b"text");
/// ```
///
/// # Errors
///
/// When the line starts with anything else.
pub fn kubectl(line: &[u8]) -> Result<Kubectl<'_>, ParseError> {
    // Names of pods and containers are DNS names.
    let name = || take_while1(|byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    let names = delimited(tag("[pod/"), (terminated(name(), char('/')), name()), tag("] "));
    let parsed: IResult<&[u8], _> = (names, rest).parse(line);
    let (_, ((pod, container), rest)) = parsed.map_err(|_| ParseError::new("`[pod/NAME/CONTAINER] `", 0))?;
    Ok(Kubectl { pod, container, rest })
}

/// The time that `kubectl logs --timestamps` and `docker logs --timestamps` print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timestamp<'a> {
    /// When the container runtime read the line.
    pub time: UnixNanos,
    /// The line without the prefix.
    pub rest: &'a [u8],
}

/// Reads an RFC 3339 time and a blank.
///
/// ```
/// let line = chiplog_parse::prefix::timestamp(b"2024-03-05T06:07:08.120034567Z text").unwrap();
/// assert_eq!(line.rest, b"text");
/// ```
///
/// # Errors
///
/// When the line starts with anything else.
pub fn timestamp(line: &[u8]) -> Result<Timestamp<'_>, ParseError> {
    let (time, length) = rfc3339::instant(line).ok_or_else(|| ParseError::new("an RFC 3339 time", 0))?;
    match line.get(length..) {
        Some([b' ', rest @ ..]) => Ok(Timestamp { time, rest }),
        _ => Err(ParseError::new("a blank", length)),
    }
}

/// The prefix of `docker compose logs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compose<'a> {
    /// Name of the service, or of the container where the service sets one.
    pub service: &'a [u8],
    /// Number of the container in the service, from 1.
    pub instance: Option<u32>,
    /// The line without the prefix.
    pub rest: &'a [u8],
}

/// Reads `etcd_1  | ` (docker-compose 1) or `etcd-1  | ` (compose 2), not coloured.
///
/// The name is padded with at least one blank. The blank after the bar may be missing at the end
/// of the line.
///
/// Source: docker/compose 1.29 `compose/cli/log_printer.py`, 2.24 `cmd/formatter/logs.go`.
///
/// ```
/// let line = chiplog_parse::prefix::compose(b"etcd_1  | text").unwrap();
/// assert_eq!((line.service, line.instance, line.rest), (&b"etcd"[..], Some(1), &b"text"[..]));
/// ```
///
/// # Errors
///
/// When the line starts with anything else.
pub fn compose(line: &[u8]) -> Result<Compose<'_>, ParseError> {
    let name = take_while1(|byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let blanks = take_while1(|byte| byte == b' ');
    let parsed: IResult<&[u8], _> = (terminated(name, (blanks, char('|'))), rest).parse(line);
    let (_, (name, rest)) = parsed.map_err(|_| ParseError::new("a container name and ` | `", 0))?;
    let rest = match rest {
        [] => rest,
        [b' ', rest @ ..] => rest,
        _ => return Err(ParseError::new("a blank after the bar", line.len() - rest.len())),
    };
    let (service, instance) = split_instance(name).map_or((name, None), |(name, n)| (name, Some(n)));
    Ok(Compose { service, instance, rest })
}

/// `etcd` and 1 of `etcd_1` or `etcd-1`.
fn split_instance(name: &[u8]) -> Option<(&[u8], u32)> {
    let at = memchr::memrchr2(b'_', b'-', name).filter(|at| *at > 0)?;
    let (number, length) = crate::bytes::decimal(name.get(at + 1..)?)?;
    if at + 1 + length != name.len() {
        return None;
    }
    Some((name.get(..at)?, u32::try_from(number).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_brackets_are_no_pods() {
        for line in ["[pod/a/b]", "[pod/a] x", "[pod/a/b/c] x", "[pod/a b/c] x", "[core] x", "[pod//c] x"] {
            assert!(kubectl(line.as_bytes()).is_err(), "{line}");
        }
        assert_eq!(kubectl(b"[pod/a/b] ").unwrap().rest, b"");
    }

    #[test]
    fn compose_names() {
        let read =
            |line: &'static str| compose(line.as_bytes()).map(|c| (c.service, c.instance, c.rest)).ok();
        assert_eq!(read("web-1  |  * x"), Some((&b"web"[..], Some(1), &b" * x"[..])));
        assert_eq!(read("my-db_2 |"), Some((&b"my-db"[..], Some(2), &b""[..])));
        assert_eq!(read("gateway | x"), Some((&b"gateway"[..], None, &b"x"[..])));
        assert_eq!(read("2018-10-22 11:22:16.364641 I | etcdserver: m"), None);
        assert_eq!(read("a |b"), None);
        assert_eq!(read("a| b"), None);
        assert_eq!(read("etcdserver | "), Some((&b"etcdserver"[..], None, &b""[..])));
    }

    #[test]
    fn timestamp_needs_a_blank() {
        assert!(timestamp(b"2024-03-05T06:07:08Z").is_err());
        assert!(timestamp(b"2024-03-05T06:07:08Z ").is_ok());
    }
}
