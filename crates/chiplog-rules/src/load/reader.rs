//! Reads TOML values one by one and collects all that is wrong with them.

use std::ops::Range;
use std::sync::Arc;

use regex_syntax::hir::Hir;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Level, nearest};
use crate::pattern::{NEST_LIMIT, Pattern};
use crate::units::parse_duration;

/// A value and where it stands.
pub(super) type Value<'f> = Spanned<DeValue<'f>>;

/// A rule file that is being read.
pub(super) struct Reader<'f> {
    pub(super) file: Arc<str>,
    pub(super) text: &'f str,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Where each line but the first starts, in bytes.
    line_starts: Vec<usize>,
}

/// A string of the file, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) span: Range<usize>,
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl<'f> Reader<'f> {
    pub(super) fn new(file: &str, text: &'f str) -> Self {
        let line_starts = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1).collect();
        Self { file: file.into(), text, diagnostics: Vec::new(), line_starts }
    }

    fn report(&mut self, level: Level, span: Range<usize>, message: String) -> &mut Diagnostic {
        let diagnostic = Diagnostic::new(level, &self.file, self.text, span, message);
        self.diagnostics.push_mut(diagnostic)
    }

    pub(super) fn error(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.report(Level::Error, span, message.into())
    }

    pub(super) fn warning(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.report(Level::Warning, span, message.into())
    }

    /// The line that holds an offset, from 1.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at) + 1
    }

    fn expected(&mut self, value: &Value<'_>, what: &str, expected: &str) {
        self.error(value.span(), format!("{what} must be {expected}, not {}", kind(value.get_ref())));
    }

    pub(super) fn string(&mut self, value: &Value<'_>, what: &str) -> Option<Text> {
        match value.get_ref() {
            DeValue::String(text) => Some(Text { text: text.clone().into_owned(), span: value.span() }),
            _ => {
                self.expected(value, what, "a string");
                None
            }
        }
    }

    /// A string, or a list of strings with at least one.
    pub(super) fn strings(&mut self, value: &Value<'_>, what: &str) -> Option<Vec<Text>> {
        match value.get_ref() {
            DeValue::String(_) => self.string(value, what).map(|text| vec![text]),
            DeValue::Array(list) if list.is_empty() => {
                self.error(value.span(), format!("{what} is an empty list"));
                None
            }
            DeValue::Array(list) => {
                let texts: Vec<_> =
                    list.iter().map(|value| self.string(value, &format!("each of {what}"))).collect();
                texts.into_iter().collect()
            }
            _ => {
                self.expected(value, what, "a string or a list of strings");
                None
            }
        }
    }

    /// As [`Reader::strings`], none of them empty: empty text occurs in every line.
    pub(super) fn needles(&mut self, value: &Value<'_>, what: &str) -> Option<Vec<Text>> {
        let texts = self.strings(value, what)?;
        match texts.iter().find(|text| text.text.is_empty()) {
            None => Some(texts),
            Some(empty) => {
                self.error(empty.span.clone(), format!("{what} is empty")).hint =
                    Some("empty text is in every line; leave the key out".to_owned());
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, value: &Value<'_>, what: &str) -> Option<bool> {
        match value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.expected(value, what, "true or false");
                None
            }
        }
    }

    pub(super) fn integer(&mut self, value: &Value<'_>, what: &str, range: Range<i64>) -> Option<i64> {
        let DeValue::Integer(number) = value.get_ref() else {
            self.expected(value, what, "an integer");
            return None;
        };
        let number = i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.error(value.span(), format!("{what} must be from {} to {}", range.start, range.end - 1));
        }
        number
    }

    pub(super) fn duration(&mut self, value: &Value<'_>, what: &str) -> Option<i64> {
        let text = self.string(value, what)?;
        let nanos = parse_duration(text.text.as_bytes()).filter(|nanos| *nanos > 0);
        if nanos.is_none() {
            self.error(text.span, format!("{what} is not a duration above zero")).hint =
                Some("write `30s`, `5m`, `1h30m` or `2d`".to_owned());
        }
        nanos
    }

    /// One of a closed set of names.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        text: &Text,
        what: &str,
        known: &[(&'static str, T)],
    ) -> Option<T> {
        if let Some((_, value)) = known.iter().find(|(name, _)| *name == text.text) {
            return Some(*value);
        }
        let names = || known.iter().map(|(name, _)| *name);
        let hint = match nearest(&text.text, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}", names().collect::<Vec<_>>().join(", ")),
        };
        self.error(text.span.clone(), format!("unknown {what} `{}`", text.text)).hint = Some(hint);
        None
    }

    pub(super) fn table<'v>(&mut self, value: &'v Value<'f>, what: &str) -> Option<&'v DeTable<'f>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => {
                self.expected(value, what, "a table");
                None
            }
        }
    }

    /// A table, or a list of tables.
    pub(super) fn tables<'v>(
        &mut self,
        value: &'v Value<'f>,
        what: &str,
    ) -> Vec<(&'v DeTable<'f>, Range<usize>)> {
        match value.get_ref() {
            DeValue::Array(list) => list
                .iter()
                .filter_map(|value| Some((self.table(value, &format!("each of {what}"))?, value.span())))
                .collect(),
            _ => self.table(value, what).map(|table| (table, value.span())).into_iter().collect(),
        }
    }

    /// Reports the keys of a table that are not known.
    pub(super) fn only(&mut self, table: &DeTable<'_>, what: &str, known: &[&'static str]) {
        let mut unknown: Vec<_> =
            table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())).collect();
        unknown.sort_by_key(|key| key.span().start);
        for key in unknown {
            let hint = match nearest(key.get_ref(), known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", known.join(", ")),
            };
            self.error(key.span(), format!("unknown key `{}` in {what}", key.get_ref())).hint = Some(hint);
        }
    }

    /// The value under one of two names for the same thing.
    pub(super) fn either<'v>(
        &mut self,
        table: &'v DeTable<'f>,
        name: &str,
        alias: &str,
    ) -> Option<&'v Value<'f>> {
        match (get(table, name), get(table, alias)) {
            (Some(value), Some(other)) => {
                self.error(
                    other.span(),
                    format!("`{alias}` is another name for `{name}`, which is there as well"),
                );
                Some(value)
            }
            (value, other) => value.or(other),
        }
    }

    /// The place in the file of a part of a string, given as a range of its decoded text.
    pub(super) fn inside(&self, text: &Text, part: Range<usize>) -> Range<usize> {
        let raw = self.text.get(text.span.clone()).unwrap_or("");
        let quotes = ["'''\r\n", "\"\"\"\r\n", "'''\n", "\"\"\"\n", "'''", "\"\"\"", "'", "\""];
        for quote in quotes {
            if let Some(rest) = raw.strip_prefix(quote) {
                // With escapes in it, the decoded text is not the raw one, and no offset is right.
                if rest.starts_with(text.text.as_str()) {
                    let start = text.span.start + quote.len();
                    return start + part.start..start + part.end;
                }
                break;
            }
        }
        text.span.clone()
    }

    /// Checks a regex, which works on bytes: classes such as `\w` are ASCII.
    pub(super) fn regex(&mut self, text: &Text) -> Option<(Pattern, Hir)> {
        let parsed = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .nest_limit(NEST_LIMIT)
            .build()
            .parse(&text.text);
        let hir = match parsed {
            Ok(hir) => hir,
            Err(error) => {
                let (reason, span) = match &error {
                    regex_syntax::Error::Parse(error) => (error.kind().to_string(), Some(error.span())),
                    regex_syntax::Error::Translate(error) => (error.kind().to_string(), Some(error.span())),
                    _ => (error.to_string(), None),
                };
                let place = match span {
                    Some(span) => self.inside(text, span.start.offset..span.end.offset),
                    None => text.span.clone(),
                };
                let label = reason.starts_with("unclosed").then(|| "opened here".to_owned());
                self.error(place, format!("regex does not compile: {reason}")).label = label;
                return None;
            }
        };
        if hir.properties().minimum_len() == Some(0) && hir.properties().look_set().is_empty() {
            self.error(text.span.clone(), "the regex matches empty text, which is in every line");
            return None;
        }
        match Pattern::new(&text.text, &hir) {
            Some(pattern) => Some((pattern, hir)),
            None => {
                self.error(text.span.clone(), "the regex is too large: compiled, it takes more than 1 MiB")
                    .hint = Some("lower the bounds of its repetitions, such as `{1,1000}`".to_owned());
                None
            }
        }
    }
}

/// The value of a key.
pub(super) fn get<'v, 'f>(table: &'v DeTable<'f>, name: &str) -> Option<&'v Value<'f>> {
    table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
}
