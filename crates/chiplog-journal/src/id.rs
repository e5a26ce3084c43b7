//! 128-bit identities.

use std::fmt;
use std::str::FromStr;

/// A 128-bit id as systemd has them: of a boot, a machine, a file, a sequence of numbers.
///
/// ```
/// use chiplog_journal::Id128;
///
/// let id: Id128 = "3493c43eae04496f971f1d562315e7c4".parse()?;
/// assert_eq!(id.to_string(), "3493c43eae04496f971f1d562315e7c4");
/// # Ok::<(), chiplog_journal::ParseIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id128(pub [u8; 16]);

impl Id128 {
    /// The id that says that there is none.
    #[must_use]
    pub const fn is_null(self) -> bool {
        u128::from_le_bytes(self.0) == 0
    }
}

impl fmt::Display for Id128 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Id128 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Id128 {
    type Err = ParseIdError;

    /// Reads 32 hexadecimal digits, or a UUID with its four hyphens.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let hyphens = [8, 13, 18, 23];
        let is_uuid = text.len() == 36 && hyphens.iter().all(|at| text.as_bytes()[*at] == b'-');
        let mut digits = [0; 32];
        let mut count = 0;
        for (at, byte) in text.bytes().enumerate() {
            if is_uuid && hyphens.contains(&at) {
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or(ParseIdError(()))?;
            *digits.get_mut(count).ok_or(ParseIdError(()))? = digit as u8;
            count += 1;
        }
        if count != digits.len() {
            return Err(ParseIdError(()));
        }
        let mut id = [0; 16];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(id))
    }
}

/// A text that is no 128-bit id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseIdError(());

impl fmt::Display for ParseIdError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("expected an id of 32 hexadecimal digits")
    }
}

impl std::error::Error for ParseIdError {}
