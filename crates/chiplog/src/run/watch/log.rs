//! The daemon's own log: logfmt on standard error, at most so much of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use super::wall_clock;

/// Messages of one kind about one source within [`PERIOD`]; what is more is counted.
const AT_MOST: u32 = 5;

const PERIOD: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Info,
    Warn,
    Error,
}

#[derive(Debug)]
pub(super) struct Log {
    quiet: bool,
    /// By kind and source. Kinds are few and so are sources.
    spoken: BTreeMap<(&'static str, String), Spoken>,
}

#[derive(Debug)]
struct Spoken {
    since: Instant,
    count: u32,
    suppressed: u64,
}

impl Log {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, spoken: BTreeMap::new() }
    }

    /// Something about the daemon as a whole.
    pub(super) fn say(&self, level: Level, message: &str) {
        self.write(level, message, None, 0);
    }

    /// Something about a source. What is said too often is left out, and counted in the next
    /// message of its kind.
    pub(super) fn about(&mut self, source: &str, kind: &'static str, level: Level, message: &str) {
        if let Some(suppressed) = self.admit(source, kind, Instant::now()) {
            self.write(level, message, Some(source), suppressed);
        }
    }

    /// Whether a message may be said, and how many before it were not.
    fn admit(&mut self, source: &str, kind: &'static str, now: Instant) -> Option<u64> {
        let fresh = Spoken { since: now, count: 0, suppressed: 0 };
        let spoken = self.spoken.entry((kind, source.to_owned())).or_insert(fresh);
        if now.duration_since(spoken.since) >= PERIOD {
            (spoken.since, spoken.count) = (now, 0);
        }
        if spoken.count == AT_MOST {
            spoken.suppressed += 1;
            return None;
        }
        spoken.count += 1;
        Some(std::mem::take(&mut spoken.suppressed))
    }

    fn write(&self, level: Level, message: &str, source: Option<&str>, suppressed: u64) {
        if self.quiet && level == Level::Info {
            return;
        }
        let line = format(&wall_clock::now().to_string(), level, message, source, suppressed);
        // That it cannot be written is no reason to stop.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

fn format(time: &str, level: Level, message: &str, source: Option<&str>, suppressed: u64) -> String {
    let level = match level {
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    let mut line = format!("time={time} level={level} msg={}", value(message));
    if let Some(source) = source {
        let _ = write!(line, " source={}", value(source));
    }
    if suppressed > 0 {
        let _ = write!(line, " suppressed={suppressed}");
    }
    line
}

/// A value of logfmt: quoted where it must be. Names of files are data, and could hold anything.
fn value(text: &str) -> String {
    let is_plain =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"=\\".contains(&byte));
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            _ if character.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        assert_eq!(
            format("T", Level::Warn, "cannot read \"a\\b\"\n\u{1b}[m", Some("files"), 3),
            r#"time=T level=warn msg="cannot read \"a\\b\"\n\u001b[m" source=files suppressed=3"#
        );
        assert_eq!(format("T", Level::Info, "ready", None, 0), "time=T level=info msg=ready");
    }

    #[test]
    fn what_is_said_too_often_is_counted() {
        let (mut log, now) = (Log::new(true), Instant::now());
        for _ in 0..AT_MOST {
            assert_eq!(log.admit("a", "failing", now), Some(0));
        }
        assert_eq!(log.admit("a", "failing", now), None);
        assert_eq!(log.admit("a", "failing", now), None);
        assert_eq!(log.admit("b", "failing", now), Some(0));
        assert_eq!(log.admit("a", "failing", now + PERIOD), Some(2));
        assert_eq!(log.admit("a", "failing", now + PERIOD), Some(0));
    }
}
