//! The report for people: plain text, no wider than a terminal.
//!
//! Holds: no line is wider than [`WIDTH`]; nothing from a record reaches the terminal as a control
//! character; without colour the text says just as much.

use std::fmt::Write;
use std::io::IsTerminal;

mod table;

use super::model::{Answers, BreachLine, Chain, Check, Entry, FirstTouches, LedgerLine, Report};
use table::{Table, clean, fit, span};

/// The widest line, in letters.
pub(super) const WIDTH: usize = 110;

/// How the text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Letters only.
    Plain,
    /// With ANSI colours.
    Coloured,
}

impl Look {
    /// Coloured on a terminal, unless `NO_COLOR` is set.
    pub(crate) fn of(out: &impl IsTerminal) -> Self {
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if out.is_terminal() && !is_unwanted { Self::Coloured } else { Self::Plain }
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }

    fn heading(self, name: &str, about: &str) -> String {
        let about = if about.is_empty() { String::new() } else { format!("  {about}") };
        format!("\n{}{about}\n", self.paint("1", name))
    }

    fn verdict(self, is_fine: bool, otherwise: &str) -> String {
        if is_fine { self.paint("32", "ok") } else { self.paint("1;31", otherwise) }
    }
}

impl Report {
    /// The report as text.
    pub(crate) fn text(&self, look: Look) -> String {
        let parts = [
            self.funnel_text(look),
            self.handoffs_text(look),
            self.breaches_text(look),
            self.sla_text(look),
            self.ledger_text(look),
            self.dead_letters_text(look),
            self.chain.as_ref().map_or_else(String::new, |chain| chain_text(chain, look)),
            self.next_text(look),
        ];
        parts.concat().trim_start_matches('\n').to_owned()
    }

    fn funnel_text(&self, look: Look) -> String {
        let mut table = Table::new(&["", "<stage", ">leads", "<"]);
        let mut before = "";
        for step in &self.funnel {
            let share = step
                .of_previous_per_mille
                .map_or_else(String::new, |share| format!("{}.{} % of {before}", share / 10, share % 10));
            table.row([String::new(), step.stage.to_owned(), step.leads.to_string(), share]);
            before = step.stage;
        }
        look.heading("FUNNEL", "leads that ever got there, or further") + &table.text()
    }

    fn handoffs_text(&self, look: Look) -> String {
        let list = &self.handoffs;
        let heading = look.heading("HANDOFFS", &format!("{}, newest last", list.total));
        if list.total == 0 {
            return heading + "  none yet\n";
        }
        let mut table =
            Table::new(&["", "<time (UTC)", "<lead", "<lane", "<cell", ">score", "<owner", "<pool", "<why now"]);
        for line in &list.newest {
            table.row([
                String::new(),
                short(&line.at),
                line.lead.clone(),
                line.lane.clone(),
                line.cell.clone(),
                line.score.clone(),
                line.owner.clone().unwrap_or_else(|| "(queue)".to_owned()),
                line.pool.clone(),
                line.why_now.join("; "),
            ]);
        }
        heading + &more(list.total, list.newest.len()) + &table.text()
    }

    fn breaches_text(&self, look: Look) -> String {
        let list = &self.breaches;
        let heading = look.heading("PROMISES BROKEN", &list.total.to_string());
        if list.total == 0 {
            return heading + "  none\n";
        }
        let mut table =
            Table::new(&["", "<deadline (UTC)", "<clock", "<lane", "<lead", "<owner", ">was due after", "<"]);
        for line in &list.newest {
            table.row([
                String::new(),
                short(&line.deadline),
                line.clock.to_owned(),
                line.lane.clone(),
                line.lead.clone(),
                line.owner.clone().unwrap_or_else(|| "(queue)".to_owned()),
                span(line.due_after_ms),
                fate(line),
            ]);
        }
        heading + &more(list.total, list.newest.len()) + &table.text()
    }

    fn sla_text(&self, look: Look) -> String {
        let heading = look.heading(
            "SLA",
            "met and breached both count a breach that was taken back; half took no longer than the median",
        );
        if self.sla.is_empty() {
            return heading + "  no promise was made yet\n";
        }
        let columns = [
            "",
            "<clock",
            "<lane",
            ">started",
            ">warned",
            ">met",
            ">breached",
            ">late",
            ">moved",
            ">undone",
            ">cancelled",
            ">open",
            ">median",
            ">at work",
        ];
        let mut table = Table::new(&columns);
        for line in &self.sla {
            let took = |ms: Option<i64>| ms.map_or_else(|| "-".to_owned(), span);
            table.row([
                String::new(),
                line.clock.to_owned(),
                line.lane.clone(),
                line.started.to_string(),
                line.warned.to_string(),
                line.met.to_string(),
                line.breached.to_string(),
                line.late.to_string(),
                line.reassigned.to_string(),
                line.retracted.to_string(),
                line.cancelled.to_string(),
                line.open.to_string(),
                took(line.median_ms),
                took(line.median_working_ms),
            ]);
        }
        heading + &table.text() + &self.first_touches_text()
    }

    fn first_touches_text(&self) -> String {
        let FirstTouches { all, kept, late } = &self.first_touches;
        let half =
            |answers: &Answers| answers.median_ms.map_or_else(String::new, |ms| format!(", half within {}", span(ms)));
        match all.count {
            0 => String::new(),
            count => format!(
                "  first touches: {count}{}; of kept promises {}{}; late {}{}\n",
                half(all),
                kept.count,
                half(kept),
                late.count,
                half(late)
            ),
        }
    }

