//! baton-watch
