//! What the bench programs share: the framing of HTTP/1.1, time stamps that travel inside text,
//! and an outbox for sockets that cannot take everything at once.
//!
//! Only what loopback peers of good will need. Nothing here defends itself against hostile input;
//! do not reach for it outside `bench/`.

pub mod http;
pub mod outbox;
pub mod slots;
pub mod stamp;
