//! Records by combination of fields.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use chiplog_parse::Record;

use crate::origin::LineReader;
use crate::{Block, BlockSource, CountRow, CountTable, Origin, pool};

/// A field that records can be counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CountField {
    /// `severity`: the name in lower case.
    Severity,
    /// `severity_text`: the emitter's own text.
    SeverityText,
    /// `format`: the innermost layer.
    Format,
    /// `layers`: all layers, joined by `>`.
    Layers,
    /// `code.file.path`
    File,
    /// `code.line.number`
    Line,
    /// `process.pid`
    Pid,
    /// `host.name`
    Host,
    /// `service.name`: the program, by its syslog identifier or container.
    Component,
    /// `systemd.unit`
    Unit,
    /// `logger`: logger or package.
    Logger,
    /// `log.iostream`
    Stream,
    /// `k8s.pod.name`, of a kubectl prefix.
    Pod,
    /// `k8s.container.name`, of a kubectl prefix.
    Container,
    /// `msg`: the constant part of a structured message.
    Msg,
    /// `event`: kind of a typed event.
    Event,
    /// `attributes.KEY`: a key/value pair of the payload.
    Attribute(String),
}

/// A name that is no field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// The name.
    pub name: String,
}

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = CountField::NAMED.iter().map(|(name, _)| *name).collect();
        write!(f, "no field {:?}; fields are {}, attributes.KEY", self.name, names.join(", "))
    }
}

impl std::error::Error for UnknownField {}

impl CountField {
    /// Every field with a fixed name.
    pub const NAMED: [(&'static str, Self); 16] = [
        ("severity", Self::Severity),
        ("severity_text", Self::SeverityText),
        ("format", Self::Format),
        ("layers", Self::Layers),
        ("code.file.path", Self::File),
        ("code.line.number", Self::Line),
        ("process.pid", Self::Pid),
        ("host.name", Self::Host),
        ("service.name", Self::Component),
        ("systemd.unit", Self::Unit),
        ("logger", Self::Logger),
        ("log.iostream", Self::Stream),
        ("k8s.pod.name", Self::Pod),
        ("k8s.container.name", Self::Container),
        ("msg", Self::Msg),
        ("event", Self::Event),
    ];

    /// The field of a name.
    ///
    /// # Errors
    ///
    /// When there is none; the error lists what there is.
    pub fn from_name(name: &str) -> Result<Self, UnknownField> {
        if let Some(key) = name.strip_prefix("attributes.") {
            return Ok(Self::Attribute(key.to_owned()));
        }
        let named = Self::NAMED.into_iter().find(|(known, _)| *known == name);
        named.map(|(_, field)| field).ok_or_else(|| UnknownField { name: name.to_owned() })
    }

    /// Appends the field's value, or says that there is none.
    fn write(&self, record: &Record<'_>, out: &mut Vec<u8>) -> bool {
        use std::io::Write as _;
        let bytes = |value: Option<&[u8]>, out: &mut Vec<u8>| value.map(|value| out.extend_from_slice(value));
        let number = |value: Option<u64>, out: &mut Vec<u8>| {
            // Writing to a vector cannot fail.
            value.map(|value| write!(out, "{value}").unwrap_or_default())
        };
        let written = match self {
            Self::Severity => bytes(record.severity.map(|severity| severity.name().as_bytes()), out),
            Self::SeverityText => {
                let text = record.severity_text;
                bytes((!text.is_empty()).then_some(text), out)
            }
            Self::Format => bytes(Some(record.format().name().as_bytes()), out),
            Self::Layers => {
                for (index, layer) in record.layers().iter().enumerate() {
                    if index > 0 {
                        out.push(b'>');
                    }
                    out.extend_from_slice(layer.name().as_bytes());
                }
                Some(())
            }
            Self::File => bytes(record.file, out),
            Self::Line => number(record.line_number.map(u64::from), out),
            Self::Pid => number(record.pid, out),
            Self::Host => bytes(record.host, out),
            Self::Component => bytes(record.component, out),
            Self::Unit => bytes(record.unit, out),
            Self::Logger => record.logger.map(|logger| logger.decode_into(out)),
            Self::Stream => bytes(record.stream.map(|stream| stream.name().as_bytes()), out),
            Self::Pod => bytes(record.pod, out),
            Self::Container => bytes(record.container, out),
            Self::Msg => {
                record.msg().decode_into(out);
                Some(())
            }
            Self::Event => bytes(record.event().map(|event| event.kind().as_bytes()), out),
            Self::Attribute(wanted) => {
                let mut fields = record.fields();
                let found = fields.find(|(key, _)| *key.decode() == *wanted.as_bytes());
                found.map(|(_, value)| value.text().decode_into(out))
            }
        };
        written.is_some()
    }
}

/// Counts by encoded key: for each field one byte that says whether it is there, then its length
/// and bytes. The number says how many keys came before.
#[derive(Debug, Default)]
struct Counts {
    by_key: HashMap<Box<[u8]>, (usize, u64)>,
    records: u64,
}

/// Distinct combinations that are kept, the first of the sources in order; records of further
/// ones are in [`CountTable::records`].
const MAX_ROWS: usize = 1_000_000;

impl Counts {
    fn add(&mut self, key: &[u8]) {
        self.records += 1;
        if let Some((_, known)) = self.by_key.get_mut(key) {
            *known += 1;
        } else {
            self.by_key.insert(key.into(), (self.by_key.len(), 1));
        }
    }

