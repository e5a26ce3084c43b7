//! Compressed sources as plain bytes, in constant memory.

use std::io::{self, BufRead, Read};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use flate2::FlushDecompress;
use lzma_rust2::{Action, XzStream};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder, errors::FrameDecoderError};

use crate::compression::Magic;
use crate::raw::{Observed, Raw};
use crate::{Compression, DecodeError};

/// Bounds on what a compressed source may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// The largest history (zstd window, xz dictionary) that is kept while decoding, in bytes.
    /// gzip and bzip2 need less than 5 MiB whatever the input says.
    pub window_bytes: u64,
    /// How many times larger than its stored form the text may be.
    pub expansion_ratio: u64,
    /// The ratio is not looked at before this much text, in bytes.
    pub expansion_floor_bytes: u64,
}

impl Default for DecodeLimits {
    /// 64 MiB, which is what the highest levels of `xz` and all but the `--ultra` and `--long`
    /// modes of `zstd` stay within; 1000 times beyond 1 GiB. Logs shrink ten to a hundred times.
    fn default() -> DecodeLimits {
        DecodeLimits { window_bytes: 64 << 20, expansion_ratio: 1000, expansion_floor_bytes: 1 << 30 }
    }
}

/// Reads a source that may be compressed, whatever its name: its first bytes decide.
///
/// Plain text passes through unchanged. Members, frames and streams that follow each other are
/// one text. Zero bytes between and after them are padding. On trouble the text decoded so far
/// comes first, then the error, then the end. (Of xz, the text of the last kibibyte may be missing:
/// the decoder does not give it.)
///
/// ```
/// use std::io::Read;
/// let mut text = String::new();
/// let plain: &[u8] = b"not compressed\n";
/// chiplog_source::Decompressor::new(plain, Default::default()).read_to_string(&mut text)?;
/// assert_eq!(text, "not compressed\n");
/// # std::io::Result::Ok(())
/// ```
pub struct Decompressor<R: Read> {
    state: State<R>,
    /// The compression met last.
    compression: Option<Compression>,
    observed: Arc<Observed>,
    produced_bytes: u64,
    /// How this member ended: what to say once the text that came before has been handed out.
    ending: Option<io::Result<()>>,
    limits: DecodeLimits,
}

enum State<R: Read> {
    /// At the beginning of the source or after a member.
    Between(Raw<R>),
    Plain(Raw<R>),
    Gzip(Raw<R>, Box<flate2::Decompress>),
    Bzip2(Raw<R>, Box<bzip2::Decompress>),
    Xz(Raw<R>, Box<XzStream>),
    Zstd(Raw<R>, Box<FrameDecoder>),
    /// Its decoder reads by itself.
    Lz4(Box<lz4_flex::frame::FrameDecoder<Raw<R>>>),
    /// Ends with its data.
    Deflate(Raw<R>, Box<flate2::Decompress>),
    Done,
}

/// Bytes read from a compressed source at once, and the furthest look-ahead.
const RAW_BUFFER_BYTES: usize = 64 << 10;

impl<R: Read> Decompressor<R> {
    /// Reads nothing yet.
    pub fn new(reader: R, limits: DecodeLimits) -> Decompressor<R> {
        let raw = Raw::new(reader, RAW_BUFFER_BYTES);
        let observed = Arc::clone(raw.observed());
        Decompressor {
            state: State::Between(raw),
            compression: None,
            observed,
            produced_bytes: 0,
            ending: None,
            limits,
        }
    }

    /// Reads deflated data without a header, whatever it looks like; what follows it is left.
    pub(crate) fn deflate(reader: R, limits: DecodeLimits) -> Decompressor<R> {
        let mut decompressor = Decompressor::new(reader, limits);
        decompressor.compression = Some(Compression::Deflate);
        decompressor.state = match mem::replace(&mut decompressor.state, State::Done) {
            State::Between(raw) => State::Deflate(raw, Box::new(flate2::Decompress::new(false))),
            other => other,
        };
        decompressor
    }

