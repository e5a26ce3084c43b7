//! Which formats a line is made of, found by its first bytes.
//!
//! Envelopes are peeled from the outside in, per line and never per file: k3s, must-gather and
//! merged files mix formats within a stream. The first bytes elect few candidates; a candidate
//! that refuses the line costs nothing but time.

use alloc::vec::Vec;

use crate::events::{oom, utiltrace};
use crate::journal_text::Mode;
use crate::record::{Format, Payload, Record};
use crate::{
    Clock, ParseError, Severity, Text, Time, capnslog, cri, docker_json, journal_entry, journal_json,
    journal_text, klog, klog_json, kmsg, logrus, prefix, syslog, zap,
};

/// Peels lines of unknown and mixed formats.
///
/// Holds scratch buffers, so that a payload which envelopes escaped (docker's JSON, journal JSON,
/// one in the other) is unescaped without an allocation per line. Nothing else is kept from line to
/// line: a line is read the same wherever it stands.
///
/// ```
/// use chiplog_parse::{Detector, Format, Severity};
/// let mut detector = Detector::new();
/// let line = br#"{"log":"E0305 06:07:08.120034       1 a.go:1] \"bad\" err=\"x\"\n","stream":"stderr","time":"2024-03-05T06:07:08.12Z"}"#;
/// let record = detector.peel(line);
/// assert_eq!(record.layers(), [Format::DockerJson, Format::Klog]);
/// assert_eq!(record.severity, Some(Severity::Error));
/// assert_eq!(record.message.raw(), br#""bad" err="x""#);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Detector {
    /// What each escaped layer held, the outermost first.
    unescaped: [Vec<u8>; ESCAPED_LAYERS],
}

/// How many escaped layers are peeled at most; deeper ones are text.
const ESCAPED_LAYERS: usize = 4;

/// What became of one layer.
enum Step<'a> {
    /// An envelope; its content goes on.
    Content(&'a [u8]),
    /// An envelope whose content must be unescaped first.
    Escaped(Text<'a>),
    /// The payload was read, or nothing is left to read.
    Done,
}

impl Detector {
    /// A new detector.
    #[must_use]
    pub const fn new() -> Self {
        Self { unescaped: [const { Vec::new() }; ESCAPED_LAYERS] }
    }

    /// Peels every layer of a line, given without its line end. Never fails: text of no known
    /// format is a record of [`Format::Text`].
    pub fn peel<'a>(&'a mut self, line: &'a [u8]) -> Record<'a> {
        self.peel_onto(line, Record::of_text(line))
    }

    /// Peels text that the line of `outer` quotes: a log line in the message of another, or what
    /// is repeated. The envelopes of `outer` are those of the text as well, so that it has their
    /// host and component unless it names others; of its payload nothing is kept.
    ///
    /// ```
    /// use chiplog_parse::{Detector, Format};
    /// let line = br"Mar  5 06:07:08 w-07 kubelet[7]: message repeated 2 times: [ E0305 06:07:08.120034       7 a.go:1] bad]";
    /// let (mut lines, mut quotes) = (Detector::new(), Detector::new());
    /// let outer = lines.peel(line);
    /// let text = b"E0305 06:07:08.120034       7 a.go:1] bad";
    /// let inner = quotes.peel_quoted(text, &outer);
    /// assert_eq!(inner.layers(), [Format::Syslog, Format::Klog]);
    /// assert_eq!((inner.host, inner.component), (Some(&b"w-07"[..]), Some(&b"kubelet"[..])));
    /// assert_eq!(inner.message.raw(), b"bad");
    /// ```
    pub fn peel_quoted<'a>(&'a mut self, text: &'a [u8], outer: &Record<'a>) -> Record<'a> {
        let record = Record {
            envelope_time: outer.envelope_time,
            envelope_severity: outer.envelope_severity,
            host: outer.host,
            component: outer.component,
            unit: outer.unit,
            pod: outer.pod,
            container: outer.container,
            stream: outer.stream,
            layers: outer.layers.envelopes(),
            ..Record::of_text(text)
        };
        self.peel_onto(text, record)
    }

    /// Peels every layer of `content`, given what is already known of its line.
    fn peel_onto<'a>(&'a mut self, content: &'a [u8], mut record: Record<'a>) -> Record<'a> {
        let mut escaped = peel_plain(content, &mut record);
        for buffer in &mut self.unescaped {
            let Some(content) = escaped else { break };
            buffer.clear();
            content.decode_into(buffer);
            escaped = peel_plain(buffer, &mut record);
        }
        if let Some(content) = escaped {
            record.content = content.raw();
            text(content.raw(), &mut record);
        }
        finish(&mut record);
        record
    }

    /// As [`Detector::peel`], with [`Record::time`] made an instant by `clock` where it can be.
    ///
    /// # Errors
    ///
    /// When no layer of the line is of a known format: what came closest, and where it failed.
    pub fn parse<'a>(&'a mut self, line: &'a [u8], clock: &mut Clock) -> Result<Record<'a>, ParseError> {
        let mut record = self.peel(line);
        if !record.is_recognised() {
            return Err(closest(line));
        }
        if let Some(resolved) = record.time.and_then(|time| clock.resolve(time)) {
            record.time = Some(Time::Instant(resolved.instant));
        }
        Ok(record)
    }
}

