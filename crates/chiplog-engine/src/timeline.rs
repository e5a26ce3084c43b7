//! One source in order: partials become totals, windows and findings.
//!
//! Everything is decided by the order of lines in the source, never by how they were cut into
//! blocks or when they arrived, so a stream and an archive of the same bytes give the same
//! findings. Each host of a source has its own progress: merged files need not be in order.

use std::collections::HashMap;
use std::sync::Arc;

use chiplog_parse::{Clock, Detector, EventValue};
use chiplog_rules::{Comparison, RuleSet};

use crate::agenda::Agenda;
use crate::aggregate::Aggregate;
use crate::census::Census;
use crate::clocks::{LineTimes, Progress, UNTIMED};
use crate::loans::Loans;
use crate::partial::{Entry, EntryKind, Key, Partial};
use crate::placement::{Placed, Placement};
use crate::plan::{RulePlan, TimeRange, Totals, measure_name, reported};
use crate::programs::Programs;
use crate::scanner::text_at;
use crate::templates::{FinishedTemplates, SourceTemplates};
use crate::window::{Inserted, Measured, Window};
use crate::{
    Block, Evidence, Finding, Gap, InputSummary, Notice, Peak, Program, Sighting, State, Transition,
};

/// Lines of a source may be out of order by this much before a quiet finding is closed.
const DISORDER_NANOS: i64 = 5_000_000_000;

/// A finding is reported as worse when its measure grows by half, at most once in this time.
const WORSE_EVERY_NANOS: i64 = 60_000_000_000;

/// Windows per rule and source. Further keys of a host share one, whose findings are incomplete.
const MAX_KEYS_PER_RULE: u32 = 10_000;

/// Closed findings kept per source; further ones are counted. Those that are open at the end are
/// no more than there are windows.
const MAX_FINDINGS: usize = 10_000;

/// Keys of a rule, the first of a source, that are reported although they never opened a finding.
const MAX_SIGHTINGS_PER_RULE: u32 = 100;

/// Gaps listed per source; further ones are counted.
const MAX_GAPS: usize = 1_000;

/// The body of a piece of evidence.
const MAX_BODY_BYTES: usize = 4_096;

/// Hosts listed in a summary.
const MAX_HOSTS: usize = 100;

/// What is followed of one host.
#[derive(Default)]
struct Watch {
    /// Open findings, by the next time at which each may close. Indexes into [`Timeline::keys`].
    open: Agenda,
    /// Those of a live stream whose close was not announced.
    unannounced: Agenda,
    /// Local time of the last line that tells of a gap.
    last_gap: Option<i64>,
}

/// When a finding closes.
enum Closing {
    At(i64),
    /// Not before this time; `None` if not without another hit.
    NotBefore(Option<i64>),
}

/// The window of one key, and its finding if there is one.
struct KeyState {
    rule: usize,
    host: usize,
    labels: Box<[u8]>,
    window: Window,
    episode: Option<Box<Episode>>,
    sighted: Sighted,
    /// Hits in a row that were too old for the window, with the lines' values.
    late: Vec<(i64, Vec<Option<i64>>)>,
    /// Several keys share this window, since the rule or the source has too many.
    is_shared: bool,
}

/// What is known of the hits of a key while no finding has opened.
enum Sighted {
    /// Nothing yet.
    Nothing,
    /// Hits that opened no finding so far.
    Hits(Box<Hits>),
    /// A finding opened once, or the rule has too many keys: this one is not reported.
    Ignored,
}

struct Hits {
    first: i64,
    last: i64,
    count: u64,
    shown: Shown,
}

/// A finding that is open.
struct Episode {
    opened: i64,
    first: i64,
    last: i64,
    hits: u64,
    values: Vec<Aggregate>,
    /// Which comparison of the open condition is reported, by its place in reading order.
    measured: Option<Comparison>,
    peak: Option<Measured>,
    reported_amount: i128,
    reported_at: i64,
    component: Option<Arc<str>>,
    opener: Shown,
    /// The line with the greatest first value, if that is not the opener.
    worst: Option<Shown>,
    /// A hit came too late to be counted.
    has_late: bool,
    /// How far behind its host the last hit was: of two streams without hosts, the one that is
    /// ahead must not close the findings of the other.
    behind_nanos: i64,
    /// A live stream was told that it closed, before that was certain.
    close_was_announced: bool,
}

