//! quire, the gateway.

pub mod catalog;
pub mod config;
pub mod document;
pub mod route;
pub mod secret;
