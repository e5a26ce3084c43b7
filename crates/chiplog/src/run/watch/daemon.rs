//! The loop: one owner of all sources, of the engine and of the state.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use chiplog_engine::{Notice, RuleChanges};
use chiplog_parse::UnixNanos;
use chiplog_report::Thousands;
use chiplog_source::{Delivery, Loss, Stream, Wakings};

use super::checkpoint::Checkpoint;
use super::engine::Engine;
use super::log::{Level, Log};
use super::service::Service;
use super::signals::Request;
use super::supervised::{Polled, Supervised};
use crate::exit::{Exit, Failure};
use crate::run::notices::Printer;
use crate::run::{in_short, roughly};

/// How often sources are looked at that nobody says anything of: for what they do in their own
/// time, and for file systems that tell nothing.
const IDLE_POLL: Duration = Duration::from_millis(100);

/// How often the service manager is told how it goes.
const STATUS_EVERY: Duration = Duration::from_secs(10);

pub(super) struct Daemon<'a> {
    pub(super) sources: Vec<Supervised>,
    pub(super) desk: Desk,
    pub(super) checkpoint: Checkpoint,
    pub(super) service: Service,
    pub(super) requests: Receiver<Request>,
    pub(super) wakings: Wakings,
    /// Reads the rules again; says itself what is wrong with them.
    pub(super) reload: Box<dyn FnMut() -> Result<chiplog_rules::RuleSet, Failure> + 'a>,
    pub(super) started: Instant,
}

/// Where deliveries go.
pub(super) struct Desk {
    pub(super) engine: Engine,
    pub(super) printer: Printer,
    pub(super) log: Log,
    pub(super) losses: super::losses::Losses,
    /// Something came since the last checkpoint.
    pub(super) has_changed: bool,
}

impl Daemon<'_> {
    /// Runs until it is asked to stop, all finite sources have ended and there are no others, or
    /// nobody reads what it prints.
    pub(super) fn run(mut self) -> Result<Exit, Failure> {
        let mut is_idle = self.poll_all();
        // Where sources have begun: a restart goes on from there, however soon it comes.
        self.save();
        self.desk.log.say(Level::Info, &format!("watching {}", self.names()));
        self.service.ready();
        let mut status_due = Instant::now();
        loop {
            if self.desk.printer.has_failed() {
                break;
            }
            if self.answer_requests() || self.sources.iter().all(Supervised::has_ended) {
                break;
            }
            if self.desk.has_changed && self.checkpoint.is_due() {
                self.save();
            }
            self.service.live();
            if Instant::now() >= status_due {
                status_due = Instant::now() + STATUS_EVERY;
                self.tell_status();
            }
            if is_idle {
                self.wakings.wait(self.until_something_is_due());
            }
            is_idle = self.poll_all();
        }
        self.service.stopping();
        self.finish()
    }

    /// Polls each source that is not left alone. Returns whether none has more to read.
    fn poll_all(&mut self) -> bool {
        let Self { sources, desk, .. } = self;
        let mut is_idle = true;
        for source in sources.iter_mut().filter(|source| !source.has_ended()) {
            let now = Instant::now();
            if source.until_next_try(now).is_some() {
                continue;
            }
            // Borrowed apart from the source.
            let name = source.name().to_owned();
            match source.poll(now, &mut |delivery| desk.take(&name, delivery)) {
                Polled::Read { is_idle: source_is_idle, recovered_after } => {
                    is_idle &= source_is_idle;
                    if let Some(tries) = recovered_after {
                        let plural = if tries == 1 { "y" } else { "ies" };
                        let message =
                            format!("reading again after {} failed tr{plural}", Thousands(tries.into()));
                        desk.log.about(&name, "recovered", Level::Info, &message);
                    }
                }
                Polled::Failed { error, is_news } => {
                    if is_news {
                        let message = format!("{error}; trying again");
                        desk.log.about(&name, "failed", Level::Error, &message);
                    }
                }
            }
        }
        is_idle
    }

    /// Does what was asked. Returns whether that was to stop.
    fn answer_requests(&mut self) -> bool {
        while let Ok(request) = self.requests.try_recv() {
            match request {
                Request::Stop => return true,
                Request::Reload => self.reload(),
            }
        }
        false
    }

    fn reload(&mut self) {
        self.service.reloading();
        match (self.reload)() {
            Ok(rules) => {
                let changes = self.desk.engine.replace_rules(&rules);
                self.desk.tell_changes(&changes);
                self.desk.printer.replace_rules(&rules);
            }
            Err(failure) => {
                if let Failure::Said { message, .. } = failure {
                    crate::talk::say(&format!("error: {message}"));
                }
                self.desk.log.say(Level::Error, "the rules were not read; those of before are kept");
            }
        }
        self.save();
        self.service.ready();
    }

    fn save(&mut self) {
        let Self { sources, desk, checkpoint, .. } = self;
        // What was found and could not be printed is to be found again.
        if desk.printer.has_failed() {
            return;
        }
        match checkpoint.save(sources, &desk.engine, &desk.losses) {
            Ok(()) => desk.has_changed = false,
            Err(error) => {
                let message = format!("cannot write the state: {error}; trying again");
                desk.log.about("state", "unwritten", Level::Error, &message);
            }
        }
    }

    fn tell_status(&mut self) {
        let failing: Vec<&str> =
            self.sources.iter().filter(|source| source.is_failing()).map(Supervised::name).collect();
        let failing =
            if failing.is_empty() { String::new() } else { format!(", failing: {}", failing.join(", ")) };
        let status = format!("watching {}{failing}", self.names());
        self.service.status(status);
    }

    fn names(&self) -> String {
        self.sources.iter().map(Supervised::name).collect::<Vec<_>>().join(", ")
    }

    fn until_something_is_due(&self) -> Duration {
        let now = Instant::now();
        let tries = self.sources.iter().filter_map(|source| source.until_next_try(now));
        let checkpoint = self.desk.has_changed.then(|| self.checkpoint.until_due());
        tries.chain(checkpoint).chain(self.service.until_sign()).fold(IDLE_POLL, Duration::min)
    }

    fn finish(mut self) -> Result<Exit, Failure> {
        if self.desk.printer.has_failed() {
            return match self.desk.printer.into_failure() {
                Some(error) => Err(Failure::output(&error)),
                None => Ok(Exit::Success),
            };
        }
        let saved = self.checkpoint.save(&self.sources, &self.desk.engine, &self.desk.losses);
        let since = UnixNanos(self.checkpoint.started_unix_nanos());
        let summary = in_short(&self.desk.engine.summary());
        let message = format!("ran for {}; since {since}: {summary}", roughly(self.started.elapsed()));
        self.desk.log.say(Level::Info, &message);
        for source in &self.sources {
            if let Some(after) = source.resumed_by() {
                let message =
                    format!("standard input goes on by: journalctl -f -o export --after-cursor='{after}'");
                self.desk.log.say(Level::Info, &message);
            }
        }
        saved.map(|()| Exit::Success).map_err(|error| {
            Failure::usage(format!("cannot write the state: {error}; the next run goes on from the last one"))
        })
    }
}

