//! Kubernetes components with `--logging-format=json`.
//!
//! ```text
//! {"ts":F,"logger":S?,"caller":"dir/file.go:N"?,"msg":S, values.., "v":N?, pairs.., "err":S?}
//! ```
//!
//! (kubernetes `component-base/logs/json/json.go`, go-logr/zapr `zapr.go`.) `ts` is a number of
//! **milliseconds** since the epoch, although the documentation shows seconds; below 1e11 it is
//! taken as seconds. `caller` exists since 1.22, `logger` since 1.24.
//!
//! There is no severity. Since 1.23 a line with `v` is an info and one without an error; before,
//! errors had `v` too, behind their `err`. Lost: `klog.Warning` cannot be told from info, in 1.20
//! not even errors logged without an error value, and time below a microsecond.

use crate::json::{self, Member, Members};
use crate::{ParseError, Severity, Text, UnixNanos, Value, zap::split_caller};

/// One line of a Kubernetes component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KlogJson<'a> {
    /// [`Severity::Info`] or [`Severity::Error`]; see the module.
    pub severity: Severity,
    /// The time, to the microsecond.
    pub time: UnixNanos,
    /// The name of the logger.
    pub logger: Option<Text<'a>>,
    /// The caller's file, `dir/file.go`.
    pub file: Option<Text<'a>>,
    /// The line in that file.
    pub line: Option<u32>,
    /// The message.
    pub message: Text<'a>,
    /// The verbosity of an info.
    pub verbosity: Option<i64>,
    /// The error value, a string as a rule.
    pub error: Option<Value<'a>>,
    object: &'a [u8],
}

impl<'a> KlogJson<'a> {
    /// The other pairs in order of appearance; duplicate keys are kept.
    #[must_use]
    pub const fn fields(&self) -> Fields<'a> {
        Fields { members: json::members(self.object), seen: 0 }
    }
}

/// Iterator over the fields of a [`KlogJson`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    members: Members<'a>,
    seen: u8,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let member = self.members.next()?.ok()?;
            if role(&member, &mut self.seen).is_none() {
                return Some((member.key, member.value.into()));
            }
        }
    }
}

/// What a member is to the record, unless it is one of the pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Time,
    Logger,
    Caller,
    Message,
    Verbosity,
    Error,
}

/// The first member of each name is the record's; a logger or caller behind the message is not.
fn role(member: &Member<'_>, seen: &mut u8) -> Option<Role> {
    let role = match member.key.raw() {
        b"ts" => Role::Time,
        b"logger" => Role::Logger,
        b"caller" => Role::Caller,
        b"msg" => Role::Message,
        b"v" if matches!(member.value, json::Value::Number(_)) => Role::Verbosity,
        b"err" => Role::Error,
        _ => return None,
    };
    let message_seen = *seen & 1 << Role::Message as u8 != 0;
    if *seen & 1 << role as u8 != 0 || message_seen && matches!(role, Role::Logger | Role::Caller) {
        return None;
    }
    *seen |= 1 << role as u8;
    Some(role)
}

/// Reads one line.
///
/// ```
/// use chiplog_parse::{Severity, klog_json};
/// let line = br#"{"ts":1709618828120.034,"caller":"app/server.go:63","msg":"bad","err":"E"}"#;
/// let record = klog_json::parse(line)?;
/// assert_eq!(record.severity, Severity::Error);
/// assert_eq!(record.time.to_string(), "2024-03-05T06:07:08.120034Z");
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
///
/// # Errors
///
/// The line is not one JSON object with a number `ts` and a string `msg`, or has a `level`
/// (then it is zap's).
pub fn parse(line: &[u8]) -> Result<KlogJson<'_>, ParseError> {
    let mut seen = 0;
    let (mut time, mut logger, mut caller, mut message) = (None, None, None, None);
    let (mut verbosity, mut error, mut error_first) = (None, None, false);
    for member in json::members(line) {
        let member = member?;
        match (role(&member, &mut seen), member.value) {
            (Some(Role::Time), json::Value::Number(number)) => time = json::epoch(number),
            (Some(Role::Logger), value) => logger = value.as_string(),
            (Some(Role::Caller), value) => caller = value.as_string(),
            (Some(Role::Message), value) => message = value.as_string(),
            (Some(Role::Verbosity), json::Value::Number(number)) => {
                verbosity = json::scaled(number, 0);
                error_first = error.is_some();
            }
            (Some(Role::Error), value) => error = Some(Value::from(value)),
            (None, _) if member.key.raw() == b"level" && message.is_none() => {
                return Err(ParseError::new("no `level` before `msg`", 0));
            }
            _ => {}
        }
    }
    let time = time.ok_or_else(|| ParseError::new("a number `ts`", 0))?;
    let message = message.ok_or_else(|| ParseError::new("a `msg`", 0))?;
    let severity = if verbosity.is_none() || error_first { Severity::Error } else { Severity::Info };
    let (file, line_number) = split_caller(caller);
    Ok(KlogJson { severity, time, logger, file, line: line_number, message, verbosity, error, object: line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_value_makes_no_error_of_an_info() {
        let severity = |line: &[u8]| parse(line).unwrap().severity;
        assert_eq!(severity(br#"{"ts":1,"msg":"m","v":0,"err":"E"}"#), Severity::Info);
        assert_eq!(severity(br#"{"ts":1,"msg":"m","err":"E","v":0}"#), Severity::Error);
        assert_eq!(severity(br#"{"ts":1,"msg":"m","v":"0"}"#), Severity::Error);
    }

    #[test]
    fn every_cut_is_refused() {
        let line = br#"{"ts":1709618828120.034,"logger":"a","msg":"m","v":0,"pod":{"name":"n"}}"#;
        assert!(parse(line).is_ok());
        assert!((0..line.len()).all(|cut| parse(&line[..cut]).is_err()));
    }
}
