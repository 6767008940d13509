//! What the safe admin client does not ask: a topic's id.

use std::ffi::c_char;

use rdkafka::bindings as rd;
use rdkafka::client::{Client, ClientContext};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::handle::{RawError, cstring, string};

/// The id that the cluster gave the topic when it was made: 22 letters of URL-safe base 64.
pub(crate) fn topic_id<C: ClientContext>(client: &Client<C>, topic: &str, wait_ms: i32) -> Result<String, RawError> {
    let name = cstring(topic);
    let mut names: [*const c_char; 1] = [name.as_ptr()];
    // SAFETY: the client is live through the call. What is made here (options, names, queue, event) is
    // destroyed here, once, whatever the answer; the description and its id belong to the event and
    // are copied before it goes. Null is looked for wherever librdkafka may give it.
    unsafe {
        let rk = client.native_ptr();
        let options = rd::rd_kafka_AdminOptions_new(rk, rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
        let mut text = [0; 256];
        rd::rd_kafka_AdminOptions_set_request_timeout(options, wait_ms, text.as_mut_ptr(), text.len());
        let collection = rd::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
        let queue = rd::rd_kafka_queue_new(rk);
        rd::rd_kafka_DescribeTopics(rk, collection, options, queue);
        // The request ends by its own time-out; the extra second is for an answer on its way.
        let event = rd::rd_kafka_queue_poll(queue, wait_ms.saturating_add(1_000));
        let id = described(event);
        if !event.is_null() {
            rd::rd_kafka_event_destroy(event);
        }
        rd::rd_kafka_queue_destroy(queue);
        rd::rd_kafka_TopicCollection_destroy(collection);
        rd::rd_kafka_AdminOptions_destroy(options);
        id
    }
}

/// # Safety
/// `event` is null or an event of librdkafka that lives through the call.
unsafe fn described(event: *mut rd::rd_kafka_event_t) -> Result<String, RawError> {
    // SAFETY: as promised; each pointer is looked at before it is used, and none is kept.
    unsafe {
        if event.is_null() {
            return Err(RawError::of(Code::OperationTimedOut, "no answer"));
        }
        RawError::check(rd::rd_kafka_event_error(event))?;
        let result = rd::rd_kafka_event_DescribeTopics_result(event);
        let mut count = 0;
        let topics = if result.is_null() {
            std::ptr::null_mut()
        } else {
            rd::rd_kafka_DescribeTopics_result_topics(result, &raw mut count)
        };
        if topics.is_null() || count != 1 {
            return Err(RawError::of(Code::BadMessage, "an answer without the topic"));
        }
        let error = rd::rd_kafka_TopicDescription_error(*topics);
        if !error.is_null() {
            RawError::check(rd::rd_kafka_error_code(error))?;
        }
        let id = rd::rd_kafka_TopicDescription_topic_id(*topics);
        let id = if id.is_null() { String::new() } else { string(rd::rd_kafka_Uuid_base64str(id)) };
        // All zeros: a broker from before topics had ids (Kafka 2.8).
        if id.trim_matches('A').is_empty() {
            return Err(RawError::of(
                Code::UnsupportedFeature,
                "the broker gives topics no ids; Kafka 2.8 and later do",
            ));
        }
        Ok(id)
    }
}
