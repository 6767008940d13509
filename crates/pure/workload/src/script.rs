//! One script a persona: what such a person does, day by day.
//!
//! Holds: a script reads nothing but the journal's own luck.

use baton_domain::Millis;

use crate::content::{ASSETS, CAREERS, PRICING, STORIES};
use crate::hours::{evening_moment, is_weekend, working_moment};
use crate::journal::{Journal, text};
use crate::line::Bag;
use crate::person::Person;
use crate::persona::Persona;
use crate::sales;

/// Writes the whole story of one lead, whose first day starts at `midnight`.
pub(crate) fn play(persona: Persona, journal: &mut Journal, midnight: Millis) {
    match persona {
        Persona::WindowShopper => window_shopper(journal, midnight),
        Persona::Reader => reader(journal, midnight),
        Persona::DemoRequester => demo_requester(journal, midnight),
        Persona::Asker => asker(journal, midnight),
        Persona::SlowBurner => slow_burner(journal, midnight),
        Persona::Enriched => enriched(journal, midnight),
        Persona::Collector => collector(journal, midnight),
        Persona::Excluded => excluded(journal, midnight),
        Persona::Student => student(journal, midnight),
        Persona::Competitor => competitor(journal, midnight),
        Persona::SharedDevice => shared_device(journal, midnight),
        Persona::OptOut => opt_out(journal, midnight),
        Persona::Bot => bot(journal, midnight),
    }
}

fn window_shopper(journal: &mut Journal, midnight: Millis) {
    let visits = journal.random.between(1, 4);
    let mut day = midnight;
    for _ in 0..visits {
        let at = moment(journal, day);
        let pages = journal.random.between(1, 5);
        let end = journal.visit(at, pages);
        if journal.random.percent(10) {
            let page = journal.random.pick(&CAREERS);
            journal.page(end, page);
        }
        day = later(journal, day, 1, 6);
    }
}

fn reader(journal: &mut Journal, midnight: Millis) {
    let mut day = midnight;
    for _ in 0..journal.random.between(1, 3) {
        anonymous_visit(journal, day);
        day = later(journal, day, 1, 3);
    }
    let at = moment(journal, day);
    let end = journal.visit(at, 2);
    journal.form(end, "ebook", true);
    let asset = journal.random.pick(&ASSETS[..6]);
    journal.download(end.plus(Millis::SECOND), asset);
    mails(journal, day, 3);
    if journal.random.percent(30) {
        let day = later(journal, day, 2, 5);
        let at = moment(journal, day);
        let attended = journal.random.percent(60).then_some(2 * Millis::DAY);
        journal.webinar(at, attended);
    }
    if journal.random.percent(20) {
        let day = later(journal, day, 3, 8);
        let at = moment(journal, day);
        journal.visit(at, 4);
    }
}

fn demo_requester(journal: &mut Journal, midnight: Millis) {
    let mut day = midnight;
    for _ in 0..journal.random.between(1, 3) {
        anonymous_visit(journal, day);
        day = later(journal, day, 1, 4);
    }
    let country = journal.person.company.country;
    // A third asks in the evening; the days between were drawn without regard to weekends.
    let at = if journal.random.percent(33) {
        evening_moment(&mut journal.random, day, country)
    } else {
        working_moment(&mut journal.random, day, country)
    };
    let end = journal.visit(at, 2);
    journal.page(end, &PRICING);
    let asked = end.plus(90 * Millis::SECOND);
    journal.form(asked, "demo", true);
    let asked = asked.plus(Millis::SECOND);
    ask(journal, asked, "Demo Requested", "demo");
    sales::react(journal, asked);
    if journal.random.percent(25) {
        sales::inbound(journal, asked.plus(3 * Millis::DAY));
    }
    mails(journal, day, 2);
}

fn asker(journal: &mut Journal, midnight: Millis) {
    anonymous_visit(journal, midnight);
    let day = later(journal, midnight, 1, 4);
    let at = moment(journal, day);
    let end = journal.visit(at, 3);
    journal.page(end, &PRICING);
    let asked = end.plus(Millis::MINUTE);
    match journal.random.below(3) {
        0 => {
            journal.form(asked, "pricing", true);
            ask(journal, asked.plus(Millis::SECOND), "Pricing Requested", "pricing");
        }
        1 => {
            journal.track(asked, "Chat Started", Bag::from([("topic", text("pricing"))]));
            journal.form(asked.plus(4 * Millis::MINUTE), "contact", true);
            ask(journal, asked.plus(4 * Millis::MINUTE + Millis::SECOND), "Contact Requested", "contact");
        }
        _ => trial(journal, asked),
    }
    sales::react(journal, asked.plus(5 * Millis::MINUTE));
}

