//! One source in order: partials become totals, windows and findings.
//!
//! Everything is decided by the order of lines in the source, never by how they were cut into
//! blocks or when they arrived, so a stream and an archive of the same bytes give the same
//! findings. Each host of a source has its own progress: merged files need not be in order.

mod ahead;
mod episode;
mod forget;
mod gaps;
mod passing;
mod saved;
mod steps;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use chiplog_parse::UnixNanos;
use chiplog_rules::RuleSet;
use serde::{Deserialize, Serialize};

use self::episode::{Episode, Shown, evidence_at};
pub(crate) use self::forget::MEMORY_NANOS;
use self::forget::SWEEP_AFTER;
use self::gaps::ListedGap;
pub(crate) use self::saved::SavedTimeline;
use self::steps::{ListedStep, Strayed};
use crate::agenda::Agenda;
use crate::census::Census;
use crate::clocks::{Advance, DISORDER_NANOS, Progress, UNTIMED};
use crate::companions::{TrackKey, Tracks};
use crate::gaps::Gaps;
use crate::loans::Loans;
use crate::once::Occurrences;
use crate::origin::LineReader;
use crate::partial::{Entry, EntryKind, Key, Partial, encode_labels, labels_of};
use crate::placement::{HostsOf, Placed, Placement};
use crate::plan::{RulePlan, TimeRange, Totals};
use crate::programs::Programs;
use crate::sampling::Sampling;
use crate::templates::{FinishedTemplates, MAX_FINISHED as MAX_TEMPLATES, SourceTemplates};
use crate::view::Unknown;
use crate::window::{Inserted, Sample, Window};
use crate::{
    Block, ClockStep, Entries, Evidence, Finding, Gap, InputClock, InputOptions, InputSummary, Notice,
    Passed, Program, Sighting, Transition, YearSource, ZoneSource,
};

/// Windows per rule and source. Further keys of a host share one, whose findings are incomplete.
const MAX_KEYS_PER_RULE: u32 = 10_000;

/// Keys of a rule, the first of a source, that are reported although they never opened a finding.
const MAX_SIGHTINGS_PER_RULE: u32 = 100;

/// What is kept of the message of a hit that is late.
const MAX_LATE_BODY_BYTES: usize = 512;

/// Hosts listed in a summary.
const MAX_HOSTS: usize = 100;

/// What is followed of one host.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Watch {
    /// Keys of which time can make something, by the next time at which it may: open findings, and
    /// keys whose finding may open without a hit. Indexes into [`Timeline::keys`].
    due: Agenda,
    /// Those of a live stream that was not yet told what becomes of them.
    unannounced: Agenda,
    /// The first line of those that are far from where the host is.
    strayed: Option<Strayed>,
    /// Hits of lines far ahead, until it is known whether the host is there, each with its key.
    ahead: Vec<(usize, StrayHit)>,
    first_time: Option<i64>,
    last_time: Option<i64>,
}

/// The window of one key, and its finding if there is one.
#[derive(Clone, Serialize, Deserialize)]
struct KeyState {
    rule: usize,
    host: usize,
    #[serde(with = "serde_bytes")]
    labels: Box<[u8]>,
    window: Window,
    episode: Option<Box<Episode>>,
    /// A finding that opens if its condition goes on to hold. There is none while one is open.
    pending: Option<Box<Episode>>,
    /// A finding that a live stream was told had opened, before that was certain.
    announced: Option<Box<Episode>>,
    sighted: Sighted,
    /// The last hit, if the rule asks for how long there was none.
    last_hit: Option<Box<Shown>>,
    /// How far behind its host the last hit was: of two streams without hosts, the one that is
    /// ahead must not judge the keys of the other.
    behind_nanos: i64,
    /// Hits in a row that were too old for the window.
    late: Vec<StrayHit>,
    /// The hits of other rules that the conditions look at. Indexes into [`Tracks::all`].
    #[serde(skip)]
    companions: Box<[usize]>,
    /// Where the hits of this key are looked at by other rules.
    #[serde(skip)]
    asked_by: Box<[usize]>,
    /// Several keys share this window, since the rule or the source has too many.
    is_shared: bool,
    /// One of the first of its rule, which are sighted and never forgotten.
    is_early: bool,
}

