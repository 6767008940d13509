//! A list of partitions with offsets.

use std::ptr::NonNull;

use rdkafka::bindings as rd;

use super::handle::{cstring, string};

/// An owned `rd_kafka_topic_partition_list_t`.
pub(crate) struct PartitionList(NonNull<rd::rd_kafka_topic_partition_list_t>);

impl PartitionList {
    pub(crate) fn new<'a>(parts: impl Iterator<Item = (&'a str, i32, i64)>) -> Self {
        // SAFETY: rd_kafka_topic_partition_list_new never returns null (it aborts when out of memory);
        // the entry returned by add is valid until the next add.
        unsafe {
            let list = NonNull::new_unchecked(rd::rd_kafka_topic_partition_list_new(8));
            for (topic, partition, offset) in parts {
                let topic = cstring(topic);
                let entry = rd::rd_kafka_topic_partition_list_add(list.as_ptr(), topic.as_ptr(), partition);
                (*entry).offset = offset;
            }
            Self(list)
        }
    }

    pub(crate) fn empty() -> Self {
        Self::new(std::iter::empty())
    }

    pub(crate) fn ptr(&self) -> *mut rd::rd_kafka_topic_partition_list_t {
        self.0.as_ptr()
    }

    /// Topic, partition, offset, error code of each entry.
    pub(crate) fn entries(&self) -> Vec<(String, i32, i64, rd::rd_kafka_resp_err_t)> {
        // SAFETY: the list is ours.
        unsafe { entries(self.0.as_ptr()) }
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: made by `new`, destroyed once.
        unsafe { rd::rd_kafka_topic_partition_list_destroy(self.0.as_ptr()) }
    }
}

/// # Safety
/// `list` is null or a valid list through the call.
pub(crate) unsafe fn entries(
    list: *const rd::rd_kafka_topic_partition_list_t,
) -> Vec<(String, i32, i64, rd::rd_kafka_resp_err_t)> {
    // SAFETY: as promised; `cnt` entries stand at `elems`.
    unsafe {
        let Some(list) = list.as_ref() else { return Vec::new() };
        (0..usize::try_from(list.cnt).unwrap_or(0))
            .map(|index| {
                let entry = &*list.elems.add(index);
                (string(entry.topic), entry.partition, entry.offset, entry.err)
            })
            .collect()
    }
}
