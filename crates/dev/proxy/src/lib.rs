//! A proxy between Kafka clients and one broker that reads the frames it passes on, for tests.
//!
//! It can deliver one kind of request late, lose its reply, cut, stall or swallow what flows. The
//! broker must advertise the proxy's address (`kafka.sh start` of the test profile does), so nothing
//! that passes is rewritten.
//!
//! Holds: without a rule or a fault, bytes pass unchanged and in order; a frame is passed whole or
//! not at all; a connection that lost a frame passes nothing after it, as TCP would have it.
//! Absent on purpose: TLS (frames could not be read), several brokers (one proxy each), chance (the
//! caller's seed decides).
//!
//! ```no_run
//! use std::time::Duration;
//! use baton_proxy::{Act, Api, Proxy, Rule};
//!
//! let proxy = Proxy::start("127.0.0.1:29092", "127.0.0.1:29093")?;
//! let held = proxy.add(Rule::on(Api::END_TXN, Act::DeliverLate(Duration::from_secs(6))).of("route-0"));
//! // ... let the client commit ...
//! assert!(held.await_done(1, Duration::from_secs(30)));
//! # Ok::<(), std::io::Error>(())
//! ```

mod connection;
mod frame;
mod gate;
mod proxy;
mod rule;

pub use frame::Api;
pub use gate::Way;
pub use proxy::{Cut, Proxy};
pub use rule::{Act, Rule, Ticket};