    /// How many bytes were taken from the reader, as a number that moves while reading goes on.
    ///
    /// For showing progress: it runs ahead of the text by up to a buffer.
    pub fn raw_bytes(&self) -> Arc<AtomicU64> {
        self.observed.counter()
    }

    /// The compression met last; `None` before the first read and for plain text.
    pub fn compression(&self) -> Option<Compression> {
        self.compression
    }

    fn read_member(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = match &mut self.state {
                State::Between(_) => {
                    self.begin_member()?;
                    continue;
                }
                State::Plain(raw) => return raw.read(into),
                State::Gzip(raw, decoder) => read_steps(raw, &mut **decoder, into, &mut self.ending)?,
                State::Bzip2(raw, decoder) => read_steps(raw, &mut **decoder, into, &mut self.ending)?,
                State::Xz(raw, decoder) => read_steps(raw, &mut **decoder, into, &mut self.ending)?,
                State::Zstd(raw, decoder) => read_zstd(raw, decoder, into, &mut self.ending)?,
                State::Lz4(decoder) => read_lz4(decoder, &self.observed, into)?,
                State::Deflate(raw, decoder) => read_steps(raw, &mut **decoder, into, &mut self.ending)?,
                State::Done => return Ok(0),
            };
            if count > 0 {
                return Ok(count);
            }
            self.state = match mem::replace(&mut self.state, State::Done) {
                State::Gzip(raw, _) | State::Bzip2(raw, _) | State::Xz(raw, _) | State::Zstd(raw, _) => {
                    State::Between(raw)
                }
                State::Lz4(decoder) => State::Between(decoder.into_inner()),
                State::Deflate(..) => State::Done,
                other => other,
            };
        }
    }

    /// Leaves [`State::Between`] for what the next bytes announce.
    fn begin_member(&mut self) -> io::Result<()> {
        let State::Between(mut raw) = mem::replace(&mut self.state, State::Done) else {
            return Ok(());
        };
        if self.compression.is_some() && skip_padding(&mut raw)? {
            return Ok(());
        }
        let compression = loop {
            match Magic::of(raw.ahead()) {
                Magic::Is(compression) => break Some(compression),
                Magic::Partial if raw.look_further()? => {}
                Magic::Partial | Magic::Not => break None,
            }
        };
        let Some(compression) = compression else {
            if let Some(compression) = self.compression {
                return Err(DecodeError::TrailingData { compression }.into());
            }
            self.state = State::Plain(raw);
            return Ok(());
        };
        self.compression = Some(compression);
        self.state = match compression {
            Compression::Gzip => State::Gzip(raw, Box::new(flate2::Decompress::new_gzip(GZIP_WINDOW_BITS))),
            Compression::Bzip2 => State::Bzip2(raw, Box::new(bzip2::Decompress::new(false))),
            Compression::Xz => {
                let limit_kib = u32::try_from(self.limits.window_bytes >> 10).unwrap_or(u32::MAX - 1);
                let decoder = XzStream::new_mem_limit(false, limit_kib.saturating_add(XZ_OVERHEAD_KIB));
                State::Xz(raw, Box::new(decoder))
            }
            Compression::Lz4 => State::Lz4(Box::new(lz4_flex::frame::FrameDecoder::new(raw))),
            // Nothing begins like it.
            Compression::Deflate => State::Plain(raw),
            Compression::Zstd => match begin_zstd(&mut raw, self.limits.window_bytes)? {
                Some(decoder) => State::Zstd(raw, decoder),
                None => State::Between(raw),
            },
        };
        Ok(())
    }

    /// Says what an error of a decoder was about: the decoders themselves do not agree in that.
    fn explain(&self, error: io::Error) -> io::Error {
        let Some(compression) = self.compression else { return error };
        if let Some(failure) = self.observed.failure() {
            return failure;
        }
        if DecodeError::of(&error).is_some() {
            return error;
        }
        if error.kind() == io::ErrorKind::OutOfMemory {
            return DecodeError::WindowTooLarge { compression, limit_bytes: self.limits.window_bytes }.into();
        }
        // Decoders that read by themselves were cut off if they asked for more than there is.
        let reads_itself = matches!(compression, Compression::Zstd | Compression::Lz4);
        let asked_for_more = reads_itself && self.observed.ended();
        if asked_for_more || error.kind() == io::ErrorKind::UnexpectedEof {
            return DecodeError::Truncated { compression }.into();
        }
        DecodeError::Corrupt { compression, detail: error.to_string() }.into()
    }

    fn check_expansion(&self) -> io::Result<()> {
        let Some(compression) = self.compression else { return Ok(()) };
        let limits = &self.limits;
        let allowed = self.observed.consumed().saturating_mul(limits.expansion_ratio);
        if self.produced_bytes > allowed.max(limits.expansion_floor_bytes) {
            let limit_ratio = limits.expansion_ratio;
            return Err(DecodeError::ExpandsTooMuch { compression, limit_ratio }.into());
        }
        Ok(())
    }
}

