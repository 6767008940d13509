//! What a lead's windows say, and that the order of arrival does not matter.

use baton_domain::{
    Activity, Body, CrmActivity, Engagement, EngagementUpdate, KindCount, LeadEvent, LogTime, Millis, Retraction,
    RetractionReason, Stamp, Tick,
};
use baton_stage::{Input, Stage, Step};
use proptest::prelude::*;

use crate::{Aggregate, KEPT, State};

/// Noon of a day far enough from 1970 to look back from.
fn noon(day: i64) -> Millis {
    Millis((20_000 + day) * Millis::DAY + 12 * Millis::HOUR)
}

fn event(stamp: LogTime, occurred_at: Millis, id: &str, body: Body) -> LeadEvent {
    LeadEvent {
        stamp: Stamp { at: stamp, lane: 3 },
        lead_id: "ld_1".to_owned(),
        event_id: id.to_owned(),
        occurred_at,
        origin: "engagement.raw/0/1".to_owned(),
        body,
    }
}

fn viewed(id: &str, at: Millis) -> LeadEvent {
    let activity = Activity { name: "Page Viewed".to_owned(), ..Activity::default() };
    event(LogTime::from_millis(at), at, id, Body::Activity(activity))
}

fn with(mut event: LeadEvent, change: impl FnOnce(&mut Activity)) -> LeadEvent {
    if let Body::Activity(activity) = &mut event.body {
        change(activity);
    }
    event
}

fn step(state: Option<State>, event: LeadEvent) -> Step<State, EngagementUpdate> {
    Aggregate::step(&(), "ld_1", state, Input::Record { at: event.stamp.at, event })
}

/// The engagement after all of `events`.
fn after(events: impl IntoIterator<Item = LeadEvent>) -> Engagement {
    let mut state = None;
    let mut last = Engagement::default();
    for event in events {
        let mut step = step(state, event);
        state = step.state;
        last = step.outputs.remove(0).engagement;
    }
    last
}

fn kinds(list: &[KindCount]) -> Vec<(&str, i64)> {
    list.iter().map(|kind| (kind.name.as_str(), kind.count)).collect()
}

#[test]
fn an_event_leaves_unchanged_with_the_windows_after_it() {
    let event = viewed("e1", noon(0));
    let step = step(None, event.clone());
    assert_eq!(step.outcome, "counted");
    assert_eq!(step.wake, None);
    assert_eq!(step.outputs.len(), 1);
    assert_eq!(step.outputs[0].stamp, event.stamp);
    assert_eq!(step.outputs[0].event, event);
    let engagement = &step.outputs[0].engagement;
    assert_eq!((engagement.total, engagement.total_7d, engagement.active_days_30d), (1, 1, 1));
    assert_eq!((engagement.first_seen, engagement.last_seen), (Some(noon(0)), Some(noon(0))));
    assert_eq!(kinds(&engagement.counts_30d), [("Page Viewed", 1)]);
}

#[test]
fn a_bot_passes_through_and_is_not_counted() {
    let step = step(None, with(viewed("e1", noon(0)), |activity| activity.bot = true));
    assert_eq!(step.outcome, "bot");
    assert_eq!(step.state, None);
    assert_eq!(step.outputs[0].engagement, Engagement::default());
}

#[test]
fn a_sales_touch_passes_through_and_is_not_counted() {
    let counted = step(None, viewed("e1", noon(0)));
    let touch = event(LogTime::from_millis(noon(1)), noon(1), "t1", Body::Crm(CrmActivity::default()));
    let passed = step(counted.state.clone(), touch);
    assert_eq!(passed.outcome, "passed");
    assert_eq!(passed.outputs[0].engagement, counted.outputs[0].engagement);
    assert_eq!(passed.state, counted.state);
}

#[test]
fn a_tick_says_nothing() {
    let tick = event(LogTime::from_millis(noon(1)), noon(1), "", Body::Tick(Tick {}));
    assert_eq!(step(None, tick), Step::quiet(None, "passed"));
}

