//! Who is in a group, as its coordinator sees it.

use rdkafka::bindings as rd;

use super::handle::{Handle, RawError, cstring, string};

/// The id of every member of the group.
pub(crate) fn members(handle: &Handle, group: &str, wait_ms: i32) -> Result<Vec<String>, RawError> {
    let name = cstring(group);
    let mut list = std::ptr::null();
    let mut members = Vec::new();
    // SAFETY: the handle is live. On success the list is ours: it is read within its counts, what is
    // kept is copied, and it is destroyed once. Otherwise it stays null.
    unsafe {
        RawError::check(rd::rd_kafka_list_groups(handle.ptr(), name.as_ptr(), &raw mut list, wait_ms))?;
        if let Some(all) = list.as_ref() {
            let mut result = Ok(());
            for index in 0..usize::try_from(all.group_cnt).unwrap_or(0) {
                let one = &*all.groups.add(index);
                result = result.and_then(|()| RawError::check(one.err));
                for index in 0..usize::try_from(one.member_cnt).unwrap_or(0) {
                    members.push(string((*one.members.add(index)).member_id));
                }
            }
            rd::rd_kafka_group_list_destroy(list);
            result?;
        }
    }
    Ok(members)
}
