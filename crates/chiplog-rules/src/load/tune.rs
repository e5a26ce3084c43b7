//! `[tune]`: changes to rules of any file, without a copy of the rule.

use std::collections::BTreeMap;

use super::conditions::Condition;
use super::reader::{Reader, Text, Value, get};
use super::rule::RuleDraft;
use crate::diagnostic::nearest;
use crate::rule::RuleSeverity;

const KEYS: [&str; 6] = ["open", "close", "for", "severity", "span", "enabled"];

/// What a file changes about one rule.
pub(super) struct Tune {
    id: Text,
    file: usize,
    open: Option<Condition>,
    close: Option<Condition>,
    hold_nanos: Option<i64>,
    severity: Option<RuleSeverity>,
    span_nanos: Option<i64>,
    is_enabled: Option<bool>,
}

/// Every change of a file, in the order in which they are written.
pub(super) fn tunes<'f>(reader: &mut Reader<'f>, value: &Value<'f>, file: usize) -> Vec<Tune> {
    let Some(table) = reader.table(value, "`tune`") else { return Vec::new() };
    let mut tunes = Vec::new();
    for (key, value) in table {
        let id = Text { text: key.get_ref().clone().into_owned(), span: key.span() };
        let Some(table) = reader.table(value, &format!("`{}`", id.text)) else { continue };
        let mut tune = Tune {
            id,
            file,
            open: None,
            close: None,
            hold_nanos: None,
            severity: None,
            span_nanos: None,
            is_enabled: None,
        };
        // `disk.full = ..` is `full` in a table `disk`.
        let is_split = !table.is_empty()
            && table
                .iter()
                .all(|(key, value)| value.get_ref().is_table() && !KEYS.contains(&&**key.get_ref()));
        if !is_split {
            reader.only(table, "tune", &KEYS);
        }
        tune.open = get(table, "open").and_then(|value| Condition::read(reader, value, "open", file));
        tune.close = get(table, "close").and_then(|value| Condition::read(reader, value, "close", file));
        tune.hold_nanos = get(table, "for").and_then(|value| reader.duration(value, "`for`"));
        tune.severity = super::rule::severity(reader, table);
        tune.span_nanos = get(table, "span").and_then(|value| reader.duration(value, "`span`"));
        tune.is_enabled = get(table, "enabled").and_then(|value| reader.boolean(value, "`enabled`"));
        tunes.push(tune);
    }
    tunes.sort_by_key(|tune| tune.id.span.start);
    tunes
}

/// Changes the rules; what changes no rule, or one that another file changes, is an error.
pub(super) fn apply(tunes: Vec<Tune>, drafts: &mut [RuleDraft], readers: &mut [Reader<'_>]) {
    let mut first: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for tune in tunes {
        let (id, span) = (tune.id.text.as_str(), tune.id.span.clone());
        let Some(at) = drafts.iter().position(|draft| draft.id.text == id) else {
            let ids = || drafts.iter().map(|draft| draft.id.text.as_str()).filter(|known| !known.is_empty());
            let with_dot =
                ids().find(|known| known.strip_prefix(id).is_some_and(|rest| rest.starts_with('.')));
            let hint = match with_dot {
                Some(known) => Some(format!("quote an id that has a dot: `\"{known}\" = {{ .. }}`")),
                None => nearest(id, ids()).map(|near| format!("did you mean `{near}`?")),
            };
            readers[tune.file].error(span, format!("no rule `{id}` to tune")).hint = hint;
            continue;
        };
        if let Some((file, line)) = first.get(id) {
            let hint = format!("the first is at {}:{line}", readers[*file].file);
            readers[tune.file].error(span, format!("rule `{id}` is tuned twice")).hint = Some(hint);
            continue;
        }
        first.insert(id.to_owned(), (tune.file, readers[tune.file].line_of(span.start)));
        let draft = &mut drafts[at];
        draft.rule.is_tuned = true;
        if let Some(open) = tune.open {
            draft.conditions.open = open;
        }
        if let Some(close) = tune.close {
            draft.conditions.close = close;
            draft.conditions.has_close = true;
        }
        draft.rule.hold_nanos = tune.hold_nanos.or(draft.rule.hold_nanos);
        draft.rule.severity = tune.severity.unwrap_or(draft.rule.severity);
        draft.rule.window.span_nanos = tune.span_nanos.unwrap_or(draft.rule.window.span_nanos);
        draft.is_enabled = tune.is_enabled.unwrap_or(true);
    }
}
