//! The conditions under which a finding opens and closes.
//!
//! ```text
//! any        = all *( "or" all )
//! all        = unary *( "and" unary )
//! unary      = "not" unary / ( "(" any ")" / comparison ) [ "for" duration ]
//! comparison = measure op literal
//! measure    = "count" / "rate" / ( "max" / "min" / "sum" / "last" / "p50" / "p99" .. ) "(" capture ")"
//! op         = ">=" / ">" / "<=" / "<" / "==" / "!="
//! literal    = integer / duration / size / number "/" unit-of-time
//! ```

mod parse;
mod resolve;

use std::cmp::Ordering;

pub(crate) use parse::{Literal, RawExpr, SpannedError, parse};
pub(crate) use resolve::{Known, resolve};

/// A condition over the hits of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// At least one holds. Never empty.
    Any(Vec<Expr>),
    /// All hold. Never empty.
    All(Vec<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// A measure compared with a limit.
    Compare(Comparison),
}

/// A measure compared with a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comparison {
    /// What is measured.
    pub measure: Measure,
    /// How it is compared.
    pub op: Op,
    /// With what.
    pub limit: Limit,
    /// The length of the time that is judged, in nanoseconds, if it is not the span of the rule's
    /// window: `X for 5m`. Greater than zero.
    pub over_nanos: Option<i64>,
    /// The comparison as the author wrote it, blanks evened out: `max(stale) > 4m for 10m`.
    pub text: String,
}

/// Which of [`Rule::numeric_captures`](crate::Rule::numeric_captures).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaptureIndex(pub usize);

/// What is measured over the hits of a window.
///
/// All but the first two are over the values of a capture, in its base unit (nanoseconds, bytes,
/// or plain), and have no value when no hit of the window had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// How many hits.
    Count,
    /// Hits for each unit of time.
    Rate,
    /// The greatest value.
    Max(CaptureIndex),
    /// The least value.
    Min(CaptureIndex),
    /// All values added.
    Sum(CaptureIndex),
    /// The value of the latest hit that has one.
    Last(CaptureIndex),
    /// The least value that at least this share of the values does not exceed.
    Quantile {
        /// Of which capture.
        capture: CaptureIndex,
        /// The share in units of 1/10,000: 9,900 is p99. From 1 to 9,999.
        permyriad: u16,
    },
}

/// How a measure is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `>=`
    AtLeast,
    /// `>`
    MoreThan,
    /// `<=`
    AtMost,
    /// `<`
    LessThan,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// With what a measure is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// A value in the base unit of the measure: hits, nanoseconds, bytes, or plain.
    Value(i64),
    /// A rate: so many hits in so many nanoseconds. Only with [`Measure::Rate`].
    Rate {
        /// Hits.
        count: i64,
        /// The time, in nanoseconds. Greater than zero.
        per_nanos: i64,
    },
}

impl Op {
    /// The operator as it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::MoreThan => ">",
            Self::AtMost => "<=",
            Self::LessThan => "<",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }

    /// Whether a measure that stands in this order to its limit satisfies the operator.
    #[must_use]
    pub const fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::AtLeast => !matches!(order, Ordering::Less),
            Self::MoreThan => matches!(order, Ordering::Greater),
            Self::AtMost => !matches!(order, Ordering::Greater),
            Self::LessThan => matches!(order, Ordering::Less),
            Self::Equal => matches!(order, Ordering::Equal),
            Self::NotEqual => !matches!(order, Ordering::Equal),
        }
    }
}

impl Measure {
    /// The capture that is measured, if it is not the hits themselves.
    #[must_use]
    pub const fn capture(self) -> Option<CaptureIndex> {
        match self {
            Self::Count | Self::Rate => None,
            Self::Max(capture)
            | Self::Min(capture)
            | Self::Sum(capture)
            | Self::Last(capture)
            | Self::Quantile { capture, .. } => Some(capture),
        }
    }
}

impl Expr {
    /// Whether the condition holds, given which of its comparisons do.
    ///
    /// `holds` is asked about comparisons in the order in which they are written, and about no
    /// more of them than are needed.
    pub fn holds(&self, holds: &mut impl FnMut(&Comparison) -> bool) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(holds)),
            Self::All(parts) => parts.iter().all(|part| part.holds(holds)),
            Self::Not(part) => !part.holds(holds),
            Self::Compare(comparison) => holds(comparison),
        }
    }

    /// Calls `visit` for every comparison, in the order in which they are written.
    pub fn for_each_comparison<'a>(&'a self, visit: &mut impl FnMut(&'a Comparison)) {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                for part in parts {
                    part.for_each_comparison(visit);
                }
            }
            Self::Not(part) => part.for_each_comparison(visit),
            Self::Compare(comparison) => visit(comparison),
        }
    }

    /// Whether the condition holds in a window without a single hit: counts are zero, and
    /// measures of captures have no value and satisfy nothing.
    #[must_use]
    pub fn holds_without_hits(&self) -> bool {
        self.holds(&mut |comparison| {
            let limit = match comparison.limit {
                Limit::Value(limit) => limit,
                Limit::Rate { count, .. } => count,
            };
            comparison.measure.capture().is_none() && comparison.op.accepts(0.cmp(&limit))
        })
    }
}
