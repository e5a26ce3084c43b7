//! From paths to blocks, with everything that is left out said.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chiplog_engine::{Block, BlockSource};
use chiplog_report::Thousands;
use chiplog_source::{BlockReader, Decompressor, Input, Limits, OpenInput, SkipReason, Skipped, discover};

use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
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

/// Blocks of one input until its end, an error or an interrupt.
pub(crate) struct Blocks<'a> {
    reader: BlockReader<Decompressor<Box<dyn io::Read + Send>>>,
    raw_bytes: Arc<AtomicU64>,
    name: Arc<str>,
    interrupt: &'a Interrupt,
    progress: &'a RefCell<Progress>,
    talk: &'a Talk,
    failure: Option<String>,
}

impl<'a> Blocks<'a> {
    /// Opens an input; `None` if it cannot be, which has then been said.
    pub(crate) fn open(
        input: &Input,
        interrupt: &'a Interrupt,
        progress: &'a RefCell<Progress>,
        talk: &'a Talk,
    ) -> Option<Self> {
        let name = name(input);
        match input.open() {
            Ok(OpenInput { reader, raw_bytes, .. }) => {
                let limits = Limits::default();
                let reader = if input.is_live() {
                    BlockReader::live(reader, limits)
                } else {
                    BlockReader::new(reader, limits)
                };
                Some(Self { reader, raw_bytes, name, interrupt, progress, talk, failure: None })
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

    /// Why reading ended early, if it did; that has been said.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

impl BlockSource for Blocks<'_> {
    /// To whom the blocks go, an input that breaks off is one that ends.
    type Error = Infallible;

    fn next_block(&mut self) -> Result<Option<Block>, Infallible> {
        if self.failure.is_some() || self.interrupt.raised() {
            return Ok(None);
        }
        self.progress.borrow_mut().update(self.raw_bytes.load(Ordering::Relaxed), &self.name);
        Ok(self.reader.next_block().unwrap_or_else(|error| {
            self.progress.borrow_mut().clear();
            let message = format!("{error}; what came before was read");
            self.talk.warning("inputs that were read in part", &format!("{}: {message}", self.name), None);
            self.failure = Some(message);
            None
        }))
    }

    fn recycle(&mut self, block: Block) {
        self.reader.recycle(block);
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
