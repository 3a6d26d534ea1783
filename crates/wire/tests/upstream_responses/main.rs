//! The Responses dialect towards upstreams: requests that strict servers accept, and answers that
//! are read the same however they are told.

mod across;
mod clients;
#[path = "../common/mod.rs"]
mod common;
mod corpus;
mod requests;
mod sparse;
mod streams;
mod targets;
