//! What `journalctl -o export` prints, as lines.

use std::io::{self, Read};
use std::mem;
use std::ops::Range;

use chiplog_engine::Block;
use chiplog_parse::journal_entry::{self, JournalEntry};
use chiplog_parse::journal_export::{self, Error, MAX_FIELD_BYTES};

use crate::Limits;
use crate::block_reader::read_retrying;

/// Reads an export stream of a journal, the text and the binary fields, into [`Block`]s of lines: one
/// for each entry, in the form of [`chiplog_parse::journal_entry`].
///
/// Offsets count the lines, not the stream. What an entry says is cut as a line would be: its
/// message to about [`Limits::line_bytes`]. Nothing of other fields is kept, so that memory is
/// bounded by the limits, whatever the lengths in the stream.
///
/// Where the stream is damaged, it is read on from the next entry; what was whole of the entry
/// is handed over. Notes that journalctl prints between entries (`-- cursor: ..`) are passed over.
///
/// ```
/// use chiplog_source::{ExportReader, Limits};
/// let stream = &b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1709618828120034\nMESSAGE=one\n\nMESSAGE=two\n\n"[..];
/// let mut reader = ExportReader::new(stream, Limits::default());
/// let block = reader.next_block()?.expect("there are entries");
/// assert_eq!(block.lines(), 2);
/// assert_eq!(reader.cursor(), Some("s=1"));
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct ExportReader<R> {
    reader: R,
    limits: Limits,
    is_live: bool,
    /// `buffer[start..end]` was read and not yet looked at.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Offset of `buffer[start]` in the stream.
    position: u64,
    state: State,
    draft: Draft,
    lines: Vec<u8>,
    /// Bytes of the last line that were left out.
    cut_bytes: u64,
    /// Offset of `lines` in the source.
    offset: u64,
    /// Nothing more comes; then the error, if there was one.
    ended: Option<Option<io::Error>>,
    /// Of the last entry in `lines`.
    cursor: Option<String>,
    damage: ExportDamage,
    spare: Vec<Vec<u8>>,
}

/// What of an export stream could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportDamage {
    /// Damaged places. At each, the rest of one entry is lost, and what looks like a part of it.
    pub places: u64,
    /// Where in the stream, after decompression, the first of them is.
    pub first_offset: Option<u64>,
}

impl ExportDamage {
    /// The damage in one line, if there is any.
    pub(crate) fn describe(&self) -> Option<String> {
        let offset = self.first_offset?;
        let plural = if self.places == 1 { "" } else { "s" };
        Some(format!("export stream is damaged in {} place{plural}, first at byte {offset}", self.places))
    }
}

/// What comes next in the stream.
#[derive(Clone, Copy, Debug)]
enum State {
    /// A field, or the end of an entry.
    Field,
    /// More of a value that is longer than the buffer, up to a line feed.
    Text,
    /// More of such a value, of which so many bytes are left.
    Binary { left: u64 },
    /// Something that is no field: an entry is looked for.
    Damage,
    /// A note of journalctl, up to a line feed.
    Note,
}

/// The entry that is being read.
#[derive(Debug, Default)]
struct Draft {
    /// Names and values that matter, end to end.
    bytes: Vec<u8>,
    /// The first of each name.
    fields: Vec<(Range<usize>, Range<usize>)>,
    cursor: Vec<u8>,
    /// Where the value of the field at hand belongs.
    target: Target,
    /// Bytes of the message that were left out.
    cut_bytes: u64,
    has_fields: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Target {
    #[default]
    Nothing,
    Cursor,
    LastField,
    Message,
}

/// Bytes of a value other than the message that are kept.
const VALUE_BYTES: usize = 4_096;
const BUFFER_BYTES: usize = 256 << 10;
/// systemd's own limit is 64.
const NAME_BYTES: usize = 256;
const SPARE_BUFFERS: usize = 8;

/// What the first line of an export stream begins with.
const BEGINNINGS: [&[u8]; 2] = [b"__CURSOR=", b"__REALTIME_TIMESTAMP="];

/// Whether a stream that begins so is one of entries; `None` if more must be read to tell.
pub(crate) fn is_export(head: &[u8]) -> Option<bool> {
    if BEGINNINGS.iter().any(|beginning| head.starts_with(beginning)) {
        Some(true)
    } else if BEGINNINGS.iter().any(|beginning| beginning.starts_with(head)) {
        None
    } else {
        Some(false)
    }
}

impl<R: Read> ExportReader<R> {
    /// A reader of something that is complete: blocks are filled.
    pub fn new(reader: R, limits: Limits) -> Self {
        Self::with_mode(reader, limits, false)
    }

    /// A reader of something that is being written, such as a pipe: entries are handed over as soon
    /// as a read completed one.
    pub fn live(reader: R, limits: Limits) -> Self {
        Self::with_mode(reader, limits, true)
    }

