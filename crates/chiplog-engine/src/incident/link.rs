//! Whether one thing that was seen can have led to another, and how sure that is.

use chiplog_rules::{Basis, Cause, Lag, Rule, Scope};

use super::Fit;
use super::node::{Node, Relation, is_same, label};

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;

/// Many envelopes give whole seconds, and programs of one host do not write in step.
const SLACK_ON_ONE_HOST: i64 = 2 * SECOND;

/// Clocks of hosts that are kept in step still differ.
const SLACK_BETWEEN_HOSTS: i64 = 5 * SECOND;

/// How soon an effect shows whose lag was never measured.
const UNMEASURED_ON_ONE_HOST: i64 = 10 * MINUTE;
const UNMEASURED_BETWEEN_HOSTS: i64 = 5 * MINUTE;
/// Where nobody knows whether it was on the same host.
const UNMEASURED_MAYBE: i64 = 2 * MINUTE;

/// How much later than its effect a cause may be told that leaves no line below a limit.
const BELOW_FLOOR: i64 = 5 * MINUTE;

/// A trouble goes on for as long after a hit: its hits are seconds apart, and what lasted is told at its
/// end.
const LULL: i64 = 10 * SECOND;

/// A cause that takes longer than this at least is one that grows: sooner, it is not the cause.
const GROWTH: i64 = 10 * MINUTE;

/// How a cause and an effect fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) lag_nanos: Option<i64>,
    pub(super) fit: Fit,
    /// From 1 to 40.
    pub(super) points: i32,
}

/// Judges whether `from` can have led to `to`, which are of the rules of `cause`; `rule` is that of
/// `from`.
pub(super) fn judge(cause: &Cause, rule: &Rule, from: &Node<'_>, to: &Node<'_>) -> Option<Judged> {
    // What a rule says in general of a line, another says better: that is no cause of it.
    let is_one_line = from.source == to.source && from.line.is_some() && from.line == to.line;
    if is_one_line && from.specificity < to.specificity {
        return None;
    }
    let relation = from.host.relation(to.host);
    let place = place(cause, from, to, relation)?;
    let slack = if relation == Relation::Other { SLACK_BETWEEN_HOSTS } else { SLACK_ON_ONE_HOST };
    let is_maybe = cause.scope != Scope::Cluster && relation == Relation::Maybe;
    let (fit, timing, lag_nanos) = match (from.first, to.first) {
        (Some(start), Some(effect)) => {
            let unmeasured = match cause.scope {
                Scope::Cluster => UNMEASURED_BETWEEN_HOSTS,
                _ if is_maybe => UNMEASURED_MAYBE,
                _ => UNMEASURED_ON_ONE_HOST,
            };
            let lags = Lags {
                first: effect.saturating_sub(start),
                opened: to.opened.unwrap_or(effect).saturating_sub(start),
                last: to.last.unwrap_or(effect).saturating_sub(start),
                idle: effect.saturating_sub(from.last.unwrap_or(start).max(start)),
            };
            let ways = [
                of_first_hit(cause.lag, lags, slack, unmeasured),
                of_opening(cause.lag, lags),
                rule.floor.as_ref().and_then(|_| of_floor(lags)),
            ];
            let (fit, points) = ways
                .into_iter()
                .flatten()
                // That the cause goes on, and may be here, is too little.
                .filter(|(fit, _)| !(is_maybe && *fit == Fit::Lasting))
                .reduce(|best, way| if way.1 > best.1 { way } else { best })?;
            (fit, points, Some(lags.first))
        }
        // Without times, neighbours in one source are all that can be said.
        (None, None) if from.source == to.source => (Fit::NoTime, 4, None),
        _ => return None,
    };
    let basis = match cause.basis {
        Some(Basis::Constant) => 4,
        Some(Basis::Observed) => 3,
        Some(_) => 1,
        None => 0,
    };
    let weak = [from, to].iter().filter(|node| !node.is_trouble).count() as i32;
    let points = (timing + place + basis - 3 * weak).clamp(1, 40);
    Some(Judged { lag_nanos, fit, points })
}

/// Times of an effect, from the first hit of the cause.
#[derive(Clone, Copy)]
struct Lags {
    first: i64,
    opened: i64,
    last: i64,
    /// From the last hit of the cause to the first of the effect.
    idle: i64,
}

