//! Producing within transactions.

use std::ffi::{c_char, c_void};
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

    /// Serves callbacks; returns at once.
    pub(crate) fn serve(&self) {
        // SAFETY: the handle is live.
        unsafe { rd::rd_kafka_poll(self.handle.ptr(), 0) };
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

    pub(crate) fn signals(&self) -> &Signals {
        self.handle.signals()
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
