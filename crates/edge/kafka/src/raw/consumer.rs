//! Consuming: a member that only holds its place in the group, and readers with an assignment of their own.

use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

use baton_engine::{HeaderSink, RecordHeaders};
use rdkafka::bindings as rd;
use rdkafka::message::BorrowedMessage;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr, RDKafkaType};

use super::PartitionList;
use super::handle::{Handle, Opaque, RawError, cstring, string};
use super::list::entries;
use crate::signals::Signals;

/// A consumer handle.
pub(crate) struct Consumer {
    // Destroyed before the handle: a queue left open would keep it from ending.
    queue: Queue,
    handle: Handle,
    kind: Kind,
}

/// The one queue that is polled.
struct Queue(NonNull<rd::rd_kafka_queue_t>);

// SAFETY: a queue may be used from any thread as long as its consumer lives.
unsafe impl Send for Queue {}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: made by rd_kafka_queue_get_consumer, destroyed once.
        unsafe { rd::rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reader,
    Member,
}

/// Partitions that the group gave or took.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GroupChange {
    Given(Vec<i32>),
    Taken(Vec<i32>),
}

/// A record or an event of a consumer, destroyed when dropped.
#[repr(transparent)]
pub(crate) struct Message(NonNull<rd::rd_kafka_message_t>);

// SAFETY: a message is whoever's has it; librdkafka binds it to no thread.
unsafe impl Send for Message {}

impl Consumer {
    /// A consumer that is told what to read.
    pub(crate) fn reader(properties: &[(String, String)]) -> Result<Self, String> {
        Self::open(properties, Kind::Reader)
    }

    /// A member of a group, subscribed to one topic.
    pub(crate) fn member(properties: &[(String, String)], topic: &str) -> Result<Self, String> {
        let member = Self::open(properties, Kind::Member)?;
        let topics = PartitionList::new(std::iter::once((topic, -1, 0)));
        // SAFETY: the handle is live; the list is copied by the call.
        let code = unsafe { rd::rd_kafka_subscribe(member.handle.ptr(), topics.ptr()) };
        RawError::check(code).map_err(|error| error.to_string())?;
        Ok(member)
    }

    fn open(properties: &[(String, String)], kind: Kind) -> Result<Self, String> {
        let handle = Handle::open(RDKafkaType::RD_KAFKA_CONSUMER, properties, kind == Kind::Member)?;
        // SAFETY: the handle is live. Sends errors and callbacks to the one queue that is polled.
        unsafe { rd::rd_kafka_poll_set_consumer(handle.ptr()) };
        // SAFETY: the handle is live.
        let queue = NonNull::new(unsafe { rd::rd_kafka_queue_get_consumer(handle.ptr()) });
        let queue = queue.map(Queue).ok_or("a consumer without a queue")?;
        Ok(Self { queue, handle, kind })
    }

    /// The next record or event; waits up to `wait_ms`.
    pub(crate) fn poll(&self, wait_ms: i64) -> Option<Message> {
        // SAFETY: the handle is live; the message is ours and destroyed by its guard.
        let message = unsafe { rd::rd_kafka_consumer_poll(self.handle.ptr(), i32::try_from(wait_ms).unwrap_or(1_000)) };
        NonNull::new(message).map(Message)
    }

    /// Adds what is there, at most `max`, after a wait of up to `wait_ms` for the first: a third cheaper a record
    /// than to ask for each.
    pub(crate) fn fill(&self, wait_ms: i64, max: usize, batch: &mut Vec<Message>) {
        batch.extend(self.poll(wait_ms));
        if batch.is_empty() {
            return;
        }
        let from = batch.len();
        let room = max.saturating_sub(from);
        batch.reserve(room);
        // SAFETY: handle and queue are live; there is room for `room` messages behind the first `from`, a message is
        // no more than its pointer, and the call has set as many of them as it says. Without a wait: it would wait
        // until the array is full.
        unsafe {
            let free = batch.as_mut_ptr().add(from).cast::<*mut rd::rd_kafka_message_t>();
            let taken = rd::rd_kafka_consume_batch_queue(self.queue.0.as_ptr(), 0, free, room);
            batch.set_len(from + usize::try_from(taken).unwrap_or(0));
        }
    }

    /// Replaces the whole assignment.
    pub(crate) fn assign(&self, parts: &PartitionList) -> Result<(), RawError> {
        // SAFETY: the handle is live; the list is copied by the call.
        RawError::check(unsafe { rd::rd_kafka_assign(self.handle.ptr(), parts.ptr()) })
    }

    /// Starts reading the parts at their offsets, beside what is being read.
    pub(crate) fn add(&self, parts: &PartitionList) -> Result<(), RawError> {
        // SAFETY: as for `assign`.
        RawError::take(unsafe { rd::rd_kafka_incremental_assign(self.handle.ptr(), parts.ptr()) })
    }

