//! One client's connection: a thread for each way.

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::frame::Frame;
use crate::gate::{Gate, Pass};
use crate::rule::{Act, Caught, Rules};

/// How long a request waits to be told to go; a test that forgets it must not hang.
const WORD: Duration = Duration::from_mins(1);
/// A broker that did not answer a late request by then will not.
const LATE_REPLY: Duration = Duration::from_mins(1);

pub(crate) struct Connection {
    client: TcpStream,
    broker: TcpStream,
    rules: Arc<Rules>,
    gate: Arc<Gate>,
    /// Requests whose replies something happens to.
    caught: Mutex<BTreeMap<i32, Caught>>,
    /// The client is gone, but the broker is still to get a request.
    is_late: AtomicBool,
    is_over: AtomicBool,
}

impl Connection {
    pub(crate) fn open(client: TcpStream, broker: TcpStream, rules: Arc<Rules>, gate: Arc<Gate>) -> Arc<Self> {
        for stream in [&client, &broker] {
            stream.set_nodelay(true).ok();
        }
        Arc::new(Self {
            client,
            broker,
            rules,
            gate,
            caught: Mutex::default(),
            is_late: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        })
    }

    /// Passes requests on until either side ends.
    pub(crate) fn requests(&self) {
        let mut from = BufReader::new(&self.client);
        let mut has_lost = false;
        // A read that fails is an end like another: the client is told by the closed connection.
        while let Ok(Some(request)) = Frame::read(&mut from) {
            match self.gate.pass(0, || self.is_over.load(Ordering::Acquire)) {
                Pass::Swallow => {
                    has_lost = true;
                    continue;
                }
                Pass::Free if has_lost => break,
                Pass::Free => {}
            }
            let caught = self.rules.catch(&request);
            let act = caught.as_ref().map(|caught| caught.act);
            match act {
                Some(Act::LoseRequest) => break,
                Some(Act::Hold(time)) => std::thread::sleep(time),
                Some(Act::DeliverLate(time)) => {
                    self.leave_client();
                    std::thread::sleep(time);
                }
                Some(Act::DeliverWhenTold) => {
                    self.leave_client();
                    if !caught.as_ref().is_some_and(|caught| caught.await_word(WORD)) {
                        break;
                    }
                }
                _ => {}
            }
            let number = request.request_number();
            if let (Some(caught), Some(number)) = (caught, number) {
                self.replies().insert(number, caught);
            }
            if (&self.broker).write_all(&request.0).is_err() {
                break;
            }
            if matches!(act, Some(Act::DeliverLate(_) | Act::DeliverWhenTold)) {
                self.await_reply(number);
                break;
            }
        }
        self.close();
    }

    /// Passes replies on until either side ends.
    pub(crate) fn answers(&self) {
        let mut from = BufReader::new(&self.broker);
        let mut has_lost = false;
        while let Ok(Some(reply)) = Frame::read(&mut from) {
            let caught = reply.reply_number().and_then(|number| self.replies().remove(&number));
            if let Some(caught) = &caught {
                caught.answered(&reply);
            }
            match caught.as_ref().map(|caught| caught.act) {
                Some(Act::LoseReply) => break,
                Some(Act::SwallowReply) => has_lost = true,
                Some(Act::HoldReply(time)) => std::thread::sleep(time),
                _ => {}
            }
            if self.is_late.load(Ordering::Acquire) {
                continue;
            }
            match self.gate.pass(1, || self.is_over.load(Ordering::Acquire)) {
                Pass::Swallow => {
                    has_lost = true;
                    continue;
                }
                // A swallowed reply alone closes nothing: its client must find out by its own clock.
                Pass::Free if has_lost => continue,
                Pass::Free => {}
            }
            if (&self.client).write_all(&reply.0).is_err() && !self.is_late.load(Ordering::Acquire) {
                break;
            }
        }
        self.close();
    }

    /// From here on only the broker is spoken to.
    fn leave_client(&self) {
        self.is_late.store(true, Ordering::Release);
        self.client.shutdown(Shutdown::Both).ok();
    }

    fn replies(&self) -> MutexGuard<'_, BTreeMap<i32, Caught>> {
        self.caught.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The broker may drop what it has not looked at when the connection ends.
    fn await_reply(&self, number: Option<i32>) {
        let began = Instant::now();
        while number.is_some_and(|number| self.replies().contains_key(&number)) && began.elapsed() < LATE_REPLY {
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether the client still has it. A request on its way without one is past cutting.
    pub(crate) fn has_client(&self) -> bool {
        !self.is_late.load(Ordering::Acquire)
    }

    /// Ends it on both sides, as a process that closes its socket does.
    pub(crate) fn close(&self) {
        // After a reset nothing is said to the client any more.
        if !self.is_over.swap(true, Ordering::AcqRel) {
            self.client.shutdown(Shutdown::Both).ok();
            self.broker.shutdown(Shutdown::Both).ok();
        }
        self.replies().clear();
    }

    /// Ends it with a reset, as a host that forgot the connection does.
    pub(crate) fn reset(&self) {
        self.is_over.store(true, Ordering::Release);
        SockRef::from(&self.client).set_linger(Some(Duration::ZERO)).ok();
        // Wakes both threads without a word to the client; the last of them closes, which resets.
        self.client.shutdown(Shutdown::Read).ok();
        self.broker.shutdown(Shutdown::Both).ok();
    }
}
