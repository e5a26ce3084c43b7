//! The same bytes give the same findings, however they are cut and whoever scans them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use chiplog_engine::{
    CountField, Finding, Origin, ScanOptions, Series, SeriesOptions, Transition, count_fields,
};
use chiplog_parse::{Clock, UnixNanos};
use chiplog_rules::RuleSet;
use chiplog_testkit::{Envelope, Generator, Profile};
use proptest::prelude::*;

use crate::support::{Scanned, blocks_of, dense, input, scan, sparse};

/// Rules that open and close often, beside those that are built in.
const RESTLESS: &str = r#"
[[rule]]
id = "t-boom"
match = "boom"
take = { took = 'took (\S+)' }
window = { by = ["host"], span = "10s" }
open = "count >= 3 or max(took) > 4s"
close = "count == 0 for 15s"

[[rule]]
id = "t-who"
match = "boom"
take = { who = 'who=(\w+)', took = 'took (\S+)' }
window = { by = ["who"], span = "1m" }
open = "count >= 2 and p50(took) > 1s"
close = "sum(took) < 1s for 10s"

[[rule]]
id = "t-each"
match = "boom"
window = { span = "2s" }

[[rule]]
id = "t-gap"
match = [{ event = "suppress.journald" }, { event = "suppress.rsyslog_rate" }, { event = "suppress.rsyslog_begin" }, { event = "suppress.kernel_ratelimit" }]

[[rule]]
id = "t-repeats"
match = "boom"
take = { took = 'took (\S+)', times = { regex = 'took (\d)\d*ms', type = "integer" } }
repeats = "times"
window = { span = "20s" }
open = "count >= 12"
for = "8s"
close = "count < 5"

[[rule]]
id = "t-once"
match = "boom"
take = { who = { regex = 'who=(\w+)', type = "text" } }
once = { by = ["who"], within = "4s" }
window = { span = "20s" }
open = "count >= 3 or distinct(who) >= 3"
close = "distinct(who) < 2 for 10s"

[[rule]]
id = "t-lasting"
match = "boom"
window = { span = "5s" }
open = "lasting >= 15s"
close = "not lasting >= 5s"

[[rule]]
id = "t-absent"
match = "who=w1"
open = "absent for 20s"

[[rule]]
id = "t-absent-while"
match = "who=w1"
take = { who = { regex = 'who=(\w+)', type = "text" } }
window = { by = ["who"] }
open = "absent for 10s and since(t-each) <= 20s"
for = "8s"
close = "count >= 2 for 10s or since(t-each) > 1m"

[[rule]]
id = "t-after"
match = "took 1"
take = { who = { regex = 'who=(\w+)', type = "text" } }
window = { by = ["who"], span = "30s" }
open = "count >= 1 and since(t-who) <= 10s and ratio(t-who) > 30%"
for = "5s"
close = "since(t-who) > 20s or ratio(t-who) < 20%"
"#;

pub(crate) static RULES: LazyLock<RuleSet> = LazyLock::new(|| crate::support::rules(RESTLESS));

/// Lines of every format there is.
static VECTORS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../chiplog-parse/tests/vectors");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let mut lines = Vec::new();
    for path in paths {
        for vector in std::fs::read_to_string(path).unwrap().lines() {
            let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
            let several = vector["lines"].as_array().into_iter().flatten();
            let texts = several.chain(std::iter::once(&vector["line"])).filter_map(|line| line.as_str());
            lines.extend(texts.map(|line| line.replace('\n', " ")));
        }
    }
    assert!(lines.len() > 300);
    lines
});

/// One line of a soup, to be written once the time is known.
#[derive(Clone, Debug)]
struct Line {
    kind: u8,
    step_seconds: i64,
    host: u8,
    value: u16,
}

fn line() -> impl Strategy<Value = Line> {
    let step = prop_oneof![
        12 => 0..4i64,
        3 => 5..40i64,
        2 => -4..0i64,
        1 => prop_oneof![
            Just(-7_200), Just(-90_000), Just(4_000), Just(90_000), Just(3_500_000),
            Just(31_622_400), Just(-31_622_400), Just(380_000_000), Just(-380_000_000),
        ],
    ];
    (0..32u8, step, 0..4u8, any::<u16>()).prop_map(|(kind, step_seconds, host, value)| Line {
        kind,
        step_seconds,
        host,
        value,
    })
}

