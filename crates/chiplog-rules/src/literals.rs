//! Which bytes a line must hold so that a rule can match it.
//!
//! A rule looks at decoded text, the prefilter at raw lines, in which that text may be escaped any
//! number of times: Go quotes inside JSON inside JSON. So a required text is cut at every byte that
//! some envelope writes differently, and a *piece* is what is left: it stands in the raw line as it
//! stands in the text, however deep it is nested.

use std::cmp::Reverse;
use std::sync::LazyLock;

use memchr::memmem;
use regex_syntax::hir::literal::{Extractor, Literal};
use regex_syntax::hir::{Hir, HirKind};

use crate::prefilter::{placement, windows};

/// Shorter pieces occur everywhere.
const MIN_LEN: usize = 4;

/// One of these must occur in the line. Not empty; each at least [`MIN_LEN`] long.
pub(crate) type AnyOf = Vec<Vec<u8>>;

/// Lines of a healthy cluster with invented names, by which literals are judged: one that occurs
/// here is common.
pub(crate) const SAMPLE: &[u8] = include_bytes!("literals/sample.log");

/// How many literals a set may have before it is worth less than no set.
const MAX_SET: usize = 16;

/// Whether no envelope writes the byte differently.
///
/// `"` and `\` are escaped by JSON and Go; `<` `>` `&` by Go's JSON encoder; control bytes by both,
/// by syslog (`#011`), and TAB becomes blanks in journalctl's text; bytes that are not ASCII by Go
/// (`\u00b5`), by protobuf text (octal) and by /dev/kmsg (`\xNN`).
fn survives(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&')
}

/// The pieces of a text that survive every envelope, each as a set of its own.
pub(crate) fn of_text(text: &[u8]) -> Vec<AnyOf> {
    pieces(text).map(|piece| vec![piece.to_vec()]).collect()
}

/// As [`of_text`], for text that is looked for in the raw line itself.
pub(crate) fn of_raw_line(text: &[u8]) -> Vec<AnyOf> {
    text.split(|byte| *byte == b'\n')
        .filter(|piece| piece.len() >= MIN_LEN)
        .map(|piece| vec![piece.to_vec()])
        .collect()
}

/// The one set that holds when at least one of the texts occurs.
pub(crate) fn of_any_text<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Vec<AnyOf> {
    let best = |text: &'a [u8]| pieces(text).max_by_key(|piece| score(piece)).map(<[u8]>::to_vec);
    let set: Option<AnyOf> = texts.into_iter().map(best).collect();
    set.filter(|set| !set.is_empty() && set.len() <= MAX_SET).into_iter().collect()
}

fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| !survives(*byte)).filter(|piece| piece.len() >= MIN_LEN)
}

/// Sets that hold for every match of a regular expression.
///
/// Beside the literals that begin a match these are those that begin the rest of a match at each
/// part of a concatenation: they must occur as well.
pub(crate) fn of_regex(hir: &Hir, raw_line: bool) -> Vec<AnyOf> {
    let mut sets = Vec::new();
    required(hir, raw_line, 0, &mut sets);
    sets
}

fn required(hir: &Hir, raw_line: bool, depth: usize, sets: &mut Vec<AnyOf>) {
    if depth > 32 {
        return;
    }
    sets.extend(prefixes(hir, raw_line));
    match hir.kind() {
        HirKind::Capture(capture) => required(&capture.sub, raw_line, depth + 1, sets),
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            required(&repetition.sub, raw_line, depth + 1, sets);
        }
        HirKind::Concat(parts) => {
            // The tails of a long concatenation cost quadratic time to build.
            for (index, part) in parts.iter().enumerate().take(64) {
                if index > 0 {
                    let end = parts.len().min(index + 8);
                    sets.extend(prefixes(&Hir::concat(parts[index..end].to_vec()), raw_line));
                }
                required(part, raw_line, depth + 1, sets);
            }
        }
        HirKind::Alternation(parts) => {
            let mut union = AnyOf::new();
            for part in parts {
                let mut of_part = Vec::new();
                required(part, raw_line, depth + 1, &mut of_part);
                match of_part.into_iter().max_by_key(rank) {
                    Some(best) => union.extend(best),
                    None => return,
                }
            }
            union.sort();
            union.dedup();
            if union.len() <= MAX_SET {
                sets.push(union);
            }
        }
        _ => {}
    }
}

