//! The present, for what is said about the daemon itself. Findings take their times from lines.

use std::time::{SystemTime, UNIX_EPOCH};

use chiplog_parse::UnixNanos;

pub(super) fn now() -> UnixNanos {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixNanos(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
}
