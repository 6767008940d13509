//! The ids an event carries, each as a claim to be of some lead.
//!
//! Holds: the strongest id stands first, and no id stands twice. An email address is only in here as
//! the hash of its normal form.
//!
//! Absent on purpose: folding of plus-tags and dots, Unicode normalisation, punycode. Whether two
//! spellings are one mailbox is for its provider to say; joining two people cannot be undone.

use baton_domain::Ids;
use baton_policy::Identity;
use xxhash_rust::xxh3::xxh3_128;

use crate::row::{Directory, Known, holder};

/// How a lead's own id begins.
pub(crate) const LEAD_PREFIX: &str = "ld_";

/// Keeps the hashes of addresses apart from every other use of the same hash function.
const EMAIL_DOMAIN: &str = "baton/email/1:";

/// What sort of id it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Crm,
    User,
    Email,
    Anonymous,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::User => "user",
            Self::Email => "email",
            Self::Anonymous => "anonymous",
        }
    }

    /// Whether it names a person, not a device that may change hands.
    pub(crate) fn is_strong(self) -> bool {
        self != Self::Anonymous
    }
}

/// An id of an event, and the lead that holds it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) kind: Kind,
    /// The id; of an email address its hash.
    pub(crate) id: String,
    /// The field it came in, where that is not the kind's name.
    pub(crate) previous: bool,
    pub(crate) holder: Option<String>,
}

impl Claim {
    /// `<kind>:<id>`.
    pub(crate) fn name(&self) -> String {
        name(self.kind, &self.id)
    }

    fn of(dir: &impl Directory, kind: Kind, id: String) -> Self {
        let holder = holder(dir, &name(kind, &id));
        Self { kind, id, previous: false, holder }
    }
}

/// The event says whose it is by a lead's own id, and there is no such lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnknownLead;

/// The claims of an event: CRM, user, email, device, the one before.
pub(crate) fn claims(policy: &Identity, dir: &impl Directory, ids: &Ids) -> Result<Vec<Claim>, UnknownLead> {
    let given = |id: &Option<String>| id.clone().filter(|id| !means_nobody(policy, id));
    let mut claims = Vec::with_capacity(5);
    match given(&ids.crm_id) {
        Some(id) if id.starts_with(LEAD_PREFIX) => {
            Known::of(dir, &id).ok_or(UnknownLead)?;
            claims.push(Claim { kind: Kind::Crm, id: id.clone(), previous: false, holder: Some(id) });
        }
        Some(id) => claims.push(Claim::of(dir, Kind::Crm, id)),
        None => {}
    }
    claims.extend(given(&ids.user_id).map(|id| Claim::of(dir, Kind::User, id)));
    claims.extend(given(&ids.email).and_then(|email| hash(&email)).map(|id| Claim::of(dir, Kind::Email, id)));
    let before = given(&ids.previous_id)
        .filter(|id| ids.user_id.as_ref() != Some(id) && ids.anonymous_id.as_ref() != Some(id))
        .map(|id| previous(dir, id));
    claims.extend(given(&ids.anonymous_id).map(|id| Claim::of(dir, Kind::Anonymous, id)));
    claims.extend(before);
    Ok(claims)
}

/// An alias does not say what the earlier id was: a user if one is known by it, else a device.
fn previous(dir: &impl Directory, id: String) -> Claim {
    let user = Claim::of(dir, Kind::User, id);
    let claim = if user.holder.is_some() { user } else { Claim::of(dir, Kind::Anonymous, user.id) };
    Claim { previous: true, ..claim }
}

/// Whether an id is blank or one of the words that sources write where they have none.
fn means_nobody(policy: &Identity, id: &str) -> bool {
    let id = id.trim();
    let is = |word: &String| word.chars().eq(id.chars().flat_map(char::to_lowercase));
    id.is_empty() || policy.placeholder_ids.iter().any(is)
}

/// The id under which `lead.identity` knows an email address: `email:<32 hex digits>`, a pseudonym.
/// `None` for what is no address.
pub fn email_id(email: &str) -> Option<String> {
    hash(email).map(|id| name(Kind::Email, &id))
}

/// The pseudonym of an email address: 32 hex digits. `None` for what is no address.
fn hash(email: &str) -> Option<String> {
    let normal = email.trim().to_lowercase();
    let (local, domain) = normal.rsplit_once('@')?;
    if local.is_empty() || domain.is_empty() {
        return None;
    }
    Some(format!("{:032x}", xxh3_128(format!("{EMAIL_DOMAIN}{normal}").as_bytes())))
}

fn name(kind: Kind, id: &str) -> String {
    format!("{}:{id}", kind.as_str())
}
