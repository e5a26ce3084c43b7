//! What the captures and labels of a rule are.

use std::ops::Range;

use super::conditions::Condition;
use super::matching::AlternativeDraft;
use super::reader::{Reader, Text};
use super::take::TakeDraft;
use crate::condition::{LabelSource, Take};
use crate::diagnostic::nearest;
use crate::expr::Literal;
use crate::rule::{Label, Unit};

/// Where captures are used, beside the conditions.
pub(super) struct Uses<'a> {
    /// As labels of a window or an occurrence.
    pub(super) labels: Vec<&'a str>,
    /// As the number of occurrences.
    pub(super) repeats: Option<&'a str>,
    pub(super) conditions: [&'a Condition; 2],
}

/// Merges the captures of the rule and of its ways to match, decides what each is, and tells each
/// way to match where to take them from.
pub(super) fn captures(
    reader: &mut Reader<'_>,
    of_rule: Vec<TakeDraft>,
    drafts: &mut [AlternativeDraft],
    uses: &Uses<'_>,
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
        let labelled = uses.labels.contains(&draft.name.as_str());
        let repeats = uses.repeats == Some(&draft.name);
        let compared = compared_with(&draft.name, uses.conditions).or(repeats.then_some(Unit::Integer));
        let (measured, counted) = is_measured(&draft.name, uses.conditions);
        let unit = match (&draft.unit, compared) {
            (Some((unit, _)), _) => *unit,
            (None, Some(unit)) => unit,
            (None, None) if labelled || (counted && !measured) => Unit::Text,
            (None, None) => Unit::Duration,
        };
        let used = labelled || compared.is_some() || measured || counted;
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
            if comparison.capture() == Some(name) && !comparison.is_distinct() {
                let unit = match comparison.literal {
                    Literal::Integer(0) => None,
                    Literal::Integer(_) => Some(Unit::Integer),
                    Literal::Duration(_) => Some(Unit::Duration),
                    Literal::Bytes(_) => Some(Unit::Bytes),
                    Literal::Decimal { .. } | Literal::Percent { .. } | Literal::Rate { .. } => None,
                };
                found = found.or(unit);
            }
        });
    }
    found
}

/// Whether the numbers of a capture are measured, and whether its texts are counted.
fn is_measured(name: &str, conditions: [&Condition; 2]) -> (bool, bool) {
    let (mut measured, mut counted) = (false, false);
    for raw in conditions.iter().filter_map(|condition| condition.raw.as_ref()) {
        raw.for_each(&mut |comparison| {
            if comparison.capture() == Some(name) {
                *(if comparison.is_distinct() { &mut counted } else { &mut measured }) = true;
            }
        });
    }
    (measured, counted)
}

/// What tells windows or occurrences apart, each name once.
pub(super) fn labels(reader: &mut Reader<'_>, by: &[Text], takes: &[Take]) -> (Vec<Label>, Vec<LabelSource>) {
    let mut labels: Vec<Label> = Vec::new();
    let mut sources = Vec::new();
    for name in by {
        let Some((label, source)) = label(reader, name, takes) else { continue };
        if labels.contains(&label) {
            reader.error(name.span.clone(), format!("label `{}` is there twice", name.text));
            continue;
        }
        labels.push(label);
        sources.push(source);
    }
    (labels, sources)
}

fn label(reader: &mut Reader<'_>, name: &Text, takes: &[Take]) -> Option<(Label, LabelSource)> {
    let place: Range<usize> = name.span.clone();
    match name.text.as_str() {
        "host" => return Some((Label::Host, LabelSource::Host)),
        "component" => return Some((Label::Component, LabelSource::Component)),
        "unit" => return Some((Label::Unit, LabelSource::Unit)),
        _ => {}
    }
    match takes.iter().position(|take| take.name == name.text) {
        Some(index) if matches!(takes[index].unit, Unit::Text | Unit::Integer) => {
            return Some((Label::Capture(name.text.clone()), LabelSource::Take(index)));
        }
        Some(index) => {
            let what = takes[index].unit.what();
            reader.error(place, format!("`{}` is {what} and cannot tell hits apart", name.text)).hint =
                Some("use text or a whole number".to_owned());
        }
        None => {
            let names =
                ["host", "component", "unit"].into_iter().chain(takes.iter().map(|take| take.name.as_str()));
            let hint = match nearest(&name.text, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write host, component, unit or the name of a capture".to_owned(),
            };
            reader.error(place, format!("unknown label `{}`", name.text)).hint = Some(hint);
        }
    }
    None
}
