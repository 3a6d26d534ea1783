//! quire, the gateway: the modules of its floors, from `secret` at the bottom to `cli` at the top.
//! `ARCHITECTURE.md` has the picture.

pub mod admin_token;
pub mod catalog;
pub mod config;
pub mod document;
pub mod private_file;
pub mod route;
pub mod seal;
pub mod secret;
pub mod store;
pub mod upstream;
