//! Asks the cluster where the inputs end, on a thread of its own: what holds a worker up must not hold up the eye on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use baton_kafka::{Cluster, Ends};

use crate::health::Board;

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(5);
/// Between two looks whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Asks until `stop`. The thread is not waited for: it may hang in a question.
///
/// # Errors
/// When a property for reaching the cluster is not one of librdkafka's, or there is no thread to be had.
pub fn ask_for_ends(cluster: &Cluster, board: &Arc<Board>, stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    let ends = Ends::new(cluster).map_err(std::io::Error::other)?;
    let (board, stop) = (Arc::clone(board), Arc::clone(stop));
    let thread = std::thread::Builder::new().name("ends".to_owned()).spawn(move || {
        while !stop.load(Ordering::Acquire) {
            let parts = board.parts();
            // The others would only wait for the same broker.
            let answered = parts.iter().all(|(topic, partition)| match ends.of(topic, *partition) {
                Ok(end) => {
                    board.ends_at(topic, *partition, end, Instant::now());
                    true
                }
                Err(error) => {
                    tracing::debug!(topic, partition, error, "no answer where it ends");
                    false
                }
            });
            board.ends_asked(&parts, answered, Instant::now());
            let until = Instant::now() + ROUND;
            while Instant::now() < until && !stop.load(Ordering::Acquire) {
                std::thread::sleep(LOOK);
            }
        }
    });
    thread.map(drop)
}
