//! One rule of a file.

use std::ops::Range;

use chiplog_parse::EventKind;
use toml::de::{DeTable, DeValue};

use super::captures::{self, Uses};
use super::conditions::Conditions;
use super::matching::alternatives;
use super::reader::{Reader, Text, get};
use super::{fingerprint, take, test};
use crate::condition::{Alternative, CompiledRule, Take};
use crate::diagnostic::nearest;
use crate::expr::{CaptureIndex, Comparison, Expr, Limit, Measure, Op};
use crate::literals::AnyOf;
use crate::pattern::Pattern;
use crate::rule::{Borrow, Capture, Once, Rule, RuleSeverity, Unit, Window};

pub(super) const KEYS: [&str; 24] = [
    "id",
    "title",
    "component",
    "severity",
    "specificity",
    "match",
    "take",
    "repeats",
    "once",
    "window",
    "open",
    "for",
    "close",
    "floor",
    "noise",
    "root",
    "because",
    "cause",
    "check",
    "verify",
    "remedy",
    "danger",
    "refs",
    "test",
];

const DEFAULT_SPECIFICITY: u8 = 50;
const DEFAULT_SPAN_NANOS: i64 = 5 * 60 * 1_000_000_000;

/// A rule that says less about its lines wraps any error, so that its finding cannot be the root of
/// an incident, if the file does not say so.
const SPECIFICITY_OF_ROOTS: u8 = 45;

/// The names of built-in files begin so.
const BUILT_IN: &str = "builtin/";

/// A rule that is right by itself. Its conditions are checked when all rules are known.
pub(super) struct RuleDraft {
    pub(super) rule: Rule,
    pub(super) conditions: Conditions,
    pub(super) compiled: CompiledRule,
    pub(super) alternatives: Vec<(Alternative, Vec<AnyOf>)>,
    /// Empty if the file gives none that is right.
    pub(super) id: Text,
    /// The file that has it, an index.
    pub(super) file: usize,
    pub(super) is_enabled: bool,
    /// Whether it may be the root of an incident, if the file says so.
    pub(super) root: Option<bool>,
}

impl RuleDraft {
    /// Decides what depends on other rules and files.
    pub(super) fn finish(&mut self, has_causes: bool) {
        let rule = &mut self.rule;
        let is_likely = !has_causes && rule.specificity >= SPECIFICITY_OF_ROOTS;
        rule.may_be_root = !rule.is_noise && self.root.unwrap_or(is_likely);
    }
}

