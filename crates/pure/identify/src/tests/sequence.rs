//! Scripts of events, and which lead each is found to be of.

use baton_domain::{Body, LogTime, Millis, RawEvent, Reason, Tick};

use super::{NOON, Rows, policy, view};
use crate::{Row, Sequenced, stamp_for, step, wake};

/// A sequencer with its rows and its last stamp.
#[derive(Default)]
struct Log {
    rows: Rows,
    now: LogTime,
    count: usize,
}

impl Log {
    fn take(&mut self, raw: RawEvent) -> Sequenced {
        let at = stamp_for(self.now, &raw, NOON);
        let sequenced = step(&policy(), &mut self.rows, at, "engagement.raw/0/7", raw);
        self.now = sequenced.last;
        sequenced
    }

    /// A fresh event with these ids: its lead.
    fn lead(&mut self, ids: &str) -> String {
        let sequenced = self.fresh(ids);
        assert_eq!(sequenced.outcome, "sequenced", "{ids}");
        lead(&sequenced)
    }

    fn fresh(&mut self, ids: &str) -> Sequenced {
        self.count += 1;
        self.take(view(&format!("e{}", self.count), ids))
    }
}

fn lead(sequenced: &Sequenced) -> String {
    sequenced.events.last().unwrap().lead_id.clone()
}

/// The links told before the event, as `<event id> <kind>:<id> from <lead>`.
fn told(sequenced: &Sequenced) -> Vec<String> {
    let link = |event: &baton_domain::LeadEvent| match &event.body {
        Body::Linked(linked) => {
            let from = linked.previous_lead.as_deref().map(|lead| format!(" from {lead}")).unwrap_or_default();
            Some(format!("{} {}:{}{from}", event.event_id, linked.kind, linked.id))
        }
        _ => None,
    };
    sequenced.events.iter().filter_map(link).collect()
}

#[test]
fn a_lead_is_named_by_the_id_it_was_first_seen_by() {
    let lead = Log::default().lead("anon=a1");
    assert_eq!(lead.len(), 19);
    assert!(lead.starts_with("ld_"));
    assert_eq!(Log::default().lead("anon=a1 previous=p1"), lead);
    assert_ne!(Log::default().lead("user=a1 anon=a1"), lead);
}

#[test]
fn a_visitor_who_logs_in_stays_the_same_lead() {
    let mut log = Log::default();
    let visitor = log.lead("anon=a1");
    let login = log.fresh("user=u1 anon=a1 email=Ada@Acme.test");
    assert_eq!(lead(&login), visitor);
    let hash = told(&login)[1].strip_prefix("e2#link-email email:").unwrap().to_owned();
    assert_eq!(told(&login)[0], "e2#link-user user:u1");
    assert_eq!((told(&login).len(), hash.len()), (2, 32));
    assert_eq!(
        login.links.iter().map(|link| link.id.clone()).collect::<Vec<_>>(),
        ["user:u1".into(), format!("email:{hash}")]
    );
    for ids in ["user=u1", "email=ada@acme.TEST", "anon=a1", "anon=a2 user=u1", "anon=a2"] {
        assert_eq!(log.lead(ids), visitor, "{ids}");
    }
}

#[test]
fn an_address_is_never_written_to_a_row_or_a_link() {
    let mut log = Log::default();
    let sequenced = log.fresh("email=ada@acme.test");
    let written = format!("{:?} {:?} {:?}", log.rows, sequenced.links, sequenced.events);
    assert!(!written.contains("ada@") && !written.contains("acme"), "{written}");
}

#[test]
fn the_strongest_known_id_decides_and_strong_ids_never_merge() {
    let mut log = Log::default();
    let (crm, user, email) = (log.lead("crm=c1"), log.lead("user=u1"), log.lead("email=e@x.test"));
    for (ids, wanted) in [
        ("crm=c1 user=u1 email=e@x.test", &crm),
        ("user=u1 email=e@x.test", &user),
        ("crm=c2 user=u1 email=e@x.test", &user),
        ("user=u1 previous=x crm=c1", &crm),
    ] {
        let sequenced = log.fresh(ids);
        assert_eq!((&lead(&sequenced), sequenced.outcome), (wanted, "id_clash"), "{ids}");
    }
    assert_eq!([log.lead("crm=c1"), log.lead("user=u1"), log.lead("email=e@x.test")], [crm, user.clone(), email]);
    assert_eq!(log.lead("crm=c2"), user, "a new id goes to the lead of the event");
}

