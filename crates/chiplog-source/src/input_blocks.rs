//! The blocks of an input, whatever it is.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use chiplog_engine::Block;

use crate::{Decompressor, JournalReader, StreamBlocks};

/// The blocks of one [`Input`](crate::Input), see [`Input::blocks`](crate::Input::blocks).
pub struct InputBlocks {
    pub(crate) form: Form,
    pub(crate) raw_bytes: Arc<AtomicU64>,
}

pub(crate) enum Form {
    Stream(Box<StreamBlocks<Decompressor<Box<dyn Read + Send>>>>),
    Journal(Box<JournalReader>),
}

impl InputBlocks {
    /// The next lines, or `None` at the end. Never an empty block.
    ///
    /// # Errors
    ///
    /// An error of reading, once, after everything that was read before it has been handed over. After
    /// that comes `None`.
    pub fn next_block(&mut self) -> io::Result<Option<Block>> {
        match &mut self.form {
            Form::Stream(blocks) => blocks.next_block(),
            Form::Journal(blocks) => blocks.next_block(),
        }
    }

    /// Takes back the buffer of a block that is no longer needed.
    pub fn recycle(&mut self, block: Block) {
        match &mut self.form {
            Form::Stream(blocks) => blocks.recycle(block),
            Form::Journal(blocks) => blocks.recycle(block),
        }
    }

    /// Bytes as stored that were taken so far; see [`OpenInput::raw_bytes`](crate::OpenInput::raw_bytes).
    #[must_use]
    pub fn raw_bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.raw_bytes)
    }

    /// See [`StreamBlocks::troubles`].
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        match &self.form {
            Form::Stream(blocks) => blocks.troubles(),
            Form::Journal(blocks) => blocks.troubles().collect(),
        }
    }

    /// See [`StreamBlocks::lost_messages`].
    #[must_use]
    pub fn lost_messages(&self) -> u64 {
        match &self.form {
            Form::Stream(blocks) => blocks.lost_messages(),
            Form::Journal(_) => 0,
        }
    }

    /// See [`ExportReader::cursor`](crate::ExportReader::cursor).
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        match &self.form {
            Form::Stream(blocks) => blocks.cursor(),
            Form::Journal(_) => None,
        }
    }
}
