//! Reading of what may keep us waiting: standard input, named pipes.

use std::io;
use std::time::Instant;

use chiplog_engine::{Block, Elector};
use chiplog_source::{Input, Limits};
use crossbeam_channel::{Receiver, bounded, never, select};

use crate::interrupt::Interrupt;

/// Blocks that may wait between the reader and the rules: enough to keep both busy, little
/// enough to make the writer of the pipe wait instead of us growing.
const QUEUE: usize = 16;

/// Blocks from a thread that reads, so that a quiet pipe does not keep an interrupt waiting.
pub(crate) struct LiveReader {
    blocks: Receiver<io::Result<Delivery>>,
    interrupt: Interrupt,
    /// Blocks still to be taken after an interrupt: those that had been read by then.
    remaining: Option<usize>,
    heartbeat: Receiver<Instant>,
    lost_messages: u64,
    troubles: Vec<String>,
}

/// What the thread that reads hands over.
enum Delivery {
    /// A block, and how many messages were lost so far.
    Block(Block, u64),
    /// The end, and what could not be read.
    End(Vec<String>),
}

impl LiveReader {
    /// Opens the input and starts to read it.
    pub(crate) fn start(input: Input, elector: Option<Elector>, interrupt: Interrupt) -> io::Result<Self> {
        let (sender, blocks) = bounded(QUEUE);
        std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
            // That the other side has gone is no error: there is no one to read for.
            let mut reader = match input.blocks(Limits::default(), elector) {
                Ok(reader) => reader,
                Err(error) => return drop(sender.send(Err(error))),
            };
            while let Some(block) = reader.next_block().transpose() {
                let block = block.map(|block| Delivery::Block(block, reader.lost_messages()));
                if sender.send(block).is_err() {
                    return;
                }
            }
            let _ = sender.send(Ok(Delivery::End(reader.troubles())));
        })?;
        let (lost_messages, troubles) = (0, Vec::new());
        Ok(Self { blocks, interrupt, remaining: None, heartbeat: never(), lost_messages, troubles })
    }

    /// Entries that came without their message so far, in the blocks that were taken.
    pub(crate) fn lost_messages(&self) -> u64 {
        self.lost_messages
    }

    /// What could not be read. Known at the end.
    pub(crate) fn troubles(&self) -> &[String] {
        &self.troubles
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
                    let delivery = self.blocks.try_recv().ok().transpose()?;
                    return Ok(self.open(delivery));
                }
                None => select! {
                    recv(self.blocks) -> delivery => {
                        let delivery = delivery.ok().transpose()?;
                        return Ok(self.open(delivery));
                    }
                    recv(self.interrupt.stop) -> _ => self.remaining = Some(self.blocks.len()),
                    recv(self.heartbeat) -> _ => on_heartbeat(),
                },
            }
        }
    }

    fn open(&mut self, delivery: Option<Delivery>) -> Option<Block> {
        match delivery? {
            Delivery::Block(block, lost_messages) => {
                self.lost_messages = lost_messages;
                Some(block)
            }
            Delivery::End(troubles) => {
                self.troubles = troubles;
                None
            }
        }
    }
}
