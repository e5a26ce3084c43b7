//! `match`: which lines a rule is about.

use std::ops::Range;

use chiplog_parse::{EVENT_KINDS, EventKind, EventUnit, Format, Severity};
use memchr::memmem::Finder;
use toml::de::{DeTable, DeValue};

use super::reader::{Reader, Text, Value, get};
use super::take::{TakeDraft, takes};
use crate::component::Component;
use crate::condition::{Alternative, EventCondition, FieldCondition};
use crate::event_literals;
use crate::literals::{self, AnyOf};
use crate::pattern::Pattern;

/// One way for a line to match, before its captures are known.
pub(super) struct AlternativeDraft {
    pub(super) alternative: Alternative,
    /// Sets of literals, each of which has one that occurs in every line that matches.
    pub(super) literals: Vec<AnyOf>,
    pub(super) event: Option<&'static EventKind>,
    pub(super) takes: Vec<TakeDraft>,
    /// Which releases write such lines.
    pub(super) versions: Vec<String>,
    pub(super) span: Range<usize>,
}

const KEYS: [&str; 15] = [
    "format",
    "component",
    "severity",
    "contains",
    "not_contains",
    "regex",
    "msg",
    "field",
    "event",
    "where",
    "line_contains",
    "line_regex",
    "take",
    "counts",
    "versions",
];

const SEVERITIES: [Severity; 8] = [
    Severity::Trace,
    Severity::Debug,
    Severity::Info,
    Severity::Notice,
    Severity::Warning,
    Severity::Error,
    Severity::Critical,
    Severity::Fatal,
];

/// Every way to match; those that are wrong are left out, and reported.
pub(super) fn alternatives<'f>(
    reader: &mut Reader<'f>,
    value: &Value<'f>,
    patterns: &mut Vec<Pattern>,
) -> Vec<AlternativeDraft> {
    match value.get_ref() {
        DeValue::Array(list) if list.is_empty() => {
            reader.error(value.span(), "`match` is an empty list, which no line matches");
            Vec::new()
        }
        DeValue::Array(list) => {
            list.iter().filter_map(|value| alternative(reader, value, patterns)).collect()
        }
        _ => alternative(reader, value, patterns).into_iter().collect(),
    }
}

fn alternative<'f>(
    reader: &mut Reader<'f>,
    value: &Value<'f>,
    patterns: &mut Vec<Pattern>,
) -> Option<AlternativeDraft> {
    let mut draft = AlternativeDraft {
        alternative: Alternative { counts: true, ..Alternative::default() },
        literals: Vec::new(),
        event: None,
        takes: Vec::new(),
        versions: Vec::new(),
        span: value.span(),
    };
    if let DeValue::String(_) = value.get_ref() {
        draft.contains(&reader.needles(value, "`match`")?);
        return Some(draft);
    }
    let DeValue::Table(table) = value.get_ref() else {
        reader.error(value.span(), "`match` must be a string, a table or a list of them");
        return None;
    };
    let errors = reader.diagnostics.len();
    reader.only(table, "match", &KEYS);
    if !table
        .keys()
        .any(|key| !matches!(key.get_ref().as_ref(), "take" | "counts" | "versions" | "not_contains"))
    {
        reader.error(value.span(), "`match` has no condition that a line must meet");
        return None;
    }
    draft.read(reader, table, patterns);
    (reader.diagnostics.len() == errors).then_some(draft)
}

impl AlternativeDraft {
    fn contains(&mut self, texts: &[Text]) {
        for text in texts {
            self.literals.extend(literals::of_text(text.text.as_bytes()));
            self.alternative.contains.push(finder(text));
        }
    }

