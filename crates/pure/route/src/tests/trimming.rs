//! A handoff keeps to its bound whatever is known of the lead.

use baton_domain::{
    ChannelConsent, ConsentState, Contribution, ContributionKind, Handoff, KindCount, Moment, PastEpisode, Stage,
    Trigger, TriggerKind,
};
use proptest::prelude::*;

use super::*;
use crate::trim::{MOST_BYTES, size};

/// A lead with lists and texts of these lengths.
fn fat(items: &[usize], text: usize) -> Qualifying {
    let text = |n: usize| format!("{n}{}", "\"".repeat(text));
    let many = |list: usize| 0..items[list % items.len()];
    let fact = |n: usize| Fact {
        name: format!("f{n}"),
        value: FactValue::Text(text(n)),
        source: "form".to_owned(),
        observed_at: None,
    };
    let moment = |n: usize| Moment { occurred_at: Millis(0), name: text(n), detail: Some(text(n)) };
    let past = |n: usize| PastEpisode {
        episode: 1,
        stage: Stage::Recycled,
        code: text(n),
        reason: Some(text(n)),
        owner: None,
        ended_at: Millis(0),
    };
    let trigger = |n: usize| Trigger {
        kind: TriggerKind::Action,
        event_id: text(n),
        label: text(n),
        occurred_at: Millis(0),
        points: Points::ZERO,
    };
    let contribution = |n: usize| Contribution {
        kind: ContributionKind::Activity,
        rule: text(n),
        event_id: text(n),
        occurred_at: Millis(0),
        points: Points::ZERO,
        count: 1,
        span: None,
    };
    let consent =
        |n: usize| ChannelConsent { channel: text(n), state: ConsentState::Denied, explicit: false, since: Millis(0) };
    Qualifying {
        recent: many(0).map(moment).collect(),
        facts: many(1).map(fact).collect(),
        topics: many(2).map(|n| KindCount { name: text(n), count: 1 }).collect(),
        history: History { past: many(3).map(past).collect(), ..History::default() },
        trigger_set: many(4).map(trigger).collect(),
        missing_facts: many(5).map(text).collect(),
        contributions: many(6).map(contribution).collect(),
        consent: many(7).map(consent).collect(),
        ..lead("l1")
    }
}

fn handed(policy: &Policy, lead: Qualifying) -> Handoff {
    let said = Router::default().hears(policy, at(9, 0), lead).outputs;
    let handoff =
        said.into_iter().find_map(|said| if let Said::Handoff(handoff) = said { Some(handoff) } else { None });
    *handoff.expect("a handoff")
}

#[test]
fn a_handoff_of_common_size_is_told_whole() {
    let handoff = handed(&desk(vec![("ada", rep())]), fat(&[20, 10, 10], 100));
    assert_eq!((handoff.trimmed, handoff.decision.recent.len()), (vec![], 20));
}

#[test]
fn what_the_policy_asks_for_and_why_now_stay_when_the_rest_gives_room() {
    let mut policy = desk(vec![("ada", rep())]);
    let test = FactTest::AnyOf(vec!["x".to_owned()]);
    policy.routing.rules[0].facts = vec![("f7".to_owned(), test)];
    let handoff = handed(&policy, fat(&[60, 60, 5, 5, 3, 3, 10], 900));
    assert!(handoff.decision.facts.iter().any(|fact| fact.name == "f7"), "the policy asks for it");
    assert_eq!(handoff.decision.trigger_set.len(), 3);
    assert!(handoff.trimmed.iter().any(|told| told.ends_with("of 60")), "{:?}", handoff.trimmed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_handoff_never_exceeds_its_bound(
        items in prop::collection::vec(0..300_usize, 8),
        text in 0..4_000_usize,
    ) {
        let lead = fat(&items, text);
        let counts = |lead: &Qualifying| {
            [lead.recent.len(), lead.facts.len(), lead.topics.len(), lead.history.past.len(), lead.trigger_set.len(),
                lead.missing_facts.len(), lead.contributions.len(), lead.consent.len()]
        };
        let before = counts(&lead);
        let handoff = handed(&desk(vec![("ada", rep())]), lead);
        prop_assert!(size(&handoff) <= MOST_BYTES, "{}", size(&handoff));
        prop_assert_eq!(handoff.trimmed.is_empty(), counts(&handoff.decision) == before, "{:?}", &handoff.trimmed);
    }
}
