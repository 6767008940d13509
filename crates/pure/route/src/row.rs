//! What the router remembers, a row a thing, and how it asks for it.
//!
//! Holds: `desk` has a [`Desk`], `p/<pool>` a [`Room`], `q/<pool>/<n>` a [`Bucket`], `r/<rep>` a
//! [`Load`], `l/<lead>` a [`Lead`], `a/<company>` an [`Account`],
//! `n/r/<rep>` and `n/p/<pool>` a [`News`]. A row is bounded by the roster, or by
//! what one lead says; companies expire, and leads that are on no desk and in no queue. When a row is to be looked at
//! again stands in it.

use std::collections::BTreeMap;

use baton_domain::{AlertedLead, LeadId, LogTime, Qualifying, RepState};
use serde::{Deserialize, Serialize};

use crate::promises::Promises;

/// The rows, as the host keeps them. A `put` is visible to the next `get`.
pub trait Directory {
    /// The row of a key.
    fn get(&self, key: &str) -> Option<Row>;

    /// Sets or deletes a row, and asks for [`crate::wake`] with its key at log time `wake`.
    fn put(&mut self, key: &str, row: Option<Row>, wake: Option<LogTime>);
}

/// One thing remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Row {
    /// Where anybody waits.
    Desk(Desk),
    /// A pool's turns.
    Room(Room),
    /// A part of a pool's queue.
    Bucket(Bucket),
    /// What a rep has to do.
    Load(Load),
    /// A lead.
    Lead(Box<Lead>),
    /// A company.
    Account(Account),
    /// What a desk was not told yet.
    News(News),
}

/// Where anybody waits, and when the queues are to be served again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    /// How many wait, by pool; none at zero.
    pub waiting: BTreeMap<String, Waiting>,
    /// When somebody could next become eligible.
    pub due: Option<LogTime>,
}

/// How many wait for a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// All of them.
    pub all: u32,
    /// Those whom a release does not hold up.
    pub urgent: u32,
    /// Those with a rep of their own, whom they may go to though nobody of the pool is free.
    pub sticky: u32,
}

/// A pool's turns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Whose turn it is.
    pub turns: Vec<Turn>,
    /// When the last leads were released, rising; at most as many as the policy lets go.
    pub released: Vec<LogTime>,
    /// Members by a telling, with the weight told.
    pub joined: BTreeMap<String, Option<i64>>,
}

/// One member's turn in a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Who.
    pub rep: String,
    /// Their weight.
    pub weight: i64,
    /// What the pool owes the rep: leads due less leads given, times the weight of all.
    pub credit: i64,
    /// Leads given in all, for a balance.
    pub given: i64,
    /// The UTC day that `caught_up` counts.
    pub day: i64,
    /// Leads beyond the turns on that day.
    pub caught_up: i64,
}

/// A part of a pool's queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Who waits, in the order of service.
    pub places: BTreeMap<Place, Wants>,
}

/// A place in the queue: by urgency, then score, then age, then lead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Urgency; `P0` before `P1`.
    pub lane: String,
    /// The score in millionths of a point, negated: the highest comes first.
    pub rank: i64,
    /// When the lead became ready.
    pub since: LogTime,
    /// Who.
    pub lead_id: LeadId,
}

/// What a waiting lead asks of a desk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wants {
    /// The same for two leads that can go to the same desks.
    pub signature: u64,
    /// Whether it has a rep of its own.
    pub sticky: bool,
    /// Whether no release holds it up: it is urgent, or was let go before.
    pub passes: bool,
}

/// What a rep has to do, and what was told of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Leads on the desk.
    pub open: i64,
    /// The UTC day that `today` counts.
    pub day: i64,
    /// Leads given on it.
    pub today: i64,
    /// The week that `this_week` counts.
    pub week: i64,
    /// Leads given in it.
    pub this_week: i64,
    /// What was told last.
    pub told: Option<Box<RepState>>,
    /// When promises of theirs broke in a row, nothing done between them; rising.
    pub strikes: Vec<LogTime>,
    /// Until when they get no leads for it, unless they do something.
    pub auto_paused: Option<LogTime>,
}

/// A lead with or after an episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// The last episode; 0 where only an owner is known.
    pub episode: i32,
    /// Its handoff.
    pub handoff_id: String,
    /// Where it is.
    pub standing: Standing,
    /// Who has it or had it last.
    pub owner: Option<String>,
    /// Who must not get it again in this episode, at most 64, sorted.
    pub tried: Vec<String>,
    /// The decision, while the episode is open: another desk needs it whole.
    pub decision: Option<Qualifying>,
    /// The pool for which it counted when it became ready, for what marketing promised.
    pub counted: String,
    /// When the lead became ready.
    pub since: LogTime,
    /// How often it was told that it waits; of one on a desk, how often another was looked for again.
    pub alerts: u32,
    /// Whether the pool's release has let it go once.
    pub admitted: bool,
    /// The companies it was matched to.
    pub accounts: Vec<String>,
    /// What its owner promised.
    pub promises: Promises,
    /// When it is told that it still waits, goes to another desk, or is forgotten; at the end of time: never.
    pub due: LogTime,
    /// What it was before it asked for sales while it waited.
    pub risen: Option<Box<Risen>>,
}

