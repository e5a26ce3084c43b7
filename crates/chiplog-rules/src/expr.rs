//! The conditions under which a finding opens and closes.
//!
//! ```text
//! any        = all *( "or" all )
//! all        = unary *( "and" unary )
//! unary      = "not" unary / ( "(" any ")" / comparison ) [ "for" duration ]
//! comparison = measure op literal / "absent"
//! measure    = "count" / "rate" / "lasting"
//!            / ( "max" / "min" / "sum" / "last" / "p50" / "p99" .. / "distinct" ) "(" capture ")"
//!            / ( "since" / "ratio" ) "(" rule ")"
//! op         = ">=" / ">" / "<=" / "<" / "==" / "!="
//! literal    = integer / duration / size / number "/" unit-of-time / number [ "%" ]
//! ```

mod parse;
mod resolve;

use std::cmp::Ordering;

pub(crate) use parse::{Literal, RawExpr, SpannedError, parse};
pub(crate) use resolve::{Known, Resolver};

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

/// Which of [`Rule::distinct_captures`](crate::Rule::distinct_captures).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DistinctIndex(pub usize);

/// Which of [`Rule::companions`](crate::Rule::companions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompanionIndex(pub usize);

/// What is measured over the hits of a window.
///
/// Those over the values of a capture are in its base unit (nanoseconds, bytes, or plain), and have
/// no value when no hit of the window had one. A measure without a value satisfies no comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// How many occurrences: a hit is one, or as many as [`Hit::repeats`](crate::Hit::repeats) says.
    Count,
    /// Occurrences for each unit of time.
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
    /// How many different texts a capture had.
    Distinct(DistinctIndex),
    /// Nanoseconds from the first to the latest hit of the present run of hits. A run ends where
    /// two hits are further apart than the span of the window. No value without a hit.
    Lasting,
    /// Nanoseconds since the latest hit of another rule on the same host whose labels are equal to
    /// those of the window, where both rules have them. Without such a hit greater than any limit.
    Since(CompanionIndex),
    /// Own occurrences in the window for each occurrence of another rule on the same host, in parts
    /// per million. No value while the other has none.
    Ratio(CompanionIndex),
    /// One if there was no hit for the time that is judged, else zero. Only after a first hit, and
    /// gaps in the log do not count. Always compared as `>= 1`, always with a time, and only in
    /// [`Rule::open`](crate::Rule::open).
    Absent,
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
    /// A value in the base unit of the measure: occurrences, nanoseconds, bytes, parts per million,
    /// or plain.
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
    /// The capture whose numbers are measured, if any are.
    #[must_use]
    pub const fn capture(self) -> Option<CaptureIndex> {
        match self {
            Self::Count
            | Self::Rate
            | Self::Distinct(_)
            | Self::Lasting
            | Self::Since(_)
            | Self::Ratio(_)
            | Self::Absent => None,
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

    /// Whether the condition can hold in a window without a single hit: counts are zero, measures
    /// of captures have no value and satisfy nothing, and the lines of other rules may be anything.
    /// [`Measure::Absent`] needs a first hit.
    #[must_use]
    pub fn holds_without_hits(&self) -> bool {
        self.can_be(true)
    }

    /// Whether the condition can come out so without hits.
    fn can_be(&self, wanted: bool) -> bool {
        match self {
            Self::Any(parts) if wanted => parts.iter().any(|part| part.can_be(true)),
            Self::Any(parts) => parts.iter().all(|part| part.can_be(false)),
            Self::All(parts) if wanted => parts.iter().all(|part| part.can_be(true)),
            Self::All(parts) => parts.iter().any(|part| part.can_be(false)),
            Self::Not(part) => part.can_be(!wanted),
            Self::Compare(comparison) => {
                let limit = match comparison.limit {
                    Limit::Value(limit) => limit,
                    Limit::Rate { count, .. } => count,
                };
                let of_zero = comparison.op.accepts(0.cmp(&limit));
                match comparison.measure {
                    Measure::Count | Measure::Rate | Measure::Distinct(_) => of_zero == wanted,
                    Measure::Ratio(_) => of_zero || !wanted,
                    Measure::Since(_) => true,
                    _ => !wanted,
                }
            }
        }
    }
}
