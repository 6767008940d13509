//! What sales and the legal desk send: CRM activities and consent.
//!
//! Holds: a word from a closed list is one of the list, or the event is refused by the field's name.
//! A touch that says neither how nor with what result still counts as an outbound attempt: to lose
//! it would be to report a broken promise that was kept.

use baton_domain::{
    Body, Consent, ConsentState, CrmActivity, CrmKind, Direction, Disposition, Ids, Millis, RawEvent, Touch,
    TouchOutcome,
};

use crate::Rejected;
use crate::date::{Dates, When, read_day};
use crate::json::Object;
use crate::message::{Message, Sales, Verdict};

/// The medium of a touch that names none.
const OTHER_MEDIUM: &str = "other";
/// Who recorded a consent that does not say.
const DEFAULT_RECORDER: &str = "web";

/// The event of a CRM activity. A lead's own id and an id in the CRM share one place.
pub(crate) fn crm(mut message: Message<'_>, appended: Millis) -> Result<RawEvent, Rejected> {
    let mut sales = core::mem::take(&mut message.sales);
    let event_id = core::mem::take(&mut sales.activity_id).required("activityId")?;
    let dates = Dates {
        happened: core::mem::take(&mut sales.occurred_at),
        received: core::mem::take(&mut message.received_at),
        ..Dates::default()
    };
    let When { occurred_at, received_at } = dates.settle(appended)?;
    let ids = ids(message, &mut sales)?;
    Ok(RawEvent { event_id, ids, occurred_at, received_at, body: Body::Crm(activity(sales)?) })
}

/// The event of a consent given or taken back.
pub(crate) fn consent(mut message: Message<'_>, appended: Millis) -> Result<RawEvent, Rejected> {
    let event_id = core::mem::take(&mut message.id).required("messageId")?;
    let dates = Dates {
        happened: core::mem::take(&mut message.timestamp),
        received: core::mem::take(&mut message.received_at),
        ..Dates::default()
    };
    let When { occurred_at, received_at } = dates.settle(appended)?;
    let consent = Consent {
        channel: core::mem::take(&mut message.channel).required("channel")?,
        state: match core::mem::take(&mut message.state).required("state")?.as_str() {
            "granted" => ConsentState::Granted,
            "denied" => ConsentState::Denied,
            "erased" => ConsentState::Erased,
            _ => return Err(Rejected::unknown("state")),
        },
        source: core::mem::take(&mut message.source).text("source")?.unwrap_or_else(|| DEFAULT_RECORDER.to_owned()),
        explicit: core::mem::take(&mut message.explicit).flag("explicit")?,
    };
    let mut sales = core::mem::take(&mut message.sales);
    let ids = ids(message, &mut sales)?;
    Ok(RawEvent { event_id, ids, occurred_at, received_at, body: Body::Consent(consent) })
}

pub(crate) fn ids(message: Message<'_>, sales: &mut Sales<'_>) -> Result<Ids, Rejected> {
    let lead_id = core::mem::take(&mut sales.lead_id).text("leadId")?;
    let crm_id = core::mem::take(&mut sales.crm_id).text("crmId")?;
    Ok(Ids {
        crm_id: lead_id.or(crm_id),
        user_id: message.user_id.text("userId")?,
        email: message.email.text("email")?,
        anonymous_id: message.anonymous_id.text("anonymousId")?,
        previous_id: None,
    })
}

fn activity(sales: Sales<'_>) -> Result<CrmActivity, Rejected> {
    let mut activity = CrmActivity { actor: sales.actor.text("actor")?, ..CrmActivity::default() };
    match sales.kind.required("kind")?.as_str() {
        "touch" => {
            activity.touch = Some(Touch {
                medium: medium(sales.medium.text("medium")?)?,
                direction: direction(sales.direction.text("direction")?.as_deref())?,
                outcome: outcome(sales.outcome.text("outcome")?.as_deref())?,
                automated: sales.automated.flag("automated")?,
            });
        }
        "status" => {
            activity.kind = CrmKind::Status;
            activity.status = Some(sales.status.required("status")?);
        }
        "owner" => {
            activity.kind = CrmKind::Owner;
            // Empty is handed back: nobody has the lead.
            activity.owner = sales.owner.ok_or_else(|| Rejected::missing("owner"))?.text("owner")?;
        }
        "accepted" => activity.kind = CrmKind::Accepted,
        "disposition" => {
            activity.kind = CrmKind::Disposition;
            activity.disposition = Some(disposition(sales.disposition.open("disposition")?)?);
        }
        "opportunity" => {
            activity.kind = CrmKind::Opportunity;
            let change = sales.opportunity.required("opportunity")?;
            if !["open", "won", "lost"].contains(&change.as_str()) {
                return Err(Rejected::unknown("opportunity"));
            }
            // A deal that is lost may say why, in the words of a verdict.
            activity.disposition = (change == "lost").then(|| reason(sales.disposition)).transpose()?.flatten();
            activity.opportunity = Some(change);
        }
        _ => return Err(Rejected::unknown("kind")),
    }
    Ok(activity)
}

fn medium(given: Option<String>) -> Result<String, Rejected> {
    match given {
        None => Ok(OTHER_MEDIUM.to_owned()),
        Some(medium) if ["call", "email", "meeting", "sms", "social", OTHER_MEDIUM].contains(&medium.as_str()) => {
            Ok(medium)
        }
        Some(_) => Err(Rejected::unknown("medium")),
    }
}

fn direction(given: Option<&str>) -> Result<Direction, Rejected> {
    match given {
        None | Some("outbound") => Ok(Direction::Outbound),
        Some("inbound") => Ok(Direction::Inbound),
        Some(_) => Err(Rejected::unknown("direction")),
    }
}

fn outcome(given: Option<&str>) -> Result<TouchOutcome, Rejected> {
    match given {
        None | Some("attempt") => Ok(TouchOutcome::Attempt),
        Some("connected") => Ok(TouchOutcome::Connected),
        Some("voicemail") => Ok(TouchOutcome::Voicemail),
        Some("bounced") => Ok(TouchOutcome::Bounced),
        Some("auto_reply") => Ok(TouchOutcome::AutoReply),
        Some(_) => Err(Rejected::unknown("outcome")),
    }
}

/// Why a deal was lost, where that is said.
fn reason(given: Object<Verdict<'_>>) -> Result<Option<Disposition>, Rejected> {
    if matches!(given, Object::Absent) { Ok(None) } else { disposition(given.open("disposition")?).map(Some) }
}

fn disposition(verdict: Verdict<'_>) -> Result<Disposition, Rejected> {
    Ok(Disposition {
        code: verdict.code.required("disposition.code")?,
        reason: verdict.reason.text("disposition.reason")?,
        next_check_in: read_day(&verdict.next_check_in, "disposition.nextCheckIn")?,
        duplicate_of: verdict.duplicate_of.text("disposition.duplicateOf")?,
    })
}
