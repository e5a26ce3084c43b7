//! One journal file.

use std::io;

use crate::damage::Damage;
use crate::header::Header;
use crate::layout::{ENTRY_ITEMS, Layout};
use crate::payload::{Payloads, split};
use crate::read_at::{ReadAt, fill};
use crate::walk::Walk;
use crate::windows::Windows;
use crate::{Cursor, DataError, Id128, OpenError};

/// How much a file may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Memory for parts of the file.
    pub cache_bytes: usize,
    /// The longest payload that is read, stored and decompressed. Longer ones count as damage.
    pub data_bytes: u64,
    /// The most fields of one entry that are looked at (journald writes 1,024 at most).
    pub fields: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cache_bytes: 4 << 20, data_bytes: 16 << 20, fields: 4096 }
    }
}

/// When and where an entry was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryHead {
    /// Number in the sequence [`Header::seqnum_id`].
    pub seqnum: u64,
    /// Microseconds since 1970, when the entry was written; `_SOURCE_REALTIME_TIMESTAMP` may be
    /// earlier.
    pub realtime_micros: u64,
    /// Microseconds since the boot.
    pub monotonic_micros: u64,
    /// The boot.
    pub boot_id: Id128,
    /// Exclusive or of the hashes of the fields.
    pub xor_hash: u64,
    /// Where the entry stands in its file.
    pub offset: u64,
}

/// Data of a file: the name and the value of a field, which many entries may share.
///
/// Equal ids of one file are equal data, also after [`Journal::refresh`], so that what was thought
/// of one can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataId(pub(crate) u64);

impl DataId {
    /// Where the data stands in its file.
    #[must_use]
    pub const fn offset(self) -> u64 {
        self.0
    }
}

/// Where the search for a place came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seek {
    /// Right after the entry that was looked for.
    Exact,
    /// That entry is not there; before the first one that is later.
    Later,
    /// At the end: nothing is later.
    End,
}

/// An open journal file, and a place in it.
///
/// See the [crate] for an example.
#[derive(Debug)]
pub struct Journal<R> {
    windows: Windows<R>,
    header: Header,
    layout: Layout,
    limits: Limits,
    walk: Walk,
    head: Option<EntryHead>,
    /// How many bytes the items of the entry at hand are, of those that are looked at.
    items_bytes: u64,
    /// Data of the entry at hand, if all of it is asked for.
    items: Vec<u64>,
    fields: Vec<Box<[u8]>>,
    verdicts: Verdicts,
    /// The first value of each selected field in the entry at hand; 0 is none.
    first: Vec<u64>,
    /// The selected fields of the entry at hand, in file order.
    selected: Vec<Selected>,
    /// Items of the entry at hand whose field is not known yet: their index and data.
    unknown: Vec<(u32, u64)>,
    payloads: Payloads,
    damage: Damage,
}

impl<R: ReadAt> Journal<R> {
    /// Opens a journal; the place is before its first entry.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is no journal, or has flags that are not known. Other damage does not
    /// keep a journal from being opened.
    pub fn open(source: R, limits: Limits) -> Result<Self, OpenError> {
        let header = read_header(&source)?;
        let windows = Windows::new(source, limits.cache_bytes)?;
        let layout = header.layout();
        let mut damage = Damage::default();
        let claimed_bytes = header.header_size_bytes.saturating_add(header.arena_size_bytes);
        if claimed_bytes > windows.size_bytes() {
            damage.end(windows.size_bytes(), claimed_bytes - windows.size_bytes());
        }
        Ok(Self {
            walk: Walk::new(&header),
            windows,
            header,
            layout,
            limits,
            head: None,
            items_bytes: 0,
            items: Vec::new(),
            fields: Vec::new(),
            verdicts: Verdicts::none(),
            first: Vec::new(),
            selected: Vec::new(),
            unknown: Vec::new(),
            payloads: Payloads::new(layout, limits),
            damage,
        })
    }

    /// What the writer said about the file, when it was opened or refreshed.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where the bytes come from.
    #[must_use]
    pub fn source(&self) -> &R {
        self.windows.source()
    }

    /// Says which fields [`value`](Self::value) will know, by their place in `fields`; of all
    /// others no more than the name is read, once.
    ///
    /// Holds from the next entry on.
    ///
    /// # Panics
    ///
    /// If there are more than 250.
    pub fn select(&mut self, fields: &[&str]) {
        assert!(fields.len() <= usize::from(Verdicts::FIELDS), "{} fields are too many", fields.len());
        self.fields = fields.iter().map(|field| field.as_bytes().into()).collect();
        self.first = vec![0; fields.len()];
        self.selected.clear();
        self.verdicts = Verdicts::none();
    }

