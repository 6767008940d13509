//! Where partitions end, asked from outside of whoever reads them.
//!
//! Holds: the answer is the cluster's, not the reader's: a reader that gets nothing any more is not asked.

use crate::profile::Cluster;
use crate::raw::Consumer;

/// Milliseconds for one question.
const ASK_MS: i32 = 5_000;

/// Asks for ends.
pub struct Ends {
    decided: Consumer,
    all: Consumer,
}

/// The end of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The last stable offset: what lies below it can be read.
    pub stable: i64,
    /// The high watermark, with what open transactions wrote.
    pub high: i64,
}

impl Ends {
    /// Connects lazily.
    ///
    /// # Errors
    /// When a property for reaching the cluster is not one of librdkafka's.
    pub fn new(cluster: &Cluster) -> Result<Self, String> {
        Ok(Self {
            decided: Consumer::reader(&cluster.reader("baton"))?,
            all: Consumer::reader(&cluster.probe("baton"))?,
        })
    }

    /// The end of a partition now.
    ///
    /// # Errors
    /// When the cluster does not say.
    pub fn of(&self, topic: &str, partition: i32) -> Result<End, String> {
        let end = |of: &Consumer| of.watermarks(topic, partition, ASK_MS).map_err(|error| error.to_string());
        // The one that is behind first: the other way round it could be seen ahead.
        let (_, stable) = end(&self.decided)?;
        let (_, high) = end(&self.all)?;
        Ok(End { stable, high })
    }
}
