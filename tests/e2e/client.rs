//! The facts of the client.
