//! From entry to entry: along the arrays while they are whole, by search where they are not.
//!
//! A writer only appends: entries stand in the file in the order in which the arrays tell them,
//! and each array stands behind the one before. So whatever does not move forward is damage, no
//! entry can come twice, and a walk ends. Where items of an array are bad, the entries that they
//! led to are searched for between their neighbours.

use std::io;

use crate::Id128;
use crate::damage::Damage;
use crate::header::{Header, State};
use crate::journal::EntryHead;
use crate::layout::{
    ARRAY_ITEMS, ENTRY_ITEMS, Layout, OBJECT_DATA, OBJECT_ENTRY, OBJECT_ENTRY_ARRAY, OBJECT_HEADER_BYTES,
    ObjectHeader, aligned, u32_at, u64_at,
};
use crate::read_at::ReadAt;
use crate::windows::Windows;

/// How many items of an array are read at once.
const BATCH: u64 = 512;
/// Later than any time that systemd takes for one.
const REALTIME_END_MICROS: u64 = 1 << 55;

/// Where a walk stands.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    layout: Layout,
    chain: Chain,
    /// Entries given.
    pub(crate) found: u64,
    /// Where the last entry given ends.
    last_end: u64,
    last_seqnum: u64,
    /// Items were bad since the last entry given.
    has_gap: bool,
    /// The arrays lead no further, though they should.
    is_broken: bool,
    search: Option<Search>,
    /// The entry behind the part that is searched.
    pending: Option<Entry>,
    /// The entry that comes next, if it was looked at before its time.
    peeked: Option<Entry>,
}

/// An entry that was looked at: it is whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) head: EntryHead,
    pub(crate) size_bytes: u64,
}

/// Items of the arrays, one after the other.
#[derive(Clone, Debug)]
struct Chain {
    /// The array at hand; 0 before the first.
    array: u64,
    n_items: u64,
    /// Index of the first item of `batch` in the array.
    batch_start: u64,
    batch: Vec<u64>,
    /// Next item in `batch`.
    at: usize,
    /// Items taken, from all arrays.
    taken: u64,
    /// The array that could not be read.
    bad_array: u64,
}

/// A part of the file in which entries are looked for.
#[derive(Clone, Copy, Debug)]
struct Search {
    at: u64,
    end: u64,
    /// The last object that looked like one: a wrong size of it may have led astray.
    last_object: u64,
    /// Numbers of entries in this part are smaller.
    seqnum_end: u64,
}

enum Item {
    Offset {
        offset: u64,
        next: u64,
    },
    /// Nothing follows now.
    End,
    /// Something should follow and cannot be read.
    Broken,
}

impl Walk {
    pub(crate) fn new(header: &Header) -> Self {
        Self {
            layout: header.layout(),
            chain: Chain {
                array: 0,
                n_items: 0,
                batch_start: 0,
                batch: Vec::new(),
                at: 0,
                taken: 0,
                bad_array: 0,
            },
            found: 0,
            last_end: header.first_object(),
            last_seqnum: 0,
            has_gap: false,
            is_broken: false,
            search: None,
            pending: None,
            peeked: None,
        }
    }

    /// The file has grown: what was read ahead is read again.
    pub(crate) fn refresh(&mut self) {
        // Where arrays lead no further, what was added is searched for.
        self.has_gap |= self.is_broken;
        self.is_broken = false;
        self.chain.batch_start += self.chain.at as u64;
        self.chain.at = 0;
        self.chain.batch.clear();
    }