    /// Goes to the next entry.
    ///
    /// None at the end; more may follow after [`refresh`](Self::refresh). Damage is counted and
    /// stepped over.
    ///
    /// # Errors
    ///
    /// If the system cannot read the file.
    pub fn next_entry(&mut self) -> io::Result<Option<EntryHead>> {
        self.leave_entry();
        let Some(entry) = self.walk.next(&mut self.windows, &self.header, &mut self.damage)? else {
            self.damage.entries_missing = self.entries_missing();
            return Ok(None);
        };
        let most_bytes = (self.limits.fields as u64).saturating_mul(self.layout.entry_item_bytes());
        self.items_bytes = entry.size_bytes - ENTRY_ITEMS;
        if self.items_bytes > most_bytes {
            self.items_bytes = most_bytes;
            self.damage.data(entry.head.offset);
        }
        self.head = Some(entry.head);
        if !self.fields.is_empty() {
            self.classify(entry.head.offset)?;
        }
        Ok(self.head)
    }

    /// Goes back to the place before the first entry.
    pub fn rewind(&mut self) {
        self.leave_entry();
        self.damage.begin();
        self.walk.rewind(&self.header);
    }

    /// Finds the selected fields of the entry at hand, if others were selected when it was read.
    pub(crate) fn classify_again(&mut self) -> io::Result<()> {
        self.selected.clear();
        match self.head {
            Some(head) if !self.fields.is_empty() => self.classify(head.offset),
            _ => Ok(()),
        }
    }

    fn leave_entry(&mut self) {
        self.head = None;
        self.first.fill(0);
        self.selected.clear();
    }

    /// Goes to the place before the first entry for which `is_before` does not hold, and gives the
    /// head of that entry. Few entries are looked at: they must stand in the order that is asked for.
    ///
    /// # Errors
    ///
    /// If the system cannot read the file.
    fn seek(&mut self, is_before: &mut dyn FnMut(&EntryHead) -> bool) -> io::Result<Option<EntryHead>> {
        self.leave_entry();
        self.damage.begin();
        self.walk.seek(&mut self.windows, &self.header, &mut self.damage, is_before)
    }

    /// Goes to the place before the first entry of that time or later, going by the order of
    /// entries: where a clock was set back, entries of that time may stand before it.
    ///
    /// # Errors
    ///
    /// If the system cannot read the file.
    pub fn seek_realtime(&mut self, realtime_micros: u64) -> io::Result<()> {
        self.seek(&mut |head| head.realtime_micros < realtime_micros).map(drop)
    }

    /// Goes to the place right after the entry of `cursor`: the next one is the first that is later.
    ///
    /// What is later is told by sequence numbers where the cursor is of this file's sequence, else
    /// by the time since boot where the file has entries of the cursor's boot, else by the time.
    ///
    /// # Errors
    ///
    /// If the system cannot read the file.
    pub fn seek_after(&mut self, cursor: &Cursor) -> io::Result<Seek> {
        let found = if cursor.seqnum_id == self.header.seqnum_id {
            let found = self.seek(&mut |head| head.seqnum < cursor.seqnum)?;
            found.map(|head| (head, head.seqnum == cursor.seqnum))
        } else {
            self.seek_in_other_sequence(cursor)?
        };
        Ok(match found {
            None => Seek::End,
            Some((_, false)) => Seek::Later,
            Some((_, true)) => {
                self.walk.next(&mut self.windows, &self.header, &mut self.damage)?;
                Seek::Exact
            }
        })
    }

    /// The first entry that is the one of `cursor` or later, and whether it is that one.
    fn seek_in_other_sequence(&mut self, cursor: &Cursor) -> io::Result<Option<(EntryHead, bool)>> {
        // The boot of the cursor may be anywhere in the file, or not in it.
        self.rewind();
        let mut has_boot = false;
        while !has_boot
            && let Some(entry) = self.walk.next(&mut self.windows, &self.header, &mut self.damage)?
        {
            has_boot = entry.head.boot_id == cursor.boot_id;
        }
        self.rewind();
        let mut is_in_boot = false;
        let mut is_before = |head: &EntryHead| {
            if has_boot {
                let is_of_boot = head.boot_id == cursor.boot_id;
                is_in_boot |= is_of_boot;
                !is_in_boot || (is_of_boot && head.monotonic_micros < cursor.monotonic_micros)
            } else {
                head.realtime_micros < cursor.realtime_micros
            }
        };
        let found =
            self.walk.skip_while(&mut self.windows, &self.header, &mut self.damage, &mut is_before)?;
        Ok(found.map(|head| {
            let is_same = head.boot_id == cursor.boot_id
                && head.monotonic_micros == cursor.monotonic_micros
                && head.realtime_micros == cursor.realtime_micros
                && head.xor_hash == cursor.xor_hash;
            (head, is_same)
        }))
    }

