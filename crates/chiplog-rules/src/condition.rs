//! The compiled form of what a rule asks of a line.

use std::fmt;

use chiplog_parse::json::{self, Member};
use chiplog_parse::{EventValue, Format, Record, Severity, Value};
use memchr::memmem::Finder;

use crate::component::Component;
use crate::pattern::Regexes;
use crate::rule::{Rule, Unit};
use crate::seen::Seen;

/// One way for a line to match a rule: every condition must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alternative {
    /// The rule, an index into the set.
    pub(crate) rule: usize,
    pub(crate) counts: bool,
    pub(crate) formats: Vec<Format>,
    pub(crate) components: Vec<(String, Component)>,
    pub(crate) severity: Option<Severity>,
    pub(crate) contains: Vec<Finder<'static>>,
    pub(crate) not_contains: Vec<Finder<'static>>,
    pub(crate) msg: Option<Vec<u8>>,
    pub(crate) event: Option<EventCondition>,
    pub(crate) fields: Vec<FieldCondition>,
    pub(crate) regexes: Vec<usize>,
    pub(crate) line_contains: Vec<Finder<'static>>,
    pub(crate) line_regexes: Vec<usize>,
    /// For each capture of the rule, where its value may come from, the first that gives one.
    pub(crate) takes: Vec<Vec<Source>>,
}

#[derive(Clone, Debug)]
pub(crate) struct EventCondition {
    pub(crate) kind: &'static str,
    /// Each named value must be one of these texts.
    pub(crate) wanted: Vec<(&'static str, Vec<Vec<u8>>)>,
}

#[derive(Clone, Debug)]
pub(crate) struct FieldCondition {
    pub(crate) key: Vec<u8>,
    pub(crate) any: Option<Vec<Vec<u8>>>,
    pub(crate) contains: Vec<Finder<'static>>,
    pub(crate) prefix: Option<Vec<u8>>,
    pub(crate) regex: Option<usize>,
}

/// Where the value of a capture comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A group of a regex over the message.
    Regex { regex: usize, group: usize },
    /// A key/value pair.
    Field(Vec<u8>),
    /// A part of the event.
    Event(&'static str),
}

/// A capture of a rule.
#[derive(Clone, Debug)]
pub(crate) struct Take {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    /// Its place among the numbers of a hit.
    pub(crate) numeric: Option<usize>,
    /// The id of the rule that may lend it, and where the file says so.
    pub(crate) lent_by: Option<(String, std::ops::Range<usize>)>,
}

/// Where a label of a hit comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LabelSource {
    Host,
    Component,
    Unit,
    Take(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct CompiledRule {
    pub(crate) takes: Vec<Take>,
    pub(crate) labels: Vec<LabelSource>,
    /// Which numbers of a hit says how often.
    pub(crate) repeats: Option<usize>,
    /// Which takes are counted by their texts.
    pub(crate) distinct: Vec<usize>,
    /// What hits that tell of one occurrence have in common.
    pub(crate) once: Option<Vec<LabelSource>>,
}

/// The first condition of an alternative that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unmet {
    Literal,
    Severity,
    Component,
    Format,
    LineContains(usize),
    Contains(usize),
    NotContains(usize),
    Msg,
    Event,
    EventValue(usize),
    Field(usize),
    Regex(usize),
    LineRegex(usize),
}

impl Alternative {
    /// Whether the line matches, cheap conditions first. A filter on a property that the line does
    /// not state (component, severity) holds: `dmesg` names no component, and that is no evidence
    /// against it being the kernel's.
    pub(crate) fn check(
        &self,
        seen: &mut Seen<'_>,
        regexes: &mut Regexes,
        scratch: &mut Vec<u8>,
    ) -> Result<(), Unmet> {
        let demand = |holds: bool, unmet: Unmet| if holds { Ok(()) } else { Err(unmet) };
        let record = seen.record;
        demand(
            self.severity.is_none_or(|least| record.severity.is_none_or(|severity| severity >= least)),
            Unmet::Severity,
        )?;
        demand(
            self.components.is_empty()
                || record
                    .component
                    .is_none_or(|name| self.components.iter().any(|(_, component)| component.is(name))),
            Unmet::Component,
        )?;
        demand(
            self.formats.is_empty() || record.layers().iter().any(|layer| self.formats.contains(layer)),
            Unmet::Format,
        )?;
        for (index, finder) in self.line_contains.iter().enumerate() {
            demand(finder.find(seen.raw_line).is_some(), Unmet::LineContains(index))?;
        }
        for (index, finder) in self.contains.iter().enumerate() {
            demand(seen.any_text(|text| finder.find(text).is_some()), Unmet::Contains(index))?;
        }
        for (index, finder) in self.not_contains.iter().enumerate() {
            demand(!seen.any_text(|text| finder.find(text).is_some()), Unmet::NotContains(index))?;
        }
        if let Some(msg) = &self.msg {
            let text = record.msg();
            let equal = match text.as_plain() {
                Some(plain) => plain == msg.as_slice(),
                None => {
                    scratch.clear();
                    text.decode_into(scratch);
                    scratch == msg
                }
            };
            demand(equal, Unmet::Msg)?;
        }
        if let Some(wanted) = &self.event {
            let event = seen.event().filter(|event| event.kind() == wanted.kind).ok_or(Unmet::Event)?;
            for (index, (name, texts)) in wanted.wanted.iter().enumerate() {
                let Some(EventValue::Text(text)) = event.value(name) else {
                    return Err(Unmet::EventValue(index));
                };
                scratch.clear();
                text.decode_into(scratch);
                demand(texts.iter().any(|text| text == scratch), Unmet::EventValue(index))?;
            }
        }
        for (index, field) in self.fields.iter().enumerate() {
            demand(field.holds(&record, regexes, scratch), Unmet::Field(index))?;
        }
        for (index, regex) in self.regexes.iter().enumerate() {
            demand(seen.any_text(|text| regexes.is_match(*regex, text)), Unmet::Regex(index))?;
        }
        for (index, regex) in self.line_regexes.iter().enumerate() {
            demand(regexes.is_match(*regex, seen.raw_line), Unmet::LineRegex(index))?;
        }
        Ok(())
    }
}

/// Appends the decoded value of the first pair with this key; `false` if there is none.
pub(crate) fn field_into(record: &Record<'_>, wanted: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    for (key, value) in record.fields() {
        let same = match key.as_plain() {
            Some(plain) => plain == wanted,
            None => {
                key.decode_into(out);
                let same = out.get(start..) == Some(wanted);
                out.truncate(start);
                same
            }
        };
        if same {
            match value {
                Value::Raw(object @ [b'{', ..]) if reference_into(object, out) => {}
                value => value.text().decode_into(out),
            }
            return true;
        }
    }
    false
}