    pub(crate) fn next<R: ReadAt>(
        &mut self,
        windows: &mut Windows<R>,
        header: &Header,
        damage: &mut Damage,
    ) -> io::Result<Option<Entry>> {
        if let Some(entry) = self.peeked.take() {
            return Ok(Some(entry));
        }
        loop {
            if let Some(search) = &mut self.search {
                let after = self.last_seqnum;
                if let Some(entry) = search.next(windows, self.layout, after)? {
                    damage.entries_recovered += 1;
                    return Ok(Some(self.give(entry)));
                }
                self.search = None;
            }
            if let Some(entry) = self.pending.take() {
                return Ok(Some(self.give(entry)));
            }
            if self.is_broken {
                return Ok(None);
            }
            match self.chain.next(windows, header, self.layout, damage)? {
                Item::Offset { offset, next } => {
                    // An item that is too large would make all that follow too small.
                    let is_overtaken = next != 0 && next <= offset && next >= self.last_end;
                    let entry = if offset < self.last_end || is_overtaken {
                        None
                    } else {
                        read_entry(windows, self.layout, offset)?
                    };
                    match entry {
                        Some(entry) if self.has_gap => {
                            self.has_gap = false;
                            self.search = Some(Search::new(self.last_end, offset, entry.head.seqnum));
                            self.pending = Some(entry);
                        }
                        Some(entry) => return Ok(Some(self.give(entry))),
                        None => {
                            self.has_gap = true;
                            damage.entry(offset);
                        }
                    }
                }
                Item::End if !self.has_gap => return Ok(None),
                item => {
                    self.is_broken = matches!(item, Item::Broken);
                    self.has_gap = false;
                    // What an entry needs may still be on its way into a file that is written.
                    let seqnum_end = match header.state {
                        State::Online => header.tail_seqnum.saturating_add(1),
                        _ => u64::MAX,
                    };
                    self.search = Some(Search::new(self.last_end, windows.size_bytes(), seqnum_end));
                }
            }
        }
    }

    /// Goes back to the first entry.
    pub(crate) fn rewind(&mut self, header: &Header) {
        *self = Self::new(header);
    }

    /// Goes to the first entry for which `is_before` does not hold, which comes next, and gives its
    /// head. Where entries are not in the order that `is_before` asks for, some that do not hold
    /// may be jumped over.
    pub(crate) fn seek<R: ReadAt>(
        &mut self,
        windows: &mut Windows<R>,
        header: &Header,
        damage: &mut Damage,
        is_before: &mut dyn FnMut(&EntryHead) -> bool,
    ) -> io::Result<Option<EntryHead>> {
        self.rewind(header);
        self.found = self.chain.jump(windows, header, self.layout, is_before)?;
        self.skip_while(windows, header, damage, is_before)
    }

    /// Goes on to the first entry for which `is_before` does not hold, which comes next.
    pub(crate) fn skip_while<R: ReadAt>(
        &mut self,
        windows: &mut Windows<R>,
        header: &Header,
        damage: &mut Damage,
        is_before: &mut dyn FnMut(&EntryHead) -> bool,
    ) -> io::Result<Option<EntryHead>> {
        while let Some(entry) = self.next(windows, header, damage)? {
            if !is_before(&entry.head) {
                self.peeked = Some(entry);
                return Ok(Some(entry.head));
            }
        }
        Ok(None)
    }

    fn give(&mut self, entry: Entry) -> Entry {
        self.found += 1;
        self.last_end = entry.head.offset + entry.size_bytes;
        self.last_seqnum = entry.head.seqnum;
        entry
    }
}

