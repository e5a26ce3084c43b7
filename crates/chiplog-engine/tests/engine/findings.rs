//! When findings open, get worse and close.

use chiplog_engine::{ScanOptions, State};
use chiplog_parse::{Clock, UnixNanos};
use chiplog_rules::RuleSet;

use crate::support::{Scanned, blocks_of, dense, rules, scan, scan_whole, sparse, time_of};

const RULES: &str = r#"
[[rule]]
id = "three"
match = "boom"
window = { by = ["host"], span = "1m" }
open = "count >= 3"
close = "count == 0 for 2m"

[[rule]]
id = "slow"
match = "slow"
take = { took = 'took (\S+)' }
window = { by = ["host"], span = "5m" }
open = "max(took) > 1s"
close = "max(took) < 500ms for 1m"

[[rule]]
id = "each"
match = "ping"
window = { by = ["host"], span = "10s" }
close = "count == 0 for 10s"

[[rule]]
id = "growing"
match = "grows"
take = { took = 'took (\S+)' }
window = { by = ["host"], span = "5m" }
open = "max(took) > 1s"
close = "count == 0 for 10m"
"#;

fn year(year: i16) -> Clock {
    Clock::from_year(year).with_utc_offset_seconds(0)
}

fn check(log: &str, rule: &str, expected: &[&str]) -> Scanned {
    let scanned = scan_whole(&rules(RULES), log.as_bytes(), year(2019));
    assert_eq!(scanned.story(rule), expected);
    scanned
}

/// Lines of one host at these times of 21 May.
fn lines(times: &[&str], message: &str) -> String {
    times.iter().map(|time| format!("May 21 {time} cp-1 app[7]: {message}\n")).collect()
}

#[test]
fn opens_on_the_hit_that_makes_it_true_and_closes_its_time_after_the_last() {
    let log = lines(&["10:00:00", "10:00:30", "10:01:01", "10:01:02", "10:05:00"], "boom")
        + &lines(&["10:30:00"], "quiet");
    // At 10:01:01 the first of the three is a minute and a second old.
    let scanned = check(&log, "three", &["open 2019-05-21T10:01:02Z", "close 2019-05-21T10:03:02Z"]);
    let finding = &scanned.summary.findings[0];
    assert_eq!(time_of(finding.first_time), "2019-05-21T10:00:30Z");
    assert_eq!(time_of(finding.opened_time), "2019-05-21T10:01:02Z");
    assert_eq!(time_of(finding.last_time), "2019-05-21T10:01:02Z");
    assert_eq!(time_of(finding.closed_time), "2019-05-21T10:03:02Z");
    assert_eq!((finding.hits, finding.state, finding.complete), (3, State::Closed, true));
    assert_eq!(scanned.summary.rules["three"].hits, 5);
}

#[test]
fn what_is_exactly_as_old_as_the_window_is_out_of_it() {
    check(&lines(&["10:00:00", "10:00:30", "10:01:00"], "boom"), "three", &[]);
    check(&lines(&["10:00:00", "10:00:30", "10:00:59"], "boom"), "three", &["open 2019-05-21T10:00:59Z"]);
}

#[test]
fn the_end_of_the_input_closes_what_is_over_and_leaves_the_rest_open() {
    let boom = lines(&["10:00:00", "10:00:01", "10:00:02"], "boom");
    let open = "open 2019-05-21T10:00:02Z";
    let scanned = check(&(boom.clone() + &lines(&["10:02:01"], "quiet")), "three", &[open]);
    let finding = &scanned.summary.findings[0];
    assert_eq!((finding.state, finding.transition, finding.closed_time), (State::Open, None, None));
    assert_eq!(time_of(finding.time), "2019-05-21T10:00:02Z");
    // In the middle of an input, lines may be a few seconds late. At its end, none are.
    let scanned = check(
        &(boom.clone() + &lines(&["10:02:02"], "quiet")),
        "three",
        &[open, "close 2019-05-21T10:02:02Z"],
    );
    assert_eq!(scanned.summary.findings[0].state, State::Closed);
    check(&(boom + &lines(&["10:02:04", "10:02:01"], "boom")), "three", &[open]);
}

#[test]
fn the_last_line_counts_also_where_no_line_is_looked_at() {
    let mut log = lines(&["10:00:00", "10:00:01", "10:00:02"], "boom");
    for second in 0..60 {
        log += &lines(&[&format!("10:01:{second:02}")], &"x".repeat(500));
    }
    log += &lines(&["11:00:00"], "quiet");
    log += "  a line that goes on\n";
    let blocks = blocks_of(log.as_bytes(), &[3_000], usize::MAX);
    for options in [sparse(1), sparse(2), dense(1)] {
        let scanned = scan(&rules(RULES), &blocks, options, year(2019), false);
        assert_eq!(scanned.story("three").last().unwrap(), "close 2019-05-21T10:02:02Z");
        assert_eq!(time_of(scanned.summary.inputs[0].last_time), "2019-05-21T11:00:00Z");
    }
}

