//! A lead as it stands by the end of the log: the questions of whoever wants to know it, and what stands between it
//! and sales.
//!
//! Holds: it is worked out by the scorer's own step from the updates that are still on the log, under the policy that
//! judged the newest score; without that policy nothing is told.

use std::sync::Arc;

use baton_domain::{EngagementUpdate, LifecycleChanged, LogTime, Stage};
use baton_policy::{Policy, Rearm};
use baton_scenario::Seen;
use baton_score::{Picture, Rest, picture};
use serde::Serialize;

use super::person::Person;
use super::words::{contact, did, heard_from, known, looks_at};
use super::{AGGREGATE, day_time, of_topic, time};

/// A lead as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Today {
    /// When the last record about it was written.
    pub(super) at: String,
    /// What stands between it and sales, or that nothing does.
    pub(super) next: Vec<String>,
    #[serde(flatten)]
    pub(super) person: Person,
}

/// The lead as its records tell it.
pub(super) fn today(records: &[Seen], moves: &[LifecycleChanged], policy: &Policy) -> Option<Today> {
    let history: Vec<EngagementUpdate> = of_topic(records, |topic| topic == AGGREGATE);
    let at = LogTime(records.iter().filter_map(Seen::at).max()?);
    let picture = picture(&Arc::new(policy.clone()), &history, at)?;
    Some(Today {
        at: time(at),
        next: next(&picture, moves.last()),
        person: Person {
            last_doing: picture.recent.iter().map(did).collect(),
            heard_about_us: heard_from(&picture.first, &picture.last),
            interested_in: picture.topics.iter().map(looks_at).collect(),
            who: picture.facts.iter().map(known).collect(),
            missing: picture.missing_facts.clone(),
            contact: picture.consent.iter().map(contact).collect(),
        },
    })
}

/// What stands between the lead and sales, by where its last move brought it.
fn next(picture: &Picture, last: Option<&LifecycleChanged>) -> Vec<String> {
    let (stage, cause) = last.map_or((Stage::Visitor, ""), |last| (last.to, last.cause.as_str()));
    let request = match &picture.on_request {
        Some(lane) => format!("asking for sales hands them off in {lane}"),
        None => format!("asking for sales hands nobody of {} off", picture.cell),
    };
    match stage {
        Stage::Visitor => {
            vec!["nobody knows who they are: no address, user or CRM id, or nothing that they did".into()]
        }
        Stage::Identified => vec![by_points(picture), request],
        Stage::Recycled => by_rest(picture).into_iter().chain([request]).collect(),
        Stage::Mql | Stage::Sal | Stage::Sql | Stage::Opportunity => vec![format!("sales has them: {stage}")],
        Stage::Customer => vec!["they are a customer".into()],
        Stage::Disqualified => vec![format!("ruled out: {cause}")],
        Stage::Suppressed => vec![format!("they must not be contacted: {cause}")],
    }
}

fn by_points(picture: &Picture) -> String {
    let cell = &picture.cell;
    match (&picture.kept_by, picture.waits_until, &picture.lane) {
        (Some(question), ..) => format!("the answer to {question} keeps them with marketing"),
        (None, Some(until), _) => format!("over the line; handed off at {} if they still are", day_time(until)),
        (None, None, Some(lane)) => format!("{cell} hands off in {lane} at their next step up"),
        (None, None, None) => format!("{cell} hands nobody off by points"),
    }
}

/// What brings a lead back that sales gave back.
fn by_rest(picture: &Picture) -> Vec<String> {
    let mut said = match &picture.rest {
        None => vec![format!("given back, and in play again: {}", by_points(picture))],
        Some(Rest { code, rearm, until }) => vec![match rearm {
            Rearm::Cooled => {
                format!("given back ({code}); their points count again when they cooled, or from {}", day_time(*until))
            }
            Rearm::HighIntent => format!("given back ({code}); their points count again by late-stage content"),
            Rearm::HandRaise => format!("given back ({code}); no points bring them back"),
        }],
    };
    said.extend(picture.check_in.map(|at| format!("sales wants to see them again at {}", day_time(at))));
    said
}
