//! What rules measure beyond numbers in a window: occurrences, different texts, how long hits last,
//! what other rules saw, and that nothing was seen.

use chiplog_engine::State;
use chiplog_parse::Clock;

use crate::support::{Scanned, blocks_of, rules, scan, scan_whole, sparse, time_of};

fn clock() -> Clock {
    Clock::from_year(2019).with_utc_offset_seconds(0)
}

/// Lines of one host, each with its time of 21 May.
fn log(lines: &[(&str, &str)]) -> String {
    let line = |(time, text): &(&str, &str)| format!("May 21 {time} cp-1 app[7]: {text}\n");
    lines.iter().map(line).collect()
}

fn check(file: &str, lines: &[(&str, &str)], rule: &str, expected: &[&str]) -> Scanned {
    let scanned = scan_whole(&rules(file), log(lines).as_bytes(), clock());
    let story: Vec<String> =
        scanned.story(rule).iter().map(|told| told.replace("2019-05-21T", "").replace('Z', "")).collect();
    assert_eq!(story, expected);
    scanned
}

#[test]
fn a_line_counts_as_often_as_it_says() {
    let file = r#"
id = "a"
match = "boom"
take = { times = { regex = 'x(\d+)', type = "integer" } }
repeats = "times"
window = { span = "1m" }
open = "count >= 10"
close = "count < 9 for 2m"
"#;
    let lines = [
        ("10:00:00", "boom"),
        ("10:00:01", "boom x8"),
        ("10:00:02", "boom x1"),
        ("10:01:30", "boom x7"),
        ("10:20:00", "quiet"),
    ];
    let scanned = check(file, &lines, "a", &["open 10:00:02", "close 10:02:01"]);
    let finding = &scanned.summary.findings[0];
    assert_eq!((finding.hits, finding.occurrences), (4, 17));
    assert_eq!(finding.peak.as_ref().unwrap().amount, 10);
    let totals = &scanned.summary.rules["a"];
    assert_eq!((totals.hits, totals.occurrences), (4, 17));
}

#[test]
fn syslog_repeats_multiply() {
    let file = "id = 'a'\nmatch = 'boom'\nopen = 'count >= 5'\n";
    let lines = [("10:00:00", "boom"), ("10:00:30", "message repeated 4 times: [ boom]")];
    let scanned = check(file, &lines, "a", &["open 10:00:30"]);
    assert_eq!((scanned.summary.findings[0].hits, scanned.summary.findings[0].occurrences), (2, 5));
}

#[test]
fn an_occurrence_counts_once() {
    let file = r#"
id = "a"
match = "boom"
take = { who = { regex = 'who=(\w+)', type = "text" }, took = 'took (\S+)' }
once = { by = ["who"], within = "10s" }
open = "count >= 3"
"#;
    let lines = [
        ("10:00:00", "boom who=a took 1s"),
        ("10:00:09", "boom who=a took 9s"), // the same
        ("10:00:10", "boom who=a took 9s"), // still within ten seconds of the first
        ("10:00:11", "boom who=b took 2s"),
        ("10:00:20", "boom who=a took 3s"),
    ];
    let scanned = check(file, &lines, "a", &["open 10:00:20"]);
    let totals = &scanned.summary.rules["a"];
    assert_eq!((totals.hits, totals.occurrences, totals.values[0].sum), (3, 3, 6_000_000_000));
}

#[test]
fn without_a_text_any_hit_is_the_same_occurrence() {
    let file = "id = 'a'\nmatch = 'boom'\nonce = { by = [], within = '1m' }\nopen = 'count >= 2'\n";
    let lines = [("10:00:00", "boom one"), ("10:00:30", "boom two"), ("10:01:01", "boom three")];
    check(file, &lines, "a", &["open 10:01:01"]);
}

