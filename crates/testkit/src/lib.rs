//! The other side of quire's tests: a scripted, strict upstream that speaks Chat Completions,
//! Responses or Messages on loopback, judges of answers, a raw HTTP client that sees when each byte
//! arrives, and marked fake secrets.
//!
//! It shares no code with the gateway, so that a mistake made there is not repeated here. It is
//! neither fast nor complete. Start reading at [`upstream::Upstream`] and [`script::says`].

pub mod canary;
pub mod client;
mod dialect;
mod http;
pub mod judge;
pub mod script;
pub mod seal;
pub mod sse;
pub mod strict;
pub mod upstream;

pub use dialect::Dialect;
