//! baton-workload
