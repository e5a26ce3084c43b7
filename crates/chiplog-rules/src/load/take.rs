//! `take`: which values a rule takes from its lines.

use std::ops::Range;

use chiplog_parse::{EVENT_KINDS, EventKind, EventUnit};
use toml::de::{DeTable, DeValue};

use super::matching::push;
use super::reader::{Reader, Text, Value, get};
use crate::condition::Source;
use crate::pattern::{self, Pattern};
use crate::rule::Unit;

/// A capture, before its unit is known.
pub(super) struct TakeDraft {
    pub(super) name: String,
    pub(super) span: Range<usize>,
    pub(super) sources: Vec<Source>,
    /// What the file says the value is, or what the event makes it.
    pub(super) unit: Option<(Unit, Range<usize>)>,
    /// The rule whose lines say it, if these do not.
    pub(super) lent_by: Option<Text>,
}

/// Every capture of a `take` table, in the order in which they are written. `events` are the kinds
/// that its lines may carry; none means that any may.
pub(super) fn takes<'f>(
    reader: &mut Reader<'f>,
    value: &Value<'f>,
    events: &[&'static EventKind],
    patterns: &mut Vec<Pattern>,
) -> Vec<TakeDraft> {
    let Some(table) = reader.table(value, "`take`") else { return Vec::new() };
    let mut drafts = Vec::new();
    for (key, value) in table {
        let name = key.get_ref().clone().into_owned();
        let simple = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= 40
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !simple || matches!(name.as_str(), "host" | "component" | "unit" | "and" | "or" | "not" | "for") {
            reader.error(key.span(), format!("`{name}` cannot name a capture")).hint =
                Some("use lower-case letters, digits and `_`, and none of host, component, unit, and, or, not, for".to_owned());
            continue;
        }
        let mut draft = TakeDraft { name, span: key.span(), sources: Vec::new(), unit: None, lent_by: None };
        match value.get_ref() {
            DeValue::String(_) => {
                if let Some(text) = reader.string(value, "a capture") {
                    draft.regex(reader, &text, patterns);
                }
            }
            DeValue::Array(list) if list.is_empty() => {
                reader.error(value.span(), format!("capture `{}` has no source", draft.name));
            }
            DeValue::Array(list) => {
                for value in list {
                    match value.get_ref() {
                        DeValue::String(_) => {
                            if let Some(text) = reader.string(value, "a capture") {
                                draft.regex(reader, &text, patterns);
                            }
                        }
                        _ => draft.table(reader, value, events, patterns),
                    }
                }
            }
            _ => draft.table(reader, value, events, patterns),
        }
        drafts.push(draft);
    }
    drafts.sort_by_key(|draft| draft.span.start);
    drafts
}

impl TakeDraft {
    fn table<'f>(
        &mut self,
        reader: &mut Reader<'f>,
        value: &Value<'f>,
        events: &[&'static EventKind],
        patterns: &mut Vec<Pattern>,
    ) {
        let DeValue::Table(table) = value.get_ref() else {
            reader.error(
                value.span(),
                format!("capture `{}` must be a regex, a table or a list of them", self.name),
            );
            return;
        };
        reader.only(table, "take", &["regex", "field", "event", "lent_by", "type"]);
        let sources = ["regex", "field", "event", "lent_by"]
            .into_iter()
            .filter(|name| get(table, name).is_some())
            .count();
        if sources != 1 {
            reader
                .error(
                    value.span(),
                    format!("capture `{}` needs exactly one of regex, field, event and lent_by", self.name),
                )
                .hint = Some(
                "for several sources write a list of tables: the first that gives a value wins".to_owned(),
            );
            return;
        }
        self.unit_of_table(reader, table);
        if let Some(text) = get(table, "regex").and_then(|value| reader.string(value, "`regex`")) {
            self.regex(reader, &text, patterns);
        }
        if let Some(text) = get(table, "field").and_then(|value| reader.string(value, "`field`")) {
            self.sources.push(Source::Field(text.text.into_bytes()));
        }
        if let Some(text) = get(table, "event").and_then(|value| reader.string(value, "`event`")) {
            self.event(reader, &text, events);
        }
        if let Some(text) = get(table, "lent_by").and_then(|value| reader.string(value, "`lent_by`")) {
            self.lent_by = Some(text);
        }
    }

    fn unit_of_table<'f>(&mut self, reader: &mut Reader<'f>, table: &DeTable<'f>) {
        if let Some(text) = get(table, "type").and_then(|value| reader.string(value, "`type`")) {
            let known = Unit::ALL.map(|unit| (unit.name(), unit));
            if let Some(unit) = reader.one_of(&text, "type", &known) {
                self.set_unit(reader, unit, text.span);
            }
        }
    }

    /// All that say what the value is must agree.
    pub(super) fn set_unit(&mut self, reader: &mut Reader<'_>, unit: Unit, span: Range<usize>) {
        match &self.unit {
            Some((known, _)) if *known != unit => {
                let message =
                    format!("capture `{}` is {} here and {} elsewhere", self.name, unit.what(), known.what());
                reader.error(span, message).hint = Some("give the two different names".to_owned());
            }
            Some(_) => {}
            None => self.unit = Some((unit, span)),
        }
    }

    fn regex(&mut self, reader: &mut Reader<'_>, text: &Text, patterns: &mut Vec<Pattern>) {
        let Some((pattern, hir)) = reader.regex(text) else { return };
        let groups = pattern::groups(&hir);
        let named = groups.iter().find(|(_, name)| name.as_ref() == Some(&self.name));
        match named.or(groups.first()) {
            Some((group, _)) => {
                self.sources.push(Source::Regex { regex: push(patterns, pattern), group: *group });
            }
            None => {
                reader.error(text.span.clone(), "the regex has no group, so it takes nothing").hint =
                    Some("put parentheses around the value: `took (\\S+)`".to_owned());
            }
        }
    }

    fn event(&mut self, reader: &mut Reader<'_>, text: &Text, events: &[&'static EventKind]) {
        let all: Vec<&'static EventKind> = EVENT_KINDS.iter().collect();
        let kinds = if events.is_empty() { all.as_slice() } else { events };
        let known: Vec<(&'static str, (&'static str, EventUnit))> =
            kinds.iter().flat_map(|kind| kind.values).map(|value| (value.0, *value)).collect();
        let Some((name, unit)) = reader.one_of(text, "part of the event", &known) else { return };
        let unit = match unit {
            EventUnit::Nanoseconds => Unit::Duration,
            EventUnit::Bytes => Unit::Bytes,
            EventUnit::Integer => Unit::Integer,
            EventUnit::Text => Unit::Text,
            _ => {
                reader.error(text.span.clone(), format!("`{name}` has a unit that rules cannot use"));
                return;
            }
        };
        self.set_unit(reader, unit, text.span.clone());
        self.sources.push(Source::Event(name));
    }
}
