//! From a block to its partial: the work that is done in parallel.

use chiplog_parse::{Payload, Record, klog};
use chiplog_rules::{LiteralSearcher, Matcher, Prefilter, RuleSet};

use crate::census::Census;
use crate::clocks::LineTimes;
use crate::origin::LineReader;
use crate::partial::{Entry, EntryKind, Partial};
use crate::sampling::message_hash;
use crate::{Block, Entries, Origin};

/// Lines that hold a multiple of this offset tell the time, whether or not a rule matches them.
const MARK_EVERY: u64 = 64 << 10;

/// So do all lines that start before this offset: they tell the zone and the year early.
const MARKED_HEAD: u64 = 16 << 10;

/// How the lines are found that rules look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScanMode {
    /// Only lines that hold a literal which some rule needs, if every rule needs one.
    #[default]
    Sparse,
    /// Every line.
    Dense,
}

/// Scans blocks. One for each worker: it owns the scratch space, and nothing that it does depends
/// on the blocks that it saw before.
pub struct Scanner {
    rules: RuleSet,
    matcher: Matcher,
    reader: LineReader,
    mode: ScanMode,
    /// Blocks come from a live stream: tell the time of each one's last line.
    is_live: bool,
}

/// Why a line is looked at.
#[derive(Clone, Copy)]
struct Looked {
    /// Offset in the source, or what stands for it.
    offset: u64,
    /// A rule may match it.
    is_elected: bool,
    /// It is one of those that the census counts.
    is_counted: bool,
    /// It tells the time.
    is_mark: bool,
}

/// A line of a block, without its line end.
struct Line<'b> {
    offset: usize,
    text: &'b [u8],
}

impl Scanner {
    /// A scanner for these rules.
    #[must_use]
    pub fn new(rules: &RuleSet, mode: ScanMode, is_live: bool) -> Self {
        Self { rules: rules.clone(), matcher: rules.matcher(), reader: LineReader::default(), mode, is_live }
    }

    /// The same scanner for lines of this origin.
    #[must_use]
    pub fn with_origin(self, origin: &Origin) -> Self {
        Self { reader: LineReader::new(origin), ..self }
    }

    pub(crate) fn set_origin(&mut self, origin: &Origin) {
        if self.reader.origin() != origin {
            self.reader = LineReader::new(origin);
        }
    }

    /// Scans one block.
    #[must_use]
    pub fn scan(&mut self, block: &Block) -> Partial {
        let mut partial = Partial { lines: block.lines(), ..Partial::default() };
        let rules = self.rules.clone();
        let searcher = match (self.mode, rules.prefilter()) {
            (ScanMode::Sparse, Prefilter::Sparse(searcher)) => Some(searcher),
            _ => None,
        };
        match &block.entries {
            Some(entries) => self.scan_entries(&block.bytes, entries, searcher, &mut partial),
            None => self.scan_text(block, searcher, &mut partial),
        }
        if self.is_live && !block.bytes.is_empty() {
            partial.last = self.last_times(block);
        }
        partial
    }

    fn scan_text(&mut self, block: &Block, searcher: Option<&LiteralSearcher>, partial: &mut Partial) {
        let mut position = 0;
        while position < block.bytes.len() {
            let mark = next_mark(block, position);
            let end = mark.unwrap_or(block.bytes.len());
            self.scan_segment(block, position..end, searcher, partial);
            position = end;
            if mark.is_some() {
                let line = line_at(&block.bytes, position);
                position = next_line(&block.bytes, position);
                self.look(&line, Looked::in_text(block, &line, true, true), partial);
            }
        }
    }

    /// Scans entries of a journal. Most of those that are here were elected or are samples.
    fn scan_entries(
        &mut self,
        bytes: &[u8],
        entries: &Entries,
        searcher: Option<&LiteralSearcher>,
        partial: &mut Partial,
    ) {
        let mut candidates = searcher.map(|searcher| searcher.find_iter(bytes).peekable());
        let mut passed = entries.passed.iter().peekable();
        let (mut position, mut number) = (0, entries.first);
        while position < bytes.len() {
            while let Some(passed) = passed.next_if(|passed| passed.before as usize <= position) {
                number += u64::from(passed.entries);
            }
            let line = line_at(bytes, position);
            position = next_line(bytes, position);
            let is_elected = candidates.as_mut().is_none_or(|candidates| {
                let mut is_found = false;
                while candidates.next_if(|found| *found < position).is_some() {
                    is_found = true;
                }
                is_found
            });
            let looked = Looked {
                offset: Entries::offset_of(number),
                is_elected,
                is_counted: Entries::is_sample(number),
                is_mark: Entries::is_mark(number),
            };
            self.look(&line, looked, partial);
            number += 1;
        }
    }

    /// Scans the lines between two marks.
    fn scan_segment(
        &mut self,
        block: &Block,
        range: std::ops::Range<usize>,
        searcher: Option<&LiteralSearcher>,
        partial: &mut Partial,
    ) {
        let bytes = &block.bytes[..range.end];
        let mut position = range.start;
        let Some(searcher) = searcher else {
            while position < bytes.len() {
                let line = line_at(bytes, position);
                position = next_line(bytes, position);
                self.look(&line, Looked::in_text(block, &line, true, false), partial);
            }
            return;
        };
        let base = position;
        let mut candidates = searcher.find_iter(&bytes[base..]).map(|found| base + found).peekable();
        let every_line = Census::covers(block.offset + position as u64);
        while position < bytes.len() {
            if !every_line {
                let Some(found) = candidates.peek() else { return };
                position =
                    memchr::memrchr(b'\n', &bytes[position..*found]).map_or(position, |lf| position + lf + 1);
            }
            let line = line_at(bytes, position);
            position = next_line(bytes, position);
            let mut is_elected = false;
            while candidates.next_if(|found| *found < position).is_some() {
                is_elected = true;
            }
            self.look(&line, Looked::in_text(block, &line, is_elected, false), partial);
        }
    }

