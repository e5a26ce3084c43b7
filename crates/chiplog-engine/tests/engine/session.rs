//! Many live streams at once are what each of them would be alone.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use chiplog_engine::{
    Block, InputOptions, Loss, LossReason, Notice, Origin, Scan, ScanOptions, ScanSummary, Session, State,
};
use chiplog_parse::Clock;
use chiplog_rules::RuleSet;
use proptest::prelude::*;

use crate::split::{RULES, soup};
use crate::support::{blocks_of, rules};

pub(crate) fn stream(name: &str, clock: Clock) -> InputOptions {
    InputOptions { name: Arc::from(name), clock, is_live: true, origin: Origin::default() }
}

/// Blocks of several streams, taking turns.
pub(crate) fn interleaved(logs: &[Vec<u8>], sizes: &[usize]) -> Vec<(usize, Block)> {
    let blocks = logs.iter().enumerate().map(|(log, bytes)| {
        let blocks = blocks_of(bytes, sizes, usize::MAX).into_iter();
        blocks.map(|block| (log, block)).collect::<Vec<_>>()
    });
    let mut turns: BTreeMap<(usize, usize), (usize, Block)> = BTreeMap::new();
    for blocks in blocks {
        for (turn, (log, block)) in blocks.into_iter().enumerate() {
            turns.insert((turn, log), (log, block));
        }
    }
    turns.into_values().collect()
}

/// What a stream tells, as text, one line a notice.
pub(crate) fn told(notices: &mut Vec<String>) -> impl FnMut(Notice<'_>) {
    |notice| notices.push(format!("{notice:?}"))
}

fn of_scan(
    rules: &RuleSet,
    logs: &[Vec<u8>],
    sizes: &[usize],
    clock: Clock,
) -> (ScanSummary, Vec<Vec<String>>) {
    let mut scan = Scan::new(rules, ScanOptions::default());
    let mut notices = vec![];
    for (log, bytes) in logs.iter().enumerate() {
        let mut source = blocks_of(bytes, sizes, usize::MAX).into_iter().map(Ok::<_, Infallible>);
        let mut of_log = vec![];
        let Ok(()) = scan.input(&stream(&format!("log{log}"), clock), &mut source, &mut told(&mut of_log));
        notices.push(of_log);
    }
    (scan.finish(), notices)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn streams_that_take_turns_are_what_each_is_alone(
        logs in prop::collection::vec(soup().prop_filter("a stream begins with a line", |log| !log.is_empty()), 1..4),
        size in prop_oneof![1..400usize, 1..4_000usize],
        asks in any::<bool>(),
    ) {
        let clock = Clock::from_year(2019);
        let (expected, expected_notices) = of_scan(&RULES, &logs, &[size], clock);
        let mut session = Session::new(&RULES, ScanOptions::default());
        let mut notices = vec![vec![]; logs.len()];
        for (log, block) in interleaved(&logs, &[size]) {
            session.absorb(&stream(&format!("log{log}"), clock), &block, &mut told(&mut notices[log]));
            if asks {
                let _ = session.summary();
            }
        }
        let hits = |summary: &ScanSummary| -> u64 { summary.rules.values().map(|totals| totals.hits).sum() };
        prop_assert_eq!(hits(&session.summary()), hits(&expected));
        for (log, of_log) in notices.iter_mut().enumerate() {
            session.end(&format!("log{log}"), &mut told(of_log));
        }
        prop_assert_eq!(format!("{:#?}", session.summary()), format!("{expected:#?}"));
        prop_assert_eq!(notices, expected_notices);
    }
}

pub(crate) fn block(offset: u64, text: &str) -> Block {
    Block { offset, bytes: text.as_bytes().to_vec(), ..Block::default() }
}

