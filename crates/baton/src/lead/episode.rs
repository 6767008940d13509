//! One handoff of a lead: why, the questions of whoever takes over, and whether it was taken back.

use baton_domain::{
    Assignment, Clock, HandoffRevised, History, PastEpisode, Qualified, Qualifying, ReasonKind, Revision, SlaEvent,
};
use baton_scenario::Seen;
use serde::Serialize;

use super::person::Person;
use super::words::{contact, did, heard_from, known, looks_at, why};
use super::{day_time, of_topic, time};
use crate::summary::mask;

/// One handoff: why, and the questions of whoever takes over.
#[expect(clippy::struct_field_names, reason = "the names are those of the topic")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Episode {
    pub(super) episode: i32,
    pub(super) at: String,
    pub(super) lane: String,
    pub(super) reason: String,
    pub(super) cell: String,
    pub(super) score: String,
    /// Where the handoff was taken back: when, and why.
    pub(super) withdrawn: Option<Withdrawn>,
    /// How it changed lanes while it waited, oldest first.
    pub(super) lanes: Vec<Laned>,
    /// Why are they suddenly ready: actions or facts?
    pub(super) why_now: Vec<String>,
    /// As they were known then.
    #[serde(flatten)]
    pub(super) person: Person,
    /// What happened before? Earlier episodes, newest first.
    pub(super) before: Vec<String>,
}

/// The end of a handoff whose grounds never were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Withdrawn {
    pub(super) at: String,
    /// The event that it rested on.
    pub(super) event_id: String,
    /// Why that one was taken back.
    pub(super) reason: String,
}

/// A change of lanes while the lead waited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Laned {
    pub(super) at: String,
    /// Into which; nothing where no promise of it tells.
    pub(super) lane: Option<String>,
    /// It asked for sales; or it did not after all.
    pub(super) up: bool,
}

/// Every handoff of the lead, oldest first.
pub(super) fn episodes(records: &[Seen]) -> Vec<Episode> {
    let ready: Vec<Qualified> = of_topic(records, |topic| topic == "lead.qualified");
    let revised: Vec<HandoffRevised> = of_topic(records, |topic| topic == "handoff.revised");
    let withdrawn = |episode: i32| {
        let taken = revised.iter().find(|other| other.episode == episode && other.kind == Revision::Withdrawn)?;
        let (at, event_id) = (time(taken.stamp.at), taken.retracted.clone());
        Some(Withdrawn { at, event_id, reason: taken.reason.as_str().to_owned() })
    };
    let told = |ready: &Qualified| {
        let number = ready.decision.episode;
        Episode { lanes: lanes(records, number), ..episode(ready, withdrawn(number)) }
    };
    ready.iter().map(told).collect()
}

/// How an episode changed lanes while the lead waited.
fn lanes(records: &[Seen], episode: i32) -> Vec<Laned> {
    let assignments: Vec<Assignment> = of_topic(records, |topic| topic == "lead.assignment");
    let started: Vec<SlaEvent> = of_topic(records, |topic| topic == "sla.started");
    let laned = |told: &Assignment| {
        let up = match told.cause.as_str() {
            "hand_raise" => true,
            // The whole handoff may be taken back too.
            "retracted" if !told.why.starts_with("withdrawn") => false,
            _ => return None,
        };
        // The queue's promise, or that of who got the lead at once, begins anew with it.
        let anew = |event: &&SlaEvent| event.stamp.at == told.stamp.at && event.clock != Clock::StageAge;
        let lane = started.iter().find(anew).map(|event| event.lane.clone());
        Some(Laned { at: time(told.stamp.at), lane, up })
    };
    assignments.iter().filter(|told| told.episode == episode).filter_map(laned).collect()
}

fn episode(ready: &Qualified, withdrawn: Option<Withdrawn>) -> Episode {
    let decision: &Qualifying = &ready.decision;
    let first = (decision.first_source.clone(), decision.first_campaign.clone());
    let last = (decision.last_source.clone(), decision.last_campaign.clone());
    Episode {
        episode: decision.episode,
        at: time(ready.stamp.at),
        lane: decision.lane.clone(),
        reason: match decision.reason {
            ReasonKind::HandRaise => "asked for sales".to_owned(),
            ReasonKind::Matrix => "fit and engagement crossed the line".to_owned(),
            ReasonKind::CheckIn => "the check-in that sales asked for is due".to_owned(),
            ReasonKind::Policy => "a change of policy moved the line below them".to_owned(),
        },
        cell: decision.cell.clone(),
        score: decision.score.to_string(),
        withdrawn,
        lanes: Vec::new(),
        why_now: decision.trigger_set.iter().map(why).collect(),
        person: Person {
            last_doing: decision.recent.iter().map(did).collect(),
            heard_about_us: heard_from(&first, &last),
            interested_in: decision.topics.iter().map(looks_at).collect(),
            who: decision.facts.iter().map(known).collect(),
            missing: decision.missing_facts.clone(),
            contact: decision.consent.iter().map(contact).collect(),
        },
        before: before(&decision.history),
    }
}

fn before(history: &History) -> Vec<String> {
    let ended = |past: &PastEpisode| {
        let reason = past.reason.as_ref().map(|reason| format!(", {}", mask(reason))).unwrap_or_default();
        let owner = past.owner.as_ref().map(|owner| format!(", {owner} had it")).unwrap_or_default();
        format!(
            "episode {} ended in {} at {}: {}{reason}{owner}",
            past.episode,
            past.stage,
            day_time(past.ended_at),
            past.code
        )
    };
    let asked = history.next_check_in.map(|at| format!("sales asked to see them again at {}", day_time(at)));
    history.past.iter().map(ended).chain(asked).collect()
}
