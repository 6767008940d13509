//! Each fault between a bare client and a stand-in broker that answers every request with its number.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests and their helpers may")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use baton_proxy::{Act, Api, Cut, Proxy, Rule, Way};

const LONG: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(300);

/// Numbers of the requests that reached the broker, in order.
type Reached = Arc<Mutex<Vec<i32>>>;

fn broker() -> (SocketAddr, Reached) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let reached = Reached::default();
    let told = Arc::clone(&reached);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, reached) = (stream.unwrap(), Arc::clone(&told));
            std::thread::spawn(move || {
                let mut request = [0; 12];
                while stream.read_exact(&mut request).is_ok() {
                    reached.lock().unwrap().push(i32::from_be_bytes(request[8..].try_into().unwrap()));
                    let reply = [&[0, 0, 0, 4], &request[8..]].concat();
                    if stream.write_all(&reply).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, reached)
}

fn start() -> (Proxy, Reached) {
    let (address, reached) = broker();
    (Proxy::start("127.0.0.1:0", address).unwrap(), reached)
}

struct Client(TcpStream);

impl Client {
    fn of(proxy: &Proxy) -> Self {
        let stream = TcpStream::connect(proxy.address()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Self(stream)
    }

    fn send(&mut self, api: Api, number: i32) {
        let request = [&[0, 0, 0, 8], &api.0.to_be_bytes()[..], &[0, 1], &number.to_be_bytes()[..]].concat();
        self.0.write_all(&request).unwrap();
    }

    /// The number of the next reply, or how the connection ended.
    fn answer(&mut self) -> Result<i32, ErrorKind> {
        let mut reply = [0; 8];
        self.0.read_exact(&mut reply).map_err(|error| error.kind())?;
        Ok(i32::from_be_bytes(reply[4..].try_into().unwrap()))
    }

    fn ask(&mut self, api: Api, number: i32) -> Result<i32, ErrorKind> {
        self.send(api, number);
        self.answer()
    }
}

fn took<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}

#[test]
fn without_faults_everything_passes() {
    let (proxy, reached) = start();
    let mut client = Client::of(&proxy);
    for number in 0..100 {
        assert_eq!(client.ask(Api::PRODUCE, number), Ok(number));
    }
    assert_eq!(*reached.lock().unwrap(), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_late_request_reaches_the_broker_after_the_clients_next_connection_did() {
    let (proxy, reached) = start();
    let late = proxy.add(Rule::on(Api::END_TXN, Act::DeliverLate(PAUSE)));
    let mut client = Client::of(&proxy);
    assert_eq!(client.ask(Api::PRODUCE, 1), Ok(1));
    assert_eq!(client.ask(Api::END_TXN, 2), Err(ErrorKind::UnexpectedEof));
    assert_eq!(Client::of(&proxy).ask(Api::END_TXN, 3), Ok(3), "one request, one rule");
    // What is already on its way is not stopped by cutting the others.
    proxy.cut(Cut::Reset);
    assert!(late.await_done(1, LONG));
    assert_eq!(*reached.lock().unwrap(), [1, 3, 2]);
    assert_eq!(late.replies(), [2_i32.to_be_bytes()]);
}

#[test]
fn a_request_that_waits_to_be_told_goes_then_and_not_before() {
    let (proxy, reached) = start();
    let late = proxy.add(Rule::on(Api::END_TXN, Act::DeliverWhenTold));
    assert_eq!(Client::of(&proxy).ask(Api::END_TXN, 1), Err(ErrorKind::UnexpectedEof));
    assert_eq!(Client::of(&proxy).ask(Api::END_TXN, 2), Ok(2));
    assert!(!late.await_done(1, PAUSE), "nobody told it");
    late.tell();
    assert!(late.await_done(1, LONG));
    assert_eq!(*reached.lock().unwrap(), [2, 1]);
    assert_eq!(late.replies(), [1_i32.to_be_bytes()]);
}

#[test]
fn a_held_request_waits_and_its_connection_lives() {
    let (proxy, _) = start();
    let held = proxy.add(Rule::any(Act::Hold(PAUSE)));
    let (answer, time) = took(|| Client::of(&proxy).ask(Api::FETCH, 1));
    assert!(answer == Ok(1) && time >= PAUSE, "{answer:?} {time:?}");
    assert_eq!((held.caught(), held.await_done(1, LONG)), (1, true));
}

#[test]
fn a_lost_request_never_arrives_and_a_lost_reply_does_its_work() {
    let (proxy, reached) = start();
    proxy.add(Rule::any(Act::LoseRequest));
    let lost = proxy.add(Rule::any(Act::LoseReply));
    assert_eq!(Client::of(&proxy).ask(Api::PRODUCE, 1), Err(ErrorKind::UnexpectedEof));
    assert_eq!(Client::of(&proxy).ask(Api::PRODUCE, 2), Err(ErrorKind::UnexpectedEof));
    assert!(lost.await_done(1, LONG));
    assert_eq!(*reached.lock().unwrap(), [2]);
}

#[test]
fn a_swallowed_reply_leaves_the_connection_open_and_mute() {
    let (proxy, reached) = start();
    proxy.add(Rule::any(Act::SwallowReply));
    let mut client = Client::of(&proxy);
    client.0.set_read_timeout(Some(PAUSE)).unwrap();
    let mute = [Err(ErrorKind::WouldBlock), Err(ErrorKind::TimedOut)];
    assert!(mute.contains(&client.ask(Api::PRODUCE, 1)));
    assert!(mute.contains(&client.ask(Api::PRODUCE, 2)));
    assert_eq!(*reached.lock().unwrap(), [1, 2]);
}

#[test]
fn a_held_reply_comes_late() {
    let (proxy, reached) = start();
    let held = proxy.add(Rule::any(Act::HoldReply(PAUSE)));
    let mut client = Client::of(&proxy);
    client.send(Api::PRODUCE, 1);
    assert!(held.await_caught(1, LONG));
    let (answer, time) = took(|| client.answer());
    assert!(answer == Ok(1) && time >= PAUSE / 2, "{answer:?} {time:?}");
    assert_eq!(*reached.lock().unwrap(), [1]);
}

#[test]
fn a_cut_ends_every_connection_cleanly_or_by_reset() {
    let (proxy, _) = start();
    for (how, end) in [(Cut::Clean, ErrorKind::UnexpectedEof), (Cut::Reset, ErrorKind::ConnectionReset)] {
        let mut clients = [Client::of(&proxy), Client::of(&proxy)];
        for client in &mut clients {
            assert_eq!(client.ask(Api::FETCH, 1), Ok(1));
        }
        assert_eq!(proxy.cut(how), 2);
        for client in &mut clients {
            assert_eq!(client.answer(), Err(end), "{how:?}");
        }
    }
    assert_eq!(Client::of(&proxy).ask(Api::FETCH, 2), Ok(2), "new ones are served");
}

#[test]
fn what_is_stalled_comes_late_and_whole_and_a_stall_can_be_healed() {
    let (proxy, reached) = start();
    for way in [Way::ToBroker, Way::ToClients, Way::Both] {
        let mut client = Client::of(&proxy);
        proxy.stall(way, PAUSE);
        let (answer, time) = took(|| client.ask(Api::FETCH, 7));
        assert!(answer == Ok(7) && time >= PAUSE, "{way:?} {answer:?} {time:?}");
    }
    proxy.stall(Way::ToBroker, LONG * 10);
    let mut client = Client::of(&proxy);
    client.send(Api::FETCH, 8);
    std::thread::sleep(PAUSE);
    assert!(!reached.lock().unwrap().contains(&8));
    proxy.heal();
    assert_eq!(client.answer(), Ok(8));
}

#[test]
fn a_connection_that_lost_something_passes_nothing_after_it() {
    let (proxy, reached) = start();
    let mut client = Client::of(&proxy);
    proxy.swallow(Way::ToBroker, PAUSE);
    client.send(Api::FETCH, 1);
    std::thread::sleep(PAUSE);
    client.send(Api::FETCH, 2);
    assert_eq!(client.answer(), Err(ErrorKind::UnexpectedEof));
    assert!(reached.lock().unwrap().is_empty());
    proxy.swallow(Way::ToClients, PAUSE);
    let mut client = Client::of(&proxy);
    client.send(Api::FETCH, 3);
    std::thread::sleep(PAUSE);
    client.send(Api::FETCH, 4);
    client.0.set_read_timeout(Some(PAUSE)).unwrap();
    assert!(client.answer().is_err());
    assert_eq!(*reached.lock().unwrap(), [3, 4]);
}

#[test]
fn latency_is_paid_each_way_and_refused_connections_are_reset() {
    let (proxy, _) = start();
    proxy.delay(PAUSE / 2);
    let (answer, time) = took(|| Client::of(&proxy).ask(Api::FETCH, 1));
    assert!(answer == Ok(1) && time >= PAUSE, "{answer:?} {time:?}");
    proxy.heal();
    proxy.refuse(true);
    assert_eq!(Client::of(&proxy).answer(), Err(ErrorKind::ConnectionReset));
    proxy.refuse(false);
    assert_eq!(Client::of(&proxy).ask(Api::FETCH, 2), Ok(2));
}
