//! Applies one event to a lead, and says whether sales should take over now.
//!
//! Holds: a handoff opens only at an event that brought news, never because
//! time passed or a policy changed; both standings that are compared are taken
//! at the same instant, so decay cannot look like a crossing.
//!
//! Absent on purpose: outputs. The same function answers "what if this input
//! had not come" for the trigger set.

use baton_domain::{
    Activity, Band, Body, Consent, ConsentState, History, LeadEvent, Linked, Millis, Points, ReasonKind, RouteInput,
    Stage, Status,
};
use baton_policy::Policy;

use crate::State;
use crate::criteria::kept_by;
use crate::hold::Waiting;
use crate::lifecycle::{Answer, Trigger, answer};
use crate::line::Stood;
use crate::marks::{Mark, content_of};
use crate::moves::{Move, Told};
use crate::raise::Raise;
use crate::reckon::{Standing, standing};
use crate::state::{Considered, Permission, Word};

/// Channels of consent kept besides `all`.
const CHANNELS: usize = 32;

/// A lead after an event.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of this event, and none excludes another")]
pub(crate) struct Advanced {
    pub(crate) state: State,
    pub(crate) moves: Vec<Move>,
    /// What sales asked for and may not have.
    pub(crate) rejected: Option<Rejected>,
    /// The mandatory question that kept an episode from opening.
    pub(crate) kept_by: Option<String>,
    pub(crate) opened: Option<Opening>,
    /// What the router is to hear, beside the opening.
    pub(crate) request: Option<RouteInput>,
    /// Where the lead stood just before.
    pub(crate) before: Standing,
    /// Where it stands now.
    pub(crate) after: Standing,
    /// The lead crossed the line and has to wait.
    pub(crate) began: bool,
    /// The open handoff was taken back.
    pub(crate) withdrawn: bool,
    /// The event took back one of which there was a trace.
    pub(crate) forgot: bool,
    /// The person asks for sales with it.
    pub(crate) asks: bool,
}

/// What sales asked for and may not have, and the rule that forbids it.
pub(crate) struct Rejected {
    pub(crate) attempted: String,
    pub(crate) rule: &'static str,
}

/// Why an episode opened, and how urgent it is.
pub(crate) struct Opening {
    pub(crate) lane: String,
    /// The request for sales behind it; `None` when the matrix or the calendar decided.
    pub(crate) raise: Option<Raise>,
    pub(crate) reason: ReasonKind,
    /// Somebody other than the last owner is to look first.
    pub(crate) review: bool,
    pub(crate) history: History,
    /// The wait that ended with it, where time alone opened it.
    pub(crate) waited: Option<Box<Waiting>>,
    /// The band in which it opened; a lead that waited keeps that in which it crossed the line.
    pub(crate) band: Band,
}

impl Opening {
    pub(crate) fn new(lane: String, raise: Option<Raise>, reason: ReasonKind, band: Band) -> Self {
        Self { lane, raise, reason, review: false, history: History::default(), waited: None, band }
    }
}

/// The lead after `event`, heard at `now`.
pub(crate) fn advance(policy: &Policy, mut state: State, now: Millis, event: &LeadEvent) -> Advanced {
    // Before the lead is looked at, so that the event is not taken for what rounding a sum anew does.
    state.settle(policy, now);
    let before = standing(policy, &state, now);
    let mut turn = Turn::new(policy, now, event, state);
    // Between events engagement only falls, so just before an event it is at its lowest.
    turn.state.arm(policy, now);
    turn.take();
    turn.settle();
    if let Body::Retracted(retraction) = &event.body {
        turn.withdraw(retraction);
    }
    let after = standing(policy, &turn.state, now);
    let opened = turn.open(&before, &after);
    let Turn { state, moves, rejected, request, kept_by, began, withdrawn, forgot, asks, .. } = turn;
    let after = if opened.is_some() { standing(policy, &state, now) } else { after };
    Advanced { state, moves, rejected, kept_by, opened, request, before, after, began, withdrawn, forgot, asks }
}

