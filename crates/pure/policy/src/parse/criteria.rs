//! The section `criteria`: named sets of questions, and the signs that answer them.

use super::facts;
use super::read::{Field, Named, Once};
use crate::{CriteriaSet, Engagement, Question, Sign};

const QUESTION_KEYS: [&str; 5] = ["id", "ask", "yes", "no", "mandatory"];
/// The most questions of all sets together: their answers travel with every handoff.
const MOST: usize = 64;

/// Reads the section; problems go to the report. The engagement rules that a question asks for are marked so.
pub(super) fn read(section: &Field<'_>, mut engagement: Option<&mut Engagement>) -> Vec<CriteriaSet> {
    let named = section.named().unwrap_or_default();
    let sets: Vec<CriteriaSet> = named.iter().map(|entry| set(entry, engagement.as_deref_mut())).collect();
    if sets.iter().map(|set| set.questions.len()).sum::<usize>() > MOST {
        section.wrong(format!("more than {MOST} questions"));
    }
    sets
}

fn set(entry: &Named<'_>, mut engagement: Option<&mut Engagement>) -> CriteriaSet {
    entry.key.check_name(entry.name);
    if entry.value.is_empty() {
        entry.value.wrong("needs at least one question");
    }
    let mut ids = Once::default();
    let items = entry.value.items();
    let questions = items.iter().filter_map(|item| question(item, engagement.as_deref_mut(), &mut ids)).collect();
    CriteriaSet { name: entry.name.to_owned(), questions }
}

fn question(item: &Field<'_>, mut engagement: Option<&mut Engagement>, ids: &mut Once) -> Option<Question> {
    let fields = item.fields(&QUESTION_KEYS)?;
    let mut signs = |field: Field<'_>| -> Vec<Sign> {
        if field.is_empty() {
            field.wrong("must not be empty");
        }
        field.items_or_self().iter().filter_map(|item| sign(item, engagement.as_deref_mut())).collect()
    };
    Some(Question {
        id: fields.id(ids),
        ask: fields.get("ask").and_then(|f| f.text()),
        yes: fields.need("yes").map(&mut signs).unwrap_or_default(),
        no: fields.get("no").map(&mut signs).unwrap_or_default(),
        mandatory: fields.get("mandatory").and_then(|f| f.flag()).unwrap_or(false),
    })
}

/// A test of a fact, or an engagement rule that the lead met.
fn sign(item: &Field<'_>, engagement: Option<&mut Engagement>) -> Option<Sign> {
    let mut known = facts::KEYS.to_vec();
    known.extend(["rule", "within"]);
    let fields = item.fields(&known)?;
    let within_ms = fields.get("within").and_then(|f| f.duration());
    let Some(rule) = fields.get("rule") else {
        if let Some(within) = fields.get("within") {
            within.wrong_but("goes with `rule` only", "`fit.fresh_for` says how long a fact counts");
        }
        let (fact, test) = facts::read(&fields);
        return Some(Sign::Fact(fact, test));
    };
    let fact = fields.get("fact").inspect(|fact| drop(fact.name()));
    let beside = fact.into_iter().chain(facts::tests(&fields).into_iter().map(|(field, _)| field));
    beside.for_each(|field| field.wrong("`rule` is given too: write two signs"));
    let id = rule.text()?;
    if let Some(engagement) = engagement {
        match engagement.rules.iter_mut().find(|known| known.id == id) {
            Some(known) => known.asked_for = true,
            None => rule.unknown("engagement rule", &id, engagement.rules.iter().map(|known| known.id.as_str())),
        }
    }
    Some(Sign::Did { rule: id, within_ms })
}
