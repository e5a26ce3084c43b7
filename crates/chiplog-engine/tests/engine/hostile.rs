//! Input that is made to hurt: bounded memory, counted losses, no panic. Work that grows faster
//! than the input would show as a test that does not end.

use std::fmt::Write as _;

use chiplog_engine::State;
use chiplog_parse::Clock;
use chiplog_rules::RuleSet;

use crate::support::{blocks_of, rules, scan, scan_whole, sparse};

fn clock() -> Clock {
    Clock::from_year(2019).with_utc_offset_seconds(0)
}

fn rule(extra: &str) -> RuleSet {
    rules(&format!("[[rule]]\nid = 'boom'\nmatch = 'boom'\n{extra}"))
}

/// Time of day of a second.
fn clock_time(second: u64) -> String {
    format!("{:02}:{:02}:{:02}", second / 3_600 % 24, second / 60 % 60, second % 60)
}

#[test]
fn keys_beyond_the_limit_share_a_window_that_is_marked() {
    let mut log = String::new();
    for number in 0..30_000u64 {
        let _ = writeln!(log, "May 21 {} cp-1 app[7]: boom who=w{number}.", clock_time(number / 100));
    }
    let rules = rule("take = { who = 'who=(\\w+)' }\nwindow = { by = ['host', 'who'], span = '1h' }\n");
    let blocks = blocks_of(log.as_bytes(), &[100_000], usize::MAX);
    let summary = scan(&rules, &blocks, sparse(2), clock(), false).summary;
    assert_eq!(summary.findings.len(), 10_001);
    let shared: Vec<_> = summary.findings.iter().filter(|finding| !finding.complete).collect();
    assert_eq!(shared.len(), 1);
    assert_eq!(shared[0].hits, 20_000);
    assert_eq!(shared[0].group.len(), 1);
    assert_eq!(summary.rules["boom"].hits, 30_000);
}

#[test]
fn hosts_beyond_the_limit_are_one() {
    let mut log = String::new();
    for number in 0..30_000u64 {
        let _ = writeln!(log, "May 21 {} h{number} app[7]: boom", clock_time(number / 100));
    }
    let blocks = blocks_of(log.as_bytes(), &[100_000], usize::MAX);
    let summary =
        scan(&rule("window = { by = ['host'], span = '1h' }\n"), &blocks, sparse(2), clock(), false).summary;
    assert_eq!(summary.findings.len(), 10_001);
    let shared: Vec<_> = summary.findings.iter().filter(|finding| !finding.complete).collect();
    assert_eq!((shared.len(), shared[0].hits, shared[0].group.len()), (1, 20_000, 0));
    assert_eq!(summary.inputs[0].hosts.len(), 100);
}

#[test]
fn thousands_of_open_findings_cost_nothing_until_they_close() {
    let mut log = String::new();
    for number in 0..20_000u64 {
        let second = number / 5;
        let _ = writeln!(log, "May 21 {} cp-1 app[7]: boom who=w{}.", clock_time(second), number % 5_000);
    }
    log += "May 22 00:00:00 cp-1 app[7]: quiet\n";
    let rules = rule(
        "take = { who = 'who=(\\w+)' }\nwindow = { by = ['who'], span = '1h' }\nclose = 'count == 0 for 2h'\n",
    );
    for (is_live, size) in [(false, 100_000), (true, 1)] {
        let blocks = blocks_of(log.as_bytes(), &[size], usize::MAX);
        let scanned = scan(&rules, &blocks, sparse(1), clock(), is_live);
        // Each opens, gets worse twice and closes.
        assert_eq!(scanned.transitions.len(), 20_000);
        assert!(
            scanned
                .summary
                .findings
                .iter()
                .all(|finding| finding.state == State::Closed && finding.hits == 4)
        );
    }
}

#[test]
fn findings_and_gaps_beyond_the_limit_are_counted() {
    let mut log = String::new();
    for number in 0..12_000u64 {
        let second = number * 7;
        let day = 1 + second / 86_400;
        let _ = writeln!(log, "May {day:02} {} cp-1 app[7]: boom", clock_time(second));
        let _ = writeln!(
            log,
            "May {day:02} {} cp-1 systemd-journald[3]: Suppressed 5 messages from a.service",
            clock_time(second)
        );
    }
    let rules = rule(
        "window = { span = '1s' }\nclose = 'count == 0 for 1s'\n[[rule]]\nid = 'gap'\nmatch = { event = 'suppress.journald' }\nopen = 'count >= 1000000'\n",
    );
    let scanned = scan_whole(&rules, log.as_bytes(), clock());
    let summary = &scanned.summary;
    // The last one is open, and never left out.
    assert_eq!(summary.findings.len(), 10_001);
    assert_eq!(summary.findings.last().unwrap().state, State::Open);
    assert_eq!(scanned.transitions.len(), 2 * 12_000 - 1);
    assert_eq!(summary.gaps.len(), 1_000);
    let warnings: Vec<_> = summary.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        warnings,
        [
            "1999 findings left out beyond the limit per input",
            "11000 gaps left out beyond the limit per input"
        ]
    );
}

