//! The section `engagement`: groups, bands and the rules on what people do.

use std::collections::BTreeMap;

use baton_domain::Points;

use super::compile::by_name;
use super::matching;
use super::read::{Field, Fields, Once, shown};
use crate::{ActivityRule, Counting, Engagement, WarmNeeds};

const KEYS: [&str; 6] = ["total_cap", "bands", "warm_needs", "groups", "max_contributions", "rules"];
const RULE_KEYS: [&str; 10] =
    ["id", "when", "points", "half_life", "cap", "group", "count", "per_day", "per_session", "hand_raise"];

/// Contributions of a rule kept one by one when the document does not say.
const MAX_CONTRIBUTIONS: i64 = 128;

/// Reads the section; problems go to the report.
pub(super) fn read(section: &Field<'_>) -> Option<Engagement> {
    let fields = section.fields(&KEYS)?;
    let total_cap = fields.need("total_cap").and_then(|f| f.positive_points());
    let bands = fields.need("bands").map(|f| bands(&f, total_cap)).unwrap_or_default();
    let group_caps = fields.need("groups").and_then(|f| groups(&f));
    let rules = fields.need("rules").map(|f| rules(&f, group_caps.as_ref())).unwrap_or_default();
    let group_count = group_caps.as_ref().map_or(0, BTreeMap::len);
    if let (Some(cap), Some(caps), Some(field)) = (total_cap, &group_caps, fields.get("bands")) {
        reachable(&field, bands[0], most(caps, &rules).min(cap));
    }
    let kept = fields.get("max_contributions").and_then(|f| f.integer(1, 1_000)).unwrap_or(MAX_CONTRIBUTIONS);
    Some(Engagement {
        by_name: by_name(&rules),
        rules,
        group_caps: group_caps.unwrap_or_default(),
        warm_needs: fields.get("warm_needs").map(|f| warm_needs(&f, group_count)).unwrap_or_default(),
        total_cap: total_cap.unwrap_or_default(),
        bands,
        max_contributions: usize::try_from(kept).unwrap_or_default(),
    })
}

fn bands(field: &Field<'_>, total_cap: Option<Points>) -> [Points; 3] {
    let Some(fields) = field.fields(&["1", "2", "3"]) else { return Default::default() };
    let read = ["1", "2", "3"].map(|band| fields.need(band).and_then(|f| f.positive_points()));
    fall(&fields, ["1", "2", "3"], read);
    if let (Some(hottest), Some(cap), Some(first)) = (read[0], total_cap, fields.get("1"))
        && hottest > cap
    {
        first.wrong(format!("{hottest} cannot be reached: total_cap is {cap}"));
    }
    read.map(Option::unwrap_or_default)
}

/// Notes that nobody can ever be in band 1.
fn reachable(field: &Field<'_>, hottest: Points, most: Points) {
    if most < hottest {
        field.odd(
            format!("{hottest}, the least for 1, cannot be reached: the groups and their rules give at most {most}"),
            "raise the caps, or lower the band",
        );
    }
}

/// The most that all groups give together: each no more than its cap, nor than its rules.
fn most(caps: &BTreeMap<String, Points>, rules: &[ActivityRule]) -> Points {
    let gives = |rule: &ActivityRule| match rule.count {
        Counting::Once => Some(rule.cap.map_or(rule.points, |cap| cap.min(rule.points))),
        _ => rule.cap,
    };
    let each = caps.iter().map(|(group, cap)| {
        let rules = rules.iter().filter(|rule| rule.group == *group && rule.points > Points::ZERO);
        rules.map(gives).sum::<Option<Points>>().map_or(*cap, |sum| sum.min(*cap))
    });
    each.sum()
}

/// Notes thresholds that do not fall from one to the next.
pub(super) fn fall(fields: &Fields<'_>, keys: [&str; 3], values: [Option<Points>; 3]) {
    for i in 1..3 {
        if let (Some(above), Some(value), Some(field)) = (values[i - 1], values[i], fields.get(keys[i]))
            && value >= above
        {
            field.wrong(format!("must be below {above}, the least for {}; found {value}", keys[i - 1]));
        }
    }
}

fn warm_needs(field: &Field<'_>, groups: usize) -> WarmNeeds {
    let Some(fields) = field.fields(&["activities", "channels"]) else { return WarmNeeds::default() };
    let count = |key| fields.get(key).and_then(|f| f.integer(1, 1_000)).and_then(|n| usize::try_from(n).ok());
    let (activities, channels) = (count("activities"), count("channels"));
    if let (Some(channels), Some(field)) = (channels.filter(|channels| *channels > groups), fields.get("channels")) {
        field.wrong(format!("{channels} cannot be reached: there are {groups} groups"));
    }
    WarmNeeds { activities: activities.unwrap_or_default(), channels: channels.unwrap_or_default() }
}

