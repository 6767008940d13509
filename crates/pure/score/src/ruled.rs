//! Rules by which a lead never goes to sales: whom they rule out, and where it goes when they hold no more.
//!
//! Holds: being ruled out takes nothing for good. Whom a rule lets go is where it would be without it: at rest as sales
//! said, to be seen on the same date, a customer; what sales, the person and time did meanwhile counts. Bounded.
//!
//! Absent on purpose: whom sales ruled out. Only sales lets it in again.

use baton_domain::{Body, Millis, Stage};
use baton_policy::FactRule;
use serde::{Deserialize, Serialize};

use crate::State;
use crate::decide::Turn;
use crate::lifecycle::{Answer, Trigger, answer};
use crate::line::Stood;
use crate::moves::Told;
use crate::state::Considered;

/// Where a lead was that a rule ruled out: with marketing for a time, or a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Left {
    pub(crate) stage: Stage,
    /// When sales wants to see it again.
    pub(crate) check_in: Option<Millis>,
    /// A customer whose warmth sales knows, of whom only a step up is news.
    pub(crate) known: bool,
}

impl State {
    /// Where the lead was that nobody worked on it: who comes back from sales or a rule comes back there. Nothing of
    /// one who was merely known, or not even that.
    pub(crate) fn rested(&self) -> Option<Left> {
        let over = self.considered.as_ref().is_some_and(|judged| !judged.stood.is_below());
        match self.stage {
            stage @ (Stage::Recycled | Stage::Customer) => {
                Some(Left { stage, check_in: self.check_in, known: stage == Stage::Customer && over })
            }
            _ => self.left,
        }
    }
}

impl<'a> Turn<'a> {
    /// Whether it is such a rule, if any, that keeps the lead from sales.
    pub(crate) fn may_be_let_in(&self) -> bool {
        let ruled_out = self.state.stage == Stage::Disqualified && self.state.ruled_out_by.is_some();
        ruled_out || self.state.stage == Stage::Customer
    }

    /// The rule by which the lead never goes to sales, whatever its stage.
    pub(crate) fn rule_broken(&self) -> Option<&'a str> {
        let known = |name: &str| self.state.facts.get(&self.policy.fit, name, self.now).map(|known| &known.value);
        let broken = |rule: &&FactRule| rule.test.holds(known(&rule.fact));
        self.policy.fit.disqualify.iter().find(broken).map(|rule| rule.id.as_str())
    }

    /// A rule rules the lead out, which is no verdict of sales: should the rule not hold after all, the lead is where
    /// it was before its episode, with the rest that sales gave it, and who asked for sales waits for an answer.
    pub(crate) fn rule_out(&mut self, rule: &str) {
        if !matches!(answer(self.state.stage, Trigger::Ruled, self.state.base()), Answer::Move(_)) {
            return;
        }
        let opened = self.state.opened.take();
        let then = opened.as_ref().map_or(&self.state, |opened| &opened.before);
        let (left, word_from, recycled) = (then.rested(), then.word_from, then.recycled.clone());
        let raises = std::mem::take(&mut self.state.raises).since(word_from);
        self.moves_by(Trigger::Ruled, rule, Told::default());
        self.state.ruled_out_by = Some(rule.to_owned());
        (self.state.left, self.state.recycled) = (left, recycled);
        (self.state.raises, self.state.word_from) = (raises, word_from);
    }

    /// Lets back in whom a rule ruled out that no longer holds. Whom no fact let in, but another policy or time,
    /// was never judged by the matrix: its standing is taken for judged, or any page view would hand it off.
    pub(crate) fn clear(&mut self) {
        // Who says yes again comes back to where a no was said, and is let in from there.
        if self.state.stage == Stage::Suppressed {
            return;
        }
        let Some(rule) = self.state.ruled_out_by.take() else { return };
        let known = self.state.left.is_some_and(|left| left.known);
        let learned = self.freed || matches!(self.event.body, Body::Facts(_));
        if !self.go_back(learned) || (learned && known) {
            return;
        }
        let considered = || {
            // Where the policy dropped the rule, it is the policy that moved the lead.
            let dropped = !self.policy.fit.disqualify.iter().any(|kept| kept.id == rule);
            let under = self.policy.version.saturating_sub(i64::from(dropped));
            let stood = if dropped { Stood::Below } else { Stood::Over };
            Considered { under, stood }
        };
        self.state.considered = (!learned).then(considered);
    }

    /// Goes to where a rule took the lead from; whether it was there that the lead was. A check-in date that came
    /// meanwhile counts now, though it hands nobody off whom another policy let in, or time.
    fn go_back(&mut self, learned: bool) -> bool {
        let left = self.state.left;
        let to = left.map_or_else(|| self.state.base(), |left| left.stage);
        let Answer::Move(to) = answer(self.state.stage, Trigger::Cleared, to) else { return false };
        let check_in = left.and_then(|left| left.check_in);
        let came = check_in.filter(|date| *date <= self.now);
        self.go(to, "cleared".to_owned(), Told { check_in: check_in.filter(|_| came.is_none()), ..Told::default() });
        if came.is_some() {
            self.state.rearm();
            self.checked_in = came.filter(|_| learned);
        }
        true
    }
}
