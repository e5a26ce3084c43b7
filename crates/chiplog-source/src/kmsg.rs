//! The kernel's messages as they come: `/dev/kmsg`.
//!
//! One read of the device gives one record, `priority,sequence,micros,flags;message` and lines of
//! a dictionary below it; a reader that was overtaken by the ring gets EPIPE once and goes on at
//! the oldest record that is left. Source: Linux 6.1 `Documentation/ABI/testing/dev-kmsg` and
//! `kernel/printk/printk.c`.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use chiplog_parse::journal_entry::JournalEntry;
use chiplog_parse::{Text, Time, kmsg};
use memchr::memchr;
use serde_json::{Value, json};

use crate::pump::{Outlet, Pump, Pumped};
use crate::{Block, Delivery, Limits, Loss, LossReason, Readiness, Source, Stream, Waker};

/// Reads that may wait to be looked at: one record each.
const WAITING_AT_MOST: usize = 256;

/// Room for any record, which has 8 KiB at most.
const READ_BYTES: usize = 16 << 10;

/// Bytes handed over in one poll, about.
const POLL_BYTES: usize = 1 << 20;

/// Where the kernel's messages are read, and what they leave out.
#[derive(Clone, Debug)]
pub struct KmsgOptions {
    /// `/dev/kmsg`.
    pub path: PathBuf,
    /// Whether to begin with the oldest message that is there, where no cursor says where to begin.
    pub from_start: bool,
    /// Name of the machine.
    pub host: Option<String>,
    /// Which start of the machine the messages are of: sequence numbers begin anew with each.
    pub boot_id: String,
    /// When that was, in nanoseconds since 1970-01-01T00:00:00Z: messages have the time since then.
    pub boot_unix_nanos: i64,
}

impl KmsgOptions {
    /// This machine, read from the start.
    ///
    /// The instant of the boot is taken from the present and the uptime, to a hundredth of a second.
    /// Times of messages of before the machine slept are off by the length of the sleep.
    ///
    /// # Errors
    ///
    /// When `/proc` does not tell.
    pub fn of_this_machine(path: PathBuf) -> io::Result<KmsgOptions> {
        let proc = |path: &str| {
            fs::read_to_string(path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
        };
        let uptime = proc("/proc/uptime")?;
        let uptime_nanos = uptime_nanos(&uptime)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/uptime: no number"))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        Ok(KmsgOptions {
            path,
            from_start: true,
            host: proc("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned()),
            boot_id: proc("/proc/sys/kernel/random/boot_id")?.trim().to_owned(),
            boot_unix_nanos: now.saturating_sub(uptime_nanos),
        })
    }
}

/// `12345.67 54321.00`: the first number, in nanoseconds.
fn uptime_nanos(text: &str) -> Option<i64> {
    let (seconds, rest) = text.split_once('.')?;
    let hundredths = rest.get(..2)?;
    let seconds: i64 = seconds.parse().ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(hundredths.parse::<i64>().ok()? * 10_000_000)
}

/// The kernel's messages as a [`Source`]: each is a line as of a journal's entry, see
/// [`chiplog_parse::journal_entry`], with an instant and the machine's name.
///
/// The cursor is `{"boot_id":..,"boot_unix_nanos":..,"sequence":N,"offset":N}`. A reader that was
/// overtaken by the ring, or comes back too late, tells how many messages it has missed.
///
/// A named pipe or a file can stand in for the device.
pub struct Kmsg {
    options: KmsgOptions,
    waker: Waker,
    stream: Stream,
    reads: Option<Pump<io::Result<Vec<u8>>>>,
    /// Read, and not a whole line yet.
    pending: Vec<u8>,
    /// The number that the next message has if none is missing.
    next_sequence: Option<u64>,
    offset: u64,
}

