//! The logs of all inputs, one after the other, as blocks.
//!
//! A file is read and decompressed on a thread of its own, ahead of whoever takes its blocks: a bounded
//! channel of blocks is between them, and buffers go back through another.

use std::convert::Infallible;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec;

use chiplog_engine::{Archive, Block, BlockSource, Warning};
use chiplog_source::{
    Elector, Found, Input, InputKind, JournalMembers, Limits, Member, MemberCounts, MemberJournal,
    SkipReason, StreamBlocks, Walker,
};
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::inputs::{LeftOut, Log, LostMessages, Outcome};
use crate::interrupt::Interrupt;
use crate::live::LiveReader;
use crate::progress::Progress;
use crate::talk::Talk;

/// Blocks that may wait between the thread that reads and the rules.
const QUEUE: usize = 4;

/// Warnings that are kept for the report; all are counted on the terminal.
const MAX_WARNINGS: usize = 1_000;

/// What the thread that reads tells.
enum Event {
    Begin(Log),
    Block(Block),
    /// The end of a log, why it came early, and what could not be read of it.
    End(Option<io::Error>, Vec<String>),
    LeftOut {
        name: String,
        reason: SkipReason,
    },
    Trouble {
        name: String,
        message: String,
    },
    Archive {
        name: String,
        counts: MemberCounts,
    },
    /// The end of the input, and why it could not be opened.
    Closed(Box<Walker>, io::Result<()>),
}

/// An input that is read.
enum Current {
    None,
    File { events: Receiver<Event>, recycled: Sender<Block> },
    Live(LiveReader),
}