#[test]
fn a_day_leaves_the_short_window_after_seven_days_and_the_long_one_after_thirty() {
    let seen = |day| after([viewed("old", noon(0)), viewed("new", noon(day))]);
    assert_eq!((seen(6).total_7d, seen(7).total_7d), (2, 1));
    assert_eq!(kinds(&seen(29).counts_30d), [("Page Viewed", 2)]);
    assert_eq!(kinds(&seen(30).counts_30d), [("Page Viewed", 1)]);
    assert_eq!((seen(29).active_days_30d, seen(30).active_days_30d), (2, 1));
    assert_eq!((seen(30).total, seen(30).first_seen), (2, Some(noon(0))));
}

#[test]
fn windows_slide_for_an_event_that_is_not_counted() {
    let touch = event(LogTime::from_millis(noon(40)), noon(40), "t1", Body::Crm(CrmActivity::default()));
    let engagement = after([viewed("e1", noon(0)), touch]);
    assert_eq!((engagement.total, engagement.total_7d, engagement.active_days_30d), (1, 0, 0));
    assert_eq!(engagement.counts_30d, []);
}

#[test]
fn a_late_event_counts_on_its_own_day_and_does_not_move_the_window_back() {
    let mut late = viewed("late", noon(0));
    late.stamp.at = LogTime::from_millis(noon(10)).next();
    let engagement = after([viewed("e1", noon(5)), viewed("e2", noon(10)), late]);
    assert_eq!((engagement.total, engagement.total_7d, engagement.active_days_30d), (3, 2, 3));
    assert_eq!((engagement.first_seen, engagement.last_seen), (Some(noon(0)), Some(noon(10))));
}

#[test]
fn an_event_older_than_every_window_still_counts_in_the_totals() {
    let mut late = with(viewed("late", noon(-90)), |activity| activity.source = Some("google".to_owned()));
    late.stamp.at = LogTime::from_millis(noon(0)).next();
    let engagement = after([viewed("e1", noon(0)), late]);
    assert_eq!((engagement.total, engagement.total_7d, engagement.active_days_30d), (2, 1, 1));
    assert_eq!(engagement.first_source.as_deref(), Some("google"));
}

#[test]
fn first_and_last_source_are_told_by_event_time() {
    let from =
        |id: &str, day, source: &str| with(viewed(id, noon(day)), |activity| activity.source = Some(source.to_owned()));
    let engagement = after([from("b", 2, "ads"), from("a", 1, "google"), from("c", 3, "mail"), viewed("d", noon(4))]);
    assert_eq!(engagement.first_source.as_deref(), Some("google"));
    assert_eq!(engagement.last_source.as_deref(), Some("mail"));
}

#[test]
fn a_campaign_is_told_of_the_arrival_that_named_it_and_of_no_other() {
    let from = |id: &str, day, source: &str, campaign: Option<&str>| {
        with(viewed(id, noon(day)), |activity| {
            (activity.source, activity.campaign) = (Some(source.to_owned()), campaign.map(str::to_owned));
        })
    };
    let engagement = after([from("b", 2, "ads", Some("spring")), from("a", 1, "google", None)]);
    assert_eq!((engagement.first_campaign.as_deref(), engagement.last_campaign.as_deref()), (None, Some("spring")));
}

#[test]
fn the_same_content_counts_once_and_the_count_stops_at_sixty_four() {
    let read =
        |n: i64| with(viewed(&format!("e{n}"), noon(0)), |activity| activity.content_id = Some(format!("c{}", n / 2)));
    assert_eq!(after((0..20).map(read)).distinct_content, 10);
    assert_eq!(after((0..400).map(read)).distinct_content, 64);
}

#[test]
fn topics_are_the_five_most_frequent() {
    let on =
        |n: usize, topic: &str| with(viewed(&format!("{topic}{n}"), noon(0)), |a| a.topic = Some(topic.to_owned()));
    let wanted = [("kafka", 3), ("rust", 2), ("a", 1), ("b", 1), ("c", 1), ("d", 1)];
    let engagement = after(wanted.iter().flat_map(|&(topic, times)| (0..times).map(move |n| on(n, topic))));
    assert_eq!(kinds(&engagement.topics), [("kafka", 3), ("rust", 2), ("a", 1), ("b", 1), ("c", 1)]);
}

