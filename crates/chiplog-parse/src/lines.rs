//! Lines of a byte slice.

/// Splits bytes into lines: at LF only, without the LF and one CR before it.
///
/// No other byte ends a line: not CR alone, VT, FF, NEL, nor U+2028, which programs print inside
/// messages. What follows the last LF is a line unless it is empty; its CR is kept, since
/// no LF says that it belongs to the line ending. Empty lines are lines.
///
/// ```
/// let lines: Vec<&[u8]> = chiplog_parse::lines(b"one\r\n\ntwo").collect();
/// assert_eq!(lines, [&b"one"[..], b"", b"two"]);
/// ```
#[must_use]
pub fn lines(bytes: &[u8]) -> Lines<'_> {
    Lines { bytes, breaks: memchr::memchr_iter(b'\n', bytes), start: 0 }
}

/// The lines of a byte slice, see [`lines`].
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    breaks: memchr::Memchr<'a>,
    start: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let Some(end) = self.breaks.next() else {
            let last = self.bytes.get(self.start..)?;
            self.start = self.bytes.len();
            return if last.is_empty() { None } else { Some(last) };
        };
        let line = self.bytes.get(self.start..end)?;
        self.start = end + 1;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

impl core::iter::FusedIterator for Lines<'_> {}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::lines;

    #[test]
    fn a_final_line_keeps_its_carriage_return() {
        assert_eq!(lines(b"a\r").collect::<Vec<_>>(), [b"a\r"]);
        assert_eq!(lines(b"").count(), 0);
        assert_eq!(lines(b"\n").collect::<Vec<_>>(), [b""]);
        assert_eq!(lines(b"\r\n\r\n").collect::<Vec<_>>(), [b"", b""]);
    }

    proptest! {
        #[test]
        fn same_as_splitting_at_line_feeds(bytes in proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..64))
        {
            let mut expected: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
            let last = expected.pop().unwrap();
            for line in &mut expected {
                *line = line.strip_suffix(b"\r").unwrap_or(line);
            }
            if !last.is_empty() {
                expected.push(last);
            }
            prop_assert_eq!(lines(&bytes).collect::<Vec<_>>(), expected);
        }
    }
}
