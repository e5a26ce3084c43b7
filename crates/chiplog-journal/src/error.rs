//! Why a journal cannot be opened, or a value not be read.

use std::{error, fmt, io};

/// Why a file cannot be read as a journal.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The system cannot read it.
    Io(io::Error),
    /// It does not begin as a journal does.
    NotAJournal,
    /// It ends within its header.
    Truncated,
    /// It was written in a way that this release does not know.
    Incompatible {
        /// The flags that are not known.
        unknown_flags: u32,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(formatter),
            Self::NotAJournal => formatter.write_str("not a systemd journal"),
            Self::Truncated => formatter.write_str("journal ends within its header"),
            Self::Incompatible { unknown_flags } => {
                write!(formatter, "journal has unknown incompatible flags {unknown_flags:#x}")
            }
        }
    }
}

impl error::Error for OpenError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Why a value cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataError {
    /// The system cannot read the file.
    Io(io::Error),
    /// No data object stands there, or not all of it.
    NotData,
    /// It is not of the form `FIELD=value`.
    NoFieldName,
    /// It is larger than [`Limits::data_bytes`](crate::Limits::data_bytes).
    TooLarge,
    /// It cannot be decompressed.
    Corrupt,
}

impl fmt::Display for DataError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Io(error) => return error.fmt(formatter),
            Self::NotData => "no whole data object stands there",
            Self::NoFieldName => "data without a field name",
            Self::TooLarge => "data is larger than the limit",
            Self::Corrupt => "data cannot be decompressed",
        })
    }
}

impl error::Error for DataError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for DataError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
