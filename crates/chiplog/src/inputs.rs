//! From paths to blocks, with everything that is left out said.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chiplog_engine::{Block, BlockSource, Elector};
use chiplog_report::Thousands;
use chiplog_source::{Input, InputBlocks, Limits, SkipReason, Skipped, discover};

use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::live::LiveReader;
use crate::progress::Progress;
use crate::talk::Talk;

/// What is to be read, and whether something that may matter is not.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) list: Vec<Input>,
    /// Something was skipped that may hold log lines.
    pub(crate) is_incomplete: bool,
}

/// Finds the inputs under the paths; none is standard input.
pub(crate) fn gather(paths: &[PathBuf], talk: &Talk) -> Result<Inputs, Failure> {
    if paths.is_empty() {
        if io::stdin().is_terminal() {
            return Err(Failure::usage("nothing to read: name a file, or pipe lines in"));
        }
        return Ok(Inputs { list: vec![Input::stdin()], is_incomplete: false });
    }
    let (list, skipped) = discover(paths);
    let mut is_incomplete = false;
    let mut others = 0;
    for skipped in &skipped {
        is_incomplete |= tell_skipped(skipped, talk, &mut others);
    }
    if others > 0 {
        let plural = if others == 1 { "" } else { "s" };
        talk.note(&format!(
            "note: {} other file{plural} left out: not text, or read under another name",
            Thousands(others)
        ));
    }
    if list.is_empty() {
        // Why has been said for each path.
        return Err(if is_incomplete {
            Failure::Told(Exit::NoInput)
        } else {
            Failure::no_input("nothing to read")
        });
    }
    Ok(Inputs { list, is_incomplete })
}

/// Returns whether what is skipped may hold log lines.
fn tell_skipped(skipped: &Skipped, talk: &Talk, others: &mut u64) -> bool {
    let message = format!("{}: {}", skipped.path.display(), skipped.reason);
    match &skipped.reason {
        SkipReason::SameAs(_) => {}
        SkipReason::Binary | SkipReason::NotAFile if !skipped.named => {}
        reason if skipped.named => {
            talk.error(&message, reason.hint());
            return true;
        }
        reason => {
            talk.warning("inputs that cannot be read", &message, reason.hint());
            return true;
        }
    }
    if talk.verbose {
        talk.note(&format!("note: {message}"));
    } else {
        *others += 1;
    }
    false
}

/// The name of an input in reports.
pub(crate) fn name(input: &Input) -> Arc<str> {
    input.path().map_or_else(|| Arc::from("stdin"), |path| Arc::from(path.to_string_lossy()))
}

/// The bytes of all inputs, as stored; 0 if one has no size.
pub(crate) fn total_bytes(inputs: &[Input]) -> u64 {
    inputs.iter().try_fold(0u64, |sum, input| sum.checked_add(input.total_bytes()?)).unwrap_or(0)
}

enum Reader {
    File(Box<InputBlocks>),
    Live(LiveReader),
}

impl Reader {
    /// Opens an input. Also tells where the bytes are counted that were read of a file.
    fn open(
        input: &Input,
        elector: Option<&Elector>,
        interrupt: &Interrupt,
    ) -> io::Result<(Self, Arc<AtomicU64>)> {
        if input.is_live() {
            let reader = LiveReader::start(input.clone(), elector.cloned(), interrupt.clone())?;
            return Ok((Self::Live(reader), Arc::default()));
        }
        let blocks = input.blocks(Limits::default(), elector.cloned())?;
        let raw_bytes = blocks.raw_bytes();
        Ok((Self::File(Box::new(blocks)), raw_bytes))
    }

    fn lost_messages(&self) -> u64 {
        match self {
            Self::File(blocks) => blocks.lost_messages(),
            Self::Live(reader) => reader.lost_messages(),
        }
    }

    /// What could not be read, known at the end.
    fn troubles(&self) -> Vec<String> {
        match self {
            Self::File(blocks) => blocks.troubles(),
            Self::Live(reader) => reader.troubles().to_vec(),
        }
    }
}

