//! Blocks of whatever a byte stream is made of.

use std::io::{self, Chain, Cursor, Read};

use chiplog_engine::{Block, Elector};

use crate::block_reader::read_retrying;
use crate::content::JOURNAL_SIGNATURE;
use crate::journal::is_export;
use crate::{BlockReader, ExportDamage, ExportReader, JournalReader, Limits};

/// The [`Block`]s of a byte stream, as its first bytes say: of its lines, of the entries of an export
/// stream (`journalctl -o export`), or of those of a journal file.
///
/// A journal file cannot be read from front to back: it is read into memory, up to
/// [`StreamBlocks::MAX_JOURNAL_BYTES`]. What is beyond counts as cut off.
///
/// ```
/// use chiplog_source::{Limits, StreamBlocks};
/// let mut text = StreamBlocks::new(&b"one\ntwo\n"[..], Limits::default());
/// assert_eq!(text.next_block()?.unwrap().lines(), 2);
/// let mut export = StreamBlocks::new(&b"__CURSOR=s=1\nMESSAGE=one\n\n"[..], Limits::default());
/// assert_eq!(export.next_block()?.unwrap().lines(), 1);
/// # std::io::Result::Ok(())
/// ```
pub struct StreamBlocks<R> {
    form: Form<R>,
    limits: Limits,
    is_live: bool,
    elector: Option<Elector>,
    /// An error that came before the form was known, or cut a journal.
    failure: Option<io::Error>,
    /// The stream is `journalctl -o json`; `None` before its first line.
    is_journal_json: Option<bool>,
    lost_messages: u64,
    is_too_large: bool,
}

/// What a stream could not give, though it was read to here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamLoss {
    /// See [`StreamBlocks::lost_messages`].
    pub lost_messages: u64,
    /// Damage of an export stream.
    pub damage: ExportDamage,
}

type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

enum Form<R> {
    /// Not known yet.
    Unknown(Option<R>),
    Text(BlockReader<Whole<R>>),
    Export(Box<ExportReader<Whole<R>>>),
    Journal(Box<JournalReader>),
}

/// What a stream is made of.
enum Kind {
    Text,
    Export,
    Journal,
}

impl Kind {
    /// `None` if more must be read to tell.
    fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(JOURNAL_SIGNATURE) {
            return Some(Self::Journal);
        }
        match is_export(head) {
            Some(true) => Some(Self::Export),
            Some(false) if !JOURNAL_SIGNATURE.starts_with(head) => Some(Self::Text),
            _ => None,
        }
    }
}

/// Bytes that are read at once at the beginning.
const HEAD_BYTES: usize = 64 << 10;

impl<R: Read> StreamBlocks<R> {
    /// The largest journal file that is held in memory. journald's own files have half as much.
    pub const MAX_JOURNAL_BYTES: u64 = 256 << 20;

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
            elector: None,
            failure: None,
            is_journal_json: None,
            lost_messages: 0,
            is_too_large: false,
        }
    }

    /// The same, with entries of a journal file passed over that are not elected, see
    /// [`JournalReader`].
    #[must_use]
    pub fn with_elector(self, elector: Option<Elector>) -> Self {
        Self { elector, ..self }
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
            Form::Journal(reader) => reader.next_block()?,
        };
        match block {
            None => self.failure.take().map_or(Ok(None), Err),
            Some(block) => {
                if let Form::Text(_) = &self.form {
                    self.look_for_lost_messages(&block.bytes);
                }
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
            Form::Journal(reader) => reader.recycle(block),
        }
    }

    /// Entries of `journalctl -o json` that came without their message so far: where `--all` is not
    /// given, those of 4 KiB or more are printed as `null`.
    #[must_use]
    pub fn lost_messages(&self) -> u64 {
        self.lost_messages
    }

    /// What the stream could not give so far, for those who follow it.
    #[must_use]
    pub fn loss(&self) -> StreamLoss {
        let damage = match &self.form {
            Form::Export(reader) => reader.damage(),
            _ => ExportDamage::default(),
        };
        StreamLoss { lost_messages: self.lost_messages, damage }
    }

    /// What the stream could not give, though it was read: each in one line, for people. Known at the
    /// end.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let mut troubles = Vec::new();
        match &self.form {
            Form::Unknown(_) => {}
            Form::Text(_) if self.lost_messages > 0 => troubles.push(lost_messages(self.lost_messages)),
            Form::Text(_) => {}
            Form::Export(reader) => troubles.extend(reader.damage().describe()),
            Form::Journal(reader) => troubles.extend(reader.troubles()),
        }
        if self.is_too_large {
            let limit_mib = Self::MAX_JOURNAL_BYTES >> 20;
            troubles.push(format!("journal is longer than {limit_mib} MiB; its beginning was read"));
        }
        troubles
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
        let kind = loop {
            match read_retrying(&mut reader, &mut head[length..]) {
                Ok(0) => break Kind::Text,
                Ok(count) => length += count,
                Err(error) => {
                    self.failure = Some(error);
                    break Kind::Text;
                }
            }
            if let Some(kind) = Kind::of(&head[..length]) {
                break kind;
            }
        };
        head.truncate(length);
        self.form = match (kind, self.is_live) {
            (Kind::Journal, _) => Form::Journal(Box::new(self.read_journal(head, reader))),
            (Kind::Export, false) => {
                Form::Export(Box::new(ExportReader::new(Cursor::new(head).chain(reader), self.limits)))
            }
            (Kind::Export, true) => {
                Form::Export(Box::new(ExportReader::live(Cursor::new(head).chain(reader), self.limits)))
            }
            (Kind::Text, false) => Form::Text(BlockReader::new(Cursor::new(head).chain(reader), self.limits)),
            (Kind::Text, true) => Form::Text(BlockReader::live(Cursor::new(head).chain(reader), self.limits)),
        };
    }

    fn read_journal(&mut self, mut bytes: Vec<u8>, mut reader: R) -> JournalReader {
        let room = Self::MAX_JOURNAL_BYTES.saturating_sub(bytes.len() as u64);
        self.failure = reader.by_ref().take(room).read_to_end(&mut bytes).err();
        if self.failure.is_none() && bytes.len() as u64 == Self::MAX_JOURNAL_BYTES {
            self.is_too_large = read_retrying(&mut reader, &mut [0]).is_ok_and(|count| count > 0);
        }
        let file = (String::new(), Box::new(bytes) as _);
        JournalReader::new([file], self.elector.clone(), self.limits)
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

/// What to say of messages that `journalctl -o json` left out.
fn lost_messages(count: u64) -> String {
    let plural = if count == 1 { "y came without its message" } else { "ies came without their message" };
    format!("{count} entr{plural}: journalctl -o json leaves out those of 4 KiB or more; give it --all")
}
