//! Values that one line tells for another: a kill for lack of memory does not name the limit, a line
//! shortly before it does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::RulePlan;

/// A value is lent to lines this much later at most.
const LOAN_NANOS: i64 = 10_000_000_000;

/// A capture that another rule's lines may tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loan {
    pub(crate) capture: usize,
    pub(crate) lender: usize,
    pub(crate) lender_capture: usize,
}

/// What lines told last, by rule and host.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Loans(BTreeMap<(usize, usize), Lent>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lent {
    time: i64,
    values: Vec<Option<i64>>,
}

impl Loans {
    /// The same with rules renumbered; `rule` is `None` for those to be left out. `None` if what a
    /// rule lent are not as many values as it has, or no host lent them.
    pub(crate) fn renumbered(
        self,
        plans: &[RulePlan],
        hosts: usize,
        rule: impl Fn(usize) -> Option<usize>,
    ) -> Option<Self> {
        let lent = self.0.into_iter().filter_map(|((old, host), lent)| Some(((rule(old)?, host), lent)));
        let lent: BTreeMap<_, _> = lent.collect();
        let is_sound = lent.iter().all(|((rule, host), lent)| {
            *host < hosts && plans.get(*rule).is_some_and(|plan| plan.captures.len() == lent.values.len())
        });
        is_sound.then_some(Self(lent))
    }

    /// Keeps the values that a hit tells for others, and fills in what others told.
    pub(crate) fn exchange(
        &mut self,
        plan: &RulePlan,
        rule: usize,
        host: usize,
        time: i64,
        values: &[Option<i64>],
    ) -> Vec<Option<i64>> {
        let mut filled = values.to_vec();
        for loan in &plan.borrows {
            let is_fresh =
                |lent: &&Lent| time.checked_sub(lent.time).is_some_and(|age| (0..=LOAN_NANOS).contains(&age));
            let lent = self.0.get(&(loan.lender, host)).filter(is_fresh);
            if let (None, Some(lent)) = (filled[loan.capture], lent) {
                filled[loan.capture] = lent.values[loan.lender_capture];
            }
        }
        if plan.lends && values.iter().any(Option::is_some) {
            let nothing = || Lent { time, values: vec![None; values.len()] };
            let lent = self.0.entry((rule, host)).or_insert_with(nothing);
            if time != lent.time {
                *lent = nothing();
            }
            lent.values.iter_mut().zip(values).for_each(|(kept, value)| *kept = value.or(*kept));
        }
        filled
    }
}
