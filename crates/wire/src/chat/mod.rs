//! The Chat Completions dialect: requests out ([`render()`]), answers and streams in
//! ([`decode`]).

pub mod decode;
mod history;
pub mod read;
pub mod render;
mod think;
pub mod written;

pub use decode::Decoder;
pub use render::render;