fn groups(field: &Field<'_>) -> Option<BTreeMap<String, Points>> {
    let mut caps = BTreeMap::new();
    for group in field.named()? {
        group.key.check_name(group.name);
        if group.name == "total" {
            group.key.wrong("`total` is the whole: choose another name");
        }
        caps.insert(group.name.to_owned(), group.value.positive_points().unwrap_or_default());
    }
    Some(caps)
}

fn rules(field: &Field<'_>, groups: Option<&BTreeMap<String, Points>>) -> Vec<ActivityRule> {
    if field.is_empty() {
        field.wrong("needs at least one rule");
    }
    let mut ids = Once::default();
    field.items().iter().filter_map(|item| rule(item, groups, &mut ids)).collect()
}

fn rule(item: &Field<'_>, groups: Option<&BTreeMap<String, Points>>, ids: &mut Once) -> Option<ActivityRule> {
    let fields = item.fields(&RULE_KEYS)?;
    let points = fields.need("points").and_then(|f| f.points());
    Some(ActivityRule {
        id: id(&fields, groups, ids),
        when: fields.need("when").and_then(|f| matching::read(&f)).unwrap_or_default(),
        points: points.unwrap_or_default(),
        half_life_ms: half_life(&fields, points),
        cap: cap(&fields, points),
        group: group(&fields, groups),
        count: counting(&fields),
        hand_raise: fields.get("hand_raise").and_then(|f| f.flag()).unwrap_or(false),
        asked_for: false,
    })
}

/// A group's cap and a rule's cap stand in a receipt under the bare name: no name may be both.
fn id(fields: &Fields<'_>, groups: Option<&BTreeMap<String, Points>>, ids: &mut Once) -> String {
    let id = fields.id(ids);
    let taken = id == "total" || groups.is_some_and(|groups| groups.contains_key(&id));
    if let (true, Some(field)) = (taken, fields.get("id")) {
        field.wrong(format!("{} is the name of a group: choose another", shown(&id)));
    }
    id
}

fn group(fields: &Fields<'_>, groups: Option<&BTreeMap<String, Points>>) -> String {
    let Some(field) = fields.need("group") else { return String::new() };
    let group = match groups {
        Some(groups) => field.one_of("group", groups.keys().map(String::as_str)),
        None => field.text(),
    };
    group.unwrap_or_default()
}

/// Points given must say how they fade; points taken stay unless the rule says otherwise.
fn half_life(fields: &Fields<'_>, points: Option<Points>) -> Option<i64> {
    match fields.get("half_life") {
        None => {
            if points.is_some_and(|points| points > Points::ZERO) {
                fields.missing("half_life", Some("write a duration, or `never`".to_owned()));
            }
            None
        }
        Some(field) => match field.text()?.as_str() {
            "never" => None,
            text => {
                let ms = field.read_duration(text)?;
                if ms == 0 {
                    field.wrong("must be longer than 0");
                }
                Some(ms)
            }
        },
    }
}

fn cap(fields: &Fields<'_>, points: Option<Points>) -> Option<Points> {
    let field = fields.get("cap")?;
    if points.is_some_and(|points| points < Points::ZERO) {
        field.wrong("a rule that takes points has no cap");
    }
    field.positive_points()
}

fn counting(fields: &Fields<'_>) -> Counting {
    let name = fields.get("count").and_then(|f| f.one_of("way to count", ["every", "once", "once_per_content"]));
    let most = |key| fields.get(key).and_then(|f| f.integer(1, 1_000));
    let (per_day, per_session) = (most("per_day"), most("per_session"));
    let given: Vec<Field<'_>> = ["count", "per_day", "per_session"].iter().filter_map(|key| fields.get(key)).collect();
    if let [_, second, ..] = given.as_slice() {
        second.wrong("another way to count is given too: keep one of them");
    }
    match (name.as_deref(), per_day, per_session) {
        (Some("once"), ..) => Counting::Once,
        (Some("once_per_content"), ..) => Counting::OncePerContent,
        (_, Some(most), _) => Counting::PerDay(most),
        (_, _, Some(most)) => Counting::PerSession(most),
        _ => Counting::Every,
    }
}
