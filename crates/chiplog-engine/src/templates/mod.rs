//! Trouble that no rule knows: warnings and errors by what they say, without their variable parts.
//!
//! Templates are mined from the lines that the census looks at, in two steps. First each message is
//! masked by itself, so that counts of blocks can be added up in any order. Then, once, templates that
//! differ in few words are joined, as Drain does (He et al., ICWS 2017), in an order that depends on
//! the templates alone.

mod join;
mod mask;
mod spread;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;

use chiplog_parse::{Record, Severity, Text, UnixNanos};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Evidence;
use crate::clocks::LineTimes;
use crate::plan::TimeRange;
pub(crate) use join::join;
use mask::mask_into;
pub(crate) use spread::Spread;

/// Templates kept per source, the first in its order. Further ones are rare by then, or the source is noise.
const MAX_TEMPLATES: usize = 4_096;

/// Templates kept of a source that was read to its end, the most frequent.
pub(crate) const MAX_FINISHED: usize = 256;

/// A message that no rule knows, without its variable parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTemplate {
    /// The constant parts, with `<*>` for the others.
    pub template: String,
    /// Severity of the lines.
    pub severity: Severity,
    /// Program that wrote them, if they name one.
    pub component: Option<Arc<str>>,
    /// Source file and line of the program, if the lines name them: `kubelet.go:2466`.
    pub code: Option<Arc<str>>,
    /// Lines, of those looked at.
    pub lines: u64,
    /// Lines looked at and lines of this template in the first half of the inputs that hold it, and in the
    /// second.
    pub halves: [Half; 2],
    /// Time of the first line, in the order of the input.
    pub first_time: Option<UnixNanos>,
    /// Time of the last line, in the order of the input.
    pub last_time: Option<UnixNanos>,
    /// Input that holds the example.
    pub source: Arc<str>,
    /// The first line.
    pub example: Evidence,
}

/// One half of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Half {
    /// Lines that were looked at.
    pub looked_at: u64,
    /// Those of the template.
    pub lines: u64,
}

/// What identifies a template in a source, in bytes.
type Key = Box<[u8]>;

/// Templates of a block.
#[derive(Debug, Default)]
pub(crate) struct BlockTemplates {
    ids: HashMap<Key, usize>,
    /// In order of appearance.
    pub(crate) seen: Vec<SeenTemplate>,
    /// All lines that were looked at, by place.
    pub(crate) looked_at: Spread,
    scratch: Vec<u8>,
    decoded: Vec<u8>,
}

/// When and where a line was written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    times: LineTimes,
    host: Vec<u8>,
}

impl Seen {
    fn set(&mut self, times: LineTimes, host: &[u8]) {
        self.times = times;
        self.host.clear();
        self.host.extend_from_slice(host);
    }
}

/// A template in a block.
#[derive(Debug)]
pub(crate) struct SeenTemplate {
    pub(crate) key: Key,
    /// Offset of the first line in the block.
    pub(crate) first_offset: usize,
    pub(crate) first: Seen,
    pub(crate) last: Seen,
    pub(crate) spread: Spread,
}

impl BlockTemplates {
    /// Notes a line that was looked at. `is_unknown` says that no rule took it.
    pub(crate) fn look(
        &mut self,
        source_offset: u64,
        block_offset: usize,
        record: &Record<'_>,
        times: LineTimes,
        is_unknown: bool,
    ) {
        self.looked_at.add(source_offset);
        let Some(severity) = record.severity.filter(|severity| is_unknown && *severity >= Severity::Warning)
        else {
            return;
        };
        self.scratch.clear();
        key_into(record, severity, &mut self.decoded, &mut self.scratch);
        let id = match self.ids.get(self.scratch.as_slice()) {
            Some(id) => *id,
            None => {
                let key: Key = self.scratch.as_slice().into();
                self.ids.insert(key.clone(), self.seen.len());
                self.seen.push(SeenTemplate {
                    key,
                    first_offset: block_offset,
                    first: Seen { times, host: record.host.unwrap_or_default().to_vec() },
                    last: Seen::default(),
                    spread: Spread::default(),
                });
                self.seen.len() - 1
            }
        };
        let seen = &mut self.seen[id];
        seen.last.set(times, record.host.unwrap_or_default());
        seen.spread.add(source_offset);
    }
}

/// Severity, component, code and template of a line, each but the last ended by NUL.
fn key_into(record: &Record<'_>, severity: Severity, decoded: &mut Vec<u8>, out: &mut Vec<u8>) {
    out.push(severity.number());
    out.extend(record.component.unwrap_or_default().iter().filter(|byte| **byte != 0));
    out.push(0);
    if let (Some(file), Some(line)) = (record.file, record.line_number) {
        out.extend(file.iter().filter(|byte| **byte != 0));
        // Writing to a vector cannot fail.
        let _ = write!(out, ":{line}");
    }
    out.push(0);
    mask_text(record.msg(), decoded, out);
    // The constant part of a structured message says what was tried, its error why it failed.
    let error =
        record.fields().find(|(key, _)| key.as_plain().is_some_and(|key| key == b"err" || key == b"error"));
    if let Some((_, value)) = error {
        out.extend_from_slice(b": ");
        mask_text(value.text(), decoded, out);
    }
}

