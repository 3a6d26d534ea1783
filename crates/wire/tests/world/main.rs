//! The closed world against the tables, and the tables against what really happens.
//!
//! `corpus/world/*.txt` lists everything that a client may send. Every line must have a decision,
//! every decision must be about something, and each is tried: a request that carries the thing is
//! translated for a target that understands nothing and for one that understands all, and what
//! happens must be what the table says.

mod carrier;
mod chat;
mod chat_carrier;
mod chat_requests;
mod messages;
mod messages_carrier;
mod responses;
mod responses_out;
#[path = "../common/shown.rs"]
mod shown;
mod surroundings;
