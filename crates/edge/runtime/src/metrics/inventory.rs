//! Every metric of a consumer process, declared once: name, kind, labels, meaning, and the alerts that look at it.
//!
//! Holds: names follow Prometheus' conventions (`baton_`, base units, `_total` on counters); every value of a label
//! is bounded by code or by configuration. `docs/METRICS.md` is written from this table.
//!
//! Absent on purpose: a lead, an email, a URL, an event's name or a rep as a label.

/// What a metric does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// It only rises, from zero at the start of the process.
    Counter,
    /// It is what it is now.
    Gauge,
    /// How often a value lay below each of these bounds, rising.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The kind's name on a scrape.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// A label, with the values that it can have, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: &'static str,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Its name, unit last.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [Label],
    /// What it says, in one sentence.
    pub help: &'static str,
    /// The group that it stands in.
    pub group: Group,
    /// The alerts that look at it, by name.
    pub alerts: &'static [&'static str],
}

/// What a metric is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The process and its workers.
    Process,
    /// Reading, judging, committing.
    Pipeline,
    /// Leads, from the first sight to the deal.
    Funnel,
    /// Desks and reps.
    Routing,
    /// Promises on the clock.
    Sla,
}

impl Group {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 5] = [Self::Process, Self::Pipeline, Self::Funnel, Self::Routing, Self::Sla];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Process => "Process",
            Self::Pipeline => "Pipeline",
            Self::Funnel => "Funnel",
            Self::Routing => "Routing",
            Self::Sla => "Promises",
        }
    }
}

const fn label(name: &'static str, values: &'static str) -> Label {
    Label { name, values }
}

const CONSUMER: Label = label("consumer", "`identify`, `aggregate`, `score`, `route`, `watch`");
const WORKER: Label = label("worker", "`0` to `workers` less one");
const LANE: Label = label("lane", "urgency, as the policy names it: `P0` to `P3`");
const POOL: Label = label("pool", "a pool of the policy");
const SOURCE: Label =
    label("source", "a name of the setting `metrics.sources`, else `other`; `none` where none was told");
const FROM: Label = label("from", "a stage of the lifecycle; `none` for a lead seen for the first time");
const TO: Label = label("to", "a stage of the lifecycle");
const OUTCOME: Label = label("outcome", "a heading of the ledger; `dead_letter` for all that went there");
const REASON: Label = label("reason", "a reason of [DEAD_LETTERS.md](DEAD_LETTERS.md)");
const TOPIC: Label = label("topic", "a topic of `baton topics plan`, prefix included");
const PARTITION: Label = label("partition", "a partition of it");
const KEPT: Label = label("kept", "`yes`; `no`: answered after it broke");
const CANARY_LANE: Label = label("partition", "a partition of the topics keyed by lead");
const CLOCK: Label = label(
    "clock",
    "`accept`, `first_touch`, `system`, `assign`, `cadence`, `disposition`, `stage_age`, `quota`, `check_in`",
);
const SLA_LANE: Label = label("lane", "urgency, as the policy names it; of `stage_age` the stage");
const BASIS: Label =
    label("basis", "`wall`: round the clock; `business`: in the owner's working time, pauses left out");

/// From a blink to a quarter of an hour: how late the pipeline is.
const LATENESS: Kind =
    Kind::Histogram(&[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0]);
