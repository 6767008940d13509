//! The watchdog against a recount that sees the whole history at once and knows no state.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// What happens to a lead after a handoff at 9:00 to `ada`.
#[derive(Clone, Debug)]
enum Happening {
    Call,
    AutomatedMail,
    Accepted,
    Verdict(&'static str),
    Denied,
    OptedIn,
    HandedAgain,
}

/// A happening, when it was written, and how long before that it was done; in seconds.
#[derive(Clone, Debug)]
struct Entry {
    happening: Happening,
    written: i64,
    lag: i64,
}

impl Entry {
    fn written(&self) -> LogTime {
        LogTime(at(9, 0).0 + self.written * 1_000_000)
    }

    fn done(&self) -> LogTime {
        LogTime(self.written().0 - self.lag * 1_000_000)
    }

    fn heard(&self) -> Heard {
        match self.happening {
            Happening::Call => call(self.done()),
            Happening::AutomatedMail => touch(self.done(), Touch { automated: true, ..Touch::default() }),
            Happening::Accepted => sales(self.done(), CrmKind::Accepted),
            Happening::Verdict(code) => verdict(self.done(), code),
            Happening::Denied => consent(self.done(), "all", ConsentState::Denied),
            Happening::OptedIn => consent(self.done(), "all", ConsentState::Granted),
            Happening::HandedAgain => handed_to("ada"),
        }
    }

    fn answers(&self, clock: Clock) -> bool {
        let kind = match clock {
            Clock::FirstTouch => matches!(self.happening, Happening::Call),
            _ => matches!(self.happening, Happening::Accepted | Happening::Verdict(_)),
        };
        kind && self.done() >= at(9, 0)
    }

