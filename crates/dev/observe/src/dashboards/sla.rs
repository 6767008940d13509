//! Promises to leads, and whether they are kept.

use baton_runtime::metrics::inventory as metric;

use super::{panel, row};
use crate::grafana::{Colour, Dashboard, Form, Row, Unit};
use crate::promql::{all, only, query};

const HERE: &str = "clock=~\"$clock\"";

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "baton-sla",
        title: "Baton: SLA",
        question: "Which promises to leads run, which are broken, and by whom?",
        reading: "\
*Broken* is the share of settled promises that were broken and not taken back, by clock. Late truth takes a breach back:
a touch that was in time and that the CRM told late. So the share of the last hour can still fall; a breach of longer ago
that is taken back changes nothing in it.

The ratio of a handful of promises jumps. Look at *Settled* beside it; the alerts want ten within the hour.

*Open* is what is owed now. A promise that is broken stays open until somebody answers. *Next deadline* below 0 means
that a deadline has passed and nothing was told: the watchdog is late, see *Told late by*, or stands.

*Response* is in working time, without pauses, of every promise that was answered, kept or late: an average of kept
promises alone would look the better the more are broken. The marks are 5 minutes, 1 hour and 24 hours.",
        filters: &[("clock", metric::PROMISES_TOLD.name)],
        rows: vec![now(), kept(), answers(), watchdog()],
    }
}

fn now() -> Row {
    row(
        "Now",
        vec![
            panel(
                "Open",
                Form::Stack,
                Unit::Count,
                "Promises that are owed, by clock and state.",
                vec![query(only(&metric::OPEN, HERE).total("clock, state"), "{{clock}} {{state}}")],
            ),
            panel(
                "Broken and not answered",
                Form::Bars,
                Unit::Count,
                "By clock and urgency: each is somebody who still waits.",
                vec![query(
                    only(&metric::OPEN, "clock=~\"$clock\", state=\"breached\"").total("clock, lane"),
                    "{{clock}} {{lane}}",
                )],
            ),
            panel(
                "Next deadline",
                Form::Lines,
                Unit::Seconds,
                "Time left to the next deadline of each clock; below 0 one is overdue.",
                vec![query(format!("{} - time()", only(&metric::SOONEST, HERE).least("clock")), "{{clock}}")],
            )
            .signed(),
        ],
    )
}

fn kept() -> Row {
    row(
        "Kept and broken",
        vec![
            panel(
                "Broken, by the hour",
                Form::Lines,
                Unit::Share,
                "5 of 100 are allowed for; somebody is paged at 72 of 100, by at least ten.",
                vec![query("baton:sla_broken:ratio1h{clock=~\"$clock\"}", "{{clock}}")],
            )
            .marked(&[(0.05, Colour::Watch), (0.72, Colour::Bad)]),
            panel(
                "Settled, by the hour",
                Form::Lines,
                Unit::Count,
                "Kept or broken: how much the share beside it is worth.",
                vec![query("baton:sla_settled:increase1h{clock=~\"$clock\"}", "{{clock}}")],
            ),
            panel(
                "What became of promises",
                Form::Stack,
                Unit::PerSecond,
                "Started, warned, met, breached, late (answered after it broke), retracted, cancelled, paused, resumed, escalated.",
                vec![query(only(&metric::PROMISES_TOLD, HERE).per_second("kind"), "{{kind}}")],
            ),
            panel(
                "Breaches by pool",
                Form::Bars,
                Unit::Count,
                "Within the time shown; those taken back included.",
                vec![query(
                    only(&metric::PROMISES_TOLD, "clock=~\"$clock\", kind=\"breached\"").in_range("pool"),
                    "{{pool}}",
                )],
            ),
        ],
    )
}

fn answers() -> Row {
    row(
        "Response",
        vec![
            panel(
                "Working time, median",
                Form::Lines,
                Unit::Seconds,
                "From start to answer, pauses left out, of the day before.",
                vec![query(
                    only(&metric::RESPONSE, "clock=~\"$clock\", basis=\"business\"").quantile_over(
                        "1d",
                        0.5,
                        "clock, lane",
                    ),
                    "{{clock}} {{lane}}",
                )],
            )
            .marked(&[(300.0, Colour::Good), (3_600.0, Colour::Watch), (86_400.0, Colour::Bad)]),
            panel(
                "Round the clock, p90",
                Form::Lines,
                Unit::Seconds,
                "As the lead sees it, of the day before.",
                vec![query(
                    only(&metric::RESPONSE, "clock=~\"$clock\", basis=\"wall\"").quantile_over(
                        "1d",
                        0.9,
                        "clock, lane",
                    ),
                    "{{clock}} {{lane}}",
                )],
            )
            .marked(&[(300.0, Colour::Good), (3_600.0, Colour::Watch), (86_400.0, Colour::Bad)]),
            panel(
                "First touch, kept and late, median",
                Form::Lines,
                Unit::Seconds,
                "From the desk to a person's first touch, round the clock, of the day before: promises that were kept, and those that had broken.",
                vec![query(
                    only(&metric::SPEED, "part=\"human\", basis=\"wall\"").quantile_over("1d", 0.5, "kept"),
                    "kept: {{kept}}",
                )],
            )
            .marked(&[(300.0, Colour::Good), (3_600.0, Colour::Watch), (86_400.0, Colour::Bad)]),
            panel(
                "Where first touches lie",
                Form::Heatmap,
                Unit::Seconds,
                "How long first touches took, in working time, late ones included.",
                vec![query(only(&metric::RESPONSE, "clock=\"first_touch\", basis=\"business\"").heat(), "{{le}}")],
            ),
        ],
    )
}

fn watchdog() -> Row {
    row(
        "The watchdog itself",
        vec![
            panel(
                "Told late by",
                Form::Lines,
                Unit::Seconds,
                "From a deadline that was missed to the commit that says so: about a tick, within the hour before. After downtime it is as long as that was.",
                vec![
                    query(all(&metric::DETECTION).quantile_over("1h", 0.5, ""), "median"),
                    query(all(&metric::DETECTION).quantile_over("1h", 0.99, ""), "p99"),
                ],
            )
            .marked(&[(2.0, Colour::Watch), (10.0, Colour::Bad)]),
            panel(
                "Its time",
                Form::Lines,
                Unit::Seconds,
                "How old the log time is that the watchdog has reached. An alert at one minute.",
                vec![query(only(&metric::LOG_TIME, "consumer=\"watch\"").age("consumer"), "behind")],
            )
            .marked(&[(60.0, Colour::Bad)]),
            panel(
                "Overdue",
                Form::Lines,
                Unit::Seconds,
                "How long ago the first instant was that a row waits for; below 0 it is still to come.",
                vec![query(only(&metric::WAKE_SOONEST, "consumer=\"watch\"").age("consumer"), "overdue by")],
            )
            .marked(&[(60.0, Colour::Bad)])
            .signed(),
        ],
    )
}
