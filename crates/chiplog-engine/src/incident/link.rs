//! Whether one thing that was seen can have led to another, and how sure that is.

use chiplog_rules::{Basis, Cause, Lag, Scope};

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

/// Judges whether `from` can have led to `to`, which are of the rules of `cause`.
pub(super) fn judge(cause: &Cause, from: &Node<'_>, to: &Node<'_>) -> Option<Judged> {
    let relation = from.host.relation(to.host);
    let place = place(cause, from, to, relation)?;
    let slack = if relation == Relation::Other { SLACK_BETWEEN_HOSTS } else { SLACK_ON_ONE_HOST };
    let unmeasured =
        if cause.scope == Scope::Cluster { UNMEASURED_BETWEEN_HOSTS } else { UNMEASURED_ON_ONE_HOST };
    let (fit, timing, lag_nanos) = timing(cause.lag, from, to, slack, unmeasured)?;
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

fn timing(
    known: Option<Lag>,
    from: &Node<'_>,
    to: &Node<'_>,
    slack: i64,
    unmeasured: i64,
) -> Option<(Fit, i32, Option<i64>)> {
    let (Some(start), Some(effect)) = (from.first, to.first) else {
        // Without times, neighbours in one source are all that can be said.
        let is_near = from.source == to.source && from.first.is_none() && to.first.is_none();
        return is_near.then_some((Fit::NoTime, 4, None));
    };
    let lag = effect.saturating_sub(start);
    let idle = effect.saturating_sub(from.last.unwrap_or(start).max(start));
    let (fit, points) = match known {
        Some(known) => {
            let reach = reach(known);
            let least = if known.min_nanos > GROWTH { known.min_nanos / 2 } else { known.min_nanos.min(0) };
            if lag < least.saturating_sub(slack) {
                return None;
            } else if lag < known.min_nanos {
                let is_near = lag >= known.min_nanos.saturating_sub(slack);
                (Fit::Sooner, if is_near { 20 } else { 10 })
            } else if lag <= known.max_nanos.saturating_add(slack) {
                (Fit::Within, within(known, lag, slack))
            } else if lag <= reach {
                (Fit::Later, 16)
            } else if idle <= reach {
                (Fit::Lasting, 8)
            } else {
                return None;
            }
        }
        None if lag < -slack => return None,
        None if lag < 0 => (Fit::Sooner, 9),
        // The sooner, the likelier.
        None if lag <= unmeasured => (Fit::NotMeasured, 14 - (lag.max(0) / (unmeasured / 4)) as i32),
        None if idle <= unmeasured => (Fit::Lasting, 4),
        None => return None,
    };
    Some((fit, points, Some(lag)))
}