impl<R: Read> Read for Decompressor<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() || matches!(self.state, State::Done) {
            return Ok(0);
        }
        let result = self.check_expansion().and_then(|()| self.read_member(into));
        match result {
            Ok(count) => {
                self.produced_bytes += count as u64;
                Ok(count)
            }
            Err(error) => {
                // Decoders need not survive being asked again.
                self.state = State::Done;
                Err(self.explain(error))
            }
        }
    }
}

/// Consumes zero bytes; true at the end of the source.
fn skip_padding<R: Read>(raw: &mut Raw<R>) -> io::Result<bool> {
    loop {
        let ahead = raw.fill_buf()?;
        if ahead.is_empty() {
            return Ok(true);
        }
        let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
        let all = zeros == ahead.len();
        raw.consume(zeros);
        if !all {
            return Ok(false);
        }
    }
}

/// The largest window that deflate has.
const GZIP_WINDOW_BITS: u8 = 15;

/// What the xz decoder counts on top of the dictionary.
const XZ_OVERHEAD_KIB: u32 = 256;

/// The xz decoder keeps to itself what it decoded since it was last asked when it fails, so it is asked
/// often. Measured, pieces of this size are as fast as whole buffers.
const XZ_PIECE_BYTES: usize = 1 << 10;

/// What a decoder did when it was asked once.
struct Step {
    consumed: usize,
    /// Text that was decoded, also before trouble was met.
    produced: usize,
    /// Whether the member is complete.
    outcome: io::Result<bool>,
}

/// A decoder that is given pieces of input and of room for output. All of them tell by their totals
/// what they did before they failed; readers built on them do not, and lose that text.
trait Decoder {
    fn totals(&self) -> (u64, u64);

    /// True when the member is complete. The input is empty at the end of the source.
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<bool>;

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (consumed_before, produced_before) = self.totals();
        let outcome = self.decode(input, output);
        let (consumed, produced) = self.totals();
        // Both differences are lengths of parts of the slices.
        Step {
            consumed: (consumed - consumed_before) as usize,
            produced: (produced - produced_before) as usize,
            outcome,
        }
    }
}

impl Decoder for flate2::Decompress {
    fn totals(&self) -> (u64, u64) {
        (self.total_in(), self.total_out())
    }

    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<bool> {
        let status = self.decompress(input, output, FlushDecompress::None)?;
        Ok(status == flate2::Status::StreamEnd)
    }
}

impl Decoder for bzip2::Decompress {
    fn totals(&self) -> (u64, u64) {
        (self.total_in(), self.total_out())
    }

    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<bool> {
        let status = self.decompress(input, output).map_err(io::Error::other)?;
        Ok(status == bzip2::Status::StreamEnd)
    }
}