/// Why a line is of no known format: the error of the format that its first bytes promise.
#[must_use]
pub fn closest(line: &[u8]) -> ParseError {
    let error = match line {
        [b'I' | b'W' | b'E' | b'F', b'0'..=b'9', ..] => klog::parse(line).err(),
        [b'{', ..] if starts_with_key(line, b"log") => docker_json::parse(line).err(),
        [b'{', ..] if starts_with_key(line, b"ts") => klog_json::parse(line).err(),
        [b'{', ..] => zap::parse_json(line).err(),
        [b't', b'i', b'm', b'e', b'=', ..] | [b'l', b'e', b'v', b'e', b'l', b'=', ..] => {
            logrus::parse(line).err()
        }
        [b'0'..=b'9', _, _, _, b'-', _, _, _, _, _, b' ', ..] => capnslog::parse(line).err(),
        [b'0'..=b'9', _, _, _, b'-', ..] => cri::parse(line).err(),
        [b'<', ..] => syslog::parse(line).err(),
        [b'[', ..] => kmsg::parse(line).err(),
        [0x1e, b'J', ..] => journal_entry::parse(line).err(),
        _ => None,
    };
    error.unwrap_or_else(|| ParseError::new("the beginning of a known format", 0))
}

/// Peels layers until one is escaped, or nothing is left.
fn peel_plain<'a>(mut content: &'a [u8], record: &mut Record<'a>) -> Option<Text<'a>> {
    loop {
        record.content = content;
        if record.layers.is_full() {
            text(content, record);
            return None;
        }
        match step(content, record) {
            Step::Content(inner) => content = inner,
            Step::Escaped(inner) => match inner.as_plain() {
                Some(plain) => content = plain,
                None => return Some(inner),
            },
            Step::Done => return None,
        }
    }
}

