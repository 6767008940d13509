//! A handoff within its bound: what a rep can do without goes first, and it is said what went.
//!
//! Holds: the heaviest list gives first, its last item first; what the policy asks for, why the lead is ready and how
//! it may be contacted give only when nothing else is left.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use baton_domain::Handoff;
use baton_policy::Policy;
use serde::Serialize;

/// The most bytes of a handoff as JSON; in Avro it is smaller.
pub(crate) const MOST_BYTES: usize = 64 * 1024;
/// Bytes kept free for what is said of the cuts.
const FOR_WORDS: usize = 512;

/// A list, or the part of one that gives before the rest.
struct Part {
    list: &'static str,
    is_last: bool,
    /// The items that are left: index and bytes.
    items: Vec<(usize, usize)>,
}

impl Part {
    fn bytes(&self) -> usize {
        self.items.iter().map(|(_, bytes)| bytes).sum()
    }
}

/// Cuts lists of a handoff until it keeps to its bound.
pub(crate) fn trim(policy: &Policy, handoff: &mut Handoff) {
    let mut bytes = size(handoff);
    if bytes <= MOST_BYTES {
        return;
    }
    let mut parts = parts(policy, handoff);
    let mut cuts: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    while bytes > MOST_BYTES - FOR_WORDS {
        let left = parts.iter_mut().filter(|part| !part.items.is_empty());
        let Some(part) = left.max_by_key(|part| (!part.is_last, part.bytes())) else { break };
        if let Some((item, gone)) = part.items.pop() {
            bytes = bytes.saturating_sub(gone);
            cuts.entry(part.list).or_default().insert(item);
        }
    }
    for (list, cut) in cuts {
        if let Some((kept, all)) = apply(handoff, list, &cut) {
            handoff.trimmed.push(format!("{list}: {kept} of {all}"));
        }
    }
}

/// Every list that may give.
fn parts(policy: &Policy, handoff: &Handoff) -> Vec<Part> {
    let (decision, assignment) = (&handoff.decision, &handoff.assignment);
    let part =
        |list, is_last, items: Vec<usize>| Part { list, is_last, items: items.into_iter().enumerate().collect() };
    let facts = sizes(&decision.facts).into_iter().enumerate();
    let (asked, others): (Vec<_>, Vec<_>) = facts.partition(|(n, _)| policy.asks_for(&decision.facts[*n].name));
    let account = assignment.account.as_ref().map(|account| sizes(&account.other_leads)).unwrap_or_default();
    vec![
        part("recent", false, sizes(&decision.recent)),
        part("contributions", false, sizes(&decision.contributions)),
        Part { list: "facts", is_last: false, items: others },
        part("topics", false, sizes(&decision.topics)),
        part("history", false, sizes(&decision.history.past)),
        part("excluded", false, sizes(&assignment.excluded)),
        part("steps", false, sizes(&assignment.steps)),
        part("other_leads", false, account),
        part("criteria", false, sizes(&decision.criteria)),
        Part { list: "facts", is_last: true, items: asked },
        part("missing_facts", true, sizes(&decision.missing_facts)),
        part("trigger_set", true, sizes(&decision.trigger_set)),
        part("consent", true, sizes(&decision.consent)),
    ]
}

/// Cuts items out of a list; how many are left, and how many there were.
fn apply(handoff: &mut Handoff, list: &str, cut: &BTreeSet<usize>) -> Option<(usize, usize)> {
    let Handoff { decision, assignment, .. } = handoff;
    Some(match list {
        "recent" => without(&mut decision.recent, cut),
        "contributions" => without(&mut decision.contributions, cut),
        "facts" => without(&mut decision.facts, cut),
        "topics" => without(&mut decision.topics, cut),
        "history" => without(&mut decision.history.past, cut),
        "excluded" => without(&mut assignment.excluded, cut),
        "steps" => without(&mut assignment.steps, cut),
        "other_leads" => without(&mut assignment.account.as_mut()?.other_leads, cut),
        "criteria" => without(&mut decision.criteria, cut),
        "missing_facts" => without(&mut decision.missing_facts, cut),
        "trigger_set" => without(&mut decision.trigger_set, cut),
        "consent" => without(&mut decision.consent, cut),
        _ => return None,
    })
}

fn without<T>(list: &mut Vec<T>, cut: &BTreeSet<usize>) -> (usize, usize) {
    let all = list.len();
    let mut place = 0..;
    list.retain(|_| place.next().is_some_and(|place| !cut.contains(&place)));
    (list.len(), all)
}

fn sizes<T: Serialize>(items: &[T]) -> Vec<usize> {
    items.iter().map(size).collect()
}

/// Bytes of a value as JSON.
pub(crate) fn size<T: Serialize>(value: &T) -> usize {
    let mut bytes = Bytes(0);
    // Counting does not fail, and plain data has nothing that JSON cannot say.
    serde_json::to_writer(&mut bytes, value).map_or(usize::MAX, |()| bytes.0)
}

/// Counts what is written.
struct Bytes(usize);

impl Write for Bytes {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        self.0 += written.len();
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
