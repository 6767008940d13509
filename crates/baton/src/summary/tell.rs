//! From what was folded to the report: counting, sorting, adding up.

use std::collections::BTreeMap;

use baton_domain::{Clock, Count, LogTime, SlaEventKind, Stage};
use baton_pipeline::{Consumer, Topology};

use super::model::{
    Answers, BreachLine, Chain, Check, DeadLetters, Entry, FirstTouches, HandoffLine, Happened, LedgerLine, Report,
    Shown, SlaLine, Step,
};
use super::{Desk, Promise, Summary};

/// Lines shown of a list that may be long.
const SHOWN: usize = 25;
/// Stages that follow one from the other; the rest are ways out.
const FUNNEL: usize = 7;

/// What a promise is told apart by: handoff, clock, start.
type Made = (String, Clock, LogTime);

impl Summary {
    /// The report on everything taken in so far.
    pub(crate) fn report(&self, topology: &Topology) -> Report {
        let chain = self.chain();
        let next = self.next(chain.as_ref());
        Report {
            funnel: self.funnel(),
            handoffs: self.handoff_lines(),
            breaches: self.breach_lines(),
            sla: self.sla_lines(),
            first_touches: self.first_touches(),
            ledger: self.ledger_lines(topology),
            checks: self.checks(topology),
            chain,
            dead_letters: self.dead_letters(),
            unreadable: self.unreadable,
            next,
        }
    }

    fn funnel(&self) -> Vec<Step> {
        // A lead may skip a stage on its way up; a way out of the funnel stands for itself.
        let last = |place: usize| if place < FUNNEL { FUNNEL } else { place + 1 };
        let reached = |place: usize| {
            whole(self.leads.values().filter(|lead| lead.reached[place..last(place)].contains(&true)).count())
        };
        let counts: Vec<i64> = (0..Stage::ALL.len()).map(reached).collect();
        let step = |(place, stage): (usize, &Stage)| {
            let before = place.checked_sub(1).filter(|_| place < FUNNEL).map(|before| counts[before]);
            let share = before.filter(|before| *before > 0).map(|before| counts[place] * 1_000 / before);
            Step { stage: stage.as_str(), leads: counts[place], of_previous_per_mille: share }
        };
        Stage::ALL.iter().enumerate().map(step).collect()
    }

    fn handoff_lines(&self) -> Shown<HandoffLine> {
        let line = |((at, _), desk): (&(LogTime, String), &Desk)| HandoffLine {
            at: rfc3339(*at),
            lead_id: desk.lead_id.clone(),
            lead: desk.label.clone(),
            lane: desk.lane.clone(),
            cell: desk.cell.clone(),
            score: desk.score.clone(),
            owner: desk.owner.clone(),
            pool: desk.pool.clone(),
            why_now: desk.why_now.clone(),
        };
        newest(self.handoffs.iter().map(line).collect())
    }

    fn breach_lines(&self) -> Shown<BreachLine> {
        let labels: BTreeMap<&str, &str> =
            self.handoffs.iter().map(|((_, id), desk)| (id.as_str(), desk.label.as_str())).collect();
        let mut broken: Vec<_> =
            self.promises.iter().filter(|(_, promise)| promise.was(SlaEventKind::Breached)).collect();
        broken.sort_by_key(|(key, promise)| (promise.deadline, *key));
        let line = |((handoff, clock, started), promise): (&Made, &Promise)| BreachLine {
            clock: clock.as_str(),
            lead_id: promise.lead_id.clone(),
            lead: labels.get(handoff.as_str()).map_or_else(|| promise.lead_id.clone(), |label| (*label).to_owned()),
            owner: promise.owner.clone(),
            lane: promise.lane.clone(),
            deadline: rfc3339(promise.deadline),
            due_after_ms: promise.deadline.millis().since(started.millis()),
            detected_after_ms: promise.detected.map(|appended| appended.since(promise.deadline.millis())),
            retracted: promise.was(SlaEventKind::Retracted),
        };
        newest(broken.into_iter().map(line).collect())
    }