fn step<'a>(content: &'a [u8], record: &mut Record<'a>) -> Step<'a> {
    match content {
        [b'I' | b'W' | b'E' | b'F', b'0'..=b'9', ..] => {
            if let Ok(klog) = klog::parse(content) {
                return of_klog(&klog, record);
            }
        }
        [b'{', ..] => {
            if let Some(step) = json(content, record) {
                return step;
            }
        }
        // Inside another envelope it is what a program printed, and no entry.
        [0x1e, b'J', ..] if record.layers.is_empty() => {
            if let Ok(entry) = journal_entry::parse(content) {
                return of_journal_entry(&entry, record);
            }
        }
        [0x1e, b'{', ..] => {
            if let Some(step) = of_journal_json(content, record) {
                return step;
            }
        }
        [b't', b'i', b'm', b'e', b'=', ..] | [b'l', b'e', b'v', b'e', b'l', b'=', ..] => {
            if let Ok(entry) = logrus::parse(content) {
                return of_logrus(&entry, Format::Logrus, record);
            }
        }
        [b'T', b'r', b'a', b'c', b'e', b'[', ..] => {
            if let Ok(trace) = utiltrace::parse(content) {
                record.layers.push(Format::Utiltrace);
                record.payload = Payload::Utiltrace(trace);
                record.message = Text::plain(content);
                return Step::Done;
            }
        }
        [b'd', b'a', b't', b'a', b':', b' ', b'{', ..] => {
            if let Some(step) = of_journal_json(content, record) {
                return step;
            }
        }
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..] => {
            if let Some(step) = dated(content, record) {
                return step;
            }
        }
        [b'[', b'p', b'o', b'd', b'/', ..] => {
            if let Ok(kubectl) = prefix::kubectl(content) {
                record.layers.push(Format::KubectlPrefix);
                record.pod = Some(kubectl.pod);
                record.container = Some(kubectl.container);
                record.component = record.component.or(Some(kubectl.container));
                return Step::Content(kubectl.rest);
            }
        }
        [b'[', ..] | [b'k', b'e', b'r', b'n', b' ', ..] => {
            if let Some(step) = bracketed(content, record) {
                return step;
            }
        }
        [b'<', ..] if !has_host(record) => {
            if let Some(step) = of_kmsg(content, record) {
                return step;
            }
            if let Ok(entry) = syslog::parse(content) {
                return of_syslog(&entry, record);
            }
        }
        [0x1b, ..] | [b'A'..=b'Z', b'A'..=b'Z', b'A'..=b'Z', b'A'..=b'Z', b'[', ..] => {
            if let Ok(entry) = logrus::parse_terminal(content) {
                return of_logrus(&entry, Format::LogrusTty, record);
            }
        }
        _ => {}
    }
    other(content, record)
}

/// Envelopes that no first byte gives away, else text.
fn other<'a>(content: &'a [u8], record: &mut Record<'a>) -> Step<'a> {
    if !has_host(record) {
        // `Mar  5`: blank-padded days are syslog's, zero-padded ones journalctl's; from the tenth
        // on the two are the same text, and the journal is the likelier source.
        if let [b'A'..=b'Z', _, _, b' ', b' ', ..] = content
            && let Ok(entry) = syslog::parse(content)
        {
            return of_syslog(&entry, record);
        }
        if content.len() > 15 {
            let mode = match content {
                [_, _, _, b' ', _, _, b' ', _, _, b':', _, _, b':', _, _, b' ', ..] => Some(Mode::Short),
                _ if could_be_journal(content) => journal_text::detect(content),
                _ => None,
            };
            if let Some(step) = mode.and_then(|mode| of_journal_text(content, mode, record)) {
                return step;
            }
        }
        if record.layers.is_empty() {
            if let Ok(compose) = prefix::compose(content) {
                record.layers.push(Format::ComposePrefix);
                record.container = Some(compose.service);
                record.component = Some(compose.service);
                return Step::Content(compose.rest);
            }
            if content.first().is_some_and(u8::is_ascii_digit)
                && let Some(step) = of_kmsg(content, record)
            {
                return step;
            }
        }
    }
    text(content, record);
    Step::Done
}

