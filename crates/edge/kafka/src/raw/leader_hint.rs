//! Keeps librdkafka from acting on a broker's hint of who leads a partition now.
//!
//! librdkafka 2.12 reads past the hints of an answer when one of them says "nobody" (its issue 5280), as a broker does while
//! it stops or starts: a consumer then dies of it or writes where it should not. Without the hint it asks for
//! the metadata again, as it does for every such answer anyway.
//!
//! Holds: where the linker was told to (`build.rs` of the binary), librdkafka's own call comes here; [`is_in_force`] tells.

use core::ffi::{c_int, c_void};

/// librdkafka's "handled": the caller frees what it brought.
const HANDLED: c_int = 1;

unsafe extern "C" {
    fn rd_kafka_metadata_update_op(rk: *mut c_void, metadata: *mut c_void) -> c_int;
}

/// What the linker puts in the place of `rd_kafka_metadata_update_op`.
#[unsafe(no_mangle)]
extern "C" fn __wrap_rd_kafka_metadata_update_op(_rk: *mut c_void, _metadata: *mut c_void) -> c_int {
    HANDLED
}

/// Whether this binary was linked so that hints are passed over.
pub fn is_in_force() -> bool {
    let ours: extern "C" fn(*mut c_void, *mut c_void) -> c_int = __wrap_rd_kafka_metadata_update_op;
    let called: unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int = rd_kafka_metadata_update_op;
    ours as usize == called as usize
}