/// Blocks of one input until its end, an error or an interrupt.
pub(crate) struct Blocks<'a> {
    reader: Reader,
    raw_bytes: Arc<AtomicU64>,
    name: Arc<str>,
    interrupt: &'a Interrupt,
    progress: &'a RefCell<Progress>,
    talk: &'a Talk,
    failure: Option<String>,
    lost_messages: LostMessages,
}

impl<'a> Blocks<'a> {
    /// Opens an input; `None` if it cannot be, which has then been said. With an elector, entries of
    /// journals that are not elected are passed over.
    pub(crate) fn open(
        input: &Input,
        elector: Option<&Elector>,
        interrupt: &'a Interrupt,
        progress: &'a RefCell<Progress>,
        talk: &'a Talk,
    ) -> Option<Self> {
        let name = name(input);
        match Reader::open(input, elector, interrupt) {
            Ok((reader, raw_bytes)) => {
                let lost_messages = LostMessages::default();
                Some(Self {
                    reader,
                    raw_bytes,
                    name,
                    interrupt,
                    progress,
                    talk,
                    failure: None,
                    lost_messages,
                })
            }
            Err(error) => {
                progress.borrow_mut().clear();
                talk.warning("inputs that cannot be read", &format!("{name}: cannot be read: {error}"), None);
                None
            }
        }
    }

    /// The next block, until the end, an error or an interrupt.
    pub(crate) fn next(&mut self) -> Option<Block> {
        let Ok(block) = self.next_block();
        block
    }

    /// Why not all was read, if it was not; that has been said.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

impl Blocks<'_> {
    fn fail(&mut self, message: &str) {
        self.progress.borrow_mut().clear();
        self.talk.warning("inputs that were read in part", &format!("{}: {message}", self.name), None);
        match &mut self.failure {
            Some(failure) => failure.push_str(&format!("; {message}")),
            None => self.failure = Some(message.to_owned()),
        }
    }
}

/// Messages that `journalctl -o json` left out: said at once, since the stream may go on for days,
/// and how many at the end.
#[derive(Debug, Default)]
pub(crate) struct LostMessages {
    is_told: bool,
}

impl LostMessages {
    pub(crate) fn tell_first(&mut self, name: &str, count: u64, talk: &Talk) {
        if count > 0 && !self.is_told {
            self.is_told = true;
            let message = format!("{name}: journalctl leaves out messages of 4 KiB or more; they are lost");
            let hint = "journalctl -o json --all, or -o export";
            talk.warning("streams without long messages", &message, Some(hint));
        }
    }
}

impl BlockSource for Blocks<'_> {
    /// To whom the blocks go, an input that breaks off is one that ends.
    type Error = Infallible;

    fn next_block(&mut self) -> Result<Option<Block>, Infallible> {
        if self.failure.is_some() {
            return Ok(None);
        }
        self.progress.borrow_mut().update(self.raw_bytes.load(Ordering::Relaxed), &self.name);
        let block = match &mut self.reader {
            Reader::File(_) if self.interrupt.raised() => Ok(None),
            Reader::File(reader) => reader.next_block(),
            Reader::Live(reader) => reader.next(|| {}),
        };
        self.lost_messages.tell_first(&self.name, self.reader.lost_messages(), self.talk);
        let block = block.unwrap_or_else(|error| {
            self.fail(&format!("{error}; what came before was read"));
            None
        });
        if block.is_none() {
            for trouble in self.reader.troubles() {
                self.fail(&trouble);
            }
        }
        Ok(block)
    }

    fn recycle(&mut self, block: Block) {
        match &mut self.reader {
            Reader::File(reader) => reader.recycle(block),
            Reader::Live(_) => drop(block),
        }
    }
}

impl Drop for Blocks<'_> {
    fn drop(&mut self) {
        self.progress.borrow_mut().input_done(self.raw_bytes.load(Ordering::Relaxed));
    }
}

/// Whether a path is one of rules rather than of lines.
pub(crate) fn is_rule_path(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml") || path.is_dir()
}