pub(super) fn rule<'f>(
    reader: &mut Reader<'f>,
    table: &DeTable<'f>,
    start: usize,
    file: usize,
    patterns: &mut Vec<Pattern>,
) -> RuleDraft {
    let mut known = KEYS.to_vec();
    if start == 0 {
        known.push("tune");
        if get(table, "id").is_none() {
            known.push("rule");
        }
    }
    reader.only(table, "rule", &known);
    let id = id(reader, table, start);
    let title = text(reader, table, "title");
    let severity = severity(reader, table);
    let specificity = get(table, "specificity")
        .and_then(|value| reader.integer(value, "`specificity`", 0..101))
        .and_then(|value| u8::try_from(value).ok());

    let mut drafts = Vec::new();
    match get(table, "match") {
        Some(value) => {
            drafts = alternatives(reader, value, patterns);
            if !drafts.is_empty() && drafts.iter().all(|draft| !draft.alternative.counts) {
                reader.error(value.span(), "no match counts, so the rule can never open").hint =
                    Some("leave out `counts = false` in one of them".to_owned());
            }
        }
        None => {
            reader.error(start..start, "the rule has no `match`").hint =
                Some("say which lines it is about: `match = \"text in the message\"`".to_owned());
        }
    }
    for draft in &drafts {
        if draft.literals.is_empty() {
            let message = "no literal of 4 bytes or more: the pattern runs on every line";
            reader.warning(draft.span.clone(), message).hint =
                Some("add `contains` with a word that the lines always hold".to_owned());
        }
    }

    let events: Vec<&'static EventKind> = drafts.iter().filter_map(|draft| draft.event).collect();
    let of_rule =
        get(table, "take").map(|value| take::takes(reader, value, &events, patterns)).unwrap_or_default();
    let (by, span_nanos) = window(reader, table);
    let once = once(reader, table);
    let repeats = get(table, "repeats").and_then(|value| reader.string(value, "`repeats`"));
    let conditions = Conditions::read(reader, table, file);
    let hold_nanos = get(table, "for").and_then(|value| reader.duration(value, "`for`"));
    let in_window = by.iter().flatten();
    let in_once = once.iter().flat_map(|(by, _)| by);
    let uses = Uses {
        labels: in_window.chain(in_once).map(|text| text.text.as_str()).collect(),
        repeats: repeats.as_ref().map(|text| text.text.as_str()),
        conditions: [&conditions.open, &conditions.close],
    };
    let takes = captures::captures(reader, of_rule, &mut drafts, &uses);
    let by = by.unwrap_or_else(|| vec![Text { text: "host".to_owned(), span: 0..0 }]);
    let (by, labels) = captures::labels(reader, &by, &takes);
    let once =
        once.map(|(by, within_nanos)| (Once { within_nanos }, captures::labels(reader, &by, &takes).1));
    let repeats = repeats.and_then(|name| repeats_of(reader, &name, &takes));

    let floor = text(reader, table, "floor");
    let is_noise = get(table, "noise").and_then(|value| reader.boolean(value, "`noise`"));
    let root = get(table, "root").and_then(|value| reader.boolean(value, "`root`"));
    if let (Some(true), Some(true), Some(value)) = (is_noise, root, get(table, "root")) {
        reader.error(value.span(), "what is harmless is never the root of an incident").hint =
            Some("leave out one of `noise` and `root`".to_owned());
    }
    // At the top of a file, `[[cause]]` says what leads to what.
    let cause = match get(table, "cause").map(toml::Spanned::get_ref) {
        Some(DeValue::Array(_) | DeValue::Table(_)) if start == 0 => get(table, "because"),
        _ => reader.either(table, "because", "cause"),
    };
    let cause = cause.and_then(|value| reader.string(value, "`because`"));
    let check = reader.either(table, "check", "verify").and_then(|value| reader.strings(value, "`check`"));
    let danger = text(reader, table, "danger");
    let remedy = get(table, "remedy").and_then(|value| reader.strings(value, "`remedy`"));
    let refs = get(table, "refs").and_then(|value| reader.strings(value, "`refs`"));
    let tests = get(table, "test").map(|value| test::tests(reader, value)).unwrap_or_default();
    let component = text(reader, table, "component").or_else(|| {
        reader.file.strip_prefix(BUILT_IN).and_then(|name| name.strip_suffix(".toml")).map(str::to_owned)
    });

    let versions = each_once(drafts.iter_mut().flat_map(|draft| std::mem::take(&mut draft.versions)));
    let programs = drafts.iter().flat_map(|draft| &draft.alternative.components);
    let programs = each_once(programs.map(|(name, _)| name.clone()));
    let texts =
        |list: Option<Vec<Text>>| list.unwrap_or_default().into_iter().map(|text| text.text).collect();
    let id = id.unwrap_or_else(|| Text { text: String::new(), span: start..start });
    let rule = Rule {
        id: id.text.clone(),
        title: title.unwrap_or_else(|| id.text.clone()),
        severity: severity.unwrap_or(RuleSeverity::Warning),
        specificity: specificity.unwrap_or(DEFAULT_SPECIFICITY),
        window: Window { by, span_nanos },
        open: any_hit(),
        hold_nanos,
        close: any_hit(),
        open_text: String::new(),
        close_text: String::new(),
        cause: cause.map(|text| text.text),
        check: texts(check),
        remedy: texts(remedy),
        danger,
        refs: texts(refs),
        tests,
        repeats: repeats.map(CaptureIndex),
        once: once.as_ref().map(|(once, _)| *once),
        floor,
        is_noise: is_noise.unwrap_or(false),
        may_be_root: false,
        versions,
        component,
        programs,
        is_tuned: false,
        fingerprint: fingerprint::of_matching(table),
        distinct_captures: Vec::new(),
        companions: Vec::new(),
        events: events.iter().map(|kind| kind.name).collect(),
        numeric_captures: takes
            .iter()
            .filter(|take| take.numeric.is_some())
            .map(|take| Capture { name: take.name.clone(), unit: take.unit })
            .collect(),
        borrows: takes
            .iter()
            .filter_map(|take| {
                Some(Borrow {
                    capture: CaptureIndex(take.numeric?),
                    rule_id: take.lent_by.as_ref()?.0.clone(),
                })
            })
            .collect(),
        file: reader.file.clone(),
        line: reader.line_of(id.span.start),
    };
    let compiled =
        CompiledRule { takes, labels, repeats, distinct: Vec::new(), once: once.map(|(_, sources)| sources) };
    let alternatives = drafts.into_iter().map(|draft| (draft.alternative, draft.literals)).collect();
    RuleDraft { rule, conditions, compiled, alternatives, id, file, is_enabled: true, root }
}

