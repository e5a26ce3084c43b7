//! Hosts with clocks of their own, and clocks that jump.

use chiplog_engine::{ScanSummary, YearSource, ZoneSource};
use chiplog_parse::Clock;

use crate::support::{Scanned, blocks_of, rules, scan, scan_whole, sparse, time_of};

const BOOM: &str = r#"
[[rule]]
id = "boom"
match = "boom"
window = { by = ["host"], span = "1m" }
open = "count >= 2"
close = "count == 0 for 2m"
"#;

fn scanned(log: &str, clock: Clock) -> Scanned {
    let whole = scan_whole(&rules(BOOM), log.as_bytes(), clock);
    // A stream of single lines comes to the same.
    let live = scan(&rules(BOOM), &blocks_of(log.as_bytes(), &[1], usize::MAX), sparse(1), clock, true);
    assert_eq!(live.outcome(), whole.outcome());
    whole
}

/// Each finding: host, first and last time, hits.
fn findings(summary: &ScanSummary) -> Vec<(String, String, String, u64)> {
    let of = |finding: &chiplog_engine::Finding| {
        let host = finding.group.iter().find(|(name, _)| &**name == "host").map_or("-", |(_, host)| host);
        (host.to_owned(), time_of(finding.first_time), time_of(finding.last_time), finding.hits)
    };
    summary.findings.iter().map(of).collect()
}

fn finding(host: &str, first: &str, last: &str, hits: u64) -> (String, String, String, u64) {
    (host.to_owned(), first.to_owned(), last.to_owned(), hits)
}

#[test]
fn two_hosts_in_two_zones_each_tell_their_own() {
    // The same minute, by the wall clocks of a machine at -04:00 and of one at UTC.
    let mut log = String::new();
    for second in 10..13 {
        log += &format!(
            "May 13 23:59:{second} cp-1 etcd[9]: {{\"level\":\"warn\",\"ts\":\"2024-05-14T03:59:{second}.5Z\",\"caller\":\"x.go:1\",\"msg\":\"boom\"}}\n"
        );
        log += &format!(
            "May 14 03:59:{second} cp-2 etcd[9]: {{\"level\":\"warn\",\"ts\":\"2024-05-14T03:59:{second}.5Z\",\"caller\":\"x.go:1\",\"msg\":\"boom\"}}\n"
        );
    }
    // Without an instant, by what their hosts have told.
    log += "May 13 23:59:30 cp-1 app[7]: boom\nMay 14 03:59:30 cp-2 app[7]: boom\n";
    let summary = scanned(&log, Clock::from_year(2020)).summary;
    let expected = |host| finding(host, "2024-05-14T03:59:10.500Z", "2024-05-14T03:59:30Z", 4);
    let found: Vec<_> = findings(&summary)
        .into_iter()
        .map(|(host, first, last, hits)| (host, first.replace(".500000Z", ".500Z"), last, hits))
        .collect();
    assert_eq!(found, [expected("cp-1"), expected("cp-2")]);
    let clocks = &summary.inputs[0].clocks;
    let zones: Vec<_> =
        clocks.iter().map(|clock| (clock.host.as_deref(), clock.utc_offset_seconds)).collect();
    assert_eq!(zones, [(Some("cp-1"), Some(-4 * 3_600)), (Some("cp-2"), Some(0))]);
    assert!(clocks.iter().all(|clock| clock.zone == ZoneSource::Seen && clock.year == YearSource::Told));
    let input = &summary.inputs[0];
    assert!(!input.year_was_guessed && !input.zone_was_assumed);
    assert_eq!(time_of(input.last_time), "2024-05-14T03:59:30Z");
}

#[test]
fn klog_in_another_zone_than_its_envelope_is_told() {
    let mut log = String::new();
    for second in 10..15 {
        log += &format!(
            "2024-05-14T03:59:{second}+0000 cp-1 kubelet[9]: E0513 23:59:{second}.000000    9 x.go:1] boom\n"
        );
        log += &format!(
            "2024-05-14T03:59:{second}+0000 cp-2 kubelet[9]: E0514 03:59:{second}.000000    9 x.go:1] boom\n"
        );
    }
    let summary = scanned(&log, Clock::unknown()).summary;
    let expected = |host| finding(host, "2024-05-14T03:59:10Z", "2024-05-14T03:59:14Z", 5);
    assert_eq!(findings(&summary), [expected("cp-1"), expected("cp-2")]);
    let clocks = &summary.inputs[0].clocks;
    let seen: Vec<_> = clocks.iter().map(|clock| clock.payload_utc_offset_seconds).collect();
    assert_eq!(seen, [Some(-4 * 3_600), Some(0)]);
    assert!(clocks.iter().all(|clock| clock.zone == ZoneSource::Written));
}

