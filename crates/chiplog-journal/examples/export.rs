//! Prints journal files as `journalctl -o export --all` does.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use chiplog_journal::{Journal, Limits};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    for path in std::env::args_os().skip(1) {
        let mut journal = Journal::open(File::open(&path)?, Limits::default())?;
        while journal.next_entry()?.is_some() {
            journal.write_export(&mut out)?;
        }
        if !journal.damage().is_none() {
            eprintln!("{}: {}", path.display(), journal.damage());
        }
    }
    out.flush()?;
    Ok(())
}