fn each_once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for text in texts {
        if !list.contains(&text) {
            list.push(text);
        }
    }
    list
}

/// What stands for a condition until all rules are known.
fn any_hit() -> Expr {
    Expr::Compare(Comparison {
        measure: Measure::Count,
        op: Op::AtLeast,
        limit: Limit::Value(1),
        over_nanos: None,
        text: String::new(),
    })
}

pub(super) fn severity<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>) -> Option<RuleSeverity> {
    let text = get(table, "severity").and_then(|value| reader.string(value, "`severity`"))?;
    let known = RuleSeverity::ALL.map(|severity| (severity.name(), severity));
    reader.one_of(&text, "severity", &known)
}

/// `once`: the labels, and the time in nanoseconds.
fn once<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>) -> Option<(Vec<Text>, i64)> {
    let value = get(table, "once")?;
    let table = reader.table(value, "`once`")?;
    reader.only(table, "once", &["by", "within"]);
    let by = match get(table, "by").map(|value| (value, value.get_ref())) {
        Some((_, DeValue::Array(list))) if list.is_empty() => Vec::new(),
        Some((value, _)) => reader.strings(value, "`by`").unwrap_or_default(),
        None => Vec::new(),
    };
    let Some(within) = get(table, "within") else {
        reader.error(value.span(), "`once` needs `within`: how near hits of one occurrence are").hint =
            Some("write `once = { by = [\"pid\"], within = \"10s\" }`".to_owned());
        return None;
    };
    Some((by, reader.duration(within, "`within`")?))
}

/// `repeats`: the place of the capture among the numbers.
fn repeats_of(reader: &mut Reader<'_>, name: &Text, takes: &[Take]) -> Option<usize> {
    let place: Range<usize> = name.span.clone();
    match takes.iter().find(|take| take.name == name.text) {
        Some(take) if take.unit == Unit::Integer => return take.numeric,
        Some(take) => {
            let message = format!("`{}` is {}, and cannot say how often", name.text, take.unit.what());
            reader.error(place, message).hint = Some("give it `type = \"integer\"`".to_owned());
        }
        None => {
            let near = nearest(&name.text, takes.iter().map(|take| take.name.as_str()));
            reader.error(place, format!("unknown capture `{}`", name.text)).hint = Some(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "captures are named in `take`".to_owned(),
            });
        }
    }
    None
}

fn text<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>, key: &str) -> Option<String> {
    let value = get(table, key)?;
    reader.string(value, &format!("`{key}`")).map(|text| text.text)
}

fn id<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>, start: usize) -> Option<Text> {
    let Some(value) = get(table, "id") else {
        reader.error(start..start, "the rule has no `id`").hint =
            Some("name it: `id = \"component-problem\"`".to_owned());
        return None;
    };
    let id = reader.string(value, "`id`")?;
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if id.text.len() > 100 || !id.text.split(['-', '.']).all(word) {
        reader.error(id.span, format!("`{}` is no id", id.text)).hint =
            Some("use lower-case words and digits, joined by `-` or `.`".to_owned());
        return None;
    }
    Some(id)
}

fn window<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>) -> (Option<Vec<Text>>, i64) {
    let Some(value) = get(table, "window") else { return (None, DEFAULT_SPAN_NANOS) };
    let Some(table) = reader.table(value, "`window`") else { return (None, DEFAULT_SPAN_NANOS) };
    reader.only(table, "window", &["by", "span"]);
    let by = match get(table, "by").map(|value| (value, value.get_ref())) {
        Some((_, DeValue::Array(list))) if list.is_empty() => Some(Vec::new()),
        Some((value, _)) => reader.strings(value, "`by`"),
        None => None,
    };
    let span = get(table, "span").and_then(|value| reader.duration(value, "`span`"));
    (by, span.unwrap_or(DEFAULT_SPAN_NANOS))
}