#[test]
fn klog_without_its_envelope_runs_as_it_did_with_it() {
    let mut log = String::new();
    for second in 10..14 {
        log += &format!(
            "2024-05-14T03:59:{second}.000000000Z stderr F E0513 23:59:{second}.000000    9 x.go:1] quiet\n"
        );
    }
    log += "E0513 23:59:20.000000    9 x.go:1] boom\nE0513 23:59:21.000000    9 x.go:1] boom\n";
    let summary = scanned(&log, Clock::unknown()).summary;
    assert_eq!(findings(&summary), [finding("-", "2024-05-14T03:59:20Z", "2024-05-14T03:59:21Z", 2)]);
}

#[test]
fn merged_by_bytes_february_comes_before_january() {
    let mut log = String::new();
    for host in ["cp-1", "cp-2"] {
        for minute in 0..3 {
            log += &format!("Feb 01 00:0{minute}:00 {host} kubelet[9]: boom\n");
            log += &format!("Feb 01 00:0{minute}:30 {host} kubelet[9]: boom\n");
        }
    }
    for host in ["cp-1", "cp-2"] {
        for minute in 0..3 {
            log += &format!("Jan 31 23:5{minute}:00 {host} kubelet[9]: boom\n");
            log += &format!("Jan 31 23:5{minute}:30 {host} kubelet[9]: boom\n");
        }
    }
    let mut lines: Vec<&str> = log.lines().collect();
    lines.sort_unstable();
    let log = lines.join("\n") + "\n";
    let summary = scanned(&log, Clock::from_year(2024).with_utc_offset_seconds(0)).summary;
    let expected: Vec<_> =
        [("2024-01-31T23:50:00Z", "2024-01-31T23:52:30Z"), ("2024-02-01T00:00:00Z", "2024-02-01T00:02:30Z")]
            .iter()
            .flat_map(|(first, last)| ["cp-1", "cp-2"].map(|host| finding(host, first, last, 6)))
            .collect();
    assert_eq!(findings(&summary), expected);
    let totals = &summary.rules["boom"];
    assert_eq!((totals.hits, totals.late), (24, 0));
    let steps: Vec<_> = summary
        .clock_steps
        .iter()
        .map(|step| (step.host.as_deref().unwrap_or_default(), step.line, time_of(step.to_time), step.lasts))
        .collect();
    let step = |host, line| (host, line, "2024-01-31T23:50:00Z".to_owned(), true);
    assert_eq!(steps, [step("cp-1", 13), step("cp-2", 14)]);
}

#[test]
fn hosts_of_different_years_keep_their_own() {
    // A clock that was never set, among lines of one that was.
    let mut log = String::from(
        "2024-05-14T03:00:00+00:00 cp-1 app[7]: quiet\n2001-01-01T00:00:00+00:00 old app[7]: quiet\n",
    );
    for second in 10..13 {
        log += &format!("May 14 03:00:{second} cp-1 app[7]: boom\nJan  1 00:00:{second} old app[7]: boom\n");
    }
    let summary = scanned(&log, Clock::from_year(2026).with_utc_offset_seconds(0)).summary;
    assert_eq!(
        findings(&summary),
        [
            finding("old", "2001-01-01T00:00:10Z", "2001-01-01T00:00:12Z", 3),
            finding("cp-1", "2024-05-14T03:00:10Z", "2024-05-14T03:00:12Z", 3),
        ]
    );
    assert!(summary.clock_steps.is_empty());
}

#[test]
fn the_head_of_a_klog_file_tells_year_and_machine() {
    let log = "Log file created at: 2018/12/31 23:59:00\nRunning on machine: w-07\n\
        Binary: Built with gc go1.10 for linux/amd64\n\
        Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg\n\
        E1231 23:59:59.000000    9 x.go:1] boom\nE0101 00:00:01.000000    9 x.go:1] boom\n";
    let summary = scanned(log, Clock::from_year(2026)).summary;
    assert_eq!(findings(&summary), [finding("w-07", "2018-12-31T23:59:59Z", "2019-01-01T00:00:01Z", 2)]);
    let input = &summary.inputs[0];
    assert!(!input.year_was_guessed && input.zone_was_assumed);
    assert_eq!(input.hosts, ["w-07".into()]);
}

#[test]
fn a_zone_that_all_others_share_is_taken() {
    let log = "May 21 16:45:28 cp-1 etcd[9]: {\"level\":\"warn\",\"ts\":\"2019-05-21T08:45:28.5Z\",\"msg\":\"quiet\"}\n\
        May 21 16:45:29 cp-2 app[7]: boom\nMay 21 16:45:30 cp-2 app[7]: boom\n";
    let summary = scanned(log, Clock::unknown()).summary;
    assert_eq!(findings(&summary), [finding("cp-2", "2019-05-21T08:45:29Z", "2019-05-21T08:45:30Z", 2)]);
    assert_eq!(summary.inputs[0].clocks[1].zone, ZoneSource::Neighbours);
}

