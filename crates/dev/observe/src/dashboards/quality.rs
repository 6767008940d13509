//! Whether what comes in can be believed.

use baton_runtime::metrics::inventory as metric;

use super::{panel, row};
use crate::grafana::{Colour, Dashboard, Form, Row, Unit};
use crate::promql::{all, only, query};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "baton-quality",
        title: "Baton: data quality",
        question: "Can what comes in be believed, and do scores still mean what they did?",
        reading: "\
*Set aside* is what could not be used. Each reason has a section in docs/DEAD_LETTERS.md that says what to do; nothing is
lost, `baton dlq` shows and replays it. A steady trickle is life, a step is a source that changed.

*Drift* compares today's scores with those of a week ago: the greatest difference between the two shares of scores below
any number of points (the distance of Kolmogorov and Smirnov). 0 is the same; from 0.2 on, thresholds mean something else
than they did. After a change of policy that is as it should be.

*Machines* is the share of activities that their source said were made by machines. They give no points.",
        filters: &[],
        rows: vec![aside(), scores(), truth()],
    }
}

fn aside() -> Row {
    row(
        "What cannot be used",
        vec![
            panel(
                "Set aside",
                Form::Stack,
                Unit::PerSecond,
                "Dead letters by reason.",
                vec![query(all(&metric::DEAD).per_second("consumer, reason"), "{{consumer}} {{reason}}")],
            ),
            panel(
                "Share set aside by identify",
                Form::Lines,
                Unit::Share,
                "Of all that sources told.",
                vec![query(
                    format!(
                        "{} / {}",
                        only(&metric::DEAD, "consumer=\"identify\"").per_second(""),
                        only(&metric::EVENTS, "consumer=\"identify\"").per_second("")
                    ),
                    "set aside",
                )],
            )
            .marked(&[(0.01, Colour::Watch), (0.05, Colour::Bad)]),
            panel(
                "By reason",
                Form::Table,
                Unit::Count,
                "Within the time shown.",
                vec![query(all(&metric::DEAD).in_range("consumer, reason"), "{{reason}}")],
            ),
        ],
    )
}

fn scores() -> Row {
    row(
        "Scores",
        vec![
            panel(
                "Where scores lie",
                Form::Heatmap,
                Unit::Count,
                "One for each event that was scored.",
                vec![query(all(&metric::SCORES).heat(), "{{le}}")],
            ),
            panel(
                "Median and p90",
                Form::Lines,
                Unit::Count,
                "In points, of the hour before.",
                vec![
                    query(all(&metric::SCORES).quantile_over("1h", 0.5, ""), "median"),
                    query(all(&metric::SCORES).quantile_over("1h", 0.9, ""), "p90"),
                ],
            ),
            panel(
                "Drift",
                Form::Lines,
                Unit::Share,
                "Today's scores beside those of a week ago.",
                vec![query("baton:score_drift:ratio1d", "drift")],
            )
            .marked(&[(0.2, Colour::Bad)]),
        ],
    )
}

fn truth() -> Row {
    row(
        "Who it was, and what was taken back",
        vec![
            panel(
                "Machines",
                Form::Lines,
                Unit::Share,
                "Of all activities, those that their source said were made by machines.",
                vec![query(
                    format!(
                        "{} / {}",
                        only(&metric::ACTIVITIES, "machine=\"yes\"").per_second(""),
                        all(&metric::ACTIVITIES).per_second("")
                    ),
                    "machines",
                )],
            ),
            panel(
                "Ids that changed their lead",
                Form::Lines,
                Unit::PerSecond,
                "A step is a placeholder that a source uses for many people: see `identity.placeholder_ids`.",
                vec![query(all(&metric::MERGES).per_second(""), "merged")],
            ),
            panel(
                "Taken back",
                Form::Stack,
                Unit::PerSecond,
                "Events that turned out not to have been.",
                vec![query(all(&metric::RETRACTIONS).per_second("reason"), "{{reason}}")],
            ),
            panel(
                "From no to stop, p99",
                Form::Lines,
                Unit::Seconds,
                "From an opt-out on the log to the commit that acts on it, of the day before.",
                vec![query(all(&metric::OPT_OUT).quantile_over("1d", 0.99, "consumer"), "{{consumer}}")],
            )
            .marked(&[(60.0, Colour::Bad)]),
        ],
    )
}