#[test]
fn hits_without_a_time_find_it_without_reading_the_same_lines_again_and_again() {
    let log = "May 21 10:00:00 cp-1 app[7]: trace\n".to_owned() + &"boom\n".repeat(200_000);
    let scanned = scan_whole(&rule(""), log.as_bytes(), clock());
    assert_eq!(scanned.summary.rules["boom"].hits, 200_000);
}

/// A line of one rule that thousands of keys of another wait for.
#[test]
fn a_line_comes_to_no_more_than_so_many_keys_of_other_rules() {
    let rules = crate::support::rules(
        "[[rule]]\nid = 'a'\nmatch = 'boom'\ntake = { who = { regex = 'who=(\\w+)', type = 'text' } }\n\
         window = { by = ['who'], span = '1h' }\nclose = 'since(b) <= 1s or count == 0 for 2h'\n\
         [[rule]]\nid = 'b'\nmatch = 'bang'\n",
    );
    let mut log = String::new();
    for number in 0..3_000u64 {
        let _ = writeln!(log, "May 21 00:00:00 cp-1 app[7]: boom who=w{number}.");
    }
    for number in 0..2_000 {
        let _ = writeln!(log, "May 21 {} cp-1 app[7]: bang", clock_time(1_000 + number));
    }
    log += "May 21 03:00:00 cp-1 app[7]: quiet\n";
    let scanned = scan(&rules, &blocks_of(log.as_bytes(), &[10_000], usize::MAX), sparse(1), clock(), false);
    let closed = |number| {
        let closed = |finding: &&chiplog_engine::Finding| {
            finding.closed_time.is_some_and(|time| time.to_string().contains(clock_time(number).as_str()))
        };
        scanned.summary.findings.iter().filter(closed).count()
    };
    // The others close by themselves.
    assert_eq!((closed(1_000), closed(7_200)), (1_000, 2_000));
}

#[test]
fn impossible_and_extreme_times_do_not_panic() {
    let mut log = String::new();
    let times = [
        "1677-09-21T00:12:43.145224192Z",
        "1677-09-21T00:12:43Z",
        "1684-10-18T00:00:00Z",
        "1969-12-31T23:59:59.999999999Z",
        "2262-04-11T23:47:16.854775807Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "2019-02-29T00:00:00Z",
        "2019-05-21T08:45:28Z",
    ];
    for first in times {
        for second in times {
            let _ = writeln!(log, "{first} stderr F boom took 1s");
            let _ = writeln!(log, "{second} stderr F {first} W | etcdserver: boom took 9223372036s");
            let _ = writeln!(
                log,
                "Dec 31 23:59:59 h etcd[1]: {{\"level\":\"warn\",\"ts\":\"{first}\",\"msg\":\"boom\"}}"
            );
            let _ = writeln!(
                log,
                "Feb 29 23:59:60 h etcd[1]: {{\"level\":\"warn\",\"ts\":\"{second}\",\"msg\":\"boom\"}}"
            );
            log += "[18446744073709.551615] boom\n[99999999999999999999.000000] boom\nboom\n";
        }
    }
    let rules = rule(
        "take = { took = 'took (\\S+)' }\nwindow = { by = ['host'], span = '30d' }\nopen = 'count >= 2 or sum(took) > 1s'\nclose = 'count == 0 for 60d or rate < 1/m for 1s'\n",
    );
    let measures = crate::support::rules(
        r#"
[[rule]]
id = "a"
match = "boom"
take = { took = { regex = 'took (\d+)', type = "integer" }, text = { regex = '(\w+)$', type = "text" } }
repeats = "took"
window = { span = "30d" }
open = "lasting > 1s or rate > 1/m or sum(took) > 1 or distinct(text) > 2"
for = "1h"
close = "since(b) > 100000d or ratio(b) > 1 or count == 0"

[[rule]]
id = "b"
match = "boom"
once = { by = [], within = "1s" }
open = "absent for 100000d or (absent for 1s and since(a) < 1d)"
for = "100000d"

[[rule]]
id = "c"
match = "took"
open = "absent for 1s"
"#,
    );
    for clock in [
        Clock::unknown(),
        Clock::from_year(i16::MAX),
        Clock::from_year(i16::MIN),
        Clock::from_year(1677),
        Clock::from_year(2262),
        clock(),
    ] {
        for clock in [clock, clock.with_utc_offset_seconds(i32::MAX), clock.with_utc_offset_seconds(i32::MIN)]
        {
            for is_live in [true, false] {
                for rules in [&rules, &measures] {
                    scan(rules, &blocks_of(log.as_bytes(), &[700], 90), sparse(2), clock, is_live);
                }
            }
        }
    }
}

#[test]
fn blocks_of_nothing_are_nothing() {
    let blocks =
        [chiplog_engine::Block::default(), chiplog_engine::Block { cut_bytes: 7, ..Default::default() }];
    for is_live in [true, false] {
        let summary = scan(&rule(""), &blocks, sparse(2), clock(), is_live).summary;
        assert_eq!((summary.inputs[0].lines, summary.inputs[0].bytes), (0, 7));
    }
}