impl Desk {
    /// Says what has become of the rules, and of findings of those that are no more.
    pub(super) fn tell_changes(&mut self, changes: &RuleChanges) {
        for finding in &changes.closed {
            self.printer.print(Notice::Transition(finding));
        }
        let RuleChanges { kept, changed, added, removed, closed, .. } = changes;
        let [kept, changed, added, removed] = [kept, changed, added, removed].map(Vec::len);
        let closed = match closed.len() {
            0 => String::new(),
            closed => format!("; findings closed for that: {closed}"),
        };
        let message =
            format!("rules: {kept} kept, {changed} changed, {added} added, {removed} removed{closed}");
        self.log.say(Level::Info, &message);
    }

    fn take(&mut self, source: &str, delivery: Delivery<'_>) {
        let Self { engine, printer, log, losses, has_changed } = self;
        let mut on_notice = |notice: Notice<'_>| printer.print(notice);
        match delivery {
            Delivery::Lines { stream, block } => engine.absorb(stream, &block, &mut on_notice),
            Delivery::Lost { stream, loss } => {
                engine.lose(stream, &loss, &mut on_notice);
                losses.add(&stream.name, &loss);
                log.about(source, "lost", Level::Warn, &lost(stream, &loss));
            }
            Delivery::Ended { stream } => engine.end(stream, &mut on_notice),
            Delivery::Warning(text) => return log.about(source, "warning", Level::Warn, &text),
        }
        *has_changed = true;
    }
}

fn lost(stream: &Stream, loss: &Loss) -> String {
    let amount = match (loss.lines, loss.bytes) {
        (Some(lines), _) => format!("{} lines", Thousands(lines)),
        (None, Some(bytes)) => format!("{} bytes", Thousands(bytes)),
        (None, None) => "an unknown number of lines".to_owned(),
    };
    format!("{amount} of {} are missing: {}", stream.name, loss.reason.name())
}
