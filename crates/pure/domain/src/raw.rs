//! What a source says, before anyone knows whose event it is.

use serde::{Deserialize, Serialize};

use crate::{Body, LeadId, LogTime, Millis};

/// One event as its source told it. Schema `engagement.raw-value`, the Avro form of the input topics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawEvent {
    /// The source's id of the event: the key of deduplication.
    pub event_id: String,
    /// Every id the event carries of the person.
    pub ids: Ids,
    /// When it happened.
    pub occurred_at: Millis,
    /// When the first server of the chain received it; the log's append time when absent.
    pub received_at: Option<Millis>,
    /// What happened. [`Body::Linked`] is the sequencer's own and not accepted here.
    pub body: Body,
}

/// The ids of a person, strongest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// Id in the CRM.
    pub crm_id: Option<String>,
    /// Id of the logged-in user.
    pub user_id: Option<String>,
    /// Email address, as given.
    pub email: Option<String>,
    /// Id of the browser or device.
    pub anonymous_id: Option<String>,
    /// On an alias: the id that the person had before.
    pub previous_id: Option<String>,
}

/// An id and the lead it belongs to. Schema `lead.identity-value`, compacted by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityLink {
    /// `anonymous:...`, `user:...`, `crm:...`, `email:<hash>`; also the record's key.
    pub id: String,
    /// The lead it belongs to.
    pub lead_id: LeadId,
    /// Since when, in log time.
    pub since: LogTime,
}
