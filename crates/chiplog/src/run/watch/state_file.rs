//! The bytes of a checkpoint.
//!
//! ```text
//! file    = "chiplog\n" version(u32) checksum(u32) length(u64) body
//! body    = part(head as JSON) part(report as JSON) session
//! part    = length(u64) bytes
//! ```
//!
//! Numbers are little-endian. The checksum is the CRC-32 of the body, whose length is given before
//! it. The report is what `chiplog state show` prints: it can be read without the rules.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

const MAGIC: &[u8; 8] = b"chiplog\n";

/// Of the head and of the session together: raised when either is no longer read as before.
const VERSION: u32 = 1;

/// A checkpoint: what was read and what came of it, at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) head: Head,
    /// What people and programs are shown of it: JSON, `chiplog.state.v1`.
    pub(crate) report: Vec<u8>,
    /// What the engine saved.
    pub(crate) session: Vec<u8>,
}

/// What the daemon itself knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// When the first run started that this state goes back to, in nanoseconds since the epoch.
    pub(crate) started_unix_nanos: i64,
    /// How far each source was read, by name.
    pub(crate) cursors: BTreeMap<String, Value>,
    /// Lines that sources know are missing.
    pub(crate) losses: Vec<Lost>,
}

/// What is missing of a stream, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lost {
    pub(crate) stream: String,
    pub(crate) reason: String,
    /// How often it happened.
    pub(crate) times: u64,
    /// Lines; at least so many if it is not known of each time.
    pub(crate) lines: u64,
    /// Bytes; at least so many if it is not known of each time.
    pub(crate) bytes: u64,
}

/// Why bytes are no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Another program's file.
    Foreign,
    /// Written by another version of this program.
    Version(u32),
    /// Cut or changed.
    Damaged,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("not a state of chiplog"),
            Self::Version(version) => {
                write!(f, "written by another version of chiplog (format {version}, expected {VERSION})")
            }
            Self::Damaged => f.write_str("damaged"),
        }
    }
}

impl State {
    /// Nothing was read yet.
    pub(crate) fn new(started_unix_nanos: i64) -> Self {
        let head = Head { started_unix_nanos, ..Head::default() };
        Self { head, report: vec![], session: vec![] }
    }

    pub(crate) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let head = serde_json::to_vec(&self.head)?;
        let mut body = Vec::with_capacity(16 + head.len() + self.report.len() + self.session.len());
        for part in [&head, &self.report] {
            body.extend_from_slice(&(part.len() as u64).to_le_bytes());
            body.extend_from_slice(part);
        }
        body.extend_from_slice(&self.session);
        let mut bytes = Vec::with_capacity(24 + body.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&body);
        Ok(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(if bytes.is_empty() {
            // A file that was made and not written.
            Unreadable::Damaged
        } else {
            Unreadable::Foreign
        })?;
        let (version, rest) = rest.split_first_chunk().ok_or(Unreadable::Damaged)?;
        let version = u32::from_le_bytes(*version);
        if version != VERSION {
            return Err(Unreadable::Version(version));
        }
        let (checksum, rest) = rest.split_first_chunk().ok_or(Unreadable::Damaged)?;
        let (length, body) = rest.split_first_chunk().ok_or(Unreadable::Damaged)?;
        let is_whole = u64::from_le_bytes(*length) == body.len() as u64
            && u32::from_le_bytes(*checksum) == crc32fast::hash(body);
        if !is_whole {
            return Err(Unreadable::Damaged);
        }
        let (head, rest) = part(body).ok_or(Unreadable::Damaged)?;
        let (report, session) = part(rest).ok_or(Unreadable::Damaged)?;
        let head = serde_json::from_slice(head).map_err(|_| Unreadable::Damaged)?;
        Ok(Self { head, report: report.to_vec(), session: session.to_vec() })
    }
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state() -> State {
        State {
            head: Head {
                started_unix_nanos: 7,
                cursors: BTreeMap::from([("files".to_owned(), json!({ "offset": u64::MAX }))]),
                losses: vec![],
            },
            report: b"{}".to_vec(),
            session: vec![0, 1, 2],
        }
    }

    #[test]
    fn round_trip() {
        assert_eq!(State::from_bytes(&state().to_bytes().unwrap()), Ok(state()));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let bytes = state().to_bytes().unwrap();
        for end in 0..bytes.len() {
            assert!(State::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(State::from_bytes(&flipped).is_err(), "bit {bit}");
        }
        assert!(State::from_bytes(&[&bytes[..], b"x"].concat()).is_err(), "longer");
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        assert_eq!(State::from_bytes(b"{\"json\":1}"), Err(Unreadable::Foreign));
        assert_eq!(State::from_bytes(b""), Err(Unreadable::Damaged));
        let mut newer = state().to_bytes().unwrap();
        newer[8] = 2;
        assert_eq!(State::from_bytes(&newer), Err(Unreadable::Version(2)));
    }
}