    fn ledger_text(&self, look: Look) -> String {
        let mut text = look.heading("LEDGER", "what went in, and what became of every record");
        for line in &self.ledger {
            let verdict = look.verdict(line.balanced, "DIFFERS");
            let _ = writeln!(text, "  {:<10} {verdict}", clean(&line.stage));
            for part in wrap(&balance(line), WIDTH - 4) {
                let _ = writeln!(text, "    {part}");
            }
        }
        text.push_str(&look.heading("BETWEEN CONSUMERS", "what one wrote, the next one read"));
        for check in &self.checks {
            let Check { topics, writer, wrote, reader, read } = check;
            let verdict = look.verdict(check.is_even(), &format!("DIFFERS by {}", wrote - read));
            let sides = format!("{writer} wrote {wrote}, {reader} read {read}");
            let _ = writeln!(text, "  {topics:<35}  {sides:<50}  {verdict}");
        }
        if self.checks.iter().any(|check| !check.is_even()) {
            text.push_str(
                "  While consumers are still reading, a difference is what is under way: baton report --wait\n",
            );
        }
        text
    }

    fn dead_letters_text(&self, look: Look) -> String {
        let all: i64 = self.dead_letters.iter().map(|line| line.count).sum();
        let mut text = look.heading("DEAD LETTERS", &all.to_string());
        let mut table = Table::new(&["", "<reason", ">records", "<consumer"]);
        for line in &self.dead_letters {
            table.row([String::new(), line.reason.clone(), line.count.to_string(), line.stage.clone()]);
        }
        text.push_str(&if all == 0 { "  none\n".to_owned() } else { table.text() });
        if self.unreadable > 0 {
            let _ = writeln!(text, "  {} records of outcome topics could not be read by this report", self.unreadable);
        }
        text
    }

    fn next_text(&self, look: Look) -> String {
        let lines: Vec<_> = self.next.iter().map(|line| format!("  {}\n", fit(&clean(line), WIDTH - 2))).collect();
        look.heading("NEXT", "") + &lines.concat()
    }
}

fn chain_text(chain: &Chain, look: Look) -> String {
    let about =
        if chain.lead == chain.lead_id { chain.lead.clone() } else { format!("{} ({})", chain.lead, chain.lead_id) };
    let mut table = Table::new(&["", "<", ">", "<"]);
    for step in &chain.steps {
        let after = step.after_ms.map_or_else(String::new, |ms| format!("+{}", span(ms)));
        table.row([String::new(), seconds(&step.at), after, step.what.clone()]);
    }
    look.heading("ONE LEAD'S WAY", &fit(&clean(&about), WIDTH - 20)) + &table.text()
}

/// `4719 in = 4512 sequenced + 95 duplicate + 9 dead letters (4 decode, 5 missing_id); ...`.
fn balance(line: &LedgerLine) -> String {
    let mut outcomes: Vec<_> = line.outcomes.iter().collect();
    outcomes.sort_by_key(|entry| (-entry.count, &entry.name));
    let mut parts: Vec<_> = outcomes.iter().map(|entry| format!("{} {}", entry.count, clean(&entry.name))).collect();
    let dead: i64 = line.dead.iter().map(|entry| entry.count).sum();
    if dead > 0 {
        let plural = if dead == 1 { "" } else { "s" };
        parts.push(format!("{dead} dead letter{plural} ({})", listed(&line.dead)));
    }
    let became = if parts.is_empty() { "nothing".to_owned() } else { parts.join(" + ") };
    let wrote = if line.produced.is_empty() { "nothing".to_owned() } else { listed(&line.produced) };
    format!("{} in = {became}; wrote {wrote}; {} wake-ups", line.consumed, line.fired)
}

fn listed(entries: &[Entry]) -> String {
    entries.iter().map(|entry| format!("{} {}", entry.count, clean(&entry.name))).collect::<Vec<_>>().join(", ")
}

/// What else there is to say of a promise broken.
fn fate(line: &BreachLine) -> String {
    let seen = line.detected_after_ms.map(|ms| format!("seen {} later", span(ms)));
    let back = line.retracted.then(|| "taken back (told late)".to_owned());
    seen.into_iter().chain(back).collect::<Vec<_>>().join("; ")
}

/// The words in lines of at most so many letters.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let word = fit(word, width);
        if let Some(line) = lines.last_mut()
            && (line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width)
        {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
            continue;
        }
        lines.push(word);
    }
    lines
}

fn more(total: usize, shown: usize) -> String {
    if total > shown { format!("  ... and {} more before these\n", total - shown) } else { String::new() }
}

/// `2026-09-08T10:02:11.25Z` as `2026-09-08 10:02`.
fn short(rfc3339: &str) -> String {
    rfc3339.chars().take(16).collect::<String>().replace('T', " ")
}

/// The same down to the second.
fn seconds(rfc3339: &str) -> String {
    rfc3339.chars().take(19).collect::<String>().replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_within_the_width_and_none_is_lost() {
        assert_eq!(wrap("aa bb cccc d", 5), ["aa bb", "cccc", "d"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
