//! `host ident[pid]: message`, the part that syslog files and journalctl have in common.

use crate::near;

/// What stands between the time and the message.
#[derive(Clone, Copy)]
pub(crate) struct Tagged<'a> {
    /// Up to the first blank, never in brackets; `None` if no blank stands ahead of the colon.
    pub(crate) host: Option<&'a [u8]>,
    /// The rest up to the colon, `[pid]` included.
    pub(crate) ident: &'a [u8],
    /// After the colon and its blank.
    pub(crate) message: &'a [u8],
}

/// Splits at the first colon that a blank or the end of the line follows.
///
/// `None` if the host would be in brackets: `[INFO] plugin/reload: ...` has a level there.
#[inline]
pub(crate) fn split(text: &[u8]) -> Option<Tagged<'_>> {
    let (mut at, mut blank) = (0, None);
    let colon = loop {
        let found = near::first(text, at, [b':', b' '])?;
        at = found + 1;
        match (text.get(found), text.get(at)) {
            (Some(b' '), _) => blank = blank.or(Some(found)),
            (_, Some(b' ') | None) => break found,
            _ => {}
        }
    };
    let head = text.get(..colon)?;
    let message = text.get(colon + 2..).unwrap_or_default();
    let (host, ident) = match blank {
        Some(0) => return None,
        Some(_) if head.first() == Some(&b'[') => return None,
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
    let open = inner.iter().rposition(|byte| *byte == b'[')?;
    let pid = inner.get(open + 1..)?;
    if pid.is_empty() { None } else { Some((inner.get(..open)?, pid)) }
}