impl Chain {
    /// From the beginning, jumps over items whose entries are before a place, and gives how many.
    /// Looks at few of them: at the last of each array, then at halves.
    fn jump<R: ReadAt>(
        &mut self,
        windows: &mut Windows<R>,
        header: &Header,
        layout: Layout,
        is_before: &mut dyn FnMut(&EntryHead) -> bool,
    ) -> io::Result<u64> {
        loop {
            let next = self.next_array(windows, header)?;
            let is_forward = next >= header.first_object() && next >= self.end(layout);
            let items = array_items(windows, layout, next)?.filter(|_| is_forward && next != 0);
            let Some((n_items, true)) = items else { break };
            let counted = n_items.min(header.n_entries.saturating_sub(self.taken));
            let mut is_item_before = |index: u64| {
                let item = read_item(windows, layout, next, index)?;
                let entry = if item == 0 { None } else { read_entry(windows, layout, item)? };
                Ok::<_, io::Error>(entry.is_some_and(|entry| is_before(&entry.head)))
            };
            if counted == 0 || !is_item_before(0)? {
                break;
            }
            self.array = next;
            self.n_items = n_items;
            self.batch_start = n_items;
            if counted < n_items || !is_item_before(n_items - 1)? {
                // The first is before; whether the one at `end` is, if there is one, is not known.
                let (mut start, mut end) = (0, counted);
                while start + 1 < end {
                    let middle = start.midpoint(end);
                    if is_item_before(middle)? {
                        start = middle;
                    } else {
                        end = middle;
                    }
                }
                self.batch_start = start;
                self.taken += start;
                return Ok(self.taken);
            }
            self.taken += n_items;
        }
        Ok(self.taken)
    }

    #[inline]
    fn next<R: ReadAt>(
        &mut self,
        windows: &mut Windows<R>,
        header: &Header,
        layout: Layout,
        damage: &mut Damage,
    ) -> io::Result<Item> {
        loop {
            let is_counted = self.taken < header.n_entries;
            if !is_counted && header.state == State::Online {
                return Ok(Item::End);
            }
            if let Some(&offset) = self.batch.get(self.at) {
                if offset == 0 {
                    if !is_counted {
                        return Ok(Item::End);
                    }
                    // An item that was not written, or was wiped out.
                    self.at += 1;
                    self.taken += 1;
                    return Ok(Item::Offset { offset, next: 0 });
                }
                let next = match self.batch.get(self.at + 1) {
                    Some(&next) => next,
                    None => self.peek(windows, layout)?,
                };
                self.at += 1;
                self.taken += 1;
                return Ok(Item::Offset { offset, next });
            }
            let start = self.batch_start + self.batch.len() as u64;
            if start < self.n_items {
                self.batch_start = start;
                self.load(windows, layout)?;
                if self.batch.is_empty() {
                    return Ok(Item::Broken);
                }
                continue;
            }
            let next = self.next_array(windows, header)?;
            if next == 0 {
                return Ok(if is_counted { Item::Broken } else { Item::End });
            }
            let is_forward = next >= header.first_object() && next >= self.end(layout);
            match array_items(windows, layout, next)?.filter(|_| is_forward) {
                Some((n_items, is_whole)) => {
                    if !is_whole {
                        self.count_bad(next, damage);
                    }
                    self.array = next;
                    self.n_items = n_items;
                    self.batch_start = 0;
                    self.at = 0;
                    self.batch.clear();
                }
                None => {
                    self.count_bad(next, damage);
                    return Ok(Item::Broken);
                }
            }
        }
    }

    fn count_bad(&mut self, array: u64, damage: &mut Damage) {
        if self.bad_array != array {
            self.bad_array = array;
            damage.array(array);
        }
    }

    fn end(&self, layout: Layout) -> u64 {
        if self.array == 0 { 0 } else { self.array + ARRAY_ITEMS + self.n_items * layout.array_item_bytes() }
    }

    fn next_array<R: ReadAt>(&self, windows: &mut Windows<R>, header: &Header) -> io::Result<u64> {
        if self.array == 0 {
            return Ok(header.entry_array_offset);
        }
        Ok(u64_at(windows.at(self.array)?, 16))
    }

    /// The item behind the batch; 0 if there is none.
    #[cold]
    fn peek<R: ReadAt>(&self, windows: &mut Windows<R>, layout: Layout) -> io::Result<u64> {
        let index = self.batch_start + self.batch.len() as u64;
        let (array, index) =
            if index < self.n_items { (self.array, index) } else { (u64_at(windows.at(self.array)?, 16), 0) };
        if array == 0 || array >= windows.size_bytes() {
            return Ok(0);
        }
        read_item(windows, layout, array, index)
    }

