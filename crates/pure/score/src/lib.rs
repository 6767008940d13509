//! baton-score
