//! A move of a lead, and what every move means: the end of an episode, its label, its rest, its status.
//!
//! Holds: no lead moves but by the table; an episode that ends is told to the desk and remembered once.
//!
//! Absent on purpose: what pulls a trigger.

use baton_domain::{Body, CauseClass, Label, Millis, Points, Released, RouteInput, Stage, Status, Verdict};

use crate::State;
use crate::decide::Turn;
use crate::episode::Recycled;
use crate::lifecycle::{Answer, Trigger, answer, is_open};
use crate::line::Stood;
use crate::raise::Raises;
use crate::state::Considered;

/// A move from stage to stage.
pub(crate) struct Move {
    pub(crate) from: Stage,
    pub(crate) to: Stage,
    pub(crate) cause: String,
    pub(crate) episode: i32,
    pub(crate) status: Option<Status>,
    pub(crate) check_in: Option<Millis>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) duplicate_of: Option<String>,
    /// How long the lead was where it comes from; nothing is known of one seen for the first time.
    pub(crate) lasted_ms: Option<i64>,
}

/// What is known of a move beside its stages.
#[derive(Default)]
pub(crate) struct Told {
    /// The status to enter with; what the stage allows decides.
    pub(crate) status: Option<Status>,
    pub(crate) reason: Option<String>,
    pub(crate) check_in: Option<Millis>,
    pub(crate) label: Option<Label>,
    pub(crate) class: Option<CauseClass>,
    /// How much of the points earned so far is left.
    pub(crate) keep_percent: Option<i64>,
    pub(crate) duplicate_of: Option<String>,
}

/// `h_<lead>_<episode>`: the same on every replay.
pub(crate) fn handoff_id(lead_id: &str, episode: i32) -> String {
    format!("h_{lead_id}_{episode}")
}

