//! A session that is saved and restored goes on as if nothing had been.

use std::collections::BTreeMap;
use std::sync::Arc;

use chiplog_engine::{
    Block, Finding, Loss, LossReason, RestoreError, ScanOptions, Session, State, Transition,
};
use chiplog_parse::Clock;
use chiplog_rules::RuleSet;
use chiplog_testkit::{Envelope, Generator, Profile};
use proptest::prelude::*;

use crate::session::{block, interleaved, stream, told};
use crate::split::{RULES, soup};
use crate::support::{blocks_of, rules};

fn restored(rules: &RuleSet, session: &Session) -> Session {
    let bytes = session.save();
    let (session, changes) = Session::restore(rules, ScanOptions::default(), &bytes).unwrap();
    let none: [Arc<str>; 0] = [];
    assert_eq!(
        (&changes.changed[..], &changes.added[..], &changes.removed[..]),
        (&none[..], &none[..], &none[..])
    );
    assert_eq!(session.save(), bytes);
    session
}

/// Every so many blocks, a loss.
const LOSS_EVERY: usize = 13;

/// All that a session tells of logs, restored after those blocks for which `is_cut` says so.
fn outcome(
    rules: &RuleSet,
    logs: &[Vec<u8>],
    sizes: &[usize],
    clock: Clock,
    is_cut: impl Fn(usize) -> bool,
) -> (Vec<String>, String) {
    let mut session = Session::new(rules, ScanOptions::default());
    let mut notices = vec![];
    for (index, (log, block)) in interleaved(logs, sizes).into_iter().enumerate() {
        let stream = stream(&format!("log{log}"), clock);
        session.absorb(&stream, &block, &mut told(&mut notices));
        if index % LOSS_EVERY == LOSS_EVERY - 1 {
            let loss = Loss { reason: LossReason::Damaged, lines: Some(3), bytes: None };
            session.lose(&stream, &loss, &mut told(&mut notices));
        }
        if is_cut(index) {
            session = restored(rules, &session);
        }
    }
    let before_end = format!("{:#?}", session.summary());
    // One has ended, the others go on.
    session.end("log0", &mut told(&mut notices));
    if is_cut(usize::MAX) {
        session = restored(rules, &session);
    }
    let summary = format!("{before_end}{:#?}", session.summary());
    (notices, summary)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn a_session_goes_on_after_a_cut_at_any_block(
        logs in prop::collection::vec(soup(), 1..4),
        size in prop_oneof![Just(1), 1..400usize, 1..4_000usize],
        cut in any::<prop::sample::Index>(),
        clock in prop_oneof![Just(Clock::unknown()), Just(Clock::from_year(2019).with_utc_offset_seconds(0))],
    ) {
        let whole = outcome(&RULES, &logs, &[size], clock, |_| false);
        let at = cut.index(200);
        let once = outcome(&RULES, &logs, &[size], clock, |index| index == at);
        prop_assert_eq!(&once, &whole);
        // And after many, one after the other.
        let often = outcome(&RULES, &logs, &[size.max(400)], clock, |_| true);
        prop_assert_eq!(often, outcome(&RULES, &logs, &[size.max(400)], clock, |_| false));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn so_does_one_of_the_logs_of_nodes(seed in any::<u64>(), size in 2_000..40_000usize) {
        let rules = RuleSet::builtin();
        let logs = [Envelope::JournalShort, Envelope::Cri].map(|envelope| {
            let profile = Profile { step_micros: 400_000, ..Profile::sick() }.in_envelope(envelope);
            let mut log = Vec::new();
            Generator::new(seed, profile).append(&mut log, 100_000);
            log
        });
        let clock = Clock::from_year(2019);
        let whole = outcome(&rules, &logs, &[size], clock, |_| false);
        prop_assert_eq!(outcome(&rules, &logs, &[size], clock, |_| true), whole);
    }
}

const BUSY_SECONDS: usize = 20;

/// A session with some of everything.
fn busy(rules: &RuleSet) -> Session {
    let mut session = Session::new(rules, ScanOptions::default());
    let clock = Clock::from_year(2019).with_utc_offset_seconds(0);
    for (number, host) in ["cp-1", "w-1"].into_iter().enumerate() {
        let mut log = String::new();
        for second in 0..BUSY_SECONDS {
            let (short, who) = (format!("May 21 10:00:{second:02} {host}"), second % 3);
            log += &format!("{short} app[7]: boom who=w{who} took {}ms\n", 100 + 1_300 * who);
            log += &format!("{short} systemd-journald[5]: Suppressed {second} messages from a.service\n");
            log +=
                &format!("{short} kubelet[9]: E0521 10:00:{second:02}.000001   9 a.go:{who}] sync failed\n");
        }
        let stream = stream(&format!("log{number}"), clock);
        for block in blocks_of(log.as_bytes(), &[1_000], usize::MAX) {
            session.absorb(&stream, &block, &mut |_| {});
        }
    }
    session
}

/// Whether bytes can be restored; what they restore to must work.
fn is_usable(rules: &RuleSet, bytes: &[u8]) -> bool {
    let Ok((mut session, _)) = Session::restore(rules, ScanOptions::default(), bytes) else { return false };
    let _ = session.summary();
    let clock = Clock::from_year(2019).with_utc_offset_seconds(0);
    let names: Vec<_> = session.summary().inputs.iter().map(|input| Arc::clone(&input.name)).collect();
    for name in names {
        let mut offset = 1_000_000;
        for minute in [0, 1, 30, 59] {
            let text = format!(
                "May 21 11:{minute:02}:00 cp-1 app[7]: boom who=w1 took 2s\nboom who=w2 took 1s\n\
                 May 21 11:{minute:02}:01 w-1 app[7]: boom who=w0 took 9s\n"
            );
            session.absorb(&stream(&name, clock), &block(offset, &text), &mut |_| {});
            offset += text.len() as u64;
        }
        let _ = session.summary();
    }
    let _ = session.save();
    session.end("log0", &mut |_| {});
    let _ = session.summary();
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_are_an_error_or_a_session_that_works(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        static BYTES: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| busy(&RULES).save());
        let mut bytes = BYTES.clone();
        for (index, byte) in damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        is_usable(&RULES, &bytes);
    }

    #[test]
    fn so_are_any_bytes(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut bytes = vec![1, 0, 0, 0];
        bytes.extend(body);
        is_usable(&RULES, &bytes);
    }
}

