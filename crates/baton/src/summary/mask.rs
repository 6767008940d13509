//! People as a report may show them: by name and company, never by a whole address.

use baton_domain::{FactValue, Points, Qualifying};

/// Who a lead is: name and company as far as known, else the masked address, else the lead's id.
pub(super) fn label(decision: &Qualifying) -> String {
    let known = |name: &str| {
        decision.facts.iter().find(|fact| fact.name == name).and_then(|fact| match &fact.value {
            FactValue::Text(text) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        })
    };
    let name = known("name").map(str::to_owned).or_else(|| {
        let first = known("first_name").or_else(|| known("firstName"));
        let last = known("last_name").or_else(|| known("lastName"));
        let parts: Vec<_> = first.into_iter().chain(last).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    });
    let shown = match (name, known("company")) {
        (Some(name), Some(company)) => format!("{name}, {company}"),
        (Some(name), None) => name,
        (None, Some(company)) => company.to_owned(),
        (None, None) => known("email").unwrap_or(&decision.lead_id).to_owned(),
    };
    mask(&shown)
}

/// The text with every address in it reduced to its first letter and its domain, also where a path spells it `%40`.
pub(crate) fn mask(text: &str) -> String {
    let hidden = |word: &str| {
        let sign = ["@", "%40"].iter().filter_map(|sign| Some((word.rfind(sign)?, sign.len()))).max();
        let Some((place, length)) = sign.filter(|(place, _)| *place > 0) else { return word.to_owned() };
        let (person, domain) = (&word[..place], &word[place + length..]);
        let first = person.find(char::is_alphanumeric).unwrap_or(0);
        let shown = person.get(..first).into_iter().flat_map(str::chars).chain(person[first..].chars().take(1));
        format!("{}***@{domain}", shown.collect::<String>())
    };
    text.split(' ').map(hidden).collect::<Vec<_>>().join(" ")
}

/// Points with one decimal, rounded towards zero.
pub(super) fn points(points: Points) -> String {
    let tenths = points.0 / 100_000;
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10)
}

#[cfg(test)]
mod tests {
    use baton_domain::Fact;

    use super::*;
    use crate::summary::samples;

    fn with(facts: &[(&str, &str)]) -> String {
        let mut decision = samples::handoff(1, "ld_1").decision;
        let fact = |(name, value): &(&str, &str)| Fact {
            name: (*name).to_owned(),
            value: FactValue::Text((*value).to_owned()),
            source: "form".to_owned(),
            observed_at: None,
        };
        decision.facts = facts.iter().map(fact).collect();
        label(&decision)
    }

    #[test]
    fn a_lead_is_shown_by_the_best_that_is_known() {
        assert_eq!(with(&[("name", "Ada King"), ("company", "Northwind"), ("email", "a@b.c")]), "Ada King, Northwind");
        assert_eq!(with(&[("first_name", "Ada"), ("last_name", "King")]), "Ada King");
        assert_eq!(with(&[("firstName", "Ada")]), "Ada");
        assert_eq!(with(&[("name", "  "), ("company", "Northwind")]), "Northwind");
        assert_eq!(with(&[]), "ld_1");
    }

    #[test]
    fn an_address_is_never_shown_whole_wherever_it_stands() {
        assert_eq!(with(&[("email", "jane.doe@northwind.example")]), "j***@northwind.example");
        assert_eq!(with(&[("name", "jane@northwind.example")]), "j***@northwind.example");
        assert_eq!(mask("email = jane@northwind.example (form)"), "email = j***@northwind.example (form)");
        assert_eq!(mask("two at@one@x.example"), "two a***@x.example");
        assert_eq!(mask("@home"), "@home");
        assert_eq!(mask("Hello (jane@northwind.example)"), "Hello (j***@northwind.example)");
        assert_eq!(mask("/unsubscribe/jane%40northwind.example"), "/u***@northwind.example");
    }

    #[test]
    fn points_have_one_decimal() {
        assert_eq!(points(Points(87_590_000)), "87.5");
        assert_eq!(points(Points(-500_000)), "-0.5");
        assert_eq!(points(Points::whole(3)), "3.0");
    }
}
