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

/// `text`, or its beginning and an ellipsis if it takes more than `columns`; 0 is no limit.
pub(crate) fn cut(text: &str, columns: usize, style: &Style) -> String {
    if columns == 0 || width(text) <= columns {
        return text.to_owned();
    }
    let ellipsis = if style.unicode { "\u{2026}" } else { "..." };
    let room = columns.saturating_sub(width(ellipsis));
    let mut used = 0;
    let mut kept = String::new();
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > room {
            break;
        }
        kept.push(character);
    }
    kept + ellipsis
}

/// `text`, or its end after an ellipsis: of a path, the end says most. 0 is no limit.
pub(crate) fn cut_start(text: &str, columns: usize, style: &Style) -> String {
    if columns == 0 || width(text) <= columns {
        return text.to_owned();
    }
    let ellipsis = if style.unicode { "\u{2026}" } else { "..." };
    let room = columns.saturating_sub(width(ellipsis));
    let mut used = 0;
    let start = text.char_indices().rev().take_while(|(_, character)| {
        used += character.width().unwrap_or(0);
        used <= room
    });
    let start = start.last().map_or(text.len(), |(at, _)| at);
    format!("{ellipsis}{}", text.get(start..).unwrap_or(""))
}

/// `text` broken at blanks into lines of at most `columns` (a longer word stays whole); 0 is no
/// limit. Never empty.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    if columns == 0 || width(text) <= columns {
        return vec![text.to_owned()];
    }
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
    }
    lines.push(line.trim_end().to_owned());
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
    fn wrapping_keeps_words() {
        assert_eq!(wrap("disk under etcd is slow", 10), ["disk under", "etcd is", "slow"]);
        assert_eq!(wrap("unbreakablelongword a", 5), ["unbreakablelongword", "a"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
