//! What a file holds, judged by samples of it.

use crate::discover::SkipReason;

/// What a journal file begins with.
pub(crate) const JOURNAL_SIGNATURE: &[u8] = b"LPKSHHRH";

/// Bytes that are looked at.
pub(crate) const SAMPLE_BYTES: usize = 4096;

/// Contents that are no lines of text whatever one makes of them.
pub(crate) fn never_text(head: &[u8]) -> Option<SkipReason> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Some(SkipReason::Utf16);
    }
    None
}

/// What a sample looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Texture {
    Text,
    Binary,
    /// A hole, and no line beside it. A crash leaves runs of NULs in a log, and a file that was
    /// truncated under its writer begins with as many as it was long; so does many a binary file.
    Hole,
}

/// Fewer NULs than this in a row are not taken for a hole: UTF-16 and binary numbers hold such.
const HOLE_BYTES: usize = 8;

impl Texture {
    pub(crate) fn of(sample: &[u8]) -> Texture {
        let is_hole = |run: &&[u8]| run[0] == 0 && run.len() >= HOLE_BYTES;
        let holes: usize =
            sample.chunk_by(|a, b| (*a == 0) == (*b == 0)).filter(is_hole).map(<[u8]>::len).sum();
        let nuls = sample.iter().filter(|byte| **byte == 0).count() - holes;
        let controls = sample.iter().filter(|byte| is_control(**byte)).count();
        // One in twenty: random bytes have one in ten, text none or a few.
        if (nuls + controls) * 20 > sample.len() - holes {
            Texture::Binary
        } else if holes > 0 && !sample.contains(&b'\n') {
            Texture::Hole
        } else {
            Texture::Text
        }
    }
}

/// Control bytes that log text does not hold, NUL aside: all but TAB, LF, FF, CR, ESC.
fn is_control(byte: u8) -> bool {
    matches!(byte, 1..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texture_of_samples() {
        let line = &b"2024-03-05T06:07:08Z stdout F \x1b[31mhot\x1b[0m\tcaf\xe9 \xe6\x97\xa5\r\n"[..];
        assert_eq!(Texture::of(b""), Texture::Text);
        assert_eq!(Texture::of(&line.repeat(9)), Texture::Text);
        assert_eq!(Texture::of(&[&line.repeat(2)[..], &[0; 5], line].concat()), Texture::Text);
        assert_eq!(Texture::of(&[line, &[0; 900], line].concat()), Texture::Text);
        assert_eq!(Texture::of(&[0; 100]), Texture::Hole);
        assert_eq!(Texture::of(&[&[0; 100], &line[..9], &[0; 900]].concat()), Texture::Hole);
        let utf16: Vec<u8> = line.iter().flat_map(|byte| [*byte, 0]).collect();
        assert_eq!(Texture::of(&utf16), Texture::Binary);
        let every_byte: Vec<u8> = (0..=255).collect();
        assert_eq!(Texture::of(&every_byte), Texture::Binary);
        assert_eq!(Texture::of(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01"), Texture::Binary);
    }
}
