//! What a rule means, as a number: state that was saved for a rule is of use as long as it is the
//! same.

use toml::de::{DeTable, DeValue};

use super::reader::get;
use crate::hash;
use crate::rule::Rule;

/// The keys that say which lines a rule takes and what it reads out of them.
const KEYS: [&str; 5] = ["id", "match", "take", "repeats", "once"];

/// A hash of what a rule takes from lines.
pub(super) fn of_matching(table: &DeTable<'_>) -> u64 {
    let values = KEYS.iter().filter_map(|key| Some((key, get(table, key)?)));
    values.fold(hash::BASIS, |hash, (key, value)| of_value(text(hash, key), value.get_ref()))
}

fn text(hash: u64, text: &str) -> u64 {
    hash::fnv(hash::fnv(hash, &(text.len() as u64).to_le_bytes()), text.as_bytes())
}

fn of_value(hash: u64, value: &DeValue<'_>) -> u64 {
    match value {
        DeValue::String(string) => text(hash::fnv(hash, b"s"), string),
        DeValue::Integer(integer) => {
            let hash = hash::fnv(hash, &integer.radix().to_le_bytes());
            text(hash::fnv(hash, b"i"), integer.as_str())
        }
        DeValue::Float(float) => text(hash::fnv(hash, b"f"), float.as_str()),
        DeValue::Boolean(boolean) => hash::fnv(hash, if *boolean { b"t" } else { b"n" }),
        DeValue::Datetime(time) => text(hash::fnv(hash, b"d"), &time.to_string()),
        DeValue::Array(list) => {
            let values = list.iter().map(toml::Spanned::get_ref);
            hash::fnv(values.fold(hash::fnv(hash, b"["), of_value), b"]")
        }
        DeValue::Table(table) => {
            let values = table.iter();
            let values = values.fold(hash::fnv(hash, b"{"), |hash, (key, value)| {
                of_value(text(hash, key.get_ref()), value.get_ref())
            });
            hash::fnv(values, b"}")
        }
    }
}

/// Makes fingerprints of what the rules take from lines: adds how they judge it, and what they look
/// at of each other.
pub(super) fn finish(rules: &mut [Rule]) {
    let labels = |hash: u64, rule: &Rule| rule.window.by.iter().fold(hash, |hash, by| text(hash, by.name()));
    let matching: Vec<u64> =
        rules.iter().map(|rule| hash::fnv(labels(rule.fingerprint, rule), b"by")).collect();
    let fingerprint = |(rule, own): (&Rule, &u64)| {
        let mut hash = text(text(*own, &rule.open_text), &rule.close_text);
        hash = hash::fnv(hash, &rule.window.span_nanos.to_le_bytes());
        hash = hash::fnv(hash, &rule.hold_nanos.unwrap_or(0).to_le_bytes());
        for companion in &rule.companions {
            let other = matching.get(companion.rule).copied().unwrap_or(0);
            hash = hash::fnv(text(hash, &companion.rule_id), &other.to_le_bytes());
        }
        for borrow in &rule.borrows {
            let lender = rules.iter().position(|rule| rule.id == borrow.rule_id);
            let other = lender.and_then(|lender| matching.get(lender)).copied().unwrap_or(0);
            hash = hash::fnv(text(hash, &borrow.rule_id), &other.to_le_bytes());
        }
        hash
    };
    let fingerprints: Vec<u64> = rules.iter().zip(&matching).map(fingerprint).collect();
    rules.iter_mut().zip(fingerprints).for_each(|(rule, fingerprint)| rule.fingerprint = fingerprint);
}

#[cfg(test)]
mod tests {
    use crate::RuleSet;

    const FILE: &str = r#"
[[rule]]
id = "a"
title = "one"
match = { contains = "boom", component = "app" }
take = { took = 'took (\S+)' }
open = "max(took) > 4s and since(b) > 1m"

[[rule]]
id = "b"
match = "bang"

[[rule]]
id = "c"
match = "crash"
window = { by = ["host", "unit"], span = "2m" }
"#;

    fn fingerprints(file: &str) -> [u64; 3] {
        let set = RuleSet::load([("test.toml", file)]).unwrap().set;
        ["a", "b", "c"].map(|id| set.get(id).unwrap().fingerprint)
    }

    #[test]
    fn only_what_changes_the_meaning_of_a_rule_changes_its_fingerprint() {
        let [a, b, c] = fingerprints(FILE);
        let changed = |from: &str, to: &str| {
            assert!(FILE.contains(from), "{from}");
            let after = fingerprints(&FILE.replace(from, to));
            [after[0] != a, after[1] != b, after[2] != c]
        };
        assert_eq!(
            changed("title = \"one\"", "title = \"two\"\nremedy = \"restart\"\nseverity = \"error\""),
            [false; 3]
        );
        assert_eq!(changed("[[rule]]\nid = \"b\"", "# again\n\n[[rule]]\nid = \"b\""), [false; 3]);
        assert_eq!(changed("boom", "boo"), [true, false, false]);
        assert_eq!(changed("took (", "taken ("), [true, false, false]);
        assert_eq!(changed("4s", "5s"), [true, false, false]);
        // What a rule looks at is part of its meaning.
        assert_eq!(changed("bang", "bing"), [true, true, false]);
        assert_eq!(changed("\"2m\"", "\"3m\""), [false, false, true]);
        assert_eq!(changed("\"unit\"]", "\"component\"]"), [false, false, true]);
        assert_eq!(changed("\"crash\"", "\"crash\"\nfor = \"1m\""), [false, false, true]);
        assert_eq!(changed("\"crash\"", "\"crash\"\nonce = { within = \"4s\" }"), [false, false, true]);
        assert_eq!(
            changed("[[rule]]\nid = \"c\"", "[tune.a]\nspan = \"9m\"\n[[rule]]\nid = \"c\""),
            [true, false, false]
        );
        assert_eq!(
            changed("[[rule]]\nid = \"c\"", "[tune.b]\nseverity = \"error\"\n[[rule]]\nid = \"c\""),
            [false; 3]
        );
    }
}
