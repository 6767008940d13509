//! Who gets leads, and whether that is fair.

use baton_runtime::metrics::inventory as metric;

use super::{panel, row};
use crate::grafana::{Colour, Dashboard, Form, Row, Unit};
use crate::promql::{all, only, query};

const HERE: &str = "pool=~\"$pool\"";

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "baton-routing",
        title: "Baton: routing and fairness",
        question: "Does every lead find a desk, and do desks get their share?",
        reading: "\
*Waiting* counts leads that are ready and that nobody has. Some may wait for a reason (a pool that takes so many an
hour, off hours with `off_hours: wait`); *Oldest wait* is what tells trouble, and pages after half an hour of a working day.

*Owed* is by how many leads a pool's shares are out: the rep who is due most, less the one who is due least. With equal
weights it is at most 1 at every moment; after an absence the rep who was away is not owed what others took. *Load* is
what lies on desks now: it differs from the shares when some close their leads faster.

Who was passed over, and why, stands on `lead.assignment` and is told by `baton route why LEAD`, not here: a rep's
name is no label.",
        filters: &[("pool", metric::ASSIGNMENTS.name)],
        rows: vec![waiting(), handoffs(), fairness()],
    }
}

fn waiting() -> Row {
    row(
        "Waiting",
        vec![
            panel(
                "Leads without a rep",
                Form::Lines,
                Unit::Count,
                "Ready, and nobody has them.",
                vec![query(only(&metric::UNROUTED, HERE).total("pool"), "{{pool}}")],
            ),
            panel(
                "Oldest wait",
                Form::Lines,
                Unit::Seconds,
                "Since the oldest of them became ready.",
                vec![query(only(&metric::UNROUTED_SINCE, HERE).age("pool"), "{{pool}}")],
            )
            .marked(&[(1_800.0, Colour::Bad)]),
            panel(
                "Told that they still wait",
                Form::Bars,
                Unit::Count,
                "Within the time shown: `alert_after` of the policy, and again after twice as long.",
                vec![query(
                    only(&metric::ASSIGNMENTS, "pool=~\"$pool\", cause=\"unrouted\"").in_range("pool"),
                    "{{pool}}",
                )],
            ),
        ],
    )
}

fn handoffs() -> Row {
    row(
        "Handoffs",
        vec![
            panel(
                "Handoffs by urgency",
                Form::Stack,
                Unit::PerSecond,
                "The first desk of an episode.",
                vec![query(only(&metric::HANDOFFS, HERE).per_second("lane"), "{{lane}}")],
            ),
            panel(
                "Handoffs by pool",
                Form::Bars,
                Unit::Count,
                "Within the time shown.",
                vec![query(only(&metric::HANDOFFS, HERE).in_range("pool"), "{{pool}}")],
            ),
            panel(
                "Who has a lead, by what led to it",
                Form::Stack,
                Unit::PerSecond,
                "Many `released` are desks that did not answer.",
                vec![query(only(&metric::ASSIGNMENTS, HERE).per_second("cause"), "{{cause}}")],
            ),
            panel(
                "Handoffs taken back",
                Form::Bars,
                Unit::Count,
                "Their grounds were retracted.",
                vec![query(all(&metric::REVISIONS).in_range("kind"), "{{kind}}")],
            ),
        ],
    )
}

fn fairness() -> Row {
    row(
        "Fairness",
        vec![
            panel(
                "Owed",
                Form::Lines,
                Unit::Count,
                "The rep of a pool who is due most, less the one who is due least, in leads.",
                vec![query(only(&metric::FAIRNESS, HERE).most("pool"), "{{pool}}")],
            )
            .marked(&[(3.0, Colour::Bad)]),
            panel(
                "Load",
                Form::Lines,
                Unit::Count,
                "Leads on the desk of the rep who has least and of the one who has most.",
                vec![query(only(&metric::LOAD, HERE).most("pool, rank"), "{{pool}} {{rank}}")],
            ),
            panel(
                "Reps",
                Form::Lines,
                Unit::Count,
                "Who have had a turn.",
                vec![query(only(&metric::REPS, HERE).most("pool"), "{{pool}}")],
            ),
        ],
    )
}
