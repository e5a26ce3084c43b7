//! Protobuf text, as etcd writes requests into its slow-request lines.
//!
//! ```text
//! text  = *( field 1*SP ) [ field ]
//! field = name ":" ( string / "<" text ">" / "{" text "}" / token )
//! ```
//!
//! Up to etcd 3.6 this is the text of golang/protobuf (`proto/text.go`): a blank after every field
//! and bytes outside printable ASCII as `\ooo`. From 3.7 it is that of protobuf-go
//! (`internal/encoding/text/encode.go`): one or two blanks between fields, none at the end, bytes
//! as `\xhh`. etcd's own stringers (`api/etcdserverpb/raft_internal_stringer.go`) have the same
//! shape with values hidden: `put:<key:"a" value_size:9 >`.
//!
//! The text itself stands in a log line behind a second layer, Go quotes or a JSON string:
//! decode that one first.

use memchr::{memchr2, memchr3};

use crate::{ParseError, Text, go};

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The value.
    pub value: Value<'a>,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A string or bytes, escaped like a Go string ([`crate::Escape::Go`]).
    String(Text<'a>),
    /// A number, a boolean, the name of an enum value or what a stringer made of one
    /// (`15-second`). Verbatim.
    Token(&'a [u8]),
    /// A message: the text between its brackets, which [`fields`] reads.
    Message(&'a [u8]),
}

/// The fields of a message, in order of appearance.
///
/// ```
/// use chiplog_parse::prototext::{self, Value};
/// let mut fields = prototext::fields(br#"header:<ID:5 > put:<key:"/a>b" value_size:1 >"#);
/// assert_eq!(fields.next().unwrap()?.value, Value::Message(b"ID:5 "));
/// let put = fields.next().unwrap()?;
/// assert_eq!((put.name, put.value), (&b"put"[..], Value::Message(br#"key:"/a>b" value_size:1 "#)));
/// assert!(fields.next().is_none());
/// # Ok::<(), chiplog_parse::ParseError>(())
/// ```
#[must_use]
pub const fn fields(text: &[u8]) -> Fields<'_> {
    Fields { text, at: 0 }
}

/// Iterator over the fields of a message. After an error there is no further item.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<Field<'a>, ParseError> {
        let start = self.at;
        let rest = &self.text[start..];
        let Some(colon) = memchr3(b':', b' ', b'"', rest).filter(|at| rest[*at] == b':' && *at > 0) else {
            return Err(ParseError::new("a field name and `:`", start));
        };
        let at = start + colon + 1;
        let rest = &rest[colon + 1..];
        let (value, length) = match rest.first() {
            Some(b'"') => match go::quoted(rest) {
                Ok((text, length)) => (Value::String(text), length),
                Err(error) => return Err(ParseError::new(error.expected(), at + error.offset())),
            },
            Some(b'<' | b'{') => match message_length(rest) {
                Some(length) => (Value::Message(&rest[1..length - 1]), length),
                None => return Err(ParseError::new("the end of a message", self.text.len())),
            },
            _ => {
                let length = memchr2(b' ', b'\n', rest).unwrap_or(rest.len());
                (Value::Token(&rest[..length]), length)
            }
        };
        self.at = at + length;
        Ok(Field { name: &self.text[start..at - 1], value })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(b' ' | b'\n') = self.text.get(self.at) {
            self.at += 1;
        }
        if self.at >= self.text.len() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.at = self.text.len();
        }
        Some(field)
    }
}

impl core::iter::FusedIterator for Fields<'_> {}

/// The length of a message from its opening to its closing bracket. Brackets inside strings do
/// not count.
fn message_length(text: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0usize, 0);
    loop {
        match text.get(at)? {
            b'<' | b'{' => depth += 1,
            b'>' | b'}' => depth -= 1, // the text starts with an opening bracket
            b'"' => {
                at += go::quoted(&text[at..]).ok()?.1;
                continue;
            }
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn both_generations() {
        let old = br#"compare:<target:MOD key:"a" mod_revision:5 > success:<request_put:<key:"a" value_size:1 >> failure:<>"#;
        let new = br#"compare:{target:MOD  key:"a" mod_revision:5} success:{request_put:{key:"a" value_size:1}} failure:{}"#;
        for text in [&old[..], new] {
            let names: Result<Vec<_>, _> = fields(text).map(|field| field.map(|field| field.name)).collect();
            assert_eq!(names.unwrap(), [&b"compare"[..], b"success", b"failure"]);
        }
    }

    #[test]
    fn every_cut_ends() {
        let text = br#"header:<ID:5 > put:<key:"/a\"b\377" value_size:1 > x:1 "#;
        for cut in 0..text.len() {
            assert!(fields(&text[..cut]).count() <= 3);
        }
    }

    proptest! {
        #[test]
        fn any_text(text in r#"[a:<>{} "\\0-9\n]{0,40}"#) {
            let _ = fields(text.as_bytes()).count();
        }
    }
}