impl Decoder for XzStream {
    fn totals(&self) -> (u64, u64) {
        (self.total_in(), self.total_out())
    }

    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<bool> {
        let input = input.get(..XZ_PIECE_BYTES).unwrap_or(input);
        let action = if input.is_empty() { Action::Finish } else { Action::Run };
        Ok(self.process(input, output, action)?.status == lzma_rust2::Status::StreamEnd)
    }
}

fn read_steps<R: Read>(
    raw: &mut Raw<R>,
    decoder: &mut impl Decoder,
    into: &mut [u8],
    ending: &mut Option<io::Result<()>>,
) -> io::Result<usize> {
    loop {
        if let Some(ending) = ending.take() {
            return ending.map(|()| 0);
        }
        let step = decoder.step(raw.fill_buf()?, into);
        raw.consume(step.consumed);
        *ending = match step.outcome {
            Ok(true) => Some(Ok(())),
            Ok(false) if step.consumed == 0 && step.produced == 0 => {
                Some(Err(io::ErrorKind::UnexpectedEof.into()))
            }
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        };
        if step.produced > 0 {
            return Ok(step.produced);
        }
    }
}

/// Reads the header of a frame; `None` if it was a skippable one, which is then skipped.
fn begin_zstd<R: Read>(raw: &mut Raw<R>, window_bytes: u64) -> io::Result<Option<Box<FrameDecoder>>> {
    // The second byte of the magic number, which was just looked at, tells the two kinds apart.
    if raw.ahead().get(1) == Some(&0x2a) {
        let mut header = [0; 8];
        raw.read_exact(&mut header)?;
        let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let skipped = io::copy(&mut raw.take(u64::from(len)), &mut io::sink())?;
        if skipped < u64::from(len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        return Ok(None);
    }
    let mut decoder = Box::new(FrameDecoder::new());
    decoder.set_max_window_size(window_bytes);
    match decoder.init(raw) {
        Ok(()) => Ok(Some(decoder)),
        Err(FrameDecoderError::WindowSizeTooBig { max, .. }) => {
            Err(DecodeError::WindowTooLarge { compression: Compression::Zstd, limit_bytes: max }.into())
        }
        Err(error) => Err(io::Error::other(error)),
    }
}

fn read_zstd<R: Read>(
    raw: &mut Raw<R>,
    decoder: &mut FrameDecoder,
    into: &mut [u8],
    ending: &mut Option<io::Result<()>>,
) -> io::Result<usize> {
    while ending.is_none() && decoder.can_collect() == 0 && !decoder.is_finished() {
        if let Err(error) = decoder.decode_blocks(&mut *raw, BlockDecodingStrategy::UptoBlocks(1)) {
            *ending = Some(Err(io::Error::other(error)));
            // The decoder holds back a window of text until the frame is complete. That text is wanted
            // all the same, so an empty last block (and a checksum) is made up.
            let mut last_block: &[u8] = &[1, 0, 0, 0, 0, 0, 0];
            decoder
                .decode_blocks(&mut last_block, BlockDecodingStrategy::UptoBlocks(1))
                .map_err(io::Error::other)?;
        }
    }
    let count = decoder.read(into)?;
    if count == 0 {
        if let Some(ending) = ending.take() {
            return ending.map(|()| 0);
        }
        let stored = decoder.get_checksum_from_data();
        if stored.is_some() && stored != decoder.get_calculated_checksum() {
            return Err(io::Error::other("checksum of a frame does not agree"));
        }
    }
    Ok(count)
}

fn read_lz4<R: Read>(
    decoder: &mut lz4_flex::frame::FrameDecoder<Raw<R>>,
    observed: &Observed,
    into: &mut [u8],
) -> io::Result<usize> {
    let count = decoder.read(into)?;
    // The decoder takes the end of the source between two blocks for that of the frame, behind which it
    // does not read.
    if count == 0 && observed.ended() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(count) }
}