#[test]
fn a_source_that_invents_names_cannot_grow_the_state_without_bound() {
    let named = |n: i64| {
        with(viewed(&format!("e{n}"), noon(0)), |activity| {
            activity.name = format!("name {n}");
            activity.topic = Some(format!("topic {n}"));
        })
    };
    let forth = after((0..500).map(named));
    let back = after((0..500).rev().map(named));
    assert_eq!((forth.counts_30d.len(), forth.total_7d), (64, 500));
    assert_eq!(forth, back);
}

#[test]
fn a_lead_of_many_years_is_remembered_by_the_day_for_thirty_days_only() {
    let size = |days: i64| {
        let step = (0..days).fold(None, |state, day| step(state, viewed(&format!("e{day:04}"), noon(day))).state);
        postcard::to_stdvec(&step).unwrap().len()
    };
    // Those told apart, and the days of those before.
    let full = i64::try_from(KEPT).unwrap() + 31;
    assert!(size(full / 2) < size(full));
    assert!(size(3_000) <= size(full) + 2, "what grows on is the count of everything");
}

#[test]
fn the_state_survives_being_written_down() {
    let full = with(viewed("e1", noon(0)), |activity| {
        activity.topic = Some("kafka".to_owned());
        activity.source = Some("google".to_owned());
        activity.path = Some("/pricing".to_owned());
    });
    let state = step(None, full).state.unwrap();
    let bytes = postcard::to_stdvec(&state).unwrap();
    assert_eq!(postcard::from_bytes::<State>(&bytes).unwrap(), state);
}

fn retracted(id: &str, at: LogTime) -> LeadEvent {
    let retraction = Retraction { event_id: id.to_owned(), reason: RetractionReason::Bot, by: "ops".to_owned() };
    event(at, at.millis(), &format!("r-{id}"), Body::Retracted(retraction))
}

/// The state after all of `events`.
fn state_after(events: impl IntoIterator<Item = LeadEvent>) -> Option<State> {
    events.into_iter().fold(None, |state, event| step(state, event).state)
}

#[test]
fn an_activity_taken_back_leaves_nothing_behind() {
    let at = LogTime::from_millis(noon(1));
    let counted = step(None, viewed("e1", noon(0)));
    let taken = step(counted.state, retracted("e1", at));
    assert_eq!((taken.outcome, taken.state), ("retracted", None));
    assert_eq!(taken.outputs[0].engagement, Engagement::default());
}

#[test]
fn what_was_never_counted_is_taken_back_without_a_trace() {
    let counted = step(None, viewed("e1", noon(0))).state;
    for id in ["e2", "t1", ""] {
        let taken = step(counted.clone(), retracted(id, LogTime::from_millis(noon(0))));
        assert_eq!((taken.outcome, &taken.state), ("passed", &counted), "{id}");
    }
}

#[test]
fn only_the_newest_activities_can_be_taken_back() {
    let many = i64::try_from(KEPT).unwrap() + 1;
    let read = |n: i64| viewed(&format!("e{n:04}"), noon(0).plus(n));
    let state = state_after((0..many).rev().map(read));
    let at = LogTime::from_millis(noon(0).plus(many));
    assert_eq!(step(state.clone(), retracted("e0000", at)).outcome, "passed");
    let taken = step(state, retracted("e0001", at));
    assert_eq!((taken.outcome, taken.outputs[0].engagement.total), ("retracted", many - 1));
}

#[test]
fn a_lead_of_many_activities_is_remembered_within_bounds() {
    let size = |count: i64| {
        let state = state_after((0..count).map(|n| viewed(&format!("e{n:06}"), noon(0).plus(n))));
        postcard::to_stdvec(&state).unwrap().len()
    };
    let full = i64::try_from(KEPT).unwrap() + 1;
    assert!(size(full / 2) < size(full));
    assert!(size(20 * full) <= size(full) + 6, "what grows on are a few counts");
}

