//! Passing: what happens where client and provider speak the same dialect. Nothing is translated:
//! the request changes in a few members ([`crate::envelope`], [`strip_sealed`]), the answer in the
//! model's name only, and what quire needs to know of it is read aside ([`Tap`]). Every other byte
//! stays as it came.

mod blobs;
mod lines;
mod roles;
mod tap;

pub use blobs::{Stripped, Verdict, may_hold_any, strip_sealed};
pub use roles::without_developer;
pub use tap::{Place, Tap};
