//! Stories, desks and promises as text for a terminal.

use std::fmt::Write as _;

use super::desk::Desk;
use super::episode::{Episode, Laned, Withdrawn};
use super::person::Person;
use super::promise::{Promise, used};
use super::story::{Score, Story};
use super::sums::Subtotal;
use super::today::Today;

/// The whole story.
pub(super) fn story(story: &Story) -> String {
    let mut said = String::new();
    let stage = story.stage.as_deref().unwrap_or("no stage");
    let _ = writeln!(said, "{}  {stage}", story.lead_id);
    if let Some(score) = &story.score {
        said.push_str(&receipt(score));
    }
    if let Some(raise) = &story.last_hand_raise {
        let _ = writeln!(said, "  Last asked for sales: {} at {}", raise.did, raise.at);
    }
    if let Some(now) = &story.today {
        said.push_str(&today(now));
    }
    for episode in &story.episodes {
        said.push_str(&handoff(episode));
    }
    if let Some(desk) = &story.desk {
        let _ = writeln!(said, "\nDesk");
        said.push_str(&one_desk(desk));
    }
    if !story.promises.is_empty() {
        let _ = writeln!(said, "\nPromises");
        said.push_str(&promises(&story.promises));
    }
    let _ = writeln!(said, "\nStages");
    for entered in &story.stages {
        let status = entered.status.as_ref().map(|status| format!(", {status}")).unwrap_or_default();
        let _ = writeln!(said, "  {}  {}{status} ({})", entered.at, entered.stage, entered.cause);
    }
    let _ = writeln!(said, "\nTimeline");
    for entry in &story.timeline {
        let _ = writeln!(said, "  {}  {:<18} {}", entry.at, entry.topic, entry.what);
    }
    said
}

fn receipt(score: &Score) -> String {
    let Score { at, score: total, fit, engagement, cell, policy_version, receipt, sum, by_group } = score;
    let mut said =
        format!("\nScore {total} ({cell}): fit {fit}, engagement {engagement}; at {at} by policy {policy_version}\n");
    for part in receipt {
        let of = match &part.between {
            Some((first, last)) => format!("  {} times, {first} to {last}", part.count),
            None if part.event_id.is_empty() => String::new(),
            None => format!("  {} at {}", part.did.as_ref().unwrap_or(&part.event_id), part.at),
        };
        let _ = writeln!(said, "  {:>9}  {} ({}){of}", part.points, part.rule, part.kind);
    }
    let _ = writeln!(said, "  {sum:>9}  in all");
    if !by_group.is_empty() {
        let _ = writeln!(said, "  By group: {}", by_group.iter().map(subtotal).collect::<Vec<_>>().join(", "));
    }
    said
}

/// `web 12.5`, `taken away -10`.
fn subtotal(subtotal: &Subtotal) -> String {
    let name = subtotal.group.clone().unwrap_or_else(|| subtotal.part.replace('_', " "));
    format!("{name} {}", subtotal.points)
}

fn today(today: &Today) -> String {
    let Today { at, next, person } = today;
    let next = answered("What is next?", next, "nothing known");
    format!("\nAs of {at}\n{next}{}{}", activity(person), identity(person))
}

fn activity(person: &Person) -> String {
    let questions = [
        ("What were they last doing?", &person.last_doing),
        ("Where did they hear about us?", &person.heard_about_us),
        ("Which resources interest them?", &person.interested_in),
    ];
    questions.into_iter().map(|(question, answers)| answered(question, answers, "nothing known")).collect()
}

fn identity(person: &Person) -> String {
    let questions = [
        ("Who are they?", &person.who, "nothing known"),
        ("What is not known?", &person.missing, "nothing that the policy asks for"),
        ("How may they be contacted?", &person.contact, "nothing was said"),
    ];
    questions.into_iter().map(|(question, answers, none)| answered(question, answers, none)).collect()
}

fn handoff(episode: &Episode) -> String {
    let Episode { episode: number, at, lane, reason, cell, score, .. } = episode;
    let mut said = format!("\nEpisode {number}: {lane} at {at}, {reason} ({cell}, score {score})\n");
    for Laned { at, lane, up } in &episode.lanes {
        let lane = lane.as_ref().map(|lane| format!(" to {lane}")).unwrap_or_default();
        let _ = match up {
            true => writeln!(said, "  Moved up{lane} at {at}: it asked for sales while it waited"),
            false => writeln!(said, "  Moved back{lane} at {at}: that request was taken back"),
        };
    }
    if let Some(withdrawn) = &episode.withdrawn {
        let Withdrawn { at, event_id, reason } = withdrawn;
        let _ = writeln!(said, "  Withdrawn at {at}: {event_id} was taken back ({reason})");
    }
    said.push_str(&activity(&episode.person));
    said.push_str(&answered("Why are they suddenly ready?", &episode.why_now, "nothing known"));
    said.push_str(&identity(&episode.person));
    said.push_str(&answered("What happened before?", &episode.before, "sales has not had them"));
    said
}