/// One activity within forty days; names, contents, topics, sources and instants repeat.
fn any_activity() -> impl Strategy<Value = LeadEvent> {
    let parts = (0..40i64, 0..3i64, 0..4u8, 0..6u8, proptest::option::of(0..3u8), any::<bool>());
    parts.prop_map(|(day, hour, name, content, source, bot)| {
        with(viewed("", noon(day).plus(hour * Millis::HOUR)), |activity| {
            activity.name = format!("name {name}");
            activity.content_id = Some(format!("content {content}"));
            activity.topic = Some(format!("topic {name}"));
            activity.source = source.map(|source| format!("source {source}"));
            activity.bot = bot && name == 0;
        })
    })
}

fn activities() -> impl Strategy<Value = Vec<LeadEvent>> {
    let number = |(n, event): (usize, LeadEvent)| LeadEvent { event_id: format!("e{n:02}"), ..event };
    proptest::collection::vec(any_activity(), 1..40)
        .prop_map(move |all| all.into_iter().enumerate().map(number).collect())
}

/// The events in the given order, each with the stamp of its place: one a day from day 10.
fn logged(events: &[LeadEvent]) -> Vec<LeadEvent> {
    let place = |(n, event): (i64, &LeadEvent)| LeadEvent {
        stamp: Stamp { at: LogTime::from_millis(noon(10 + n)), lane: 0 },
        ..event.clone()
    };
    (0..).zip(events).map(place).collect()
}

proptest! {
    #[test]
    fn any_order_of_arrival_gives_the_same_engagement(
        (events, shuffled) in activities().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        prop_assert_eq!(after(logged(&events)), after(logged(&shuffled)));
    }

    #[test]
    fn a_history_with_an_activity_taken_back_is_the_history_without_it(
        (events, taken, orders) in activities().prop_flat_map(|all| {
            let ids: Vec<String> = all.iter().map(|event| event.event_id.clone()).collect();
            let most = ids.len();
            (Just(all), proptest::sample::subsequence(ids, 0..=most), any::<Vec<proptest::sample::Index>>())
        })
    ) {
        // Each retraction somewhere behind its event, the rest at the end.
        let mut script = logged(&events);
        let mut places = orders.into_iter();
        for id in &taken {
            let after = script.iter().position(|event| event.event_id == *id).unwrap() + 1;
            let room = script.len() - after + 1;
            let place = after + places.next().map_or(0, |index| index.index(room));
            script.insert(place, retracted(id, LogTime(0)));
        }
        let end = LogTime::from_millis(noon(60));
        for (event, n) in script.iter_mut().zip(0..) {
            event.stamp.at = LogTime::from_millis(noon(10).plus(n));
        }
        let without = script.iter().filter(|event| !taken.contains(&event.event_id) && !event.event_id.starts_with("r-"));
        let without: Vec<LeadEvent> = without.cloned().collect();
        let touch = event(end, noon(60), "t1", Body::Crm(CrmActivity::default()));
        prop_assert_eq!(state_after(script.clone()), state_after(without.clone()));
        let last = script.last().unwrap().stamp.at.millis();
        let look = event(LogTime::from_millis(last), last, "t0", Body::Crm(CrmActivity::default()));
        for look in [look, touch] {
            let seen = |events: &[LeadEvent]| after(events.iter().cloned().chain([look.clone()]));
            prop_assert_eq!(seen(&script), seen(&without));
        }
    }

    #[test]
    fn the_windows_equal_a_recount_from_the_log(events in activities()) {
        let events = logged(&events);
        let today = events.last().unwrap().stamp.at.millis().day();
        let people: Vec<_> =
            events.iter().filter(|e| matches!(&e.body, Body::Activity(a) if !a.bot)).map(|e| e.occurred_at).collect();
        let engagement = after(events);
        let within = |days: i64| people.iter().filter(|at| at.day() > today - days).count();
        prop_assert_eq!(engagement.total, i64::try_from(people.len()).unwrap());
        prop_assert_eq!(engagement.total_7d, i64::try_from(within(7)).unwrap());
        let in_30d: i64 = engagement.counts_30d.iter().map(|kind| kind.count).sum();
        prop_assert_eq!(in_30d, i64::try_from(within(30)).unwrap());
        prop_assert_eq!(engagement.last_seen, people.iter().max().copied());
    }
}
