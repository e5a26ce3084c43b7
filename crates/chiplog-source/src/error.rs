//! What can be wrong with a compressed source.

use std::{error, fmt, io};

use crate::Compression;

/// Why a compressed source could not be read to its end.
///
/// Everything that was decoded before the trouble has been delivered by then. It reaches the
/// caller inside an [`io::Error`]; [`DecodeError::of`] finds it there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The source ends in the middle of compressed data.
    Truncated {
        /// The compression of the source.
        compression: Compression,
    },
    /// The data contradicts its format or its checksum.
    Corrupt {
        /// The compression of the source.
        compression: Compression,
        /// What the decoder says.
        detail: String,
    },
    /// Something that is not compressed data follows the compressed data.
    TrailingData {
        /// The compression of what came before.
        compression: Compression,
    },
    /// Decoding needs more memory than allowed.
    WindowTooLarge {
        /// The compression of the source.
        compression: Compression,
        /// The limit, see [`DecodeLimits::window_bytes`](crate::DecodeLimits::window_bytes).
        limit_bytes: u64,
    },
    /// The data grows more than any log does: it was made to exhaust its reader.
    ExpandsTooMuch {
        /// The compression of the source.
        compression: Compression,
        /// The limit, see [`DecodeLimits::expansion_ratio`](crate::DecodeLimits::expansion_ratio).
        limit_ratio: u64,
    },
}

impl DecodeError {
    /// The decode error inside an I/O error, if that is what it is.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&DecodeError> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Truncated { compression } => write!(f, "{compression} data is truncated"),
            DecodeError::Corrupt { compression, detail } => {
                write!(f, "{compression} data is damaged: {detail}")
            }
            DecodeError::TrailingData { compression } => {
                write!(f, "{compression} data is followed by other data, which was not read")
            }
            DecodeError::WindowTooLarge { compression, limit_bytes } => {
                let limit_mib = limit_bytes >> 20;
                write!(f, "{compression} data needs a window of more than {limit_mib} MiB to decode")
            }
            DecodeError::ExpandsTooMuch { compression, limit_ratio } => {
                write!(f, "{compression} data expands more than {limit_ratio} times, rest not read")
            }
        }
    }
}

impl error::Error for DecodeError {}

impl From<DecodeError> for io::Error {
    fn from(error: DecodeError) -> io::Error {
        let kind = match error {
            DecodeError::Truncated { .. } => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, error)
    }
}
