//! The Anthropic Messages dialect: requests out ([`render()`]), answers and streams in ([`decode`]).
//!
//! What a request may say to a Messages server is in [`written`], what is read of its answers in
//! [`read`].

mod cache;
mod declare;
pub mod decode;
mod history;
mod media;
mod open;
pub mod read;
pub mod render;
mod sampling;
mod schemas;
mod think;
pub mod written;

pub use decode::Decoder;
pub use render::render;
