//! The policy in force in each lane: that of the settings, until another one came through the history.
//!
//! Holds: a lane judges by the policy whose change it has passed, and by no other: the change is a row of
//! its state, so it is undone, committed and restored with everything that it judged. The version in force
//! only rises. A document that cannot be read changes nothing.
//!
//! Absent on purpose: when a policy takes effect, which the sequencer has decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::PolicyChange;
use baton_engine::Ctx;
use baton_policy::Policy;
use xxhash_rust::xxh3::xxh3_128;

use crate::keyed;

/// The version in force. A lead's id begins with `ld_`, so no stage has a row of this key.
const VERSION: &[u8] = b"policy";
/// Its document, apart: the version is looked up with every record.
const DOCUMENT: &[u8] = b"policy/document";
/// Compiled policies kept: the lanes of a worker come past a change one after the other.
const COMPILED: usize = 4;

/// The fingerprint of a policy's document, as its publication carries it.
pub fn checksum(document: &str) -> String {
    format!("{:032x}", xxh3_128(document.as_bytes()))
}

/// The policies of a worker's lanes.
pub(crate) struct Rules {
    settings: Arc<Policy>,
    compiled: BTreeMap<i64, Arc<Policy>>,
    in_force: Option<Arc<Policy>>,
}

impl Rules {
    pub(crate) fn new(settings: &Arc<Policy>) -> Self {
        Self { settings: Arc::clone(settings), compiled: BTreeMap::new(), in_force: None }
    }

    /// The policy that judges in this lane.
    pub(crate) fn of(&mut self, ctx: &mut Ctx<'_>) -> Arc<Policy> {
        let policy = match version(ctx) {
            None => Arc::clone(&self.settings),
            Some(version) => match self.compiled.get(&version) {
                Some(policy) => Arc::clone(policy),
                None => self.restored(version, ctx),
            },
        };
        self.in_force = Some(Arc::clone(&policy));
        policy
    }

    /// From here on another policy judges in this lane. Returns the outcome: `policy_changed`,
    /// `policy_repeated` (no newer than what is in force), `policy_refused` (it cannot be read).
    pub(crate) fn change(&mut self, change: &PolicyChange, ctx: &mut Ctx<'_>) -> &'static str {
        if version(ctx).is_some_and(|version| version >= change.version) {
            return "policy_repeated";
        }
        let Ok(policy) = baton_policy::parse(&change.name, &change.document) else { return "policy_refused" };
        ctx.put(VERSION, &keyed::encode(&change.version), None);
        ctx.put(DOCUMENT, &keyed::encode(&(&change.name, &change.document)), None);
        self.in_force = Some(self.keep(change.version, policy));
        "policy_changed"
    }

    /// Name and version of the policy that judged last, in whichever lane; `None` where nothing was judged yet: that
    /// a lane is restored does not say by which policy.
    pub(crate) fn in_force(&self) -> Option<(String, i64)> {
        self.in_force.as_ref().map(|policy| (policy.name.clone(), policy.version))
    }

    /// The change lies before the start of this worker. A policy that was in force and cannot be read any more
    /// ends the lane: to go on by another one would judge what was judged already in another way.
    fn restored(&mut self, version: i64, ctx: &mut Ctx<'_>) -> Arc<Policy> {
        let row = ctx.get(DOCUMENT).map(keyed::decode::<(String, String)>);
        let read = match row {
            Some(Ok((name, document))) => baton_policy::parse(&name, &document)
                .map_err(|problems| problems.first().map_or_else(String::new, ToString::to_string)),
            Some(Err(why)) => Err(why),
            None => Err("its document is not there".to_owned()),
        };
        match read {
            Ok(policy) => self.keep(version, policy),
            Err(why) => {
                ctx.halt(format!("the policy in force, version {version}, cannot be read: {why}"));
                Arc::clone(&self.settings)
            }
        }
    }

    fn keep(&mut self, version: i64, policy: Policy) -> Arc<Policy> {
        let policy = Arc::new(policy);
        self.compiled.insert(version, Arc::clone(&policy));
        if self.compiled.len() > COMPILED {
            self.compiled.pop_first();
        }
        policy
    }
}

fn version(ctx: &mut Ctx<'_>) -> Option<i64> {
    match keyed::decode(ctx.get(VERSION)?) {
        Ok(version) => Some(version),
        Err(why) => {
            ctx.halt(format!("state of policy: {why}"));
            None
        }
    }
}
