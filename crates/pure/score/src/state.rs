//! What the scorer remembers of a lead.
//!
//! Holds: plain data, bounded in every part; nothing in it is a decayed value,
//! so reading it twice or late gives the same answer.
//!
//! Absent on purpose: the lead's windows and sources, which come with every update.

use std::collections::BTreeMap;

use baton_domain::{
    Activity, Band, ChannelConsent, ConsentState, Fact, FactValue, KindCount, LeadEvent, Millis, Moment, PastEpisode,
    Stage, Status,
};
use baton_policy::Policy;
use serde::{Deserialize, Serialize};

use crate::cool::Warm;
use crate::episode::{Damp, Recycled};
use crate::facts::Facts;
use crate::hold::Waiting;
use crate::lifecycle::statuses;
use crate::line::Stood;
use crate::marks::Marks;
use crate::raise::Raises;
use crate::retract::Opened;
use crate::ruled::Left;

/// Moments kept for the rep to read.
pub(crate) const MOMENTS: usize = 20;
/// Moments kept beyond them, for when one is taken back.
const SPARE_MOMENTS: usize = 4;

/// One lead, as the scorer knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(crate) stage: Stage,
    /// Log time at which it came there.
    pub(crate) entered_at: Millis,
    /// Handoffs so far.
    pub(crate) episode: i32,
    /// An email, user or CRM id was linked.
    pub(crate) known: bool,
    /// The matrix has judged the lead since it came into play: from now on only a step up hands it off.
    pub(crate) considered: Option<Considered>,
    pub(crate) facts: Facts,
    pub(crate) marks: Marks,
    /// Newest first.
    pub(crate) recent: Vec<Seen>,
    /// By channel.
    pub(crate) consent: BTreeMap<String, Permission>,
    /// Requests for sales that could not be granted yet, and those of an open episode.
    pub(crate) raises: Raises,
    /// The band in which the last episode opened.
    pub(crate) opened_in: Band,
    /// Present from a recycle to the next episode.
    pub(crate) recycled: Option<Recycled>,
    /// The rule that ruled the lead out; absent when sales did.
    pub(crate) ruled_out_by: Option<String>,
    /// Present while the lead is warm: from an event that warmed it until it cooled.
    pub(crate) warm: Option<Warm>,
    /// Present while the lead is over the line and not handed off yet.
    pub(crate) waiting: Option<Waiting>,
    /// Present while an episode is open and no rep has accepted it.
    pub(crate) opened: Option<Box<Opened>>,
    /// The stage left when the lead was last suppressed.
    pub(crate) silenced_in: Stage,
    /// Where the work stands: one that the stage allows.
    pub(crate) status: Option<Status>,
    /// Whom the CRM named; of the open episode, or since.
    pub(crate) owner: Option<String>,
    /// Whom it named before.
    pub(crate) last_owner: Option<String>,
    /// How often a person reached out in the episode.
    pub(crate) touches: i32,
    /// When a person first did, by event time, though not before the episode began.
    pub(crate) first_touch: Option<Millis>,
    /// When the attempts end that began with it: worked out once, by the policy of the day.
    pub(crate) gives_up_at: Option<Millis>,
    /// Since when what sales says is about the lead as it is: since the last episode began, or ended.
    pub(crate) word_from: Millis,
    /// When sales wants to see a recycled lead again.
    pub(crate) check_in: Option<Millis>,
    /// Version of the policy under which the last episode began.
    pub(crate) handed_under: i64,
    /// How the episodes ended, newest first.
    pub(crate) past: Vec<PastEpisode>,
    /// What recycles took, by the time up to which, rising.
    pub(crate) damps: Vec<Damp>,
    /// What a handoff tells of the windows that come with every update.
    pub(crate) interest: Interest,
    /// Sales said in this episode that the lead is as good as expected.
    pub(crate) confirmed: bool,
    /// Where the lead had come from last when the last episode began.
    pub(crate) came_from: Option<String>,
    /// Late-stage content that the person looked at, newest first: when, and by which event.
    pub(crate) shown: Vec<(Millis, String)>,
    /// What a rule took the lead from that ruled it out.
    pub(crate) left: Option<Left>,
    /// When who asked for sales is answered without other news: at once, where a verdict let the request stand.
    pub(crate) answers_at: Option<Millis>,
}

/// What the matrix last said of a lead that it did not hand off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Considered {
    /// Version of the policy that judged.
    pub(crate) under: i64,
    /// Where the lead stood.
    pub(crate) stood: Stood,
}

