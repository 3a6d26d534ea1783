//! The Anthropic Messages dialect: requests in ([`parse()`]) and out ([`render()`]), answers out
//! ([`encode`]) and in ([`decode`]).
//!
//! [`fates`] is the closed-world table of what becomes of each member of a request; the parser
//! consults it for whatever it does not translate itself. What a request may say to a Messages
//! server is in [`written`], what is read of its answers in [`read`].

mod block;
mod blocks;
mod cache;
mod declare;
pub mod decode;
pub mod encode;
pub mod fates;
pub mod fault;
mod frames;
mod history;
mod hosted;
mod ids;
mod known;
mod media;
mod offers;
mod open;
pub mod parse;
mod place;
pub mod read;
pub mod render;
mod sampling;
mod schemas;
mod settings;
mod sources;
mod think;
mod tools;
pub mod written;

pub use decode::Decoder;
pub use encode::Encoder;
pub use parse::parse;
pub use render::render;
