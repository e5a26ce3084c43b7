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
//! # Rule files
//!
//! A file holds one rule at its top level, or several as `[[rule]]`.
//!
//! | key | value | default |
//! |---|---|---|
//! | `id` | lower-case words and digits joined by `-` or `.`, unique | required |
//! | `match` | which lines; see below | required |
//! | `title` | one line for people | the id |
//! | `severity` | `info` `notice` `warning` `error` `critical` | `warning` |
//! | `specificity` | 0 to 100: of several rules that match, the highest says most | 50 |
//! | `take` | values to capture; see below | none |
//! | `window` | `by`: list of `host`, `component`, `unit` and captures; `span`: a duration | `["host"]`, `"5m"` |
//! | `open` | when a finding opens | `count >= 1` |
//! | `close` | when it closes | `count == 0 for 10m` |
//! | `because` (`cause`), `check` (`verify`), `remedy`, `danger`, `refs` | what to tell the reader: text, or lists of text for `check`, `remedy` and `refs` | none |
//! | `test` | tests; see [`Case`] | none |
//!
//! **`match`** is a text that the message must contain, a table whose conditions must all hold, or a
//! list of these, any of which may match. Conditions on what a line does not state hold: `dmesg`
//! names no component and may be the kernel's.
//!
//! | condition | holds if |
//! |---|---|
//! | `contains`, `not_contains` | the decoded message, else the payload with its header and fields, contains all, or none, of the texts |
//! | `regex` | it matches the decoded message, else the payload; bytes, so classes are ASCII |
//! | `msg` | it equals the constant part of a structured message |
//! | `field` | `{ key = "value" }`, or `{ key = { contains, prefix, regex, any } }` of a key/value pair |
//! | `event`, `where` | the message is this event of [`chiplog_parse::EVENT_KINDS`], with these texts |
//! | `format` | a layer of the line is one of these formats ([`chiplog_parse::Format::name`]) |
//! | `component` | the line is filed under one of these programs, or a known alias of one |
//! | `severity` | the line's own severity is at least this |
//! | `line_contains`, `line_regex` | the physical line contains or matches it, envelopes and escapes included |
//!
//! Beside conditions, `take` captures from the lines that match this way, and `counts = false` makes
//! them evidence that adds no hit: a second line about one occurrence.
//!
//! **`take`** names captures. Each is a regex over the message, else the payload (the group of the capture's name, else
//! the first), a table with one of `regex`, `field` or `event`, or a list: the first that gives a
//! value wins. `lent_by` names a rule whose lines tell the value, under the same name, within ten
//! seconds before on the same host. `type` is `text`, `integer`, `duration` or `bytes`; without it an event knows, else
//! the use of the capture tells, else it is a duration. A value that cannot be read is absent.
//!
//! **`open`** and **`close`** compare measures with limits: `count`, `rate` (with `10/s`, `3/m`),
//! `max(c)`, `min(c)`, `sum(c)`, `last(c)`, `p50(c)` to `p99(c)`, `p99.9(c)`, joined by `and`, `or`,
//! `not` and parentheses. `X for 10m` looks back ten minutes instead of the window's span.
//!
//! # Finding lines
//!
//! Most lines are of no interest to any rule. [`RuleSet::prefilter`] says how to find the others by
//! a search for a few literals, several gigabytes a second, without parsing anything.
//!
//! This crate does no I/O and reads no clock. It decides which lines are hits and with which
//! values; counting them over time is the engine's.

mod builtin;
mod case;
mod cause;
mod component;
mod condition;
mod diagnostic;
mod event_literals;
mod expr;
mod hash;
mod literals;
mod load;
mod matcher;
mod npd;
mod pattern;
mod prefilter;
mod rule;
mod seen;
mod set;
mod units;

pub use case::{At, Case, Expected, State};
pub use cause::{Basis, Cause, Lag, Scope};
pub use diagnostic::{Diagnostic, Level, RuleErrors};
pub use expr::{CaptureIndex, CompanionIndex, Comparison, DistinctIndex, Expr, Limit, Measure, Op};
pub use matcher::{Hit, MAX_LABEL_LEN, Matcher};
pub use npd::{NpdImport, import_npd};
pub use prefilter::{LiteralSearcher, Prefilter};
pub use rule::{Borrow, Capture, Companion, Label, Once, Rule, RuleSeverity, Unit, Window};
pub use set::{Loaded, RuleSet};
