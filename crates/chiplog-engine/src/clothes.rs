//! What a line looks like in the envelopes and escapes that logs are found in. For the tests of
//! rules.

use std::fmt::Write;

use chiplog_parse::{Format, Record};

/// A way to write a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clothes {
    EscapedOnce,
    EscapedTwice,
    JournalShort,
    JournalJson,
    Cri,
    DockerJson,
    DockerJsonTwice,
}

impl Clothes {
    pub(crate) const ALL: [Self; 7] = [
        Self::EscapedOnce,
        Self::EscapedTwice,
        Self::JournalShort,
        Self::JournalJson,
        Self::Cri,
        Self::DockerJson,
        Self::DockerJsonTwice,
    ];

    /// How to say that a line wears them: "line 1 does not match ..".
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::EscapedOnce => "escaped once",
            Self::EscapedTwice => "escaped twice",
            Self::JournalShort => "in journalctl -o short",
            Self::JournalJson => "in journalctl -o json",
            Self::Cri => "in CRI",
            Self::DockerJson => "in docker json-file",
            Self::DockerJsonTwice => "in docker json-file within docker json-file",
        }
    }

    /// Whether the clothes name the program that writes.
    pub(crate) const fn names_program(self) -> bool {
        matches!(self, Self::JournalShort | Self::JournalJson)
    }

    /// Whether a line can be found so. What already names its host is not looked for in a journal:
    /// there it would be part of a message, and read as one. Nor does the journal keep the kernel's
    /// own prefix. Compose puts its prefix before everything else.
    pub(crate) fn fit(self, record: &Record<'_>) -> bool {
        let is = |formats: &[Format]| record.layers().iter().any(|layer| formats.contains(layer));
        match self {
            Self::EscapedOnce | Self::EscapedTwice => true,
            Self::JournalShort | Self::JournalJson => !is(&[
                Format::JournalText,
                Format::JournalJson,
                Format::Journal,
                Format::Syslog,
                Format::Kmsg,
                Format::ComposePrefix,
            ]),
            Self::Cri | Self::DockerJson | Self::DockerJsonTwice => !is(&[Format::ComposePrefix]),
        }
    }

    /// The line so written, by this program.
    pub(crate) fn put_on(self, line: &str, program: &str) -> String {
        match self {
            Self::EscapedOnce => escaped(line, false),
            Self::EscapedTwice => escaped(&escaped(line, false), false),
            Self::JournalShort => format!("May 14 03:00:00 w-07 {program}[2309]: {line}"),
            Self::JournalJson => format!(
                r#"{{"_HOSTNAME":"w-07","SYSLOG_IDENTIFIER":"{}","PRIORITY":"6","__REALTIME_TIMESTAMP":"1715655600000000","MESSAGE":"{}"}}"#,
                escaped(program, false),
                escaped(line, false)
            ),
            Self::Cri => format!("2024-05-14T03:00:00.000000001Z stderr F {line}"),
            Self::DockerJson => docker_json(line),
            Self::DockerJsonTwice => docker_json(&docker_json(line)),
        }
    }
}

fn docker_json(line: &str) -> String {
    format!(
        r#"{{"log":"{}\n","stream":"stderr","time":"2024-05-14T03:00:00.000000001Z"}}"#,
        escaped(line, true)
    )
}

/// The inside of a JSON string. Go escapes what has a meaning in HTML, too.
fn escaped(text: &str, as_go: bool) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..' ' => escape_into(c, &mut out),
            '<' | '>' | '&' if as_go => escape_into(c, &mut out),
            _ => out.push(c),
        }
    }
    out
}

fn escape_into(c: char, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\\u{:04x}", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::*;
    use chiplog_parse::Detector;

    #[test]
    fn a_line_is_read_again_in_all_clothes() {
        let line = "E0514 03:00:00.000001 2309 a.go:1] \"<bad>\" err=\"x\\ty\\\"z\\\"\" path=\"C:\\\\a\"";
        for clothes in Clothes::ALL {
            let dressed = clothes.put_on(line, "kubelet");
            let mut detector = Detector::new();
            let record = detector.peel(dressed.as_bytes());
            if !matches!(clothes, Clothes::EscapedOnce | Clothes::EscapedTwice) {
                assert_eq!(String::from_utf8_lossy(record.content), line, "{}", clothes.name());
            }
            assert_eq!(record.format(), Format::Klog, "{}", clothes.name());
            assert_eq!(record.component.is_some(), clothes.names_program(), "{}", clothes.name());
        }
    }
}
