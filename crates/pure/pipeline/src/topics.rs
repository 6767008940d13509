//! Every topic: name, partitions, cleanup. The one place that knows them.

/// What may be configured about topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Before every name, for example `baton.`; may be empty.
    pub prefix: String,
    /// Partitions of everything keyed by lead.
    pub lanes: i32,
    /// Topics that the clickstream, the CRM, consent and others already fill, with their partitions; full names.
    pub sources: Vec<Source>,
    /// How long `lead.events`, the history that everything can be rebuilt from, is kept; ms, -1 for ever.
    pub history_ms: i64,
}

/// A topic that somebody else fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Full name.
    pub topic: String,
    /// Partitions.
    pub partitions: i32,
}

/// A topic of Baton's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Full name.
    pub name: String,
    /// Partitions.
    pub partitions: i32,
    /// What the broker may remove.
    pub cleanup: Cleanup,
    /// What it holds, for people.
    pub about: &'static str,
}

/// What the broker may remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// Records older than so many ms; -1 keeps all.
    Delete(i64),
    /// All but the newest of a key.
    Compact,
}

const WEEK_MS: i64 = 7 * 86_400_000;

/// Names without the prefix.
pub(crate) mod name {
    pub(crate) const RAW: &str = "engagement.raw";
    pub(crate) const CRM: &str = "crm.activity";
    pub(crate) const CONSENT: &str = "consent.events";
    pub(crate) const RETRACTIONS: &str = "event.retractions";
    pub(crate) const REPS: &str = "reps.state";
    pub(crate) const TICKS: &str = "clock.ticks";
    pub(crate) const POLICY: &str = "policy";
    pub(crate) const EVENTS: &str = "lead.events";
    pub(crate) const ROSTER: &str = "roster.events";
    pub(crate) const IDENTITY: &str = "lead.identity";
    pub(crate) const AGGREGATE: &str = "engagement.aggregate";
    pub(crate) const SCORE: &str = "lead.score";
    pub(crate) const LIFECYCLE: &str = "lifecycle.changed";
    pub(crate) const REJECTED: &str = "lifecycle.rejected";
    pub(crate) const STATUS: &str = "status.changed";
    pub(crate) const NURTURE: &str = "nurture.events";
    pub(crate) const COOLED: &str = "lead.cooled";
    pub(crate) const ENRICHMENT: &str = "enrichment.requested";
    pub(crate) const REVISED: &str = "handoff.revised";
    pub(crate) const QUALIFIED: &str = "lead.qualified";
    pub(crate) const REQUESTS: &str = "assignment.requests";
    pub(crate) const HANDOFF: &str = "lead.handoff";
    pub(crate) const ASSIGNMENT: &str = "lead.assignment";
    pub(crate) const ALERT: &str = "lead.activity_alert";
    pub(crate) const CLOCKS: &str = "sla.requests";
    pub(crate) const STARTED: &str = "sla.started";
    pub(crate) const WARNED: &str = "sla.warned";
    pub(crate) const MET: &str = "sla.met";
    pub(crate) const BREACH: &str = "sla.breach";
    pub(crate) const CANCELLED: &str = "sla.cancelled";
    pub(crate) const PAUSED: &str = "sla.paused";
    pub(crate) const RESUMED: &str = "sla.resumed";
    pub(crate) const CANARY: &str = "canary.returned";
    pub(crate) const LEDGER: &str = "ledger.balance";
    pub(crate) const DLQ: &str = "dlq";
    pub(crate) const REPLAYED: &str = "dlq.replayed";
}

impl Topology {
    /// Baton's own inputs, one partition each: read in the order in which they were written.
    pub fn new(prefix: &str, lanes: i32) -> Self {
        let source = |name: &str| Source { topic: format!("{prefix}{name}"), partitions: 1 };
        Self {
            prefix: prefix.to_owned(),
            lanes,
            sources: [name::RAW, name::CRM, name::CONSENT, name::RETRACTIONS].map(source).into(),
            history_ms: -1,
        }
    }

    /// The full name of one of Baton's topics.
    pub fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The topic that `baton ingest` writes to unless told otherwise.
    pub fn default_input(&self) -> String {
        self.full(name::RAW)
    }

    /// The topic by which canaries set out: the first input of Baton's own among the sources, else the topic of ticks,
    /// which is read like one. Nothing is written into a topic that is somebody else's.
    pub fn road_of_canaries(&self) -> String {
        let own = [name::RAW, name::CRM, name::CONSENT, name::RETRACTIONS].map(|name| self.full(name));
        let is_read = |topic: &&String| self.sources.iter().any(|source| source.topic == **topic);
        own.iter().find(is_read).cloned().unwrap_or_else(|| self.full(name::TICKS))
    }

    /// The dead letters, and the marks of those that were replayed.
    pub fn dead_letters(&self) -> (String, String) {
        (self.full(name::DLQ), self.full(name::REPLAYED))
    }

    /// The topic on which policies are published.
    pub fn policies(&self) -> String {
        self.full(name::POLICY)
    }

    /// The topic on which it is told what is so of each rep.
    pub fn reps(&self) -> String {
        self.full(name::REPS)
    }

