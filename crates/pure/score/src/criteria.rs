//! Answers the policy's questions about a lead: yes, no, or unknown.
//!
//! Holds: what is not known is never a no. A question that the lead answers both ways is a yes.
//!
//! Absent on purpose: points. A question says what is so, not how much it is worth.

use baton_domain::{Criterion, Millis, YesNo};
use baton_policy::{Policy, Question, Sign};

use crate::State;

/// Every question of the policy with its answer at `now`, in the policy's order.
pub(crate) fn answers(policy: &Policy, state: &State, now: Millis) -> Vec<Criterion> {
    let answer = |(set, question): (&str, &Question)| Criterion {
        set: set.to_owned(),
        question: question.id.clone(),
        answer: verdict(policy, state, question, now),
    };
    questions(policy).map(answer).collect()
}

/// The first mandatory question whose answer is no, as `set.question`.
pub(crate) fn kept_by(policy: &Policy, state: &State, now: Millis) -> Option<String> {
    let no =
        |(_, question): &(&str, &Question)| question.mandatory && verdict(policy, state, question, now) == YesNo::No;
    questions(policy).find(no).map(|(set, question)| format!("{set}.{}", question.id))
}

fn questions(policy: &Policy) -> impl Iterator<Item = (&str, &Question)> {
    policy.criteria.iter().flat_map(|set| set.questions.iter().map(|question| (set.name.as_str(), question)))
}

fn verdict(policy: &Policy, state: &State, question: &Question, now: Millis) -> YesNo {
    let seen = |sign: &Sign| sign_of(policy, state, sign, now);
    let no = if question.no.is_empty() {
        question.yes.iter().all(|sign| seen(sign) == YesNo::No)
    } else {
        question.no.iter().any(|sign| seen(sign) == YesNo::Yes)
    };
    match question.yes.iter().any(|sign| seen(sign) == YesNo::Yes) {
        true => YesNo::Yes,
        false if no => YesNo::No,
        false => YesNo::Unknown,
    }
}

/// Whether a sign is seen. That somebody did not do a thing proves nothing: only a known fact can say no.
fn sign_of(policy: &Policy, state: &State, sign: &Sign, now: Millis) -> YesNo {
    match sign {
        Sign::Fact(name, test) => {
            let known = state.facts.get(&policy.fit, name, now).map(|known| &known.value);
            match (test.holds(known), known) {
                (true, _) => YesNo::Yes,
                (false, Some(_)) => YesNo::No,
                (false, None) => YesNo::Unknown,
            }
        }
        Sign::Did { rule: id, within_ms } => {
            let rule = policy.engagement.rules.iter().find(|rule| rule.id == *id);
            let lately = |at: Millis| within_ms.is_none_or(|within| now.since(at) <= within);
            let met = rule.and_then(|rule| state.marks.last_met(rule)).is_some_and(lately);
            if met { YesNo::Yes } else { YesNo::Unknown }
        }
    }
}
