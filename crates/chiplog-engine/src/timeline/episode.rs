//! Findings as they go on, and how they are told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{HitLine, HitText, LineCounter, OnNotice, Timeline};
use crate::aggregate::Aggregate;
use crate::gaps::Writer;
use crate::origin::LineReader;
use crate::plan::RulePlan;
use crate::scanner::text_at;
use crate::view::View;
use crate::window::{Measured, Sample};
use crate::{Block, Evidence, Finding, Notice, Peak, State, Transition};

/// A finding is reported as worse when its measure grows by half, at most once in this time.
const WORSE_EVERY_NANOS: i64 = 60_000_000_000;

/// Closed findings kept per source; further ones are counted. Those that are open at the end are
/// no more than there are windows.
const MAX_FINDINGS: usize = 10_000;

/// The body of a piece of evidence.
const MAX_BODY_BYTES: usize = 4_096;

/// A finding that is open, or that opens if its condition goes on to hold.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Episode {
    /// When the open condition came true.
    pub(super) since: i64,
    /// When the finding opened or will.
    pub(super) opened: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) hits: u64,
    pub(super) occurrences: u64,
    pub(super) values: Vec<Aggregate>,
    /// Which comparison of the open condition is reported, of those in the plan.
    pub(super) measured: Option<usize>,
    pub(super) peak: Option<Measured>,
    pub(super) reported_amount: i128,
    pub(super) reported_at: i64,
    pub(super) opener: Shown,
    /// The line with the greatest first value, if that is not the opener.
    pub(super) worst: Option<Shown>,
    /// A hit came too late to be counted, or had one text too many.
    pub(super) is_lower_bound: bool,
    /// When it closed, if a live stream was told so before it was certain.
    pub(super) close_announced: Option<i64>,
}

/// A line to show. Its time is local: the zone may be learned later.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) time: i64,
    pub(super) writer: Writer,
    pub(super) evidence: Evidence,
}

/// What to show of the line at an offset, and who wrote it.
pub(super) fn evidence_at(
    reader: &mut LineReader,
    block: &Block,
    offset: usize,
    counter: &mut LineCounter<'_>,
) -> (Writer, Evidence) {
    let text = text_at(&block.bytes, offset);
    let record = reader.peel(text);
    let name = |bytes: &[u8]| -> Arc<str> { Arc::from(&*String::from_utf8_lossy(bytes)) };
    let component = record.component.map(name);
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
    let line = counter.at(offset);
    let offset_in_source = counter.offset_in_source(offset);
    let is_audit = body.starts_with(b"audit");
    let writer = Writer { component, unit: record.unit.map(name), is_audit, message: None };
    let evidence = Evidence { line, offset: offset_in_source, time: None, origin, body, values: Vec::new() };
    (writer, evidence)
}

impl Episode {
    /// Takes a further hit.
    fn add(&mut self, hit: &Sample<'_>) {
        self.hits = self.hits.saturating_add(1);
        self.occurrences = self.occurrences.saturating_add(u64::from(hit.repeats));
        self.first = self.first.min(hit.time);
        self.last = self.last.max(hit.time);
        for (aggregate, value) in self.values.iter_mut().zip(hit.values) {
            value.iter().for_each(|value| aggregate.add(*value));
        }
    }

    /// Measures again. Whether the finding is worse than was last told.
    fn measure(&mut self, plan: &RulePlan, view: &View<'_>, now: i64) -> bool {
        self.is_lower_bound |= view.window.leaves_texts_out();
        if let Some(measured) =
            self.measured.and_then(|index| view.measure(&plan.open_comparisons[index], now))
            && self.peak.is_none_or(|peak| measured.amount > peak.amount)
        {
            self.peak = Some(measured);
        }
        let amount = self.peak.map_or(0, |peak| peak.amount);
        amount.saturating_mul(2) >= self.reported_amount.saturating_mul(3)
            && amount > 0
            && now >= self.reported_at.saturating_add(WORSE_EVERY_NANOS)
    }

