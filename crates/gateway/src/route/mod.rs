//! From the name of a model to those who can answer: a pure function of the configuration. It sends
//! nothing and knows no health. Start with [`resolve`]; [`list`] is the same knowledge turned round.

mod list;
mod needs;
mod resolve;

pub use list::{Listed, list};
pub use resolve::{Candidate, NotFound, Route, resolve};

#[cfg(test)]
mod tests;
