//! What is told of hits that opened nothing, and of who wrote the lines.

use std::fmt::Write as _;

use chiplog_parse::Clock;

use crate::support::{rules, scan_whole, time_of};

const RULES: &str = r#"
[[rule]]
id = "three"
match = { contains = "boom" }
take = { who = { regex = 'who=(\w+)', type = "text" } }
window = { by = ["host", "who"], span = "1m" }
open = "count >= 3"

[[rule]]
id = "beat"
match = "heartbeat"
open = "absent for 10m"
"#;

fn clock() -> Clock {
    Clock::from_year(2019).with_utc_offset_seconds(0)
}

#[test]
fn hits_that_open_nothing_are_told_with_their_first_line() {
    let log = "\
May 21 10:00:00 h1 app[7]: boom who=a
May 21 10:00:01 h1 app[7]: boom who=b
May 21 10:00:02 h1 app[7]: heartbeat
May 21 10:00:03 h1 app[7]: boom who=a
May 21 10:00:04 h1 app[7]: boom who=b
May 21 10:00:05 h1 app[7]: boom who=b
";
    let summary = scan_whole(&rules(RULES), log.as_bytes(), clock()).summary;
    // What opened is a finding and no sighting, and neither is a line whose absence would be one.
    assert_eq!(summary.findings.len(), 1);
    let [sighting] = &summary.sightings[..] else { panic!("{:?}", summary.sightings) };
    let group: Vec<_> = sighting.group.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!((&*sighting.rule_id, sighting.hits), ("three", 2));
    assert_eq!(group, [("host", "h1"), ("who", "a")]);
    assert_eq!(time_of(sighting.first_time), "2019-05-21T10:00:00Z");
    assert_eq!(time_of(sighting.last_time), "2019-05-21T10:00:03Z");
    assert_eq!((sighting.evidence.line, &sighting.evidence.body[..]), (1, &b"boom who=a"[..]));
}

#[test]
fn of_many_groups_the_first_are_told() {
    let mut log = String::new();
    for number in 0..150 {
        writeln!(log, "May 21 10:00:00 h1 app[7]: boom who=w{number}").unwrap();
    }
    let summary = scan_whole(&rules(RULES), log.as_bytes(), clock()).summary;
    assert_eq!(summary.sightings.len(), 100);
    assert!(summary.sightings.iter().all(|sighting| sighting.evidence.line <= 100));
}

#[test]
fn programs_are_told_by_host() {
    let log = "\
May 21 10:00:00 h2 kubelet[7]: nothing new
May 21 10:00:01 h1 kubelet[7]: nothing new
May 21 10:00:02 h1 kernel: nothing new
nothing new
";
    let summary = scan_whole(&rules(RULES), log.as_bytes(), clock()).summary;
    let programs: Vec<_> =
        summary.inputs[0].programs.iter().map(|program| (program.host.as_deref(), &*program.name)).collect();
    assert_eq!(programs, [(Some("h1"), "kernel"), (Some("h1"), "kubelet"), (Some("h2"), "kubelet")]);
}