/// What a handoff tells of the lead's windows, kept for one that time brings about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interest {
    pub(crate) topics: Vec<KindCount>,
    pub(crate) first_source: Option<String>,
    pub(crate) last_source: Option<String>,
    pub(crate) first_campaign: Option<String>,
    pub(crate) last_campaign: Option<String>,
}

/// A moment, with its event. Ordered by time, then event id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) event_id: String,
    pub(crate) moment: Moment,
}

/// What the lead last said about a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Permission {
    pub(crate) since: Millis,
    pub(crate) word: Word,
}

/// What the word was. The first three are written as the states of a consent were before an opt-in was told
/// from a default, so that rows of that time are still read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Word {
    /// Allowed, as a form has it by default.
    Granted,
    /// Forbidden.
    Denied,
    /// Forget the person.
    Erased,
    /// Allowed: the person chose so.
    OptedIn,
}

impl Permission {
    /// Whether it gives way to another word on its channel. A no holds until the person opts in later, whatever
    /// a form says by default; of two words at once, the no.
    pub(crate) fn yields(self, to: Self) -> bool {
        match (self.word, to.word) {
            (Word::Granted, Word::Granted) => to.since > self.since,
            (Word::Granted, _) => true,
            (_, Word::Granted) => false,
            (Word::OptedIn, Word::Denied) => to.since >= self.since,
            _ => to.since > self.since,
        }
    }
}

impl State {
    /// The stage of a lead that nobody works on and nothing speaks against.
    pub(crate) fn base(&self) -> Stage {
        let reachable = ["email", "phone"].iter().any(|name| self.facts.0.contains_key(*name));
        if (self.known || reachable) && !self.recent.is_empty() { Stage::Identified } else { Stage::Visitor }
    }

    /// Takes the wanted status, else keeps the one it has, as far as the stage allows them.
    pub(crate) fn enter(&mut self, wanted: Option<Status>) {
        let allowed = statuses(self.stage);
        let may = |status: &Status| allowed.contains(status);
        self.status = wanted.filter(may).or(self.status.filter(may)).or(allowed.first().copied());
    }

    /// Whether the person asked to be forgotten: nothing about them is kept until they opt in again.
    pub(crate) fn erased(&self) -> bool {
        self.consent.get("all").is_some_and(|permission| permission.word == Word::Erased)
    }

    /// What the lead did by an event, where it still shows it among the last.
    pub(crate) fn did(&self, event_id: &str) -> Option<&Moment> {
        self.recent.iter().find(|seen| seen.event_id == event_id).map(|seen| &seen.moment)
    }

    /// What the person last said of each channel, a no first.
    pub(crate) fn said_of_channels(&self) -> Vec<ChannelConsent> {
        let said = self.consent.iter().map(|(channel, Permission { since, word })| ChannelConsent {
            channel: channel.clone(),
            state: match word {
                Word::Granted | Word::OptedIn => ConsentState::Granted,
                Word::Denied => ConsentState::Denied,
                Word::Erased => ConsentState::Erased,
            },
            explicit: *word == Word::OptedIn,
            since: *since,
        });
        let (allowed, forbidden): (Vec<_>, Vec<_>) = said.partition(|said| said.state == ConsentState::Granted);
        forbidden.into_iter().chain(allowed).collect()
    }

    /// Takes in a fact; an empty text says nothing.
    pub(crate) fn learn(&mut self, policy: &Policy, fact: &Fact, event: &LeadEvent) {
        if matches!(&fact.value, FactValue::Text(text) if text.trim().is_empty()) {
            return;
        }
        self.facts.learn(policy, fact, event);
    }

    /// Notes what the person did among the last moments.
    pub(crate) fn note(&mut self, activity: &Activity, event: &LeadEvent) {
        let told = (event.occurred_at, &event.event_id);
        let place = self.recent.partition_point(|seen| (seen.moment.occurred_at, &seen.event_id) > told);
        if self.recent.get(place).is_some_and(|seen| (seen.moment.occurred_at, &seen.event_id) == told) {
            return;
        }
        let moment = moment_of(activity, event.occurred_at);
        self.recent.insert(place, Seen { event_id: event.event_id.clone(), moment });
        self.recent.truncate(MOMENTS + SPARE_MOMENTS);
    }
}

/// What a rep reads of an activity.
pub(crate) fn moment_of(activity: &Activity, occurred_at: Millis) -> Moment {
    let detail = activity.title.as_ref().or(activity.path.as_ref()).or(activity.content_id.as_ref());
    let detail = detail.or(activity.campaign.as_ref()).cloned();
    Moment { occurred_at, name: activity.name.clone(), detail }
}
