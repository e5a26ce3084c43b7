//! The engine from outside: blocks in, findings out.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod clocks;
mod entries;
mod findings;
mod hostile;
mod losses;
mod measures;
mod oracle;
mod saved;
mod session;
mod sightings;
mod split;
mod support;
mod truth;