/// Text of no known format, or a kernel's out-of-memory message.
fn text<'a>(content: &'a [u8], record: &mut Record<'a>) {
    record.message = Text::plain(content);
    let is_kernel = record.layers.is_empty() || record.component == Some(b"kernel");
    match if is_kernel { oom::parse(content) } else { None } {
        Some(event) => {
            record.layers.push(Format::Oom);
            record.payload = Payload::Oom(event);
        }
        None => {
            if record.format() != Format::Kmsg {
                record.layers.push(Format::Text);
            }
            record.payload = Payload::Text(content);
            // The only line of a klog file with a year.
            if let Some(klog::Banner::CreatedAt(time)) =
                content.starts_with(b"Log file").then(|| klog::banner(content)).flatten()
            {
                record.payload_time = Some(Time::Civil(time));
            }
        }
    }
}

/// Whether an envelope that names hosts was peeled: no second one is looked for inside it, since
/// what looks like one there is a message.
fn has_host(record: &Record<'_>) -> bool {
    record.layers().iter().any(|layer| {
        matches!(
            layer,
            Format::JournalText | Format::JournalJson | Format::Journal | Format::Syslog | Format::Kmsg
        )
    })
}

fn has_container(record: &Record<'_>) -> bool {
    record.layers().iter().any(|layer| matches!(layer, Format::Cri | Format::DockerJson))
}

/// Whether the first bytes can be one of journalctl's: a weekday or month in any language, or
/// digits. Spares ordinary text the tries.
fn could_be_journal(content: &[u8]) -> bool {
    let head = content.get(..24).unwrap_or(content);
    head.iter().filter(|byte| **byte == b':').count() >= 2 || content.first().is_some_and(u8::is_ascii_digit)
}

/// A line that begins with `2024-`.
fn dated<'a>(content: &'a [u8], record: &mut Record<'a>) -> Option<Step<'a>> {
    if content.get(10) == Some(&b' ') {
        let entry = capnslog::parse(content).ok()?;
        return Some(of_capnslog(&entry, record));
    }
    let has_host = has_host(record);
    if let Ok(line) = cri::parse(content) {
        record.layers.push(Format::Cri);
        envelope_time(Some(Time::Instant(line.time)), record);
        record.stream = Some(line.stream);
        record.partial |= line.partial;
        return Some(Step::Content(line.content));
    }
    if let Ok(entry) = zap::parse_console(content) {
        return Some(of_zap(&entry, Format::ZapConsole, record));
    }
    let stamped = prefix::timestamp(content);
    if let Ok(stamped) = &stamped
        && is_payload_head(stamped.rest)
    {
        return Some(of_timestamp(stamped, record));
    }
    if !has_host {
        // rsyslog always prints six digits and a zone with a colon; journalctl prints the zone
        // with a colon, too, from systemd 255 on, and is told by the missing fraction.
        let has_fraction = content.get(19) == Some(&b'.');
        if let (true, Ok(entry)) = (has_fraction, syslog::parse(content))
            && entry.host.is_some()
            && entry.app.is_some()
        {
            return Some(of_syslog(&entry, record));
        }
        if let Some(mode @ (Mode::ShortIso | Mode::ShortIsoPrecise)) = journal_text::detect(content)
            && let Some(step) = of_journal_text(content, mode, record)
        {
            return Some(step);
        }
        if let Some(step) = of_kmsg(content, record) {
            return Some(step);
        }
    }
    stamped.ok().map(|stamped| of_timestamp(&stamped, record))
}

fn of_timestamp<'a>(stamped: &prefix::Timestamp<'a>, record: &mut Record<'a>) -> Step<'a> {
    record.layers.push(Format::Timestamp);
    envelope_time(Some(Time::Instant(stamped.time)), record);
    Step::Content(stamped.rest)
}

/// Whether bytes begin as a payload does: what follows a bare time stamp is then no host name.
fn is_payload_head(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [b'I' | b'W' | b'E' | b'F', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b' ', ..]
            | [b'{', ..]
            | [b't', b'i', b'm', b'e', b'=', ..]
            | [b'l', b'e', b'v', b'e', b'l', b'=', ..]
            | [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..]
    )
}

