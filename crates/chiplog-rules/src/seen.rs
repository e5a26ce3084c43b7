//! A line as conditions see it: what it says itself, what it repeats, and the log lines it quotes.
//!
//! A log line is often the text of another: an operator prints the output of a command, a collector
//! the line that it could not parse, a shell script a string of JSON. What was a quote in it is then
//! written `\"`, or `\\\"` one level deeper. Conditions that do not hold on the line as it is are
//! tried on each log line that it quotes.

use chiplog_parse::events::suppress::{self, SuppressKind};
use chiplog_parse::{Detector, Escape, Event, Payload, Record, Text};

/// How many levels of quoting are taken away.
const MAX_DEPTH: u8 = 2;

/// No name of a program in front of a relayed line is longer.
const MAX_TAG: usize = 32;

/// How many log lines are read out of one line at most.
const MAX_QUOTES: usize = 6;

/// A log line: the physical one, or one inside it.
pub(crate) struct Seen<'a> {
    pub(crate) record: Record<'a>,
    /// The physical line, whatever it quotes.
    pub(crate) raw_line: &'a [u8],
    pub(crate) message: &'a [u8],
    /// How often the line was written.
    pub(crate) repeats: u64,
    /// Read when first asked for.
    event: Option<Option<Event<'a>>>,
    /// How many levels of quoting were taken away.
    depth: u8,
}

impl<'a> Seen<'a> {
    fn new(record: Record<'a>, raw_line: &'a [u8], buffer: &'a mut Vec<u8>) -> Self {
        let message = match record.message.as_plain() {
            Some(plain) => plain,
            None => {
                buffer.clear();
                record.message.decode_into(buffer);
                buffer
            }
        };
        Self { record, raw_line, message, repeats: 1, event: None, depth: 0 }
    }

    /// Whether the message, else the whole payload, is as wanted: what people copy from a log into
    /// a rule may span what the message leaves out, such as etcd's package or a field of zap.
    pub(crate) fn any_text(&self, wanted: impl FnMut(&[u8]) -> bool) -> bool {
        self.texts().into_iter().any(wanted)
    }

    /// The texts that `contains` and regexes look at, in this order.
    pub(crate) fn texts(&self) -> [&'a [u8]; 2] {
        [self.message, self.record.content]
    }

    pub(crate) fn event(&mut self) -> Option<Event<'a>> {
        let record = &self.record;
        *self.event.get_or_insert_with(|| record.event())
    }
}

/// Room for one quoted line.
#[derive(Debug, Default)]
struct Slot {
    text: Vec<u8>,
    detector: Detector,
    message: Vec<u8>,
}

/// Room for a line and all that it quotes.
#[derive(Debug, Default)]
pub(crate) struct Room {
    message: Vec<u8>,
    repeated: Slot,
    quotes: [Slot; MAX_QUOTES],
}

/// The log lines of a physical line: what it repeats, itself, and what it quotes.
pub(crate) type Found<'a> = [Option<Seen<'a>>; MAX_QUOTES + 3];

/// No line yet.
pub(crate) const fn none<'a>() -> Found<'a> {
    [const { None }; MAX_QUOTES + 3]
}

/// The log lines of a physical line, in the order in which conditions are tried on them. Quoted
/// ones are read when first asked for.
pub(crate) struct Lines<'f, 'a> {
    /// Too large to be moved with the rest.
    found: &'f mut Found<'a>,
    len: usize,
    slots: std::slice::IterMut<'a, Slot>,
    has_quotes_left: bool,
}

impl<'f, 'a> Lines<'f, 'a> {
    /// `found` holds nothing yet.
    pub(crate) fn new(
        found: &'f mut Found<'a>,
        record: &Record<'a>,
        raw_line: &'a [u8],
        room: &'a mut Room,
    ) -> Self {
        let Room { message, repeated, quotes } = room;
        let mut lines = Self {
            found,
            len: 0,
            slots: quotes.iter_mut(),
            has_quotes_left: memchr::memchr(b'\\', raw_line).is_some(),
        };
        let line = Seen::new(*record, raw_line, message);
        // A condition that holds on what is repeated holds so many times.
        if let Some((times, text)) = repeated_text(line.message) {
            repeated.text.clear();
            repeated.text.extend_from_slice(text);
            let record = repeated.detector.peel_quoted(&repeated.text, &line.record);
            let mut inner = Seen::new(record, raw_line, &mut repeated.message);
            inner.repeats = times;
            lines.push(inner);
        }
        let relayed = relayed_text(line.message)
            .filter(|(program, _)| record.component.is_some_and(|component| component != *program));
        if let Some((program, text)) = relayed {
            let mut record = line.record;
            record.component = Some(program);
            let inner = Seen { record, message: text, repeats: 1, event: None, depth: 0, raw_line };
            lines.push(line);
            lines.push(inner);
        } else {
            lines.push(line);
        }
        lines
    }