#[test]
fn bytes_of_another_form_are_told_as_such() {
    let error = |bytes: &[u8]| Session::restore(&RULES, ScanOptions::default(), bytes).err().unwrap();
    let mut bytes = busy(&RULES).save();
    assert!(is_usable(&RULES, &bytes));
    assert_eq!(error(&bytes[..3]), RestoreError::Damaged { what: "no beginning" });
    assert_eq!(error(&bytes[..bytes.len() - 1]), RestoreError::Damaged { what: "the end is missing" });
    bytes.push(0);
    assert_eq!(error(&bytes), RestoreError::Damaged { what: "the end is missing" });
    bytes[0] = 77;
    let error = error(&bytes);
    assert!(matches!(error, RestoreError::Format { found: 77, .. }));
    assert!(error.to_string().starts_with("saved state of format 77; this release reads format "));
}

/// What was saved once can be restored, as long as the number of its form is the same: whoever
/// changes what is saved raises that number. With UPDATE_SNAPSHOTS=1 in the environment, writes the
/// file anew.
#[test]
fn what_an_earlier_build_saved_can_be_restored() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/session.saved");
    let rules = rules(
        "[[rule]]\nid = 'boom'\nmatch = 'boom'\ntake = { took = 'took (\\S+)', who = 'who=(\\w+)' }\n\
         window = { by = ['who'], span = '10s' }\nopen = 'count >= 3'\nclose = 'count == 0 for 15s'\n\
         [[rule]]\nid = 'gap'\nmatch = { event = 'suppress.journald' }\n",
    );
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        std::fs::write(path, busy(&rules).save()).unwrap();
    }
    let bytes = std::fs::read(path).unwrap();
    let (mut session, _) = Session::restore(&rules, ScanOptions::default(), &bytes)
        .unwrap_or_else(|error| panic!("{error}; UPDATE_SNAPSHOTS=1 saves anew"));
    assert_eq!(session.save(), bytes);
    let tell = |session: &Session| {
        let summary = session.summary();
        let (inputs, boom) = (&summary.inputs, &summary.rules["boom"]);
        let finding = &summary.findings[0];
        let lines = inputs.iter().map(|input| input.lines).collect::<Vec<_>>();
        let chains = inputs[0].formats.keys().map(|chain| format!("{chain:?}")).collect::<Vec<_>>();
        let values = (boom.values[0].count, boom.values[0].max, boom.values[0].p50);
        (lines, chains, boom.hits, values, summary.gaps.len(), finding.clone())
    };
    let fresh = busy(&rules);
    assert_eq!(tell(&session), tell(&fresh));
    session.end("log0", &mut |_| {});
    assert_eq!(session.summary().inputs.len(), 2);
}

