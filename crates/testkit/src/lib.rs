//! A scripted, strict upstream.

pub mod judge;