pub(crate) fn soup() -> impl Strategy<Value = Vec<u8>> {
    (prop::collection::vec(line(), 0..160), any::<bool>()).prop_map(|(lines, has_last_lf)| {
        let mut seconds = 1_577_836_200; // 2019-12-31T23:50:00Z
        let mut log = Vec::new();
        for line in &lines {
            seconds += line.step_seconds;
            write_line(line, seconds, &mut log);
            log.push(b'\n');
        }
        if !has_last_lf {
            log.pop();
        }
        log
    })
}

fn klog_at(local: i64, value: u16, body: &str) -> String {
    let at = UnixNanos(local * 1_000_000_000).to_civil();
    format!(
        "E{:02}{:02} {:02}:{:02}:{:02}.000{:03}   1 a.go:1] {body}",
        at.month,
        at.day,
        at.hour,
        at.minute,
        at.second,
        value % 1000
    )
}

fn write_line(line: &Line, seconds: i64, log: &mut Vec<u8>) {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // Hosts in different zones, merged.
    let local = seconds + i64::from(line.host) / 2 * 8 * 3_600;
    let at = UnixNanos(local * 1_000_000_000).to_civil();
    let host = ["", "cp-1", "cp-2", "w-\u{e9}"][usize::from(line.host)];
    let Line { value, .. } = line;
    let boom = format!("boom who=w{} took {}ms", value % 3, value % 9_000);
    let short = format!(
        "{} {:02} {:02}:{:02}:{:02} {host}",
        MONTHS[usize::from(at.month) - 1],
        at.day,
        at.hour,
        at.minute,
        at.second
    );
    let klog = klog_at(local, *value, "");
    let text = match line.kind {
        0..6 => format!("{short} app[7]: {boom}"),
        6..9 => klog + &boom,
        9 => boom,
        10 => format!("[{value:5}.{value:06}] {boom}"),
        11 => format!("{}Z stderr F {boom}", at.to_string().trim_end_matches('Z')),
        12 => format!("{short} app[7]: quiet"),
        13 => format!("{short} systemd-journald[5]: Suppressed {value} messages from boom.service"),
        14 => format!("Feb 31 25:00:00 {host} app[7]: {boom}"),
        15 => format!("{short} app[7]: {}", ".".repeat(usize::from(value % 5_000))),
        16 => ".".repeat(usize::from(*value) / 2),
        17 => format!(
            "{short} etcd[9]: {} W | etcdserver: request \"k\" with result \"r\" took too long ({value}ms) to execute",
            at.to_string().replace('T', " ").trim_end_matches('Z')
        ),
        18 => format!(
            "{short} kernel: Memory cgroup out of memory: Killed process {value} (java) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB"
        ),
        19 => format!(
            "{short} rsyslogd: imjournal: {value} messages lost due to rate-limiting (9 allowed within {} seconds)",
            value % 90
        ),
        20 => format!(
            "{short} rsyslogd: imuxsock[pid: 7, name: /usr/bin/app]: begin to drop messages due to rate-limiting"
        ),
        21 => format!("{short} kernel: net_ratelimit: {value} callbacks suppressed"),
        22 => format!("Running on machine: m-{}", value % 3),
        23 => format!("Log file created at: {}", at.to_string()[..19].replace('-', "/").replace('T', " ")),
        // Beside an instant, a wall clock four hours behind.
        24 => format!(
            "{}Z stderr F {}",
            at.to_string().trim_end_matches('Z'),
            klog_at(local - 14_400, *value, &boom)
        ),
        // So many of one message in a second are sampled.
        25 => {
            let zap = |number: u16| {
                let ts = at.to_string();
                format!("{{\"level\":\"warn\",\"ts\":\"{}{number:06}Z\",\"msg\":\"boom\"}}", &ts[..20])
            };
            (0..95 + value % 10).map(zap).collect::<Vec<_>>().join("\n")
        }
        26 => format!("{} boom in 2036", "2036-02-07T06:28:16.000000Z stderr F"),
        _ => VECTORS[usize::from(*value) % VECTORS.len()].clone(),
    };
    log.extend_from_slice(text.as_bytes());
}