    /// Looks at one line: counts its formats, matches the rules, notes its time.
    fn look(&mut self, line: &Line<'_>, looked: Looked, partial: &mut Partial) {
        let Looked { offset, is_elected, is_counted, is_mark } = looked;
        if !(is_elected || is_counted || is_mark) {
            return;
        }
        let record = self.reader.peel(line.text);
        if is_counted {
            partial.census.add(record.chain(), record.is_recognised(), line.text.is_empty());
        }
        let times = times_of(&record);
        if is_mark
            && record.host.is_none()
            && line.text.starts_with(b"Running on")
            && let Some(klog::Banner::Machine(machine)) = klog::banner(line.text)
            && !machine.is_empty()
        {
            partial.machines.push((line.offset as u32, machine.into()));
        }
        let mut hits = 0;
        let mut message = None;
        if is_elected {
            let Partial { keys, entries, values, hashes, .. } = partial;
            self.matcher.match_record(&record, line.text, |hit| {
                let host = keys.host(record.host.unwrap_or_default());
                let key = keys.key(hit.rule, host, hit.labels());
                let first_value = values.len() as u32;
                values.extend_from_slice(hit.values);
                let first_hash = hashes.len() as u32;
                hashes.extend_from_slice(hit.distinct);
                hashes.extend(hit.once_key.map(Some));
                let message = *message.get_or_insert_with(|| sampled_message(&record));
                let kind = EntryKind::Hit {
                    key,
                    values: first_value,
                    hashes: first_hash,
                    // No line stands for more, whatever it says.
                    repeats: u32::try_from(hit.repeats.max(1)).unwrap_or(u32::MAX),
                    counts: hit.counts,
                    message,
                };
                entries.push(Entry { offset: line.offset as u32, host, times, kind });
                hits += 1;
            });
        }
        if (is_counted || hits > 0)
            && let Some(program) = record.component
        {
            partial.programs.add(record.host.unwrap_or_default(), program);
        }
        if is_counted {
            partial.templates.look(offset, line.offset, &record, times, hits == 0);
        }
        if is_mark && hits == 0 && !times.is_empty() {
            let host = partial.keys.host(record.host.unwrap_or_default());
            partial.entries.push(Entry { offset: line.offset as u32, host, times, kind: EntryKind::Mark });
        }
    }

    fn last_times(&mut self, block: &Block) -> Option<(LineTimes, Box<[u8]>)> {
        let line = line_at(&block.bytes, last_line(&block.bytes));
        let record = self.reader.peel(line.text);
        let times = times_of(&record);
        (!times.is_empty()).then(|| (times, record.host.unwrap_or_default().into()))
    }
}

/// A hash of what a line says, if it is of a logger that may sample; else 0.
fn sampled_message(record: &Record<'_>) -> u32 {
    match record.payload() {
        Payload::Zap(zap) => {
            let level = record.severity.map_or(0, chiplog_parse::Severity::number);
            message_hash(level, zap.message.raw())
        }
        _ => 0,
    }
}

pub(crate) fn times_of(record: &Record<'_>) -> LineTimes {
    LineTimes { envelope: record.envelope_time, payload: record.payload_time }
}

impl Looked {
    /// A line of text, judged by its offset.
    fn in_text(block: &Block, line: &Line<'_>, is_elected: bool, is_mark: bool) -> Self {
        let offset = block.offset + line.offset as u64;
        let is_mark = is_mark || offset < MARKED_HEAD;
        Self { offset, is_elected, is_counted: Census::covers(offset), is_mark }
    }
}

/// The start of the first line at or after `position` that holds an offset which is a multiple of
/// [`MARK_EVERY`]. Whether a line does depends on its offsets in the source alone.
fn next_mark(block: &Block, position: usize) -> Option<usize> {
    let at = (block.offset + position as u64).next_multiple_of(MARK_EVERY);
    if at >= block.end_offset() {
        return None;
    }
    let in_block = (at - block.offset) as usize;
    let start = if in_block < block.bytes.len() {
        memchr::memrchr(b'\n', &block.bytes[position..in_block]).map_or(position, |lf| position + lf + 1)
    } else {
        // In the part of the last line that was cut off.
        last_line(&block.bytes)
    };
    (start >= position && start < block.bytes.len()).then_some(start)
}

/// The start of the last line.
fn last_line(bytes: &[u8]) -> usize {
    let end = bytes.len() - usize::from(bytes.ends_with(b"\n"));
    memchr::memrchr(b'\n', &bytes[..end]).map_or(0, |lf| lf + 1)
}

fn next_line(bytes: &[u8], start: usize) -> usize {
    memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |lf| start + lf + 1)
}

fn line_at(bytes: &[u8], start: usize) -> Line<'_> {
    Line { offset: start, text: text_at(bytes, start) }
}

/// The line that starts at `start`, without LF and one CR before it.
pub(crate) fn text_at(bytes: &[u8], start: usize) -> &[u8] {
    text_of(&bytes[start..next_line(bytes, start)])
}

/// A line without LF and one CR before it.
pub(crate) fn text_of(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
