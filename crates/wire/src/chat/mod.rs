//! The Chat Completions dialect: requests out ([`request`]), answers and streams in ([`answer`],
//! [`stream`]). [`Target`] says what the model at hand understands.

mod history;
pub mod names;
pub mod request;
mod schema;
pub mod target;

pub use names::Names;
pub use request::{Rendered, render};
pub use target::Target;