/// Logs of inputs, and the blocks of the one at hand.
pub(crate) struct Reading<'a> {
    inputs: vec::IntoIter<Input>,
    /// What tells which entries of journals are looked at; all of them if there is none.
    elector: Option<Elector>,
    /// With the thread that reads, while there is one.
    walker: Option<Walker>,
    current: Current,
    /// Of the input at hand.
    input_name: Arc<str>,
    /// Of the log at hand.
    name: Arc<str>,
    /// There are more blocks of the log at hand.
    has_more: bool,
    raw_bytes: Arc<AtomicU64>,
    interrupt: Interrupt,
    progress: Progress,
    talk: &'a Talk,
    left_out: LeftOut,
    lost_messages: LostMessages,
    outcome: Outcome,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(inputs: Vec<Input>, interrupt: Interrupt, progress: Progress, talk: &'a Talk) -> Self {
        Self {
            inputs: inputs.into_iter(),
            elector: None,
            walker: Some(Walker::default()),
            current: Current::None,
            input_name: Arc::default(),
            name: Arc::default(),
            has_more: false,
            raw_bytes: Arc::default(),
            interrupt,
            progress,
            talk,
            left_out: LeftOut::default(),
            lost_messages: LostMessages::default(),
            outcome: Outcome::default(),
        }
    }

    /// The same, with entries of journals passed over that are not elected.
    pub(crate) fn with_elector(self, elector: Option<Elector>) -> Self {
        Self { elector, ..self }
    }

    /// Goes to the next log, whatever was read of the last; `None` behind the last one, and when there
    /// was an interrupt. What cannot be opened is said.
    pub(crate) fn next_log(&mut self) -> Option<Log> {
        while self.has_more {
            self.next();
        }
        loop {
            if self.interrupt.raised() {
                self.current = Current::None;
                return None;
            }
            match &self.current {
                Current::File { events, .. } => {
                    // Without a sender the thread has panicked, which has been said.
                    let found = match events.recv() {
                        Ok(event) => self.take(event),
                        Err(_) => self.close(),
                    };
                    if found.is_some() {
                        return found;
                    }
                }
                Current::Live(_) => _ = self.close(),
                Current::None => {
                    let input = self.inputs.next()?;
                    let found = self.open(&input);
                    if found.is_some() {
                        return found;
                    }
                }
            }
        }
    }

    fn open(&mut self, input: &Input) -> Option<Log> {
        let log = Log::live(input);
        self.input_name = Arc::clone(&log.name);
        self.raw_bytes = Arc::default();
        let opened = if input.is_live() {
            LiveReader::start(input.clone(), self.elector.clone(), self.interrupt.clone()).map(Current::Live)
        } else {
            let walker = self.walker.take().unwrap_or_default();
            start(input.clone(), self.elector.clone(), walker, Arc::clone(&self.raw_bytes))
        };
        match opened {
            Ok(current) => self.current = current,
            Err(error) => {
                self.cannot_open(&error);
                return None;
            }
        }
        input.is_live().then(|| self.begin(log))
    }

    fn begin(&mut self, log: Log) -> Log {
        self.outcome.opened += 1;
        self.has_more = true;
        self.name = Arc::clone(&log.name);
        log
    }

    /// Leaves the input at hand.
    fn close(&mut self) -> Option<Log> {
        self.current = Current::None;
        self.progress.input_done(self.raw_bytes.load(Ordering::Relaxed));
        None
    }

    /// Takes an event between two logs.
    fn take(&mut self, event: Event) -> Option<Log> {
        match event {
            Event::Begin(log) => return Some(self.begin(log)),
            Event::Block(_) | Event::End(..) => {}
            Event::LeftOut { name, reason } => {
                self.progress.clear();
                if self.left_out.tell(&name, &reason, false, self.talk) {
                    self.warn(name, reason.to_string());
                }
            }
            Event::Trouble { name, message } => self.read_in_part(name, message),
            Event::Archive { name, counts } => {
                let MemberCounts { logs, others, duplicates, .. } = counts;
                self.outcome.archives.push(Archive { name: Arc::from(name), logs, others, duplicates });
            }
            Event::Closed(walker, opened) => {
                self.walker = Some(*walker);
                self.close();
                if let Err(error) = opened {
                    self.cannot_open(&error);
                }
            }
        }
        None
    }

    fn cannot_open(&mut self, error: &io::Error) {
        self.progress.clear();
        self.outcome.is_incomplete = true;
        let message = format!("{}: cannot be read: {error}", self.input_name);
        self.talk.warning("inputs that cannot be read", &message, None);
    }

    fn read_in_part(&mut self, name: String, message: String) {
        self.progress.clear();
        self.talk.warning("inputs that were read in part", &format!("{name}: {message}"), None);
        self.warn(name, message);
    }

    fn warn(&mut self, name: String, message: String) {
        self.outcome.is_incomplete = true;
        if self.outcome.warnings.len() < MAX_WARNINGS {
            self.outcome.warnings.push(Warning { source: Some(Arc::from(name)), message });
        }
    }

    /// The next block of the log, until its end, an error or an interrupt.
    pub(crate) fn next(&mut self) -> Option<Block> {
        if !self.has_more {
            return None;
        }
        self.progress.update(self.raw_bytes.load(Ordering::Relaxed), &self.name);
        let mut troubles = Vec::new();
        let block = match &mut self.current {
            Current::None => Ok(None),
            Current::Live(reader) => {
                let block = reader.next(|| {});
                self.lost_messages.tell_first(&self.name, reader.lost_messages(), self.talk);
                if matches!(block, Ok(None)) {
                    troubles = reader.troubles().to_vec();
                }
                block
            }
            Current::File { .. } if self.interrupt.raised() => Ok(None),
            Current::File { events, .. } => match events.recv() {
                Ok(Event::Block(block)) => Ok(Some(block)),
                Ok(Event::End(failure, lost)) => {
                    troubles = lost;
                    failure.map_or(Ok(None), Err)
                }
                Ok(_) | Err(_) => Ok(None),
            },
        };
        let block = block.unwrap_or_else(|error| {
            self.read_in_part(self.name.to_string(), format!("{error}; what came before was read"));
            None
        });
        for trouble in troubles {
            self.read_in_part(self.name.to_string(), trouble);
        }
        self.has_more = block.is_some();
        block
    }

    /// Whether there was an interrupt.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.raised()
    }

    /// What came of it.
    pub(crate) fn finish(mut self) -> Outcome {
        self.progress.clear();
        self.left_out.finish(self.talk);
        self.outcome
    }
}

impl BlockSource for Reading<'_> {
    /// To whom the blocks go, a log that breaks off is one that ends.
    type Error = Infallible;

    fn next_block(&mut self) -> Result<Option<Block>, Infallible> {
        Ok(self.next())
    }

    fn recycle(&mut self, block: Block) {
        if let Current::File { recycled, .. } = &self.current {
            // If they come back faster than they are filled, some are dropped.
            let _ = recycled.try_send(block);
        }
    }
}

/// Reads an input on a thread of its own.
fn start(
    input: Input,
    elector: Option<Elector>,
    mut walker: Walker,
    raw_bytes: Arc<AtomicU64>,
) -> io::Result<Current> {
    let (sender, events) = bounded(QUEUE);
    let (recycled, buffers) = bounded(2 * QUEUE);
    let mut passing = Passing { sender, buffers, elector, journals: JournalMembers::default() };
    std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
        // That the other side has gone is no error: there is no one to read for.
        let opened = if let InputKind::Journal { .. } = input.kind() {
            passing.journal_input(&input, &raw_bytes)
        } else {
            let opened = walker.walk_counted(&input, &raw_bytes, &mut |found| match passing.pass_on(found) {
                Ok(()) => ControlFlow::Continue(()),
                Err(Gone) => ControlFlow::Break(()),
            });
            let _ = passing.journals();
            opened
        };
        let _ = passing.sender.send(Event::Closed(Box::new(walker), opened));
    })?;
    Ok(Current::File { events, recycled })
}

