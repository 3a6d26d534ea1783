//! The Responses dialect: requests in ([`parse()`]), answers and events out ([`encode`]).
//!
//! [`fates`] is the closed-world table of what becomes of each member; the parser consults it for
//! whatever it does not translate itself.

pub mod encode;
pub mod fates;
pub mod fault;
mod item;
mod items;
pub mod object;
pub mod parse;
mod tools;

pub use encode::Encoder;
pub use parse::parse;
