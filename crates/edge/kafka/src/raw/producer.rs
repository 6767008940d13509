//! Producing within transactions.

use std::ffi::{c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr::NonNull;

use baton_engine::RecordHeaders;
use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaType;

use super::PartitionList;
use super::consumer::GroupMetadata;
use super::handle::{Handle, RawError, cstring};
use crate::signals::Signals;

/// A transactional producer with its topics.
pub(crate) struct Producer {
    // Destroyed before the handle: a topic left open would keep it from ending.
    topics: Vec<Topic>,
    handle: Handle,
}

struct Topic(NonNull<rd::rd_kafka_topic_t>);

// SAFETY: a topic handle may be used from any thread as long as its producer lives.
unsafe impl Send for Topic {}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: made by rd_kafka_topic_new, destroyed once.
        unsafe { rd::rd_kafka_topic_destroy(self.0.as_ptr()) }
    }
}

impl Producer {
    /// A producer for these topics, addressed by index.
    pub(crate) fn open(properties: &[(String, String)], topics: &[String]) -> Result<Self, String> {
        let handle = Handle::open(RDKafkaType::RD_KAFKA_PRODUCER, properties, false)?;
        let topics = topics
            .iter()
            .map(|name| {
                let name_c = cstring(name);
                // SAFETY: the handle is live; a null conf means the defaults.
                let topic = unsafe { rd::rd_kafka_topic_new(handle.ptr(), name_c.as_ptr(), std::ptr::null_mut()) };
                NonNull::new(topic).map(Topic).ok_or_else(|| format!("topic {name} cannot be opened for writing"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { topics, handle })
    }

    pub(crate) fn init(&self, wait_ms: i32) -> Result<(), RawError> {
        // SAFETY: the handle is live.
        RawError::take(unsafe { rd::rd_kafka_init_transactions(self.handle.ptr(), wait_ms) })
    }

    /// Waits until some broker is connected. Asked before it is, `init` pauses for half a second.
    /// Whether anybody answers is for `init` to tell.
    pub(crate) fn connect(&self, wait_ms: i32) {
        let mut metadata = std::ptr::null();
        // SAFETY: the handle is live; no topic is asked for; what the call gives is destroyed at once.
        unsafe {
            rd::rd_kafka_metadata(self.handle.ptr(), 0, std::ptr::null_mut(), &raw mut metadata, wait_ms);
            if !metadata.is_null() {
                rd::rd_kafka_metadata_destroy(metadata);
            }
        }
    }

    pub(crate) fn begin(&self) -> Result<(), RawError> {
        // SAFETY: the handle is live.
        RawError::take(unsafe { rd::rd_kafka_begin_transaction(self.handle.ptr()) })
    }

    pub(crate) fn commit(&self) -> Result<(), RawError> {
        // SAFETY: the handle is live. -1: what is left of the transaction's own time-out.
        RawError::take(unsafe { rd::rd_kafka_commit_transaction(self.handle.ptr(), -1) })
    }

    pub(crate) fn abort(&self) -> Result<(), RawError> {
        // SAFETY: the handle is live.
        RawError::take(unsafe { rd::rd_kafka_abort_transaction(self.handle.ptr(), -1) })
    }

    pub(crate) fn send_offsets(
        &self,
        offsets: &PartitionList,
        group: &GroupMetadata,
        wait_ms: i32,
    ) -> Result<(), RawError> {
        // SAFETY: all three are live through the call, which copies what it needs.
        RawError::take(unsafe {
            rd::rd_kafka_send_offsets_to_transaction(self.handle.ptr(), offsets.ptr(), group.ptr(), wait_ms)
        })
    }

    /// Queues one record; librdkafka copies key, value and headers.
    pub(crate) fn produce(
        &self,
        topic: usize,
        partition: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &(impl RecordHeaders + ?Sized),
    ) -> Result<(), RawError> {
        let Some(topic) = self.topics.get(topic) else { return Ok(()) };
        let mut fields = [blank(); 6];
        fields[0] = field(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_RKT, Value { rkt: topic.0.as_ptr() });
        fields[1] = field(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION, Value { i32_: partition });
        fields[2] = field(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_MSGFLAGS, Value { i: rd::RD_KAFKA_MSG_F_COPY });
        fields[3] = field(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE, memory(value));
        fields[4] = field(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY, memory(key));
        let mut count = 5;
        let list = header_list(headers);
        if let Some(list) = list {
            fields[5] = field(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADERS, Value { headers: list });
            count = 6;
        }
        // SAFETY: the fields are initialised by kind and live through the call; bytes are copied
        // (RD_KAFKA_MSG_F_COPY); the header list is librdkafka's on success and destroyed here otherwise.
        unsafe {
            let result = RawError::take(rd::rd_kafka_produceva(self.handle.ptr(), fields.as_ptr(), count));
            if let (Err(_), Some(list)) = (&result, list) {
                rd::rd_kafka_headers_destroy(list);
            }
            result
        }
    }

    /// Queues records without headers for one partition, in order, for half of what each would cost alone.
    /// Gives the places of those that were not taken; [`Producer::produce`] tells why.
    pub(crate) fn produce_run(&self, topic: usize, partition: i32, run: &mut Run<'_>) -> Vec<usize> {
        let Some(topic) = self.topics.get(topic) else { return Vec::new() };
        let count = c_int::try_from(run.messages.len()).unwrap_or(0);
        // SAFETY: the topic is live; the messages point to bytes that live as long as the run and are copied
        // (RD_KAFKA_MSG_F_COPY); the call writes to their error codes alone.
        let taken = unsafe {
            rd::rd_kafka_produce_batch(
                topic.0.as_ptr(),
                partition,
                rd::RD_KAFKA_MSG_F_COPY,
                run.messages.as_mut_ptr(),
                count,
            )
        };
        if taken == count {
            return Vec::new();
        }
        let refused = |message: &rd::rd_kafka_message_t| RawError::check(message.err).is_err();
        run.messages.iter().enumerate().filter(|(_, message)| refused(message)).map(|(place, _)| place).collect()
    }

    pub(crate) fn signals(&self) -> &Signals {
        self.handle.signals()
    }
}

/// Records for one partition, which borrow their bytes.
pub(crate) struct Run<'a> {
    messages: Vec<rd::rd_kafka_message_t>,
    bytes: PhantomData<&'a [u8]>,
}

impl<'a> Run<'a> {
    pub(crate) fn new() -> Self {
        Self { messages: Vec::new(), bytes: PhantomData }
    }

    pub(crate) fn push(&mut self, key: Option<&'a [u8]>, value: Option<&'a [u8]>) {
        let part = |bytes: Option<&[u8]>| {
            bytes.map_or((std::ptr::null_mut(), 0), |bytes| (bytes.as_ptr().cast_mut().cast::<c_void>(), bytes.len()))
        };
        let ((key, key_len), (payload, len)) = (part(key), part(value));
        self.messages.push(rd::rd_kafka_message_t {
            err: rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
            rkt: std::ptr::null_mut(),
            partition: 0,
            payload,
            len,
            key,
            key_len,
            offset: 0,
            _private: std::ptr::null_mut(),
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn clear(&mut self) {
        self.messages.clear();
    }

    /// Key and value of a record.
    pub(crate) fn record(&self, place: usize) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
        let Some(message) = self.messages.get(place) else { return (None, None) };
        // SAFETY: made by `push` from slices that live for 'a; a null pointer stands for none.
        let part = |bytes: *mut c_void, length| unsafe {
            (!bytes.is_null()).then(|| std::slice::from_raw_parts(bytes.cast::<u8>().cast_const(), length))
        };
        (part(message.key, message.key_len), part(message.payload, message.len))
    }
}

type Value = rd::rd_kafka_vu_s__bindgen_ty_1;

fn blank() -> rd::rd_kafka_vu_t {
    field(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_END, Value { i: 0 })
}

fn field(vtype: rd::rd_kafka_vtype_t, u: Value) -> rd::rd_kafka_vu_t {
    rd::rd_kafka_vu_t { vtype, u }
}

fn memory(bytes: Option<&[u8]>) -> Value {
    let (ptr, size) = bytes.map_or((std::ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()));
    Value { mem: rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: ptr.cast_mut().cast::<c_void>(), size } }
}

/// The headers as librdkafka wants them; `None` when there are none.
fn header_list(headers: &(impl RecordHeaders + ?Sized)) -> Option<*mut rd::rd_kafka_headers_t> {
    let mut list: *mut rd::rd_kafka_headers_t = std::ptr::null_mut();
    headers.each(&mut |name, value| {
        // An empty value has a place, an absent one has none.
        let (at, length) = value.map_or((std::ptr::null(), 0), |value| (value.as_ptr(), value.len()));
        // SAFETY: the list is made here, once; names and values are copied by each call.
        unsafe {
            if list.is_null() {
                list = rd::rd_kafka_headers_new(8);
            }
            rd::rd_kafka_header_add(
                list,
                name.as_ptr().cast::<c_char>(),
                isize::try_from(name.len()).unwrap_or(0),
                at.cast::<c_void>(),
                isize::try_from(length).unwrap_or(0),
            );
        }
    });
    (!list.is_null()).then_some(list)
}