/// Lines of one host with a full date.
fn at(times: &[&str]) -> String {
    times.iter().map(|time| format!("{time}+00:00 w-07 app[7]: boom\n")).collect()
}

fn steps(summary: &ScanSummary) -> Vec<(u64, String, String, u64)> {
    let steps = summary.clock_steps.iter();
    let of = |step: &chiplog_engine::ClockStep| {
        (step.line, time_of(step.from_time), time_of(step.to_time), step.stray_lines)
    };
    steps.map(of).collect()
}

#[test]
fn one_wrong_time_is_told_and_closes_nothing() {
    // The end of NTP's first era, as a board without a battery may show it for a moment.
    let log = at(&[
        "2024-05-14T10:00:00",
        "2024-05-14T10:00:01",
        "2036-02-07T06:28:16",
        "2024-05-14T10:00:02",
        "2024-05-14T10:00:03",
    ]);
    let summary = scanned(&log, Clock::unknown()).summary;
    assert_eq!(findings(&summary), [finding("w-07", "2024-05-14T10:00:00Z", "2024-05-14T10:00:03Z", 4)]);
    let totals = &summary.rules["boom"];
    assert_eq!((totals.hits, totals.late), (5, 1));
    let expected = (3, "2024-05-14T10:00:01Z".to_owned(), "2036-02-07T06:28:16Z".to_owned(), 1);
    assert_eq!(steps(&summary), [expected]);
    assert!(!summary.clock_steps[0].lasts);
    assert_eq!(time_of(summary.inputs[0].last_time), "2024-05-14T10:00:03Z");
}

#[test]
fn a_year_forward_and_back_loses_no_hit() {
    let log = at(&[
        "2024-05-14T10:00:00",
        "2024-05-14T10:00:01",
        "2025-05-14T10:00:02",
        "2025-05-14T10:00:03",
        "2025-05-14T10:00:04",
        "2025-05-14T10:00:05",
        "2024-05-14T10:00:06",
        "2024-05-14T10:00:07",
        "2024-05-14T10:00:08",
    ]);
    let summary = scanned(&log, Clock::unknown()).summary;
    assert_eq!(
        findings(&summary),
        [
            finding("w-07", "2024-05-14T10:00:00Z", "2024-05-14T10:00:01Z", 2),
            finding("w-07", "2024-05-14T10:00:06Z", "2024-05-14T10:00:08Z", 3),
            finding("w-07", "2025-05-14T10:00:02Z", "2025-05-14T10:00:05Z", 4),
        ]
    );
    let totals = &summary.rules["boom"];
    assert_eq!((totals.hits, totals.late), (9, 0));
    let lasting: Vec<_> = summary.clock_steps.iter().map(|step| (step.line, step.lasts)).collect();
    assert_eq!(lasting, [(3, true), (7, true)]);
}

#[test]
fn an_hour_back_is_told_and_loses_no_hit() {
    // Wall clocks in autumn.
    let times = ["01:59:57", "01:59:58", "01:59:59", "01:00:00", "01:00:01", "01:00:02", "01:00:03"];
    let log: String = times.iter().map(|time| format!("Nov 03 {time} w-07 app[7]: boom\n")).collect();
    let summary = scanned(&log, Clock::from_year(2024).with_utc_offset_seconds(0)).summary;
    assert_eq!(
        findings(&summary),
        [
            finding("w-07", "2024-11-03T01:00:00Z", "2024-11-03T01:00:03Z", 4),
            finding("w-07", "2024-11-03T01:59:57Z", "2024-11-03T01:59:59Z", 3),
        ]
    );
    let totals = &summary.rules["boom"];
    assert_eq!((totals.hits, totals.late), (7, 0));
    let expected = (4, "2024-11-03T01:59:59Z".to_owned(), "2024-11-03T01:00:00Z".to_owned(), 0);
    assert_eq!(steps(&summary), [expected]);
}

#[test]
fn a_long_silence_ends_with_what_comes_after_it() {
    // Nothing contradicts the last lines.
    let log =
        at(&["2024-01-01T10:00:00", "2024-01-01T10:00:01", "2024-05-14T10:00:00", "2024-05-14T10:00:01"]);
    let summary = scanned(&log, Clock::unknown()).summary;
    assert_eq!(
        findings(&summary),
        [
            finding("w-07", "2024-01-01T10:00:00Z", "2024-01-01T10:00:01Z", 2),
            finding("w-07", "2024-05-14T10:00:00Z", "2024-05-14T10:00:01Z", 2),
        ]
    );
    assert_eq!(summary.rules["boom"].late, 0);
    assert_eq!(time_of(summary.inputs[0].last_time), "2024-05-14T10:00:01Z");
}
