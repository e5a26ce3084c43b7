//! One journal file, entry by entry, as lines.

use std::io;

use chiplog_engine::Elector;
use chiplog_journal::{DataError, DataId, EntryHead, Journal, OpenError, ReadAt};
use chiplog_parse::Text;
use chiplog_parse::journal_entry::{self, JournalEntry};

use super::export::append_line;
use crate::Limits;

/// Bytes of a journal, wherever they are.
pub type JournalBytes = Box<dyn ReadAt + Send>;

/// The fields that a line is made of, by their place here.
pub(super) const FIELDS: [&str; 11] = [
    "MESSAGE",
    "PRIORITY",
    "_HOSTNAME",
    "SYSLOG_IDENTIFIER",
    "_COMM",
    "_PID",
    "SYSLOG_PID",
    "_SYSTEMD_UNIT",
    "_TRANSPORT",
    "CONTAINER_PARTIAL_MESSAGE",
    "_LINE_BREAK",
];
const MESSAGE: usize = 0;

/// The latest time that an entry is given. Only a damaged one is later.
const LAST_MICROS: u64 = i64::MAX as u64 / 1_000;

/// Memory for parts of a file, of which several may be open at once. A journal is read from front to
/// back: what is little stays in the nearer caches of the processor, and values that come again and
/// again are kept apart.
const CACHE_BYTES: usize = 2 << 20;

/// A journal file, and an entry of it.
pub(super) struct JournalLines {
    journal: Journal<JournalBytes>,
    /// Of the entry at hand.
    head: Option<EntryHead>,
    verdicts: Verdicts,
    names: Names,
    scratch: Vec<u8>,
}

/// All that is needed to make a line of an entry, also after the journal has gone on.
#[derive(Clone, Copy)]
pub(super) struct EntryParts {
    realtime_micros: u64,
    fields: [Option<DataId>; FIELDS.len()],
}

impl JournalLines {
    /// Opens a journal, with its place before the first entry.
    pub(super) fn open(bytes: JournalBytes) -> Result<Self, OpenError> {
        let mut limits = chiplog_journal::Limits::default();
        limits.cache_bytes = CACHE_BYTES;
        let mut journal = Journal::open(bytes, limits)?;
        journal.select(&FIELDS);
        Ok(Self { journal, head: None, verdicts: Verdicts::new(), names: Names::new(), scratch: Vec::new() })
    }

    pub(super) fn journal(&self) -> &Journal<JournalBytes> {
        &self.journal
    }

    /// The entry at hand.
    pub(super) fn head(&self) -> Option<&EntryHead> {
        self.head.as_ref()
    }

    /// Goes to the next entry; whether there is one.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        // After an error there is none either.
        self.head = None;
        self.head = self.journal.next_entry()?;
        Ok(self.head.is_some())
    }

    /// Whether a rule may match the entry at hand.
    #[inline]
    pub(super) fn is_elected(&mut self, elector: &Elector) -> io::Result<bool> {
        let Some(message) = self.journal.value(MESSAGE) else { return Ok(false) };
        if let Some(verdict) = self.verdicts.get(message) {
            return Ok(verdict);
        }
        let verdict = value_of(&mut self.journal, message)?.is_some_and(|message| elector.elects(message));
        self.verdicts.set(message, verdict);
        Ok(verdict)
    }

    /// The entry at hand, for [`JournalLines::append`].
    #[inline]
    pub(super) fn parts(&self) -> EntryParts {
        let realtime_micros = self.head.as_ref().map_or(0, |head| head.realtime_micros);
        EntryParts { realtime_micros, fields: std::array::from_fn(|field| self.journal.value(field)) }
    }

    /// Appends an entry as a line, and gives how many bytes of it were left out.
    pub(super) fn append(
        &mut self,
        parts: &EntryParts,
        limits: Limits,
        lines: &mut Vec<u8>,
    ) -> io::Result<u64> {
        let Self { journal, names, scratch: bytes, .. } = self;
        bytes.clear();
        let mut ends = [0; FIELDS.len()];
        for (field, (data, end)) in parts.fields.iter().zip(&mut ends).enumerate() {
            if let Some(data) = *data {
                if field == MESSAGE {
                    bytes.extend_from_slice(value_of(journal, data)?.unwrap_or_default());
                } else {
                    names.append(journal, data, bytes)?;
                }
            }
            *end = bytes.len();
        }
        let value = |field: usize| {
            let start = field.checked_sub(1).map_or(0, |before| ends[before]);
            parts.fields[field].map(|_| &bytes[start..ends[field]])
        };
        let number = |field: usize| value(field).and_then(journal_entry::number);
        let is_kernel = value(8) == Some(b"kernel");
        let entry = JournalEntry {
            realtime_micros: Some(parts.realtime_micros.min(LAST_MICROS)),
            priority: value(1).and_then(journal_entry::priority),
            host: value(2),
            identifier: value(3).or(value(4)).or(is_kernel.then_some(&b"kernel"[..])),
            unit: value(7),
            pid: number(5).or(number(6)),
            partial: value(9) == Some(b"true") || value(10) == Some(b"line-max"),
            message: Text::plain(value(MESSAGE).unwrap_or_default()),
        };
        Ok(append_line(&entry, 0, limits, lines))
    }
}

