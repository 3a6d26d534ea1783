//! The Messages dialect towards upstreams: what a strict server is sent, and what becomes of its
//! answers.

#[path = "../common/mod.rs"]
mod common;

mod cache;
mod cases;
mod laws;
mod requests;
mod targets;
mod turns;
mod world;
