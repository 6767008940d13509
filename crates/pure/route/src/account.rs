//! Leads of one company: who else is there, and whose company it is.
//!
//! Holds: a company is remembered for as long as its last handoff is; its list of leads is bounded.

use baton_domain::{Account, LeadId, LogTime};

use crate::facts::{companies, named_account};
use crate::floor::Floor;
use crate::row::{self, Directory, Lead, account_key};

/// Other leads that a company's row holds.
const MOST_LEADS: usize = 20;

/// Notes a lead with each company that it belongs to; their keys.
pub(crate) fn join<D: Directory>(floor: &mut Floor<'_, D>, lead: &Lead, lead_id: &str) -> Vec<String> {
    let facts = lead.decision.as_ref().map(|decision| decision.facts.clone()).unwrap_or_default();
    let keys: Vec<String> = companies(floor.policy, &facts).into_iter().map(|found| found.key).collect();
    let due = expiry(floor);
    for key in &keys {
        change(floor, key, |account| {
            account.leads.retain(|other| other != lead_id);
            account.leads.push(lead_id.to_owned());
            if account.leads.len() > MOST_LEADS {
                account.leads.remove(0);
            }
            account.due = account.due.max(due);
        });
    }
    keys
}

/// What is known of a lead is other than before: it belongs to the companies that this names.
pub(crate) fn move_on<D: Directory>(floor: &mut Floor<'_, D>, lead: &mut Lead, lead_id: &str) {
    let before = std::mem::take(&mut lead.accounts);
    lead.accounts = join(floor, lead, lead_id);
    let left: Vec<String> = before.into_iter().filter(|key| !lead.accounts.contains(key)).collect();
    leave(floor, &left, lead_id);
}

/// A lead of these companies went to `owner`.
pub(crate) fn own<D: Directory>(floor: &mut Floor<'_, D>, keys: &[String], owner: &str) {
    let due = expiry(floor);
    for key in keys {
        change(floor, key, |account| (account.owner, account.due) = (Some(owner.to_owned()), due));
    }
}

/// A lead of these companies is on no desk and waits no more.
pub(crate) fn leave<D: Directory>(floor: &mut Floor<'_, D>, keys: &[String], lead_id: &str) {
    for key in keys {
        if row::account(&*floor.dir, &account_key(key)).is_some() {
            change(floor, key, |account| account.leads.retain(|other| other != lead_id));
        }
    }
}

/// The company of a lead: of the policy's list, else the surest match, the first of which an owner
/// is known. Beside it whether it is one of the list.
pub(crate) fn find<D: Directory>(floor: &Floor<'_, D>, lead: &Lead, lead_id: &str) -> Option<(Account, bool)> {
    let facts = &lead.decision.as_ref()?.facts;
    let found = companies(floor.policy, facts);
    let known = |key: &str| row::account(&*floor.dir, &account_key(key));
    let others = |key: &str| -> Vec<LeadId> {
        let leads = known(key).map(|account| account.leads).unwrap_or_default();
        leads.into_iter().filter(|other| other != lead_id).collect()
    };
    if let Some((id, owner, matched_by)) = named_account(floor.policy, facts) {
        let other_leads = found.first().map(|found| others(&found.key)).unwrap_or_default();
        let (id, matched_by, owner) = (id.to_owned(), matched_by.to_owned(), Some(owner.to_owned()));
        return Some((Account { id, matched_by, owner, other_leads }, true));
    }
    let with_owner = found.iter().find(|found| known(&found.key).is_some_and(|account| account.owner.is_some()));
    let chosen = with_owner.or(found.first())?;
    let owner = known(&chosen.key).and_then(|account| account.owner);
    let id = chosen.key.split_once(':').map_or(chosen.key.as_str(), |(_, id)| id).to_owned();
    Some((Account { id, matched_by: chosen.by.to_owned(), owner, other_leads: others(&chosen.key) }, false))
}

fn expiry<D>(floor: &Floor<'_, D>) -> LogTime {
    crate::step::later(floor.at, floor.policy.routing.sticky.expires_ms)
}

fn change<D: Directory>(floor: &mut Floor<'_, D>, key: &str, change: impl FnOnce(&mut row::Account)) {
    let key = account_key(key);
    let fresh = row::Account { owner: None, leads: Vec::new(), due: expiry(floor) };
    let mut account = row::account(&*floor.dir, &key).unwrap_or(fresh);
    change(&mut account);
    row::put_account(floor.dir, &key, account);
}
