//! When a warm lead has cooled: at the very millisecond, once, and whatever the points are made of.

use baton_domain::{ConsentState, LeadCooled, LogTime, Millis, Points};
use baton_policy::{ActivityRule, Policy};
use proptest::prelude::*;

use super::support::*;
use crate::Said;
use crate::reckon::standing;

const VIEW: &str = "Page Viewed";

fn cooled(lead: &Lead) -> Vec<&LeadCooled> {
    let cooled = lead.said.iter().filter_map(|said| if let Said::Cooled(cooled) = said { Some(cooled) } else { None });
    cooled.collect()
}

/// Bands at 80, 40 and 10 points.
fn golden() -> Policy {
    let mut policy = usual();
    policy.engagement.bands = [80, 40, 10].map(Points::whole);
    policy
}

#[test]
fn forty_points_cool_below_thirty_after_5_811_days_without_any_event() {
    let mut lead = Lead::new(golden());
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    let crossing = day(0).plus(502_029_360); // the first ms after 14 d * log2(40/30) = 5.8105 d
    assert_eq!(lead.wake, Some(LogTime::from_millis(crossing)));
    lead.sleep(crossing.plus(-1));
    assert_eq!(cooled(&lead).len(), 0);
    lead.sleep(crossing);
    let told = cooled(&lead)[0];
    assert_eq!((told.threshold, told.band.0, told.at), (Points::whole(30), 2, crossing));
    assert!(told.engagement < Points::whole(30) && told.engagement >= Points(29_999_996), "{}", told.engagement);
    assert_eq!((told.stamp.at, told.episode, told.policy_version), (LogTime::from_millis(crossing), 0, 7));
}

#[test]
fn a_lead_cools_once_for_each_time_it_warmed() {
    let mut lead = Lead::new(golden());
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    lead.sleep(day(365));
    assert_eq!(cooled(&lead).len(), 1);
    (0..4).for_each(|_| lead.did(day(365), VIEW));
    lead.sleep(day(730));
    assert_eq!(cooled(&lead).len(), 2);
}

#[test]
fn any_further_event_puts_the_cooling_off() {
    let mut lead = Lead::new(golden());
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    lead.did(day(5), VIEW);
    lead.sleep(day(9));
    assert_eq!(cooled(&lead).len(), 0);
}

#[test]
fn points_taken_cool_a_lead_at_once() {
    let mut lead = Lead::new(golden());
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    lead.did(day(0), "Email Unsubscribed");
    assert_eq!(cooled(&lead).iter().map(|told| told.at).collect::<Vec<_>>(), [day(0)]);
    assert_eq!(lead.wake, None);
}

#[test]
fn a_lead_that_must_not_be_contacted_cools_in_silence() {
    let mut lead = Lead::new(golden());
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    lead.consent(day(1), "all", ConsentState::Denied);
    lead.sleep(day(365));
    assert_eq!((cooled(&lead).len(), lead.wake), (0, None));
}

#[test]
fn cooling_hands_nobody_off() {
    let mut lead = Lead::known(golden(), &grade_a());
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    lead.sleep(day(60));
    assert_eq!((cooled(&lead).len(), lead.handoffs().len()), (1, 1));
}

/// Rules of mixed half-lives, caps, and points taken for good and for a while.
fn mixed() -> Policy {
    let faded = |id, name, points, days: i64| ActivityRule { half_life_ms: Some(days * DAY), ..rule(id, name, points) };
    let mut policy = policy(vec![
        faded("slow", "Slow", 9, 45),
        ActivityRule { cap: Some(Points::whole(25)), ..faded("fast", "Fast", 11, 2) },
        ActivityRule { half_life_ms: None, group: "kept".to_owned(), ..rule("kept", "Kept", 3) },
        faded("spam", "Spam", -14, 3),
        ActivityRule { half_life_ms: None, ..rule("bye", "Bye", -4) },
    ]);
    policy.engagement.group_caps.insert("web".to_owned(), Points::whole(55));
    policy.engagement.total_cap = Points::whole(60);
    policy
}

fn any_clicks() -> impl Strategy<Value = Vec<(&'static str, i64)>> {
    let name = prop::sample::select(vec!["Slow", "Slow", "Fast", "Fast", "Kept", "Spam", "Bye"]);
    prop::collection::vec((name, 0..3 * 24i64), 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against a walk that knows nothing of the search: hour by hour, then down to the millisecond.
    #[test]
    fn nothing_lies_below_the_line_before_the_instant_and_that_instant_does(mut clicks in any_clicks()) {
        clicks.sort_by_key(|(_, hour)| *hour);
        let mut lead = Lead::new(mixed());
        for (name, hour) in &clicks {
            lead.did(day(0).plus(hour * Millis::HOUR), name);
        }
        let told = cooled(&lead).len();
        let Some(warm) = lead.state.as_ref().unwrap().warm else { return Ok(()) };
        let state = lead.state.clone().unwrap();
        let policy = lead.policy.clone();
        let below = |at: Millis| standing(&policy, &state, at).engagement < warm.threshold;
        let now = day(0).plus(clicks.last().unwrap().1 * Millis::HOUR);
        let first = (0..400 * 24).map(|hour| now.plus(hour * Millis::HOUR)).find(|at| below(*at));
        lead.sleep(now.plus(400 * DAY));
        let Some(at) = cooled(&lead).get(told).map(|cooled| cooled.at) else {
            prop_assert_eq!(first, None);
            return Ok(());
        };
        prop_assert!(below(at) && !below(at.plus(-1)));
        prop_assert!(first.is_none_or(|first| at <= first && first.since(at) < Millis::HOUR), "{:?} {:?}", first, at);
    }
}
