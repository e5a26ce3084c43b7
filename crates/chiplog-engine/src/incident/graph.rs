//! Rules and causes, arranged for looking things up.

use std::collections::BTreeMap;

use chiplog_rules::{Cause, Rule, RuleSet};

/// What the rules know of causes and effects.
pub(super) struct Graph<'r> {
    pub(super) rules: &'r [Rule],
    pub(super) causes: &'r [Cause],
    /// Per rule, the causes whose effect it is: indexes into [`Graph::causes`].
    pub(super) into: Vec<Vec<usize>>,
    /// Per rule, the causes that start at it.
    pub(super) from: Vec<Vec<usize>>,
    /// Per rule, its place in an order in which every cause comes before its effects.
    rank: Vec<usize>,
    index_of: BTreeMap<&'r str, usize>,
}

impl<'r> Graph<'r> {
    pub(super) fn new(set: &'r RuleSet) -> Self {
        let (rules, causes) = (set.rules(), set.causes());
        let mut into = vec![Vec::new(); rules.len()];
        let mut from = vec![Vec::new(); rules.len()];
        for (index, cause) in causes.iter().enumerate() {
            into[cause.to].push(index);
            from[cause.from].push(index);
        }
        let index_of = rules.iter().enumerate().map(|(index, rule)| (rule.id.as_str(), index)).collect();
        let rank = ranks(rules.len(), causes, &from);
        Self { rules, causes, into, from, rank, index_of }
    }

    pub(super) fn rule_of(&self, id: &str) -> Option<usize> {
        self.index_of.get(id).copied()
    }

    /// See [`Graph::rank`].
    pub(super) fn rank(&self, rule: usize) -> usize {
        self.rank[rule]
    }

    /// What is known to lead to a rule, save what the rule itself makes worse.
    pub(super) fn causes_of(&self, rule: usize) -> impl Iterator<Item = &'r Cause> {
        let causes = self.causes;
        self.into[rule].iter().map(move |cause| &causes[*cause]).filter(|cause| !cause.is_feedback)
    }

    /// Every rule that leads to this one through others, itself not included.
    pub(super) fn ancestors(&self, rule: usize) -> Vec<bool> {
        let mut is_ancestor = vec![false; self.rules.len()];
        let mut open = vec![rule];
        while let Some(rule) = open.pop() {
            for cause in self.causes_of(rule) {
                if !std::mem::replace(&mut is_ancestor[cause.from], true) {
                    open.push(cause.from);
                }
            }
        }
        is_ancestor
    }
}

/// Causes before effects, and those that do not depend on each other in the order of the rules. The
/// loader leaves no loops.
fn ranks(rules: usize, causes: &[Cause], from: &[Vec<usize>]) -> Vec<usize> {
    let mut waiting_for = vec![0_usize; rules];
    for cause in causes.iter().filter(|cause| !cause.is_feedback) {
        waiting_for[cause.to] += 1;
    }
    let mut ready: std::collections::BTreeSet<usize> =
        (0..rules).filter(|rule| waiting_for[*rule] == 0).collect();
    let mut rank = vec![rules; rules];
    let mut next = 0;
    while let Some(rule) = ready.pop_first() {
        rank[rule] = next;
        next += 1;
        for cause in from[rule].iter().map(|cause| &causes[*cause]).filter(|cause| !cause.is_feedback) {
            waiting_for[cause.to] -= 1;
            if waiting_for[cause.to] == 0 {
                ready.insert(cause.to);
            }
        }
    }
    rank
}
