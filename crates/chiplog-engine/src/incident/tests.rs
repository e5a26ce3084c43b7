//! Incidents over small graphs, and laws over random ones.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use chiplog_parse::{Severity, UnixNanos};
use chiplog_rules::RuleSet;
use proptest::prelude::*;

use super::*;
use crate::{Evidence, Finding, Gap, InputSummary, Program, ScanSummary, Sighting};

const SECOND: i64 = 1_000_000_000;

/// A control plane in small: a disk that is slow, what follows, and on the side what is known of it.
const RULES: &str = r#"
disk-slow       critical 85
commit-late     critical 80
leader-lost     critical 80
lease-lost      critical 66
pods-stuck      error    50
noisy           warning  60
probe-failed    warning  50
crashloop       error    60
network-down    critical 90
wrapper         error    20
"#;

const CAUSES: &str = r#"
[[cause]]
from = "disk-slow"
to = "commit-late"
lag = "0s to 5s"
typical = "1s"
basis = "constant"
[[cause]]
from = "commit-late"
to = "leader-lost"
lag = "1s to 3s"
typical = "2s"
basis = "constant"
scope = "cluster"
[[cause]]
from = "leader-lost"
to = "lease-lost"
lag = "2s to 10s"
typical = "5s"
basis = "observed"
scope = "cluster"
[[cause]]
from = "lease-lost"
to = "pods-stuck"
[[cause]]
from = "noisy"
to = "pods-stuck"
[[cause]]
from = "probe-failed"
to = "crashloop"
lag = "30s to 5m"
typical = "1m"
scope = "pod"
[[cause]]
from = "network-down"
to = "probe-failed"
lag = "-20s to 30s"
typical = "10s"
"#;

fn rules() -> RuleSet {
    static SET: LazyLock<RuleSet> = LazyLock::new(|| rules_with(RULES, CAUSES));
    SET.clone()
}

/// The same, but of a slow disk nothing is told below a limit.
fn rules_with_floor() -> RuleSet {
    static SET: LazyLock<RuleSet> =
        LazyLock::new(|| rules_with(&RULES.replacen("critical 85", "critical 85 floor", 1), CAUSES));
    SET.clone()
}

fn rules_with(rules: &str, causes: &str) -> RuleSet {
    let mut text = String::new();
    for line in rules.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let mut word = || words.next().unwrap();
        let (id, severity, specificity) = (word(), word(), word());
        let floor = words.next().map_or("", |_| "floor = \"nothing below a second\"\n");
        writeln!(
            text,
            "[[rule]]\nid = \"{id}\"\nmatch = \"{id}!\"\nseverity = \"{severity}\"\nspecificity = {specificity}\n{floor}"
        )
        .unwrap();
    }
    let files = [("rules.toml", text.as_str()), ("causes.toml", causes)];
    RuleSet::load(files).unwrap_or_else(|errors| panic!("{errors}")).set
}

/// One line each: host (`-` if unnamed, `-1` in a source of its own), rule, first and last time in
/// seconds, hits; `?` in front of the rule if no finding opened, `~5` behind the first time if it opened
/// later, and labels behind all.
fn summary(rules: &RuleSet, seen: &str) -> ScanSummary {
    let mut summary = ScanSummary::default();
    for line in seen.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let host = words.next().unwrap();
        let id = words.next().unwrap();
        let (first, last) = (words.next().unwrap(), words.next().unwrap());
        let (first, opened) = first.split_once('~').unwrap_or((first, first));
        let [first_time, opened_time, last_time] = [first, opened, last]
            .map(|seconds| Some(UnixNanos((seconds.parse::<f64>().unwrap() * 1e9) as i64)));
        let hits = words.next().unwrap().parse().unwrap();
        let mut group: Vec<(Arc<str>, Arc<str>)> = vec![];
        if !host.starts_with('-') {
            group.push((Arc::from("host"), Arc::from(host)));
        }
        group.extend(words.map(|word| {
            let (name, value) = word.split_once('=').unwrap();
            (Arc::from(name), Arc::from(value))
        }));
        let source: Arc<str> = Arc::from(format!("{host}.log"));
        if !summary.inputs.iter().any(|input| input.name == source) {
            summary.inputs.push(InputSummary {
                name: Arc::clone(&source),
                hosts: if host.starts_with('-') { vec![] } else { vec![Arc::from(host)] },
                first_time: Some(UnixNanos(-3_600 * SECOND)),
                last_time: Some(UnixNanos(3_600 * SECOND)),
                ..InputSummary::default()
            });
        }
        if let Some(id) = id.strip_prefix('?') {
            let evidence =
                Evidence { line: 1, offset: 0, time: None, origin: None, body: vec![], values: vec![] };
            let mut sighting = Sighting::new(Arc::from(id), source, evidence);
            (sighting.first_time, sighting.last_time, sighting.hits) = (first_time, last_time, hits);
            sighting.group = group;
            summary.sightings.push(sighting);
        } else {
            let severity = rules.get(id).unwrap().severity.of_log();
            let mut finding = Finding::new(Arc::from(id), Arc::from(id), severity, source);
            (finding.first_time, finding.last_time, finding.hits) = (first_time, last_time, hits);
            finding.opened_time = opened_time;
            finding.group = group;
            summary.findings.push(finding);
        }
    }
    summary
}