    fn sla_lines(&self) -> Vec<SlaLine> {
        let mut groups: BTreeMap<(Clock, &str), Vec<&Promise>> = BTreeMap::new();
        for ((_, clock, _), promise) in &self.promises {
            groups.entry((*clock, &promise.lane)).or_default().push(promise);
        }
        let line = |((clock, lane), promises): ((Clock, &str), Vec<&Promise>)| {
            let count = |is: fn(&Promise) -> bool| whole(promises.iter().filter(|promise| is(promise)).count());
            let met = promises.iter().filter_map(|promise| promise.met);
            let (wall, working) = met.map(|(_, wall, working)| (wall, working)).unzip();
            SlaLine {
                clock: clock.as_str(),
                lane: lane.to_owned(),
                started: count(|promise| promise.was(SlaEventKind::Started)),
                warned: count(|promise| promise.was(SlaEventKind::Warned)),
                met: count(|promise| promise.was(SlaEventKind::Met)),
                breached: count(|promise| promise.was(SlaEventKind::Breached)),
                late: count(Promise::is_late),
                reassigned: count(|promise| promise.reassigned),
                retracted: count(|promise| promise.was(SlaEventKind::Retracted)),
                cancelled: count(|promise| promise.was(SlaEventKind::Cancelled)),
                open: count(Promise::is_open),
                median_ms: median(wall),
                median_working_ms: median(working),
            }
        };
        groups.into_iter().map(line).collect()
    }

    fn first_touches(&self) -> FirstTouches {
        let answers = |is: fn(&Promise) -> bool| {
            let touches =
                self.promises.iter().filter(|((_, clock, _), promise)| *clock == Clock::FirstTouch && is(promise));
            let took = touches.filter_map(|(_, promise)| promise.answered());
            let (wall, working): (Vec<i64>, Vec<i64>) = took.map(|(_, wall, working)| (wall, working)).unzip();
            Answers { count: whole(wall.len()), median_ms: median(wall), median_working_ms: median(working) }
        };
        FirstTouches {
            all: answers(|_| true),
            kept: answers(|promise| promise.met.is_some()),
            late: answers(Promise::is_late),
        }
    }

    fn ledger_lines(&self, topology: &Topology) -> Vec<LedgerLine> {
        let line = |consumer: Consumer| {
            let (mut consumed, mut fired) = (0, 0);
            let (mut outcomes, mut produced) = (BTreeMap::new(), BTreeMap::new());
            let of_stage = self.ledgers.iter().filter(|((stage, _), _)| stage == consumer.as_str());
            for (_, ledger) in of_stage {
                consumed += ledger.consumed;
                fired += ledger.fired;
                add(&mut outcomes, &ledger.outcomes, "");
                add(&mut produced, &ledger.produced, &topology.prefix);
            }
            let balanced = consumed == outcomes.values().sum::<i64>();
            let (dead, outcomes): (Vec<_>, Vec<_>) =
                entries(outcomes).partition(|entry| entry.name.starts_with("dlq_"));
            let bare = |entry: Entry| Entry { name: entry.name.trim_start_matches("dlq_").to_owned(), ..entry };
            LedgerLine {
                stage: consumer.as_str().to_owned(),
                consumed,
                outcomes,
                dead: dead.into_iter().map(bare).collect(),
                produced: entries(produced).collect(),
                fired,
                balanced,
            }
        };
        Consumer::ALL.into_iter().map(line).collect()
    }

    fn checks(&self, topology: &Topology) -> Vec<Check> {
        let of = |stage: Consumer| self.ledgers.iter().filter(move |((name, _), _)| name == stage.as_str());
        let read = |stage| of(stage).map(|(_, ledger)| ledger.consumed).sum::<i64>();
        let wrote = |stage, topic: &str| {
            let full = topology.full(topic);
            let lists = of(stage).flat_map(|(_, ledger)| &ledger.produced);
            lists.filter(|count| count.name == full).map(|count| count.count).sum::<i64>()
        };
        let check = |topics, writer, wrote, reader, read| Check { topics, writer, wrote, reader, read };
        let events = wrote(Consumer::Identify, "lead.events");
        let updates = wrote(Consumer::Aggregate, "engagement.aggregate");
        let requests = wrote(Consumer::Score, "assignment.requests");
        let roster = wrote(Consumer::Identify, "roster.events");
        let clocks = wrote(Consumer::Route, "sla.requests");
        vec![
            check("lead.events", "identify", events, "aggregate", read(Consumer::Aggregate)),
            check("engagement.aggregate", "aggregate", updates, "score", read(Consumer::Score)),
            check(
                "assignment.requests + roster.events",
                "score, identify",
                requests + roster,
                "route",
                read(Consumer::Route),
            ),
            check("lead.events + sla.requests", "identify, route", events + clocks, "watch", read(Consumer::Watch)),
        ]
    }

