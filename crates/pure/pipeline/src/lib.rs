//! baton-pipeline
