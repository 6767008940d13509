//! One JSON message: every field that any accepted shape has, not yet judged.
//!
//! One shape for all, so that a record is read once and its `type` may stand anywhere in it.
//!
//! Absent on purpose: fields that Baton does not read. They are passed over, not kept.

use serde::de::MapAccess;

use crate::json::{Object, Scalar, Shape, skip};
use crate::traits::Traits;

/// A message of any type.
#[derive(Debug, Default)]
pub(crate) struct Message<'a> {
    pub(crate) kind: Scalar<'a>,
    pub(crate) id: Scalar<'a>,
    pub(crate) anonymous_id: Scalar<'a>,
    pub(crate) user_id: Scalar<'a>,
    pub(crate) previous_id: Scalar<'a>,
    pub(crate) group_id: Scalar<'a>,
    pub(crate) email: Scalar<'a>,
    pub(crate) timestamp: Scalar<'a>,
    pub(crate) original_timestamp: Scalar<'a>,
    pub(crate) sent_at: Scalar<'a>,
    pub(crate) received_at: Scalar<'a>,
    pub(crate) event: Scalar<'a>,
    pub(crate) name: Scalar<'a>,
    pub(crate) properties: Object<Properties<'a>>,
    pub(crate) traits: Object<Traits>,
    pub(crate) context: Object<Context<'a>>,
    pub(crate) sales: Sales<'a>,
    pub(crate) taken_back: TakenBack<'a>,
    pub(crate) channel: Scalar<'a>,
    pub(crate) state: Scalar<'a>,
    pub(crate) explicit: Scalar<'a>,
    pub(crate) source: Scalar<'a>,
}

/// The fields of a retraction.
#[derive(Debug, Default)]
pub(crate) struct TakenBack<'a> {
    pub(crate) retracts: Scalar<'a>,
    pub(crate) reason: Scalar<'a>,
    pub(crate) by: Scalar<'a>,
}

/// The fields of a CRM activity.
#[derive(Debug, Default)]
pub(crate) struct Sales<'a> {
    pub(crate) activity_id: Scalar<'a>,
    pub(crate) lead_id: Scalar<'a>,
    pub(crate) crm_id: Scalar<'a>,
    pub(crate) kind: Scalar<'a>,
    pub(crate) occurred_at: Scalar<'a>,
    pub(crate) actor: Scalar<'a>,
    pub(crate) medium: Scalar<'a>,
    pub(crate) direction: Scalar<'a>,
    pub(crate) outcome: Scalar<'a>,
    pub(crate) automated: Scalar<'a>,
    pub(crate) status: Scalar<'a>,
    /// `null` says that nobody has the lead; left out it says nothing.
    pub(crate) owner: Option<Scalar<'a>>,
    pub(crate) disposition: Object<Verdict<'a>>,
    pub(crate) opportunity: Scalar<'a>,
}

impl<'de> Shape<'de> for Message<'de> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, from: &mut A) -> Result<(), A::Error> {
        match name {
            "type" => self.kind = from.next_value()?,
            "messageId" => self.id = from.next_value()?,
            "anonymousId" => self.anonymous_id = from.next_value()?,
            "userId" => self.user_id = from.next_value()?,
            "previousId" => self.previous_id = from.next_value()?,
            "groupId" => self.group_id = from.next_value()?,
            "email" => self.email = from.next_value()?,
            "timestamp" => self.timestamp = from.next_value()?,
            "originalTimestamp" => self.original_timestamp = from.next_value()?,
            "sentAt" => self.sent_at = from.next_value()?,
            "receivedAt" => self.received_at = from.next_value()?,
            "event" => self.event = from.next_value()?,
            "name" => self.name = from.next_value()?,
            "properties" => self.properties = from.next_value()?,
            "traits" => self.traits = from.next_value()?,
            "context" => self.context = from.next_value()?,
            "channel" => self.channel = from.next_value()?,
            "state" => self.state = from.next_value()?,
            "explicit" => self.explicit = from.next_value()?,
            "source" => self.source = from.next_value()?,
            "retracts" => self.taken_back.retracts = from.next_value()?,
            "reason" => self.taken_back.reason = from.next_value()?,
            "by" => self.taken_back.by = from.next_value()?,
            _ => self.sales.field(name, from)?,
        }
        Ok(())
    }
}

