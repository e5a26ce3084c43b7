//! A stream of bytes that someone else writes: standard input, a named pipe.

use std::io::{self, Read};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::pump::{Outlet, Pump, Pumped};
use crate::{
    Block, Decompressor, Delivery, Limits, Readiness, Source, Stream, StreamBlocks, StreamLoss, Waker,
};

/// Blocks that may wait between the reader and the owner.
const WAITING_AT_MOST: usize = 16;

/// Bytes handed over in one poll, about.
const POLL_BYTES: usize = 1 << 20;

/// A pipe as a [`Source`]. What was read from a pipe cannot be read again: lines that the owner
/// had not saved when it was killed are lost, and nobody knows how many.
///
/// The cursor is `{"offset":N,"after":..}`: where the next run counts on, with lines that are new
/// ones; and the place in the journal behind the last entry, if the pipe is an export stream, for
/// `journalctl --after-cursor`.
pub struct Pipe {
    stream: Stream,
    items: Pump<io::Result<Item>>,
    /// Where this run started in the stream.
    base: u64,
    offset: u64,
    after: Option<String>,
    has_ended: bool,
}

/// Lines, and what is known with them.
struct Item {
    block: Block,
    after: Option<String>,
    /// What the stream could not give since the block before.
    warnings: Vec<String>,
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
        let items = Pump::start(name, WAITING_AT_MOST, waker, move |outlet| read_all(reader, outlet))?;
        let cursor = cursor.unwrap_or(&Value::Null);
        let base = cursor["offset"].as_u64().unwrap_or(0);
        let after = cursor["after"].as_str().map(str::to_owned);
        let stream = Stream { name: Arc::from(name), modified_unix_nanos: None };
        Ok(Pipe { stream, items, base, offset: base, after, has_ended: false })
    }
}

/// Reads until the end, an error, or nobody who wants it.
fn read_all(reader: impl Read, outlet: &Outlet<io::Result<Item>>) {
    let mut blocks = StreamBlocks::live(reader, Limits::default());
    let mut known = StreamLoss::default();
    while let Some(block) = blocks.next_block().transpose() {
        let loss = blocks.loss();
        let mut warnings = Vec::new();
        if known.lost_messages == 0 && loss.lost_messages > 0 {
            warnings
                .push("messages of 4 KiB or more are missing: use journalctl --all, or -o export".to_owned());
        }
        if loss.damage.places > known.damage.places {
            warnings.push(format!("an export stream with {} damaged places so far", loss.damage.places));
        }
        known = loss;
        let after = blocks.cursor().map(str::to_owned);
        if outlet.put(block.map(|block| Item { block, after, warnings })).is_err() {
            break;
        }
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
            match self.items.take() {
                Pumped::Item(Ok(Item { mut block, after, warnings })) => {
                    for warning in warnings {
                        sink(Delivery::Warning(format!("{}: {warning}", self.name())));
                    }
                    self.after = after.or(self.after.take());
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
        json!({ "offset": self.offset, "after": self.after })
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
        assert_eq!(cursor, json!({ "offset": 8, "after": null }));
        let mut pipe = Pipe::new("p", &b"three\n"[..], Some(&cursor), waker).unwrap();
        assert_eq!(drain(&mut pipe, &wakings).0, [(8, b"three\n".to_vec())]);
        assert_eq!(pipe.cursor(), json!({ "offset": 14, "after": null }));
        assert_eq!(pipe.poll(&mut |_| panic!("it has ended")).unwrap(), Readiness::Idle);
    }

    #[test]
    fn an_export_stream_tells_its_place() {
        let (waker, wakings) = Wakings::new();
        let stream = b"__CURSOR=s=1;i=1\nMESSAGE=one\n\n__CURSOR=s=1;i=2\nMESSAGE=two\n\n";
        let mut pipe = Pipe::new("p", &stream[..], None, waker.clone()).unwrap();
        let (blocks, warnings) = drain(&mut pipe, &wakings);
        let lines: usize = blocks.iter().map(|(_, bytes)| chiplog_parse::lines(bytes).count()).sum();
        assert_eq!((lines, warnings), (2, vec![]));
        assert_eq!(pipe.cursor()["after"], "s=1;i=2");

        let json = b"{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":null,\"_PID\":\"1\"}\n";
        let mut pipe = Pipe::new("p", &json[..], Some(&pipe.cursor()), waker).unwrap();
        assert!(drain(&mut pipe, &wakings).1[0].contains("--all"));
        assert_eq!(pipe.cursor()["after"], "s=1;i=2");
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
