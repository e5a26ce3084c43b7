//! Text of rule files to a checked, compiled set.

mod cause;
mod matching;
mod reader;
mod take;
mod test;

use std::collections::BTreeMap;
use std::ops::Range;

use chiplog_parse::EventKind;
use regex::bytes::Regex;
use toml::de::{DeTable, DeValue};

use crate::condition::{Alternative, CompiledRule, LabelSource, Take};
use crate::diagnostic::{Diagnostic, Level, RuleErrors, nearest};
use crate::expr::{self, CaptureIndex, Expr, Known, Literal, RawExpr};
use crate::literals::AnyOf;
use crate::prefilter::{Prefilter, plan};
use crate::rule::{Borrow, Capture, Label, Rule, RuleSeverity, Unit, Window};
use crate::set::{Compiled, Loaded, RuleSet};
use matching::{AlternativeDraft, alternatives};
use reader::{Reader, Text, get};
use take::TakeDraft;

const KEYS: [&str; 17] = [
    "id",
    "title",
    "severity",
    "specificity",
    "match",
    "take",
    "window",
    "open",
    "close",
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
const DEFAULT_OPEN: &str = "count >= 1";
const DEFAULT_CLOSE: &str = "count == 0 for 10m";

/// A rule that is right by itself.
struct RuleDraft {
    rule: Rule,
    compiled: CompiledRule,
    alternatives: Vec<(Alternative, Vec<AnyOf>)>,
    id: Text,
    file: usize,
}

pub(crate) fn load<N: AsRef<str>, T: AsRef<str>>(
    files: impl IntoIterator<Item = (N, T)>,
) -> Result<Loaded, RuleErrors> {
    let files: Vec<(N, T)> = files.into_iter().collect();
    let mut readers: Vec<Reader<'_>> =
        files.iter().map(|(name, text)| Reader::new(name.as_ref(), text.as_ref())).collect();
    let mut regexes = Vec::new();
    let mut drafts: Vec<RuleDraft> = Vec::new();
    let mut causes = Vec::new();
    for (index, reader) in readers.iter_mut().enumerate() {
        drafts.extend(file(reader, index, &mut regexes, &mut causes));
    }

    let mut first: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for draft in &drafts {
        if let Some((file, line)) = first.get(&draft.id.text) {
            let place = format!("the first is at {}:{line}", readers[*file].file);
            let message = format!("there is already a rule `{}`", draft.id.text);
            readers[draft.file].error(draft.id.span.clone(), message).hint = Some(place);
        } else {
            first.insert(draft.id.text.clone(), (draft.file, draft.rule.line));
        }
    }

    check_loans(&drafts, &mut readers);
    let ids: Vec<&str> = drafts.iter().map(|draft| draft.id.text.as_str()).collect();
    cause::check(&causes, &ids, &mut readers);

    let hash = hash(readers.iter().map(|reader| reader.text));
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for mut reader in readers {
        reader.diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
        diagnostics.append(&mut reader.diagnostics);
    }
    if diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error) {
        return Err(RuleErrors(diagnostics));
    }
    Ok(Loaded { set: assemble(drafts, regexes, causes, hash), warnings: diagnostics })
}

