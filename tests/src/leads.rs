//! Turns the rows of a real, public table of leads into the events that their counts stand for.
//!
//! Holds: what a row becomes follows from the row and its place alone; what sales noted after the fact
//! (tags, quality, profile, the `Asymmetrique` columns) is never read; the outcome is told once, as an
//! opportunity won, after everything else has been said of every lead.
//!
//! Absent on purpose: which pages were seen and when. The table has only counts, so visits are spread
//! evenly over two weeks with a little jitter.

use std::io::Read;

use serde::Deserialize;
use serde_json::{Map, Value, json};

#[cfg(test)]
mod tests;

/// 2026-09-01T00:00Z, the first day on which a lead may appear, in milliseconds.
const BASE: i64 = 1_788_220_800_000;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Leads appear over four weeks.
const ARRIVALS: i64 = 28 * DAY;
/// A lead's visits are spread over two.
const VISITS: i64 = 14 * DAY;
/// When outcomes are told: two weeks after the last visit of the last lead.
const OUTCOMES: i64 = BASE + ARRIVALS + VISITS + 14 * DAY;
/// The end of the stream.
const END: i64 = OUTCOMES + 10 * DAY;

/// The columns that may be used.
#[derive(Debug, Deserialize)]
struct Row {
    #[serde(rename = "Prospect ID")]
    prospect: String,
    #[serde(rename = "Lead Number")]
    number: String,
    #[serde(rename = "Lead Origin")]
    origin: String,
    #[serde(rename = "Lead Source")]
    source: String,
    #[serde(rename = "Do Not Email")]
    do_not_email: String,
    #[serde(rename = "Do Not Call")]
    do_not_call: String,
    #[serde(rename = "Converted")]
    converted: String,
    #[serde(rename = "TotalVisits")]
    visits: String,
    #[serde(rename = "Last Activity")]
    last_activity: String,
    #[serde(rename = "Country")]
    country: String,
    #[serde(rename = "Specialization")]
    specialization: String,
    #[serde(rename = "What is your current occupation")]
    occupation: String,
}

/// The rows of `csv` as JSON Lines, in the order in which they are received; the last one is a tick.
///
/// Fails when a row cannot be read or a column is missing; the error names the line.
pub fn convert(csv: impl Read) -> Result<Vec<String>, csv::Error> {
    let mut events: Vec<(i64, String)> = Vec::new();
    for (place, row) in (0_i64..).zip(csv::Reader::from_reader(csv).deserialize()) {
        let row: Row = row?;
        let mut story = Story { row: &row, place, told: 0, known: false, events: &mut events };
        story.tell();
    }
    // Stable: at the same instant the earlier row speaks first.
    events.sort_by_key(|(received, _)| *received);
    let tick = json!({"type": "tick", "receivedAt": rfc3339(END)}).to_string();
    Ok(events.into_iter().map(|(_, line)| line).chain([tick]).collect())
}

/// One row being told.
struct Story<'a> {
    row: &'a Row,
    place: i64,
    told: usize,
    known: bool,
    events: &'a mut Vec<(i64, String)>,
}