#[test]
fn different_texts_are_counted() {
    let file = r#"
id = "a"
match = "boom"
take = { who = { regex = 'who=(\w+)', type = "text" } }
window = { span = "1m" }
open = "distinct(who) >= 3"
close = "distinct(who) < 2 for 2m"
"#;
    let lines = [
        ("10:00:00", "boom who=a"),
        ("10:00:10", "boom who=b"),
        ("10:00:20", "boom who=a"),
        ("10:01:05", "boom who=c"), // a is from 10:00:20, b is still in
        ("10:01:50", "boom who=c"),
        ("10:20:00", "quiet"),
    ];
    let scanned = check(file, &lines, "a", &["open 10:01:05", "close 10:02:20"]);
    let peak = scanned.summary.findings[0].peak.as_ref().unwrap();
    assert_eq!((&*peak.name, peak.amount, peak.limit), ("distinct(who)", 3, 3));
    // A text that is said again and again is one.
    let same = [("10:00:00", "boom who=a"), ("10:00:01", "boom who=b"), ("10:00:02", "boom who=a")];
    check(file, &same, "a", &[]);
}

#[test]
fn too_many_different_texts_are_a_lower_bound() {
    let file = r#"
id = "a"
match = "boom"
take = { who = { regex = 'who=(\w+)', type = "text" } }
window = { span = "1h" }
open = "distinct(who) >= 4096"
"#;
    let log = |count: u32| -> String {
        (0..count).map(|who| format!("May 21 10:00:00 cp-1 app[7]: boom who=w{who}\n")).collect()
    };
    for (count, complete) in [(4_096, true), (5_000, false)] {
        let scanned = scan_whole(&rules(file), log(count).as_bytes(), clock());
        let finding = &scanned.summary.findings[0];
        assert_eq!((finding.peak.as_ref().unwrap().amount, finding.complete), (4_096, complete));
    }
}

#[test]
fn hits_last_while_they_are_no_further_apart_than_the_span() {
    let file = "id = 'a'\nmatch = 'boom'\nwindow = { span = '10s' }\nopen = 'lasting >= 30s'\nclose = 'count == 0 for 20s'\n";
    let lines = [
        ("10:00:00", "boom"),
        ("10:00:10", "boom"),
        ("10:00:21", "boom"), // eleven seconds later: a run of its own
        ("10:00:30", "boom"),
        ("10:00:40", "boom"),
        ("10:00:50", "boom"),
        ("10:00:51", "boom"),
        ("10:02:00", "quiet"),
    ];
    let scanned = check(file, &lines, "a", &["open 10:00:51", "close 10:01:11"]);
    let peak = scanned.summary.findings[0].peak.as_ref().unwrap();
    assert_eq!((&*peak.name, peak.amount, peak.limit), ("lasting", 30_000_000_000, 30_000_000_000));
}

const AFTER: &str = r#"
[[rule]]
id = "first"
match = "one"
take = { who = { regex = 'who=(\w+)', type = "text" } }
window = { by = ["who"] }

[[rule]]
id = "second"
match = "two"
take = { who = { regex = 'who=(\w+)', type = "text" } }
window = { by = ["host", "who"] }
open = "count >= 1 and since(first) <= 60s"
close = "count == 0 for 1m"
"#;

#[test]
fn one_rule_after_another() {
    check(AFTER, &[("10:00:00", "two who=a"), ("10:00:01", "one who=a")], "second", &[]);
    let lines = [("10:00:00", "one who=a"), ("10:01:00", "two who=a")];
    check(AFTER, &lines, "second", &["open 10:01:00"]);
    check(AFTER, &[("10:00:00", "one who=a"), ("10:01:01", "two who=a")], "second", &[]);
    // Of another pod.
    check(AFTER, &[("10:00:00", "one who=b"), ("10:00:30", "two who=a")], "second", &[]);
    // A line that is a little out of order came just now.
    let lines = [("10:00:04", "one who=a"), ("10:00:00", "two who=a")];
    check(AFTER, &lines, "second", &["open 10:00:00"]);
    // Of another host.
    let log = log(&[("10:00:00", "one who=a")]) + "May 21 10:00:10 cp-2 app[7]: two who=a\n";
    assert!(scan_whole(&rules(AFTER), log.as_bytes(), clock()).story("second").is_empty());
}

#[test]
fn one_rule_closes_what_another_opened() {
    let file = r#"
[[rule]]
id = "down"
match = "down"
window = { span = "1m" }
open = "count >= 1"
close = "since(up) <= 1s or count == 0 for 1h"

[[rule]]
id = "up"
match = "ready"
"#;
    let lines = [("10:00:00", "down"), ("10:00:30", "down"), ("10:20:00", "ready"), ("10:20:30", "quiet")];
    check(file, &lines, "down", &["open 10:00:00", "close 10:20:00"]);
    check(file, &[("10:00:00", "down"), ("11:30:00", "quiet")], "down", &["open 10:00:00", "close 11:00:00"]);
}

