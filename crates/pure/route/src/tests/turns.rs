//! The strategies of a pool.

use baton_policy::Strategy;
use proptest::prelude::*;

use super::*;

fn with(strategy: Strategy, reps: Vec<(&str, Rep)>) -> Policy {
    let members: Vec<(&str, i64)> = reps.iter().map(|(id, _)| (*id, 1)).collect();
    let desk = Pool { strategy, ..pool(&members, None) };
    policy(reps, vec![("desk", desk)])
}

#[test]
fn the_least_loaded_rep_is_next_by_share_of_what_they_can_have() {
    let can = |most| Rep { open_max: Some(most), ..rep() };
    let policy = with(Strategy::LeastLoaded, vec![("ada", can(10)), ("bob", can(20))]);
    let mut router = Router::default();
    let mut had = BTreeMap::<String, i64>::new();
    for n in 0..30 {
        *had.entry(router.gives(&policy, at(9, n), lead(&format!("l{n}")))).or_default() += 1;
        let [ada, bob] = ["ada", "bob"].map(|rep| had.get(rep).copied().unwrap_or(0));
        assert!((2 * ada - bob).abs() <= 2, "{had:?}");
    }
    assert_eq!((had["ada"], had["bob"]), (10, 20));
    assert_eq!(router.hears(&policy, at(10, 0), lead("l99")).outcome, "queued");
}

#[test]
fn t11_a_rep_back_in_a_balanced_pool_catches_up_by_so_many_a_day() {
    let reps = vec![("ada", away(at(0, 0), at(24, 0))), ("bob", rep())];
    let policy = with(Strategy::Balanced { catch_up_cap: 2 }, reps);
    let mut router = Router::default();
    for n in 0..20 {
        assert_eq!(router.gives(&policy, at(9, n), lead(&format!("m{n}"))), "bob");
    }
    for day in 1..3 {
        let hour = 24 * day + 9;
        let had: Vec<String> =
            (0..10).map(|n| router.gives(&policy, at(hour, n), lead(&format!("d{day}-{n}")))).collect();
        let ada = had.iter().filter(|owner| *owner == "ada").count();
        assert_eq!(ada, 2 + 4, "two to catch up, and half of the other eight");
        assert_eq!(&had[..2], ["ada", "ada"]);
    }
}

#[test]
fn another_weight_holds_from_now_on_and_makes_up_for_nothing() {
    let heavy = |weight| {
        let desk =
            Pool { strategy: Strategy::Balanced { catch_up_cap: 50 }, ..pool(&[("ada", weight), ("bob", 1)], None) };
        policy(vec![("ada", rep()), ("bob", rep())], vec![("desk", desk)])
    };
    let mut router = Router::default();
    for n in 0..40 {
        router.gives(&heavy(1), at(9, n), lead(&format!("m{n}")));
    }
    for (hour, weight, fair) in [(10, 3, 30), (11, 1, 20)] {
        let had = (0..40).map(|n| router.gives(&heavy(weight), at(hour, n), lead(&format!("h{hour}-{n}"))));
        let ada = had.filter(|owner| owner == "ada").count();
        assert!(ada.abs_diff(fair) <= 1, "{ada} of 40 at weight {weight} to 1");
    }
}

proptest! {
    #[test]
    fn a_balanced_pool_is_as_fair_as_turns_while_all_are_there(reps in 1..8_usize, leads in 1..100_i64) {
        let ids: Vec<String> = (0..reps).map(|i| format!("r{i}")).collect();
        let policy = with(Strategy::Balanced { catch_up_cap: 5 }, ids.iter().map(|id| (id.as_str(), rep())).collect());
        let mut router = Router::default();
        let mut given: BTreeMap<String, i64> = ids.iter().map(|id| (id.clone(), 0)).collect();
        for n in 0..leads {
            *given.get_mut(&router.gives(&policy, at(9, n), lead(&format!("l{n}")))).unwrap() += 1;
            prop_assert!(given.values().max().unwrap() - given.values().min().unwrap() <= 1, "{given:?}");
        }
    }
}
