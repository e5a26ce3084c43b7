//! A timeline as it is saved, and how it goes on with rules that may have changed since.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use chiplog_rules::RuleSet;
use serde::{Deserialize, Serialize};

use super::{Episode, KeyState, ListedGap, ListedStep, Sighted, StrayHit, Tally, Timeline, Watch, tracks_of};
use crate::Finding;
use crate::agenda::Agenda;
use crate::census::Census;
use crate::companions::{Track, TrackKey, Tracks};
use crate::gaps::Gaps;
use crate::loans::Loans;
use crate::once::Occurrences;
use crate::origin::LineReader;
use crate::partial::Key;
use crate::placement::Placement;
use crate::plan::{RulePlan, TimeRange};
use crate::programs::Programs;
use crate::sampling::Sampling;
use crate::saved::{Damaged, Renumbered};
use crate::templates::SourceTemplates;

/// There are no more keys.
const MAX_KEYS: usize = u32::MAX as usize;

/// Neither lines nor bytes are more: counting on must not overflow.
const MAX_COUNT: u64 = 1 << 62;

/// All that a timeline holds. Rules are numbered as in the set that it was saved with.
#[derive(Serialize, Deserialize)]
pub(crate) struct SavedTimeline<'t> {
    pub(crate) name: Arc<str>,
    is_live: bool,
    placement: Cow<'t, Placement>,
    reader: Cow<'t, LineReader>,
    watches: Cow<'t, [Watch]>,
    keys: Cow<'t, [KeyState]>,
    /// What was told of keys with a finding, for the case that their rule is no more.
    told: Vec<(usize, Finding)>,
    wanted_keys: usize,
    sweep_after: usize,
    loans: Cow<'t, Loans>,
    occurrences: Cow<'t, Occurrences>,
    tracks: Cow<'t, [Track]>,
    tallies: Cow<'t, BTreeMap<usize, Tally>>,
    findings: Cow<'t, [Finding]>,
    findings_left_out: u64,
    gaps: Cow<'t, Gaps>,
    listed_gaps: Cow<'t, VecDeque<ListedGap>>,
    gaps_left_out: u64,
    sampling: Cow<'t, Sampling>,
    last_sampled_offset: Option<u64>,
    steps: Cow<'t, VecDeque<ListedStep>>,
    steps_left_out: u64,
    last_gap_offset: Option<u64>,
    end_offset: u64,
    census: Cow<'t, Census>,
    programs: Cow<'t, Programs>,
    templates: Cow<'t, SourceTemplates>,
    bytes: u64,
    lines: u64,
    cut_lines: u64,
}