/// Whoever takes the blocks has gone.
struct Gone;

/// What the thread that reads hands over, and what it holds.
struct Passing {
    sender: Sender<Event>,
    buffers: Receiver<Block>,
    elector: Option<Elector>,
    /// Journals of the input at hand.
    journals: JournalMembers,
}

impl Passing {
    fn send(&self, event: Event) -> Result<(), Gone> {
        self.sender.send(event).map_err(|_| Gone)
    }

    fn pass_on(&mut self, found: Found<'_>) -> Result<(), Gone> {
        match found {
            Found::Member(member) if member.is_journal => self.hold(member),
            Found::Member(Member { name, reader, modified_unix_nanos, origin, .. }) => {
                let log = Log {
                    name: Arc::from(name),
                    modified_unix_nanos,
                    origin,
                    is_stdin: false,
                    is_live: false,
                };
                let mut blocks = StreamBlocks::new(reader, Limits::default());
                let end = self.log(log, &mut blocks, StreamBlocks::next_block, StreamBlocks::recycle)?;
                self.send(Event::End(end, blocks.troubles()))
            }
            Found::LeftOut { name, reason } => self.send(Event::LeftOut { name: name.to_owned(), reason }),
            Found::Trouble { name, message } => self.send(Event::Trouble { name: name.to_owned(), message }),
            Found::Archive { name, counts } => {
                // Their logs come before the sum over them.
                self.journals()?;
                self.send(Event::Archive { name: name.to_owned(), counts })
            }
        }
    }

    /// Hands over a log but for its end: why that came early.
    fn log<B>(
        &self,
        log: Log,
        blocks: &mut B,
        next: impl Fn(&mut B) -> io::Result<Option<Block>>,
        recycle: impl Fn(&mut B, Block),
    ) -> Result<Option<io::Error>, Gone> {
        self.send(Event::Begin(log))?;
        loop {
            self.buffers.try_iter().for_each(|block| recycle(blocks, block));
            match next(blocks) {
                Ok(Some(block)) => self.send(Event::Block(block))?,
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(error)),
            }
        }
    }

    fn journal_input(&self, input: &Input, raw_bytes: &AtomicU64) -> io::Result<()> {
        let mut blocks = input.blocks(Limits::default(), self.elector.clone())?;
        let stored = blocks.raw_bytes();
        let log = Log::file(input);
        let next = |blocks: &mut chiplog_source::InputBlocks| {
            let block = blocks.next_block();
            raw_bytes.store(stored.load(Ordering::Relaxed), Ordering::Relaxed);
            block
        };
        if let Ok(end) = self.log(log, &mut blocks, next, chiplog_source::InputBlocks::recycle) {
            let _ = self.send(Event::End(end, blocks.troubles()));
        }
        Ok(())
    }

    /// Keeps a journal: others of its sequence may follow, and it cannot be read from front to back.
    fn hold(&mut self, member: Member<'_>) -> Result<(), Gone> {
        let Member { name, reader, modified_unix_nanos, origin, .. } = member;
        let message = match self.journals.add(name, reader, modified_unix_nanos, origin) {
            Ok(true) => None,
            Ok(false) => {
                let limit_mib = JournalMembers::MAX_HELD_BYTES >> 20;
                Some(format!("journal is longer than {limit_mib} MiB; its beginning was read"))
            }
            Err(error) => Some(format!("{error}; what came before was read")),
        };
        if let Some(message) = message {
            self.send(Event::Trouble { name: name.to_owned(), message })?;
        }
        if self.journals.is_full() { self.journals() } else { Ok(()) }
    }

    /// Hands over the journals that are held.
    fn journals(&mut self) -> Result<(), Gone> {
        for journal in self.journals.take(self.elector.as_ref(), Limits::default()) {
            let MemberJournal { name, modified_unix_nanos, origin, mut reader } = journal;
            let log =
                Log { name: Arc::from(name), modified_unix_nanos, origin, is_stdin: false, is_live: false };
            let end = self.log(
                log,
                &mut reader,
                chiplog_source::JournalReader::next_block,
                chiplog_source::JournalReader::recycle,
            )?;
            self.send(Event::End(end, reader.troubles().collect()))?;
        }
        Ok(())
    }
}
