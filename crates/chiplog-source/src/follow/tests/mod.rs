//! A world of files that is written, rotated and read on command, with a clock of its own.

mod random;
mod rotations;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;

/// A directory with one log, its writer and its reader.
pub(super) struct World {
    directory: TempDir,
    pub(super) options: FollowOptions,
    files: Option<FollowedFiles>,
    writer: Option<File>,
    pub(super) now: Instant,
    /// Lines written, without LF.
    pub(super) written: Vec<String>,
    /// Lines handed over.
    pub(super) read: Vec<String>,
    pub(super) losses: usize,
    pub(super) warnings: Vec<String>,
    pub(super) ended: Vec<String>,
    /// Where each stream is to go on.
    offsets: BTreeMap<String, u64>,
    /// A cursor, and what had been handed over by then.
    saved: (Option<serde_json::Value>, usize, usize, BTreeMap<String, u64>),
}

impl World {
    pub(super) fn new() -> World {
        World::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut FollowOptions)) -> World {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        let mut options = FollowOptions::new("test", vec![format!("{}/*.log", root.display())]);
        options.poll = Duration::ZERO;
        change(&mut options);
        World {
            files: Some(FollowedFiles::new(options.clone(), None).unwrap()),
            directory,
            options,
            writer: None,
            now: Instant::now(),
            written: Vec::new(),
            read: Vec::new(),
            losses: 0,
            warnings: Vec::new(),
            ended: Vec::new(),
            offsets: BTreeMap::new(),
            saved: (None, 0, 0, BTreeMap::new()),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.directory.path()).unwrap().join(name)
    }

    pub(super) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Lines in the log, through the descriptor that the writer has.
    pub(super) fn write(&mut self, lines: usize) {
        for _ in 0..lines {
            let number = self.written.len();
            // Some fill a kibibyte, most do not.
            let line = format!("{number:06} {}", "x".repeat(number * 37 % 401));
            self.write_text(&format!("{line}\n"));
            self.written.push(line);
        }
    }

    pub(super) fn write_text(&mut self, text: &str) {
        if self.writer.is_none() {
            self.reopen();
        }
        self.writer.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// The writer opens its log anew.
    pub(super) fn reopen(&mut self) {
        let file = OpenOptions::new().create(true).append(true).open(self.path("app.log")).unwrap();
        self.writer = Some(file);
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Makes room for `app.log.1`.
    pub(super) fn shift(&self) {
        for number in (1..40).rev() {
            for suffix in ["", ".gz", ".zst"] {
                let from = format!("app.log.{number}{suffix}");
                if self.exists(&from) {
                    self.rename(&from, &format!("app.log.{}{suffix}", number + 1));
                }
            }
        }
    }

    pub(super) fn copy(&self, to: &str) {
        fs::copy(self.path("app.log"), self.path(to)).unwrap();
    }

    pub(super) fn truncate(&self) {
        OpenOptions::new().write(true).open(self.path("app.log")).unwrap().set_len(0).unwrap();
    }

    pub(super) fn compressed(&self, name: &str, suffix: &str) -> Vec<u8> {
        let text = fs::read(self.path(name)).unwrap();
        if suffix == ".gz" {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&text).unwrap();
            encoder.finish().unwrap()
        } else {
            ruzstd::encoding::compress_to_vec(&text[..], ruzstd::encoding::CompressionLevel::Fastest)
        }
    }

    pub(super) fn compress(&self, name: &str, suffix: &str) {
        let packed = self.compressed(name, suffix);
        fs::write(self.path(&format!("{name}{suffix}")), packed).unwrap();
        self.remove(name);
    }

    /// One poll.
    pub(super) fn poll(&mut self) -> Readiness {
        let World { files, now, read, losses, warnings, ended, offsets, .. } = self;
        let files = files.as_mut().unwrap();
        files.poll_at(*now, &mut |delivery| match delivery {
            Delivery::Lines { stream, block } => {
                let offset = offsets.entry(stream.name.to_string()).or_default();
                // Holes and late ends of lines are passed over.
                assert!(block.offset >= *offset, "{} then {}", offset, block.offset);
                *offset = block.end_offset();
                assert!(!block.bytes.is_empty());
                for line in String::from_utf8_lossy(&block.bytes).split_inclusive('\n') {
                    read.push(line.trim_end_matches('\n').to_owned());
                }
            }
            Delivery::Lost { .. } => *losses += 1,
            Delivery::Ended { stream } => ended.push(stream.name.to_string()),
            Delivery::Warning(text) => warnings.push(text),
        })
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    /// Polls until nothing more comes, and time has passed for what is waited for.
    pub(super) fn drain(&mut self) {
        for _ in 0..12 {
            while self.poll() == Readiness::More {}
            self.wait(Duration::from_millis(600));
        }
    }

    pub(super) fn save(&mut self) {
        let cursor = self.files.as_ref().unwrap().cursor();
        // As text, as it is kept.
        let cursor = serde_json::from_str(&cursor.to_string()).unwrap();
        self.saved = (Some(cursor), self.read.len(), self.losses, self.offsets.clone());
    }

    /// The process is killed, and another goes on from what was saved.
    pub(super) fn crash(&mut self) {
        let (cursor, read, losses, offsets) = self.saved.clone();
        self.read.truncate(read);
        self.losses = losses;
        self.offsets = offsets;
        self.files = Some(FollowedFiles::new(self.options.clone(), cursor.as_ref()).unwrap());
    }

    pub(super) fn restart(&mut self) {
        self.save();
        self.crash();
    }

    #[track_caller]
    pub(super) fn assert_all_read(&self) {
        if self.written == self.read {
            return;
        }
        let number = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
        let written: Vec<String> = self.written.iter().map(number).collect();
        let read: Vec<String> = self.read.iter().map(number).collect();
        let at = written.iter().zip(&read).position(|(a, b)| a != b);
        panic!("from {at:?} on; written {written:?}\nread {read:?}\n{:?}", self.warnings);
    }
}