    fn push(&mut self, seen: Seen<'a>) {
        if let Some(place) = self.found.get_mut(self.len) {
            *place = Some(seen);
            self.len += 1;
        }
    }

    /// The line as it is, its envelopes peeled.
    pub(crate) fn physical(&mut self) -> Option<&mut Seen<'a>> {
        self.found.iter_mut().flatten().find(|seen| seen.depth == 0 && seen.repeats == 1)
    }

    pub(crate) fn get(&mut self, index: usize) -> Option<&mut Seen<'a>> {
        if index >= self.len && std::mem::take(&mut self.has_quotes_left) {
            self.read_quotes();
        }
        self.found.get_mut(index)?.as_mut()
    }

    /// Reads the quoted lines, those of few levels first.
    fn read_quotes(&mut self) {
        // Of a line that repeats or passes on another, two lines hold the same text: one is enough.
        let has_copy = self.len > 1;
        let mut index = 0;
        while let Some(Some(outer)) = self.found.get(index) {
            let (record, raw_line) = (outer.record, outer.raw_line);
            let (repeats, depth) = (outer.repeats, outer.depth);
            let is_copy = has_copy && index == 1;
            index += 1;
            if is_copy || depth == MAX_DEPTH {
                continue;
            }
            for (text, is_whole) in quoted_texts(&record) {
                let Some(slot) = self.slots.next() else { return };
                slot.text.clear();
                text.decode_into(&mut slot.text);
                if slot.text == record.content {
                    continue;
                }
                let inner = slot.detector.peel_quoted(&slot.text, &record);
                if is_whole || is_log_line(&inner, &record) {
                    let mut inner = Seen::new(inner, raw_line, &mut slot.message);
                    (inner.repeats, inner.depth) = (repeats, depth + 1);
                    self.push(inner);
                }
            }
        }
    }
}

/// How often a syslog daemon says that a text was written, and the text.
fn repeated_text(message: &[u8]) -> Option<(u64, &[u8])> {
    if !message.starts_with(b"message repeated ") {
        return None;
    }
    let found = suppress::parse(message).filter(|found| found.kind == SuppressKind::Repeat)?;
    let text = found.source?;
    // rsyslog keeps the blank between tag and message.
    Some((found.count?.max(1), text.strip_prefix(b" ").unwrap_or(text)))
}

/// The program that wrote a message which another one passed on, and what it wrote: `dmesg | logger`
/// files lines of the kernel under a name of its own.
fn relayed_text(message: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(rest) = message.strip_prefix(b"[") {
        let end = rest.iter().position(|byte| *byte == b']')?;
        let (stamp, rest) = (rest.get(..end)?.trim_ascii_start(), rest.get(end + 1..)?);
        let is_stamp =
            stamp.contains(&b'.') && stamp.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        return is_stamp.then_some((&b"kernel"[..], rest.strip_prefix(b" ")?));
    }
    if let Some(rest) = message.strip_prefix(b"kernel: ") {
        return Some((b"kernel", rest));
    }
    let name_len = message.iter().take(MAX_TAG).position(|byte| *byte == b'[')?;
    let (name, rest) = message.split_at_checked(name_len)?;
    let pid_len = rest.get(1..)?.iter().position(|byte| !byte.is_ascii_digit())?;
    let rest = rest.get(1 + pid_len..)?.strip_prefix(b"]: ")?;
    let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    (is_name && !name.is_empty() && pid_len > 0).then_some((name, rest))
}

