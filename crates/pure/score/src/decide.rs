//! Applies one event to a lead, and says whether sales should take over now.
//!
//! Holds: a handoff opens only at an event that brought news, never because
//! time passed or a policy changed; both standings that are compared are taken
//! at the same instant, so decay cannot look like a crossing.
//!
//! Absent on purpose: outputs. The same function answers "what if this input
//! had not come" for the trigger set.

use baton_domain::{
    Activity, Body, Consent, ConsentState, CrmActivity, CrmKind, LeadEvent, Linked, Millis, Points, ReasonKind, Stage,
};
use baton_policy::{FactRule, Policy};

use crate::State;
use crate::criteria::kept_by;
use crate::lifecycle::{Asked, asked};
use crate::marks::{Mark, content_of, reached};
use crate::reckon::{Standing, standing};
use crate::state::{Permission, Raise, Recycled};

/// For how long of log time a request for sales waits for the lead to become known or to be let in.
/// Later it is no longer an answer that the person expects.
const RAISE_WAITS_MS: i64 = 7 * Millis::DAY;
/// Channels of consent kept besides `all`.
const CHANNELS: usize = 32;

/// A lead after an event.
pub(crate) struct Advanced {
    pub(crate) state: State,
    pub(crate) moves: Vec<Move>,
    /// Sales asked for a move that is not allowed.
    pub(crate) refused: bool,
    /// The mandatory question that kept an episode from opening.
    pub(crate) kept_by: Option<String>,
    pub(crate) opened: Option<Opening>,
}

/// A move from stage to stage.
pub(crate) struct Move {
    pub(crate) from: Stage,
    pub(crate) to: Stage,
    pub(crate) cause: String,
    pub(crate) episode: i32,
}

/// Why an episode opened, and how urgent it is.
pub(crate) struct Opening {
    pub(crate) lane: String,
    /// The request for sales behind it; `None` when the matrix decided.
    pub(crate) raise: Option<Raise>,
}

impl Opening {
    pub(crate) fn reason(&self) -> ReasonKind {
        if self.raise.is_some() { ReasonKind::HandRaise } else { ReasonKind::Matrix }
    }
}

/// The lead after `event`, heard at `now`.
pub(crate) fn advance(policy: &Policy, state: State, now: Millis, event: &LeadEvent) -> Advanced {
    let before = standing(policy, &state, now);
    let was_kept = kept_by(policy, &state, now).is_some();
    let mut turn = Turn { policy, now, event, state, moves: Vec::new(), refused: false, was_kept, kept_by: None };
    // Between events engagement only falls, so just before an event it is at its lowest.
    if let Some(recycled) = &mut turn.state.recycled {
        recycled.armed |= before.engagement <= recycled.below;
    }
    turn.take();
    turn.settle();
    let opened = turn.open(&before);
    Advanced { state: turn.state, moves: turn.moves, refused: turn.refused, kept_by: turn.kept_by, opened }
}

struct Turn<'a> {
    policy: &'a Policy,
    now: Millis,
    event: &'a LeadEvent,
    state: State,
    moves: Vec<Move>,
    refused: bool,
    /// Before the event, a mandatory question was answered no.
    was_kept: bool,
    kept_by: Option<String>,
}

