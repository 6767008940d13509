//! baton-aggregate
