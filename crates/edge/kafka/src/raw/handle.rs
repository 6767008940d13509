//! A client handle with its signals, and librdkafka's errors.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr, RDKafkaType};

use crate::signals::Signals;

/// What a callback of librdkafka may reach. Lives as long as the handle.
pub(crate) struct Opaque {
    pub(crate) signals: Arc<Signals>,
    /// Changes of the group's assignment, in order: (given or taken, partitions).
    pub(crate) changes: Mutex<Vec<(bool, Vec<i32>)>>,
}

/// A client that has not ended by then is left behind.
const END: Duration = Duration::from_secs(5);

/// One librdkafka client.
pub(crate) struct Handle {
    rk: NonNull<rd::rd_kafka_t>,
    opaque: Arc<Opaque>,
}

// SAFETY: librdkafka handles may be used from any thread; the callbacks reach only `Opaque`, whose
// parts are themselves shareable.
unsafe impl Send for Handle {}

/// An error of librdkafka with what may be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawError {
    pub(crate) code: RDKafkaErrorCode,
    pub(crate) text: String,
    pub(crate) fatal: bool,
    pub(crate) retriable: bool,
    pub(crate) abort: bool,
}

impl Handle {
    pub(crate) fn open(kind: RDKafkaType, properties: &[(String, String)], rebalance: bool) -> Result<Self, String> {
        let opaque = Arc::new(Opaque { signals: Arc::new(Signals::default()), changes: Mutex::new(Vec::new()) });
        // SAFETY: conf is made here and either destroyed on an error or handed to rd_kafka_new,
        // which owns it on success only.
        unsafe {
            let conf = rd::rd_kafka_conf_new();
            let mut text = [0; 512];
            for (name, value) in properties {
                let (name_c, value_c) = (cstring(name), cstring(value));
                let result =
                    rd::rd_kafka_conf_set(conf, name_c.as_ptr(), value_c.as_ptr(), text.as_mut_ptr(), text.len());
                if result as i32 != 0 {
                    rd::rd_kafka_conf_destroy(conf);
                    return Err(format!("kafka property {name}: {}", string(text.as_ptr())));
                }
            }
            rd::rd_kafka_conf_set_opaque(conf, Arc::as_ptr(&opaque).cast_mut().cast::<c_void>());
            rd::rd_kafka_conf_set_log_cb(conf, Some(on_log));
            // A flush, and with it a commit, looks for the last answer every 10 ms. Where reports are events it sleeps
            // until that answer instead; but then another thread must take the reports, or an abort waits for ever.
            let reports = matches!(kind, RDKafkaType::RD_KAFKA_PRODUCER);
            if reports {
                rd::rd_kafka_conf_set_events(conf, rd::RD_KAFKA_EVENT_DR);
                rd::rd_kafka_conf_set_background_event_cb(conf, Some(on_event));
            }
            if rebalance {
                rd::rd_kafka_conf_set_rebalance_cb(conf, Some(super::consumer::on_rebalance));
            }
            let rk = rd::rd_kafka_new(kind, conf, text.as_mut_ptr(), text.len());
            if let Some(rk) = NonNull::new(rk) {
                if reports {
                    serve_in_background(rk);
                }
                return Ok(Self { rk, opaque });
            }
            rd::rd_kafka_conf_destroy(conf);
            Err(string(text.as_ptr()))
        }
    }

    pub(crate) fn ptr(&self) -> *mut rd::rd_kafka_t {
        self.rk.as_ptr()
    }

    pub(crate) fn opaque(&self) -> &Opaque {
        &self.opaque
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.opaque.signals
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let end = Ending { rk: self.rk, _opaque: Arc::clone(&self.opaque) };
        let (done, is_done) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("kafka-end".to_owned()).spawn(move || {
            end.destroy();
            done.send(()).ok();
        });
        // A handle that does not end must not take its worker with it.
        if thread.is_err() || is_done.recv_timeout(END).is_err() {
            tracing::warn!("a Kafka client did not end within {} s; left to itself", END.as_secs());
        }
    }
}