/// From a blink to the time between two canaries: for each partition, hence few.
const ROUND_TRIPS: Kind = Kind::Histogram(&[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0]);
/// From a millisecond to the timeout of a transaction.
const COMMITS: Kind = Kind::Histogram(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0]);
/// Up to the most records of a transaction.
const BATCHES: Kind = Kind::Histogram(&[1.0, 10.0, 100.0, 500.0, 1000.0, 2500.0, 5000.0]);
/// A second to a quarter of a year, with every time that a promise usually has: 30 s, 5 and 15 minutes, 1, 4, 8 and 24
/// hours, 14, 30 and 90 days.
const PROMISES: Kind = Kind::Histogram(&[
    1.0,
    5.0,
    15.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    900.0,
    1_800.0,
    3_600.0,
    7_200.0,
    14_400.0,
    28_800.0,
    86_400.0,
    172_800.0,
    604_800.0,
    1_209_600.0,
    2_592_000.0,
    7_776_000.0,
]);
/// A minute to a year: how long leads stay in a stage.
const STAYS: Kind = Kind::Histogram(&[
    60.0,
    3_600.0,
    14_400.0,
    86_400.0,
    172_800.0,
    604_800.0,
    1_209_600.0,
    2_592_000.0,
    5_184_000.0,
    7_776_000.0,
    15_552_000.0,
    31_536_000.0,
]);
/// Points, ten by ten over the range in which lines are drawn.
const POINTS: Kind =
    Kind::Histogram(&[0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0, 125.0, 150.0, 200.0]);
use Group::{Funnel, Pipeline, Process, Routing, Sla};
use Kind::{Counter, Gauge};

macro_rules! inventory {
    ($($id:ident = $name:literal, $kind:expr, $group:expr, [$($label:expr),*], [$($alert:literal),*], $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $id: Spec = Spec {
                name: $name,
                kind: $kind,
                labels: &[$($label),*],
                help: $help,
                group: $group,
                alerts: &[$($alert),*],
            };
        )*
        /// All of them.
        pub const ALL: &[Spec] = &[$($id),*];
    };
}

