//! What the command line and the file system know about time.

use std::time::{SystemTime, UNIX_EPOCH};

use chiplog_parse::{Clock, UnixNanos};

use crate::flags::{ClockFlags, Moment, TimeFlags};
use crate::inputs::Log;

/// The clock of a log: the year that was asked for, else the last before the time at which it was
/// written, as the file system or the archive says, or that nearest to the present for a stream.
pub(crate) fn of_log(flags: ClockFlags, log: &Log) -> Clock {
    of_stream(flags, log.modified_unix_nanos, log.is_live)
}

/// The clock of a stream, see [`of_log`].
pub(crate) fn of_stream(flags: ClockFlags, modified_unix_nanos: Option<i64>, is_live: bool) -> Clock {
    let clock = match (flags.year, modified_unix_nanos) {
        (Some(year), _) => Clock::from_year(year),
        (None, Some(modified)) => Clock::not_after(UnixNanos(modified)),
        (None, None) if is_live => now().map_or_else(Clock::unknown, Clock::near),
        (None, None) => Clock::unknown(),
    };
    match flags.tz {
        Some(offset) => clock.with_utc_offset_seconds(offset.0),
        None => clock,
    }
}

/// The present: only to complete the year of lines that are being written now.
fn now() -> Option<UnixNanos> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_nanos()).ok().map(UnixNanos)
}

/// `--since` and `--until` as instants.
pub(crate) fn range(flags: TimeFlags) -> (Option<UnixNanos>, Option<UnixNanos>) {
    let offset_nanos = i64::from(flags.clock.tz.map_or(0, |offset| offset.0)) * 1_000_000_000;
    let instant = |moment: Moment| match moment {
        Moment::UnixNanos(nanos) => Some(UnixNanos(nanos)),
        Moment::Local(local) => {
            local.and_utc().timestamp_nanos_opt()?.checked_sub(offset_nanos).map(UnixNanos)
        }
    };
    (flags.since.and_then(instant), flags.until.and_then(instant))
}
