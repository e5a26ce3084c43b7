//! Columns and wrapping by display width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::Style;

/// Columns that `text` takes; it must hold no control characters.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` padded with blanks to `columns`.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let padding = columns.saturating_sub(width(text));
    format!("{text}{:padding$}", "")
}

/// `text` with blanks before it, to `columns`.
pub(crate) fn pad_left(text: &str, columns: usize) -> String {
    let padding = columns.saturating_sub(width(text));
    format!("{:padding$}{text}", "")
}

/// `text`, or its beginning and an ellipsis if it takes more than `columns`.
pub(crate) fn cut(text: &str, columns: usize, style: &Style) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let ellipsis = ellipsis(style);
    let kept = beginning(text, columns.saturating_sub(width(ellipsis)));
    format!("{kept}{ellipsis}")
}

/// `text`, or its end after an ellipsis: of a path, the end says most.
pub(crate) fn cut_start(text: &str, columns: usize, style: &Style) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let ellipsis = ellipsis(style);
    let room = columns.saturating_sub(width(ellipsis));
    let mut used = 0;
    let start = text.char_indices().rev().take_while(|(_, character)| {
        used += character.width().unwrap_or(0);
        used <= room
    });
    let start = start.last().map_or(text.len(), |(at, _)| at);
    format!("{ellipsis}{}", text.get(start..).unwrap_or(""))
}

const fn ellipsis(style: &Style) -> &'static str {
    if style.unicode { "\u{2026}" } else { "..." }
}

/// As much of the start of `text` as fits.
fn beginning(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > columns
    });
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// `text` broken into lines of at most `columns`: at blanks, and inside a word that is longer
/// than a line. Never empty.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![];
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        while width(&line) > columns {
            let head = beginning(&line, columns);
            // A character wider than a line has to stand somewhere.
            let at = if head.is_empty() { line.chars().next().map_or(0, char::len_utf8) } else { head.len() };
            let rest = line.split_off(at);
            lines.push(std::mem::replace(&mut line, rest));
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_columns_not_characters() {
        let style = Style { colour: false, width: 80, unicode: true };
        assert_eq!(cut("日本語ログ", 6, &style), "日本…");
        assert_eq!(cut("short", 6, &style), "short");
        assert_eq!(cut_start("日本語ログ", 6, &style), "…ログ");
        assert_eq!(cut_start("short", 6, &style), "short");
        assert_eq!(cut("much longer", 6, &Style { unicode: false, ..style }), "muc...");
    }

    #[test]
    fn wrapping_keeps_words_that_fit_a_line() {
        assert_eq!(wrap("disk under etcd is slow", 10), ["disk under", "etcd is", "slow"]);
        assert_eq!(wrap("a longer word", 5), ["a", "longe", "r", "word"]);
        assert_eq!(wrap("日本", 1), ["日", "本"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