impl Kmsg {
    /// A reader that goes on from a cursor. Nothing is opened before the first poll.
    #[must_use]
    pub fn new(mut options: KmsgOptions, cursor: Option<&Value>, waker: Waker) -> Kmsg {
        let (mut next_sequence, mut offset) = (None, 0);
        if let Some(cursor) = cursor {
            offset = cursor["offset"].as_u64().unwrap_or(0);
            if cursor["boot_id"].as_str() == Some(options.boot_id.as_str()) {
                next_sequence = cursor["sequence"].as_u64().and_then(|last| last.checked_add(1));
                // Two runs must not place a message at two times.
                options.boot_unix_nanos =
                    cursor["boot_unix_nanos"].as_i64().unwrap_or(options.boot_unix_nanos);
            } else {
                // The machine was started anew: from its first message on all is news.
                next_sequence = Some(0);
            }
        }
        let name = Arc::from(options.path.to_string_lossy());
        let stream = Stream { name, modified_unix_nanos: None };
        Kmsg { options, waker, stream, reads: None, pending: Vec::new(), next_sequence, offset }
    }

    /// Takes a line of the device. Appends what it says to `lines`; what is missing before it is
    /// told after `lines` have been handed over.
    fn line(&mut self, line: &[u8], lines: &mut Vec<u8>, sink: &mut dyn FnMut(Delivery<'_>)) {
        // The dictionary of the message above.
        if line.starts_with(b" ") || line.is_empty() {
            return;
        }
        let Some((record, sequence)) = kmsg::parse(line).ok().and_then(|kmsg| Some((kmsg, kmsg.sequence?)))
        else {
            lines.extend_from_slice(line);
            lines.push(b'\n');
            return;
        };
        if let Some(next) = self.next_sequence {
            if sequence < next {
                return;
            }
            if sequence > next {
                self.hand_over(lines, sink);
                let loss =
                    Loss { reason: LossReason::Overwritten, lines: Some(sequence - next), bytes: None };
                sink(Delivery::Lost { stream: &self.stream, loss });
            }
        }
        self.next_sequence = sequence.checked_add(1);
        self.append(&record, lines);
    }

    /// The message as a line.
    fn append(&self, record: &kmsg::Kmsg<'_>, lines: &mut Vec<u8>) {
        let Time::SinceBoot { micros } = record.time else { return };
        let boot_micros = u64::try_from(self.options.boot_unix_nanos / 1_000).unwrap_or(0);
        let message = record.message.decode();
        // Programs may write to the device as well; they name themselves as for syslog.
        let (identifier, pid, message) = match record.facility {
            Some(0) | None => (Some(&b"kernel"[..]), None, &message[..]),
            Some(_) => split_tag(&message),
        };
        JournalEntry {
            realtime_micros: boot_micros.checked_add(micros),
            priority: record.level,
            host: self.options.host.as_ref().map(String::as_bytes),
            identifier,
            pid,
            message: Text::plain(message),
            ..JournalEntry::default()
        }
        .append_to(lines);
    }

    fn hand_over(&mut self, lines: &mut Vec<u8>, sink: &mut dyn FnMut(Delivery<'_>)) {
        if !lines.is_empty() {
            let block = Block { offset: self.offset, bytes: mem::take(lines), ..Block::default() };
            self.offset = block.end_offset();
            sink(Delivery::Lines { stream: &self.stream, block });
        }
    }

    /// Takes what was read. Returns how it ended, and whether there may be more.
    fn drain(
        &mut self,
        reads: &Pump<io::Result<Vec<u8>>>,
        lines: &mut Vec<u8>,
        sink: &mut dyn FnMut(Delivery<'_>),
    ) -> io::Result<Readiness> {
        let mut taken = 0;
        while taken < POLL_BYTES {
            match reads.take() {
                Pumped::Item(read) => {
                    let read = read?;
                    taken += read.len();
                    self.split(&read, lines, sink);
                }
                Pumped::Nothing => return Ok(Readiness::Idle),
                Pumped::Ended => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it came to an end"));
                }
            }
        }
        Ok(Readiness::More)
    }

    fn split(&mut self, read: &[u8], lines: &mut Vec<u8>, sink: &mut dyn FnMut(Delivery<'_>)) {
        let mut pending = mem::take(&mut self.pending);
        pending.extend_from_slice(read);
        let mut rest = &pending[..];
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            self.line(line, lines, sink);
            rest = after.get(1..).unwrap_or_default();
        }
        // The device ends each record. What stands in for it may hold anything.
        if rest.len() > Limits::default().line_bytes {
            self.line(rest, lines, sink);
            rest = b"";
        }
        let unfinished = rest.len();
        pending.drain(..pending.len() - unfinished);
        self.pending = pending;
    }
}

impl Source for Kmsg {
    fn name(&self) -> &str {
        "kmsg"
    }

    fn poll(&mut self, sink: &mut dyn FnMut(Delivery<'_>)) -> io::Result<Readiness> {
        let reads = match self.reads.take() {
            Some(reads) => reads,
            None => {
                self.pending.clear();
                let path = self.options.path.clone();
                let from_start = self.options.from_start || self.next_sequence.is_some();
                Pump::start("kmsg", WAITING_AT_MOST, self.waker.clone(), move |outlet| {
                    read_all(&path, from_start, outlet);
                })?
            }
        };
        let mut lines = Vec::new();
        let outcome = self.drain(&reads, &mut lines, sink);
        self.hand_over(&mut lines, sink);
        if outcome.is_ok() {
            self.reads = Some(reads);
        }
        outcome.map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", self.options.path.display()))
        })
    }

    fn cursor(&self) -> Value {
        json!({
            "boot_id": self.options.boot_id,
            "boot_unix_nanos": self.options.boot_unix_nanos,
            "sequence": self.next_sequence.and_then(|next| next.checked_sub(1)),
            "offset": self.offset,
        })
    }
}

/// Reads until there is an error, the end, or nobody who wants it.
fn read_all(path: &Path, from_start: bool, outlet: &Outlet<io::Result<Vec<u8>>>) {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return drop(outlet.put(Err(error))),
    };
    if !from_start {
        // A pipe, standing in for the device, has no end to go to.
        let _ = file.seek(SeekFrom::End(0));
    }
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => Ok(buffer[..length].to_vec()),
            // Overtaken by the ring: the next number tells by how much.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => continue,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let has_failed = read.is_err();
        if outlet.put(read).is_err() || has_failed {
            return;
        }
    }
}

