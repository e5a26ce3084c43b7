//! What stays of a message when its variable parts are taken out.

/// A part of a template that varies from line to line.
pub(crate) const WILDCARD: &[u8] = b"<*>";

/// Of longer messages the beginning is enough to tell them apart.
const MAX_MESSAGE_BYTES: usize = 512;

/// Appends the template of a text: words that hold a digit become [`WILDCARD`], neighbouring
/// wildcards become one, and everything after the first line is left out. What stays depends on the text alone,
/// so that templates can be counted apart and added up.
pub(crate) fn mask_into(text: &[u8], out: &mut Vec<u8>) {
    let text = text.get(..MAX_MESSAGE_BYTES).unwrap_or(text);
    let text = memchr::memchr(b'\n', text).map_or(text, |end| text.get(..end).unwrap_or(text));
    let start = out.len();
    let mut position = 0;
    while let Some(byte) = text.get(position) {
        if !is_word(*byte) {
            out.push(*byte);
            position += 1;
            continue;
        }
        let end =
            text[position..].iter().position(|byte| !is_word(*byte)).map_or(text.len(), |at| position + at);
        let word = &text[position..end];
        position = end;
        if !word.iter().any(u8::is_ascii_digit) {
            out.extend_from_slice(word);
        } else if !follows_wildcard(out.get(start..).unwrap_or(&[])) {
            out.extend_from_slice(WILDCARD);
        } else {
            // Two of them, parted by punctuation at most, are one: an address with its port.
            let keep = out.len() - out.iter().rev().take_while(|byte| **byte != b'>').count();
            out.truncate(keep);
        }
    }
    let end = out.len() - out.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
    out.truncate(end.max(start));
}

/// What a variable part is made of: no blank, no quote or bracket, no `=`, `,` or `;`.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"-_./@%+:~#$&*!?^".contains(&byte)
}

/// Whether a text ends with a wildcard and perhaps punctuation, but no blank.
fn follows_wildcard(text: &[u8]) -> bool {
    let end = text.len() - text.iter().rev().take_while(|byte| b",;\"')]}".contains(byte)).count();
    text.get(..end).unwrap_or(&[]).ends_with(WILDCARD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(text: &str) -> String {
        let mut out = Vec::new();
        mask_into(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_varies_is_taken_out() {
        for (text, template) in [
            ("", ""),
            ("nothing varies", "nothing varies"),
            (
                "dial tcp 10.0.0.1:2379: connect: connection refused",
                "dial tcp <*> connect: connection refused",
            ),
            ("pod \"web-7f\" of node w-07 failed 3 times", "pod \"<*>\" of node <*> failed <*> times"),
            ("ids [1, 2, 3]", "ids [<*>, <*>, <*>]"),
            ("a=1,b=2 c", "a=<*>,b=<*> c"),
            ("first line 1\nsecond", "first line <*>"),
            ("ends 12 \t", "ends <*>"),
        ] {
            assert_eq!(mask(text), template, "{text}");
        }
    }

    #[test]
    fn any_bytes_give_a_template_that_is_its_own() {
        proptest::proptest!(|(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600))| {
            let mut once = b"before 1".to_vec();
            mask_into(&text, &mut once);
            proptest::prop_assert!(once.starts_with(b"before 1"));
            let mut twice = b"before 1".to_vec();
            mask_into(&once[8..], &mut twice);
            proptest::prop_assert!(once.len() <= 8 + 4 * MAX_MESSAGE_BYTES);
            proptest::prop_assert!(twice.len() <= once.len());
        });
    }
}