/// A line to show. Its time is local: the zone may be learned later.
struct Shown {
    time: i64,
    evidence: Evidence,
}

/// One source, followed in order.
pub(crate) struct Timeline {
    rules: RuleSet,
    plans: Arc<Vec<RulePlan>>,
    name: Arc<str>,
    range: TimeRange,
    is_live: bool,
    placement: Placement,
    detector: Detector,
    /// By host, as [`Placement::hosts`] numbers them.
    watches: Vec<Watch>,
    keys: Vec<KeyState>,
    key_ids: HashMap<Key, usize>,
    keys_of_rule: Vec<u32>,
    loans: Loans,
    totals: Vec<Totals>,
    findings: Vec<Finding>,
    pub(crate) findings_left_out: u64,
    /// Each with its local time.
    gaps: Vec<(Option<i64>, Gap)>,
    gaps_left_out: u64,
    /// Local time of the last line that tells of a gap and names no host.
    last_gap: Option<i64>,
    /// Offset of the last line that tells of a gap: one line is one gap, whatever rules match it.
    last_gap_offset: Option<u64>,
    census: Census,
    templates: SourceTemplates,
    programs: Programs,
    bytes: u64,
    lines: u64,
    cut_lines: u64,
    first_time: Option<i64>,
    last_time: Option<i64>,
}

/// What a source came to.
pub(crate) struct Outcome {
    pub(crate) input: InputSummary,
    pub(crate) findings: Vec<Finding>,
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) totals: Vec<Totals>,
    pub(crate) findings_left_out: u64,
    pub(crate) gaps_left_out: u64,
    pub(crate) templates: FinishedTemplates,
}

/// Counts the lines before an offset of a block without counting any twice.
struct LineCounter<'b> {
    bytes: &'b [u8],
    offset: usize,
    line: u64,
}

impl LineCounter<'_> {
    fn at(&mut self, offset: usize) -> u64 {
        let offset = offset.max(self.offset);
        self.line += memchr::memchr_iter(b'\n', &self.bytes[self.offset..offset]).count() as u64;
        self.offset = offset;
        self.line
    }
}

/// A hit in its place.
struct HitLine<'a> {
    block: &'a Block,
    offset: usize,
    time: i64,
    values: &'a [Option<i64>],
}

/// What to show of the line at an offset, and the program that wrote it.
fn shown(
    detector: &mut Detector,
    block: &Block,
    offset: usize,
    counter: &mut LineCounter<'_>,
) -> (Option<Arc<str>>, Evidence) {
    let text = text_at(&block.bytes, offset);
    let record = detector.peel(text);
    let component: Option<Arc<str>> =
        record.component.map(|component| Arc::from(&*String::from_utf8_lossy(component)));
    let origin = component.as_ref().map(|component| match record.pid {
        Some(pid) => Arc::from(format!("{component}[{pid}]")),
        None => Arc::clone(component),
    });
    let mut body = record.message.decode().into_owned();
    if body.is_empty() {
        body = text.to_vec();
    }
    body.truncate(MAX_BODY_BYTES);
    body.shrink_to_fit();
    let offset_in_source = block.offset + offset as u64;
    let line = counter.at(offset);
    let evidence = Evidence { line, offset: offset_in_source, time: None, origin, body, values: Vec::new() };
    (component, evidence)
}

