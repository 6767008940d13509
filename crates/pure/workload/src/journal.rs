//! The pen with which a script writes one person's lines.
//!
//! Holds: lines are written at the instants asked for, each with an id of its own;
//! the server receives a line within three seconds unless a flaw says otherwise.
//! Absent on purpose: order. The sample sorts when every story is told.

use baton_domain::Millis;
use serde_json::Value;

use crate::content::{Asset, CAMPAIGNS, PAGES, Page, REFERRERS, SITE, WEBINARS};
use crate::line::{Bag, Campaign, Consent, Context, Line, Segment, Time};
use crate::person::Person;
use crate::random::Random;

/// One person's lines so far.
pub(crate) struct Journal {
    /// Whose.
    pub(crate) person: Person,
    /// Their luck.
    pub(crate) random: Random,
    /// What was written, in the order of writing.
    pub(crate) lines: Vec<Line>,
    /// Their browser.
    pub(crate) device: String,
    /// Whether the site knows who they are.
    pub(crate) known: bool,
    /// Whether a machine is at work and says so.
    pub(crate) bot: bool,
    campaign: Option<Campaign>,
}

impl Journal {
    /// An empty journal of `person`.
    pub(crate) fn new(person: Person, mut random: Random) -> Self {
        let campaign = if random.percent(60) { Some(*random.pick(&CAMPAIGNS)) } else { None };
        let device = person.device.clone();
        Self { person, random, lines: Vec::new(), device, known: false, bot: false, campaign }
    }

    /// A page is looked at.
    pub(crate) fn page(&mut self, at: Millis, page: &Page) {
        let mut properties = Bag::from([
            ("path", text(page.path)),
            ("title", text(page.title)),
            ("topic", text(page.topic)),
            ("url", Value::from(format!("{SITE}{}", page.path))),
        ]);
        let first = self.lines.is_empty();
        if first && self.campaign.is_none() {
            let referrer = *self.random.pick(&REFERRERS);
            properties.insert("referrer", text(referrer));
        }
        let campaign = if first { self.campaign } else { None };
        let line = self.call("page", at);
        self.put(Segment { properties, context: Context { campaign, ..line.context }, ..line });
    }

    /// Several pages are looked at, some tens of seconds each; gives back the end.
    pub(crate) fn visit(&mut self, at: Millis, pages: i64) -> Millis {
        let mut now = at;
        for _ in 0..pages {
            let page = self.random.pick(&PAGES);
            self.page(now, page);
            now = now.plus(self.random.between(15, 170) * Millis::SECOND + self.random.between(0, 999));
        }
        now
    }

    /// Something with a name is done on the site.
    pub(crate) fn track(&mut self, at: Millis, event: &'static str, properties: Bag) {
        let line = self.call("track", at);
        self.put(Segment { event: Some(event), properties, ..line });
    }

    /// An asset is downloaded.
    pub(crate) fn download(&mut self, at: Millis, asset: &Asset) {
        self.track(at, "Content Downloaded", about(asset));
    }

    /// A webinar is booked and, some days later, perhaps attended.
    pub(crate) fn webinar(&mut self, at: Millis, attended_after: Option<i64>) {
        let webinar = self.random.pick(&WEBINARS);
        self.track(at, "Webinar Registered", about(webinar));
        if let Some(later) = attended_after {
            self.track(at.plus(later), "Webinar Attended", about(webinar));
        }
    }

    /// The mail system reports something about a mail; it knows the address, not the device.
    pub(crate) fn mail(&mut self, at: Millis, event: &'static str) {
        let campaign = self.random.pick(&CAMPAIGNS).name;
        let properties = Bag::from([("campaign", text(campaign)), ("email", Value::from(self.person.email.as_str()))]);
        let line = self.call("track", at);
        let user_id = Some(self.person.user_id.clone());
        self.put(Segment { event: Some(event), properties, anonymous_id: None, user_id, ..line });
    }

