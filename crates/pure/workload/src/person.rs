//! The people of the sample and the companies they work for.
//!
//! Holds: a person follows from seed, number and fit alone; no two people of one
//! stream share an email address, user id or device; every domain ends in `.example`.
//! Absent on purpose: real names of companies.

use crate::random::Random;

/// How well a person matches what the starter policy looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Decides, in a company of the right size.
    Ideal,
    /// Has a say, in a smaller company.
    Fair,
    /// Neither.
    Poor,
    /// Studies.
    Student,
    /// Works for a competitor.
    Competitor,
    /// Lives where nothing may be sold.
    Excluded,
}

/// A company.
#[derive(Debug)]
pub(crate) struct Company {
    pub(crate) name: &'static str,
    pub(crate) domain: &'static str,
    pub(crate) employees: i64,
    pub(crate) industry: &'static str,
    pub(crate) country: &'static str,
}

/// Somebody.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) title: &'static str,
    pub(crate) seniority: &'static str,
    pub(crate) company: &'static Company,
    pub(crate) user_id: String,
    pub(crate) device: String,
}

impl Person {
    /// The person with this number.
    pub(crate) fn new(seed: u64, number: u64, fit: Fit) -> Self {
        let mut random = Random::stream(seed, number);
        let company = random.pick(fit.companies());
        let (title, seniority) = *random.pick(fit.titles());
        let (first, last, tail) = name(number);
        let (local_first, local_last) = (first.to_lowercase(), last.to_lowercase());
        Self {
            name: format!("{first} {last}"),
            email: format!("{local_first}.{local_last}{tail}@{}", company.domain),
            title,
            seniority,
            company,
            user_id: format!("u-{}", 10_000 + number),
            device: format!("anon-{}", random.hex()),
        }
    }
}

impl Fit {
    fn companies(self) -> &'static [Company] {
        match self {
            Self::Ideal => &LARGE,
            Self::Fair => &MEDIUM,
            Self::Poor => &SMALL,
            Self::Student => &SCHOOLS,
            Self::Competitor => &COMPETITORS,
            Self::Excluded => &EXCLUDED,
        }
    }

    fn titles(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Ideal => &DECIDERS,
            Self::Student => &[("Student", "student")],
            Self::Fair | Self::Excluded | Self::Competitor => &DOERS,
            Self::Poor => &OTHERS,
        }
    }
}

/// First name, last name and, once every pair is used, a number. The lists have 23 and 29 entries,
/// which share no factor, so 667 people in a row have different names.
fn name(number: u64) -> (&'static str, &'static str, String) {
    let pairs = (FIRST.len() * LAST.len()) as u64;
    let round = number / pairs;
    let tail = if round == 0 { String::new() } else { round.to_string() };
    (nth(&FIRST, number), nth(&LAST, number), tail)
}

