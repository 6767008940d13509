//! The proxy: listens, connects, and takes orders.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::connection::Connection;
use crate::gate::{Gate, Way};
use crate::rule::{Rule, Rules, Ticket};

/// How connections end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// As when a process closes its socket.
    Clean,
    /// As when a host forgot the connection.
    Reset,
}

/// A running proxy; ends when dropped, its connections with it.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    broker: SocketAddr,
    rules: Arc<Rules>,
    gate: Arc<Gate>,
    open: Mutex<Vec<Weak<Connection>>>,
    is_over: AtomicBool,
}

impl Proxy {
    /// Listens, and passes everything on to the broker. A broker that is down closes connections.
    pub fn start(listen: impl ToSocketAddrs, broker: impl ToSocketAddrs) -> io::Result<Self> {
        let broker = broker.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let listener = TcpListener::bind(listen)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            broker,
            rules: Arc::default(),
            gate: Arc::default(),
            open: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        let listener = std::thread::spawn(move || accepting.accept(&listener));
        Ok(Self { shared, address, listener: Some(listener) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a rule after those there are.
    pub fn add(&self, rule: Rule) -> Ticket {
        self.shared.rules.add(rule)
    }

    /// Ends all connections; returns how many there were.
    pub fn cut(&self, how: Cut) -> usize {
        let open: Vec<_> = self.shared.open().iter().filter_map(Weak::upgrade).filter(|one| one.has_client()).collect();
        for connection in &open {
            match how {
                Cut::Clean => connection.close(),
                Cut::Reset => connection.reset(),
            }
        }
        open.len()
    }

    /// Nothing flows this way for so long; then all of it does, late. Both ways: connections are
    /// accepted and never answered.
    pub fn stall(&self, way: Way, time: Duration) {
        self.shared.gate.stall(way, time);
    }

    /// What flows this way for so long is lost, and the connections that lost something pass nothing
    /// more; those to the broker are closed at their next request.
    pub fn swallow(&self, way: Way, time: Duration) {
        self.shared.gate.swallow(way, time);
    }

    /// Every frame takes so much longer, each way.
    pub fn delay(&self, latency: Duration) {
        self.shared.gate.delay(latency);
    }

    /// New connections are reset at once, or accepted again.
    pub fn refuse(&self, refuses: bool) {
        self.shared.gate.refuse(refuses);
    }

    /// Takes back rules, stalls, losses, latency and refusals. Requests under way stay under way.
    pub fn heal(&self) {
        self.shared.rules.clear();
        self.shared.gate.heal();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        // Wakes the listener.
        TcpStream::connect(self.address).ok();
        if let Some(listener) = self.listener.take() {
            listener.join().ok();
        }
        self.cut(Cut::Clean);
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Vec<Weak<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(&self, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            let Ok(client) = client else { continue };
            if self.gate.refuses() {
                socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).ok();
                continue;
            }
            // On loopback an answer, yes or no, is there at once.
            let Ok(broker) = TcpStream::connect_timeout(&self.broker, Duration::from_secs(5)) else { continue };
            let connection = Connection::open(client, broker, Arc::clone(&self.rules), Arc::clone(&self.gate));
            let mut open = self.open();
            open.retain(|one| one.strong_count() > 0);
            open.push(Arc::downgrade(&connection));
            let other = Arc::clone(&connection);
            std::thread::spawn(move || connection.requests());
            std::thread::spawn(move || other.answers());
        }
    }
}