impl Story<'_> {
    fn tell(&mut self) {
        let first = BASE + self.jitter(0, ARRIVALS);
        let visits = self.row.visits.split('.').next().and_then(|count| count.parse::<i64>().ok()).unwrap_or(0);
        let step = VISITS / visits.max(1);
        let landing = self.landing();
        if visits > 0 {
            self.page(first, landing);
        }
        self.introduce(first + 2 * MINUTE);
        for visit in 1..visits {
            let at = first + visit * step + self.jitter(visit, step / 2);
            self.page(at, "/courses");
        }
        // After the last visit, whose jitter is at most half a step.
        let last = first + VISITS + HOUR;
        self.last_activity(last);
        for (answer, channel) in [(&self.row.do_not_email, "email"), (&self.row.do_not_call, "phone")] {
            if answer == "Yes" {
                self.forbid(last + HOUR, channel);
            }
        }
        if self.row.converted == "1" {
            self.crm(OUTCOMES + self.place, json!({"kind": "opportunity", "opportunity": "won"}));
        }
    }

    /// The form on which the lead came, if any, and what it told.
    fn introduce(&mut self, at: i64) {
        self.known = true;
        let form = match self.row.origin.as_str() {
            "Landing Page Submission" => Some("landing_page"),
            "Lead Add Form" => Some("add_form"),
            "Quick Add Form" => Some("quick_add_form"),
            _ => None,
        };
        let mut traits = Map::from_iter([("email".to_owned(), json!(self.email()))]);
        let facts = [
            ("title", given(&self.row.occupation).map(str::to_owned)),
            ("industry", given(&self.row.specialization).map(str::to_owned)),
            ("country", iso(&self.row.country).map(str::to_owned)),
        ];
        traits.extend(facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), json!(fact?)))));
        let source = if form.is_some() { "form" } else { "import" };
        self.web(at, "identify", json!({"traits": traits, "context": {"source": source}}));
        if let Some(form) = form {
            self.track(at + SECOND, "Form Submitted", &json!({"form_id": form}));
        }
    }

    /// What the table names as the lead's last activity, in Baton's words; states of the CRM are no activity.
    fn last_activity(&mut self, at: i64) {
        match self.row.last_activity.as_str() {
            "Email Opened" => self.mail(at, "Email Opened"),
            "Email Link Clicked" | "View in browser link Clicked" => self.mail(at, "Email Link Clicked"),
            "Email Bounced" => self.mail(at, "Email Bounced"),
            "Email Marked Spam" => self.mail(at, "Email Marked As Spam"),
            "Unsubscribed" => self.mail(at, "Email Unsubscribed"),
            "Olark Chat Conversation" => self.track(at, "Chat Started", &json!({})),
            "Form Submitted on Website" => self.track(at, "Form Submitted", &json!({"form_id": "website"})),
            "Visited Booth in Tradeshow" => self.track(at, "Event Attended", &json!({})),
            "Page Visited on Website" => self.page(at, "/courses"),
            "SMS Sent" => self.touch(at, "sms", "outbound", "attempt", true),
            "Unreachable" => self.touch(at, "call", "outbound", "attempt", false),
            "Had a Phone Conversation" => self.touch(at, "call", "outbound", "connected", false),
            "Approached upfront" => self.touch(at, "meeting", "inbound", "connected", false),
            "Email Received" => self.touch(at, "email", "inbound", "connected", false),
            _ => {}
        }
    }

    fn landing(&self) -> &'static str {
        if self.row.origin == "Landing Page Submission" { "/landing" } else { "/" }
    }

    fn page(&mut self, at: i64, path: &str) {
        self.web(at, "page", json!({"properties": {"path": path}}));
    }

    /// The channel the lead came by is that of every visit: the table knows only one.
    fn web(&mut self, at: i64, kind: &str, body: Value) {
        let mut body = body;
        if let Some(source) = given(&self.row.source) {
            body["context"]["campaign"] = json!({"source": slug(source)});
        }
        body["anonymousId"] = json!(format!("web-{}", self.row.number));
        self.segment(at, kind, body);
    }

    fn track(&mut self, at: i64, event: &str, properties: &Value) {
        self.web(at, "track", json!({"event": event, "properties": properties}));
    }

    /// Told by the mail system, which knows no browser.
    fn mail(&mut self, at: i64, event: &str) {
        self.segment(at, "track", json!({"event": event, "properties": {"email": self.email()}}));
    }

    fn segment(&mut self, at: i64, kind: &str, mut body: Value) {
        if self.known {
            body["userId"] = json!(self.row.prospect);
        }
        body["type"] = json!(kind);
        body["timestamp"] = rfc3339(at);
        self.put(at, "messageId", body);
    }

    fn forbid(&mut self, at: i64, channel: &str) {
        let body = json!({
            "type": "consent", "email": self.email(), "channel": channel, "state": "denied", "source": "crm",
            "timestamp": rfc3339(at),
        });
        self.put(at, "messageId", body);
    }

    fn touch(&mut self, at: i64, medium: &str, direction: &str, outcome: &str, automated: bool) {
        let body = json!({
            "kind": "touch", "medium": medium, "direction": direction, "outcome": outcome, "automated": automated,
        });
        self.crm(at, body);
    }

    fn crm(&mut self, at: i64, mut body: Value) {
        body["type"] = json!("crm");
        body["userId"] = json!(self.row.prospect);
        body["occurredAt"] = rfc3339(at);
        self.put(at, "activityId", body);
    }

    /// Gives the event its id and the instant of its receipt, a second later.
    fn put(&mut self, at: i64, id: &str, mut body: Value) {
        body[id] = json!(format!("x-{}-{}", self.row.number, self.told));
        body["receivedAt"] = rfc3339(at + SECOND);
        self.told += 1;
        self.events.push((at + SECOND, body.to_string()));
    }

    fn email(&self) -> String {
        format!("lead-{}@leads.example", self.row.number)
    }

    /// A whole number of milliseconds below `bound`, by the row's place and `salt` (`SplitMix64`'s mixing).
    fn jitter(&self, salt: i64, bound: i64) -> i64 {
        let seed = (self.place.cast_unsigned() << 16) ^ salt.cast_unsigned();
        let mixed = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed >> 1).cast_signed() % bound.max(1)
    }
}

/// An answer that was given: the form's untouched `Select` and `Other` say nothing.
fn given(answer: &str) -> Option<&str> {
    (!matches!(answer, "" | "Select" | "Other")).then_some(answer)
}

/// `Direct Traffic` as `direct_traffic`.
fn slug(words: &str) -> String {
    words.to_lowercase().replace([' ', '-'], "_")
}

fn rfc3339(ms: i64) -> Value {
    // Every instant here lies in autumn 2026, so it can always be written.
    jiff::Timestamp::from_millisecond(ms).map_or(Value::Null, |at| json!(at.to_string()))
}

/// ISO 3166 code of the countries that the table has, as far as they are countries.
fn iso(country: &str) -> Option<&'static str> {
    Some(match country {
        "India" => "IN",
        "United States" => "US",
        "United Arab Emirates" => "AE",
        "Saudi Arabia" => "SA",
        "Singapore" => "SG",
        "United Kingdom" => "GB",
        "Australia" => "AU",
        "Hong Kong" => "HK",
        "Bahrain" => "BH",
        "France" => "FR",
        "Qatar" => "QA",
        "Oman" => "OM",
        "Ghana" => "GH",
        "Kuwait" => "KW",
        "Canada" => "CA",
        "Nigeria" => "NG",
        "Uganda" => "UG",
        "Germany" => "DE",
        "Belgium" => "BE",
        "Netherlands" => "NL",
        "Kenya" => "KE",
        "Italy" => "IT",
        "Tanzania" => "TZ",
        "Malaysia" => "MY",
        "Liberia" => "LR",
        "South Africa" => "ZA",
        "Bangladesh" => "BD",
        "Sweden" => "SE",
        "Denmark" => "DK",
        "Switzerland" => "CH",
        "Austria" => "AT",
        "China" => "CN",
        "Philippines" => "PH",
        "Sri Lanka" => "LK",
        "Indonesia" => "ID",
        "Vietnam" => "VN",
        "Russia" => "RU",
        _ => return None,
    })
}