    fn load<R: ReadAt>(&mut self, windows: &mut Windows<R>, layout: Layout) -> io::Result<()> {
        self.batch.clear();
        self.at = 0;
        let count = BATCH.min(self.n_items - self.batch_start);
        let item_bytes = layout.array_item_bytes();
        let offset = self.array + ARRAY_ITEMS + self.batch_start * item_bytes;
        let Some(bytes) = windows.exact(offset, count * item_bytes)? else { return Ok(()) };
        if layout.is_compact {
            self.batch.extend(bytes.as_chunks().0.iter().map(|item| u64::from(u32::from_le_bytes(*item))));
        } else {
            self.batch.extend(bytes.as_chunks().0.iter().map(|item| u64::from_le_bytes(*item)));
        }
        Ok(())
    }
}

/// Item `index` of the array at `array`.
fn read_item<R: ReadAt>(windows: &mut Windows<R>, layout: Layout, array: u64, index: u64) -> io::Result<u64> {
    let bytes = windows.at(array + ARRAY_ITEMS + index * layout.array_item_bytes())?;
    Ok(if layout.is_compact { u64::from(u32_at(bytes, 0)) } else { u64_at(bytes, 0) })
}

/// How many items the array at `offset` has in this file, and whether these are all of them.
fn array_items<R: ReadAt>(
    windows: &mut Windows<R>,
    layout: Layout,
    offset: u64,
) -> io::Result<Option<(u64, bool)>> {
    if !offset.is_multiple_of(8) {
        return Ok(None);
    }
    let Some(rest_bytes) = windows.size_bytes().checked_sub(offset) else { return Ok(None) };
    let Some(object) = ObjectHeader::read(windows.at(offset)?) else { return Ok(None) };
    let item_bytes = layout.array_item_bytes();
    if object.object_type != OBJECT_ENTRY_ARRAY || object.size_bytes < ARRAY_ITEMS + item_bytes {
        return Ok(None);
    }
    let items_bytes = object.size_bytes - ARRAY_ITEMS;
    if !items_bytes.is_multiple_of(item_bytes) {
        return Ok(None);
    }
    let held_bytes = items_bytes.min(rest_bytes.saturating_sub(ARRAY_ITEMS));
    Ok(Some((held_bytes / item_bytes, held_bytes == items_bytes)))
}

/// The entry at `offset`, if there is one, whole.
#[inline]
pub(crate) fn read_entry<R: ReadAt>(
    windows: &mut Windows<R>,
    layout: Layout,
    offset: u64,
) -> io::Result<Option<Entry>> {
    let Some(rest_bytes) = windows.size_bytes().checked_sub(offset) else { return Ok(None) };
    if !offset.is_multiple_of(8) {
        return Ok(None);
    }
    let bytes = windows.at(offset)?;
    let Some(bytes) = bytes.first_chunk::<{ ENTRY_ITEMS as usize }>() else { return Ok(None) };
    let object = ObjectHeader::read(bytes).filter(|object| object.object_type == OBJECT_ENTRY);
    let Some(ObjectHeader { size_bytes, .. }) = object else { return Ok(None) };
    let is_sized = size_bytes > ENTRY_ITEMS
        && size_bytes <= rest_bytes
        && (size_bytes - ENTRY_ITEMS).is_multiple_of(layout.entry_item_bytes());
    let head = EntryHead {
        seqnum: u64_at(bytes, 16),
        realtime_micros: u64_at(bytes, 24),
        monotonic_micros: u64_at(bytes, 32),
        boot_id: Id128(bytes[40..56].try_into().expect("16 bytes")),
        xor_hash: u64_at(bytes, 56),
        offset,
    };
    let is_timed = (1..REALTIME_END_MICROS).contains(&head.realtime_micros)
        && head.monotonic_micros < REALTIME_END_MICROS;
    Ok((is_sized && is_timed && head.seqnum != 0).then_some(Entry { head, size_bytes }))
}

