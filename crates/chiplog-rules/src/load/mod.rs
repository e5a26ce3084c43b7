//! Text of rule files to a checked, compiled set.

mod captures;
mod cause;
mod conditions;
mod fingerprint;
mod matching;
mod reader;
mod rule;
mod take;
mod test;
mod tune;

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Level, RuleErrors, nearest};
use crate::hash;
use crate::pattern::Pattern;
use crate::prefilter::{Prefilter, plan};
use crate::rule::{Label, Rule};
use crate::set::{Compiled, Loaded, RuleSet};
use cause::CauseDraft;
use reader::{Reader, get};
use rule::{RuleDraft, rule};
use tune::Tune;

/// What all files hold.
#[derive(Default)]
struct Drafts {
    rules: Vec<RuleDraft>,
    tunes: Vec<Tune>,
    causes: Vec<CauseDraft>,
    patterns: Vec<Pattern>,
}

pub(crate) fn load<N: AsRef<str>, T: AsRef<str>>(
    files: impl IntoIterator<Item = (N, T)>,
) -> Result<Loaded, RuleErrors> {
    let files: Vec<(N, T)> = files.into_iter().collect();
    let mut readers: Vec<Reader<'_>> =
        files.iter().map(|(name, text)| Reader::new(name.as_ref(), text.as_ref())).collect();
    let mut drafts = Drafts::default();
    for (index, reader) in readers.iter_mut().enumerate() {
        if let Some(document) = document(reader) {
            drafts.read(reader, document.get_ref(), index);
        }
    }

    check_ids(&drafts.rules, &mut readers);
    tune::apply(std::mem::take(&mut drafts.tunes), &mut drafts.rules, &mut readers);
    check_loans(&drafts.rules, &mut readers);
    let rules: BTreeMap<String, bool> = drafts
        .rules
        .iter()
        .filter(|draft| !draft.id.text.is_empty())
        .map(|draft| (draft.id.text.clone(), draft.is_enabled))
        .collect();
    conditions::resolve(&mut drafts.rules, &rules, &mut readers);
    let ids: Vec<&str> = rules.keys().map(String::as_str).collect();
    cause::check(&drafts.causes, &ids, &mut readers);

    let hash = hash_of(readers.iter().map(|reader| reader.text));
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for mut reader in readers {
        reader.diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
        diagnostics.append(&mut reader.diagnostics);
    }
    if diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error) {
        return Err(RuleErrors(diagnostics));
    }
    Ok(Loaded { set: assemble(drafts, hash), warnings: diagnostics })
}