/// A lead that was moved up while it waited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risen {
    /// The event by which it asked for sales.
    pub by: String,
    /// The decision as it was until then.
    pub before: Qualifying,
}

impl Lead {
    /// A lead of which nothing was heard before `since`.
    pub(crate) fn unknown(since: LogTime) -> Self {
        Self {
            episode: 0,
            handoff_id: String::new(),
            standing: Standing::Closed,
            owner: None,
            tried: Vec::new(),
            decision: None,
            counted: String::new(),
            since,
            alerts: 0,
            admitted: false,
            accounts: Vec::new(),
            promises: Promises::default(),
            due: LogTime::MAX,
            risen: None,
        }
    }
}

/// Where a lead is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// In the queue of a pool.
    Waiting {
        /// Which.
        pool: String,
        /// Where in it.
        place: Place,
        /// Since when, this time.
        from: LogTime,
    },
    /// On the desk of its owner.
    Owned {
        /// The owner's pool.
        pool: String,
    },
    /// No episode is open.
    Closed,
}

/// What is remembered of a company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Who had a lead of it last.
    pub owner: Option<String>,
    /// Leads on a desk or waiting, oldest first, at most twenty.
    pub leads: Vec<LeadId>,
    /// When it is forgotten.
    pub due: LogTime,
}

/// News of leads that a desk has, gathered since it was last told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// The rep; `None` where the leads wait for one of the pool.
    pub owner: Option<String>,
    /// The pool.
    pub pool: String,
    /// What is to be told, at most twenty leads with a hundred moments in all.
    pub leads: Vec<AlertedLead>,
    /// When the first of it came.
    pub from: LogTime,
    /// When the last of it came.
    pub until: LogTime,
    /// When it is told; with nothing to tell, when the next news is told at once again.
    pub due: LogTime,
}

impl Row {
    /// When the row is to be looked at again.
    pub fn wake(&self) -> Option<LogTime> {
        match self {
            Self::Desk(desk) => desk.due,
            Self::Lead(lead) => Some(lead.due).filter(|due| *due < LogTime::MAX),
            Self::Account(account) => Some(account.due),
            Self::News(news) => Some(news.due),
            Self::Room(_) | Self::Bucket(_) | Self::Load(_) => None,
        }
    }
}

/// The key of [`Desk`].
pub(crate) const DESK: &str = "desk";

pub(crate) fn room_key(pool: &str) -> String {
    format!("p/{pool}")
}

pub(crate) fn bucket_key(pool: &str, bucket: u64) -> String {
    format!("q/{pool}/{bucket}")
}

pub(crate) fn load_key(rep: &str) -> String {
    format!("r/{rep}")
}

pub(crate) fn lead_key(lead: &str) -> String {
    format!("l/{lead}")
}

pub(crate) fn account_key(account: &str) -> String {
    format!("a/{account}")
}

/// The key of the news of a rep's desk, or of a pool's queue.
pub(crate) fn news_key(owner: Option<&str>, pool: &str) -> String {
    owner.map_or_else(|| format!("n/p/{pool}"), |owner| format!("n/r/{owner}"))
}

/// FNV-1a over texts: the same on every machine, for ties and for spreading a queue over rows.
pub(crate) fn hash(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Reads a row of one kind; writes it with its wake-up.
macro_rules! rows {
    ($($read:ident, $write:ident, $kind:ident, $row:ty;)*) => {
        $(
            pub(crate) fn $read(dir: &impl Directory, key: &str) -> Option<$row> {
                match dir.get(key) {
                    Some(Row::$kind(row)) => Some(row),
                    _ => None,
                }
            }

            pub(crate) fn $write(dir: &mut impl Directory, key: &str, row: $row) {
                let row = Row::$kind(row);
                let wake = row.wake();
                dir.put(key, Some(row), wake);
            }
        )*
    };
}

rows! {
    desk, put_desk, Desk, Desk;
    room, put_room, Room, Room;
    bucket, put_bucket, Bucket, Bucket;
    load, put_load, Load, Load;
    lead, put_lead, Lead, Box<Lead>;
    account, put_account, Account, Account;
    news, put_news, News, News;
}
