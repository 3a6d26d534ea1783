//! The Chat Completions dialect: requests out ([`request`]), answers and streams in
//! ([`stream`]), errors in ([`fault`]). [`Target`] says what the model at hand understands.

pub mod fault;
mod history;
pub mod names;
pub mod read;
pub mod request;
mod schema;
pub mod stream;
pub mod target;
mod think;
pub mod written;

pub use names::Names;
pub use request::{Rendered, render};
pub use stream::{Decoder, Ending};
pub use target::Target;