    /// Every topic of Baton's own. Inputs that somebody else fills are not among them.
    pub fn topics(&self) -> Vec<Topic> {
        let lanes = self.lanes;
        let week = Cleanup::Delete(WEEK_MS);
        let mut all = Vec::new();
        let mut add = |name: &str, partitions, cleanup, about| {
            all.push(Topic { name: self.full(name), partitions, cleanup, about });
        };
        add(name::RAW, 1, week, "clickstream, email, content and other events as their sources told them");
        add(name::CRM, 1, week, "touches, owners, dispositions from the CRM");
        add(name::CONSENT, 1, week, "permissions given and taken back");
        add(name::RETRACTIONS, 1, week, "earlier events taken back");
        add(name::REPS, 1, week, "who is there to take leads, as told from day to day");
        add(name::TICKS, 1, week, "logged time; its reader is the sequencer");
        add(name::POLICY, 1, Cleanup::Delete(-1), "policies as published, each with the instant from which it judges");
        add(name::EVENTS, lanes, Cleanup::Delete(self.history_ms), "the one ordered history of every lead");
        add(name::ROSTER, 1, Cleanup::Delete(self.history_ms), "the roster in its place in the history");
        add(name::IDENTITY, lanes, Cleanup::Compact, "which lead an id belongs to");
        add(name::AGGREGATE, lanes, week, "each event with the engagement windows after it");
        add(name::SCORE, lanes, Cleanup::Compact, "the score of each lead with its receipt");
        add(name::LIFECYCLE, lanes, Cleanup::Delete(self.history_ms), "every move from stage to stage");
        add(name::REJECTED, lanes, week, "moves and statuses that were asked for and are not allowed");
        add(name::STATUS, lanes, Cleanup::Delete(self.history_ms), "where the work on each lead stands");
        add(name::NURTURE, lanes, week, "leads that marketing takes care of, and those it does no more");
        add(name::COOLED, lanes, week, "leads that were warm and are no more");
        add(name::ENRICHMENT, lanes, week, "warm leads about whom too little is known");
        add(name::REVISED, lanes, Cleanup::Delete(self.history_ms), "handoffs whose grounds were taken back");
        add(name::QUALIFIED, lanes, week, "the decision that a lead is ready, and why now");
        add(name::REQUESTS, 1, week, "requests for a desk, for the router");
        add(name::HANDOFF, lanes, Cleanup::Delete(self.history_ms), "a lead on a named desk, with its context");
        add(name::ASSIGNMENT, lanes, Cleanup::Delete(self.history_ms), "who owns a lead and why");
        add(name::ALERT, lanes, week, "what leads did that a rep already has, for the rep");
        add(name::CLOCKS, lanes, week, "clocks to start, for the watchdog");
        for (name, about) in [
            (name::STARTED, "promises on the clock"),
            (name::WARNED, "promises running out"),
            (name::MET, "promises kept"),
            (name::BREACH, "promises broken, what follows from it, and breaches taken back"),
            (name::CANCELLED, "promises no longer owed"),
            (name::PAUSED, "promises that stand still"),
            (name::RESUMED, "promises that go on"),
        ] {
            add(name, lanes, Cleanup::Delete(self.history_ms), about);
        }
        add(name::CANARY, lanes, week, "canaries that came to the end of the line");
        add(name::LEDGER, 1, Cleanup::Compact, "running totals of each stage and lane");
        add(name::DLQ, 1, Cleanup::Delete(4 * WEEK_MS), "records that could not be used, untouched, with the reason");
        // A mark must outlive its dead letter, however long a broker keeps that.
        add(name::REPLAYED, 1, Cleanup::Compact, "which dead letters were replayed");
        for (stage, lanes) in [("identify", 1), ("aggregate", lanes), ("score", lanes), ("route", 1), ("watch", lanes)]
        {
            add(&format!("{stage}.changelog"), lanes, Cleanup::Compact, "the stage's state");
        }
        all
    }
}

impl Topic {
    /// Broker settings that are part of its meaning.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![("message.timestamp.type", "LogAppendTime".to_owned())];
        match self.cleanup {
            Cleanup::Delete(ms) => {
                settings.push(("cleanup.policy", "delete".to_owned()));
                settings.push(("retention.ms", ms.to_string()));
            }
            Cleanup::Compact => {
                settings.push(("cleanup.policy", "compact".to_owned()));
                // A local store that was away for longer than this could bring deleted rows back.
                settings.push(("delete.retention.ms", WEEK_MS.to_string()));
            }
        }
        // A dead letter is an input plus its headers, so it must be let through larger than any input.
        let largest = if self.name.ends_with(name::DLQ) { 4_194_304 } else { 2_097_152 };
        settings.push(("max.message.bytes", largest.to_string()));
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_one_name_and_the_prefix() {
        let mut names: Vec<_> = Topology::new("acme.", 4).topics().into_iter().map(|topic| topic.name).collect();
        assert!(names.iter().all(|name| name.starts_with("acme.")));
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn canaries_take_a_road_that_is_read_and_nobody_elses() {
        let mut topology = Topology::new("acme.", 4);
        assert_eq!(topology.road_of_canaries(), "acme.engagement.raw");
        topology.sources.retain(|source| source.topic != "acme.engagement.raw");
        topology.sources.insert(0, Source { topic: "clicks".to_owned(), partitions: 3 });
        assert_eq!(topology.road_of_canaries(), "acme.crm.activity");
        topology.sources.truncate(1);
        assert_eq!(topology.road_of_canaries(), "acme.clock.ticks");
    }

    #[test]
    fn state_is_compacted_and_never_expires() {
        for topic in Topology::new("", 4).topics().iter().filter(|topic| topic.name.ends_with(".changelog")) {
            assert_eq!(topic.cleanup, Cleanup::Compact, "{}", topic.name);
        }
    }
}