    /// The first handoff whose first touch came or did not come in time.
    fn chain(&self) -> Option<Chain> {
        let mut touched: BTreeMap<&str, (&LogTime, &Promise)> = BTreeMap::new();
        for ((handoff, clock, started), promise) in &self.promises {
            if *clock == Clock::FirstTouch && (promise.met.is_some() || promise.is_broken()) {
                touched.entry(handoff).or_insert((started, promise));
            }
        }
        let ((at, id), desk) = self.handoffs.iter().find(|((_, id), _)| touched.contains_key(id.as_str()))?;
        let (started, promise) = touched.get(id.as_str())?;
        let lead = self.leads.get(&desk.lead_id);
        let mut known = Vec::new();
        known.extend(lead.and_then(|lead| lead.first_seen).map(|at| ("first seen".to_owned(), at)));
        known.extend(lead.and_then(|lead| lead.identified).map(|at| ("identified".to_owned(), at)));
        known.push((format!("qualified: {} {}", desk.lane, desk.why_now.join("; ")), desk.qualified));
        let owner = desk.owner.as_deref().unwrap_or("nobody");
        known.push((format!("handed off to {owner}"), *at));
        let touched =
            |(_, wall_ms, _): (LogTime, i64, i64)| LogTime(started.0.saturating_add(wall_ms.saturating_mul(1_000)));
        match promise.met {
            Some(met) => known.push(("first touch: promise kept".to_owned(), touched(met))),
            None => known.push(("no first touch: promise broken".to_owned(), promise.deadline)),
        }
        if let Some(late) = promise.late.filter(|_| promise.is_late()) {
            known.push(("first touch: late".to_owned(), touched(late)));
        }
        let mut before: Option<LogTime> = None;
        let step = |(what, at): (String, LogTime)| {
            let after_ms = before.replace(at).map(|before| at.millis().since(before.millis()));
            Happened { what, at: rfc3339(at), after_ms }
        };
        Some(Chain {
            lead_id: desk.lead_id.clone(),
            lead: desk.label.clone(),
            steps: known.into_iter().map(step).collect(),
        })
    }

    fn dead_letters(&self) -> Vec<DeadLetters> {
        let line = |((stage, reason), count): (&(String, String), &i64)| DeadLetters {
            stage: stage.clone(),
            reason: reason.clone(),
            count: *count,
        };
        self.dead.iter().map(line).collect()
    }

    fn next(&self, chain: Option<&Chain>) -> Vec<String> {
        let newest = self.handoffs.last_key_value().map(|(_, desk)| desk.lead_id.as_str());
        let lead = chain.map(|chain| chain.lead_id.as_str()).or(newest);
        let mut next: Vec<String> =
            lead.map(|lead| format!("baton tap lead.handoff --lead {lead}")).into_iter().collect();
        next.push("baton tap sla.breach --follow".to_owned());
        if !self.dead.is_empty() {
            next.push("baton dlq list".to_owned());
        }
        next.push("baton simulate --policy FILE --events FILE --summary".to_owned());
        next
    }
}

fn newest<T>(mut all: Vec<T>) -> Shown<T> {
    let total = all.len();
    Shown { total, newest: all.split_off(total.saturating_sub(SHOWN)) }
}

fn add(totals: &mut BTreeMap<String, i64>, counts: &[Count], prefix: &str) {
    for count in counts {
        let name = count.name.strip_prefix(prefix).unwrap_or(&count.name);
        *totals.entry(name.to_owned()).or_default() += count.count;
    }
}

fn entries(totals: BTreeMap<String, i64>) -> impl Iterator<Item = Entry> {
    totals.into_iter().map(|(name, count)| Entry { name, count })
}

/// The lower one of the two in the middle.
fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied()
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn rfc3339(at: LogTime) -> String {
    crate::instant::shown(at.millis())
}
