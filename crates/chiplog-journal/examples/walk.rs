//! Walks journal files as a log analyser does, and prints how many entries there were, in how much
//! CPU time: MESSAGE is read whole, the verdict on every other value is kept by its id.

use std::collections::HashMap;
use std::fs::File;
use std::time::Instant;

use chiplog_journal::{DataId, Journal, Limits};

/// What is looked at; MESSAGE is the first.
const FIELDS: [&str; 5] = ["MESSAGE", "SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "_HOSTNAME", "_PID"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let (mut entries, mut bytes, mut newlines) = (0_u64, 0_u64, 0_u64);
    let mut lengths = 0_u64;
    for path in std::env::args_os().skip(1) {
        let mut journal = Journal::open(File::open(&path)?, Limits::default())?;
        journal.select(&FIELDS);
        let mut known: HashMap<DataId, u64> = HashMap::new();
        let mut last = [(None, 0); FIELDS.len()];
        while let Some(head) = journal.next_entry()? {
            entries += 1;
            lengths ^= head.realtime_micros;
            if let Some(message) = journal.value(0)
                && let Ok(text) = journal.payload(message)
            {
                bytes += text.len() as u64;
                newlines += memchr::memchr_iter(b'\n', text).count() as u64;
            }
            for (field, last) in last.iter_mut().enumerate().skip(1) {
                let Some(data) = journal.value(field) else { continue };
                if last.0 != Some(data) {
                    let verdict = match known.get(&data) {
                        Some(verdict) => *verdict,
                        None => {
                            let verdict = journal.payload(data).map_or(0, |value| value.len() as u64);
                            known.insert(data, verdict);
                            verdict
                        }
                    };
                    *last = (Some(data), verdict);
                }
                lengths += last.1;
            }
        }
        if !journal.damage().is_none() {
            eprintln!("{}: {}", path.display(), journal.damage());
        }
    }
    println!(
        "{entries} entries, {bytes} bytes of messages, {newlines} line feeds, {lengths:x}, {:?}",
        started.elapsed()
    );
    Ok(())
}