    fn releases(&self, clock: Clock) -> bool {
        match self.happening {
            Happening::Denied => true,
            Happening::Verdict("not_now") => clock == Clock::FirstTouch && self.done() >= at(9, 0),
            _ => false,
        }
    }
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let happening = prop_oneof![
        4 => Just(Happening::Call),
        2 => Just(Happening::AutomatedMail),
        2 => Just(Happening::Accepted),
        1 => Just(Happening::Verdict("qualified")),
        1 => Just(Happening::Verdict("not_now")),
        1 => Just(Happening::Denied),
        1 => Just(Happening::OptedIn),
        1 => Just(Happening::HandedAgain),
    ];
    // Whole minutes make ties with warnings, deadlines and the end of the grace common.
    let written = prop_oneof![(1..80_i64).prop_map(|minute| minute * 60), 1..5_000_i64];
    let lag = prop_oneof![Just(0), (0..40_i64).prop_map(|minute| minute * 60), -300..1_200_i64];
    prop::collection::vec((happening, written, lag), 0..8).prop_map(|all| {
        let mut seen = BTreeSet::new();
        let mut all: Vec<Entry> = all
            .into_iter()
            .filter(|(_, written, _)| seen.insert(*written))
            .map(|(happening, written, lag)| Entry { happening, written, lag })
            .collect();
        all.sort_by_key(|entry| entry.written);
        all
    })
}

/// The ids that must be said of a clock, from the whole history.
fn recount(clock: Clock, within: i64, entries: &[Entry]) -> BTreeSet<String> {
    let deadline = LogTime(at(9, 0).0 + within * 60_000_000);
    let grace = LogTime(deadline.0 + 6 * 60_000_000);
    let mut said = BTreeSet::from([format!("{clock}_started_h1")]);
    let outdates = |other: &Entry, no: &Entry| {
        matches!(other.happening, Happening::OptedIn) && other.written < no.written && other.done() > no.done()
    };
    let is_outdated = |no: &Entry| entries.iter().any(|other| outdates(other, no));
    let releases = |e: &Entry| e.releases(clock) && !(matches!(e.happening, Happening::Denied) && is_outdated(e));
    let end = entries.iter().find(|e| e.written() <= deadline && (e.answers(clock) || releases(e)));
    let until = end.map_or(deadline, Entry::written);
    for level in [50, 80] {
        let due = LogTime(at(9, 0).0 + within * 60_000_000 * level / 100);
        if due < until || (end.is_none() && due <= until) {
            said.insert(format!("{clock}_{level}_h1"));
        }
    }
    if let Some(end) = end {
        said.insert(format!("{clock}_{}_h1", if end.answers(clock) { "met" } else { "cancelled" }));
        return said;
    }
    said.insert(format!("{clock}_100_h1"));
    // Late is said once, unless nobody owed an answer any more; the truth that comes in time takes the breach back.
    let after = || entries.iter().filter(|e| deadline < e.written());
    let in_time_after_all = |e: &&Entry| e.answers(clock) && e.done() <= deadline && e.written() <= grace;
    let truth = after().find(in_time_after_all).map(Entry::written);
    if truth.is_some() {
        said.extend([format!("{clock}_retracted_h1"), format!("{clock}_met_h1")]);
    }
    let settles = after().find(|e| e.answers(clock) || releases(e));
    if settles.is_some_and(|e| e.answers(clock) && truth.is_none_or(|truth| e.written() < truth)) {
        said.insert(format!("{clock}_late_h1"));
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_said_equals_a_recount_of_the_history(entries in entries()) {
        let policy = policy();
        let mut desk = Desk::owned_by("ada");
        for entry in &entries {
            desk.hears(&policy, entry.written(), entry.heard());
        }
        desk.wakes_until(&policy, at(48, 0));
        let mut expected = recount(Clock::Accept, 30, &entries);
        expected.extend(recount(Clock::FirstTouch, 60, &entries));
        let said: Vec<&String> = desk.said.iter().map(|event| &event.id).collect();
        prop_assert_eq!(said.len(), expected.len(), "something was said twice: {:?}", said);
        prop_assert_eq!(said.into_iter().cloned().collect::<BTreeSet<_>>(), expected);
        prop_assert!(desk.said.is_sorted_by_key(|event| event.stamp.at), "stamps never fall");
    }

    #[test]
    fn with_owners_and_episodes_changing_every_clock_still_ends_exactly_once(
        steps in prop::collection::vec((1..40_i64, 0..8_u8, 0..2_usize), 1..25),
    ) {
        let policy = policy();
        let (mut desk, mut minute, mut episode) = (Desk::default(), 0, 1);
        for (gap, what, who) in steps {
            minute += gap;
            let now = at(9, minute);
            episode += i32::from(what == 0);
            let owner = if what == 7 { None } else { Some(["ada", "kim"][who]) };
            let heard = match what {
                0 | 1 | 2 | 7 => handed(&format!("h{episode}"), episode, "P1", owner),
                3 => sales(now, CrmKind::Accepted),
                4 => verdict(now, "not_now"),
                _ => call(LogTime(now.0 - gap * 30_000_000)),
            };
            desk.hears(&policy, now, heard);
        }
        desk.wakes_until(&policy, at(480, 0));
        let mut lives: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for event in desk.said.iter().filter(|event| event.kind != SlaEventKind::Warned) {
            let started = format!("{} {} {:?}", event.clock, event.handoff_id, event.started_at);
            lives.entry(started).or_default().push(event.word());
        }
        for (life, kinds) in lives {
            let whole: [&[&str]; 6] = [
                &["started", "met"],
                &["started", "cancelled"],
                &["started", "breached"],
                &["started", "breached", "retracted", "met"],
                &["started", "breached", "late"],
                &["started", "breached", "late", "retracted", "met"],
            ];
            prop_assert!(whole.contains(&kinds.as_slice()), "{life}: {kinds:?}");
        }
        let ids: BTreeSet<&String> = desk.said.iter().map(|event| &event.id).collect();
        prop_assert_eq!(ids.len(), desk.said.len(), "no id is said twice");
    }
}