/// A line that begins with `[`: the kernel's uptime, journalctl's, or dmesg's date.
fn bracketed<'a>(content: &'a [u8], record: &mut Record<'a>) -> Option<Step<'a>> {
    if has_host(record) {
        return if record.component == Some(b"kernel") { of_kmsg(content, record) } else { None };
    }
    // `[12345.678901] node-1 kubelet[1234]: ` is journalctl's short-monotonic; dmesg has the
    // message at once, in which a pid or `kernel:` does not stand behind a second word.
    if let Some(mode @ (Mode::ShortMonotonic | Mode::ShortDelta)) = journal_text::detect(content) {
        let entry = journal_text::parse(content, mode).ok();
        if entry.is_some_and(|entry| entry.pid.is_some() || entry.identifier == Some(b"kernel")) {
            return of_journal_text(content, mode, record);
        }
    }
    of_kmsg(content, record)
}

fn of_kmsg<'a>(content: &'a [u8], record: &mut Record<'a>) -> Option<Step<'a>> {
    let entry = kmsg::parse(content).ok()?;
    record.layers.push(Format::Kmsg);
    envelope_time(Some(entry.time), record);
    record.envelope_severity = record.envelope_severity.or(entry.severity());
    record.component = record.component.or(Some(b"kernel"));
    Some(Step::Escaped(entry.message))
}

fn of_journal_text<'a>(content: &'a [u8], mode: Mode, record: &mut Record<'a>) -> Option<Step<'a>> {
    let entry = journal_text::parse(content, mode).ok()?;
    record.layers.push(Format::JournalText);
    envelope_time(entry.time, record);
    record.host = entry.host;
    record.component = entry.identifier;
    record.pid = entry.pid.map(u64::from);
    Some(Step::Content(entry.message))
}

fn of_syslog<'a>(entry: &syslog::Syslog<'a>, record: &mut Record<'a>) -> Step<'a> {
    record.layers.push(Format::Syslog);
    envelope_time(entry.time, record);
    record.envelope_severity = entry.severity();
    record.host = entry.host;
    record.component = entry.app;
    record.pid = entry.pid.and_then(crate::bytes::decimal).map(|(pid, _)| pid);
    Step::Content(entry.message.unwrap_or_default())
}

fn starts_with_key(object: &[u8], key: &[u8]) -> bool {
    let rest = object.strip_prefix(b"{\"").and_then(|rest| rest.strip_prefix(key));
    rest.is_some_and(|rest| rest.first() == Some(&b'"'))
}

/// A JSON object. The first key of what programs print elects the likeliest reader; any other
/// order of keys goes through all of them.
fn json<'a>(content: &'a [u8], record: &mut Record<'a>) -> Option<Step<'a>> {
    if starts_with_key(content, b"level") {
        if let Ok(entry) = zap::parse_json(content) {
            return Some(of_zap(&entry, Format::ZapJson, record));
        }
    } else if starts_with_key(content, b"ts")
        && let Ok(entry) = klog_json::parse(content)
    {
        return Some(of_klog_json(&entry, record));
    }
    // A container may print the log file of another.
    if (!has_container(record) || starts_with_key(content, b"log"))
        && let Ok(entry) = docker_json::parse(content)
    {
        record.layers.push(Format::DockerJson);
        envelope_time(Some(Time::Instant(entry.time)), record);
        record.stream = Some(entry.stream);
        record.partial |= entry.partial;
        return Some(Step::Escaped(entry.content()));
    }
    if !has_host(record)
        && let Some(step) = of_journal_json(content, record)
    {
        return Some(step);
    }
    if let Ok(entry) = zap::parse_json(content) {
        return Some(of_zap(&entry, Format::ZapJson, record));
    }
    if let Ok(entry) = klog_json::parse(content) {
        return Some(of_klog_json(&entry, record));
    }
    let entry = logrus::parse_json(content).ok()?;
    Some(of_logrus(&entry, Format::LogrusJson, record))
}

