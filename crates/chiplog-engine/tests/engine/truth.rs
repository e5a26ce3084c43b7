//! What was planted is found, no more and no less.

use chiplog_engine::RuleTotals;
use chiplog_parse::Clock;
use chiplog_rules::RuleSet;
use chiplog_testkit::{Envelope, Generator, Problem, Profile, Shares, Tally, naive};

use crate::support::{blocks_of, scan, sparse};

const RULES: [(Problem, &[&str]); 5] = [
    (Problem::EtcdSlowApply, &["etcd-slow-apply"]),
    (Problem::OrphanedPodVolumes, &["kubelet-orphaned-pod-volumes"]),
    (Problem::OomKill, &["kernel-oom-memcg"]),
    (Problem::ContainerNotFound, &["docker-container-not-found"]),
    (Problem::ProbeFailed, &["kubelet-liveness-failed", "kubelet-readiness-failed"]),
];

/// Totals in the form of the truth. Only the values of slow requests and orphans are planted.
fn tally(totals: &[&RuleTotals], problem: Problem) -> Tally {
    let mut tally = Tally { hits: totals.iter().map(|totals| totals.hits).sum(), ..Tally::default() };
    if matches!(problem, Problem::EtcdSlowApply | Problem::OrphanedPodVolumes) {
        let value = &totals[0].values[0];
        assert_eq!(value.count, tally.hits);
        tally.sum = u128::try_from(value.sum).unwrap();
        tally.min = value.min.map(|min| u64::try_from(min).unwrap());
        tally.max = value.max.map(|max| u64::try_from(max).unwrap());
    }
    tally
}

#[test]
fn totals_are_those_that_were_planted() {
    let rules = RuleSet::builtin();
    let with_decoys = Shares { decoys: 5_000, ..Profile::sick().shares };
    let profiles = [
        ("healthy", Profile::healthy()),
        ("sick", Profile::sick()),
        ("decoys", Profile { shares: with_decoys, ..Profile::sick() }),
        ("new year", Profile { jitter_micros: 3_000_000, ..Profile::sick().across_new_year() }),
    ];
    for (name, profile) in profiles {
        for envelope in [Envelope::JournalShort, Envelope::Cri, Envelope::DockerJson, Envelope::None] {
            let mut generator = Generator::new(7, profile.in_envelope(envelope));
            let mut log = Vec::new();
            generator.append(&mut log, 1 << 20);
            let blocks = blocks_of(&log, &[100_000], usize::MAX);
            let summary = scan(&rules, &blocks, sparse(2), Clock::from_year(2019), false).summary;
            let counted = naive::count(&log);
            for (problem, ids) in RULES {
                let totals: Vec<&RuleTotals> = ids.iter().map(|id| &summary.rules[*id]).collect();
                let planted = generator.truth().tally(problem);
                assert_eq!(counted.tally(problem), planted, "oracle: {name}, {envelope:?}, {problem:?}");
                assert_eq!(tally(&totals, problem), planted, "{name}, {envelope:?}, {problem:?}");
            }
            assert_eq!(summary.inputs[0].lines, generator.truth().lines);
            assert_eq!(summary.inputs[0].bytes, log.len() as u64);
            if name == "healthy" {
                // Containers end in healthy clusters, and the generator's clock is fast.
                let is_noise = |id: &str| rules.get(id).is_some_and(|rule| rule.is_noise);
                let ids = summary.findings.iter().map(|finding| &finding.rule_id);
                let ids: Vec<_> = ids.filter(|id| !is_noise(id)).collect();
                assert!(ids.is_empty(), "{envelope:?}: {ids:?}");
            }
        }
    }
}
