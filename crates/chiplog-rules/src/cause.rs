//! Which finding leads to which.

/// A finding of one rule that leads to one of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cause {
    /// The rule of the cause, an index into [`crate::RuleSet::rules`].
    pub from: usize,
    /// The rule of the effect, an index into [`crate::RuleSet::rules`].
    pub to: usize,
    /// From the first hit of the cause to the first of the effect; `None` if it is not known.
    pub lag: Option<Lag>,
    /// Where the effect is looked for.
    pub scope: Scope,
    /// What the lag rests on; `None` if it was not measured.
    pub basis: Option<Basis>,
    /// Why it is so.
    pub because: Option<String>,
    /// Whether the edge closes a loop on purpose: the effect makes its cause worse.
    pub is_feedback: bool,
}

/// How long an effect takes to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lag {
    /// The least time, in nanoseconds. Negative where the effect may show first.
    pub min_nanos: i64,
    /// The usual time, in nanoseconds, from the least to the greatest.
    pub typical_nanos: Option<i64>,
    /// The greatest time, in nanoseconds. Not less than the least.
    pub max_nanos: i64,
}

/// What a cause and its effect must have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// The host.
    #[default]
    Host,
    /// The host, and the value of this label.
    Label(String),
    /// Nothing.
    Cluster,
}

/// What a lag rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Basis {
    /// A constant or default of the programs.
    Constant,
    /// Recorded logs.
    Observed,
    /// Reckoning.
    Estimate,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Self; 3] = [Self::Constant, Self::Observed, Self::Estimate];

    /// The name, as rule files write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Observed => "observed",
            Self::Estimate => "estimate",
        }
    }
}