/// A question with its answers, the first of many.
fn answered(question: &str, answers: &[String], none: &str) -> String {
    const MOST: usize = 10;
    let mut said = format!("  {question}\n");
    if answers.is_empty() {
        let _ = writeln!(said, "    {none}");
    }
    for answer in answers.iter().take(MOST) {
        let _ = writeln!(said, "    {answer}");
    }
    if answers.len() > MOST {
        let _ = writeln!(said, "    and {} more; --json tells all", answers.len() - MOST);
    }
    said
}

/// Each decision of the router.
pub(super) fn desks(desks: &[Desk]) -> String {
    if desks.is_empty() {
        return "no desk was asked for\n".to_owned();
    }
    desks.iter().map(one_desk).collect()
}

fn one_desk(desk: &Desk) -> String {
    let Desk { at, episode, owner, pool, rule, why, cause, steps, passed_over, owes, policy_version, .. } = desk;
    let nobody = if why.starts_with("withdrawn") { "nobody any more" } else { "nobody yet: it waits" };
    let owner = owner.as_deref().unwrap_or(nobody);
    let mut said = format!("  {at}  episode {episode}: {owner} ({cause})\n");
    let _ = writeln!(said, "    pool {pool}, by rule {rule}: {why}");
    match desk.waited_ms {
        Some(0) => {}
        Some(waited) => {
            let _ = writeln!(said, "    waited {}", span(waited));
        }
        None => {
            let _ = writeln!(said, "    {} after it became ready", span(desk.ready_ms));
        }
    }
    for (clock, due, local) in owes {
        let _ = writeln!(said, "    owes {clock} by {due}, there {local}");
    }
    for (step, found, reason) in steps {
        let reason = if reason.is_empty() || reason == found { String::new() } else { format!(" ({reason})") };
        let _ = writeln!(said, "    {step}: {found}{reason}");
    }
    for (rep, reason) in passed_over {
        let _ = writeln!(said, "    not {rep}: {reason}");
    }
    let _ = writeln!(said, "    judged by policy {policy_version}");
    said
}

/// Each promise.
pub(super) fn promises(promises: &[Promise]) -> String {
    if promises.is_empty() {
        return "no promise was made\n".to_owned();
    }
    let mut said = String::new();
    let mut episode = None;
    for promise in promises {
        if episode.replace(promise.episode) != Some(promise.episode) {
            let _ = writeln!(said, "  Episode {}", promise.episode);
        }
        let Promise { clock, lane, owner, started, deadline, warned, breached, state, wall_ms, business_ms, .. } =
            promise;
        let Promise { escalated, retracted, paused, pool, .. } = promise;
        let owner = owner.clone().unwrap_or_else(|| format!("pool {pool}"));
        let _ = writeln!(said, "  {clock} {lane}, {owner}: {state}");
        let _ = writeln!(said, "    from {started}, due {deadline}");
        let _ = writeln!(said, "    used {} ({} of working time)", span(*wall_ms), span(*business_ms));
        for (level, at) in warned {
            let _ = writeln!(said, "    {} at {at}", used(*level));
        }
        if let Some(at) = breached {
            let _ = writeln!(said, "    broken at {at}");
        }
        for (level, at, action, to) in escalated {
            let _ = writeln!(said, "    {} at {at}: {action}, told to {}", used(*level), to.join(", "));
        }
        for (from, until, cause) in paused {
            let until = until.as_deref().unwrap_or("now");
            let _ = writeln!(said, "    stood still from {from} to {until}: {cause}");
        }
        if let Some((at, after)) = &promise.late {
            let _ = writeln!(said, "    answered at {at}, {} after its start: too late to keep it", span(*after));
        }
        if let Some(at) = retracted {
            let _ = writeln!(said, "    taken back at {at}: the answer had come in time");
        }
        if let Some(event) = &promise.by_event {
            let _ = writeln!(said, "    by {event}");
        }
    }
    said
}

/// Milliseconds as the two largest units that say something.
fn span(ms: i64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = ms.max(0);
    let mut said = Vec::new();
    for (unit, length) in units {
        let count = rest / length;
        rest %= length;
        if count > 0 {
            said.push(format!("{count}{unit}"));
        }
    }
    said.truncate(2);
    if said.is_empty() { "no time".to_owned() } else { said.join(" ") }
}

#[cfg(test)]
mod tests;