/// A hit that is in no window yet, since its time is too old or too far ahead.
#[derive(Clone, Serialize, Deserialize)]
struct StrayHit {
    repeats: u32,
    values: Vec<Option<i64>>,
    texts: Vec<Option<u64>>,
    message: u32,
    /// The line. Its time is that of the hit.
    shown: Shown,
}

impl StrayHit {
    fn line(&self) -> HitLine<'_> {
        let Self { repeats, values, texts, message, shown } = self;
        let sample = Sample { time: shown.time, repeats: *repeats, values, texts };
        HitLine { text: HitText::Kept(shown), sample, is_timed: true, message: *message }
    }
}

/// What is known of the hits of a key while no finding has opened.
#[derive(Clone, Serialize, Deserialize)]
enum Sighted {
    /// Nothing yet.
    Nothing,
    /// Hits that opened no finding so far.
    Hits(Box<Hits>),
    /// A finding opened once, the rule has too many keys, or its hits are no sign of trouble: this
    /// one is not reported.
    Ignored,
}

#[derive(Clone, Serialize, Deserialize)]
struct Hits {
    first: i64,
    last: i64,
    count: u64,
    shown: Shown,
}

/// One source, followed in order.
pub(crate) struct Timeline {
    rules: RuleSet,
    plans: Arc<Vec<RulePlan>>,
    name: Arc<str>,
    range: TimeRange,
    is_live: bool,
    placement: Placement,
    reader: LineReader,
    /// By host, as [`Placement::hosts`] numbers them.
    watches: Vec<Watch>,
    keys: Vec<KeyState>,
    key_ids: HashMap<Key, usize>,
    /// New keys since idle ones were last looked for, also those that had to share.
    wanted_keys: usize,
    /// How many it takes until the next time.
    sweep_after: usize,
    loans: Loans,
    occurrences: Occurrences,
    tracks: Tracks,
    /// Of the rules that have matched.
    tallies: BTreeMap<usize, Tally>,
    findings: Vec<Finding>,
    pub(crate) findings_left_out: u64,
    gaps: Gaps,
    listed_gaps: VecDeque<ListedGap>,
    gaps_left_out: u64,
    /// Of gaps and steps the newest are kept, not the first.
    keeps_newest: bool,
    sampling: Sampling,
    /// Offset of the last line that counted as one of its message.
    last_sampled_offset: Option<u64>,
    steps: VecDeque<ListedStep>,
    steps_left_out: u64,
    /// Offset of the last line that tells of a gap: one line is one gap, whatever rules match it.
    last_gap_offset: Option<u64>,
    /// Where the next block starts.
    end_offset: u64,
    census: Census,
    programs: Programs,
    templates: SourceTemplates,
    bytes: u64,
    lines: u64,
    cut_lines: u64,
}

/// What is counted of one rule.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Tally {
    /// Keys that there are.
    keys: u32,
    /// Keys that there ever were.
    keys_ever: u32,
    totals: Totals,
}

/// What a source came to.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) input: InputSummary,
    pub(crate) findings: Vec<Finding>,
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) clock_steps: Vec<ClockStep>,
    pub(crate) steps_left_out: u64,
    /// Of the rules that have matched, by index.
    pub(crate) totals: BTreeMap<usize, Totals>,
    pub(crate) findings_left_out: u64,
    pub(crate) gaps_left_out: u64,
    pub(crate) templates: Arc<FinishedTemplates>,
}

impl Outcome {
    pub(crate) fn without_sightings(&self) -> Self {
        Self {
            input: self.input.clone(),
            findings: self.findings.clone(),
            sightings: Vec::new(),
            gaps: self.gaps.clone(),
            clock_steps: self.clock_steps.clone(),
            totals: self.totals.clone(),
            templates: Arc::clone(&self.templates),
            ..*self
        }
    }

