//! What happens to which request, and how one learns that it did.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::frame::{Api, Frame};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The client's connection is closed at once; the broker gets the request this much later.
    DeliverLate(Duration),
    /// The client's connection is closed at once; the broker gets the request when the ticket says so.
    DeliverWhenTold,
    /// The broker gets it this much later; the connection stays, and what follows waits behind it.
    Hold(Duration),
    /// The client's connection is closed; the broker never gets it.
    LoseRequest,
    /// The broker gets it; the client's connection is closed when the reply comes.
    LoseReply,
    /// The broker gets it; the reply is swallowed, and with it all that follows. Nothing is closed.
    SwallowReply,
    /// The client gets the reply this much later.
    HoldReply(Duration),
}

/// Catches requests. Rules are asked in the order they were added; the first that fits acts.
#[derive(Clone, Debug)]
pub struct Rule {
    api: Option<Api>,
    who: String,
    after: usize,
    times: usize,
    every: usize,
    act: Act,
}

impl Rule {
    /// The next request of this kind.
    pub fn on(api: Api, act: Act) -> Self {
        Self { api: Some(api), who: String::new(), after: 0, times: 1, every: 1, act }
    }

    /// The next request of any kind.
    pub fn any(act: Act) -> Self {
        Self { api: None, who: String::new(), after: 0, times: 1, every: 1, act }
    }

    /// Only requests in whose head these bytes stand: a client id, a transactional id, a group.
    #[must_use]
    pub fn of(self, who: &str) -> Self {
        Self { who: who.to_owned(), ..self }
    }

    /// Lets so many pass first.
    #[must_use]
    pub fn after(self, passed: usize) -> Self {
        Self { after: passed, ..self }
    }

    /// Catches so many, then is spent.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Catches each so manieth only.
    #[must_use]
    pub fn every(self, every: usize) -> Self {
        Self { every, ..self }
    }
}

/// Tells how far a rule has come.
#[derive(Clone, Debug)]
pub struct Ticket(Arc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    now: Mutex<Now>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Now {
    caught: usize,
    done: usize,
    told: usize,
    replies: Vec<Vec<u8>>,
}

impl Ticket {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests caught so far.
    pub fn caught(&self) -> usize {
        self.now().caught
    }

    /// Caught requests of which nothing more will come: answered, lost, or their connection ended.
    pub fn done(&self) -> usize {
        self.now().done
    }

    /// The broker's replies to caught requests, from the correlation id on, the client told or not.
    pub fn replies(&self) -> Vec<Vec<u8>> {
        self.now().replies.clone()
    }

    /// Lets one request go that waits to be told, or the next that will.
    pub fn tell(&self) {
        self.change(|now| now.told += 1);
    }

    /// Waits until so many were caught; `false` when the time is up first.
    pub fn await_caught(&self, count: usize, within: Duration) -> bool {
        self.wait(within, |now| now.caught >= count)
    }

    /// Waits until so many are done; `false` when the time is up first.
    pub fn await_done(&self, count: usize, within: Duration) -> bool {
        self.wait(within, |now| now.done >= count)
    }

    fn wait(&self, within: Duration, is_there: impl Fn(&Now) -> bool) -> bool {
        let deadline = Instant::now() + within;
        let mut now = self.now();
        while !is_there(&now) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            now =
                self.0.changed.wait_timeout(now, left).map_or_else(|poisoned| poisoned.into_inner().0, |(now, _)| now);
        }
        true
    }

    fn change(&self, change: impl FnOnce(&mut Now)) {
        change(&mut self.now());
        self.0.changed.notify_all();
    }
}

/// A request that a rule caught. Done when dropped, whatever became of it.
pub(crate) struct Caught {
    pub(crate) act: Act,
    ticket: Ticket,
}

impl Caught {
    /// Waits for the word to go; `false` when none comes.
    pub(crate) fn await_word(&self, within: Duration) -> bool {
        let is_told = self.ticket.wait(within, |now| now.told > 0);
        self.ticket.change(|now| now.told = now.told.saturating_sub(1));
        is_told
    }

    pub(crate) fn answered(&self, reply: &Frame) {
        self.ticket.change(|now| now.replies.push(reply.0[4..].to_vec()));
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        self.ticket.change(|now| now.done += 1);
    }
}

/// All rules of a proxy.
#[derive(Default)]
pub(crate) struct Rules(Mutex<Vec<(Rule, Ticket)>>);

impl Rules {
    fn all(&self) -> MutexGuard<'_, Vec<(Rule, Ticket)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, rule: Rule) -> Ticket {
        let ticket = Ticket(Arc::default());
        self.all().push((rule, ticket.clone()));
        ticket
    }

    pub(crate) fn clear(&self) {
        self.all().clear();
    }

    /// The rule that catches this request, if any; counts it.
    pub(crate) fn catch(&self, request: &Frame) -> Option<Caught> {
        let mut all = self.all();
        all.retain(|(rule, _)| rule.times > 0);
        for (rule, ticket) in all.iter_mut() {
            if rule.api.is_some_and(|api| api != request.api()) || !request.names(&rule.who) {
                continue;
            }
            if rule.after > 0 {
                rule.after -= 1;
                continue;
            }
            rule.times -= 1;
            rule.after = rule.every.saturating_sub(1);
            ticket.change(|now| now.caught += 1);
            return Some(Caught { act: rule.act, ticket: ticket.clone() });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(api: i16, who: &str) -> Frame {
        let mut bytes = vec![0, 0, 0, 0];
        bytes.extend(api.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 7]);
        bytes.extend(who.as_bytes());
        Frame(bytes)
    }

    #[test]
    fn a_rule_lets_some_pass_catches_some_and_is_spent() {
        let rules = Rules::default();
        let ticket = rules.add(Rule::on(Api::END_TXN, Act::LoseReply).of("me").after(1).times(2));
        let caught = |frame: &Frame| rules.catch(frame).is_some();
        assert!(!caught(&request(0, "me")), "another kind");
        assert!(!caught(&request(26, "you")), "another client");
        assert!(!caught(&request(26, "me")), "the first passes");
        assert!(caught(&request(26, "me")) && caught(&request(26, "me")));
        assert!(!caught(&request(26, "me")), "spent");
        assert_eq!((ticket.caught(), ticket.done()), (2, 2));
    }

    #[test]
    fn a_rule_can_catch_each_third() {
        let rules = Rules::default();
        rules.add(Rule::any(Act::LoseReply).times(2).every(3));
        let caught: Vec<_> = (0..8).map(|_| rules.catch(&request(3, "")).is_some()).collect();
        assert_eq!(caught, [true, false, false, true, false, false, false, false]);
    }

    #[test]
    fn of_two_rules_the_first_added_acts_first() {
        let rules = Rules::default();
        rules.add(Rule::any(Act::LoseRequest));
        rules.add(Rule::any(Act::LoseReply));
        let acts: Vec<_> = (0..3).map(|_| rules.catch(&request(3, "")).map(|caught| caught.act)).collect();
        assert_eq!(acts, [Some(Act::LoseRequest), Some(Act::LoseReply), None]);
    }
}