fn of_journal_json<'a>(content: &'a [u8], record: &mut Record<'a>) -> Option<Step<'a>> {
    let entry = journal_json::parse(content).ok()?;
    record.layers.push(Format::JournalJson);
    envelope_time(Some(Time::Instant(entry.time)), record);
    record.envelope_severity = entry.priority.and_then(Severity::from_syslog);
    record.host = entry.hostname.map(|text| text.raw());
    record.component = entry.identifier.map(|text| text.raw());
    record.unit = entry.unit.map(|text| text.raw());
    record.pid = entry.pid;
    record.partial |= entry.partial;
    if entry.transport.is_some_and(|transport| transport.raw() == b"kernel") {
        record.component = record.component.or(Some(b"kernel"));
    }
    Some(Step::Escaped(entry.message.text().unwrap_or(Text::plain(b""))))
}

fn of_journal_entry<'a>(entry: &journal_entry::JournalEntry<'a>, record: &mut Record<'a>) -> Step<'a> {
    record.layers.push(Format::Journal);
    envelope_time(entry.time().map(Time::Instant), record);
    record.envelope_severity = entry.priority.and_then(Severity::from_syslog);
    record.host = entry.host;
    record.component = entry.identifier;
    record.unit = entry.unit;
    record.pid = entry.pid;
    record.partial |= entry.partial;
    Step::Escaped(entry.message)
}

fn of_klog<'a>(klog: &klog::Klog<'a>, record: &mut Record<'a>) -> Step<'a> {
    record.layers.push(Format::Klog);
    record.payload_time = Some(Time::Civil(klog.time));
    record.severity = Some(klog.severity);
    record.severity_text = match klog.severity {
        Severity::Info => b"I",
        Severity::Warning => b"W",
        Severity::Error => b"E",
        _ => b"F",
    };
    record.pid = Some(klog.pid);
    record.file = Some(klog.file);
    record.line_number = u32::try_from(klog.line).ok();
    record.message = Text::plain(klog.body);
    record.payload = Payload::Klog(*klog);
    Step::Done
}

fn of_klog_json<'a>(entry: &klog_json::KlogJson<'a>, record: &mut Record<'a>) -> Step<'a> {
    record.layers.push(Format::KlogJson);
    record.payload_time = Some(Time::Instant(entry.time));
    record.severity = Some(entry.severity);
    record.file = entry.file.map(|text| text.raw());
    record.line_number = entry.line;
    record.logger = entry.logger;
    record.message = entry.message;
    record.payload = Payload::KlogJson(*entry);
    Step::Done
}

fn of_capnslog<'a>(entry: &capnslog::Capnslog<'a>, record: &mut Record<'a>) -> Step<'a> {
    record.layers.push(Format::Capnslog);
    record.payload_time = Some(Time::Civil(entry.time));
    record.severity = Some(entry.severity);
    record.severity_text = match entry.severity {
        Severity::Trace => b"T",
        Severity::Debug => b"D",
        Severity::Info => b"I",
        Severity::Notice => b"N",
        Severity::Warning => b"W",
        Severity::Error => b"E",
        _ => b"C",
    };
    record.logger = entry.package.map(Text::plain);
    record.file = entry.file;
    record.line_number = entry.line;
    record.message = Text::plain(entry.message);
    record.payload = Payload::Capnslog(*entry);
    Step::Done
}

fn of_zap<'a>(entry: &zap::Zap<'a>, format: Format, record: &mut Record<'a>) -> Step<'a> {
    record.layers.push(format);
    record.payload_time = Some(entry.time);
    record.severity = Some(entry.severity);
    record.severity_text = entry.severity_text;
    record.logger = entry.logger;
    record.file = entry.file.map(|text| text.raw());
    record.line_number = entry.line;
    record.message = entry.message;
    record.payload = Payload::Zap(*entry);
    Step::Done
}