    /// Gives back the memory that holds parts of the file; it is taken again when it is needed. The
    /// place stays, and the entry at hand.
    pub fn release_memory(&mut self) {
        self.windows.release();
        self.payloads = Payloads::new(self.layout, self.limits);
        self.verdicts = Verdicts::none();
    }

    fn entries_missing(&self) -> u64 {
        // A count that cannot be right says nothing.
        if self.header.n_entries > self.header.n_objects {
            return 0;
        }
        self.header.n_entries.saturating_sub(self.walk.found)
    }

    /// Finds the selected fields among the items of the entry at `offset`.
    fn classify(&mut self, offset: u64) -> io::Result<()> {
        self.unknown.clear();
        self.verdicts.make();
        let items = self.windows.exact(offset + ENTRY_ITEMS, self.items_bytes)?.unwrap_or_default();
        let (verdicts, selected, unknown) = (&self.verdicts, &mut self.selected, &mut self.unknown);
        if self.layout.is_compact {
            look_up(verdicts, compact_items(items), selected, unknown);
        } else {
            look_up(verdicts, regular_items(items), selected, unknown);
        }
        for &(index, data) in &self.unknown {
            let verdict = match self.payloads.name(&mut self.windows, data) {
                Ok((name, is_shared)) => {
                    let field = self.fields.iter().position(|field| **field == *name);
                    let verdict = field.map_or(Verdicts::OTHER, |field| field as u8);
                    // What only this entry refers to would push out what others will ask for.
                    if is_shared {
                        self.verdicts.insert(data, verdict);
                    }
                    verdict
                }
                Err(DataError::Io(error)) => return Err(error),
                Err(_) => {
                    self.damage.data(place(&self.windows, data, offset));
                    Verdicts::OTHER
                }
            };
            if verdict != Verdicts::OTHER {
                let later = self.selected.iter().rev().take_while(|selected| selected.index > index).count();
                let at = self.selected.len() - later;
                self.selected.insert(at, Selected { field: verdict, index, data });
            }
        }
        for selected in self.selected.iter().rev() {
            self.first[usize::from(selected.field)] = selected.data;
        }
        Ok(())
    }

    /// The first value of a selected field in the entry at hand.
    #[must_use]
    pub fn value(&self, field: usize) -> Option<DataId> {
        self.first.get(field).copied().filter(|offset| *offset != 0).map(DataId)
    }

    /// All values of a selected field in the entry at hand, in file order.
    pub fn values(&self, field: usize) -> impl Iterator<Item = DataId> + '_ {
        let of_field = move |selected: &&Selected| usize::from(selected.field) == field;
        self.selected.iter().filter(of_field).map(|selected| DataId(selected.data))
    }

    pub(crate) fn nth_value(&self, field: usize, nth: usize) -> Option<DataId> {
        if nth == 0 { self.value(field) } else { self.values(field).nth(nth) }
    }

    /// The value of `data`, without the name of its field, decompressed.
    ///
    /// # Errors
    ///
    /// If it is damaged or beyond the limit, which is counted as damage too, or the system cannot
    /// read the file.
    pub fn payload(&mut self, data: DataId) -> Result<&[u8], DataError> {
        let payload = self.payloads.whole(&mut self.windows, data.0);
        let value = payload.and_then(split).map(|(_, value)| value);
        if matches!(&value, Err(error) if !matches!(error, DataError::Io(_))) {
            self.damage.data(data.0);
        }
        value
    }

    /// All fields of the entry at hand, in file order, as `on_field(name, value)`. Those that are
    /// damaged are counted and left out.
    ///
    /// # Errors
    ///
    /// If the system cannot read the file.
    pub fn entry_fields(&mut self, on_field: &mut dyn FnMut(&[u8], &[u8])) -> io::Result<()> {
        let Some(head) = self.head else { return Ok(()) };
        let items = self.windows.exact(head.offset + ENTRY_ITEMS, self.items_bytes)?.unwrap_or_default();
        self.items.clear();
        if self.layout.is_compact {
            self.items.extend(compact_items(items));
        } else {
            self.items.extend(regular_items(items));
        }
        for &offset in &self.items {
            match self.payloads.whole(&mut self.windows, offset).and_then(split) {
                Ok((name, value)) => on_field(name, value),
                Err(DataError::Io(error)) => return Err(error),
                Err(_) => self.damage.data(place(&self.windows, offset, head.offset)),
            }
        }
        Ok(())
    }

    /// The place of the entry at hand.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        self.head.map(|head| head.cursor(self.header.seqnum_id))
    }

    /// What was found to be damaged so far.
    #[must_use]
    pub fn damage(&self) -> &Damage {
        &self.damage
    }

    /// Looks at the file anew; gives whether its writer has added entries. The place stays.
    ///
    /// # Errors
    ///
    /// If the system cannot read the file.
    pub fn refresh(&mut self) -> io::Result<bool> {
        let header = match read_header(self.windows.source()) {
            Ok(header) if header.file_id == self.header.file_id => header,
            Err(OpenError::Io(error)) => return Err(error),
            // A writer does not do this. What was known of the file stays.
            _ => return Ok(false),
        };
        let has_grown = header.n_entries > self.header.n_entries;
        if header != self.header {
            self.header = header;
            self.windows.refresh()?;
            self.walk.refresh();
        }
        Ok(has_grown)
    }
}

