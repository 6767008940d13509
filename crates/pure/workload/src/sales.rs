//! What sales does with a lead that asked for it, as the CRM tells it.
//!
//! Holds: reactions start when the desk is open, and name the lead by email or user id.
//! Absent on purpose: knowledge of what was handed off. A script says when sales may have heard of a lead.

use baton_domain::Millis;
use serde_json::Value;

use crate::hours::desk_opens;
use crate::journal::{Journal, text};
use crate::line::{Bag, Crm, Disposition, Line, Time};
use crate::person::Company;

/// Those of the starter policy's reps who are there, by the pool in which the lead ends up.
fn reps(company: &Company) -> &'static [&'static str] {
    match company.country {
        _ if company.employees >= 1_000 => &["ines.hoffmann", "marcus.reed"],
        "US" | "CA" | "BR" => &["dana.brooks", "luis.ortega"],
        "IN" | "SG" => &["sam.keller"],
        _ => &["jonas.weber", "lena.fischer"],
    }
}

/// How a rep treats a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    /// Calls within minutes.
    Prompt,
    /// Calls within minutes, and the CRM tells of it when the deadline is over.
    ToldLate,
    /// Calls within hours.
    Slow,
    /// Leaves it to the sequencer's mail.
    Automatic,
    /// Does nothing.
    Silent,
}

/// Writes what sales does about a lead that became ready at about `asked`.
pub(crate) fn react(journal: &mut Journal, asked: Millis) {
    let country = journal.person.company.country;
    let start = desk_opens(asked, country);
    let rep = *journal.random.pick(reps(journal.person.company));
    match reaction(journal) {
        Reaction::Prompt => {
            let called = after(journal, start, 40 * Millis::SECOND, 4 * Millis::MINUTE);
            call(journal, rep, called, None);
            judge(journal, rep, called);
        }
        Reaction::ToldLate => {
            let called = after(journal, start, 2 * Millis::MINUTE, 4 * Millis::MINUTE);
            let told = after(journal, start, 7 * Millis::MINUTE, 12 * Millis::MINUTE);
            call(journal, rep, called, Some(told));
            judge(journal, rep, told);
        }
        Reaction::Slow => {
            let later = after(journal, start, 25 * Millis::MINUTE, 6 * Millis::HOUR);
            let called = desk_opens(later, country);
            call(journal, rep, called, None);
            judge(journal, rep, called);
        }
        Reaction::Automatic => {
            let sent = after(journal, asked, 20 * Millis::SECOND, Millis::MINUTE);
            touch(journal, "sequencer", sent, "email", "attempt", true);
            if journal.random.percent(40) {
                let next_day = desk_opens(sent.plus(Millis::DAY), country);
                touch(journal, rep, next_day, "email", "attempt", false);
            }
        }
        Reaction::Silent => {}
    }
}

fn reaction(journal: &mut Journal) -> Reaction {
    match journal.random.below(100) {
        0..42 => Reaction::Prompt,
        42..50 => Reaction::ToldLate,
        50..74 => Reaction::Slow,
        74..88 => Reaction::Automatic,
        _ => Reaction::Silent,
    }
}

/// A call by a person; the CRM tells of it at `told`, or at once.
fn call(journal: &mut Journal, rep: &'static str, at: Millis, told: Option<Millis>) {
    let outcome = *journal.random.pick(&["connected", "connected", "voicemail", "attempt"]);
    touch(journal, rep, at, "call", outcome, false);
    if let Some(told) = told
        && let Some(line) = journal.lines.pop()
    {
        journal.lines.push(line.received_at(told));
    }
}

/// The handshake, and some days later the verdict.
fn judge(journal: &mut Journal, rep: &'static str, met: Millis) {
    let accepted = after(journal, met, 2 * Millis::MINUTE, 9 * Millis::MINUTE);
    if journal.random.percent(85) {
        put(journal, accepted, "accepted", Some(rep), Bag::new(), None);
    }
    let country = journal.person.company.country;
    let days = journal.random.between(1, 4) * Millis::DAY;
    let hours = journal.random.between(0, 5 * Millis::HOUR);
    let verdict = desk_opens(accepted.plus(days + hours), country);
    match journal.random.below(100) {
        0..48 => qualify(journal, rep, verdict),
        48..68 => postpone(journal, rep, verdict),
        68..84 => dispose(journal, rep, verdict, "not_a_fit", Some("not_icp"), None),
        _ => give_up(journal, rep, met, verdict),
    }
}