    fn with_mode(reader: R, limits: Limits, is_live: bool) -> Self {
        let limits = Limits { block_bytes: limits.block_bytes.max(1), line_bytes: limits.line_bytes.max(1) };
        Self {
            reader,
            limits,
            is_live,
            buffer: vec![0; BUFFER_BYTES].into(),
            start: 0,
            end: 0,
            position: 0,
            state: State::Field,
            draft: Draft::default(),
            lines: Vec::new(),
            cut_bytes: 0,
            offset: 0,
            ended: None,
            cursor: None,
            damage: ExportDamage::default(),
            spare: Vec::new(),
        }
    }

    /// The next entries, or `None` at the end of the stream. Never an empty block.
    ///
    /// # Errors
    ///
    /// An error of the reader, once, after everything that was read before it has been handed over.
    /// After that comes `None`. Interrupted reads are repeated and no error.
    pub fn next_block(&mut self) -> io::Result<Option<Block>> {
        loop {
            while self.cut_bytes == 0 && self.lines.len() < self.limits.block_bytes && self.step() {}
            let is_full = self.cut_bytes > 0 || self.lines.len() >= self.limits.block_bytes;
            let at_rest = self.is_live || self.ended.is_some();
            if !self.lines.is_empty() && (is_full || at_rest) {
                return Ok(Some(self.hand_out()));
            }
            if let Some(error) = &mut self.ended {
                return error.take().map_or(Ok(None), Err);
            }
            self.fill();
        }
    }

    /// Takes back the buffer of a block that is no longer needed.
    pub fn recycle(&mut self, block: Block) {
        if self.spare.len() < SPARE_BUFFERS {
            self.spare.push(block.bytes);
        }
    }

    /// The `__CURSOR` of the last entry that was handed over: `journalctl --after-cursor` goes on
    /// behind it.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// What could not be read so far.
    #[must_use]
    pub fn damage(&self) -> ExportDamage {
        self.damage
    }

    fn hand_out(&mut self) -> Block {
        let mut next = self.spare.pop().unwrap_or_default();
        next.clear();
        let bytes = mem::replace(&mut self.lines, next);
        let block =
            Block { offset: self.offset, bytes, cut_bytes: mem::take(&mut self.cut_bytes), entries: None };
        self.offset = block.end_offset();
        block
    }

    /// Reads once. On return there is more in the buffer, or the end is reached.
    fn fill(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        match read_retrying(&mut self.reader, &mut self.buffer[self.end..]) {
            Ok(0) => self.finish(None),
            Ok(count) => self.end += count,
            Err(error) => self.finish(Some(error)),
        }
    }

    fn finish(&mut self, error: Option<io::Error>) {
        self.ended = Some(error);
        let is_cut = match self.state {
            State::Field => self.start < self.end,
            State::Text | State::Binary { .. } => true,
            State::Damage | State::Note => false,
        };
        if is_cut {
            self.note_damage(0);
        }
        self.start = self.end;
        self.end_entry();
    }

    /// Goes on by a field, if what was read holds one or its next part.
    fn step(&mut self) -> bool {
        let ahead = &self.buffer[self.start..self.end];
        if ahead.is_empty() {
            return false;
        }
        match self.state {
            State::Field => return self.field(),
            State::Text => {
                let end = memchr::memchr(b'\n', ahead);
                let length = end.unwrap_or(ahead.len());
                self.draft.extend(&ahead[..length], self.limits);
                self.take(length + usize::from(end.is_some()));
                if end.is_some() {
                    self.state = State::Field;
                }
            }
            State::Binary { left } => {
                let length = usize::try_from(left).unwrap_or(usize::MAX).min(ahead.len());
                if length > 0 {
                    self.draft.extend(&ahead[..length], self.limits);
                    self.take(length);
                    self.state = State::Binary { left: left - length as u64 };
                } else if ahead[0] == b'\n' {
                    self.take(1);
                    self.state = State::Field;
                } else {
                    self.begin_damage(0);
                }
            }
            State::Note => {
                let end = memchr::memchr(b'\n', ahead);
                self.take(end.map_or(ahead.len(), |end| end + 1));
                if end.is_some() {
                    self.state = State::Field;
                }
            }
            State::Damage => return self.resynchronise(),
        }
        true
    }

    fn field(&mut self) -> bool {
        let ahead = &self.buffer[self.start..self.end];
        if ahead[0] == b'\n' {
            self.take(1);
            self.end_entry();
            return true;
        }
        if ahead[0] == b'-' && !self.draft.has_fields {
            self.state = State::Note;
            return true;
        }
        match journal_export::field(ahead) {
            Ok((field, length)) => {
                self.draft.begin(field.name);
                self.draft.extend(field.value, self.limits);
                self.take(length);
                true
            }
            Err(Error::Malformed(error)) => {
                self.begin_damage(error.offset());
                true
            }
            // Most of what is in the buffer may be fields that were already looked at.
            Err(_) if ahead.len() < self.buffer.len() => false,
            Err(_) => {
                self.begin_long_field();
                true
            }
        }
    }