fn mask_text(text: Text<'_>, decoded: &mut Vec<u8>, out: &mut Vec<u8>) {
    match text.as_plain() {
        Some(plain) => mask_into(plain, out),
        None => {
            decoded.clear();
            text.decode_into(decoded);
            mask_into(decoded, out);
        }
    }
}

/// The parts of a key.
pub(super) struct KeyParts<'k> {
    pub(super) severity: u8,
    pub(super) component: &'k [u8],
    pub(super) code: &'k [u8],
    pub(super) template: &'k [u8],
}

pub(super) fn parts_of(key: &[u8]) -> KeyParts<'_> {
    let (severity, rest) = key.split_first().map_or((0, key), |(severity, rest)| (*severity, rest));
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    KeyParts { severity, component: part(), code: part(), template: part() }
}

/// Templates of a source.
#[derive(Clone, Default, Serialize)]
pub(crate) struct SourceTemplates {
    #[serde(skip)]
    ids: HashMap<Key, usize>,
    kept: Vec<KeptTemplate>,
    looked_at: Spread,
}

/// A template of a source.
#[derive(Clone, Serialize, Deserialize)]
struct KeptTemplate {
    #[serde(with = "serde_bytes")]
    key: Key,
    spread: Spread,
    first: Seen,
    last: Seen,
    example: Evidence,
}

/// The templates of a source that was read to its end.
#[derive(Serialize, Deserialize)]
pub(crate) struct FinishedTemplates {
    list: Vec<FinishedTemplate>,
    looked_at: Spread,
}

#[derive(Clone, Serialize, Deserialize)]
struct FinishedTemplate {
    #[serde(with = "serde_bytes")]
    key: Key,
    spread: Spread,
    first_time: Option<UnixNanos>,
    last_time: Option<UnixNanos>,
    example: Evidence,
}

impl<'de> Deserialize<'de> for SourceTemplates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (kept, looked_at) = <(Vec<KeptTemplate>, Spread)>::deserialize(deserializer)?;
        let ids: HashMap<Key, usize> =
            kept.iter().enumerate().map(|(id, kept)| (kept.key.clone(), id)).collect();
        if ids.len() < kept.len() {
            return Err(D::Error::custom("a template is there twice"));
        }
        Ok(Self { ids, kept, looked_at })
    }
}

impl FinishedTemplates {
    /// The same with no more than so many.
    pub(crate) fn most_frequent(&self, most: usize) -> Self {
        let list = self.list.iter().take(most).cloned().collect();
        Self { list, looked_at: self.looked_at.clone() }
    }
}

impl SourceTemplates {
    /// Adds the templates of the next block. `show` tells what to show of the line at an offset of the
    /// block; it is asked in rising order.
    pub(crate) fn absorb(&mut self, block: &BlockTemplates, mut show: impl FnMut(usize) -> Evidence) {
        self.looked_at.merge(&block.looked_at);
        for seen in &block.seen {
            if let Some(id) = self.ids.get(&seen.key) {
                let kept = &mut self.kept[*id];
                kept.spread.merge(&seen.spread);
                kept.last = seen.last.clone();
            } else if self.kept.len() < MAX_TEMPLATES {
                self.ids.insert(seen.key.clone(), self.kept.len());
                self.kept.push(KeptTemplate {
                    key: seen.key.clone(),
                    spread: seen.spread.clone(),
                    first: seen.first.clone(),
                    last: seen.last.clone(),
                    example: show(seen.first_offset),
                });
            }
        }
    }

    /// Places the templates in time, and leaves out those that lie outside a range altogether. `place`
    /// knows the clock of each host of the source as it is at the end: a template tells roughly when.
    pub(crate) fn finish(
        &self,
        range: TimeRange,
        place: impl Fn(&[u8], LineTimes) -> Option<UnixNanos>,
        most: usize,
    ) -> FinishedTemplates {
        let place = |seen: &Seen| place(&seen.host, seen.times);
        let place = |kept: &'_ KeptTemplate| (place(&kept.first), place(&kept.last));
        let times: Vec<_> = self.kept.iter().map(place).collect();
        let is_inside = |first: Option<UnixNanos>, last: Option<UnixNanos>| {
            range.contains(first) || range.contains(last) || (first < range.since && range.until < last)
        };
        let mut list: Vec<_> =
            self.kept.iter().zip(times).filter(|(_, (first, last))| is_inside(*first, *last)).collect();
        list.sort_by_cached_key(|(kept, _)| (Reverse(kept.spread.total()), &kept.key));
        list.truncate(most);
        let finish = |(kept, (first_time, last_time)): (&KeptTemplate, _)| FinishedTemplate {
            key: kept.key.clone(),
            spread: kept.spread.clone(),
            first_time,
            last_time,
            example: Evidence { time: first_time, ..kept.example.clone() },
        };
        FinishedTemplates { list: list.into_iter().map(finish).collect(), looked_at: self.looked_at.clone() }
    }
}
