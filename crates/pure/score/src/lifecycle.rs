//! Which moves sales may make.
//!
//! Holds: one table, in one place; what it does not allow changes nothing and
//! is counted. Saying again what is already so is not a mistake.
//!
//! Absent on purpose: the moves that the scorer makes by itself (`decide`).

use baton_domain::{CrmActivity, CrmKind, Stage, Touch, TouchOutcome};

/// What a CRM activity asks of the lifecycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing, or what is already so.
    Nothing,
    /// To enter a stage, for a cause.
    Move(Stage, String),
    /// A move that the table does not allow.
    Refused,
}

/// Stages in which a desk may hold the lead.
const HANDED_OFF: [Stage; 3] = [Stage::Mql, Stage::Sal, Stage::Sql];

/// Stages in which sales may rule the lead out.
const BEFORE_CUSTOMER: [Stage; 7] =
    [Stage::Visitor, Stage::Identified, Stage::Mql, Stage::Sal, Stage::Sql, Stage::Opportunity, Stage::Recycled];

/// What `activity` asks of a lead in `stage`.
pub(crate) fn asked(stage: Stage, activity: &CrmActivity) -> Asked {
    match activity.kind {
        CrmKind::Status | CrmKind::Owner => Asked::Nothing,
        CrmKind::Accepted => enter(Stage::Sal, stage, &[Stage::Mql], "accepted"),
        CrmKind::Touch => {
            let spoke = |touch: &Touch| touch.outcome == TouchOutcome::Connected && !touch.automated;
            // A call is no claim about the stage: it moves a lead or it does not, but is never refused.
            match activity.touch.as_ref().filter(|touch| spoke(touch)) {
                Some(_) if matches!(stage, Stage::Mql | Stage::Sal) => Asked::Move(Stage::Sql, "connected".to_owned()),
                _ => Asked::Nothing,
            }
        }
        CrmKind::Disposition => {
            activity.disposition.as_ref().map_or(Asked::Refused, |disposition| judged(stage, &disposition.code))
        }
        CrmKind::Opportunity => match activity.opportunity.as_deref() {
            Some("open") => enter(Stage::Opportunity, stage, &HANDED_OFF, "opportunity_open"),
            Some("won") => enter(Stage::Customer, stage, &[Stage::Opportunity], "opportunity_won"),
            Some("lost") => enter(Stage::Recycled, stage, &[Stage::Opportunity], "opportunity_lost"),
            _ => Asked::Refused,
        },
    }
}

fn judged(stage: Stage, code: &str) -> Asked {
    match code {
        "qualified" => enter(Stage::Sql, stage, &[Stage::Mql, Stage::Sal], code),
        "not_now" | "bad_timing" | "no_response" | "budget" => enter(Stage::Recycled, stage, &HANDED_OFF, code),
        "not_a_fit" | "competitor" | "student" | "spam" | "not_icp" => {
            enter(Stage::Disqualified, stage, &BEFORE_CUSTOMER, code)
        }
        // Said again it is still news: it outdates a permission given in between.
        "never_contact" => Asked::Move(Stage::Suppressed, code.to_owned()),
        // Back to wait for another desk: the same episode.
        "wrong_owner" | "wrong_territory" => enter(Stage::Mql, stage, &[Stage::Sal], code),
        _ => Asked::Refused,
    }
}

fn enter(to: Stage, stage: Stage, from: &[Stage], cause: &str) -> Asked {
    if stage == to {
        Asked::Nothing
    } else if from.contains(&stage) {
        Asked::Move(to, cause.to_owned())
    } else {
        Asked::Refused
    }
}
