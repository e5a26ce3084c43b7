//! Which rules a line matches, and with which values.

use std::sync::Arc;

use chiplog_parse::{EventValue, Record};

use crate::condition::{Alternative, LabelSource, Reason, Seen, Source, Unmet, field_into};
use crate::pattern::Regexes;
use crate::rule::Unit;
use crate::set::Compiled;
use crate::units::{parse_bytes, parse_duration, parse_integer};

/// No label of a hit is longer, in bytes; the rest is cut. Labels are the keys of windows, so a
/// line of any length must not become one.
pub const MAX_LABEL_LEN: usize = 256;

/// A line that a rule is about.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Hit<'m> {
    /// The rule, an index into [`crate::RuleSet::rules`].
    pub rule: usize,
    /// The captured numbers in the order of [`crate::Rule::numeric_captures`], in base units. `None` where the
    /// line has no such value, or it could not be read.
    pub values: &'m [Option<i64>],
    /// Whether this is a hit for [`crate::Measure::Count`]. A match that does not count is evidence for the
    /// rule: another line about the same occurrence counts, or one without it is harmless.
    pub counts: bool,
    /// How many occurrences the line stands for: at least one.
    pub repeats: u64,
    /// A hash of the text of each of [`crate::Rule::distinct_captures`], the same on every machine;
    /// `None` where the line has no such text.
    pub distinct: &'m [Option<u64>],
    /// Hits of a host with one key are one occurrence if they are near enough: there is one if the
    /// rule has [`crate::Rule::once`]. The same on every machine.
    pub once_key: Option<u64>,
    labels: &'m [u8],
    label_ends: &'m [usize],
}

impl<'m> Hit<'m> {
    /// What tells the window of this hit from others, in the order of [`crate::Window::by`]; empty where the
    /// line does not say. Each at most [`MAX_LABEL_LEN`] long.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = &'m [u8]> + use<'m> {
        let (labels, ends) = (self.labels, self.label_ends);
        (0..ends.len()).map(move |index| {
            let start = if index == 0 { 0 } else { ends[index - 1] };
            labels.get(start..ends[index]).unwrap_or(&[])
        })
    }
}

/// Matches lines with the rules of a set. One for each worker: it owns scratch space, so that a
/// line costs no allocation once the buffers have grown.
#[derive(Debug)]
pub struct Matcher {
    compiled: Arc<Compiled>,
    regexes: Regexes,
    candidates: Vec<usize>,
    message: Vec<u8>,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    text: Vec<u8>,
    values: Vec<Option<i64>>,
    /// The text of each capture of the rule, end to end, and where each ends.
    takes: Vec<u8>,
    take_ends: Vec<usize>,
    labels: Vec<u8>,
    label_ends: Vec<usize>,
}

impl Matcher {
    pub(crate) fn new(compiled: Arc<Compiled>) -> Self {
        let regexes = Regexes::new(&compiled.patterns);
        Self { compiled, regexes, candidates: Vec::new(), message: Vec::new(), scratch: Scratch::default() }
    }

    /// Calls `on_hit` for each rule that the line matches: the most specific first, and those of
    /// one specificity by id. A rule that matches in several ways is one hit, the first that
    /// counts.
    ///
    /// `raw_line` is the physical line that `record` was read from, without its line feed. A line
    /// that lacks the literals by which the prefilter finds the lines of a rule is no match, so
    /// that scanning every line and scanning found lines give one answer.
    pub fn match_record(&mut self, record: &Record<'_>, raw_line: &[u8], mut on_hit: impl FnMut(Hit<'_>)) {
        let Self { compiled, regexes, candidates, message, scratch } = self;
        compiled.gate.candidates_into(raw_line, candidates);
        if candidates.is_empty() {
            return;
        }
        let mut seen = Seen { record, raw_line, message: message_of(record, message), event: None };
        let mut rest = candidates.as_slice();
        while let Some(rule) = rest
            .first()
            .and_then(|index| compiled.alternatives.get(*index))
            .map(|alternative| alternative.rule)
        {
            let mut found: Option<&Alternative> = None;
            while let Some((index, after)) = rest.split_first() {
                let Some(alternative) =
                    compiled.alternatives.get(*index).filter(|alternative| alternative.rule == rule)
                else {
                    break;
                };
                rest = after;
                // Once a way to match is found, only one that counts is better.
                let better = found.is_none_or(|found| !found.counts && alternative.counts);
                if better && alternative.check(&mut seen, regexes, &mut scratch.text).is_ok() {
                    found = Some(alternative);
                }
            }
            if let Some(alternative) = found {
                scratch.take(compiled, alternative, &mut seen, regexes);
                on_hit(Hit {
                    rule,
                    values: &scratch.values,
                    counts: alternative.counts,
                    repeats: 1,
                    distinct: &[],
                    once_key: None,
                    labels: &scratch.labels,
                    label_ends: &scratch.label_ends,
                });
            }
        }
    }

    /// Why a rule does not match a line: one reason for each way in which it could, or nothing if
    /// it does match. `rule` is an index into [`crate::RuleSet::rules`].
    #[must_use]
    pub fn why_not(&mut self, rule: usize, record: &Record<'_>, raw_line: &[u8]) -> Vec<String> {
        let Self { compiled, regexes, candidates, message, scratch } = self;
        compiled.gate.candidates_into(raw_line, candidates);
        let mut seen = Seen { record, raw_line, message: message_of(record, message), event: None };
        let mut reasons = Vec::new();
        for (index, alternative) in compiled.alternatives.iter().enumerate() {
            if alternative.rule != rule {
                continue;
            }
            let unmet = match alternative.check(&mut seen, regexes, &mut scratch.text) {
                Err(unmet) => unmet,
                Ok(()) if candidates.contains(&index) => return Vec::new(),
                Ok(()) => Unmet::Literal,
            };
            let event = seen.event().map(|event| event.kind());
            reasons.push(Reason { alternative, unmet, record, event }.to_string());
        }
        reasons
    }
}

