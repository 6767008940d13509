//! The names that topics, metrics, headers and screens show: readers depend on them, so they follow
//! from the variants by one rule and no two are the same.

use std::collections::BTreeSet;

use baton_domain::{Band, Clock, Grade, Reason, SlaAction, SlaEventKind, Stage};

/// `FirstTouch` as `first_touch`.
fn snake(variant: &str) -> String {
    let mut name = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[track_caller]
fn follow_from_the_variants(names: &[(String, &str)]) {
    for (variant, name) in names {
        assert_eq!(&snake(variant), name);
    }
    assert_eq!(names.iter().map(|(_, name)| name).collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn names_are_the_variants_in_small_letters() {
    follow_from_the_variants(&Stage::ALL.map(|stage| (format!("{stage:?}"), stage.as_str())));
    follow_from_the_variants(&Clock::ALL.map(|clock| (format!("{clock:?}"), clock.as_str())));
    follow_from_the_variants(&Reason::ALL.map(|reason| (format!("{reason:?}"), reason.as_str())));
    follow_from_the_variants(&SlaAction::ALL.map(|action| (format!("{action:?}"), action.as_str())));
    follow_from_the_variants(&SlaEventKind::ALL.map(|kind| (format!("{kind:?}"), kind.as_str())));
}

#[test]
fn a_screen_shows_the_same_name_as_a_topic() {
    for stage in Stage::ALL {
        assert_eq!(stage.to_string(), stage.as_str());
    }
    for clock in Clock::ALL {
        assert_eq!(clock.to_string(), clock.as_str());
    }
    for reason in Reason::ALL {
        assert_eq!(reason.to_string(), reason.as_str());
    }
    for grade in [Grade::A, Grade::B, Grade::C, Grade::D, Grade::U] {
        assert_eq!(grade.to_string(), format!("{grade:?}"));
    }
    assert_eq!(Band(2).to_string(), "2");
}

#[test]
fn who_nothing_is_known_of_is_cold_and_ungraded() {
    assert_eq!((Band::default(), Grade::default(), Stage::default()), (Band(4), Grade::U, Stage::Visitor));
}
