//! Logs that follow each other in one text, each behind a line that names it.
//!
//! `minikube logs` (minikube 1.32, `pkg/minikube/logs`) writes `==> kubelet <==`, `kubectl cluster-info dump`
//! (kubectl 1.29, `pkg/cmd/clusterinfo`) `==== START logs for container C of pod NS/POD ====`.

use std::io::{self, Read};

use chiplog_engine::Origin;

use crate::origin;

/// No title is longer, in bytes.
const MAX_TITLE: usize = 512;

/// A title of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Title {
    /// `kubelet`, `kube-system/coredns-1/coredns`.
    pub(super) name: String,
    pub(super) origin: Origin,
}

impl Title {
    /// Reads a line without its end.
    fn of(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?.trim_end();
        if let Some(name) = line.strip_prefix("==> ").and_then(|rest| rest.strip_suffix(" <==")) {
            // `tail` writes paths, and the same again and again.
            let is_program = !name.contains('/') && !name.is_empty();
            let program = name.split(" [").next().unwrap_or(name).to_ascii_lowercase();
            // What the kernel says is filed under its name.
            let program = if program == "dmesg" { "kernel" } else { &program };
            return is_program.then(|| Self { name: name.to_owned(), origin: origin::of_program(program) });
        }
        let rest = line.strip_prefix("==== START logs for container ")?.strip_suffix(" ====")?;
        let (container, pod) = rest.split_once(" of pod ")?;
        Some(Self { name: format!("{pod}/{container}"), origin: origin::of_program(container) })
    }

    /// The title that a text begins with, behind empty lines.
    pub(super) fn begins(head: &[u8]) -> bool {
        let first = chiplog_parse::lines(head).find(|line| !line.is_empty());
        first.is_some_and(|line| line.len() <= MAX_TITLE && Self::of(line).is_some())
    }
}

/// A text with titles. Reading ends in front of each.
pub(super) struct Sections<'r> {
    reader: &'r mut dyn Read,
    /// `buffer[start..]` was read and not given out.
    buffer: Vec<u8>,
    start: usize,
    /// Nothing was given out of the line at `start`.
    is_at_line: bool,
    has_ended: bool,
    failure: Option<io::Error>,
}

const BUFFER_BYTES: usize = 64 << 10;

impl<'r> Sections<'r> {
    pub(super) fn new(reader: &'r mut dyn Read) -> Self {
        let buffer = Vec::with_capacity(BUFFER_BYTES);
        Self { reader, buffer, start: 0, is_at_line: true, has_ended: false, failure: None }
    }

    /// Goes to the next title, past what is left of the section at hand.
    ///
    /// # Errors
    ///
    /// Those of the reader.
    pub(super) fn next(&mut self) -> io::Result<Option<Title>> {
        io::copy(self, &mut io::sink())?;
        let Some((title, length)) = self.title() else { return Ok(None) };
        self.start += length;
        Ok(Some(title))
    }

    /// The title at hand, and the length of its line.
    fn title(&mut self) -> Option<(Title, usize)> {
        if !self.is_at_line {
            return None;
        }
        self.fill(MAX_TITLE);
        let ahead = &self.buffer[self.start..];
        let ahead = ahead.get(..MAX_TITLE).unwrap_or(ahead);
        if !ahead.starts_with(b"==") {
            return None;
        }
        let length = memchr::memchr(b'\n', ahead).map_or(ahead.len(), |lf| lf + 1);
        Some((Title::of(&ahead[..length])?, length))
    }

    /// Makes sure that so many bytes are ahead, unless there are no more.
    fn fill(&mut self, wanted: usize) {
        while self.buffer.len() - self.start < wanted && !self.has_ended {
            self.buffer.drain(..self.start);
            self.start = 0;
            let filled = self.buffer.len();
            self.buffer.resize(BUFFER_BYTES, 0);
            let read = self.reader.read(&mut self.buffer[filled..]);
            self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => self.has_ended = true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.has_ended = true;
                    self.failure = Some(error);
                }
            }
        }
    }
}

impl Read for Sections<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.fill(MAX_TITLE);
        if self.title().is_some() {
            return Ok(0);
        }
        let ahead = &self.buffer[self.start..];
        if ahead.is_empty() {
            return self.failure.take().map_or(Ok(0), Err);
        }
        // Up to a line that may be a title, or become one when more of it is read.
        let until = memchr::memmem::find(ahead, b"\n==").or_else(|| {
            let last = memchr::memrchr(b'\n', ahead)?;
            (ahead.len() - last < 3 && !self.has_ended).then_some(last)
        });
        let until = until.map_or(ahead.len(), |lf| lf + 1);
        let count = until.min(into.len());
        into[..count].copy_from_slice(&ahead[..count]);
        self.is_at_line = count > 0 && ahead[count - 1] == b'\n';
        self.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGS: &str = "\n==> kubelet <==\none\ntwo\n==> x\n==\n\n==> etcd [0a1b] <==\n==> dmesg <==\nthree\n\
                        ==== START logs for container c of pod ns/p ====\r\nfour\n==== END logs for container c of pod ns/p ====\nfive";

    #[test]
    fn a_text_falls_into_its_sections_whatever_the_reads() {
        for size in [1, 2, 3, 7, 64, 1000] {
            let mut pieces = Pieces { rest: LOGS.as_bytes(), size };
            let mut sections = Sections::new(&mut pieces);
            let mut found = Vec::new();
            while let Some(title) = sections.next().unwrap() {
                let mut text = String::new();
                sections.read_to_string(&mut text).unwrap();
                found.push((title.name, title.origin.component.unwrap_or_default().to_string(), text));
            }
            let wanted = [
                ("kubelet", "kubelet", "one\ntwo\n==> x\n==\n\n"),
                ("etcd [0a1b]", "etcd", ""),
                ("dmesg", "kernel", "three\n"),
                ("ns/p/c", "c", "four\n==== END logs for container c of pod ns/p ====\nfive"),
            ];
            let wanted = wanted.map(|(name, program, text)| (name.into(), program.into(), text.into()));
            assert_eq!(found, wanted, "{size}");
        }
        assert!(Title::begins(LOGS.as_bytes()));
        assert!(!Title::begins(b"==> /var/log/kubelet.log <==\n"));
        assert!(!Title::begins(b"one\n==> kubelet <==\n"));
    }

    struct Pieces<'a> {
        rest: &'a [u8],
        size: usize,
    }

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.size.min(self.rest.len()).min(into.len());
            let (piece, rest) = self.rest.split_at(count);
            into[..count].copy_from_slice(piece);
            self.rest = rest;
            Ok(count)
        }
    }
}
