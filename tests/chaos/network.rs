//! The network between the consumers and the broker: a proxy that can be told to fail.
//!
//! Holds: a fault lasts as long as it was asked to and no longer. Feeder, reader and tools go around
//! the proxy: they are onlookers, and their own patience is not on trial.

use std::sync::Arc;
use std::time::Duration;

use baton_proxy::{Act, Api, Cut as How, Proxy, Rule, Ticket, Way};

use crate::schedule::Cut;
use crate::trouble::Done;

/// The proxy and what it was asked to hold.
pub(crate) struct Network {
    proxy: Arc<Proxy>,
    held: Vec<(Api, Ticket)>,
}

impl Network {
    /// Stands in front of the broker.
    pub(crate) fn start(listen: &str, broker: &str) -> Done<Self> {
        Ok(Self { proxy: Arc::new(Proxy::start(listen, broker)?), held: Vec::new() })
    }

    /// Where clients find it.
    pub(crate) fn address(&self) -> String {
        self.proxy.address().to_string()
    }

    /// Misbehaves for so long.
    pub(crate) fn misbehave(&self, cut: Cut, lasts: Duration) {
        match cut {
            Cut::Reset => drop(self.proxy.cut(How::Reset)),
            // Frames already under way keep their delay; what comes after does not.
            Cut::Slow => {
                self.proxy.delay(Duration::from_millis(500));
                let proxy = Arc::clone(&self.proxy);
                std::thread::spawn(move || {
                    std::thread::sleep(lasts);
                    proxy.delay(Duration::ZERO);
                });
            }
            Cut::HalfOpen => self.proxy.stall(Way::Both, lasts),
            Cut::OneWay => self.proxy.swallow(Way::ToClients, lasts),
        }
    }

    /// The next commit arrives this late, its sender's connection closed meanwhile.
    pub(crate) fn hold_commit(&mut self, late: Duration) {
        self.hold(Api::END_TXN, late);
    }

    /// The same with consumed offsets.
    pub(crate) fn hold_offsets(&mut self, late: Duration) {
        self.hold(Api::TXN_OFFSET_COMMIT, late);
    }

    fn hold(&mut self, api: Api, late: Duration) {
        let ticket = self.proxy.add(Rule::on(api, Act::DeliverLate(late)));
        self.held.push((api, ticket));
    }

    /// How many requests of the two kinds were caught: commits, offsets.
    pub(crate) fn caught(&self) -> (usize, usize) {
        let of = |which: Api| self.held.iter().filter(|(api, _)| *api == which).map(|(_, t)| t.caught()).sum();
        (of(Api::END_TXN), of(Api::TXN_OFFSET_COMMIT))
    }

    /// Takes back whatever still fails.
    pub(crate) fn heal(&self) {
        self.proxy.heal();
    }
}
