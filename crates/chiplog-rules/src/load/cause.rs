//! `[[cause]]`: which finding leads to which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use toml::de::{DeTable, DeValue};

use super::reader::{Reader, Text, Value, get};
use crate::cause::{Basis, Cause, Lag, Scope};
use crate::diagnostic::nearest;
use crate::units::parse_duration;

const KEYS: [&str; 8] = ["from", "to", "lag", "typical", "scope", "basis", "because", "feedback"];

/// A cause before its rules are known.
pub(super) struct CauseDraft {
    from: Text,
    to: Text,
    lag: Option<Lag>,
    scope: Scope,
    basis: Option<Basis>,
    because: Option<String>,
    is_feedback: bool,
    file: usize,
}

/// Every cause of a file; those that are wrong are left out, and reported.
pub(super) fn causes<'f>(reader: &mut Reader<'f>, value: &Value<'f>, file: usize) -> Vec<CauseDraft> {
    let DeValue::Array(list) = value.get_ref() else {
        reader.error(value.span(), "causes are a list of tables").hint = Some("write `[[cause]]`".to_owned());
        return Vec::new();
    };
    let mut drafts = Vec::new();
    for value in list {
        if let Some(table) = reader.table(value, "each `cause`") {
            drafts.extend(cause(reader, table, value.span().start, file));
        }
    }
    drafts
}

fn cause<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>, start: usize, file: usize) -> Option<CauseDraft> {
    reader.only(table, "cause", &KEYS);
    let from = end(reader, table, start, "from");
    let to = end(reader, table, start, "to");
    if let (Some(from), Some(to)) = (&from, &to)
        && from.text == to.text
    {
        reader.error(to.span.clone(), format!("`{}` cannot be its own cause", to.text));
        return None;
    }
    let lag = lag(reader, table);
    let scope = match get(table, "scope").and_then(|value| reader.string(value, "`scope`")) {
        None => Scope::Host,
        Some(text) if text.text == "host" => Scope::Host,
        Some(text) if text.text == "cluster" => Scope::Cluster,
        Some(text) if text.text.is_empty() => {
            reader.error(text.span, "`scope` is empty").hint =
                Some("write host, cluster or the name of a label".to_owned());
            Scope::Host
        }
        Some(text) => Scope::Label(text.text),
    };
    let basis = get(table, "basis").and_then(|value| {
        let text = reader.string(value, "`basis`")?;
        if get(table, "lag").is_none() {
            reader.error(value.span(), "`basis` says what the lag rests on, and there is no `lag`");
            return None;
        }
        reader.one_of(&text, "basis", &Basis::ALL.map(|basis| (basis.name(), basis)))
    });
    let because = get(table, "because").and_then(|value| reader.string(value, "`because`"));
    let feedback = get(table, "feedback").and_then(|value| reader.boolean(value, "`feedback`"));
    Some(CauseDraft {
        from: from?,
        to: to?,
        lag,
        scope,
        basis,
        because: because.map(|text| text.text),
        is_feedback: feedback.unwrap_or(false),
        file,
    })
}

fn end<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>, start: usize, key: &str) -> Option<Text> {
    match get(table, key) {
        Some(value) => reader.string(value, &format!("`{key}`")),
        None => {
            reader.error(start..start, format!("the cause has no `{key}`")).hint =
                Some(format!("name a rule: `{key} = \"component-problem\"`"));
            None
        }
    }
}

fn lag<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>) -> Option<Lag> {
    let typical = get(table, "typical").and_then(|value| {
        let text = reader.string(value, "`typical`")?;
        let nanos = nanos(reader, &text, &text.text, "`typical`")?;
        Some((nanos, text.span))
    });
    let Some(value) = get(table, "lag") else {
        if let Some((_, span)) = typical {
            reader.error(span, "`typical` is a time within the lag, and there is no `lag`").hint =
                Some("write `lag = \"0s to 10s\"`".to_owned());
        }
        return None;
    };
    let text = reader.string(value, "`lag`")?;
    let Some((least, greatest)) = text.text.split_once(" to ") else {
        reader.error(text.span, "`lag` is not a range of durations").hint =
            Some("write the least and the greatest: `0s to 10s`".to_owned());
        return None;
    };
    let least = nanos(reader, &text, least, "the least lag");
    let greatest = nanos(reader, &text, greatest, "the greatest lag");
    let (min_nanos, max_nanos) = (least?, greatest?);
    if min_nanos > max_nanos {
        reader.error(text.span, "the least lag is greater than the greatest");
        return None;
    }
    if let Some((typical, span)) = &typical
        && !(min_nanos..=max_nanos).contains(typical)
    {
        reader.error(span.clone(), format!("the typical lag is not within `{}`", text.text));
        return None;
    }
    Some(Lag { min_nanos, typical_nanos: typical.map(|(nanos, _)| nanos), max_nanos })
}

