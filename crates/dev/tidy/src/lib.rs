//! baton-tidy
