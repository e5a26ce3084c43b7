//! Which compression a source has, told by its first bytes.

use std::fmt;

/// A compression that this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// gzip, one or more members.
    Gzip,
    /// Zstandard, one or more frames.
    Zstd,
    /// xz, one or more streams.
    Xz,
    /// bzip2, one or more streams.
    Bzip2,
    /// lz4, one or more frames.
    Lz4,
    /// deflate, as members of a zip archive have it: nothing in the data says so.
    Deflate,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Xz => "xz",
            Compression::Bzip2 => "bzip2",
            Compression::Lz4 => "lz4",
            Compression::Deflate => "deflate",
        })
    }
}

/// What the beginning of a source says about its compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Magic {
    /// The source, or this part of it, is compressed.
    Is(Compression),
    /// No compression begins like this.
    Not,
    /// All bytes so far begin a magic number that is longer.
    Partial,
}

impl Magic {
    /// Judges the first bytes of a source, or of what follows a member.
    ///
    /// No magic number holds an LF, so that a live stream never waits here with a whole line.
    pub(crate) fn of(head: &[u8]) -> Magic {
        let mut partial = false;
        for (compression, pattern) in MAGICS {
            let agrees = pattern.iter().zip(head).all(|(range, byte)| range.contains(byte));
            if agrees && head.len() >= pattern.len() {
                return Magic::Is(*compression);
            }
            partial |= agrees;
        }
        if partial { Magic::Partial } else { Magic::Not }
    }
}

type Pattern = &'static [std::ops::RangeInclusive<u8>];

const MAGICS: &[(Compression, Pattern)] = &[
    // The third byte is the method, of which there is one: deflate.
    (Compression::Gzip, &[0x1f..=0x1f, 0x8b..=0x8b, 8..=8]),
    (Compression::Zstd, &[0x28..=0x28, 0xb5..=0xb5, 0x2f..=0x2f, 0xfd..=0xfd]),
    // A skippable frame; parallel compressors write one in front of the data. That of lz4 is the same.
    (Compression::Zstd, &[0x50..=0x5f, 0x2a..=0x2a, 0x4d..=0x4d, 0x18..=0x18]),
    (Compression::Lz4, &[0x04..=0x04, 0x22..=0x22, 0x4d..=0x4d, 0x18..=0x18]),
    (Compression::Xz, &[0xfd..=0xfd, b'7'..=b'7', b'z'..=b'z', b'X'..=b'X', b'Z'..=b'Z', 0..=0]),
    // The level and the number of a block, or of the end: "BZh" alone may begin a line of text.
    (
        Compression::Bzip2,
        &[b'B'..=b'B', b'Z'..=b'Z', b'h'..=b'h', b'1'..=b'9', 0x31..=0x31, 0x41..=0x41, 0x59..=0x59],
    ),
    (
        Compression::Bzip2,
        &[b'B'..=b'B', b'Z'..=b'Z', b'h'..=b'h', b'1'..=b'9', 0x17..=0x17, 0x72..=0x72, 0x45..=0x45],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_of_a_magic_number_is_partial_and_no_text_is_compressed() {
        let cases: &[(&[u8], Compression)] = &[
            (b"\x1f\x8b\x08", Compression::Gzip),
            (b"\x28\xb5\x2f\xfd", Compression::Zstd),
            (b"\x5a\x2a\x4d\x18", Compression::Zstd),
            (b"\x04\x22\x4d\x18", Compression::Lz4),
            (b"\xfd7zXZ\0", Compression::Xz),
            (b"BZh91AY", Compression::Bzip2),
            (b"BZh1\x17rE", Compression::Bzip2),
        ];
        for (magic, compression) in cases {
            for len in 0..magic.len() {
                assert_eq!(Magic::of(&magic[..len]), Magic::Partial, "{magic:?} {len}");
            }
            assert_eq!(Magic::of(magic), Magic::Is(*compression));
            let longer = [magic, &b"rest"[..]].concat();
            assert_eq!(Magic::of(&longer), Magic::Is(*compression));
        }
        for text in ["BZh9\n", "(\n", "\n", "{\"log\":", "I0305 ", "P*M\n", "Z\n", "BZh1AY"] {
            assert_eq!(Magic::of(text.as_bytes()), Magic::Not, "{text:?}");
        }
    }
}