impl Timeline {
    pub(crate) fn to_saved(&self) -> SavedTimeline<'_> {
        SavedTimeline {
            name: Arc::clone(&self.name),
            is_live: self.is_live,
            placement: Cow::Borrowed(&self.placement),
            reader: Cow::Borrowed(&self.reader),
            watches: Cow::Borrowed(&self.watches),
            keys: Cow::Borrowed(&self.keys),
            told: self.open_findings().collect(),
            wanted_keys: self.wanted_keys,
            sweep_after: self.sweep_after,
            loans: Cow::Borrowed(&self.loans),
            occurrences: Cow::Borrowed(&self.occurrences),
            tracks: Cow::Borrowed(&self.tracks.all),
            tallies: Cow::Borrowed(&self.tallies),
            findings: Cow::Borrowed(&self.findings),
            findings_left_out: self.findings_left_out,
            gaps: Cow::Borrowed(&self.gaps),
            listed_gaps: Cow::Borrowed(&self.listed_gaps),
            gaps_left_out: self.gaps_left_out,
            sampling: Cow::Borrowed(&self.sampling),
            last_sampled_offset: self.last_sampled_offset,
            steps: Cow::Borrowed(&self.steps),
            steps_left_out: self.steps_left_out,
            last_gap_offset: self.last_gap_offset,
            end_offset: self.end_offset,
            census: Cow::Borrowed(&self.census),
            programs: Cow::Borrowed(&self.programs),
            templates: Cow::Borrowed(&self.templates),
            bytes: self.bytes,
            lines: self.lines,
            cut_lines: self.cut_lines,
        }
    }

    /// The timeline that was saved, with these rules, and what was told of findings whose rule is no
    /// more. Everything that one part says of another is checked.
    pub(crate) fn restore(
        saved: SavedTimeline<'_>,
        rules: &RuleSet,
        plans: &Arc<Vec<RulePlan>>,
        renumbered: &Renumbered,
        range: TimeRange,
    ) -> Result<(Self, Vec<Finding>), Damaged> {
        let counts = [saved.bytes, saved.lines, saved.cut_lines];
        if counts.iter().any(|count| *count > MAX_COUNT) {
            return Err(Damaged("counts of lines"));
        }
        let placement = saved.placement.into_owned();
        let hosts = placement.hosts.len();
        if !placement.is_sound() || saved.watches.len() != hosts {
            return Err(Damaged("hosts"));
        }
        let clocks =
            saved.listed_gaps.iter().map(|gap| gap.clock).chain(saved.steps.iter().map(|step| step.clock));
        if !saved.gaps.is_sound(hosts) || clocks.max().is_some_and(|clock| clock >= hosts) {
            return Err(Damaged("gaps"));
        }
        let mut keys = Keys::restore(saved.keys.into_owned(), plans, hosts, renumbered)?;
        let tracks = tracks(saved.tracks.into_owned(), &mut keys, plans, hosts, renumbered)?;
        let watch = |(host, watch): (usize, Watch)| {
            let due = keys.agenda(&watch.due, host)?;
            let unannounced = keys.agenda(&watch.unannounced, host)?;
            let ahead = keys.ahead(watch.ahead, plans)?;
            Ok(Watch { due, unannounced, ahead, ..watch })
        };
        let watches = saved.watches.into_owned().into_iter().enumerate().map(watch);
        let watches = watches.collect::<Result<_, Damaged>>()?;
        let is_orphan = |key: usize| match keys.new_ids.get(key) {
            Some(new) => Ok(new.is_none()),
            None => Err(Damaged("told findings")),
        };
        let mut orphans = Vec::new();
        for (key, finding) in saved.told {
            if is_orphan(key)? {
                orphans.push(finding);
            }
        }
        let rule = |old: usize| renumbered.rule(old).ok().flatten();
        let loans = saved.loans.into_owned().renumbered(plans, hosts, rule).ok_or(Damaged("loans"))?;
        let mut tallies = BTreeMap::new();
        for (old, tally) in saved.tallies.into_owned() {
            if let Some(new) = renumbered.rule(old)? {
                tallies.insert(new, tally);
            }
        }
        let timeline = Self {
            rules: rules.clone(),
            plans: Arc::clone(plans),
            name: saved.name,
            range,
            is_live: saved.is_live,
            placement,
            reader: saved.reader.into_owned(),
            watches,
            keys: keys.kept,
            key_ids: keys.ids,
            wanted_keys: saved.wanted_keys.min(MAX_KEYS),
            sweep_after: saved.sweep_after.min(MAX_KEYS),
            loans,
            occurrences: saved.occurrences.renumbered(rule),
            tracks,
            tallies,
            findings: saved.findings.into_owned(),
            findings_left_out: saved.findings_left_out,
            gaps: saved.gaps.into_owned(),
            listed_gaps: saved.listed_gaps.into_owned(),
            gaps_left_out: saved.gaps_left_out,
            keeps_newest: true,
            sampling: saved.sampling.into_owned(),
            last_sampled_offset: saved.last_sampled_offset,
            steps: saved.steps.into_owned(),
            steps_left_out: saved.steps_left_out,
            last_gap_offset: saved.last_gap_offset,
            end_offset: saved.end_offset,
            census: saved.census.into_owned(),
            programs: saved.programs.into_owned(),
            templates: saved.templates.into_owned(),
            bytes: saved.bytes,
            lines: saved.lines,
            cut_lines: saved.cut_lines,
        };
        Ok((timeline, orphans))
    }
}

/// The keys whose rules are still there.
struct Keys {
    kept: Vec<KeyState>,
    ids: HashMap<Key, usize>,
    /// By the number that each had: the number that it has now.
    new_ids: Vec<Option<usize>>,
}

