//! A stream of bytes that someone else writes: standard input, a named pipe.

use std::io::{self, Read};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::pump::{Pump, Pumped};
use crate::{Block, BlockReader, Decompressor, Delivery, Limits, Readiness, Source, Stream, Waker};

/// Blocks that may wait between the reader and the owner.
const WAITING_AT_MOST: usize = 16;

/// Bytes handed over in one poll, about.
const POLL_BYTES: usize = 1 << 20;

/// A pipe as a [`Source`]. What was read from a pipe cannot be read again: lines that the owner
/// had not saved when it was killed are lost, and nobody knows how many.
///
/// The cursor, `{"offset":N}`, is where the next run counts on: lines that come then are new ones.
pub struct Pipe {
    stream: Stream,
    blocks: Pump<io::Result<Block>>,
    /// Where this run started in the stream.
    base: u64,
    offset: u64,
    has_ended: bool,
}

impl Pipe {
    /// Starts to read standard input, decompressed where it is compressed.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub fn stdin(cursor: Option<&Value>, waker: Waker) -> io::Result<Pipe> {
        Pipe::new("stdin", Decompressor::new(io::stdin(), crate::DecodeLimits::default()), cursor, waker)
    }

    /// Starts to read from `reader`, on a thread of its own that ends with it.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub fn new(
        name: &str,
        reader: impl Read + Send + 'static,
        cursor: Option<&Value>,
        waker: Waker,
    ) -> io::Result<Pipe> {
        let blocks = Pump::start(name, WAITING_AT_MOST, waker, move |outlet| {
            let mut reader = BlockReader::live(reader, Limits::default());
            while let Some(block) = reader.next_block().transpose() {
                if outlet.put(block).is_err() {
                    break;
                }
            }
        })?;
        let base = cursor.and_then(|cursor| cursor["offset"].as_u64()).unwrap_or(0);
        let stream = Stream { name: Arc::from(name), modified_unix_nanos: None };
        Ok(Pipe { stream, blocks, base, offset: base, has_ended: false })
    }
}

impl Source for Pipe {
    fn name(&self) -> &str {
        &self.stream.name
    }

    /// A pipe that breaks off is one that ends, with a warning.
    fn poll(&mut self, sink: &mut dyn FnMut(Delivery<'_>)) -> io::Result<Readiness> {
        let mut taken = 0;
        while !self.has_ended {
            match self.blocks.take() {
                Pumped::Item(Ok(mut block)) => {
                    block.offset = block.offset.saturating_add(self.base);
                    self.offset = block.end_offset();
                    taken += block.bytes.len();
                    sink(Delivery::Lines { stream: &self.stream, block });
                    if taken >= POLL_BYTES {
                        return Ok(Readiness::More);
                    }
                }
                Pumped::Item(Err(error)) => {
                    sink(Delivery::Warning(format!("{}: {error}; what came before was read", self.name())));
                }
                Pumped::Nothing => break,
                Pumped::Ended => {
                    self.has_ended = true;
                    sink(Delivery::Ended { stream: &self.stream });
                }
            }
        }
        Ok(Readiness::Idle)
    }

    fn cursor(&self) -> Value {
        json!({ "offset": self.offset })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::Wakings;

    /// Polls until the pipe has ended.
    fn drain(pipe: &mut Pipe, wakings: &Wakings) -> (Vec<(u64, Vec<u8>)>, Vec<String>) {
        let (mut lines, mut warnings, mut has_ended) = (vec![], vec![], false);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !has_ended && Instant::now() < deadline {
            let mut sink = |delivery: Delivery<'_>| match delivery {
                Delivery::Lines { block, .. } => lines.push((block.offset, block.bytes)),
                Delivery::Ended { .. } => has_ended = true,
                Delivery::Warning(text) => warnings.push(text),
                Delivery::Lost { .. } => unreachable!(),
            };
            if pipe.poll(&mut sink).unwrap() == Readiness::Idle && !has_ended {
                wakings.wait(Duration::from_secs(60));
            }
        }
        assert!(has_ended);
        (lines, warnings)
    }

    #[test]
    fn a_run_counts_on_where_the_last_one_was() {
        let (waker, wakings) = Wakings::new();
        let mut pipe = Pipe::new("p", &b"one\ntwo\n"[..], None, waker.clone()).unwrap();
        assert_eq!(drain(&mut pipe, &wakings), (vec![(0, b"one\ntwo\n".to_vec())], vec![]));
        let cursor = pipe.cursor();
        assert_eq!(cursor, json!({ "offset": 8 }));
        let mut pipe = Pipe::new("p", &b"three\n"[..], Some(&cursor), waker).unwrap();
        assert_eq!(drain(&mut pipe, &wakings).0, [(8, b"three\n".to_vec())]);
        assert_eq!(pipe.cursor(), json!({ "offset": 14 }));
        assert_eq!(pipe.poll(&mut |_| panic!("it has ended")).unwrap(), Readiness::Idle);
    }

    #[test]
    fn a_pipe_that_breaks_off_has_ended() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("torn"))
            }
        }
        let (waker, wakings) = Wakings::new();
        let mut pipe = Pipe::new("p", (&b"one\n"[..]).chain(Broken), None, waker).unwrap();
        let (lines, warnings) = drain(&mut pipe, &wakings);
        assert_eq!(lines, [(0, b"one\n".to_vec())]);
        assert_eq!(warnings, ["p: torn; what came before was read"]);
    }
}
