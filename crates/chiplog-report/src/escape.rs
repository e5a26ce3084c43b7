//! Text from a log, made safe for a terminal.

use std::fmt;

/// Bytes from a log, displayed so that they cannot steer a terminal or reorder a line.
///
/// Printable characters stand for themselves. Control characters, ANSI sequences included,
/// come out as `\n`, `\t`, `\r` or `\x1b`; bytes that are not UTF-8 as `\xff`; characters that are
/// invisible or change the direction of text as `\u{202e}`. A backslash in the log stands for
/// itself, so the form is for reading, not for converting back.
///
/// ```
/// use chiplog_report::Escaped;
/// let title = b"\x1b]0;owned\x07 ok";
/// assert_eq!(Escaped::new(title).to_string(), r"\x1b]0;owned\x07 ok");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a> {
    bytes: &'a [u8],
    ascii: bool,
}

impl<'a> Escaped<'a> {
    /// Text for a terminal that shows Unicode.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, ascii: false }
    }

    /// Text for a terminal that shows ASCII only: every other character is escaped as well.
    #[must_use]
    pub const fn ascii(bytes: &'a [u8]) -> Self {
        Self { bytes, ascii: true }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    _ if character.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(character))?,
                    _ if is_hidden(character) || (self.ascii && !character.is_ascii()) => {
                        write!(f, "\\u{{{:x}}}", u32::from(character))?;
                    }
                    _ => fmt::Write::write_char(f, character)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Characters that show nothing of their own: C1 controls, direction and joining controls, line
/// and paragraph separators, interlinear annotation, tags.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_that_is_harmless_is_left_alone() {
        let text = r#"etcd[1893] took="1.2µs" C:\dir 日本"#;
        assert_eq!(Escaped::new(text.as_bytes()).to_string(), text);
    }

    #[test]
    fn direction_and_invalid_bytes_are_shown() {
        assert_eq!(Escaped::new("a\u{202e}b\u{9b}31m".as_bytes()).to_string(), r"a\u{202e}b\u{9b}31m");
        assert_eq!(Escaped::new(b"\xff\xc3(").to_string(), r"\xff\xc3(");
        assert_eq!(Escaped::ascii("µ".as_bytes()).to_string(), r"\u{b5}");
    }

    proptest! {
        #[test]
        fn no_control_character_comes_out(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!Escaped::new(&bytes).to_string().contains(char::is_control));
            prop_assert!(Escaped::ascii(&bytes).to_string().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}
