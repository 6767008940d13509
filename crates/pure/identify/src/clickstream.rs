//! The six calls of the Segment spec: page, screen, track, identify, group, alias.
//!
//! Holds: a field that is read has its type, or the event is refused; fields that are not read are free.

use baton_domain::{Activity, Body, Fact, Ids, Millis, RawEvent};

use crate::Rejected;
use crate::date::{Dates, When};
use crate::json::Scalar;
use crate::limits::{self, clip};
use crate::message::{Context, Message, Page, Properties};
use crate::traits::Traits;
use crate::url;

/// The calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Page,
    Screen,
    Track,
    Identify,
    Group,
    Alias,
}

/// Everything of a message that Baton reads, opened.
struct Parts<'a> {
    properties: Properties<'a>,
    traits: Traits,
    context: Context<'a>,
    context_traits: Traits,
}

/// The event of one call.
pub(crate) fn event(call: Call, message: Message<'_>, appended: Millis) -> Result<RawEvent, Rejected> {
    let event_id = message.id.required("messageId")?;
    let dates = Dates {
        happened: message.timestamp,
        original: message.original_timestamp,
        sent: message.sent_at,
        received: message.received_at,
    };
    let When { occurred_at, received_at } = dates.settle(appended)?;
    let mut parts = Parts {
        properties: message.properties.open("properties")?,
        traits: message.traits.open("traits")?.within_limits("traits")?,
        context: message.context.open("context")?,
        context_traits: Traits::default(),
    };
    let context_traits = core::mem::take(&mut parts.context.traits);
    parts.context_traits = context_traits.open("context.traits")?.within_limits("context.traits")?;
    let ids = Ids {
        crm_id: None,
        user_id: message.user_id.text("userId")?,
        email: email(call, &mut parts)?,
        anonymous_id: message.anonymous_id.text("anonymousId")?,
        previous_id: message.previous_id.text("previousId")?,
    };
    let body = match call {
        Call::Page => Body::Activity(activity(Some("Page Viewed".to_owned()), message.name, parts)?),
        Call::Screen => Body::Activity(activity(Some("Screen Viewed".to_owned()), message.name, parts)?),
        Call::Track => Body::Activity(activity(message.event.text("event")?, Scalar::Absent, parts)?),
        Call::Identify | Call::Group => Body::Facts(facts(call, message.group_id, parts)?),
        Call::Alias => Body::Facts(Vec::new()),
    };
    Ok(RawEvent { event_id, ids, occurred_at, received_at, body })
}

/// The person's address. The traits of a group are a company's, so its address is not the person's.
fn email(call: Call, parts: &mut Parts<'_>) -> Result<Option<String>, Rejected> {
    let in_properties = core::mem::take(&mut parts.properties.email).text("properties.email")?;
    let in_traits = if call == Call::Group { None } else { parts.traits.email("traits.email")? };
    let in_context = parts.context_traits.email("context.traits.email")?;
    Ok(in_properties.or(in_traits).or(in_context))
}

/// What became known. RudderStack's identify has its traits in the context.
fn facts(call: Call, group_id: Scalar<'_>, parts: Parts<'_>) -> Result<Vec<Fact>, Rejected> {
    let source = parts.context.source.text("context.source")?;
    match call {
        Call::Group => parts.traits.company(source, group_id.code("groupId")?),
        _ if parts.traits.is_empty() => parts.context_traits.person(source),
        _ => parts.traits.person(source),
    }
}

/// What the person did. `label` is the name of the page or screen, the title where there is no better.
fn activity(name: Option<String>, label: Scalar<'_>, parts: Parts<'_>) -> Result<Activity, Rejected> {
    let Parts { properties, context, .. } = parts;
    let page = context.page.open("context.page")?;
    let campaign = context.campaign.open("context.campaign")?;
    let place = Place::read(properties.url, properties.path, properties.referrer, page)?;
    let title = properties.title.text("properties.title")?;
    let label = label.text("name")?;
    let content_id = properties.content_id.code("properties.content_id")?;
    let own_campaign = properties.campaign.text("properties.campaign")?;
    let utm_source = campaign.source.text("context.campaign.source")?;
    let source = utm_source.or_else(|| place.referrer_host());
    Ok(Activity {
        name: name.ok_or_else(|| Rejected::missing("event"))?,
        content_id: content_id.or_else(|| place.path.clone()),
        path: place.path,
        title: title.or(place.title).or(label),
        content_stage: properties.content_stage.text("properties.content_stage")?,
        topic: properties.topic.text("properties.topic")?,
        form_id: properties.form_id.code("properties.form_id")?,
        campaign: campaign.name.text("context.campaign.name")?.or(own_campaign),
        source,
        medium: campaign.medium.text("context.campaign.medium")?,
        bot: context.bot.flag("context.bot")?,
    })
}

/// Where it was done.
struct Place {
    path: Option<String>,
    title: Option<String>,
    url: Option<String>,
    referrer: Option<String>,
}

impl Place {
    /// The properties say it best, then the page in the context, then the address.
    fn read(url: Scalar<'_>, path: Scalar<'_>, referrer: Scalar<'_>, page: Page<'_>) -> Result<Self, Rejected> {
        let url = url.text("properties.url")?;
        let path = path.text("properties.path")?;
        let referrer = referrer.text("properties.referrer")?;
        let url = url.or(page.url.text("context.page.url")?);
        let path = path.or(page.path.text("context.page.path")?);
        let mut path = path.as_deref().or(url.as_deref()).map(|address| url::path(address).to_owned());
        if let Some(path) = &mut path {
            clip(path, limits::LABEL_BYTES);
        }
        Ok(Self {
            path,
            title: page.title.text("context.page.title")?,
            referrer: referrer.or(page.referrer.text("context.page.referrer")?),
            url,
        })
    }

    /// The host that the visit came from; a click within the same site came from nowhere.
    fn referrer_host(&self) -> Option<String> {
        let from = url::host(self.referrer.as_deref()?)?;
        let here = self.url.as_deref().and_then(url::host);
        (Some(&from) != here.as_ref()).then_some(from)
    }
}
