//! `[[test]]`: tests that a rule file holds.

use toml::de::DeTable;

use super::reader::{Reader, Value, get};
use crate::case::{At, Case, Expected, State};

/// Every test of a rule; those that are wrong are left out, and reported.
pub(super) fn tests<'f>(reader: &mut Reader<'f>, value: &Value<'f>) -> Vec<Case> {
    let tables = reader.tables(value, "`test`");
    tables.into_iter().filter_map(|(table, span)| test(reader, table, span.start)).collect()
}

fn test<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>, at: usize) -> Option<Case> {
    reader.only(
        table,
        "test",
        &["name", "lines", "tz", "year", "expect", "matches", "wrap", "first", "hits"],
    );
    // The span of a `[[test]]` table starts at its header.
    let place = at..at;
    let name = match get(table, "name") {
        Some(value) => reader.string(value, "`name`")?.text,
        None => {
            reader.error(place, "a test needs a `name`: what it shows");
            return None;
        }
    };
    let lines = match get(table, "lines") {
        Some(value) => {
            let texts = reader.strings(value, "`lines`")?;
            texts.into_iter().map(|text| text.text).collect::<Vec<_>>().join("\n")
        }
        None => {
            reader.error(place, format!("test {name:?} has no `lines`"));
            return None;
        }
    };
    let tz = get(table, "tz").and_then(|value| reader.string(value, "`tz`")).map(|text| text.text);
    let year = get(table, "year").and_then(|value| reader.integer(value, "`year`", 1970..2262));
    let matches = get(table, "matches").and_then(|value| reader.boolean(value, "`matches`"));
    let hits = get(table, "hits").and_then(|value| reader.integer(value, "`hits`", 0..1_000_001));
    let expect = get(table, "expect").map(|value| {
        let tables = reader.tables(value, "`expect`");
        tables.into_iter().filter_map(|(table, span)| expected(reader, table, span.start)).collect()
    });
    if ["matches", "hits", "expect"].iter().all(|key| get(table, key).is_none()) {
        reader.error(place, format!("test {name:?} expects nothing")).hint =
            Some("add `expect` (empty: nothing opens), `matches` or `hits`".to_owned());
        return None;
    }
    Some(Case {
        name,
        lines,
        tz,
        year: year.and_then(|year| i16::try_from(year).ok()),
        expect,
        matches,
        wrap: get(table, "wrap").and_then(|value| reader.boolean(value, "`wrap`")).unwrap_or(true),
        first: get(table, "first").and_then(|value| reader.boolean(value, "`first`")).unwrap_or(true),
        hits: hits.and_then(|hits| u64::try_from(hits).ok()),
        line: reader.line_of(at),
    })
}

fn expected<'f>(reader: &mut Reader<'f>, table: &DeTable<'f>, start: usize) -> Option<Expected> {
    reader.only(table, "expect", &["at", "state", "rule"]);
    let at_text = match get(table, "at") {
        Some(value) => match value.get_ref() {
            // TOML has times of its own, and they read the same.
            toml::de::DeValue::Datetime(at) => {
                super::reader::Text { text: at.to_string(), span: value.span() }
            }
            _ => reader.string(value, "`at`")?,
        },
        None => {
            reader.error(start..start, "an expected state needs a time: `at`");
            return None;
        }
    };
    let at = At::parse(&at_text.text);
    if at.is_none() {
        reader.error(at_text.span.clone(), format!("`{}` is not a time", at_text.text)).hint =
            Some("write `HH:MM:SS`, `MM-DDTHH:MM:SS` or RFC 3339 with a zone".to_owned());
    }
    let state = match get(table, "state") {
        Some(value) => {
            let text = reader.string(value, "`state`")?;
            let known = State::ALL.map(|state| (state.name(), state));
            reader.one_of(&text, "state", &known)
        }
        None => {
            reader.error(start..start, "an expected state needs a `state`: open, worse or close");
            None
        }
    };
    let rule = get(table, "rule").and_then(|value| reader.string(value, "`rule`")).map(|text| text.text);
    Some(Expected { at: at?, at_text: at_text.text, state: state?, rule })
}
