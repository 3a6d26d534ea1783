//! The Responses dialect. Towards clients: requests in ([`parse()`]), answers and events out
//! ([`encode`]); [`fates`] is the closed-world table of what becomes of each member. Towards
//! upstreams: requests out ([`render()`], [`written`]), answers and streams in ([`decode`],
//! [`read`]).

pub mod decode;
pub mod encode;
pub mod fates;
pub mod fault;
mod flow;
mod item;
mod items;
pub mod object;
mod offer;
pub mod parse;
mod piece;
pub mod read;
pub mod render;
mod slot;
mod tally;
mod tools;
mod write_items;
pub mod written;

pub use decode::Decoder;
pub use encode::Encoder;
pub use parse::parse;
pub use render::render;