#[test]
fn worse_is_half_as_much_again_and_at_most_once_a_minute() {
    let slow = |time: &str, took: &str| lines(&[time], &format!("grows took {took}"));
    let log = slow("10:00:00", "2s")
        + &slow("10:00:30", "9s") // within a minute
        + &slow("10:01:00", "9s") // now it is told
        + &slow("10:02:30", "13.4s") // less than half more
        + &slow("10:02:31", "13.5s")
        + &slow("10:02:32", "60s")
        + &slow("10:03:30", "1ms")
        + &slow("10:03:31", "1ms");
    let scanned = check(
        &log,
        "growing",
        &[
            "open 2019-05-21T10:00:00Z",
            "worse 2019-05-21T10:01:00Z",
            "worse 2019-05-21T10:02:31Z",
            "worse 2019-05-21T10:03:31Z",
        ],
    );
    let finding = &scanned.summary.findings[0];
    let peak = finding.peak.as_ref().unwrap();
    assert_eq!((peak.amount, peak.limit, &*peak.name), (60_000_000_000, 1_000_000_000, "max(took)"));
    // The line that opened it, and the worst.
    let shown: Vec<_> =
        finding.evidence.iter().map(|evidence| (evidence.line, evidence.values[0].2)).collect();
    assert_eq!(shown, [(1, 2_000_000_000), (6, 60_000_000_000)]);
}

#[test]
fn peaks_are_named_as_rules_write_them() {
    for measure in [
        "count",
        "rate",
        "max(took)",
        "sum(took)",
        "last(took)",
        "p5(took)",
        "p90(took)",
        "p99.9(took)",
        "p99.99(took)",
    ] {
        let limit = match measure {
            "count" => "0",
            "rate" => "0/s",
            _ => "1ms",
        };
        let file = format!(
            "id = 'a'\nmatch = 'grows'\ntake = {{ took = 'took (\\S+)' }}\nopen = '{measure} > {limit}'\n"
        );
        let summary =
            scan_whole(&rules(&file), lines(&["10:00:00"], "grows took 2s").as_bytes(), year(2019)).summary;
        assert_eq!(&*summary.findings[0].peak.as_ref().unwrap().name, measure);
    }
}

#[test]
fn what_lies_between_the_limits_neither_opens_nor_closes() {
    let slow = |time: &str, took: &str| lines(&[time], &format!("slow took {took}"));
    let log = slow("10:00:00", "700ms") // not enough to open
        + &slow("10:00:10", "1.2s")
        + &slow("10:00:50", "700ms") // enough to stay open
        + &slow("10:01:40", "600ms")
        + &slow("10:02:30", "100ms")
        + &slow("10:03:30", "700ms") // not enough to open again
        + &slow("10:20:00", "10ms");
    check(&log, "slow", &["open 2019-05-21T10:00:10Z", "close 2019-05-21T10:02:40Z"]);
}

#[test]
fn late_hits_are_counted_and_three_that_agree_start_again() {
    let log = lines(&["10:00:00", "10:00:01", "10:00:02", "09:00:00", "09:00:10"], "boom");
    let scanned = check(&log, "three", &["open 2019-05-21T10:00:02Z"]);
    assert_eq!((scanned.summary.rules["three"].hits, scanned.summary.rules["three"].late), (5, 2));
    assert_eq!(scanned.summary.findings[0].hits, 3);

    let log = log + &lines(&["09:00:20"], "boom");
    let scanned = check(
        &log,
        "three",
        &["open 2019-05-21T10:00:02Z", "close 2019-05-21T10:02:02Z", "open 2019-05-21T09:00:20Z"],
    );
    assert_eq!((scanned.summary.rules["three"].hits, scanned.summary.rules["three"].late), (6, 0));
    assert_eq!(scanned.summary.findings[0].hits, 3);
    assert_eq!(time_of(scanned.summary.findings[0].first_time), "2019-05-21T09:00:00Z");

    // One that is late but not beyond the window is in it.
    let log = lines(&["10:00:40", "10:00:41", "10:00:05"], "boom");
    check(&log, "three", &["open 2019-05-21T10:00:41Z"]);
}

