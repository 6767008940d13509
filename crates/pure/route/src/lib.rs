//! baton-route
