//! Lines that a source knows are missing.

/// Lines of a stream that were never read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Why.
    pub reason: LossReason,
    /// How many lines or entries, if that is known.
    pub lines: Option<u64>,
    /// How many bytes, if that is known.
    pub bytes: Option<u64>,
}

/// Why lines are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LossReason {
    /// A file was removed, or cut in place, before it was read to its end.
    Removed,
    /// A journal was vacuumed, or its writer left numbers out.
    Vacuumed,
    /// The kernel's ring was overwritten.
    Overwritten,
    /// What is stored is damaged.
    Damaged,
}

impl LossReason {
    /// The name in reports and metrics: `removed`, `vacuumed`, `overwritten`, `damaged`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Vacuumed => "vacuumed",
            Self::Overwritten => "overwritten",
            Self::Damaged => "damaged",
        }
    }
}
