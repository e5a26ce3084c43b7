//! `host ident[pid]: message`, the part that syslog files and journalctl have in common.

use memchr::{memchr, memchr_iter, memrchr};

/// What stands between the time and the message.
#[derive(Clone, Copy)]
pub(crate) struct Tagged<'a> {
    /// Up to the first blank; `None` if no blank stands ahead of the colon.
    pub(crate) host: Option<&'a [u8]>,
    /// The rest up to the colon, `[pid]` included.
    pub(crate) ident: &'a [u8],
    /// After the colon and its blank.
    pub(crate) message: &'a [u8],
}

/// Splits at the first colon that a blank or the end of the line follows.
#[inline]
pub(crate) fn split(text: &[u8]) -> Option<Tagged<'_>> {
    let colon = memchr_iter(b':', text).find(|&at| matches!(text.get(at + 1), Some(b' ') | None))?;
    let head = text.get(..colon)?;
    let message = text.get(colon + 2..).unwrap_or_default();
    let (host, ident) = match memchr(b' ', head) {
        Some(0) => return None,
        Some(blank) => (Some(head.get(..blank)?), head.get(blank + 1..)?),
        None if head.is_empty() => return None,
        None => (None, head),
    };
    Some(Tagged { host, ident, message })
}

/// The name and the text between the brackets of `name[pid]`; `None` without brackets or with
/// nothing in them.
#[inline]
pub(crate) fn split_pid(ident: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = ident.strip_suffix(b"]")?;
    let open = memrchr(b'[', inner)?;
    let pid = inner.get(open + 1..)?;
    if pid.is_empty() { None } else { Some((inner.get(..open)?, pid)) }
}
