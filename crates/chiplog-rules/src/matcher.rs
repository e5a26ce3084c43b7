//! Which rules a line matches, and with which values.

use std::sync::Arc;

use chiplog_parse::{EventValue, Record, journal_entry};

use crate::condition::{Alternative, LabelSource, Reason, Source, Unmet, field_into};
use crate::hash;
use crate::pattern::Regexes;
use crate::rule::Unit;
use crate::seen::{self, Lines, Room, Seen};
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
    room: Box<Room>,
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
    distinct: Vec<Option<u64>>,
    once_key: Option<u64>,
    /// How often the line says that it happened.
    repeats: u64,
}

impl Matcher {
    pub(crate) fn new(compiled: Arc<Compiled>) -> Self {
        let regexes = Regexes::new(&compiled.patterns);
        Self { compiled, regexes, candidates: Vec::new(), room: Box::default(), scratch: Scratch::default() }
    }

    /// Calls `on_hit` for each rule that the line matches: the most specific first, and those of
    /// one specificity by id. A rule that matches in several ways is one hit, the first that
    /// counts. Where the line does not match a rule, a log line that it quotes may: one inside a
    /// message, a value or the whole of it, with one or two levels of escapes.
    ///
    /// `raw_line` is the physical line that `record` was read from, without its line feed. A line
    /// that lacks the literals by which the prefilter finds the lines of a rule is no match, so
    /// that scanning every line and scanning found lines give one answer.
    pub fn match_record(&mut self, record: &Record<'_>, raw_line: &[u8], on_hit: impl FnMut(Hit<'_>)) {
        let raw_line = as_written(raw_line);
        self.compiled.gate.candidates_into(raw_line, &mut self.candidates);
        if !self.candidates.is_empty() {
            self.match_candidates(record, raw_line, on_hit);
        }
    }

    /// The rules that a line can match, by the literals that it holds, each once: the others cost
    /// nothing on this line. They are appended in the order of [`crate::RuleSet::rules`].
    pub fn asked_rules(&mut self, raw_line: &[u8], out: &mut Vec<usize>) {
        let Self { compiled, candidates, .. } = self;
        compiled.gate.candidates_into(as_written(raw_line), candidates);
        let rules = candidates.iter().filter_map(|index| compiled.alternatives.get(*index));
        let start = out.len();
        for alternative in rules {
            if out.get(start..).is_none_or(|rules| rules.last() != Some(&alternative.rule)) {
                out.push(alternative.rule);
            }
        }
    }

    /// Whether a line matches one rule of those that it can match: [`Matcher::match_record`] for
    /// this rule alone, to measure what it costs.
    #[must_use]
    pub fn matches_rule(&mut self, rule: usize, record: &Record<'_>, raw_line: &[u8]) -> bool {
        let raw_line = as_written(raw_line);
        let Self { compiled, candidates, .. } = self;
        candidates.clear();
        let ways = compiled.alternatives.iter().enumerate();
        candidates.extend(ways.filter(|(_, way)| way.rule == rule).map(|(index, _)| index));
        let mut matches = false;
        self.match_candidates(record, raw_line, |_| matches = true);
        matches
    }

    fn match_candidates(&mut self, record: &Record<'_>, raw_line: &[u8], mut on_hit: impl FnMut(Hit<'_>)) {
        let Self { compiled, regexes, candidates, room, scratch } = self;
        let mut found = seen::none();
        let mut lines = Lines::new(&mut found, record, raw_line, room);
        let rule_of = |index: &usize| compiled.alternatives.get(*index).map(|alternative| alternative.rule);
        for ways in candidates.chunk_by(|a, b| rule_of(a) == rule_of(b)) {
            let ways = || ways.iter().filter_map(|index| compiled.alternatives.get(*index));
            let mut index = 0;
            while let Some(seen) = lines.get(index) {
                index += 1;
                let mut found: Option<&Alternative> = None;
                for alternative in ways() {
                    // Once a way to match is found, only one that counts is better.
                    let better = found.is_none_or(|found| !found.counts && alternative.counts);
                    if better && alternative.check(seen, regexes, &mut scratch.text).is_ok() {
                        found = Some(alternative);
                    }
                }
                if let Some(alternative) = found {
                    scratch.take(compiled, alternative, seen, regexes);
                    on_hit(scratch.hit(alternative));
                    break;
                }
            }
        }
    }

    /// Why a rule does not match a line: one reason for each way in which it could, or nothing if
    /// it does match. `rule` is an index into [`crate::RuleSet::rules`].
    #[must_use]
    pub fn why_not(&mut self, rule: usize, record: &Record<'_>, raw_line: &[u8]) -> Vec<String> {
        let raw_line = as_written(raw_line);
        let Self { compiled, regexes, candidates, room, scratch } = self;
        compiled.gate.candidates_into(raw_line, candidates);
        let mut found = seen::none();
        let mut lines = Lines::new(&mut found, record, raw_line, room);
        let mut reasons = Vec::new();
        for (way, alternative) in compiled.alternatives.iter().enumerate() {
            if alternative.rule != rule {
                continue;
            }
            let mut index = 0;
            let mut unmet = None;
            while let Some(seen) = lines.get(index) {
                index += 1;
                match alternative.check(seen, regexes, &mut scratch.text) {
                    Ok(()) if candidates.contains(&way) => return Vec::new(),
                    Ok(()) => unmet = Some(Unmet::Literal),
                    Err(_) => {}
                }
            }
            let Some(seen) = lines.physical() else { continue };
            let unmet = match (unmet, alternative.check(seen, regexes, &mut scratch.text)) {
                (Some(unmet), _) | (None, Err(unmet)) => unmet,
                (None, Ok(())) => continue,
            };
            let event = seen.event().map(|event| event.kind());
            reasons.push(Reason { alternative, unmet, record: &seen.record, event }.to_string());
        }
        reasons
    }
}