/// A meeting, a qualified lead, and what becomes of the opportunity.
fn qualify(journal: &mut Journal, rep: &'static str, at: Millis) {
    touch(journal, rep, at, "meeting", "connected", false);
    dispose(journal, rep, at.plus(40 * Millis::MINUTE), "qualified", None, None);
    if !journal.random.percent(80) {
        return;
    }
    let opened = after(journal, at, Millis::DAY, 2 * Millis::DAY);
    opportunity(journal, rep, opened, "open");
    let closed = after(journal, opened, 2 * Millis::DAY, 5 * Millis::DAY);
    match journal.random.below(100) {
        0..45 => opportunity(journal, rep, closed, "won"),
        45..75 => opportunity(journal, rep, closed, "lost"),
        _ => {}
    }
}

/// Not now, with a date; some come back on their own and are called.
fn postpone(journal: &mut Journal, rep: &'static str, at: Millis) {
    let check_in = after(journal, at, 5 * Millis::DAY, 25 * Millis::DAY);
    let reason = *journal.random.pick(&["bad_timing", "budget"]);
    dispose(journal, rep, at, "not_now", Some(reason), Some(check_in));
    if journal.random.percent(45) {
        let back = after(journal, at, 4 * Millis::DAY, 7 * Millis::DAY);
        let seen = journal.visit(back, 3);
        journal.track(seen, "Demo Requested", Bag::from([("form_id", text("demo"))]));
        let called = after(journal, desk_opens(seen, journal.person.company.country), Millis::MINUTE, Millis::HOUR);
        call(journal, rep, called, None);
    }
}

/// Three more attempts, then no more.
fn give_up(journal: &mut Journal, rep: &'static str, first: Millis, at: Millis) {
    let step = at.since(first) / 4;
    for attempt in 1..4 {
        touch(journal, rep, first.plus(step * attempt), "call", "voicemail", false);
    }
    dispose(journal, rep, at, "no_response", None, None);
}

fn touch(
    journal: &mut Journal,
    actor: &'static str,
    at: Millis,
    medium: &'static str,
    outcome: &'static str,
    automated: bool,
) {
    let mut details =
        Bag::from([("medium", text(medium)), ("direction", text("outbound")), ("outcome", text(outcome))]);
    if automated {
        details.insert("automated", Value::from(true));
    }
    put(journal, at, "touch", Some(actor), details, None);
}

/// A call by some rep, whatever came before.
pub(crate) fn attempt(journal: &mut Journal, at: Millis) {
    let rep = *journal.random.pick(reps(journal.person.company));
    call(journal, rep, at, None);
}

/// An answer of the lead itself: a mail or call that it made.
pub(crate) fn inbound(journal: &mut Journal, at: Millis) {
    let details =
        Bag::from([("medium", text("email")), ("direction", text("inbound")), ("outcome", text("connected"))]);
    put(journal, at, "touch", None, details, None);
}

/// A rep hears "never again", and says so.
pub(crate) fn never_contact(journal: &mut Journal, at: Millis) {
    let rep = *journal.random.pick(reps(journal.person.company));
    dispose(journal, rep, at, "never_contact", None, None);
}

/// The opportunity opens, is won or is lost.
fn opportunity(journal: &mut Journal, rep: &'static str, at: Millis, state: &'static str) {
    put(journal, at, "opportunity", Some(rep), Bag::from([("opportunity", text(state))]), None);
}

fn dispose(
    journal: &mut Journal,
    rep: &'static str,
    at: Millis,
    code: &'static str,
    reason: Option<&'static str>,
    check_in: Option<Millis>,
) {
    let verdict = Disposition { code, reason, next_check_in: check_in.map(Time) };
    put(journal, at, "disposition", Some(rep), Bag::new(), Some(verdict));
}

fn put(
    journal: &mut Journal,
    at: Millis,
    kind: &'static str,
    actor: Option<&'static str>,
    details: Bag,
    disposition: Option<Disposition>,
) {
    // By the last bit of the device, so that one lead is always named in the same way.
    let by_email = journal.person.device.as_bytes().last().is_some_and(|byte| byte % 2 == 0);
    let line = Crm {
        r#type: "crm",
        activity_id: format!("crm-{}", journal.random.hex()),
        email: by_email.then(|| journal.person.email.clone()),
        user_id: (!by_email).then(|| journal.person.user_id.clone()),
        kind,
        actor,
        details,
        disposition,
        occurred_at: Time(at),
        received_at: Time(journal.arrival(at)),
    };
    journal.lines.push(Line::Crm(Box::new(line)));
}

fn after(journal: &mut Journal, at: Millis, least: i64, most: i64) -> Millis {
    at.plus(journal.random.between(least, most))
}