/// A trial: the product takes over, with its own way of saying who it is.
fn trial(journal: &mut Journal, at: Millis) {
    journal.alias(at);
    journal.form(at.plus(Millis::SECOND), "trial", true);
    journal.group(at.plus(2 * Millis::SECOND));
    ask(journal, at.plus(3 * Millis::SECOND), "Trial Started", "trial");
    for milestone in ["first_import", "first_rule", "first_route"] {
        let wait = journal.random.between(Millis::HOUR, 3 * Millis::DAY);
        journal.track(at.plus(wait), "Product Milestone", Bag::from([("content_id", text(milestone))]));
    }
}

fn slow_burner(journal: &mut Journal, midnight: Millis) {
    let at = moment(journal, midnight);
    let end = journal.visit(at, 2);
    // The address alone: who they are stays open until the second form.
    journal.form(end, "newsletter", false);
    let mut day = midnight;
    for week in 0..4 {
        day = later(journal, day, 2, 4);
        let at = moment(journal, day);
        let end = journal.visit(at, 3);
        match week {
            0 => journal.download(end, &ASSETS[2]),
            1 => {
                journal.form(end, "guide", true);
                journal.download(end.plus(Millis::SECOND), &ASSETS[4]);
            }
            2 => {
                let story = journal.random.pick(&STORIES);
                journal.page(end, story);
                journal.webinar(end.plus(Millis::MINUTE), Some(3 * Millis::DAY));
            }
            _ => {
                journal.page(end, &PRICING);
                journal.download(end.plus(Millis::MINUTE), &ASSETS[7]);
                if journal.random.percent(30) {
                    let topic = Bag::from([("topic", text("pricing"))]);
                    journal.track(end.plus(2 * Millis::MINUTE), "Chat Started", topic);
                }
            }
        }
        if week == 1 && journal.random.percent(65) {
            sales::react(journal, end.plus(Millis::MINUTE));
        }
        mails(journal, day, 2);
    }
}

fn enriched(journal: &mut Journal, midnight: Millis) {
    anonymous_visit(journal, midnight);
    let day = later(journal, midnight, 1, 3);
    let at = moment(journal, day);
    let end = journal.visit(at, 2);
    journal.form(end, "ebook", false);
    journal.download(end.plus(Millis::SECOND), &ASSETS[1]);
    journal.page(end.plus(2 * Millis::MINUTE), &PRICING);
    let day = later(journal, day, 1, 3);
    let at = moment(journal, day);
    let end = journal.visit(at, 2);
    journal.download(end, &ASSETS[8]);
    mails(journal, day, 3);
    let found = end.plus(journal.random.between(8 * Millis::HOUR, 3 * Millis::DAY));
    journal.enrich(found);
    if journal.random.percent(65) {
        sales::react(journal, found.plus(Millis::SECOND));
    }
}

fn collector(journal: &mut Journal, midnight: Millis) {
    let at = moment(journal, midnight);
    journal.form(at, "ebook", true);
    let mut day = midnight;
    for pair in ASSETS.chunks(2) {
        let at = moment(journal, day);
        let mut end = journal.visit(at, 2);
        for asset in pair {
            end = end.plus(40 * Millis::SECOND);
            journal.download(end, asset);
        }
        mails(journal, day, 1);
        day = later(journal, day, 1, 3);
    }
}

fn excluded(journal: &mut Journal, midnight: Millis) {
    let at = moment(journal, midnight);
    let end = journal.visit(at, 4);
    journal.form(end, "demo", true);
    ask(journal, end.plus(Millis::SECOND), "Demo Requested", "demo");
}

fn student(journal: &mut Journal, midnight: Millis) {
    let at = moment(journal, midnight);
    journal.form(at, "ebook", true);
    let mut now = at;
    for asset in &ASSETS[..4] {
        now = journal.visit(now, 2);
        journal.download(now, asset);
    }
    journal.page(now.plus(Millis::MINUTE), &CAREERS[0]);
    journal.page(now.plus(2 * Millis::MINUTE), &CAREERS[1]);
}