/// A value, if it can be read. Damage is counted by the journal.
fn value_of(journal: &mut Journal<JournalBytes>, data: DataId) -> io::Result<Option<&[u8]>> {
    match journal.payload(data) {
        Ok(value) => Ok(Some(value)),
        Err(DataError::Io(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// What was thought of messages met lately: a direct-mapped cache. Services that repeat themselves have
/// their message stored once.
struct Verdicts {
    /// Offset of the data and verdict in one number: data is aligned to eight bytes.
    slots: Box<[u64]>,
}

impl Verdicts {
    /// Small, so that what a walk looks up for each value stays in the nearest cache.
    const SLOTS_LOG2: u32 = 10;

    fn new() -> Self {
        Self { slots: vec![u64::MAX; 1 << Self::SLOTS_LOG2].into() }
    }

    #[inline]
    fn get(&self, data: DataId) -> Option<bool> {
        let offset = data.offset();
        let known = self.slots[slot_of(data, Self::SLOTS_LOG2)];
        (known & !1 == offset).then_some(known & 1 == 1)
    }

    #[inline]
    fn set(&mut self, data: DataId, verdict: bool) {
        let offset = data.offset();
        // Data that is not aligned is damaged, and is not kept.
        if offset & 1 == 0 {
            self.slots[slot_of(data, Self::SLOTS_LOG2)] = offset | u64::from(verdict);
        }
    }
}

/// Short values met lately, all but messages: a direct-mapped cache.
struct Names {
    slots: Box<[Name]>,
}

#[derive(Clone, Default)]
struct Name {
    /// `None` is an empty slot.
    data: Option<DataId>,
    value: Vec<u8>,
}

impl Names {
    const SLOTS_LOG2: u32 = 8;
    /// Longer ones are not kept.
    const MAX_BYTES: usize = 256;

    fn new() -> Self {
        Self { slots: vec![Name::default(); 1 << Self::SLOTS_LOG2].into() }
    }

    /// Appends a value, as much as can be read of it.
    fn append(
        &mut self,
        journal: &mut Journal<JournalBytes>,
        data: DataId,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let slot = &mut self.slots[slot_of(data, Self::SLOTS_LOG2)];
        if slot.data == Some(data) {
            out.extend_from_slice(&slot.value);
            return Ok(());
        }
        let value = value_of(journal, data)?.unwrap_or_default();
        if value.len() <= Self::MAX_BYTES {
            slot.data = Some(data);
            slot.value.clear();
            slot.value.extend_from_slice(value);
        }
        out.extend_from_slice(value);
        Ok(())
    }
}

/// Where data stands in a table of so many slots.
#[inline]
fn slot_of(data: DataId, slots_log2: u32) -> usize {
    (data.offset().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - slots_log2)) as usize
}