inventory! {
    BUILD_INFO = "baton_build_info", Gauge, Process, [label("version", "of the binary")], [],
        "Which version runs: always 1.";
    START = "baton_start_timestamp_seconds", Gauge, Process, [], ["BatonRestartLoop"],
        "When the process started, as Unix time.";
    TURN = "baton_turn_timestamp_seconds", Gauge, Process, [CONSUMER, WORKER], ["BatonConsumerDown", "BatonWorkerSilent"],
        "When the worker last came round, as Unix time; it does so several times a second, with work or without.";
    LANES = "baton_lanes", Gauge, Process, [CONSUMER, WORKER, label("state", "`running`, `restoring`")], ["BatonNotReady"],
        "Lanes that the worker has, by state.";
    RESTORE = "baton_restore_remaining_records", Gauge, Process, [CONSUMER, WORKER], ["BatonRestoreStands"],
        "Changelog records still to be read before all lanes run.";
    ROWS = "baton_state_rows", Gauge, Process, [CONSUMER, WORKER], [],
        "Rows of state.";
    FENCES = "baton_producer_fences_total", Counter, Process, [CONSUMER, WORKER], ["BatonFencingLoop"],
        "Producers taken up, the first included; each further one is the answer to a fault or a doubt.";
    POLICY = "baton_policy_info", Gauge, Process,
        [CONSUMER, WORKER, label("policy", "its name"), label("version", "its version")], ["BatonPolicyDiffers"],
        "The policy that judged last, of workers with lanes that run: always 1.";
    POLICIES_REFUSED = "baton_policies_refused_total", Counter, Process, [], ["BatonPolicyRefused"],
        "Policies that were published and cannot be used, or are no newer than another one: what judged goes on.";
    STALLED = "baton_stalled_seconds", Gauge, Process, [CONSUMER, WORKER], ["BatonConsumerStalled"],
        "For how long the worker has had something to do and got no further with it; at 60 `/livez` says so.";
    ENDS = "baton_ends_timestamp_seconds", Gauge, Process, [], [],
        "When the ends of all inputs were last asked of the cluster, as Unix time; 0 before.";

    RECORDS = "baton_records_total", Counter, Pipeline, [CONSUMER, WORKER], [],
        "Records taken in, repeats after an undone transaction and ticks included.";
    EVENTS = "baton_events_total", Counter, Pipeline, [CONSUMER, OUTCOME], ["BatonFunnelStands", "BatonSourcesSilent"],
        "Records judged and committed, by what became of them; `tick` is a source's, those between consumers are not counted.";
    DEAD = "baton_dead_letters_total", Counter, Pipeline, [CONSUMER, REASON], ["BatonDeadLetters"],
        "Records that could not be used, by reason.";
    PRODUCED = "baton_produced_records_total", Counter, Pipeline, [CONSUMER, TOPIC], [],
        "Records of news written to each topic; ticks, state, ledgers and dead letters are not counted.";
    WRITTEN = "baton_written_records_total", Counter, Pipeline, [CONSUMER, WORKER], [],
        "Records written in all, ticks, state, ledgers and dead letters included.";
    TRANSACTIONS = "baton_transactions_total", Counter, Pipeline,
        [CONSUMER, WORKER, label("outcome", "`committed`, `aborted`")], ["BatonTransactionsUndone"],
        "Transactions by outcome.";
    TRANSACTION_SECONDS = "baton_transaction_duration_seconds", COMMITS, Pipeline, [CONSUMER], [],
        "From the begin of a transaction that committed to its verdict.";
    COMMIT_SECONDS = "baton_commit_duration_seconds", COMMITS, Pipeline, [CONSUMER], [],
        "From asking for a commit to its verdict: the last records on their way included, judging and sending before not.";
    TRANSACTION_RECORDS = "baton_transaction_records", BATCHES, Pipeline, [CONSUMER], [],
        "Records taken in between two transactions that committed.";
    LAG = "baton_input_lag_records", Gauge, Pipeline, [CONSUMER, TOPIC, PARTITION], ["BatonConsumerLags"],
        "Records, and markers of transactions, between what was committed of a part and its last stable offset.";
    UNSTABLE = "baton_last_stable_offset_stuck_seconds", Gauge, Pipeline, [TOPIC, PARTITION], ["BatonTransactionHangs"],
        "For how long an open transaction has kept the readable end of a partition where it is; 0 when none does.";
    LOG_TIME = "baton_log_time_timestamp_seconds", Gauge, Pipeline, [CONSUMER, WORKER], ["BatonConsumerLags", "BatonWatchdogDead"],
        "Log time that every lane has reached, as Unix time: with the wall clock, the time now less this is the lag.";
    EVENT_AGE = "baton_event_age_seconds", LATENESS, Pipeline, [label("consumer", "all but `route`")], [],
        "From when an event happened, by its source, to the commit of what was made of it.";
    LATENCY = "baton_pipeline_latency_seconds", LATENESS, Pipeline, [CONSUMER], [],
        "From the stamp that an event has on the log to the commit of what was made of it.";
    WAITING = "baton_merge_waiting_records", Gauge, Pipeline, [CONSUMER, WORKER], [],
        "Records that were read and wait for their place in the order of time.";
    WAKES = "baton_wakes_pending", Gauge, Pipeline, [CONSUMER, WORKER], [],
        "Rows that wait for an instant: deadlines, expiries.";
    WAKE_SOONEST = "baton_wake_soonest_timestamp_seconds", Gauge, Pipeline, [CONSUMER, WORKER], ["BatonWatchdogDead"],
        "The first instant that a row waits for, as Unix time: when it lies in the past, something is overdue.";
    WAKES_GIVEN = "baton_wakes_given_total", Counter, Pipeline, [CONSUMER], [],
        "Rows that were woken at their instant.";
    CANARIES = "baton_canaries_sent_total", Counter, Pipeline, [CANARY_LANE], ["BatonCanaryLost"],
        "Canaries that a source topic has taken, by the partition that they go down.";
    CANARY_RETURNED = "baton_canary_round_trip_seconds", ROUND_TRIPS, Pipeline, [CANARY_LANE],
        ["BatonCanaryLost", "BatonCanarySlow"],
        "From when a canary was sent to the commit with which it has passed through all five consumers.";
    LEDGER_ERROR = "baton_ledger_error_records", Gauge, Pipeline, [CONSUMER], ["BatonLedgerImbalance"],
        "Records taken in less what became of them, over all the time of the lanes here: anything but 0 is a defect.";

    MOVES = "baton_funnel_moves_total", Counter, Funnel, [FROM, TO], ["BatonFunnelStands"],
        "Moves of leads from one stage to another; that sales confirms a stage is none.";
    STAYED = "baton_stage_age_seconds", STAYS, Funnel, [label("stage", "the stage left")], [],
        "How long leads were in a stage when they left it, in log time.";
    REACHED = "baton_episode_stages_total", Counter, Funnel, [SOURCE, label("stage", "the stage entered")], [],
        "Stages that leads reached, by the source that they had come from last when the episode began; none before the first.";
    REFUSED = "baton_moves_refused_total", Counter, Funnel, [label("rule", "a trigger of the lifecycle, or what was not known")], [],
        "Moves and statuses that were asked for and are not allowed.";
    VERDICTS = "baton_verdicts_total", Counter, Funnel,
        [label("label", "`qualified`, `won`, `lost`, `rejected`"), label("class", "`lead`, `followup`, `unknown`"),
         label("code", "a disposition or rule of the policy, or `no_response`, `opportunity_won`, `opportunity_lost`")], [],
        "What sales made of leads that were handed off.";
    QUALIFIED = "baton_qualified_total", Counter, Funnel,
        [LANE, label("why", "`hand_raise`, `matrix`, `check_in`, `policy`"), SOURCE], ["BatonNoHandoffs"],
        "Leads that became ready, with the source that they came from last.";
    SCORES = "baton_score_points", POINTS, Funnel, [], ["BatonScoreDrift"],
        "Scores, one for each event that was scored.";
    ACTIVITIES = "baton_activities_total", Counter, Funnel, [SOURCE, label("machine", "`yes`, `no`: what the source said")], [],
        "Activities of leads, by where the visit came from and whether a machine did it.";
    MERGES = "baton_merges_total", Counter, Funnel, [], [],
        "Ids that turned out to belong to another lead than before.";
    RETRACTIONS = "baton_retractions_total", Counter, Funnel,
        [label("reason", "`bot`, `duplicate`, `fraud`, `test`, `erasure`")], [],
        "Events taken back.";
    REVISIONS = "baton_handoff_revisions_total", Counter, Funnel, [label("kind", "`withdrawn`, `revised`")], [],
        "Handoffs whose grounds were taken back.";
    OPT_OUT = "baton_opt_out_to_stop_seconds", LATENESS, Funnel, [CONSUMER], ["BatonOptOutSlow"],
        "From the place of an opt-out on the log to the commit that stops the consumer's part: the lead is suppressed \
         (`score`), nothing is owed to it any more (`watch`).";

    HANDOFFS = "baton_handoffs_total", Counter, Routing, [LANE, POOL], ["BatonNoHandoffs"],
        "Leads handed to a named rep, the first time in an episode.";
    HANDOFF_LATENCY = "baton_handoff_latency_seconds", PROMISES, Routing, [LANE], [],
        "From the event that made a lead ready, by its source, to the commit of the handoff.";
    ASSIGNMENTS = "baton_assignments_total", Counter, Routing,
        [POOL, label("cause", "`qualified`, `hand_raise` (asked for sales while it waited), `claimed`, `owner`, `handback`, `unrouted` (told that it still waits), else `released`")],
        [],
        "Whatever was said of who has a lead, by what led to it.";
    UNROUTED = "baton_unrouted_leads", Gauge, Routing, [POOL], [],
        "Leads that are ready and that nobody has yet; counted from the rows of state.";
    UNROUTED_SINCE = "baton_unrouted_oldest_timestamp_seconds", Gauge, Routing, [POOL], ["BatonLeadsUnrouted"],
        "Since when the lead has been ready that has waited longest, as Unix time; absent while none waits.";
    REPS = "baton_pool_reps", Gauge, Routing, [POOL], [],
        "Reps who have had a turn in the pool.";
    LOAD = "baton_rep_open_leads", Gauge, Routing, [POOL, label("rank", "`least`, `most`")], [],
        "Leads on the desk of the rep of the pool who has least, and of the one who has most.";
    FAIRNESS = "baton_fairness_gap_leads", Gauge, Routing, [POOL], ["BatonUnfair"],
        "How many leads the pool owes the rep who is due most, more than the one who is due least.";

    PROMISES_TOLD = "baton_sla_promises_total", Counter, Sla,
        [CLOCK, SLA_LANE, POOL,
         label("kind", "`started`, `warned`, `met`, `breached`, `late` (answered after it broke), `retracted`, `cancelled`, `paused`, `resumed`, `escalated`"),
         label("level", "percent of the time used at a level of the policy, on a warning, breach or escalation; else 0"),
         label("breach_age",
               "on `retracted`, and on the `met` behind it: how long the deadline was past, up to `5m`, `30m`, `1h`, `6h`, or `later`; else `none`")],
        ["BatonSlaBurnsFast", "BatonSlaBurnsSlow"],
        "What became of promises.";
    OPEN = "baton_sla_open", Gauge, Sla, [CLOCK, SLA_LANE, label("state", "`running`, `paused`, `breached`")], [],
        "Promises that are owed; counted from the rows of state.";
    SOONEST = "baton_sla_soonest_deadline_timestamp_seconds", Gauge, Sla, [CLOCK], [],
        "The next deadline of a promise that runs, as Unix time; absent while none does.";
    RESPONSE = "baton_sla_response_seconds", PROMISES, Sla, [CLOCK, SLA_LANE, BASIS, KEPT], [],
        "From start to answer of promises that were answered, kept or not; one whose breach is taken back after a late \
         answer is in both.";
    SPEED = "baton_speed_to_lead_seconds", PROMISES, Sla,
        [label("part", "`system`: to the first desk; `human`: from the desk to the first touch; `total`: both"), BASIS, LANE, KEPT], [],
        "From the event that made a lead ready to a person's first touch, of every lead that was touched, whether the \
         promise of it was kept or had broken; `system` and `total` have no working time.";
    DETECTION = "baton_sla_detection_lag_seconds", LATENESS, Sla, [CLOCK], ["BatonDetectionLate"],
        "From a deadline that was missed to the commit that says so.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_metrics_have_one_name_and_each_ends_with_its_unit() {
        let names: BTreeSet<&str> = ALL.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), ALL.len());
        let units = ["seconds", "records", "rows", "leads", "reps", "points", "lanes", "info"];
        for Spec { name, kind, help, .. } in ALL {
            assert!(name.starts_with("baton_"), "{name}");
            assert_eq!(*kind == Counter, name.ends_with("_total"), "{name}: counters, and they alone, end with _total");
            let counts = ["baton_wakes_pending", "baton_sla_open"].contains(name);
            let last = name.rsplit('_').next().unwrap_or_default();
            assert!(*kind == Counter || counts || units.contains(&last), "{name} has no unit");
            assert!(help.ends_with('.'), "{name}: {help}");
        }
    }

    #[test]
    fn no_label_names_a_lead_or_a_person() {
        let banned = ["lead", "lead_id", "email", "url", "path", "rep", "owner", "user", "event", "event_id"];
        for Spec { name, labels, .. } in ALL {
            assert!(labels.iter().all(|label| !banned.contains(&label.name)), "{name}");
        }
    }

    #[test]
    fn bounds_rise() {
        for Spec { name, kind, .. } in ALL {
            if let Kind::Histogram(bounds) = kind {
                assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{name}");
            }
        }
    }

    #[test]
    fn the_times_of_the_field_are_bounds_of_their_histograms() {
        let Kind::Histogram(bounds) = RESPONSE.kind else { panic!("a histogram") };
        for seconds in [300.0, 3_600.0, 28_800.0, 86_400.0, 1_209_600.0, 2_592_000.0, 7_776_000.0] {
            assert!(bounds.contains(&seconds), "{seconds}");
        }
    }
}
