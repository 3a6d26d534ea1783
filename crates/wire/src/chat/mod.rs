//! The Chat Completions dialect. Towards clients: requests in ([`parse()`]), answers and events out
//! ([`encode`]). Towards providers: requests out ([`render()`]), answers and streams in
//! ([`decode`]).
//!
//! [`fates`] is the closed-world table of what becomes of each member of a client's request,
//! [`written`] and [`read`] are those of what quire writes to providers and reads from them.

pub mod decode;
pub mod encode;
pub mod fates;
mod foreign;
mod history;
mod messages;
mod open;
pub mod parse;
mod parts;
pub mod read;
mod reasoning;
mod references;
pub mod render;
mod think;
mod tools;
mod whole;
pub mod written;

pub use decode::Decoder;
pub use encode::Encoder;
pub use parse::parse;
pub use render::render;
