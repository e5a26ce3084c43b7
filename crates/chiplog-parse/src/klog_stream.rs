//! Physical lines grouped into klog records.
//!
//! A record is a klog header with everything up to the next one: the lines of `=<` blocks, the
//! goroutine dump after a fatal line (`goroutine 1 [running]:`, frames, blank lines), the further
//! lines of a message that was printed with line feeds, `Trace[1]:` lines. Because klog indents
//! block lines by a TAB, a header inside a block is not at the start of its line; one that is ends
//! a block that was never closed (the process died while writing).
//!
//! The banner of a file is a record of its own, and so are lines that stand before any header,
//! together.
//!
//! Only for a stream that klog alone wrote: lines of other formats continue the record before
//! them. In the journal every physical line is an entry of its own, without the empty ones.

use crate::klog::{self, Banner};

/// What a line is to its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The first line of a record; the record before it is complete.
    Starts,
    /// A further line of the record that was started last.
    Continues,
}

/// Tells where records start. Holds no text.
///
/// ```
/// use chiplog_parse::klog_stream::{Grouper, Role};
/// let mut grouper = Grouper::new();
/// let mut push = |line: &str| grouper.push(line.as_bytes());
/// assert_eq!(push("E0305 06:07:08.120034    1234 x.go:17] \"failed\" err=<"), Role::Starts);
/// assert_eq!(push("\tI0305 06:07:00.000001      77 inner.go:33] hi"), Role::Continues);
/// assert_eq!(push(" >"), Role::Continues);
/// assert_eq!(push("I0305 06:07:08.120035    1234 x.go:18] next"), Role::Starts);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Grouper {
    record_is_open: bool,
}

impl Grouper {
    /// A grouper at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { record_is_open: false }
    }

    /// Takes the next line, without its line feed.
    pub fn push(&mut self, line: &[u8]) -> Role {
        let starts = !self.record_is_open
            || klog::parse(line).is_ok()
            || matches!(klog::banner(line), Some(Banner::CreatedAt(_)));
        self.record_is_open = true;
        if starts { Role::Starts } else { Role::Continues }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn starts(lines: &[&str]) -> Vec<usize> {
        let mut grouper = Grouper::new();
        let starting = |(index, line): (usize, &&str)| match grouper.push(line.as_bytes()) {
            Role::Starts => Some(index),
            Role::Continues => None,
        };
        lines.iter().enumerate().filter_map(starting).collect()
    }

    const HEADER: &str = "I0305 06:07:08.120034    1234 x.go:10] a";
    const CREATED: &str = "Log file created at: 2024/03/05 06:07:08";

    #[test]
    fn a_header_ends_a_block_that_was_cut() {
        assert_eq!(starts(&["E0305 06:07:08.120034    1234 x.go:17] \"m\" err=<", "\tcut", HEADER]), [0, 2]);
    }

    #[test]
    fn a_banner_in_the_middle_of_joined_files_starts_a_record() {
        assert_eq!(starts(&[HEADER, "more", CREATED, "Running on machine: n", HEADER]), [0, 2, 4]);
    }

    #[test]
    fn lines_before_any_header_stay_together() {
        assert_eq!(starts(&["\tat a", "\tat b", HEADER, "", HEADER]), [0, 2, 4]);
    }
}