    /// Stops reading the parts.
    pub(crate) fn remove(&self, parts: &PartitionList) -> Result<(), RawError> {
        // SAFETY: as for `assign`.
        RawError::take(unsafe { rd::rd_kafka_incremental_unassign(self.handle.ptr(), parts.ptr()) })
    }

    /// Fills in the committed offsets.
    pub(crate) fn committed(&self, parts: &PartitionList, wait_ms: i32) -> Result<(), RawError> {
        // SAFETY: the handle is live; the call fills our list in place.
        RawError::check(unsafe { rd::rd_kafka_committed(self.handle.ptr(), parts.ptr(), wait_ms) })
    }

    /// First and next offset of a partition, by this consumer's isolation level.
    pub(crate) fn watermarks(&self, topic: &str, partition: i32, wait_ms: i32) -> Result<(i64, i64), RawError> {
        let topic = cstring(topic);
        let (mut low, mut high) = (0, 0);
        // SAFETY: the handle is live; the call writes to our two numbers.
        let code = unsafe {
            rd::rd_kafka_query_watermark_offsets(
                self.handle.ptr(),
                topic.as_ptr(),
                partition,
                &raw mut low,
                &raw mut high,
                wait_ms,
            )
        };
        RawError::check(code).map(|()| (low, high))
    }

    /// The group's changes since the last call, in order.
    pub(crate) fn changes(&self) -> Vec<GroupChange> {
        let mut changes = match self.handle.opaque().changes.lock() {
            Ok(changes) => changes,
            Err(poisoned) => poisoned.into_inner(),
        };
        changes
            .drain(..)
            .map(|(given, parts)| if given { GroupChange::Given(parts) } else { GroupChange::Taken(parts) })
            .collect()
    }

    /// The group's current generation, for a transaction; `None` outside the group. Read anew for each:
    /// generations advance silently.
    pub(crate) fn group_metadata(&self) -> Option<GroupMetadata> {
        // Without a generation the broker would take the offsets of somebody who is no member at all.
        self.metadata().filter(|metadata| metadata.generation() >= 0)
    }

    /// The id that the group gave this member last; empty when it gave none.
    pub(crate) fn number(&self) -> String {
        self.metadata().map(|metadata| metadata.member()).unwrap_or_default()
    }

    fn metadata(&self) -> Option<GroupMetadata> {
        // SAFETY: the handle is live; the object is ours and destroyed by its guard.
        NonNull::new(unsafe { rd::rd_kafka_consumer_group_metadata(self.handle.ptr()) }).map(GroupMetadata)
    }

    /// The id of every member of the group.
    pub(crate) fn members(&self, group: &str, wait_ms: i32) -> Result<Vec<String>, RawError> {
        super::groups::members(&self.handle, group, wait_ms)
    }

    pub(crate) fn signals(&self) -> &Signals {
        self.handle.signals()
    }
}

impl Drop for Consumer {
    /// librdkafka waits for the answer to a rebalance it has announced, for ever: it is given.
    fn drop(&mut self) {
        // A member is given events alone, so the queue ends; a reader's might not.
        while self.kind == Kind::Member && self.poll(0).is_some() {}
    }
}

/// A member's generation.
pub(crate) struct GroupMetadata(NonNull<rd::rd_kafka_consumer_group_metadata_t>);

impl GroupMetadata {
    fn member(&self) -> String {
        // SAFETY: the object is live; its text is copied at once.
        unsafe { string(rd::rd_kafka_consumer_group_metadata_member_id(self.ptr())) }
    }

    fn generation(&self) -> i32 {
        // SAFETY: the object is live.
        unsafe { rd::rd_kafka_consumer_group_metadata_generation_id(self.ptr()) }
    }

    pub(crate) fn ptr(&self) -> *mut rd::rd_kafka_consumer_group_metadata_t {
        self.0.as_ptr()
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: made by rd_kafka_consumer_group_metadata, destroyed once.
        unsafe { rd::rd_kafka_consumer_group_metadata_destroy(self.0.as_ptr()) }
    }
}

impl Message {
    fn raw(&self) -> &rd::rd_kafka_message_t {
        // SAFETY: valid until the guard is dropped.
        unsafe { self.0.as_ref() }
    }

    /// What it reports instead of a record.
    pub(crate) fn error(&self) -> Option<(RDKafkaErrorCode, String)> {
        let code = RDKafkaErrorCode::from(self.raw().err);
        // SAFETY: the text belongs to the message and is copied at once.
        (code != RDKafkaErrorCode::NoError)
            .then(|| (code, unsafe { string(rd::rd_kafka_message_errstr(self.0.as_ptr())) }))
    }