    /// A form tells who the visitor is; `full` forms ask for everything, others for the address alone.
    pub(crate) fn form(&mut self, at: Millis, form_id: &'static str, full: bool) {
        self.known = true;
        let mut traits = Bag::from([
            ("email", Value::from(self.person.email.as_str())),
            ("name", Value::from(self.person.name.as_str())),
        ]);
        if full {
            traits.append(&mut self.firmographics());
        }
        let line = self.call("identify", at);
        self.put(Segment { traits, context: Context { source: Some("form"), ..line.context }, ..line });
        self.track(at.plus(400), "Form Submitted", Bag::from([("form_id", text(form_id))]));
    }

    /// The enrichment vendor tells what it found out; it knows the account, not the device.
    pub(crate) fn enrich(&mut self, at: Millis) {
        let traits = self.firmographics();
        let line = self.call("identify", at);
        let context = Context { source: Some("enrichment"), ..Context::default() };
        let user_id = Some(self.person.user_id.clone());
        self.put(Segment { traits, context, anonymous_id: None, user_id, ..line });
    }

    /// The product tells which company the user's account belongs to.
    pub(crate) fn group(&mut self, at: Millis) {
        let company = self.person.company;
        let traits = Bag::from([
            ("name", text(company.name)),
            ("domain", text(company.domain)),
            ("employees", Value::from(company.employees)),
            ("industry", text(company.industry)),
        ]);
        let line = self.call("group", at);
        self.put(Segment { traits, group_id: Some(company.domain.to_owned()), ..line });
    }

    /// The product says that the device's visitor is its user.
    pub(crate) fn alias(&mut self, at: Millis) {
        self.known = true;
        let line = self.call("alias", at);
        self.put(Segment { previous_id: line.anonymous_id.clone(), anonymous_id: None, ..line });
    }

    /// A permission changes.
    pub(crate) fn consent(&mut self, at: Millis, channel: &'static str, state: &'static str, source: &'static str) {
        let line = Consent {
            r#type: "consent",
            message_id: format!("consent-{}", self.random.hex()),
            email: self.person.email.clone(),
            channel,
            state,
            source,
            timestamp: Time(at),
            received_at: Time(self.arrival(at)),
        };
        self.lines.push(Line::Consent(line));
    }

    /// What a form or a vendor says of person and company.
    fn firmographics(&self) -> Bag {
        let company = self.person.company;
        Bag::from([
            ("title", text(self.person.title)),
            ("seniority", text(self.person.seniority)),
            ("company", text(company.name)),
            ("domain", text(company.domain)),
            ("employees", Value::from(company.employees)),
            ("country", text(company.country)),
            ("industry", text(company.industry)),
        ])
    }

    /// A call with its ids and times.
    fn call(&mut self, r#type: &'static str, at: Millis) -> Segment {
        Segment {
            r#type,
            message_id: format!("m-{}", self.random.hex()),
            anonymous_id: Some(self.device.clone()),
            user_id: self.known.then(|| self.person.user_id.clone()),
            context: Context { bot: self.bot, ..Context::default() },
            timestamp: Time(at),
            received_at: Time(self.arrival(at)),
            ..Segment::default()
        }
    }

    fn put(&mut self, line: Segment) {
        self.lines.push(Line::Segment(Box::new(line)));
    }

    /// When a line of `at` reaches the first server.
    pub(crate) fn arrival(&mut self, at: Millis) -> Millis {
        at.plus(self.random.between(120, 2_900))
    }
}

/// A constant as a property.
pub(crate) fn text(value: &'static str) -> Value {
    Value::from(value)
}

/// What a download or a webinar says of its asset.
fn about(asset: &Asset) -> Bag {
    Bag::from([
        ("content_id", text(asset.id)),
        ("content_stage", text(asset.stage)),
        ("title", text(asset.title)),
        ("topic", text(asset.topic)),
    ])
}
