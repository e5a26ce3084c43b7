//! `chiplog parse`: every line as a record.

use std::io::{self, BufWriter, Write as _};
use std::sync::Arc;

use chiplog_engine::BlockSource as _;
use chiplog_parse::{Detector, Time};
use chiplog_report::{Thousands, write_record_json};
use chiplog_source::Input;

use crate::clock;
use crate::exit::{Exit, Failure};
use crate::flags::Parse;
use crate::inputs::gather;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::reading::Reading;
use crate::talk::Talk;

pub(crate) fn run(flags: &Parse, talk: &Talk) -> Result<Exit, Failure> {
    let inputs = gather(&flags.files, talk)?;
    let interrupt =
        Interrupt::install().map_err(|error| Failure::usage(format!("cannot watch signals: {error}")))?;
    let progress = Progress::new(None, 0);
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut is_incomplete = inputs.is_incomplete;
    let (mut lines, mut unparsed) = (0u64, 0u64);
    let is_stream = inputs.list.iter().all(Input::is_live);
    let mut reading = Reading::new(inputs.list, interrupt.clone(), progress, talk);
    while let Some(log) = reading.next_log() {
        let path = (!log.is_stdin).then(|| Arc::clone(&log.name));
        let mut clock = clock::of_log(flags.clock, &log);
        let mut detector = Detector::new();
        while let Some(block) = reading.next() {
            is_incomplete |= block.cut_bytes > 0;
            for line in chiplog_parse::lines(&block.bytes).filter(|line| !line.is_empty()) {
                lines += 1;
                let mut record = match detector.parse(line, &mut clock) {
                    Ok(record) => record,
                    Err(_) => detector.peel(line),
                };
                // The detector places the record's own time; the envelope's is near it.
                let observed = record.envelope_time.and_then(|time| clock.peek(time));
                record.envelope_time = observed.map(|observed| Time::Instant(observed.instant));
                unparsed += u64::from(!record.is_recognised());
                write_record_json(&mut out, &record, path.as_deref())
                    .map_err(|error| Failure::output(&error))?;
            }
            reading.recycle(block);
            if log.is_live {
                out.flush().map_err(|error| Failure::output(&error))?;
            }
        }
    }
    out.flush().map_err(|error| Failure::output(&error))?;
    let outcome = reading.finish();
    is_incomplete |= outcome.is_incomplete;
    if interrupt.raised() {
        // A stream has no other end.
        return Ok(if is_stream { Exit::Success } else { Exit::Interrupted });
    }
    if lines > 0 && unparsed == lines {
        let hint = "chiplog detect FILE shows what was tried";
        return Err(Failure::no_input(format!("no log lines recognised ({} lines)", Thousands(lines)))
            .with_hint(hint));
    }
    Ok(if flags.strict && (is_incomplete || unparsed > 0) { Exit::Incomplete } else { Exit::Success })
}