type OnNotice<'f> = &'f mut dyn FnMut(Notice<'_>);

impl Timeline {
    pub(crate) fn new(
        rules: &RuleSet,
        plans: &Arc<Vec<RulePlan>>,
        name: &Arc<str>,
        clock: Clock,
        range: TimeRange,
        is_live: bool,
    ) -> Self {
        let totals = |plan: &RulePlan| Totals {
            values: vec![Aggregate::default(); plan.captures.len()],
            ..Totals::default()
        };
        Self {
            rules: rules.clone(),
            plans: Arc::clone(plans),
            name: Arc::clone(name),
            range,
            is_live,
            placement: Placement::new(clock),
            detector: Detector::new(),
            watches: Vec::new(),
            keys: Vec::new(),
            key_ids: HashMap::new(),
            keys_of_rule: vec![0; plans.len()],
            loans: Loans::default(),
            totals: plans.iter().map(totals).collect(),
            findings: Vec::new(),
            findings_left_out: 0,
            gaps: Vec::new(),
            gaps_left_out: 0,
            last_gap: None,
            last_gap_offset: None,
            census: Census::default(),
            templates: SourceTemplates::default(),
            programs: Programs::default(),
            bytes: 0,
            lines: 0,
            cut_lines: 0,
            first_time: None,
            last_time: None,
        }
    }

    /// Takes the next block of the source and what was found in it.
    pub(crate) fn absorb(&mut self, block: &Block, partial: &Partial, on_notice: OnNotice<'_>) {
        let hosts = self.placement.hosts_of(partial);
        self.watches.resize_with(self.placement.hosts.len(), Watch::default);
        let mut keys: Vec<Option<usize>> = vec![None; partial.keys.keys.len()];
        let mut counter = LineCounter { bytes: &block.bytes, offset: 0, line: self.lines + 1 };
        for entry in &partial.entries {
            self.take(block, partial, entry, &hosts, &mut keys, &mut counter, on_notice);
        }
        if let Some((times, host)) = &partial.last
            && let Some(host) = self.placement.known_host(host)
        {
            let host = self.placement.host_of(*times, host);
            self.announce_closes(*times, host, on_notice);
        }
        self.census.merge(&partial.census);
        let mut counter = LineCounter { bytes: &block.bytes, offset: 0, line: self.lines + 1 };
        let detector = &mut self.detector;
        let show = |offset| shown(detector, block, offset, &mut counter).1;
        self.templates.absorb(&partial.templates, show);
        self.programs.merge(&partial.programs);
        self.bytes += block.bytes.len() as u64 + block.cut_bytes;
        self.lines += partial.lines;
        self.cut_lines += u64::from(block.cut_bytes > 0);
        self.placement.pass(block);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one block, taken apart once per block")]
    fn take(
        &mut self,
        block: &Block,
        partial: &Partial,
        entry: &Entry,
        hosts: &[usize],
        keys: &mut [Option<usize>],
        counter: &mut LineCounter<'_>,
        on_notice: OnNotice<'_>,
    ) {
        let offset = entry.offset as usize;
        let Placed { time, is_news, host } = self.placement.place(block, entry, hosts[entry.host as usize]);
        let instant = time.and_then(|time| self.placement.clock.to_instant(time));
        if !self.range.contains(instant) {
            return;
        }
        if let (Some(time), true) = (time, is_news) {
            self.see(time);
            let progress = &mut self.placement.hosts[host].progress;
            progress.advance(time);
            let reached = progress.latest().unwrap_or(time);
            self.close_due(host, reached.saturating_sub(DISORDER_NANOS), on_notice);
        }
        let EntryKind::Hit { key, values, counts } = entry.kind else { return };
        let key = match keys[key as usize] {
            Some(known) if self.keys[known].host == host => known,
            _ => {
                let found = self.key_id(&partial.keys.keys[key as usize], host);
                keys[key as usize] = Some(found);
                found
            }
        };
        let rule = self.keys[key].rule;
        let captures = self.plans[rule].captures.len();
        let values = &partial.values[values as usize..values as usize + captures];
        self.note_gap(rule, block, offset, host, time, on_notice);
        let borrowed;
        let values = if self.plans[rule].takes_part_in_loans() {
            let at = time.unwrap_or(UNTIMED);
            borrowed = self.loans.exchange(&self.plans[rule], rule, host, at, values);
            &borrowed[..]
        } else {
            values
        };
        if !counts {
            return;
        }
        let totals = &mut self.totals[rule];
        totals.hits += 1;
        for (aggregate, value) in totals.values.iter_mut().zip(values) {
            value.iter().for_each(|value| aggregate.add(*value));
        }
        // A source without any time is one moment: its hits count together.
        let hit = HitLine { block, offset, time: time.unwrap_or(UNTIMED), values };
        self.observe(key, &hit, counter, on_notice);
    }

    fn see(&mut self, time: i64) {
        self.first_time = Some(self.first_time.map_or(time, |first| first.min(time)));
        self.last_time = Some(self.last_time.map_or(time, |last| last.max(time)));
    }

    fn key_id(&mut self, key: &Key, host: usize) -> usize {
        let rule = key.rule as usize;
        let mut key = Key { host: host as u32, ..key.clone() };
        if let Some(id) = self.key_ids.get(&key) {
            return *id;
        }
        let is_rest = self.placement.hosts[host].is_rest;
        let is_shared = is_rest || (self.keys_of_rule[rule] >= MAX_KEYS_PER_RULE && !key.labels.is_empty());
        if is_shared {
            key.labels = Box::default();
            if let Some(id) = self.key_ids.get(&key) {
                return *id;
            }
        }
        let is_one_of_many = self.keys_of_rule[rule] >= MAX_SIGHTINGS_PER_RULE;
        self.keys_of_rule[rule] += 1;
        let id = self.keys.len();
        self.keys.push(KeyState {
            rule,
            host,
            labels: key.labels.clone(),
            window: Window::new(self.plans[rule].plan),
            episode: None,
            sighted: if is_one_of_many { Sighted::Ignored } else { Sighted::Nothing },
            late: Vec::new(),
            is_shared,
        });
        self.key_ids.insert(key, id);
        id
    }

    /// Puts a hit into its window and judges the rule's conditions.
    fn observe(
        &mut self,
        key: usize,
        hit: &HitLine<'_>,
        counter: &mut LineCounter<'_>,
        on_notice: OnNotice<'_>,
    ) {
        let state = &mut self.keys[key];
        match state.window.insert(hit.time, hit.values) {
            Inserted::InTime => state.late.clear(),
            Inserted::Late if self.starts_again(key, hit, on_notice) => {}
            Inserted::Late => return,
        }
        let state = &self.keys[key];
        if state.episode.is_some() {
            self.go_on(key, hit, counter, on_notice);
            return;
        }
        let rules = self.rules.clone();
        let rule = &rules.rules()[state.rule];
        let now = state.window.latest();
        if !state.window.holds(&rule.open, now, false) {
            self.sight(key, hit, counter);
            return;
        }
        let (hits, first, values) = state.window.contents();
        let (measured, peak) = match reported(&rule.open, &state.window, now) {
            Some((comparison, measured)) => (Some(comparison.clone()), Some(measured)),
            None => (None, None),
        };
        let (component, opener) = self.evidence(key, hit, counter);
        self.keys[key].sighted = Sighted::Ignored;
        self.keys[key].episode = Some(Box::new(Episode {
            opened: now,
            first: first.unwrap_or(now),
            last: now,
            hits,
            values,
            measured,
            peak,
            reported_amount: peak.map_or(0, |peak| peak.amount),
            reported_at: now,
            component,
            opener,
            worst: None,
            has_late: false,
            behind_nanos: 0,
            close_was_announced: false,
        }));
        self.schedule(key, hit.time);
        self.report(key, Transition::Open, now, on_notice);
    }

    /// A hit that opens no finding.
    fn sight(&mut self, key: usize, hit: &HitLine<'_>, counter: &mut LineCounter<'_>) {
        match &mut self.keys[key].sighted {
            Sighted::Ignored => {}
            Sighted::Hits(hits) => {
                hits.first = hits.first.min(hit.time);
                hits.last = hits.last.max(hit.time);
                hits.count += 1;
            }
            Sighted::Nothing => {
                let shown = self.evidence(key, hit, counter).1;
                let hits = Hits { first: hit.time, last: hit.time, count: 1, shown };
                self.keys[key].sighted = Sighted::Hits(Box::new(hits));
            }
        }
    }

    /// The hits of keys that never opened a finding.
    fn sightings(&mut self) -> Vec<Sighting> {
        let instant = |local| self.placement.clock.to_instant(local);
        let mut sightings = Vec::new();
        for state in &mut self.keys {
            let Sighted::Hits(hits) = std::mem::replace(&mut state.sighted, Sighted::Ignored) else {
                continue;
            };
            let plan = &self.plans[state.rule];
            let evidence = Evidence { time: instant(hits.shown.time), ..hits.shown.evidence };
            sightings.push(Sighting {
                rule_id: Arc::clone(&plan.id),
                source: Arc::clone(&self.name),
                group: plan.group(&self.placement.hosts[state.host].name, &state.labels),
                first_time: instant(hits.first),
                last_time: instant(hits.last),
                hits: hits.count,
                evidence,
            });
        }
        sightings
    }

    /// Puts an open finding down for the next time at which it may close, after a hit at `time`.
    fn schedule(&mut self, key: usize, time: i64) {
        let state = &mut self.keys[key];
        let Some(episode) = state.episode.as_deref_mut() else { return };
        let reached = self.placement.hosts[state.host].progress.latest().unwrap_or(time);
        let behind = reached.saturating_sub(time);
        episode.behind_nanos = if behind > DISORDER_NANOS { behind } else { 0 };
        let next = self.first_departure(key);
        let watch = &mut self.watches[self.keys[key].host];
        watch.open.set(key, next);
        if self.is_live {
            watch.unannounced.set(key, next);
        }
    }

    /// The first time of its host after the last hit at which an open finding may close.
    fn first_departure(&self, key: usize) -> Option<i64> {
        let state = &self.keys[key];
        let lengths = &self.plans[state.rule].close_lengths;
        let next = state.window.next_departure(lengths, state.window.latest())?;
        Some(next.saturating_add(state.episode.as_ref().map_or(0, |episode| episode.behind_nanos)))
    }

    /// A hit of a finding that is open.
    fn go_on(
        &mut self,
        key: usize,
        hit: &HitLine<'_>,
        counter: &mut LineCounter<'_>,
        on_notice: OnNotice<'_>,
    ) {
        let is_worst = {
            let state = &self.keys[key];
            let episode = state.episode.as_ref();
            let known = episode.and_then(|episode| episode.values.first()?.max());
            match (hit.values.first().copied().flatten(), known) {
                (Some(value), Some(known)) => value > known,
                (Some(_), None) => true,
                _ => false,
            }
        };
        let worst = is_worst.then(|| self.evidence(key, hit, counter).1);
        let state = &mut self.keys[key];
        let now = state.window.latest();
        let Some(episode) = state.episode.as_deref_mut() else { return };
        episode.hits += 1;
        episode.first = episode.first.min(hit.time);
        episode.last = episode.last.max(hit.time);
        for (aggregate, value) in episode.values.iter_mut().zip(hit.values) {
            value.iter().for_each(|value| aggregate.add(*value));
        }
        if worst.is_some() {
            episode.worst = worst;
        }
        if let Some(measured) =
            episode.measured.as_ref().and_then(|comparison| state.window.measure(comparison, now))
            && episode.peak.is_none_or(|peak| measured.amount > peak.amount)
        {
            episode.peak = Some(measured);
        }
        let was_announced = std::mem::take(&mut episode.close_was_announced);
        let amount = episode.peak.map_or(0, |peak| peak.amount);
        let is_worse = amount * 2 >= episode.reported_amount * 3
            && amount > 0
            && now >= episode.reported_at.saturating_add(WORSE_EVERY_NANOS);
        if is_worse {
            episode.reported_amount = amount;
            episode.reported_at = now;
        }
        self.schedule(key, hit.time);
        if was_announced {
            self.report(key, Transition::Open, now, on_notice);
        }
        if is_worse {
            self.report(key, Transition::Worse, now, on_notice);
        }
    }

    /// A hit that is too old for its window. Several in a row that agree are a clock that was set
    /// back or another day's lines, and so is one where the whole host went back: the window then
    /// starts again with them.
    fn starts_again(&mut self, key: usize, hit: &HitLine<'_>, on_notice: OnNotice<'_>) -> bool {
        const AGREEING: usize = 3;
        let state = &mut self.keys[key];
        let near = state.window.retention_nanos().max(Progress::NEAR) as u64;
        if state.late.last().is_some_and(|(last, _)| last.abs_diff(hit.time) > near) {
            state.late.clear();
        }
        state.late.push((hit.time, hit.values.to_vec()));
        self.totals[state.rule].late += 1;
        let reached = self.placement.hosts[state.host].progress.latest();
        let back = state.window.latest().saturating_sub(Progress::STEP_BACK);
        if state.late.len() < AGREEING && reached.is_none_or(|reached| reached >= back) {
            if let Some(episode) = state.episode.as_deref_mut() {
                episode.has_late |= hit.time >= episode.first;
            }
            return false;
        }
        let last = state.episode.as_ref().map(|episode| episode.last);
        if let Some(last) = last {
            let time = match self.first_departure(key).map(|next| self.closing(key, next, i64::MAX)) {
                Some(Closing::At(time)) => time,
                _ => last,
            };
            self.close(key, time, on_notice);
        }
        let state = &mut self.keys[key];
        let mut late = std::mem::take(&mut state.late);
        self.totals[state.rule].late -= late.len() as u64;
        state.window.clear();
        late.sort_by_key(|(time, _)| *time);
        for (time, values) in late {
            state.window.insert(time, &values);
        }
        true
    }

    /// Closes the findings of a host whose close condition came true by `until`.
    fn close_due(&mut self, host: usize, until: i64, on_notice: OnNotice<'_>) {
        for (time, key) in self.take_due(host, until, |watch| &mut watch.open) {
            self.close(key, time, on_notice);
        }
    }

    /// When an open finding closes, if its host gets to that in the time from `next` to `until`.
    /// `next` is the first time at which it can.
    fn closing(&self, key: usize, next: i64, until: i64) -> Closing {
        let state = &self.keys[key];
        let close = &self.rules.rules()[state.rule].close;
        let lengths = &self.plans[state.rule].close_lengths;
        let behind = state.episode.as_ref().map_or(0, |episode| episode.behind_nanos);
        let until = until.saturating_sub(behind);
        let mut next = Some(next.saturating_sub(behind));
        while let Some(time) = next.filter(|time| *time <= until) {
            if state.window.holds(close, time, true) {
                return Closing::At(time);
            }
            next = state.window.next_departure(lengths, time);
        }
        Closing::NotBefore(next.map(|next| next.saturating_add(behind)))
    }

    /// Takes the findings off an agenda that close by `until`, in the order of closing.
    fn take_due(
        &mut self,
        host: usize,
        until: i64,
        agenda: fn(&mut Watch) -> &mut Agenda,
    ) -> Vec<(i64, usize)> {
        let mut due = Vec::new();
        let mut later = Vec::new();
        while let Some((next, key)) = agenda(&mut self.watches[host]).pop(until) {
            match self.closing(key, next, until) {
                Closing::At(time) => due.push((time, key)),
                Closing::NotBefore(next) => later.push((key, next)),
            }
        }
        for (key, next) in later {
            agenda(&mut self.watches[host]).set(key, next);
        }
        due.sort_unstable();
        due
    }

    fn close(&mut self, key: usize, time: i64, on_notice: OnNotice<'_>) {
        let watch = &mut self.watches[self.keys[key].host];
        watch.open.set(key, None);
        watch.unannounced.set(key, None);
        if !self.keys[key].episode.as_ref().is_some_and(|episode| episode.close_was_announced) {
            self.report(key, Transition::Close, time, on_notice);
        }
        self.keep(key, time);
        self.keys[key].episode = None;
        self.keys[key].window.clear();
    }

    /// Tells a live stream of closes that its newest line implies. The state stays as it is: a
    /// line that comes late may still belong to the finding, and what is final must not depend on
    /// how the stream was cut.
    fn announce_closes(&mut self, times: LineTimes, host: usize, on_notice: OnNotice<'_>) {
        let Some(time) = self.placement.clock.place_again(times) else { return };
        let until = time.saturating_sub(DISORDER_NANOS);
        for (time, key) in self.take_due(host, until, |watch| &mut watch.unannounced) {
            self.report(key, Transition::Close, time, on_notice);
            if let Some(episode) = self.keys[key].episode.as_deref_mut() {
                episode.close_was_announced = true;
            }
        }
    }

    fn report(&mut self, key: usize, transition: Transition, time: i64, on_notice: OnNotice<'_>) {
        if let Some(finding) = self.finding(key, Some(transition), time) {
            on_notice(Notice::Transition(&finding));
        }
    }

    /// Keeps a finding for the final report.
    fn keep(&mut self, key: usize, closed: i64) {
        if self.findings.len() >= MAX_FINDINGS {
            self.findings_left_out += 1;
            return;
        }
        let Some(mut finding) = self.finding(key, None, closed) else { return };
        finding.state = State::Closed;
        finding.closed_time = self.placement.clock.to_instant(closed);
        self.findings.push(finding);
    }

    fn finding(&self, key: usize, transition: Option<Transition>, time: i64) -> Option<Finding> {
        let state = &self.keys[key];
        let episode = state.episode.as_deref()?;
        let rule = &self.rules.rules()[state.rule];
        let plan = &self.plans[state.rule];
        let instant = |local| self.placement.clock.to_instant(local);
        let is_closed = transition == Some(Transition::Close);
        let shown = [Some(&episode.opener), episode.worst.as_ref()].into_iter().flatten();
        let evidence =
            shown.map(|shown| Evidence { time: instant(shown.time), ..shown.evidence.clone() }).collect();
        Some(Finding {
            rule_id: Arc::clone(&plan.id),
            title: Arc::clone(&plan.title),
            severity: rule.severity.of_log(),
            transition,
            state: if is_closed { State::Closed } else { State::Open },
            source: Arc::clone(&self.name),
            group: plan.group(&self.placement.hosts[state.host].name, &state.labels),
            component: episode.component.clone(),
            time: instant(time),
            first_time: instant(episode.first),
            last_time: instant(episode.last),
            opened_time: instant(episode.opened),
            closed_time: if is_closed { instant(time) } else { None },
            hits: episode.hits,
            window_nanos: plan.plan.span_nanos,
            peak: episode.peak.zip(episode.measured.as_ref()).map(|(peak, comparison)| {
                let unit = match comparison.measure.capture() {
                    Some(capture) => plan.captures[capture.0].1,
                    None => peak.unit,
                };
                let amount = |amount: i128| i64::try_from(amount).unwrap_or(i64::MAX);
                let name = measure_name(comparison.measure, &plan.captures);
                Peak { name, unit, amount: amount(peak.amount), limit: amount(peak.limit) }
            }),
            values: plan
                .captures
                .iter()
                .zip(&episode.values)
                .map(|((name, unit), aggregate)| aggregate.summary(name, *unit))
                .collect(),
            complete: !(state.is_shared
                || episode.has_late
                || self.has_gap(state.host, episode.first.saturating_sub(plan.plan.span_nanos))),
            evidence,
        })
    }

    /// The line of a hit, and the program that wrote it.
    fn evidence(
        &mut self,
        key: usize,
        hit: &HitLine<'_>,
        counter: &mut LineCounter<'_>,
    ) -> (Option<Arc<str>>, Shown) {
        let (component, mut evidence) = shown(&mut self.detector, hit.block, hit.offset, counter);
        let plan = &self.plans[self.keys[key].rule];
        let values = plan.captures.iter().zip(hit.values);
        evidence.values =
            values.filter_map(|((name, unit), value)| Some((Arc::clone(name), *unit, (*value)?))).collect();
        (component, Shown { time: hit.time, evidence })
    }

    /// Whether lines of a host are known to be missing at `since` or later: a line that tells of
    /// it is written after the fact.
    fn has_gap(&self, host: usize, since: i64) -> bool {
        [self.last_gap, self.watches[host & !1].last_gap].into_iter().flatten().any(|time| time >= since)
    }

    /// Writes down what a line says was dropped.
    fn note_gap(
        &mut self,
        rule: usize,
        block: &Block,
        offset: usize,
        host: usize,
        time: Option<i64>,
        on_notice: OnNotice<'_>,
    ) {
        let offset_in_source = block.offset + offset as u64;
        if !self.plans[rule].tells_of_gaps || self.last_gap_offset == Some(offset_in_source) {
            return;
        }
        let record = self.detector.peel(text_at(&block.bytes, offset));
        let Some(event) = record.event() else { return };
        let by = match event.kind() {
            "suppress.journald" | "suppress.journald_kernel" => "journald",
            "suppress.kernel_ratelimit" => "kernel",
            "suppress.rsyslog_rate" | "suppress.rsyslog_begin" => "rsyslog",
            _ => return,
        };
        let of = match event.value("source") {
            Some(EventValue::Text(text)) => Some(Arc::from(text.to_string())),
            _ => None,
        };
        let lines = match event.value("count") {
            Some(EventValue::Integer(count)) => Some(count),
            _ => None,
        };
        self.last_gap_offset = Some(offset_in_source);
        let name = &self.placement.hosts[host].name;
        let last = if name.is_empty() { &mut self.last_gap } else { &mut self.watches[host & !1].last_gap };
        // Who knows when a gap without a time was.
        *last = (*last).max(Some(time.unwrap_or(i64::MAX)));
        if self.gaps.len() < MAX_GAPS {
            let host = (!name.is_empty()).then(|| Arc::clone(name));
            let source = Arc::clone(&self.name);
            let instant = time.and_then(|time| self.placement.clock.to_instant(time));
            let gap = Gap { source, time: instant, host, by, of, lines };
            on_notice(Notice::Gap(&gap));
            self.gaps.push((time, gap));
        } else {
            self.gaps_left_out += 1;
        }
    }

    /// Ends the source: what can close by its last line does, the rest stays open.
    pub(crate) fn finish(mut self, on_notice: OnNotice<'_>) -> Outcome {
        if let Some((times, host)) = self.placement.last_line() {
            let time = self.placement.clock.place(times);
            let instant = time.and_then(|time| self.placement.clock.to_instant(time));
            if let Some(time) = time.filter(|_| self.range.contains(instant)) {
                self.see(time);
                if let Some(host) = host {
                    self.placement.hosts[host].progress.advance(time);
                }
            }
        }
        for host in 0..self.watches.len() {
            if let Some(reached) = self.placement.hosts[host].progress.latest() {
                self.close_due(host, reached, on_notice);
            }
        }
        for key in 0..self.keys.len() {
            let Some(last) = self.keys[key].episode.as_ref().map(|episode| episode.last) else { continue };
            if let Some(finding) = self.finding(key, None, last) {
                self.findings.push(finding);
            }
        }
        let sightings = self.sightings();
        let instant = |local: Option<i64>| local.and_then(|local| self.placement.clock.to_instant(local));
        let text = |bytes: &[u8]| Arc::from(&*String::from_utf8_lossy(bytes));
        let programs = self
            .programs
            .iter()
            .map(|(host, name)| Program { host: (!host.is_empty()).then(|| text(host)), name: text(name) });
        let chains = self.census.chains().iter();
        let input = InputSummary {
            name: self.name,
            bytes: self.bytes,
            lines: self.lines,
            formats: chains.map(|(layers, count)| (layers.as_slice().to_vec(), *count)).collect(),
            census_lines: self.census.lines,
            unparsed: self.census.unparsed,
            cut_lines: self.cut_lines,
            first_time: instant(self.first_time),
            last_time: instant(self.last_time),
            year_was_guessed: self.placement.clock.year_was_guessed,
            zone_was_assumed: self.placement.clock.zone_was_assumed(),
            hosts: self.placement.names().take(MAX_HOSTS).map(Arc::clone).collect(),
            programs: programs.collect(),
        };
        let mut clock = self.placement.clock.clone();
        let templates = self
            .templates
            .finish(self.range, |times| clock.place(times).and_then(|time| clock.to_instant(time)));
        let gaps = self.gaps.into_iter().map(|(time, gap)| Gap { time: instant(time), ..gap });
        Outcome {
            gaps: gaps.collect(),
            input,
            findings: self.findings,
            sightings,
            totals: self.totals,
            findings_left_out: self.findings_left_out,
            gaps_left_out: self.gaps_left_out,
            templates,
        }
    }
}