    /// Notes what is told now.
    pub(super) fn note_report(&mut self, now: i64) {
        self.reported_amount = self.peak.map_or(0, |peak| peak.amount);
        self.reported_at = now;
    }
}

impl Timeline {
    /// The finding that a hit begins at `now`.
    pub(super) fn begin(
        &mut self,
        key: usize,
        now: i64,
        hit: &HitLine<'_>,
        counter: &mut LineCounter<'_>,
    ) -> Box<Episode> {
        let opener = self.show(key, hit, counter);
        let contents = self.keys[key].window.contents();
        Box::new(Episode {
            first: contents.first.unwrap_or(now),
            last: now,
            hits: contents.hits,
            occurrences: contents.occurrences,
            values: contents.values,
            ..self.episode_of(key, now, now, opener)
        })
    }

    /// The finding that begins at `since` without a hit; its line is the last that was one.
    pub(super) fn begin_without_hit(&self, key: usize, since: i64) -> Option<Box<Episode>> {
        let last = self.keys[key].last_hit.as_deref()?;
        let opened = since.saturating_add(self.plans[self.keys[key].rule].hold_nanos.unwrap_or(0));
        let episode = self.episode_of(key, since, opened, last.clone());
        Some(Box::new(Episode { first: last.time, last: last.time, ..episode }))
    }

    /// A finding without hits, measured at `measured_at`.
    fn episode_of(&self, key: usize, since: i64, measured_at: i64, opener: Shown) -> Episode {
        let state = &self.keys[key];
        let plan = &self.plans[state.rule];
        let view = self.view(key);
        let reported = view.reported(&self.rules.rules()[state.rule].open, measured_at);
        let (measured, peak) = reported.unzip();
        let measured = measured.and_then(|it| plan.open_comparisons.iter().position(|known| known == it));
        let opened = since.saturating_add(plan.hold_nanos.unwrap_or(0));
        Episode {
            since,
            opened,
            first: since,
            last: since,
            hits: 0,
            occurrences: 0,
            values: vec![Aggregate::default(); plan.captures.len()],
            measured,
            peak,
            reported_amount: peak.map_or(0, |peak| peak.amount),
            reported_at: opened,
            opener,
            worst: None,
            is_lower_bound: view.window.leaves_texts_out(),
            close_announced: None,
        }
    }

    /// Adds a hit to the finding that is open or may open. Whether it is worse than was last told.
    pub(super) fn go_on(&mut self, key: usize, hit: &HitLine<'_>, counter: &mut LineCounter<'_>) -> bool {
        let state = &self.keys[key];
        let episode = state.episode.as_ref().or(state.pending.as_ref());
        let known = episode.and_then(|episode| episode.values.first()?.max());
        let is_worst = match (hit.sample.values.first().copied().flatten(), known) {
            (Some(value), Some(known)) => value > known,
            (value, _) => value.is_some(),
        };
        let worst = is_worst.then(|| self.show(key, hit, counter));
        let state = &mut self.keys[key];
        let is_open = state.episode.is_some();
        let Some(mut episode) = state.episode.take().or_else(|| state.pending.take()) else { return false };
        episode.add(&hit.sample);
        if worst.is_some() {
            episode.worst = worst;
        }
        let view = self.view(key);
        let plan = &self.plans[self.keys[key].rule];
        let is_worse = episode.measure(plan, &view, view.window.latest());
        let state = &mut self.keys[key];
        *(if is_open { &mut state.episode } else { &mut state.pending }) = Some(episode);
        is_worse
    }

    /// The line of a hit, and who wrote it.
    pub(super) fn show(&mut self, key: usize, hit: &HitLine<'_>, counter: &mut LineCounter<'_>) -> Shown {
        let (block, offset) = match hit.text {
            HitText::In(block, offset) => (block, offset),
            HitText::Kept(shown) => return shown.clone(),
        };
        let (mut writer, mut evidence) = evidence_at(&mut self.reader, block, offset, counter);
        writer.message = (hit.message != 0).then_some(hit.message);
        let plan = &self.plans[self.keys[key].rule];
        let values = plan.captures.iter().zip(hit.sample.values);
        evidence.values =
            values.filter_map(|((name, unit), value)| Some((Arc::clone(name), *unit, (*value)?))).collect();
        Shown { time: hit.sample.time, writer, evidence }
    }

