//! Leads, from the first sight to the deal.

use baton_runtime::metrics::inventory as metric;

use super::{panel, row};
use crate::grafana::{Colour, Dashboard, Form, Row, Unit};
use crate::promql::{all, only, query};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "baton-funnel",
        title: "Baton: funnel and speed to lead",
        question: "How many leads become ready, are accepted and won, and how fast does a person answer?",
        reading: "\
*Moves* counts how many leads came into each stage within the time shown at the top right; choose at least a week.
*MQL to SQL* has two lines of reference from the field: 13 % is what is commonly seen, 40 % what teams with a shared
definition of a qualified lead reach. A low share with many *handed back by the lead's fault* means that the threshold is
too low; with many *by the follow-up's fault*, that nobody answered in time.

*Speed to lead* is the time from the event that made a lead ready to a person's first touch. Its two parts are told
apart, since different people can mend them: *system* is ours (to the first desk), *human* is the rep's. Lines of
reference are 5 minutes, 1 hour and 24 hours. On working time the night does not count; on wall time it does, as it
does for the lead. Every lead that was touched has a speed, in time or late; who was never touched has none: read it beside
the share of broken promises on *Baton: SLA*.

A move counts when it happened on the log. A stage that a lead skipped is not counted; for *MQL to SQL* a lead that went
on without being called SQL, to an opportunity or a deal, counts as found qualified.",
        filters: &[],
        rows: vec![moves(), speed(), sources(), verdicts()],
    }
}

/// Leads that sales found qualified, of those that became ready, within a time. A stage may be skipped, and one that is
/// handed back is not ready anew.
fn qualified_share(time: &str) -> String {
    let found = "from!~\"sql|opportunity|customer\", to=~\"sql|opportunity|customer\"";
    let ready = "from!~\"sal|sql|opportunity\", to=\"mql\"";
    let moves = |which| only(&metric::MOVES, which).within(time, "");
    format!("({} or vector(0)) / ({} > 0)", moves(found), moves(ready))
}

fn moves() -> Row {
    row(
        "The funnel",
        vec![
            panel(
                "Moves into each stage",
                Form::Bars,
                Unit::Count,
                "Within the time shown.",
                vec![query(all(&metric::MOVES).in_range("to"), "{{to}}")],
            ),
            panel(
                "MQL to SQL",
                Form::Number,
                Unit::Share,
                "Leads that sales found qualified, of those that became ready, within the time shown. Orange from 13 %, green \
                 from 40 %.",
                vec![query(qualified_share("$__range"), "MQL to SQL")],
            )
            .marked(&[(0.0, Colour::Bad), (0.13, Colour::Watch), (0.4, Colour::Good)]),
            panel(
                "MQL to SQL over time",
                Form::Lines,
                Unit::Share,
                "By the week, beside the 13 % and the 40 % of the field.",
                vec![query(qualified_share("7d"), "by the week")],
            )
            .marked(&[(0.13, Colour::Watch), (0.4, Colour::Good)]),
            panel(
                "All moves",
                Form::Table,
                Unit::Count,
                "From stage to stage, backward ones too.",
                vec![query(all(&metric::MOVES).in_range("from, to"), "{{from}} to {{to}}")],
            ),
            panel(
                "How long leads stay",
                Form::Lines,
                Unit::Seconds,
                "Median by stage, of the leads that left it within the week before.",
                vec![query(all(&metric::STAYED).quantile_over("7d", 0.5, "stage"), "{{stage}}")],
            ),
        ],
    )
}