#[test]
fn a_host_that_went_back_takes_the_other_rule_with_it() {
    let mut lines = vec![("20:00:00", "one who=a")];
    lines.extend([("10:00:00", "quiet"), ("10:00:01", "quiet"), ("10:00:02", "quiet")]);
    lines.push(("10:00:10", "two who=a"));
    check(AFTER, &lines, "second", &[]);
    lines.extend([("10:00:20", "one who=a"), ("10:00:30", "two who=a")]);
    check(AFTER, &lines, "second", &["open 10:00:30"]);
}

#[test]
fn hits_for_each_hit_of_another_rule() {
    let file = r#"
[[rule]]
id = "request"
match = "request"

[[rule]]
id = "failure"
match = "failed"
window = { span = "1m" }
open = "count >= 2 and ratio(request) > 20%"
close = "ratio(request) < 10% for 30s"
"#;
    let mut lines = vec![("10:00:00", "failed"), ("10:00:00", "failed")]; // of none
    lines.extend((0..10).map(|_| ("10:00:01", "request")));
    lines.push(("10:00:02", "failed")); // three of ten
    lines.extend((0..30).map(|_| ("10:00:40", "request")));
    lines.push(("10:02:00", "quiet"));
    // At 10:00:31 the last thirty seconds hold no hit of the other rule: nothing keeps it open.
    let scanned = check(file, &lines, "failure", &["open 10:00:02", "close 10:00:31"]);
    let peak = scanned.summary.findings[0].peak.as_ref().unwrap();
    assert_eq!((&*peak.name, peak.amount, peak.limit), ("count", 3, 2));
}

const HEARTBEAT: &str = r#"
id = "heartbeat"
match = "alive"
open = "absent for 10m"
"#;

#[test]
fn absence_is_found_after_a_first_sight_and_ends_with_the_next() {
    let quiet = |times: &[&'static str]| -> Vec<(&'static str, &'static str)> {
        times.iter().map(|time| (*time, "quiet")).collect()
    };
    // Never seen, never missed.
    check(HEARTBEAT, &quiet(&["10:00:00", "11:00:00"]), "heartbeat", &[]);
    // The end of the log is no silence.
    check(HEARTBEAT, &[("10:00:00", "alive")], "heartbeat", &[]);
    let mut lines = vec![("10:00:00", "alive"), ("10:01:00", "alive")];
    lines.extend(quiet(&["10:10:59"]));
    check(HEARTBEAT, &lines, "heartbeat", &[]);
    lines.extend(quiet(&["10:11:00"]));
    let scanned = check(HEARTBEAT, &lines, "heartbeat", &["open 10:11:00"]);
    let finding = &scanned.summary.findings[0];
    assert_eq!((finding.state, finding.hits, finding.occurrences), (State::Open, 0, 0));
    assert_eq!(time_of(finding.first_time), "2019-05-21T10:01:00Z");
    assert_eq!(time_of(finding.time), "2019-05-21T10:11:00Z");
    // The last line that was seen.
    assert_eq!(finding.evidence.iter().map(|evidence| evidence.line).collect::<Vec<_>>(), [2]);
    let peak = finding.peak.as_ref().unwrap();
    assert_eq!((&*peak.name, peak.amount, peak.limit), ("absent", 600_000_000_000, 600_000_000_000));

    lines.push(("10:30:00", "alive"));
    check(HEARTBEAT, &lines, "heartbeat", &["open 10:11:00", "close 10:30:00"]);
    lines.extend(quiet(&["10:50:00"]));
    let story = ["open 10:11:00", "close 10:30:00", "open 10:40:00"];
    let scanned = check(HEARTBEAT, &lines, "heartbeat", &story);
    assert_eq!(scanned.summary.findings.len(), 2);
    // What comes back after the time is absence, too.
    let lines = [("10:00:00", "alive"), ("10:10:01", "alive")];
    check(HEARTBEAT, &lines, "heartbeat", &["open 10:10:00", "close 10:10:01"]);
    check(HEARTBEAT, &[("10:00:00", "alive"), ("10:10:00", "alive")], "heartbeat", &[]);
}

