//! `chiplog watch`: sources that go on, watched until it is asked to stop.

mod check;
mod checkpoint;
mod daemon;
mod engine;
mod journal;
mod log;
mod losses;
mod plan;
mod report;
mod service;
mod signals;
pub(crate) mod state_dir;
pub(crate) mod state_file;
mod supervised;
mod wall_clock;

use std::time::{Duration, Instant};

use chiplog_engine::RuleChanges;
use chiplog_source::Wakings;

use self::checkpoint::Checkpoint;
use self::daemon::{Daemon, Desk};
use self::engine::Engine;
use self::log::{Level, Log};
use self::losses::Losses;
use self::service::Service;
use self::state_dir::{Found, StateDir};
use self::state_file::State;
use super::Selection;
use super::notices::Printer;
use crate::exit::{Exit, Failure};
use crate::flags::{TalkFlags, Watch};
use crate::rule_files;
use crate::talk::Talk;

pub(crate) fn run(flags: &Watch, display: TalkFlags, talk: &Talk) -> Result<Exit, Failure> {
    let (waker, wakings) = Wakings::new();
    let planned = plan::sources(flags, &waker)?;
    if flags.check {
        return check(flags, &planned, talk);
    }
    let system = |what: &str, error: std::io::Error| Failure::usage(format!("cannot {what}: {error}"));
    // Before anything that takes its time: a signal must not find the default in place.
    let requests = signals::install(waker).map_err(|error| system("watch signals", error))?;
    let service = Service::from_environment().map_err(|error| system("reach the service manager", error))?;
    let rules = rule_files::load(&flags.rules, talk)?;
    let log = Log::new(display.quiet);
    let directory = state_dir::chosen(flags.state.as_deref());
    if directory.is_none() {
        log.say(
            Level::Warn,
            "no --state: a restart counts anew, and lines of the time between may be missed",
        );
    }
    let directory = directory.as_deref().map(StateDir::open).transpose()?;
    let saved = match &directory {
        Some(directory) => load(directory, &log)?,
        None => None,
    };

    let started_unix_nanos = wall_clock::now().0;
    let State { mut head, session, .. } = saved.unwrap_or_else(|| State::new(started_unix_nanos));
    let (engine, changes) = if session.is_empty() {
        (Engine::new(&rules, flags.clock), None)
    } else {
        let (engine, changes) = Engine::restore(&rules, flags.clock, &session).map_err(|error| {
            Failure::usage(format!("cannot go on from the saved state: {error}"))
                .with_hint("move it away to start anew, or choose another --state")
        })?;
        (engine, Some(changes))
    };
    let sources = planned
        .into_iter()
        .map(|planned| {
            let cursor = head.cursors.remove(planned.name);
            planned.supervised(cursor)
        })
        .collect();
    for name in head.cursors.keys() {
        log.say(Level::Warn, &format!("{name} is not watched any more; its place is kept"));
    }
    let interval = Duration::from_nanos(flags.checkpoint_interval.0.unsigned_abs());
    let selection = Selection::new(&flags.rules, flags.clock, flags.min_severity);
    let mut printer = Printer::new(&rules, selection, flags.format(), display);
    printer.resume(&engine.summary());
    let mut desk = Desk { engine, printer, log, losses: Losses::new(head.losses), has_changed: false };
    let are_others =
        |changes: &RuleChanges| changes.kept.len() < rules.rules().len() || !changes.removed.is_empty();
    if let Some(changes) = changes.filter(are_others) {
        desk.tell_changes(&changes);
    }
    Daemon {
        sources,
        desk,
        checkpoint: Checkpoint::new(directory, interval, head.started_unix_nanos, head.cursors),
        service,
        requests,
        wakings,
        reload: Box::new(|| {
            // Its own: what was said about the rules of before does not count.
            let talk = Talk::new(display.quiet, display.verbose);
            let loaded = rule_files::load(&flags.rules, &talk);
            talk.finish();
            loaded
        }),
        started: Instant::now(),
    }
    .run()
}

/// The state to go on from.
fn load(directory: &StateDir, log: &Log) -> Result<Option<State>, Failure> {
    Ok(match directory.load()? {
        Found::Nothing => None,
        Found::Current(state) => Some(state),
        Found::Previous(state) => {
            log.say(Level::Warn, "the state is damaged; going on from the one saved before it");
            Some(state)
        }
        Found::Damaged => {
            let aside = directory
                .put_aside()
                .map_err(|error| Failure::usage(format!("cannot put the damaged state aside: {error}")))?;
            let message = format!("the state is damaged; starting anew, it is kept as {}", aside.display());
            log.say(Level::Error, &message);
            None
        }
    })
}

fn check(flags: &Watch, planned: &[plan::Planned], talk: &Talk) -> Result<Exit, Failure> {
    let (rules, warnings) = rule_files::load_counting(&flags.rules, talk)?;
    let plural = if warnings == 1 { "" } else { "s" };
    let rules = format!("{} rules, {warnings} warning{plural}", rules.rules().len());
    let state = match state_dir::chosen(flags.state.as_deref()) {
        None => Ok("no state: a restart counts anew".to_owned()),
        Some(path) => state_dir::check(&path),
    };
    check::run(planned, &rules, &state)
}