/// Points for the place; `None` if the places do not fit.
fn place(cause: &Cause, from: &Node<'_>, to: &Node<'_>, relation: Relation) -> Option<i32> {
    match &cause.scope {
        Scope::Label(name) => match (label(from.group, name), label(to.group, name), relation) {
            (_, _, Relation::Other) => None,
            (Some(ours), Some(theirs), _) if !is_same(name, ours, theirs) => None,
            (Some(_), Some(_), Relation::Same) => Some(8),
            (Some(_), Some(_), _) => Some(4),
            _ => Some(0),
        },
        Scope::Cluster => match (from.about, to.about) {
            (Some(ours), Some(theirs)) => (ours == theirs).then_some(6),
            _ if relation == Relation::Same => Some(3),
            _ => Some(0),
        },
        _ => match relation {
            Relation::Same => Some(6),
            Relation::Maybe => Some(-2),
            Relation::Other => None,
        },
    }
}

/// The latest that an effect still counts: well after the greatest known lag.
fn reach(known: Lag) -> i64 {
    let max = known.max_nanos.max(0);
    let later = (max / 2).clamp(15 * SECOND, 60 * MINUTE);
    let twice = known.typical_nanos.unwrap_or(0).max(0).saturating_mul(2);
    max.saturating_add(later).max(twice)
}

/// How long before an effect its cause may have been.
pub(super) fn look_back(cause: &Cause) -> i64 {
    match cause.lag {
        Some(lag) => lag.typical_nanos.unwrap_or(lag.max_nanos).max(SECOND),
        None => MINUTE,
    }
}

/// Points for a lag that is as known: a narrow range that is met tells more than a wide one.
fn within(known: Lag, lag: i64, slack: i64) -> i32 {
    let width = known.max_nanos.saturating_sub(known.min_nanos);
    let narrow = match width {
        _ if width <= MINUTE => 24,
        _ if width <= 10 * MINUTE => 20,
        _ if width <= 60 * MINUTE => 16,
        _ => 10,
    };
    let is_typical = known
        .typical_nanos
        .is_some_and(|typical| lag <= typical.max(0).saturating_mul(2).saturating_add(slack));
    narrow + if is_typical { 4 } else { 0 }
}

/// Fit and points if the first hit of the effect is where it started.
fn of_first_hit(known: Option<Lag>, lags: Lags, slack: i64, unmeasured: i64) -> Option<(Fit, i32)> {
    let Lags { first: lag, idle, .. } = lags;
    let Some(known) = known else {
        return match lag {
            _ if lag < -slack => None,
            _ if lag < 0 => Some((Fit::Sooner, 9)),
            // The sooner, the likelier.
            _ if lag <= unmeasured => Some((Fit::NotMeasured, 14 - (lag / (unmeasured / 4)) as i32)),
            _ if idle <= unmeasured => Some((Fit::Lasting, 4)),
            _ => None,
        };
    };
    let reach = reach(known);
    if lag < least(known).saturating_sub(slack) {
        None
    } else if lag < known.min_nanos {
        let is_near = lag >= known.min_nanos.saturating_sub(slack);
        Some((Fit::Sooner, if is_near { 20 } else { 10 }))
    } else if lag <= known.max_nanos.saturating_add(slack) {
        Some((Fit::Within, within(known, lag, slack)))
    } else if lag <= reach {
        Some((Fit::Later, 16))
    } else if idle <= reach {
        Some((Fit::Lasting, 8))
    } else {
        None
    }
}

/// The soonest that an effect still counts, but for the slack.
fn least(known: Lag) -> i64 {
    if known.min_nanos > GROWTH { known.min_nanos / 2 } else { known.min_nanos.min(0) }
}

/// Fit and points if the effect had hits before its cause, which were strays: it started at any time
/// until it opened.
fn of_opening(known: Option<Lag>, lags: Lags) -> Option<(Fit, i32)> {
    let (least, min) = known.map_or((0, 0), |known| (least(known), known.min_nanos));
    let is_between = lags.first < min && lags.opened >= least.max(lags.first.saturating_add(1));
    let points = match known {
        Some(_) if lags.opened >= min => 12,
        _ => 8,
    };
    is_between.then_some((Fit::Opened, points))
}

/// Fit and points if the cause was there before its first line.
fn of_floor(lags: Lags) -> Option<(Fit, i32)> {
    let is_before = lags.first < 0 && lags.first >= -BELOW_FLOOR;
    let goes_on = lags.last >= -LULL;
    (is_before && goes_on).then_some((Fit::Floor, if lags.first >= -MINUTE { 10 } else { 6 }))
}