fn of_logrus<'a>(entry: &logrus::Logrus<'a>, format: Format, record: &mut Record<'a>) -> Step<'a> {
    record.layers.push(format);
    record.payload_time = entry.time.map(Time::Instant);
    record.severity = Some(entry.severity);
    record.severity_text = entry.severity_text;
    record.message = entry.message.unwrap_or(Text::plain(b""));
    record.payload = Payload::Logrus(*entry);
    Step::Done
}

fn envelope_time(time: Option<Time>, record: &mut Record<'_>) {
    record.envelope_time = record.envelope_time.or(time);
}

/// Chooses between what the layers say.
fn finish(record: &mut Record<'_>) {
    record.severity = record.severity.or(record.envelope_severity);
    record.time = match (record.payload_time, record.envelope_time) {
        (Some(payload @ Time::Instant(_)), _) => Some(payload),
        (_, Some(envelope @ Time::Instant(_))) => Some(envelope),
        (payload, envelope) => payload.or(envelope),
    };
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;
    use std::string::String;

    fn docker_json(line: &str) -> String {
        let text = line.replace('\\', "\\\\").replace('"', "\\\"");
        format!(r#"{{"log":"{text}\n","stream":"stdout","time":"2024-03-05T06:07:08Z"}}"#)
    }

    #[test]
    fn a_container_may_print_the_log_file_of_another() {
        let klog = r#"E0305 06:07:08.120034       1 a.go:1] "bad" err="x \"y\"""#;
        let cri = |line: &str| format!("2024-03-05T06:07:09.1Z stderr F {line}");
        let journal = |line: &str| {
            let text = line.replace('\\', "\\\\").replace('"', "\\\"");
            format!(r#"{{"_HOSTNAME":"w-07","__REALTIME_TIMESTAMP":"1709618828120034","MESSAGE":"{text}"}}"#)
        };
        let twice = docker_json(&docker_json(klog));
        for (line, layers) in [
            (twice.clone(), &[Format::DockerJson, Format::DockerJson][..]),
            (cri(&docker_json(klog)), &[Format::Cri, Format::DockerJson]),
            (docker_json(&cri(klog)), &[Format::DockerJson, Format::Cri]),
            (cri(&cri(klog)), &[Format::Cri, Format::Cri]),
            (
                journal(&docker_json(&twice)),
                &[Format::JournalJson, Format::DockerJson, Format::DockerJson, Format::DockerJson],
            ),
        ] {
            let mut detector = Detector::new();
            let record = detector.peel(line.as_bytes());
            assert_eq!(record.layers(), [layers, &[Format::Klog]].concat(), "{line}");
            assert_eq!(record.content, klog.as_bytes(), "{line}");
        }
        // Beyond all measure it is text.
        let mut line = String::from(klog);
        for _ in 0..8 {
            line = docker_json(&line);
        }
        assert_eq!(Detector::new().peel(line.as_bytes()).format(), Format::Text);
    }

    #[test]
    fn quoted_text_has_the_envelopes_of_its_line_and_nothing_else() {
        let line = b"<131>Mar  5 06:07:08 w-07 app[7]: E0305 06:07:08.120034       1 a.go:1] output: oh";
        let mut detector = Detector::new();
        let outer = detector.peel(line);
        assert_eq!(outer.layers(), [Format::Syslog, Format::Klog]);
        let mut quotes = Detector::new();
        let inner = quotes.peel_quoted(b"just text", &outer);
        assert_eq!(inner.layers(), [Format::Syslog, Format::Text]);
        assert_eq!((inner.host, inner.component), (outer.host, outer.component));
        assert_eq!((inner.payload_time, inner.file, inner.pid), (None, None, None));
        assert_eq!(inner.severity, outer.envelope_severity);
        // Only the kernel tells of kills.
        let inner =
            quotes.peel_quoted(b"Killed process 7 (app) total-vm:1kB, anon-rss:1kB, file-rss:0kB", &outer);
        assert_eq!(inner.format(), Format::Text);
    }
}
