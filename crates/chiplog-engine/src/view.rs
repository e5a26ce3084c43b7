//! What a condition is judged by: the window of a key, and what is known beside it.

use chiplog_rules::{Comparison, Expr, Limit, Measure, Op};

use crate::Unit;
use crate::clocks::DISORDER_NANOS;
use crate::timeline::MEMORY_NANOS;
use crate::window::{Measured, Window, lengths_of, plain};

/// A key at the time of judgement.
pub(crate) struct View<'v> {
    pub(crate) window: &'v Window,
    /// The hits of the other rules that the conditions compare with.
    pub(crate) companions: Companions<'v>,
    /// Time of the last hit, or of a gap after it in which there may have been one.
    pub(crate) quiet_since: Option<i64>,
}

/// The windows of other rules: which of all.
#[derive(Clone, Copy)]
pub(crate) struct Companions<'v> {
    pub(crate) tracks: &'v [crate::companions::Track],
    pub(crate) ids: &'v [usize],
}

impl<'v> Companions<'v> {
    fn window(self, companion: usize) -> Option<&'v Window> {
        self.tracks.get(*self.ids.get(companion)?).map(|track| &track.window)
    }
}

/// What an open condition makes of a measure without a value, and what a close condition does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// What is not known to hold does not hold.
    Fails,
    /// Nothing is left that could keep a finding open.
    Holds,
}

impl View<'_> {
    /// Whether a condition holds at `now`. A measure without a value makes its comparison
    /// unknown.
    pub(crate) fn holds(&self, expr: &Expr, now: i64, unknown: Unknown) -> bool {
        self.truth(expr, now, unknown).unwrap_or(unknown == Unknown::Holds)
    }

    /// Three-valued truth (Kleene).
    pub(crate) fn truth(&self, expr: &Expr, now: i64, unknown: Unknown) -> Option<bool> {
        match expr {
            Expr::Any(parts) => self.decide(parts, now, unknown, true),
            Expr::All(parts) => self.decide(parts, now, unknown, false),
            Expr::Not(part) => self.truth(part, now, unknown).map(|truth| !truth),
            Expr::Compare(comparison) => match self.measure(comparison, now) {
                Some(measured) => Some(comparison.op.accepts(measured.amount.cmp(&measured.limit))),
                // A hit of another rule that never was is one that was long ago.
                None if matches!(comparison.measure, Measure::Since(_)) => {
                    Some(comparison.op.accepts(std::cmp::Ordering::Greater))
                }
                None => None,
            },
        }
    }

    /// `decisive` as soon as one part is, its contrary if all parts are that, else unknown.
    fn decide(&self, parts: &[Expr], now: i64, unknown: Unknown, decisive: bool) -> Option<bool> {
        let mut outcome = Some(!decisive);
        for part in parts {
            match self.truth(part, now, unknown) {
                Some(truth) if truth == decisive => return Some(decisive),
                Some(_) => {}
                None => outcome = None,
            }
        }
        outcome
    }

    /// The measure of a comparison at `now`, beside its limit. `None` without any value.
    pub(crate) fn measure(&self, comparison: &Comparison, now: i64) -> Option<Measured> {
        match comparison.measure {
            Measure::Since(companion) => {
                let latest = self.companions.window(companion.0)?.latest_hit()?;
                let since = i128::from(now) - i128::from(latest);
                let Limit::Value(limit) = comparison.limit else { return None };
                // What is out of order came just now. What is further ahead is on another clock, and
                // what is long past the limit may be forgotten: it is as if it had never been.
                let is_known = latest <= now.saturating_add(DISORDER_NANOS)
                    && since <= i128::from(limit) + i128::from(MEMORY_NANOS);
                is_known.then(|| plain(since.max(0), comparison.limit, Unit::Nanoseconds))?
            }
            Measure::Ratio(companion) => {
                let length = self.window.length_of(comparison);
                let theirs = self.companions.window(companion.0)?.occurrences(length, now);
                let mine = i128::from(self.window.occurrences(length, now));
                let ratio = (mine * 1_000_000).checked_div(i128::from(theirs))?;
                plain(ratio, comparison.limit, Unit::PartsPerMillion)
            }
            // Told as the time without a hit, which says more than that it is long enough.
            Measure::Absent => Some(Measured {
                amount: i128::from(now) - i128::from(self.quiet_since?),
                limit: i128::from(comparison.over_nanos?),
                unit: Unit::Nanoseconds,
            }),
            _ => self.window.measure(comparison, now),
        }
    }

    /// The first comparison of a condition, in reading order, that holds and asks for much.
    pub(crate) fn reported<'e>(&self, expr: &'e Expr, now: i64) -> Option<(&'e Comparison, Measured)> {
        match expr {
            Expr::Any(parts) | Expr::All(parts) => parts.iter().find_map(|part| self.reported(part, now)),
            Expr::Not(_) => None,
            Expr::Compare(comparison) => {
                let asks_for_much = matches!(comparison.op, Op::AtLeast | Op::MoreThan);
                let measured = self.measure(comparison, now)?;
                let holds = comparison.op.accepts(measured.amount.cmp(&measured.limit));
                (asks_for_much && holds).then_some((comparison, measured))
            }
        }
    }
}

/// When a condition may change although no line that it is about comes.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Lengths of the windows that it looks at.
    lengths: Vec<i64>,
    /// Other rules whose hits it counts in such windows.
    counted: Vec<usize>,
    /// Other rules, and the times since their latest hit that it asks for.
    since: Vec<(usize, i64)>,
    /// The times without a hit that it asks for.
    absent: Vec<i64>,
}

impl Changes {
    pub(crate) fn of(expr: &Expr, span_nanos: i64) -> Self {
        let lengths = lengths_of(expr, span_nanos);
        let (mut counted, mut since, mut absent) = (vec![], vec![], vec![]);
        expr.for_each_comparison(&mut |comparison| match (comparison.measure, comparison.limit) {
            (Measure::Ratio(companion), _) => counted.push(companion.0),
            (Measure::Since(companion), chiplog_rules::Limit::Value(limit)) => {
                since.push((companion.0, limit));
            }
            (Measure::Absent, _) => absent.extend(comparison.over_nanos),
            _ => {}
        });
        Self { lengths, counted, since, absent }
    }

    /// Whether the condition can come true without a hit.
    pub(crate) fn needs_no_hit(&self) -> bool {
        !self.absent.is_empty()
    }

    /// Whether the hits of other rules can change the condition.
    pub(crate) fn looks_at_others(&self) -> bool {
        !(self.counted.is_empty() && self.since.is_empty())
    }

    /// The first time after `after` at which the condition may change.
    pub(crate) fn next(&self, view: &View<'_>, after: i64) -> Option<i64> {
        let window = |companion: &usize| view.companions.window(*companion);
        let counted = self.counted.iter().filter_map(window);
        let departures = std::iter::once(view.window).chain(counted);
        let departures = departures.filter_map(|window| window.next_departure(&self.lengths, after));
        // At its limit and right behind it: `<=` holds there still.
        let since = self.since.iter().filter_map(|(companion, limit)| {
            let latest = window(companion)?.latest_hit()?;
            let at = latest.saturating_add(*limit);
            [at, at.saturating_add(1)].into_iter().find(|time| *time > after)
        });
        let absent = self.absent.iter().filter_map(|length| {
            Some(view.quiet_since?.saturating_add(*length)).filter(|time| *time > after)
        });
        departures.chain(since).chain(absent).min()
    }
}
