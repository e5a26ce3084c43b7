//! A bar on standard error while files are read.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use chiplog_engine::{Quantity, Unit};
use chiplog_report::{Escaped, Roughly};

/// Faster than this, a bar is a flicker.
const REDRAW: Duration = Duration::from_millis(100);
/// Nothing is drawn for what is done sooner.
const PATIENCE: Duration = Duration::from_millis(500);
const BAR_COLUMNS: usize = 16;
const COLUMNS: usize = 79;

#[derive(Debug)]
pub(crate) struct Progress {
    /// Whether the terminal shows block characters; `None` if nothing is to be drawn.
    unicode: Option<bool>,
    total_bytes: u64,
    finished_bytes: u64,
    started: Instant,
    redraw_after: Instant,
    is_drawn: bool,
}

impl Progress {
    pub(crate) fn new(unicode: Option<bool>, total_bytes: u64) -> Self {
        let started = Instant::now();
        let redraw_after = started + PATIENCE;
        Self { unicode, total_bytes, finished_bytes: 0, started, redraw_after, is_drawn: false }
    }

    /// `bytes` of the current input, called `name`, have been read.
    pub(crate) fn update(&mut self, bytes: u64, name: &str) {
        let Some(unicode) = self.unicode else { return };
        let now = Instant::now();
        if now < self.redraw_after {
            return;
        }
        self.redraw_after = now + REDRAW;
        let done = self.finished_bytes.saturating_add(bytes);
        let line = line(done, self.total_bytes, now - self.started, name, unicode);
        let _ = write!(io::stderr(), "\r{line}\x1b[K");
        self.is_drawn = true;
    }

    /// The current input is done; it had `bytes` as stored.
    pub(crate) fn input_done(&mut self, bytes: u64) {
        self.finished_bytes = self.finished_bytes.saturating_add(bytes);
        self.clear();
    }

    /// Erases the bar, so that something else can be printed.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(done: u64, total: u64, elapsed: Duration, name: &str, unicode: bool) -> String {
    let size = |bytes: u64| Roughly(Quantity { amount: bytes.into(), unit: Unit::Bytes });
    let mut line = if total == 0 {
        format!("scan  {}  ", size(done))
    } else {
        // A file that grows while it is read can hold more than was seen at first.
        let done = done.min(total);
        let share = |of: u128| u128::from(done) * of / u128::from(total);
        let filled = share(BAR_COLUMNS as u128) as usize; // at most BAR_COLUMNS
        let (full, empty) = if unicode { ("\u{2588}", "\u{2591}") } else { ("#", ".") };
        let bar = full.repeat(filled) + &empty.repeat(BAR_COLUMNS - filled);
        let left = elapsed.as_nanos() * u128::from(total - done) / u128::from(done.max(1));
        let left = i128::try_from(left / 1_000_000_000 * 1_000_000_000).unwrap_or(i128::MAX);
        let left = if left == 0 {
            "0 s".to_owned()
        } else {
            chiplog_report::Exactly(Quantity { amount: left, unit: Unit::Nanoseconds }).to_string()
        };
        format!("scan {bar} {:3} %  {} of {}  ETA {left}  ", share(100), size(done), size(total))
    };
    let room = COLUMNS.saturating_sub(line.chars().count());
    let name = Escaped::ascii(name.as_bytes()).to_string();
    // The end of a path says more than its beginning.
    let skipped = name.len().saturating_sub(room);
    line.push_str(name.get(skipped..).unwrap_or(""));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fits_the_terminal() {
        let bar = line(61 << 20, 100 << 20, Duration::from_secs(6), &"masters/kubelet.log".repeat(9), true);
        assert!(bar.starts_with("scan █████████░░░░░░░  61 %  61.0 MiB of 100 MiB  ETA 3 s  "), "{bar}");
        assert_eq!(bar.chars().count(), COLUMNS);
        assert!(line(9, 3, Duration::ZERO, "a", false).contains("100 %"));
        assert!(line(0, 0, Duration::ZERO, "a", false).starts_with("scan  0 B"));
    }
}
