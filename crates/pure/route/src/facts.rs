//! What the facts of a lead say of its company and its needs.

use baton_domain::{Fact, FactValue};
use baton_policy::Policy;

/// The words of a fact, in lower case; none when it is not known or not words.
pub(crate) fn fact_words(facts: &[Fact], name: &str) -> Vec<String> {
    let value = facts.iter().find(|fact| fact.name == name).map(|fact| &fact.value);
    match value {
        Some(FactValue::Text(text)) => vec![text.trim().to_lowercase()],
        Some(FactValue::List(items)) => items.iter().map(|item| item.trim().to_lowercase()).collect(),
        Some(FactValue::Number(number)) => vec![number.to_string()],
        Some(FactValue::Flag(_)) | None => Vec::new(),
    }
}

/// One way in which a lead belongs to a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// `domain`, `group` or `name_region`.
    pub(crate) by: &'static str,
    /// The company, as [`crate::row::Account`] is keyed.
    pub(crate) key: String,
}

/// The companies that a lead belongs to, the surest first: by the exact domain of its address, by
/// group id, by name and region.
pub(crate) fn companies(policy: &Policy, facts: &[Fact]) -> Vec<Match> {
    let first = |name: &str| fact_words(facts, name).into_iter().find(|word| !word.is_empty() && word.len() <= 200);
    let address = first("email").and_then(|email| email.rsplit_once('@').map(|(_, domain)| domain.to_owned()));
    let personal = |domain: &String| policy.routing.personal_domains.binary_search(domain).is_ok();
    let domain = first("domain").or(address).filter(|domain| domain.contains('.') && !personal(domain));
    let group = first("group_id").or_else(|| first("account_id"));
    let named = first("company").map(|name| plain_name(&name)).filter(|name| !name.is_empty());
    let region = first("region").or_else(|| first("country"));
    let mut matches = Vec::new();
    matches.extend(domain.map(|domain| Match { by: "domain", key: format!("d:{domain}") }));
    matches.extend(group.map(|group| Match { by: "group", key: format!("g:{group}") }));
    let by_name = named.zip(region).map(|(name, region)| format!("n:{name}|{region}"));
    matches.extend(by_name.map(|key| Match { by: "name_region", key }));
    matches
}

/// The company of the policy's list that a lead belongs to: its name, owner, and what it was matched by.
pub(crate) fn named_account<'a>(policy: &'a Policy, facts: &[Fact]) -> Option<(&'a str, &'a str, &'static str)> {
    let accounts = &policy.routing.accounts;
    let domain = companies(policy, facts).into_iter().find(|found| found.by == "domain");
    let by_domain = domain.and_then(|found| {
        let domain = found.key.strip_prefix("d:")?.to_owned();
        accounts.iter().find(|account| account.domains.contains(&domain)).map(|account| (account, "domain"))
    });
    let name = fact_words(facts, "company").first().map(|name| plain_name(name)).filter(|name| !name.is_empty());
    let by_name = || {
        let name = name?;
        let has = |given: &String| plain_name(&given.to_lowercase()) == name;
        accounts.iter().find(|account| account.names.iter().any(has)).map(|account| (account, "name_region"))
    };
    by_domain.or_else(by_name).map(|(account, by)| (account.id.as_str(), account.owner.as_str(), by))
}

/// Legal forms, without dots: they tell nothing about which company it is.
const FORMS: [&str; 16] = [
    "ag",
    "bv",
    "co",
    "corp",
    "corporation",
    "gmbh",
    "inc",
    "kg",
    "limited",
    "llc",
    "ltd",
    "nv",
    "oy",
    "sa",
    "sarl",
    "se",
];

/// A company's name without dots, commas and legal forms: `Northwind Traders, Inc.` is `northwind traders`.
fn plain_name(name: &str) -> String {
    let letters: String = name.chars().map(|c| if matches!(c, ',' | '&' | '-') { ' ' } else { c }).collect();
    let words: Vec<String> =
        letters.split_whitespace().map(|word| word.replace('.', "")).filter(|word| !word.is_empty()).collect();
    let end = words.iter().rposition(|word| !FORMS.contains(&word.as_str())).map_or(0, |last| last + 1);
    words[..end].join(" ")
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn a_company_is_known_by_its_name_without_its_legal_form() {
        for (given, plain) in [
            ("northwind traders, inc.", "northwind traders"),
            ("müller gmbh & co. kg", "müller"),
            ("s.a.p. se", "sap"),
            ("co-op", "co op"),
            ("gmbh", ""),
        ] {
            assert_eq!(plain_name(given), plain);
        }
    }
}
