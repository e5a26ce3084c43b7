//! Regexes of rules: checked when their file is read, compiled when a line first needs them.
//!
//! Most regexes of a set are never needed: the lines that a rule could match do not occur. A set
//! of hundreds loads in the time that compiling a few takes.

use std::sync::{Arc, OnceLock};

use regex::bytes::{CaptureLocations, Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

/// No compiled program is larger, in bytes: rule files may come from anywhere.
const SIZE_LIMIT: usize = 1 << 20;

/// How deep groups may nest, so that no text can exhaust the stack.
pub(crate) const NEST_LIMIT: u32 = 100;

/// A regex over bytes: classes such as `\w` are ASCII.
#[derive(Debug)]
pub(crate) struct Pattern {
    text: String,
    program: OnceLock<Regex>,
}

impl Pattern {
    /// A regex that was parsed to `hir`. `None` if its program would be too large.
    pub(crate) fn new(text: &str, hir: &Hir) -> Option<Self> {
        let pattern = Self { text: text.to_owned(), program: OnceLock::new() };
        // Only what might be too large must be compiled to find out.
        if program_bytes(hir) > SIZE_LIMIT as u64 / 4 {
            let _ = pattern.program.set(compile(text).ok()?);
        }
        Some(pattern)
    }

    fn program(&self) -> &Regex {
        self.program.get_or_init(|| {
            compile(&self.text).expect("the regex was parsed, and its program is far below the limit")
        })
    }
}

fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).unicode(false).nest_limit(NEST_LIMIT).size_limit(SIZE_LIMIT).build()
}

/// More than the program of a regex needs, roughly.
fn program_bytes(hir: &Hir) -> u64 {
    const STATE: u64 = 64;
    const RANGE: u64 = 16;
    /// A range of characters is several chains of ranges of bytes.
    const CHARACTER_RANGE: u64 = 1024;
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => STATE,
        HirKind::Literal(literal) => STATE * literal.0.len() as u64,
        HirKind::Class(Class::Bytes(class)) => STATE + RANGE * class.ranges().len() as u64,
        HirKind::Class(Class::Unicode(class)) => STATE + CHARACTER_RANGE * class.ranges().len() as u64,
        HirKind::Capture(capture) => 2 * STATE + program_bytes(&capture.sub),
        HirKind::Repetition(repetition) => {
            let copies = u64::from(repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1));
            copies.saturating_mul(program_bytes(&repetition.sub).saturating_add(STATE))
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(|part| STATE.saturating_add(program_bytes(part))).fold(0, u64::saturating_add)
        }
    }
}

/// The regexes of a set as one worker uses them.
///
/// A worker has its own copy of each that it needed: copies share the compiled program, but not
/// the pool of scratch space, which threads would contend for.
#[derive(Debug)]
pub(crate) struct Regexes {
    patterns: Arc<[Pattern]>,
    own: Vec<Option<(Regex, CaptureLocations)>>,
}

impl Regexes {
    pub(crate) fn new(patterns: &Arc<[Pattern]>) -> Self {
        Self { patterns: Arc::clone(patterns), own: vec![None; patterns.len()] }
    }

    fn get(&mut self, index: usize) -> Option<&mut (Regex, CaptureLocations)> {
        let (own, pattern) = (self.own.get_mut(index)?, self.patterns.get(index)?);
        Some(own.get_or_insert_with(|| {
            let regex = pattern.program().clone();
            let locations = regex.capture_locations();
            (regex, locations)
        }))
    }

    pub(crate) fn is_match(&mut self, index: usize, text: &[u8]) -> bool {
        self.get(index).is_some_and(|(regex, _)| regex.is_match(text))
    }

    pub(crate) fn group<'t>(&mut self, index: usize, group: usize, text: &'t [u8]) -> Option<&'t [u8]> {
        let (regex, locations) = self.get(index)?;
        regex.captures_read(locations, text)?;
        let (start, end) = locations.get(group)?;
        text.get(start..end)
    }
}

/// The number and name of each group, in the order in which they are opened.
pub(crate) fn groups(hir: &Hir) -> Vec<(usize, Option<String>)> {
    let mut found = Vec::new();
    collect_groups(hir, &mut found);
    found
}

fn collect_groups(hir: &Hir, found: &mut Vec<(usize, Option<String>)>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let name = capture.name.as_ref().map(ToString::to_string);
            found.push((capture.index as usize, name));
            collect_groups(&capture.sub, found);
        }
        HirKind::Repetition(repetition) => collect_groups(&repetition.sub, found),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| collect_groups(part, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hir(pattern: &str) -> Hir {
        regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap()
    }

    #[test]
    fn what_is_compiled_late_is_far_from_the_limit() {
        for pattern in [
            r"a",
            r"(?:[a-z]+-){3}(\d{1,64})\s\S+",
            r"[^\x00-\x1f]{500}",
            r"(?:(?:ab|cd|ef){10}x?){20}",
            r"(?u)\pL{2}",
            r"(?:a|b|c|dd|eee|ffff|(g)|(?P<h>h)){1,30}",
            r"x{0,1000}",
        ] {
            let estimate = program_bytes(&hir(pattern));
            if estimate <= SIZE_LIMIT as u64 / 4 {
                let limit = estimate as usize;
                let built = RegexBuilder::new(pattern).unicode(false).size_limit(limit).build();
                assert!(built.is_ok(), "{pattern} is larger than {limit}");
            }
        }
    }

    #[test]
    fn large_programs_are_refused() {
        for pattern in [r"(?:\w{100}){1000}", r"(?u)\w{1000}", r"(?:(?:(?:a{1000}){1000}){1000}){1000}"] {
            assert!(Pattern::new(pattern, &hir(pattern)).is_none(), "{pattern}");
        }
        let usual = Pattern::new("took (\\S+)", &hir("took (\\S+)")).unwrap();
        assert!(usual.program.get().is_none());
        assert!(usual.program().is_match(b"took 3s"));
    }

    #[test]
    fn groups_are_numbered_as_the_program_numbers_them() {
        for pattern in ["a", "(a)", "(?:a)(b(?P<c>c))(d)", "((a)|(?P<b>b)){2}", "(a){0}(b)"] {
            let program = compile(pattern).unwrap();
            for (index, name) in groups(&hir(pattern)) {
                assert_eq!(program.capture_names().nth(index), Some(name.as_deref()), "{pattern}");
            }
        }
    }
}