fn diagnosed(seen: &str) -> Vec<Incident> {
    let rules = rules();
    diagnose(&rules, &summary(&rules, seen))
}

/// Root and chain, as text.
fn told(incident: &Incident) -> String {
    let id = |member: usize| incident.members[member].rule_id.to_string();
    let mut text = match &incident.root {
        Root::Member(member) => id(*member),
        Root::Unknown { earliest, suspects } => {
            let suspects: Vec<&str> = suspects.iter().map(|suspect| &*suspect.rule_id).collect();
            format!("? [{}] {}", suspects.join(" "), id(*earliest))
        }
    };
    for link in &incident.chain {
        write!(text, " -> {}", id(incident.links[*link].effect)).unwrap();
    }
    text
}

const CHAIN: &str = "
    cp-1 disk-slow   0.0 60 9
    cp-1 commit-late 1.0 60 9
    cp-2 leader-lost 3.0 3  1
    cp-2 lease-lost  8.0 8  1
    cp-2 pods-stuck  20  90 5
";

/// The chain without the lines of some rules.
fn without(chain: &str, rules: &[&str]) -> String {
    let lines = chain.lines().filter(|line| !rules.iter().any(|rule| line.contains(rule)));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_chain_over_hosts_has_its_first_cause_as_root() {
    let [incident] = &diagnosed(CHAIN)[..] else { panic!("one incident") };
    assert_eq!(told(incident), "disk-slow -> commit-late -> leader-lost -> lease-lost -> pods-stuck");
    assert_eq!(incident.hosts, [Arc::from("cp-1"), Arc::from("cp-2")]);
    let first = &incident.candidates[0];
    assert_eq!((first.explains, first.others), (4, 4));
    let text =
        |kind| first.reasons.iter().find(|reason| reason.kind == kind).map(|reason| reason.text.as_str());
    assert_eq!(text(ReasonKind::Explains), Some("explains 4 of 4 others"));
    assert_eq!(text(ReasonKind::Order), Some("came first"));
    assert_eq!(
        text(ReasonKind::Lags),
        Some(
            "commit-late 1 s later (typical 1 s, known 0 s to 5 s); leader-lost 2 s later (typical 2 s, known \
             1 s to 3 s); lease-lost 5 s later (typical 5 s, known 2 s to 10 s)"
        )
    );
    assert_eq!(first.points, first.reasons.iter().map(|reason| reason.points).sum::<i32>());
    assert_eq!(incident.expected, []);
}

#[test]
fn the_root_is_not_made_up_when_its_lines_are_missing() {
    for (removed, expected) in [
        (&["disk-slow"][..], "? [disk-slow] commit-late -> leader-lost -> lease-lost -> pods-stuck"),
        (&["disk-slow", "commit-late"], "? [commit-late disk-slow] leader-lost -> lease-lost -> pods-stuck"),
    ] {
        let incidents = diagnosed(&without(CHAIN, removed));
        let [incident] = &incidents[..] else { panic!("one incident") };
        assert_eq!(told(incident), expected);
    }
}

#[test]
fn lags_are_no_hard_limits() {
    let late = "
        cp-1 disk-slow   0.0 60 9
        cp-1 commit-late 10  60 9
        cp-2 leader-lost 16  16 1
    ";
    let [incident] = &diagnosed(late)[..] else { panic!("one incident") };
    assert_eq!(told(incident), "disk-slow -> commit-late -> leader-lost");
    assert_eq!(incident.links[0].fit, Fit::Later);
    let hours_later = "
        cp-1 disk-slow   0.0  20000 900
        cp-1 commit-late 9000 9000  1
        cp-1 commit-late 30000 30000  1
    ";
    let incidents = diagnosed(hours_later);
    assert_eq!(
        incidents.iter().map(told).collect::<Vec<_>>(),
        ["disk-slow -> commit-late", "? [disk-slow] commit-late"]
    );
    assert_eq!(incidents[0].links[0].fit, Fit::Lasting);
}

#[test]
fn hosts_and_labels_keep_troubles_apart() {
    let incidents = diagnosed(
        "
        cp-1 disk-slow    0 60 9
        cp-2 commit-late  1 60 9
        w-1  probe-failed 0 90 9 pod=a
        w-1  crashloop    60 900 9 pod=b
        ",
    );
    assert_eq!(incidents.len(), 4);
    let incidents = diagnosed(
        "
        - disk-slow    0 60 9
        cp-2 commit-late  1 60 9
        w-1  probe-failed 0 90 9 pod=a
        w-1  crashloop    60 900 9 pod=a
        ",
    );
    let texts: Vec<String> = incidents.iter().map(told).collect();
    assert_eq!(texts, ["disk-slow -> commit-late", "? [network-down] probe-failed -> crashloop"]);
}

#[test]
fn a_report_after_the_fact_is_still_the_root() {
    let incidents = diagnosed(
        "
        w-1 probe-failed  0 90 9 pod=a
        w-1 probe-failed  1 90 9 pod=b
        w-1 network-down 15 90 9
        ",
    );
    let [incident] = &incidents[..] else { panic!("one incident") };
    assert_eq!(told(incident), "network-down -> probe-failed");
    assert!(incident.candidates[0].reasons.iter().any(|reason| reason.text.starts_with("told 15 s after")));
}

/// A disk gets slower: what takes a tenth of a second too long is told before what takes a second.
#[test]
fn a_cause_below_its_floor_is_told_after_its_effect() {
    let rules = rules_with_floor();
    let diagnosed = |seen: &str| diagnose(&rules, &summary(&rules, seen));
    let seen = "
        cp-1 commit-late  0~2 60 90
        cp-1 disk-slow   36   50 7
        cp-2 leader-lost 40   60 5
    ";
    let [incident] = &diagnosed(seen)[..] else { panic!("one incident") };
    assert_eq!(told(incident), "disk-slow -> commit-late -> leader-lost");
    assert_eq!((incident.links[0].fit, incident.links[0].lag_nanos), (Fit::Floor, Some(-36 * SECOND)));
    let reasons = &incident.candidates[0].reasons;
    let order = reasons.iter().find(|reason| reason.kind == ReasonKind::Order).expect("an order");
    assert_eq!(order.text, "told 36 s after its first effect: it leaves a line only above a limit");
    let lags = reasons.iter().find(|reason| reason.kind == ReasonKind::Lags).expect("lags");
    assert!(
        lags.text.starts_with("commit-late 36 s earlier, with its cause below its limit ("),
        "{}",
        lags.text
    );
    // Long over, or long before, it was something else.
    for apart in [
        "cp-1 commit-late  0  20 90\ncp-1 disk-slow  36  50 7",
        "cp-1 commit-late  0 900 90\ncp-1 disk-slow 400 900 7",
    ] {
        assert_eq!(diagnosed(apart).len(), 2, "{apart}");
    }
    // What has no floor is told when it happens.
    assert_eq!(self::diagnosed("cp-1 commit-late 0 60 90\ncp-1 disk-slow 36 50 7").len(), 2);
}

/// Its first hit was a stray one, from when all was well.
#[test]
fn an_effect_that_opened_later_than_its_cause_is_explained() {
    let seen = "
        cp-2 leader-lost  0~65 70 7
        cp-1 disk-slow   50    90 9
        cp-1 commit-late 51    90 9
    ";
    let [incident] = &diagnosed(seen)[..] else { panic!("one incident") };
    assert_eq!(told(incident), "disk-slow -> commit-late -> leader-lost");
    assert_eq!(incident.links[incident.chain[1]].fit, Fit::Opened);
    let texts: Vec<&str> = incident.candidates[0].reasons.iter().map(|reason| reason.text.as_str()).collect();
    assert!(texts.contains(&"came before the others opened"), "{texts:?}");
    assert!(
        texts.iter().any(|text| text.contains("leader-lost opened 14 s later, after a first hit before (")),
        "{texts:?}"
    );
    // It was open before.
    let before = diagnosed(&seen.replace("0~65", "0~40"));
    assert_eq!(
        before.iter().map(told).collect::<Vec<_>>(),
        ["disk-slow -> commit-late", "? [commit-late disk-slow] leader-lost",]
    );
}

/// Files of the members of a cluster, none of which says where it is from.
#[test]
fn one_trouble_in_sources_without_hosts_is_one_incident() {
    let members = "-1 disk-slow 0 60 9\n-2 disk-slow 30 50 9\n-3 disk-slow 170 180 9";
    let [incident] = &diagnosed(members)[..] else { panic!("one incident") };
    assert_eq!((told(incident).as_str(), incident.members.len()), ("disk-slow", 3));
    assert_eq!(diagnosed(&members.replace("170", "190")).len(), 2);
    // Hosts that have names are told apart, by their names.
    assert_eq!(diagnosed("cp-1 disk-slow 0 60 9\ncp-2 disk-slow 30 50 9").len(), 2);
    // Days later, it is another.
    assert_eq!(diagnosed("-1 disk-slow 0 60 9\n-2 disk-slow 200000 200050 9").len(), 2);
}

/// Two recordings of nodes that are not named: each has its own cause.
#[test]
fn what_is_here_for_sure_explains_it_better_than_what_may_be() {
    let recordings = "
        -1 network-down  0 300 9
        -1 probe-failed 10 300 9 pod=a
        -2 network-down 20 310 9
        -2 probe-failed 30 310 9 pod=b
    ";
    let [incident] = &diagnosed(recordings)[..] else { panic!("one incident") };
    assert_eq!(incident.links.len(), 2);
    for link in &incident.links {
        assert_eq!(incident.members[link.cause].source, incident.members[link.effect].source);
    }
    let later = recordings.replace("20 310", "600 900").replace("30 310", "610 900");
    assert_eq!(diagnosed(&later).len(), 2);
    // Nobody knows the lag, and nobody knows the host.
    assert_eq!(diagnosed("-1 noisy 0 10 9\n-2 pods-stuck 100 900 9").len(), 1);
    assert_eq!(diagnosed("-1 noisy 0 10 9\n-2 pods-stuck 300 900 9").len(), 2);
    assert_eq!(diagnosed("-1 noisy 0 10 9\n-1 pods-stuck 300 900 9").len(), 1);
}

#[test]
fn the_gravest_incident_comes_first() {
    let incidents = diagnosed(
        "
        w-1 noisy          0 60 9
        w-2 network-down  10 60 9
        cp-1 disk-slow    20 60 9
        cp-1 commit-late  21 60 9
        w-3 crashloop     15 60 9 pod=a
        ",
    );
    let firsts: Vec<&str> = incidents.iter().map(|incident| &*incident.members[0].rule_id).collect();
    assert_eq!(firsts, ["disk-slow", "network-down", "crashloop", "noisy"]);
}

#[test]
fn what_opened_nothing_is_a_link_but_makes_no_incident() {
    let chain = CHAIN.replace("commit-late", "?commit-late");
    let [incident] = &diagnosed(&chain)[..] else { panic!("one incident") };
    assert_eq!(told(incident), "disk-slow -> commit-late -> leader-lost -> lease-lost -> pods-stuck");
    assert_eq!(incident.members[1].seen, Seen::Sighting(0));
    assert_eq!(diagnosed("cp-1 ?disk-slow 0 60 9\ncp-1 ?commit-late 1 60 9"), []);
    // It joins no two troubles as an effect of both.
    let incidents = diagnosed(
        "
        w-1 network-down  0 9 9
        w-1 ?probe-failed 5 9 9 pod=a
        w-1 disk-slow     0 9 9
        ",
    );
    assert_eq!(incidents.len(), 2);
}

#[test]
fn one_trouble_of_many_pods_is_one_incident() {
    let many: String = (0..30).map(|pod| format!("w-1 probe-failed {pod} 90 9 pod={pod}\n")).collect();
    let [incident] = &diagnosed(&many)[..] else { panic!("one incident") };
    assert_eq!(incident.members.len(), 30);
    assert_eq!(told(incident), "? [network-down] probe-failed");
}

#[test]
fn a_wrapper_of_any_error_is_no_root() {
    let [incident] = &diagnosed("w-1 wrapper 0 9 9")[..] else { panic!("one incident") };
    assert_eq!(told(incident), "? [] wrapper");
    let [incident] = &diagnosed("w-1 network-down 0 9 9")[..] else { panic!("one incident") };
    assert_eq!(told(incident), "network-down");
}

#[test]
fn what_should_have_followed_is_told() {
    let rules = rules();
    let mut summary = summary(&rules, "cp-1 disk-slow 0 60 9");
    // Nobody knows whose logs would show it.
    assert_eq!(diagnose(&rules, &summary)[0].expected, []);
    summary.inputs[0].programs.push(Program { host: Some(Arc::from("cp-1")), name: Arc::from("kubelet") });
    let suspects = |summary: &ScanSummary| match &diagnose(&rules, summary)[0].root {
        Root::Unknown { suspects, .. } => suspects.clone(),
        Root::Member(_) => panic!("it was not seen"),
    };
    let mut late = self::summary(&rules, "cp-1 commit-late 1 60 9");
    assert_eq!(suspects(&late)[0].unseen, [Unseen::Absent]);
    let gap = |host: &str, seconds: i64| Gap {
        source: Arc::from("cp-1.log"),
        time: Some(UnixNanos(seconds * SECOND)),
        since_time: None,
        line: None,
        host: Some(Arc::from(host)),
        by: "journald",
        of: None,
        lines: Some(12),
    };
    late.gaps = vec![gap("cp-2", 1), gap("cp-1", 4_000)];
    assert_eq!(suspects(&late)[0].unseen, [Unseen::Absent]);
    late.gaps.push(gap("cp-1.example.org", 20));
    assert_eq!(suspects(&late)[0].unseen, [Unseen::Gap]);
    let unknowns = &diagnose(&rules, &late)[0].unknowns;
    assert!(unknowns.iter().any(|unknown| unknown.text == "journald dropped 12 lines"), "{unknowns:?}");
}

/// Incidents without the places of findings in the summary, which are those of the input.
fn placeless(mut incidents: Vec<Incident>) -> Vec<Incident> {
    for member in incidents.iter_mut().flat_map(|incident| &mut incident.members) {
        member.seen = match member.seen {
            Seen::Finding(_) => Seen::Finding(0),
            Seen::Sighting(_) => Seen::Sighting(0),
        };
    }
    incidents
}

const IDS: [&str; 10] = [
    "disk-slow",
    "commit-late",
    "leader-lost",
    "lease-lost",
    "pods-stuck",
    "noisy",
    "probe-failed",
    "crashloop",
    "network-down",
    "wrapper",
];

prop_compose! {
    fn line()(
        host in 0..4_usize,
        rule in 0..IDS.len(),
        is_sighting in prop::bool::weighted(0.3),
        first in 0..2_000_u32,
        length in 0..600_u32,
        opening in 0..100_u32,
        pod in 0..3,
    ) -> String {
        let host = ["-", "cp-1", "-2", "w-1"][host];
        let mark = if is_sighting { "?" } else { "" };
        let first = f64::from(first) / 4.0;
        let last = first + f64::from(length);
        let opened = first + f64::from(length * opening / 100);
        format!("{host} {mark}{} {first}~{opened} {last} 3 pod={pod}", IDS[rule])
    }
}

proptest! {
    #[test]
    fn the_order_of_the_input_does_not_matter(lines in prop::collection::vec(line(), 1..25), turn in 0..25_usize) {
        let rules = rules_with_floor();
        let forward = placeless(diagnose(&rules, &summary(&rules, &lines.join("\n"))));
        let mut turned = lines.clone();
        turned.rotate_left(turn % lines.len());
        turned.reverse();
        let mut again = summary(&rules, &turned.join("\n"));
        again.inputs.sort_by(|a, b| a.name.cmp(&b.name));
        prop_assert_eq!(&placeless(diagnose(&rules, &again)), &forward);
    }

    #[test]
    fn incidents_are_sound(lines in prop::collection::vec(line(), 1..25)) {
        let rules = rules_with_floor();
        let summary = summary(&rules, &lines.join("\n"));
        let incidents = diagnose(&rules, &summary);
        let mut times_seen = vec![0; summary.findings.len()];
        for incident in &incidents {
            for member in &incident.members {
                if let Seen::Finding(index) = member.seen {
                    times_seen[index] += 1;
                }
            }
            prop_assert!(incident.members.iter().any(|member| matches!(member.seen, Seen::Finding(_))));
            let mut end = incident.candidates[0].member;
            for link in &incident.chain {
                prop_assert_eq!(incident.links[*link].cause, end);
                end = incident.links[*link].effect;
            }
            for candidate in &incident.candidates {
                prop_assert!(candidate.explains <= candidate.others);
                prop_assert_eq!(candidate.points, candidate.reasons.iter().map(|reason| reason.points).sum::<i32>());
            }
            for link in &incident.links {
                prop_assert!((1..=40).contains(&link.points));
            }
            if let Root::Member(root) = incident.root {
                prop_assert_eq!(root, incident.candidates[0].member);
                let is_explained = incident.links.iter().any(|link| {
                    link.effect == root && matches!(incident.members[link.cause].seen, Seen::Finding(_))
                });
                prop_assert!(!is_explained);
                prop_assert!(["disk-slow", "network-down", "noisy"].contains(&&*incident.members[root].rule_id));
            }
        }
        prop_assert!(times_seen.iter().all(|times| *times == 1));
    }

    #[test]
    fn what_has_nothing_to_do_with_it_changes_nothing(
        lines in prop::collection::vec(line(), 1..15),
        others in prop::collection::vec(0..900_u32, 1..9),
    ) {
        let rules = rules();
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.contains("wrapper")).collect();
        let others = others.iter().map(|time| format!("cp-1 wrapper {time} {time} 1 pod=x"));
        let more: Vec<String> = lines.iter().cloned().chain(others).collect();
        let before = placeless(diagnose(&rules, &summary(&rules, &lines.join("\n"))));
        let after = placeless(diagnose(&rules, &summary(&rules, &more.join("\n"))));
        let is_other = |incident: &Incident| &*incident.members[0].rule_id == "wrapper";
        let rest: Vec<Incident> = after.into_iter().filter(|incident| !is_other(incident)).collect();
        // That there is a second input is news for lines without a host.
        let without_hosts = |mut incidents: Vec<Incident>| {
            incidents.iter_mut().for_each(|incident| incident.unknowns.clear());
            incidents
        };
        prop_assert_eq!(without_hosts(rest), without_hosts(before));
    }

    /// Taking away the lines of a root leaves no root that is later than the first symptom.
    #[test]
    fn no_root_is_made_up(start in 0..100_u32, removed in 1..4_usize) {
        let shifted: String = CHAIN
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| {
                let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
                for word in &mut words[2..4] {
                    *word = (word.parse::<f64>().unwrap() + f64::from(start)).to_string();
                }
                words.join(" ") + "\n"
            })
            .collect();
        for incident in diagnosed(&without(&shifted, &IDS[..removed])) {
            prop_assert!(matches!(incident.root, Root::Unknown { earliest: 0, .. }), "{}", told(&incident));
        }
    }
}

/// Thousands of findings of one cause are one incident, however many of its links are kept.
#[test]
fn a_large_incident_is_one() {
    let lines: String = (0..600)
        .flat_map(|node| {
            [format!("n-{node} commit-late 1 60 9\n"), format!("n-{node} ?leader-lost 2 60 1\n")]
        })
        .collect();
    let [incident] = &diagnosed(&format!("{lines}cp-1 leader-lost 3 3 1"))[..] else {
        panic!("one incident")
    };
    assert_eq!(incident.members.len(), 1_201);
}

#[test]
fn severity_is_that_of_the_worst_finding() {
    let incidents = diagnosed("w-1 crashloop 0 9 9 pod=a\ncp-1 noisy 0 9 9");
    assert_eq!(
        incidents.iter().map(|incident| incident.severity).collect::<Vec<_>>(),
        [Severity::Error, Severity::Warning]
    );
}