/// The sets that hold for whatever begins a match.
fn prefixes(hir: &Hir, raw_line: bool) -> Vec<AnyOf> {
    let mut extractor = Extractor::new();
    extractor.limit_class(16).limit_repeat(4).limit_literal_len(64).limit_total(MAX_SET);
    let seq = extractor.extract(hir);
    let Some(literals) = seq.literals() else { return Vec::new() };
    if raw_line {
        return match literals {
            [one] => of_raw_line(one.as_bytes()),
            _ if literals
                .iter()
                .all(|literal| literal.len() >= MIN_LEN && !literal.as_bytes().contains(&b'\n')) =>
            {
                vec![literals.iter().map(|literal| literal.as_bytes().to_vec()).collect()]
            }
            _ => Vec::new(),
        };
    }
    match literals {
        [] => Vec::new(),
        [one] => of_text(one.as_bytes()),
        several => of_any_text(several.iter().map(Literal::as_bytes)),
    }
}

/// How rare a byte is in the logs of a platform, in bits of surprise: measured over kubelet, etcd,
/// docker and kernel logs, rounded.
fn rarity(byte: u8) -> u32 {
    match byte {
        b'e' | b' ' | b'0'..=b'9' => 4,
        b'a' | b'c' | b'd' | b'i' | b'n' | b'o' | b'r' | b's' | b't' => 5,
        b'l' | b'b' | b'f' | b'p' | b'u' | b'm' | b'-' | b':' | b'/' | b'.' => 6,
        b'g' | b'h' | b'v' | b'y' | b'k' | b'w' | b'=' | b',' | b'_' => 7,
        b'x' | b'S' | b'E' | b'P' | b'L' | b'(' | b')' | b'[' | b']' => 8,
        b'j' | b'q' | b'z' => 9,
        _ => 8,
    }
}

/// How good a piece is: the bits of surprise in its rarest bytes, and a little for its length.
fn score(piece: &[u8]) -> u32 {
    let rarest = piece.windows(MIN_LEN).map(|part| part.iter().map(|byte| rarity(*byte)).sum()).max();
    rarest.unwrap_or(0) + u32::try_from(piece.len().min(16)).unwrap_or(0)
}

/// How good a set is, in order: the greater the better.
///
/// First by what it costs, in picoseconds for each line of a healthy cluster, roughly. A line found
/// in vain costs as much as passing over some twenty. Where the search looks closer in vain it costs
/// as much as passing over a line. A single short literal costs a second pass over all input, for
/// the sake of one rule, and so counts as worse than all but the most common long ones.
pub(crate) fn rank(set: &AnyOf) -> (Reverse<usize>, u32) {
    static WINDOWS: LazyLock<placement::Sample> = LazyLock::new(|| placement::Sample::new(SAMPLE, 6));
    let found: usize = set.iter().map(|literal| memmem::find_iter(SAMPLE, literal).count()).sum();
    let for_all = match set.iter().map(Vec::len).min().unwrap_or(0) {
        ..windows::MIN_LEN => 100_000,
        windows::MIN_LEN..windows::AMPLE_LEN => 500,
        _ => 0,
    };
    (Reverse(5_000 * found + 30 * WINDOWS.least_count(set) + for_all), set_score(set))
}

/// How rare a set is: that of its worst literal, less what each further one costs.
fn set_score(set: &AnyOf) -> u32 {
    let worst = set.iter().map(|piece| score(piece)).min().unwrap_or(0);
    worst.saturating_sub(4 * u32::try_from(set.len() - 1).unwrap_or(u32::MAX / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex_sets(pattern: &str) -> Vec<Vec<String>> {
        let hir =
            regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        of_regex(&hir, false)
            .into_iter()
            .map(|set| set.into_iter().map(|piece| String::from_utf8(piece).unwrap()).collect())
            .collect()
    }

    #[test]
    fn text_is_cut_where_an_envelope_may_escape() {
        let texts: Vec<AnyOf> = of_text(b"err=\"PLEG is not\thealthy\" <nil> \xc2\xb5seconds");
        let texts: Vec<&[u8]> = texts.iter().map(|set| set[0].as_slice()).collect();
        assert_eq!(texts, [b"err=".as_slice(), b"PLEG is not", b"healthy", b"seconds"]);
    }

    #[test]
    fn a_regex_gives_up_what_it_requires() {
        assert!(regex_sets(r"(\d+) was last seen (\S+) ago").contains(&vec![" was last seen ".to_owned()]));
        assert!(regex_sets(r"Kill(?:ed)? process \d").contains(&vec![" process ".to_owned()]));
        assert!(
            regex_sets("x*(?:one thing|another)")
                .iter()
                .any(|set| set.len() == 2 && set.contains(&"another".to_owned()))
        );
        assert_eq!(regex_sets(r"\d+|foobar"), Vec::<Vec<String>>::new());
        assert_eq!(regex_sets(r"(?:foobar)?"), Vec::<Vec<String>>::new());
    }
}