    /// A field that does not fit the buffer.
    fn begin_long_field(&mut self) {
        let ahead = &self.buffer[self.start..self.end];
        let name_bytes = memchr::memchr2(b'=', b'\n', ahead).filter(|length| *length <= NAME_BYTES);
        let Some((name, rest)) = name_bytes.and_then(|length| ahead.split_at_checked(length)) else {
            return self.begin_damage(0);
        };
        let (value, state, head_bytes) = match rest {
            [b'=', value @ ..] => (value, None, name.len() + 1),
            [_, rest @ ..] => {
                // That the length is in bounds was looked at with the field.
                let (length, value) = rest.split_first_chunk::<8>().unwrap_or((&[0; 8], b""));
                let left = u64::from_le_bytes(*length).min(MAX_FIELD_BYTES);
                (value, Some(left - value.len() as u64), name.len() + 9)
            }
            [] => return self.begin_damage(0),
        };
        let value_bytes = value.len();
        self.draft.begin(name);
        self.draft.extend(value, self.limits);
        self.state = match state {
            None => State::Text,
            Some(left) => State::Binary { left },
        };
        self.take(head_bytes + value_bytes);
    }

    fn begin_damage(&mut self, offset: usize) {
        self.note_damage(offset);
        self.end_entry();
        self.state = State::Damage;
    }

    fn note_damage(&mut self, offset: usize) {
        self.damage.places += 1;
        self.damage.first_offset.get_or_insert(self.position + offset as u64);
    }

    /// Looks for the beginning of an entry.
    fn resynchronise(&mut self) -> bool {
        let ahead = &self.buffer[self.start..self.end];
        let feeds = memchr::memchr_iter(b'\n', ahead);
        for feed in feeds {
            let rest = &ahead[feed + 1..];
            if rest.starts_with(b"\n") || is_export(rest) == Some(true) {
                self.take(feed + 1);
                self.state = State::Field;
                return true;
            }
            if rest.is_empty() || is_export(rest).is_none() {
                // It is told by what follows.
                self.take(feed);
                return false;
            }
        }
        self.take(ahead.len());
        false
    }

    fn take(&mut self, length: usize) {
        self.start += length;
        self.position += length as u64;
    }

    /// Makes a line of the fields that were read.
    fn end_entry(&mut self) {
        self.state = State::Field;
        if !self.draft.has_fields {
            return;
        }
        let draft = &self.draft;
        // What was damaged from its beginning says nothing.
        if !draft.fields.is_empty() {
            let fields = draft.fields.iter();
            let entry = JournalEntry::from_fields(
                fields.map(|(name, value)| (&draft.bytes[name.clone()], &draft.bytes[value.clone()])),
            );
            self.cut_bytes = append_line(&entry, draft.cut_bytes, self.limits, &mut self.lines);
        }
        if !draft.cursor.is_empty() {
            let cursor = String::from_utf8_lossy(&draft.cursor);
            let kept = self.cursor.get_or_insert_default();
            kept.clear();
            kept.push_str(&cursor);
        }
        self.draft.clear();
    }
}

/// Appends an entry as a line, and gives how many bytes of it were left out, its LF included. Of the
/// message, `left_out` bytes are not there.
pub(crate) fn append_line(
    entry: &JournalEntry<'_>,
    left_out: u64,
    limits: Limits,
    lines: &mut Vec<u8>,
) -> u64 {
    let start = lines.len();
    entry.append_to(lines);
    let length = lines.len() - start - 1;
    if length <= limits.line_bytes && left_out == 0 {
        return 0;
    }
    let kept = length.min(limits.line_bytes);
    lines.truncate(start + kept);
    (length - kept) as u64 + left_out + 1
}

impl Draft {
    /// Begins a field, whose value follows.
    fn begin(&mut self, name: &[u8]) {
        self.has_fields = true;
        let is_known =
            |(known, _): &(Range<usize>, Range<usize>)| self.bytes.get(known.clone()) == Some(name);
        self.target = match name {
            b"__CURSOR" => Target::Cursor,
            _ if !journal_entry::is_read(name) || self.fields.iter().any(is_known) => Target::Nothing,
            b"MESSAGE" => Target::Message,
            _ => Target::LastField,
        };
        if let Target::LastField | Target::Message = self.target {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(name);
            let end = self.bytes.len();
            self.fields.push((start..end, end..end));
        }
    }

    /// Appends to the value of the field, as much as is kept of it.
    fn extend(&mut self, value: &[u8], limits: Limits) {
        let most = match self.target {
            Target::Nothing => return,
            Target::Message => limits.line_bytes + 1,
            Target::Cursor | Target::LastField => VALUE_BYTES,
        };
        if let Target::Cursor = self.target {
            let kept = value.len().min(most.saturating_sub(self.cursor.len()));
            self.cursor.extend_from_slice(&value[..kept]);
            return;
        }
        let Some((_, last)) = self.fields.last_mut() else { return };
        let kept = value.len().min(most.saturating_sub(last.len()));
        self.bytes.extend_from_slice(&value[..kept]);
        last.end = self.bytes.len();
        if let Target::Message = self.target {
            self.cut_bytes += (value.len() - kept) as u64;
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
        self.cursor.clear();
        self.cut_bytes = 0;
        self.has_fields = false;
    }
}