impl Search {
    fn new(at: u64, end: u64, seqnum_end: u64) -> Self {
        let at = at.checked_next_multiple_of(8).unwrap_or(u64::MAX);
        Self { at, end, last_object: at, seqnum_end }
    }

    /// The next entry: from object to object, and word by word where that leads nowhere.
    fn next<R: ReadAt>(
        &mut self,
        windows: &mut Windows<R>,
        layout: Layout,
        after_seqnum: u64,
    ) -> io::Result<Option<Entry>> {
        while self.at < self.end {
            let object = self.object(windows, layout)?;
            if object.is_none() {
                // The object before may have told a wrong size.
                self.at = self.last_object;
                return self.next_by_words(windows, layout, after_seqnum);
            }
            let Some((object_type, next)) = object else { return Ok(None) };
            let at = self.at;
            self.last_object = at + 8;
            self.at = next;
            if object_type == OBJECT_ENTRY
                && let Some(entry) = self.entry(windows, layout, at, after_seqnum)?
            {
                self.last_object = next;
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The type of what looks like an object, and where the next one begins.
    fn object<R: ReadAt>(&self, windows: &mut Windows<R>, layout: Layout) -> io::Result<Option<(u8, u64)>> {
        let bytes = windows.at(self.at)?;
        let Some(object) = ObjectHeader::read(bytes) else { return Ok(None) };
        let is_known =
            layout.smallest(object.object_type).is_some_and(|smallest| object.size_bytes >= smallest);
        let is_reserved_zero = u64_at(bytes, 0) >> 16 == 0;
        let next = aligned(object.size_bytes).and_then(|size| self.at.checked_add(size));
        Ok(next
            .filter(|next| is_known && is_reserved_zero && *next <= self.end)
            .map(|next| (object.object_type, next)))
    }

    fn next_by_words<R: ReadAt>(
        &mut self,
        windows: &mut Windows<R>,
        layout: Layout,
        after_seqnum: u64,
    ) -> io::Result<Option<Entry>> {
        while self.at < self.end {
            let bytes = windows.at(self.at)?;
            let bytes = &bytes[..bytes.len().min((self.end - self.at) as usize)];
            let words = bytes.as_chunks::<8>().0;
            if words.is_empty() {
                break;
            }
            // An entry has no flags.
            let entry_word = [OBJECT_ENTRY, 0, 0, 0, 0, 0, 0, 0];
            match words.iter().position(|word| *word == entry_word) {
                None => self.at += words.len() as u64 * 8,
                Some(index) => {
                    let at = self.at + index as u64 * 8;
                    self.at = at + 8;
                    if let Some(entry) = self.entry(windows, layout, at, after_seqnum)? {
                        self.at = at + aligned(entry.size_bytes).unwrap_or(entry.size_bytes);
                        self.last_object = self.at;
                        return Ok(Some(entry));
                    }
                }
            }
        }
        self.at = self.end;
        Ok(None)
    }

    /// The entry at `at`, if it fits between its neighbours and leads to data.
    fn entry<R: ReadAt>(
        &self,
        windows: &mut Windows<R>,
        layout: Layout,
        at: u64,
        after_seqnum: u64,
    ) -> io::Result<Option<Entry>> {
        let Some(entry) = read_entry(windows, layout, at)? else { return Ok(None) };
        let is_between = entry.head.seqnum > after_seqnum && entry.head.seqnum < self.seqnum_end;
        if !is_between || at + entry.size_bytes > self.end {
            return Ok(None);
        }
        let items = windows.at(at + ENTRY_ITEMS)?;
        let data = if layout.is_compact { u64::from(u32_at(items, 0)) } else { u64_at(items, 0) };
        if !data.is_multiple_of(8) || data < OBJECT_HEADER_BYTES {
            return Ok(None);
        }
        let object = ObjectHeader::read(windows.at(data)?);
        Ok(object.filter(|object| object.object_type == OBJECT_DATA).map(|_| entry))
    }
}