#[test]
fn a_device_that_another_user_logs_in_on_changes_hands() {
    let mut log = Log::default();
    let first = log.lead("user=u1 anon=a1");
    let handover = log.fresh("user=u2 anon=a1");
    let second = lead(&handover);
    assert_ne!(first, second);
    assert_eq!(
        told(&handover),
        ["e2#link-user user:u2".to_owned(), format!("e2#link-anonymous anonymous:a1 from {first}")]
    );
    assert_eq!(log.lead("anon=a1"), second);
    assert_eq!(log.lead("user=u1"), first);
    let back = log.fresh("user=u1 anon=a1");
    assert_eq!(told(&back), [format!("e5#link-anonymous anonymous:a1 from {second}")]);
}

#[test]
fn a_new_id_of_another_kind_is_the_same_person_s() {
    let mut log = Log::default();
    let lead = log.lead("email=e@x.test anon=a1");
    assert_eq!(log.lead("user=u1 anon=a1"), lead);
    assert_eq!(log.lead("crm=c1 anon=a1"), lead);
    for (device, another) in ["crm=c2", "user=u2", "email=f@x.test"].into_iter().enumerate() {
        log.lead(&format!("user=u1 anon=b{device}"));
        assert_ne!(log.lead(&format!("{another} anon=b{device}")), lead, "one kind that differs is enough: {another}");
    }
}

#[test]
fn a_visitor_recognised_as_a_known_user_counts_there_from_now_on() {
    let mut log = Log::default();
    let (visitor, user) = (log.lead("anon=a1"), log.lead("user=u1"));
    let login = log.fresh("user=u1 anon=a1");
    assert_eq!(lead(&login), user);
    assert_eq!(told(&login), [format!("e3#link-anonymous anonymous:a1 from {visitor}")]);
    assert_eq!(log.lead("anon=a1"), user);
    let Some(Row::Lead(left)) = log.rows.rows.get(&format!("l/{visitor}")) else { panic!("the visitor is forgotten") };
    assert_eq!(left.ids, 0);
}

#[test]
fn an_alias_brings_the_earlier_id_along() {
    let mut log = Log::default();
    let (visitor, user) = (log.lead("anon=a1"), log.lead("user=u1"));
    assert_eq!(log.lead("user=u9 previous=a1"), visitor, "the earlier id was a device");
    assert_eq!(log.lead("user=u2 previous=u1"), user, "the earlier id was a user");
    assert_eq!(log.lead("user=u2"), user);
    assert_eq!(log.fresh("user=u9 previous=u1").outcome, "id_clash", "two known users stay two");
    let own = log.fresh("user=u3 previous=u3");
    assert_eq!(own.links.len(), 1, "an alias to itself adds nothing");
}

#[test]
fn ids_that_mean_nobody_count_as_absent() {
    let mut log = Log::default();
    let known = log.lead("user=u1");
    assert_eq!(log.lead("user=u1 anon=NULL email=n/a"), known);
    for ids in ["anon=Anonymous", "user=null anon=null", "email=unknown", "user=Никто", "email=@x", "email=x@"] {
        let sequenced = log.fresh(ids);
        assert_eq!(sequenced.rejected.unwrap().reason, Reason::MissingId, "{ids}");
        assert_eq!((sequenced.outcome, sequenced.events.len()), ("rejected", 0));
    }
}

#[test]
fn a_lead_s_own_id_names_it_and_an_unknown_one_is_refused() {
    let mut log = Log::default();
    let known = log.lead("user=u1");
    let by_id = log.fresh(&format!("crm={known} email=e@x.test"));
    assert_eq!(lead(&by_id), known);
    assert_eq!(by_id.links.len(), 1, "the address is learned, the lead's own id is no link");
    let orphan = log.fresh("crm=ld_0000000000000000 user=u1");
    assert_eq!(orphan.rejected.map(|r| (r.reason, r.detail)), Some((Reason::MissingId, "unknown lead".into())));
    assert_eq!(log.take(view("e3", "user=u1")).outcome, "sequenced", "a refused event is not remembered");
}

