//! The dialects that quire speaks, as pure functions: bytes in, values out.
//!
//! No async, no clock, no randomness, no I/O: whatever a translation needs from outside (ids, the
//! time, a sealing key) comes in as an argument. Start with [`turn`], the internal representation;
//! [`json`] explains how text travels as raw spans without being unescaped and escaped again.

pub mod chat;
#[doc(hidden)]
pub mod drive;
pub mod envelope;
pub mod fault;
pub mod json;
pub mod note;
pub mod partial;
pub mod responses;
pub mod sse;
pub mod turn;
