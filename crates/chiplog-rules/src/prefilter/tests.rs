use std::collections::BTreeSet;
use std::ops::ControlFlow;

use proptest::collection::vec;
use proptest::prelude::*;

use super::search::Search;
use super::*;

fn naive_holds(line: &[u8], literal: &[u8]) -> bool {
    line.windows(literal.len()).any(|window| window == literal)
}

fn found_in(search: &Search, line: &[u8]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let all = search.each_in(line, |number| {
        found.insert(number);
        ControlFlow::Continue(())
    });
    assert!(all.is_continue());
    found
}

fn naively_found_in(literals: &[Vec<u8>], line: &[u8]) -> BTreeSet<usize> {
    (0..literals.len()).filter(|number| naive_holds(line, &literals[*number])).collect()
}

/// One offset in each line that `is_wanted`, and none elsewhere.
fn assert_finds(searcher: &LiteralSearcher, block: &[u8], is_wanted: impl Fn(&[u8]) -> bool) {
    let mut offsets = searcher.find_iter(block).peekable();
    let mut start = 0;
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        let is_found = offsets.next_if(|offset| (start..end).contains(offset)).is_some();
        assert_eq!(is_found, is_wanted(line), "{}", line.escape_ascii());
        start = end;
    }
    assert_eq!(offsets.next(), None);
}

/// Few different bytes, so that literals and text often have much in common.
fn word(len: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![6 => Just(b'a'), 3 => Just(b'b'), 1 => any::<u8>()], len)
        .prop_map(|word| word.into_iter().map(|byte| if byte == b'\n' { b' ' } else { byte }).collect())
}

fn literals() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let long = vec(word(11..60), 0..40);
    let short = prop_oneof![Just(Vec::new()), vec(word(1..11), 0..12)];
    (long, short).prop_map(|(mut long, short)| {
        long.extend(short);
        long.sort();
        long.dedup();
        long
    })
}

/// Some bytes, then a literal by its index, with one byte of it replaced or none.
type Part = (Vec<u8>, usize, Option<(usize, u8)>);

/// Text that holds literals, and what is one byte away from a literal.
fn text() -> impl Strategy<Value = Vec<Part>> {
    vec((word(0..30), any::<usize>(), proptest::option::of((any::<usize>(), any::<u8>()))), 0..30)
}

fn with(literals: &[Vec<u8>], text: Vec<Part>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (word, which, miss) in text {
        bytes.extend(word);
        if which.is_multiple_of(3) {
            bytes.push(b'\n');
        }
        if literals.is_empty() {
            continue;
        }
        let mut literal = literals[which % literals.len()].clone();
        if let Some((at, byte)) = miss {
            let at = at % literal.len();
            literal[at] = byte;
        }
        bytes.extend(literal);
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_line_holds_what_a_naive_search_finds(literals in literals(), text in text()) {
        let search = Search::new(literals.clone(), SAMPLE);
        for line in with(&literals, text).split(|byte| *byte == b'\n') {
            prop_assert_eq!(found_in(&search, line), naively_found_in(&literals, line));
        }
    }

    #[test]
    fn a_block_has_one_offset_for_each_line_with_a_literal(literals in literals(), text in text()) {
        let block = with(&literals, text);
        let candidates: Vec<_> = literals.iter().map(|literal| vec![vec![literal.clone()]]).collect();
        let searcher = plan(&candidates).1.unwrap();
        let is_wanted = |line: &[u8]| literals.iter().any(|literal| naive_holds(line, literal));
        assert_finds(&searcher, &block, is_wanted);
    }

    /// Each alternative has several sets, and literals are in several of them.
    #[test]
    fn no_line_that_holds_all_is_missed(
        literals in literals(),
        sets in vec(vec(vec(any::<usize>(), 1..4), 1..5), 1..8),
        text in text(),
    ) {
        prop_assume!(!literals.is_empty());
        let candidates: Vec<Vec<AnyOf>> = sets
            .into_iter()
            .map(|sets| {
                let pick = |index: usize| literals[index % literals.len()].clone();
                sets.into_iter().map(|set| set.into_iter().map(pick).collect()).collect()
            })
            .collect();
        let (gate, searcher) = plan(&candidates);
        let mut passed = Vec::new();
        let block = with(&literals, text);
        for line in block.split(|byte| *byte == b'\n') {
            gate.candidates_into(line, &mut passed);
            for (alternative, sets) in candidates.iter().enumerate() {
                let holds = sets.iter().all(|set| set.iter().any(|literal| naive_holds(line, literal)));
                prop_assert!(!holds || passed.contains(&alternative));
            }
        }
        let is_wanted = |line: &[u8]| {
            let mut passed = Vec::new();
            gate.candidates_into(line, &mut passed);
            !passed.is_empty()
        };
        assert_finds(&searcher.unwrap(), &block, is_wanted);
    }
}

#[test]
fn a_literal_is_found_wherever_it_stands() {
    for len in 1..40 {
        let literal: Vec<u8> = (0..len).map(|index| b'A' + index).collect();
        let search = Search::new(vec![literal.clone()], SAMPLE);
        for before in 0..80 {
            for after in 0..10 {
                let line = [vec![b'.'; before], literal.clone(), vec![b'.'; after]].concat();
                assert_eq!(found_in(&search, &line).len(), 1, "{len} {before} {after}");
                let cut = [&line[..before + literal.len() - 1], b"."].concat();
                assert_eq!(found_in(&search, &cut).len(), 0, "{len} {before} {after}");
            }
        }
    }
}

#[test]
fn so_many_literals_that_not_all_have_room_are_found_as_well() {
    for count in [50, 2_000, 6_000] {
        let literals: Vec<Vec<u8>> = (0..count)
            .map(|number| format!("{number:05}-{:05}-word", number * 7919 % count).into_bytes())
            .collect();
        let search = Search::new(literals.clone(), SAMPLE);
        for (number, literal) in literals.iter().enumerate().step_by(count / 50) {
            let line = [b"<", literal.as_slice(), b">"].concat();
            assert_eq!(found_in(&search, &line), BTreeSet::from([number]), "{count}");
        }
    }
}

#[test]
fn without_rules_nothing_is_found() {
    assert_finds(&plan(&[]).1.unwrap(), b"Killed process\n", |_| false);
}

#[test]
fn a_line_of_a_byte_array_is_looked_at_by_all() {
    let (gate, searcher) = plan(&[vec![vec![b"took too long".to_vec()]], vec![vec![b"oom".to_vec()]]]);
    let mut passed = Vec::new();
    for line in [r#"{"a":"b","MESSAGE":[72,105]}"#, r#"{ "MESSAGE" : [ 72, 105 ] }"#] {
        gate.candidates_into(line.as_bytes(), &mut passed);
        assert_eq!(passed, [0, 1]);
        assert_finds(searcher.as_ref().unwrap(), line.as_bytes(), |_| true);
    }
    gate.candidates_into(br#"{"MESSAGE":"72"}"#, &mut passed);
    assert!(passed.is_empty());
}

#[test]
fn a_line_must_hold_all_that_an_alternative_needs() {
    let set = |literal: &str| vec![literal.as_bytes().to_vec()];
    let (_, searcher) = plan(&[vec![set("apply request took too long"), set("expected-duration")]]);
    let searcher = searcher.unwrap();
    assert_finds(&searcher, b"apply request took too long expected-duration", |_| true);
    assert_finds(&searcher, b"apply request took too long\nexpected-duration", |_| false);
}
