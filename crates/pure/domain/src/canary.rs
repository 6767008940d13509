//! The canary: a lead that nobody is, sent down the whole line to see whether the line is clear.
//!
//! Holds: a lead is a canary by its id alone. Only the sequencer gives such an id, and only to an activity that is
//! of nobody else: an event with another id beside is that person's, so nobody's deeds can hide behind a canary.
//!
//! Absent on purpose: who sends canaries and how often (the host's), and how long one took: what the log says of it is
//! told in log time, which does not know.

use serde::{Deserialize, Serialize};

use crate::{Body, Ids, LeadId, Millis, RawEvent, Stamp};

/// How the ids of canaries begin. Every other lead's goes on in hexadecimal digits.
const LEAD: &str = "ld_canary_";
/// How the user ids begin by which a source names a canary.
const USER: &str = "baton-canary-";
/// There are ten thousand of them, so that what is counted by lead stays bounded whoever sends some.
const DIGITS: usize = 4;

/// A canary that has come to the end of the line. Schema `canary.returned-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// When, and by which lane of the watchdog.
    pub stamp: Stamp,
    /// Which canary.
    pub lead_id: LeadId,
    /// The event that sent it, by its source's id.
    pub event_id: String,
    /// When it was sent, by its source.
    pub sent_at: Millis,
}

/// The user id by which a source sends canary `number`.
pub fn canary_user(number: u16) -> String {
    format!("{USER}{number}")
}

/// The lead that canary `number` is.
pub fn canary_lead(number: u16) -> LeadId {
    format!("{LEAD}{number}")
}

/// Whether a lead is a canary.
pub fn is_canary(lead_id: &str) -> bool {
    lead_id.starts_with(LEAD)
}

impl RawEvent {
    /// The canary that it sends: an activity whose only id is a canary's.
    pub fn canary(&self) -> Option<LeadId> {
        let (
            Body::Activity(_),
            Ids { crm_id: None, user_id: Some(user), email: None, anonymous_id: None, previous_id: None },
        ) = (&self.body, &self.ids)
        else {
            return None;
        };
        let number = user.strip_prefix(USER)?;
        let is_number = (1..=DIGITS).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| format!("{LEAD}{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activity, Consent, ConsentState};

    fn sent(user: &str) -> RawEvent {
        RawEvent {
            event_id: "e-1".to_owned(),
            ids: Ids { user_id: Some(user.to_owned()), ..Ids::default() },
            occurred_at: Millis(0),
            received_at: None,
            body: Body::Activity(Activity::default()),
        }
    }

    #[test]
    fn an_activity_of_a_canary_alone_sends_it() {
        assert_eq!(sent(&canary_user(7)).canary(), Some(canary_lead(7)));
        assert!(is_canary(&canary_lead(7)) && !is_canary("ld_3f2a9c01d4e5b677"));
        for other in
            ["baton-canary-", "baton-canary-12345", "baton-canary-x", "baton-canary-7 ", "Baton-Canary-7", "ada"]
        {
            assert_eq!(sent(other).canary(), None, "{other}");
        }
    }

    #[test]
    fn whoever_has_another_id_is_no_canary() {
        let id = || Some("ada".to_owned());
        let alone = sent("baton-canary-7").ids;
        for ids in [
            Ids { crm_id: id(), ..alone.clone() },
            Ids { email: id(), ..alone.clone() },
            Ids { anonymous_id: id(), ..alone.clone() },
            Ids { previous_id: id(), ..alone },
        ] {
            assert_eq!(RawEvent { ids, ..sent("ada") }.canary(), None);
        }
    }

    #[test]
    fn what_is_no_activity_sends_none() {
        let consent = Consent {
            channel: "all".to_owned(),
            state: ConsentState::Denied,
            source: "web".to_owned(),
            explicit: true,
        };
        assert_eq!(RawEvent { body: Body::Consent(consent), ..sent("baton-canary-7") }.canary(), None);
    }
}