#[test]
fn a_loss_is_a_gap_and_what_it_touches_is_a_lower_bound() {
    let rules = rules(
        "[[rule]]\nid = 'boom'\nmatch = 'boom'\nwindow = { span = '1m' }\nclose = 'count == 0 for 1m'\n\
         [[rule]]\nid = 'beat'\nmatch = 'beat'\nopen = 'absent for 5m'\n",
    );
    let stream = stream("node.log", Clock::from_year(2019).with_utc_offset_seconds(0));
    let mut session = Session::new(&rules, ScanOptions::default());
    let mut notices = vec![];
    let first = "May 21 10:00:00 cp-1 app[7]: boom\nMay 21 10:00:01 cp-1 app[7]: beat\n";
    session.absorb(&stream, &block(0, first), &mut told(&mut notices));
    assert!(session.summary().findings[0].complete);
    let loss = Loss { reason: LossReason::Removed, lines: None, bytes: Some(4_096) };
    session.lose(&stream, &loss, &mut told(&mut notices));
    let summary = session.summary();
    assert!(!summary.findings[0].complete);
    let gap = &summary.gaps[0];
    assert_eq!((gap.by, gap.of.as_deref(), gap.lines, &gap.host), ("source", Some("removed"), None, &None));
    assert_eq!(gap.time.unwrap().to_string(), "2019-05-21T10:00:01.000000Z");
    assert!(notices.last().unwrap().starts_with("Gap("));

    // A beat may have been in what is missing, up to the next line.
    let text = "May 21 10:04:00 cp-1 app[7]: quiet\nMay 21 10:08:00 cp-1 app[7]: quiet\n";
    session.absorb(&stream, &block(first.len() as u64, text), &mut told(&mut notices));
    let open = |session: &Session| -> Vec<String> {
        let findings = session.summary().findings;
        let open = findings.iter().filter(|finding| finding.state == State::Open);
        open.map(|finding| finding.rule_id.to_string()).collect()
    };
    assert_eq!(open(&session), [""; 0]);
    let offset = (first.len() + text.len()) as u64;
    session.absorb(&stream, &block(offset, "May 21 10:10:00 cp-1 app[7]: quiet\n"), &mut told(&mut notices));
    assert_eq!(open(&session), ["beat"]);
}

#[test]
fn a_stream_that_ended_is_kept_and_its_name_may_begin_anew() {
    let rules = rules("[[rule]]\nid = 'boom'\nmatch = 'boom'\n");
    let stream = stream("pod.log", Clock::from_year(2019).with_utc_offset_seconds(0));
    let mut session = Session::new(&rules, ScanOptions::default());
    for day in 21..23 {
        let line = format!("May {day} 10:00:00 cp-1 app[7]: boom\n");
        session.absorb(&stream, &block(0, &line), &mut |_| {});
        session.end(&stream.name, &mut |_| {});
        session.end(&stream.name, &mut |_| {});
    }
    let summary = session.summary();
    assert_eq!((summary.inputs.len(), summary.findings.len(), summary.rules["boom"].hits), (2, 2, 2));
}

#[test]
fn of_findings_without_end_the_newest_and_the_first_and_the_worst_are_kept() {
    let rules = rules(
        "[[rule]]\nid = 'boom'\nmatch = 'boom'\nwindow = { span = '1s' }\nclose = 'count == 0 for 1s'\n\
         [[rule]]\nid = 'rare'\nmatch = 'rare'\nwindow = { span = '1s' }\nclose = 'count == 0 for 1s'\n",
    );
    let stream = stream("log", Clock::from_year(2019).with_utc_offset_seconds(0));
    let mut session = Session::new(&rules, ScanOptions::default());
    let mut offset = 0;
    let mut feed = |text: &str| {
        session.absorb(&stream, &block(offset, text), &mut |_| {});
        offset += text.len() as u64;
    };
    feed("May 21 00:00:00 cp-1 app[7]: rare\n");
    for number in 1..3_000 {
        let second = number * 10;
        let time = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
        let line = format!("May 21 {time} cp-1 app[7]: boom\n");
        feed(&line.repeat(if number == 500 { 3 } else { 1 }));
    }
    let summary = session.summary();
    let closed = || summary.findings.iter().filter(|finding| finding.state == State::Closed);
    // The rare one, the first boom, the worst boom.
    assert_eq!(closed().count(), 1_003);
    assert_eq!(summary.findings.len(), 1_004);
    assert_eq!(closed().next().unwrap().rule_id.as_ref(), "rare");
    assert_eq!(closed().map(|finding| finding.hits).max(), Some(3));
    let warnings: Vec<_> = summary.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        warnings,
        ["1996 closed findings left out, beyond the newest 1000 and the first and worst of each rule"]
    );
    assert_eq!(summary.rules["boom"].hits, 3_001);
}
