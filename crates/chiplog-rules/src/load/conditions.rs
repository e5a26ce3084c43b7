//! `open` and `close`: read with their rule, checked when all rules are known.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::reader::{Reader, Text, Value, get};
use super::rule::RuleDraft;
use crate::expr::{self, CaptureIndex, Expr, Known, RawExpr, Resolver};
use crate::rule::Companion;

const DEFAULT_OPEN: &str = "count >= 1";
const DEFAULT_CLOSE: &str = "count == 0 for 10m";
/// What is absent is back with the first hit.
const CLOSE_OF_ABSENCE: &str = "count >= 1 for 1m";

/// A condition, parsed but not yet checked.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) text: Text,
    /// The file that has it, an index.
    pub(super) file: usize,
    pub(super) raw: Option<RawExpr>,
}

impl Condition {
    fn new(text: &str, file: usize) -> Self {
        let raw = expr::parse(text).ok();
        Self { text: Text { text: text.to_owned(), span: 0..0 }, file, raw }
    }

    pub(super) fn read<'f>(
        reader: &mut Reader<'f>,
        value: &Value<'f>,
        key: &str,
        file: usize,
    ) -> Option<Self> {
        let text = reader.string(value, &format!("`{key}`"))?;
        let raw = match expr::parse(&text.text) {
            Ok(raw) => Some(raw),
            Err(error) => {
                report(reader, &text, error);
                None
            }
        };
        Some(Self { text, file, raw })
    }

    fn is_of_absence(&self) -> bool {
        self.raw.as_ref().is_some_and(|raw| raw.uses("absent"))
    }
}

/// When a rule opens and closes.
#[derive(Debug)]
pub(super) struct Conditions {
    pub(super) open: Condition,
    pub(super) close: Condition,
    /// Whether a file says when it closes.
    pub(super) has_close: bool,
}

impl Conditions {
    pub(super) fn read<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>, file: usize) -> Self {
        let mut read = |key| get(table, key).and_then(|value| Condition::read(reader, value, key, file));
        let (open, close) = (read("open"), read("close"));
        Self {
            open: open.unwrap_or_else(|| Condition::new(DEFAULT_OPEN, file)),
            has_close: close.is_some(),
            close: close.unwrap_or_else(|| Condition::new(DEFAULT_CLOSE, file)),
        }
    }
}

fn report(reader: &mut Reader<'_>, text: &Text, error: expr::SpannedError) {
    let place = reader.inside(text, error.span);
    reader.error(place, error.message).hint = error.hint;
}

/// Gives the conditions of all rules their meaning. `rules` says of every id whether its rule is in
/// use.
pub(super) fn resolve(drafts: &mut [RuleDraft], rules: &BTreeMap<String, bool>, readers: &mut [Reader<'_>]) {
    for draft in drafts {
        if !draft.conditions.has_close && draft.conditions.open.is_of_absence() {
            draft.conditions.close = Condition::new(CLOSE_OF_ABSENCE, draft.file);
        }
        resolve_rule(draft, rules, readers);
    }
}

fn resolve_rule(draft: &mut RuleDraft, rules: &BTreeMap<String, bool>, readers: &mut [Reader<'_>]) {
    let takes = &draft.compiled.takes;
    let captures: Vec<Known<'_>> = takes
        .iter()
        .map(|take| Known { name: &take.name, unit: take.unit, index: take.numeric.map(CaptureIndex) })
        .collect();
    let mut resolver = Resolver {
        captures: &captures,
        own_id: &draft.id.text,
        rules,
        is_enabled: draft.is_enabled,
        is_open: true,
        distinct: Vec::new(),
        companions: Vec::new(),
    };
    let Conditions { open, close, .. } = &draft.conditions;
    if let Some(expr) = resolve_one(&mut resolver, open, &mut readers[open.file]) {
        if expr.holds_without_hits() {
            readers[open.file]
                .error(
                    open.text.span.clone(),
                    "`open` holds without a single hit, so it would always be open",
                )
                .hint = Some("require a hit: `count >= 1 and ..`".to_owned());
        }
        draft.rule.open = expr;
    }
    resolver.is_open = false;
    if let Some(expr) = resolve_one(&mut resolver, close, &mut readers[close.file]) {
        draft.rule.close = expr;
    }
    let Resolver { distinct, companions, .. } = resolver;
    draft.rule.open_text.clone_from(&open.text.text);
    draft.rule.close_text.clone_from(&close.text.text);
    draft.compiled.distinct =
        distinct.iter().filter_map(|name| takes.iter().position(|take| take.name == *name)).collect();
    draft.rule.distinct_captures = distinct;
    // Their places in the set are known when all rules are.
    draft.rule.companions = companions
        .into_iter()
        .map(|rule_id| Companion { rule_id, rule: 0, shared_labels: Vec::new() })
        .collect();
}

fn resolve_one(resolver: &mut Resolver<'_>, condition: &Condition, reader: &mut Reader<'_>) -> Option<Expr> {
    let mut errors = Vec::new();
    let resolved = resolver.resolve(condition.raw.as_ref()?, &mut errors);
    for error in errors {
        report(reader, &condition.text, error);
    }
    resolved
}
