//! Rule files of chiplog: TOML text to a checked, compiled [`RuleSet`], and the rules that come
//! built in.
//!
//! A rule says which lines it is about (`match`), which values to take from them (`take`), which
//! hits to judge together (`window`), when a finding opens and closes (`open`, `close`), and what
//! to tell the reader (`because`, `check`, `remedy`, `danger`, `refs`). The smallest rule is an id
//! and a match:
//!
//! ```
//! use chiplog_rules::RuleSet;
//! let text = "id = 'disk.full'\nmatch = 'no space left on device'\n";
//! let loaded = RuleSet::load([("disk.toml", text)]).unwrap();
//! assert_eq!(loaded.set.rules()[0].open_text, "count >= 1");
//! ```
//!
//! Everything that is wrong with a file is reported at once, each with its place and what to write
//! instead:
//!
//! ```
//! use chiplog_rules::RuleSet;
//! let text = "id = 'disk.full'\nmatch = { contain = 'no space left' }\n";
//! let errors = RuleSet::load([("disk.toml", text)]).unwrap_err();
//! assert_eq!(
//!     errors.to_string(),
//!     "error: disk.toml:2: unknown key `contain` in match
//!     | match = { contain = 'no space left' }
//!     |           ^
//!   hint: did you mean `contains`?"
//! );
//! ```
//!
//! This crate does no I/O and reads no clock. It decides which lines are hits and with which
//! values; counting them over time is the engine's.

mod builtin;
mod case;
mod component;
mod condition;
mod diagnostic;
mod event_literals;
mod expr;
mod literals;
mod load;
mod matcher;
mod prefilter;
mod rule;
mod set;
mod units;

pub use case::{At, Case, Expected, State};
pub use diagnostic::{Diagnostic, Level, RuleErrors};
pub use expr::{CaptureIndex, Comparison, Expr, Limit, Measure, Op};
pub use matcher::{Hit, MAX_LABEL_LEN, Matcher};
pub use prefilter::{LiteralSearcher, Prefilter};
pub use rule::{Capture, Label, Rule, RuleSeverity, Unit, Window};
pub use set::{Loaded, RuleSet};
