//! What a message says that takes an earlier event back.
//!
//! Holds: the event is named by the id under which its source sent it; a reason is one of the closed list.
//!
//! Absent on purpose: the ids of a person are not needed, because the event names its lead. Where they
//! are given they help to find the lead of an event that is no longer remembered.

use baton_domain::{Body, Millis, RawEvent, Retraction, RetractionReason};

use crate::date::{Dates, When};
use crate::message::Message;
use crate::{Rejected, sales};

/// Who took it back, where the message does not say.
const UNNAMED: &str = "source";

/// The event of a retraction.
pub(crate) fn event(mut message: Message<'_>, appended: Millis) -> Result<RawEvent, Rejected> {
    let event_id = core::mem::take(&mut message.id).required("messageId")?;
    let dates = Dates {
        happened: core::mem::take(&mut message.timestamp),
        received: core::mem::take(&mut message.received_at),
        ..Dates::default()
    };
    let When { occurred_at, received_at } = dates.settle(appended)?;
    let taken = core::mem::take(&mut message.taken_back);
    let retraction = Retraction {
        event_id: taken.retracts.required("retracts")?,
        reason: reason(&taken.reason.required("reason")?)?,
        by: taken.by.text("by")?.unwrap_or_else(|| UNNAMED.to_owned()),
    };
    let mut fields = core::mem::take(&mut message.sales);
    let ids = sales::ids(message, &mut fields)?;
    Ok(RawEvent { event_id, ids, occurred_at, received_at, body: Body::Retracted(retraction) })
}

fn reason(given: &str) -> Result<RetractionReason, Rejected> {
    use RetractionReason::{Bot, Duplicate, Erasure, Fraud, Test};
    let known = [Bot, Duplicate, Fraud, Test, Erasure].into_iter().find(|reason| reason.as_str() == given);
    known.ok_or_else(|| Rejected::unknown("reason"))
}