fn competitor(journal: &mut Journal, midnight: Millis) {
    let at = moment(journal, midnight);
    let end = journal.visit(at, 8);
    journal.page(end, &PRICING);
    journal.form(end.plus(Millis::MINUTE), "pricing", true);
    ask(journal, end.plus(61 * Millis::SECOND), "Pricing Requested", "pricing");
    let day = later(journal, midnight, 2, 5);
    let at = moment(journal, day);
    journal.page(at, &PRICING);
}

/// A second person logs in on the first one's browser and asks for a demo.
fn shared_device(journal: &mut Journal, midnight: Millis) {
    let at = moment(journal, midnight);
    let end = journal.visit(at, 3);
    journal.form(end, "ebook", true);
    journal.download(end.plus(Millis::SECOND), &ASSETS[3]);
    let day = later(journal, midnight, 1, 3);
    let at = moment(journal, day);
    // Still under the first one's name, as the site has no way to know.
    let end = journal.visit(at, 2);
    let first = journal.person.clone();
    let email = format!("team.{}", first.email);
    journal.person = Person { email, user_id: format!("{}-b", first.user_id), name: "Robin Stone".to_owned(), ..first };
    journal.form(end, "demo", true);
    let asked = end.plus(Millis::SECOND);
    ask(journal, asked, "Demo Requested", "demo");
    sales::react(journal, asked);
}

/// Takes every permission back; half of them ask for a demo later, from another browser and account.
fn opt_out(journal: &mut Journal, midnight: Millis) {
    let at = moment(journal, midnight);
    let end = journal.visit(at, 2);
    journal.form(end, "ebook", true);
    journal.download(end.plus(Millis::SECOND), &ASSETS[0]);
    mails(journal, midnight, 3);
    let day = later(journal, midnight, 4, 6);
    let at = moment(journal, day);
    if journal.random.percent(70) {
        journal.mail(at, "Email Unsubscribed");
        journal.consent(at.plus(Millis::SECOND), "all", "denied", "map");
    } else {
        sales::never_contact(journal, at);
        journal.consent(at.plus(Millis::SECOND), "all", "denied", "crm");
    }
    if journal.random.percent(50) {
        let day = later(journal, day, 1, 4);
        journal.device = format!("anon-{}", journal.random.hex());
        journal.person.user_id = format!("{}-p", journal.person.user_id);
        journal.known = false;
        let at = moment(journal, day);
        let end = journal.visit(at, 1);
        journal.form(end, "demo", true);
        ask(journal, end.plus(Millis::SECOND), "Demo Requested", "demo");
    }
}

fn bot(journal: &mut Journal, midnight: Millis) {
    journal.bot = true;
    let mut at = midnight.plus(journal.random.between(0, 20 * Millis::HOUR));
    for _ in 0..journal.random.between(15, 30) {
        journal.visit(at, 1);
        at = at.plus(journal.random.between(300, 900));
    }
}

fn anonymous_visit(journal: &mut Journal, day: Millis) {
    let at = moment(journal, day);
    let pages = journal.random.between(2, 5);
    journal.visit(at, pages);
}

/// A hand is raised, with the form that it was raised on.
fn ask(journal: &mut Journal, at: Millis, event: &'static str, form_id: &'static str) {
    journal.track(at, event, Bag::from([("form_id", text(form_id))]));
}

/// Up to `most` mails over the next days; most are opened, some are clicked, and machines open many.
fn mails(journal: &mut Journal, day: Millis, most: i64) {
    for _ in 0..journal.random.between(1, most) {
        let at = day.plus(journal.random.between(Millis::DAY, 6 * Millis::DAY));
        journal.mail(at, "Email Opened");
        if journal.random.percent(35) {
            journal.mail(at.plus(20 * Millis::SECOND), "Email Link Clicked");
            let landing = journal.random.pick(&STORIES);
            journal.page(at.plus(22 * Millis::SECOND), landing);
        }
    }
}

/// A working moment of the day, moved past the weekend in four cases of five.
fn moment(journal: &mut Journal, day: Millis) -> Millis {
    let mut day = day;
    while is_weekend(day) && journal.random.percent(80) {
        day = day.plus(Millis::DAY);
    }
    working_moment(&mut journal.random, day, journal.person.company.country)
}

fn later(journal: &mut Journal, day: Millis, least: i64, most: i64) -> Millis {
    day.plus(journal.random.between(least, most) * Millis::DAY)
}
