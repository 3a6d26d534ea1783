//! The Responses dialect: requests in ([`request`]), answers and events out ([`stream`]).
//!
//! [`fates`] is the closed-world table of what becomes of each member; the parser consults it for
//! whatever it does not translate itself.

pub mod fates;
pub mod fault;
mod item;
mod items;
pub mod object;
pub mod request;
pub mod stream;
mod tools;

pub use request::{Request, parse};
pub use stream::{Encoder, Head, Setting};