/// A rule that lends a value must be in the set and have a capture of that name and unit.
fn check_loans(drafts: &[RuleDraft], readers: &mut [Reader<'_>]) {
    for draft in drafts {
        for take in &draft.compiled.takes {
            let Some((lender, span)) = &take.lent_by else { continue };
            let found = drafts.iter().find(|draft| draft.id.text == *lender);
            let lent =
                found.and_then(|found| found.compiled.takes.iter().find(|lent| lent.name == take.name));
            let reader = &mut readers[draft.file];
            match (found, lent) {
                (None, _) => {
                    let near = nearest(lender, drafts.iter().map(|draft| draft.id.text.as_str()));
                    reader.error(span.clone(), format!("no rule `{lender}` to lend `{}`", take.name)).hint =
                        near.map(|near| format!("did you mean `{near}`?"));
                }
                (Some(_), None) => {
                    reader.error(span.clone(), format!("rule `{lender}` has no capture `{}`", take.name));
                }
                (Some(_), Some(lent)) if lent.unit != take.unit => {
                    let message = format!(
                        "capture `{}` is {} here and {} there",
                        take.name,
                        take.unit.what(),
                        lent.unit.what()
                    );
                    reader.error(span.clone(), message).hint =
                        Some(format!("give it `type = \"{}\"`", lent.unit.name()));
                }
                _ => {}
            }
        }
    }
}

fn assemble(
    mut drafts: Vec<RuleDraft>,
    regexes: Vec<Regex>,
    causes: Vec<cause::CauseDraft>,
    hash: u64,
) -> RuleSet {
    drafts
        .sort_by(|a, b| b.rule.specificity.cmp(&a.rule.specificity).then_with(|| a.rule.id.cmp(&b.rule.id)));
    let mut rules = Vec::new();
    let mut compiled = Vec::new();
    let mut alternatives = Vec::new();
    let mut literals = Vec::new();
    let mut because = Vec::new();
    let index_of = drafts.iter().enumerate().map(|(index, draft)| (draft.rule.id.clone(), index)).collect();
    let causes = cause::assemble(causes, &index_of);
    for (index, draft) in drafts.into_iter().enumerate() {
        if draft.alternatives.iter().any(|(_, sets)| sets.is_empty()) {
            because.push(draft.rule.id.clone());
        }
        for (mut alternative, sets) in draft.alternatives {
            alternative.rule = index;
            alternatives.push(alternative);
            literals.push(sets);
        }
        rules.push(draft.rule);
        compiled.push(draft.compiled);
    }
    let (gate, searcher) = plan(&literals);
    let prefilter = match searcher {
        Some(searcher) => Prefilter::Sparse(searcher),
        None => Prefilter::EveryLine { because },
    };
    RuleSet::new(rules, Compiled { rules: compiled, alternatives, regexes, gate }, prefilter, causes, hash)
}

/// FNV-1a over the hashes of the texts in rising order, so that neither the order of the files nor
/// their names matter.
fn hash<'t>(texts: impl Iterator<Item = &'t str>) -> u64 {
    let fnv = |seed: u64, bytes: &[u8]| {
        bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let basis = 0xcbf2_9ce4_8422_2325;
    let mut hashes: Vec<u64> = texts.map(|text| fnv(basis, text.as_bytes())).collect();
    hashes.sort_unstable();
    hashes.iter().fold(basis, |hash, one| fnv(hash, &one.to_le_bytes()))
}

fn file<'f>(
    reader: &mut Reader<'f>,
    index: usize,
    regexes: &mut Vec<Regex>,
    causes: &mut Vec<cause::CauseDraft>,
) -> Vec<RuleDraft> {
    let (document, errors) = DeTable::parse_recoverable(reader.text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        reader.error(span, error.message().lines().collect::<Vec<_>>().join("; "));
    }
    // What a broken document seems to say is not worth a complaint.
    if !errors.is_empty() {
        return Vec::new();
    }
    let root = document.get_ref();
    if root.is_empty() {
        return Vec::new();
    }
    if let Some(value) = get(root, "cause").filter(|value| value.get_ref().is_array()) {
        causes.extend(cause::causes(reader, value, index));
        if get(root, "rule").is_none() {
            reader.only(root, "a file of causes", &["cause"]);
            return Vec::new();
        }
    }
    let Some(value) = get(root, "rule") else {
        return rule(reader, root, 0, index, regexes).into_iter().collect();
    };
    let DeValue::Array(list) = value.get_ref() else {
        reader.error(value.span(), "rules are a list of tables").hint = Some("write `[[rule]]`".to_owned());
        return Vec::new();
    };
    reader.only(root, "a file with several rules", &["rule", "cause"]);
    let mut drafts = Vec::new();
    for value in list {
        if let Some(table) = reader.table(value, "each `rule`") {
            drafts.extend(rule(reader, table, value.span().start, index, regexes));
        }
    }
    drafts
}

