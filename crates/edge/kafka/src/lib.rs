//! baton-kafka
