//! From the ids of an event to its lead, and which ids belong to it from now on.
//!
//! Holds: a strong id never moves to another lead; a device moves to whoever used it last. Nothing is
//! written here: the answer says what to write.

use baton_domain::LeadId;
use xxhash_rust::xxh3::xxh3_64;

use crate::claim::{Claim, Kind, LEAD_PREFIX};
use crate::limits;
use crate::row::{Directory, Known};

/// Whose event it is.
#[derive(Debug)]
pub(crate) struct Resolution {
    pub(crate) lead_id: LeadId,
    /// The ids that point to it from now on and did not before; `holder` is the lead they leave.
    pub(crate) links: Vec<Claim>,
    /// Another strong id of the event belongs to another lead, and stays there.
    pub(crate) clash: bool,
    /// The lead has as many ids as it may have; some were not linked.
    pub(crate) overflow: bool,
}

/// Finds the lead of an event, or names a new one. `None` when there are no claims.
pub(crate) fn resolve(dir: &impl Directory, claims: Vec<Claim>) -> Option<Resolution> {
    let strongest = claims.first()?;
    let lead_id = known_lead(dir, &claims).unwrap_or_else(|| mint(dir, &strongest.name()));
    let ids = Known::of(dir, &lead_id).map_or(0, |known| known.ids);
    let mut room = limits::IDS.saturating_sub(ids);
    let mut resolution = Resolution { lead_id, links: Vec::new(), clash: false, overflow: false };
    for claim in claims {
        match &claim.holder {
            Some(holder) if *holder == resolution.lead_id => {}
            Some(_) if claim.kind.is_strong() => resolution.clash = true,
            _ if room == 0 => resolution.overflow = true,
            _ => {
                room -= 1;
                resolution.links.push(claim);
            }
        }
    }
    Some(resolution)
}

/// The lead of the strongest known id; else of a device that has not changed hands.
pub(crate) fn known_lead(dir: &impl Directory, claims: &[Claim]) -> Option<LeadId> {
    let strong = claims.iter().filter(|claim| claim.kind.is_strong()).find_map(|claim| claim.holder.clone());
    strong.or_else(|| {
        claims.iter().filter_map(|claim| claim.holder.clone()).find(|lead| !changed_hands(dir, lead, claims))
    })
}

/// Whether the lead of a device is someone else: it has an id of a kind of which the event brings a
/// new one. Asked only when no strong id of the event is known, so a new one is a different one.
fn changed_hands(dir: &impl Directory, lead_id: &str, claims: &[Claim]) -> bool {
    let Some(known) = Known::of(dir, lead_id) else { return false };
    claims.iter().any(|claim| match claim.kind {
        Kind::Crm => known.crm,
        Kind::User => known.user,
        Kind::Email => known.email,
        Kind::Anonymous => false,
    })
}

/// A new lead's id: a hash of the id it was first seen by, the same on every replay. Should a lead of
/// that name exist (64 bits do collide, and can be made to), the next hash is taken: no two people
/// become one by chance.
fn mint(dir: &impl Directory, name: &str) -> LeadId {
    let mut hash = xxh3_64(name.as_bytes());
    loop {
        let lead_id = format!("{LEAD_PREFIX}{hash:016x}");
        if Known::of(dir, &lead_id).is_none() {
            return lead_id;
        }
        hash = hash.wrapping_add(1);
    }
}
