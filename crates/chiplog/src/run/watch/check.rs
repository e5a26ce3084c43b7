//! `--check`: what would be read, and why not.

use std::io::{self, Write as _};

use super::plan::Planned;
use crate::exit::{Exit, Failure};

/// Prints a line for each thing looked at; failures decide the exit code.
pub(super) fn run(planned: &[Planned], rules: &str, state: &Result<String, String>) -> Result<Exit, Failure> {
    let mut out = io::stdout().lock();
    let mut has_failed = false;
    let mut print = |line: &Result<String, String>| {
        has_failed |= line.is_err();
        match line {
            Ok(line) => writeln!(out, "ok    {}", chiplog_report::Escaped::new(line.as_bytes())),
            Err(line) => writeln!(out, "FAIL  {}", chiplog_report::Escaped::new(line.as_bytes())),
        }
        .map_err(|error| Failure::output(&error))
    };
    for line in planned.iter().flat_map(|planned| (planned.check)()) {
        print(&line)?;
    }
    print(&state.as_ref().map(|state| format!("{rules}; {state}")).map_err(Clone::clone))?;
    Ok(if has_failed { Exit::NoInput } else { Exit::Success })
}