    /// Identifies the topic as long as the consumer lives.
    pub(crate) fn topic_token(&self) -> usize {
        self.raw().rkt as usize
    }

    pub(crate) fn topic(&self) -> String {
        if self.raw().rkt.is_null() {
            return String::new();
        }
        // SAFETY: the topic lives as long as the message; its name is copied at once.
        unsafe { string(rd::rd_kafka_topic_name(self.raw().rkt)) }
    }

    pub(crate) fn partition(&self) -> i32 {
        self.raw().partition
    }

    pub(crate) fn offset(&self) -> i64 {
        self.raw().offset
    }

    /// Milliseconds; 0 when the broker gave none.
    pub(crate) fn timestamp(&self) -> i64 {
        // SAFETY: valid message; a null type pointer is allowed.
        unsafe { rd::rd_kafka_message_timestamp(self.0.as_ptr(), std::ptr::null_mut()) }.max(0)
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        let raw = self.raw();
        // SAFETY: librdkafka gives pointer and length of bytes that live as long as the message.
        (!raw.key.is_null()).then(|| unsafe { std::slice::from_raw_parts(raw.key.cast::<u8>(), raw.key_len) })
    }

    pub(crate) fn value(&self) -> Option<&[u8]> {
        let raw = self.raw();
        // SAFETY: as for `key`.
        (!raw.payload.is_null()).then(|| unsafe { std::slice::from_raw_parts(raw.payload.cast::<u8>(), raw.len) })
    }
}

/// Unpacked by librdkafka only when asked for.
impl RecordHeaders for Message {
    fn each(&self, sink: &mut HeaderSink<'_>) {
        // SAFETY: valid until the guard is dropped.
        unsafe { each_header(self.0.as_ptr(), sink) }
    }
}

/// The headers of a record of the safe client, whose own reader panics at a name that is not UTF-8.
pub fn headers_of(record: &BorrowedMessage<'_>) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut all = Vec::new();
    // SAFETY: the message is borrowed, so it lives through the call.
    unsafe {
        each_header(record.ptr(), &mut |name, value| all.push((name.to_vec(), value.map(<[u8]>::to_vec))));
    }
    all
}

/// # Safety
/// `message` is a message of librdkafka's that lives through the call.
unsafe fn each_header(message: *mut rd::rd_kafka_message_t, sink: &mut HeaderSink<'_>) {
    let mut headers = std::ptr::null_mut();
    // SAFETY: valid message, as promised; the list stays the message's and lives as long as it.
    let code = unsafe { rd::rd_kafka_message_headers(message, &raw mut headers) };
    if RDKafkaErrorCode::from(code) != RDKafkaErrorCode::NoError {
        return;
    }
    for index in 0.. {
        let (mut name, mut value, mut length) = (std::ptr::null(), std::ptr::null(), 0);
        // SAFETY: the list is live; the call writes to our three variables.
        let code =
            unsafe { rd::rd_kafka_header_get_all(headers, index, &raw mut name, &raw mut value, &raw mut length) };
        if RDKafkaErrorCode::from(code) != RDKafkaErrorCode::NoError {
            return;
        }
        // SAFETY: a name ends with NUL and a value has `length` bytes; both live as long as the list.
        unsafe {
            let value = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), length));
            sink(CStr::from_ptr(name).to_bytes(), value);
        }
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({}[{}]@{})", self.topic(), self.partition(), self.offset())
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: made by rd_kafka_consumer_poll, destroyed once.
        unsafe { rd::rd_kafka_message_destroy(self.0.as_ptr()) }
    }
}

/// Acknowledges a change of the group with an empty assignment: the member reads nothing itself.
pub(crate) unsafe extern "C" fn on_rebalance(
    rk: *mut rd::rd_kafka_t,
    code: RDKafkaRespErr,
    parts: *mut rd::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    let given = RDKafkaErrorCode::from(code) == RDKafkaErrorCode::AssignPartitions;
    // SAFETY: called by librdkafka on the polling thread with a live handle, a list that lives
    // through the call, and the opaque that `Handle` set, which outlives the handle.
    unsafe {
        let nothing = PartitionList::empty();
        let result = if given {
            rd::rd_kafka_incremental_assign(rk, nothing.ptr())
        } else {
            rd::rd_kafka_incremental_unassign(rk, nothing.ptr())
        };
        if let Err(error) = RawError::take(result) {
            tracing::warn!(%error, "could not acknowledge a rebalance");
        }
        if let Some(opaque) = opaque.cast::<Opaque>().as_ref() {
            let parts = entries(parts).into_iter().map(|(_, partition, _, _)| partition).collect();
            if let Ok(mut changes) = opaque.changes.lock() {
                changes.push((given, parts));
            }
        }
    }
}
