//! The Chat Completions dialect.

pub mod target;

pub use target::Target;