    /// Adds the counts of the next block.
    fn append(&mut self, block: Self, max_rows: usize) {
        self.records += block.records;
        let mut fresh = Vec::new();
        for (key, (number, count)) in block.by_key {
            match self.by_key.get_mut(&key) {
                Some((_, known)) => *known += count,
                None => fresh.push((number, key, count)),
            }
        }
        // Which keys are kept must not depend on the order of a hash map.
        fresh.sort_unstable_by_key(|(number, _, _)| *number);
        for (_, key, count) in fresh.into_iter().take(max_rows.saturating_sub(self.by_key.len())) {
            self.by_key.insert(key, (self.by_key.len(), count));
        }
    }
}

/// Counts the records of each source by combination of fields. Every physical line that is not
/// empty is a record.
///
/// # Errors
///
/// The first error of a source. What was read before it is lost with the table: callers that want
/// it despite an error hand in sources that end instead.
pub fn count_fields<S: BlockSource>(
    fields: &[(Arc<str>, CountField)],
    workers: usize,
    sources: &mut dyn Iterator<Item = (Origin, S)>,
) -> Result<CountTable, S::Error> {
    let mut total = Counts::default();
    for (origin, mut source) in sources {
        let make_worker = || {
            let mut reader = LineReader::new(&origin);
            let mut key = Vec::new();
            move |block: &Block| {
                let mut counts = Counts::default();
                for line in chiplog_parse::lines(&block.bytes).filter(|line| !line.is_empty()) {
                    let record = reader.peel(line);
                    encode(fields, &record, &mut key);
                    counts.add(&key);
                }
                counts
            }
        };
        pool::run(&mut source, workers.max(1), make_worker, |_, counts: Counts| {
            total.append(counts, MAX_ROWS);
        })?;
    }
    let mut rows: Vec<CountRow> =
        total.by_key.iter().map(|(key, (_, count))| CountRow { key: decode(key), count: *count }).collect();
    rows.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.key.cmp(&right.key)));
    let fields = fields.iter().map(|(name, _)| Arc::clone(name)).collect();
    Ok(CountTable { fields, rows, records: total.records })
}

fn encode(fields: &[(Arc<str>, CountField)], record: &Record<'_>, key: &mut Vec<u8>) {
    key.clear();
    for (_, field) in fields {
        let at = key.len();
        key.extend_from_slice(&[0; 5]);
        if field.write(record, key) {
            let length = (key.len() - at - 5) as u32;
            key[at] = 1;
            key[at + 1..at + 5].copy_from_slice(&length.to_le_bytes());
        } else {
            key.truncate(at + 5);
        }
    }
}

fn decode(mut key: &[u8]) -> Vec<Option<Arc<str>>> {
    let mut values = Vec::new();
    while let Some(([is_there, length @ ..], rest)) = key.split_first_chunk::<5>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some((value, rest)) = rest.split_at_checked(length) else { break };
        values.push((*is_there == 1).then(|| Arc::from(&*String::from_utf8_lossy(value))));
        key = rest;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_combinations_are_kept_however_the_source_is_cut() {
        let keys: Vec<[u8; 2]> = (0..4_000u16).map(|n| (n * 7 % 900).to_le_bytes()).collect();
        let table = |block_len: usize| {
            let mut total = Counts::default();
            for block in keys.chunks(block_len) {
                let mut counts = Counts::default();
                block.iter().for_each(|key| counts.add(key));
                total.append(counts, 100);
            }
            let mut rows: Vec<(Box<[u8]>, u64)> =
                total.by_key.into_iter().map(|(key, (_, count))| (key, count)).collect();
            rows.sort();
            (rows, total.records)
        };
        let (rows, records) = table(4_000);
        assert_eq!((rows.len(), records), (100, 4_000));
        for block_len in [1, 7, 500] {
            assert_eq!(table(block_len).0, rows);
        }
    }
}