impl Turn<'_> {
    /// Begins an episode.
    pub(crate) fn begin(&mut self, trigger: Trigger, cause: &str, status: Option<Status>) {
        self.state.episode = self.state.episode.saturating_add(1);
        self.state.last_owner = self.state.owner.take().or_else(|| self.state.last_owner.take());
        (self.state.touches, self.state.first_touch, self.state.gives_up_at) = (0, None, None);
        // A rep who takes a lead begins when the rep says so, however late the CRM tells of it.
        let pulled = trigger == Trigger::Accepted;
        self.state.word_from = if pulled { self.event.occurred_at.min(self.now) } else { self.now };
        self.state.handed_under = self.policy.version;
        self.state.status = None;
        self.moves_by(trigger, cause, Told { status, ..Told::default() });
        (self.state.considered, self.state.confirmed) = (None, false);
    }

    /// Moves the lead if the table lets the trigger do so. Whether it did.
    pub(crate) fn moves_by(&mut self, trigger: Trigger, cause: &str, told: Told) -> bool {
        let answer = answer(self.state.stage, trigger, self.state.base());
        if let Answer::Move(to) = answer {
            self.go(to, cause.to_owned(), told);
        }
        matches!(answer, Answer::Move(_))
    }

    /// Moves the lead, and takes care of what every move means: the end of an episode, its rest, its status.
    pub(crate) fn go(&mut self, to: Stage, cause: String, told: Told) {
        let from = self.state.stage;
        if from == to {
            return;
        }
        let verdict = self.verdict(from, to, &cause, &told);
        if is_open(from) && !is_open(to) {
            self.close(to, &cause, told.reason);
            self.speak();
        }
        if to == Stage::Suppressed {
            self.state.raises = Raises::default();
        }
        self.state.check_in = None;
        if !matches!(to, Stage::Mql | Stage::Sal) {
            self.state.gives_up_at = None;
        }
        if is_open(to) {
            self.state.recycled = None;
        }
        if to == Stage::Recycled {
            self.state.check_in = told.check_in;
        }
        if is_open(from) && to == Stage::Recycled {
            let (at, below) = (self.now, self.rearm_at());
            self.state.recycled = Some(Recycled { at, code: cause.clone(), below, armed: false });
            self.state.damp(self.event.occurred_at, told.keep_percent.unwrap_or(100));
        }
        if to == Stage::Suppressed {
            self.state.silenced_in = from;
        }
        self.state.left.take_if(|left| match to {
            Stage::Disqualified => false,
            // No word of the person takes back a purchase.
            Stage::Suppressed => left.stage != Stage::Customer,
            _ => true,
        });
        // A customer whose warmth sales knows is handed off by a step up only.
        if to == Stage::Customer {
            self.state.considered = Some(Considered { under: self.policy.version, stood: Stood::Over });
        }
        let lasted = self.now.since(self.state.entered_at);
        (self.state.stage, self.state.entered_at) = (to, self.now);
        // A word of sales is no news of the lead, which would wait for some.
        let free = matches!(self.event.body, Body::Crm(_)) && !is_open(to) && to != Stage::Disqualified;
        let asked = free && self.state.raises.waiting(self.now).is_some();
        self.state.answers_at = asked.then(|| self.now.plus(1));
        self.state.enter(told.status);
        self.note(from, cause, verdict, told.duplicate_of, lasted);
    }

    /// Sales has spoken of the open episode: what happened before was part of it. A verdict dated before its own
    /// handoff, as by a CRM that knows days alone, lets nothing older speak. Who asked for sales after the verdict,
    /// though that is told only now, has asked again.
    fn speak(&mut self) {
        let began = self.state.word_from;
        let said = if self.event.occurred_at < began { self.now } else { self.event.occurred_at.min(self.now) };
        self.state.word_from = self.event.occurred_at.max(began).min(self.now);
        self.state.raises = std::mem::take(&mut self.state.raises).since(said).heard_after(began);
    }

    /// Sales says of a lead that it has, and that stays where it is, that it is as good as expected.
    pub(crate) fn confirm(&mut self, cause: String, told: &Told) {
        let stage = self.state.stage;
        let verdict = self.verdict(stage, stage, &cause, told);
        self.state.enter(told.status);
        self.note(stage, cause, verdict, None, self.now.since(self.state.entered_at));
    }

    /// Notes a move to the stage in which the lead is now.
    fn note(
        &mut self,
        from: Stage,
        cause: String,
        verdict: Option<Verdict>,
        duplicate_of: Option<String>,
        lasted_ms: i64,
    ) {
        self.state.confirmed |= verdict.as_ref().is_some_and(|verdict| verdict.label == Label::Qualified);
        let State { stage: to, episode, status, check_in, .. } = self.state;
        let lasted_ms = Some(lasted_ms);
        self.moves.push(Move { from, to, cause, episode, status, check_in, verdict, duplicate_of, lasted_ms });
    }

    /// What sales made of the episode, on a move that says so.
    fn verdict(&self, from: Stage, to: Stage, cause: &str, told: &Told) -> Option<Verdict> {
        let ends = is_open(from) && !is_open(to);
        let label = told.label.filter(|_| is_open(from)).or(ends.then_some(Label::Rejected))?;
        let converts = matches!(label, Label::Qualified | Label::Won);
        let class = told.class.unwrap_or(if converts { CauseClass::Unknown } else { CauseClass::Lead });
        Some(Verdict {
            label,
            class,
            code: cause.to_owned(),
            reason: told.reason.clone(),
            owner: self.state.owner.clone(),
            handoff_policy_version: self.state.handed_under,
        })
    }

    /// The open episode ends: the desk is told, and the lead remembers how.
    fn close(&mut self, to: Stage, cause: &str, reason: Option<String>) {
        self.state.remember(to, cause, reason, self.now);
        self.request = Some(RouteInput::Released(Released {
            lead_id: self.event.lead_id.clone(),
            handoff_id: handoff_id(&self.event.lead_id, self.state.episode),
            episode: self.state.episode,
            reroute: false,
            cause: cause.to_owned(),
            event_id: self.event.event_id.clone(),
        }));
    }

    /// The share of the band's least in which the last episode opened; of band 3's for a cold lead.
    fn rearm_at(&self) -> Points {
        let place = usize::try_from(self.state.opened_in.0.clamp(1, 3) - 1).unwrap_or_default();
        let least = self.policy.engagement.bands[place];
        Points(least.0.saturating_mul(self.policy.decision.rearm_percent) / 100)
    }
}