    /// Leaves out what is of little use once a stream has been over for long.
    pub(crate) fn shrink(&mut self) {
        const MOST: usize = 100;
        self.input.programs.truncate(MOST);
        let excess = self.gaps.len().saturating_sub(MOST);
        self.gaps.drain(..excess);
        self.gaps_left_out = self.gaps_left_out.saturating_add(excess as u64);
        // The newest.
        self.sightings.sort_by_key(|sighting| std::cmp::Reverse(sighting.last_time));
        self.sightings.truncate(MOST);
        self.templates = Arc::new(self.templates.most_frequent(MOST));
    }
}

/// The tracks that a key looks at, and those that its hits go to. New ones are made.
fn tracks_of(
    tracks: &mut Tracks,
    plans: &[RulePlan],
    rule: usize,
    host: usize,
    labels: &[u8],
) -> (Box<[usize]>, Box<[usize]>) {
    let labels: Vec<&[u8]> = labels_of(labels).collect();
    let mut track = |asker: usize, companion: usize, places: &[usize]| {
        let labels = encode_labels(places.iter().map(|place| labels.get(*place).copied().unwrap_or(b"")));
        tracks.id(TrackKey { asker, companion, host, labels }, plans[asker].plan)
    };
    let companions = plans[rule].companions.iter().enumerate();
    let companions = companions.map(|(companion, labels)| track(rule, companion, labels)).collect();
    let asked_by = plans[rule].asked_by.iter();
    (companions, asked_by.map(|asker| track(asker.rule, asker.companion, &asker.labels)).collect())
}

/// Counts the lines before an offset of a block without counting any twice.
struct LineCounter<'b> {
    block: &'b Block,
    offset: usize,
    line: u64,
    /// Of the entries that were passed over, those that were not yet counted.
    passed: &'b [Passed],
}

impl<'b> LineCounter<'b> {
    /// `lines` is how many come before the block.
    fn new(block: &'b Block, lines: u64) -> Self {
        let passed = block.entries.as_ref().map_or(&[][..], |entries| &entries.passed);
        Self { block, offset: 0, line: lines + 1, passed }
    }

    fn at(&mut self, offset: usize) -> u64 {
        let offset = offset.max(self.offset);
        self.line += memchr::memchr_iter(b'\n', &self.block.bytes[self.offset..offset]).count() as u64;
        self.offset = offset;
        while let [passed, rest @ ..] = self.passed
            && passed.before as usize <= offset
        {
            self.line += u64::from(passed.entries);
            self.passed = rest;
        }
        self.line
    }

    /// The offset in the source of the line at this offset.
    fn offset_in_source(&mut self, offset: usize) -> u64 {
        match &self.block.entries {
            Some(_) => Entries::offset_of(self.at(offset) - 1),
            None => self.block.offset + offset as u64,
        }
    }
}

/// A hit in its place.
#[derive(Clone, Copy)]
struct HitLine<'a> {
    text: HitText<'a>,
    sample: Sample<'a>,
    /// It has a time, and not only a place among other lines without one.
    is_timed: bool,
    /// See [`EntryKind::Hit`].
    message: u32,
}