fn speed() -> Row {
    let wall = "part=~\"system|human|total\", basis=\"wall\"";
    row(
        "Speed to lead",
        vec![
            panel(
                "Median, round the clock",
                Form::Lines,
                Unit::Seconds,
                "System: from the event to the first desk. Human: from the desk to a person's touch. Of the day before.",
                vec![query(only(&metric::SPEED, wall).quantile_over("1d", 0.5, "part"), "{{part}}")],
            )
            .marked(&[(300.0, Colour::Good), (3_600.0, Colour::Watch), (86_400.0, Colour::Bad)]),
            panel(
                "Human part, in working time",
                Form::Lines,
                Unit::Seconds,
                "Median and p90 of the day before: what the promises are about.",
                vec![
                    query(
                        only(&metric::SPEED, "part=\"human\", basis=\"business\"").quantile_over("1d", 0.5, "lane"),
                        "{{lane}} median",
                    ),
                    query(
                        only(&metric::SPEED, "part=\"human\", basis=\"business\"").quantile_over("1d", 0.9, "lane"),
                        "{{lane}} p90",
                    ),
                ],
            )
            .marked(&[(300.0, Colour::Good), (3_600.0, Colour::Watch), (86_400.0, Colour::Bad)]),
            panel(
                "Answered within 5 minutes",
                Form::Number,
                Unit::Share,
                "Of the leads that were answered, in time or late, round the clock.",
                vec![query(
                    only(&metric::SPEED, "part=\"total\", basis=\"wall\"").share_within("300", ""),
                    "within 5 minutes",
                )],
            ),
            panel(
                "From the event to the desk",
                Form::Lines,
                Unit::Seconds,
                "Median and p99 of all handoffs of the day before, whether kept or not. Under a second is the pipeline; more is the wait for a desk.",
                vec![
                    query(all(&metric::HANDOFF_LATENCY).quantile_over("1d", 0.5, "lane"), "{{lane}} median"),
                    query(all(&metric::HANDOFF_LATENCY).quantile_over("1d", 0.99, "lane"), "{{lane}} p99"),
                ],
            ),
        ],
    )
}

fn sources() -> Row {
    let reached = |stage: &str| only(&metric::REACHED, &format!("stage=\"{stage}\"")).in_range("source");
    row(
        "Where from",
        vec![
            panel(
                "Ready, by why",
                Form::Stack,
                Unit::PerSecond,
                "Whoever asks for sales, whoever crossed the line, and whoever sales asked to see again.",
                vec![query(all(&metric::QUALIFIED).per_second("why"), "{{why}}")],
            ),
            panel(
                "Ready, by last source",
                Form::Bars,
                Unit::Count,
                "Sources that the setting `metrics.sources` names; the rest is `other`.",
                vec![query(all(&metric::QUALIFIED).in_range("source"), "{{source}}")],
            ),
            panel(
                "How far they came, by source",
                Form::Table,
                Unit::Count,
                "Stages reached, by the source that a lead had come from last when its episode began.",
                vec![query(all(&metric::REACHED).in_range("source, stage"), "{{source}}: {{stage}}")],
            ),
            panel(
                "MQL to customer, by source",
                Form::Bars,
                Unit::Share,
                "Leads won, of those that became ready, within the time shown: choose longer than it takes you to win one.",
                vec![query(
                    format!("({} or 0 * {ready}) / ({ready} > 0)", reached("customer"), ready = reached("mql")),
                    "{{source}}",
                )],
            ),
            panel(
                "Activities, by source",
                Form::Stack,
                Unit::PerSecond,
                "What people did.",
                vec![query(only(&metric::ACTIVITIES, "machine=\"no\"").per_second("source"), "{{source}}")],
            ),
        ],
    )
}

fn verdicts() -> Row {
    row(
        "What sales made of them",
        vec![
            panel(
                "Verdicts",
                Form::Bars,
                Unit::Count,
                "Within the time shown.",
                vec![query(all(&metric::VERDICTS).in_range("label"), "{{label}}")],
            ),
            panel(
                "Handed back, by whose failure",
                Form::Bars,
                Unit::Count,
                "The lead's: raise the threshold. The follow-up's: look at the promises.",
                vec![query(only(&metric::VERDICTS, "label=\"rejected\"").in_range("class"), "{{class}}")],
            ),
            panel(
                "Codes",
                Form::Table,
                Unit::Count,
                "The dispositions that reps gave.",
                vec![query(all(&metric::VERDICTS).in_range("code, label"), "{{code}}")],
            ),
            panel(
                "Moves refused",
                Form::Table,
                Unit::Count,
                "Asked for by the CRM and not allowed, by rule: a source that misunderstands the lifecycle.",
                vec![query(all(&metric::REFUSED).in_range("rule"), "{{rule}}")],
            ),
        ],
    )
}
