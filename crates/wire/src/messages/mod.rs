//! The Anthropic Messages dialect: requests in ([`parse()`]), answers and events out ([`encode`]).
//!
//! [`fates`] is the closed-world table of what becomes of each member; the parser consults it for
//! whatever it does not translate itself.

mod block;
mod blocks;
pub mod encode;
pub mod fates;
pub mod fault;
mod hosted;
mod ids;
mod known;
mod offers;
pub mod parse;
mod place;
mod settings;
mod sources;
mod tools;

pub use encode::Encoder;
pub use parse::parse;