impl Turn<'_> {
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
                };
                self.state.marks.insert(rule, mark, self.now);
            }
            let asks = rule.hand_raise && (!spans || reached(rule, self.state.marks.of(&rule.id), &event.event_id));
            let waits =
                matches!(self.state.stage, Stage::Visitor | Stage::Identified | Stage::Recycled | Stage::Disqualified);
            if asks && waits {
                self.state.raise = Some(Raise {
                    event_id: event.event_id.clone(),
                    name: activity.name.clone(),
                    occurred_at: event.occurred_at,
                    heard_at: self.now,
                });
            }
        }
        self.state.marks.shrink(policy, self.now);
    }

    fn sales(&mut self, crm: &CrmActivity) {
        match asked(self.state.stage, crm) {
            Asked::Refused => self.refused = true,
            Asked::Move(Stage::Suppressed, cause) => {
                let denied =
                    Consent { channel: "all".to_owned(), state: ConsentState::Denied, source: "crm".to_owned() };
                self.consent(&denied, Some(cause));
            }
            Asked::Move(to, cause) => self.go(to, cause),
            // Sales agreed with the rule: a new fact alone lets the lead in no more.
            Asked::Nothing if crm.kind == CrmKind::Disposition && self.state.stage == Stage::Disqualified => {
                self.state.ruled_out_by = None;
            }
            Asked::Nothing => {}
        }
    }

    fn consent(&mut self, consent: &Consent, cause: Option<String>) {
        let told = Permission { since: self.event.occurred_at, state: consent.state };
        if consent.state == ConsentState::Erased {
            self.go(Stage::Suppressed, "erased".to_owned());
            let State { stage, episode, opened_in, .. } = self.state;
            self.state = State { stage, episode, opened_in, ..State::default() };
            self.state.consent.insert("all".to_owned(), told);
            return;
        }
        // The later word holds, by the person's time; of two at once, the stricter. Only a new
        // permission ends an erasure.
        let held = self.state.consent.get(&consent.channel);
        let room = consent.channel == "all" || held.is_some() || self.state.consent.len() < CHANNELS;
        let erased = self.state.erased() && (consent.state == ConsentState::Denied || consent.channel != "all");
        if !room || erased || held.is_some_and(|held| *held > told) {
            return;
        }
        self.state.consent.insert(consent.channel.clone(), told);
        if consent.channel != "all" {
            return;
        }
        if consent.state == ConsentState::Denied {
            self.go(Stage::Suppressed, cause.unwrap_or_else(|| "consent_denied".to_owned()));
        } else if self.state.stage == Stage::Suppressed {
            // Permission to write takes back no verdict and no purchase.
            let to = match self.state.silenced_in {
                stage @ (Stage::Disqualified | Stage::Customer) => stage,
                _ => self.state.base(),
            };
            self.go(to, "consent_granted".to_owned());
        }
    }

    /// The moves that follow from what is known.
    fn settle(&mut self) {
        let known = |name: &str| self.state.facts.get(&self.policy.fit, name, self.now).map(|known| &known.value);
        let broken = |rule: &&FactRule| rule.test.holds(known(&rule.fact));
        let broken = self.policy.fit.disqualify.iter().find(broken).map(|rule| rule.id.clone());
        let learned = matches!(self.event.body, Body::Facts(_));
        match (self.state.stage, broken) {
            (Stage::Visitor | Stage::Identified | Stage::Mql | Stage::Recycled, Some(rule)) => {
                self.state.ruled_out_by = Some(rule.clone());
                self.go(Stage::Disqualified, rule);
            }
            // What sales ruled out, only sales can let in again.
            (Stage::Disqualified, None) if learned && self.state.ruled_out_by.is_some() => {
                self.state.ruled_out_by = None;
                self.go(self.state.base(), "cleared".to_owned());
            }
            _ => {}
        }
        if self.state.stage == Stage::Visitor {
            self.go(self.state.base(), "identified".to_owned());
        }
    }

    /// Opens an episode when the lead asked for sales, or the matrix says so and did not before.
    fn open(&mut self, before: &Standing) -> Option<Opening> {
        let after = standing(self.policy, &self.state, self.now);
        let news = self.news(before, &after);
        let free = matches!(self.state.stage, Stage::Identified | Stage::Recycled);
        let (raise, matrix) = (self.granted(&after, news), self.crossed(before, &after, news));
        let in_play = free && self.in_play();
        self.state.considered = in_play && (news || self.state.considered);
        let opening = raise.or(matrix).filter(|_| free)?;
        self.kept_by = kept_by(self.policy, &self.state, self.now);
        if self.kept_by.is_some() {
            // When the answer changes, the matrix looks at the lead anew.
            self.state.considered = false;
            return None;
        }
        self.state.episode = self.state.episode.saturating_add(1);
        self.state.opened_in = after.band;
        self.go(Stage::Mql, if opening.raise.is_some() { "hand_raise" } else { "matrix" }.to_owned());
        self.state.recycled = None;
        self.state.considered = false;
        Some(opening)
    }

    /// Whether the event made the lead better, better known, or free again, or turned a no of a mandatory question.
    fn news(&self, before: &Standing, after: &Standing) -> bool {
        let tells = matches!(self.event.body, Body::Activity(_) | Body::Facts(_) | Body::Linked(_));
        let better = after.engagement > before.engagement || after.fit > before.fit || after.grade != before.grade;
        let cleared = || self.was_kept && kept_by(self.policy, &self.state, self.now).is_none();
        tells && (better || !self.moves.is_empty() || cleared())
    }

    /// The handoff that a request for sales asks for: this event, or one that waited for this news.
    fn granted(&self, after: &Standing, news: bool) -> Option<Opening> {
        let raise = self.state.raise.as_ref()?;
        let due = raise.event_id == self.event.event_id || (news && self.now.since(raise.heard_at) <= RAISE_WAITS_MS);
        let lane = self.policy.decision.hand_raise.get(&after.grade).filter(|_| due)?;
        Some(Opening { lane: lane.clone(), raise: Some(raise.clone()) })
    }

    /// The handoff that the matrix asks for: on a step up, or at the first news of a lead that came (back) into play.
    fn crossed(&self, before: &Standing, after: &Standing, news: bool) -> Option<Opening> {
        let lane = after.lane(self.policy)?;
        let risen = before.lane(self.policy).is_none() || after.band < before.band || !self.state.considered;
        (news && risen && self.in_play()).then(|| Opening { lane: lane.clone(), raise: None })
    }

    /// Whether the matrix may hand the lead off, as far as earlier episodes go.
    fn in_play(&self) -> bool {
        let rested =
            |recycled: Recycled| recycled.armed && self.now.since(recycled.at) >= self.policy.decision.cool_down_ms;
        self.state.recycled.is_none_or(rested)
    }

    fn go(&mut self, to: Stage, cause: String) {
        let from = self.state.stage;
        if from == to {
            return;
        }
        match to {
            Stage::Visitor | Stage::Identified | Stage::Disqualified => {}
            Stage::Mql | Stage::Sal | Stage::Sql | Stage::Opportunity | Stage::Customer | Stage::Suppressed => {
                self.state.raise = None;
            }
            Stage::Recycled => {
                self.state.recycled = Some(Recycled { at: self.now, below: self.rearm_at(), armed: false });
            }
        }
        if to == Stage::Suppressed {
            self.state.silenced_in = from;
        }
        self.state.stage = to;
        self.moves.push(Move { from, to, cause, episode: self.state.episode });
    }

    /// The share of the band's least in which the last episode opened; of band 3's for a cold lead.
    fn rearm_at(&self) -> Points {
        let place = usize::try_from(self.state.opened_in.0.clamp(1, 3) - 1).unwrap_or_default();
        let least = self.policy.engagement.bands[place];
        Points(least.0.saturating_mul(self.policy.decision.rearm_percent) / 100)
    }
}

fn identifies(linked: &Linked) -> bool {
    matches!(linked.kind.as_str(), "email" | "user" | "crm")
}
