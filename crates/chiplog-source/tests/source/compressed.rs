use std::io::{self, Read, Write};
use std::sync::atomic::Ordering;

use chiplog_source::{Compression, DecodeError, DecodeLimits, Decompressor};
use proptest::prelude::*;

use crate::Pieces;

const TEXT: &str = "I0305 06:07:08.120034    2588 kubelet.go:1] first line\n\
                    W0305 06:07:09.000001    2588 kubelet.go:2] second line, no end";

pub(crate) const ALL: [Compression; 5] =
    [Compression::Gzip, Compression::Zstd, Compression::Xz, Compression::Bzip2, Compression::Lz4];

pub(crate) fn compress(compression: Compression, text: &[u8]) -> Vec<u8> {
    match compression {
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Zstd => {
            ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
        }
        Compression::Xz => {
            let options = lzma_rust2::XzOptions::with_preset(0);
            let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Lz4 => {
            let info = lz4_flex::frame::FrameInfo::new()
                .block_size(lz4_flex::frame::BlockSize::Max64KB)
                .content_checksum(true);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        other => panic!("no encoder for {other}"),
    }
}

/// Reads until the end or an error; what was read counts in both cases.
fn decode(reader: impl Read, limits: DecodeLimits) -> (Vec<u8>, Option<io::Error>) {
    let mut decompressor = Decompressor::new(reader, limits);
    let mut text = Vec::new();
    // A small odd size, so that decoders have to stop in the middle of things.
    let mut buffer = [0; 1021];
    loop {
        match decompressor.read(&mut buffer) {
            Ok(0) => return (text, None),
            Ok(count) => text.extend_from_slice(&buffer[..count]),
            Err(error) => {
                assert_eq!(decompressor.read(&mut buffer).unwrap(), 0, "the end follows an error");
                return (text, Some(error));
            }
        }
    }
}

fn decode_error(bytes: &[u8], limits: DecodeLimits) -> DecodeError {
    let (_, error) = decode(bytes, limits);
    DecodeError::of(&error.expect("an error")).expect("a decode error").clone()
}

/// Numbered lines that do not compress to nothing.
fn long_text(lines: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut state = 1u64;
    for number in 0..lines {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        writeln!(text, "line {number} of a log with id {state:016x}").unwrap();
    }
    text
}

#[test]
fn files_of_the_usual_programs_with_two_members() {
    let files: [(&[u8], Compression); 5] = [
        (include_bytes!("../data/two.gz"), Compression::Gzip),
        (include_bytes!("../data/two.zst"), Compression::Zstd),
        (include_bytes!("../data/skippable.zst"), Compression::Zstd),
        (include_bytes!("../data/two.xz"), Compression::Xz),
        (include_bytes!("../data/two.bz2"), Compression::Bzip2),
    ];
    for (bytes, compression) in files {
        let (text, error) = decode(bytes, DecodeLimits::default());
        assert!(error.is_none(), "{compression}: {error:?}");
        assert_eq!(text, TEXT.as_bytes(), "{compression}");

        // One byte a read, as a slow pipe would give them.
        let single_bytes = Pieces::new(bytes.iter().map(|byte| vec![*byte]));
        let mut decompressor = Decompressor::new(single_bytes, DecodeLimits::default());
        let mut text = String::new();
        decompressor.read_to_string(&mut text).unwrap();
        assert_eq!(text, TEXT, "{compression}");
        assert_eq!(decompressor.compression(), Some(compression));
        assert_eq!(decompressor.raw_bytes().load(Ordering::Relaxed), bytes.len() as u64);
    }
}

#[test]
fn text_passes_through() {
    for text in ["", "(", "BZ", "BZh9 is no bzip2\n", "no end", "\0\0\n"] {
        let mut decompressor = Decompressor::new(text.as_bytes(), DecodeLimits::default());
        let mut read = String::new();
        decompressor.read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
        assert_eq!(decompressor.compression(), None);
    }
}

#[test]
fn a_live_stream_of_text_is_not_kept_waiting() {
    struct Stuck;
    impl Read for Stuck {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("waited for more although the text was decided");
        }
    }
    let mut decompressor = Decompressor::new((&b"(\n"[..]).chain(Stuck), DecodeLimits::default());
    let mut buffer = [0; 100];
    assert_eq!(decompressor.read(&mut buffer).unwrap(), 2);
}

#[test]
fn truncated_anywhere_gives_a_prefix_and_says_so() {
    let text = long_text(400);
    for compression in ALL {
        let bytes = compress(compression, &text);
        let magic = 7;
        for len in (magic..bytes.len()).step_by(bytes.len() / 97 + 1).chain([bytes.len() - 1]) {
            let (read, error) = decode(&bytes[..len], DecodeLimits::default());
            assert!(text.starts_with(&read), "{compression} {len}");
            let error = error.unwrap_or_else(|| panic!("{compression} {len}: no error"));
            assert_eq!(DecodeError::of(&error), Some(&DecodeError::Truncated { compression }), "{len}");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}

#[test]
fn most_of_a_truncated_file_is_read() {
    let text = long_text(60_000);
    for compression in ALL {
        let bytes = compress(compression, &text);
        let (read, _) = decode(&bytes[..bytes.len() / 2], DecodeLimits::default());
        // The last block is lost, which is 900 kB at most.
        assert!(read.len() > text.len() / 2 - 900_000, "{compression}: {} of {}", read.len(), text.len());
    }
}

#[test]
fn what_follows_compressed_data() {
    for compression in ALL {
        let member = compress(compression, b"line\n");
        let padded = [&member[..], &[0; 512]].concat();
        let (text, error) = decode(&padded[..], DecodeLimits::default());
        assert_eq!((&text[..], error.is_none()), (&b"line\n"[..], true), "{compression}");

        let apart = [&member[..], &[0; 8], &member].concat();
        assert_eq!(decode(&apart[..], DecodeLimits::default()).0, b"line\nline\n", "{compression}");

        let followed = [&member[..], b"plain text\n"].concat();
        let (text, error) = decode(&followed[..], DecodeLimits::default());
        assert_eq!(text, b"line\n", "{compression}");
        let error = error.expect("an error");
        assert_eq!(DecodeError::of(&error), Some(&DecodeError::TrailingData { compression }));
    }
}

#[test]
fn a_damaged_checksum_is_found() {
    for compression in ALL {
        let mut bytes = compress(compression, &long_text(10));
        let from_end = match compression {
            Compression::Gzip => 8,
            Compression::Zstd => 1,
            // In front of the index and the footer.
            Compression::Xz => 12 + 8 + 1,
            // The checksum of the block stands behind the magic number of the block.
            _ => bytes.len() - 10,
        };
        let at = bytes.len() - from_end;
        bytes[at] ^= 0x55;
        let error = decode_error(&bytes, DecodeLimits::default());
        assert!(matches!(error, DecodeError::Corrupt { .. }), "{compression}: {error}");
    }
}

#[test]
fn a_window_beyond_the_limit_is_refused() {
    let files: [(&[u8], Compression); 2] = [
        (include_bytes!("../data/window.zst"), Compression::Zstd),
        (include_bytes!("../data/window.xz"), Compression::Xz),
    ];
    for (bytes, compression) in files {
        let limit_bytes = 64 << 20;
        let expected = DecodeError::WindowTooLarge { compression, limit_bytes };
        assert_eq!(decode_error(bytes, DecodeLimits::default()), expected);
        let wider = DecodeLimits { window_bytes: 512 << 20, ..DecodeLimits::default() };
        let (text, error) = decode(bytes, wider);
        assert!(error.is_none(), "{error:?}");
        assert!(TEXT.as_bytes().starts_with(&text) && !text.is_empty());
    }
}

#[test]
fn a_bomb_is_stopped() {
    let bomb = compress(Compression::Gzip, &vec![b'0'; 4 << 20]);
    let limits = DecodeLimits { expansion_ratio: 10, expansion_floor_bytes: 1 << 20, ..Default::default() };
    let (text, error) = decode(&bomb[..], limits);
    assert!(text.len() < (1 << 20) + 2000);
    let error = error.expect("an error");
    let expected = DecodeError::ExpandsTooMuch { compression: Compression::Gzip, limit_ratio: 10 };
    assert_eq!(DecodeError::of(&error), Some(&expected));
    // The same growth below the floor, and all of it with the default, are fine.
    assert_eq!(decode(&bomb[..], DecodeLimits::default()).0.len(), 4 << 20);
}

#[test]
fn an_error_of_the_reader_is_passed_on() {
    let text = long_text(3000);
    for compression in ALL {
        let bytes = compress(compression, &text);
        let denied = io::Error::from_raw_os_error(5);
        let reader = Pieces::new([&bytes[..bytes.len() / 2]]).failing(denied);
        let (read, error) = decode(reader, DecodeLimits::default());
        assert!(text.starts_with(&read));
        assert_eq!(error.expect("an error").raw_os_error(), Some(5), "{compression}");
    }
}

#[test]
fn text_that_was_decoded_together_with_the_error_is_not_lost() {
    let text = long_text(20);
    for compression in ALL {
        let mut bytes = compress(compression, &text);
        // In what follows the text: a checksum, or its length.
        let at = bytes.len() - if compression == Compression::Xz { 14 } else { 3 };
        bytes[at] ^= 0x55;
        for read_bytes in [100, 10_000] {
            let mut decompressor = Decompressor::new(&bytes[..], DecodeLimits::default());
            let mut read = Vec::new();
            let mut buffer = vec![0; read_bytes];
            let error = loop {
                match decompressor.read(&mut buffer) {
                    Ok(count) if count > 0 => read.extend_from_slice(&buffer[..count]),
                    outcome => break outcome.err(),
                }
            };
            assert_eq!(
                String::from_utf8(read),
                String::from_utf8(text.clone()),
                "{compression} {read_bytes}"
            );
            assert!(error.is_some(), "{compression} {read_bytes}");
        }
    }
}

#[test]
fn damage_in_the_middle_of_a_zstd_frame_leaves_the_text_before_it() {
    let text = long_text(20_000);
    let mut bytes = compress(Compression::Zstd, &text);
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xff);
    let (read, error) = decode(&bytes[..], DecodeLimits::default());
    assert!(matches!(DecodeError::of(&error.unwrap()), Some(DecodeError::Corrupt { .. })));
    let same = read.iter().zip(&text).take_while(|(read, wanted)| read == wanted).count();
    assert!(same > text.len() / 4, "{same} of {}", text.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damage_never_panics(
        which in 0usize..4,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = compress(ALL[which], &long_text(60));
        bytes.extend(compress(ALL[which], b"second member\n"));
        for (index, value) in flips {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let end = end.index(2 * bytes.len()).min(bytes.len());
        let limits = DecodeLimits { expansion_floor_bytes: 1 << 22, ..DecodeLimits::default() };
        let (text, _) = decode(&bytes[..end], limits);
        prop_assert!(text.len() < 1 << 23);
    }
}
