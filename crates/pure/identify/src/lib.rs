//! baton-identify