#[test]
fn a_repeat_counts_once_until_it_is_forgotten() {
    let mut log = Log::default();
    assert_eq!(log.take(view("m1", "anon=a1")).outcome, "sequenced");
    let before = log.rows.clone();
    let later = RawEvent { occurred_at: NOON.plus(1), ..view("m1", "anon=a1") };
    for repeat in [view("m1", "anon=a1"), later] {
        let repeat = log.take(repeat);
        assert_eq!((repeat.outcome, repeat.events.len(), repeat.links.len()), ("duplicate", 0, 0));
    }
    let conflict = log.take(view("m1", "anon=a2"));
    assert_eq!((conflict.outcome, conflict.events.len()), ("rejected", 0));
    assert_eq!(conflict.rejected.unwrap().reason, Reason::IdConflict);
    assert_eq!(log.rows, before);

    let (key, due) = before.wakes.iter().next().unwrap();
    assert_eq!(*due, LogTime::from_millis(NOON.plus(7 * Millis::DAY)));
    wake(&mut log.rows, key);
    assert_eq!(log.take(view("m1", "anon=a1")).outcome, "sequenced");
}

#[test]
fn a_tick_gives_no_event_and_touches_no_row() {
    let mut log = Log::default();
    let tick = log.take(RawEvent { event_id: String::new(), body: Body::Tick(Tick {}), ..view("", "") });
    let noon = LogTime::from_millis(NOON);
    let quiet = Sequenced { events: vec![], links: vec![], outcome: "tick", rejected: None, last: noon };
    assert_eq!(tick, quiet);
    assert_eq!(log.rows, Rows::default());
}

#[test]
fn a_date_too_far_ahead_is_set_to_the_log_s_time() {
    let mut log = Log::default();
    let mut at = |skew: i64| {
        let event = log.take(RawEvent { occurred_at: NOON.plus(skew), ..view(&format!("m{skew}"), "anon=a1") });
        (event.outcome, event.events[0].occurred_at)
    };
    assert_eq!(at(Millis::HOUR), ("sequenced", NOON.plus(Millis::HOUR)));
    assert_eq!(at(Millis::HOUR + 1), ("clamped", NOON));
    assert_eq!(at(i64::MAX - NOON.0), ("clamped", NOON));
    assert_eq!(at(-Millis::DAY), ("sequenced", NOON.plus(-Millis::DAY)));
}

#[test]
fn a_lead_takes_no_more_than_fifty_ids_and_still_its_events() {
    let mut log = Log::default();
    let user = log.lead("user=u1 anon=a0");
    for device in 1..49 {
        assert_eq!(log.lead(&format!("user=u1 anon=a{device}")), user);
    }
    let over = log.fresh("user=u1 anon=a49");
    assert_eq!((over.outcome, lead(&over), over.links.len()), ("id_overflow", user.clone(), 0));
    assert_ne!(log.lead("anon=a49"), user);
    log.lead("user=u2 anon=a48");
    assert_eq!(log.fresh("user=u1 anon=a50").outcome, "sequenced", "an id that left makes room");
}

#[test]
fn two_ids_that_hash_alike_stay_two_leads() {
    let mut log = Log::default();
    let taken = Log::default().lead("user=u1");
    log.rows.rows.insert(format!("l/{taken}"), Row::Lead(crate::Known::new(LogTime(1))));
    assert_ne!(log.lead("user=u1"), taken);
}

#[test]
fn the_stamp_is_the_time_of_receipt_but_always_rises() {
    let at = |now: LogTime, received: Option<Millis>| {
        stamp_for(now, &RawEvent { received_at: received, ..view("m", "anon=a") }, NOON)
    };
    let noon = LogTime::from_millis(NOON);
    assert_eq!(at(LogTime::MIN, None), noon);
    assert_eq!(at(LogTime::MIN, Some(NOON.plus(-5))), LogTime::from_millis(NOON.plus(-5)));
    assert_eq!(at(noon, None), noon.next());
    assert_eq!(at(LogTime::MIN, Some(NOON.plus(Millis::DAY))), noon, "a clock a day ahead is not believed");
}

#[test]
fn one_address_in_any_case_is_one_lead_and_a_plus_tag_is_another() {
    let mut log = Log::default();
    let ada = log.lead("email=ada@northwind.example");
    assert_eq!(log.lead("email=ADA@Northwind.Example"), ada);
    for other in ["ada+news@northwind.example", "a\u{e4}da@northwind.example", "\u{430}da@northwind.example"] {
        assert_ne!(log.lead(&format!("email={other}")), ada, "{other}");
    }
}

#[test]
fn an_id_may_be_any_text() {
    let mut log = Log::default();
    let odd = ["\u{1b}[2J", "=cmd()|'/C", "../../etc/passwd", "{{7*7}}", "a\u{0}b", "\u{202e}abc"];
    let leads: std::collections::BTreeSet<_> = odd.iter().map(|id| log.lead(&format!("user={id}"))).collect();
    assert_eq!(leads.len(), odd.len(), "each is a lead of its own");
    assert!(leads.iter().all(|lead| lead.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')));
}
