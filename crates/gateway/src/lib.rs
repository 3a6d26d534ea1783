//! quire, the gateway.

pub mod admin_token;
pub mod private_file;
pub mod seal;
pub mod store;