/// Where the text of a hit is.
#[derive(Clone, Copy)]
enum HitText<'a> {
    /// At an offset of a block.
    In(&'a Block, usize),
    /// It was kept when its block was at hand.
    Kept(&'a Shown),
}

type OnNotice<'f> = &'f mut dyn FnMut(Notice<'_>);

impl Timeline {
    pub(crate) fn new(
        rules: &RuleSet,
        plans: &Arc<Vec<RulePlan>>,
        input: &InputOptions,
        range: TimeRange,
    ) -> Self {
        Self {
            rules: rules.clone(),
            plans: Arc::clone(plans),
            name: Arc::clone(&input.name),
            range,
            is_live: input.is_live,
            placement: Placement::new(input),
            reader: LineReader::new(&input.origin),
            watches: Vec::new(),
            keys: Vec::new(),
            key_ids: HashMap::new(),
            wanted_keys: 0,
            sweep_after: SWEEP_AFTER,
            loans: Loans::default(),
            occurrences: Occurrences::default(),
            tracks: Tracks::default(),
            tallies: BTreeMap::new(),
            findings: Vec::new(),
            findings_left_out: 0,
            gaps: Gaps::default(),
            listed_gaps: VecDeque::new(),
            gaps_left_out: 0,
            keeps_newest: false,
            sampling: Sampling::default(),
            last_sampled_offset: None,
            steps: VecDeque::new(),
            steps_left_out: 0,
            last_gap_offset: None,
            end_offset: 0,
            census: Census::default(),
            programs: Programs::default(),
            templates: SourceTemplates::default(),
            bytes: 0,
            lines: 0,
            cut_lines: 0,
        }
    }

    /// The same for a source without end.
    pub(crate) fn without_end(self) -> Self {
        Self { keeps_newest: true, ..self }
    }

    /// Takes the next block of the source and what was found in it.
    pub(crate) fn absorb(&mut self, block: &Block, partial: &Partial, on_notice: OnNotice<'_>) {
        let mut hosts = self.placement.hosts_of(partial);
        let mut keys: Vec<Option<usize>> = vec![None; partial.keys.keys.len()];
        let mut counter = LineCounter::new(block, self.lines);
        for entry in &partial.entries {
            self.take(block, partial, entry, &mut hosts, &mut keys, &mut counter, on_notice);
        }
        if let Some((times, host)) = &partial.last
            && let Some(host) = self.placement.last_known_host(host)
        {
            let host = self.placement.host_of(*times, host);
            self.announce(*times, host, on_notice);
        }
        self.census.merge(&partial.census);
        self.programs.merge(&partial.programs);
        let mut counter = LineCounter::new(block, self.lines);
        let reader = &mut self.reader;
        let show = |offset| evidence_at(reader, block, offset, &mut counter).1;
        self.templates.absorb(&partial.templates, show);
        self.bytes += block.source_bytes();
        self.lines += partial.lines;
        self.cut_lines += u64::from(block.cut_bytes > 0);
        self.placement.pass(block);
        self.end_offset = block.end_offset();
        self.reader.rest();
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one block, taken apart once per block")]
    fn take(
        &mut self,
        block: &Block,
        partial: &Partial,
        entry: &Entry,
        hosts: &mut HostsOf,
        keys: &mut [Option<usize>],
        counter: &mut LineCounter<'_>,
        on_notice: OnNotice<'_>,
    ) {
        let offset = entry.offset as usize;
        let host = self.placement.host_of_entry(hosts, partial, entry);
        let Placed { time, is_news, host } = self.placement.place(block, entry, host);
        if self.watches.len() < self.placement.hosts.len() {
            self.watches.resize_with(self.placement.hosts.len(), Watch::default);
        }
        let instant = time.and_then(|time| self.placement.to_instant(host, time));
        if !self.range.contains(instant) {
            return;
        }
        if let (Some(time), true) = (time, is_news) {
            if self.gaps.has_open() {
                self.gaps.end_open(host & !1, counter.offset_in_source(offset), time);
            }
            self.advance(host, time, offset, counter, on_notice);
        }
        let EntryKind::Hit { key, values, hashes, repeats, counts, message } = entry.kind else { return };
        if self.sweep_if_due() {
            keys.fill(None);
        }
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
        self.note_gap(rule, offset, counter, host, time, on_notice);
        let borrowed;
        let values = if self.plans[rule].takes_part_in_loans() {
            let at = time.unwrap_or(UNTIMED);
            borrowed = self.loans.exchange(&self.plans[rule], rule, host, at, values);
            &borrowed[..]
        } else {
            values
        };
        // Every line counts, also those that are evidence only.
        let sampled = match time.filter(|_| message != 0) {
            Some(time) => {
                let in_source = counter.offset_in_source(offset);
                let is_new = self.last_sampled_offset.replace(in_source) != Some(in_source);
                if is_new { self.sampling.add(host, message, time) } else { None }
            }
            None => None,
        };
        // A source without any time is one moment: its hits count together.
        let at = time.unwrap_or(UNTIMED);
        let (texts, occurrence) = self.plans[rule].hashes_of(partial, hashes);
        if !counts || !self.occurrences.is_new(&self.plans[rule], host, occurrence, at) {
            return;
        }
        let totals = &mut self.tallies.entry(rule).or_default().totals;
        totals.values.resize_with(captures, Default::default);
        totals.hits = totals.hits.saturating_add(1);
        totals.occurrences = totals.occurrences.saturating_add(u64::from(repeats));
        for (aggregate, value) in totals.values.iter_mut().zip(values) {
            value.iter().for_each(|value| aggregate.add(*value));
        }
        let sample = Sample { time: at, repeats, values, texts };
        let hit = HitLine { text: HitText::In(block, offset), sample, is_timed: time.is_some(), message };
        if time.is_some_and(|time| self.placement.hosts[host].progress.is_ahead(time)) {
            self.hold_back(key, &hit, counter);
            return;
        }
        self.observe(key, &hit, counter, on_notice);
        if let Some(sampled) = sampled {
            self.note_sampled(key, offset, &hit, sampled, counter, on_notice);
        }
        self.tell_askers(key, at, repeats, on_notice);
    }

    fn see(&mut self, host: usize, time: i64) {
        let watch = &mut self.watches[host];
        watch.first_time = Some(watch.first_time.map_or(time, |first| first.min(time)));
        watch.last_time = Some(watch.last_time.map_or(time, |last| last.max(time)));
    }

    fn key_id(&mut self, key: &Key, host: usize) -> usize {
        let rule = key.rule as usize;
        let mut key = Key { host: host as u32, ..key.clone() };
        if let Some(id) = self.key_ids.get(&key) {
            return *id;
        }
        self.wanted_keys += 1;
        let is_rest = self.placement.hosts[host].is_rest;
        let tally = self.tallies.entry(rule).or_default();
        let is_shared = is_rest || (tally.keys >= MAX_KEYS_PER_RULE && !key.labels.is_empty());
        if is_shared {
            key.labels = Box::default();
            if let Some(id) = self.key_ids.get(&key) {
                return *id;
            }
        }
        let plan = &self.plans[rule];
        // What is asked for is that the lines are absent: theirs are no sign of trouble.
        let is_early = tally.keys_ever < MAX_SIGHTINGS_PER_RULE;
        let is_ignored = !is_early || plan.needs_no_hit();
        tally.keys = tally.keys.saturating_add(1);
        tally.keys_ever = tally.keys_ever.saturating_add(1);
        let (companions, asked_by) = tracks_of(&mut self.tracks, &self.plans, rule, host, &key.labels);
        let id = self.keys.len();
        self.keys.push(KeyState {
            rule,
            host,
            labels: key.labels.clone(),
            window: Window::new(plan.plan),
            episode: None,
            pending: None,
            announced: None,
            sighted: if is_ignored { Sighted::Ignored } else { Sighted::Nothing },
            last_hit: None,
            behind_nanos: 0,
            late: Vec::new(),
            companions,
            asked_by,
            is_shared,
            is_early,
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
        self.settle(key, hit.sample.time, on_notice);
        let state = &mut self.keys[key];
        match state.window.insert(&hit.sample) {
            Inserted::InTime => state.late.clear(),
            Inserted::Late => return self.be_late(key, hit, counter, on_notice),
        }
        let state = &mut self.keys[key];
        let reached = self.placement.hosts[state.host].progress.latest().unwrap_or(hit.sample.time);
        let behind = reached.saturating_sub(hit.sample.time);
        state.behind_nanos = if behind > DISORDER_NANOS { behind } else { 0 };
        let now = state.window.latest();
        let (rule, is_open) = (state.rule, state.episode.is_some());
        self.note_last_hit(key, hit, counter);
        if is_open {
            if !self.closes_with(key, hit, counter, on_notice) {
                let is_worse = self.go_on(key, hit, counter);
                self.tell_on(key, now, is_worse, on_notice);
            }
        } else if !self.view(key).holds(&self.rules.rules()[rule].open, now, Unknown::Fails) {
            self.give_up(key, now, on_notice);
            self.sight(key, hit, counter);
            self.schedule(key);
        } else {
            if self.keys[key].pending.is_some() {
                self.go_on(key, hit, counter);
            } else {
                let episode = self.begin(key, now, hit, counter);
                self.keys[key].pending = Some(episode);
            }
            let state = &mut self.keys[key];
            match state.pending.take_if(|pending| pending.opened <= now) {
                Some(episode) => self.open(key, episode, on_notice),
                None => {
                    self.sight(key, hit, counter);
                    self.schedule(key);
                }
            }
        }
    }

    /// Keeps the line of a hit, if its rule may find that it was the last for long.
    fn note_last_hit(&mut self, key: usize, hit: &HitLine<'_>, counter: &mut LineCounter<'_>) {
        let state = &self.keys[key];
        let is_last = state.last_hit.as_ref().is_none_or(|last| last.time <= hit.sample.time);
        if hit.is_timed && is_last && self.plans[state.rule].needs_no_hit() {
            let shown = self.show(key, hit, counter);
            self.keys[key].last_hit = Some(Box::new(shown));
        }
    }

    /// Whether a hit closes the finding that is open: lines that were absent are back. They are the
    /// first of what follows.
    fn closes_with(
        &mut self,
        key: usize,
        hit: &HitLine<'_>,
        counter: &mut LineCounter<'_>,
        on_notice: OnNotice<'_>,
    ) -> bool {
        let state = &self.keys[key];
        let Some(episode) = state.episode.as_deref() else { return false };
        let now = state.window.latest();
        let close = &self.rules.rules()[state.rule].close;
        if !self.plans[state.rule].needs_no_hit() || !self.view(key).holds(close, now, Unknown::Fails) {
            return false;
        }
        let time = now.max(episode.opened);
        self.close(key, time, on_notice);
        self.keys[key].window.insert(&hit.sample);
        self.note_last_hit(key, hit, counter);
        self.schedule(key);
        true
    }

    /// Tells of a finding that is open after a further hit, if there is something to tell.
    fn tell_on(&mut self, key: usize, now: i64, is_worse: bool, on_notice: OnNotice<'_>) {
        let Some(episode) = self.keys[key].episode.as_deref_mut() else { return };
        let was_announced = episode.close_announced.take().is_some();
        if is_worse {
            episode.note_report(now);
        }
        self.schedule(key);
        if was_announced {
            self.report(key, Transition::Open, now, on_notice);
        }
        if is_worse {
            self.report(key, Transition::Worse, now, on_notice);
        }
    }

    /// A hit that opens no finding.
    fn sight(&mut self, key: usize, hit: &HitLine<'_>, counter: &mut LineCounter<'_>) {
        match &mut self.keys[key].sighted {
            Sighted::Ignored => {}
            Sighted::Hits(hits) => {
                hits.first = hits.first.min(hit.sample.time);
                hits.last = hits.last.max(hit.sample.time);
                hits.count = hits.count.saturating_add(1);
            }
            Sighted::Nothing => {
                let shown = self.show(key, hit, counter);
                let time = hit.sample.time;
                let hits = Hits { first: time, last: time, count: 1, shown };
                self.keys[key].sighted = Sighted::Hits(Box::new(hits));
            }
        }
    }

    /// The keys that never opened a finding, each with the time of its last hit.
    pub(crate) fn sighted(&self) -> impl Iterator<Item = (Option<UnixNanos>, usize)> {
        self.keys.iter().enumerate().filter_map(|(key, state)| match &state.sighted {
            Sighted::Hits(hits) => Some((self.placement.to_instant(state.host, hits.last), key)),
            _ => None,
        })
    }

    /// The hits of a key that never opened a finding.
    pub(crate) fn sighting(&self, key: usize) -> Option<Sighting> {
        let state = self.keys.get(key)?;
        let Sighted::Hits(hits) = &state.sighted else { return None };
        let instant = |local| self.placement.to_instant(state.host, local);
        let plan = &self.plans[state.rule];
        Some(Sighting {
            rule_id: Arc::clone(&plan.id),
            source: Arc::clone(&self.name),
            group: plan.group(&self.placement.hosts[state.host].name, &state.labels),
            first_time: instant(hits.first),
            last_time: instant(hits.last),
            hits: hits.count,
            evidence: Evidence { time: instant(hits.shown.time), ..hits.shown.evidence.clone() },
        })
    }

    fn add_late(&mut self, key: usize) {
        let late = &mut self.tallies.entry(self.keys[key].rule).or_default().totals.late;
        *late = late.saturating_add(1);
    }

    /// What is needed of a hit to take it later.
    fn stray(&mut self, key: usize, hit: &HitLine<'_>, counter: &mut LineCounter<'_>) -> StrayHit {
        let shown = self.show(key, hit, counter);
        let Sample { repeats, values, texts, .. } = hit.sample;
        StrayHit { repeats, values: values.to_vec(), texts: texts.to_vec(), message: hit.message, shown }
    }

    /// A hit that is too old for its window. Several in a row that agree are a clock that was set
    /// back or another day's lines, and so is one where the whole host went back: the window then
    /// starts again with them.
    fn be_late(
        &mut self,
        key: usize,
        hit: &HitLine<'_>,
        counter: &mut LineCounter<'_>,
        on_notice: OnNotice<'_>,
    ) {
        const AGREEING: usize = 3;
        let time = hit.sample.time;
        let mut stray = self.stray(key, hit, counter);
        stray.shown.evidence.body.truncate(MAX_LATE_BODY_BYTES);
        let state = &mut self.keys[key];
        let near = state.window.retention_nanos().max(Progress::NEAR) as u64;
        if state.late.last().is_some_and(|last| last.shown.time.abs_diff(time) > near) {
            state.late.clear();
        }
        state.late.push(stray);
        self.add_late(key);
        let state = &mut self.keys[key];
        let reached = self.placement.hosts[state.host].progress.latest();
        let back = state.window.latest().saturating_sub(Progress::STEP_BACK);
        if state.late.len() < AGREEING && reached.is_none_or(|reached| reached >= back) {
            if let Some(episode) = state.episode.as_deref_mut().or(state.pending.as_deref_mut()) {
                episode.is_lower_bound |= time >= episode.first;
            }
            return;
        }
        let last = state.episode.as_ref().map(|episode| episode.last.max(episode.opened));
        if let Some(last) = last {
            let time = self.closes_at(key).unwrap_or(last);
            self.close(key, time, on_notice);
        }
        let latest = self.keys[key].window.latest();
        self.give_up(key, latest, on_notice);
        let state = &mut self.keys[key];
        let mut late = std::mem::take(&mut state.late);
        let total = &mut self.tallies.entry(state.rule).or_default().totals.late;
        *total = total.saturating_sub(late.len() as u64);
        state.window.clear();
        state.last_hit = None;
        late.sort_by_key(|hit| hit.shown.time);
        // In order none of them is late.
        late.iter().for_each(|hit| self.observe(key, &hit.line(), counter, on_notice));
    }

    /// Ends the source: what can close by its last line does, the rest stays open.
    pub(crate) fn finish(mut self, on_notice: OnNotice<'_>) -> Outcome {
        let mut last_time = None;
        if let Some((times, host)) = self.placement.last_line() {
            let instant = self.placement.instant_of(host, times);
            if self.range.contains(instant) {
                let time = host.and_then(|host| Some((host, self.placement.place_again(Some(host), times)?)));
                match time {
                    Some((host, time)) => {
                        let advance = self.placement.hosts[host].progress.advance(time);
                        if !matches!(advance, Advance::Stray { .. }) {
                            self.see(host, time);
                        }
                    }
                    None => last_time = instant,
                }
            }
        }
        for host in 0..self.watches.len() {
            self.settle_ahead(host, on_notice);
            if let Some(reached) = self.placement.hosts[host].progress.latest() {
                self.pass_time(host, reached, on_notice);
            }
        }
        let mut keys: Vec<usize> = (0..self.keys.len()).collect();
        keys.sort_by(|left, right| self.order(*left, *right));
        for key in keys {
            // What time went on to and came back from was not so.
            let latest = self.keys[key].window.latest();
            self.give_up(key, latest, on_notice);
            if let Some(episode) = self.keys[key].episode.as_deref_mut() {
                episode.close_announced = None;
            }
        }
        let mut findings = std::mem::take(&mut self.findings);
        let mut outcome = self.outcome(MAX_TEMPLATES);
        findings.append(&mut outcome.findings);
        outcome.findings = findings;
        outcome.sightings = self.sighted().filter_map(|(_, key)| self.sighting(key)).collect();
        if let Some(time) = last_time {
            let input = &mut outcome.input;
            input.first_time = input.first_time.into_iter().chain([time]).min();
            input.last_time = input.last_time.max(last_time);
        }
        outcome
    }

    /// The findings that have closed since they were last taken.
    pub(crate) fn take_closed(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    /// Those that are open, as a stream was told of them.
    fn open_findings(&self) -> impl Iterator<Item = (usize, Finding)> {
        self.keys.iter().enumerate().filter_map(|(key, state)| {
            let episode = state.episode.as_deref().or(state.announced.as_deref())?;
            let is_over = episode.close_announced.is_some();
            let time = episode.close_announced.unwrap_or(episode.last.max(episode.opened));
            let finding = self.finding(key, episode, None, time, is_over);
            let finding = match episode.close_announced {
                Some(closed) => self.closed(key, finding, closed),
                None => finding,
            };
            Some((key, finding))
        })
    }

    /// What the source came to so far, but for its sightings, and with no more than so many templates.
    pub(crate) fn outcome(&self, most_templates: usize) -> Outcome {
        let placement = &self.placement;
        let bounds = self.watches.iter().enumerate().flat_map(|(host, watch)| {
            let bounds = [watch.first_time, watch.last_time].into_iter().flatten();
            bounds.filter_map(move |local| placement.to_instant(host, local))
        });
        let bounds: Vec<_> = bounds.collect();
        let text = |bytes: &[u8]| Arc::from(&*String::from_utf8_lossy(bytes));
        let programs = self
            .programs
            .iter()
            .map(|(host, name)| Program { host: (!host.is_empty()).then(|| text(host)), name: text(name) });
        let chains = self.census.chains().iter();
        let clocks = placement.clocks().take(MAX_HOSTS).map(|(name, clock)| InputClock {
            host: (!name.is_empty()).then(|| Arc::clone(name)),
            year: clock.year_source(),
            zone: clock.zone_source(),
            utc_offset_seconds: clock.utc_offset_seconds(),
            payload_utc_offset_seconds: clock.payload_utc_offset_seconds(),
        });
        let clocks: Vec<InputClock> = clocks.collect();
        let input = InputSummary {
            name: Arc::clone(&self.name),
            bytes: self.bytes,
            lines: self.lines,
            formats: chains.map(|(layers, count)| (layers.as_slice().to_vec(), *count)).collect(),
            census_lines: self.census.lines,
            unparsed: self.census.unparsed,
            cut_lines: self.cut_lines,
            first_time: bounds.iter().min().copied(),
            last_time: bounds.iter().max().copied(),
            year_was_guessed: clocks.iter().any(|clock| clock.year == YearSource::Guessed),
            zone_was_assumed: clocks.iter().any(|clock| clock.zone == ZoneSource::Assumed),
            hosts: placement.names().take(MAX_HOSTS).map(Arc::clone).collect(),
            programs: programs.collect(),
            clocks,
            year_rests_on: None,
        };
        let place = |host: &[u8], times| placement.instant_of(placement.last_known_host(host), times);
        let open = self.open_findings().map(|(_, finding)| finding);
        Outcome {
            gaps: self.final_gaps(),
            clock_steps: self.final_steps(),
            steps_left_out: self.steps_left_out,
            input,
            findings: self.findings.iter().cloned().chain(open).collect(),
            sightings: Vec::new(),
            totals: self.tallies.iter().map(|(rule, tally)| (*rule, tally.totals.clone())).collect(),
            findings_left_out: self.findings_left_out,
            gaps_left_out: self.gaps_left_out,
            templates: Arc::new(self.templates.finish(self.range, place, most_templates)),
        }
    }
}