#[test]
fn a_host_that_went_back_takes_the_windows_with_it() {
    let mut log = lines(&["10:00:00"], "ping");
    log += &lines(&["07:00:00", "07:00:01", "07:00:02"], "quiet");
    log += &lines(&["07:00:03", "07:30:00"], "ping");
    check(
        &log,
        "each",
        &[
            "open 2019-05-21T10:00:00Z",
            "close 2019-05-21T10:00:10Z",
            "open 2019-05-21T07:00:03Z",
            "close 2019-05-21T07:00:13Z",
            "open 2019-05-21T07:30:00Z",
        ],
    );
}

#[test]
fn a_late_hit_within_a_finding_makes_it_a_lower_bound() {
    let times = ["10:00:00", "10:00:01", "10:00:02", "10:02:00", "10:03:50", "10:05:40", "10:02:30"];
    let scanned = check(&lines(&times, "boom"), "three", &["open 2019-05-21T10:00:02Z"]);
    assert_eq!(scanned.summary.rules["three"].late, 1);
    assert!(!scanned.summary.findings[0].complete);
}

#[test]
fn a_finding_lives_through_new_year() {
    let log = "Dec 31 23:59:58 cp-1 app[7]: boom\nDec 31 23:59:59 cp-1 app[7]: boom\n\
               Jan  1 00:00:01 cp-1 app[7]: boom\nJan  1 00:01:30 cp-1 app[7]: boom\n\
               Jan  1 01:00:00 cp-1 app[7]: quiet\n";
    let scanned = check(log, "three", &["open 2020-01-01T00:00:01Z", "close 2020-01-01T00:03:30Z"]);
    assert_eq!(time_of(scanned.summary.findings[0].first_time), "2019-12-31T23:59:58Z");
    assert!(scanned.summary.inputs[0].year_was_guessed);
}

#[test]
fn hosts_with_different_clocks_do_not_disturb_each_other() {
    let mut log = String::new();
    for second in 0..3 {
        log +=
            &format!("May 21 10:00:0{second} cp-1 app[7]: boom\nMay 21 18:00:0{second} cp-2 app[7]: boom\n");
    }
    log += "May 21 10:10:00 cp-1 app[7]: quiet\nMay 21 18:01:00 cp-2 app[7]: quiet\n";
    let scanned = check(
        &log,
        "three",
        &["open 2019-05-21T10:00:02Z", "open 2019-05-21T18:00:02Z", "close 2019-05-21T10:02:02Z"],
    );
    assert_eq!(scanned.summary.rules["three"].late, 0);
    let states: Vec<_> = scanned.summary.findings.iter().map(|finding| finding.state).collect();
    assert_eq!(states, [State::Closed, State::Open]);
}

#[test]
fn times_since_boot_are_no_instants_but_have_distances() {
    let log = "[  100.000000] boom\n[  101.000000] boom\n[  102.000000] boom\n[  500.000000] quiet\n";
    let scanned = check(log, "three", &["open -", "close -"]);
    assert_eq!(scanned.summary.findings[0].first_time, None);
    assert_eq!(scanned.summary.inputs[0].first_time, None);
    // Far apart they are not three in a minute.
    check("[  100.000000] boom\n[  200.000000] boom\n[  300.000000] boom\n", "three", &[]);

    let clock = year(2019).with_boot(UnixNanos(1_558_000_000_000_000_000));
    let scanned = scan_whole(&rules(RULES), log.as_bytes(), clock);
    assert_eq!(scanned.story("three"), ["open 2019-05-16T09:48:22Z", "close 2019-05-16T09:50:22Z"]);
}

/// A line with a date ends what was since boot, at a time that is no instant either.
#[test]
fn what_opened_since_boot_closes_since_boot() {
    let log = "[ 1000.000000] ping\nE0521 10:00:00.000000   1 a.go:1] quiet\n";
    check(log, "each", &["open -", "close -"]);
}

#[test]
fn lines_since_boot_do_not_take_the_dates_of_others_away() {
    let mut log = lines(&["10:00:00"], "quiet");
    for second in 0..3 {
        log += &lines(&[&format!("10:00:0{second}")], "quiet");
        log += &format!("[12345.00000{second}] boom\n");
    }
    log += &lines(&["10:10:00"], "quiet");
    let scanned = scan_whole(&rules(RULES), log.as_bytes(), year(2019));
    assert_eq!(scanned.story("three"), ["open 2019-05-21T10:00:02Z"]);
    assert_eq!(time_of(scanned.summary.inputs[0].first_time), "2019-05-21T10:00:00Z");
}

