//! What keeps a run from being judged, as one sentence for the person who started it.

/// The result of something that can go wrong outside of Baton.
pub(crate) type Done<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// An error out of a sentence.
pub(crate) fn trouble<T>(what: impl Into<String>) -> Done<T> {
    Err(what.into().into())
}
