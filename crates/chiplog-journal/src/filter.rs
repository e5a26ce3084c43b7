//! Which entries of a journal are wanted.

use std::io;

use crate::{DataError, DataId, EntryHead, Id128, Journal, ReadAt};

/// Which entries are wanted: those that meet each condition which is set; a list is met by any of
/// its words.
///
/// ```
/// use chiplog_journal::Filter;
///
/// let mut filter = Filter::default();
/// filter.units.push("kubelet.service".into());
/// filter.since_realtime_micros = Some(1_795_478_963_103_334);
/// assert!(!filter.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// Units, as `journalctl --unit` means it: what a unit wrote, and what systemd and others with
    /// the right to do so wrote about it. A name without a suffix is a service.
    pub units: Vec<String>,
    /// Values of `SYSLOG_IDENTIFIER`.
    pub identifiers: Vec<String>,
    /// Values of `_TRANSPORT`.
    pub transports: Vec<String>,
    /// The boot.
    pub boot_id: Option<Id128>,
    /// The earliest time, microseconds since 1970.
    pub since_realtime_micros: Option<u64>,
    /// The latest time, microseconds since 1970.
    pub until_realtime_micros: Option<u64>,
}

impl Filter {
    /// Whether every entry is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Suffixes of units (systemd 252, `src/basic/unit-def.c`).
const UNIT_SUFFIXES: [&str; 11] = [
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
];

/// The message of a core dump, which names its unit in a field of its own.
const COREDUMP_MESSAGE_ID: &str = "fc2e22bc6ee647b6b90729ab34a250b1";

/// A condition on one field, as a bit of what is known of a value.
#[derive(Clone, Debug)]
struct Condition {
    field: &'static str,
    values: Vec<String>,
}

/// Where each condition stands.
const SYSTEMD_UNIT: usize = 0;
const UNIT: usize = 1;
const PID_ONE: usize = 2;
const UID_ROOT: usize = 3;
const OBJECT_UNIT: usize = 4;
const COREDUMP_UNIT: usize = 5;
const COREDUMP: usize = 6;
const SLICE: usize = 7;
const IDENTIFIER: usize = 8;
const TRANSPORT: usize = 9;

/// A filter ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    filter: Filter,
    conditions: Vec<Condition>,
}

impl Matcher {
    pub(crate) fn new(filter: Filter) -> Self {
        let units: Vec<String> = filter.units.iter().map(|unit| with_suffix(unit)).collect();
        let slices = units.iter().filter(|unit| unit.ends_with(".slice")).cloned().collect();
        let only = |value: &str| if units.is_empty() { Vec::new() } else { vec![value.to_owned()] };
        let condition = |field, values| Condition { field, values };
        let conditions = vec![
            condition("_SYSTEMD_UNIT", units.clone()),
            condition("UNIT", units.clone()),
            condition("_PID", only("1")),
            condition("_UID", only("0")),
            condition("OBJECT_SYSTEMD_UNIT", units.clone()),
            condition("COREDUMP_UNIT", units.clone()),
            condition("MESSAGE_ID", only(COREDUMP_MESSAGE_ID)),
            condition("_SYSTEMD_SLICE", slices),
            condition("SYSLOG_IDENTIFIER", filter.identifiers.clone()),
            condition("_TRANSPORT", filter.transports.clone()),
        ];
        Self { filter, conditions }
    }

    /// The fields that are looked at, with the bit that each one's condition is.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (usize, &'static str)> + '_ {
        let wanted = self.conditions.iter().enumerate().filter(|(_, condition)| !condition.values.is_empty());
        wanted.map(|(bit, condition)| (bit, condition.field))
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Whether the entry at hand is wanted. `fields` are the bits of conditions and the places of
    /// their fields among the selected ones of the journal.
    pub(crate) fn is_wanted<R: ReadAt>(
        &self,
        journal: &mut Journal<R>,
        head: &EntryHead,
        fields: &[(usize, usize)],
        known: &mut Known,
    ) -> io::Result<bool> {
        let filter = &self.filter;
        if filter.boot_id.is_some_and(|boot_id| boot_id != head.boot_id)
            || filter.since_realtime_micros.is_some_and(|since| head.realtime_micros < since)
            || filter.until_realtime_micros.is_some_and(|until| head.realtime_micros > until)
        {
            return Ok(false);
        }
        if fields.is_empty() {
            return Ok(true);
        }
        let mut met = 0_u16;
        for &(bit, field) in fields {
            let mut nth = 0;
            // A field may have several values; few do.
            while let Some(data) = journal.nth_value(field, nth) {
                if self.meets(journal, data, bit, known)? {
                    met |= 1 << bit;
                }
                nth += 1;
            }
        }
        let is_met = |bit: usize| met & (1 << bit) != 0;
        let is_of_unit = filter.units.is_empty()
            || is_met(SYSTEMD_UNIT)
            || is_met(PID_ONE) && is_met(UNIT)
            || is_met(UID_ROOT) && (is_met(OBJECT_UNIT) || is_met(COREDUMP) && is_met(COREDUMP_UNIT))
            || is_met(SLICE);
        Ok(is_of_unit
            && (filter.identifiers.is_empty() || is_met(IDENTIFIER))
            && (filter.transports.is_empty() || is_met(TRANSPORT)))
    }

    fn meets<R: ReadAt>(
        &self,
        journal: &mut Journal<R>,
        data: DataId,
        bit: usize,
        known: &mut Known,
    ) -> io::Result<bool> {
        if let Some(is_met) = known.get(data) {
            return Ok(is_met);
        }
        let is_met = match journal.payload(data) {
            Ok(value) => self.conditions[bit].values.iter().any(|wanted| wanted.as_bytes() == value),
            Err(DataError::Io(error)) => return Err(error),
            // It is counted as damage.
            Err(_) => false,
        };
        known.set(data, is_met);
        Ok(is_met)
    }
}

/// Whether data of one journal meets its condition, for data met lately.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// An offset and a verdict in its lowest bit.
    slots: Vec<u64>,
}

impl Known {
    const SLOTS_LOG2: u32 = 10;

    pub(crate) fn new() -> Self {
        Self { slots: Vec::new() }
    }

    /// Gives the memory back.
    pub(crate) fn release(&mut self) {
        self.slots = Vec::new();
    }

    fn slot(data: DataId) -> usize {
        (data.offset().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - Self::SLOTS_LOG2)) as usize
    }

    fn get(&self, data: DataId) -> Option<bool> {
        let known = self.slots.get(Self::slot(data))? ^ data.offset();
        (known < 2).then_some(known == 1)
    }

    fn set(&mut self, data: DataId, is_met: bool) {
        if self.slots.is_empty() {
            self.slots = vec![u64::MAX; 1 << Self::SLOTS_LOG2];
        }
        self.slots[Self::slot(data)] = data.offset() | u64::from(is_met);
    }
}

/// A name without a suffix is one of a service.
fn with_suffix(unit: &str) -> String {
    let has_suffix = unit.rsplit_once('.').is_some_and(|(_, suffix)| UNIT_SUFFIXES.contains(&suffix));
    if has_suffix { unit.to_owned() } else { format!("{unit}.service") }
}