#[test]
fn lines_without_a_time_are_no_heartbeat() {
    let log = "alive\n".to_owned() + &log(&[("10:00:00", "quiet"), ("11:00:00", "quiet")]);
    assert!(scan_whole(&rules(HEARTBEAT), log.as_bytes(), clock()).story("heartbeat").is_empty());
}

#[test]
fn a_gap_starts_the_wait_again() {
    let file =
        format!("[[rule]]{HEARTBEAT}\n[[rule]]\nid = 'gap'\nmatch = {{ event = 'suppress.journald' }}\n");
    let log = log(&[("10:00:00", "alive"), ("10:05:00", "quiet")])
        + "May 21 10:08:00 cp-1 systemd-journald[3]: Suppressed 12 messages from app.service\n"
        + "May 21 10:09:00 cp-2 systemd-journald[3]: Suppressed 12 messages from app.service\n"
        + &log(&[("10:17:59", "quiet"), ("10:18:06", "quiet")]);
    let scanned = scan_whole(&rules(&file), log.as_bytes(), clock());
    assert_eq!(scanned.story("heartbeat"), ["open 2019-05-21T10:18:00Z"]);
    assert!(!scanned.summary.findings.iter().find(|finding| finding.hits == 0).unwrap().complete);
}

#[test]
fn absence_of_some_hits_can_need_several_to_end() {
    let file = "id = 'a'\nmatch = 'alive'\nopen = 'absent for 1m'\nclose = 'count >= 2 for 30s'\n";
    let lines = [
        ("10:00:00", "alive"),
        ("10:05:00", "alive"),
        ("10:06:00", "alive"),
        ("10:06:10", "alive"),
        ("10:06:20", "quiet"),
    ];
    let scanned = check(file, &lines, "a", &["open 10:01:00", "close 10:06:10"]);
    assert_eq!(scanned.summary.findings[0].hits, 2);
}

const HOLDING: &str = r#"
id = "a"
match = "boom"
window = { span = "1m" }
open = "count >= 2"
for = "2m"
close = "count == 0 for 1m"
"#;

#[test]
fn what_must_hold_opens_when_it_held_long_enough() {
    let every_half_minute = |until: &'static str| {
        let times =
            ["10:00:00", "10:00:30", "10:01:00", "10:01:29", "10:01:58", "10:02:27", "10:02:56", "10:03:25"];
        let lines: Vec<_> =
            times.into_iter().filter(|time| *time < until).map(|time| (time, "boom")).collect();
        lines
    };
    // Two a minute from 10:00:30 on; true until 10:02:29 + 29 s.
    let mut lines = every_half_minute("10:02:30");
    lines.push(("10:20:00", "quiet"));
    let scanned = check(HOLDING, &lines, "a", &["open 10:02:30", "close 10:03:27"]);
    let finding = &scanned.summary.findings[0];
    assert_eq!((finding.hits, finding.evidence[0].line), (6, 2));
    assert_eq!(time_of(finding.first_time), "2019-05-21T10:00:00Z");
    // A break, between two hits.
    let mut lines = every_half_minute("10:01:50");
    lines.extend([("10:02:31", "boom"), ("10:02:32", "boom"), ("10:20:00", "quiet")]);
    check(HOLDING, &lines, "a", &[]);
    // It opens between two hits, and a hit that comes later belongs to it.
    let mut lines = every_half_minute("10:02:30");
    lines.extend([("10:02:40", "boom"), ("10:20:00", "quiet")]);
    let scanned = check(HOLDING, &lines, "a", &["open 10:02:30", "close 10:03:40"]);
    assert_eq!(scanned.summary.findings[0].hits, 7);
    // Only the last hit keeps it true in the moment in which the time is complete.
    let times = ["10:00:00", "10:00:30", "10:00:50", "10:01:20", "10:01:30", "10:02:00", "10:02:30"];
    let mut lines = times.map(|time| (time, "boom")).to_vec();
    check(HOLDING, &lines, "a", &["open 10:02:30"]);
    lines.pop();
    lines.push(("10:20:00", "quiet"));
    check(HOLDING, &lines, "a", &[]);
}