/// Two rules of one id cannot be told apart.
fn check_ids(drafts: &[RuleDraft], readers: &mut [Reader<'_>]) {
    let mut first: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for draft in drafts.iter().filter(|draft| !draft.id.text.is_empty()) {
        if let Some((file, line)) = first.get(draft.id.text.as_str()) {
            let place = format!("the first is at {}:{line}", readers[*file].file);
            let message = format!("there is already a rule `{}`", draft.id.text);
            readers[draft.file].error(draft.id.span.clone(), message).hint = Some(place);
        } else {
            first.insert(&draft.id.text, (draft.file, draft.rule.line));
        }
    }
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
                    let ids = drafts.iter().map(|draft| draft.id.text.as_str());
                    let near = nearest(lender, ids.filter(|id| !id.is_empty()));
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

fn assemble(drafts: Drafts, hash: u64) -> RuleSet {
    let Drafts { rules: mut drafts, causes, patterns, .. } = drafts;
    drafts.retain(|draft| draft.is_enabled);
    drafts
        .sort_by(|a, b| b.rule.specificity.cmp(&a.rule.specificity).then_with(|| a.rule.id.cmp(&b.rule.id)));
    let mut rules: Vec<Rule> = Vec::new();
    let mut compiled = Vec::new();
    let mut alternatives = Vec::new();
    let mut literals = Vec::new();
    let mut because = Vec::new();
    let effects = cause::effects(&causes);
    for (index, mut draft) in drafts.into_iter().enumerate() {
        draft.finish(effects.contains(&draft.id.text));
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
    let index_of: BTreeMap<String, usize> =
        rules.iter().enumerate().map(|(index, rule)| (rule.id.clone(), index)).collect();
    connect(&mut rules, &index_of);
    fingerprint::finish(&mut rules);
    let (gate, searcher) = plan(&literals);
    let prefilter = match searcher {
        Some(searcher) => Prefilter::Sparse(searcher),
        None => Prefilter::EveryLine { because },
    };
    let compiled = Compiled { rules: compiled, alternatives, patterns: patterns.into(), gate };
    RuleSet::new(rules, compiled, prefilter, cause::assemble(causes, &index_of), hash)
}

/// Tells rules where the others are that they refer to.
fn connect(rules: &mut [Rule], index_of: &BTreeMap<String, usize>) {
    let labels: Vec<Vec<Label>> = rules.iter().map(|rule| rule.window.by.clone()).collect();
    for (rule, own) in rules.iter_mut().zip(&labels) {
        // A rule that is switched off lends nothing.
        rule.borrows.retain(|borrow| index_of.contains_key(&borrow.rule_id));
        for companion in &mut rule.companions {
            let Some(index) = index_of.get(&companion.rule_id) else { continue };
            companion.rule = *index;
            companion.shared_labels = own
                .iter()
                .enumerate()
                .filter(|(_, label)| **label != Label::Host)
                .filter_map(|(at, label)| Some((at, labels[*index].iter().position(|other| other == label)?)))
                .collect();
        }
    }
}

/// A hash over the hashes of the texts in rising order, so that neither the order of the files nor
/// their names matter.
fn hash_of<'t>(texts: impl Iterator<Item = &'t str>) -> u64 {
    let mut hashes: Vec<u64> = texts.map(|text| hash::fnv(hash::BASIS, text.as_bytes())).collect();
    hashes.sort_unstable();
    hashes.iter().fold(hash::BASIS, |hash, one| hash::fnv(hash, &one.to_le_bytes()))
}

/// The tables of a file, if it is TOML.
fn document<'f>(reader: &mut Reader<'f>) -> Option<Spanned<DeTable<'f>>> {
    let (document, errors) = DeTable::parse_recoverable(reader.text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        reader.error(span, error.message().lines().collect::<Vec<_>>().join("; "));
    }
    // What a broken document seems to say is not worth a complaint.
    errors.is_empty().then_some(document)
}

impl Drafts {
    /// Reads a file: one rule at its top level, or several as `[[rule]]`, or none.
    fn read<'f>(&mut self, reader: &mut Reader<'f>, root: &DeTable<'f>, file: usize) {
        // As text, `cause` belongs to a rule.
        let causes = get(root, "cause").filter(|value| !value.get_ref().is_str());
        let tune = get(root, "tune");
        if let Some(value) = causes {
            self.causes.extend(cause::causes(reader, value, file));
        }
        if let Some(value) = tune {
            self.tunes.extend(tune::tunes(reader, value, file));
        }
        let Some(value) = get(root, "rule") else {
            let has_rule = ["id", "match"].iter().any(|key| get(root, key).is_some());
            if has_rule || (causes.is_none() && tune.is_none() && !root.is_empty()) {
                self.rules.push(rule(reader, root, 0, file, &mut self.patterns));
            } else {
                reader.only(root, "a file without rules", &["rule", "tune", "cause"]);
            }
            return;
        };
        let DeValue::Array(list) = value.get_ref() else {
            reader.error(value.span(), "rules are a list of tables").hint =
                Some("write `[[rule]]`".to_owned());
            return;
        };
        reader.only(root, "a file with several rules", &["rule", "tune", "cause"]);
        for value in list {
            if let Some(table) = reader.table(value, "each `rule`") {
                self.rules.push(rule(reader, table, value.span().start, file, &mut self.patterns));
            }
        }
    }
}
