//! What the CRM tells: acceptance, conversations, dispositions, deals, owners, statuses.
//!
//! Holds: a claim that the table does not allow changes nothing but is answered; what the policy
//! says of a code is all that is known of it.
//!
//! Absent on purpose: who has the lead. The scorer knows an owner only where the CRM named one.

use baton_domain::{
    Answered, Consent, ConsentState, CrmActivity, CrmKind, Direction, Disposition, Fact, FactValue, Label, OwnerChange,
    Released, RouteInput, Stage, Status, Touch, TouchOutcome,
};
use baton_policy::{Destination, Effect, RULED_OUT_AS};

use crate::decide::{Rejected, Turn};
use crate::episode::effect;
use crate::lifecycle::{Answer, Trigger, answer, is_open, status_of, statuses};
use crate::moves::{Told, handoff_id};

/// What a deal that came to nothing is called where the CRM gives no disposition.
const LOST: &str = "opportunity_lost";

impl Turn<'_> {
    /// Takes in what the CRM says.
    pub(crate) fn sales(&mut self, crm: &CrmActivity) {
        let open = is_open(self.state.stage);
        if self.is_of_an_earlier_episode(crm) {
            // A touch is no claim: it is not refused, and says nothing of this episode.
            if crm.kind != CrmKind::Touch {
                self.reject(said(crm), "earlier_episode");
            }
            return;
        }
        match crm.kind {
            CrmKind::Status => self.status(crm.status.as_deref().unwrap_or_default()),
            CrmKind::Owner => self.owner(crm),
            CrmKind::Accepted => self.accepted(crm),
            CrmKind::Touch => {
                if let Some(touch) = &crm.touch {
                    self.touched(touch);
                }
            }
            CrmKind::Disposition => match &crm.disposition {
                Some(disposition) => self.judged(disposition),
                None => self.reject("", "unknown_disposition"),
            },
            CrmKind::Opportunity => self.deal(crm),
        }
        let answer = self.policy.answer(crm).filter(|_| open && self.request.is_none());
        if let Some(answer) = answer {
            self.request = Some(RouteInput::Answered(Answered {
                lead_id: self.event.lead_id.clone(),
                handoff_id: handoff_id(&self.event.lead_id, self.state.episode),
                episode: self.state.episode,
                answer,
                actor: crm.actor.clone(),
                occurred_at: self.event.occurred_at,
                event_id: self.event.event_id.clone(),
                until: self.policy.puts_off(crm),
            }));
        }
    }

    /// Whether sales reached out, took over, judged or ended a deal before the open episode began, or took over
    /// before the last one ended: that was an earlier one's. That somebody must not be contacted holds whenever it
    /// was said.
    fn is_of_an_earlier_episode(&self, crm: &CrmActivity) -> bool {
        let ends_deal = matches!(crm.opportunity.as_deref(), Some("won" | "lost"));
        let claims = match crm.kind {
            CrmKind::Accepted | CrmKind::Disposition | CrmKind::Touch => true,
            CrmKind::Opportunity => ends_deal,
            CrmKind::Status | CrmKind::Owner => false,
        };
        let silences = self.policy.destination(crm) == Some(Destination::Suppressed);
        let again = is_open(self.state.stage) && self.state.episode > 1;
        let ended = self.state.stage == Stage::Recycled && crm.kind == CrmKind::Accepted;
        let (said, from) = (self.event.occurred_at, self.state.word_from);
        claims && !silences && (again && said < from || ended && said <= from)
    }

    /// Pulls a trigger. Whether the lead moved or was there already.
    fn pull(&mut self, trigger: Trigger, cause: &str, told: Told) -> bool {
        if answer(self.state.stage, trigger, self.state.base()) == Answer::Refused {
            self.reject(target(trigger, self.state.base()), trigger.as_str());
            return false;
        }
        self.moves_by(trigger, cause, told);
        true
    }

    fn accepted(&mut self, crm: &CrmActivity) {
        if self.state.stage == Stage::Recycled {
            // A rep takes the lead back without being asked: an episode of its own, without a handoff.
            self.begin(Trigger::Accepted, "pulled", None);
            self.owner(&CrmActivity { owner: crm.actor.clone(), ..crm.clone() });
            return;
        }
        if self.pull(Trigger::Accepted, "accepted", Told::default()) && self.state.owner.is_none() {
            self.state.owner.clone_from(&crm.actor);
        }
    }

    /// A touch is no claim about the stage: it moves a lead or it does not, but is never refused.
    fn touched(&mut self, touch: &Touch) {
        if touch.automated || !is_open(self.state.stage) {
            return;
        }
        let reached_out = touch.direction == Direction::Outbound;
        if reached_out {
            self.state.touches = self.state.touches.saturating_add(1);
            let at = self.event.occurred_at.max(self.state.word_from);
            if self.state.first_touch.is_none_or(|first| at < first) {
                self.state.first_touch = Some(at);
                let waits = matches!(self.state.stage, Stage::Mql | Stage::Sal);
                self.state.gives_up_at = self.policy.cadence_end(at).filter(|_| waits);
            }
        }
        if touch.outcome == TouchOutcome::Connected {
            let told = Told { status: Some(Status::Connected), ..Told::default() };
            if !self.moves_by(Trigger::Connected, "connected", told) && self.state.status == Some(Status::Attempted) {
                self.state.status = Some(Status::Connected);
            }
        } else if reached_out && matches!(self.state.status, Some(Status::New | Status::Open)) {
            self.state.status = Some(Status::Attempted);
        }
    }

    fn judged(&mut self, disposition: &Disposition) {
        let code = disposition.code.as_str();
        let Some(effect) = self.policy.lifecycle.dispositions.get(code).cloned() else {
            self.reject(code, "unknown_disposition");
            return;
        };
        match effect.to {
            // Said again it is still news: it outdates a permission given in between.
            Destination::Suppressed => self.silence(code, self.told(disposition, &effect, Label::Rejected)),
            Destination::Reroute => self.reroute(code),
            Destination::Qualified => {
                let told =
                    Told { status: Some(Status::InProgress), ..self.told(disposition, &effect, Label::Qualified) };
                if self.state.stage == Stage::Sql && !self.state.confirmed {
                    self.confirm(code.to_owned(), &told);
                } else {
                    self.pull(Trigger::Qualified, code, told);
                }
            }
            Destination::Recycled | Destination::Disqualified | Destination::Identified => {
                // Sales agreed with the rule: a new fact alone lets the lead in no more.
                if effect.to == Destination::Disqualified && self.state.stage == Stage::Disqualified {
                    (self.state.ruled_out_by, self.state.left) = (None, None);
                }
                let told = self.told(disposition, &effect, Label::Rejected);
                self.give_back(Trigger::of(effect.to), code, told, &effect);
            }
        }
    }

    /// Nobody is to write to the lead again.
    fn silence(&mut self, code: &str, told: Told) {
        let denied = Consent {
            channel: "all".to_owned(),
            state: ConsentState::Denied,
            source: "crm".to_owned(),
            explicit: true,
        };
        self.consent(&denied, Some((code.to_owned(), told)));
    }

    /// Sales is done with the lead, which is marked where the verdict says so.
    fn give_back(&mut self, trigger: Trigger, code: &str, told: Told, effect: &Effect) {
        if self.pull(trigger, code, told) && effect.mark && !self.state.erased() {
            let (name, value) = (RULED_OUT_AS.to_owned(), FactValue::Text(code.to_owned()));
            let fact = Fact { name, value, source: "crm".to_owned(), observed_at: None };
            self.state.learn(self.policy, &fact, self.event);
        }
    }

    fn told(&self, disposition: &Disposition, effect: &Effect, label: Label) -> Told {
        Told {
            reason: disposition.reason.clone(),
            check_in: effect.check_in(self.now, disposition.next_check_in),
            label: Some(label),
            class: (label != Label::Qualified).then(|| self.state.blame(effect.cause)),
            keep_percent: (effect.to == Destination::Recycled).then_some(effect.keep_percent),
            duplicate_of: disposition.duplicate_of.clone(),
            ..Told::default()
        }
    }

    /// To another desk, in the same episode.
    fn reroute(&mut self, cause: &str) {
        let told = Told { status: Some(Status::New), ..Told::default() };
        if self.pull(Trigger::Reroute, cause, told) {
            self.state.last_owner = self.state.owner.take().or_else(|| self.state.last_owner.take());
            self.state.status = Some(Status::New);
            self.request = Some(RouteInput::Released(Released {
                lead_id: self.event.lead_id.clone(),
                handoff_id: handoff_id(&self.event.lead_id, self.state.episode),
                episode: self.state.episode,
                reroute: true,
                cause: cause.to_owned(),
                event_id: self.event.event_id.clone(),
            }));
        }
    }

    fn deal(&mut self, crm: &CrmActivity) {
        match crm.opportunity.as_deref() {
            Some("open") => {
                let told = Told { status: Some(Status::OpenDeal), ..Told::default() };
                self.pull(Trigger::Opened, "opportunity_open", told);
            }
            Some("won") => {
                let told = Told { label: Some(Label::Won), ..Told::default() };
                self.pull(Trigger::Won, "opportunity_won", told);
            }
            Some("lost") => self.lost(crm),
            other => self.reject(other.unwrap_or_default(), "unknown_opportunity"),
        }
    }

    /// A deal that came to nothing goes back to marketing, unless its reason rules the lead out. Whatever else
    /// the CRM calls it is a reason in words: a code is one that the policy knows.
    fn lost(&mut self, crm: &CrmActivity) {
        let mut given = crm.disposition.clone().unwrap_or_default();
        let is_known = self.policy.lifecycle.dispositions.contains_key(&given.code);
        let code = if is_known { given.code.clone() } else { LOST.to_owned() };
        if !is_known && !given.code.is_empty() {
            given.reason = given.reason.or_else(|| Some(given.code.clone()));
        }
        let effect = effect(self.policy, &code);
        let told = self.told(&given, &effect, Label::Lost);
        if effect.to == Destination::Suppressed {
            self.silence(&code, told);
        } else if answer(self.state.stage, Trigger::Lost, self.state.base()) == Answer::Refused {
            self.reject(Stage::Recycled.as_str(), Trigger::Lost.as_str());
        } else if effect.to == Destination::Disqualified {
            self.give_back(Trigger::Disqualify, &code, told, &effect);
        } else {
            self.pull(Trigger::Lost, &code, told);
        }
    }

    /// The CRM names an owner, or takes the lead from the one it had.
    fn owner(&mut self, crm: &CrmActivity) {
        let changed = self.state.owner != crm.owner;
        if changed && self.state.owner.is_some() {
            self.state.last_owner = self.state.owner.take();
        }
        self.state.owner.clone_from(&crm.owner);
        if changed && self.state.stage == Stage::Sal && crm.owner.is_none() {
            self.pull(Trigger::Reroute, "handback", Told { status: Some(Status::New), ..Told::default() });
        } else if changed && matches!(self.state.stage, Stage::Mql | Stage::Sal) {
            let status = if crm.owner.is_some() { Status::Open } else { Status::New };
            self.state.status = Some(status);
        }
        let episode = self.state.episode;
        let id = if episode == 0 { String::new() } else { handoff_id(&self.event.lead_id, episode) };
        self.request = Some(RouteInput::Owner(OwnerChange {
            lead_id: self.event.lead_id.clone(),
            handoff_id: id,
            episode,
            owner: crm.owner.clone(),
            actor: crm.actor.clone(),
            event_id: self.event.event_id.clone(),
        }));
    }

    /// The CRM names a status.
    fn status(&mut self, word: &str) {
        match status_of(word) {
            None => self.reject(word, "unknown_status"),
            Some(status) if statuses(self.state.stage).contains(&status) => self.state.status = Some(status),
            Some(status) => self.reject(status.as_str(), "status_not_allowed"),
        }
    }

    pub(crate) fn reject(&mut self, attempted: &str, rule: &'static str) {
        self.rejected = Some(Rejected { attempted: attempted.to_owned(), rule });
    }
}

/// What a claim asks for, in its own words.
fn said(crm: &CrmActivity) -> &str {
    match (&crm.disposition, crm.opportunity.as_deref()) {
        (Some(disposition), _) if !disposition.code.is_empty() => &disposition.code,
        (_, Some("won")) => Stage::Customer.as_str(),
        (_, Some(_)) => Stage::Recycled.as_str(),
        _ => Stage::Sal.as_str(),
    }
}

/// The stage that a trigger asks for.
fn target(trigger: Trigger, base: Stage) -> &'static str {
    let reached = Stage::ALL.into_iter().find_map(|stage| match answer(stage, trigger, base) {
        Answer::Move(to) => Some(to),
        Answer::Stay | Answer::Refused => None,
    });
    reached.map_or("", Stage::as_str)
}