fn rule<'f>(
    reader: &mut Reader<'f>,
    table: &DeTable<'f>,
    start: usize,
    file: usize,
    regexes: &mut Vec<Regex>,
) -> Option<RuleDraft> {
    let mut known = KEYS.to_vec();
    if start == 0 && get(table, "id").is_none() {
        known.push("rule");
    }
    reader.only(table, "rule", &known);
    let id = id(reader, table, start);
    let title = text(reader, table, "title");
    let severity =
        get(table, "severity").and_then(|value| reader.string(value, "`severity`")).and_then(|text| {
            let known = RuleSeverity::ALL.map(|severity| (severity.name(), severity));
            reader.one_of(&text, "severity", &known)
        });
    let specificity = get(table, "specificity")
        .and_then(|value| reader.integer(value, "`specificity`", 0..101))
        .and_then(|value| u8::try_from(value).ok());

    let mut drafts = Vec::new();
    match get(table, "match") {
        Some(value) => {
            drafts = alternatives(reader, value, regexes);
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
        get(table, "take").map(|value| take::takes(reader, value, &events, regexes)).unwrap_or_default();
    let (by, span_nanos) = window(reader, table);
    let open = condition(reader, table, "open", DEFAULT_OPEN);
    let close = condition(reader, table, "close", DEFAULT_CLOSE);
    let takes = captures(reader, of_rule, &mut drafts, &by, [&open, &close]);
    let (by, labels) = labels(reader, by, &takes);
    let resolved_open = resolve(reader, &open, &takes);
    let resolved_close = resolve(reader, &close, &takes);
    if let Some(expr) = &resolved_open
        && expr.holds_without_hits()
    {
        reader
            .error(open.text.span.clone(), "`open` holds without a single hit, so it would always be open")
            .hint = Some("require a hit: `count >= 1 and ..`".to_owned());
    }

    let cause = reader.either(table, "because", "cause").and_then(|value| reader.string(value, "`because`"));
    let check = reader.either(table, "check", "verify").and_then(|value| reader.strings(value, "`check`"));
    let danger = text(reader, table, "danger");
    let remedy = get(table, "remedy").and_then(|value| reader.strings(value, "`remedy`"));
    let refs = get(table, "refs").and_then(|value| reader.strings(value, "`refs`"));
    let tests = get(table, "test").map(|value| test::tests(reader, value)).unwrap_or_default();

    let texts =
        |list: Option<Vec<Text>>| list.unwrap_or_default().into_iter().map(|text| text.text).collect();
    let id = id?;
    let rule = Rule {
        id: id.text.clone(),
        title: title.unwrap_or_else(|| id.text.clone()),
        severity: severity.unwrap_or(RuleSeverity::Warning),
        specificity: specificity.unwrap_or(DEFAULT_SPECIFICITY),
        window: Window { by, span_nanos },
        open: resolved_open?,
        close: resolved_close?,
        hold_nanos: None,
        open_text: open.text.text,
        close_text: close.text.text,
        cause: cause.map(|text| text.text),
        check: texts(check),
        remedy: texts(remedy),
        danger,
        refs: texts(refs),
        tests,
        repeats: None,
        once: None,
        floor: None,
        is_noise: false,
        may_be_root: false,
        versions: Vec::new(),
        component: None,
        is_tuned: false,
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
    let alternatives = drafts.into_iter().map(|draft| (draft.alternative, draft.literals)).collect();
    Some(RuleDraft { rule, compiled: CompiledRule { takes, labels }, alternatives, id, file })
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

/// A condition, parsed but not yet checked.
struct Condition {
    text: Text,
    raw: Option<RawExpr>,
}

fn condition<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>, key: &str, default: &str) -> Condition {
    let text = match get(table, key) {
        Some(value) => reader.string(value, &format!("`{key}`")),
        None => Some(Text { text: default.to_owned(), span: 0..0 }),
    };
    let Some(text) = text else {
        return Condition { text: Text { text: default.to_owned(), span: 0..0 }, raw: None };
    };
    match expr::parse(&text.text) {
        Ok(raw) => Condition { text, raw: Some(raw) },
        Err(error) => {
            report(reader, &text, error);
            Condition { text, raw: None }
        }
    }
}

fn report(reader: &mut Reader<'_>, text: &Text, error: expr::SpannedError) {
    let place = reader.inside(text, error.span);
    reader.error(place, error.message).hint = error.hint;
}

fn resolve(reader: &mut Reader<'_>, condition: &Condition, takes: &[Take]) -> Option<Expr> {
    let known: Vec<Known<'_>> = takes
        .iter()
        .map(|take| Known { name: &take.name, unit: take.unit, index: take.numeric.map(CaptureIndex) })
        .collect();
    let mut errors = Vec::new();
    let resolved = expr::resolve(condition.raw.as_ref()?, &known, &mut errors);
    for error in errors {
        report(reader, &condition.text, error);
    }
    resolved
}

/// Merges the captures of the rule and of its ways to match, decides what each is, and tells each
/// way to match where to take them from.
fn captures(
    reader: &mut Reader<'_>,
    of_rule: Vec<TakeDraft>,
    drafts: &mut [AlternativeDraft],
    by: &Option<Vec<Text>>,
    conditions: [&Condition; 2],
) -> Vec<Take> {
    let mut all = of_rule;
    let mut of_alternatives: Vec<Vec<TakeDraft>> = Vec::new();
    for draft in drafts.iter_mut() {
        let takes = std::mem::take(&mut draft.takes);
        for take in &takes {
            let index = all.iter().position(|known| known.name == take.name).unwrap_or_else(|| {
                let empty = TakeDraft {
                    name: take.name.clone(),
                    span: take.span.clone(),
                    sources: Vec::new(),
                    unit: None,
                    lent_by: None,
                };
                all.push(empty);
                all.len() - 1
            });
            if let Some((unit, span)) = &take.unit {
                all[index].set_unit(reader, *unit, span.clone());
            }
            if take.lent_by.is_some() {
                all[index].lent_by.clone_from(&take.lent_by);
            }
        }
        of_alternatives.push(takes);
    }

    let mut takes: Vec<Take> = Vec::new();
    let mut numeric = 0;
    for draft in &all {
        let labelled = by.iter().flatten().any(|name| name.text == draft.name);
        let compared = compared_with(&draft.name, conditions);
        let unit = match (&draft.unit, compared) {
            (Some((unit, _)), _) => *unit,
            (None, Some(unit)) => unit,
            (None, None) if labelled => Unit::Text,
            (None, None) => Unit::Duration,
        };
        let used = labelled || compared.is_some() || is_measured(&draft.name, conditions);
        // A number that no condition uses is still shown with the finding; text, or what is a
        // duration only for want of a better guess, is not.
        if !used && (draft.unit.is_none() || unit == Unit::Text) {
            reader.warning(draft.span.clone(), format!("capture `{}` is not used", draft.name)).hint = Some(
                "compare it in `open` or `close`, name it in `window.by`, or give it a `type` that is a number"
                    .to_owned(),
            );
        }
        let index = (unit != Unit::Text).then(|| {
            numeric += 1;
            numeric - 1
        });
        let lent_by = draft.lent_by.as_ref().map(|text| (text.text.clone(), text.span.clone()));
        takes.push(Take { name: draft.name.clone(), unit, numeric: index, lent_by });
    }

    for (draft, own) in drafts.iter_mut().zip(of_alternatives) {
        draft.alternative.takes = all
            .iter()
            .map(|shared| {
                let own = own.iter().filter(|take| take.name == shared.name).flat_map(|take| &take.sources);
                own.chain(&shared.sources).cloned().collect()
            })
            .collect();
    }
    takes
}

/// What a capture must be to be compared as it is.
fn compared_with(name: &str, conditions: [&Condition; 2]) -> Option<Unit> {
    let mut found = None;
    for raw in conditions.iter().filter_map(|condition| condition.raw.as_ref()) {
        raw.for_each(&mut |comparison| {
            if comparison.capture.as_ref().is_some_and(|capture| capture.text == name) {
                let unit = match comparison.literal {
                    Literal::Integer(0) => None,
                    Literal::Integer(_) => Some(Unit::Integer),
                    Literal::Duration(_) => Some(Unit::Duration),
                    Literal::Bytes(_) => Some(Unit::Bytes),
                    Literal::Decimal | Literal::Rate { .. } => None,
                };
                found = found.or(unit);
            }
        });
    }
    found
}

fn is_measured(name: &str, conditions: [&Condition; 2]) -> bool {
    let mut measured = false;
    for raw in conditions.iter().filter_map(|condition| condition.raw.as_ref()) {
        raw.for_each(&mut |comparison| {
            measured |= comparison.capture.as_ref().is_some_and(|capture| capture.text == name);
        });
    }
    measured
}

fn labels(reader: &mut Reader<'_>, by: Option<Vec<Text>>, takes: &[Take]) -> (Vec<Label>, Vec<LabelSource>) {
    let Some(by) = by else { return (vec![Label::Host], vec![LabelSource::Host]) };
    let mut labels: Vec<Label> = Vec::new();
    let mut sources = Vec::new();
    for name in by {
        let place: Range<usize> = name.span.clone();
        let (label, source) = match name.text.as_str() {
            "host" => (Label::Host, LabelSource::Host),
            "component" => (Label::Component, LabelSource::Component),
            "unit" => (Label::Unit, LabelSource::Unit),
            other => match takes.iter().position(|take| take.name == other) {
                Some(index) if matches!(takes[index].unit, Unit::Text | Unit::Integer) => {
                    (Label::Capture(name.text.clone()), LabelSource::Take(index))
                }
                Some(index) => {
                    let what = takes[index].unit.what();
                    reader.error(place, format!("`{other}` is {what} and cannot tell windows apart")).hint =
                        Some("use text or a whole number".to_owned());
                    continue;
                }
                None => {
                    let names = ["host", "component", "unit"]
                        .into_iter()
                        .chain(takes.iter().map(|take| take.name.as_str()));
                    let hint = match crate::diagnostic::nearest(other, names) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "write host, component, unit or the name of a capture".to_owned(),
                    };
                    reader.error(place, format!("unknown label `{other}`")).hint = Some(hint);
                    continue;
                }
            },
        };
        if labels.contains(&label) {
            reader.error(place, format!("label `{}` is there twice", name.text));
            continue;
        }
        labels.push(label);
        sources.push(source);
    }
    (labels, sources)
}