/// A duration, perhaps below zero, that is a part of a string or all of it.
fn nanos(reader: &mut Reader<'_>, text: &Text, part: &str, what: &str) -> Option<i64> {
    let trimmed = part.trim();
    let nanos = match trimmed.strip_prefix('-') {
        Some(rest) => parse_duration(rest.as_bytes()).and_then(i64::checked_neg),
        None => parse_duration(trimmed.as_bytes()),
    };
    if nanos.is_none() {
        let at = text.text.find(part).unwrap_or(0);
        let place = reader.inside(text, at..at + part.len());
        reader.error(place, format!("{what} is not a duration")).hint =
            Some("write `30s`, `5m`, `1h30m`, `2d` or `-20s`".to_owned());
    }
    nanos
}

/// Reports causes whose rules are in no file, and loops. `readers` are those of the files, `ids`
/// the rules of all files, also those that are switched off.
pub(super) fn check(drafts: &[CauseDraft], ids: &[&str], readers: &mut [Reader<'_>]) {
    let mut first: BTreeMap<(&str, &str), &CauseDraft> = BTreeMap::new();
    let mut effects: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for draft in drafts {
        let (from, to) = (draft.from.text.as_str(), draft.to.text.as_str());
        for end in [&draft.from, &draft.to] {
            if !ids.contains(&end.text.as_str()) {
                let near = nearest(&end.text, ids.iter().copied());
                readers[draft.file].error(end.span.clone(), format!("no rule `{}`", end.text)).hint =
                    near.map(|near| format!("did you mean `{near}`?"));
            }
        }
        if let Some(earlier) = first.get(&(from, to)) {
            let reader = &readers[earlier.file];
            let place =
                format!("the first is at {}:{}", reader.file, reader.line_of(earlier.from.span.start));
            let message = format!("there is already a cause from `{from}` to `{to}`");
            readers[draft.file].error(draft.from.span.clone(), message).hint = Some(place);
            continue;
        }
        first.insert((from, to), draft);
        if draft.is_feedback {
            continue;
        }
        if let Some(path) = path(&effects, to, from) {
            let message = format!("the causes go round in a loop: {from} -> {}", path.join(" -> "));
            readers[draft.file].error(draft.to.span.clone(), message).hint =
                Some("mark the weakest of them with `feedback = true`".to_owned());
            continue;
        }
        effects.entry(from).or_default().push(to);
    }
}

/// A shortest way from a rule to another, both included.
fn path<'d>(effects: &BTreeMap<&'d str, Vec<&'d str>>, from: &'d str, to: &'d str) -> Option<Vec<&'d str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(id) = queue.pop_front() {
        if id == to {
            let mut path = vec![id];
            while let Some(before) = path.last().filter(|id| **id != from).and_then(|id| came_from.get(id)) {
                path.push(before);
            }
            path.reverse();
            return Some(path);
        }
        for effect in effects.get(id).into_iter().flatten() {
            if *effect != from && !came_from.contains_key(effect) {
                came_from.insert(effect, id);
                queue.push_back(effect);
            }
        }
    }
    None
}

/// The rules that others lead to. What a rule makes worse is no cause of it.
pub(super) fn effects(drafts: &[CauseDraft]) -> BTreeSet<String> {
    drafts.iter().filter(|draft| !draft.is_feedback).map(|draft| draft.to.text.clone()).collect()
}

/// The causes of checked drafts, given the index of every rule in the set. Those of rules that are
/// switched off are left out.
pub(super) fn assemble(drafts: Vec<CauseDraft>, index_of: &BTreeMap<String, usize>) -> Vec<Cause> {
    let cause = |draft: CauseDraft| {
        Some(Cause {
            from: *index_of.get(&draft.from.text)?,
            to: *index_of.get(&draft.to.text)?,
            lag: draft.lag,
            scope: draft.scope,
            basis: draft.basis,
            because: draft.because,
            is_feedback: draft.is_feedback,
        })
    };
    drafts.into_iter().filter_map(cause).collect()
}

#[cfg(test)]
mod tests {
    use crate::{Basis, RuleErrors, RuleSet, Scope};

    const RULES: &str = r#"
[[rule]]
id = "disk-slow"
match = "disk is slow"
[[rule]]
id = "apply-slow"
match = "apply is slow"
[[rule]]
id = "pod-dead"
match = "pod is dead"
"#;

