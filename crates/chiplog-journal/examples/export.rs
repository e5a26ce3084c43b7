//! Prints journals as `journalctl -o export --all` does.
//!
//!     export [--after-cursor=CURSOR] [--unit=UNIT].. [--identifier=TEXT].. [--transport=NAME]..
//!            [--boot=ID] [--since=MICROS] [--until=MICROS] [--follow] PATH..

use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use chiplog_journal::{Cursor, JournalSet, SetOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = SetOptions::default();
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut after: Option<Cursor> = None;
    let mut follow = false;
    for argument in std::env::args().skip(1) {
        let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
        match name {
            "--after-cursor" => after = Some(value.parse()?),
            "--unit" => options.filter.units.push(value.to_owned()),
            "--identifier" => options.filter.identifiers.push(value.to_owned()),
            "--transport" => options.filter.transports.push(value.to_owned()),
            "--boot" => options.filter.boot_id = Some(value.parse()?),
            "--since" => options.filter.since_realtime_micros = Some(value.parse()?),
            "--until" => options.filter.until_realtime_micros = Some(value.parse()?),
            "--follow" => follow = true,
            _ => paths.push(argument.into()),
        }
    }
    let mut set = JournalSet::open(&paths, options)?;
    if let Some(cursor) = after {
        set.seek_after(&cursor)?;
    }
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    loop {
        while let Some(entry) = set.next_entry()? {
            if entry.missing > 0 {
                eprintln!("{} entries are missing before number {}", entry.missing, entry.head.seqnum);
            }
            set.write_export(&mut out)?;
        }
        out.flush()?;
        if !follow {
            break;
        }
        std::thread::sleep(Duration::from_millis(250));
        set.poll()?;
    }
    for unreadable in set.unreadable() {
        eprintln!("{}: {}", unreadable.path.display(), unreadable.error);
    }
    for (path, damage) in set.damage() {
        eprintln!("{}: {damage}", path.display());
    }
    Ok(())
}
