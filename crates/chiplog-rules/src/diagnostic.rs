//! What is wrong with a rule file, and where.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Whether a rule file can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The rules work, but probably not as meant.
    Warning,
    /// The file is refused.
    Error,
}

/// One thing that is wrong with a rule file.
///
/// [`fmt::Display`] writes it as the tools of the trade do, the place first, then the line of the
/// file with a pointer under it:
///
/// ```text
/// error: rules/pleg.toml:4: regex does not compile: unclosed group
///     | take = { stale = 'last seen active (?P<stale>\S+ ago' }
///     |                                    ^ opened here
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// The name under which the file was given.
    pub file: Arc<str>,
    /// The place: a range of bytes of the file.
    pub span: Range<usize>,
    /// Line of the start of [`Diagnostic::span`], from 1.
    pub line: usize,
    /// Column of the start of [`Diagnostic::span`] in characters, from 1.
    pub column: usize,
    /// What is wrong: a lower-case fragment without a full stop.
    pub message: String,
    /// What the pointer points at, when the message does not say so.
    pub label: Option<String>,
    /// Why it is wrong, or what to write instead.
    pub hint: Option<String>,
    /// The line of the file that holds the place, without its end.
    pub source_line: String,
}

impl Diagnostic {
    pub(crate) fn new(
        level: Level,
        file: &Arc<str>,
        text: &str,
        span: Range<usize>,
        message: String,
    ) -> Self {
        let start = floor_char_boundary(text, span.start);
        let end = floor_char_boundary(text, span.end).max(start);
        let before = text.get(..start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| start + at);
        let source_line = text.get(line_start..line_end).unwrap_or("").trim_end_matches('\r');
        Self {
            level,
            file: Arc::clone(file),
            span: start..end,
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: text.get(line_start..start).unwrap_or("").chars().count() + 1,
            message,
            label: None,
            hint: None,
            source_line: source_line.to_owned(),
        }
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// How many characters of a long line are shown on each side of the place.
const SHOWN: usize = 100;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Warning => "warning",
            Level::Error => "error",
        };
        write!(f, "{level}: {}:{}: {}", Visible(&self.file), self.line, Visible(&self.message))?;
        if !self.source_line.trim().is_empty() {
            let skipped = (self.column - 1).saturating_sub(SHOWN);
            let shown: String = self.source_line.chars().skip(skipped).take(2 * SHOWN).collect();
            // A pointer lines up only if each character before it takes one column.
            let shown = shown.replace('\t', " ");
            write!(
                f,
                "\n    | {}\n    | {:width$}^",
                Visible(&shown),
                "",
                width = self.column - 1 - skipped
            )?;
            if let Some(label) = &self.label {
                write!(f, " {}", Visible(label))?;
            }
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", Visible(hint))?;
        }
        Ok(())
    }
}

/// Text from a file, with its control characters made visible: a rule file must not be able to
/// steer the terminal that shows what is wrong with it.
struct Visible<'a>(&'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(char::is_control) {
            match part.char_indices().next_back() {
                Some((at, last)) if last.is_control() => {
                    f.write_str(part.get(..at).unwrap_or(""))?;
                    f.write_str("\u{fffd}")?;
                }
                _ => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

/// Everything that is wrong with the rule files: all errors of all files, and the warnings.
///
/// Holds at least one error. [`fmt::Display`] writes them one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleErrors(pub Vec<Diagnostic>);

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleErrors {}

/// The known name nearest to a name that is not known, if one is near enough to be meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A long name costs quadratic time and is near to nothing.
    if name.len() > 64 {
        return None;
    }
    let allowed = 1 + name.chars().count() / 4;
    known
        .into_iter()
        .map(|known| (strsim::osa_distance(name, known), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pointer_stands_under_the_place() {
        let text = "a = 1\ntäke = 'x'\n";
        let file: Arc<str> = "f.toml".into();
        let at = text.find("'x'").unwrap();
        let mut diagnostic = Diagnostic::new(Level::Error, &file, text, at..at + 3, "no".into());
        diagnostic.label = Some("here".into());
        diagnostic.hint = Some("yes".into());
        assert_eq!(
            diagnostic.to_string(),
            "error: f.toml:2: no\n    | täke = 'x'\n    |        ^ here\n  hint: yes"
        );
    }

    #[test]
    fn any_span_of_any_text_is_shown() {
        let text = "ä\u{1b}[31m\n\nö";
        for start in 0..text.len() + 3 {
            for end in 0..text.len() + 3 {
                let shown =
                    Diagnostic::new(Level::Warning, &"f".into(), text, start..end, "m".into()).to_string();
                assert!(!shown.contains('\u{1b}'));
            }
        }
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("contain", ["contains", "component"]), Some("contains"));
        assert_eq!(nearest("opne", ["open", "close"]), Some("open"));
        assert_eq!(nearest("zebra", ["open", "close"]), None);
    }
}
