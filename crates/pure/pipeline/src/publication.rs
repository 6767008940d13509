//! What the sequencer makes of a published policy, before it takes effect.
//!
//! Holds: a policy that takes effect was readable when it was published, says the version it was published
//! under, and comes after every version published before.

use baton_domain::{LogTime, Millis, PolicyChange, PolicyPublished, Reason};
use baton_engine::Ctx;
use baton_policy::Policy;
use serde::{Deserialize, Serialize};

use crate::keyed;
use crate::rules::checksum;

/// The rows of policies that wait for their instant begin so.
const WAITING: &str = "p/";
/// The greatest version published so far.
const NEWEST: &[u8] = b"policy/newest";

/// A policy that waits for its instant.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) change: PolicyChange,
    pub(crate) effective_at: Millis,
    /// The publication, as `topic/partition/offset`.
    pub(crate) origin: String,
}

/// What is written on the topic of policies to publish `document`, which has been read as `policy`.
pub fn publication(policy: &Policy, document: String, author: &str, effective_at: Millis) -> PolicyPublished {
    PolicyPublished {
        name: policy.name.clone(),
        version: policy.version,
        author: author.to_owned(),
        effective_at,
        checksum: checksum(&document),
        document,
    }
}

/// Takes a publication in. Returns the change where it takes effect at once, else keeps it until its instant.
///
/// # Errors
/// Why it is refused: its document is damaged or cannot be used, or it is no newer than another one.
pub(crate) fn take(
    published: PolicyPublished,
    at: LogTime,
    origin: String,
    ctx: &mut Ctx<'_>,
) -> Result<Option<Waiting>, (Reason, String)> {
    judge(&published)?;
    let PolicyPublished { name, version, author, effective_at, document, .. } = published;
    let newest = ctx.get(NEWEST).map(keyed::decode::<i64>).transpose();
    match newest {
        Ok(Some(newest)) if version <= newest => {
            return Err((Reason::IdConflict, format!("version {version} comes after version {newest}")));
        }
        Ok(_) => ctx.put(NEWEST, &keyed::encode(&version), None),
        Err(why) => ctx.halt(format!("state of policy/newest: {why}")),
    }
    let waiting = Waiting { change: PolicyChange { name, version, author, document }, effective_at, origin };
    let from = LogTime::from_millis(effective_at);
    if from <= at {
        return Ok(Some(waiting));
    }
    // The last instant before: whatever is stamped at the instant itself is judged by it already.
    let before = LogTime(from.0.saturating_sub(1));
    ctx.put(format!("{WAITING}{version:020}").as_bytes(), &keyed::encode(&waiting), Some(before));
    Ok(None)
}

/// The policy whose instant has come, if the key is that of one; it waits no more.
pub(crate) fn due(key: &[u8], ctx: &mut Ctx<'_>) -> Option<Waiting> {
    if !key.starts_with(WAITING.as_bytes()) {
        return None;
    }
    let waiting = ctx.get(key).map(keyed::decode::<Waiting>);
    ctx.delete(key);
    match waiting? {
        Ok(waiting) => Some(waiting),
        Err(why) => {
            ctx.halt(format!("state of {}: {why}", keyed::text(key)));
            None
        }
    }
}

fn judge(published: &PolicyPublished) -> Result<(), (Reason, String)> {
    let refused = |detail: String| Err((Reason::Decode, detail));
    if checksum(&published.document) != published.checksum {
        return refused("the document is not the one that its checksum was taken of".to_owned());
    }
    match baton_policy::parse(&published.name, &published.document) {
        Ok(policy) if policy.version == published.version && policy.name == published.name => Ok(()),
        Ok(policy) => refused(format!(
            "the document is {} version {}, published as {} version {}",
            policy.name, policy.version, published.name, published.version
        )),
        Err(problems) => {
            let first = problems.first().map_or_else(String::new, ToString::to_string);
            refused(format!("the policy has {} problems, the first: {first}", problems.len()))
        }
    }
}
