//! What time brings about by itself: the end of sales's attempts, the check-in date of a recycled lead, and the
//! answer to a request for sales that a verdict let stand.
//!
//! Holds: a date fires once; a lead that was moved in between is left alone.
//!
//! Absent on purpose: who is told of a date that nears (the watchdog).

use baton_domain::{Label, Millis, Status};

use crate::State;
use crate::decide::Turn;
use crate::episode::effect;
use crate::lifecycle::Trigger;
use crate::moves::Told;

/// What the policy calls the end of attempts of which none reached anybody.
const UNREACHED: &str = "no_response";

impl State {
    /// The next instant, after `now`, at which time alone moves the lead.
    pub(crate) fn due_at(&self, now: Millis) -> Option<Millis> {
        let due = self.check_in.into_iter().chain(self.gives_up_at).chain(self.answers_at).min();
        due.map(|at| at.max(now.plus(1)))
    }

    /// The request for sales that is answered by now without other news: its event, and when that was.
    pub(crate) fn answers(&self, now: Millis) -> Option<(String, Millis)> {
        self.answers_at.filter(|at| *at <= now)?;
        self.raises.waiting(now).map(|raise| (raise.event_id.clone(), raise.occurred_at))
    }
}

impl Turn<'_> {
    /// Does what is due.
    pub(crate) fn due(&mut self) {
        if self.state.gives_up_at.take_if(|at| *at <= self.now).is_some() {
            self.give_up();
            return;
        }
        self.state.answers_at.take_if(|at| *at <= self.now);
        self.checked_in = self.state.check_in.take_if(|at| *at <= self.now);
        if self.checked_in.is_some() {
            self.state.rearm();
        }
    }

    /// Every attempt is made and nobody was reached: back to marketing.
    fn give_up(&mut self) {
        if matches!(self.state.status, Some(Status::Connected | Status::InProgress)) {
            return;
        }
        let effect = effect(self.policy, UNREACHED);
        let told = Told {
            check_in: effect.check_in(self.now, None),
            label: Some(Label::Rejected),
            class: Some(self.state.blame(effect.cause)),
            keep_percent: Some(effect.keep_percent),
            ..Told::default()
        };
        self.moves_by(Trigger::Recycle, UNREACHED, told);
    }
}