/// What was written where this line was read. An entry of a journal was never a line: what stands in
/// front of its message is ours, and no rule is about that.
fn as_written(raw_line: &[u8]) -> &[u8] {
    match raw_line {
        [0x1e, b'J', ..] => journal_entry::parse(raw_line).map_or(raw_line, |entry| entry.message.raw()),
        _ => raw_line,
    }
}

impl Scratch {
    /// The hit whose captures and labels were read last.
    fn hit(&self, alternative: &Alternative) -> Hit<'_> {
        Hit {
            rule: alternative.rule,
            values: &self.values,
            counts: alternative.counts,
            repeats: self.repeats,
            distinct: &self.distinct,
            once_key: self.once_key,
            labels: &self.labels,
            label_ends: &self.label_ends,
        }
    }

    /// Reads the captures and labels of a match.
    fn take(
        &mut self,
        compiled: &Compiled,
        alternative: &Alternative,
        seen: &mut Seen<'_>,
        regexes: &mut Regexes,
    ) {
        self.values.clear();
        self.takes.clear();
        self.take_ends.clear();
        self.labels.clear();
        self.label_ends.clear();
        self.distinct.clear();
        self.once_key = None;
        self.repeats = seen.repeats;
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
        let Self { values, takes, take_ends, labels, label_ends, .. } = self;
        let taken = |index: usize| {
            let start = index.checked_sub(1).and_then(|before| take_ends.get(before)).copied().unwrap_or(0);
            let end = take_ends.get(index).copied().unwrap_or(start);
            takes.get(start..end).unwrap_or(&[])
        };
        let record = &seen.record;
        let label_text = |label: &LabelSource| match label {
            LabelSource::Host => record.host.unwrap_or(b""),
            LabelSource::Component => record.component.unwrap_or(b""),
            LabelSource::Unit => record.unit.unwrap_or(b""),
            LabelSource::Take(index) => taken(*index),
        };
        for label in &rule.labels {
            let text: &[u8] = label_text(label);
            labels.extend_from_slice(text.get(..MAX_LABEL_LEN).unwrap_or(text));
            label_ends.push(labels.len());
        }
        self.distinct.extend(rule.distinct.iter().map(|index| {
            let number = rule.takes.get(*index).and_then(|take| values.get(take.numeric?).copied()?);
            match (taken(*index), number) {
                // The number of an event has no text.
                ([], number) => number.map(|number| hash::of_text(&number.to_le_bytes())),
                (text, _) => Some(hash::of_text(text)),
            }
        }));
        self.once_key = rule.once.as_ref().map(|labels| hash::of_list(labels.iter().map(label_text)));
        let times = rule.repeats.and_then(|index| u64::try_from((*values.get(index)?)?).ok());
        self.repeats = self.repeats.saturating_mul(times.unwrap_or(1).max(1));
    }
}

impl Source {
    /// Appends the value as text, if there is one, and reads it as a number of this unit.
    fn read(&self, unit: Unit, seen: &mut Seen<'_>, regexes: &mut Regexes, out: &mut Vec<u8>) -> Option<i64> {
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
                if !field_into(&seen.record, key, out) {
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
