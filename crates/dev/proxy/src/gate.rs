//! What befalls everything that flows: stalls, losses, latency.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Which way frames flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the clients to the broker.
    ToBroker,
    /// From the broker to the clients.
    ToClients,
    /// Both.
    Both,
}

/// What a frame meets at the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    Free,
    Swallow,
}

#[derive(Default)]
pub(crate) struct Gate(Mutex<State>);

#[derive(Clone, Copy, Default)]
struct State {
    /// Until when: to the broker, to the clients.
    stalled: [Option<Instant>; 2],
    swallowed: [Option<Instant>; 2],
    latency: Duration,
    refuses: bool,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stall(&self, way: Way, time: Duration) {
        set(&mut self.state().stalled, way, time);
    }

    pub(crate) fn swallow(&self, way: Way, time: Duration) {
        set(&mut self.state().swallowed, way, time);
    }

    pub(crate) fn delay(&self, latency: Duration) {
        self.state().latency = latency;
    }

    pub(crate) fn refuse(&self, refuses: bool) {
        self.state().refuses = refuses;
    }

    pub(crate) fn refuses(&self) -> bool {
        self.state().refuses
    }

    pub(crate) fn heal(&self) {
        *self.state() = State::default();
    }

    /// Waits as long as frames of this way (0 to the broker, 1 to the clients) have to wait.
    pub(crate) fn pass(&self, way: usize, is_over: impl Fn() -> bool) -> Pass {
        let latency = self.state().latency;
        if !latency.is_zero() {
            std::thread::sleep(latency);
        }
        loop {
            let State { stalled, swallowed, .. } = *self.state();
            let now = Instant::now();
            if swallowed[way].is_some_and(|until| now < until) {
                return Pass::Swallow;
            }
            let Some(left) = stalled[way].map(|until| until.saturating_duration_since(now)) else { return Pass::Free };
            if left.is_zero() || is_over() {
                return Pass::Free;
            }
            // In short steps: a stall can be healed early.
            std::thread::sleep(left.min(Duration::from_millis(10)));
        }
    }
}

fn set(until: &mut [Option<Instant>; 2], way: Way, time: Duration) {
    let at = Instant::now().checked_add(time);
    if way != Way::ToClients {
        until[0] = at;
    }
    if way != Way::ToBroker {
        until[1] = at;
    }
}
