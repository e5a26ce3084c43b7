//! One thing to read.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use chiplog_engine::Elector;

use crate::input_blocks::Form;
use crate::{DecodeLimits, Decompressor, InputBlocks, JournalBytes, JournalReader, Limits, StreamBlocks};

/// One thing to read: standard input, a file or something like a pipe.
///
/// [`discover`](crate::discover) finds them; nothing is kept open until [`Input::open`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    kind: InputKind,
    modified_unix_nanos: Option<i64>,
    total_bytes: Option<u64>,
}

/// What an [`Input`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputKind {
    /// Standard input.
    Stdin,
    /// A regular file.
    File(PathBuf),
    /// A named pipe or a device: it has no size, and reading may wait for its writer.
    Stream(PathBuf),
    /// Journal files of one sequence.
    Journal {
        /// The file, or what several are below.
        path: PathBuf,
        /// The files.
        files: Vec<PathBuf>,
    },
}

/// An [`Input`] that is being read.
pub struct OpenInput {
    /// The text, decompressed where the input is compressed.
    pub reader: Decompressor<Box<dyn Read + Send>>,
    /// Bytes as stored that were taken so far. Moves while [`OpenInput::reader`] is read.
    ///
    /// Load it with `Ordering::Relaxed`: it is written so, as nothing else hangs on it. It may run
    /// past [`OpenInput::total_bytes`] when the file is being written.
    pub raw_bytes: Arc<AtomicU64>,
    /// Bytes as stored, if known.
    pub total_bytes: Option<u64>,
}

impl Input {
    /// Standard input.
    #[must_use]
    pub fn stdin() -> Input {
        Input { kind: InputKind::Stdin, modified_unix_nanos: None, total_bytes: None }
    }

    /// A file or stream at `path`, with what the file system says of it.
    pub(crate) fn at(path: PathBuf, metadata: &Metadata) -> Input {
        if metadata.is_file() {
            let modified_unix_nanos = modified_unix_nanos(metadata);
            Input { kind: InputKind::File(path), modified_unix_nanos, total_bytes: Some(metadata.len()) }
        } else {
            Input { kind: InputKind::Stream(path), modified_unix_nanos: None, total_bytes: None }
        }
    }

    /// Journal files of one sequence, below `path`.
    pub(crate) fn journal(path: PathBuf, files: Vec<PathBuf>, modified: Option<i64>, bytes: u64) -> Input {
        let kind = InputKind::Journal { path, files };
        Input { kind, modified_unix_nanos: modified, total_bytes: Some(bytes) }
    }

    /// What this is.
    #[must_use]
    pub fn kind(&self) -> &InputKind {
        &self.kind
    }

    /// Where this is; `None` for standard input.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.kind {
            InputKind::Stdin => None,
            InputKind::File(path) | InputKind::Stream(path) | InputKind::Journal { path, .. } => Some(path),
        }
    }

    /// Whether lines should be looked at as they come, see
    /// [`BlockReader::live`](crate::BlockReader::live).
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.kind, InputKind::Stdin | InputKind::Stream(_))
    }

    /// When a file was last written, in nanoseconds since 1970-01-01T00:00:00Z.
    ///
    /// The hint for lines that lack the year. A compressed file is usually written when its log
    /// was rotated, or keeps the time of the log.
    #[must_use]
    pub fn modified_unix_nanos(&self) -> Option<i64> {
        self.modified_unix_nanos
    }

    /// The size as stored when it was found, in bytes; `None` for what has none.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// Opens this for reading, with the default [`DecodeLimits`].
    ///
    /// Opening a named pipe waits for its writer.
    ///
    /// # Errors
    ///
    /// What the system says when a file cannot be opened. That a file is no valid compressed file
    /// shows only when it is read.
    pub fn open(&self) -> io::Result<OpenInput> {
        self.open_with(DecodeLimits::default())
    }

    /// Opens this and gives its blocks, decompressed where it is compressed: of lines, or of the
    /// entries of a journal.
    ///
    /// # Errors
    ///
    /// As [`Input::open`]. Of several journal files, those that cannot be opened are told at the end.
    pub fn blocks(&self, limits: Limits, elector: Option<Elector>) -> io::Result<InputBlocks> {
        if let InputKind::Journal { files, .. } = &self.kind {
            let is_several = files.len() > 1;
            let mut open: Vec<(String, JournalBytes)> = Vec::new();
            let mut failed: Vec<(String, io::Error)> = Vec::new();
            for path in files {
                let name = if is_several { path.to_string_lossy().into_owned() } else { String::new() };
                match File::open(path) {
                    Ok(file) => open.push((name, Box::new(file))),
                    Err(error) => failed.push((name, error)),
                }
            }
            if open.is_empty()
                && let Some((_, error)) = failed.pop()
            {
                return Err(error);
            }
            let mut reader = JournalReader::new(open, elector, limits);
            failed.into_iter().for_each(|(name, error)| reader.note_unopened(name, error));
            let raw_bytes = reader.stored_bytes();
            return Ok(InputBlocks { form: Form::Journal(Box::new(reader)), raw_bytes });
        }
        let OpenInput { reader, raw_bytes, .. } = self.open()?;
        let blocks = if self.is_live() {
            StreamBlocks::live(reader, limits)
        } else {
            StreamBlocks::new(reader, limits)
        };
        Ok(InputBlocks { form: Form::Stream(Box::new(blocks.with_elector(elector))), raw_bytes })
    }

    /// Opens this for reading, see [`Input::open`].
    ///
    /// # Errors
    ///
    /// As [`Input::open`].
    pub fn open_with(&self, limits: DecodeLimits) -> io::Result<OpenInput> {
        let raw: Box<dyn Read + Send> = match &self.kind {
            InputKind::Stdin => Box::new(io::stdin()),
            InputKind::File(path) | InputKind::Stream(path) => Box::new(File::open(path)?),
            InputKind::Journal { files, .. } => {
                Box::new(File::open(files.first().ok_or(io::ErrorKind::NotFound)?)?)
            }
        };
        let reader = Decompressor::new(raw, limits);
        let raw_bytes = reader.raw_bytes();
        Ok(OpenInput { reader, raw_bytes, total_bytes: self.total_bytes })
    }
}

/// When a file was last written.
pub(crate) fn modified_unix_nanos(metadata: &Metadata) -> Option<i64> {
    metadata.modified().ok().and_then(unix_nanos)
}

fn unix_nanos(time: SystemTime) -> Option<i64> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).ok(),
        Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|nanos| -nanos),
    }
}
