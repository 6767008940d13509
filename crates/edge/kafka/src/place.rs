//! Whose place an instance's is: ours, or that of a process that was started after us.
//!
//! Two things can say “fenced”: another process under our instance name, and a request of our own
//! that a cut connection delivered late or whose answer was lost, after which the broker knows us by
//! a newer number than we do. The first must end this process, the second must not. The group tells
//! them apart. A number that only a lost answer named is nobody's: no heartbeat keeps it, and it is
//! gone when its session is over. (Client ids would not do: the coordinator keeps the first one.)

use std::time::{Duration, Instant};

use crate::profile::SESSION_MS;
use crate::raw::Consumer;

/// A process that takes our transactional id joins the group within this time.
const TWIN: Duration = Duration::from_secs(3);
/// A member that is there for so long has somebody who keeps it.
const ALIVE: Duration = Duration::from_millis(SESSION_MS + 2_000);
/// For so long at most a coordinator that is away is waited for.
const AWAY: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// Milliseconds for one question.
const ASK_MS: i32 = 5_000;

/// Who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    We,
    Nobody,
    /// Another member, by the id that the group gave it.
    Other(String),
    /// The coordinator does not answer.
    Unknown,
}

/// An instance's place in its group.
pub(crate) struct Place<'a> {
    pub(crate) group: &'a str,
    pub(crate) instance: &'a str,
    /// The id that the group gave us last; empty when it gave none.
    pub(crate) member: String,
}

impl Place<'_> {
    /// Who holds the place when our producer was fenced and somebody may just be taking it.
    pub(crate) fn after_fencing(&self, asker: &Consumer) -> Holder {
        let began = Instant::now();
        loop {
            let holder = self.holder(asker);
            if matches!(holder, Holder::Other(_)) || began.elapsed() >= TWIN {
                return holder;
            }
            std::thread::sleep(ASK_AGAIN);
        }
    }

    /// Who holds the place when the group took it from us: `Other` only when it is kept alive.
    pub(crate) fn after_loss(&self, asker: &Consumer) -> Holder {
        let (began, mut held_since) = (Instant::now(), None);
        loop {
            match self.holder(asker) {
                Holder::Other(member) => {
                    if held_since.get_or_insert_with(Instant::now).elapsed() >= ALIVE {
                        return Holder::Other(member);
                    }
                }
                // A coordinator that was away gives every member a new session when it is back.
                Holder::Unknown if began.elapsed() < AWAY => held_since = None,
                other => return other,
            }
            std::thread::sleep(ASK_AGAIN);
        }
    }

    fn holder(&self, asker: &Consumer) -> Holder {
        match asker.members(self.group, ASK_MS) {
            Ok(members) => self.among(&members),
            Err(error) => {
                tracing::debug!(%error, "the group's members are not known");
                Holder::Unknown
            }
        }
    }

    /// A static member's id is its instance name, a dash and 36 characters that the broker gives.
    fn among(&self, members: &[String]) -> Holder {
        let holder = members.iter().find(|member| {
            member.len() == self.instance.len() + 37
                && member.strip_prefix(self.instance).is_some_and(|rest| rest.starts_with('-'))
        });
        match holder {
            None => Holder::Nobody,
            Some(member) if *member == self.member => Holder::We,
            Some(member) => Holder::Other(member.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_by_instance_and_its_holder_by_the_number_given() {
        let given = |instance: &str, digit: &str| format!("{instance}-{}", digit.repeat(36));
        let place = Place { group: "g", instance: "a.0", member: given("a.0", "1") };
        assert_eq!(place.among(&[]), Holder::Nobody);
        assert_eq!(place.among(&[given("a.00", "1"), given("b-a.0", "1"), "a.0-1".to_owned()]), Holder::Nobody);
        assert_eq!(place.among(&[given("a.1", "1"), given("a.0", "1")]), Holder::We);
        assert_eq!(place.among(&[given("a.0", "2")]), Holder::Other(given("a.0", "2")));
        let nobody_yet = Place { member: String::new(), ..place };
        assert_eq!(nobody_yet.among(&[given("a.0", "2")]), Holder::Other(given("a.0", "2")));
    }
}
