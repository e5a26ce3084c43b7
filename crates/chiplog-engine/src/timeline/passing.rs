//! What the passing of time does: findings close, and those open that wait for it.

use super::{KeyState, OnNotice, Timeline};
use crate::Transition;
use crate::clocks::{DISORDER_NANOS, LineTimes};
use crate::companions::Tracks;
use crate::view::{Companions, Unknown, View};

/// Keys that a hit of another rule comes to. Further ones are judged by their own hits and by time
/// alone, so that no line costs more than this.
const MAX_FOLLOWERS: usize = 1_000;

/// A change of a key by the passing of time.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// A finding opens whose condition came true at this time.
    Opens {
        since: i64,
    },
    Closes,
}

/// What becomes of a key up to some time.
#[derive(Clone, Copy, Debug)]
struct Outlook {
    /// The first change, and when.
    change: Option<(i64, Change)>,
    /// Without one: since when the open condition of a key without a finding holds.
    since: Option<i64>,
    /// And the next time of its host that is worth a look; `None` if not without another hit.
    next: Option<i64>,
}

impl<'v> View<'v> {
    /// A key and what is beside it.
    pub(super) fn of(state: &'v KeyState, tracks: &'v Tracks, quiet_since: Option<i64>) -> Self {
        let companions = Companions { tracks: &tracks.all, ids: &state.companions };
        View { window: &state.window, companions, quiet_since }
    }
}

