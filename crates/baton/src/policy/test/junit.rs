//! The outcomes in the form that build servers read: `JUnit`'s.
//!
//! Holds: whatever a scenario says, the report is well-formed XML.

use std::fmt::Write as _;

use super::Outcome;

/// One test suite with a case for each scenario.
pub(super) fn report(outcomes: &[Outcome]) -> String {
    let failures = outcomes.iter().filter(|outcome| outcome.is_failed()).count();
    let skipped = outcomes.iter().filter(|o| o.pending.is_some() && !o.differences.is_empty()).count();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"baton policy test\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\">\n",
        outcomes.len()
    );
    for outcome in outcomes {
        let (file, name) = (escaped(&outcome.file), escaped(&outcome.name));
        let _ = write!(xml, "  <testcase classname=\"{file}\" name=\"{name}\"");
        let told = match (&outcome.pending, outcome.differences.first()) {
            (_, None) => "/>\n".to_owned(),
            (Some(why), Some(_)) => format!("><skipped message=\"{}\"/></testcase>\n", escaped(why)),
            (None, Some(first)) => format!(
                "><failure message=\"{}\">{}</failure></testcase>\n",
                escaped(first),
                escaped(&outcome.differences.join("\n"))
            ),
        };
        xml.push_str(&told);
    }
    xml.push_str("</testsuite>\n");
    xml
}

/// Text that may stand anywhere in XML; characters that XML cannot hold are replaced.
fn escaped(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => said.push_str("&amp;"),
            '<' => said.push_str("&lt;"),
            '>' => said.push_str("&gt;"),
            '"' => said.push_str("&quot;"),
            '\n' | '\t' => said.push(letter),
            letter if letter.is_control() => said.push('\u{fffd}'),
            letter => said.push(letter),
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_scenario_says_cannot_break_the_report() {
        assert_eq!(escaped("a<b>&\"c\"\u{1}\n"), "a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}\n");
    }
}