    pub(super) fn report(&self, key: usize, transition: Transition, time: i64, on_notice: OnNotice<'_>) {
        if let Some(episode) = self.keys[key].episode.as_deref() {
            self.report_episode(key, episode, transition, time, on_notice);
        }
    }

    pub(super) fn report_episode(
        &self,
        key: usize,
        episode: &Episode,
        transition: Transition,
        time: i64,
        on_notice: OnNotice<'_>,
    ) {
        let finding = self.finding(key, episode, Some(transition), time, transition == Transition::Close);
        on_notice(Notice::Transition(&finding));
    }

    /// Keeps a finding for the final report.
    pub(super) fn keep(&mut self, key: usize, closed: i64) {
        let Some(episode) = self.keys[key].episode.as_deref() else { return };
        if self.findings.len() >= MAX_FINDINGS {
            self.findings_left_out = self.findings_left_out.saturating_add(1);
            return;
        }
        let finding = self.closed(key, self.finding(key, episode, None, closed, true), closed);
        self.findings.push(finding);
    }

    /// A finding that has closed.
    pub(super) fn closed(&self, key: usize, finding: Finding, closed: i64) -> Finding {
        let time = self.placement.to_instant(self.keys[key].host, closed);
        Finding { state: State::Closed, time, closed_time: time, ..finding }
    }

    pub(super) fn finding(
        &self,
        key: usize,
        episode: &Episode,
        transition: Option<Transition>,
        time: i64,
        is_over: bool,
    ) -> Finding {
        let state = &self.keys[key];
        let rule = &self.rules.rules()[state.rule];
        let plan = &self.plans[state.rule];
        let instant = |local| self.placement.to_instant(state.host, local);
        let is_closed = transition == Some(Transition::Close);
        let since = episode.first.saturating_sub(plan.plan.span_nanos);
        let until = if is_over { time } else { i64::MAX };
        let shown = [Some(&episode.opener), episode.worst.as_ref()].into_iter().flatten();
        let evidence =
            shown.map(|shown| Evidence { time: instant(shown.time), ..shown.evidence.clone() }).collect();
        Finding {
            rule_id: Arc::clone(&plan.id),
            title: Arc::clone(&plan.title),
            severity: rule.severity.of_log(),
            transition,
            state: if is_closed { State::Closed } else { State::Open },
            source: Arc::clone(&self.name),
            group: plan.group(&self.placement.hosts[state.host].name, &state.labels),
            component: episode.opener.writer.component.clone(),
            time: instant(time),
            first_time: instant(episode.first),
            last_time: instant(episode.last),
            opened_time: instant(episode.opened),
            closed_time: if is_closed { instant(time) } else { None },
            hits: episode.hits,
            occurrences: episode.occurrences,
            window_nanos: plan.plan.span_nanos,
            peak: episode.peak.zip(episode.measured).map(|(peak, index)| {
                let comparison = &plan.open_comparisons[index];
                let unit = match comparison.measure.capture() {
                    Some(capture) => plan.captures[capture.0].1,
                    None => peak.unit,
                };
                let amount = |amount: i128| i64::try_from(amount).unwrap_or(i64::MAX);
                let name = plan.measure_name(comparison.measure);
                Peak { name, unit, amount: amount(peak.amount), limit: amount(peak.limit) }
            }),
            values: plan
                .captures
                .iter()
                .zip(&episode.values)
                .map(|((name, unit), aggregate)| aggregate.summary(name, *unit))
                .collect(),
            complete: !(state.is_shared
                || episode.is_lower_bound
                || self.has_gap(state.host, &episode.opener.writer, since, until)),
            rule_changed: false,
            evidence,
        }
    }
}
