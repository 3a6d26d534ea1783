//! The dialects that quire speaks, as pure functions: bytes in, values out.
//!
//! No async, no clock, no randomness, no I/O: whatever a translation needs from outside (ids, the
//! time, a sealing key) comes in as an argument. Start with [`turn`], the internal representation;
//! [`json`] explains how text travels as raw spans without being unescaped and escaped again.

pub mod answer;
pub mod chat;
pub mod dialect;
#[doc(hidden)]
pub mod drive;
pub mod envelope;
pub mod fates;
pub mod fault;
pub mod json;
mod members;
pub mod messages;
pub mod names;
pub mod note;
pub mod partial;
pub mod pass;
pub mod paths;
pub mod read;
pub mod responses;
mod rounds;
pub mod said;
mod schema;
pub mod sse;
mod stand_in;
mod strict_schema;
pub mod target;
pub mod thought;
pub mod turn;
mod usage;
mod wrap;
pub mod written;
