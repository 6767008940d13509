//! Whether everything runs, and how far behind it is.

use baton_runtime::metrics::inventory as metric;

use super::{panel, row};
use crate::grafana::{Colour, Dashboard, Form, Unit};
use crate::promql::{all, only, query};

const HERE: &str = "consumer=~\"$consumer\"";

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "baton-pipeline",
        title: "Baton: pipeline",
        question: "Does everything run, and how far behind is it?",
        reading: "\
Read the first row from left to right: all five consumers must have running lanes, nothing may be restoring or stalled,
and the ledger must be at 0. Then *Behind, in seconds*: each line is how old the log time is that a consumer has reached.
At rest it stays within two ticks (two seconds by default). If one line rises alone, that consumer is slow or stands; if
all rise from one on, look at the first in the order identify, aggregate, score, route, watch. *Behind, in records* tells
whether it is catching up. A lag in seconds without a lag in records is a log on which nothing happens, not even ticks:
look at identify.

With `clock: log` (replays) seconds behind say nothing; records do.",
        filters: &[("consumer", metric::TURN.name)],
        rows: vec![health(), lag(), work(), transactions(), state()],
    }
}

fn health() -> crate::grafana::Row {
    row(
        "Does it run?",
        vec![
            panel(
                "Consumers at work",
                Form::Number,
                Unit::Count,
                "Of five. Fewer: a process is down, or still restoring.",
                vec![query(
                    format!("count({} > 0) or vector(0)", only(&metric::LANES, "state=\"running\"").total("consumer")),
                    "at work",
                )],
            )
            .marked(&[(0.0, Colour::Bad), (5.0, Colour::Good)]),
            panel(
                "Records to restore",
                Form::Number,
                Unit::Count,
                "Falls to 0 within seconds to minutes of a start.",
                vec![query(all(&metric::RESTORE).total(""), "to restore")],
            )
            .marked(&[(1.0, Colour::Watch)]),
            panel(
                "Longest stall",
                Form::Number,
                Unit::Seconds,
                "For how long some worker has had work and got no further. At 60 its /livez answers 503.",
                vec![query(format!("max({})", metric::STALLED.name), "stalled")],
            )
            .marked(&[(30.0, Colour::Watch), (60.0, Colour::Bad)]),
            panel(
                "Ledger error",
                Form::Number,
                Unit::Count,
                "Records taken in less what became of them. Anything but 0 is a defect.",
                vec![query(format!("max(abs({}))", metric::LEDGER_ERROR.name), "error")],
            )
            .marked(&[(1.0, Colour::Bad)]),
            panel(
                "Policies in force",
                Form::Number,
                Unit::Count,
                "One, but for the moment of a change. A worker without lanes, or that has judged nothing yet, has none.",
                vec![query(format!("count(count by (policy, version) ({}))", metric::POLICY.name), "policies")],
            )
            .marked(&[(2.0, Colour::Watch)]),
            panel(
                "Policies refused",
                Form::Number,
                Unit::Count,
                "Within the time shown. What judged before goes on; the log of identify says what is wrong.",
                vec![query(all(&metric::POLICIES_REFUSED).in_range(""), "refused")],
            )
            .marked(&[(1.0, Colour::Watch)]),
        ],
    )
}

fn lag() -> crate::grafana::Row {
    row(
        "How far behind is it?",
        vec![
            panel(
                "Behind, in seconds",
                Form::Lines,
                Unit::Seconds,
                "Now, less the log time that each consumer has reached. An alert at five minutes.",
                vec![query(only(&metric::LOG_TIME, HERE).age("consumer"), "{{consumer}}")],
            )
            .marked(&[(300.0, Colour::Bad)]),
            panel(
                "Behind, in records",
                Form::Lines,
                Unit::Count,
                "Between what is committed and what can be read.",
                vec![query(only(&metric::LAG, HERE).total("consumer, topic"), "{{consumer}} {{topic}}")],
            ),
            panel(
                "From the log to the commit, p99",
                Form::Lines,
                Unit::Seconds,
                "From the stamp of an event to the commit of what was made of it.",
                vec![query(only(&metric::LATENCY, HERE).quantile(0.99, "consumer"), "{{consumer}}")],
            ),
            panel(
                "Canaries, round trip",
                Form::Lines,
                Unit::Seconds,
                "From a source to the watchdog's commit, nine of ten test leads in each partition. Empty where the setting \
                 canary_ms sends none; a gap in a line is one that did not come back.",
                vec![query(all(&metric::CANARY_RETURNED).quantile(0.9, "partition"), "partition {{partition}}")],
            )
            .marked(&[(10.0, Colour::Watch)]),
            panel(
                "Canaries under way or lost",
                Form::Lines,
                Unit::Count,
                "Sent within a quarter of an hour, less those that came back.",
                vec![query(
                    format!(
                        "sum by (partition) (increase({sent}[15m])) - (sum by (partition) (increase({}_count[15m])) \
                         or 0 * sum by (partition) (increase({sent}[15m])))",
                        metric::CANARY_RETURNED.name,
                        sent = metric::CANARIES.name,
                    ),
                    "partition {{partition}}",
                )],
            )
            .marked(&[(2.0, Colour::Watch)]),
            panel(
                "Age of events, median",
                Form::Lines,
                Unit::Seconds,
                "From when it happened, by its source, to the commit. If this rises and the others do not, the source is late.",
                vec![query(only(&metric::EVENT_AGE, HERE).quantile(0.5, "consumer"), "{{consumer}}")],
            ),
        ],
    )
}

