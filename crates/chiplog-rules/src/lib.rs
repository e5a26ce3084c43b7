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
//! A file holds one rule at its top level, or several as `[[rule]]`, or none. Beside rules it may
//! hold `[tune]`, which changes rules of any file, and `[[cause]]`, which says what leads to what.
//!
//! | key | value | default |
//! |---|---|---|
//! | `id` | lower-case words and digits joined by `-` or `.`, unique | required |
//! | `match` | which lines; see below | required |
//! | `title` | one line for people | the id |
//! | `component` | the program that the rule is about, for readers | the name of a built-in file |
//! | `severity` | `info` `notice` `warning` `error` `critical` | `warning` |
//! | `specificity` | 0 to 100: of several rules that match, the highest says most | 50 |
//! | `take` | values to capture; see below | none |
//! | `repeats` | an integer capture: how many occurrences a hit stands for | one |
//! | `once` | `by`: list of captures, `component`, `unit`; `within`: a duration. Hits of a host that are equal in these and so near to the last one that counted are no new occurrence | each counts |
//! | `window` | `by`: list of `host`, `component`, `unit` and captures; `span`: a duration | `["host"]`, `"5m"` |
//! | `open` | when a finding opens | `count >= 1` |
//! | `for` | how long `open` must hold without a break before it does | at once |
//! | `close` | when it closes | `count == 0 for 10m`; after `absent`, `count >= 1 for 1m` |
//! | `floor` | the emitter's own lower limit, below which it writes no line: what cannot be known | none |
//! | `noise` | `true`: known to be harmless unless it lasts; shown apart, and never a root | `false` |
//! | `root` | whether a finding may be the root of an incident | see [`Rule::may_be_root`] |
//! | `because` (`cause`), `check` (`verify`), `remedy`, `danger`, `refs` | what to tell the reader: text, or lists of text for `check`, `remedy` and `refs` | none |
//! | `test` | tests; see below | none |
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
//! | `line_contains`, `line_regex` | the physical line contains or matches it, envelopes and escapes included; of an entry of a journal, its message |
//!
//! Beside conditions, `take` captures from the lines that match this way, `counts = false` makes
//! them evidence that adds no hit (a second line about one occurrence), and `versions` tells readers
//! which releases write them.
//!
//! A line may hold another log line as text: the whole of it escaped as JSON, or one inside its
//! message or a value. Conditions that do not hold on the line are tried on those, down to two levels
//! of escapes; only `line_contains` and `line_regex` always look at the physical line. Where a syslog
//! daemon writes `message repeated 3 times: [ TEXT]`, conditions see the text, and the hit counts
//! three times.
//!
//! **`take`** names captures. Each is a regex over the message, else the payload (the group of the
//! capture's name, else the first), a table with one of `regex`, `field` or `event`, or a list: the
//! first that gives a value wins. `lent_by` names a rule whose lines tell the value, under the same
//! name, within ten seconds before on the same host. `type` is `text`, `integer`, `duration` or
//! `bytes`; without it an event knows, else the use of the capture tells, else it is a duration. A
//! value that cannot be read is absent.
//!
//! **`open`** and **`close`** compare measures with limits, joined by `and`, `or`, `not` and
//! parentheses. `X for 10m` looks back ten minutes instead of the window's span. A measure without
//! a value satisfies no comparison.
//!
//! | measure | what it is | compared with |
//! |---|---|---|
//! | `count` | occurrences | `3` |
//! | `rate` | occurrences for each unit of time | `10/s`, `3/m` |
//! | `max(c)` `min(c)` `sum(c)` `last(c)` `p50(c)` to `p99(c)` `p99.9(c)` | the numbers of a capture | its unit: `3`, `500ms`, `50MiB` |
//! | `distinct(c)` | how many different texts a capture had | `3` |
//! | `lasting` | from the first to the latest hit of the present run; a run ends where two hits are further apart than the window's span | `30s` |
//! | `since(rule)` | since the latest hit of another rule on this host, with equal labels where both have them; never is long ago | `60s` |
//! | `ratio(rule)` | own occurrences for each one of another rule on this host | `20%`, `0.2` |
//! | `absent for 10m` | no hit for so long, after a first one; only in `open` | nothing |
//!
//! That A is followed by B within a minute is said in the rule of B: `count >= 1 and since(a) <= 60s`.
//!
//! **`test`** holds lines and what is expected of them: `matches` (that every line matches, or none
//! does), `hits` (how many lines are), `expect` (the changes of state, with their times). Lines of a
//! test with `matches` are also matched in the envelopes that logs are found in and with one and two
//! levels of escapes, unless `wrap = false`. Where they match, no other rule that they match may be
//! more specific, unless `first = false`. `tz` and `year` complete times that lack them.
//!
//! ```
//! # use chiplog_rules::RuleSet;
//! let file = r#"
//! [[rule]]
//! id = "app-stalled"
//! component = "app"
//! match = { contains = "worker stalled", versions = "app 2.1 and later" }
//! take = { worker = 'worker=(\S+)', total = 'total=(\d+)' }
//! repeats = "total"
//! once = { by = ["worker"], within = "10s" }
//! open = "distinct(worker) >= 3 or lasting >= 2m or ratio(app-started) > 20%"
//! for = "30s"
//! floor = "stalls of less than 5 s are not written"
//!
//! [[rule]]
//! id = "app-started"
//! severity = "info"
//! match = "worker started"
//! open = "absent for 1h"
//! "#;
//! let set = RuleSet::load([("app.toml", file)]).unwrap().set;
//! assert_eq!(set.get("app-stalled").unwrap().companions[0].rule_id, "app-started");
//! assert_eq!(set.get("app-started").unwrap().close_text, "count >= 1 for 1m");
//! ```
//!
//! # Changing rules
//!
//! `[tune]` changes rules of any file without copies of them: `open`, `close`, `for`, `severity`,
//! `span` (of the window), and `enabled`, by which a rule is left out. A rule can be changed in one
//! place only.
//!
//! ```
//! # use chiplog_rules::{RuleSet, RuleSeverity};
//! let site = "[tune]\ndisk-full = { severity = 'critical', open = 'count >= 5' }\ndisk-slow = { enabled = false }\n";
//! let rules = "[[rule]]\nid = 'disk-full'\nmatch = 'no space left'\n[[rule]]\nid = 'disk-slow'\nmatch = 'slow disk'\n";
//! let set = RuleSet::load([("rules.toml", rules), ("site.toml", site)]).unwrap().set;
//! assert_eq!(set.rules().len(), 1);
//! assert_eq!((set.rules()[0].severity, set.rules()[0].is_tuned), (RuleSeverity::Critical, true));
//! ```
//!
//! # Causes
//!
//! `[[cause]]` says that a finding of one rule leads to one of another; see [`Cause`].
//!
//! | key | value | default |
//! |---|---|---|
//! | `from`, `to` | ids of rules | required |
//! | `lag` | the least and greatest time from the first hit of `from` to the first of `to`: `"0s to 10s"` | not known |
//! | `typical` | the usual time | not known |
//! | `scope` | `host`, `cluster` (any hosts), or a label whose values must be equal as well | `host` |
//! | `basis` | what the lag rests on: `constant` `observed` `estimate` | not measured |
//! | `because` | why it is so | none |
//! | `feedback` | `true`: it closes a loop on purpose, which is else an error | `false` |
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
pub use component::is_one_program;
pub use diagnostic::{Diagnostic, Level, RuleErrors};
pub use expr::{CaptureIndex, CompanionIndex, Comparison, DistinctIndex, Expr, Limit, Measure, Op};
pub use matcher::{Hit, MAX_LABEL_LEN, Matcher};
pub use npd::{NpdImport, import_npd};
pub use prefilter::{LiteralSearcher, Prefilter};
pub use rule::{Borrow, Capture, Companion, Label, Once, Rule, RuleSeverity, Unit, Window};
pub use set::{Loaded, RuleSet};