/// Transitions of each finding, which its key and the line that opened it tell apart. In a live
/// stream, a close that was announced and taken back by a late line is left out with its second
/// opening.
fn per_finding(rules: &RuleSet, transitions: &[Finding]) -> BTreeMap<String, Vec<String>> {
    let mut stories: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in transitions {
        let name = format!("{} {:?} line {}", finding.rule_id, finding.group, finding.evidence[0].line);
        let story = stories.entry(name).or_default();
        // What never opened closes before it did.
        if finding.transition == Some(Transition::Close) && finding.time < finding.opened_time {
            story.pop();
            continue;
        }
        let is_taken_back = finding.transition == Some(Transition::Open)
            && story.last().is_some_and(|last| last.transition == Some(Transition::Close));
        if is_taken_back {
            story.pop();
        } else {
            story.push(finding);
        }
    }
    let text = |finding: &Finding| {
        let change = format!("{:?} {:?}", finding.transition, finding.time);
        let holds = rules.get(&finding.rule_id).unwrap().hold_nanos.is_some();
        if holds && finding.transition == Some(Transition::Open) {
            // Told when it is certain or when a line implies it: there may be hits in between.
            return change;
        }
        format!("{change} {:?} {}", finding.last_time, finding.hits)
    };
    let told = stories.into_iter().filter(|(_, story)| !story.is_empty());
    told.map(|(key, story)| (key, story.into_iter().map(text).collect())).collect()
}

