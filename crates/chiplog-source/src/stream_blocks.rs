//! Blocks of whatever a byte stream is made of.

use std::io::{self, Chain, Cursor, Read};

use chiplog_engine::Block;

use crate::block_reader::read_retrying;
use crate::journal::is_export;
use crate::{BlockReader, ExportDamage, ExportReader, Limits};

/// The [`Block`]s of a byte stream: of its lines, or of the entries of a journal if its first bytes
/// are those of an export stream (`journalctl -o export`).
///
/// ```
/// use chiplog_source::{Limits, StreamBlocks};
/// let mut text = StreamBlocks::new(&b"one\ntwo\n"[..], Limits::default());
/// assert_eq!(text.next_block()?.unwrap().lines(), 2);
/// let mut export = StreamBlocks::new(&b"__CURSOR=s=1\nMESSAGE=one\n\n"[..], Limits::default());
/// assert_eq!(export.next_block()?.unwrap().lines(), 1);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct StreamBlocks<R> {
    form: Form<R>,
    limits: Limits,
    is_live: bool,
    /// An error that came before the form was known.
    failure: Option<io::Error>,
    /// The stream is `journalctl -o json`; `None` before its first line.
    is_journal_json: Option<bool>,
    lost_messages: u64,
}

/// What a stream could not give, though it was read to here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamLoss {
    /// Entries of `journalctl -o json` without their message: without `--all`, those of 4 KiB or
    /// more are printed as `null`.
    pub lost_messages: u64,
    /// Damage of an export stream.
    pub damage: ExportDamage,
}

type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

#[derive(Debug)]
enum Form<R> {
    /// Not known yet.
    Unknown(Option<R>),
    Text(BlockReader<Whole<R>>),
    Export(Box<ExportReader<Whole<R>>>),
}

/// Bytes that are read at once at the beginning.
const HEAD_BYTES: usize = 64 << 10;

impl<R: Read> StreamBlocks<R> {
    /// The blocks of something that is complete, such as a file: they are filled.
    pub fn new(reader: R, limits: Limits) -> Self {
        Self::with_mode(reader, limits, false)
    }

    /// The blocks of something that is being written, such as a pipe: they are handed out as soon as
    /// there is a line or an entry.
    pub fn live(reader: R, limits: Limits) -> Self {
        Self::with_mode(reader, limits, true)
    }

    fn with_mode(reader: R, limits: Limits, is_live: bool) -> Self {
        Self {
            form: Form::Unknown(Some(reader)),
            limits,
            is_live,
            failure: None,
            is_journal_json: None,
            lost_messages: 0,
        }
    }

    /// The next lines, or `None` at the end of the stream. Never an empty block.
    ///
    /// # Errors
    ///
    /// An error of the reader, once, after everything that was read before it has been handed over.
    pub fn next_block(&mut self) -> io::Result<Option<Block>> {
        if let Form::Unknown(reader) = &mut self.form
            && let Some(reader) = reader.take()
        {
            self.begin(reader);
        }
        let block = match &mut self.form {
            Form::Unknown(_) => None,
            Form::Text(reader) => reader.next_block().inspect_err(|_| self.failure = None)?,
            Form::Export(reader) => reader.next_block().inspect_err(|_| self.failure = None)?,
        };
        match block {
            None => self.failure.take().map_or(Ok(None), Err),
            Some(block) => {
                self.look_for_lost_messages(&block.bytes);
                Ok(Some(block))
            }
        }
    }

    /// Takes back the buffer of a block that is no longer needed.
    pub fn recycle(&mut self, block: Block) {
        match &mut self.form {
            Form::Unknown(_) => {}
            Form::Text(reader) => reader.recycle(block),
            Form::Export(reader) => reader.recycle(block),
        }
    }

    /// What the stream could not give so far.
    #[must_use]
    pub fn loss(&self) -> StreamLoss {
        let damage = match &self.form {
            Form::Export(reader) => reader.damage(),
            _ => ExportDamage::default(),
        };
        StreamLoss { lost_messages: self.lost_messages, damage }
    }

    /// See [`ExportReader::cursor`].
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        match &self.form {
            Form::Export(reader) => reader.cursor(),
            _ => None,
        }
    }

    /// Reads as much as tells what the stream is made of.
    fn begin(&mut self, mut reader: R) {
        let mut head = vec![0; HEAD_BYTES];
        let mut length = 0;
        let is_export = loop {
            match read_retrying(&mut reader, &mut head[length..]) {
                Ok(0) => break false,
                Ok(count) => length += count,
                Err(error) => {
                    self.failure = Some(error);
                    break false;
                }
            }
            if let Some(is_export) = is_export(&head[..length]) {
                break is_export;
            }
        };
        head.truncate(length);
        let whole = Cursor::new(head).chain(reader);
        self.form = match (is_export, self.is_live) {
            (true, false) => Form::Export(Box::new(ExportReader::new(whole, self.limits))),
            (true, true) => Form::Export(Box::new(ExportReader::live(whole, self.limits))),
            (false, false) => Form::Text(BlockReader::new(whole, self.limits)),
            (false, true) => Form::Text(BlockReader::live(whole, self.limits)),
        };
    }

    /// Counts what `journalctl -o json` left out. Only where its first line says that it is that.
    fn look_for_lost_messages(&mut self, text: &[u8]) {
        let is_journal_json = *self.is_journal_json.get_or_insert_with(|| {
            let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let object = line.strip_prefix(b"\x1e").or(line.strip_prefix(b"data: ")).unwrap_or(line);
            object.starts_with(b"{") && memchr::memmem::find(object, b"\"__REALTIME_TIMESTAMP\"").is_some()
        });
        if is_journal_json {
            // In the text of a message, the quotes would be escaped.
            self.lost_messages += memchr::memmem::find_iter(text, b"\"MESSAGE\":null").count() as u64;
        }
    }
}
