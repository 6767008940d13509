//! Traits: what a form, the CRM or an enrichment says about a person or company, as facts.
//!
//! Holds: facts come out sorted by name, so that the same traits always give the same event. Text is
//! kept as given, control characters and all: it is data.
//!
//! Absent on purpose: objects inside traits, but for the two that the Segment spec reserves (`company`
//! and `address`), of which the parts that rules ask for are lifted out.

use std::collections::BTreeMap;

use baton_domain::{Fact, FactValue, Reason};
use serde::de::MapAccess;
use serde_json::{Map, Value};

use crate::Rejected;
use crate::json::{Shape, skip};
use crate::limits;

/// Where facts come from when the event does not say.
const DEFAULT_SOURCE: &str = "form";

/// A `traits` object.
#[derive(Debug, Default)]
pub(crate) struct Traits {
    values: BTreeMap<String, Value>,
    too_many: bool,
}

impl<'de> Shape<'de> for Traits {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, from: &mut A) -> Result<(), A::Error> {
        if self.values.len() == limits::TRAITS && !self.values.contains_key(name) {
            self.too_many = true;
            return skip(from);
        }
        let value = from.next_value()?;
        self.values.insert(name.to_owned(), value);
        Ok(())
    }
}

impl Traits {
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Refuses more traits than the limit.
    pub(crate) fn within_limits(self, field: &str) -> Result<Self, Rejected> {
        if self.too_many {
            return Err(Rejected::new(Reason::Limits, format!("{field} has more than {} entries", limits::TRAITS)));
        }
        Ok(self)
    }

    /// The email address among the traits.
    pub(crate) fn email(&self, field: &str) -> Result<Option<String>, Rejected> {
        self.text("email", field)
    }

    /// A trait that must be text when it is there; absent when blank.
    fn text(&self, name: &str, field: &str) -> Result<Option<String>, Rejected> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Rejected::wrong_type(field, "text")),
        }
    }

    /// The facts about a person.
    pub(crate) fn person(self, event_source: Option<String>) -> Result<Vec<Fact>, Rejected> {
        self.facts(event_source, None, |name| Some(name))
    }

    /// The facts about a company. Its own email address and telephone are not the person's, and left out.
    pub(crate) fn company(self, event_source: Option<String>, group: Option<String>) -> Result<Vec<Fact>, Rejected> {
        self.facts(event_source, group, |name| match name {
            "name" => Some("company"),
            "email" | "phone" => None,
            other => Some(other),
        })
    }

    fn facts(
        mut self,
        event_source: Option<String>,
        group: Option<String>,
        rename: impl Fn(&str) -> Option<&str>,
    ) -> Result<Vec<Fact>, Rejected> {
        let own_source = self.text("source", "traits.source")?;
        self.values.remove("source");
        let source = own_source.or(event_source).unwrap_or_else(|| DEFAULT_SOURCE.to_owned());
        let mut facts = BTreeMap::new();
        for (name, value) in self.values {
            match (name.as_str(), value) {
                ("company", Value::Object(parts)) => lift(&mut facts, parts, COMPANY_PARTS),
                ("address", Value::Object(parts)) => lift(&mut facts, parts, ADDRESS_PARTS),
                (name, value) => {
                    if let Some((name, value)) = rename(name).zip(fact_value(name, value)) {
                        facts.insert(name.to_owned(), value);
                    }
                }
            }
        }
        // What the call itself says names the company better than a trait does.
        facts.extend(group.map(|id| ("group_id".to_owned(), FactValue::Text(id))));
        Ok(facts
            .into_iter()
            .map(|(name, value)| Fact { name, value, source: source.clone(), observed_at: None })
            .collect())
    }
}

/// Parts of a `company` object, and the facts they are.
const COMPANY_PARTS: &[(&str, &str)] = &[
    ("name", "company"),
    ("industry", "industry"),
    ("employees", "employees"),
    ("employee_count", "employees"),
    ("revenue", "revenue"),
    ("annual_revenue", "revenue"),
    ("tech_stack", "tech_stack"),
    ("technologies", "tech_stack"),
    ("target_account", "target_account"),
    ("competitor_product", "competitor_product"),
];
/// Parts of an `address` object, and the facts they are.
const ADDRESS_PARTS: &[(&str, &str)] = &[("country", "country"), ("state", "region")];

/// Takes parts of an object as facts of their own; a fact that stands by itself prevails.
fn lift(facts: &mut BTreeMap<String, FactValue>, mut parts: Map<String, Value>, wanted: &[(&str, &str)]) {
    for (part, fact) in wanted {
        if let Some(value) = parts.remove(*part).and_then(|value| fact_value(fact, value)) {
            facts.entry((*fact).to_owned()).or_insert(value);
        }
    }
}

/// The value of a fact; `None` for what a fact cannot hold, and for nothing.
fn fact_value(name: &str, value: Value) -> Option<FactValue> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::Bool(flag) => Some(FactValue::Flag(flag)),
        Value::Number(number) => Some(FactValue::Number(whole(&number))),
        Value::String(text) => Some(counted(name, text)),
        Value::Array(items) => Some(FactValue::List(items.into_iter().filter_map(word).collect())),
    }
}

/// Forms send head counts and revenue as text: `"250"` is a number, `"50-200"` is not.
fn counted(name: &str, text: String) -> FactValue {
    let digits = text.trim();
    match digits.parse() {
        Ok(number) if matches!(name, "employees" | "revenue") && digits.bytes().all(|b| b.is_ascii_digit()) => {
            FactValue::Number(number)
        }
        _ => FactValue::Text(text),
    }
}

/// A whole number; fractions are cut off, and what is beyond 64 bits stops at the end of them.
fn whole(number: &serde_json::Number) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "cutting off the fraction is what is wanted; `as` saturates")]
    let cut = |fraction: f64| fraction as i64;
    number.as_i64().or_else(|| number.as_f64().map(cut)).unwrap_or(i64::MAX)
}

fn word(item: Value) -> Option<String> {
    match item {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wholly_digits_becomes_a_number_and_only_for_counts() {
        for (name, given, wanted) in [
            ("employees", r#""250""#, FactValue::Number(250)),
            ("employees", r#"" 250 ""#, FactValue::Number(250)),
            ("employees", r#""50-200""#, FactValue::Text("50-200".into())),
            ("employees", r#""+250""#, FactValue::Text("+250".into())),
            ("employees", r#""99999999999999999999""#, FactValue::Text("99999999999999999999".into())),
            ("employees", "250.9", FactValue::Number(250)),
            ("revenue", "-1.9", FactValue::Number(-1)),
            ("revenue", "1e300", FactValue::Number(i64::MAX)),
            ("revenue", "18446744073709551615", FactValue::Number(i64::MAX)),
            ("phone", r#""4930123""#, FactValue::Text("4930123".into())),
            ("tech_stack", r#"["Kafka",7,null,{"a":1}]"#, FactValue::List(vec!["Kafka".into(), "7".into()])),
        ] {
            let value = serde_json::from_str(given).unwrap();
            assert_eq!(fact_value(name, value), Some(wanted), "{name} {given}");
        }
    }
}