impl Timeline {
    pub(super) fn view(&self, key: usize) -> View<'_> {
        let state = &self.keys[key];
        View::of(state, &self.tracks, self.quiet_since(state))
    }

    /// Takes the findings of a host that opened or closed by `until` for what they are.
    pub(super) fn pass_time(&mut self, host: usize, until: i64, on_notice: OnNotice<'_>) {
        loop {
            let mut due = Vec::new();
            let mut rest = Vec::new();
            while let Some((next, key)) = self.watches[host].due.pop(until) {
                let outlook = self.outlook(key, next, until);
                match outlook.change {
                    Some((time, change)) => due.push((time, key, change)),
                    None => rest.push((key, outlook)),
                }
            }
            rest.sort_by(|(left, _), (right, _)| self.order(*left, *right));
            for (key, outlook) in rest {
                self.wait_on(key, outlook, on_notice);
            }
            if due.is_empty() {
                return;
            }
            // What has opened may have closed since: then it is due again.
            due.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| self.order(left.1, right.1)));
            for (time, key, change) in due {
                self.change(key, time, change, on_notice);
            }
        }
    }

    /// Looks at what the time before `time` made of a key that has no finding, so that a hit or
    /// another rule's line at that time finds it as it then was.
    pub(super) fn settle(&mut self, key: usize, time: i64, on_notice: OnNotice<'_>) {
        let state = &self.keys[key];
        if state.episode.is_some() || !self.plans[state.rule].opens_between_hits() {
            return;
        }
        let until = time.saturating_sub(1).saturating_add(state.behind_nanos);
        if let Some(next) = self.watches[state.host].due.time_of(key).filter(|next| *next <= until) {
            self.look(key, next, until, on_notice);
        }
    }

    /// Looks at what the time from `next` to `until` makes of a key.
    fn look(&mut self, key: usize, next: i64, until: i64, on_notice: OnNotice<'_>) {
        let outlook = self.outlook(key, next, until);
        match outlook.change {
            Some((time, change)) => self.change(key, time, change, on_notice),
            None => self.wait_on(key, outlook, on_notice),
        }
    }

    /// What becomes of a key, if its host gets to that in the time from `next` to `until`. `next`
    /// is the first time at which anything can.
    fn outlook(&self, key: usize, next: i64, until: i64) -> Outlook {
        let state = &self.keys[key];
        let behind = state.behind_nanos;
        let (next, until) = (next.saturating_sub(behind), until.saturating_sub(behind));
        let mut outlook = match &state.episode {
            Some(_) => self.closing(key, next, until),
            None => self.opening(key, next, until),
        };
        outlook.next = outlook.next.map(|next| next.saturating_add(behind));
        outlook
    }

    /// [`Timeline::outlook`] of an open finding, by its key's own clock.
    fn closing(&self, key: usize, next: i64, until: i64) -> Outlook {
        let state = &self.keys[key];
        let close = &self.rules.rules()[state.rule].close;
        let changes = &self.plans[state.rule].close_changes;
        let view = self.view(key);
        let mut next = Some(next);
        while let Some(time) = next.filter(|time| *time <= until) {
            if view.holds(close, time, Unknown::Holds) {
                return Outlook { change: Some((time, Change::Closes)), since: None, next: None };
            }
            next = changes.next(&view, time);
        }
        Outlook { change: None, since: None, next }
    }

    /// [`Timeline::outlook`] of a key without a finding, by its own clock.
    fn opening(&self, key: usize, next: i64, until: i64) -> Outlook {
        let state = &self.keys[key];
        let plan = &self.plans[state.rule];
        let open = &self.rules.rules()[state.rule].open;
        let view = self.view(key);
        let mut since = state.pending.as_ref().map(|pending| pending.since);
        let mut next = Some(next);
        while let Some(time) = next.filter(|time| *time <= until) {
            if !view.holds(open, time, Unknown::Fails) {
                since = None;
            } else if since.is_none() && plan.needs_no_hit() {
                since = Some(time);
            }
            if let Some(since) = since {
                let opens = since.saturating_add(plan.hold_nanos.unwrap_or(0));
                if opens <= time {
                    let change = Some((opens, Change::Opens { since }));
                    return Outlook { change, since: None, next: None };
                }
            }
            next = self.next_look(key, &view, since, time);
        }
        Outlook { change: None, since, next }
    }

    /// When to look next at a key without a finding whose open condition holds since some time or
    /// does not.
    fn next_look(&self, key: usize, view: &View<'_>, since: Option<i64>, after: i64) -> Option<i64> {
        let plan = &self.plans[self.keys[key].rule];
        let opens = since.map(|since| since.saturating_add(plan.hold_nanos.unwrap_or(0)));
        let may_change = since.is_some() || plan.needs_no_hit();
        let change = if may_change { plan.open_changes.next(view, after) } else { None };
        opens.filter(|opens| *opens > after).into_iter().chain(change).min()
    }

    fn change(&mut self, key: usize, time: i64, change: Change, on_notice: OnNotice<'_>) {
        match change {
            Change::Closes => self.close(key, time, on_notice),
            Change::Opens { since } => {
                let pending = self.keys[key].pending.take().filter(|pending| pending.since == since);
                if let Some(episode) = pending.or_else(|| self.begin_without_hit(key, since)) {
                    self.open(key, episode, on_notice);
                }
            }
        }
    }

    /// Nothing came of a look at a key but when to look again, and since when its open condition
    /// holds.
    fn wait_on(&mut self, key: usize, outlook: Outlook, on_notice: OnNotice<'_>) {
        let state = &self.keys[key];
        if state.pending.as_ref().map(|pending| pending.since) != outlook.since {
            let time = state.window.latest();
            self.give_up(key, time, on_notice);
            self.keys[key].pending = outlook.since.and_then(|since| self.begin_without_hit(key, since));
        }
        let host = self.keys[key].host;
        self.watches[host].due.set(key, outlook.next);
        self.follow(key);
    }

    /// The open condition does not hold any more, or did not when a live stream was told so.
    pub(super) fn give_up(&mut self, key: usize, time: i64, on_notice: OnNotice<'_>) {
        self.keys[key].pending = None;
        self.take_back(key, time, on_notice);
    }

    /// What a live stream was told had opened by `time` has not.
    fn take_back(&mut self, key: usize, time: i64, on_notice: OnNotice<'_>) {
        if let Some(episode) = self.keys[key].announced.take() {
            // Closed before it opened: there was nothing.
            let time = time.min(episode.opened.saturating_sub(1));
            self.report_episode(key, &episode, Transition::Close, time, on_notice);
        }
    }

    /// Puts a key down for the next time at which it may change, after a hit.
    pub(super) fn schedule(&mut self, key: usize) {
        let next = match &self.keys[key].episode {
            Some(_) => self.first_departure(key),
            None if self.plans[self.keys[key].rule].opens_between_hits() => {
                let state = &self.keys[key];
                let since = state.pending.as_ref().map(|pending| pending.since);
                let next = self.next_look(key, &self.view(key), since, state.window.latest());
                next.map(|next| next.saturating_add(state.behind_nanos))
            }
            None => return,
        };
        self.put_down(key, next);
    }

    fn put_down(&mut self, key: usize, next: Option<i64>) {
        let watch = &mut self.watches[self.keys[key].host];
        watch.due.set(key, next);
        if self.is_live {
            watch.unannounced.set(key, next);
        }
        self.follow(key);
    }

    /// The first time of its host at which an open finding may close without another hit.
    pub(super) fn first_departure(&self, key: usize) -> Option<i64> {
        let state = &self.keys[key];
        let episode = state.episode.as_deref()?;
        let after = state.window.latest().max(episode.opened);
        let next = self.plans[state.rule].close_changes.next(&self.view(key), after);
        // What opened long after its last hit may find nothing that is still to change.
        let next = next.or_else(|| (episode.hits > 0).then_some(episode.opened))?;
        Some(next.saturating_add(state.behind_nanos))
    }

    /// When an open finding would close without another hit, by its key's own clock.
    pub(super) fn closes_at(&self, key: usize) -> Option<i64> {
        let next = self.first_departure(key)?;
        self.outlook(key, next, i64::MAX).change.map(|(time, _)| time)
    }

    /// Opens a finding.
    pub(super) fn open(&mut self, key: usize, episode: Box<super::Episode>, on_notice: OnNotice<'_>) {
        let state = &mut self.keys[key];
        state.sighted = super::Sighted::Ignored;
        state.pending = None;
        let opened = episode.opened;
        // What ends an absence is what comes after it.
        if episode.hits == 0 {
            state.window.clear();
        }
        state.episode = Some(episode);
        // A gap that was told late moves what was announced.
        let was_announced = state.announced.take_if(|announced| announced.opened == opened).is_some();
        self.take_back(key, opened, on_notice);
        self.schedule(key);
        if !was_announced {
            self.report(key, Transition::Open, opened, on_notice);
        }
    }

    pub(super) fn close(&mut self, key: usize, time: i64, on_notice: OnNotice<'_>) {
        self.put_down(key, None);
        if self.keys[key].episode.as_ref().is_none_or(|episode| episode.close_announced.is_none()) {
            self.report(key, Transition::Close, time, on_notice);
        }
        self.keep(key, time);
        let state = &mut self.keys[key];
        state.episode = None;
        state.last_hit = None;
        state.window.clear();
        self.follow(key);
    }

    /// Tells a live stream of openings and closings that its newest line implies. The state stays
    /// as it is: a line that comes late may still change it, and what is final must not depend on
    /// how the stream was cut.
    pub(super) fn announce(&mut self, times: LineTimes, host: usize, on_notice: OnNotice<'_>) {
        let Some(time) = self.placement.place_again(Some(host), times) else { return };
        if self.placement.hosts[host].progress.is_ahead(time) {
            return;
        }
        let until = time.saturating_sub(DISORDER_NANOS);
        let mut due = Vec::new();
        let mut later = Vec::new();
        while let Some((next, key)) = self.watches[host].unannounced.pop(until) {
            // Where no finding is open, what comes next depends on all that is not yet settled.
            let settled = self.watches[host].due.time_of(key).filter(|_| self.keys[key].episode.is_none());
            let outlook = self.outlook(key, settled.map_or(next, |settled| settled.min(next)), until);
            match outlook.change {
                Some((time, change)) => due.push((time, key, change)),
                None => later.push((key, outlook.next)),
            }
        }
        for (key, next) in later {
            self.watches[host].unannounced.set(key, next);
        }
        due.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| self.order(left.1, right.1)));
        for (time, key, change) in due {
            match change {
                Change::Closes => {
                    self.report(key, Transition::Close, time, on_notice);
                    if let Some(episode) = self.keys[key].episode.as_deref_mut() {
                        episode.close_announced = Some(time);
                    }
                }
                Change::Opens { since } if self.keys[key].announced.is_none() => {
                    let pending = self.keys[key].pending.clone().filter(|pending| pending.since == since);
                    if let Some(episode) = pending.or_else(|| self.begin_without_hit(key, since)) {
                        self.report_episode(key, &episode, Transition::Open, time, on_notice);
                        self.keys[key].announced = Some(episode);
                    }
                }
                Change::Opens { .. } => {}
            }
        }
    }

    /// Passes a hit on to the rules whose conditions look at it.
    pub(super) fn tell_askers(&mut self, key: usize, time: i64, repeats: u32, on_notice: OnNotice<'_>) {
        for index in 0..self.keys[key].asked_by.len() {
            let track = self.keys[key].asked_by[index];
            let mut followers: Vec<usize> = self.tracks.all[track].followers.iter().copied().collect();
            followers.sort_by(|left, right| self.order(*left, *right));
            for follower in &followers {
                self.settle(*follower, time, on_notice);
            }
            let reached = self.placement.hosts[self.keys[key].host].progress.latest();
            self.tracks.all[track].add(time, repeats, reached);
            for follower in followers {
                self.judge_again(follower, time, on_notice);
            }
        }
    }

    /// Judges a key after a line of another rule.
    fn judge_again(&mut self, key: usize, time: i64, on_notice: OnNotice<'_>) {
        let state = &self.keys[key];
        let now = time.max(state.window.latest());
        let Some(episode) = state.episode.as_deref() else {
            let now = now.saturating_add(state.behind_nanos);
            self.look(key, now, now, on_notice);
            let next = self.watches[self.keys[key].host].due.time_of(key);
            self.put_down(key, next);
            return;
        };
        let now = now.max(episode.opened);
        let view = self.view(key);
        if view.holds(&self.rules.rules()[state.rule].close, now, Unknown::Fails) {
            self.close(key, now, on_notice);
            return;
        }
        let next = self.plans[state.rule].close_changes.next(&view, now);
        let next = next.map(|next| next.saturating_add(state.behind_nanos));
        // What was due before is still to be looked at.
        let due = self.watches[state.host].due.time_of(key);
        if episode.close_announced.is_some() {
            let until = now.saturating_add(state.behind_nanos);
            if due.is_some_and(|due| self.outlook(key, due, until).change.is_some()) {
                return;
            }
            if let Some(episode) = self.keys[key].episode.as_deref_mut() {
                episode.close_announced = None;
            }
            self.report(key, Transition::Open, now, on_notice);
        }
        self.put_down(key, due.into_iter().chain(next).min());
    }

    /// Lets the lines of other rules come to a key while they may change anything for it.
    fn follow(&mut self, key: usize) {
        let state = &self.keys[key];
        let plan = &self.plans[state.rule];
        let may_change = match state.episode {
            Some(_) => plan.close_changes.looks_at_others(),
            None => {
                plan.open_changes.looks_at_others() && (state.pending.is_some() || state.last_hit.is_some())
            }
        };
        for track in &state.companions {
            let followers = &mut self.tracks.all[*track].followers;
            if may_change && followers.len() < MAX_FOLLOWERS {
                followers.insert(key);
            } else if !may_change {
                followers.remove(&key);
            }
        }
    }
}
