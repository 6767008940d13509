//! What there is to read, download, attend and be brought by.
//!
//! Holds: constants only; paths and stages as a B2B software site has them.

use crate::line::Campaign;

/// A page of the site.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) path: &'static str,
    pub(crate) title: &'static str,
    pub(crate) topic: &'static str,
}

/// Something to download or attend.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) topic: &'static str,
    /// `tofu`, `mofu` or `bofu`.
    pub(crate) stage: &'static str,
}

const fn page(path: &'static str, title: &'static str, topic: &'static str) -> Page {
    Page { path, title, topic }
}

const fn asset(id: &'static str, title: &'static str, topic: &'static str, stage: &'static str) -> Asset {
    Asset { id, title, topic, stage }
}

/// The page that says what it costs.
pub(crate) const PRICING: Page = page("/pricing", "Pricing", "pricing");

/// What a visitor reads along the way.
pub(crate) const PAGES: [Page; 14] = [
    page("/", "Home", "general"),
    page("/product", "Product", "general"),
    page("/product/routing", "Lead routing", "routing"),
    page("/product/scoring", "Lead scoring", "scoring"),
    page("/product/integrations", "Integrations", "integrations"),
    page("/docs/getting-started", "Getting started", "integrations"),
    page("/docs/crm-sync", "Syncing with a CRM", "integrations"),
    page("/docs/scoring-rules", "Scoring rules", "scoring"),
    page("/blog/speed-to-lead", "Speed to lead, measured", "response_time"),
    page("/blog/why-leads-rot", "Why leads rot", "response_time"),
    page("/blog/round-robin-done-right", "Round robin done right", "routing"),
    page("/blog/marketing-and-sales", "Marketing and sales, one funnel", "alignment"),
    page("/about", "About us", "general"),
    page("/security", "Security", "security"),
];

/// Stories of customers.
pub(crate) const STORIES: [Page; 4] = [
    page("/customers/harborline", "How Harborline answers in five minutes", "response_time"),
    page("/customers/kite-and-co", "Kite & Co. doubled its meetings", "alignment"),
    page("/customers/vantage", "Vantage routes 40 territories", "routing"),
    page("/customers/mosaic-bank", "Mosaic Bank passes its audit", "security"),
];

/// Read by those who want a job.
pub(crate) const CAREERS: [Page; 2] =
    [page("/careers", "Careers", "careers"), page("/careers/backend-engineer", "Backend engineer", "careers")];

/// To download.
pub(crate) const ASSETS: [Asset; 9] = [
    asset("ebook-lead-handoff", "The lead handoff handbook", "alignment", "tofu"),
    asset("ebook-scoring-basics", "Scoring basics", "scoring", "tofu"),
    asset("report-response-times", "Response times in B2B", "response_time", "tofu"),
    asset("checklist-sla", "SLA checklist for sales teams", "response_time", "mofu"),
    asset("guide-territories", "Designing territories", "routing", "mofu"),
    asset("template-icp", "ICP worksheet", "scoring", "mofu"),
    asset("guide-migration", "Migrating your routing rules", "routing", "bofu"),
    asset("roi-calculator", "ROI calculator", "pricing", "bofu"),
    asset("security-whitepaper", "Security whitepaper", "security", "bofu"),
];

/// To attend.
pub(crate) const WEBINARS: [Asset; 3] = [
    asset("webinar-sla-clinic", "SLA clinic", "response_time", "mofu"),
    asset("webinar-scoring-live", "Scoring, live", "scoring", "mofu"),
    asset("webinar-roadmap", "Autumn roadmap", "general", "bofu"),
];

/// What brings people.
pub(crate) const CAMPAIGNS: [Campaign; 6] = [
    Campaign { name: "autumn-launch", source: "google", medium: "cpc" },
    Campaign { name: "speed-to-lead", source: "linkedin", medium: "paid_social" },
    Campaign { name: "monthly-newsletter", source: "newsletter", medium: "email" },
    Campaign { name: "partner-harborline", source: "harborline", medium: "referral" },
    Campaign { name: "brand", source: "bing", medium: "cpc" },
    Campaign { name: "revops-podcast", source: "podcast", medium: "audio" },
];

/// Where those come from that no campaign brought.
pub(crate) const REFERRERS: [&str; 4] = [
    "https://www.google.com/",
    "https://www.linkedin.com/feed/",
    "https://duckduckgo.com/",
    "https://news.ycombinator.com/",
];

/// The site.
pub(crate) const SITE: &str = "https://www.relay.example";