#[test]
fn the_end_of_the_log_does_not_complete_what_must_hold() {
    let mut lines = vec![("10:00:00", "boom"), ("10:00:30", "boom"), ("10:01:20", "boom")];
    lines.push(("10:02:00", "boom"));
    check(HOLDING, &lines, "a", &[]);
    let scanned = scan_whole(&rules(HOLDING), log(&lines).as_bytes(), clock());
    // It was seen all the same.
    assert_eq!(scanned.summary.sightings[0].hits, 4);
}

#[test]
fn absence_can_have_to_hold_and_other_rules_can_break_it() {
    let file = r#"
[[rule]]
id = "silence"
match = "alive"
open = "absent for 1m and since(work) <= 2m"
for = "3m"

[[rule]]
id = "work"
match = "work"
"#;
    let mut lines = vec![("10:00:00", "alive")];
    lines.extend([("10:00:30", "work"), ("10:02:00", "work"), ("10:03:30", "work"), ("10:04:10", "quiet")]);
    check(file, &lines, "silence", &["open 10:04:00"]);
    lines.remove(2);
    // Between 10:02:30 and 10:03:30 there was no work for too long.
    check(file, &lines, "silence", &[]);
}

#[test]
fn hits_of_another_rule_can_break_what_must_hold() {
    let file = r#"
[[rule]]
id = "failure"
match = "failed"
window = { span = "1m" }
open = "ratio(request) > 50%"
for = "30s"
close = "count == 0 for 1m"

[[rule]]
id = "request"
match = "request"
"#;
    let lines =
        [("10:00:00", "request"), ("10:00:01", "failed"), ("10:00:20", "quiet"), ("10:00:40", "quiet")];
    check(file, &lines, "failure", &["open 10:00:31"]);
    let mut lines = lines.to_vec();
    lines.insert(2, ("10:00:10", "request"));
    check(file, &lines, "failure", &[]);
}

fn live(file: &str, lines: &[(&str, &str)]) -> Scanned {
    // Behind the first lines, of which each is looked at.
    let filler = format!("May 21 09:00:00 cp-1 app[7]: {}\n", "x".repeat(20_000));
    let log = filler + &log(lines);
    scan(&rules(file), &blocks_of(log.as_bytes(), &[1], usize::MAX), sparse(1), clock(), true)
}

#[test]
fn a_live_stream_tells_of_an_absence_when_a_line_implies_it() {
    let lines = [("10:00:00", "alive"), ("10:10:04", "quiet"), ("10:10:05", "quiet")];
    let opens = "open 2019-05-21T10:10:00Z";
    assert_eq!(live(HEARTBEAT, &lines).story("heartbeat"), [opens]);
    assert_eq!(live(HEARTBEAT, &lines).summary.findings.len(), 1);
    // Only once, and not again when it is certain.
    let more = [&lines[..], &[("10:11:00", "quiet"), ("10:30:00", "alive"), ("10:31:00", "quiet")]].concat();
    assert_eq!(live(HEARTBEAT, &more).story("heartbeat"), [opens, "close 2019-05-21T10:30:00Z"]);
    // A line that was late takes it back.
    let late = [&lines[..], &[("10:09:58", "alive"), ("10:10:10", "alive")]].concat();
    let scanned = live(HEARTBEAT, &late);
    assert_eq!(scanned.story("heartbeat"), [opens, "close 2019-05-21T10:09:58Z"]);
    assert!(scanned.summary.findings.is_empty());
}

#[test]
fn a_live_stream_tells_of_what_held_long_enough() {
    let lines = [
        ("10:00:00", "boom"),
        ("10:00:30", "boom"),
        ("10:01:00", "boom"),
        ("10:01:29", "boom"),
        ("10:01:58", "boom"),
        ("10:02:27", "boom"),
        ("10:02:36", "quiet"),
        ("10:02:40", "quiet"),
        ("10:04:00", "quiet"),
    ];
    let scanned = live(HOLDING, &lines);
    assert_eq!(scanned.story("a"), ["open 2019-05-21T10:02:30Z", "close 2019-05-21T10:03:27Z"]);
    assert_eq!(scanned.summary.findings.len(), 1);
}
