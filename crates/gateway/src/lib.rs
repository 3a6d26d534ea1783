//! quire, the gateway: the modules of its floors, from `secret` at the bottom to `cli` at the top.
//! `ARCHITECTURE.md` has the picture.

pub mod admin;
pub mod admin_token;
pub mod attempt;
pub mod authorization;
pub mod buffers;
pub mod catalog;
pub mod cli;
pub mod codex;
pub mod config;
pub mod discovery;
pub mod document;
pub mod drain;
pub mod private_file;
pub mod route;
pub mod seal;
pub mod secret;
pub mod serve;
pub mod store;
pub mod telemetry;
pub mod upstream;

/// The version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How quire names itself to every server.
pub const USER_AGENT: &str = concat!("quire/", env!("CARGO_PKG_VERSION"));