fn message_of<'a>(record: &Record<'a>, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    match record.message.as_plain() {
        Some(plain) => plain,
        None => {
            buffer.clear();
            record.message.decode_into(buffer);
            buffer
        }
    }
}

impl Scratch {
    /// Reads the captures and labels of a match.
    fn take(
        &mut self,
        compiled: &Compiled,
        alternative: &Alternative,
        seen: &mut Seen<'_, '_>,
        regexes: &mut Regexes,
    ) {
        self.values.clear();
        self.takes.clear();
        self.take_ends.clear();
        self.labels.clear();
        self.label_ends.clear();
        let Some(rule) = compiled.rules.get(alternative.rule) else { return };
        for (take, sources) in rule.takes.iter().zip(&alternative.takes) {
            let start = self.takes.len();
            let mut value = None;
            for source in sources {
                self.takes.truncate(start);
                let number = source.read(take.unit, seen, regexes, &mut self.takes);
                if number.is_some() || (take.unit == Unit::Text && self.takes.len() > start) {
                    value = number;
                    break;
                }
            }
            if take.numeric.is_some() {
                self.values.push(value);
            }
            self.take_ends.push(self.takes.len());
        }
        for label in &rule.labels {
            let record = seen.record;
            let text: &[u8] = match label {
                LabelSource::Host => record.host.unwrap_or(b""),
                LabelSource::Component => record.component.unwrap_or(b""),
                LabelSource::Unit => record.unit.unwrap_or(b""),
                LabelSource::Take(index) => {
                    let start = index
                        .checked_sub(1)
                        .and_then(|before| self.take_ends.get(before))
                        .copied()
                        .unwrap_or(0);
                    let end = self.take_ends.get(*index).copied().unwrap_or(start);
                    self.takes.get(start..end).unwrap_or(&[])
                }
            };
            self.labels.extend_from_slice(text.get(..MAX_LABEL_LEN).unwrap_or(text));
            self.label_ends.push(self.labels.len());
        }
    }
}

impl Source {
    /// Appends the value as text, if there is one, and reads it as a number of this unit.
    fn read(
        &self,
        unit: Unit,
        seen: &mut Seen<'_, '_>,
        regexes: &mut Regexes,
        out: &mut Vec<u8>,
    ) -> Option<i64> {
        let start = out.len();
        match self {
            Self::Regex { regex, group } => {
                let mut texts = seen.texts().into_iter();
                texts.find(|text| match regexes.group(*regex, *group, text) {
                    Some(found) => {
                        out.extend_from_slice(found);
                        true
                    }
                    None => false,
                })?;
            }
            Self::Field(key) => {
                if !field_into(seen.record, key, out) {
                    return None;
                }
            }
            Self::Event(name) => match seen.event()?.value(name)? {
                EventValue::Nanoseconds(nanos) => return Some(nanos).filter(|_| unit == Unit::Duration),
                EventValue::Bytes(number) => {
                    return i64::try_from(number).ok().filter(|_| unit == Unit::Bytes);
                }
                EventValue::Integer(number) => {
                    push_decimal(number, out);
                    return i64::try_from(number).ok().filter(|_| unit == Unit::Integer);
                }
                EventValue::Text(text) => text.decode_into(out),
                _ => return None,
            },
        }
        let text = out.get(start..).unwrap_or(&[]);
        match unit {
            Unit::Text => None,
            Unit::Integer => parse_integer(text),
            // The greatest duration is what Go's subtraction from the zero time saturates at: it
            // means that something has never happened, not that it took 292 years.
            Unit::Duration => parse_duration(text).filter(|nanos| *nanos != i64::MAX),
            Unit::Bytes => parse_bytes(text),
        }
    }
}

fn push_decimal(mut number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        // A remainder by ten is below 256.
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}