/// The escaped texts of a record that may be log lines: all of it (`true`), its message, its values.
fn quoted_texts<'a>(record: &Record<'a>) -> impl Iterator<Item = (Text<'a>, bool)> + use<'a> {
    let whole = escaped(record.content).map(|inside| (Text::new(inside, Escape::Json), true));
    let values = record.fields().map(|(_, value)| value.text());
    let parts = std::iter::once(record.msg()).chain(values);
    let parts = parts.filter(|text| text.as_plain().is_none() && begins_as_log_line(text.raw()));
    whole.into_iter().chain(parts.map(|text| (text, false)))
}

/// The inside of a text all of whose quotes are escaped, but for one pair around it.
fn escaped(text: &[u8]) -> Option<&[u8]> {
    let inside = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
    let mut has_escape = false;
    let mut position = 0;
    // Whatever stands behind a backslash belongs to it; one at the end escapes nothing.
    while let Some(at) = memchr::memchr2(b'"', b'\\', inside.get(position..)?) {
        if inside.get(position + at) == Some(&b'"') {
            return None;
        }
        has_escape = true;
        position += at + 2;
    }
    has_escape.then_some(inside)
}

/// Whether text begins as a line of some program does. Escapes do not change these bytes.
fn begins_as_log_line(text: &[u8]) -> bool {
    matches!(
        text,
        [b'I' | b'W' | b'E' | b'F', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', ..]
            | [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..]
            | [b'A'..=b'Z', b'a'..=b'z', b'a'..=b'z', b' ', ..]
            | [b'{' | b'<' | b'[', ..]
    ) || [&b"time="[..], b"level=", b"Trace["].iter().any(|head| text.starts_with(head))
}

/// Whether more was recognised in a quoted text than the envelopes of its line.
fn is_log_line(inner: &Record<'_>, outer: &Record<'_>) -> bool {
    let envelopes = |record: &Record<'_>| record.layers().iter().filter(|layer| layer.is_envelope()).count();
    !matches!(inner.payload(), Payload::Text(_)) || envelopes(inner) > envelopes(outer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inner_lines(line: &str) -> Vec<(String, u64, u8)> {
        let mut detector = Detector::new();
        let mut room = Room::default();
        let record = detector.peel(line.as_bytes());
        let mut places = none();
        let mut lines = Lines::new(&mut places, &record, line.as_bytes(), &mut room);
        let mut found = Vec::new();
        while let Some(seen) = lines.get(found.len()) {
            found.push((String::from_utf8_lossy(seen.message).into_owned(), seen.repeats, seen.depth));
        }
        found
    }

    fn escape(text: &str) -> String {
        text.replace('\\', r"\\").replace('"', "\\\"")
    }

    #[test]
    fn what_is_repeated_comes_first() {
        let line = "Mar  5 06:07:08 w-07 kubelet[7]: message repeated 2 times: [ a text]";
        assert_eq!(
            inner_lines(line),
            [("a text".to_owned(), 2, 0), ("message repeated 2 times: [ a text]".to_owned(), 1, 0)]
        );
    }

    #[test]
    fn what_another_program_wrote_is_a_line_of_its_own() {
        for (message, program, text) in [
            ("[33.2] Buffer I/O error on dev sda1", "kernel", "Buffer I/O error on dev sda1"),
            ("[    4.000001] a", "kernel", "a"),
            ("kernel: a", "kernel", "a"),
            ("systemd[1]: Started kubelet.service.", "systemd", "Started kubelet.service."),
        ] {
            let relayed = relayed_text(message.as_bytes());
            assert_eq!(relayed, Some((program.as_bytes(), text.as_bytes())), "{message}");
        }
        for message in ["[x] a", "[12] a", "[]: a", "a b[1]: c", "a[]: b", "a[1] b", "a[1]:", "["] {
            assert_eq!(relayed_text(message.as_bytes()), None, "{message}");
        }
    }

    #[test]
    fn escaped_lines_are_read_at_two_levels() {
        let line = r#"{"level":"warn","ts":"2024-03-05T06:07:08.120Z","msg":"a \"b\""}"#;
        let message = r#"a "b""#;
        assert_eq!(inner_lines(line), [(message.to_owned(), 1, 0)]);
        let once = escape(line);
        assert_eq!(inner_lines(&once)[1], (message.to_owned(), 1, 1));
        let twice = escape(&once);
        assert_eq!(inner_lines(&twice)[2], (message.to_owned(), 1, 2));
        assert_eq!(inner_lines(&escape(&twice)).len(), 3);
        // As a JSON string with its quotes, and inside an envelope.
        assert_eq!(inner_lines(&format!("\"{once}\""))[1], (message.to_owned(), 1, 1));
        assert_eq!(
            inner_lines(&format!("2024-03-05T06:07:08.120Z stdout F {once}"))[1],
            (message.to_owned(), 1, 1)
        );
    }

    #[test]
    fn lines_in_messages_and_fields_are_read() {
        let klog = r#"E0305 06:07:08.120034       1 a.go:1] "bad" err="x \"y\"""#;
        let logrus =
            format!(r#"time="2024-03-05T06:07:08Z" level=error msg="{}" error="z \"z\"""#, escape(klog));
        let of_klog = r#""bad" err="x \"y\"""#;
        assert_eq!(inner_lines(&logrus), [(klog.to_owned(), 1, 0), (of_klog.to_owned(), 1, 1)]);
        let field = format!(r#"I0305 06:07:09.120034       1 b.go:1] "output" text="{}""#, escape(&logrus));
        let messages: Vec<String> = inner_lines(&field).into_iter().map(|(message, ..)| message).collect();
        assert_eq!(messages[1..], [klog, of_klog]);
    }

    #[test]
    fn text_with_quotes_of_its_own_is_no_escaped_line() {
        for line in [
            r#"read-only range request "key:\"/registry/pods\" " took too long (1.2s)"#,
            r#"a "b" c"#,
            r"no quotes",
            r"ends in \",
            r"a \path",
        ] {
            assert_eq!(inner_lines(line).len(), 1, "{line}");
        }
    }

    #[test]
    fn few_lines_are_read_of_any() {
        let klog = escape(r#"E0305 06:07:08.120034       1 a.go:1] "bad""#);
        let fields: String = (0..100).map(|number| format!(r#" k{number}="{klog}""#)).collect();
        let line = format!(r#"I0305 06:07:09.120034       1 b.go:1] "output"{fields}"#);
        assert_eq!(inner_lines(&line).len(), 1 + MAX_QUOTES);
    }
}
