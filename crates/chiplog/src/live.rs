//! Reading of what may keep us waiting: standard input, named pipes.

use std::io;
use std::time::Instant;

use chiplog_engine::Block;
use chiplog_source::{BlockReader, Input, Limits};
use crossbeam_channel::{Receiver, bounded, never, select};

use crate::interrupt::Interrupt;

/// Blocks that may wait between the reader and the rules: enough to keep both busy, little
/// enough to make the writer of the pipe wait instead of us growing.
const QUEUE: usize = 16;

/// Blocks from a thread that reads, so that a quiet pipe does not keep an interrupt waiting.
pub(crate) struct LiveReader {
    blocks: Receiver<io::Result<Block>>,
    interrupt: Interrupt,
    /// Blocks still to be taken after an interrupt: those that had been read by then.
    remaining: Option<usize>,
    heartbeat: Receiver<Instant>,
}

impl LiveReader {
    /// Opens the input and starts to read it.
    pub(crate) fn start(input: Input, interrupt: Interrupt) -> io::Result<Self> {
        let (sender, blocks) = bounded(QUEUE);
        std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
            // That the other side has gone is no error: there is no one to read for.
            let mut reader = match input.open() {
                Ok(open) => BlockReader::live(open.reader, Limits::default()),
                Err(error) => return drop(sender.send(Err(error))),
            };
            while let Some(block) = reader.next_block().transpose() {
                if sender.send(block).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { blocks, interrupt, remaining: None, heartbeat: never() })
    }

    /// The same, with `on_heartbeat` of [`LiveReader::next`] called at each beat.
    pub(crate) fn with_heartbeat(self, heartbeat: Receiver<Instant>) -> Self {
        Self { heartbeat, ..self }
    }

    /// Waits for the next block; `None` at the end, or when a signal has come and all is taken
    /// that had been read before it.
    pub(crate) fn next(&mut self, mut on_heartbeat: impl FnMut()) -> io::Result<Option<Block>> {
        loop {
            match &mut self.remaining {
                Some(0) => return Ok(None),
                Some(remaining) => {
                    *remaining -= 1;
                    return self.blocks.try_recv().ok().transpose();
                }
                None => select! {
                    recv(self.blocks) -> block => return block.ok().transpose(),
                    recv(self.interrupt.stop) -> _ => self.remaining = Some(self.blocks.len()),
                    recv(self.heartbeat) -> _ => on_heartbeat(),
                },
            }
        }
    }
}