/// `systemd[1]: message` as name, pid and message.
fn split_tag(message: &[u8]) -> (Option<&[u8]>, Option<u64>, &[u8]) {
    let split = || {
        let colon = memchr(b':', message)?;
        let (tag, rest) = message.split_at_checked(colon)?;
        let rest = rest.strip_prefix(b": ")?;
        let (name, pid) = match tag.strip_suffix(b"]").and_then(|tag| Some((tag, memchr(b'[', tag)?))) {
            Some((tag, bracket)) => {
                let (name, pid) = tag.split_at_checked(bracket)?;
                (name, Some(chiplog_parse::journal_entry::number(pid.get(1..)?)?))
            }
            None => (tag, None),
        };
        let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
        is_name.then_some((Some(name), pid, rest))
    };
    split().unwrap_or((None, None, message))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use chiplog_parse::Detector;

    use super::*;
    use crate::Wakings;

    const SECOND: i64 = 1_000_000_000;

    fn options(path: &Path, boot_id: &str) -> KmsgOptions {
        KmsgOptions {
            path: path.to_owned(),
            from_start: true,
            host: Some("w-07".to_owned()),
            boot_id: boot_id.to_owned(),
            boot_unix_nanos: 1_709_618_828 * SECOND,
        }
    }

    /// What a file of records gives until its end, which a device does not have.
    fn read(text: &[u8], boot_id: &str, cursor: Option<&Value>) -> (Vec<String>, Value) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kmsg");
        fs::write(&path, text).unwrap();
        let (waker, wakings) = Wakings::new();
        let mut source = Kmsg::new(options(&path, boot_id), cursor, waker);
        let mut seen = vec![];
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let polled = source.poll(&mut |delivery| match delivery {
                Delivery::Lines { block, .. } => {
                    for line in chiplog_parse::lines(&block.bytes) {
                        let mut detector = Detector::new();
                        let record = detector.peel(line);
                        let text = |bytes: Option<&[u8]>| {
                            bytes.map_or("-".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
                        };
                        let severity =
                            record.severity.map_or("-".to_owned(), |severity| severity.to_string());
                        seen.push(format!(
                            "{} {} {severity} {}",
                            text(record.host),
                            text(record.component),
                            String::from_utf8_lossy(&record.message.decode())
                        ));
                    }
                }
                Delivery::Lost { loss, .. } => {
                    seen.push(format!("lost {} {:?}", loss.reason.name(), loss.lines));
                }
                Delivery::Ended { .. } | Delivery::Warning(_) => unreachable!(),
            });
            match polled {
                Ok(_) => wakings.wait(Duration::from_secs(60)),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
                    return (seen, source.cursor());
                }
            }
            assert!(Instant::now() < deadline, "{seen:?}");
        }
    }

    #[test]
    fn records_are_lines_of_the_machine_and_gaps_are_counted() {
        let text = b"3,7,1000000,-;e2fs: \\x22bad\\x22 block\n SUBSYSTEM=block\n DEVICE=b8:0\n\
            30,8,2000000,-;systemd[1]: Started x.\n6,12,3000000,c,caller=T1;late\nno record\n";
        let (seen, cursor) = read(text, "a", None);
        let expected = [
            "w-07 kernel ERROR e2fs: \"bad\" block",
            "w-07 systemd INFO Started x.",
            "lost overwritten Some(3)",
            "w-07 kernel INFO late",
            "- - - no record",
        ];
        assert_eq!(seen, expected);
        assert_eq!((&cursor["boot_id"], &cursor["sequence"]), (&json!("a"), &json!(12)));
    }

    #[test]
    fn a_cursor_is_gone_on_from_and_a_new_boot_begins_anew() {
        let text = b"6,11,1,-;eleven\n6,12,2,-;twelve\n6,13,3,-;thirteen\n";
        let cursor =
            |boot: &str, sequence: u64| json!({ "boot_id": boot, "sequence": sequence, "offset": 9 });
        let lines = |boot, sequence| {
            let (seen, after) = read(text, "a", Some(&cursor(boot, sequence)));
            assert!(after["offset"].as_u64() > Some(9));
            seen.iter().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(lines("a", 12), ["thirteen"]);
        assert_eq!(lines("a", 5), ["Some(5)", "eleven", "twelve", "thirteen"]);
        assert_eq!(lines("b", 12), ["Some(11)", "eleven", "twelve", "thirteen"]);
    }

    #[test]
    fn a_device_that_is_not_there_fails_and_may_come() {
        let (waker, wakings) = Wakings::new();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kmsg");
        let mut source = Kmsg::new(options(&path, "a"), None, waker);
        let mut poll_until = |wanted: fn(&io::Result<Readiness>) -> bool| {
            let deadline = Instant::now() + Duration::from_secs(60);
            loop {
                let mut blocks = 0;
                let polled = source.poll(&mut |_| blocks += 1);
                if wanted(&polled) {
                    return (polled, blocks);
                }
                assert!(Instant::now() < deadline);
                wakings.wait(Duration::from_millis(10));
            }
        };
        let (failed, _) = poll_until(Result::is_err);
        assert!(failed.unwrap_err().to_string().contains("kmsg: "));
        fs::write(&path, "6,0,1,-;first\n").unwrap();
        let (_, blocks) = poll_until(|polled| {
            polled.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
        });
        assert_eq!(blocks, 1);
    }

    #[test]
    fn tags_and_uptimes() {
        let tag = |message: &'static str| split_tag(message.as_bytes());
        assert_eq!(tag("systemd[1]: m"), (Some(&b"systemd"[..]), Some(1), &b"m"[..]));
        assert_eq!(tag("init: m"), (Some(&b"init"[..]), None, &b"m"[..]));
        for message in ["", ":", ": m", "a b: m", "a[x]: m", "no tag", "a:m"] {
            assert_eq!(tag(message), (None, None, message.as_bytes()));
        }
        assert_eq!(uptime_nanos("12345.67 54321.00\n"), Some(12_345_670_000_000));
        assert_eq!(uptime_nanos("x"), None);
    }
}