/// A Kubernetes object reference as `namespace/name`: what klog's JSON writes as an object, its
/// text form writes so (k8s.io/klog, `ObjectRef.String`). `false` if the object is anything else.
fn reference_into(object: &[u8], out: &mut Vec<u8>) -> bool {
    let (mut name, mut namespace) = (None, None);
    for member in json::members(object) {
        let Ok(Member { key, value: json::Value::String(text) }) = member else { return false };
        match key.raw() {
            b"name" => name = Some(text),
            b"namespace" => namespace = Some(text),
            _ => return false,
        }
    }
    let Some(name) = name else { return false };
    if let Some(namespace) = namespace {
        namespace.decode_into(out);
        out.push(b'/');
    }
    name.decode_into(out);
    true
}

impl FieldCondition {
    fn holds(&self, record: &Record<'_>, regexes: &mut Regexes, scratch: &mut Vec<u8>) -> bool {
        scratch.clear();
        field_into(record, &self.key, scratch)
            && self.any.as_ref().is_none_or(|any| any.iter().any(|value| value == scratch))
            && self.contains.iter().all(|finder| finder.find(scratch).is_some())
            && self.prefix.as_ref().is_none_or(|prefix| scratch.starts_with(prefix))
            && self.regex.is_none_or(|regex| regexes.is_match(regex, scratch))
    }
}

/// Why a line does not match a rule, in words. For `rules try --why`.
pub(crate) struct Reason<'a> {
    pub(crate) alternative: &'a Alternative,
    pub(crate) unmet: Unmet,
    pub(crate) record: &'a Record<'a>,
    pub(crate) event: Option<&'static str>,
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { alternative, record, .. } = self;
        let needle = |finders: &[Finder<'_>], index: usize| {
            finders.get(index).map_or_else(String::new, |finder| lossy(finder.needle()))
        };
        match self.unmet {
            Unmet::Literal => f.write_str("the line holds none of the words that the rule needs"),
            Unmet::Severity => write!(
                f,
                "severity {} is below {}",
                record.severity.map_or("none", Severity::name),
                alternative.severity.map_or("none", Severity::name),
            ),
            Unmet::Component => {
                let names: Vec<&str> = alternative.components.iter().map(|(name, _)| name.as_str()).collect();
                write!(
                    f,
                    "component {:?} is not {}",
                    lossy(record.component.unwrap_or(b"")),
                    names.join(" or ")
                )
            }
            Unmet::Format => {
                let names = |formats: &[Format]| {
                    formats.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
                };
                write!(f, "formats {} do not include {}", names(record.layers()), names(&alternative.formats))
            }
            Unmet::LineContains(index) => {
                write!(f, "the line does not contain {:?}", needle(&alternative.line_contains, index))
            }
            Unmet::Contains(index) => {
                write!(f, "the message does not contain {:?}", needle(&alternative.contains, index))
            }
            Unmet::NotContains(index) => {
                write!(f, "the message contains {:?}", needle(&alternative.not_contains, index))
            }
            Unmet::Msg => write!(
                f,
                "msg {:?} is not {:?}",
                record.msg().to_string(),
                lossy(alternative.msg.as_deref().unwrap_or(b"")),
            ),
            Unmet::Event => {
                let wanted = alternative.event.as_ref().map_or("", |event| event.kind);
                match self.event {
                    Some(kind) => write!(f, "the event is {kind}, not {wanted}"),
                    None => write!(f, "the message is no event, and so not {wanted}"),
                }
            }
            Unmet::EventValue(index) => {
                let name = alternative
                    .event
                    .as_ref()
                    .and_then(|event| event.wanted.get(index))
                    .map_or("", |wanted| wanted.0);
                write!(f, "the event's {name} is none of those wanted")
            }
            Unmet::Field(index) => {
                let key = alternative.fields.get(index).map_or(&[][..], |field| &field.key);
                let mut value = Vec::new();
                if field_into(record, key, &mut value) {
                    write!(f, "field {} is {:?}, which is not wanted", lossy(key), lossy(&value))
                } else {
                    write!(f, "there is no field {}", lossy(key))
                }
            }
            Unmet::Regex(_) => f.write_str("the regex does not match the message"),
            Unmet::LineRegex(_) => f.write_str("the regex does not match the line"),
        }
    }
}

impl Rule {
    /// The capture of this name, as an index into [`Rule::numeric_captures`].
    #[must_use]
    pub fn capture(&self, name: &str) -> Option<crate::expr::CaptureIndex> {
        self.numeric_captures.iter().position(|capture| capture.name == name).map(crate::expr::CaptureIndex)
    }
}