fn work() -> crate::grafana::Row {
    row(
        "What does it do?",
        vec![
            panel(
                "Events by outcome",
                Form::Stack,
                Unit::PerSecond,
                "Records judged and committed, by what became of them.",
                vec![query(only(&metric::EVENTS, HERE).per_second("consumer, outcome"), "{{consumer}} {{outcome}}")],
            ),
            panel(
                "Records taken in",
                Form::Lines,
                Unit::PerSecond,
                "Ticks, and repeats after an undone transaction, included.",
                vec![query(only(&metric::RECORDS, HERE).per_second("consumer"), "{{consumer}}")],
            ),
            panel(
                "News written",
                Form::Lines,
                Unit::PerSecond,
                "By topic; without ticks, state and ledgers.",
                vec![query(only(&metric::PRODUCED, HERE).per_second("topic"), "{{topic}}")],
            ),
            panel(
                "Records written in all",
                Form::Lines,
                Unit::PerSecond,
                "Ticks, state, ledgers and dead letters included.",
                vec![query(only(&metric::WRITTEN, HERE).per_second("consumer"), "{{consumer}}")],
            ),
        ],
    )
}

fn transactions() -> crate::grafana::Row {
    row(
        "Transactions",
        vec![
            panel(
                "Transactions",
                Form::Lines,
                Unit::PerSecond,
                "By outcome. Those undone are done again; many of them are work done twice.",
                vec![query(
                    only(&metric::TRANSACTIONS, HERE).per_second("consumer, outcome"),
                    "{{consumer}} {{outcome}}",
                )],
            ),
            panel(
                "Duration, p99",
                Form::Lines,
                Unit::Seconds,
                "From begin to verdict.",
                vec![query(only(&metric::TRANSACTION_SECONDS, HERE).quantile(0.99, "consumer"), "{{consumer}}")],
            ),
            panel(
                "Of it the commit, p99",
                Form::Lines,
                Unit::Seconds,
                "From asking for it to the broker's verdict. Most of a duration that grows: the cluster is slow; little of it: \
                 the judging is.",
                vec![query(only(&metric::COMMIT_SECONDS, HERE).quantile(0.99, "consumer"), "{{consumer}}")],
            ),
            panel(
                "Records in one, median",
                Form::Lines,
                Unit::Count,
                "Small under little load, up to the bound under much: that is how one setting serves both.",
                vec![query(only(&metric::TRANSACTION_RECORDS, HERE).quantile(0.5, "consumer"), "{{consumer}}")],
            ),
            panel(
                "Producers taken up",
                Form::Lines,
                Unit::Count,
                "Within an hour. One a worker at the start; each further one answers a fault.",
                vec![query(only(&metric::FENCES, HERE).within("1h", "consumer"), "{{consumer}}")],
            ),
            panel(
                "Readable end held up",
                Form::Lines,
                Unit::Seconds,
                "For how long an open transaction keeps a partition from being read on.",
                vec![query(
                    format!("{} > 0", all(&metric::UNSTABLE).most("topic, partition")),
                    "{{topic}} {{partition}}",
                )],
            )
            .marked(&[(120.0, Colour::Bad)]),
        ],
    )
}

fn state() -> crate::grafana::Row {
    row(
        "State",
        vec![
            panel(
                "Rows",
                Form::Lines,
                Unit::Count,
                "Grows with leads; identify's shrinks as ids of events expire.",
                vec![query(only(&metric::ROWS, HERE).total("consumer"), "{{consumer}}")],
            ),
            panel(
                "Rows that wait for an instant",
                Form::Lines,
                Unit::Count,
                "Deadlines, coolings, expiries.",
                vec![query(only(&metric::WAKES, HERE).total("consumer"), "{{consumer}}")],
            ),
            panel(
                "Instants given",
                Form::Lines,
                Unit::PerSecond,
                "Rows that were woken.",
                vec![query(only(&metric::WAKES_GIVEN, HERE).per_second("consumer"), "{{consumer}}")],
            ),
            panel(
                "Waiting for the order of time",
                Form::Lines,
                Unit::Count,
                "Read, but another producer might still say something earlier. Steady growth: one producer's ticks are missing.",
                vec![query(only(&metric::WAITING, HERE).total("consumer"), "{{consumer}}")],
            ),
            panel(
                "Ends asked for",
                Form::Lines,
                Unit::Seconds,
                "How long ago the ends of inputs were last asked of the cluster; nothing before the first answer. While this \
                 grows, lags are those of then: the cluster does not answer.",
                vec![query(format!("time() - ({} > 0)", metric::ENDS.name), "{{instance}}")],
            ),
            panel(
                "Up since",
                Form::Lines,
                Unit::Seconds,
                "A line that falls to 0 is a restart; the label tells the version.",
                vec![
                    query(format!("time() - {}", metric::START.name), "{{instance}}"),
                    query(format!("count by (version) ({}) * 0", metric::BUILD_INFO.name), "version {{version}}"),
                ],
            ),
        ],
    )
}