/// What is needed to end a handle on a thread of its own, callbacks included.
struct Ending {
    rk: NonNull<rd::rd_kafka_t>,
    _opaque: Arc<Opaque>,
}

// SAFETY: as for `Handle`, whose last use this is.
unsafe impl Send for Ending {}

impl Ending {
    fn destroy(self) {
        // SAFETY: the last use of the pointer. Without the close: a static member keeps its place in
        // the group, and a close could wait for a broker that is gone.
        unsafe { rd::rd_kafka_destroy_flags(self.rk.as_ptr(), rd::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) }
    }
}

impl RawError {
    /// One that librdkafka did not make.
    pub(crate) fn of(code: RDKafkaErrorCode, text: &str) -> Self {
        Self { code, text: text.to_owned(), fatal: false, retriable: false, abort: false }
    }

    /// Whether an answer is missing, which says nothing of what the broker did.
    pub(crate) fn is_about_time(&self) -> bool {
        use RDKafkaErrorCode as Code;
        self.retriable
            || matches!(self.code, Code::OperationTimedOut | Code::RequestTimedOut | Code::BrokerTransportFailure)
    }

    /// From a bare error code; `Ok` for none.
    pub(crate) fn check(code: RDKafkaRespErr) -> Result<(), Self> {
        let code = RDKafkaErrorCode::from(code);
        if code == RDKafkaErrorCode::NoError {
            return Ok(());
        }
        Err(Self {
            code,
            text: code.to_string(),
            fatal: code == RDKafkaErrorCode::Fatal,
            retriable: false,
            abort: false,
        })
    }

    /// From an error object, which is destroyed; `Ok` for null.
    pub(crate) fn take(error: *mut rd::rd_kafka_error_t) -> Result<(), Self> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: the object is ours, is read before it is destroyed, and is not used after.
        unsafe {
            let taken = Self {
                code: RDKafkaErrorCode::from(rd::rd_kafka_error_code(error)),
                text: string(rd::rd_kafka_error_string(error)),
                fatal: rd::rd_kafka_error_is_fatal(error) != 0,
                retriable: rd::rd_kafka_error_is_retriable(error) != 0,
                abort: rd::rd_kafka_error_txn_requires_abort(error) != 0,
            };
            rd::rd_kafka_error_destroy(error);
            Err(taken)
        }
    }
}

impl core::fmt::Display for RawError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} ({:?})", self.text, self.code)
    }
}

pub(crate) fn cstring(text: &str) -> CString {
    CString::new(text.replace('\0', "")).unwrap_or_default()
}

/// # Safety
/// `text` is null or a C string that lives through the call.
pub(crate) unsafe fn string(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as promised by the caller.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// All that a client has to tell goes to librdkafka's own thread for it.
///
/// # Safety
/// The handle is live and was made with a callback for events.
unsafe fn serve_in_background(rk: NonNull<rd::rd_kafka_t>) {
    // SAFETY: as promised by the caller; each reference to a queue is given back.
    unsafe {
        let (main, background) =
            (rd::rd_kafka_queue_get_main(rk.as_ptr()), rd::rd_kafka_queue_get_background(rk.as_ptr()));
        rd::rd_kafka_queue_forward(main, background);
        rd::rd_kafka_queue_destroy(main);
        rd::rd_kafka_queue_destroy(background);
    }
}

/// What was refused, or undone: the transaction tells of it.
unsafe extern "C" fn on_event(_rk: *mut rd::rd_kafka_t, event: *mut rd::rd_kafka_event_t, _opaque: *mut c_void) {
    // SAFETY: the event is ours, and used no more.
    unsafe { rd::rd_kafka_event_destroy(event) }
}

unsafe extern "C" fn on_log(rk: *const rd::rd_kafka_t, level: c_int, facility: *const c_char, line: *const c_char) {
    if rk.is_null() {
        return;
    }
    // SAFETY: the opaque outlives the handle that calls, and both strings live through the call.
    unsafe {
        let opaque = rd::rd_kafka_opaque(rk).cast::<Opaque>();
        if let Some(opaque) = opaque.as_ref() {
            opaque.signals.log(level, &string(facility), &string(line));
        }
    }
}