fn nth(list: &[&'static str], number: u64) -> &'static str {
    list[usize::try_from(number % list.len() as u64).unwrap_or(0)]
}

const fn company(
    name: &'static str,
    domain: &'static str,
    employees: i64,
    industry: &'static str,
    country: &'static str,
) -> Company {
    Company { name, domain, employees, industry, country }
}

const DECIDERS: [(&str, &str); 9] = [
    ("VP Revenue Operations", "vp"),
    ("VP Marketing", "vp"),
    ("Chief Revenue Officer", "c_level"),
    ("Chief Marketing Officer", "c_level"),
    ("Head of Demand Generation", "head"),
    ("Head of Sales Operations", "head"),
    ("Director of Marketing", "director"),
    ("Director of Sales Development", "director"),
    ("VP Sales", "vp"),
];

const DOERS: [(&str, &str); 6] = [
    ("Marketing Operations Manager", "manager"),
    ("Sales Operations Manager", "manager"),
    ("CRM Manager", "manager"),
    ("Growth Lead", "lead"),
    ("Senior Data Engineer", "senior"),
    ("Marketing Analyst", "individual"),
];

const OTHERS: [(&str, &str); 5] = [
    ("Freelancer", "individual"),
    ("Assistant", "individual"),
    ("Copywriter", "individual"),
    ("Web Designer", "individual"),
    ("Blogger", "individual"),
];

const LARGE: [Company; 12] = [
    company("Northwind Logistics", "northwind.example", 1_800, "logistics", "DE"),
    company("Calder Mobile", "calder.example", 640, "telecommunications", "US"),
    company("Brightwater Insurance", "brightwater.example", 4_200, "insurance", "GB"),
    company("Sundby Industri", "sundby.example", 950, "manufacturing", "SE"),
    company("Orchard Payments", "orchardpay.example", 320, "financial services", "US"),
    company("Tessera Health", "tessera.example", 2_600, "healthcare", "US"),
    company("Meridiaan Cloud", "meridiaan.example", 410, "software", "NL"),
    company("Atelier Lumen", "lumen.example", 780, "software", "FR"),
    company("Kestrel Robotics", "kestrel.example", 530, "manufacturing", "US"),
    company("Hollis & Byrne", "hollisbyrne.example", 260, "financial services", "IE"),
    company("Rheinwerk Systeme", "rheinwerk.example", 1_250, "software", "DE"),
    company("Maple Freight", "maplefreight.example", 350, "logistics", "CA"),
];

const MEDIUM: [Company; 8] = [
    company("Fenwick Studio", "fenwick.example", 85, "media", "GB"),
    company("Loop Analytics", "loopanalytics.example", 120, "software", "US"),
    company("Haldi Foods", "haldi.example", 140, "retail", "IN"),
    company("Pinta Commerce", "pinta.example", 60, "retail", "ES"),
    company("Grove Learning", "grove.example", 75, "education", "US"),
    company("Linden Apps", "linden.example", 55, "software", "DE"),
    company("Quay Capital", "quay.example", 90, "financial services", "SG"),
    company("Serra Dados", "serra.example", 110, "software", "BR"),
];

const SMALL: [Company; 5] = [
    company("Corner Desk", "cornerdesk.example", 3, "consulting", "US"),
    company("Solo Werbung", "solowerbung.example", 1, "advertising", "DE"),
    company("Two Ferns", "twoferns.example", 6, "publishing", "GB"),
    company("Inkwell Words", "inkwell.example", 2, "publishing", "IN"),
    company("Patch Web", "patchweb.example", 8, "consulting", "US"),
];

const SCHOOLS: [Company; 3] = [
    company("Weststadt University", "weststadt.example", 3_400, "education", "DE"),
    company("Ashgrove College", "ashgrove.example", 1_100, "education", "GB"),
    company("Prairie State University", "prairie.example", 5_200, "education", "US"),
];

const COMPETITORS: [Company; 2] = [
    company("Leadrelay", "leadrelay.example", 280, "software", "US"),
    company("Scorewise", "scorewise.example", 130, "software", "GB"),
];

const EXCLUDED: [Company; 2] = [
    company("Alborz Trading", "alborz.example", 420, "logistics", "IR"),
    company("Caribe Export", "caribe.example", 230, "logistics", "CU"),
];

const FIRST: [&str; 23] = [
    "Anna", "Ben", "Carla", "Deepak", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Katrin", "Liam", "Mei",
    "Nadia", "Oscar", "Priya", "Quentin", "Rosa", "Sven", "Tara", "Umar", "Vera", "Willem",
];

const LAST: [&str; 29] = [
    "Keller",
    "Novak",
    "Okafor",
    "Lindqvist",
    "Marsh",
    "Iyer",
    "Duarte",
    "Fischer",
    "Osei",
    "Tanaka",
    "Brandt",
    "Reyes",
    "Kowalski",
    "Hughes",
    "Moreau",
    "Haddad",
    "Larsen",
    "Costa",
    "Weber",
    "Nakamura",
    "Byrne",
    "Silva",
    "Petrov",
    "Andersen",
    "Malik",
    "Rossi",
    "Vogel",
    "Chen",
    "Abbott",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn two_thousand_people_have_as_many_addresses_and_devices() {
        let people: Vec<Person> = (0..2_000).map(|number| Person::new(42, number, Fit::Ideal)).collect();
        assert_eq!(people.iter().map(|person| &person.email).collect::<BTreeSet<_>>().len(), 2_000);
        assert_eq!(people.iter().map(|person| &person.device).collect::<BTreeSet<_>>().len(), 2_000);
    }

    #[test]
    fn every_company_is_at_an_address_that_cannot_exist() {
        let fits = [Fit::Ideal, Fit::Fair, Fit::Poor, Fit::Student, Fit::Competitor, Fit::Excluded];
        for company in fits.iter().flat_map(|fit| fit.companies()) {
            assert!(company.domain.ends_with(".example"), "{}", company.domain);
        }
    }
}