const BEFORE: &str = r#"
[[rule]]
id = "kept"
match = "boom"
window = { span = "1m" }
open = "count >= 2 and since(other) > 1m"
close = "count == 0 for 5m"
[[rule]]
id = "other"
match = "nothing"
[[rule]]
id = "changed"
match = "boom"
[[rule]]
id = "removed"
match = "boom"
"#;

#[test]
fn rules_that_are_the_same_go_on_and_others_start_anew() {
    let before = rules(BEFORE);
    let after = rules(
        &(BEFORE
            .replace("id = \"kept\"", "id = \"kept\"\ntitle = \"Another title\"\nspecificity = 3")
            .replace("id = \"removed\"", "id = \"added\"")
            + "[tune.changed]\nfor = \"1s\"\n"),
    );
    let stream = stream("log", Clock::from_year(2019).with_utc_offset_seconds(0));
    let mut session = Session::new(&before, ScanOptions::default());
    let lines = [
        "May 21 10:00:00 cp-1 app[7]: boom\n",
        "May 21 10:00:20 cp-1 app[7]: boom\n",
        "May 21 10:00:40 cp-1 app[7]: boom\n",
    ];
    session.absorb(&stream, &block(0, &lines[..1].concat()), &mut |_| {});
    let bytes = session.save();
    let (mut from_bytes, told) = Session::restore(&after, ScanOptions::default(), &bytes).unwrap();
    let changes = session.replace_rules(&after);
    assert_eq!(told, changes);
    let ids = |ids: &[Arc<str>]| ids.join(" ");
    assert_eq!(ids(&changes.kept), "kept other");
    assert_eq!(ids(&changes.changed), "changed");
    assert_eq!(ids(&changes.added), "added");
    assert_eq!(ids(&changes.removed), "removed");
    let closed = |finding: &Finding| (finding.rule_id.to_string(), finding.state, finding.rule_changed);
    let expected = ["changed", "removed"].map(|id| (id.to_owned(), State::Closed, true));
    assert_eq!(changes.closed.iter().map(closed).collect::<Vec<_>>(), expected);
    assert!(changes.closed.iter().all(|finding| finding.transition == Some(Transition::Close)));
    assert_eq!(session.summary().findings.iter().map(closed).collect::<Vec<_>>(), expected);

    for session in [&mut session, &mut from_bytes] {
        session.absorb(&stream, &block(lines[0].len() as u64, &lines[1..].concat()), &mut |_| {});
        let summary = session.summary();
        let hits: BTreeMap<&str, u64> =
            summary.rules.iter().map(|(id, totals)| (&**id, totals.hits)).collect();
        // The hit before counts for the rule that is the same, for its totals and its window.
        let expected = [("added", 2), ("changed", 2), ("kept", 3), ("other", 0)];
        assert_eq!(hits, BTreeMap::from(expected));
        let kept = summary.findings.iter().find(|finding| &*finding.rule_id == "kept").unwrap();
        assert_eq!((kept.hits, &*kept.title, kept.rule_changed), (3, "Another title", false));
        assert_eq!(kept.opened_time.unwrap().to_string(), "2019-05-21T10:00:20.000000Z");
    }
    assert_eq!(session.save(), from_bytes.save());
}

#[test]
fn rules_that_look_at_each_other_are_the_same_together_or_not_at_all() {
    let before = rules(BEFORE);
    let after = rules(&BEFORE.replace("nothing", "something"));
    let mut session = Session::new(&before, ScanOptions::default());
    let changes = session.replace_rules(&after);
    assert_eq!(changes.changed.join(" "), "kept other");
    let again = session.replace_rules(&after);
    assert_eq!((again.kept.len(), again.changed.len(), again.closed.len()), (4, 0, 0));
}

#[test]
fn a_stream_without_lines_can_be_saved() {
    let mut session = Session::new(&RULES, ScanOptions::default());
    let stream = stream("log", Clock::unknown());
    session.absorb(&stream, &Block::default(), &mut |_| {});
    let session = restored(&RULES, &session);
    assert_eq!(session.summary().inputs.len(), 1);
}