impl EntryHead {
    /// The place of this entry, which stands in a file of that sequence.
    #[must_use]
    pub fn cursor(&self, seqnum_id: Id128) -> Cursor {
        Cursor {
            seqnum_id,
            seqnum: self.seqnum,
            boot_id: self.boot_id,
            monotonic_micros: self.monotonic_micros,
            realtime_micros: self.realtime_micros,
            xor_hash: self.xor_hash,
        }
    }
}

/// Where data is damaged: in itself, or in the entry that refers to a place beyond the file.
fn place<R: ReadAt>(windows: &Windows<R>, data: u64, entry: u64) -> u64 {
    if data < windows.size_bytes() { data } else { entry }
}

fn read_header<R: ReadAt>(source: &R) -> Result<Header, OpenError> {
    let mut bytes = [0; Header::BYTES];
    let length = fill(source, &mut bytes, 0)?;
    Header::read(&bytes[..length])
}

/// A selected field of an entry.
#[derive(Clone, Copy, Debug)]
struct Selected {
    field: u8,
    /// Place among the fields of the entry.
    index: u32,
    data: u64,
}

/// The offsets of the data objects that an entry refers to.
fn compact_items(items: &[u8]) -> impl Iterator<Item = u64> {
    items.as_chunks().0.iter().map(|item| u64::from(u32::from_le_bytes(*item)))
}

/// The same where a hash stands beside each offset.
fn regular_items(items: &[u8]) -> impl Iterator<Item = u64> {
    items.as_chunks::<8>().0.as_chunks().0.iter().map(|[offset, _hash]| u64::from_le_bytes(*offset))
}

/// Sorts the items of an entry by what is known of them.
#[inline]
fn look_up(
    verdicts: &Verdicts,
    items: impl Iterator<Item = u64>,
    selected: &mut Vec<Selected>,
    unknown: &mut Vec<(u32, u64)>,
) {
    for (index, data) in (0..).zip(items) {
        match verdicts.get(data) {
            Some(Verdicts::OTHER) => {}
            Some(field) => selected.push(Selected { field, index, data }),
            None => unknown.push((index, data)),
        }
    }
}

/// Which field data belongs to, for data met lately: sets of four, chosen by the offset. Two data
/// that every entry refers to must not push each other out.
#[derive(Debug)]
struct Verdicts {
    /// Offset and verdict in one number: no file needs the upper eight bits of an offset.
    sets: Box<[[u64; 4]]>,
}

impl Verdicts {
    /// How many fields can be told apart.
    const FIELDS: u8 = 250;
    /// Data of a field that nobody asked for.
    const OTHER: u8 = u8::MAX;
    const SETS_LOG2: u32 = 11;

    fn none() -> Self {
        Self { sets: Box::default() }
    }

    #[inline]
    fn make(&mut self) {
        if self.sets.is_empty() {
            self.sets = vec![[u64::MAX; 4]; 1 << Self::SETS_LOG2].into();
        }
    }

    #[inline]
    fn set(offset: u64) -> usize {
        (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - Self::SETS_LOG2)) as usize
    }

    #[inline]
    fn get(&self, offset: u64) -> Option<u8> {
        let [first, rest @ ..] = &self.sets[Self::set(offset)];
        // What the two have in common is the offset, if nothing but a verdict is left.
        let verdict = |known: &u64| u8::try_from(known ^ (offset << 8)).ok();
        verdict(first).or_else(|| rest.iter().find_map(verdict))
    }

    #[inline]
    fn insert(&mut self, offset: u64, verdict: u8) {
        // Offsets that are too large for a file are not kept.
        if offset >> 56 == 0 {
            let [first, second, third, _] = self.sets[Self::set(offset)];
            self.sets[Self::set(offset)] = [(offset << 8) | u64::from(verdict), first, second, third];
        }
    }
}
