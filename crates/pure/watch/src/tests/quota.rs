//! What marketing promised, month by month.

use super::*;
use crate::{Delivery, Quota, QuotaState};

struct Marketing {
    policy: Policy,
    state: Option<QuotaState>,
    wake: Option<LogTime>,
    said: Vec<SlaEvent>,
}

impl Marketing {
    fn promises(all: i64) -> Self {
        let mut policy = policy();
        policy.sla.quota = [("all".to_owned(), all)].into();
        Self { policy, state: None, wake: None, said: Vec::new() }
    }

    fn takes(&mut self, now: LogTime, input: Input<Delivery>) -> &'static str {
        let step = Quota::step(&self.policy, baton_domain::MARKETING, self.state.take(), input);
        assert!(step.wake.is_none_or(|wake| wake > now), "a wake-up must lie ahead");
        (self.state, self.wake) = (step.state, step.wake);
        self.said.extend(step.outputs);
        step.outcome
    }

    fn delivers(&mut self, at: LogTime, ready: LogTime) -> &'static str {
        self.until(LogTime(at.0 - 1));
        self.counts(at, ready, false)
    }

    fn counts(&mut self, at: LogTime, qualified_at: LogTime, returned: bool) -> &'static str {
        self.takes(at, Input::Record { at, event: Delivery { pool: "desk".to_owned(), qualified_at, returned } })
    }

    fn until(&mut self, end: LogTime) {
        while let Some(due) = self.wake.filter(|due| *due <= end) {
            self.takes(due, Input::Wake { due });
        }
    }

    fn ids(&self) -> Vec<&str> {
        self.said.iter().map(|event| event.id.as_str()).collect()
    }
}

/// So many days after the first of September 2026, UTC.
fn day(n: i64) -> LogTime {
    LogTime::from_millis(MIDNIGHT.plus((n - 8) * Millis::DAY))
}

#[test]
fn t21_forty_of_fifty_promised_leads_are_a_breach_of_marketings() {
    let mut marketing = Marketing::promises(50);
    for n in 0..40 {
        let at = LogTime(day(0).0 + n * 21_600_000_000);
        assert_eq!(marketing.delivers(at, at), "counted");
    }
    marketing.until(day(30));
    let breach = marketing.said.iter().find(|event| event.kind == SlaEventKind::Breached).unwrap();
    assert_eq!((breach.done, breach.promised, breach.party), (40, 50, baton_domain::Party::Marketing));
    assert_eq!((breach.id.as_str(), breach.stamp.at), ("quota_100_2026-09_all", day(30)));
    assert!(!marketing.ids().contains(&"quota_80_2026-09_all"), "forty are eighty percent: on course on the day");
}

#[test]
fn a_month_behind_its_share_is_warned_of_and_one_that_is_not_is_not() {
    let mut marketing = Marketing::promises(4);
    marketing.delivers(day(1), day(1));
    marketing.until(day(20));
    assert_eq!(marketing.ids(), ["quota_started_2026-09_all", "quota_50_2026-09_all"]);
    for _ in 0..2 {
        marketing.delivers(day(21), day(21));
    }
    marketing.until(day(25));
    assert_eq!(marketing.ids().len(), 3, "three of four are short of eighty percent");
    assert_eq!(marketing.delivers(day(26), day(26)), "clock_met");
    marketing.until(day(29));
    assert_eq!(marketing.ids().last(), Some(&"quota_met_2026-09_all"));
}

#[test]
fn a_lead_that_was_ready_in_time_takes_the_breach_back_and_the_next_month_begins_by_itself() {
    let mut marketing = Marketing::promises(2);
    marketing.delivers(day(1), day(1));
    marketing.until(day(30));
    assert_eq!(marketing.ids().last(), Some(&"quota_started_2026-10_all"));
    assert_eq!(marketing.delivers(LogTime(day(30).0 + 60_000_000), LogTime(day(30).0 - 1_000_000)), "retracted");
    let last = marketing.ids()[marketing.said.len() - 2..].to_vec();
    assert_eq!(last, ["quota_retracted_2026-09_all", "quota_met_2026-09_all"]);
}

#[test]
fn without_a_promise_nothing_is_counted() {
    let mut marketing = Marketing::promises(1);
    marketing.policy.sla.quota.clear();
    assert_eq!((marketing.delivers(day(1), day(1)), marketing.wake), ("ignored", None));
}

#[test]
fn a_lead_whose_grounds_never_were_counts_no_more_and_nothing_is_kept_twice() {
    let mut marketing = Marketing::promises(2);
    marketing.delivers(at(9, 0), at(9, 0));
    assert_eq!(marketing.counts(at(9, 1), at(9, 0), true), "uncounted");
    assert_eq!(marketing.delivers(at(9, 2), at(9, 2)), "counted", "one of two");
    assert_eq!(marketing.delivers(at(9, 3), at(9, 3)), "clock_met");
    marketing.counts(at(9, 4), at(9, 3), true);
    assert_eq!(marketing.delivers(at(9, 5), at(9, 5)), "counted");
    let met = marketing.said.iter().filter(|event| event.kind == SlaEventKind::Met).count();
    assert_eq!(met, 1);
}

#[test]
fn where_nothing_is_promised_any_more_no_month_begins_and_nobody_is_woken_for_it() {
    let mut marketing = Marketing::promises(2);
    marketing.delivers(day(1), day(1));
    marketing.policy.sla.quota.clear();
    marketing.until(day(29));
    let mut woken = 0;
    while let Some(due) = marketing.wake.filter(|due| *due <= day(40)) {
        woken += 1;
        assert!(woken < 10, "woken again and again");
        marketing.takes(due, Input::Wake { due });
    }
    let told = marketing.said.len();
    assert_eq!(marketing.counts(day(41), day(41), false), "ignored");
    assert_eq!((marketing.said.len(), marketing.wake), (told, None));
}

#[test]
fn a_month_that_another_zone_ends_later_is_not_begun_twice() {
    let mut marketing = Marketing::promises(1);
    for zone in ["Europe/Berlin", "America/New_York"] {
        let zoned = jiff::tz::TimeZone::get(zone).unwrap();
        let calendar = baton_policy::Calendar { zone: zoned, ..baton_policy::Calendar::around_the_clock().clone() };
        marketing.policy.sla.calendars.insert(zone.to_owned(), calendar);
    }
    marketing.policy.sla.calendar = Some("Europe/Berlin".to_owned());
    marketing.delivers(day(1), day(1));
    marketing.policy.sla.calendar = Some("America/New_York".to_owned());
    marketing.until(day(31));
    let begun = marketing.ids().into_iter().filter(|id| id.contains("2026-09") && id.contains("started")).count();
    assert_eq!(begun, 1, "{:?}", marketing.ids());
    assert!(marketing.ids().iter().all(|id| !(id.contains("100") && id.contains("2026-09"))), "{:?}", marketing.ids());
}
