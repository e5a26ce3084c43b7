//! Logs to test and measure with: a seeded generator that knows what it planted, and an oracle
//! that counts the same things in the plainest way there is.
//!
//! ```
//! use chiplog_testkit::{Generator, Problem, Profile, naive};
//!
//! let mut generator = Generator::new(1, Profile::sick());
//! let mut log = Vec::new();
//! generator.append(&mut log, 200_000);
//!
//! let slow = generator.truth().tally(Problem::EtcdSlowApply);
//! assert!(slow.hits > 0);
//! assert_eq!(naive::count(&log).tally(Problem::EtcdSlowApply), slow);
//! ```
//!
//! Only the formats of the lines follow real programs; every name and value is made up. The same
//! seed and profile give the same bytes on every machine: there are integers only.

mod calendar;
mod envelope;
mod generator;
mod journal_file;
pub mod laws;
pub mod naive;
mod payload;
mod problem;
mod profile;
mod rng;
mod world;

pub use generator::{Generator, Truth};
pub use journal_file::{JournalCompression, JournalFile, JournalOptions, JournalStamp, JournalState};
pub use problem::{Problem, Tally};
pub use profile::{Envelope, Profile, Shares};
pub use rng::Rng;