#[test]
fn hits_without_any_time_are_one_moment_and_no_instant() {
    let scanned = check("boom\nboom\nboom\n", "three", &["open -"]);
    let finding = &scanned.summary.findings[0];
    assert_eq!((finding.time, finding.first_time, finding.opened_time), (None, None, None));
    assert_eq!((finding.hits, finding.evidence[0].time, finding.evidence[0].line), (3, None, 3));
    // Before lines with times they are long ago.
    check(&("boom\nboom\n".to_owned() + &lines(&["10:00:00", "10:00:01"], "boom")), "three", &[]);
}

#[test]
fn lines_that_go_on_have_the_time_of_their_first() {
    let mut log = String::new();
    for minute in 0..3 {
        log += &format!("May 21 10:{minute:02}:30 cp-1 app[7]: trace\n");
        log += "  at one\n  at boom\n";
    }
    check(&log, "three", &[]);
    let log = log.replace("at boom\n", "at boom\n  at boom\n  at boom\n");
    check(&log, "three", &["open 2019-05-21T10:00:30Z"]);
}

/// Merged without a host, in different zones: what is ahead must not close what is behind.
#[test]
fn a_stream_that_is_behind_is_not_closed_by_one_that_is_ahead() {
    let mut log = String::new();
    for second in 0..9 {
        log += &format!(
            "E0521 18:00:0{second}.000000   1 a.go:1] quiet\nE0521 10:00:0{second}.000000   1 a.go:1] ping\n"
        );
    }
    let scanned = check(&log, "each", &["open 2019-05-21T10:00:00Z"]);
    assert_eq!(scanned.summary.findings[0].hits, 9);
}

#[test]
fn an_hour_that_comes_twice_is_no_storm() {
    let mut log = String::new();
    for hour in [1, 2, 2, 3] {
        for minute in 0..60 {
            log += &lines(
                &[&format!("0{hour}:{minute:02}:00"), &format!("0{hour}:{minute:02}:05")],
                "grows took 2s",
            );
        }
    }
    let scanned = scan_whole(&rules(RULES), log.as_bytes(), year(2019));
    let hits: Vec<u64> = scanned.summary.findings.iter().map(|finding| finding.hits).collect();
    assert_eq!(hits.iter().sum::<u64>(), 480);
    assert_eq!(hits.len(), 2, "{:?}", scanned.story("growing"));
}

#[test]
fn the_end_of_a_cut_line_is_not_the_beginning_of_the_next() {
    let log = lines(&["10:00:00"], "quiet") + &"x".repeat(300) + "\n" + "boom\n";
    let blocks = blocks_of(log.as_bytes(), &[], 100);
    let scanned = scan(
        &rules(RULES.replace("count >= 3", "count >= 1").as_str()),
        &blocks,
        sparse(1),
        year(2019),
        false,
    );
    assert_eq!(scanned.story("three"), ["open 2019-05-21T10:00:00Z"]);
    assert_eq!(scanned.summary.inputs[0].cut_lines, 1);
    assert_eq!(scanned.summary.inputs[0].bytes, log.len() as u64);
    assert_eq!(scanned.summary.findings[0].evidence[0].line, 3);
}

#[test]
fn one_wrong_date_is_one_line_however_many_rules_it_matches() {
    let many: String =
        (0..5).map(|number| format!("[[rule]]\nid = 'r{number}'\nmatch = 'boom'\nwindow = {{ span = '1h' }}\nclose = 'count == 0 for 4h'\n")).collect();
    let log = lines(&["10:00:00", "02:00:00", "10:00:01"], "boom") + &lines(&["10:00:02"], "quiet");
    let scanned = scan_whole(&rules(&many), log.as_bytes(), year(2019));
    // Had the host gone back by one line, the windows would have started again with it.
    for totals in scanned.summary.rules.values() {
        assert_eq!((totals.hits, totals.late), (3, 1));
    }
}

#[test]
fn the_zone_that_is_learned_holds_for_lines_before_it() {
    let rules =
        rules(&(RULES.to_owned() + "[[rule]]\nid = 'gap'\nmatch = { event = 'suppress.journald' }\n"));
    let log = lines(&["16:45:27"], "ping")
        + &lines(&["16:45:27"], "Suppressed 12 messages from kubelet.service")
            .replace("app[7]", "systemd-journald[3]")
        + "May 21 16:45:28 cp-1 etcd[9]: {\"level\":\"warn\",\"ts\":\"2019-05-21T08:45:28.5Z\",\"msg\":\"quiet\"}\n";
    let summary = scan_whole(&rules, log.as_bytes(), Clock::from_year(2019)).summary;
    let finding = summary.findings.iter().find(|finding| &*finding.rule_id == "each").unwrap();
    assert_eq!(time_of(finding.first_time), "2019-05-21T08:45:27Z");
    assert_eq!(finding.evidence[0].time, finding.first_time);
    assert_eq!(summary.gaps[0].time, finding.first_time);
    assert!(!summary.inputs[0].zone_was_assumed);
}