/// One event as it is applied.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of this event, and none excludes another")]
pub(crate) struct Turn<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) now: Millis,
    pub(crate) event: &'a LeadEvent,
    pub(crate) state: State,
    pub(crate) moves: Vec<Move>,
    pub(crate) rejected: Option<Rejected>,
    pub(crate) request: Option<RouteInput>,
    /// The check-in date that has come.
    pub(crate) checked_in: Option<Millis>,
    /// Before the event, a mandatory question was answered no.
    pub(crate) was_kept: bool,
    kept_by: Option<String>,
    /// A rule says that the lead never goes to sales.
    pub(crate) ruled_out: bool,
    pub(crate) began: bool,
    pub(crate) withdrawn: bool,
    forgot: bool,
    /// The person asks for sales, by itself or as the step that was missing.
    pub(crate) asks: bool,
    /// Of what was taken back: it had ruled the lead out, or had it wait, so that the matrix judges anew.
    pub(crate) freed: bool,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(policy: &'a Policy, now: Millis, event: &'a LeadEvent, state: State) -> Self {
        Self {
            policy,
            now,
            event,
            was_kept: kept_by(policy, &state, now).is_some(),
            state,
            moves: Vec::new(),
            rejected: None,
            request: None,
            checked_in: None,
            kept_by: None,
            ruled_out: false,
            began: false,
            withdrawn: false,
            forgot: false,
            asks: false,
            freed: false,
        }
    }

    fn take(&mut self) {
        let erased = self.state.erased();
        match &self.event.body {
            Body::Activity(activity) if !erased => self.activity(activity),
            Body::Facts(facts) if !erased => {
                for fact in facts {
                    self.state.learn(self.policy, fact, self.event);
                }
            }
            Body::Linked(linked) if !erased => self.state.known |= identifies(linked),
            Body::Crm(crm) => self.sales(crm),
            Body::Consent(consent) => self.consent(consent, None),
            Body::Tick(_) => self.due(),
            Body::Retracted(retraction) => {
                let waited = self.state.waiting.is_some();
                self.ruled_out = self.rule_broken().is_some();
                self.forgot = self.state.forget(self.policy, &retraction.event_id);
                self.freed = waited && self.state.waiting.is_none();
                // A verdict leaves a move, not a trace: whoever took it back is to know that it stands.
                if !self.forgot {
                    self.reject("retraction", "no_trace");
                }
            }
            _ => {}
        }
    }

    fn activity(&mut self, activity: &Activity) {
        let event = self.event;
        self.state.note(activity, event);
        let policy = &self.policy.engagement;
        let met = policy.by_name.get(&activity.name).into_iter().flatten();
        let met = met.filter_map(|place| policy.rules.get(*place)).filter(|rule| rule.when.matches(activity));
        for rule in met {
            let spans = rule.when.span_ms().is_some();
            if rule.points != Points::ZERO || spans || rule.asked_for {
                let mark = Mark {
                    occurred_at: event.occurred_at,
                    event_id: event.event_id.clone(),
                    points: rule.points,
                    content: content_of(activity),
                    steps: rule.when.steps(activity),
                    settled: false,
                };
                self.state.marks.insert(rule, mark, self.now);
            }
            if rule.hand_raise {
                self.ask(rule, activity);
            }
        }
        if activity.content_stage.as_deref() == Some("bofu") {
            self.state.show(event);
        }
    }

    /// Takes in a permission or its end; `verdict` is that of sales.
    pub(crate) fn consent(&mut self, consent: &Consent, verdict: Option<(String, Told)>) {
        let word = self.word(consent);
        let told = Permission { since: self.event.occurred_at, word };
        if consent.state == ConsentState::Erased {
            self.moves_by(Trigger::Suppress, "erased", Told::default());
            let State { stage, entered_at, episode, opened_in, .. } = self.state;
            self.state = State { stage, entered_at, episode, opened_in, ..State::default() };
            self.state.consent.insert("all".to_owned(), told);
            return;
        }
        let held = self.state.consent.get(&consent.channel).copied();
        let room = consent.channel == "all" || held.is_some() || self.state.consent.len() < CHANNELS;
        // Only an opt-in ends an erasure.
        let erased = self.state.erased() && (word == Word::Denied || consent.channel != "all");
        let forbidden = |held: Permission| matches!(held.word, Word::Denied | Word::Erased) && held.since < told.since;
        if word == Word::Granted && held.is_some_and(forbidden) {
            self.reject("granted", "not_opted_in");
        }
        if !room || erased || held.is_some_and(|held| !held.yields(told)) {
            let opted_in = held.is_some_and(|held| held.word == Word::OptedIn);
            if let Some((code, _)) = verdict.filter(|_| opted_in) {
                self.reject(&code, "opted_in_since");
            }
            return;
        }
        self.state.consent.insert(consent.channel.clone(), told);
        if consent.channel != "all" {
            return;
        }
        if word == Word::Denied {
            let (cause, told) = verdict.unwrap_or_else(|| ("consent_denied".to_owned(), Told::default()));
            self.moves_by(Trigger::Suppress, &cause, told);
        } else if word == Word::OptedIn && self.state.stage == Stage::Suppressed {
            // Permission to write takes back no verdict and no purchase.
            let to = match self.state.silenced_in {
                stage @ (Stage::Disqualified | Stage::Customer) => stage,
                _ => self.state.base(),
            };
            if let Answer::Move(to) = answer(self.state.stage, Trigger::Permit, to) {
                self.go(to, "consent_granted".to_owned(), Told::default());
            }
        }
    }

    /// What a consent says.
    fn word(&self, consent: &Consent) -> Word {
        match consent.state {
            ConsentState::Denied => Word::Denied,
            ConsentState::Erased => Word::Erased,
            ConsentState::Granted if self.policy.opts_in(consent) => Word::OptedIn,
            ConsentState::Granted => Word::Granted,
        }
    }

    /// The moves that follow from what is known.
    fn settle(&mut self) {
        let broken = self.rule_broken();
        self.freed |= self.ruled_out && broken.is_none() && self.may_be_let_in();
        self.ruled_out = broken.is_some();
        let heard =
            matches!(self.event.body, Body::Activity(_) | Body::Facts(_) | Body::Linked(_) | Body::Retracted(_));
        match broken {
            Some(rule) => self.rule_out(rule),
            // What sales ruled out, only sales can let in again.
            None if heard => self.clear(),
            _ => {}
        }
        if self.state.base() == Stage::Identified {
            self.moves_by(Trigger::Identified, "identified", Told::default());
        } else if self.state.stage == Stage::Identified {
            // What made it more than a visitor was taken back.
            self.go(Stage::Visitor, "retracted".to_owned(), Told::default());
        }
    }

    /// Opens an episode when the lead asked for sales, or the matrix says so and did not before.
    pub(crate) fn open(&mut self, before: &Standing, after: &Standing) -> Option<Opening> {
        let news = self.news(before, after);
        let free = match self.state.stage {
            Stage::Identified | Stage::Recycled => true,
            Stage::Customer => self.policy.lifecycle.expansion && !self.ruled_out,
            _ => false,
        };
        let (raise, crossed) = (self.granted(after, news), self.crossed(before, after, news));
        let in_play = free && self.state.in_play(self.policy, self.now);
        let changed = self.changed(before, after).filter(|_| in_play && news && !crossed && !self.forgot);
        if news && self.judges() {
            let stood = Stood::judged(self.policy, after, self.state.considered.take());
            self.state.considered = Some(Considered { under: self.policy.version, stood });
        }
        self.state.considered.take_if(|_| !in_play);
        let check_in = self.policy.lifecycle.check_in_lane.clone().filter(|_| self.checked_in.is_some());
        let check_in = check_in.map(|lane| Opening::new(lane, None, ReasonKind::CheckIn, after.band));
        if !free {
            self.state.waiting = None;
            return None;
        }
        let changed = changed.filter(|_| self.state.waiting.is_none());
        let mut opening = raise.or(check_in).or_else(|| self.waited(before, after, crossed)).or(changed)?;
        self.state.waiting = None;
        self.kept_by = kept_by(self.policy, &self.state, self.now);
        if self.kept_by.is_some() {
            // Whom a question keeps waits for another answer; another policy that asks no more is no news of the lead.
            self.state.considered = Some(Considered { under: self.policy.version, stood: Stood::Below });
            return None;
        }
        opening.review = self.state.goes_in_circles(self.policy, self.now);
        if opening.review && opening.raise.is_none() {
            opening.lane.clone_from(&self.policy.lifecycle.loop_guard.lane);
        }
        opening.history = self.state.history();
        opening.history.next_check_in = self.checked_in.or(self.state.check_in);
        let cause = match opening.reason {
            ReasonKind::HandRaise => "hand_raise",
            ReasonKind::Matrix => "matrix",
            ReasonKind::CheckIn => "check_in",
            ReasonKind::Policy => "policy",
        };
        let ready = if self.state.stage == Stage::Customer { Trigger::Expansion } else { Trigger::Ready };
        self.begin(ready, cause, Some(Status::New));
        self.state.opened_in = opening.band;
        Some(opening)
    }

    /// Whether the event made the lead better, better known, or free again, or turned a no of a mandatory question:
    /// by what it tells, or by what it takes back.
    fn news(&self, before: &Standing, after: &Standing) -> bool {
        let speaks = self.judges() || (self.forgot && !self.withdrawn);
        let better = after.betters(before) || !self.moves.is_empty();
        speaks && (better || self.freed || self.answered())
    }

    /// Whether the matrix judges the lead by the event. What is taken back is no news of the lead: it may take it
    /// over the line, but the first thing that it does in play is yet to come.
    fn judges(&self) -> bool {
        self.freed || matches!(self.event.body, Body::Activity(_) | Body::Facts(_) | Body::Linked(_))
    }

    /// Whether a mandatory question was answered no before the event, and none is now.
    pub(crate) fn answered(&self) -> bool {
        self.was_kept && kept_by(self.policy, &self.state, self.now).is_none()
    }

    /// The handoff of a lead that stands over the line, as it already did before the event, and that did not
    /// under the policy which last judged it. Whoever stood over that one's line as well was left with
    /// marketing for another reason.
    fn changed(&self, before: &Standing, after: &Standing) -> Option<Opening> {
        let judged = self.state.considered.as_ref()?;
        let over = |standing: &Standing| standing.lane(self.policy).is_some();
        let moved = judged.under < self.policy.version && judged.stood.is_below() && over(before) && over(after);
        let lane = self.policy.decision.on_change.clone().filter(|_| moved)?;
        Some(Opening::new(lane, None, ReasonKind::Policy, after.band))
    }

    /// Whether the matrix asks for a handoff, or for facts: on a step up, that over the line of an earlier policy
    /// included where the present one lies below it, or at the first news of a lead that came (back) into play.
    fn crossed(&self, before: &Standing, after: &Standing, news: bool) -> bool {
        let hands_off = |standing: &Standing| standing.lane(self.policy).is_some();
        let is_held = |standing: &Standing| standing.held(self.policy).is_some();
        let stood = if hands_off(after) { hands_off(before) } else { is_held(before) };
        let judged = self.state.considered.as_ref();
        let first = judged.is_none() && self.judges();
        let risen = after.band < before.band || judged.is_some_and(|judged| judged.stood.passes(before, after));
        let risen = risen || first || !stood || self.was_kept;
        news && risen && (hands_off(after) || is_held(after)) && self.state.in_play(self.policy, self.now)
    }
}

fn identifies(linked: &Linked) -> bool {
    matches!(linked.kind.as_str(), "email" | "user" | "crm")
}
