//! The whole gateway between a raw client and a scripted, strict upstream: what bad input gets,
//! what becomes of every kind of upstream, and what reaches the client, the log and the disk.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod blobs;
mod broken_passing;
mod canary;
mod choice;
mod commit;
mod counting;
mod dialects;
mod errors;
mod input;
mod keys;
mod leaving;
mod log;
mod models;
mod passing;
mod repeats;
mod routes;
mod stage;