impl Keys {
    fn restore(
        saved: Vec<KeyState>,
        plans: &[RulePlan],
        hosts: usize,
        renumbered: &Renumbered,
    ) -> Result<Self, Damaged> {
        let mut keys = Self { kept: Vec::new(), ids: HashMap::new(), new_ids: Vec::new() };
        for state in saved {
            let rule = renumbered.rule(state.rule)?;
            keys.new_ids.push(rule.map(|_| keys.kept.len()));
            let Some(rule) = rule else { continue };
            let plan = &plans[rule];
            if state.host >= hosts || !is_of(&state, plan) {
                return Err(Damaged("a key"));
            }
            let window = state.window.restored(plan.plan).ok_or(Damaged("a window"))?;
            let key = Key { rule: rule as u32, host: state.host as u32, labels: state.labels.clone() };
            if keys.ids.insert(key, keys.kept.len()).is_some() {
                return Err(Damaged("a key that is there twice"));
            }
            keys.kept.push(KeyState { rule, window, ..state });
        }
        Ok(keys)
    }

    fn new_id(&self, old: usize) -> Result<Option<usize>, Damaged> {
        self.new_ids.get(old).copied().ok_or(Damaged("the number of a key"))
    }

    /// Hits that wait, of rules that are still there.
    fn ahead(
        &self,
        saved: Vec<(usize, StrayHit)>,
        plans: &[RulePlan],
    ) -> Result<Vec<(usize, StrayHit)>, Damaged> {
        let mut kept = Vec::new();
        for (old, hit) in saved {
            let Some(key) = self.new_id(old)? else { continue };
            if !is_hit_of(&hit, &plans[self.kept[key].rule]) {
                return Err(Damaged("a hit that waits"));
            }
            kept.push((key, hit));
        }
        Ok(kept)
    }

    /// The agenda of a host.
    fn agenda(&self, saved: &Agenda, host: usize) -> Result<Agenda, Damaged> {
        let mut agenda = Agenda::default();
        for (time, old) in saved.iter() {
            let Some(key) = self.new_id(old)? else { continue };
            if self.kept[key].host != host {
                return Err(Damaged("an agenda"));
            }
            agenda.set(key, Some(time));
        }
        Ok(agenda)
    }
}

/// Whether what is kept of a key has as many values as its rule asks for.
fn is_of(state: &KeyState, plan: &RulePlan) -> bool {
    let is_sound = |episode: &Option<Box<Episode>>| {
        episode.as_deref().is_none_or(|episode| {
            episode.values.len() == plan.captures.len()
                && episode.measured.is_none_or(|index| index < plan.open_comparisons.len())
        })
    };
    [&state.episode, &state.pending, &state.announced].into_iter().all(is_sound)
        && (state.episode.is_none() || (state.pending.is_none() && state.announced.is_none()))
        && (state.episode.is_none() || matches!(state.sighted, Sighted::Ignored))
        && state.late.iter().all(|hit| is_hit_of(hit, plan))
}

fn is_hit_of(hit: &StrayHit, plan: &RulePlan) -> bool {
    hit.values.len() == plan.captures.len() && hit.texts.len() == plan.texts
}

/// The tracks of the rules that are still there, and which of them each key has to do with.
fn tracks(
    saved: Vec<Track>,
    keys: &mut Keys,
    plans: &[RulePlan],
    hosts: usize,
    renumbered: &Renumbered,
) -> Result<Tracks, Damaged> {
    let mut tracks = Tracks::default();
    for Track { key, window, followers } in saved {
        let Some(asker) = renumbered.rule(key.asker)? else { continue };
        if key.host >= hosts || key.companion >= plans[asker].companions.len() {
            return Err(Damaged("a track"));
        }
        let window = window.restored(plans[asker].plan.of_counts()).ok_or(Damaged("a window of a track"))?;
        let mut kept = std::collections::BTreeSet::new();
        for old in followers {
            kept.extend(keys.new_id(old)?);
        }
        if !tracks.put_back(Track { key: TrackKey { asker, ..key }, window, followers: kept }) {
            return Err(Damaged("a track that is there twice"));
        }
    }
    for state in &mut keys.kept {
        let found = tracks_of(&mut tracks, plans, state.rule, state.host, &state.labels);
        (state.companions, state.asked_by) = found;
    }
    let follows = |(track, key): (usize, &usize)| keys.kept[*key].companions.contains(&track);
    let mut followers = tracks
        .all
        .iter()
        .enumerate()
        .flat_map(|(id, track)| track.followers.iter().map(move |key| (id, key)));
    if followers.all(follows) { Ok(tracks) } else { Err(Damaged("a follower")) }
}
