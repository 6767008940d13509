//! baton-wire