#[test]
fn gaps_touch_what_they_can_have_hidden() {
    let rules = rules(
        &(RULES.to_owned()
            + "[[rule]]\nid = 'gap'\nmatch = { event = 'suppress.journald' }\n[[rule]]\nid = 'gap-too'\nmatch = 'Suppressed'\n"),
    );
    let gap = |time| {
        lines(&[time], "Suppressed 12 messages from app.service").replace("app[7]", "systemd-journald[3]")
    };
    let log = lines(&["10:00:00"], "ping")
        + &lines(&["10:05:00"], "quiet")
        + &gap("10:10:05")
        + &lines(&["10:10:10"], "ping")
        + &lines(&["11:00:00"], "ping");
    let summary = scan_whole(&rules, log.as_bytes(), year(2019)).summary;
    let of_each = summary.findings.iter().filter(|finding| &*finding.rule_id == "each");
    let complete: Vec<bool> = of_each.map(|finding| finding.complete).collect();
    assert_eq!(complete, [true, false, true]);
    assert_eq!(summary.gaps.len(), 1);
    assert_eq!((summary.gaps[0].lines, summary.gaps[0].by), (Some(12), "journald"));
    assert_eq!(summary.gaps[0].of.as_deref(), Some("app.service"));
}

#[test]
fn since_and_until_are_inclusive() {
    let at = |text: &str| {
        let seconds = ["10:00:00", "10:00:01", "10:00:02", "10:00:03"].iter().position(|time| *time == text);
        Some(UnixNanos((1_558_432_800 + seconds.unwrap() as i64) * 1_000_000_000))
    };
    let log = lines(&["10:00:00", "10:00:01", "10:00:02", "10:00:03"], "boom") + "boom\n";
    let blocks = blocks_of(log.as_bytes(), &[], usize::MAX);
    for (since, until, hits) in [
        (None, None, 5),
        (at("10:00:01"), None, 4),
        (None, at("10:00:02"), 3),
        (at("10:00:01"), at("10:00:01"), 1),
        (at("10:00:02"), at("10:00:01"), 0),
    ] {
        let options = ScanOptions { since, until, ..ScanOptions::default() };
        let summary = scan(&rules(RULES), &blocks, options, year(2019), false).summary;
        assert_eq!(summary.rules["three"].hits, hits, "{since:?} {until:?}");
        assert_eq!(
            summary.inputs[0].first_time,
            since.filter(|_| hits > 0).or(at("10:00:00").filter(|_| hits > 0))
        );
        assert_eq!(summary.inputs[0].lines, 5);
    }
    // Without a time, nothing is known to be inside.
    let untimed = blocks_of(b"boom\n", &[], usize::MAX);
    let options = ScanOptions { since: at("10:00:00"), ..ScanOptions::default() };
    assert_eq!(scan(&rules(RULES), &untimed, options, year(2019), false).summary.rules["three"].hits, 0);
}

fn live(rules: &RuleSet, log: &str) -> Scanned {
    scan(rules, &blocks_of(log.as_bytes(), &[1], usize::MAX), sparse(1), year(2019), true)
}

#[test]
fn a_live_stream_tells_of_a_close_when_a_line_implies_it_and_takes_it_back_for_a_late_one() {
    // Beyond the first lines, of which each is looked at.
    let filler = lines(&["09:00:00"], &"x".repeat(20_000));
    let boom = lines(&["10:00:00", "10:00:01", "10:00:02"], "boom");
    let over = lines(&["10:02:08"], "quiet");
    let open = "open 2019-05-21T10:00:02Z";
    let close = "close 2019-05-21T10:02:02Z";
    let log = filler.clone() + &boom + &over;
    assert_eq!(live(&rules(RULES), &log).story("three"), [open, close]);
    let log = filler + &boom + &over + &lines(&["10:02:01"], "boom") + &lines(&["10:09:00"], "quiet");
    let scanned = live(&rules(RULES), &log);
    assert_eq!(
        scanned.story("three"),
        [open, close, "open 2019-05-21T10:02:01Z", "close 2019-05-21T10:04:01Z"]
    );
    assert_eq!(scanned.summary.findings.len(), 1);
    assert_eq!(scanned.summary.findings[0].hits, 4);
}