impl<'de> Shape<'de> for Sales<'de> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, from: &mut A) -> Result<(), A::Error> {
        match name {
            "activityId" => self.activity_id = from.next_value()?,
            "leadId" => self.lead_id = from.next_value()?,
            "crmId" => self.crm_id = from.next_value()?,
            "kind" => self.kind = from.next_value()?,
            "occurredAt" => self.occurred_at = from.next_value()?,
            "actor" => self.actor = from.next_value()?,
            "medium" => self.medium = from.next_value()?,
            "direction" => self.direction = from.next_value()?,
            "outcome" => self.outcome = from.next_value()?,
            "automated" => self.automated = from.next_value()?,
            "status" => self.status = from.next_value()?,
            "owner" => self.owner = Some(from.next_value()?),
            "disposition" => self.disposition = from.next_value()?,
            "opportunity" => self.opportunity = from.next_value()?,
            _ => skip(from)?,
        }
        Ok(())
    }
}

/// `properties` of a page, screen or track.
#[derive(Debug, Default)]
pub(crate) struct Properties<'a> {
    pub(crate) url: Scalar<'a>,
    pub(crate) path: Scalar<'a>,
    pub(crate) title: Scalar<'a>,
    pub(crate) referrer: Scalar<'a>,
    pub(crate) content_id: Scalar<'a>,
    pub(crate) content_stage: Scalar<'a>,
    pub(crate) topic: Scalar<'a>,
    pub(crate) form_id: Scalar<'a>,
    pub(crate) campaign: Scalar<'a>,
    pub(crate) email: Scalar<'a>,
}

impl<'de> Shape<'de> for Properties<'de> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, from: &mut A) -> Result<(), A::Error> {
        match name {
            "url" => self.url = from.next_value()?,
            "path" => self.path = from.next_value()?,
            "title" => self.title = from.next_value()?,
            "referrer" => self.referrer = from.next_value()?,
            "content_id" => self.content_id = from.next_value()?,
            "content_stage" => self.content_stage = from.next_value()?,
            "topic" => self.topic = from.next_value()?,
            "form_id" => self.form_id = from.next_value()?,
            "campaign" => self.campaign = from.next_value()?,
            "email" => self.email = from.next_value()?,
            _ => skip(from)?,
        }
        Ok(())
    }
}

/// `context`: what the SDK adds of itself.
#[derive(Debug, Default)]
pub(crate) struct Context<'a> {
    pub(crate) page: Object<Page<'a>>,
    pub(crate) campaign: Object<Campaign<'a>>,
    pub(crate) traits: Object<Traits>,
    pub(crate) source: Scalar<'a>,
    pub(crate) bot: Scalar<'a>,
}

impl<'de> Shape<'de> for Context<'de> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, from: &mut A) -> Result<(), A::Error> {
        match name {
            "page" => self.page = from.next_value()?,
            "campaign" => self.campaign = from.next_value()?,
            "traits" => self.traits = from.next_value()?,
            "source" => self.source = from.next_value()?,
            "bot" => self.bot = from.next_value()?,
            _ => skip(from)?,
        }
        Ok(())
    }
}

/// `context.page`.
#[derive(Debug, Default)]
pub(crate) struct Page<'a> {
    pub(crate) url: Scalar<'a>,
    pub(crate) path: Scalar<'a>,
    pub(crate) title: Scalar<'a>,
    pub(crate) referrer: Scalar<'a>,
}

impl<'de> Shape<'de> for Page<'de> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, from: &mut A) -> Result<(), A::Error> {
        match name {
            "url" => self.url = from.next_value()?,
            "path" => self.path = from.next_value()?,
            "title" => self.title = from.next_value()?,
            "referrer" => self.referrer = from.next_value()?,
            _ => skip(from)?,
        }
        Ok(())
    }
}

/// `context.campaign`: the `utm_` parameters.
#[derive(Debug, Default)]
pub(crate) struct Campaign<'a> {
    pub(crate) name: Scalar<'a>,
    pub(crate) source: Scalar<'a>,
    pub(crate) medium: Scalar<'a>,
}

impl<'de> Shape<'de> for Campaign<'de> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, from: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => self.name = from.next_value()?,
            "source" => self.source = from.next_value()?,
            "medium" => self.medium = from.next_value()?,
            _ => skip(from)?,
        }
        Ok(())
    }
}

/// `disposition` of a CRM activity.
#[derive(Debug, Default)]
pub(crate) struct Verdict<'a> {
    pub(crate) code: Scalar<'a>,
    pub(crate) reason: Scalar<'a>,
    pub(crate) next_check_in: Scalar<'a>,
    pub(crate) duplicate_of: Scalar<'a>,
}

impl<'de> Shape<'de> for Verdict<'de> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, from: &mut A) -> Result<(), A::Error> {
        match name {
            "code" => self.code = from.next_value()?,
            "reason" => self.reason = from.next_value()?,
            "nextCheckIn" => self.next_check_in = from.next_value()?,
            "duplicateOf" => self.duplicate_of = from.next_value()?,
            _ => skip(from)?,
        }
        Ok(())
    }
}