    fn read<'f>(&mut self, reader: &mut Reader<'f>, table: &DeTable<'f>, patterns: &mut Vec<Pattern>) {
        if let Some(value) = get(table, "format") {
            let known = Format::ALL.map(|format| (format.name(), format));
            for text in reader.strings(value, "`format`").unwrap_or_default() {
                self.alternative.formats.extend(reader.one_of(&text, "format", &known));
            }
        }
        if let Some(value) = get(table, "component") {
            for text in reader.needles(value, "`component`").unwrap_or_default() {
                let component = Component::new(&text.text);
                self.alternative.components.push((text.text, component));
            }
        }
        if let Some(value) = get(table, "severity")
            && let Some(text) = reader.string(value, "`severity`")
        {
            let known = SEVERITIES.map(|severity| (severity.name(), severity));
            self.alternative.severity = reader.one_of(&text, "severity", &known);
        }
        if let Some(texts) = get(table, "contains").and_then(|value| reader.needles(value, "`contains`")) {
            self.contains(&texts);
        }
        if let Some(texts) =
            get(table, "not_contains").and_then(|value| reader.needles(value, "`not_contains`"))
        {
            self.alternative.not_contains.extend(texts.iter().map(finder));
        }
        if let Some(text) = get(table, "msg").and_then(|value| reader.string(value, "`msg`")) {
            self.literals.extend(literals::of_text(text.text.as_bytes()));
            self.alternative.msg = Some(text.text.into_bytes());
        }
        for text in get(table, "regex").and_then(|value| reader.strings(value, "`regex`")).unwrap_or_default()
        {
            if let Some((pattern, hir)) = reader.regex(&text) {
                self.literals.extend(literals::of_regex(&hir, false));
                self.alternative.regexes.push(push(patterns, pattern));
            }
        }
        for text in get(table, "line_regex")
            .and_then(|value| reader.strings(value, "`line_regex`"))
            .unwrap_or_default()
        {
            if let Some((pattern, hir)) = reader.regex(&text) {
                self.literals.extend(literals::of_regex(&hir, true));
                self.alternative.line_regexes.push(push(patterns, pattern));
            }
        }
        for text in get(table, "line_contains")
            .and_then(|value| reader.needles(value, "`line_contains`"))
            .unwrap_or_default()
        {
            self.literals.extend(literals::of_raw_line(text.text.as_bytes()));
            self.alternative.line_contains.push(finder(&text));
        }
        self.read_event(reader, table);
        if let Some(value) = get(table, "field")
            && let Some(fields) = reader.table(value, "`field`")
        {
            for (key, value) in fields {
                let field = self.field(reader, key.get_ref(), value, patterns);
                self.alternative.fields.extend(field);
            }
        }
        if let Some(value) = get(table, "counts") {
            self.alternative.counts = reader.boolean(value, "`counts`").unwrap_or(true);
        }
        if let Some(texts) = get(table, "versions").and_then(|value| reader.needles(value, "`versions`")) {
            self.versions = texts.into_iter().map(|text| text.text).collect();
        }
        if let Some(value) = get(table, "take") {
            self.takes = takes(reader, value, self.event.as_slice(), patterns);
        }
    }

    fn read_event<'f>(&mut self, reader: &mut Reader<'f>, table: &DeTable<'f>) {
        if let Some(text) = get(table, "event").and_then(|value| reader.string(value, "`event`")) {
            let known: Vec<_> = EVENT_KINDS.iter().map(|kind| (kind.name, kind)).collect();
            self.event = reader.one_of(&text, "event", &known);
        }
        let mut condition = self.event.map(|kind| EventCondition { kind: kind.name, wanted: Vec::new() });
        if let Some(kind) = self.event {
            self.literals.extend(event_literals::of_kind(kind.name));
        }
        if let Some(value) = get(table, "where")
            && let Some(wanted) = reader.table(value, "`where`")
        {
            let Some(condition) = condition.as_mut() else {
                if get(table, "event").is_none() {
                    reader.error(value.span(), "`where` needs `event`").hint =
                        Some("to ask for a key/value pair, use `field`".to_owned());
                }
                return;
            };
            let texts: Vec<_> = self
                .event
                .iter()
                .flat_map(|kind| kind.values)
                .filter(|(_, unit)| *unit == EventUnit::Text)
                .map(|(name, _)| (*name, *name))
                .collect();
            for (key, value) in wanted {
                let key = Text { text: key.get_ref().clone().into_owned(), span: key.span() };
                let name = reader.one_of(&key, "text of the event", &texts);
                let values = reader.strings(value, &format!("`{}`", key.text));
                if let (Some(name), Some(values)) = (name, values) {
                    self.literals.extend(event_literals::of_part(
                        name,
                        values.iter().map(|value| value.text.as_bytes()),
                    ));
                    condition
                        .wanted
                        .push((name, values.into_iter().map(|value| value.text.into_bytes()).collect()));
                }
            }
        }
        self.alternative.event = condition;
    }

    fn field<'f>(
        &mut self,
        reader: &mut Reader<'f>,
        key: &str,
        value: &Value<'f>,
        patterns: &mut Vec<Pattern>,
    ) -> Option<FieldCondition> {
        let mut field = FieldCondition {
            key: key.as_bytes().to_vec(),
            any: None,
            contains: Vec::new(),
            prefix: None,
            regex: None,
        };
        self.literals.extend(literals::of_text(key.as_bytes()));
        match value.get_ref() {
            DeValue::String(text) => {
                self.literals.extend(literals::of_text(text.as_bytes()));
                field.any = Some(vec![text.as_bytes().to_vec()]);
            }
            DeValue::Table(table) => {
                reader.only(table, "field", &["contains", "prefix", "regex", "any"]);
                if let Some(texts) = get(table, "any").and_then(|value| reader.strings(value, "`any`")) {
                    self.literals
                        .extend(literals::of_any_text(texts.iter().map(|text| text.text.as_bytes())));
                    field.any = Some(texts.into_iter().map(|text| text.text.into_bytes()).collect());
                }
                if let Some(texts) =
                    get(table, "contains").and_then(|value| reader.needles(value, "`contains`"))
                {
                    self.literals
                        .extend(texts.iter().flat_map(|text| literals::of_text(text.text.as_bytes())));
                    field.contains = texts.iter().map(finder).collect();
                }
                if let Some(text) = get(table, "prefix").and_then(|value| reader.string(value, "`prefix`")) {
                    self.literals.extend(literals::of_text(text.text.as_bytes()));
                    field.prefix = Some(text.text.into_bytes());
                }
                if let Some(text) = get(table, "regex").and_then(|value| reader.string(value, "`regex`"))
                    && let Some((pattern, hir)) = reader.regex(&text)
                {
                    self.literals.extend(literals::of_regex(&hir, false));
                    field.regex = Some(push(patterns, pattern));
                }
            }
            _ => {
                reader.error(value.span(), format!("field `{key}` must be a string or a table")).hint =
                    Some("write `key = \"exact value\"` or `key = { contains = \"part\" }`".to_owned());
                return None;
            }
        }
        Some(field)
    }
}

fn finder(text: &Text) -> Finder<'static> {
    Finder::new(text.text.as_bytes()).into_owned()
}

pub(super) fn push(patterns: &mut Vec<Pattern>, pattern: Pattern) -> usize {
    patterns.push(pattern);
    patterns.len() - 1
}