fn assert_same(rules: &RuleSet, log: &[u8], sizes: &[usize], max_line: usize, clock: Clock, workers: usize) {
    let expected: Scanned = scan(rules, &blocks_of(log, &[], max_line), dense(1), clock, false);
    let outcome = expected.outcome();
    let blocks = blocks_of(log, sizes, max_line);
    for (options, what) in [(dense(workers), "dense"), (sparse(workers), "sparse"), (sparse(1), "one worker")]
    {
        let scanned = scan(rules, &blocks, options, clock, false);
        assert_eq!(scanned.outcome(), outcome, "{what}");
        assert_eq!(scanned.transitions, expected.transitions, "{what}");
    }
    let live = scan(rules, &blocks, sparse(workers), clock, true);
    assert_eq!(live.outcome(), outcome, "live");
    let (live, expected) = (per_finding(rules, &live.transitions), per_finding(rules, &expected.transitions));
    for (key, story) in &expected {
        let (mut live, mut story) = (live[key].as_slice(), story.as_slice());
        // A live stream looks at the last line of each block, an archive at few lines without hits:
        // where time went on and back again, only the stream may have seen that it was over.
        if live.len() == story.len() + 1 && live.last().is_some_and(|last| last.starts_with("Some(Close)")) {
            live = &live[..story.len()];
        }
        // And a line of another rule may have closed later what the stream saw closing of itself.
        let rule = rules.rules().iter().find(|rule| key.starts_with(&format!("{} ", rule.id))).unwrap();
        if !rule.companions.is_empty()
            && let (Some((told, live_rest)), Some((close, rest))) = (live.split_last(), story.split_last())
            && [told, close].iter().all(|last| last.starts_with("Some(Close)"))
        {
            (live, story) = (live_rest, rest);
        }
        assert_eq!(live, story, "live: {key}");
    }
    // Without instants, what never opened does not show as such.
    let is_taken_back = |story: &[String]| matches!(story, [_, last] if last.starts_with("Some(Close) None"));
    let unexpected: Vec<_> =
        live.iter().filter(|(key, story)| !(expected.contains_key(*key) || is_taken_back(story))).collect();
    assert!(unexpected.is_empty(), "live: {unexpected:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_soup_of_lines_does_not_depend_on_how_it_is_cut(
        log in soup(),
        sizes in prop::collection::vec(prop_oneof![Just(1), 1..400usize, 1..40_000usize], 1..4),
        max_line in prop_oneof![Just(usize::MAX), 60..5_000usize],
        workers in 1..=8usize,
    ) {
        let clock = Clock::from_year(2019).with_utc_offset_seconds(0);
        assert_same(&RULES, &log, &sizes, max_line, clock, workers);
    }

    #[test]
    fn nor_does_one_without_year_and_zone(log in soup(), size in 1..3_000usize, workers in 1..=8usize) {
        assert_same(&RULES, &log, &[size], usize::MAX, Clock::unknown(), workers);
    }

    #[test]
    fn nor_do_series_and_counts(log in soup(), size in 1..3_000usize, workers in 1..=8usize) {
        let table = |size: usize, scan: ScanOptions| {
            let blocks = blocks_of(&log, &[size], usize::MAX);
            let mut source = blocks.iter().cloned().map(Ok::<_, Infallible>);
            let mut series = Series::new(&RULES, SeriesOptions { step_nanos: 60_000_000_000, scan });
            let Ok(()) = series.input(&input(Clock::from_year(2019), false), &mut source);
            let fields = ["severity", "layers", "host.name", "msg", "attributes.took"];
            let fields = fields.map(|name| (Arc::from(name), CountField::from_name(name).unwrap()));
            let mut sources = [(Origin::default(), blocks.into_iter().map(Ok::<_, Infallible>))].into_iter();
            let Ok(counts) = count_fields(&fields, scan.workers, &mut sources);
            (series.finish(), counts)
        };
        let expected = table(usize::MAX, dense(1));
        prop_assert_eq!(&table(size, dense(workers)), &expected);
        prop_assert_eq!(&table(size, sparse(workers)), &expected);
        // What a series counts is what a scan counts.
        let totals = scan(&RULES, &blocks_of(&log, &[], usize::MAX), sparse(1), Clock::from_year(2019), false);
        let hits: u64 = totals.summary.rules.values().map(|totals| totals.hits).sum();
        let rows: u64 = expected.0.rows.iter().map(|row| row.count).sum();
        prop_assert_eq!(rows + expected.0.hits_without_time, hits);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn nor_does_the_log_of_a_node(
        seed in any::<u64>(),
        envelope in prop_oneof![
            Just(Envelope::JournalShort), Just(Envelope::Cri), Just(Envelope::DockerJson), Just(Envelope::None),
        ],
        across_new_year in any::<bool>(),
        jitter_micros in prop_oneof![Just(0), Just(2_000_000)],
        step_micros in prop_oneof![Just(17_000), Just(700_000)],
        size in prop_oneof![Just(1), 1..2_000usize, 1..200_000usize],
        max_line in prop_oneof![Just(usize::MAX), Just(1_000)],
        workers in 1..=8usize,
    ) {
        let mut profile = Profile { jitter_micros, step_micros, ..Profile::sick() }.in_envelope(envelope);
        if across_new_year {
            profile = profile.across_new_year();
        }
        let mut log = Vec::new();
        Generator::new(seed, profile).append(&mut log, 200_000);
        let clock = Clock::from_year(2019);
        assert_same(&RuleSet::builtin(), &log, &[size], max_line, clock, workers);
    }
}

/// Beyond 8 MiB lines are counted by formats only in part.
#[test]
fn large_sources_are_sampled_by_offset_alone() {
    let mut log = Vec::new();
    for number in 0..10_000u32 {
        let (minute, second) = (number / 60 % 60, number % 60);
        log.extend(format!("May 21 {:02}:{minute:02}:{second:02} cp-1 app[7]: ", number / 3600).bytes());
        if number % 1_000 == 0 {
            log.extend(b"boom who=a took 5s ");
        }
        log.resize(log.len() + 1_900 + number as usize % 300, b'x');
        log.push(b'\n');
    }
    assert!(log.len() > 10 << 20);
    let clock = Clock::from_year(2019);
    let expected = scan(&RULES, &blocks_of(&log, &[], usize::MAX), dense(1), clock, false);
    let input = &expected.summary.inputs[0];
    assert!(input.census_lines < input.lines);
    for size in [1 << 20, (1 << 20) + 77] {
        let scanned = scan(&RULES, &blocks_of(&log, &[size], usize::MAX), sparse(3), clock, false);
        assert_eq!(scanned.outcome(), expected.outcome());
        assert_eq!(scanned.transitions, expected.transitions);
    }
}