    fn load(causes: &str) -> Result<RuleSet, RuleErrors> {
        RuleSet::load([("rules.toml", RULES), ("causes.toml", causes)]).map(|loaded| loaded.set)
    }

    fn errors(causes: &str) -> String {
        load(causes).expect_err("it is wrong").to_string()
    }

    #[test]
    fn a_cause_has_a_lag_a_scope_and_a_reason() {
        let set = load(
            r#"
[[cause]]
from = "disk-slow"
to = "apply-slow"
lag = "-20s to 1h30m"
typical = "2s"
basis = "observed"
because = "writes wait"
[[cause]]
from = "apply-slow"
to = "pod-dead"
scope = "pod"
[[cause]]
from = "pod-dead"
to = "disk-slow"
scope = "cluster"
feedback = true
"#,
        )
        .unwrap_or_else(|errors| panic!("{errors}"));
        let [first, second, third] = set.causes() else { panic!("{:?}", set.causes()) };
        assert_eq!(set.rules()[first.from].id, "disk-slow");
        assert_eq!(set.rules()[first.to].id, "apply-slow");
        let lag = first.lag.expect("it has one");
        assert_eq!(
            (lag.min_nanos, lag.typical_nanos, lag.max_nanos),
            (-20_000_000_000, Some(2_000_000_000), 5_400_000_000_000)
        );
        assert_eq!((first.basis, first.because.as_deref()), (Some(Basis::Observed), Some("writes wait")));
        assert_eq!(second.scope, Scope::Label("pod".to_owned()));
        assert_eq!((second.lag, second.is_feedback), (None, false));
        assert_eq!((&third.scope, third.is_feedback), (&Scope::Cluster, true));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let told = errors(
            r#"
[[cause]]
from = "disk-slwo"
to = "apply-slow"
[[cause]]
from = "disk-slow"
to = "apply-slow"
lag = "10s to 2s"
[[cause]]
from = "disk-slow"
to = "pod-dead"
lag = "0s to 1m"
typical = "2m"
[[cause]]
from = "apply-slow"
to = "pod-dead"
lag = "0s to soon"
[[cause]]
from = "apply-slow"
to = "pod-dead"
basis = "constant"
lagg = "1s"
[[cause]]
from = "apply-slow"
to = "apply-slow"
[[cause]]
to = "apply-slow"
lag = "soon"
"#,
        );
        let expected = [
            "causes.toml:3: no rule `disk-slwo`",
            "did you mean `disk-slow`?",
            "causes.toml:8: the least lag is greater than the greatest",
            "causes.toml:13: the typical lag is not within `0s to 1m`",
            "causes.toml:17: the greatest lag is not a duration",
            "causes.toml:19: there is already a cause from `apply-slow` to `pod-dead`",
            "the first is at causes.toml:15",
            "causes.toml:21: `basis` says what the lag rests on, and there is no `lag`",
            "causes.toml:22: unknown key `lagg` in cause",
            "did you mean `lag`?",
            "causes.toml:25: `apply-slow` cannot be its own cause",
            "causes.toml:26: the cause has no `from`",
            "causes.toml:28: `lag` is not a range of durations",
        ];
        let mut rest = told.as_str();
        for text in expected {
            let at = rest.find(text).unwrap_or_else(|| panic!("{text} is not in:\n{told}"));
            rest = &rest[at..];
        }
    }

    #[test]
    fn a_loop_is_named_unless_it_is_marked() {
        let round = |mark: &str| {
            format!(
                r#"
[[cause]]
from = "disk-slow"
to = "apply-slow"
[[cause]]
from = "apply-slow"
to = "pod-dead"
[[cause]]
from = "pod-dead"
to = "disk-slow"
{mark}
"#
            )
        };
        let told = errors(&round(""));
        assert!(told.contains("in a loop: pod-dead -> disk-slow -> apply-slow -> pod-dead"), "{told}");
        assert!(load(&round("feedback = true")).is_ok());
    }

    #[test]
    fn built_in_causes_say_why_and_name_labels_that_are_there() {
        let set = RuleSet::builtin();
        assert!(set.causes().len() > 280);
        for cause in set.causes() {
            let (from, to) = (&set.rules()[cause.from], &set.rules()[cause.to]);
            let name = format!("{} to {}", from.id, to.id);
            assert!(cause.because.is_some(), "{name}");
            // A lag that was not measured has no usual time either, and one that was says by whom.
            assert_eq!(cause.lag.is_some(), cause.basis.is_some(), "{name}");
            if let Scope::Label(label) = &cause.scope {
                let has = |rule: &crate::Rule| rule.window.by.iter().any(|by| by.name() == label);
                assert!(has(from) && has(to), "{name}: {label}");
            }
        }
    }
}
